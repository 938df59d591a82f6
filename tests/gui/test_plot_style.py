"""Lines of plots: equally thick on every screen, and gone from where they were."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QColor, QGuiApplication

from flimage_gui.plot_style import FrameLine, ScaleAxis, make_pen


@pytest.mark.parametrize("scale", [1.0, 1.5, 2.0])
def test_lines_are_as_thick_on_a_finer_screen(qapp, monkeypatch, scale: float) -> None:
    monkeypatch.setattr(QGuiApplication, "devicePixelRatio", lambda app: scale)
    pen = make_pen(QColor("red"), 1.6)
    assert pen.isCosmetic()
    assert pen.widthF() == pytest.approx(1.6 * scale)


def test_what_is_painted_anew_is_longer_than_the_line_of_the_frame(qtbot, opened) -> None:
    plots = opened.trace_view._plots
    opened.trace_view.window().resize(1100, 800)
    qtbot.wait(20)
    for plot, line in (
        (plots.trace_plot, plots.frame_line),
        (plots.residual_plot, plots.residual_frame_line),
    ):
        assert isinstance(line, FrameLine)
        # Its ends must lie within the line.
        assert line.pen.capStyle() == Qt.PenCapStyle.FlatCap
        box = plot.getPlotItem().getViewBox()
        if not box.width():
            continue
        covered = line.mapRectToScene(line.boundingRect())
        seen = box.sceneBoundingRect()
        assert covered.top() <= seen.top() - 1
        assert covered.bottom() >= seen.bottom() + 1


def test_numbers_at_an_axis_have_a_minus(qapp) -> None:
    axis = ScaleAxis()
    assert axis.tickStrings([-0.5, 0.0, 0.5], 1.0, 0.5) == ["−0.5", "0", "0.5"]
