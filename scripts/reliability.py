"""Write the page on reliability from what the torture scripts have found.

Run with ``python scripts/reliability.py``: it reads ``build/torture/*.json`` and writes
``docs/reliability.md``.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
FOUND = ROOT / "build" / "torture"
PAGE = ROOT / "docs" / "reliability.md"

#: Scripts in the order of the page, with the headings of their sections.
TITLES = {
    "crash": "Crash",
    "power_cut": "Power cut",
    "journal_crash": "Unsaved work",
    "disk": "Disk and system",
    "damaged": "Damaged files",
    "damaged_formats": "Damaged files in other formats",
    "damaged_window": "Damaged files in the window",
    "hostile": "Hostile files",
    "odd_numbers": "Odd numbers",
    "concurrency": "Several windows and programs",
    "long_use": "Long use",
    "supply_chain": "Versions of dependencies",
}

HEAD = """# Reliability

Recordings cannot be repeated, and files come from strangers. So faults are injected on purpose: the
program is killed, the disk filled, files damaged. This page states what flimage promises and what
was tried to break each promise; a script writes it from what the others have found
(`make torture`; `TORTURE_SCALE=0.1` makes it a tenth as long). A shortened run of each is part of
the tests.
"""

TAIL = """

## What is not promised

* A file that was cut off in front of the list of its frames cannot be read, also not by
  `flimage recover`; neither can one whose header is gone.
* Code that opens a file for writing with `FLSeries(path, h5mode="a")` changes it in place, as
  HDF5 does: a crash in the middle may damage it. The window and the command line never do that.
* A result that is written into a group of a file which is open already is as safe as that file.
* A disk that says it has written what it has not cannot be seen through.
* Temporary files of a program that was killed on another computer stay for a week.
"""


def main() -> int:
    """Write the page; return the exit code."""
    found = {path.stem: json.loads(path.read_text("utf-8")) for path in FOUND.glob("*.json")}
    runs = found.pop("runs", [])
    if not found:
        print(f"There is nothing in {FOUND}; run the scripts of tests/torture first.")
        return 1
    order = [*(name for name in TITLES if name in found), *sorted(found.keys() - TITLES.keys())]
    rows = ["| promise about | tried | defects left | time | seeds |", "|---|---|---|---|---|"]
    sections = []
    for name in order:
        each = found[name]
        title = TITLES.get(name, name.replace("_", " ").capitalize())
        rows.append(
            f"| {title} | {_runs(each['runs'])} | {len(each['defects'])} |"
            f" {each['seconds'] / 60:.1f} min | {', '.join(map(str, each['seeds'])) or 'none'} |"
        )
        sections.append(_section(title, name, each))
    sections += [_last_runs(runs, found)] if runs else []
    sections.append(_not_tried(found))
    PAGE.write_text("\n".join([HEAD, *rows, *sections]) + TAIL, encoding="utf-8")
    print(PAGE)
    return 0


def _last_runs(runs: list[dict[str, Any]], found: dict[str, Any]) -> str:
    lines = ["\n## The last runs\n"]
    for run in runs:
        broken = "no defect"
        if run["not kept"]:
            broken = f"not kept: {', '.join(run['not kept'])}"
            if not any(each["defects"] for each in found.values()):
                broken += ", which was mended, and run anew for the sections above"
        lines.append(
            f"* `make torture TORTURE_SCALE={run['scale']:g}` of {', '.join(run['scripts'])}, seed"
            f" {run['seed']}: {run['minutes']} minutes on {run['date']}, Python {run['python']},"
            f" {run['processors']} processors; {broken}."
        )
    return "\n".join(lines)


def _not_tried(found: dict[str, Any]) -> str:
    """Say what was left out, by what the figures hold."""
    lines = [
        "* Windows and macOS.",
        "* Disks that say they have flushed what they have not.",
    ]
    disk = found.get("disk", {}).get("runs", {})
    if not any(name.startswith("quota (") for name in disk):
        lines.append("* A quota that the system enforces: no disk with one could be mounted.")
    if not any(name.startswith("disk full") for name in disk):
        lines.append("* A disk that is full: none could be mounted.")
    if "power_cut" not in found:
        lines.append("* Power cuts: no disk could be mounted.")
    if "supply_chain" not in found:
        lines.append(
            "* The whole suite with the oldest and newest dependencies since the last changes"
            " (`python -m tests.torture.supply_chain`)."
        )
    formats = found.get("damaged_formats", {}).get("details", {})
    if "nd2" not in json.dumps(formats):
        lines.append("* Damaged ND2 files: a real one has to be there (`FLIMAGE_TEST_ND2`).")
    return "\n## What was not tried\n\n" + "\n".join(lines)


def _runs(runs: dict[str, Any]) -> str:
    return "; ".join(f"{_plain(value)} {name}" for name, value in runs.items())


def _section(title: str, name: str, found: dict[str, Any]) -> str:
    lines = [f"\n## {title}\n", f"{found['promise']}\n"]
    for what, value in found["details"].items():
        if what != "rows":
            lines.append(f"* {what}: {_value(value)}")
    lines += [f"* not kept: {defect}" for defect in map(_one_line, found["defects"][:20])]
    script = {"long_use": "window_actions", "damaged_formats": "damaged"}.get(name, name)
    lines.append(f"\n`tests/torture/{script}.py`, {found['date']}.")
    return "\n".join(lines)


def _one_line(text: str) -> str:
    return " ".join(text.split())[:300]


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {_plain(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", then ".join(_plain(each) for each in value)
    return _plain(value)


def _plain(value: Any) -> str:
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else str(value)


if __name__ == "__main__":
    sys.exit(main())
