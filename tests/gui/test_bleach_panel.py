"""The bleach panel asks the session for settings and runs, and tells what came out."""

from __future__ import annotations

import re
import threading
from pathlib import Path

import numpy as np
import pytest
from controls import bleaching, choose, click, find, type_number, write_frames
from PyQt5.QtCore import Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QLabel,
    QProgressBar,
    QPushButton,
    QSpinBox,
    QToolButton,
)

from flimage.models import MODELS
from flimage.recipe import Region
from flimage.result import Candidate
from flimage.verdict import Reason, Verdict
from flimage_gui import fit_table, work
from flimage_gui.bleach_panel import BleachPanel, verdict_html
from flimage_gui.evidence_table import EvidenceTable, evidence_rows
from flimage_gui.fit_table import FitTable, fit_rows
from flimage_gui.labels import Notice
from flimage_gui.model_names import model_hint, model_items
from flimage_gui.session import Session
from flimage_gui.spin_boxes import QuantitySpin


@pytest.fixture
def panel(qtbot, session: Session) -> BleachPanel:
    made = BleachPanel(session)
    qtbot.addWidget(made)
    made.resize(340, 800)
    with qtbot.waitExposed(made):
        made.show()
    return made


@pytest.fixture
def opened(panel: BleachPanel, session: Session, recording: Path, settle) -> BleachPanel:
    session.open(recording)
    settle(session)
    return panel


@pytest.fixture
def fitted(qtbot, opened: BleachPanel, session: Session, settle) -> BleachPanel:
    click(qtbot, opened, "runBleachButton")
    settle(session)
    assert session.fit_current
    return opened


def test_a_test_event_shows_which_methods_erase_real_changes(
    qtbot, fitted: BleachPanel, session: Session, settle
) -> None:
    label = find(fitted, QLabel, "eventsLabel")
    assert not label.isVisible()
    click(qtbot, fitted, "checkEventsButton")
    assert session.busy
    assert not find(fitted, QPushButton, "checkEventsButton").isEnabled()
    settle(session)
    assert label.isVisible()
    left = {
        name: int(part)
        for name, part in re.findall(
            r"<td>([^<&]*)&nbsp;&nbsp;</td><td[^>]*>(\d+)\u202f%", label.text()
        )
    }
    assert left["Exponential + offset"] > 90
    assert left["Simple ratio"] < 70
    assert "+20\u202f% in the brightest pixels" in label.text()
    # What was found holds for these settings only.
    session.set_recipe(session.recipe.replace(border_px=3), "Border")
    assert not label.isVisible()
    settle(session)


def test_a_check_with_a_test_event_can_be_cancelled(
    qtbot, fitted: BleachPanel, session: Session, settle
) -> None:
    click(qtbot, fitted, "checkEventsButton")
    click(qtbot, fitted, "cancelButton")
    settle(session)
    assert not session.busy
    assert not find(fitted, QLabel, "eventsLabel").isVisible()
    assert find(fitted, QPushButton, "checkEventsButton").isEnabled()


def test_without_a_result_there_is_nothing_to_check(opened: BleachPanel) -> None:
    assert not find(opened, QPushButton, "checkEventsButton").isVisible()


def test_a_background_that_drifts_is_measured_per_frame_at_a_click(
    qtbot, panel: BleachPanel, session: Session, tmp_path: Path, settle
) -> None:
    frames = bleaching(40) + np.linspace(0, 60, 40, dtype=np.float32)[:, None, None]
    session.open(write_frames(tmp_path / "drift.h5", frames))
    settle(session)
    button = find(panel, QPushButton, "perFrameButton")
    assert not button.isVisible()
    click(qtbot, panel, "runBleachButton")
    settle(session)
    assert "background-drifts" in {reason.code for reason in session.fit.verdict.reasons}
    assert button.isVisible()
    click(qtbot, panel, "perFrameButton")
    settle(session)
    assert session.recipe.background == "frame"
    assert "background-drifts" not in {reason.code for reason in session.fit.verdict.reasons}
    assert not button.isVisible()
    session.undo()
    settle(session)
    assert session.recipe.background == "series"


