"""Let several windows and programs use one file at once, and cancel at any moment.

Run with ``python -m tests.torture.concurrency --rounds 20 --seed 1``. Processes write the same
target from the same recording while others read it, with HDF5's locks switched on and off: whoever
reads must find a complete file. A window exports while its frames are stepped through and another
program reads the recording. Jobs of the window are cancelled at random moments; the time until the
window is free again is measured.
"""

from __future__ import annotations

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flimage import FLSeries
from flimage.errors import FlimageError
from tests.torture.flows import SOURCE, digest, files_of, prepare, run
from tests.torture.outcome import keep

__all__ = ["cancel_often", "share_files", "step_while_exporting"]

#: What a window may take to be free again after something was cancelled [s].
PROMISED = 0.5
_PATIENCE = 60.0


def work(folder: Path, name: str, seconds: float) -> int:
    """Write or read the same file again and again; return how often (in a process of its own)."""
    target = folder / "corrected.h5"
    end = time.monotonic() + seconds
    count = 0
    while time.monotonic() < end:
        if name == "write":
            run("export", folder)
        elif name == "read the target":
            with FLSeries(h5file=target, h5mode="r") as series:
                if len(series) not in (3, 12):
                    raise AssertionError(f"{len(series)} frames")
                for index in range(len(series)):
                    series[index].fl.mean()
        else:
            with FLSeries(h5file=folder / SOURCE, h5mode="r") as series:
                if sum(1 for frame in series if frame.fl.size) != 12:
                    raise AssertionError("frames are missing")
        count += 1
    return count


def share_files(folder: Path, seconds: float, locking: str) -> tuple[dict[str, int], list[str]]:
    """Let two processes write a file that two others read."""
    place = prepare(folder)
    kept = files_of(place)
    before = (place / SOURCE).read_bytes()
    names = ["write", "write", "read the target", "read the recording"]
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", __spec__.name, "--work", name, str(place), str(seconds)],
            env={**os.environ, "HDF5_USE_FILE_LOCKING": locking},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for name in names
    ]
    counts: dict[str, int] = {}
    defects = []
    for name, worker in zip(names, workers, strict=True):
        out, err = worker.communicate(timeout=_PATIENCE + 10 * seconds)
        if worker.returncode:
            defects.append(f"{name}, locking {locking}: {err.strip().splitlines()[-1]}")
        else:
            counts[name] = counts.get(name, 0) + int(out)
    if files_of(place) - kept:
        defects.append(f"locking {locking}: left behind {sorted(files_of(place) - kept)}")
    if (place / SOURCE).read_bytes() != before:
        defects.append(f"locking {locking}: the recording was changed")
    result = digest(place / "corrected.h5")
    run("export", place)
    if digest(place / "corrected.h5") != result:
        defects.append(f"locking {locking}: the result is another one")
    return counts, defects


class Bench:
    """A window with a recording that takes a while.

    Parameters
    ----------
    folder
        Where to work.
    frames, shape
        Size of the recording.
    """

    def __init__(
        self, folder: Path, frames: int = 150, shape: tuple[int, int] = (256, 256)
    ) -> None:
        from PyQt5.QtCore import QSettings, qInstallMessageHandler
        from PyQt5.QtWidgets import QApplication

        from flimage_gui import dialogs
        from flimage_gui.main_window import MainWindow
        from flimage_gui.settings import Settings

        # Nobody is there to answer.
        dialogs.ask_unsaved = lambda *_: "discard"
        for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "LOCALAPPDATA"):
            (folder / name).mkdir(mode=0o700)
            os.environ[name] = str(folder / name)
        os.environ["FLIMAGE_NO_CACHE"] = "1"
        qInstallMessageHandler(lambda *_: None)
        self.path = prepare(folder / "long", frames, shape) / SOURCE
        self.app = QApplication.instance() or QApplication(["flimage"])
        self._store = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
        self.window: Any = MainWindow(Settings(self._store))
        self.session = self.window.session
        self.errors: list[Exception] = []
        self.session.failed.connect(self.errors.append)
        self.window.show()
        self.out = folder / "out.h5"

    def until(self, reached: Callable[[], bool]) -> float:
        """Let the window work until something is so; return how long that took [s]."""
        began = time.perf_counter()
        while not reached():
            self.app.processEvents()
            time.sleep(0.001)
            if time.perf_counter() - began > _PATIENCE:
                raise TimeoutError(self.session.busy)
        return time.perf_counter() - began

    def open(self) -> None:
        """Open the recording, and wait for all that follows."""
        self.window.open_path(self.path)
        self.until(lambda: self.session.source is not None and self.session.at_rest)

    def close(self) -> None:
        """Close the window, and let Qt write what it would write once the folder is gone."""
        self.window.leave_unasked()
        self._store.sync()


