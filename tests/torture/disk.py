"""Let the disk and the system fail in every way; the person gets a sentence, and nothing is lost.

Run with ``python -m tests.torture.disk --rounds 3 --seed 1``. Everything that writes is run on a
disk that gets full (a small one of its own where the user may mount one), against a limit of the
size of files, in a folder that takes no files, with the target taken away or the source cut or
replaced in the middle, with too few open files, with too little memory, and on a slow disk. Each
time the error must be one of the program's own sentences, recordings must be unchanged, the target
must be the old or the complete new one, no file may stay open or be left behind, and the same must
succeed in the same process once the fault is gone.
"""

from __future__ import annotations

import argparse
import contextlib
import errno
import faulthandler
import gc
import importlib
import itertools
import os
import random
import resource
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import h5py

from flimage.errors import FlimageError
from flimage.progress import Progress, ignore_progress
from tests.torture.children import ask
from tests.torture.crash import hashes
from tests.torture.flows import FLOWS, SOURCE, STACK, digest, files_of, prepare, run
from tests.torture.mounts import FILE_SYSTEMS, limit_quota, quota_disk, small_disk
from tests.torture.outcome import keep

__all__ = ["FAULTS", "Disk"]

#: What is run; one process is enough, because each trial has one of its own.
WRITES = [name for name in FLOWS if name != "batch in processes"]
NOBODY = 65534
_OPEN = Path("/proc/self/fd")
#: What a write may take before it counts as hanging [s].
_PATIENCE = 60.0


@dataclass(frozen=True)
class Fault:
    """One way in which the system fails.

    Parameters
    ----------
    begin
        A context in which the fault is there; gets the folder, a number from 0 to 1 that says how
        early it comes, and returns what is called as progress.
    sources_change
        Whether the recordings themselves are changed by it.
    """

    begin: Callable[[Path, float], contextlib.AbstractContextManager[Progress]]
    sources_change: bool = False


def _limit(which: int, value: int) -> contextlib.AbstractContextManager[Progress]:
    @contextlib.contextmanager
    def limited() -> Iterator[Progress]:
        soft, hard = resource.getrlimit(which)
        resource.setrlimit(which, (value, hard))
        try:
            yield ignore_progress
        finally:
            resource.setrlimit(which, (soft, hard))

    return limited()


def _small_files(folder: Path, share: float) -> contextlib.AbstractContextManager[Progress]:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    return _limit(resource.RLIMIT_FSIZE, int(share * 150_000))


def _few_open_files(folder: Path, share: float) -> contextlib.AbstractContextManager[Progress]:
    used = max(int(each.name) for each in _OPEN.iterdir()) + 1
    return _limit(resource.RLIMIT_NOFILE, used + int(share * 8))


def _little_memory(folder: Path, share: float) -> contextlib.AbstractContextManager[Progress]:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    used = pages * resource.getpagesize()
    return _limit(resource.RLIMIT_AS, used + int(share * 40e6))


@contextlib.contextmanager
def _full_disk(folder: Path, share: float) -> Iterator[Progress]:
    filler = folder.parent / "filler"
    size = shutil.disk_usage(folder).free - int(share * 150_000)
    try:
        with filler.open("wb") as file:
            # The lists of what the filler takes need room as well.
            while size > 0 and not _takes(file.fileno(), size):
                size -= 4096
        yield ignore_progress
    finally:
        filler.unlink()


def _takes(descriptor: int, size: int) -> bool:
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError:
        return False
    return True


@contextlib.contextmanager
def _quota(folder: Path, share: float) -> Iterator[Progress]:
    """Let the quota of the folder's own disk be used up soon."""
    with limit_quota(folder.parents[1], int(share * 600_000)):
        yield ignore_progress


@contextlib.contextmanager
def _quota_at_flush(folder: Path, share: float) -> Iterator[Progress]:
    """Let the flush to the disk fail, as it may on a network drive with a quota (simulated)."""
    left = itertools.count(-int(3 * share))
    fsync = os.fsync

    def flush(descriptor: int) -> None:
        if next(left) == 0:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        fsync(descriptor)

    with mock.patch.object(os, "fsync", flush):
        yield ignore_progress


@contextlib.contextmanager
def _closed_folder(folder: Path, share: float) -> Iterator[Progress]:
    for each in [folder, *(each for each in folder.rglob("*") if each.is_dir())]:
        each.chmod(0o555)
    # Nothing is forbidden to root.
    if os.geteuid() == 0:
        os.seteuid(NOBODY)
    try:
        yield ignore_progress
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        for each in [folder, *(each for each in folder.rglob("*") if each.is_dir())]:
            each.chmod(0o755)


