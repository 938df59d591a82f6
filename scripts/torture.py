"""Try to break every promise of the program, one script after the other, and write the page.

Run with ``python scripts/torture.py --scale 0.1``, or ``make torture TORTURE_SCALE=0.1``. Each
script of ``tests/torture`` goes on after a promise that was not kept; the exit code is 1 then.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
#: What is known of the last runs, for the page.
RUNS = ROOT / "build" / "torture" / "runs.json"

#: Script, what says how long it goes on, that length at scale 1, and other arguments.
PARTS: tuple[tuple[str, str, int, tuple[str, ...]], ...] = (
    ("crash", "--kills", 400, ()),
    ("power_cut", "--cuts", 1_000, ()),
    ("journal_crash", "--kills", 80, ()),
    ("disk", "--rounds", 6, ()),
    ("damaged", "--count", 10_000, ()),
    ("damaged", "--count", 8_000, ("--formats",)),
    ("damaged_window", "--count", 600, ()),
    ("hostile", "--rounds", 120, ()),
    ("odd_numbers", "--rounds", 1_500, ()),
    ("concurrency", "--rounds", 60, ()),
    ("window_actions", "--actions", 50_000, ()),
)


def main(argv: list[str] | None = None) -> int:
    """Run all parts, write the page, and return the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--scale", type=float, default=1.0, help="of everything that is random")
    parser.add_argument("--seed", type=int, default=1)
    names = sorted({name for name, *_ in PARTS})
    parser.add_argument("--only", nargs="+", choices=names, default=names, metavar="SCRIPT")
    arguments = parser.parse_args(argv)
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "offscreen"}
    began_on, start = datetime.date.today(), time.monotonic()
    failed = []
    for name, option, length, others in PARTS:
        if name not in arguments.only:
            continue
        words = [name, option, str(max(1, round(length * arguments.scale))), *others]
        words += ["--seed", str(arguments.seed), "--keep"]
        print(f"== {' '.join(words)}", flush=True)
        began = time.monotonic()
        command = [sys.executable, "-m", f"tests.torture.{words[0]}", *words[1:]]
        code = subprocess.run(command, cwd=ROOT, env=environment).returncode
        if code:
            failed.append(name)
        print(f"== {name}: exit code {code}, {(time.monotonic() - began) / 60:.1f} min", flush=True)
    run = {
        "scale": arguments.scale,
        "seed": arguments.seed,
        "date": began_on.isoformat(),
        "minutes": round((time.monotonic() - start) / 60),
        "scripts": [name for name in names if name in arguments.only],
        "not kept": failed,
        "python": platform.python_version(),
        "processors": os.cpu_count(),
    }
    RUNS.parent.mkdir(parents=True, exist_ok=True)
    before = json.loads(RUNS.read_text("utf-8")) if RUNS.exists() else []
    # What was run again takes the place of what was found before.
    kept = [each for each in before if not set(each["scripts"]) <= set(arguments.only)]
    RUNS.write_text(json.dumps([*kept, run], indent=1) + "\n", encoding="utf-8")
    subprocess.run([sys.executable, str(ROOT / "scripts" / "reliability.py")], check=True)
    print("not kept: " + ", ".join(failed) if failed else "All promises were kept.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
