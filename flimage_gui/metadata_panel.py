"""What is known of the series and of the frame on display, with units."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt5.QtCore import QEvent, Qt
from PyQt5.QtGui import QKeyEvent, QKeySequence, QPalette, QShowEvent
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHeaderView,
    QMenu,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from flimage.meta import META_DEFINITIONS, is_number
from flimage.quantities import (
    choose_unit,
    format_count,
    format_duration,
    format_number,
    format_quantity,
)

from .attribute_rows import Row, attribute_rows, correction_rows, write_value
from .facts_feed import FactsFeed
from .labels import hint_label
from .session import Change, Session
from .time_texts import shown_unit
from .widgets import describe, tip_text

if TYPE_CHECKING:
    from .frame_facts import FrameFacts

__all__ = ["MetadataPanel", "Row", "frame_rows", "series_rows"]

#: What stands in brackets in the definitions of metadata keys.
_UNITS = ("s", "m", "rad", "px")


class MetadataPanel(QWidget):
    """A table of all metadata.

    Parameters
    ----------
    session
        The open recording.
    parent
        Qt parent.
    """

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("metadataPanel")
        self._session = session
        self._facts: FrameFacts | None = None
        self._rows: tuple[Row, ...] = ()
        self._table = QTableWidget(0, 2)
        describe(self._table, "metadataTable", "Metadata of series and frame")
        self._table.setHorizontalHeaderLabels(("Property", "Value"))
        self._table.verticalHeader().hide()
        self._table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self._table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self._table.setTabKeyNavigation(False)
        self._table.setShowGrid(False)
        self._table.setWordWrap(True)
        self._table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self._table.verticalHeader().setMinimumSectionSize(0)
        self._table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._table.customContextMenuRequested.connect(self._on_menu_requested)
        header = self._table.horizontalHeader()
        header.setHighlightSections(False)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        self._table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self._empty = hint_label("Open a recording to see what is known about it.")
        self._empty.setObjectName("metadataEmptyLabel")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._table)
        layout.addWidget(self._empty, 1)
        self._feed = FactsFeed(session, self)
        self._feed.ready.connect(self._on_feed_ready)
        session.changed.connect(self._on_session_changed)
        self._refresh()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Ask for what was not asked for while nobody could see it."""
        super().showEvent(event)
        self._feed.ask()

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Give the headings the ground of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._rows:
            self._tint_headings()

    def as_text(self) -> str:
        """Return the table with tabs between columns, ready for a spreadsheet."""
        return "\n".join(
            row.name if row.value is None else f"{row.name}\t{row.value}" for row in self._rows
        )

    # ------------------------------------------------------------------ showing the session

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.RECORDING:
            self._facts = None
            self._refresh()

    def _on_feed_ready(self, facts: FrameFacts) -> None:
        self._facts = facts
        self._refresh()

    def _refresh(self) -> None:
        is_open = self._session.source is not None
        self._table.setVisible(is_open)
        self._empty.setVisible(not is_open)
        rows = (
            *series_rows(self._session, self._facts),
            *frame_rows(self._facts, self._session.times),
        )
        if not is_open or rows == self._rows:
            return
        place = self._table.verticalScrollBar().value()
        self._show(rows)
        self._table.verticalScrollBar().setValue(place)

    def _show(self, rows: tuple[Row, ...]) -> None:
        self._rows = rows
        self._table.clearSpans()
        self._table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            name = QTableWidgetItem(row.name)
            value = QTableWidgetItem(row.value or "")
            for item in (name, value):
                item.setToolTip(tip_text(row.tip))
            if row.value is None:
                font = name.font()
                font.setBold(True)
                name.setFont(font)
                name.setFlags(Qt.ItemFlag.ItemIsEnabled)
            self._table.setItem(number, 0, name)
            self._table.setItem(number, 1, value)
            if row.value is None:
                self._table.setSpan(number, 0, 1, 2)
        self._tint_headings()

    def _tint_headings(self) -> None:
        ground = self.palette().brush(QPalette.ColorRole.AlternateBase)
        for number, row in enumerate(self._rows):
            if row.value is None:
                self._table.item(number, 0).setBackground(ground)

    # ------------------------------------------------------------------ copying

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Copy the selected lines, or all, with the usual keys."""
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy(selected_only=True)
            return
        super().keyPressEvent(event)

    def _copy(self, selected_only: bool) -> None:
        chosen = sorted({index.row() for index in self._table.selectedIndexes()})
        if not selected_only or len(chosen) < 1:
            QApplication.clipboard().setText(self.as_text())
            return
        lines = (self._rows[number] for number in chosen)
        QApplication.clipboard().setText("\n".join(f"{r.name}\t{r.value or ''}" for r in lines))

    def _on_menu_requested(self) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        some = menu.addAction("&Copy selected lines")
        some.setEnabled(bool(self._table.selectedIndexes()))
        some.triggered.connect(lambda: self._copy(selected_only=True))
        menu.addAction("Copy &all").triggered.connect(lambda: self._copy(selected_only=False))
        menu.popup(self.cursor().pos())


def series_rows(session: Session, facts: FrameFacts | None) -> tuple[Row, ...]:
    """Describe the recording as a whole."""
    source = session.source
    if source is None:
        return ()
    height, width = session.shape
    rows = [Row("Series")]
    if session.path is not None:
        rows.append(Row("file", session.path.name, str(session.path)))
    if source.identifier:
        rows.append(Row("identifier", source.identifier))
    rows.append(Row("frames", format_count(session.n_frames, "frame")))
    rows.append(Row("frame size", f"{width} × {height} px"))
    if session.pixel_size is not None:
        size = session.pixel_size
        extent = f"{format_quantity(width * size, 'm')} × {format_quantity(height * size, 'm')}"
        rows.append(Row("field of view", extent))
    rows.extend(_time_rows(session.times))
    if facts is not None:
        rows.append(Row("stored as", facts.stored_type, "How pixels are stored in the file."))
        rows.extend(attribute_rows(facts.series, skip=("identifier",)))
        rows.extend(correction_rows(facts.series))
    return tuple(rows)


def frame_rows(facts: FrameFacts | None, times: np.ndarray | None = None) -> tuple[Row, ...]:
    """Describe one frame; its time is in the unit that suits all `times` of the recording [s]."""
    if facts is None:
        return ()
    rows = [Row(f"Frame {facts.frame}")]
    known = [key for key in META_DEFINITIONS if key in facts.meta]
    for key in known:
        definition = META_DEFINITIONS[key]
        value = write_value(facts.meta[key], _unit_of(definition))
        if key == "time" and times is not None and is_number(facts.meta[key]):
            unit = shown_unit(times)
            number = format_number(float(facts.meta[key]) / unit.scale, 6)
            value = f"{number} {unit.symbol}"
        tip = definition[:1].upper() + definition[1:]
        if key in facts.changed:
            value, tip = f"{value} *", f"{tip} (changed, not saved)"
        rows.append(Row(key, value, tip))
    background = "subtracted" if facts.has_background else "none"
    rows.append(Row("background image", background, "An image assigned to this frame."))
    rows.extend(attribute_rows(facts.attributes))
    return tuple(rows)


def _time_rows(times: np.ndarray) -> list[Row]:
    """Describe when frames were taken, and what is odd about it."""
    if len(times) < 2:
        return []
    missing = int(np.count_nonzero(~np.isfinite(times)))
    if missing:
        return [Row("times", f"missing in {format_count(missing, 'frame')}")]
    steps = np.diff(times)
    rows = [Row("duration", format_duration(float(times[-1] - times[0])))]
    low, high = float(steps.min()), float(steps.max())
    median = float(np.median(steps))
    if low < 0:
        count = int(np.count_nonzero(steps < 0))
        rows.append(Row("interval", f"times run backwards at {format_count(count, 'frame')}"))
    elif high - low <= 1e-3 * abs(median):
        rows.append(Row("interval", format_duration(median)))
    else:
        unit = choose_unit(median, "s")
        least, most, usual = (format_number(v / unit.scale, 3) for v in (low, high, median))
        text = f"{least} to {most} {unit.symbol}, median {usual} {unit.symbol}"
        rows.append(Row("interval", text, "The time between frames is not the same everywhere."))
    return rows


def _unit_of(definition: str) -> str:
    """Find the unit in a definition such as ``"acquisition time of the image [s]"``."""
    for unit in _UNITS:
        if definition.endswith(f"[{unit}]"):
            return unit
    return ""
