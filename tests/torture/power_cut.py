"""Cut the power while something is written, and look at what is on the disk when it is back.

Run with ``python -m tests.torture.power_cut --cuts 300 --seed 1``. Everything that writes works on
a file system (ext4) of its own, in a file that lies on another one (btrfs), which can make a copy
of that file in one step. Such a copy holds what had reached the disk by then, and nothing of what
the system still kept in memory: what a computer finds that has lost its power. Copies are made at
steps of a write, before and after each call that changes the disk, and right after its end; then
each is mounted, which repairs it as after a real loss of power. The recording must be unchanged,
and the target the old file or the complete new one; once a write has said that it is done, the
new one. The file system is told not to flush of its own accord what takes the name of another file
(``noauto_da_alloc``), and to keep data longer than their names (``data=writeback``).

It needs the right to mount, and says so where that is missing.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import itertools
import os
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from tests.torture.children import start
from tests.torture.crash import Crashes, counted, hashes
from tests.torture.flows import FLOWS, digest, run
from tests.torture.mounts import mounted_image
from tests.torture.outcome import keep

__all__ = ["PowerCuts", "disks"]

#: ioctl of Linux that makes a file share what another one holds.
_CLONE = 0x40049409
_MEGABYTE = 1 << 20
_OPTIONS = "loop,noauto_da_alloc,data=writeback,commit=600"
#: One process each: a copy is made by the one that writes.
WRITES = [name for name in FLOWS if name != "batch in processes"]


@contextlib.contextmanager
def disks(scratch: Path) -> Iterator[tuple[Path, Path] | None]:
    """Provide the file that is a disk, and where it is mounted; None where one may not mount."""
    with mounted_image(scratch / "host", ("mkfs.btrfs", "-q"), 2048 * _MEGABYTE) as host:
        if host is None:
            yield None
            return
        image = host / "disk"
        # With room for times to the nanosecond, by which a batch knows its recordings.
        make = ("mkfs.ext4", "-q", "-F", "-m", "0", "-I", "256")
        where = scratch / "disk"
        with mounted_image(where, make, 64 * _MEGABYTE, _OPTIONS, image) as mounted:
            yield None if mounted is None else (image, mounted)


class PowerCuts:
    """Makes copies of a disk while something is written to it, and looks at them.

    Parameters
    ----------
    scratch
        A folder on an ordinary disk.
    image, disk
        What :func:`disks` provides.
    """

    def __init__(self, scratch: Path, image: Path, disk: Path) -> None:
        self._crashes = Crashes(scratch / "crashes")
        self._scratch = scratch
        self._image = image
        self._disk = disk
        self._numbers = itertools.count()
        self.cuts: Counter[str] = Counter()

    @property
    def ends(self) -> Counter[str]:
        """What targets were."""
        return self._crashes.ends

    @property
    def defects(self) -> list[str]:
        """What did not hold."""
        return self._crashes.defects

    def steps(self, name: str) -> int:
        """Find out what a write makes, and how many steps it has."""
        self._crashes.measure(name)
        return len(self._crashes.steps(name))

    def cut_at(self, name: str, steps: set[int]) -> None:
        """Let something be written, and cut the power at some of its steps, and at its end."""
        place = self._disk / f"run{next(self._numbers)}"
        shutil.copytree(self._crashes.template, place)
        os.sync()
        before = hashes(place, FLOWS[name].targets)

        def work() -> None:
            counter = itertools.count()

            def at(_: str) -> None:
                number = next(counter)
                if number in steps:
                    self._copy(self._image.with_name(f"cut{number}"))

            with counted(at):
                run(name, place, lambda done, total, stage: at(stage))
            self._copy(self._image.with_name("cut-end"))

        _, status = os.waitpid(start(work), 0)
        if status:
            raise RuntimeError(f"The write itself failed: {status}.")
        for cut in sorted(self._image.parent.glob("cut*")):
            self._look(name, cut, place.name, before)
            cut.unlink()
        shutil.rmtree(place)

    def _copy(self, target: Path) -> None:
        with self._image.open("rb") as source, target.open("wb") as copy:
            fcntl.ioctl(copy.fileno(), _CLONE, source.fileno())

    def _look(self, name: str, cut: Path, run_name: str, before: dict[str, str]) -> None:
        """Start the computer again, so to say."""
        self.cuts[name] += 1
        when = "after its end" if cut.name == "cut-end" else f"at {cut.name}"
        where = self._scratch / "again"
        with mounted_image(where, (), 0, "loop", cut) as mounted:
            if mounted is None:
                self.defects.append(f"{name}, power cut {when}: the disk cannot be mounted")
                return
            place = mounted / run_name
            if cut.name == "cut-end" and not self._is_new(name, place):
                self.defects.append(f"{name}, power cut {when}: what was said to be done is lost")
            self._crashes.look(name, f"by a power cut {when}", place, before)

    def _is_new(self, name: str, place: Path) -> bool:
        """Tell whether all targets are what a write makes that nothing disturbs."""
        found = []
        for target in FLOWS[name].targets:
            try:
                found.append(digest(place / target))
            except (OSError, ValueError):
                found.append("damaged")
        return found == self._crashes.complete[name]


def main(argv: list[str] | None = None) -> int:
    """Cut the power, print what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--cuts", type=int, default=300, help="about so many in all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=WRITES, default=WRITES)
    parser.add_argument("--keep", action="store_true", help="keep the figures in build/torture")
    arguments = parser.parse_args(argv)
    rng = random.Random(arguments.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flimage-torture-") as name:
        scratch = Path(name)
        with disks(scratch) as made:
            if made is None:
                print("no disk can be mounted here; its power is not cut")
                return 0
            cuts = PowerCuts(scratch, *made)
            each = max(1, arguments.cuts // len(arguments.only))
            for write in arguments.only:
                count = cuts.steps(write)
                cuts.cut_at(write, set(rng.sample(range(count), min(count, each - 1))))
                print(f"{write}: power cut {cuts.cuts[write]} times", flush=True)
    for defect in cuts.defects:
        print(defect)
    print(f"{cuts.cuts.total()} cuts, {len(cuts.defects)} defects", dict(cuts.ends))
    if arguments.keep:
        keep(
            "power_cut",
            "A computer that loses its power finds every recording as it was, and each target as"
            " the old file or the complete new one; what was said to be done is there.",
            {"power cuts": cuts.cuts.total()},
            time.monotonic() - began,
            seeds=[arguments.seed],
            defects=cuts.defects,
            details={"cuts by what was written": dict(cuts.cuts), **+cuts.ends},
        )
    return 1 if cuts.defects else 0


if __name__ == "__main__":
    sys.exit(main())
