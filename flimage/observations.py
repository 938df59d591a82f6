"""What is to be said about background and pixels of a recording before anything is fitted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .quantities import format_number, format_percent
from .region import LARGEST_MOVE
from .verdict import Reason

if TYPE_CHECKING:
    from .background import Background
    from .recipe import Recipe
    from .scan import SeriesScan

__all__ = [
    "FEW_SATURATED",
    "PER_FRAME",
    "SET_BORDER",
    "background_reasons",
    "drift",
    "pixel_reasons",
]

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

#: Remedies that :mod:`flimage.advice` tries before they are given.
PER_FRAME, SET_BORDER = "use one level per frame", "set a border"

#: Part of the region's pixels that may be saturated in a frame without being felt.
FEW_SATURATED = 1e-3


def background_reasons(
    scan: SeriesScan,
    recipe: Recipe,
    background: Background,
    times: Array,
    intensity: Array,
    wanted: Mask,
    pixels: int,
) -> list[Reason]:
    """Collect what is to be said about the background."""
    reasons = []
    kept = wanted & np.isfinite(background.per_frame) & np.isfinite(intensity)
    size = float(np.median(np.abs(intensity[kept]))) if kept.any() else 0.0
    if background.cells > 0.01:
        what = f"{format_percent(background.cells, 0)} of the border lies in or next to cells"
        if background.left_out:
            serious = background.cells > 0.5
            reasons.append(
                Reason(
                    "cells-in-border",
                    "caution" if serious else "info",
                    f"{what}; those pixels were left out of the background.",
                )
            )
        else:
            reasons.append(
                Reason(
                    "cells-in-border",
                    "caution",
                    f"{what}, which leaves too little to measure the background in; use a narrower"
                    " border or draw a background region.",
                )
            )
    if recipe.background_source != "region" and recipe.border_px == 0:
        outer = (scan.ring_sum - scan.ring_region_sum)[:, :1].sum()
        outer_count = (scan.ring_count - scan.ring_region_count)[:, :1].sum()
        level = float(outer / outer_count) if outer_count else 0.0
        if size and pixels * level > 0.02 * size:
            reasons.append(
                Reason(
                    "no-background",
                    "caution",
                    f"No background was subtracted, but the edge of the image lies at {level:.4g};"
                    f" what does not bleach makes the gain too small: {SET_BORDER}.",
                )
            )
    elif recipe.background == "series" and size and np.count_nonzero(kept) >= 8:
        change, noise = drift(times[kept], background.per_frame[kept])
        if abs(change) > 5 * noise and pixels * abs(change) > 0.005 * size:
            reasons.append(
                Reason(
                    "background-drifts",
                    "refused" if pixels * abs(change) > size else "caution",
                    f"The background changes by {format_number(change, 3)} counts during the"
                    f" recording, which is {format_percent(pixels * abs(change) / size)} of the"
                    f" signal; {PER_FRAME}.",
                )
            )
    return reasons


def drift(times: Array, levels: Array) -> tuple[float, float]:
    """Largest systematic change of the level and the standard error of it.

    The recording is cut into up to eight blocks; medians of blocks are blind to single frames.
    """
    order = np.argsort(times, kind="stable")
    blocks = np.array_split(levels[order], min(8, levels.size // 2))
    medians = np.array([np.median(block) for block in blocks])
    steps = np.diff(levels[order])
    sigma = 1.4826 * float(np.median(np.abs(steps - np.median(steps)))) / np.sqrt(2.0)
    error = 1.2533 * sigma * np.sqrt(2.0 / min(block.size for block in blocks))
    low, high = int(np.argmin(medians)), int(np.argmax(medians))
    change = float(medians[high] - medians[low])
    return (change if high > low else -change), error


def pixel_reasons(
    scan: SeriesScan, wanted: Mask, complete: Mask, pixels: int, hidden: Mask
) -> list[Reason]:
    """Collect what is to be said about single pixels."""
    reasons = []
    if scan.moved > LARGEST_MOVE:
        reasons.append(
            Reason(
                "signal-moves",
                "caution",
                f"The signal moves or spreads: {format_percent(scan.moved, 0)} of it lies elsewhere"
                " at one end of the recording; the whole frame was measured, because signal that"
                " leaves a region looks like bleaching.",
            )
        )
    saturated = np.where(wanted, np.asarray(scan.n_saturated), 0)
    if saturated.any():
        worst = int(np.argmax(saturated))
        part = float(saturated[worst]) / pixels
        level = "" if scan.saturation_level is None else f" ({scan.saturation_level:g})"
        found = (
            f"Saturated: {np.count_nonzero(saturated)} frames hold pixels at the end of the"
            f" detector's range{level}, at most {saturated[worst]} in frame {worst}"
        )
        outside = scan.saturated is None or not (scan.saturated & scan.region).any()
        if scan.left_out:
            what = f"the {scan.left_out} brightest pixels were left out of the signal region"
        elif hidden.any():
            what = (
                f"{np.count_nonzero(hidden)} frames with too many were left out of the fit and"
                " stay too dim"
            )
        elif outside:
            what = "none of them lies in the signal region"
        else:
            what = "they hide part of the decay, and the gain is too small"
        grave = hidden.any() or (part > FEW_SATURATED and not scan.left_out and not outside)
        reasons.append(
            Reason("saturated-pixels", "caution" if grave else "info", f"{found}; {what}.")
        )
    missing = wanted & ~complete
    if missing.any():
        worst = int(np.argmin(np.where(wanted, scan.region_count, pixels)))
        part = 1 - float(scan.region_count[worst]) / pixels
        reasons.append(
            Reason(
                "missing-pixels",
                "caution" if part > 0.1 else "info",
                f"Pixels of the signal region are missing in {np.count_nonzero(missing)} frames, at"
                f" most {format_percent(part)} in frame {worst}; the trace was scaled up for them.",
            )
        )
    return reasons
