"""Values shown darkest and brightest: chosen once for a whole series, per display, in a job."""

from __future__ import annotations

from PyQt5.QtCore import QObject, pyqtSignal

from flimage.progress import Progress

from .displays import Display, DisplayMaker, series_levels
from .image_store import ImageStore
from .jobs import JobRunner

__all__ = ["Contrast"]

LANE = "contrast"
Levels = tuple[float, float]


class Contrast(QObject):
    """Levels of each display, from all of the series or chosen by the person.

    Parameters
    ----------
    runner
        Where percentiles are computed.
    parent
        Qt parent.
    """

    #: levels of some display have changed
    changed = pyqtSignal()

    def __init__(self, runner: JobRunner, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner = runner
        self._levels: dict[Display, Levels] = {}
        self._chosen: set[Display] = set()
        self._outdated: set[Display] = set()
        self._maker: DisplayMaker | None = None

    def start(self, raw_levels: Levels) -> None:
        """Begin anew with the levels of raw frames of another recording."""
        self.clear()
        self._levels = {Display.RAW: raw_levels}

    def clear(self) -> None:
        """Forget everything."""
        self._runner.cancel(LANE)
        self._levels, self._chosen, self._outdated, self._maker = {}, set(), set(), None

    def levels(self, display: Display) -> Levels | None:
        """Values shown darkest and brightest; None while they are not known."""
        return self._levels.get(display)

    @property
    def chosen(self) -> dict[Display, Levels]:
        """Levels that the person has chosen."""
        return {display: self._levels[display] for display in self._chosen}

    def choose(self, display: Display, low: float, high: float) -> None:
        """Use the levels that the person has chosen."""
        levels = (float(low), float(high))
        if high > low and levels != self._levels.get(display):
            self._levels[display] = levels
            self._chosen.add(display)
            self._outdated.discard(display)
            self.changed.emit()

    def outdate(self, display: Display | None = None) -> None:
        """Let :meth:`find` compute anew; until then the levels stay as they are.

        Parameters
        ----------
        display
            Whose levels; None for all that were not chosen and depend on settings.
        """
        if display is None:
            self._outdated |= set(self._levels) - self._chosen - {Display.RAW}
        else:
            self._chosen.discard(display)
            self._outdated.add(display)

    def find(self, display: Display, maker: DisplayMaker, store: ImageStore) -> None:
        """Compute the levels of `display` where they are not known.

        Parameters
        ----------
        display
            Whose levels.
        maker
            Makes the images.
        store
            Where decoded images are kept.
        """
        self._maker = maker
        if display in self._levels and display not in self._outdated:
            return

        def run(progress: Progress) -> Levels:
            return series_levels(maker, display, store, progress)

        def done(levels: Levels) -> None:
            if self._maker is maker and display not in self._chosen:
                self._outdated.discard(display)
                if levels != self._levels.get(display):
                    self._levels[display] = levels
                    self.changed.emit()

        # A frame that cannot be read is reported when it is shown; it needs no contrast.
        self._runner.submit(LANE, run, done, failed=lambda error: None)
