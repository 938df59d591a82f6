"""All frames as the rows of a table: what is known of each, quick for many thousands of them."""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt5.QtCore import QAbstractTableModel, QModelIndex, QObject, Qt
from PyQt5.QtGui import QFont, QIcon

from flimage.quantities import (
    MISSING,
    DisplayUnit,
    choose_unit,
    format_number,
    format_quantity,
    parse_quantity,
)
from flimage.timing import TimeFlag, time_flags, time_steps

from . import assets
from .time_texts import shown_unit

if TYPE_CHECKING:
    from .editor import Editor
    from .frame_survey import FrameTable
    from .session import Session

__all__ = ["Column", "FrameModel"]


class Column(enum.IntEnum):
    """Columns of the table."""

    NUMBER = 0
    IDENTIFIER = 1
    TIME = 2
    STEP = 3
    PIXEL_SIZE = 4
    BACKGROUND = 5
    GAIN = 6
    SATURATED = 7
    MISSING = 8


#: column -> title, explanation
_TITLES = {
    Column.NUMBER: ("Frame", "Number of the frame."),
    Column.IDENTIFIER: ("Identifier", "Name of the frame. F2 edits it."),
    Column.TIME: ("Time", "When the frame was taken. F2 edits it."),
    Column.STEP: ("Δt", "Time since the frame before."),
    Column.PIXEL_SIZE: ("Pixel size", "Size of a pixel. F2 edits it."),
    Column.BACKGROUND: ("Background", "Whether a background image is subtracted from the frame."),
    Column.GAIN: ("Gain", "What the signal is multiplied by, now or when the file was written."),
    Column.SATURATED: ("Saturated", "Pixels at the detector's maximum."),
    Column.MISSING: ("NaN", "Pixels without a value."),
}
#: Columns that can be edited -> key of the metadata.
KEYS = {
    Column.IDENTIFIER: "identifier",
    Column.TIME: "time",
    Column.PIXEL_SIZE: "pixel size",
}
_FLAG_WORDS = {
    TimeFlag.MISSING: "This frame has no time.",
    TimeFlag.BACKWARDS: "The time runs backwards: this frame is earlier than the one before.",
    TimeFlag.REPEATED: "This frame has the same time as the one before.",
    TimeFlag.GAP: "There is a gap: more time than usual has passed since the frame before.",
}
_MICROMETRE = DisplayUnit("µm", 1e-6)
_SECOND = DisplayUnit("s", 1.0)


