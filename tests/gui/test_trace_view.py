"""The trace view shows trace, fit and residuals, and what is pointed at in it takes effect."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyqtgraph as pg
import pytest
from controls import bleaching, click, find, write_frames
from hands import CTRL, raise_panel
from PyQt5.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt5.QtGui import QColor, QMouseEvent, QPalette
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import (
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QMenu,
    QWidget,
)

from flimage.recipe import Region
from flimage.region_traces import NamedRegion
from flimage.trace import Trace
from flimage_gui.editor import Editor
from flimage_gui.labels import Notice
from flimage_gui.main_window import MainWindow
from flimage_gui.plot_style import PlotColors
from flimage_gui.session import Session
from flimage_gui.trace_axis import TraceAxis, thin_out
from flimage_gui.trace_plot import TracePlots
from flimage_gui.trace_view import TraceView


@pytest.fixture
def view(qtbot, session: Session) -> TraceView:
    made = TraceView(session)
    qtbot.addWidget(made)
    made.resize(800, 420)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def opened(view: TraceView, session: Session, recording: Path, settle) -> TraceView:
    session.open(recording)
    settle(session)
    return view


@pytest.fixture
def fitted(opened: TraceView, session: Session, settle) -> TraceView:
    session.run_fit()
    settle(session)
    assert session.fit_current
    return opened


def plots(view: TraceView) -> TracePlots:
    return find(view, TracePlots, "traceSplitter")


def place(plot: Any, x: float, y: float | None = None) -> QPoint:
    """Find where a place in a plot is in its widget; half-way up by default."""
    box = plot.getPlotItem().getViewBox()
    if y is None:
        y = float(np.mean(box.viewRange()[1]))
    return plot.mapFromScene(box.mapViewToScene(QPointF(x, y)))


def drag(plot: Any, start: QPoint, stop: QPoint) -> None:
    """Drag with the left button, in steps, as a hand does."""
    left, none = Qt.MouseButton.LeftButton, Qt.MouseButton.NoButton
    target = plot.viewport()

    def send(kind: QEvent.Type, at: QPoint, button: Any, buttons: Any) -> None:
        event = QMouseEvent(
            kind, at, target.mapToGlobal(at), button, buttons, Qt.KeyboardModifier.NoModifier
        )
        QApplication.sendEvent(target, event)
        # pyqtgraph looks at no more than 100 movements a second.
        QTest.qWait(15)

    send(QEvent.Type.MouseMove, start, none, none)
    send(QEvent.Type.MouseButtonPress, start, left, left)
    steps = 8
    for step in range(1, steps + 1):
        send(QEvent.Type.MouseMove, start + (stop - start) * step / steps, none, left)
    send(QEvent.Type.MouseButtonRelease, stop, left, none)


def test_without_a_recording_the_view_says_what_to_do(view) -> None:
    label = find(view, Notice, "traceEmptyLabel")
    assert label.isVisible()
    assert "Open a recording" in label.text()
    assert not find(view, pg.PlotWidget, "tracePlot").isVisible()


def test_the_trace_is_shown_before_any_fit(opened, session) -> None:
    shown = plots(opened)
    assert shown.trace_plot.isVisible()
    assert not shown.residual_plot.isVisible()
    assert not shown.curve.isVisible()
    _, signal = shown.used.getData()
    expected = session.trace.intensity / session.trace.region_pixels
    np.testing.assert_allclose(signal, expected)


def test_trace_curve_band_and_residuals_are_those_of_the_fit(fitted, session) -> None:
    shown, fit = plots(fitted), session.fit
    pixels = fit.trace.region_pixels
    times, curve = shown.curve.getData()
    np.testing.assert_allclose(times, fit.trace.times)
    np.testing.assert_allclose(curve, fit.curve / pixels)
    np.testing.assert_allclose(shown.residuals.getData()[1], fit.residuals / pixels)
    assert shown.band.isVisible()
    low, high = shown.band.curves[0].getData()[1], shown.band.curves[1].getData()[1]
    np.testing.assert_allclose(curve[0] / low, fit.gain_high, rtol=1e-9)
    np.testing.assert_allclose(curve[0] / high, fit.gain_low, rtol=1e-9)
    assert (low[1:] < curve[1:]).all()
    assert (high[1:] > curve[1:]).all()


@pytest.mark.parametrize("height", [140, 165, 200, 400])
def test_residuals_stay_in_sight_below_a_small_trace(qtbot, fitted, height) -> None:
    shown = plots(fitted)
    fitted.resize(700, fitted.height() - shown.height() + height)
    qtbot.waitUntil(lambda: abs(shown.height() - height) < 3)
    assert shown.residual_plot.isVisible()
    qtbot.waitUntil(lambda: shown.residual_plot.geometry().bottom() <= shown.height())
    for plot in (shown.trace_plot, shown.residual_plot):
        assert plot.getPlotItem().getViewBox().height() > 25
    label = shown.residual_plot.getAxis("bottom")
    assert label.label.isVisible() == (height > 180)
    assert label.style["showValues"]


def test_with_no_room_for_both_the_trace_is_shown_alone(qtbot, fitted) -> None:
    shown = plots(fitted)
    fitted.resize(700, fitted.height() - shown.height() + 110)
    qtbot.waitUntil(lambda: shown.height() < 115)
    assert not shown.residual_plot.isVisible()
    assert shown.trace_plot.getAxis("bottom").style["showValues"]


def test_both_plots_show_the_same_times(fitted) -> None:
    shown = plots(fitted)
    shown.trace_plot.setXRange(1.0, 2.0, padding=0)
    np.testing.assert_allclose(shown.residual_plot.viewRange()[0], [1.0, 2.0], atol=0.01)


def test_a_click_goes_to_the_nearest_frame(qtbot, fitted, session) -> None:
    shown = plots(fitted)
    spot = place(shown.trace_plot, 0.5 * 7 + 0.1)
    qtbot.mouseClick(shown.trace_plot.viewport(), Qt.MouseButton.LeftButton, pos=spot)
    qtbot.waitUntil(lambda: session.frame == 7)
    assert shown.frame_line.value() == pytest.approx(3.5)
    assert shown.residual_frame_line.value() == pytest.approx(3.5)
    assert "Frame 7" in find(fitted, QLabel, "traceReadout").text()


def test_a_click_into_the_residuals_goes_to_the_frame_too(qtbot, fitted, session) -> None:
    plot = plots(fitted).residual_plot
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place(plot, 0.5 * 4))
    qtbot.waitUntil(lambda: session.frame == 4)


def test_dragging_the_line_scrubs_through_the_frames(fitted, session) -> None:
    session.set_frame(6)
    frames = []
    session.changed.connect(lambda _: frames.append(session.frame))
    plot = plots(fitted).trace_plot
    drag(plot, place(plot, 3.0), place(plot, 5.0))
    assert session.frame == 10
    assert len(set(frames)) > 2, "the frames in between are shown as well"


def test_dragging_an_edge_of_the_range_changes_the_fit_in_one_step(fitted, session, settle) -> None:
    plot = plots(fitted).trace_plot
    _, edge = plots(fitted).range_item.getRegion()
    drag(plot, place(plot, edge), place(plot, 3.8))
    assert session.recipe.first is None
    assert session.recipe.last == 7
    assert session.steps == ("Change the fit range",)
    _, high = plots(fitted).range_item.getRegion()
    assert high == pytest.approx(3.75), "the edge rests between frames 7 and 8"
    settle(session)
    assert session.fit_current
    assert session.fit.recipe.last == 7


def test_the_range_follows_the_recipe(fitted, session, settle) -> None:
    session.set_recipe(session.recipe.replace(first=2, last=5), "test")
    assert plots(fitted).range_item.getRegion() == pytest.approx((0.75, 2.75))
    settle(session)
    assert session.steps == ("test",)
    assert len(plots(fitted).unused.getData()[0]) == session.n_frames - 4


def test_a_frame_is_left_out_and_taken_in_again_by_the_menu(fitted, session, settle) -> None:
    def trigger(text: str) -> None:
        menu = fitted._make_menu(3)
        action = next(a for a in menu.actions() if a.text().replace("&", "") == text)
        assert action.isEnabled()
        action.trigger()
        menu.deleteLater()
        settle(session)

    trigger("Leave frame 3 out")
    assert session.recipe.exclude == (3,)
    np.testing.assert_allclose(plots(fitted).unused.getData()[0], [1.5])
    trigger("Use frame 3 again")
    assert session.recipe.exclude == ()
    trigger("Start the fit here")
    assert session.recipe.first == 3
    trigger("Fit the whole series")
    assert session.recipe.first is None
    assert session.steps[:2] == ("Leave out frame 3", "Use again frame 3")


def test_a_right_click_opens_the_menu_of_the_frame(qtbot, fitted, monkeypatch) -> None:
    opened: list[list[str]] = []

    def popup(menu: QMenu, at: QPoint) -> None:
        opened.append([action.text().replace("&", "") for action in menu.actions()])
        menu.deleteLater()

    # The offscreen platform cannot show a menu without complaining.
    monkeypatch.setattr(QMenu, "popup", popup)
    plot = plots(fitted).trace_plot
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.RightButton, pos=place(plot, 0.5 * 5))
    qtbot.waitUntil(lambda: bool(opened))
    assert opened[0][0] == "Go to frame 5"
    assert "Leave frame 5 out" in opened[0]


def test_an_outlier_is_marked_and_named(qtbot, view, session, settle, tmp_path) -> None:
    frames = bleaching(40)
    signal = frames[20] - 100
    frames[20] = 100 + 3 * signal
    session.open(write_frames(tmp_path / "flash.h5", frames))
    settle(session)
    session.run_fit()
    settle(session)
    assert session.fit.outliers == (20,)
    np.testing.assert_allclose(plots(view).outliers.getData()[0], [10.0])
    session.set_frame(20)
    assert "outlier" in find(view, QLabel, "traceReadout").text()
    assert "outlier" in plots(view).legend.texts


@pytest.mark.parametrize(("outliers", "seen"), [(1, False), (6, True)])
def test_several_outliers_are_seen_among_the_residuals(
    view, session, settle, tmp_path, outliers, seen
) -> None:
    frames = bleaching(60)
    odd = slice(30, 30 + outliers)
    frames[odd] = 100 + 0.991 * (frames[odd] - 100)
    session.open(write_frames(tmp_path / "late.h5", frames))
    settle(session)
    session.run_fit()
    settle(session)
    assert set(range(30, 30 + outliers)) <= set(session.fit.outliers)
    low, high = plots(view).residual_plot.viewRange()[1]
    lowest = session.fit.residuals.min() / session.fit.trace.region_pixels
    assert (low < lowest) == seen
    assert high > 0


def test_from_zero_shows_the_background_level_and_can_be_switched_off(qtbot, fitted) -> None:
    shown = plots(fitted)
    assert shown.trace_plot.viewRange()[1][0] < 0
    assert shown.level.isVisible()
    check = find(fitted, QCheckBox, "traceZeroCheck")
    check.setFocus()
    qtbot.keyClick(check, Qt.Key.Key_Space)
    assert shown.trace_plot.viewRange()[1][0] > 0
    assert not shown.level.isVisible()


def test_show_all_undoes_a_zoom(qtbot, fitted) -> None:
    shown = plots(fitted)
    shown.trace_plot.setXRange(1, 2)
    click(qtbot, fitted, "traceShowAllButton")
    low, high = shown.trace_plot.viewRange()[0]
    assert low <= 0
    assert high >= 5.5


def test_a_retune_keeps_the_zoom(fitted, session, settle) -> None:
    shown = plots(fitted)
    shown.trace_plot.setXRange(1, 2, padding=0)
    session.set_recipe(session.recipe.replace(border_px=5), "test")
    settle(session)
    assert session.fit_current
    np.testing.assert_allclose(shown.trace_plot.viewRange()[0], [1, 2])


def test_colours_follow_the_palette(fitted) -> None:
    dark = QPalette()
    dark.setColor(QPalette.ColorRole.Window, QColor("#222222"))
    dark.setColor(QPalette.ColorRole.Base, QColor("#111111"))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text):
        dark.setColor(role, QColor("#eeeeee"))
    fitted.setPalette(dark)
    QApplication.processEvents()
    assert plots(fitted).trace_plot.backgroundBrush().color() == QColor("#111111")
    expected = PlotColors.from_palette(dark).fit
    assert pg.mkPen(plots(fitted).curve.opts["pen"]).color() == expected


def test_frames_below_zero_are_in_sight(opened, session, settle) -> None:
    # The image of the first frame as background leaves less and less, all of it below zero.
    session.assign_background_frames([0], None)
    settle(session)
    assert session.trace.intensity.min() < 0
    shown = plots(opened).trace_plot.viewRange()[1]
    share = 1 / session.trace.region_pixels
    assert shown[0] < session.trace.intensity.min() * share
    assert shown[1] > session.trace.intensity.max() * share


def test_a_fit_of_other_settings_is_not_drawn_where_these_have_none(
    fitted, session, settle
) -> None:
    assert plots(fitted).curve.isVisible()
    session.set_recipe(session.recipe.replace(first=0, last=1), "test")
    settle(session)
    assert session.tuning_error is not None
    assert not plots(fitted).curve.isVisible()
    assert not plots(fitted).residual_plot.isVisible()
    assert "gain" not in find(fitted, QLabel, "traceReadout").text()
    session.undo()
    settle(session)
    assert plots(fitted).curve.isVisible()


def test_a_zoom_of_the_intensities_is_kept(fitted, session, settle) -> None:
    shown = plots(fitted)
    box = shown.trace_plot.getPlotItem().getViewBox()
    box.setYRange(10, 20, padding=0)
    box.sigRangeChangedManually.emit([True, True])
    session.set_recipe(session.recipe.replace(border_px=5), "test")
    settle(session)
    np.testing.assert_allclose(shown.trace_plot.viewRange()[1], [10, 20])


def test_an_unusable_setting_keeps_the_last_trace_in_sight(fitted, session, settle) -> None:
    session.set_recipe(session.recipe.replace(first=0, last=1), "test")
    settle(session)
    assert session.tuning_error is not None
    assert plots(fitted).trace_plot.isVisible()


def test_a_recording_that_cannot_be_measured_says_why(
    qtbot, view, session, settle, tmp_path
) -> None:
    session.open(write_frames(tmp_path / "short.h5", bleaching(2)))
    settle(session)
    label = find(view, Notice, "traceEmptyLabel")
    assert label.isVisible()
    assert "2 frames" in label.text()


def test_a_closed_recording_leaves_the_empty_view(fitted, session, settle) -> None:
    session.close()
    settle(session)
    assert "Open a recording" in find(fitted, Notice, "traceEmptyLabel").text()
    assert find(fitted, QLabel, "traceReadout").text() == ""


@pytest.mark.parametrize("direction", [1, -1])
def test_the_legend_gives_way_to_the_trace(
    qtbot, view, session, settle, tmp_path, direction
) -> None:
    frames = bleaching(60, loss=0.95)[::direction]
    session.open(write_frames(tmp_path / "series.h5", frames))
    settle(session)
    shown = plots(view)
    box = shown.trace_plot.getPlotItem().getViewBox()
    legend = shown.legend.item.mapRectToItem(box, shown.legend.item.boundingRect())
    dots = [box.mapFromView(QPointF(*dot)) for dot in zip(*shown.used.getData(), strict=True)]
    assert legend.isValid()
    assert not any(legend.contains(dot) for dot in dots)


@pytest.mark.parametrize(
    ("step", "symbol"), [(0.001, "ms"), (1.0, "s"), (30.0, "min"), (1800.0, "h"), (86400.0, "d")]
)
def test_the_time_axis_has_a_unit_that_suits_the_recording(step, symbol) -> None:
    axis = TraceAxis.from_times(step * np.arange(100))
    assert axis.symbol == symbol
    assert axis.title == f"Time ({symbol})"
    assert axis.positions[-1] < 1000


@pytest.mark.parametrize("start", [3.5, -20.0, 1e9])
def test_times_are_shown_from_the_first_frame_on(start: float) -> None:
    axis = TraceAxis.from_times(start + np.arange(100.0))
    assert axis.title == "Time since the first frame (s)"
    np.testing.assert_allclose(axis.positions[:3], [0, 1, 2])


def test_trace_image_and_slider_tell_the_same_time(
    qtbot, window: MainWindow, tmp_path: Path, settle
) -> None:
    path = write_frames(tmp_path / "late.h5", bleaching(6), 40.0 + 0.5 * np.arange(6))
    window.open_path(path)
    settle(window.session)
    window.activateWindow()
    for _ in range(3):
        qtbot.keyClick(window.frame_view, Qt.Key.Key_Right)
    settle(window.session)
    label = find(window, QLabel, "timeLabel")
    assert label.text() == "1.5 s"
    assert "41.5 s" in label.toolTip()
    assert find(window, QLabel, "traceReadout").text().split("  ·  ")[:2] == ["Frame 3", "1.5 s"]
    assert "1.5 s" in find(window, QLabel, "frameLabel").text()
    view = find(window, QWidget, "tracePlot")
    assert view.getPlotItem().getAxis("bottom").labelText.startswith("Time since the first frame")


def type_interval(window: MainWindow, text: str) -> None:
    """Enter the time between frames in the panel of the correction."""
    spin = find(window, QDoubleSpinBox, "intervalSpin")
    spin.setFocus()
    spin.selectAll()
    QTest.keyClicks(spin, text)
    QTest.keyClick(spin, Qt.Key.Key_Return)


def said_times(window: MainWindow) -> set[str]:
    """The time of the current frame wherever it is read."""
    return {
        find(window, QLabel, "timeLabel").text(),
        find(window, QLabel, "traceReadout").text().split("  ·  ")[1],
        find(window, QLabel, "frameLabel").text().split("   ")[-2],
        window.looking.annotations._time,
    }


def test_another_interval_is_followed_by_all_times_and_by_the_range_in_sight(
    qtbot, window: MainWindow, tmp_path: Path, settle
) -> None:
    stamps = 300.0 * np.arange(51)
    session = window.session
    window.open_path(write_frames(tmp_path / "slow.h5", bleaching(51), stamps))
    settle(session)
    session.run_fit()
    settle(session)
    session.set_regions(
        [NamedRegion("cell", Region("rectangle", ((30, 20), (50, 40))))], "Draw a region"
    )
    settle(session)
    regions = find(window, QWidget, "regionsPlot")
    trace = find(window, QWidget, "tracePlot")
    qtbot.waitUntil(lambda: len(regions.axis) == 51, timeout=20_000)
    window.activateWindow()
    find(window, QWidget, "frameView").setFocus()
    QTest.keyClick(find(window, QWidget, "frameView"), Qt.Key.Key_End)
    settle(session)
    raise_panel(qtbot, window, "bleachDock")
    click(qtbot, window, "moreSettingsButton")
    steps = len(session.steps)

    def is_told(text: str) -> bool:
        return said_times(window) == {text}

    qtbot.waitUntil(lambda: is_told("250 min"), timeout=20_000)
    # Parts in which a person has zoomed.
    for plot in (trace, regions):
        box = plot.getPlotItem().getViewBox()
        box.setXRange(1, 2, padding=0)
        box.sigRangeChangedManually.emit([True, True])
    type_interval(window, "1.1 s")
    settle(session)
    qtbot.waitUntil(lambda: is_told("55.0 s"), timeout=20_000)
    assert "15000 s" in find(window, QLabel, "timeLabel").toolTip()
    assert find(window, QComboBox, "speedCombo").currentText() == "×5"

    def shows_all(plot: QWidget) -> bool:
        left, right = plot.viewRange()[0]
        return -5 < left < 0 and 55 < right < 60

    assert shows_all(trace)
    raise_panel(qtbot, window, "regionsDock")
    qtbot.waitUntil(lambda: shows_all(regions))
    QTest.keyClick(find(window, QDoubleSpinBox, "intervalSpin"), Qt.Key.Key_Z, CTRL)
    settle(session)
    assert len(session.steps) == steps + 1
    qtbot.waitUntil(lambda: is_told("250 min"), timeout=20_000)
    left, right = trace.viewRange()[0]
    assert -0.1 < left < 0
    assert 4.16 < right < 4.4


def test_a_new_time_of_one_frame_keeps_the_zoom(fitted, session, settle) -> None:
    shown = plots(fitted)
    shown.trace_plot.setXRange(1, 2, padding=0)
    Editor(session).set_value([3], "time", 1.6)
    settle(session)
    assert session.times[3] == 1.6
    np.testing.assert_allclose(shown.trace_plot.viewRange()[0], [1, 2])


@pytest.mark.parametrize("times", [[0, 1, np.nan, 3], [0, 2, 1, 3], [5, 5, 5]])
def test_times_that_are_no_axis_give_frame_numbers(times) -> None:
    axis = TraceAxis.from_times(times)
    assert axis.title == "Frame"
    np.testing.assert_array_equal(axis.positions, np.arange(len(times)))


@pytest.mark.parametrize("count", [7, 1000, 1001, 4999])
def test_thinning_out_keeps_the_extremes_and_the_order(count) -> None:
    values = np.random.default_rng(count).normal(size=count)
    chosen = thin_out(values, 100)
    assert len(chosen) <= 102
    assert (np.diff(chosen) > 0).all()
    assert {values.argmin(), values.argmax()} <= set(chosen)
    np.testing.assert_array_equal(thin_out(values, count), np.arange(count))


def test_very_many_frames_are_thinned_out_until_one_zooms_in(qtbot) -> None:
    n = 20_000
    trace = Trace(
        times=np.arange(n) * 1.0,
        time_unit="s",
        intensity=np.random.default_rng(0).normal(1e4, 10, n),
        variance=np.full(n, 100.0),
        background=np.full(n, 10.0),
        background_slope=None,
        background_error=0.0,
        region_pixels=100,
        used=np.ones(n, dtype=bool),
        shape=(20, 20),
        noise=None,
    )
    shown = TracePlots()
    qtbot.addWidget(shown)
    shown.show_trace(trace, None)
    shown.show_all(from_zero=False)
    drawn = shown.used.getData()[1]
    assert len(drawn) < 2000
    assert drawn.max() == trace.intensity.max() / 100
    shown.trace_plot.setXRange(shown.axis.positions[100], shown.axis.positions[200], padding=0)
    assert 100 <= len(shown.used.getData()[0]) <= 104


def test_ranges_and_their_edges_belong_together() -> None:
    axis = TraceAxis.from_times([0.0, 1.0, 2.0, 5.0, 6.0, 20.0])
    for first in range(6):
        for last in range(first, 6):
            assert axis.frames_between(*axis.edges(first, last)) == (first, last)
    assert axis.frames_between(3.0, 3.2) == (2, 2), "an empty range is the nearest frame"
