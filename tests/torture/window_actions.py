"""Thousands of random legal actions in the window: nothing may break, leak or get slow.

Run with ``python -m tests.torture.window_actions --actions 10000 --seed 1``. At intervals the
window is closed, and memory, open files, threads and widgets are written down. The exit code is 1
where anything went wrong, or did not come back to where it was after the first interval with all
modules imported.
"""

from __future__ import annotations

import argparse
import ctypes
import ctypes.util
import gc
import os
import random
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from unittest import mock

from flimage_gui.process import prepare_process
from tests.torture.outcome import keep

GUI_TESTS = Path(__file__).resolve().parents[1] / "gui"

#: Memory that may be used at the end beyond that after half of the actions [bytes].
MEMORY_SLACK = 24 << 20
#: The same for memory that was asked for and not given back, which gaps between it cannot hide
#: [bytes].
ALLOCATED_SLACK = 4 << 20
#: What a settled session may take [s].
PATIENCE = 60.0
#: Qt says this once on the offscreen platform, where windows have no frame.
HARMLESS = ("propagateSizeHints",)


@dataclass(frozen=True)
class Figures:
    """What the program uses while nothing is open."""

    actions: int
    memory: int
    #: Of it, what the program has asked the C library for and not given back; the rest are gaps.
    allocated: int
    files: int
    threads: int
    widgets: int
    objects: int
    modules: int
    #: What an action took since the measurement before: the middle, and 99 of 100 [ms].
    median: float
    slow: float

    def line(self) -> str:
        """Return one row of the table."""
        return (
            f"{self.actions:8d} {self.memory / 2**20:9.1f} {self.allocated / 2**20:10.2f}"
            f" {self.files:6d} {self.threads:8d} {self.widgets:8d} {self.objects:9d}"
            f" {self.modules:8d} {self.median:12.2f} {self.slow:9.1f}"
        )


HEAD = (
    " actions  RSS [MB]  used [MB]  files  threads  widgets   objects  modules  median [ms]"
    "  99 % [ms]"
)


