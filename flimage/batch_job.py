"""Correct one recording of a batch, or find that it was corrected before.

A recording is skipped when its output is there and was made from the same file with the same
recipe. The file is told apart by name, size and time of its last change, which are stored with the
output.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import h5py

from .attributes import read_text
from .compression import Compression
from .errors import Cancelled, FileFormatError, FlimageError, InputError
from .output import atomic_output
from .progress import Progress, ignore_progress
from .readers import shown_name
from .storage import open_file
from .verdict import GRADE_WORDS, Grade

if TYPE_CHECKING:
    from .bleach import BleachFit
    from .provenance import Origin, Provenance
    from .recipe import Recipe
    from .source import FrameSource

__all__ = ["Job", "Outcome", "Status", "run_job"]

#: Attribute of the output's series group that tells which file it was made from (JSON).
IDENTITY = "batch source"

#: Points of a trace that an outcome carries, for the summary.
_TRACE_POINTS = 120

#: What a person reads for a recording that was corrected, by grade.
_WORDS: dict[Grade, str] = {
    "good": "corrected",
    "caution": GRADE_WORDS["caution"].lower(),
    "refused": f"{GRADE_WORDS['refused'].lower()} (gain 1)",
}

Status = Literal["corrected", "refused", "unchanged", "failed"]


@dataclass(frozen=True)
class Job:
    """One recording to correct.

    Parameters
    ----------
    source
        The series file, or a recording in a foreign format, which is converted first.
    out
        The corrected file.
    recipe
        All settings.
    group
        HDF5 group of the series; by default the only one in the file.
    overwrite
        Replace an output that was made from another file or with another recipe.
    compression
        ``"fast"``, ``"balanced"`` or ``"small"``.
    page
        HTML page with the report of this recording, if one is wanted.
    suitable_border
        Take the border that suits the size of the frames, whatever the recipe says.
    """

    source: Path
    out: Path
    recipe: Recipe
    group: str | None = None
    overwrite: bool = False
    compression: Compression = "balanced"
    page: Path | None = None
    suitable_border: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of one recording.

    Parameters
    ----------
    job
        What was to be done.
    status
        ``"corrected"``; ``"refused"``: written with gain 1, because the recording cannot be
        corrected; ``"unchanged"``: the output was there already; ``"failed"``: nothing was
        written.
    sentence
        Verdict, or what went wrong.
    seconds
        How long it took [s].
    facts
        Numbers of the fit, empty after a failure: ``frames``, ``model``, ``grade``, ``reasons``,
        ``gain``, ``r_squared``, ``reduced_chi2``, ``parameters`` and the thinned-out ``trace``.
    """

    job: Job
    status: Status
    sentence: str
    seconds: float = 0.0
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def grade(self) -> Grade:
        """How far the result can be used; ``"refused"`` also where nothing was written."""
        return "refused" if self.status == "failed" else self.facts["grade"]

    @property
    def words(self) -> str:
        """What a person reads for the status: in the words of the verdict, as in the window."""
        if self.status == "failed":
            return "failed"
        if self.status == "unchanged":
            verdict = GRADE_WORDS[self.grade].lower()
            return "unchanged" if self.grade == "good" else f"unchanged ({verdict})"
        return _WORDS[self.grade]


def run_job(job: Job, progress: Progress = ignore_progress) -> Outcome:
    """Correct one recording; whatever goes wrong becomes part of the outcome.

    Parameters
    ----------
    job
        What is to be done.
    progress
        Called as ``progress(done, total, stage)``; what it raises is passed on.
    """
    start = time.monotonic()
    try:
        outcome = _correct(job, progress)
    except (Cancelled, KeyboardInterrupt):
        raise
    except (FlimageError, OSError) as error:
        outcome = Outcome(job, "failed", " ".join(str(error).split()))
    # One recording must not stop the others, whatever is wrong with it.
    except Exception as error:
        text = " ".join(str(error).split())
        outcome = Outcome(job, "failed", f"Unexpected error ({type(error).__name__}: {text}).")
    return replace(outcome, seconds=time.monotonic() - start)


def _correct(job: Job, progress: Progress) -> Outcome:
    from . import batch_source, correct

    # Before reading: a file that changes meanwhile will then be corrected again.
    identity = batch_source.identity(job)
    if job.out.exists():
        known = _done_before(job, identity)
        if known is not None:
            return known
    with (
        atomic_output(job.out, overwrite=job.overwrite, source=job.source) as temporary,
        batch_source.open_source(job, progress) as opened,
    ):
        source, before = opened.source, opened.before
        recipe = _recipe_for(job, source.shape, before)
        with h5py.File(temporary, "w") as file:
            result = correct.run(
                source, recipe, file, progress=opened.progress, compression=job.compression
            )
            file.attrs[IDENTITY] = json.dumps(identity)
        if job.page is not None:
            _write_page(job.page, source, result.fit)
        values = result.fit.to_dict()
    return _outcome(job, "corrected", values, before)


