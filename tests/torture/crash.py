"""Kill the program at every step and at random moments; nothing may be lost, nothing left.

Run with ``python -m tests.torture.crash --kills 300 --seed 1``. Everything that writes is killed
before and after each call that changes the disk and at each stage of its progress, and then at
random moments. After each kill the recordings must hold the bytes they held, the target must be the
old one or the complete new one, and the next one who writes must find no temporary file that stays.
For a power cut, what was flushed to the disk by the time a file takes its name must be all of it.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import io
import itertools
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import h5py

from flimage.export import folder as folder_module
from flimage.output import atomic_output
from flimage.remnants import ASIDE_SUFFIX, PART_SUFFIX
from tests.torture.children import start
from tests.torture.flows import FLOWS, digest, files_of, prepare, run
from tests.torture.outcome import keep

__all__ = ["Crashes", "check_power_cut", "hashes", "main"]

#: What is patched to count the steps of a write: where, and under which name.
_CALLS: tuple[tuple[Any, str], ...] = (
    (os, "open"),
    (os, "fsync"),
    (os, "replace"),
    (os, "rename"),
    (os, "unlink"),
    (os, "mkdir"),
    (os, "rmdir"),
    (io, "open"),
    (h5py.File, "close"),
    (h5py.File, "flush"),
)
#: What paths are opened by, before it is watched.
_OPEN = io.open
_SLOW = "batch in processes"


def die() -> None:
    """End this process as the system does, without a chance to do anything."""
    os.kill(os.getpid(), signal.SIGKILL)


@contextlib.contextmanager
def counted(at: Callable[[str], None]) -> Iterator[None]:
    """Call `at` with a name before and after each call that changes the disk."""

    def wrap(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            changes = name != "open" or _opens_to_write(original, args, kwargs)
            if changes:
                at(f"before {name}")
            result = original(*args, **kwargs)
            if changes:
                at(f"after {name}")
            return result

        return call

    with contextlib.ExitStack() as stack:
        for home, name in _CALLS:
            original = getattr(home, name)
            stack.enter_context(mock.patch.object(home, name, wrap(name, original)))
        yield


def _opens_to_write(original: Callable[..., Any], args: Sequence[Any], options: Any) -> bool:
    mode = args[1] if len(args) > 1 else options.get("mode", "r")
    if original is _OPEN:
        return bool(set("wax+") & set(mode))
    return isinstance(mode, int) and bool(mode & (os.O_CREAT | os.O_WRONLY))


class Crashes:
    """Kills writers, and looks at what they leave.

    Parameters
    ----------
    folder
        Where to work.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.template = prepare(folder / "template")
        self._numbers = itertools.count()
        self._sources: dict[str, dict[str, str]] = {}
        self.complete: dict[str, list[str]] = {}
        self._old: dict[str, list[str]] = {}
        self._seconds: dict[str, float] = {}
        self.defects: list[str] = []
        self.kills: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()

    def measure(self, name: str) -> None:
        """Find out what a write makes when nothing kills it, and how long it takes."""
        place = self._copy()
        began = time.monotonic()
        self._in_child(lambda: run(name, place))
        self._seconds[name] = time.monotonic() - began
        targets = FLOWS[name].targets
        self.complete[name] = [digest(place / target) for target in targets]
        self._old[name] = [digest(self.template / target) for target in targets]
        if self.complete[name] == self._old[name]:
            self.defects.append(f"{name}: nothing was written")
        shutil.rmtree(place)

    def steps(self, name: str) -> list[str]:
        """Names of all steps of a write, in their order."""
        place = self._copy()
        log = self._folder / "steps.txt"

        def work() -> None:
            with log.open("w") as file:

                def at(step: str) -> None:
                    file.write(f"{step}\n")

                with counted(at):
                    run(name, place, lambda done, total, stage: at(f"at {stage}"))

        self._in_child(work)
        shutil.rmtree(place)
        return log.read_text().splitlines()

    def kill_at(self, name: str, step: int) -> None:
        """Kill a write at one of its steps."""

        def work(place: Path) -> None:
            left = itertools.count(-step)

            def at(_: str) -> None:
                if next(left) == 0:
                    die()

            with counted(at):
                run(name, place, lambda done, total, stage: at(stage))

        self._kill(name, f"step {step}", work, None)

    def kill_after(self, name: str, share: float, whole_group: bool = True) -> None:
        """Kill a write when a share of the time that it takes has passed."""
        seconds = share * self._seconds[name]
        self._kill(
            name, f"{1e3 * seconds:.1f} ms", lambda place: run(name, place), seconds, whole_group
        )

    # ------------------------------------------------------------------ one crash

    def _copy(self) -> Path:
        return shutil.copytree(self.template, self._folder / f"run{next(self._numbers)}")

    def _in_child(self, work: Callable[[], None]) -> None:
        child = start(work)
        _, status = os.waitpid(child, 0)
        if status:
            raise RuntimeError(f"The write itself failed: {status}.")

    def _kill(
        self,
        name: str,
        when: str,
        work: Callable[[Path], None],
        seconds: float | None,
        whole_group: bool = True,
    ) -> None:
        place = self._copy()
        before = hashes(place, FLOWS[name].targets)
        child = start(lambda: work(place))
        if seconds is not None:
            time.sleep(seconds)
            with contextlib.suppress(ProcessLookupError):
                (os.killpg if whole_group else os.kill)(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        # Those whom it has started end by themselves when it is gone.
        deadline = time.monotonic() + 30
        while _group_lives(child) and time.monotonic() < deadline:
            time.sleep(0.01)
        if _group_lives(child):
            self.defects.append(f"{name}, killed at {when}: its processes live on")
        self.kills[name] += os.WIFSIGNALED(status)
        self.ends["writes that had ended before they were killed"] += not os.WIFSIGNALED(status)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status):
            self.defects.append(f"{name}, to be killed at {when}: failed by itself")
        self.look(name, when, place, before)
        shutil.rmtree(place)

    def look(self, name: str, when: str, place: Path, before: dict[str, str]) -> None:
        """Check what a write that was ended has left, and that the next one tidies up."""

        def wrong(what: str) -> None:
            self.defects.append(f"{name}, ended {when}: {what}")

        left = [each for each in files_of(place) if ".flimage-" in each]
        self.ends["kills that left a temporary file, which the next write removed"] += bool(left)
        # The next start: another write to the same folders.
        for folder in {(place / target).parent for target in FLOWS[name].targets}:
            with atomic_output(folder / "next.txt") as temporary:
                temporary.write_text("next")
            (folder / "next.txt").unlink()
        if hashes(place, FLOWS[name].targets) != before:
            wrong("a recording was changed")
        for number, target in enumerate(FLOWS[name].targets):
            try:
                found = digest(place / target)
            except (OSError, ValueError) as error:
                wrong(f"{target} is damaged ({error})")
                continue
            if found == self.complete[name][number]:
                self.ends["targets that were the complete new file"] += 1
            elif found == self._old[name][number]:
                self.ends["targets that were the old file"] += 1
            else:
                wrong(f"{target} is neither the old nor the new one")
        extra = {each for each in files_of(place) if not _belongs(each, name)}
        if extra - files_of(self.template):
            wrong(f"left behind: {sorted(extra - files_of(self.template))}")