def _at_step(share: float, act: Callable[[], None]) -> Progress:
    left = itertools.count(-int(share * 24))

    def progress(done: int, total: int, stage: str) -> None:
        if next(left) == 0:
            act()

    return progress


@contextlib.contextmanager
def _target_taken_away(folder: Path, share: float) -> Iterator[Progress]:
    def act() -> None:
        for each in [*folder.glob(".*.flimage-part"), *folder.glob("out/.*.flimage-part")]:
            shutil.rmtree(each) if each.is_dir() else each.unlink()

    yield _at_step(share, act)


@contextlib.contextmanager
def _source_cut(folder: Path, share: float) -> Iterator[Progress]:
    def act() -> None:
        for name in (SOURCE, STACK, "second.h5", "edited.h5"):
            os.truncate(folder / name, int(share * (folder / name).stat().st_size))

    yield _at_step(share, act)


@contextlib.contextmanager
def _source_replaced(folder: Path, share: float) -> Iterator[Progress]:
    def act() -> None:
        for name in (SOURCE, "second.h5"):
            shutil.copy(folder / "old.h5", folder / "new.h5")
            (folder / "new.h5").replace(folder / name)

    yield _at_step(share, act)


@contextlib.contextmanager
def _slow_disk(folder: Path, share: float) -> Iterator[Progress]:
    fsync = os.fsync

    def flush(descriptor: int) -> None:
        time.sleep(0.1)
        fsync(descriptor)

    with mock.patch.object(os, "fsync", flush):
        yield lambda done, total, stage: time.sleep(0.005)


FAULTS: dict[str, Fault] = {
    "disk full": Fault(_full_disk),
    "file-size limit": Fault(_small_files),
    "quota": Fault(_quota),
    "quota at flush": Fault(_quota_at_flush),
    "read-only folder": Fault(_closed_folder),
    "target removed": Fault(_target_taken_away),
    "source cut": Fault(_source_cut, sources_change=True),
    "source replaced": Fault(_source_replaced, sources_change=True),
    "slow disk": Fault(_slow_disk),
    "too many open files": Fault(_few_open_files),
    "memory limit": Fault(_little_memory),
}


class Disk:
    """Tries all writes with all faults.

    Parameters
    ----------
    folder
        Where to work; for a full disk, one on a small disk of its own.
    kind
        What is added to the name of a fault.
    """

    def __init__(self, folder: Path, kind: str = "") -> None:
        self._folder = folder
        self._kind = kind
        self._template = prepare(folder / "template")
        for path in [folder, *folder.rglob("*")]:
            path.chmod(0o755)
        self._numbers = itertools.count()
        self.tried: Counter[str] = Counter()
        self.ends: Counter[str] = Counter()
        self.defects: list[str] = []
        self.sentences: dict[str, str] = {}

    def trial(self, name: str, fault: str, share: float) -> None:
        """Run one write with one fault."""
        place = shutil.copytree(self._template, self._folder / f"run{next(self._numbers)}")
        place.chmod(0o755)
        before = hashes(place, FLOWS[name].targets)
        old = [digest(place / target) for target in FLOWS[name].targets]

        def attempt() -> dict[str, Any]:
            faulthandler.dump_traceback_later(_PATIENCE, exit=True)
            return _attempt(name, fault, share, place)

        found, status = ask(attempt)
        self.tried[f"{fault}{self._kind}"] += 1
        if status or not found:
            self._wrong(name, fault, share, f"the process died ({status})")
        else:
            self._judge(name, fault, share, place, before, old, found)
        shutil.rmtree(place)

    def _wrong(self, name: str, fault: str, share: float, what: str) -> None:
        self.defects.append(f"{name}, {fault} ({share:.3f}): {what}")
        print(self.defects[-1], flush=True)

    def _judge(
        self,
        name: str,
        fault: str,
        share: float,
        place: Path,
        before: dict[str, str],
        old: list[str],
        found: dict[str, Any],
    ) -> None:
        wrong = [*found["wrong"]]
        self.ends["failed with a sentence" if found["error"] else "succeeded all the same"] += 1
        if found["error"]:
            self.sentences.setdefault(fault, found["error"])
        if not FAULTS[fault].sources_change and hashes(place, FLOWS[name].targets) != before:
            wrong.append("a recording was changed")
        # What is saved over itself was cut by the fault.
        cut = FAULTS[fault].sources_change and name == "save"
        for state, previous in [] if cut else zip(found["state"], old, strict=True):
            if found["error"] and state != previous and not name.startswith("batch"):
                wrong.append("the target is not the old one although writing failed")
            if state == "damaged":
                wrong.append("the target is damaged")
        for what in wrong:
            self._wrong(name, fault, share, what)


