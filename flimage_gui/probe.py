"""What the pixel under the pointer holds: raw, background and corrected value."""

from __future__ import annotations

from collections.abc import Hashable, Mapping

import numpy as np
from PyQt5.QtCore import QObject, pyqtSignal

from flimage.progress import Progress

from .displays import Display, DisplayMaker
from .session import Change, Session

__all__ = ["NAMES", "Probe"]

#: Display -> what a person reads before the value.
NAMES: Mapping[Display, str] = {
    Display.RAW: "raw",
    Display.BACKGROUND: "background",
    Display.BACKGROUND_CORRECTED: "background-corrected",
    Display.BLEACH_CORRECTED: "bleach-corrected",
}
#: Beyond this size [bytes] nothing is computed only to be read out; what is on screen is told.
_LARGEST_IMAGE = 16 << 20


class Probe(QObject):
    """Keeps the images of the current frame that values are read from.

    Parameters
    ----------
    session
        The open recording.
    """

    #: values may be known now that were not before
    ready = pyqtSignal()

    def __init__(self, session: Session) -> None:
        super().__init__(session)
        self._session = session
        self._images: dict[Display, np.ndarray] = {}
        self._key: Hashable = None
        self._asked: Hashable = None
        session.changed.connect(self._on_session_changed)

    def values(self, column: int, row: int) -> dict[Display, float]:
        """Return what is known of a pixel, and ask for the rest.

        Parameters
        ----------
        column, row
            The pixel; it must be in the image.
        """
        session = self._session
        maker = session.maker
        if maker is None:
            return {}
        wanted = self._wanted()
        key = tuple(maker.key(session.frame, display) for display in wanted)
        images = self._images if key == self._key else {}
        found = {}
        for display in wanted:
            image = images.get(display)
            image = session.kept_image(display) if image is None else image
            if image is not None:
                found[display] = float(image[row, column])
        if len(found) < len(wanted):
            self._ask(maker, key, wanted)
        return found

    def _wanted(self) -> tuple[Display, ...]:
        corrected = Display.BACKGROUND_CORRECTED
        if self._session.fit is not None or self._session.display is Display.BLEACH_CORRECTED:
            corrected = Display.BLEACH_CORRECTED
        return (Display.RAW, Display.BACKGROUND, corrected)

    def _ask(self, maker: DisplayMaker, key: Hashable, wanted: tuple[Display, ...]) -> None:
        frame, shape = self._session.frame, self._session.shape
        if key == self._asked or shape[0] * shape[1] * 4 > _LARGEST_IMAGE:
            return
        self._asked = key

        def run(progress: Progress) -> dict[Display, np.ndarray]:
            images = {}
            for done, display in enumerate(wanted):
                progress(done, len(wanted), "")
                images[display] = maker.make(frame, display)
            return images

        def done(images: dict[Display, np.ndarray]) -> None:
            self._images, self._key = images, key
            self.ready.emit()

        self._session.read("probe", run, done)

    def _on_session_changed(self, change: Change) -> None:
        if change & (Change.RECORDING | Change.FRAME):
            self._images, self._key, self._asked = {}, None, None
