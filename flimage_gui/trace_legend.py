"""The legend of the trace: one row that keeps out of the way of the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyqtgraph as pg
from PyQt5.QtCore import QRectF
from PyQt5.QtGui import QPainter

from .plot_style import PlotColors, translucent

__all__ = ["Legend"]

#: Distance from the edges of the plot [px].
_MARGIN = 4
#: Corners as (right, bottom), the best one first: a decay leaves the upper right empty.
_CORNERS = ((1, 0), (0, 0), (0, 1), (1, 1))


class _Sample(pg.ItemSample):
    """The picture of an item in the legend; clicking it does nothing."""

    def paint(self, painter: QPainter, *_args: Any) -> None:
        """Draw the item, a band as a filled box."""
        if isinstance(self.item, pg.FillBetweenItem):
            painter.fillRect(QRectF(1, 5, 18, 10), self.item.brush())
        else:
            super().paint(painter, *_args)

    def mouseClickEvent(self, event: Any) -> None:  # noqa: N802 - pyqtgraph's name
        """Leave the click to the plot: what is hidden would be missing without a trace."""
        event.ignore()


class Legend:
    """A row of pictures and texts in that corner of a plot that holds the fewest data.

    Parameters
    ----------
    plot_item
        The plot (`pyqtgraph.PlotItem`).
    """

    def __init__(self, plot_item: Any) -> None:
        self._box = plot_item.getViewBox()
        self.item = plot_item.addLegend(
            offset=(-_MARGIN, _MARGIN),
            # In one row, because the plot is often low.
            colCount=8,
            verSpacing=-6,
            horSpacing=6,
            sampleType=_Sample,
        )
        self.item.setZValue(30)
        self.item.layout.setContentsMargins(4, 0, 6, 0)
        self._entries: list[tuple[Any, str]] = []

    @property
    def texts(self) -> list[str]:
        """What the legend names."""
        return [text for _, text in self._entries]

    def apply_colors(self, colors: PlotColors) -> None:
        """Write in `colors`, on a ground through which the data can be seen."""
        self.item.setBrush(translucent(colors.ground, 160))
        self.item.setPen(None)
        self.item.setLabelTextColor(colors.text)
        # That is for texts to come; those that are there stay in the old colour.
        for _, label in self.item.items:
            label.setText(label.text, color=colors.text)

    def show_entries(self, entries: Sequence[tuple[Any, str]]) -> None:
        """Name the items of a plot; the same entries as before change nothing."""
        if list(entries) == self._entries:
            return
        self._entries = list(entries)
        self.item.clear()
        for item, text in entries:
            self.item.addItem(item, text)

    def place(self, points: np.ndarray) -> None:
        """Go to the corner where the fewest of `points`, of shape (n, 2), are covered."""
        if not self._box.width() or not self._box.height() or not len(points):
            return
        (left, right), (bottom, top) = self._box.viewRange()
        size = self.item.boundingRect()
        width = (size.width() + _MARGIN) / self._box.width()
        height = (size.height() + _MARGIN) / self._box.height()
        # Positions from 0 to 1, from the left and from the top, as pyqtgraph anchors.
        x = (points[:, 0] - left) / (right - left)
        y = (top - points[:, 1]) / (top - bottom)

        def covered(corner: tuple[int, int]) -> int:
            across = x > 1 - width if corner[0] else x < width
            down = y > 1 - height if corner[1] else y < height
            return int(np.count_nonzero(across & down))

        corner = min(_CORNERS, key=covered)
        shift = [-_MARGIN if at else _MARGIN for at in corner]
        self.item.anchor(itemPos=corner, parentPos=corner, offset=shift)