def _belongs(file: str, name: str) -> bool:
    return any(file == target or file.startswith(f"{target}/") for target in FLOWS[name].targets)


def hashes(folder: Path, without: tuple[str, ...]) -> dict[str, str]:
    """Return a hash of the bytes of each file but those that are written."""
    return {
        name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
        for name in files_of(folder)
        if (folder / name).is_file()
        and not any(name.split("/")[0] == each.split("/")[0] for each in without)
        and ".flimage-" not in name
    }


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


# --- the power is cut ----------------------------------------------------------------------------


def check_power_cut(folder: Path, name: str) -> tuple[int, list[str]]:
    """Check that a file takes its name only when all of it was flushed to the disk.

    Returns
    -------
    count
        Names that were taken.
    defects
        What was not on the disk.
    """
    place = prepare(folder)
    flushed: dict[str, str] = {}
    pending: set[Path] = set()
    defects: list[str] = []
    taken: list[str] = []
    fsync = os.fsync

    def flush(descriptor: int) -> None:
        fsync(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_dir():
            pending.discard(path)
        else:
            flushed[str(path)] = hashlib.sha256(path.read_bytes()).hexdigest()

    def renamed(original: Callable[..., None]) -> Callable[..., None]:
        def rename(old: Any, new: Any) -> None:
            old = Path(old)
            if any(part.endswith(PART_SUFFIX) for part in Path(new).parts):
                # Within a folder that has no name of its own yet.
                original(old, new)
                return
            aside = str(new).endswith(ASIDE_SUFFIX)
            for each in () if aside else [old] if old.is_file() else old.rglob("*"):
                found = None if each.is_dir() else hashlib.sha256(each.read_bytes()).hexdigest()
                if each.is_file() and flushed.get(str(each)) != found:
                    defects.append(f"{name}: {Path(new).name} took its name before its bytes")
            original(old, new)
            taken.append(str(new))
            pending.add(Path(new).parent)

        return rename

    with (
        # As on systems that cannot exchange folders: that is a call which cannot be watched.
        mock.patch.object(folder_module, "_exchange", return_value=False),
        mock.patch.object(os, "fsync", flush),
        mock.patch.object(os, "replace", renamed(os.replace)),
        mock.patch.object(os, "rename", renamed(os.rename)),
    ):
        run(name, place)
    if pending:
        defects.append(f"{name}: the name itself was not flushed to the disk")
    shutil.rmtree(folder)
    return len(taken), defects


# --- all of it -----------------------------------------------------------------------------------


def main(argv: list[str] | None = None) -> int:
    """Kill, print what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=300, help="at random moments")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=list(FLOWS), default=list(FLOWS))
    parser.add_argument("--keep", action="store_true", help="keep the figures in build/torture")
    arguments = parser.parse_args(argv)
    rng = random.Random(arguments.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flimage-torture-") as scratch:
        crashes = Crashes(Path(scratch) / "crashes")
        steps: Counter[str] = Counter()
        names = 0
        for name in arguments.only:
            crashes.measure(name)
            if name != _SLOW:
                taken, defects = check_power_cut(Path(scratch) / "power", name)
                names += taken
                crashes.defects += defects
                found = crashes.steps(name)
                for step in range(len(found)):
                    crashes.kill_at(name, step)
                steps[name] = len(found)
            print(f"{name}: killed at each of {steps[name]} steps", flush=True)
        # What takes longest is killed less often.
        chosen = [name for name in arguments.only for _ in range(1 if name == _SLOW else 2)]
        for _ in range(arguments.kills):
            name = rng.choice(chosen)
            crashes.kill_after(name, rng.uniform(0, 1.1), rng.random() < 0.5)
        print(f"{arguments.kills} kills at random moments", flush=True)
    for defect in crashes.defects:
        print(defect)
    print(f"{len(crashes.defects)} defects")
    if arguments.keep:
        keep(
            "crash",
            "A program that is killed changes no recording, leaves the old file or the complete new"
            " one, and nothing that stays.",
            {
                "kills": sum(crashes.kills.values()),
                "of these at a named step": steps.total(),
                "at random moments": arguments.kills,
                "files that took their names with all bytes on the disk": names,
            },
            time.monotonic() - began,
            seeds=[arguments.seed],
            defects=crashes.defects,
            details={"kills by what was written": dict(crashes.kills), **crashes.ends},
        )
    return 1 if crashes.defects else 0


if __name__ == "__main__":
    sys.exit(main())
