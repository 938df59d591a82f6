"""The parameters of a fit as rows of text, and the table that shows them."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QTableWidgetItem, QWidget

from flimage.quantities import MISSING, format_estimate, format_number

from .read_only_table import ReadOnlyTable

if TYPE_CHECKING:
    from flimage.bleach import BleachFit
    from flimage.result import Parameter

__all__ = ["FitRow", "FitTable", "fit_rows"]

#: Room around the text of a cell [px].
_CELL_PADDING, _ROW_PADDING = 7, 3

HEADERS = ("Parameter", "Value ± error", "95\u202f% interval", "Unit")


@dataclass(frozen=True)
class FitRow:
    """One line of the table.

    Parameters
    ----------
    name, estimate, interval, unit
        The four columns.
    tip
        What the number means.
    """

    name: str
    estimate: str
    interval: str
    unit: str
    tip: str = ""


def fit_rows(fit: BleachFit) -> tuple[FitRow, ...]:
    """Write the parameters of a fit, its half-life, and how well it describes the trace.

    Intensities are shown as means over the signal region, in the units of the images.
    """
    pixels = max(fit.trace.region_pixels, 1)
    rows = [_parameter_row(parameter, pixels) for parameter in fit.parameters]
    if fit.half_life is not None:
        row = _parameter_row(fit.half_life, pixels)
        tip = "Time after which half of the signal that bleaches is gone."
        rows.append(dataclasses.replace(row, name="Half-life", tip=tip))
    rows.append(
        FitRow(
            "Gain at the end",
            *_write(fit.gain[-1], fit.gain_stderr[-1], fit.gain_low[-1], fit.gain_high[-1], ""),
            "What the last frame is multiplied by. Its noise is multiplied too.",
        )
    )
    rows.append(
        FitRow(
            "R²",
            _format_r_squared(fit.r_squared),
            MISSING,
            "",
            "Part of the trace's variation that the fit explains. A value close to 1 alone does"
            " not show that the correction is right: look at the residuals and the verdict.",
        )
    )
    rows.append(
        FitRow(
            "Reduced χ²",
            format_number(fit.reduced_chi2, 3),
            MISSING,
            "",
            "Mean squared residual in units of the pixels' noise. 1 means that the fit misses"
            " nothing but noise; much more means that it does not describe the data.",
        )
    )
    return tuple(rows)


def _parameter_row(parameter: Parameter, pixels: int) -> FitRow:
    numbers = (parameter.value, parameter.stderr, parameter.low, parameter.high)
    name = parameter.name[:1].upper() + parameter.name[1:]
    if parameter.symbol and parameter.symbol != parameter.name:
        name = f"{name} {_subscript(parameter.symbol)}"
    if parameter.unit != "counts":
        return FitRow(name, *_write(*numbers, parameter.unit), f"{name} of the model.")
    total = format_number(parameter.value, 5)
    tip = f"Mean over the {pixels} pixels of the signal region; summed over them: {total} counts."
    value, stderr, low, high = (number / pixels for number in numbers)
    return FitRow(name, *_write(value, stderr, low, high, "counts/px"), tip)


def _write(value: float, stderr: float, low: float, high: float, unit: str) -> tuple[str, str, str]:
    return format_estimate(float(value), float(stderr), float(low), float(high), unit)


def _subscript(symbol: str) -> str:
    """Write A1 as A₁."""
    return symbol.translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def _format_r_squared(value: float) -> str:
    """Write R² with as many nines as it has, up to five."""
    if not math.isfinite(value):
        return MISSING
    return format_number(value, 5) if value < 0.99999 else "> 0.99999"


class FitTable(ReadOnlyTable):
    """The parameters of a fit.

    Where the width does not suffice for four columns, intervals stand below the values.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(HEADERS, parent=parent)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self._rows: tuple[FitRow, ...] = ()
        self._stacked = False

    @property
    def stacked(self) -> bool:
        """Whether intervals stand below the values."""
        return self._stacked

    def show_rows(self, rows: tuple[FitRow, ...]) -> None:
        """Show `rows`; equal rows change nothing."""
        if rows == self._rows:
            return
        self._rows = rows
        self.setRowCount(len(rows))
        for place, row in enumerate(rows):
            for column, text in enumerate((row.name, row.estimate, row.interval, row.unit)):
                item = QTableWidgetItem(text)
                item.setToolTip(f"<p>{row.tip}</p>" if row.tip else "")
                self.setItem(place, column, item)
        self._arrange()

    def rows_of_text(self) -> tuple[tuple[str, str, str, str], ...]:
        """Return the texts of all columns, hidden ones too, row by row."""
        return tuple((row.name, row.estimate, row.interval, row.unit) for row in self._rows)

    def _arrange(self) -> None:
        """Give each column the width of its texts, and the first one the rest."""
        metrics = self.fontMetrics()

        def width(texts: Iterable[str]) -> int:
            return max(metrics.horizontalAdvance(text) for text in texts) + 2 * _CELL_PADDING

        rows = self._rows
        names = width((HEADERS[0], *(row.name for row in rows)))
        values = width((HEADERS[1], *(row.estimate for row in rows)))
        intervals = width((HEADERS[2], *(row.interval for row in rows)))
        units = width((HEADERS[3], *(row.unit for row in rows)))
        self._stacked = names + values + intervals + units > self.viewport().width()
        for column in (2, 3):
            self.setColumnHidden(column, self._stacked)
        self.horizontalHeaderItem(1).setText(
            f"{HEADERS[1]}\n{HEADERS[2]}" if self._stacked else HEADERS[1]
        )
        texts = [_stacked_text(row) if self._stacked else row.estimate for row in rows]
        for place, text in enumerate(texts):
            self.item(place, 1).setText(text)
        lines = [line for text in texts for line in text.split("\n")]
        self.setColumnWidth(1, width((*HEADERS[1:3], *lines)) if self._stacked else values)
        self.setColumnWidth(2, intervals)
        self.setColumnWidth(3, units)
        for place, text in enumerate(texts):
            room = self.viewport().width() - self.columnWidth(1) - 2 * _CELL_PADDING
            wrapped = self._stacked and metrics.horizontalAdvance(rows[place].name) > room
            height = max(text.count("\n") + 1, 1 + wrapped) * metrics.lineSpacing()
            self.setRowHeight(place, height + 2 * _ROW_PADDING)
        self.updateGeometry()


def _stacked_text(row: FitRow) -> str:
    """Write value, unit and interval into one cell."""
    text = f"{row.estimate} {row.unit}".rstrip()
    return text if row.interval == MISSING else f"{text}\n{row.interval}"