def _recipe_for(job: Job, shape: tuple[int, int], before: Origin | None) -> Recipe:
    """Return the settings for the frames of a recording."""
    from .background import suitable_border

    if not job.suitable_border:
        return job.recipe
    # The background of a corrected series is gone already.
    return job.recipe.replace(border_px=0 if before else suitable_border(shape))


def _outcome(job: Job, status: Status, values: Mapping[str, Any], before: Origin | None) -> Outcome:
    """Say what a fit came to, and whether the recording had been corrected before."""
    facts, sentence = _facts(values), values["verdict"]["sentence"]
    if facts["grade"] not in GRADE_WORDS:
        raise FileFormatError(
            f"{job.out}: the record of the bleach correction is damaged (verdict"
            f" {facts['grade']!r}); allow it to be overwritten."
        )
    if status == "corrected" and facts["grade"] == "refused":
        status = "refused"
    if before is not None:
        # However well the curve fits: its verdict knows nothing of the first correction.
        facts["grade"] = "caution" if facts["grade"] == "good" else facts["grade"]
        sentence = f"{before.warning(shown_name(job.source))} {sentence}"
    return Outcome(job, status, sentence, 0, facts)


def _stored_identity(file: h5py.File) -> Any:
    """Read what an output says it was made from; None where that cannot be understood."""
    try:
        return json.loads(read_text(file, IDENTITY) or "null")
    except (ValueError, RecursionError):
        return None


def _done_before(job: Job, identity: Mapping[str, Any]) -> Outcome | None:
    """Outcome of an output that is there and still right; None when it is to be made anew."""
    from . import provenance
    from .batch_source import look

    why = "it was not written by a batch"
    with open_file(job.out) as file:
        record = provenance.read(file) if IDENTITY in file.attrs else None
        if record is not None:
            if _stored_identity(file) != identity:
                why = "it was made from another recording, or one that has changed"
            else:
                shape, before = look(job)
                if _recipe_for(job, shape, before) == record.recipe:
                    _write_missing_page(job, record)
                    return _outcome(job, "unchanged", record.fit, before)
                why = "it was made with other settings"
    if job.overwrite:
        return None
    raise InputError(f"{job.out} exists already, and {why}; allow it to be overwritten.")


def _write_missing_page(job: Job, record: Provenance) -> None:
    """Write the report of a recording that was corrected before, where it is not there yet."""
    if job.page is None:
        return
    written = job.page.stat().st_mtime_ns if job.page.exists() else 0
    if written >= job.out.stat().st_mtime_ns:
        return
    from . import correct
    from .batch_source import open_source

    with open_source(job, ignore_progress) as opened:
        _write_page(job.page, opened.source, correct.run(opened.source, record.recipe).fit)


def _write_page(path: Path, source: FrameSource, fit: BleachFit) -> None:
    """Write the report of one recording."""
    from .export import write_report_page
    from .export.report_page import pictures_of

    pictures = pictures_of(source, fit)
    write_report_page(source, fit.to_dict(), path, pictures=pictures, overwrite=True)


def _facts(fit: Mapping[str, Any]) -> dict[str, Any]:
    """Pick from a fit what the summary shows."""
    count = len(fit["times"])
    step = max(1, math.ceil(count / _TRACE_POINTS))
    pixels = max(int(fit["region_pixels"]), 1)
    found = [*fit["parameters"], *([fit["half_life"]] if fit["half_life"] else [])]
    return {
        "frames": count,
        "model": fit["model"],
        "grade": fit["verdict"]["grade"],
        "reasons": [r["code"] for r in fit["verdict"]["reasons"] if r["severity"] != "info"],
        "gain": max(fit["gain"]),
        "r_squared": fit["r_squared"],
        "reduced_chi2": fit["reduced_chi2"],
        "background": sum(fit["background"]) / count,
        "outliers": len(fit["outliers"]),
        "parameters": {p["name"]: (p["value"], p["low"], p["high"], p["unit"]) for p in found},
        "trace": {
            "times": fit["times"][::step],
            "level": [None if v is None else v / pixels for v in fit["intensity"][::step]],
            "curve": [None if v is None else v / pixels for v in fit["curve"][::step]],
        },
    }
