"""Background images come from frames, ranges of frames and planes, and go to chosen frames."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from controls import bleaching, choose, click, find, type_number, write_frames
from PyQt5.QtWidgets import QLabel, QPushButton

from flimage_gui.background_panel import BackgroundPanel
from flimage_gui.session import Display, Session


@pytest.fixture
def panel(qtbot, session: Session, tmp_path: Path, settle) -> BackgroundPanel:
    made = BackgroundPanel(session)
    qtbot.addWidget(made)
    made.resize(360, 600)
    with qtbot.waitExposed(made):
        made.show()
    session.open(write_frames(tmp_path / "frames.h5", bleaching(6)))
    settle(session)
    return made


def backgrounds(session: Session) -> list[np.ndarray | None]:
    assert session.source is not None
    return [session.source.background(i) for i in range(session.n_frames)]


@pytest.mark.parametrize(("origin", "boxes"), [("frame", ["Frame"]), ("range", ["Frame", "Last"])])
def test_no_frame_is_background_before_somebody_says_which(
    qtbot, panel, session, origin: str, boxes: list[str]
) -> None:
    choose(qtbot, panel, "backgroundOriginCombo", origin)
    assign = find(panel, QPushButton, "assignBackgroundButton")
    hint = find(panel, QLabel, "backgroundImageHint")
    for box in boxes:
        assert not assign.isEnabled()
        assert "Say which frames" in hint.text()
        type_number(qtbot, panel, f"background{box}Spin", 2)
    assert assign.isEnabled()
    assert "Say which" not in hint.text()


def test_the_boxes_of_a_range_say_what_they_are(qtbot, panel) -> None:
    def words() -> list[str]:
        return [
            label.text()
            for label in panel.findChildren(QLabel)
            if label.isVisible() and label.text() in ("from", "to", "Fram&es")
        ]

    assert words() == []
    choose(qtbot, panel, "backgroundOriginCombo", "frame")
    assert words() == ["Fram&es"]
    choose(qtbot, panel, "backgroundOriginCombo", "range")
    assert sorted(words()) == ["Fram&es", "from", "to"]


def test_the_mean_of_a_range_goes_to_the_selected_frames(qtbot, panel, session, settle) -> None:
    session.select([1, 4])
    choose(qtbot, panel, "backgroundOriginCombo", "range")
    type_number(qtbot, panel, "backgroundFrameSpin", 5)
    type_number(qtbot, panel, "backgroundLastSpin", 3)
    choose(qtbot, panel, "backgroundTargetCombo", "selection")
    click(qtbot, panel, "assignBackgroundButton")
    settle(session)
    found = backgrounds(session)
    assert [image is not None for image in found] == [False, True, False, False, True, False]
    expected = np.mean([session.source.raw(i) for i in (3, 4, 5)], axis=0)
    np.testing.assert_allclose(found[1], expected, rtol=1e-6)
    assert found[1] is found[4], "it is stored once"
    assert session.steps == ("Use the mean of 3 frames as background",)
    click(qtbot, panel, "clearBackgroundButton")
    assert all(image is None for image in backgrounds(session))


def test_a_plane_fitted_to_the_border_is_assigned_and_seen(
    qtbot, panel, session, tmp_path, settle
) -> None:
    y, x = np.mgrid[:60, :80]
    plane = 100 + 0.5 * x - 0.25 * y
    frames = np.repeat((plane + 300 * (np.hypot(y - 30, x - 40) < 8))[None], 3, axis=0)
    session.open(write_frames(tmp_path / "tilted.h5", frames.astype(np.float32)))
    settle(session)
    choose(qtbot, panel, "backgroundOriginCombo", "plane")
    click(qtbot, panel, "assignBackgroundButton")
    settle(session)
    np.testing.assert_allclose(backgrounds(session)[2], plane, rtol=1e-5)
    shown: list[np.ndarray] = []
    session.frame_ready.connect(lambda index, display, image: shown.append(image))
    session.set_display(Display.BACKGROUND)
    settle(session)
    assert np.ptp(shown[-1]) == pytest.approx(np.ptp(plane), rel=1e-3)


def test_a_plane_needs_a_border(qtbot, panel, session, settle) -> None:
    errors: list[Exception] = []
    session.failed.connect(errors.append)
    session.set_recipe(session.recipe.replace(border_px=0), "No border")
    choose(qtbot, panel, "backgroundOriginCombo", "plane")
    click(qtbot, panel, "assignBackgroundButton")
    settle(session)
    assert "0 px wide" in str(errors[0])
    assert not session.modified


def test_selected_frames_as_target_wait_for_a_selection(qtbot, panel, session) -> None:
    choose(qtbot, panel, "backgroundTargetCombo", "selection")
    assert not find(panel, QPushButton, "assignBackgroundButton").isEnabled()
    assert "No frame is selected" in find(panel, QLabel, "backgroundImageHint").text()
    session.select([2])
    assert find(panel, QPushButton, "assignBackgroundButton").isEnabled()
