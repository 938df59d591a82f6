"""Measure speed, file size and memory against flimage 0.3.3, and write ``docs/performance.md``.

Every workload runs in a process of its own, first with this project and then with the published
package in its own environment, on the same input, in the same run. Run it with ``make bench`` or
``python -m benchmarks.performance``; nothing else should keep the machine busy meanwhile.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import tempfile
import venv
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from . import compression_table

PEER = "flimage==0.3.3"
HERE = Path(__file__).resolve().parent
DOCUMENT = HERE.parent / "docs" / "performance.md"


@dataclass(frozen=True)
class Comparison:
    """A workload that both packages run.

    Parameters
    ----------
    title
        What it is, for people.
    workload
        Name in :mod:`benchmarks.workloads`.
    count, size
        Number of frames, and their height and width [px].
    ratio
        How many times quicker this project is to be.
    largest
        Largest allowed size of the output against the peer's; None where nothing is written.
    needs_input
        Whether the workload reads a recording; others make their frames themselves.
    border
        Width of the background border [px].
    peak
        Photons of the brightest pixel.
    """

    title: str
    workload: str
    count: int
    size: int
    ratio: float
    largest: float | None = None
    needs_input: bool = True
    border: int = 20
    peak: float = 3000


COMPARISONS = (
    Comparison("correct and write", "correct_write", 100, 512, 10, 1.05),
    Comparison("correct and write, dim", "correct_write", 100, 512, 10, 1.05, peak=100),
    Comparison("append one by one", "append", 100, 512, 25, 1.02, needs_input=False),
    Comparison("append in bulk", "append_bulk", 100, 512, 60, 1.02, needs_input=False),
    Comparison("trace and fit", "trace_fit", 2000, 64, 20, border=8),
    Comparison("append named frames", "append", 1000, 64, 100, 1.02, needs_input=False),
    Comparison("denoise and write", "denoise", 50, 512, 3, 1.05),
)


@dataclass
class Bench:
    """Runs workloads and remembers what they took."""

    peer: Path
    folder: Path
    repeats: int
    results: dict[str, Any] = field(default_factory=dict)

    def run(self, python: str | Path, workload: str, **options: Any) -> dict[str, Any]:
        """Run a workload once in a process of its own."""
        command = [str(python), str(HERE / "workloads.py"), workload]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
        done = subprocess.run(command, capture_output=True, text=True, env=environment)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr}")
        return {} if workload == "input" else json.loads(done.stdout.splitlines()[-1])

    def best(self, python: str | Path, workload: str, **options: Any) -> dict[str, Any]:
        """Run a workload several times and return the quickest run."""
        runs: list[dict[str, Any]] = []
        for _ in range(self.repeats):
            output = self.folder / "output.h5"
            output.unlink(missing_ok=True)
            runs.append(self.run(python, workload, output=output, **options))
            if runs[-1]["seconds"] > 30:
                # The spread of so long a run is small against what is compared.
                break
        return min(runs, key=lambda run: run["seconds"])

    def input(self, count: int, size: int, peak: float = 3000) -> Path:
        """Simulate a recording, once for all workloads that read it."""
        path = self.folder / f"input-{count}-{size}-{peak:g}.h5"
        if not path.exists():
            self.run(sys.executable, "input", input=path, count=count, size=size, peak=peak)
        return path

    def both(self, case: Comparison) -> tuple[dict[str, Any], dict[str, Any]]:
        """Run a comparison with this project and with the peer."""
        options: dict[str, Any] = {"count": case.count, "size": case.size, "border": case.border}
        if case.needs_input:
            options["input"] = self.input(case.count, case.size, case.peak)
        ours = self.best(sys.executable, case.workload, **options)
        # The peer has one way to append: what it took is measured once.
        workload = "append" if case.workload == "append_bulk" else case.workload
        key = f"{workload} {options}"
        if key not in self.results:
            self.results[key] = self.best(self.peer, workload, **options)
        peer = self.results[key]
        if peer["version"] == ours["version"]:
            raise SystemExit(f"{self.peer} runs this project, not {PEER}.")
        return ours, peer


def peer_python(given: str | None) -> Path:
    """Return the interpreter with the published package, which is installed where needed."""
    if given:
        return Path(given)
    from platformdirs import user_cache_path

    folder = user_cache_path("flimage") / "benchmarks" / PEER.replace("==", "-")
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    if not python.exists():
        print(f"Installing {PEER} into {folder} …", flush=True)
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", PEER], check=True)
    return python


# --- sections of the document ------------------------------------------------------------------


def compare(bench: Bench, cases: tuple[Comparison, ...]) -> list[str]:
    """Measure this project against the peer."""
    lines = [
        "| workload | frames | flimage 0.3.3 | this project | ratio | wanted | processor time"
        " | file size | allowed | peak memory |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for case in cases:
        ours, peer = bench.both(case)
        ratio = peer["seconds"] / ours["seconds"]
        size = "–"
        if case.largest is not None:
            size = f"{ours['size'] / peer['size']:.3f}×"
        lines.append(
            f"| {case.title} | {case.count} × {case.size}² | {seconds(peer['seconds'])}"
            f" | {seconds(ours['seconds'])} | **{ratio:.1f}×** | ≥ {case.ratio:g}×"
            f" | {seconds(peer['cpu'])} : {seconds(ours['cpu'])} | {size}"
            f" | {'–' if case.largest is None else f'≤ {case.largest}×'}"
            f" | {megabytes(ours['peak'])} ({megabytes(peer['peak'])}) |"
        )
        print(lines[-1], flush=True)
    return lines


def seconds(value: float) -> str:
    """Write a time with two or three digits."""
    if value >= 10:
        return f"{value:.1f} s"
    return f"{value:.2f} s" if value >= 0.2 else f"{1000 * value:.0f} ms"


def megabytes(value: float) -> str:
    """Write a size in megabytes."""
    return f"{value / 1e6:.0f} MB"


def scaling(bench: Bench, long: int) -> list[str]:
    """Measure what grows with the number of frames and what must not."""
    lines = []
    short_run = bench.best(
        sys.executable, "correct_write", input=bench.input(500, 64), border=8, count=500
    )
    long_run = bench.best(
        sys.executable, "correct_write", input=bench.input(5000, 64), border=8, count=5000
    )
    each = [short_run["seconds"] / 500, long_run["seconds"] / 5000]
    lines.append(
        f"| correct and write, time per frame of 64² | 500 frames: {1e3 * each[0]:.2f} ms |"
        f" 5000 frames: {1e3 * each[1]:.2f} ms | {each[1] / each[0]:.2f}× | ≤ 1.3× |"
    )
    few = bench.run(
        sys.executable,
        "correct_write",
        input=bench.input(200, 64),
        output=bench.folder / "few.h5",
        border=8,
    )
    many = bench.run(
        sys.executable,
        "correct_write",
        input=bench.input(long, 64),
        output=bench.folder / "many.h5",
        border=8,
    )
    lines.append(
        f"| correct and write, peak memory, 64² | 200 frames: {megabytes(few['peak'])} |"
        f" {long} frames: {megabytes(many['peak'])} | {many['peak'] / few['peak']:.2f}×"
        " | ≤ 1.3× |"
    )
    opened = bench.best(sys.executable, "open_index", input=bench.input(long, 64), count=long)
    lines.append(
        f"| open {long} frames and find one by its identifier | | {seconds(opened['seconds'])} | |"
        " about 1 s |"
    )
    imported = bench.best(sys.executable, "import_only")
    lines.append(f"| `import flimage` | | {seconds(imported['seconds'])} | | ≤ 0.25 s |")
    imported = bench.best(sys.executable, "import_package")
    peer = bench.best(bench.peer, "import_package")
    lines.append(
        f"| import `FLImage` and `FLSeries` | flimage 0.3.3: {seconds(peer['seconds'])}"
        f" | {seconds(imported['seconds'])} | | |"
    )
    print("\n".join(lines), flush=True)
    return ["| what | | | ratio | wanted |", "|---|---|---|---|---|", *lines]


def retuning(bench: Bench, count: int) -> list[str]:
    """Measure the scan, and what a change of settings takes after it."""
    path = bench.input(count, 512)
    scanned = bench.best(sys.executable, "scan", input=path)
    tuned = bench.best(sys.executable, "retune", input=path, count=count)
    lines = [
        f"| scan {count} × 512² | {seconds(scanned['seconds'])}"
        f" ({1e3 * scanned['seconds'] / count:.1f} ms a frame) | |",
        *(
            f"| then change {name} | {1e3 * value:.1f} ms | ≤ 50 ms |"
            for name, value in tuned["details"].items()
        ),
    ]
    print("\n".join(lines), flush=True)
    return ["| what | time | wanted |", "|---|---|---|", *lines]


def where_time_goes(bench: Bench) -> list[str]:
    """Measure the stages of a correction, and the least that they could take."""
    path = bench.input(100, 512)
    cores = usable_cores()
    stages = bench.best(sys.executable, "breakdown", input=path)
    least = bench.best(sys.executable, "floor", input=path)
    lines = ["| stage of correct + write, 100 × 512² | time |", "|---|---|"]
    names = {
        "Averaging": "open; average up to 64 frames; measure the noise",
        "Measuring": "find the signal; scan all frames in one pass",
        "Correcting": "fit; read, correct, compress and write all frames",
        "Done": "provenance",
        "Closing": "put the file in place and close",
    }
    for name, value in stages["details"].items():
        lines.append(f"| {names.get(name, name)} | {1e3 * value:.0f} ms |")
    lines.append(f"| **all** | **{1e3 * stages['seconds']:.0f} ms** |")
    lines += [
        "",
        f"The floor is to decompress each frame once, to do the arithmetic once and to compress"
        f" once, in {cores} threads, without any file:",
        "",
        "| | processor time | |",
        "|---|---|---|",
    ]
    for name, value in least["details"].items():
        lines.append(f"| {name} | {1e3 * value:.0f} ms | {10 * value:.1f} ms a frame |")
    lines.append(
        f"| **all, {cores} threads** | **{1e3 * least['seconds']:.0f} ms** (elapsed)"
        f" | the correction takes {stages['seconds'] / least['seconds']:.2f}× the floor |"
    )
    print("\n".join(lines), flush=True)
    return lines


def usable_cores() -> int:
    """Return the number of processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def machine() -> str:
    """Describe the machine in a few words."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text().splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return (
        f"{name}, {usable_cores()} cores, {platform.system()} {platform.machine()}, Python"
        f" {platform.python_version()}, numpy {np.__version__}, zlib {zlib.ZLIB_RUNTIME_VERSION}"
    )


HEAD = """# Performance

