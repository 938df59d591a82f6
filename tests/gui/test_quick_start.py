"""What happens before the window is there: the first frame, and what is not imported for it."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PyQt5 import sip
from PyQt5.QtCore import QRect
from PyQt5.QtGui import QColor
from recordings import decaying, write_series

from flimage.progress import ignore_progress
from flimage_gui import opening
from flimage_gui.first_look import show_first_look
from flimage_gui.main_window import MainWindow
from flimage_gui.settings import Settings

PATIENCE = 20_000


def run(code: str, **environment: str) -> str:
    """Run a program in a process of its own and return what it prints."""
    names = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], env=names, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_the_first_frame_needs_nothing_that_is_slow_to_import() -> None:
    slow = ("pyqtgraph", "scipy", "matplotlib", "skimage", "tifffile", "nd2", "pandas")
    code = (
        "import sys, flimage_gui.__main__, flimage_gui.first_look\n"
        f"print([name for name in {slow} if name in sys.modules])"
    )
    assert run(code) == "[]"


def test_no_opengl_is_loaded_unless_a_person_asks_for_it() -> None:
    code = (
        "import os\nfrom flimage_gui.process import prepare_process\nprepare_process()\n"
        "print(os.environ['QT_XCB_GL_INTEGRATION'])"
    )
    assert run(code, QT_XCB_GL_INTEGRATION="xcb_egl") == "xcb_egl"
    if "QT_XCB_GL_INTEGRATION" not in os.environ:
        assert run(code) == "none"


def test_the_first_look_shows_the_first_frame(qapp, recording: Path, settings: Settings) -> None:
    look = show_first_look(recording, settings)
    assert look is not None
    try:
        assert look.isVisible()
        picture, place = look.grab().toImage(), look.image_rect()
        middle = QColor(picture.pixel(place.center()))
        corner = QColor(picture.pixel(place.left() + 4, place.top() + 4))
        # A bright disc on a dim ground.
        assert middle.lightness() > corner.lightness() + 100
        assert place.width() / place.height() == pytest.approx(80 / 60, abs=0.02)
        assert QRect(0, 0, look.width(), look.height()).contains(place)
    finally:
        look.close()
        opening.open_series(recording, ignore_progress).close()


def test_the_window_takes_over_the_file_that_the_first_look_opened(
    qapp, recording: Path, settings: Settings
) -> None:
    look = show_first_look(recording, settings)
    assert look is not None
    look.close()
    taken = opening.open_series(recording, ignore_progress)
    try:
        # What was decoded for the first look is not decoded again.
        assert len(taken.store) > 0
        other = opening.open_series(recording, ignore_progress)
        assert other is not taken
        other.close()
        assert np.array_equal(taken.source.raw(0), decaying()[0])
    finally:
        taken.close()


def test_the_first_look_leaves_when_the_window_shows_the_frame(
    qtbot, window: MainWindow, recording: Path, settings: Settings, settle
) -> None:
    look = show_first_look(recording, settings)
    assert look is not None
    window.open_path(recording)
    look.leave_to(window)
    qtbot.waitUntil(lambda: sip.isdeleted(look), timeout=PATIENCE)
    assert window.frame_view.shown is not None
    settle(window.session)


def test_the_first_look_leaves_when_the_window_closes_before(
    qtbot, window: MainWindow, recording: Path, settings: Settings
) -> None:
    look = show_first_look(recording, settings)
    assert look is not None
    window.hide()
    look.leave_to(window)
    qtbot.waitUntil(lambda: sip.isdeleted(look), timeout=PATIENCE)
    opening.open_series(recording, ignore_progress).close()


def test_there_is_no_first_look_at_what_cannot_be_opened(
    qapp, tmp_path: Path, settings: Settings
) -> None:
    damaged = tmp_path / "damaged.h5"
    damaged.write_bytes(b"not an HDF5 file")
    foreign = tmp_path / "recording.tif"
    foreign.write_bytes(b"II*\0")
    for path in (damaged, foreign, tmp_path / "missing.h5"):
        assert show_first_look(path, settings) is None


@pytest.mark.skipif(
    sys.platform != "linux", reason="needs an offscreen platform that ends by itself"
)
def test_the_command_shows_a_file_and_ends(tmp_path: Path) -> None:
    path = write_series(tmp_path / "short.h5", decaying(4))
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "flimage_gui", str(path), "--quit-after", "2"],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert time.monotonic() - start >= 2
