"""What is seen while no recording is open: what to do next."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PyQt5.QtCore import QSize, Qt, pyqtSignal
from PyQt5.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from . import assets
from .widgets import describe, tip_text

__all__ = ["WelcomePage"]

SHOWN_RECENT = 5


class WelcomePage(QWidget):
    """Tells what can be opened and how."""

    open_requested = pyqtSignal()
    example_requested = pyqtSignal()
    #: path
    recent_requested = pyqtSignal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("welcomePage")
        # It shares its place with the image, which may be lower than this page likes to be.
        self.setMinimumHeight(150)
        picture = QLabel()
        picture.setPixmap(assets.app_icon().pixmap(QSize(72, 72)))
        title = QLabel("Open a fluorescence recording")
        title.setProperty("role", "title")
        text = QLabel(
            "Drop a file here, or choose one: a series that flimage wrote (.h5), or a stack from a"
            " microscope (TIFF, OME-TIFF, ImageJ, ND2, CZI, NPY)."
        )
        text.setWordWrap(True)
        text.setProperty("role", "hint")
        text.setMinimumWidth(380)
        text.setMaximumWidth(440)
        self._open_button = QPushButton("&Open a recording…")
        describe(self._open_button, "openButton", "Open a recording")
        self._open_button.setDefault(True)
        self._open_button.clicked.connect(self.open_requested)
        self._example_button = QPushButton("Open the &example")
        describe(
            self._example_button,
            "exampleButton",
            "Open the example",
            "A simulated recording of bleaching cells, to try things out.",
        )
        self._example_button.clicked.connect(self.example_requested)
        # So that Enter opens a recording right after the start.
        self.setFocusProxy(self._open_button)
        for button in (self._open_button, self._example_button):
            button.setMinimumHeight(34)
        buttons = QHBoxLayout()
        buttons.setSpacing(10)
        buttons.addWidget(self._open_button)
        buttons.addWidget(self._example_button)
        buttons.addStretch(1)
        self._recent_title = QLabel("Opened last")
        self._recent_title.setProperty("role", "section")
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)

        column = QVBoxLayout()
        column.setSpacing(12)
        column.addWidget(picture)
        column.addWidget(title)
        column.addWidget(text)
        column.addSpacing(4)
        column.addLayout(buttons)
        column.addSpacing(10)
        column.addWidget(self._recent_title)
        column.addLayout(self._recent)
        centre = QHBoxLayout()
        centre.addStretch(1)
        centre.addLayout(column)
        centre.addStretch(1)
        layout = QVBoxLayout(self)
        layout.addStretch(2)
        layout.addLayout(centre)
        layout.addStretch(3)

    def show_recent(self, paths: Sequence[str]) -> None:
        """Offer recordings that were opened before."""
        while (item := self._recent.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.deleteLater()
        self._recent_title.setVisible(bool(paths))
        for path in paths[:SHOWN_RECENT]:
            label = QLabel()
            label.setTextFormat(Qt.TextFormat.RichText)
            name = Path(path).name.replace("&", "&amp;").replace("<", "&lt;")
            label.setText(f'<a href="open" style="text-decoration:none">{name}</a>')
            label.setToolTip(tip_text(path))
            label.setAccessibleName(f"Open {Path(path).name}")
            label.setTextInteractionFlags(
                Qt.TextInteractionFlag.LinksAccessibleByKeyboard
                | Qt.TextInteractionFlag.LinksAccessibleByMouse
            )
            label.linkActivated.connect(lambda _link, path=path: self.recent_requested.emit(path))
            self._recent.addWidget(label)