def main(argv: list[str] | None = None) -> int:
    """Run, print figures, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--actions", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--interval", type=int, default=0, help="default: a tenth of the actions")
    parser.add_argument("--keep", action="store_true", help="keep the figures in build/torture")
    parser.add_argument("--trace", action="store_true", help="print every action")
    arguments = parser.parse_args(argv)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    # As the program does: left alone, the C library keeps what images took, once per thread.
    prepare_process()
    with tempfile.TemporaryDirectory(prefix="flimage-torture-") as name:
        for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR", "LOCALAPPDATA"):
            folder = Path(name) / variable.lower()
            folder.mkdir(mode=0o700)
            os.environ[variable] = str(folder)
        sys.path.insert(0, str(GUI_TESTS))
        return _Run(arguments, Path(name)).run()


class _Run:
    def __init__(self, arguments: argparse.Namespace, folder: Path) -> None:
        from PyQt5.QtCore import qInstallMessageHandler
        from PyQt5.QtWidgets import QApplication

        self._arguments = arguments
        self._folder = folder
        self._rng = random.Random(arguments.seed)
        self._problems: list[str] = []
        self._last = ""
        self._app = QApplication.instance() or QApplication(["flimage"])
        self._app.setQuitOnLastWindowClosed(False)
        qInstallMessageHandler(self._on_qt_message)
        sys.excepthook = self._on_exception
        threading.excepthook = lambda args: self._on_exception(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        warnings.simplefilter("error")
        # What fits say of data that are not worth a fit is the business of other tests.
        warnings.simplefilter("ignore", RuntimeWarning)
        warnings.filterwarnings("ignore", message="Interface '.*' unavailable!")

    # ------------------------------------------------------------------ what may not happen

    def _note(self, what: str) -> None:
        self._problems.append(f"after {self._last!r}: {what}")
        print(self._problems[-1], flush=True)

    def _on_qt_message(self, kind: object, context: object, text: str) -> None:
        from PyQt5.QtCore import QtMsgType

        if kind != QtMsgType.QtDebugMsg and not any(each in text for each in HARMLESS):
            self._note(f"Qt says {text}")

    def _on_exception(self, kind: object, error: BaseException | None, trace: object) -> None:
        self._note("".join(traceback.format_exception(error)) if error else "an exception")

    def _on_session_failed(self, error: Exception) -> None:
        from flimage.errors import FlimageError

        # Whatever is refused has to be refused on purpose, with a sentence.
        if not isinstance(error, (FlimageError, FileNotFoundError)):
            self._note(f"refused with {error!r}")

    # ------------------------------------------------------------------ running

    def _new_window(self) -> object:
        from PyQt5.QtCore import QSettings, Qt

        from flimage_gui.main_window import MainWindow
        from flimage_gui.settings import Settings

        store = QSettings(str(self._folder / "settings.ini"), QSettings.Format.IniFormat)
        window = MainWindow(Settings(store))
        window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        window.session.failed.connect(self._on_session_failed)
        window.resize(1280, 820)
        window.show()
        return window

    def run(self) -> int:
        """Do all actions; return the exit code."""
        from restless import RestlessPerson

        count = self._arguments.actions
        interval = self._arguments.interval or max(1, count // 10)
        person = RestlessPerson(self._new_window(), self._folder, self._rng)
        rows: list[Figures] = []
        latency: list[tuple[float, str]] = []
        slowest: list[tuple[float, str]] = []
        began = time.monotonic()
        print(HEAD)
        with _Patches() as patches:
            person.answer_questions(patches.set)
            for number in range(1, count + 1):
                self._act(person, latency)
                if number % interval == 0 or number == count:
                    self._settle(person)
                    self._check_screen(person)
                    self._replace_window(person)
                    slowest = sorted(slowest + latency, reverse=True)[:5]
                    rows.append(self._measure(number, latency))
                    # Nothing that is kept for the figures may look like a leak.
                    latency.clear()
                    print(rows[-1].line(), flush=True)
                    if number < count:
                        person.window = self._new_window()
        took = time.monotonic() - began
        self._report(rows, slowest, took, person.counts)
        return 1 if self._problems else 0

    def _act(self, person: object, latency: list[tuple[float, str]]) -> None:
        before = time.perf_counter()
        try:
            self._last = "choosing"
            self._last = person.act()
        except Exception:
            self._note(traceback.format_exc())
        if self._arguments.trace:
            print(self._last, flush=True)
        # An action that waits on purpose says nothing about how fast the window answers.
        if self._last not in ("wait", "dialog", "scrub", "scrub on"):
            latency.append((time.perf_counter() - before, self._last))
        before = time.perf_counter()
        self._app.processEvents()
        latency.append((time.perf_counter() - before, f"events after {self._last}"))

    def _settle(self, person: object) -> None:
        deadline = time.monotonic() + PATIENCE
        rests = 0
        while rests < 5:
            self._app.processEvents()
            rests = rests + 1 if person.session.at_rest else 0
            time.sleep(0.005)
            if time.monotonic() > deadline:
                self._note(f"never comes to rest: {person.session.busy!r}")
                return

    def _check_screen(self, person: object) -> None:
        """Make sure that what is on screen is what the session says."""
        session, view = person.session, person.window.frame_view
        if session.source is not None and view.image is not None:
            if view.shown != (session.frame, session.display):
                self._note(f"{view.shown} is shown instead of {session.frame, session.display}")
            if view.image.shape != session.shape:
                self._note("an image of another size is shown")

    def _replace_window(self, person: object) -> None:
        """Close the window for good."""
        person.window.leave_unasked()
        person.window = None

    def _measure(self, actions: int, latency: list[tuple[float, str]]) -> Figures:
        import psutil
        from PyQt5.QtWidgets import QApplication, QMenu
        from restless import deferred_deletes

        for _ in range(3):
            deferred_deletes()
            gc.collect()
        QApplication.clipboard().clear()
        _trim()
        process = psutil.Process()
        times = sorted(1e3 * seconds for seconds, _ in latency)
        windows = [
            widget
            for widget in QApplication.topLevelWidgets()
            # pyqtgraph makes a menu for every plot that nobody owns and that is never shown.
            if not isinstance(widget, QMenu)
        ]
        if windows:
            self._note(f"left open: {[type(each).__name__ for each in windows]}")
        return Figures(
            actions,
            process.memory_info().rss,
            _allocated(),
            process.num_fds() if hasattr(process, "num_fds") else 0,
            process.num_threads(),
            len(QApplication.allWidgets()),
            len(gc.get_objects()),
            len(sys.modules),
            times[len(times) // 2],
            times[-1 - len(times) // 100],
        )

    # ------------------------------------------------------------------ the outcome

    def _report(
        self,
        rows: list[Figures],
        slowest: list[tuple[float, str]],
        took: float,
        counts: dict[str, int],
    ) -> None:
        last = rows[-1]
        # What is imported when it is first needed stays, and is no leak.
        first = next(row for row in rows if row.modules >= 0.99 * last.modules)
        # The allocator takes its time to find its size; a leak goes on in the second half.
        middle = rows[(len(rows) - 1) // 2]
        if last.memory > middle.memory + MEMORY_SLACK:
            grown = (last.memory - middle.memory) / 2**20
            self._note(f"memory has grown by {grown:.1f} MB since {middle.actions} actions")
        if last.allocated > middle.allocated + ALLOCATED_SLACK:
            grown = (last.allocated - middle.allocated) / 2**20
            self._note(f"{grown:.1f} MB were not given back since {middle.actions} actions")
        for name in ("files", "threads"):
            if getattr(last, name) > getattr(first, name):
                self._note(f"{getattr(last, name) - getattr(first, name)} {name} are left")
        # Menus of plots come with each window; all of them together are a few widgets.
        windows = len(rows)
        if last.widgets > first.widgets + 40 * windows:
            self._note(f"{last.widgets - first.widgets} widgets are left")
        usual = sorted(row.median for row in rows)[len(rows) // 2]
        if last.median > 2 * first.median + 1:
            self._note(f"an action takes {last.median:.1f} ms instead of {first.median:.1f} ms")
        print(f"{len(counts)} kinds of actions, {sum(counts.values())} in {took:.0f} s")
        print(
            f"answered within {usual:.1f} ms (median); slowest: "
            + ", ".join(f"{1e3 * t:.0f} ms ({name})" for t, name in slowest)
        )
        leftovers = [path.name for path in self._folder.rglob("*") if ".part" in path.name]
        if leftovers:
            self._note(f"half-written files are left: {leftovers}")
        print(f"{len(self._problems)} problems")
        if self._arguments.keep:
            self._keep(first, rows, slowest, took, counts)

    def _keep(
        self,
        first: Figures,
        rows: list[Figures],
        slowest: list[tuple[float, str]],
        took: float,
        counts: dict[str, int],
    ) -> None:
        last = rows[-1]
        keep(
            "long_use",
            "Memory, open files, threads and the time to answer stay where they are, however long"
            " the window is used.",
            {"actions": sum(counts.values()), "kinds of actions": len(counts)},
            took,
            seeds=[self._arguments.seed],
            defects=self._problems,
            details={
                f"memory after {first.actions} and {last.actions} actions [MB]": [
                    round(each.memory / 2**20, 1) for each in (first, last)
                ],
                "of this in use, not gaps between what is in use [MB]": [
                    round(each.allocated / 2**20, 1) for each in (first, last)
                ],
                "objects of Python": [first.objects, last.objects],
                "open files": [first.files, last.files],
                "threads": [first.threads, last.threads],
                "an action takes, median [ms]": [round(each.median, 2) for each in (first, last)],
                "99 of 100 actions take at most [ms]": [
                    round(each.slow, 1) for each in (first, last)
                ],
                "slowest action [ms]": round(1e3 * slowest[0][0]),
                "rows": [asdict(row) for row in rows],
            },
        )


class _Patches:
    """Replaces attributes until the end of the block."""

    def __init__(self) -> None:
        self._made: list[mock._patch[object]] = []

    def __enter__(self) -> _Patches:
        return self

    def __exit__(self, *exc_info: object) -> None:
        for each in reversed(self._made):
            each.stop()

    def set(self, target: object, name: str, value: Callable[..., object]) -> None:
        """Replace an attribute."""
        patch = mock.patch.object(target, name, value)
        patch.start()
        self._made.append(patch)


class _MallInfo(ctypes.Structure):
    """What the C library says of its memory."""

    _fields_ = tuple(
        (name, ctypes.c_size_t)
        for name in (
            "arena",
            "ordblks",
            "smblks",
            "hblks",
            "hblkhd",
            "usmblks",
            "fsmblks",
            "uordblks",
            "fordblks",
            "keepcost",
        )
    )


def _allocated() -> int:
    """Memory that the program has asked the C library for [bytes]; 0 where it does not tell."""
    name = ctypes.util.find_library("c")
    if name is None or not hasattr(library := ctypes.CDLL(name), "mallinfo2"):
        return 0
    library.mallinfo2.restype = _MallInfo
    found = library.mallinfo2()
    return int(found.uordblks + found.hblkhd)


def _trim() -> None:
    """Give memory that is not used back to the system, so that it is not counted."""
    name = ctypes.util.find_library("c")
    if name is not None and hasattr(library := ctypes.CDLL(name), "malloc_trim"):
        library.malloc_trim(0)


if __name__ == "__main__":
    sys.exit(main())
