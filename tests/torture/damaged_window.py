"""Opens hundreds of damaged files in the window, and looks at their frames.

Run with ``python -m tests.torture.damaged_window --count 300 --seed 1``. The exit code is 1 where
the window crashed, hung, raised, or said anything but a sentence of its own.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.torture.cases import Case, Summary, keep_summary, parser, run_trials
from tests.torture.damaged import case
from tests.torture.formats import make_formats
from tests.torture.mutations import Mutant, write
from tests.torture.samples import KINDS, Sample, make_samples
from tests.torture.trial import Report

__all__ = ["main", "run_windows"]

#: What the window may take until it is at rest [s].
PATIENCE = 5.0
#: What a case may take, with all the frames that are looked at [s].
CASE = 30.0
#: Qt says this on the offscreen platform, where windows have no frame.
HARMLESS = ("propagateSizeHints",)


class _Window:
    """The window, and everything that may not happen in it."""

    def __init__(self, folder: Path) -> None:
        from PyQt5.QtCore import QSettings, QTimer, qInstallMessageHandler
        from PyQt5.QtWidgets import QApplication

        from flimage_gui.main_window import MainWindow
        from flimage_gui.settings import Settings

        self._app = QApplication.instance() or QApplication(["flimage"])
        self._problems: list[str] = []
        self._failures: list[BaseException] = []
        qInstallMessageHandler(self._on_qt_message)
        sys.excepthook = self._on_exception
        threading.excepthook = lambda args: self._on_exception(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        store = QSettings(str(folder / "settings.ini"), QSettings.Format.IniFormat)
        self.window = MainWindow(Settings(store))
        self.window.session.failed.connect(self._failures.append)
        self.window.session.frame_failed.connect(lambda *args: self._failures.append(args[2]))
        self.window.show()
        # Questions and forms are closed as soon as they come up.
        self._closing = QTimer()
        self._closing.timeout.connect(self._close_dialogs)
        self._closing.start(20)

    def _on_qt_message(self, kind: object, context: object, text: str) -> None:
        from PyQt5.QtCore import QtMsgType

        if kind != QtMsgType.QtDebugMsg and not any(each in text for each in HARMLESS):
            self._problems.append(f"Qt says {text}")

    def _on_exception(self, kind: object, error: BaseException | None, trace: Any) -> None:
        lines = "".join(traceback.format_tb(trace)[-4:])
        self._problems.append(f"{type(error).__name__}: {error}\n{lines}")

    def _close_dialogs(self) -> None:
        from PyQt5.QtWidgets import QDialog

        for widget in self._app.topLevelWidgets():
            if isinstance(widget, QDialog) and widget.isVisible():
                widget.reject()

    def _rest(self, report: Report, what: str) -> bool:
        began, rests = time.monotonic(), 0
        while rests < 3:
            before = time.monotonic()
            self._app.processEvents()
            if time.monotonic() - before > PATIENCE:
                report.bugs.append(f"{what}: the window did not answer for {PATIENCE} s")
            rests = rests + 1 if self.window.session.at_rest else 0
            time.sleep(0.002)
            if time.monotonic() - began > 2 * PATIENCE:
                report.bugs.append(f"{what}: the window does not come to rest")
                return False
        return True

    def open(self, path: Path) -> Report:
        """Open a file and look at its frames."""
        from flimage.errors import FlimageError

        report = Report()
        session = self.window.session
        self._problems.clear()
        self._failures.clear()
        self.window.open_path(path)
        self._rest(report, "open")
        if session.source is not None and session.path == path:
            for number in range(min(len(session.source), 8)):
                before = len(self._failures)
                session.set_frame(number)
                if not self._rest(report, f"frame {number}"):
                    break
                if len(self._failures) == before:
                    report.read.add(number)
        for error in self._failures:
            if isinstance(error, FlimageError):
                report.refused.append(str(error))
            else:
                lines = "".join(traceback.format_tb(error.__traceback__)[-4:])
                report.bugs.append(f"{type(error).__name__}: {error}\n{lines}")
        report.bugs += self._problems
        text = self.window.message_bar.text
        if "should not have" in text or "Traceback" in text:
            report.bugs.append(f"the window says {text!r}")
        return report


def _make_all(folder: Path) -> dict[str, Sample]:
    """Make good files of all formats."""
    return make_samples(folder) | make_formats(folder)


def _case(seed: int, number: int, samples: dict[str, Sample]) -> Case:
    """Damage a file: every sixth is in a format that has to be converted."""
    formats = {kind: each for kind, each in samples.items() if kind not in KINDS}
    series = {kind: each for kind, each in samples.items() if kind in KINDS}
    return replace(case(seed, number, series if number % 6 else formats), way="window")


def _prepare(folder: Path) -> Callable[[Any], Report]:
    """Build the window (called in the process of the trials)."""
    for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        place = folder / variable.lower()
        place.mkdir(mode=0o700, exist_ok=True)
        os.environ[variable] = str(place)
    samples = _make_all(folder)
    window = _Window(folder)
    names = ["a", "b"]
    for number, sample in enumerate(samples.values()):
        path = write(Mutant(sample.data, "nothing"), folder / f"good-{number}{sample.suffix}")
        report = window.open(path)
        assert not report.bugs, report.bugs
        assert not report.refused, report.refused

    def run(task: tuple[int, int]) -> Report:
        one = _case(*task, samples)
        # Not the file that is open: that one is not to be replaced.
        names.reverse()
        return window.open(write(one.mutant, folder / f"{names[0]}{one.sample.suffix}"))

    return run


def run_windows(
    seed: int, numbers: range, say: Callable[[str], None] = lambda text: None
) -> Summary:
    """Open damaged files in a window, and count what came of them."""
    return run_trials(_prepare, _make_all, _case, seed, numbers, patience=CASE, say=say)


def main(argv: list[str] | None = None) -> int:
    """Run, print counts, and return the exit code."""
    arguments = parser(str(__doc__).splitlines()[0], 300).parse_args(argv)
    began = time.monotonic()
    numbers = range(arguments.start, arguments.start + arguments.count)
    summary = run_windows(arguments.seed, numbers, lambda text: print(text, flush=True))
    return keep_summary(
        "damaged_window",
        "A damaged file does not harm the window: frames that are whole are shown, and the others"
        " are named.",
        arguments,
        summary,
        time.monotonic() - began,
    )


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
