"""Measure how quick the window is, beside a bare one, and write ``docs/performance-window.md``.

The bare window (:mod:`benchmarks.window_bare`) is a PyQt5 widget that reads a frame with h5py and
paints a QImage: the least that a viewer can do. Both windows run in a process of their own, in the
same run, on the same recordings, and frames are counted when they are painted. Run it with
``make bench`` or ``python -m benchmarks.window``; nothing else should keep the machine busy.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from .performance import machine, megabytes
from .window_runs import Bench, Result, RunError, display

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "performance-window.md"
#: Runs for the first frame, which is over quickly and so more easily disturbed than the others.
FIRST_RUNS = 5


# --- the table ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """A line of the table."""

    what: str
    ours: str
    bare: str = "–"
    ratio: str = "–"
    wanted: str = "–"
    met: bool | None = None

    def text(self) -> str:
        """Write it in Markdown."""
        met = {None: "", True: "yes", False: "**no**"}[self.met]
        cells = (self.what, self.ours, self.bare, self.ratio, self.wanted, met)
        return f"| {' | '.join(cells)} |"


def percentile(values: list[float], share: float) -> float:
    """Return the value that a share of all does not exceed."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def milliseconds(value: float) -> str:
    """Write a time."""
    return f"{1e3 * value:.0f} ms" if value >= 0.1 else f"{1e3 * value:.1f} ms"


def quickest(results: list[Result], name: str) -> float:
    """Return the smallest of all runs."""
    return float(min(result[name] for result in results))


def first_frame(bench: Bench, count: int, size: int, limit: float | None) -> list[Row]:
    """Time the first frame on the screen, from the start of the process."""
    times = max(bench.repeats, FIRST_RUNS)
    ours, bare = bench.both("first", bench.recording(count, size), times)
    rows = []
    for moment, what in (
        ("first", "first frame on the screen"),
        ("complete", "… in the complete window, which answers"),
    ):
        mine = quickest(ours, moment)
        theirs = quickest(bare, "first")
        ratio = mine / theirs
        aim = limit if moment == "first" else None
        rows.append(
            Row(
                f"{what}, {count} × {size}²",
                milliseconds(mine),
                milliseconds(theirs),
                f"{ratio:.2f}×",
                "–" if aim is None else f"≤ {aim:g}×",
                None if aim is None else ratio <= aim,
            )
        )
    return rows


def stepping(bench: Bench, count: int, size: int) -> list[Row]:
    """Time how long a frame takes that was not looked at before."""
    ours, bare = bench.both("step", bench.recording(count, size))
    rows = []
    for name, what, theirs in (
        ("jumps", "jump to any frame", "jumps"),
        ("steps", "step to the next frame", "jumps"),
    ):
        # The run that other programs disturbed least.
        mine = min((run[name] for run in ours), key=lambda took: percentile(took, 0.95))
        other = min((run[theirs] for run in bare), key=lambda took: percentile(took, 0.95))
        for share, word in ((0.5, "median"), (0.95, "p95")):
            value, beside = percentile(mine, share), percentile(other, share)
            rows.append(
                Row(
                    f"{what}, {size}², {word}",
                    milliseconds(value),
                    milliseconds(beside),
                    f"{value / beside:.2f}×",
                    "≤ 10 ms",
                    value <= 0.010,
                )
            )
    return rows


def swinging(bench: Bench, count: int, size: int) -> list[Row]:
    """Count how many frames per second are painted while going to and fro."""
    ours, bare = bench.both("swing", bench.recording(count, size))
    mine, theirs = (
        max(run["painted"] / run["seconds"] for run in results) for results in (ours, bare)
    )
    return [
        Row(
            f"to and fro over four frames of {size}², painted",
            f"{mine:.0f} / s",
            f"{theirs:.0f} / s",
            f"{mine / theirs:.1f}×",
            "≥ 60 / s",
            mine >= 60,
        )
    ]


