"""The frame table: what it says of frames, and how frames are selected, edited and put in order."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from controls import bleaching, choose, click, find, type_number, write_frames
from PyQt5.QtCore import QItemSelectionModel, QPoint, QPointF, Qt
from PyQt5.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QComboBox,
    QDialog,
    QDockWidget,
    QLabel,
    QLineEdit,
    QTableView,
    QTableWidget,
    QWidget,
)

from flimage import FLImage, FLSeries
from flimage_gui.frame_model import Column
from flimage_gui.frame_table import FramePanel
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Session

TIMES = [0.0, 0.5, 1.0, 1.5, 3.0, 3.5, 4.0, 4.0, 3.9, 4.4, 4.9, 5.4]


@pytest.fixture
def panel(qtbot, session: Session, tmp_path: Path, settle) -> FramePanel:
    made = FramePanel(session)
    qtbot.addWidget(made)
    made.resize(1000, 500)
    with qtbot.waitExposed(made):
        made.show()
    session.open(write_frames(tmp_path / "table.h5", bleaching(12), TIMES))
    settle(session)
    return made


def table_of(panel: QWidget) -> QTableView:
    return find(panel, QTableView, "frameTable")


def text(panel: QWidget, row: int, column: Column) -> str:
    return table_of(panel).model().index(row, int(column)).data()


def centre(table: QTableView, row: int, column: Column = Column.NUMBER) -> QPoint:
    index = table.model().index(row, int(column))
    table.scrollTo(index)
    return table.visualRect(index).center()


def click_row(qtbot, panel, row: int, modifier=Qt.KeyboardModifier.NoModifier) -> None:
    table = table_of(panel)
    place = centre(table, row)
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, modifier, place)


def edit_cell(qtbot, panel, row: int, column: Column, typed: str) -> None:
    """Edit a cell as a person does: click on it, F2, type, Return."""
    table = table_of(panel)
    place = centre(table, row, column)
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.keyClick(table, Qt.Key.Key_F2)
    editor = table.viewport().findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    if typed:
        qtbot.keyClicks(editor, typed)
    else:
        qtbot.keyClick(editor, Qt.Key.Key_Delete)
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    # Qt commits what was typed a little later.
    qtbot.waitUntil(lambda: table.state() != QTableView.State.EditingState)
    qtbot.wait(10)


# ---------------------------------------------------------------------- what it says


def test_every_frame_has_its_line(panel, session) -> None:
    assert table_of(panel).model().rowCount() == 12
    assert text(panel, 3, Column.NUMBER) == "3"
    assert text(panel, 3, Column.IDENTIFIER) == "w-3"
    assert text(panel, 3, Column.TIME) == "1.5 s"
    assert text(panel, 3, Column.STEP) == "500 ms"
    assert text(panel, 3, Column.PIXEL_SIZE) == "100 nm"
    assert text(panel, 3, Column.BACKGROUND) == "no"
    assert text(panel, 3, Column.MISSING) == "0"
    assert text(panel, 0, Column.STEP) == "–"


def test_odd_times_are_marked_by_icon_and_words(panel) -> None:
    model = table_of(panel).model()

    def mark(row: int, column: Column) -> str:
        index = model.index(row, int(column))
        icon = index.data(Qt.ItemDataRole.DecorationRole)
        tip = index.data(Qt.ItemDataRole.ToolTipRole)
        assert (icon is None) == (not tip)
        return tip or ""

    assert "gap" in mark(4, Column.STEP)
    assert "same time" in mark(7, Column.STEP)
    assert "backwards" in mark(8, Column.STEP)
    assert [row for row in range(12) if mark(row, Column.STEP)] == [4, 7, 8]


def test_a_missing_time_is_marked(qtbot, panel, session, tmp_path) -> None:
    session.open(write_frames(tmp_path / "some.h5", bleaching(4), [0, None, 2, 3]))
    qtbot.waitUntil(lambda: session.n_frames == 4)
    index = table_of(panel).model().index(1, int(Column.TIME))
    assert index.data() == "–"
    assert not index.data(Qt.ItemDataRole.DecorationRole).isNull()
    assert "no time" in index.data(Qt.ItemDataRole.ToolTipRole)
    assert panel._times.summary == "no time in 1 frame"


def test_gains_are_those_of_the_current_fit(qtbot, panel, session, settle) -> None:
    assert text(panel, 5, Column.GAIN) == "–"
    session.run_fit()
    settle(session)
    qtbot.waitUntil(lambda: text(panel, 11, Column.GAIN) != "–")
    assert text(panel, 0, Column.GAIN) == "1"
    assert float(text(panel, 11, Column.GAIN)) == pytest.approx(session.fit.gain[11], rel=1e-3)


def test_missing_pixels_are_counted(qtbot, panel, session, tmp_path, settle) -> None:
    frames = bleaching(6)
    frames[2, :3, 0] = np.nan
    session.open(write_frames(tmp_path / "nan.h5", frames))
    settle(session)
    qtbot.waitUntil(lambda: text(panel, 2, Column.MISSING) == "3")
    assert text(panel, 1, Column.MISSING) == "0"


def test_stored_backgrounds_and_sizes_are_read(qtbot, panel, session, tmp_path, settle) -> None:
    with FLSeries(h5file=tmp_path / "b.h5", h5mode="w") as series:
        for i in range(3):
            fli = FLImage(np.ones((20, 30)) * 9, {"time": 1.0 * i})
            if i == 1:
                fli.set_bg_data(np.ones((20, 30)))
            series.add_flimage(fli)
    session.open(tmp_path / "b.h5")
    settle(session)
    qtbot.waitUntil(lambda: text(panel, 1, Column.BACKGROUND) == "yes")
    assert text(panel, 0, Column.BACKGROUND) == "no"
    assert text(panel, 0, Column.PIXEL_SIZE) == "–"
    session.assign_background(np.zeros((20, 30), dtype=np.float32), [0], "Zero")
    session.clear_background([1])
    assert text(panel, 0, Column.BACKGROUND) == "yes"
    assert text(panel, 1, Column.BACKGROUND) == "no"


def test_the_plot_shows_times_or_steps(qtbot, panel, session) -> None:
    plot = panel._times
    assert plot.summary == "1 gap, 1 step backwards, 1 repeated time"
    choose(qtbot, panel, "timesPlotCombo", "time")
    x, y = plot._line.getData()
    assert x.tolist() == list(range(12))
    np.testing.assert_allclose(y, TIMES)
    choose(qtbot, panel, "timesPlotCombo", "step")
    assert plot._odd.getData()[0].tolist() == [4, 7, 8]


def test_a_click_on_the_plot_goes_to_the_frame(qtbot, panel, session) -> None:
    plot = panel._times.plot
    box = plot.getPlotItem().getViewBox()
    qtbot.wait(50)
    middle = box.viewRect().center().y()
    place = plot.mapFromScene(box.mapViewToScene(QPointF(7, middle)))
    qtbot.mouseClick(plot.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: session.frame == 7)


# ---------------------------------------------------------------------- selecting


def test_double_click_goes_to_the_frame(qtbot, panel, session) -> None:
    table = table_of(panel)
    place = centre(table, 6, Column.TIME)
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseDClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.frame == 6
    assert table.state() != QTableView.State.EditingState


def test_selected_frames_are_those_of_the_session(qtbot, panel, session) -> None:
    click_row(qtbot, panel, 2)
    click_row(qtbot, panel, 4, Qt.KeyboardModifier.ShiftModifier)
    click_row(qtbot, panel, 8, Qt.KeyboardModifier.ControlModifier)
    assert session.selection == (2, 3, 4, 8)
    session.select([1, 5])
    rows = {index.row() for index in table_of(panel).selectionModel().selectedRows()}
    assert rows == {1, 5}


def test_arrow_keys_still_step_through_the_recording(qtbot, panel) -> None:
    table = table_of(panel)
    click_row(qtbot, panel, 2)
    qtbot.keyClick(table, Qt.Key.Key_Right)
    assert table.currentIndex().column() == Column.NUMBER


# ---------------------------------------------------------------------- editing


def test_values_are_edited_in_place_and_undone(qtbot, panel, session) -> None:
    edit_cell(qtbot, panel, 1, Column.TIME, "750 ms")
    edit_cell(qtbot, panel, 2, Column.PIXEL_SIZE, "0.2")
    edit_cell(qtbot, panel, 3, Column.IDENTIFIER, "bad focus")
    assert session.times[1] == 0.75
    assert session.source.meta(2)["pixel size"] == pytest.approx(2e-7)
    assert session.source.identifiers[3] == "bad focus"
    assert text(panel, 2, Column.PIXEL_SIZE) == "200 nm"
    assert session.steps == (
        "Change the time of frame 1",
        "Change the pixel size of frame 2",
        "Change the identifier of frame 3",
    )
    session.go_to_step(0)
    assert text(panel, 1, Column.TIME) == "0.5 s"
    assert not session.modified


def test_an_emptied_cell_removes_the_value(qtbot, panel, session) -> None:
    edit_cell(qtbot, panel, 1, Column.TIME, "")
    assert np.isnan(session.times[1])
    assert text(panel, 1, Column.TIME) == "–"


@pytest.mark.parametrize(
    ("column", "typed", "words"),
    [
        (Column.TIME, "soon", "'soon'"),
        (Column.PIXEL_SIZE, "0", "above 0"),
        (Column.PIXEL_SIZE, "-1 µm", "above 0"),
        (Column.IDENTIFIER, "w-4", "frame 4 already"),
    ],
)
def test_values_that_cannot_be_used_are_refused(
    qtbot, panel, session, column, typed, words
) -> None:
    errors: list[Exception] = []
    session.failed.connect(errors.append)
    before = text(panel, 1, column)
    edit_cell(qtbot, panel, 1, column, typed)
    assert len(errors) == 1
    assert words in str(errors[0])
    assert text(panel, 1, column) == before
    assert not session.modified


def test_typing_the_same_value_is_no_step(qtbot, panel, session) -> None:
    edit_cell(qtbot, panel, 1, Column.IDENTIFIER, "w-1")
    edit_cell(qtbot, panel, 1, Column.TIME, "0.5")
    assert session.steps == ()


def test_names_are_changed_without_measuring_again(qtbot, panel, session) -> None:
    scan = session.scan
    edit_cell(qtbot, panel, 1, Column.IDENTIFIER, "another")
    assert session.scan is scan
    assert session.at_rest


def test_new_times_are_used_without_reading_frames_again(qtbot, panel, session, settle) -> None:
    sums = session.scan.region_sum
    edit_cell(qtbot, panel, 1, Column.TIME, "0.6")
    settle(session)
    assert session.scan.region_sum is sums
    assert session.trace.times[1] == 0.6


# ---------------------------------------------------------------------- order


def test_the_delete_key_deletes_the_selected_frames(qtbot, panel, session, settle) -> None:
    session.set_frame(6)
    click_row(qtbot, panel, 2)
    click_row(qtbot, panel, 3, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(table_of(panel), Qt.Key.Key_Delete)
    assert session.n_frames == 10
    assert table_of(panel).model().rowCount() == 10
    assert text(panel, 2, Column.IDENTIFIER) == "w-4"
    assert session.frame == 4, "the same frame stays on display"
    assert session.selection == ()
    settle(session)
    assert len(session.trace.intensity) == 10
    session.undo()
    settle(session)
    assert session.n_frames == 12
    assert session.frame == 6


def test_frames_are_kept_moved_and_sorted_by_buttons(qtbot, panel, session, settle) -> None:
    click_row(qtbot, panel, 4)
    click_row(qtbot, panel, 8, Qt.KeyboardModifier.ShiftModifier)
    click(qtbot, panel, "keepFramesButton")
    assert session.source.order == (4, 5, 6, 7, 8)
    assert session.selection == (0, 1, 2, 3, 4)
    click_row(qtbot, panel, 4)
    type_number(qtbot, panel, "moveFramesSpin", 1)
    click(qtbot, panel, "moveFramesButton")
    assert session.source.order == (4, 8, 5, 6, 7)
    assert session.selection == (1,), "the moved frame stays selected"
    click(qtbot, panel, "sortFramesButton")
    assert session.times.tolist() == [3.0, 3.5, 3.9, 4.0, 4.0]
    assert session.steps == (
        "Keep only 5 frames",
        "Move frame 4 to 1",
        "Sort the frames by time",
    )


def test_buttons_wait_for_a_selection(qtbot, panel, session) -> None:
    names = ("deleteFramesButton", "keepFramesButton", "moveFramesButton")
    buttons = [find(panel, QAbstractButton, name) for name in names]
    assert not any(button.isEnabled() for button in buttons)
    click_row(qtbot, panel, 1)
    assert all(button.isEnabled() for button in buttons)
    session.select(range(12))
    assert not any(button.isEnabled() for button in buttons), "one frame has to stay"


def test_settings_follow_the_frames_that_they_name(qtbot, panel, session, settle) -> None:
    session.set_recipe(session.recipe.replace(exclude=(5,), last=10), "Leave out")
    session.select([0, 1])
    panel.delete_selected()
    assert (session.recipe.exclude, session.recipe.last) == ((3,), 8)
    session.undo()
    assert (session.recipe.exclude, session.recipe.last) == ((5,), 10)
    settle(session)


# ---------------------------------------------------------------------- the dialog


def dialog_of(qtbot, panel) -> QDialog:
    click(qtbot, panel, "editFramesButton")
    return find(panel, QDialog, "editFramesDialog")


def fill(qtbot, dialog: QWidget, name: str, typed: str) -> None:
    edit = find(dialog, QLineEdit, name)
    edit.selectAll()
    qtbot.keyClicks(edit, typed)


def test_several_frames_are_edited_at_once(qtbot, panel, session) -> None:
    session.select([8, 9, 10])
    dialog = dialog_of(qtbot, panel)
    assert find(dialog, QComboBox, "editTargetCombo").currentData() == "selection"
    for name in ("editTimesCheck", "editPixelSizeCheck", "editIdentifierCheck"):
        check = find(dialog, QCheckBox, name)
        qtbot.mouseClick(check, Qt.MouseButton.LeftButton, pos=QPoint(8, check.height() // 2))
    fill(qtbot, dialog, "editIntervalEdit", "0.25 s")
    fill(qtbot, dialog, "editStartEdit", "5 s")
    fill(qtbot, dialog, "editPixelSizeEdit", "65 nm")
    fill(qtbot, dialog, "editIdentifierEdit", "late {n}")
    click(qtbot, dialog, "editFramesOkButton")
    assert session.times[8:11].tolist() == [5, 5.25, 5.5]
    assert list(session.source.identifiers[7:11]) == ["w-7", "late 8", "late 9", "late 10"]
    assert session.source.meta(9)["pixel size"] == pytest.approx(65e-9)
    assert session.pixel_size == 1e-7
    assert len(session.steps) == 3


def test_all_frames_get_equal_intervals(qtbot, panel, session, settle) -> None:
    dialog = dialog_of(qtbot, panel)
    find(dialog, QCheckBox, "editTimesCheck").setChecked(True)
    fill(qtbot, dialog, "editIntervalEdit", "2")
    click(qtbot, dialog, "editFramesOkButton")
    assert session.times.tolist() == list(range(0, 24, 2))
    assert panel._times.summary == "no gaps"
    settle(session)


def test_the_dialog_stays_and_says_what_is_refused(qtbot, panel, session) -> None:
    dialog = dialog_of(qtbot, panel)
    find(dialog, QCheckBox, "editIdentifierCheck").setChecked(True)
    fill(qtbot, dialog, "editIdentifierEdit", "same")
    click(qtbot, dialog, "editFramesOkButton")
    notice = find(dialog, QWidget, "editFramesNotice")
    assert dialog.isVisible()
    assert "each needs its own" in notice.text()
    assert session.steps == ()
    find(dialog, QCheckBox, "editTimesCheck").setChecked(True)
    fill(qtbot, dialog, "editIntervalEdit", "fast")
    click(qtbot, dialog, "editFramesOkButton")
    assert "“fast” is no number" in notice.text()
    dialog.reject()


# ---------------------------------------------------------------------- size


def test_twenty_thousand_frames_are_quick(qtbot, panel, session, tmp_path) -> None:
    path = tmp_path / "long.h5"
    images = np.ones((20_000, 4, 4), dtype=np.float32)
    with FLSeries(h5file=path, h5mode="w") as series:
        series.add_images(images, ({"time": 0.1 * i} for i in range(len(images))))
    session.open(path)
    qtbot.waitUntil(lambda: session.n_frames == len(images), timeout=120_000)
    session._measuring.stop()
    table = table_of(panel)
    took = []
    for action in (
        lambda: panel.model.refresh(),
        lambda: table.scrollTo(table.model().index(15_000, 0)),
        lambda: session.select(range(100, 12_000)),
        lambda: session.set_frame(19_000),
        lambda: table.selectionModel().select(
            table.model().index(3, 0), QItemSelectionModel.SelectionFlag.ClearAndSelect
        ),
    ):
        begin = time.perf_counter()
        action()
        table.viewport().repaint()
        took.append(time.perf_counter() - begin)
    # A tenth of a second is noticed; this computer may be busy with other things.
    assert max(took) < 0.5, took


def test_a_table_behind_others_is_scrolled_once_it_is_seen(
    qtbot, window: MainWindow, tmp_path: Path, settle
) -> None:
    window.open_path(write_frames(tmp_path / "long.h5", bleaching(60)))
    settle(window.session)
    table, front = find(window, QTableView, "frameTable"), "traceDock"
    find(window, QDockWidget, front).raise_()
    qtbot.waitUntil(lambda: table.visibleRegion().isEmpty(), timeout=20_000)
    window.session.set_frame(59)
    qtbot.wait(50)
    assert table.verticalScrollBar().value() == 0, "nobody sees it"
    find(window, QDockWidget, "frameDock").raise_()
    qtbot.waitUntil(lambda: table.rowViewportPosition(59) < table.viewport().height())
    assert table.rowViewportPosition(59) >= 0
    settle(window.session)


def test_a_column_of_times_has_one_unit_which_is_that_of_the_other_views(
    qtbot, window: MainWindow, tmp_path: Path, settle
) -> None:
    path = write_frames(tmp_path / "slow.h5", bleaching(12), [60.0 * n for n in range(12)])
    window.open_path(path)
    settle(window.session)
    model = find(window, QTableView, "frameTable").model()
    for column in (Column.TIME, Column.STEP):
        texts = [model.index(row, int(column)).data() for row in range(1, 12)]
        assert len({text.split()[1] for text in texts}) == 1, texts
    assert model.index(0, int(Column.TIME)).data() == "0 min"
    assert model.index(1, int(Column.TIME)).data() == "1 min"
    facts = find(window, QTableWidget, "metadataTable")
    qtbot.waitUntil(lambda: bool(facts.findItems("time", Qt.MatchFlag.MatchExactly)))
    row = facts.findItems("time", Qt.MatchFlag.MatchExactly)[0].row()
    assert facts.item(row, 1).text() == "0 min"
    assert find(window, QLabel, "timeLabel").text() == "0 min"