def test_every_model_of_the_library_is_offered_with_its_formula(opened) -> None:
    combo = find(opened, QComboBox, "modelCombo")
    names = [combo.itemData(i) for i in range(combo.count())]
    assert sorted(names) == sorted({"auto", *MODELS})
    for index, name in enumerate(names):
        tip = combo.itemData(index, Qt.ItemDataRole.ToolTipRole)
        assert tip
        assert name == "auto" or MODELS[name].reference.split(",")[0] in tip


def test_methods_that_erase_real_changes_are_marked_and_come_last() -> None:
    marked = [name for text, name, _ in model_items() if "not for quantification" in text]
    assert marked == [name for name, model in MODELS.items() if not model.quantitative]
    assert marked == [name for _, name, _ in model_items()][-len(marked) :]
    assert all("Not for quantification" in model_hint(name) for name in marked)


def test_the_model_is_chosen_by_keys_and_its_formula_shown(qtbot, opened, session) -> None:
    combo = find(opened, QComboBox, "modelCombo")
    assert combo.currentData() == "exponential"
    combo.setFocus()
    qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert session.recipe.model == combo.currentData() == "biexponential"
    assert "k2" in find(opened, QLabel, "modelHint").text()
    session.undo()
    assert combo.currentData() == "exponential"


def test_the_meaning_of_the_offset_is_explained_where_it_is_chosen(qtbot, opened, session) -> None:
    hint = find(opened, QLabel, "offsetHint")
    assert "stays" in hint.text()
    combo = find(opened, QComboBox, "offsetCombo")
    combo.setFocus()
    qtbot.keyClick(combo, Qt.Key.Key_Down)
    assert session.recipe.offset == "background"
    assert "subtracted" in hint.text()


def test_the_range_is_typed_and_given_back(qtbot, opened, session) -> None:
    end = session.n_frames - 1
    type_number(qtbot, opened, "rangeStartSpin", 2)
    type_number(qtbot, opened, "rangeStopSpin", 9)
    assert (session.recipe.first, session.recipe.last) == (2, 9)
    assert find(opened, QSpinBox, "rangeStartSpin").maximum() == 9
    assert find(opened, QSpinBox, "rangeStopSpin").minimum() == 2
    click(qtbot, opened, "rangeAllButton")
    assert (session.recipe.first, session.recipe.last) == (None, None)
    assert find(opened, QSpinBox, "rangeStopSpin").value() == end


def test_a_range_over_all_frames_is_no_limit(qtbot, opened, session) -> None:
    session.set_recipe(session.recipe.replace(first=3), "test")
    type_number(qtbot, opened, "rangeStartSpin", 0)
    assert session.recipe.first is None
    assert session.recipe.last is None


def test_denoising_is_switched_by_its_check_box(qtbot, opened, session) -> None:
    check = find(opened, QCheckBox, "denoiseCheck")
    check.setFocus()
    qtbot.keyClick(check, Qt.Key.Key_Space)
    assert session.recipe.denoise == 1.0
    qtbot.keyClick(check, Qt.Key.Key_Space)
    assert session.recipe.denoise == 0.0


def test_showing_a_recipe_from_elsewhere_asks_for_nothing(opened, session) -> None:
    recipe = session.recipe.replace(
        model="linear", first=2, last=8, denoise=2.5, offset="background"
    )
    session.set_recipe(recipe, "elsewhere")
    assert session.recipe == recipe, "showing a strength of 2.5 must not make it 1"
    assert session.steps == ("elsewhere",)


def test_a_run_gives_parameters_and_a_verdict_in_words(fitted, session) -> None:
    table = find(fitted, FitTable, "fitTable")
    assert table.isVisible()
    names = [table.item(row, 0).text() for row in range(table.rowCount())]
    assert {"Offset c", "Amplitude A", "Rate k", "Half-life", "R²"} <= set(names)
    verdict = find(fitted, Notice, "verdictLabel")
    assert verdict.grade == session.fit.verdict.grade
    assert session.fit.verdict.sentence.split()[0] in verdict.text()
    assert find(fitted, QPushButton, "exportButton").isEnabled()


