"""The window of this project, as its command starts it, with a probe at what it paints.

Run by :mod:`benchmarks.window` in a process of its own. The program is not changed: the probe takes
hold of the frame view when that is made, and of its widget's painting.
"""

from __future__ import annotations

import importlib.abc
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import Any

from window_probe import Beat, Probe, browsed, peak_memory, report

VIEW_MODULE = "flimage_gui.frame_view"
LOOK_MODULE = "flimage_gui.first_look"
#: The window gets this long to come to rest after opening, before it is timed [s].
PATIENCE = 120.0


class ImportHook(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Calls a function with one module as soon as that was imported.

    Parameters
    ----------
    name
        Full name of the module.
    then
        What is called.
    """

    def __init__(self, name: str, then: Callable[[ModuleType], None]) -> None:
        self.name = name
        self.then = then
        self._loader: Any = None

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find the module as Python would, and load it with this loader."""
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        assert spec is not None
        self._loader, spec.loader = spec.loader, self
        return spec

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Leave it to Python."""
        return None

    def exec_module(self, module: ModuleType) -> None:
        """Run the module, then tell."""
        self._loader.exec_module(module)
        self.then(module)


class Program:
    """The window under observation.

    Parameters
    ----------
    task
        What to do once the first frame is painted.
    """

    def __init__(self, task: str) -> None:
        self.task = task
        self.view: Any = None
        #: When a frame was on the screen, and when it was in the complete window.
        self.first = self.complete = 0.0
        self.probe = Probe(self)
        #: Called after each painting of the frame view, and of the trace.
        self.on_view_painted: Callable[[], None] | None = None
        self.on_trace_painted: Callable[[], None] | None = None

    def attach(self, module: ModuleType) -> None:
        """Watch the frame view when it is made."""
        initialise = module.FrameView.__init__
        program = self

        def watched(view: Any, *args: Any, **kwargs: Any) -> None:
            initialise(view, *args, **kwargs)
            program.view = view
            graphics = view.graphics
            paint = graphics.paintEvent

            def painted(event: Any) -> None:
                paint(event)
                program._on_painted()

            graphics.paintEvent = painted

        module.FrameView.__init__ = watched

    def attach_look(self, module: ModuleType) -> None:
        """Watch what shows the first frame before the window is there."""
        paint = module.FirstLook.paintEvent

        def painted(look: Any, event: Any) -> None:
            paint(look, event)
            self.first = self.first or time.time()

        module.FirstLook.paintEvent = painted

    def _on_painted(self) -> None:
        shown = self.view.shown
        if shown is None:
            return
        if not self.complete:
            self.complete = time.time()
            from PyQt5.QtCore import QTimer

            QTimer.singleShot(0, self._begin)
        self.probe.on_painted(shown[0])
        if self.on_view_painted is not None:
            self.on_view_painted()

    # ------------------------------------------------------------------ what is driven

    @property
    def window(self) -> Any:
        """The main window."""
        return self.view.window()

    @property
    def session(self) -> Any:
        """The open recording."""
        return self.window.session

    def find(self, name: str) -> Any:
        """Find a control by its object name."""
        from PyQt5.QtWidgets import QWidget

        found = self.window.findChild(QWidget, name)
        assert found is not None, name
        return found

    def count(self) -> int:
        """Return the number of frames."""
        return int(self.session.n_frames)

    def go(self, index: int) -> None:
        """Move the slider."""
        self.slider.setValue(index)

    def finish(self, **results: Any) -> None:
        """Tell the results, and end."""
        report(
            first=self.first or self.complete, complete=self.complete, peak=peak_memory(), **results
        )
        self.window.close()

    def when(self, ready: Callable[[], bool], then: Callable[[], None]) -> None:
        """Wait until something is so."""
        from PyQt5.QtCore import QTimer

        end = time.monotonic() + PATIENCE
        timer = QTimer(self.window)

        def look() -> None:
            if ready():
                timer.stop()
                then()
            elif time.monotonic() > end:
                raise SystemExit(f"{self.task}: waited for too long")

        timer.timeout.connect(look)
        timer.start(20)

    def _begin(self) -> None:
        # The program would tell a person; here nobody reads that.
        sys.excepthook = _fail
        self.slider = self.find("frameSlider")
        if self.task == "first":
            self.finish()
        elif self.task == "busy":
            # The scan runs from the beginning on.
            self._scrub_while(lambda: self.session.measuring, self._scrub_export)
        elif self.task == "browse":
            self._browse()
        else:
            begin = {
                "step": self._step,
                "swing": lambda: self.probe.swing(
                    list(range(4)), 4.0, lambda counted: self.finish(**counted)
                ),
                "scrub": self._scrub,
                "tune": self._tune,
                "rest": self.finish,
            }[self.task]
            self.when(lambda: bool(self.session.at_rest), begin)

    # ------------------------------------------------------------------ looking

    def _step(self) -> None:
        import numpy as np

        last = self.count() - 1
        self.go(0)
        jumps = np.random.default_rng(1).permutation(np.arange(1, last + 1))[:200].tolist()

        def done(jumped: list[float]) -> None:
            # What the jumps have left behind is forgotten.
            limit = self.session.cache_bytes
            self.session.cache_bytes = 1
            self.session.cache_bytes = limit
            start = int(last * 0.3)
            steps = list(range(start, min(start + 150, last)))
            self.probe.visit(
                steps, 10, lambda stepped: self.finish(jumps=jumped, steps=stepped[1:])
            )

        self.probe.visit(jumps, 10, done)

    def _browse(self) -> None:
        def done(took: list[float]) -> None:
            self.when(
                lambda: bool(self.session.at_rest),
                lambda: self.finish(steps=took, kept=self.session.cache_bytes),
            )

        self.probe.visit(browsed(self.count()), 10, done)

    def _scrub(self) -> None:
        beat = Beat()
        beat.start()
        self.probe.scrub(60, 6.0, lambda painted: self.finish(painted=painted, **beat.stop()))

    # ------------------------------------------------------------------ while something runs

    def _scrub_while(
        self, runs: Callable[[], bool], then: Callable[[dict[str, float]], None]
    ) -> None:
        """Scrub until something is over, at least for a second."""
        beat = Beat()
        beat.start()
        start = time.perf_counter()

        def done(painted: int) -> None:
            if runs() and time.perf_counter() - start < PATIENCE:
                self.probe.scrub(60, 1.0, done)
            else:
                then({**beat.stop(), "seconds": time.perf_counter() - start})

        self.probe.scrub(60, 1.0, done)

    def _scrub_export(self, scanned: dict[str, float]) -> None:
        session = self.session

        def export() -> None:
            path = session.path.with_name("exported.h5")
            session.export(path, overwrite=True)
            self._scrub_while(
                lambda: bool(session.busy),
                lambda exported: self.finish(scan=scanned, export=exported),
            )

        self.when(lambda: bool(session.at_rest), export)

    # ------------------------------------------------------------------ tuning

    def _tune(self) -> None:
        from window_tuning import Tuning

        Tuning(self).start()


def _fail(kind: type[BaseException], error: BaseException, trace: Any) -> None:
    sys.__excepthook__(kind, error, trace)
    sys.stderr.flush()
    os._exit(1)


def main() -> int:
    """Start the program with the recording that the second argument names."""
    task, path = sys.argv[1:3]
    program = Program(task)
    sys.meta_path.insert(0, ImportHook(VIEW_MODULE, program.attach))
    sys.meta_path.insert(0, ImportHook(LOOK_MODULE, program.attach_look))
    from flimage_gui.__main__ import main as run

    return run([str(Path(path)), "--theme", "light"])


if __name__ == "__main__":
    sys.exit(main())