class FrameModel(QAbstractTableModel):
    """The frames of a session as a table.

    Only what is on screen is turned into text. Values are taken from the session at once by
    :meth:`refresh`.

    Parameters
    ----------
    session
        The open recording.
    editor
        What edited cells are handed to.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, editor: Editor, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._editor = editor
        self._table: FrameTable | None = None
        self._count = 0
        self._current = -1
        self._bold = QFont()
        self._bold.setBold(True)
        self._warning: QIcon = assets.icon("warning")
        self._forget()

    def _forget(self) -> None:
        self.times = np.empty(0)
        self.steps = np.empty(0)
        #: Units of the two, each the same in the whole column.
        self.time_units = (_SECOND, _SECOND)
        #: What is odd about the times: values of `TimeFlag`.
        self.odd = np.empty(0, dtype=np.int8)
        self._identifiers: tuple[str | None, ...] = ()
        self._order: tuple[int, ...] = ()
        self._sizes: np.ndarray | None = None
        self._backgrounds: np.ndarray | None = None
        self._gains: np.ndarray | None = None
        self._saturated: np.ndarray | None = None
        self._missing: np.ndarray | None = None

    # ------------------------------------------------------------------ taking values over

    def set_table(self, table: FrameTable | None) -> None:
        """Use what a survey of the file has found."""
        self._table = table
        self.refresh()

    def refresh(self) -> None:
        """Take everything from the session again."""
        source = self._session.source
        count = 0 if source is None else len(source)
        resized = count != self._count
        if resized:
            self.beginResetModel()
        self._forget()
        self._count = count
        if source is not None:
            self.times = source.times
            self.steps = time_steps(source.times)
            steps = np.abs(self.steps[np.isfinite(self.steps)])
            usual = float(np.median(steps)) if len(steps) else 0.0
            self.time_units = (shown_unit(source.times), choose_unit(usual, "s"))
            self.odd = time_flags(source.times)
            self._identifiers = tuple(source.identifiers)
            self._order = source.order
            self._take_stored()
            self._take_measured()
        self._current = self._session.frame if count else -1
        if resized:
            self.endResetModel()
        elif count:
            self.dataChanged.emit(self.index(0, 0), self.index(count - 1, len(Column) - 1))

    def _take_stored(self) -> None:
        table, source = self._table, self._session.source
        assert source is not None
        if table is None or len(table.pixel_sizes) != len(source.source):
            return
        order = np.array(self._order)
        self._sizes = table.pixel_sizes[order]
        self._backgrounds = table.has_background[order]
        self._gains = table.gains[order]
        edits = source.edits
        if edits.meta or edits.backgrounds:
            for place, number in enumerate(self._order):
                changes = edits.meta.get(number, {})
                if "pixel size" in changes:
                    size = changes["pixel size"]
                    self._sizes[place] = np.nan if size is None else size
                if number in edits.backgrounds:
                    self._backgrounds[place] = edits.backgrounds[number] is not None

    def _take_measured(self) -> None:
        session = self._session
        fit, scan = session.fit, session.scan
        if fit is not None and session.fit_current and len(fit.gain) == self._count:
            self._gains = fit.gain
        if scan is not None and session.scan_current and len(scan.n_nan) == self._count:
            self._missing = scan.n_nan
            if scan.saturation_level is not None:
                self._saturated = scan.n_saturated

    def set_current(self, frame: int) -> None:
        """Mark the frame that is on display."""
        before, self._current = self._current, frame
        for row in {before, frame}:
            if 0 <= row < self._count:
                self.dataChanged.emit(self.index(row, 0), self.index(row, len(Column) - 1))

    # ------------------------------------------------------------------ Qt's interface

    def rowCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of frames."""
        return 0 if parent is not None and parent.isValid() else self._count

    def columnCount(self, parent: QModelIndex | None = None) -> int:  # noqa: N802 - Qt's name
        """Return the number of columns."""
        return 0 if parent is not None and parent.isValid() else len(Column)

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return titles and explanations of columns."""
        if orientation != Qt.Orientation.Horizontal:
            return None
        title, tip = _TITLES[Column(section)]
        if role == Qt.ItemDataRole.DisplayRole:
            return title
        if role == Qt.ItemDataRole.ToolTipRole:
            return tip
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(Column(section))
        return None

    def flags(self, index: QModelIndex) -> Qt.ItemFlags:
        """Tell which cells can be edited."""
        flags = super().flags(index)
        if index.isValid() and Column(index.column()) in KEYS and not self._session.busy:
            flags |= Qt.ItemFlag.ItemIsEditable
        return flags

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows."""
        row = index.row()
        if not index.isValid() or row >= self._count:
            return None
        column = Column(index.column())
        if role == Qt.ItemDataRole.DisplayRole:
            return _TEXTS[column](self, row)
        if role == Qt.ItemDataRole.EditRole:
            # A time in the unit that has the fewest digits: what is not changed stays as it is.
            is_time = column is Column.TIME
            text = _quantity(self.times[row], "s") if is_time else _TEXTS[column](self, row)
            return "" if text == MISSING else text.replace("−", "-")
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _alignment(column)
        if role == Qt.ItemDataRole.FontRole:
            return self._font(row, column)
        if role == Qt.ItemDataRole.DecorationRole:
            return self._warning if column is self._flagged_column(row) else None
        if role in (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleDescriptionRole):
            return self._tip(row, column)
        return None

    def setData(  # noqa: N802 - Qt's name
        self, index: QModelIndex, value: Any, role: int = Qt.ItemDataRole.EditRole
    ) -> bool:
        """Ask for the change of a cell that a person has typed; no text removes the value."""
        column = Column(index.column())
        if role != Qt.ItemDataRole.EditRole or column not in KEYS:
            return False
        text = str(value).strip()
        if text == self.data(index, Qt.ItemDataRole.EditRole):
            return False
        key = KEYS[column]
        if not text or column is Column.IDENTIFIER:
            return self._editor.set_value([index.row()], key, text or None)
        unit, typed = ("s", _SECOND) if column is Column.TIME else ("m", _MICROMETRE)
        number = parse_quantity(text, unit, typed)
        known = self.times if column is Column.TIME else self._sizes
        if known is not None and number == known[index.row()]:
            return False
        # What is no number goes on as it is, to be refused with a sentence that names it.
        return self._editor.set_value([index.row()], key, text if number is None else number)

    # ------------------------------------------------------------------ what cells show

    def _flagged_column(self, row: int) -> Column | None:
        """Return the column in which what is odd about the time is marked."""
        flag = self.odd[row]
        if flag == TimeFlag.NONE:
            return None
        return Column.TIME if flag == TimeFlag.MISSING else Column.STEP

    def _changed(self, row: int, column: Column) -> bool:
        """Tell whether a cell was edited and not saved."""
        source = self._session.source
        assert source is not None
        number = self._order[row]
        if column is Column.BACKGROUND:
            return number in source.edits.backgrounds
        return column in KEYS and KEYS[column] in source.edits.meta.get(number, {})

    def _font(self, row: int, column: Column) -> QFont | None:
        bold, italic = row == self._current, self._changed(row, column)
        if not bold and not italic:
            return None
        font = QFont(self._bold)
        font.setBold(bold)
        font.setItalic(italic)
        return font

    def _tip(self, row: int, column: Column) -> str | None:
        parts = []
        if column is self._flagged_column(row):
            parts.append(_FLAG_WORDS[TimeFlag(self.odd[row])])
        if column is Column.NUMBER and self._order[row] != row:
            parts.append(f"Frame {self._order[row]} of the file.")
        if self._changed(row, column):
            parts.append("Changed, not saved yet.")
        return " ".join(parts) or None

    def _identifier(self, row: int) -> str:
        return self._identifiers[row] or MISSING

    def _background(self, row: int) -> str:
        if self._backgrounds is None:
            return ""
        return "yes" if self._backgrounds[row] else "no"

    def _pixel_size(self, row: int) -> str:
        return "" if self._sizes is None else _quantity(self._sizes[row], "m")

    def _gain(self, row: int) -> str:
        if self._gains is None:
            return ""
        gain = self._gains[row]
        return format_number(gain, 4) if np.isfinite(gain) else MISSING


