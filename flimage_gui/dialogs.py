"""Questions and overviews of the main window."""

from __future__ import annotations

from typing import Literal

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtWidgets import QDialog, QDialogButtonBox, QLabel, QMessageBox, QVBoxLayout, QWidget

import flimage

from . import assets

__all__ = ["ask_unsaved", "confirm_cancel", "confirm_deletion", "show_about"]

_SIGN = QSize(36, 36)


def _question(parent: QWidget, name: str, text: str) -> QMessageBox:
    box = QMessageBox(QMessageBox.Icon.NoIcon, "flimage", text, parent=parent)
    box.setObjectName(name)
    # In the lines of all other icons; Qt's own is a bubble of another time.
    window = parent.window().windowHandle()
    icon = assets.icon("question")
    box.setIconPixmap(icon.pixmap(window, _SIGN) if window else icon.pixmap(_SIGN))
    return box


def _ask(parent: QWidget, name: str, text: str, more: str, yes: str, no: str) -> bool:
    box = _question(parent, name, text)
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


def ask_unsaved(parent: QWidget, title: str) -> Literal["save", "discard", "cancel"]:
    """Ask what becomes of edits that were not saved."""
    return _ask_to_save(
        parent,
        f"The changes to {title} are not saved.",
        "Save them before you leave? What is not saved is lost.",
    )


def ask_unsaved_regions(parent: QWidget, title: str) -> Literal["save", "discard", "cancel"]:
    """Ask what becomes of named regions that no session file has."""
    return _ask_to_save(
        parent,
        f"The regions that you have drawn on {title} are not saved.",
        "Save them in a session file before you leave? What is not saved is lost.",
    )


def _ask_to_save(parent: QWidget, text: str, question: str) -> Literal["save", "discard", "cancel"]:
    name = "discardQuestion"
    box = _question(parent, name, text)
    box.setInformativeText(question)
    save = box.addButton("&Save", QMessageBox.ButtonRole.AcceptRole)
    save.setObjectName(f"{name}SaveButton")
    discard = box.addButton("&Discard", QMessageBox.ButtonRole.DestructiveRole)
    discard.setObjectName(f"{name}YesButton")
    stay = box.addButton("&Cancel", QMessageBox.ButtonRole.RejectRole)
    stay.setObjectName(f"{name}NoButton")
    box.setDefaultButton(save)
    box.setEscapeButton(stay)
    box.exec()
    clicked = box.clickedButton()
    box.deleteLater()
    if clicked is save:
        return "save"
    return "discard" if clicked is discard else "cancel"


def confirm_deletion(parent: QWidget, title: str, frames: str) -> bool:
    """Ask whether frames may be left out of a recording for good."""
    return _ask(
        parent,
        "deletionQuestion",
        f"{title} is saved without {frames}.",
        "Once saved, they cannot be brought back. Save an edited copy instead to keep the"
        " original.",
        "Save without them",
        "Cancel",
    )


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