Written by `python -m benchmarks.performance` (`make bench`) on {date}; do not edit.

Machine: {machine}.

Both packages ran the same workload on the same input in the same run, each in a process of its
own; of up to {repeats} runs the quickest counts (a single one where it takes longer than 30 s).
The load of the machine when the measurement began was {load}; where it is more than a little,
other programs took part of the time, and the processor time tells more than the elapsed one.
Input:
simulated camera counts (bleaching cells of up to 3000 photons a pixel, in the dim case 100, on a
background of a fifth of that; shot noise, gain 2.2, read noise 2, offset 100), stored as flimage
0.3.3 lays files out. Before the clock starts, each package has corrected and denoised eight tiny
frames, so that no import is timed.
"""

CHOICE = """
The default of the published package is gzip at its highest level. It is slow, and for camera
counts far from the smallest: as floats, most bytes of whole numbers are zero, and HDF5's
*shuffle* filter puts those bytes side by side. For counts times a gain the opposite holds: they
are few different numbers whose bytes look random, so that only the repetition of whole pixels
helps, and shuffling tears these apart. So the filters are chosen for each image by the values in
a sample of it:

- whole numbers: shuffle and libdeflate;
- values that are nearly all different (smooth or interpolated images): shuffle where a trial on a
  piece shows that it helps;
