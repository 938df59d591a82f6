"""Kill windows in the middle of edits; what they had kept must be offered and come back whole.

Run with ``python -m tests.torture.journal_crash --kills 40 --seed 1``. A window edits a recording
again and again, and tells through a pipe what it has done and what its journal holds. It is killed
at a random moment, and another window has to find the work, restore it, and leave nothing behind.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.torture.children import answer, start_telling
from tests.torture.flows import files_of, prepare
from tests.torture.outcome import keep

__all__ = ["JournalCrashes"]

FRAMES = 400
#: What a window may take to open or to restore [s].
_PATIENCE = 60.0


class JournalCrashes:
    """Kills windows, and opens others.

    Parameters
    ----------
    folder
        Where to work.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = prepare(folder / "recordings", FRAMES, (16, 20)) / "recording.h5"
        self.journals = folder / "state" / "flimage" / "journal"
        self.ends: Counter[str] = Counter()
        self.defects: list[str] = []

    def crash(self, number: int, rng: random.Random) -> None:
        """Kill one window, and look at what comes back."""
        pace = random.Random(rng.random())
        wait = rng.uniform(0, 1.2)
        began = time.time()
        child, pipe = self._start(lambda report: _edit(self._path, report, pace))
        told = b""
        while b"\n" not in told:
            piece = os.read(pipe, 1)
            if not piece:
                self.defects.append(f"window {number} has ended by itself")
                return
            told += piece
        time.sleep(wait)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        told += answer(pipe)
        done = _last(rb"done (\d+)\n", told)
        kept = _last(rb"kept (\d+)\n", told)
        # The next start is some time later: what has no content yet is taken for new until then.
        for each in self.journals.glob("*"):
            os.utime(each, (began - 60, began - 60))
        child, pipe = self._start(lambda report: _reopen(self._path, report))
        said = answer(pipe)
        _, status = os.waitpid(child, 0)
        found = _last(rb"found (\d+)\n", said)
        restored = _last(rb"restored (\d+)\n", said)
        self.ends["windows that were killed"] += 1
        self.ends["steps done"] += done
        self.ends["steps restored"] += restored
        self.ends["steps of the last moment, not written yet"] += max(0, done - restored)
        problem = ""
        if status or b"over\n" not in said:
            problem = f"the next window failed ({status}): {said[-300:]!r}"
        elif restored != found or not kept <= restored <= done + 1:
            problem = f"{restored} of {done} steps came back; {kept} were kept"
        elif left := files_of(self.journals) if self.journals.is_dir() else set():
            problem = f"left behind: {sorted(left)}"
        if problem:
            self.defects.append(f"window {number}: {problem}")
            shutil.rmtree(self.journals, ignore_errors=True)

    def _start(self, work: Callable[[int], None]) -> tuple[int, int]:
        def at_home(pipe: int) -> None:
            for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "LOCALAPPDATA"):
                folder = self._folder / ("state" if "STATE" in name else name.lower())
                folder.mkdir(mode=0o700, exist_ok=True)
                os.environ[name] = str(folder)
            work(pipe)

        return start_telling(at_home)


def _last(pattern: bytes, text: bytes) -> int:
    """Return the number that was told last; only lines that are complete count."""
    return max((int(each) for each in re.findall(pattern, text)), default=0)


def _window() -> tuple[Any, Any]:
    from PyQt5.QtCore import QSettings, qInstallMessageHandler
    from PyQt5.QtWidgets import QApplication

    from flimage_gui.main_window import MainWindow
    from flimage_gui.settings import Settings

    # What the offscreen platform says of its windows is of no use.
    qInstallMessageHandler(lambda *_: None)
    app = QApplication(["flimage"])
    store = QSettings(f"{os.environ['XDG_STATE_HOME']}/settings.ini", QSettings.Format.IniFormat)
    window = MainWindow(Settings(store))
    window.show()
    return app, window


def _edit(path: Path, report: int, rng: random.Random) -> None:
    """Change one frame after the other until the end."""
    from PyQt5.QtCore import QTimer

    from flimage_gui import journaling
    from flimage_gui.editor import Editor
    from flimage_gui.journal import JournalWriter
    from flimage_gui.session import Change

    # More often than a person rests, so that writing is hit more often.
    journaling.REST_MS = 5
    write = JournalWriter.write

    def written(
        self: JournalWriter, path: Any, recipe: Any, edits: Any, steps: Any, *a: Any
    ) -> None:
        write(self, path, recipe, edits, steps, *a)
        os.write(report, b"kept %d\n" % len(edits.meta))

    JournalWriter.write = written
    app, window = _window()
    session = window.session
    frame = itertools.count()

    def step() -> None:
        index = next(frame)
        if index < FRAMES:
            Editor(session).set_value([index], "identifier", f"step {index}")
            os.write(report, b"done %d\n" % (index + 1))
            QTimer.singleShot(rng.choice([0, 5, 20, 60]), step)

    def opened(change: Change) -> None:
        if change & Change.RECORDING and session.source is not None:
            session.changed.disconnect(opened)
            os.write(report, b"opened\n")
            step()

    session.changed.connect(opened)
    window.open_path(path)
    app.exec()


def _reopen(path: Path, report: int) -> None:
    """Restore what is offered, tell what came back, and give it up."""
    app, window = _window()
    session, journaling = window.session, window.saving.journaling

    def until(reached: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _PATIENCE
        while not reached():
            app.processEvents()
            time.sleep(0.005)
            if time.monotonic() > deadline:
                raise TimeoutError

    entries = journaling.pending()
    if entries:
        os.write(report, b"found %d\n" % len(entries[0].steps))
        journaling.restore(entries[0])
        until(lambda: bool(session.edits is not None and session.edits.meta))
        meta = session.edits.meta
        whole = all(meta[i] == {"identifier": f"step {i}"} for i in range(len(meta)))
        os.write(report, b"restored %d\n" % (len(meta) if whole else 0))
        # Its own journal takes the place of the one that was found.
        until(lambda: len(journaling.pending()) == 0)
    until(lambda: session.at_rest)
    journaling.discard()
    os.write(report, b"over\n")
    window.session.shut_down()


def main(argv: list[str] | None = None) -> int:
    """Kill, print what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the figures in build/torture")
    arguments = parser.parse_args(argv)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # All that a window needs is loaded before it is born, so that it is born quickly.
    import flimage_gui.main_window  # noqa: F401

    rng = random.Random(arguments.seed)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="flimage-torture-") as scratch:
        crashes = JournalCrashes(Path(scratch))
        for number in range(arguments.kills):
            crashes.crash(number, rng)
    for defect in crashes.defects:
        print(defect)
    print(dict(crashes.ends), f"{len(crashes.defects)} defects")
    if arguments.keep:
        keep(
            "journal_crash",
            "What a person did and did not save comes back after a crash, whole, and up to the"
            " moment in which it was written to the journal.",
            {"kills": crashes.ends["windows that were killed"]},
            time.monotonic() - began,
            seeds=[arguments.seed],
            defects=crashes.defects,
            details=dict(crashes.ends),
        )
    return 1 if crashes.defects else 0


if __name__ == "__main__":
    sys.exit(main())
