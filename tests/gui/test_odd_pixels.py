"""Pixels that are not like others, in every display: shown or refused, and nothing warns."""

from __future__ import annotations

import numpy as np
import pytest
from recordings import write_series
from test_odd_numbers import RECORDINGS

from flimage.errors import FlimageError
from flimage_gui.displays import Display

SHOWN = (
    "a pixel is NaN",
    "a NaN that signals",
    "the first frame is NaN",
    "all is NaN",
    "a frame is infinite",
    "all is infinite",
    "no photons",
    "constant",
    "negative",
    "denormal",
    "1e30",
    "the largest numbers of both signs",
    "uint16, saturated everywhere",
    "one pixel",
    "one row",
    "one column",
    "one frame",
    "two frames",
)


@pytest.mark.parametrize("name", SHOWN)
def test_odd_pixels_are_shown_in_every_display(name: str, window, settle, tmp_path) -> None:
    images = RECORDINGS[name]()
    path = write_series(tmp_path / "odd.h5", images)
    session = window.session
    shown: list[tuple[int, ...]] = []
    failed: list[BaseException] = []
    session.frame_ready.connect(lambda number, display, image: shown.append(np.shape(image)))
    session.frame_failed.connect(lambda number, display, error: failed.append(error))
    session.failed.connect(failed.append)
    window.open_path(path)
    settle(session)
    assert session.source is not None, window.message_bar.text
    for display in Display:
        session.set_display(display)
        for number in range(min(len(images), 4)):
            session.set_frame(number)
            settle(session)
    assert shown
    assert {shape[:2] for shape in shown} == {images[0].shape}
    assert [error for error in failed if not isinstance(error, FlimageError)] == []
