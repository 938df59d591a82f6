"""Opens thousands of damaged files with the library and on the command line.

Run with ``python -m tests.torture.damaged --count 10000 --seed 1``; ``--only 123`` repeats one case
and prints all of it. The exit code is 1 where the program crashed, hung, ran out of memory, or said
anything but a sentence of its own.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.torture.keeper import Keeper, scratch
from tests.torture.mutations import Mutant, mutate, write
from tests.torture.outcome import keep
from tests.torture.samples import KINDS, Sample, make_samples
from tests.torture.trial import Report, try_commands, try_library

__all__ = ["Summary", "case", "main", "run_cases"]

#: One of so many files goes to the command line instead of the library.
_COMMANDS = 4
#: Kinds of files, by how often they are damaged.
_KINDS = [*KINDS, "series", "series", "corrected"]


@dataclass
class Summary:
    """What came of all files."""

    outcomes: Counter[str] = field(default_factory=Counter)
    by_kind: Counter[tuple[str, str]] = field(default_factory=Counter)
    bugs: list[str] = field(default_factory=list)
    slowest: float = 0.0
    peak: int = 0

    def add(self, other: Summary) -> None:
        """Add what came of other files."""
        self.outcomes += other.outcomes
        self.by_kind += other.by_kind
        self.bugs += other.bugs
        self.slowest = max(self.slowest, other.slowest)
        self.peak = max(self.peak, other.peak)


def _say(text: str) -> None:
    print(text, flush=True)


def case(seed: int, number: int, samples: dict[str, Sample]) -> tuple[Sample, Mutant, bool]:
    """Make one damaged file, and tell whether it is for the command line."""
    rng = random.Random(f"{seed}:{number}")
    sample = samples[rng.choice(_KINDS)]
    commands = rng.randrange(_COMMANDS) == 0
    return sample, mutate(sample, list(samples.values()), rng), commands


def prepare(folder: Path) -> Callable[[Any], Report]:
    """Load everything, and return what runs a case (called in the process of the trials)."""
    from flimage.parallel import limit_workers

    limit_workers(1)
    samples = make_samples(folder)
    for sample in samples.values():  # all modules are loaded now
        path = write(Mutant(sample.data, "nothing"), folder / f"try{sample.suffix}")
        for report in (
            try_library(path, sample, Mutant(sample.data, "nothing")),
            try_commands(path, sample),
        ):
            assert not report.bugs, report.bugs
            assert not report.refused or sample.kind == "image", report.refused

    def run(task: tuple[int, int]) -> Report:
        sample, mutant, commands = case(*task, samples)
        path = write(mutant, folder / f"try{sample.suffix}")
        if commands:
            return try_commands(path, sample)
        return try_library(path, sample, mutant)

    return run


def run_cases(seed: int, numbers: range, say: Callable[[str], None] = lambda text: None) -> Summary:
    """Run cases, and count what came of them."""
    summary = Summary()
    with scratch() as name:
        folder = Path(name)
        here = folder / "here"
        here.mkdir()
        samples = make_samples(here)
        keeper = Keeper(prepare, folder)
        try:
            for number in numbers:
                keeper.start()
                began = time.monotonic()
                word, result = keeper.run((seed, number))
                if word == "hang":  # the computer may have been busy
                    word, result = keeper.run((seed, number))
                summary.slowest = max(summary.slowest, time.monotonic() - began)
                sample, mutant, commands = case(seed, number, samples)
                outcome = result.outcome if word == "done" else word
                summary.outcomes[outcome] += 1
                way = "command line" if commands else "library"
                summary.by_kind[sample.kind, way] += 1
                if outcome in ("bug", "crash", "hang"):
                    text = "; ".join(result.bugs) if word == "done" else result
                    summary.bugs.append(
                        f"{outcome} in case {seed}:{number} ({sample.kind}, {way},"
                        f" {mutant.what}): {text}"
                    )
                    say(summary.bugs[-1])
                summary.peak = max(summary.peak, keeper.peak)
                if number % 1000 == 999:
                    say(f"{number + 1}: {dict(summary.outcomes)}")
        finally:
            keeper.close()
    return summary


def main(argv: list[str] | None = None) -> int:
    """Run, print counts, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--only", type=int)
    parser.add_argument("--jobs", type=int, default=1, help="processes side by side")
    parser.add_argument("--keep", action="store_true", help="keep the figures in build/torture")
    arguments = parser.parse_args(argv)
    if arguments.only is not None:
        return _repeat(arguments.seed, arguments.only)
    began = time.monotonic()
    stop, jobs = arguments.start + arguments.count, max(1, arguments.jobs)
    parts = [range(arguments.start + job, stop, jobs) for job in range(jobs)]
    summary = Summary()
    with ThreadPoolExecutor(jobs) as pool:
        for each in pool.map(lambda part: run_cases(arguments.seed, part, _say), parts):
            summary.add(each)
    took = time.monotonic() - began
    print(f"{arguments.count} files in {took:.0f} s: {dict(summary.outcomes)}")
    for (kind, way), count in sorted(summary.by_kind.items()):
        print(f"  {kind:<10}{way:<14}{count:6d}")
    print(f"slowest {summary.slowest:.2f} s, most memory {summary.peak / 2**20:.0f} MB")
    if arguments.keep:
        keep(
            "damaged",
            "A damaged file is read as far as it is whole, or refused with a sentence that names"
            " it: no crash, no hang over 5 s, no memory over 1 GB.",
            {"files": arguments.count, **summary.outcomes},
            took,
            seeds=[arguments.seed],
            defects=summary.bugs,
            details={
                "files by kind and way": {
                    f"{kind}, {way}": count
                    for (kind, way), count in sorted(summary.by_kind.items())
                },
                "slowest file [s]": round(summary.slowest, 2),
                "most memory of the process [MB]": round(summary.peak / 2**20),
            },
        )
    return 1 if summary.bugs else 0


def _repeat(seed: int, number: int) -> int:
    """Run one case in this process, and print all of it."""
    with scratch() as name:
        folder = Path(name)
        samples = make_samples(folder)
        sample, mutant, commands = case(seed, number, samples)
        path = write(mutant, folder / f"try{sample.suffix}")
        print(sample.kind, "for the command line" if commands else "for the library", mutant.what)
        print("intact:", mutant.intact, "damaged:", sorted(mutant.damaged))
        report = try_commands(path, sample) if commands else try_library(path, sample, mutant)
        print(report.outcome, sorted(report.read), *report.refused, *report.bugs, sep="\n")
        kept = Path(f"damaged-{seed}-{number}{sample.suffix}")
        kept.write_bytes(mutant.data)
        return 1 if report.bugs else 0


if __name__ == "__main__":
    sys.exit(main())
