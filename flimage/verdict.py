"""Whether a correction can be believed, and why not, in codes for machines and words for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["GRADE_WORDS", "REASON_CODES", "Grade", "Reason", "Severity", "Verdict"]

Grade = Literal["good", "caution", "refused"]
Severity = Literal["info", "caution", "refused"]

#: What a person reads for a grade.
GRADE_WORDS: dict[Grade, str] = {
    "good": "Good",
    "caution": "Use with caution",
    "refused": "Not corrected",
}

#: Every code that a verdict may hold, with what it means.
REASON_CODES: dict[str, str] = {
    "not-bleaching": "the signal does not decay by more than its noise",
    "rising": "the signal rises",
    "no-signal": "there is no signal above the background",
    "too-few-frames": "there are too few frames to judge the fit",
    "short-range": "the recording is too short to tell rate and offset apart",
    "uncertain-gain": "the gain has a large standard error",
    "background-drifts": "the background changes in time, but one level is used",
    "sample-in-border": "the border falls as if it held sample, and nothing beside it does",
    "no-background": "no background was subtracted, although there seems to be one",
    "cells-in-border": "cells touch the border that the background is measured in",
    "signal-moves": "signal leaves the region in which it is found on average",
    "saturated-pixels": "pixels are at the end of the detector's range",
    "missing-pixels": "pixels of the signal region are missing in some frames",
    "gain-capped": "the gain reached the largest allowed value",
    "structured-residuals": "the model misses some of the trace systematically",
    "extra-noise": "the trace fluctuates more than the noise of its pixels explains",
    "outliers": "frames lie far off the curve and were left out",
    "times-irregular": "the time between frames varies",
    "times-not-monotonic": "the frames are not in order of time",
    "extrapolated": "the gain of some frames lies outside the fitted range",
    "not-quantitative": "the method is not for quantification",
}

_RANK = {"info": 0, "caution": 1, "refused": 2}


@dataclass(frozen=True)
class Reason:
    """One observation about a recording or a fit.

    Parameters
    ----------
    code
        A key of :data:`REASON_CODES`.
    severity
        ``"info"``: worth knowing; ``"caution"``: look before you use the result; ``"refused"``:
        no correction is made.
    sentence
        What was found, with numbers, and what can be done.
    """

    code: str
    severity: Severity
    sentence: str

    def __post_init__(self) -> None:
        if self.code not in REASON_CODES:
            raise ValueError(f"Reason code {self.code!r} is not documented in REASON_CODES.")


@dataclass(frozen=True)
class Verdict:
    """Whether a correction can be believed.

    Parameters
    ----------
    reasons
        Observations, the gravest first.
    summary
        One sentence for the case that nothing is wrong.
    """

    reasons: tuple[Reason, ...]
    summary: str = "The correction can be used."

    def __post_init__(self) -> None:
        ordered = sorted(self.reasons, key=lambda reason: -_RANK[reason.severity])
        object.__setattr__(self, "reasons", tuple(ordered))

    @property
    def grade(self) -> Grade:
        """``"good"``, ``"caution"`` or ``"refused"``: that of the gravest reason."""
        if not self.reasons or self.reasons[0].severity == "info":
            return "good"
        return "refused" if self.reasons[0].severity == "refused" else "caution"

    @property
    def sentence(self) -> str:
        """The verdict in one sentence: the gravest reason, or that all is well."""
        return self.summary if self.grade == "good" else self.reasons[0].sentence

    @property
    def codes(self) -> tuple[str, ...]:
        """Codes of all reasons."""
        return tuple(reason.code for reason in self.reasons)