- few different values: no shuffle. How hard it is to match gzip 9 depends on how few: with an
  entropy above 8.1 bit a pixel libdeflate's level 4 is within 5 %, below that zlib-ng is.

All of these are the standard filters *shuffle*, *deflate* and *fletcher32*, which every HDF5 reader
has. "Ratio" is the size against gzip 9 without shuffle, times are those of one core for one frame
of 512².
"""

NEXT = """
## What would be next

- Compression is most of the floor. Corrected images with few different values cost most: what
  repeats in them are whole pixels, while every packaged library searches from byte to byte. A trial
  with an encoder that sorts pixels took a third of the time at the same size; an encoder of its own
  is more than this project wants to answer for.
- A frame costs a few dozen microseconds in HDF5 itself (three groups, one or two datasets, their
  attributes). It matters only for small frames, and the layout is a given.
- Up to 128 frames, or 64 MB of them, are decoded once for averaging, measuring and writing. Of
  longer recordings the others are decoded twice: a larger share of memory would save that.
"""


def main(arguments: list[str] | None = None) -> int:
    """Run the measurements and write the document."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.performance", description=__doc__)
    parser.add_argument(
        "--peer",
        default=os.environ.get("FLIMAGE_PEER"),
        help=f"Python interpreter with {PEER}; by default it is installed into the user's cache",
    )
    parser.add_argument("--repeats", type=int, default=3, help="runs of each workload")
    parser.add_argument(
        "--without", action="append", default=[], help="leave out comparisons with this title"
    )
    parser.add_argument("--only", help="run only comparisons whose title holds this text")
    parser.add_argument(
        "--quick", action="store_true", help="fewer frames, once each; writes no document"
    )
    parser.add_argument("--output", type=Path, default=DOCUMENT)
    options = parser.parse_args(arguments)
    cases = COMPARISONS
    repeats = 1 if options.quick else options.repeats
    if options.quick:
        cases = tuple(shortened(case) for case in cases)
    cases = tuple(case for case in cases if case.title not in options.without)
    if options.only:
        cases = tuple(case for case in cases if options.only in case.title)
    with tempfile.TemporaryDirectory(prefix="flimage-bench-") as folder:
        bench = Bench(peer_python(options.peer), Path(folder), repeats)
        sections: list[tuple[str, Callable[[], list[str]]]] = [
            ("Against flimage 0.3.3", lambda: compare(bench, cases)),
        ]
        if not options.only:
            sections += [
                (
                    "With the number of frames",
                    lambda: scaling(bench, 2000 if options.quick else 20000),
                ),
                ("Changing settings", lambda: retuning(bench, 50 if options.quick else 1000)),
                ("Where the time goes", lambda: where_time_goes(bench)),
                ("Compression", lambda: [CHOICE, *compression_table.rows()]),
            ]
        text = [
            HEAD.format(
                date=datetime.date.today().isoformat(),
                machine=machine(),
                repeats=repeats,
                load=f"{os.getloadavg()[0]:.1f}" if hasattr(os, "getloadavg") else "not known",
            )
        ]
        for title, section in sections:
            text += ["", f"## {title}", "", *section()]
            if not options.only and not options.quick:
                # After each section, so that what was measured is kept if a later one fails.
                write_document(options.output, [*text, NEXT], options.without)
    if not options.only and not options.quick:
        print(f"Wrote {options.output}")
    return 0


def write_document(path: Path, text: list[str], without: list[str]) -> None:
    """Write the document, which names what was left out."""
    content = "\n".join(text)
    if without:
        content = content.replace(
            "\n## With the number",
            f"\nLeft out of this run: {', '.join(without)}.\n\n## With the number",
        )
    while "\n\n\n" in content:
        content = content.replace("\n\n\n", "\n\n")
    path.write_text(content.rstrip() + "\n")


def shortened(case: Comparison) -> Comparison:
    """Return a comparison of fewer frames."""
    from dataclasses import replace

    return replace(case, count=max(10, case.count // 10))


if __name__ == "__main__":
    sys.exit(main())
