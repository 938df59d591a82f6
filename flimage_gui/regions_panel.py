"""The panel of named regions: their list, their traces over time, and the line profile."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PyQt5.QtCore import QEvent, Qt
from PyQt5.QtGui import QColor, QIcon, QKeyEvent, QPixmap
from PyQt5.QtWidgets import (
    QColorDialog,
    QFileDialog,
    QHBoxLayout,
    QHeaderView,
    QPushButton,
    QSplitter,
    QTableWidget,
    QTableWidgetItem,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from flimage.errors import InputError
from flimage.progress import Progress
from flimage.quantities import MISSING, format_number

from .draw_button import DrawButton
from .labels import hint_label
from .region_following import RegionFollowing
from .region_list import RegionList
from .region_markers import Line, RegionMarkers
from .region_plots import ProfilePlot, RegionPlot
from .session import Change, Session
from .widgets import blocked, describe, make_dense

__all__ = ["RegionsPanel"]

#: What plots show; short enough for a low one. What it is of stands below the table.
_UNIT = "Signal (counts/px)"
#: What is said where there is nothing to plot.
_DRAW_REGION = "Draw a region on the image to follow its intensity over time."
_DRAW_LINE = "Press Line and draw along the image to see the values there."
_HEADS = ("Region", "Mean", "SD", "Pixels")


class _Table(QTableWidget):
    """The list of regions; Delete removes the selected one."""

    def __init__(self, regions: RegionList) -> None:
        super().__init__(0, len(_HEADS))
        self._regions = regions
        describe(self, "regionsTable", "Named regions", "Double click a name to change it.")
        self.setHorizontalHeaderLabels(_HEADS)
        self.verticalHeader().hide()
        self.setSelectionBehavior(QTableWidget.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableWidget.SelectionMode.SingleSelection)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        for column in range(1, len(_HEADS)):
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.ResizeToContents)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Remove the selected region with Delete."""
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._regions.remove(self._regions.selected)
        else:
            super().keyPressEvent(event)