def memory(bench: Bench, count: int, size: int, limit: float | None = 1.5) -> list[Row]:
    """Compare the largest memory while looking through a recording."""
    # Each time nearly the same, and long.
    ours, bare = bench.both("browse", bench.recording(count, size), 1)
    mine, theirs = quickest(ours, "peak"), quickest(bare, "peak")
    ratio = mine / theirs
    return [
        Row(
            f"peak memory, opened, measured and looked through, {count} × {size}²",
            megabytes(mine),
            megabytes(theirs),
            f"{ratio:.2f}×",
            "–" if limit is None else f"≤ {limit:g}×",
            None if limit is None else ratio <= limit,
        )
    ]


def blocking(bench: Bench, count: int, size: int) -> list[Row]:
    """Find the longest time for which the window does not answer."""
    recording = bench.recording(count, size)
    calm, bare = bench.both("scrub", recording)
    busy = [bench.run("program", "busy", recording) for _ in range(bench.repeats)]
    beside = quickest(bare, "longest")
    rows = []
    for what, runs, other in (
        ("nothing else running", calm, beside),
        ("while all frames are measured", [run["scan"] for run in busy], None),
        ("while the corrected series is written", [run["export"] for run in busy], None),
    ):
        best = min(runs, key=lambda run: run["longest"])
        rows.append(
            Row(
                f"longest block while scrubbing, {size}², {what}",
                f"{milliseconds(best['longest'])} (99 % below {milliseconds(best['p99'])};"
                f" own work up to {milliseconds(best['most_work'])})",
                "–" if other is None else milliseconds(other),
                "–",
                "≤ 16 ms",
                best["longest"] <= 0.016,
            )
        )
    return rows


def tuning(bench: Bench, count: int, size: int) -> list[Row]:
    """Time how long trace, fit, residuals, verdict and corrected frame take to follow."""
    recording = bench.recording(count, size)
    runs = [bench.run("program", "tune", recording)["tuning"] for _ in range(bench.repeats)]
    rows = []
    for name in runs[0]:
        took = min((run[name] for run in runs), key=median)
        alone = len(took) == 1
        for share, word in ((0.5, "median"), (0.95, "p95")):
            value = percentile(took, share)
            rows.append(
                Row(
                    f"{name}, {count} × {size}²" + ("" if alone else f", {word}"),
                    milliseconds(value),
                    wanted="–" if alone else "≤ 100 ms",
                    met=None if alone else value <= 0.1,
                )
            )
            if alone:
                break
    return rows


HEAD = """# Performance of the window

Written by `python -m benchmarks.window` (`make bench`) on {date}; do not edit. How quick the
library is stands in [](performance.md).

Machine: {machine}. Load when the measurement began: {begin}, when it ended: {end}; with
more than a little, other programs took part of the time.

Beside it runs a bare window: a PyQt5 widget that reads a frame with h5py, scales it to 8 bits and
paints it, 1280 × 820 pixels large, in a single thread, with nothing kept and no other control. Both
run under {screen}, each in a process of its own, in turn; of {repeats} (five for the first
frame, one for memory) the best counts.
A frame counts when the widget that shows it has painted it. Recordings are simulated camera counts
in flimage files, which the operating system has in memory; *cold* means that a frame is not in the
memory of the program. The settings are those of a person who starts the program for the first time:
decoded frames may take {cache} MB of memory (*Memory for frames* in the preferences).

| what | this project | bare window | ratio | wanted | met |
|---|---|---|---|---|---|
"""

TAIL = """
- The first frame is timed from the start of the process. The program shows it before the
  controls are built; the second line is when all of the window is there and answers.
- Jumps go to 200 frames in random order, steps through 150 frames in a row, each 10 ms after the
  one before was painted. The bare window reads every frame anew, whichever way.
- Memory is the peak of the resident size, which includes measuring all frames in the background:
  the program does that unasked, the bare window never.
- The longest block is the longest time between two beats of a timer that is due every millisecond,
  while frames are asked for at 60 per second by the slider. The program measures in
  one thread less than there are processors, and writes in as many; both let looking pass where
  they report progress. *Own work* is the most time between two beats in which the thread of the
  window itself was at work; the rest it waited for other threads and programs.
- Tuning is done by the controls, with the corrected frame on display. It ends when the trace and
  the corrected image of the new fit are painted; verdict, fit table and residuals change with
  them. While a region is dragged, the trace is estimated; the exact one follows once the region
  has rested, which the last line tells.
"""


