"""The table of how much the data speak for each model that was tried."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from PyQt5.QtGui import QFont, QFontMetrics
from PyQt5.QtWidgets import QTableWidgetItem, QWidget

from flimage.quantities import MISSING, format_number

from .model_names import model_text
from .read_only_table import ReadOnlyTable

if TYPE_CHECKING:
    from flimage.result import Candidate

__all__ = ["EvidenceTable", "evidence_rows"]

HEADERS = ("Model", "Evidence", "Δ", "χ²")
_TIPS = (
    "The models among which the automatic choice was made, the best first.",
    "Share of the evidence; all models add up to 100\u202f%.",
    "Information criterion minus that of the best model. From about 6 on, a model has little to"
    " say for itself; a richer model pays for each further parameter.",
    "Reduced χ² of the residuals: about 1 where the model misses nothing but noise.",
)
#: Room around the text of a cell [px].
_CELL_PADDING, _ROW_PADDING = 5, 2


def evidence_rows(evidence: tuple[Candidate, ...]) -> tuple[tuple[str, str, str, str], ...]:
    """Write the candidates of an automatic choice as rows of text."""
    return tuple(
        (
            model_text(each.model).removesuffix(" + offset").removesuffix(" exponential"),
            _share(each.weight),
            _short(each.criterion),
            _short(each.reduced_chi2),
        )
        for each in evidence
    )


def _short(value: float) -> str:
    """Write a number for a narrow column; how far beyond a thousand it lies tells nothing."""
    if not math.isfinite(value):
        return MISSING
    return format_number(value, 3) if value < 1000 else "> 999"


def _share(weight: float) -> str:
    if 0 <= weight < 0.0005:
        return "< 0.1\u202f%"
    return f"{100 * weight:.1f}\u202f%" if weight < 0.9995 else "> 99.9\u202f%"


class EvidenceTable(ReadOnlyTable):
    """The models that were tried; the one that was taken stands in bold.

    Where the width does not suffice for the names, χ² is not shown.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(HEADERS, _TIPS, parent)
        self.setWordWrap(False)
        self._rows: tuple[tuple[str, str, str, str], ...] = ()

    def rows_of_text(self) -> tuple[tuple[str, str, str, str], ...]:
        """Return the texts of all columns, hidden ones too, row by row."""
        return self._rows

    def show_evidence(self, evidence: tuple[Candidate, ...], taken: str) -> None:
        """Show the candidates, and which of them was `taken`."""
        self._rows = evidence_rows(evidence)
        bold = QFont(self.font())
        bold.setBold(True)
        metrics = self.fontMetrics()
        self.setRowCount(len(self._rows))
        for place, (row, each) in enumerate(zip(self._rows, evidence, strict=True)):
            for column, text in enumerate(row):
                item = QTableWidgetItem(text)
                item.setToolTip(f"<p>{model_text(each.model)}: {_TIPS[column]}</p>")
                if each.model == taken:
                    item.setFont(bold)
                self.setItem(place, column, item)
            self.setRowHeight(place, metrics.lineSpacing() + 2 * _ROW_PADDING)
        self._arrange()
        self.updateGeometry()

    def _arrange(self) -> None:
        """Give each column the width of its texts, and the first one the rest."""
        bold = QFont(self.font())
        bold.setBold(True)
        metrics = QFontMetrics(bold)
        widths = [
            max(metrics.horizontalAdvance(text) for text in column) + 2 * _CELL_PADDING
            for column in zip(HEADERS, *self._rows, strict=True)
        ]
        for column, width in enumerate(widths[1:], 1):
            self.setColumnWidth(column, width)
        self.setColumnHidden(len(HEADERS) - 1, sum(widths) > self.viewport().width())
