"""Ask which one of several series in a file is to be opened."""

from __future__ import annotations

from pathlib import Path

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QVBoxLayout,
    QWidget,
)

from flimage.quantities import format_count

from .group_tree import GroupTree
from .import_facts import thumbnail
from .labels import ElidedLabel, SectionHeader, hint_label
from .series_choice import SeriesEntry, SeveralSeriesError
from .widgets import describe

__all__ = ["SeriesDialog"]

_PREVIEW = 132


class SeriesDialog(QDialog):
    """Shows the series of a file as a tree, with a preview; read :attr:`group` once accepted.

    Parameters
    ----------
    found
        What the file holds.
    parent
        Qt parent.
    """

    def __init__(self, found: SeveralSeriesError, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("seriesDialog")
        self.setWindowTitle("Open one of several series")
        self.path: Path = found.path
        self._entries = {entry.group: entry for entry in found.entries}
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        layout.addWidget(
            hint_label(
                "The file holds several series. Choose one: it is opened where it is, and the"
                " others stay untouched."
            )
        )
        layout.addWidget(SectionHeader(f"Series in {found.path.name}"))
        self._tree = GroupTree(
            "seriesTree",
            "Series",
            "The groups of the file, and the series in them.",
            ("Series", "Frames", "Size"),
            [(e.group, (str(e.n_frames), _size(e))) for e in found.entries],
            found.entries[0].group,
        )
        self._tree.chosen.connect(self._show)
        self._tree.itemActivated.connect(lambda _item: self._accept_chosen())
        layout.addWidget(self._tree)
        layout.addLayout(self._make_facts())
        layout.addStretch(1)
        buttons = QDialogButtonBox()
        opens = buttons.addButton("&Open", QDialogButtonBox.ButtonRole.AcceptRole)
        describe(opens, "seriesOpenButton", "Open", "Open the series that is chosen.")
        opens.setDefault(True)
        cancel = buttons.addButton(QDialogButtonBox.StandardButton.Cancel)
        describe(cancel, "seriesCancelButton", "Cancel", "Open nothing.")
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout.addWidget(buttons)
        self._show(found.entries[0].group)
        self._tree.setFocus()

    @property
    def group(self) -> str | None:
        """Place in the file of the series that is chosen."""
        return self._tree.key

    def _make_facts(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(12)
        self._picture = QLabel()
        self._picture.setObjectName("seriesPreview")
        self._picture.setAccessibleName("First frame")
        self._picture.setFixedSize(_PREVIEW, _PREVIEW)
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        line.addWidget(self._picture)
        facts = QFormLayout()
        facts.setVerticalSpacing(4)
        self._place, self._name = ElidedLabel(""), ElidedLabel("")
        self._place.setObjectName("seriesPlaceLabel")
        self._images = QLabel()
        self._images.setObjectName("seriesSizeLabel")
        facts.addRow("Place", self._place)
        facts.addRow("Identifier", self._name)
        facts.addRow("Images", self._images)
        line.addLayout(facts, 1)
        return line

    def _show(self, group: str) -> None:
        """Show what is known of a series."""
        entry = self._entries[group]
        if entry.preview is None:
            self._picture.clear()
            self._picture.setText("no preview")
        else:
            self._picture.setPixmap(thumbnail(entry.preview, _PREVIEW, self.devicePixelRatioF()))
        self._place.setText(entry.group)
        self._name.setText(entry.identifier or "–")
        size = "" if entry.shape is None else f" of {_size(entry)} pixels"
        self._images.setText(f"{format_count(entry.n_frames, 'frame')}{size}")

    def _accept_chosen(self) -> None:
        if self.group is not None:
            self.accept()


def _size(entry: SeriesEntry) -> str:
    if entry.shape is None:
        return "damaged"
    height, width = entry.shape
    return f"{width} × {height}"