class RegionsPanel(QWidget):
    """Shows named regions, and asks for others.

    Parameters
    ----------
    session
        The open recording.
    regions
        The regions.
    markers
        Regions and line on the image.
    parent
        Qt parent.
    """

    def __init__(
        self,
        session: Session,
        regions: RegionList,
        markers: RegionMarkers,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("regionsPanel")
        self._session = session
        self._regions = regions
        self._markers = markers
        self._line: Line | None = None
        self.following = RegionFollowing(session, regions)
        self._table = _Table(regions)
        self._plot = RegionPlot()
        self._profile = ProfilePlot()
        self._profile.set_hint(_DRAW_LINE)
        self._hint = hint_label()
        self._hint.setObjectName("regionsHint")
        self._tabs = QTabWidget()
        self._tabs.setObjectName("regionsTabs")
        self._tabs.tabBar().setAccessibleName("What is plotted")
        self._tabs.setDocumentMode(True)
        self._tabs.addTab(self._plot, "Over time")
        self._tabs.addTab(self._profile, "Line profile")
        left = QWidget()
        column = QVBoxLayout(left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(self._build_buttons())
        column.addWidget(self._table, 1)
        column.addWidget(self._hint)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.setChildrenCollapsible(False)
        splitter.addWidget(left)
        splitter.addWidget(self._tabs)
        splitter.setStretchFactor(0, 2)
        splitter.setStretchFactor(1, 3)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 4, 6, 4)
        layout.addWidget(splitter)
        self._apply_colors()
        self._connect()
        self._refresh()

    def _build_buttons(self) -> QHBoxLayout:
        self._add = DrawButton("addRegionButton", "a region")
        self._line_button = QPushButton("&Line")
        describe(
            self._line_button,
            "lineProfileButton",
            "Draw the line of the profile",
            "Draw a line on the image; the values along it are plotted.",
        )
        self._color = QPushButton("C&olour…")
        describe(self._color, "regionColorButton", "Colour of the selected region")
        self._delete = QPushButton("&Delete")
        describe(
            self._delete, "deleteRegionButton", "Delete the selected region", "Also: the Delete key"
        )
        self._export = QPushButton("CS&V…")
        describe(
            self._export,
            "exportRegionsButton",
            "Export the traces",
            "Write mean, standard deviation and number of pixels of each region in each frame to a"
            " CSV file.",
        )
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self._add)
        for button in (self._line_button, self._color, self._delete, self._export):
            make_dense(button)
            row.addWidget(button)
        row.addStretch(1)
        return row

    def _connect(self) -> None:
        self._add.draw_requested.connect(self._markers.draw)
        self._line_button.clicked.connect(lambda _checked: self._markers.draw_line())
        self._color.clicked.connect(self._on_color_clicked)
        self._delete.clicked.connect(lambda _: self._regions.remove(self._regions.selected))
        self._export.clicked.connect(self._on_export_clicked)
        self._table.itemChanged.connect(self._on_table_item_changed)
        self._table.itemSelectionChanged.connect(self._on_table_selection_changed)
        self._plot.frame_chosen.connect(self._session.set_frame)
        self._markers.line_changed.connect(self._on_markers_line_changed)
        self._regions.changed.connect(self._refresh)
        self.following.measured.connect(self._refresh_values)
        self._session.changed.connect(self._on_session_changed)
        self._session.frame_ready.connect(lambda *_: self._measure_profile())

    # ------------------------------------------------------------------ showing

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.RECORDING:
            self._markers.remove_line()
            self._refresh()
        if change & (Change.FRAME | Change.RECORDING | Change.TIMES):
            self._refresh_values(draw=bool(change & Change.TIMES))

    def _refresh(self) -> None:
        regions, selected = self._regions.regions, self._regions.selected
        is_open = self._session.source is not None
        with blocked(self._table):
            self._table.setRowCount(len(regions))
            for row, each in enumerate(regions):
                for column in range(len(_HEADS)):
                    item = self._table.item(row, column)
                    if item is None:
                        item = QTableWidgetItem()
                        self._table.setItem(row, column, item)
                        if column:
                            item.setFlags(item.flags() & ~Qt.ItemFlag.ItemIsEditable)
                            item.setTextAlignment(
                                Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
                            )
                self._table.item(row, 0).setText(each.name)
                self._table.item(row, 0).setIcon(_swatch(each.color))
            if selected >= 0:
                self._table.selectRow(selected)
            else:
                self._table.clearSelection()
        for button in (self._color, self._delete):
            button.setEnabled(selected >= 0)
        for button in (self._add, self._line_button):
            button.setEnabled(is_open)
        self._refresh_values()

    def _refresh_values(self, draw: bool = True) -> None:
        traces = self.following.traces()
        regions, frame = self._regions.regions, self._session.frame
        self._export.setEnabled(traces is not None)
        with blocked(self._table):
            for row in range(len(regions)):
                known = traces is not None and frame < len(traces.mean)
                texts = [MISSING] * 3
                if traces is not None and known:
                    texts = [
                        format_number(float(traces.mean[frame, row]), 5),
                        format_number(float(traces.std[frame, row]), 4),
                        str(int(traces.count[frame, row])),
                    ]
                for column, text in enumerate(texts, start=1):
                    self._table.item(row, column).setText(text)
        self._hint.setVisible(bool(regions))
        if regions:
            self._hint.setText(f"Frame {frame}, {self._session.display.value.lower()}")
        self._plot.set_hint("Measuring the regions …" if regions else _DRAW_REGION)
        if draw:
            colors = [each.color for each in regions]
            self._plot.show_traces(traces, colors, self._regions.selected, _UNIT)
        self._plot.show_frame(frame)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Follow a change between the light and the dark theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._apply_colors()

    def _apply_colors(self) -> None:
        for plot in (self._plot, self._profile):
            plot.apply_colors(self.palette(), self.font())

    # ------------------------------------------------------------------ requests

    def _on_table_selection_changed(self) -> None:
        rows = self._table.selectionModel().selectedRows()
        self._regions.select(rows[0].row() if rows else -1)

    def _on_table_item_changed(self, item: QTableWidgetItem) -> None:
        if item.column() == 0:
            try:
                self._regions.change(item.row(), name=item.text())
            except InputError as error:
                self._session.failed.emit(error)
            self._refresh()

    def _on_color_clicked(self) -> None:
        index = self._regions.selected
        if index >= 0:
            now = QColor(self._regions.regions[index].color)
            chosen = QColorDialog.getColor(now, self, "Colour of the region")
            if chosen.isValid():
                self._regions.change(index, color=chosen.name())

    def _on_export_clicked(self) -> None:
        path = self._session.path
        if path is None:
            return
        chosen, _ = QFileDialog.getSaveFileName(
            self,
            "Export the traces",
            str(path.with_name(f"{path.stem}_regions.csv")),
            "Table (*.csv)",
        )
        if chosen:
            self.following.export(Path(chosen))

    # ------------------------------------------------------------------ line profile

    def _on_markers_line_changed(self, line: Line | None) -> None:
        if line is not None and self._line is None:
            self._tabs.setCurrentWidget(self._profile)
        self._line = line
        self._measure_profile()

    def _measure_profile(self) -> None:
        line, session = self._line, self._session
        if line is None:
            self._profile.show_profile(np.empty(0), np.empty(0), None, _UNIT)
            return
        image = session.kept_image(session.display)
        if image is None:
            return

        def run(progress: Progress) -> tuple[np.ndarray, np.ndarray]:
            from flimage.region_traces import line_profile

            return line_profile(image, *line)

        def done(profile: tuple[np.ndarray, np.ndarray]) -> None:
            if self._line == line:
                self._profile.show_profile(*profile, session.pixel_size, _UNIT)

        session.read("profile", run, done)


def _swatch(color: str) -> QIcon:
    pixmap = QPixmap(12, 12)
    pixmap.fill(QColor(color))
    return QIcon(pixmap)
