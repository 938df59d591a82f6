"""Axes show ranges that mean something, with numbers at them, and dots that are whole."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
import pytest
from controls import bleaching, choose, find, write_frames
from hands import raise_panel
from PyQt5.QtGui import QImage, QPainter
from PyQt5.QtWidgets import QWidget

from flimage_gui.main_window import MainWindow
from flimage_gui.plot_ranges import fits, range_of, readable_ticks
from flimage_gui.trace_plot import TracePlots


def written(plot: Any) -> list[float]:
    """The numbers that stand at the vertical axis."""
    axis = plot.getAxis("left")
    image = QImage(10, 10, QImage.Format.Format_RGB32)
    painter = QPainter(image)
    painter.setFont(axis.style["tickFont"])
    _, _, texts = axis.generateDrawSpecs(painter)
    painter.end()
    return [float(text.replace("−", "-")) for _, _, text in texts]


@pytest.mark.parametrize("value", [0.5, 1e-9, 300.0, -4.0, 1e200])
def test_values_that_differ_by_rounding_are_shown_as_equal(value: float) -> None:
    values = value * (1 + np.array([-2e-15, 0.0, 2e-15]))
    low, high = range_of(values)
    assert high - low >= 0.02 * abs(value)
    assert low < values.min() < values.max() < high


@pytest.mark.parametrize(
    "values", [[0.0], [0.0, 0.0], [5.0], [-1.7e308, 1.7e308], [0, 1], [1e-320, 2e-320]]
)
def test_every_range_is_a_finite_one_around_its_values(values: list[float]) -> None:
    low, high = range_of(np.array(values, dtype=float))
    assert np.isfinite([low, high, high - low]).all()
    assert low < max(-1e300, min(values))
    assert high > min(1e300, max(values))


def test_a_range_fits_what_lies_in_it_and_fills_it() -> None:
    assert fits((0, 10), 1, 9, share=0.5)
    assert not fits((0, 10), 0, 9, share=0.5)
    assert not fits((0, 10), 1, 10, share=0.5)
    assert not fits((0, 10), 4, 5, share=0.5)


@pytest.mark.parametrize("limit", [0.013, 0.24, 1.0, 4.4, 730.0])
@pytest.mark.parametrize("room", [0.1, 0.3, 0.4])
def test_two_numbers_or_more_are_found_wherever_there_is_room(limit: float, room: float) -> None:
    found = readable_ticks(-limit, limit, room * 2 * limit)
    assert found is not None
    unit, ticks = found
    assert len(ticks) >= 2
    assert np.diff(ticks).min() >= room * 2 * limit * (1 - 1e-12)
    # No digit is lost that the numbers differ in.
    np.testing.assert_allclose(np.round(np.array(ticks) / unit) * unit, ticks, rtol=1e-9)
    assert all(abs(tick) <= limit * (1 - room) * (1 + 1e-12) for tick in ticks)


def test_no_numbers_are_found_where_there_is_no_room() -> None:
    for low, high, room in ((-1, 1, 2.0), (-1, 1, 0.0), (0, 0, 1.0), (-1, np.inf, 1.0)):
        assert readable_ticks(low, high, room) is None


def test_equal_intervals_are_a_line_at_their_value(
    qtbot, window: MainWindow, tmp_path: Path, settle
) -> None:
    # Sums of 0.1 differ in their last digits.
    path = write_frames(tmp_path / "even.h5", bleaching(30), np.cumsum(np.full(30, 0.1)))
    window.open_path(path)
    settle(window.session)
    raise_panel(qtbot, window, "frameDock")
    plot = find(window, pg.PlotWidget, "timesPlot")
    choose(qtbot, window, "timesPlotCombo", "step")
    qtbot.wait(50)
    low, high = plot.viewRange()[1]
    assert low < 99.5
    assert high > 100.5
    assert len(written(plot)) >= 2
    assert all(len(f"{number:g}") <= 5 for number in written(plot))


@pytest.mark.parametrize("height", [141, 165, 200, 300, 500])
def test_the_scale_of_the_residuals_can_be_read(
    qtbot, opened: MainWindow, settle, height: int
) -> None:
    opened.session.run_fit()
    settle(opened.session)
    plots = find(opened, TracePlots, "traceSplitter")
    plots.setParent(None)
    qtbot.addWidget(plots)
    plots.resize(700, height)
    plots.show()
    qtbot.waitExposed(plots)
    assert plots.residual_plot.isVisible()
    for limit in (0.11, 0.24, 0.33, 0.47, 0.86):
        plots.residual_plot.setYRange(-limit, limit, padding=0)
        qtbot.wait(20)
        numbers = written(plots.residual_plot)
        assert len(set(numbers)) == len(numbers) >= 2, limit


def places(plot: QWidget, y: np.ndarray) -> np.ndarray:
    """Where values lie in a plot [px from the top], and how high it is."""
    box = plot.getPlotItem().getViewBox()
    low, high = plot.viewRange()[1]
    return (high - y) / (high - low) * box.height()


def test_dots_at_the_edges_of_the_plots_are_whole_also_after_a_change(
    qtbot, opened: MainWindow, settle
) -> None:
    session = opened.session
    session.run_fit()
    settle(session)
    plots = find(opened, TracePlots, "traceSplitter")
    # A model that misses the decay leaves residuals many times as large.
    for model in ("exponential", "linear"):
        choose(qtbot, opened, "modelCombo", model)
        settle(session)
        assert session.fit.model == model
        for plot, dots in (
            (plots.trace_plot, plots.used),
            (plots.residual_plot, plots.residuals),
        ):
            where = places(plot, dots.getData()[1])
            height = plot.getPlotItem().getViewBox().height()
            assert where.min() > 2.5, model
            assert where.max() < height - 2.5, model