def _quantity(value: float, unit: str) -> str:
    return format_quantity(float(value), unit, 7) if np.isfinite(value) else MISSING


def _time(value: float, unit: DisplayUnit) -> str:
    if not np.isfinite(value):
        return MISSING
    return f"{format_number(float(value) / unit.scale, 7)} {unit.symbol}"


def _number_of(counts: np.ndarray | None, row: int) -> str:
    return "" if counts is None else str(int(counts[row]))


_TEXTS: dict[Column, Callable[[FrameModel, int], str]] = {
    Column.NUMBER: lambda model, row: str(row),
    Column.IDENTIFIER: FrameModel._identifier,
    Column.TIME: lambda model, row: _time(model.times[row], model.time_units[0]),
    Column.STEP: lambda model, row: _time(model.steps[row], model.time_units[1]),
    Column.PIXEL_SIZE: FrameModel._pixel_size,
    Column.BACKGROUND: FrameModel._background,
    Column.GAIN: FrameModel._gain,
    Column.SATURATED: lambda model, row: _number_of(model._saturated, row),
    Column.MISSING: lambda model, row: _number_of(model._missing, row),
}


def _alignment(column: Column) -> int:
    side = (
        Qt.AlignmentFlag.AlignLeft
        if column in (Column.IDENTIFIER, Column.BACKGROUND)
        else Qt.AlignmentFlag.AlignRight
    )
    return int(side | Qt.AlignmentFlag.AlignVCenter)