def test_the_table_shows_the_rate_of_the_fit_with_its_error_and_unit(fitted, session) -> None:
    rate = session.fit.parameter("rate")
    row = next(row for row in fit_rows(session.fit) if row.name.startswith("Rate"))
    value, error = (float(part) for part in row.estimate.split(" ± "))
    low, high = (float(part) for part in row.interval.split(" … "))
    assert row.unit == "/s"
    assert value == pytest.approx(rate.value, abs=rate.stderr)
    assert error == pytest.approx(rate.stderr, rel=0.1)
    assert low < value < high


def test_amplitudes_are_means_per_pixel_and_tell_the_sum(fitted, session) -> None:
    amplitude = session.fit.parameter("amplitude")
    row = next(row for row in fit_rows(session.fit) if row.name.startswith("Amplitude"))
    shown = float(row.estimate.split(" ± ")[0])
    assert shown == pytest.approx(amplitude.value / session.fit.trace.region_pixels, rel=0.01)
    assert str(session.fit.trace.region_pixels) in row.tip


def test_a_narrow_table_puts_intervals_below_values_and_a_wide_one_beside(qtbot, fitted) -> None:
    table = find(fitted, FitTable, "fitTable")
    assert table.stacked
    assert "…" in table.item(0, 1).text()
    fitted.resize(700, 800)
    qtbot.waitUntil(lambda: not table.stacked)
    assert "…" not in table.item(0, 1).text()
    assert not table.isColumnHidden(2)


def test_the_table_is_copied_with_all_columns(qtbot, fitted) -> None:
    table = find(fitted, FitTable, "fitTable")
    table.setFocus()
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    lines = QApplication.clipboard().text().splitlines()
    assert lines[0].split("\t") == list(fit_table.HEADERS)
    assert len(lines) == table.rowCount() + 1
    assert all(line.count("\t") == 3 for line in lines)


def test_export_is_asked_for_by_its_button(qtbot, fitted) -> None:
    with qtbot.waitSignal(fitted.export_requested):
        click(qtbot, fitted, "exportButton")


def test_a_run_can_be_cancelled_and_the_panel_says_what_runs(
    qtbot, opened, session, settle, monkeypatch
) -> None:
    started, release = threading.Event(), threading.Event()
    measure = work.measure

    def slow(*args: object) -> work.Measured:
        started.set()
        release.wait(20)
        return measure(*args)

    monkeypatch.setattr(work, "measure", slow)
    click(qtbot, opened, "runBleachButton")
    assert started.wait(20)
    try:
        assert find(opened, QProgressBar, "progressBar").isVisible()
        assert not find(opened, QPushButton, "runBleachButton").isEnabled()
        assert not find(opened, QPushButton, "exportButton").isEnabled()
        assert find(opened, QLabel, "stageLabel").text() == session.busy != ""
        click(qtbot, opened, "cancelButton")
    finally:
        release.set()
    settle(session)
    assert session.fit is None
    assert not find(opened, QProgressBar, "progressBar").isVisible()
    assert find(opened, QPushButton, "runBleachButton").isEnabled()


def test_a_series_that_does_not_bleach_is_refused_with_the_reason(
    qtbot, opened, session, settle, tmp_path
) -> None:
    frames = bleaching(20)
    rng = np.random.default_rng(3)
    frames[:] = frames[0] + rng.normal(0, 2, frames.shape)
    session.open(write_frames(tmp_path / "constant.h5", frames))
    settle(session)
    click(qtbot, opened, "runBleachButton")
    settle(session)
    verdict = find(opened, Notice, "verdictLabel")
    assert verdict.grade == "refused"
    assert "Not corrected" in verdict.text()
    assert session.fit.verdict.reasons[0].sentence[:20] in verdict.text()


def test_another_recording_takes_the_result_away(qtbot, fitted, session, settle, tmp_path) -> None:
    session.open(write_frames(tmp_path / "other.h5", bleaching(8)))
    settle(session)
    assert not find(fitted, FitTable, "fitTable").isVisible()
    assert find(fitted, Notice, "verdictLabel").grade == "neutral"
    assert find(fitted, QSpinBox, "rangeStopSpin").value() == 7