def load_everything(folder: Path) -> None:
    """Import all that the writes need: Python itself may be out of reach for another user."""

    def modules() -> list[str]:
        for name in WRITES:
            run(name, folder)
        return sorted(sys.modules)

    names, _ = ask(modules)
    for name in names:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)


def _attempt(name: str, fault: str, share: float, place: Path) -> dict[str, Any]:
    """Write with a fault, then without it, and say what happened (in a process of its own)."""
    wrong: list[str] = []
    kept = files_of(place)
    descriptors = len(list(_OPEN.iterdir()))
    error = ""
    try:
        with FAULTS[fault].begin(place, share) as progress:
            try:
                run(name, place, progress)
            except FlimageError as failure:
                error = str(failure)
                if not _is_sentence(error):
                    wrong.append(f"not a sentence: {error!r}")
            except MemoryError:
                # The window and the command line have a sentence for it.
                error = "There is not enough memory for this."
    except BaseException:
        wrong.append(f"not an error of its own: {traceback.format_exc()[-1100:]}")
        error = "unknown"
    gc.collect()
    targets = FLOWS[name].targets
    if extra := {each for each in files_of(place) - kept if not each.startswith(targets)}:
        wrong.append(f"left behind: {sorted(extra)[:3]}")
    if count := h5py.h5f.get_obj_count(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE):
        wrong.append(f"{count} HDF5 files are left open")
    # zarr keeps a loop of events for as long as the process lives.
    if (more := len(list(_OPEN.iterdir())) - descriptors) > 0 and name != "OME-Zarr":
        wrong.append(f"{more} files are left open")
    state = []
    for target in FLOWS[name].targets:
        try:
            state.append(digest(place / target))
        except (OSError, ValueError):
            state.append("damaged")
    if not FAULTS[fault].sources_change:
        try:
            run(name, place)
        except BaseException:
            wrong.append(f"does not work any more: {traceback.format_exc()[-800:]}")
    return {"error": error, "wrong": wrong, "state": state}


def _is_sentence(text: str) -> bool:
    return bool(text) and "\n" not in text and text.endswith(".") and len(text) < 700


def main(argv: list[str] | None = None) -> int:
    """Try, print what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="of each write with each fault")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", nargs="+", choices=list(FAULTS), default=list(FAULTS))
    parser.add_argument("--writes", nargs="+", choices=WRITES, default=WRITES)
    parser.add_argument("--keep", action="store_true", help="keep the figures in build/torture")
    arguments = parser.parse_args(argv)
    rng = random.Random(arguments.seed)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="flimage-torture-")))
        scratch.chmod(0o755)
        load_everything(prepare(scratch / "loading"))
        disk = Disk(scratch / "work")
        places: dict[str, list[Disk]] = {"disk full": [], "quota": []}
        for system in FILE_SYSTEMS if "disk full" in arguments.only else ():
            mounted = stack.enter_context(small_disk(scratch / system, system))
            if mounted is None:
                print(f"no small {system} disk can be mounted here; a full one is not tried")
            else:
                places["disk full"].append(Disk(mounted / "work", f" ({system})"))
        if "quota" in arguments.only:
            mounted = stack.enter_context(quota_disk(scratch / "quota"))
            if mounted is None:
                print("no disk with a quota can be mounted here; it is not tried")
            else:
                places["quota"].append(Disk(mounted / "work", " (btrfs)"))
        for fault in arguments.only:
            for where in places.get(fault, [disk]):
                for name in arguments.writes:
                    for number in range(arguments.rounds):
                        where.trial(name, fault, (number + rng.random()) / arguments.rounds)
                print(f"{fault}: {where.tried.total()} trials so far", flush=True)
        for each in [one for some in places.values() for one in some]:
            disk.tried += each.tried
            disk.ends += each.ends
            disk.defects += each.defects
            disk.sentences |= each.sentences
    for fault, sentence in disk.sentences.items():
        print(f"{fault}: {sentence}")
    print(f"{len(disk.defects)} defects", dict(disk.ends))
    if arguments.keep:
        keep(
            "disk",
            "Whatever the disk or the system refuses, the person gets one sentence, recordings"
            " stay as they are, nothing is left behind, and the program works on.",
            dict(disk.tried),
            time.monotonic() - began,
            seeds=[arguments.seed],
            defects=disk.defects,
            details=dict(disk.ends),
        )
    return 1 if disk.defects else 0


if __name__ == "__main__":
    sys.exit(main())