def parts(bench: Bench, short: int = 1) -> dict[str, Callable[[], list[Row]]]:
    """Return what can be measured, by name, with recordings that are `short` times shorter."""
    usual, large, long = (500 // short, 512), (60 // short, 2048), (20000 // short, 64)
    return {
        "first": lambda: first_frame(bench, *usual, 1.5),
        "first-long": lambda: first_frame(bench, *long, None),
        "step": lambda: stepping(bench, *usual),
        "swing": lambda: swinging(bench, *large),
        "memory": lambda: memory(bench, *usual),
        "memory-large": lambda: memory(bench, *large),
        "memory-long": lambda: memory(bench, *long),
        "block": lambda: blocking(bench, *usual),
        "tune": lambda: tuning(bench, *usual),
    }


def measure(chosen: dict[str, Callable[[], list[Row]]]) -> list[Row] | None:
    """Run parts and print their rows; None where one of them failed, after all the others."""
    rows: list[Row] | None = []
    for name, part in chosen.items():
        began = time.monotonic()
        try:
            made = part()
        except RunError as error:
            print(f"{name}: {error}", file=sys.stderr, flush=True)
            rows = None
            continue
        for row in made:
            print(row.text(), flush=True)
        took = time.monotonic() - began
        print(f"{name}: {took:.0f} s, load {_load()}", file=sys.stderr, flush=True)
        if rows is not None:
            rows += made
    return rows


def main(arguments: list[str] | None = None) -> int:
    """Run the measurements and write the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.window", description=__doc__)
    parser.add_argument("--repeats", type=int, default=3, help="how often each run is repeated")
    parser.add_argument(
        "--quick", action="store_true", help="short recordings, once each; writes no document"
    )
    parser.add_argument(
        "--only",
        nargs="+",
        metavar="PART",
        help="measure these, and write no document: " + ", ".join(parts(Bench({}, Path(), 1))),
    )
    parser.add_argument("--folder", type=Path, help="where recordings are kept for another run")
    parser.add_argument("--output", type=Path, help=f"instead of {DOCUMENT.name}")
    options = parser.parse_args(arguments)
    try:
        import PyQt5  # noqa: F401 - only whether it is there
    except ImportError:
        print("The window is not installed; nothing to measure (pip install 'flimage[gui]').")
        return 0
    begin = _load()
    with contextlib.ExitStack() as stack:
        folder = options.folder or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        try:
            environment = stack.enter_context(display())
        except SystemExit as stop:
            print(f"The window is not measured. {stop}")
            return 0
        if (reason := why_not(environment)) is not None:
            print(f"The window is not measured: {reason}")
            return 0
        bench = Bench(environment, folder, 1 if options.quick else options.repeats)
        known = parts(bench, 8 if options.quick else 1)
        unknown = set(options.only or ()) - set(known)
        if unknown:
            parser.error(f"there is no part {sorted(unknown)[0]}; choose from {', '.join(known)}")
        rows = measure({name: known[name] for name in options.only or known})
    if rows is None:
        print("Nothing is written, because something could not be measured.", file=sys.stderr)
        return 1
    if options.only or (options.quick and options.output is None):
        return 0
    from flimage_gui.settings import Preferences

    head = HEAD.format(
        date=datetime.date.today().isoformat(),
        machine=machine(),
        begin=begin,
        end=_load(),
        screen="Xvfb" if shutil.which("Xvfb") else "the desktop",
        repeats="one run" if options.repeats == 1 else f"{options.repeats} runs",
        cache=Preferences.cache_megabytes.default,
    )
    text = head + "\n".join(row.text() for row in rows) + "\n" + TAIL
    (options.output or DOCUMENT).write_text(text)
    return 0


def why_not(environment: dict[str, str]) -> str | None:
    """Say what Qt says where it cannot start on a display; None where it can."""
    probe = "from PyQt5.QtWidgets import QApplication; QApplication([])"
    tried = subprocess.run(
        [sys.executable, "-c", probe], env=environment, capture_output=True, text=True
    )
    if not tried.returncode:
        return None
    return (tried.stderr.strip() or "Qt does not start").splitlines()[0]


def _load() -> str:
    return f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "unknown"


if __name__ == "__main__":
    sys.exit(main())
