"""Changes settings in the window, by its controls, and times when everything has followed."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

__all__ = ["Tuning"]


class Tuning:
    """Goes through a list of changes.

    A change counts as followed when a new fit was made, and the trace and the corrected image
    that belong to it were painted. Verdict, table of the fit and residuals are painted with them.

    Parameters
    ----------
    program
        The window, see :class:`benchmarks.window_program.Program`.
    """

    def __init__(self, program: Any) -> None:
        self.program = program
        self.session = program.session
        self.results: dict[str, list[float]] = {}
        self._changes: list[tuple[str, Callable[[], None], bool]] = []
        self._asked = 0.0
        self._fit: object = None
        self._image: object = None
        self._trace_painted = self._image_painted = False

    def start(self) -> None:
        """Run the correction, show it, and begin."""
        from flimage_gui.session import Display

        program, session = self.program, self.session
        program.go(program.count() // 2)
        session.set_display(Display.BLEACH_CORRECTED)
        trace = program.find("tracePlot")
        paint = trace.paintEvent

        def painted(event: Any) -> None:
            paint(event)
            self._on_painted(trace=True)

        trace.paintEvent = painted
        program.on_view_painted = self._on_painted
        program.when(
            lambda: session.at_rest and session.fit_current and program.view.shown[1] is not None,
            self._plan,
        )

    def _plan(self) -> None:
        program = self.program
        border = program.find("borderSpin")
        first = program.find("rangeStartSpin")
        width, count = border.value(), program.count()
        for k in range(40):
            self._add("border", lambda k=k: border.setValue(width - 10 + (k * 7) % 20))
        for k in range(40):
            self._add("fit range", lambda k=k: first.setValue(1 + (k * 13) % (count // 3)))
        self._add("", self._draw_region)
        for k in range(60):
            self._add("region, dragged", lambda k=k: self._drag(k))
        self._add("region, let go", self._let_go)
        self._next()

    def _add(self, name: str, change: Callable[[], None]) -> None:
        self._changes.append((name, change, False))

    def _next(self) -> None:
        from PyQt5.QtCore import QTimer

        if not self._changes:
            self._end()
            return
        self._name, change, _ = self._changes.pop(0)
        self._fit, self._image = self.session.fit, self.program.view.image
        self._trace_painted = self._image_painted = False
        self._asked = time.perf_counter()
        self._waiting = True
        change()
        if not self._name:
            # Only a preparation.
            self._waiting = False
            self.program.when(
                lambda: self.session.at_rest and self.session.fit_current,
                lambda: QTimer.singleShot(300, self._next),
            )

    def _on_painted(self, trace: bool = False) -> None:
        from PyQt5.QtCore import Qt, QTimer

        if not getattr(self, "_waiting", False) or self.session.fit is self._fit:
            return
        if self._name == "region, let go" and not self.session.fit_current:
            return
        if trace:
            self._trace_painted = True
        elif self.program.view.image is not self._image:
            self._image_painted = True
        if self._trace_painted and self._image_painted:
            self._waiting = False
            took = time.perf_counter() - self._asked
            self.results.setdefault(self._name, []).append(took)
            QTimer.singleShot(20, Qt.TimerType.PreciseTimer, self._next)

    # ------------------------------------------------------------------ the region

    def _draw_region(self) -> None:
        from flimage.recipe import Region

        height, width = self.session.shape
        points = ((0.2 * width, 0.2 * height), (0.5 * width, 0.5 * height))
        self.program.window.looking.regions.shown = True
        recipe = self.session.recipe.replace(region=Region("rectangle", points))
        self.session.set_recipe(recipe, "Draw the signal region")

    def _mouse(self, kind: str, x: float, y: float) -> None:
        from PyQt5.QtCore import QEvent, Qt
        from PyQt5.QtGui import QMouseEvent
        from PyQt5.QtWidgets import QApplication

        kinds = {
            "press": QEvent.Type.MouseButtonPress,
            "move": QEvent.Type.MouseMove,
            "release": QEvent.Type.MouseButtonRelease,
        }
        left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
        place = self.program.view.pixel_to_widget(x, y)
        event = QMouseEvent(
            kinds[kind],
            place,
            none if kind == "move" else left,
            none if kind == "release" else left,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(self.program.view.graphics.viewport(), event)

    def _place(self, k: int) -> tuple[float, float]:
        height, width = self.session.shape
        return (0.35 + 0.004 * (k + 3)) * width, (0.35 + 0.003 * (k + 3)) * height

    def _drag(self, k: int) -> None:
        if k == 0:
            height, width = self.session.shape
            self._mouse("press", 0.35 * width, 0.35 * height)
        self._mouse("move", *self._place(k))

    def _let_go(self) -> None:
        self._mouse("release", *self._place(59))

    def _end(self) -> None:
        self.program.finish(tuning=self.results)
