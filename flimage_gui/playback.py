"""Which frame to show when: playing a recording with its real, possibly irregular times (no Qt)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["SPEEDS", "PlaybackClock", "playable_times", "suitable_speed"]

#: Offered speeds, relative to the recording.
SPEEDS = (1e-3, 0.01, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 1e3, 1e4, 1e5)
#: A recording is played to its end within about this time [s] unless another speed is chosen.
COMFORTABLE_SECONDS = 15.0
#: Where a frame has no time, or not a later one than the frame before [s].
FALLBACK_INTERVAL = 0.1


def playable_times(times: np.ndarray) -> np.ndarray:
    """Return strictly increasing times that start at 0, for recordings with any times [s].

    Frames without a usable time follow the one before after the usual interval.
    """
    times = np.asarray(times, dtype=float)
    if len(times) == 0:
        return np.zeros(0)
    steps = np.diff(times)
    usable = np.isfinite(steps) & (steps > 0)
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


@dataclass(frozen=True)
class PlaybackClock:
    """Maps the time since playing began to frames.

    Parameters
    ----------
    times
        From :func:`playable_times`.
    first
        Frame at which playing began.
    speed
        Relative to the recording.
    """

    times: np.ndarray
    first: int
    speed: float

    def frame(self, elapsed: float) -> int:
        """Frame to be shown `elapsed` seconds after the start."""
        now = self.times[self.first] + elapsed * self.speed
        # Rounding must not keep a frame back that is due.
        found = np.searchsorted(self.times, now + 1e-9 * max(abs(now), 1.0), side="right")
        return int(np.clip(found - 1, 0, len(self.times) - 1))

    def wait(self, frame: int, elapsed: float) -> float | None:
        """Seconds until the frame after `frame` is due; None at the end."""
        if frame + 1 >= len(self.times):
            return None
        due = (self.times[frame + 1] - self.times[self.first]) / self.speed
        return max(0.0, float(due) - elapsed)
