"""Border, range and region are dragged, and all that follows from them is seen at once."""

from __future__ import annotations

import itertools
import time
from pathlib import Path

import numpy as np
import pytest
from controls import find
from hands import CTRL, pick, press
from on_image import place, viewport
from pointer import hover, send
from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtWidgets import QLabel, QTableWidget, QWidget
from recordings import decaying, write_series

from flimage_gui.main_window import MainWindow
from flimage_gui.session import Display
from flimage_gui.trace_plot import TracePlots

PATIENCE = 20_000
LEFT = Qt.MouseButton.LeftButton
#: All of it is to be seen within 0.1 s; a machine with other things to do may take this long [s].
LONGEST = 1.0


@pytest.fixture
def tuned(qtbot, window: MainWindow, tmp_path: Path, settle) -> MainWindow:
    """A recording with a fit, shown as corrected, with a drawn signal region."""
    y, x = np.mgrid[:60, :80]
    # Neither background nor signal are the same everywhere: each pixel more makes a difference.
    frames = decaying(40) + (0.01 * x**2 + 0.02 * y**2).astype(np.float32)
    window.open_path(write_series(tmp_path / "tuned.h5", frames))
    settle(window.session)
    pick(qtbot, window, "actionDrawRegion")
    qtbot.wait(20)
    move(qtbot, viewport(window), [place(window, 32, 22), place(window, 48, 38)], release=True)
    settle(window.session)
    press(qtbot, window, Qt.Key.Key_Return, CTRL)
    settle(window.session)
    for _ in range(20):
        press(qtbot, window, Qt.Key.Key_Right)
    settle(window.session)
    qtbot.waitUntil(
        lambda: window.frame_view.shown == (20, Display.BLEACH_CORRECTED), timeout=PATIENCE
    )
    return window


def move(qtbot, target: QWidget, places: list[QPoint], release: bool) -> None:
    """Press at the first place and move to the others; let go there, or hold on."""
    qtbot.wait(30)
    hover(target, places[0])
    qtbot.wait(30)
    send(target, QEvent.Type.MouseButtonPress, places[0], LEFT, LEFT)
    for start, stop in itertools.pairwise(places):
        for part in (0.25, 0.5, 0.75, 1.0):
            qtbot.wait(15)
            send(target, QEvent.Type.MouseMove, start + (stop - start) * part, pressed=LEFT)
    qtbot.wait(15)
    if release:
        send(target, QEvent.Type.MouseButtonRelease, places[-1], LEFT)


def told(window: MainWindow) -> dict[str, object]:
    """What the window says and shows of the fit."""
    plots = find(window, TracePlots, "traceSplitter")
    table = find(window, QTableWidget, "fitTable")
    rows = [table.item(row, 1).text() for row in range(table.rowCount())]
    return {
        "trace": plots.used.getData()[1].tobytes(),
        "fit": plots.curve.getData()[1].tobytes(),
        "residuals": plots.residuals.getData()[1].tobytes(),
        "parameters": tuple(rows),
        "verdict": find(window, QLabel, "verdictLabel").text(),
        "image": window.frame_view.image.tobytes(),
    }


def in_trace(window: MainWindow, x: float) -> QPoint:
    plot = find(window, TracePlots, "traceSplitter").trace_plot
    box = plot.getPlotItem().getViewBox()
    return plot.mapFromScene(box.mapViewToScene(QPointF(x, np.mean(box.viewRange()[1]))))


@pytest.mark.parametrize("what", ["border", "range", "region"])
def test_everything_follows_while_the_mouse_is_held(
    qtbot, tuned: MainWindow, settle, what: str
) -> None:
    session = tuned.session
    before, recipe, steps = told(tuned), session.recipe, len(session.steps)
    if what == "border":
        border = recipe.border_px
        target = viewport(tuned)
        places = [place(tuned, 80 - border, 12), place(tuned, 80 - border + 4, 12)]
    elif what == "range":
        target = find(tuned, TracePlots, "traceSplitter").trace_plot.viewport()
        _, edge = find(tuned, TracePlots, "traceSplitter").range_item.getRegion()
        places = [in_trace(tuned, edge), in_trace(tuned, 12.0)]
    else:
        press(qtbot, tuned, Qt.Key.Key_B)
        target = viewport(tuned)
        places = [place(tuned, 40, 30), place(tuned, 45, 33)]
    move(qtbot, target, places, release=False)
    start = time.monotonic()
    # The verdict is the same one where the fit stays good.
    changes = {"trace", "fit", "residuals", "parameters", "image"}

    def changed() -> set[str]:
        now = told(tuned)
        return {name for name in now if now[name] != before[name]}

    qtbot.waitUntil(lambda: changed() >= changes, timeout=PATIENCE)
    assert time.monotonic() - start < LONGEST
    assert session.recipe != recipe
    assert find(tuned, QWidget, "verdictLabel").isVisible()
    send(target, QEvent.Type.MouseButtonRelease, places[-1], LEFT)
    settle(session)
    assert session.fit_current
    if what == "border":
        assert session.recipe.border_px == recipe.border_px - 4
    # However far it was dragged, it is one step.
    assert len(session.steps) == steps + 1
    press(qtbot, tuned, Qt.Key.Key_Z, CTRL)
    settle(session)
    assert session.recipe == recipe
    qtbot.waitUntil(lambda: not changed(), timeout=PATIENCE)


def test_a_border_is_never_dragged_away_or_over_the_whole_image(
    qtbot, tuned: MainWindow, settle
) -> None:
    border = tuned.session.recipe.border_px
    move(qtbot, viewport(tuned), [place(tuned, 20, border), place(tuned, 20, -9)], release=True)
    settle(tuned.session)
    assert tuned.session.recipe.border_px == 1
    move(qtbot, viewport(tuned), [place(tuned, 20, 1), place(tuned, 20, 45)], release=True)
    settle(tuned.session)
    assert tuned.session.tuning_error is None
    assert 20 < tuned.session.recipe.border_px < 30
