"""The part of a session that looks: current frame, selection, what is displayed and how."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from .displays import Display, DisplayMaker
from .session_state import Change, SessionState

__all__ = ["SessionView"]


class SessionView(SessionState):
    """A session that can be looked at."""

    #: Stored times, interval, and what they are shown as.
    _timed: tuple[np.ndarray, float | None, np.ndarray] = (np.empty(0), None, np.empty(0))

    @property
    def shown_times(self) -> np.ndarray:
        """Times by which frames are shown, (n,) [s]; the same array while they are the same.

        They follow from the interval of the recipe where it states one, as those of the trace do.
        """
        stored, interval = self.times, self.recipe.interval
        if self._timed[0] is not stored or self._timed[1] != interval:
            shown = stored if interval is None else np.arange(len(stored)) * interval
            self._timed = stored, interval, shown
        return self._timed[2]

    @property
    def frame(self) -> int:
        """Number of the current frame."""
        return self._frame

    @property
    def selection(self) -> tuple[int, ...]:
        """Numbers of the frames that are selected, in order."""
        return self._selection

    def select(self, frames: Iterable[int]) -> None:
        """Select frames, to be changed together."""
        chosen = tuple(sorted({int(i) for i in frames if 0 <= i < self.n_frames}))
        if chosen != self._selection:
            self._selection = chosen
            self.changed.emit(Change.SELECTION)

    def set_frame(self, index: int) -> None:
        """Go to a frame; beyond the ends, to the first or last one."""
        index = max(0, min(int(index), self.n_frames - 1))
        if index != self._frame and self._source is not None:
            self._frame = index
            self.changed.emit(Change.FRAME)
            self._show()

    @property
    def display(self) -> Display:
        """What is displayed of a frame."""
        return self._display

    def set_display(self, display: Display) -> None:
        """Choose what is displayed."""
        display = Display(display)
        if display is self._display:
            return
        self._display = display
        self.changed.emit(Change.DISPLAY)
        self._show()
        self._find_levels()

    @property
    def levels(self) -> tuple[float, float] | None:
        """Values shown darkest and brightest for the current display; None while not known."""
        return self._contrast.levels(self._display)

    @property
    def chosen_levels(self) -> dict[Display, tuple[float, float]]:
        """Values shown darkest and brightest, for each display where the person has chosen them."""
        return self._contrast.chosen

    def set_levels(self, low: float, high: float, display: Display | None = None) -> None:
        """Choose the values shown darkest and brightest for a display (None: the current one)."""
        if self._source is not None:
            self._contrast.choose(display or self._display, low, high)

    def auto_levels(self) -> None:
        """Spread the colours over the values of the whole series again (a job)."""
        self._contrast.outdate(self._display)
        self._find_levels()

    def request_frame(self, index: int, display: Display) -> None:
        """Ask for an image; the newest request wins; :attr:`frame_ready` delivers it."""
        self._cache.request(index, display)

    def kept_image(self, display: Display) -> np.ndarray | None:
        """Return the current frame (y, x) if it is in memory; it may not be changed."""
        maker = self._cache.maker
        return None if maker is None else self._cache.store.get(maker.key(self._frame, display))

    @property
    def maker(self) -> DisplayMaker | None:
        """What makes images as they are displayed now; any thread may use it."""
        maker = self._cache.maker
        return maker if isinstance(maker, DisplayMaker) else None

    @property
    def cache_bytes(self) -> int:
        """Largest size of the decoded frames that are kept [bytes]."""
        return self._cache.store.limit

    @cache_bytes.setter
    def cache_bytes(self, limit: int) -> None:
        self._cache.store.limit = limit

    def _maker(self) -> DisplayMaker:
        assert self._source is not None
        measuring = self._measuring
        return DisplayMaker(
            self._source,
            self._cache.store,
            measuring.trace,
            measuring.fit,
            self._image_edition,
            measuring.fit_number,
        )

    def _show(self) -> None:
        if self._source is not None:
            self._cache.request(self._frame, self._display)

    def _find_levels(self) -> None:
        maker = self._cache.maker
        if isinstance(maker, DisplayMaker):
            self._contrast.find(self._display, maker, self._cache.store)

    def _remake(self) -> None:
        """Display frames as they are now, after whatever they are computed from has changed."""
        if self._source is None:
            return
        before, maker = self._cache.maker, self._maker()
        shown = (self._frame, self._display)
        self._cache.set_maker(maker)
        # A frame that was not there before has no key that could be compared.
        if before is None or len(before) != len(maker) or before.key(*shown) != maker.key(*shown):
            self._show()
        self._contrast.outdate()
        self._find_levels()
