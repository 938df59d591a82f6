"""What the window keeps in memory of the images it has decoded."""

from __future__ import annotations

import gc
import threading

import numpy as np

from flimage_gui import image_store, measuring
from flimage_gui.image_store import ImageStore
from flimage_gui.session import Display, Session


def stores() -> list[ImageStore]:
    """Return all that keeps images, wherever it is."""
    return [each for each in gc.get_objects() if isinstance(each, ImageStore)]


def test_frames_are_kept_once_while_they_are_measured_for_the_first_time(
    qtbot, session: Session, recording, settle, monkeypatch
) -> None:
    # What other tests have left is not collected at any certain time.
    others = {id(store): store for store in stores() if store.nbytes}
    measured = threading.Event()
    scan = measuring.work.scan

    def wait(*args):
        assert measured.wait(60)
        return scan(*args)

    monkeypatch.setattr(measuring.work, "scan", wait)
    session.open(recording)
    qtbot.waitUntil(lambda: session.kept_image(Display.RAW) is not None)
    session.cache_bytes = limit = 4 * session.kept_image(Display.RAW).nbytes
    for index in range(session.n_frames):
        shown = []
        session.frame_ready.connect(lambda *frame, shown=shown: shown.append(frame))
        session.set_frame(index)
        session.request_frame(index, Display.RAW)
        qtbot.waitUntil(lambda shown=shown: bool(shown))
    kept = sum(store.nbytes for store in stores() if id(store) not in others)
    measured.set()
    settle(session)
    assert 0 < kept <= limit


def test_a_frame_that_was_read_is_packed_once(
    qtbot, session: Session, recording, settle, monkeypatch
) -> None:
    session.open(recording)
    settle(session)
    session.cache_bytes = 1
    packed: list[np.ndarray] = []
    pack = image_store._pack

    def noted(image):
        packed.append(image)
        return pack(image)

    monkeypatch.setattr(image_store, "_pack", noted)
    session.maker.image(7, Display.RAW)
    assert len(packed) == 1
