"""Search for the rates that a fit starts from.

All starting points of a model are tried at once, with the heights that belong to them; see
:mod:`flimage.models`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from .least_squares import heights
from .models import Model

__all__ = ["Search", "coarse"]

Array = npt.NDArray[np.float64]

#: Frames are averaged down to this many.
_COARSE = 512
#: Multiplications up to which OpenBLAS uses one thread.
_ONE_THREAD = 2**18


def coarse(t: Array, y: Array, w: Array) -> tuple[Array, Array, Array]:
    """Average neighbouring frames so that a search over rates stays quick."""
    if t.size <= _COARSE:
        return t, y, w
    edges = np.linspace(0, t.size, _COARSE + 1).astype(int)[:-1]
    weight = np.add.reduceat(w, edges)
    safe = np.maximum(weight, 1e-300)
    kept = weight > 0
    times = (np.add.reduceat(w * t, edges) / safe)[kept]
    values = (np.add.reduceat(w * y, edges) / safe)[kept]
    return times, values, weight[kept]


def _products(a: Array, b: Array) -> Array:
    """Matrix product ``a @ b.T`` in pieces that BLAS computes in the calling thread.

    For a product of this size its threads wait for each other far longer than they compute, most
    of all on a machine that is busy.
    """
    step = _ONE_THREAD // (len(a) * len(b))
    if step < 16:
        product: Array = a @ b.T
        return product
    total = np.zeros((len(a), len(b)))
    for start in range(0, a.shape[1], step):
        total += a[:, start : start + step] @ b[:, start : start + step].T
    return total


class Search:
    """Search for starting points, with or without some of the frames.

    The shapes of all starting points and their products are made once; for frames that are left
    out their part is taken from the products.

    Parameters
    ----------
    model
        Decay model.
    t, y, w
        ``(n,)`` scaled times, values, weights ≥ 0.
    bounds
        ``(q, 2)`` smallest and largest values of the rates.
    """

    def __init__(self, model: Model, t: Array, y: Array, w: Array, bounds: Array) -> None:
        self._model = model
        self._edges = np.linspace(0, t.size, min(t.size, _COARSE) + 1).astype(int)
        t, self._y, self._w = coarse(t, y, w)
        self._inside = (model.starts <= bounds[:, 1] + 0.3).all(axis=1)
        self._library = model.library_shapes(t)
        self._weighted = self._library * self._w
        self._products = _products(self._weighted, self._library)
        self._with_data = self._weighted @ self._y

    def best(self, count: int, left_out: Sequence[int] = ()) -> list[tuple[Array, Array]]:
        """Heights and rates of the `count` best, clearly different starting points.

        Parameters
        ----------
        count
            Number of starting points.
        left_out
            Frames to leave out, with those that are averaged with them; only where all weights
            are above 0.
        """
        products, with_data = self._products, self._with_data
        if left_out:
            bins = np.unique(np.searchsorted(self._edges, left_out, side="right") - 1)
            part, weighted = self._library[:, bins], self._weighted[:, bins]
            products = products - _products(weighted, part)
            with_data = with_data - weighted @ self._y[bins]
        picks = self._model.picks
        found_heights, gained = heights(
            products[picks[:, :, None], picks[:, None, :]], with_data[picks]
        )
        found: list[tuple[Array, Array]] = []
        for index in np.argsort(np.where(self._inside, -gained, np.inf), kind="stable"):
            theta = self._model.starts[index]
            if all(np.max(np.abs(theta - other), initial=0.0) > 1.2 for _, other in found):
                found.append((found_heights[index], theta))
            if len(found) == count or not theta.size:
                break
        return found
