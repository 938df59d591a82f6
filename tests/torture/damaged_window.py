"""Opens hundreds of damaged files in the window, and looks at their frames.

Run with ``python -m tests.torture.damaged_window --count 300 --seed 1``. The exit code is 1 where
the window crashed, hung, raised, or said anything but a sentence of its own.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.torture.damaged import Summary, case
from tests.torture.keeper import Keeper, scratch
from tests.torture.mutations import write
from tests.torture.outcome import keep
from tests.torture.samples import make_samples
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


def _prepare(folder: Path) -> Callable[[Any], Report]:
    """Build the window (called in the process of the trials)."""
    for variable in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_RUNTIME_DIR"):
        place = folder / variable.lower()
        place.mkdir(mode=0o700, exist_ok=True)
        os.environ[variable] = str(place)
    samples = make_samples(folder)
    window = _Window(folder)
    names = ["a", "b"]
    for sample in samples.values():
        path = folder / f"good-{sample.kind}{sample.suffix}"
        path.write_bytes(sample.data)
        report = window.open(path)
        assert not report.bugs, report.bugs
        assert not report.refused, report.refused

    def run(task: tuple[int, int]) -> Report:
        sample, mutant, _ = case(*task, samples)
        # Not the file that is open: that one is not to be replaced.
        names.reverse()
        path = write(mutant, folder / f"{names[0]}{sample.suffix}")
        return window.open(path)

    return run


def run_windows(
    seed: int, numbers: range, say: Callable[[str], None] = lambda text: None
) -> Summary:
    """Open damaged files in a window, and count what came of them."""
    summary = Summary(Counter())
    with scratch() as name:
        folder = Path(name)
        (folder / "here").mkdir()
        samples = make_samples(folder / "here")
        keeper = Keeper(_prepare, folder)
        try:
            for number in numbers:
                keeper.start()
                began = time.monotonic()
                word, result = keeper.run((seed, number), CASE)
                summary.slowest = max(summary.slowest, time.monotonic() - began)
                sample, mutant, _ = case(seed, number, samples)
                outcome = result.outcome if word == "done" else word
                summary.outcomes[outcome] += 1
                summary.by_kind[sample.kind, "window"] += 1
                summary.peak = max(summary.peak, keeper.peak)
                if outcome in ("bug", "crash", "hang"):
                    text = "; ".join(result.bugs) if word == "done" else result
                    summary.bugs.append(
                        f"{outcome} in case {seed}:{number} ({sample.kind}, window,"
                        f" {mutant.what}): {text}"
                    )
                    say(summary.bugs[-1])
        finally:
            keeper.close()
    return summary


def main(argv: list[str] | None = None) -> int:
    """Run, print counts, and return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--keep", action="store_true", help="keep the figures in build/torture")
    arguments = parser.parse_args(argv)
    began = time.monotonic()
    numbers = range(arguments.start, arguments.start + arguments.count)
    summary = run_windows(arguments.seed, numbers, lambda text: print(text, flush=True))
    took = time.monotonic() - began
    print(f"{arguments.count} files in {took:.0f} s: {dict(summary.outcomes)}")
    print(f"slowest {summary.slowest:.2f} s, most memory {summary.peak / 2**20:.0f} MB")
    if arguments.keep:
        keep(
            "damaged_window",
            "A damaged file does not harm the window: frames that are whole are shown, and the"
            " others are named.",
            {"files": arguments.count, **summary.outcomes},
            took,
            seeds=[arguments.seed],
            defects=summary.bugs,
            details={
                "slowest file with all its frames [s]": round(summary.slowest, 2),
                "most memory of the process [MB]": round(summary.peak / 2**20),
            },
        )
    return 1 if summary.bugs else 0


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        sys.exit(main())
