"""A list of unsaved work that a crash has left behind, to be restored or removed."""

from __future__ import annotations

import time
from collections.abc import Callable

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from flimage.quantities import format_count

from .journal import Entry
from .journaling import Journaling
from .labels import hint_label
from .widgets import describe, tip_text

__all__ = ["RecoveryDialog"]


class RecoveryDialog(QDialog):
    """Asks what becomes of unsaved work.

    Parameters
    ----------
    journaling
        What finds and removes it.
    restore
        Called with the entry that is to be restored.
    parent
        Qt parent.
    """

    def __init__(
        self,
        journaling: Journaling,
        restore: Callable[[Entry], None],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setObjectName("recoveryDialog")
        self.setWindowTitle("Unsaved changes")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._journaling = journaling
        self._restore_entry = restore
        self._entries: list[Entry] = []
        self._list = QListWidget()
        describe(self._list, "recoveryList", "Recordings with unsaved changes")
        self._list.currentRowChanged.connect(self._on_row_changed)
        self._list.itemDoubleClicked.connect(lambda _: self._on_restore_clicked())
        self._about = hint_label()
        self._about.setObjectName("recoveryHint")
        self._restore = QPushButton("&Restore")
        describe(self._restore, "recoverRestoreButton", "Restore the changes")
        self._restore.setDefault(True)
        self._discard = QPushButton("&Discard")
        describe(self._discard, "recoverDiscardButton", "Remove the changes for good")
        later = QPushButton("&Later")
        describe(later, "recoverLaterButton", "Decide later")
        self._restore.clicked.connect(self._on_restore_clicked)
        self._discard.clicked.connect(self._on_discard_clicked)
        later.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.addWidget(self._discard)
        buttons.addStretch(1)
        buttons.addWidget(later)
        buttons.addWidget(self._restore)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(18, 16, 18, 14)
        layout.setSpacing(10)
        layout.addWidget(QLabel("These changes were kept when the program ended unexpectedly:"))
        layout.addWidget(self._list, 1)
        layout.addWidget(self._about)
        layout.addLayout(buttons)
        self.resize(520, 320)
        self._fill()

    def _fill(self) -> None:
        self._entries = self._journaling.pending()
        self._list.clear()
        for entry in self._entries:
            when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry.written))
            item = QListWidgetItem(f"{entry.path.name}   –   {when}")
            item.setToolTip(tip_text(str(entry.path)))
            self._list.addItem(item)
        self._list.setCurrentRow(0 if self._entries else -1)
        self._on_row_changed(self._list.currentRow())
        if not self._entries:
            self.reject()

    def _chosen(self) -> Entry | None:
        row = self._list.currentRow()
        return self._entries[row] if 0 <= row < len(self._entries) else None

    def _on_row_changed(self, row: int) -> None:
        entry = self._chosen()
        self._restore.setEnabled(entry is not None and entry.path.exists())
        self._discard.setEnabled(entry is not None)
        self._about.setText("" if entry is None else _about(entry))

    def _on_restore_clicked(self) -> None:
        entry = self._chosen()
        if entry is not None and entry.path.exists():
            self.accept()
            self._restore_entry(entry)

    def _on_discard_clicked(self) -> None:
        entry = self._chosen()
        if entry is not None:
            self._journaling.remove(entry)
            self._fill()


def _about(entry: Entry) -> str:
    """Say what is known of unsaved work."""
    # After the edits were saved, the settings of the correction may still be in no file.
    what = "settings of the correction"
    if entry.steps:
        what = f"{format_count(len(entry.steps), 'step')}, the last one: {entry.steps[-1]}"
    text = f"{entry.path}: {what}."
    if not entry.path.exists():
        return f"{text} The recording is not there any more; put it back to restore them."
    if entry.recording_changed:
        return f"{text} The recording has changed since then: look closely at the result."
    return text
