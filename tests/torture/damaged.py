"""Opens thousands of damaged files with the library and on the command line.

Run with ``python -m tests.torture.damaged --count 10000 --seed 1``; ``--only 123`` repeats one case
and prints all of it. The exit code is 1 where the program crashed, hung, ran out of memory, or said
anything but a sentence of its own. Series and images in HDF5, and TIFF, are damaged; with
``--formats``, the other formats that can be converted.
"""

from __future__ import annotations

import functools
import random
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tests.torture.cases import Case, Summary, keep_summary, parser, run_trials
from tests.torture.formats import make_formats
from tests.torture.keeper import scratch
from tests.torture.mutations import Mutant, mutate, write
from tests.torture.samples import KINDS, Sample, make_samples
from tests.torture.trial import Report, try_commands, try_library

__all__ = ["case", "main", "run_cases"]

#: One of so many files goes to the command line instead of the library.
_COMMANDS = 4
#: Kinds of files, by how often they are damaged.
_KINDS = [*KINDS, "series", "series", "corrected"]


def _say(text: str) -> None:
    print(text, flush=True)


def case(seed: int, number: int, samples: dict[str, Sample]) -> Case:
    """Make one damaged file."""
    rng = random.Random(f"{seed}:{number}")
    sample = samples[rng.choice([kind for kind in _KINDS if kind in samples] or list(samples))]
    way = "library" if rng.randrange(_COMMANDS) else "command line"
    return Case(sample, mutate(sample, list(samples.values()), rng), way)


def _try(one: Case, path: Path) -> Report:
    if one.way == "library":
        return try_library(path, one.sample, one.mutant)
    return try_commands(path, one.sample)


def prepare(
    folder: Path, make: Callable[[Path], dict[str, Sample]] = make_samples
) -> Callable[[Any], Report]:
    """Load everything, and return what runs a case (called in the process of the trials)."""
    from flimage.parallel import limit_workers

    limit_workers(1)
    samples = make(folder)
    for sample in samples.values():  # all modules are loaded now
        good = Mutant(sample.data, "nothing")
        path = write(good, folder / f"try{sample.suffix}")
        for way in ("library", "command line"):
            report = _try(Case(sample, good, way), path)
            assert not report.bugs, report.bugs
            assert not report.refused or sample.kind == "image", report.refused

    def run(task: tuple[int, int]) -> Report:
        one = case(*task, samples)
        return _try(one, write(one.mutant, folder / f"try{one.sample.suffix}"))

    return run


#: The same for other formats; a function that another process finds by its name.
prepare_formats = functools.partial(prepare, make=make_formats)


def run_cases(
    seed: int,
    numbers: range,
    say: Callable[[str], None] = lambda text: None,
    formats: bool = False,
) -> Summary:
    """Run cases, and count what came of them."""
    setup, make = (prepare_formats, make_formats) if formats else (prepare, make_samples)
    return run_trials(setup, make, case, seed, numbers, say=say)


def main(argv: list[str] | None = None) -> int:
    """Run, print counts, and return the exit code."""
    made = parser(str(__doc__).splitlines()[0], 10_000)
    made.add_argument("--only", type=int)
    made.add_argument("--jobs", type=int, default=1, help="processes side by side")
    made.add_argument("--formats", action="store_true", help="ND2, CZI, Zarr, NPY and NPZ")
    arguments = made.parse_args(argv)
    if arguments.only is not None:
        return _repeat(arguments.seed, arguments.only, arguments.formats)
    began = time.monotonic()
    stop, jobs = arguments.start + arguments.count, max(1, arguments.jobs)
    parts = [range(arguments.start + job, stop, jobs) for job in range(jobs)]
    summary = Summary()
    with ThreadPoolExecutor(jobs) as pool:
        for each in pool.map(
            lambda part: run_cases(arguments.seed, part, _say, arguments.formats), parts
        ):
            summary.add(each)
    kinds = ", ".join(sorted({kind for kind, _ in summary.by_kind}))
    return keep_summary(
        "damaged_formats" if arguments.formats else "damaged",
        f"A damaged file in another format ({kinds}) is converted as far as it is whole, or refused"
        " with a sentence that names it: no crash, no hang over 5 s, no memory over 1 GB."
        if arguments.formats
        else "A damaged file is read as far as it is whole, or refused with a sentence that names"
        " it: no crash, no hang over 5 s, no memory over 1 GB.",
        arguments,
        summary,
        time.monotonic() - began,
    )


def _repeat(seed: int, number: int, formats: bool) -> int:
    """Run one case in this process, and print all of it."""
    with scratch() as name:
        folder = Path(name)
        samples = (make_formats if formats else make_samples)(folder)
        one = case(seed, number, samples)
        path = write(one.mutant, folder / f"try{one.sample.suffix}")
        print(one.sample.kind, one.way, one.mutant.what)
        print("intact:", one.mutant.intact, "damaged:", sorted(one.mutant.damaged))
        report = _try(one, path)
        print(report.outcome, sorted(report.read), *report.refused, *report.bugs, sep="\n")
        write(one.mutant, Path(f"damaged-{seed}-{number}{one.sample.suffix}"))
        return 1 if report.bugs else 0


if __name__ == "__main__":
    sys.exit(main())