@pytest.mark.parametrize(
    ("severity", "sign", "words"),
    [
        ("info", "✓", "Good"),
        ("caution", "⚠", "Use with caution"),
        ("refused", "✕", "Not corrected"),
    ],
)
def test_a_verdict_has_sign_and_words_besides_its_colour(severity, sign, words) -> None:
    verdict = Verdict((Reason("outliers", severity, "Frame 3 is <odd>."),), summary="All is well.")
    text = verdict_html(verdict)
    assert text.startswith(f"<b>{sign} {words}</b>")
    assert "Frame 3 is &lt;odd&gt;." in text
    assert ("All is well." in text) == (severity == "info")


@pytest.mark.parametrize("grade", ["good", "caution", "refused"])
def test_grades_differ_in_colour_and_can_be_read(qtbot, grade) -> None:
    notice = Notice()
    qtbot.addWidget(notice)
    neutral = notice.styleSheet()
    notice.show_notice(grade, "text")
    assert notice.styleSheet() != neutral
    for light in (True, False):
        ground, text = notice.colors(dark=not light)
        assert _contrast(ground, text) >= 4.5


def _contrast(one: str, other: str) -> float:
    """Contrast ratio of two colours after WCAG 2.1."""

    def luminance(color: str) -> float:
        parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_without_a_recording_nothing_can_be_changed(panel) -> None:
    for control in panel.findChildren((QComboBox, QSpinBox, QPushButton, QCheckBox)):
        assert not control.isEnabled(), control.objectName()


def open_more(qtbot, panel: BleachPanel) -> None:
    qtbot.mouseClick(find(panel, QToolButton, "moreSettingsButton"), Qt.MouseButton.LeftButton)


def test_more_settings_are_out_of_sight_until_asked_for(qtbot, opened) -> None:
    combo = find(opened, QComboBox, "regionCombo")
    assert not combo.isVisible()
    open_more(qtbot, opened)
    assert combo.isVisible()


def test_more_settings_are_steps_of_the_history(qtbot, opened, session) -> None:
    open_more(qtbot, opened)
    choose(qtbot, opened, "regionCombo", Region("frame"))
    choose(qtbot, opened, "timeAxisCombo", "exposure")
    gain = find(opened, QDoubleSpinBox, "maxGainSpin")
    gain.setFocus()
    gain.selectAll()
    qtbot.keyClicks(gain, gain.locale().toString(4.5))
    qtbot.keyClick(gain, Qt.Key.Key_Return)
    robust = find(opened, QCheckBox, "robustCheck")
    robust.setFocus()
    qtbot.keyClick(robust, Qt.Key.Key_Space)
    recipe = session.recipe
    assert recipe.region == Region("frame")
    assert recipe.time_axis == "exposure"
    assert recipe.max_gain == 4.5
    assert not recipe.robust
    assert len(session.steps) == 4


def test_frames_without_times_can_be_given_an_interval(
    qtbot, panel, session, settle, tmp_path
) -> None:
    frames = bleaching(12)
    session.open(write_frames(tmp_path / "timeless.h5", frames, [None] * len(frames)))
    settle(session)
    interval = find(panel, QuantitySpin, "intervalSpin")
    assert interval.isVisible(), "what is needed must be in sight"
    click(qtbot, panel, "runBleachButton")
    settle(session)
    verdict = find(panel, Notice, "verdictLabel")
    assert "No fit" in verdict.text()
    assert "time" in verdict.text()
    interval.setFocus()
    interval.selectAll()
    qtbot.keyClicks(interval, "200 ms")
    qtbot.keyClick(interval, Qt.Key.Key_Return)
    assert session.recipe.interval == pytest.approx(0.2)
    click(qtbot, panel, "runBleachButton")
    settle(session)
    assert session.fit_current
    assert session.fit.trace.times[1] == pytest.approx(0.2)


