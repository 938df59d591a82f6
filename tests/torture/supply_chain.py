"""Run the tests with the oldest and the newest dependencies that are allowed, on several Pythons.

Run with ``python -m tests.torture.supply_chain --python 3.10 3.13``; it needs `uv`, which finds the
interpreters, makes an environment for each, and installs wheels only. The logs stay in
``build/torture/dependencies``; ``--summarise`` reads them again without running anything.
"""

from __future__ import annotations

import argparse
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

from tests.torture.outcome import FOLDER, keep

ROOT = Path(__file__).resolve().parents[2]
LOGS = FOLDER / "dependencies"
#: Tests that need what is no dependency: the documentation's own environment.
_LEFT_OUT = ("tests/test_docs.py", "tests/test_packaging.py")
#: Age -> how `uv` chooses among the versions that are allowed.
_AGES = {"oldest": "lowest-direct", "newest": "highest"}
_COUNT = re.compile(r"(\d+) (passed|failed|error)")


def try_one(python: str, age: str, parts: list[str]) -> None:
    """Make one environment, and run the tests of library and window in it."""
    name, resolution = f"Python {python}-{age}", _AGES[age]
    home = LOGS / f"env-{name}"
    wanted = LOGS / f"{name}.requirements"
    interpreter = str(home / "bin" / "python")
    _uv("venv", "--quiet", "--clear", "--python", python, str(home))
    options = ["--no-build", "--resolution", resolution, "--python", interpreter]
    _uv("pip", "compile", "--quiet", *options, "--extra", "test", "pyproject.toml", "-o", wanted)
    _uv("pip", "sync", "--quiet", "--no-build", "--python", interpreter, wanted)
    _uv("pip", "install", "--quiet", "--no-deps", "--python", interpreter, "--editable", ".")
    # What old libraries say about new ones that they use is not ours to mend.
    quiet = ["-o", "filterwarnings=default"] if resolution != "highest" else []
    left_out = [f"--ignore={path}" for path in _LEFT_OUT]
    chosen = {
        "library": ["tests", "--ignore=tests/gui", *left_out],
        "window": ["tests/gui"],
    }
    for part in parts:
        log = LOGS / f"{name}-{part}.txt"
        _test(interpreter, log, [*quiet, *chosen[part]])
        failed = _failed(log)
        if failed:
            # Some tests measure time, and the computer may have been busy.
            _test(interpreter, _again(log), [*quiet, *failed])


def _test(interpreter: str, log: Path, arguments: list[str]) -> None:
    """Run tests, and write down what they say."""
    with log.open("w") as file:
        subprocess.run(
            [interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments],
            cwd=ROOT,
            stdout=file,
            stderr=subprocess.STDOUT,
            env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        )


def _again(log: Path) -> Path:
    """Return where the outcome of tests is that failed and were run again by themselves."""
    return log.with_suffix(".again")


def _failed(log: Path) -> list[str]:
    """Return the names of the tests that failed."""
    lines = log.read_text("utf-8", "replace").splitlines()
    named = [line for line in lines if line.startswith(("FAILED ", "ERROR "))]
    return [line.partition(" ")[2].partition(" - ")[0] for line in named]


def _uv(*arguments: str | Path) -> None:
    subprocess.run(["uv", *map(str, arguments)], cwd=ROOT, check=True)


def _counts(log: Path) -> dict[str, int]:
    """Return how many tests passed and failed; empty where they did not end."""
    last = (log.read_text("utf-8", "replace").splitlines() or [""])[-1]
    return {kind: int(count) for count, kind in _COUNT.findall(last)}


def summarise(seconds: float) -> int:
    """Keep what the logs say; return the exit code."""
    runs: dict[str, int] = {}
    defects: list[str] = []
    late = 0
    for log in sorted(LOGS.glob("*.txt")):
        counts = _counts(log)
        python, age, part = log.stem.split("-")
        what = f"tests of the {part} passed on {python} with the {age}"
        runs[what] = counts.get("passed", 0)
        failed, again = _failed(log), _again(log)
        if failed and again.exists() and _counts(again):
            runs[what] += _counts(again).get("passed", 0)
            late += _counts(again).get("passed", 0)
            failed = _failed(again)
        defects += [f"{log.stem}: {each} failed" for each in failed]
        if not counts:
            defects.append(f"{log.stem}: the tests did not end")
    if late:
        runs["of these only when run again by themselves"] = late
    for defect in defects:
        print(defect)
    print(runs, f"{len(defects)} defects")
    keep(
        "supply_chain",
        "The tests pass with the oldest and with the newest dependencies that are allowed, and the"
        " program never uses a network (`tests/test_no_network.py`).",
        runs,
        seconds,
        defects=defects,
    )
    return 1 if defects else 0


def main(argv: list[str] | None = None) -> int:
    """Try all, print what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--python", nargs="+", default=["3.10", "3.11", "3.12", "3.13"])
    parser.add_argument("--ages", nargs="+", choices=list(_AGES), default=list(_AGES))
    both = ["library", "window"]
    parser.add_argument("--parts", nargs="+", choices=both, default=both)
    parser.add_argument("--summarise", type=float, metavar="SECONDS", help="only read the logs")
    parser.add_argument("--keep", action="store_true", help="the figures are always kept")
    arguments = parser.parse_args(argv)
    LOGS.mkdir(parents=True, exist_ok=True)
    if arguments.summarise is not None:
        return summarise(arguments.summarise)
    began = time.monotonic()
    # What runs in the background of a shell ignores the key that interrupts; tests send it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    for python in arguments.python:
        for age in arguments.ages:
            try_one(python, age, arguments.parts)
    return summarise(time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
