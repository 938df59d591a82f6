"""Numbers that the plots of a fit need besides the fit itself (no Qt)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from flimage.bleach import BleachFit

__all__ = ["gain_band", "residual_limit"]

#: From this number on, outliers are shown among the residuals, on a scale up to so much coarser.
_SEVERAL, _COARSER = 4, 6.0


def residual_limit(residuals: np.ndarray, fitted: Any, outliers: tuple[int, ...]) -> float:
    """Choose the largest residual that is shown.

    Frames that were left out may lie anywhere, so the fitted ones decide. Several outliers are no
    accident but something that the curve misses, and are worth a coarser scale.
    """
    limit = float(np.abs(residuals[fitted]).max(initial=0.0)) or 1.0
    if len(outliers) < _SEVERAL:
        return limit
    off = np.abs(residuals[list(outliers)])
    return max(limit, min(float(off[np.isfinite(off)].max(initial=0.0)), _COARSER * limit))


def gain_band(fit: BleachFit, curve: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Turn the 95 % interval of the gain into one of the curve, as drawn [counts per pixel].

    The gain is f(0)/f(t), without the offset where that counts as background.
    """
    offset = fit.residual_background
    with np.errstate(divide="ignore", invalid="ignore"):
        low = offset + (curve - offset) * fit.gain / fit.gain_high
        high = offset + (curve - offset) * fit.gain / fit.gain_low
    known = np.isfinite(low) & np.isfinite(high)
    return np.where(known, low, curve), np.where(known, high, curve)
