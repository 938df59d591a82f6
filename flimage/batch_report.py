"""Sum up a batch: one row per recording, as CSV for scripts and as HTML for people."""

from __future__ import annotations

import datetime
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from ._version import __version__
from .batch_job import Outcome
from .export.table import write_columns
from .htmlpage import badge, definition_table, page, safe, table
from .output import atomic_output
from .quantities import format_count, format_duration, format_estimate, format_number
from .readers import shown_name
from .svgplot import sparkline
from .verdict import Grade

__all__ = [
    "counts",
    "summary_sentence",
    "write_summaries",
    "write_summary_csv",
    "write_summary_page",
]

#: Grades, the most welcome first.
_GRADES: tuple[Grade, ...] = ("good", "caution", "refused")


def counts(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """Count the outcomes by what a person reads for them, the most welcome first."""

    def rank(outcome: Outcome) -> tuple[bool, bool, int]:
        failed, unchanged = outcome.status == "failed", outcome.status == "unchanged"
        return failed, unchanged, _GRADES.index(outcome.grade)

    return dict(Counter(outcome.words for outcome in sorted(outcomes, key=rank)))


def summary_sentence(outcomes: Sequence[Outcome]) -> str:
    """Say in one line what came of a batch."""
    parts = ", ".join(f"{number} {name}" for name, number in counts(outcomes).items())
    return f"{format_count(len(outcomes), 'recording')}: {parts}."


def write_summary_csv(
    outcomes: Sequence[Outcome], path: str | os.PathLike[str], *, overwrite: bool = False
) -> Path:
    """Write one row per recording as CSV, with units in the header.

    Parameters
    ----------
    outcomes
        What :func:`flimage.batch.run_batch` returned.
    path
        The file.
    overwrite
        Replace an existing file.
    """
    names: dict[str, str] = {}
    for outcome in outcomes:
        for name, values in outcome.facts.get("parameters", {}).items():
            names.setdefault(name, values[3])
    columns: dict[str, list[Any]] = {
        "recording": [str(outcome.job.source) for outcome in outcomes],
        "status": [outcome.words for outcome in outcomes],
        "output": [_output(outcome) for outcome in outcomes],
        "verdict": [outcome.facts.get("grade") for outcome in outcomes],
        "remark": [outcome.sentence for outcome in outcomes],
        "reasons": [" ".join(outcome.facts.get("reasons", ())) for outcome in outcomes],
        "frames": [outcome.facts.get("frames") for outcome in outcomes],
        "model": [outcome.facts.get("model") for outcome in outcomes],
    }
    for name, unit in names.items():
        for position, what in enumerate(("", " low 95 %", " high 95 %")):
            columns[f"{name}{what} [{unit or '1'}]"] = [
                outcome.facts.get("parameters", {}).get(name, (None,) * 4)[position]
                for outcome in outcomes
            ]
    for key, header in {
        "background": "background [counts/px]",
        "gain": "largest gain [1]",
        "r_squared": "R squared [1]",
        "reduced_chi2": "reduced chi squared [1]",
        "outliers": "outliers [frames]",
    }.items():
        columns[header] = [outcome.facts.get(key) for outcome in outcomes]
    columns["duration [s]"] = [round(outcome.seconds, 3) for outcome in outcomes]
    return write_columns(path, columns, overwrite=overwrite)


def write_summaries(outcomes: Sequence[Outcome], folder: Path) -> tuple[Path, Path]:
    """Write ``summary.csv`` and ``summary.html`` into the folder of the results.

    What an older batch has left there is replaced: a summary belongs to what is in the folder now.

    Parameters
    ----------
    outcomes
        What :func:`flimage.batch.run_batch` returned.
    folder
        Where the corrected files are.

    Returns
    -------
    table, page : pathlib.Path
        The files.
    """
    return (
        write_summary_csv(outcomes, folder / "summary.csv", overwrite=True),
        write_summary_page(outcomes, folder / "summary.html", overwrite=True),
    )


def _output(outcome: Outcome) -> str:
    return "" if outcome.status == "failed" else str(outcome.job.out)


def write_summary_page(
    outcomes: Sequence[Outcome],
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
) -> Path:
    """Write one row per recording, with its trace, as an HTML page that stands alone.

    Parameters
    ----------
    outcomes
        What :func:`flimage.batch.run_batch` returned.
    path
        The file.
    overwrite
        Replace an existing file.
    """
    path = Path(path)
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    done = [outcome for outcome in outcomes if outcome.status != "failed"]
    # What needs a person stands first.
    done.sort(key=lambda outcome: -_GRADES.index(outcome.grade))
    body = [
        "<h1>Bleach correction of a batch</h1>",
        f"<p>{safe(summary_sentence(outcomes))}</p>",
    ]
    if failed:
        rows = [[safe(shown_name(o.job.source)), safe(o.sentence)] for o in failed]
        body += ["<h2>Failed</h2>", table(["recording", "what went wrong"], rows)]
    if done:
        names = "recording,state,verdict,trace and fit,model,half-life,gain,R²"
        header = names.split(",")
        body += ["<h2>Written</h2>", table(header, [_row(o, path.parent) for o in done])]
    now = datetime.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z").strip()
    recipes = {outcome.job.recipe.to_json() for outcome in outcomes}
    body += [
        "<h2>Provenance</h2>",
        definition_table([("written", now), ("software", f"flimage {__version__}")]),
        *(f"<details><summary>Recipe</summary><pre>{safe(r)}</pre></details>" for r in recipes),
    ]
    with atomic_output(path, overwrite=overwrite) as temporary:
        text = page("Bleach correction of a batch", "\n".join(body))
        temporary.write_text(text, encoding="utf-8", errors="replace")
    return path


def _row(outcome: Outcome, folder: Path) -> list[str]:
    facts = outcome.facts
    name = safe(shown_name(outcome.job.source))
    report = outcome.job.page
    if report is not None and report.exists() and report.parent == folder.absolute():
        name = f'<a href="{safe(quote(os.fsencode(report.name)))}">{name}</a>'
    r_squared = facts["r_squared"]
    return [
        f"{name}<br><span class='faint'>{safe(format_count(facts['frames'], 'frame'))}</span>",
        badge(outcome.grade, outcome.words),
        safe(outcome.sentence),
        _trace(facts["trace"]),
        safe(facts["model"]),
        f'<span class="number">{safe(_half_life(facts["parameters"]))}</span>',
        safe(format_number(facts["gain"])),
        "–" if r_squared is None else f"{r_squared:.4f}",
    ]


def _half_life(parameters: Mapping[str, Any]) -> str:
    for name, (value, low, high, unit) in parameters.items():
        if name.startswith("half") and value is not None:
            if unit == "s" and low is None:
                return format_duration(value)
            estimate, interval, symbol = format_estimate(value, None, low, high, unit)
            return f"{estimate} ({interval}) {symbol}".strip()
    return "–"


def _trace(trace: Mapping[str, Sequence[float | None]]) -> str:
    times, level, curve = (
        np.array([np.nan if v is None else v for v in trace[name]], dtype=float)
        for name in ("times", "level", "curve")
    )
    return sparkline(times, level, curve)
