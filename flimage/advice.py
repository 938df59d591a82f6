"""Advice on the background that can be followed: a remedy that would end in a refusal is none."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .background import suitable_border
from .errors import FlimageError
from .observations import PER_FRAME, SET_BORDER, drift
from .recipe import Recipe
from .trace import Trace, make_trace
from .verdict import Reason

if TYPE_CHECKING:
    from .scan import SeriesScan

__all__ = ["advised"]

#: What helps where the border shows sample.
_ELSEWHERE = (
    "with the border of each frame nothing would be left that decays, as if it held sample: draw a"
    " background region or assign a background image"
)


def advised(scan: SeriesScan, trace: Trace, recipe: Recipe) -> Trace:
    """Return a trace whose advice on the background does not lead to a refusal.

    Where the sample fills the frame, the border bleaches with it. That looks like a background
    that drifts, but its level in each frame takes away what there is to be corrected.

    Parameters
    ----------
    scan
        Summaries of the frames.
    trace
        What :func:`flimage.trace.make_trace` made of them with `recipe`.
    recipe
        All settings.

    Returns
    -------
    Trace
        The same trace, perhaps with other advice.
    """
    remedies = {"background-drifts": PER_FRAME, "no-background": SET_BORDER}
    if not any(reason.code in remedies for reason in trace.reasons):
        return trace
    if recipe.background_source == "region":
        return trace  # it was drawn where a person saw background
    if not _border_bleaches(scan, recipe):
        return trace
    return replace(
        trace,
        reasons=tuple(
            Reason(
                "sample-in-border" if reason.code == "background-drifts" else reason.code,
                reason.severity,
                reason.sentence.replace(remedies[reason.code], _ELSEWHERE),
            )
            if reason.code in remedies
            else reason
            for reason in trace.reasons
        ),
    )


def _border_bleaches(scan: SeriesScan, recipe: Recipe) -> bool:
    """Tell whether the border falls, and so does nothing beside it."""
    from .bleach import fit_trace, get_model_or_auto

    model = get_model_or_auto(recipe.model)
    plain = recipe.model in ("auto", "none") or not model.quantitative
    other = recipe.replace(
        background="frame",
        border_px=recipe.border_px or suitable_border(scan.shape),
        model="exponential" if plain else recipe.model,
    )
    try:
        trace = make_trace(scan, other)
        kept = trace.used & np.isfinite(trace.background)
        if np.count_nonzero(kept) < 8:
            return False
        change, noise = drift(trace.times[kept], trace.background[kept])
        if change > -5 * noise:
            return False
        return fit_trace(trace, other).verdict.grade == "refused"
    except FlimageError:
        return False