def test_a_setting_that_allows_no_fit_says_why_and_forbids_export(
    qtbot, fitted, session, settle
) -> None:
    session.set_recipe(session.recipe.replace(first=0, last=1), "test")
    settle(session)
    assert "No fit" in find(fitted, Notice, "verdictLabel").text()
    assert not find(fitted, QPushButton, "exportButton").isEnabled()
    session.undo()
    settle(session)
    assert find(fitted, Notice, "verdictLabel").grade == session.fit.verdict.grade
    assert find(fitted, QPushButton, "exportButton").isEnabled()


def test_the_verdict_does_not_flicker_while_a_fit_catches_up(
    qtbot, fitted, session, settle
) -> None:
    verdict = find(fitted, Notice, "verdictLabel")
    grades = []
    session.changed.connect(lambda _: grades.append(verdict.grade))
    for border in (6, 7, 8):
        session.set_recipe(session.recipe.replace(border_px=border), "test")
        settle(session)
    assert session.fit_current
    assert "neutral" not in grades
    assert "refused" not in grades


def test_a_fit_that_stays_behind_the_settings_is_said_to_be_out_of_date(
    qtbot, fitted, session, settle, monkeypatch
) -> None:
    release = threading.Event()
    measure = work.measure

    def slow(*args: object) -> work.Measured:
        release.wait(20)
        return measure(*args)

    monkeypatch.setattr(work, "measure", slow)
    verdict = find(fitted, Notice, "verdictLabel")
    session.set_recipe(session.recipe.replace(border_px=6), "test")
    try:
        qtbot.waitUntil(lambda: "Out of date" in verdict.text(), timeout=5000)
        assert not find(fitted, QPushButton, "exportButton").isEnabled()
    finally:
        release.set()
    settle(session)
    assert "Out of date" not in verdict.text()


def test_an_automatic_choice_tells_model_and_evidence(qtbot, opened, session, settle) -> None:
    choose(qtbot, opened, "modelCombo", "auto")
    click(qtbot, opened, "runBleachButton")
    settle(session)
    fit = session.fit
    text = find(opened, QLabel, "modelSummary").text()
    assert MODELS[fit.model].title.lower() in text.lower()
    table = find(opened, EvidenceTable, "evidenceTable")
    assert table.isVisible()
    assert table.rowCount() == len(fit.evidence) == 5
    for row, each in enumerate(fit.evidence):
        assert table.item(row, 0).font().bold() == (each.model == fit.model)
        assert MODELS[each.model].title.lower().startswith(table.item(row, 0).text().lower())
    assert float(table.item(1, 2).text()) == pytest.approx(fit.evidence[1].criterion, rel=0.01)
    QTest.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text().splitlines()[1].split("\t")[2] == "0"


def test_a_model_that_was_asked_for_has_no_evidence_table(fitted) -> None:
    assert not find(fitted, EvidenceTable, "evidenceTable").isVisible()


@pytest.mark.parametrize(
    ("weight", "text"),
    [
        (1.0, "> 99.9\u202f%"),
        (0.9503, "95.0\u202f%"),
        (0.0018, "0.2\u202f%"),
        (1e-200, "< 0.1\u202f%"),
    ],
)
def test_shares_of_evidence_never_look_certain_nor_impossible(weight, text) -> None:
    row = evidence_rows((Candidate("linear", 3.21, weight, 0.94),))[0]
    assert row == ("Linear", text, "3.21", "0.94")


def test_every_control_says_what_it_is(panel) -> None:
    controls = panel.findChildren((QComboBox, QAbstractSpinBox, QPushButton, QCheckBox))
    assert len(controls) == 16
    for control in controls:
        assert control.objectName()
        assert control.accessibleName()
        assert control.toolTip()


def test_the_tab_key_goes_through_the_controls_from_top_to_bottom(qtbot, fitted) -> None:
    expected = [
        "modelCombo",
        "offsetCombo",
        "rangeStartSpin",
        "rangeStopSpin",
        "denoiseCheck",
        "runBleachButton",
        "exportButton",
        "fitTable",
    ]
    place = find(fitted, QComboBox, "modelCombo")
    seen = []
    for _ in range(60):
        if place.objectName() in expected:
            seen.append(place.objectName())
        place = place.nextInFocusChain()
        if place.objectName() == "modelCombo":
            break
    assert seen == expected