def step_while_exporting(bench: Bench) -> tuple[list[float], list[str]]:
    """Step through frames while the window exports and another program reads the recording."""
    reader = subprocess.Popen(
        [sys.executable, "-m", __spec__.name, "--work", "look", str(bench.path.parent), "0"]
    )
    session = bench.session
    defects: list[str] = []
    times: list[float] = []
    session.export(bench.out, overwrite=True)
    frame = 0
    while session.busy:
        began = time.perf_counter()
        frame = (frame + 7) % session.n_frames
        session.set_frame(frame)
        bench.app.processEvents()
        times.append(time.perf_counter() - began)
        time.sleep(0.002)
    reader.wait()
    if reader.returncode:
        defects.append("another program could not read the recording during the export")
    defects += [f"exporting while stepping: {error}" for error in bench.errors]
    with FLSeries(h5file=bench.out, h5mode="r") as series:
        if len(series) != session.n_frames:
            defects.append("frames are missing in what was exported while stepping")
    return times, defects


def cancel_often(bench: Bench, rounds: int, rng: random.Random) -> tuple[list[float], list[str]]:
    """Cancel jobs of the window at random moments; return how long each took to end [s]."""
    import numpy as np

    session = bench.session
    jobs: dict[str, Callable[[], object]] = {
        "export": lambda: session.export(bench.out, overwrite=True),
        "save a copy": lambda: session.save_as(bench.out, overwrite=True),
        "save": session.save,
        "fit": session.run_fit,
        "open": lambda: bench.window.open_path(bench.path),
    }
    times, defects = [], []
    for number in range(rounds):
        name = list(jobs)[number % len(jobs)]
        if session.source is None:
            bench.open()
        if name == "save":
            image = np.full(session.shape, rng.random(), np.float32)
            session.assign_background(image, [number % session.n_frames], "Random")
        if name == "fit":
            change = session.recipe.replace(border_px=rng.randint(2, 40))
            session.set_recipe(change, "Change the border")
        jobs[name]()
        pause = time.monotonic() + rng.uniform(0, 0.25)
        while time.monotonic() < pause:
            bench.app.processEvents()
            time.sleep(0.001)
        busy = bool(session.busy)
        session.cancel()
        took = bench.until(lambda: not session.busy)
        if busy:
            times.append(took)
            if took > PROMISED:
                defects.append(f"{name}: cancelled after {took:.2f} s")
        bench.until(lambda: session.at_rest)
        left = [path.name for path in bench.path.parent.parent.rglob(".*.flimage-part")]
        if left:
            defects.append(f"{name}, cancelled: left behind {left}")
    defects += [f"cancelling: {e}" for e in bench.errors if not isinstance(e, FlimageError)]
    return times, defects


def main(argv: list[str] | None = None) -> int:
    """Run, print what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=20, help="jobs that are cancelled")
    parser.add_argument("--seconds", type=float, default=5.0, help="of sharing files")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the figures in build/torture")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args(argv)
    if arguments.work:
        name, folder, seconds = arguments.work
        if name == "look":
            with FLSeries(h5file=Path(folder) / SOURCE, h5mode="r") as series:
                return 0 if all(frame.fl.size for frame in series) else 1
        print(work(Path(folder), name, float(seconds)))
        return 0
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    began = time.monotonic()
    counts: dict[str, int] = {}
    defects: list[str] = []
    with tempfile.TemporaryDirectory(prefix="flimage-torture-") as scratch:
        for locking in ("TRUE", "FALSE"):
            print(f"sharing files, locking {locking}", flush=True)
            found, wrong = share_files(Path(scratch) / locking, arguments.seconds, locking)
            for name, count in found.items():
                counts[name] = counts.get(name, 0) + count
            defects += wrong
        bench = Bench(Path(scratch))
        bench.open()
        print("stepping during an export", flush=True)
        steps, wrong = step_while_exporting(bench)
        defects += wrong
        print("cancelling", flush=True)
        times, wrong = cancel_often(bench, arguments.rounds, random.Random(arguments.seed))
        defects += wrong
        bench.close()
    times.sort()
    steps.sort()
    counts |= {"jobs that were cancelled": len(times), "steps during an export": len(steps)}
    details = {
        "longest until a cancelled job has ended [s]": round(times[-1], 3),
        "middle [s]": round(times[len(times) // 2], 3),
        "longest step during an export [ms]": round(1e3 * steps[-1]),
        "99 of 100 such steps at most [ms]": round(1e3 * steps[-1 - len(steps) // 100], 1),
    }
    for defect in defects:
        print(defect)
    print(counts, details, f"{len(defects)} defects")
    if arguments.keep:
        keep(
            "concurrency",
            "Several windows and programs can use one file at once: readers find complete files,"
            f" and what is cancelled ends within {PROMISED} s.",
            counts,
            time.monotonic() - began,
            seeds=[arguments.seed],
            defects=defects,
            details=details,
        )
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main())
