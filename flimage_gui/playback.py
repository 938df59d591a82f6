"""Which frame to show when: playing a recording with its real, possibly irregular times (no Qt)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

__all__ = ["FRAME_RATES", "SPEEDS", "Ending", "PlaybackClock", "playable_times", "suitable_speed"]

#: Offered speeds, relative to the recording.
SPEEDS = (1e-3, 0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 1e3, 1e4, 1e5)
#: Offered rates of frames that are shown all for the same time [1/s].
FRAME_RATES = (1.0, 2.0, 5.0, 10.0, 15.0, 25.0, 50.0)
#: A recording is played to its end within about this time [s] unless another speed is chosen.
COMFORTABLE_SECONDS = 15.0
#: Where a frame has no time, or not a later one than the frame before [s].
FALLBACK_INTERVAL = 0.1
#: Longer ones [s] are mistakes, or damage: thirty years.
LONGEST_INTERVAL = 1e9


def playable_times(times: np.ndarray) -> np.ndarray:
    """Return strictly increasing times that start at 0, for recordings with any times [s].

    Frames without a usable time follow the one before after the usual interval.
    """
    times = np.asarray(times, dtype=float)
    if len(times) == 0:
        return np.zeros(0)
    with np.errstate(invalid="ignore", over="ignore"):
        steps = np.diff(times)
    usable = np.isfinite(steps) & (steps > 0) & (steps < LONGEST_INTERVAL)
    usual = float(np.median(steps[usable])) if usable.any() else FALLBACK_INTERVAL
    return np.concatenate([[0.0], np.cumsum(np.where(usable, steps, usual))])


def suitable_speed(times: np.ndarray) -> float:
    """Return the offered speed at which playing takes a comfortable time.

    Parameters
    ----------
    times
        From :func:`playable_times`.
    """
    duration = float(times[-1]) if len(times) else 0.0
    frames_per_second = len(times) / duration if duration > 0 else 0.0
    if duration <= COMFORTABLE_SECONDS * 2 and frames_per_second <= 60:
        return 1.0
    wanted = duration / COMFORTABLE_SECONDS
    return min(SPEEDS, key=lambda speed: abs(np.log(speed / wanted)))


class Ending(enum.Enum):
    """What happens at the last frame; the values are what the person reads."""

    STOP = "Stop at the end"
    LOOP = "Start again (loop)"
    PING_PONG = "Go back and forth"


@dataclass(frozen=True)
class PlaybackClock:
    """Maps the time since playing began to frames.

    Parameters
    ----------
    times
        From :func:`playable_times`; or frame numbers divided by a rate.
    first
        Frame at which playing began.
    speed
        Relative to `times`.
    start, stop
        First and last frame that are played; None for the last one of the recording.
    ending
        What happens at `stop`.
    """

    times: np.ndarray
    first: int
    speed: float
    start: int = 0
    stop: int | None = None
    ending: Ending = Ending.STOP

    @property
    def last(self) -> int:
        """Last frame that is played."""
        end = len(self.times) - 1
        return end if self.stop is None else min(self.stop, end)

    def frame(self, elapsed: float) -> int:
        """Frame to be shown `elapsed` seconds after playing began."""
        place, backwards = self._place(elapsed)
        now = self.times[self.start] + place
        # Rounding must not keep a frame back that is due.
        slack = 1e-9 * max(abs(now), 1.0)
        if backwards:
            # On the way back a frame is shown from its own time to that of the one before it.
            found = np.searchsorted(self.times, now - slack, side="left")
        else:
            found = np.searchsorted(self.times, now + slack, side="right") - 1
        return int(np.clip(found, self.start, self.last))

    def wait(self, frame: int, elapsed: float) -> float | None:
        """Seconds until another frame than `frame` is due; None at the end."""
        if self.ending is Ending.STOP:
            if frame >= self.last:
                return None
            due = (self.times[frame + 1] - self.times[self.first]) / self.speed
            return max(0.0, float(due) - elapsed)
        if self.last <= self.start:
            return None
        place, backwards = self._place(elapsed)
        if backwards:
            before = max(frame - 1, self.start)
            left = place - (self.times[before] - self.times[self.start])
        elif frame < self.last:
            left = self.times[frame + 1] - self.times[self.start] - place
        else:
            end = self._period() if self.ending is Ending.LOOP else self._length()
            left = end - place
        return max(0.0, float(left) / self.speed)

    def _length(self) -> float:
        return float(self.times[self.last] - self.times[self.start])

    def _period(self) -> float:
        """Time of one round of a loop: the last frame is shown as long as the others usually."""
        steps = np.diff(self.times[self.start : self.last + 1])
        return self._length() + float(np.median(steps))

    def _place(self, elapsed: float) -> tuple[float, bool]:
        """Where playing is, from the time of the frame `start` on, and whether it goes back."""
        place = float(self.times[self.first] - self.times[self.start]) + elapsed * self.speed
        if self.ending is Ending.STOP or self.last <= self.start:
            return place, False
        if self.ending is Ending.LOOP:
            return place % self._period(), False
        place %= 2 * self._length()
        backwards = place > self._length()
        return (2 * self._length() - place if backwards else place), backwards
