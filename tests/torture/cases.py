"""Runs trials of damaged files in a process that may die of them, and counts what comes of it."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.torture.keeper import PATIENCE, Keeper, scratch
from tests.torture.mutant import Mutant
from tests.torture.outcome import keep
from tests.torture.samples import Sample
from tests.torture.trial import Report

__all__ = ["Case", "Summary", "keep_summary", "parser", "run_trials"]

#: Outcomes that nobody wants.
_BAD = ("bug", "crash", "hang")


@dataclass(frozen=True)
class Case:
    """One damaged file.

    Parameters
    ----------
    sample
        The good file.
    mutant
        What became of it.
    way
        What is done with it: "library", "command line" or "window".
    """

    sample: Sample
    mutant: Mutant
    way: str


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


def run_trials(
    setup: Callable[[Path], Callable[[Any], Report]],
    make_samples: Callable[[Path], dict[str, Sample]],
    make_case: Callable[[int, int, dict[str, Sample]], Case],
    seed: int,
    numbers: Iterable[int],
    *,
    patience: float = PATIENCE,
    say: Callable[[str], None] = lambda text: None,
) -> Summary:
    """Run trials, and count what came of them.

    Parameters
    ----------
    setup
        Called in the process of the trials with a folder; returns what runs ``(seed, number)``.
    make_samples
        Makes the good files.
    make_case
        Damages one: seed, number and good files.
    seed, numbers
        Which cases.
    patience
        What one may take [s].
    say
        Called with what went wrong, and now and then.
    """
    summary = Summary()
    with scratch() as name:
        folder = Path(name)
        (folder / "here").mkdir()
        samples = make_samples(folder / "here")
        keeper = Keeper(setup, folder)
        try:
            for number in numbers:
                keeper.start()
                began = time.monotonic()
                word, result = keeper.run((seed, number), patience)
                if word == "hang":  # the computer may have been busy
                    word, result = keeper.run((seed, number), patience)
                summary.slowest = max(summary.slowest, time.monotonic() - began)
                summary.peak = max(summary.peak, keeper.peak)
                case = make_case(seed, number, samples)
                outcome = result.outcome if word == "done" else word
                summary.outcomes[outcome] += 1
                summary.by_kind[case.sample.kind, case.way] += 1
                if outcome in _BAD:
                    text = "; ".join(result.bugs) if word == "done" else result
                    summary.bugs.append(
                        f"{outcome} in case {seed}:{number} ({case.sample.kind}, {case.way},"
                        f" {case.mutant.what}): {text}"
                    )
                    say(summary.bugs[-1])
                if number % 1000 == 999:
                    say(f"{number + 1}: {dict(summary.outcomes)}")
        finally:
            keeper.close()
    return summary


def parser(description: str, count: int) -> argparse.ArgumentParser:
    """Return a parser of the options that all scripts have."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--count", type=int, default=count)
    made.add_argument("--seed", type=int, default=1)
    made.add_argument("--start", type=int, default=0)
    made.add_argument("--keep", action="store_true", help="keep the figures in build/torture")
    return made


def keep_summary(
    name: str, promise: str, arguments: argparse.Namespace, summary: Summary, seconds: float
) -> int:
    """Print what came of all files, keep it where that is wanted, and return the exit code."""
    print(f"{arguments.count} files in {seconds:.0f} s: {dict(summary.outcomes)}")
    by_kind = sorted(summary.by_kind.items())
    for (kind, way), count in by_kind:
        print(f"  {kind:<10}{way:<14}{count:6d}")
    print(f"slowest {summary.slowest:.2f} s, most memory {summary.peak / 2**20:.0f} MB")
    if arguments.keep:
        keep(
            name,
            promise,
            {"files": arguments.count, **summary.outcomes},
            seconds,
            seeds=[arguments.seed],
            defects=summary.bugs,
            details={
                "files by kind and way": {
                    f"{kind}, {way}": count for (kind, way), count in by_kind
                },
                "slowest file [s]": round(summary.slowest, 2),
                "most memory of the process [MB]": round(summary.peak / 2**20),
            },
        )
    return 1 if summary.bugs else 0
