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
        with (LOGS / f"{name}-{part}.txt").open("w") as log:
            subprocess.run(
                [interpreter, "-m", "pytest", "-q", "-p", "no:cacheprovider", *quiet]
                + chosen[part],
                cwd=ROOT,
                stdout=log,
                stderr=subprocess.STDOUT,
                env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
            )


def _uv(*arguments: str | Path) -> None:
    subprocess.run(["uv", *map(str, arguments)], cwd=ROOT, check=True)


def summarise(seconds: float) -> int:
    """Keep what the logs say; return the exit code."""
    runs, defects = {}, []
    for log in sorted(LOGS.glob("*.txt")):
        text = log.read_text("utf-8", "replace")
        last = (text.splitlines() or [""])[-1]
        counts = {kind: int(count) for count, kind in _COUNT.findall(last)}
        python, age, part = log.stem.split("-")
        runs[f"tests of the {part} passed on {python} with the {age}"] = counts.get("passed", 0)
        defects += [line for line in text.splitlines() if line.startswith(("FAILED", "ERROR "))]
        if not counts:
            defects.append(f"{log.stem}: the tests did not end")
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
