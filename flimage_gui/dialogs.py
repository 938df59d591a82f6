"""Questions and overviews of the main window."""

from __future__ import annotations

import html

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QLabel, QMessageBox, QVBoxLayout, QWidget

import flimage

from .actions import shortcut_rows

__all__ = ["confirm_cancel", "confirm_discard", "show_about", "show_shortcuts"]


def _ask(parent: QWidget, name: str, text: str, more: str, yes: str, no: str) -> bool:
    box = QMessageBox(QMessageBox.Icon.Question, "flimage", text, parent=parent)
    box.setObjectName(name)
    box.setInformativeText(more)
    accept = box.addButton(yes, QMessageBox.ButtonRole.AcceptRole)
    accept.setObjectName(f"{name}YesButton")
    stay = box.addButton(no, QMessageBox.ButtonRole.RejectRole)
    stay.setObjectName(f"{name}NoButton")
    box.setDefaultButton(stay)
    box.setEscapeButton(stay)
    box.exec()
    chosen = box.clickedButton() is accept
    box.deleteLater()
    return chosen


def confirm_cancel(parent: QWidget, busy: str) -> bool:
    """Ask whether what runs may be cancelled."""
    return _ask(
        parent,
        "cancelQuestion",
        f"{busy} is not finished.",
        "If you leave now, it is cancelled, and nothing half-done is left.",
        "Cancel it and leave",
        "Go on",
    )


def confirm_discard(parent: QWidget, title: str) -> bool:
    """Ask whether edits that were not saved may be lost."""
    return _ask(
        parent,
        "discardQuestion",
        f"The changes to {title} are not saved.",
        "Backgrounds that you assigned are lost if you leave without saving an edited copy.",
        "Leave without saving",
        "Stay",
    )


def show_shortcuts(parent: QWidget) -> None:
    """Show all keys."""
    rows = "".join(
        f"<tr><td style='padding:2px 18px 2px 0'><b>{html.escape(keys)}</b></td>"
        f"<td>{html.escape(text)}</td></tr>"
        for keys, text in shortcut_rows()
    )
    _show_text(parent, "shortcutsDialog", "Keyboard shortcuts", f"<table>{rows}</table>")


def show_about(parent: QWidget) -> None:
    """Show name and version."""
    text = (
        f"<h3>flimage {flimage.__version__}</h3>"
        "<p>Look through fluorescence recordings and correct their photobleaching.</p>"
        "<p>MIT licence. Files are those of FLImage and FLSeries: HDF5 that other programs"
        " read.</p>"
    )
    _show_text(parent, "aboutDialog", "About flimage", text)


def _show_text(parent: QWidget, name: str, title: str, text: str) -> None:
    dialog = QDialog(parent)
    dialog.setObjectName(name)
    dialog.setWindowTitle(title)
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
    buttons.rejected.connect(dialog.reject)
    layout = QVBoxLayout(dialog)
    layout.setContentsMargins(18, 16, 18, 14)
    layout.setSpacing(14)
    layout.addWidget(label)
    layout.addWidget(buttons)
    dialog.open()
