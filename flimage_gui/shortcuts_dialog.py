"""The overview of all keys: made from the actions, to be searched and printed."""

from __future__ import annotations

import html

from PyQt5.QtCore import Qt
from PyQt5.QtGui import QTextDocument
from PyQt5.QtPrintSupport import QPrintDialog, QPrinter
from PyQt5.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from .menus import shortcut_groups
from .widgets import describe

__all__ = ["ShortcutsDialog", "shortcuts_html"]

_SIZE = (520, 560)


def shortcuts_html() -> str:
    """Return all keys as a page to be printed."""
    parts = ["<h2>Keys of flimage</h2>"]
    for group, rows in shortcut_groups().items():
        if rows:
            lines = "".join(
                f"<tr><td width='38%'><b>{html.escape(keys)}</b></td>"
                f"<td>{html.escape(text)}</td></tr>"
                for keys, text in rows
            )
            parts.append(f"<h3>{html.escape(group)}</h3><table width='100%'>{lines}</table>")
    return "".join(parts)


class ShortcutsDialog(QDialog):
    """Shows all keys by menu.

    Parameters
    ----------
    parent
        The window.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("shortcutsDialog")
        self.setWindowTitle("Keyboard shortcuts")
        self._search = QLineEdit()
        self._search.setPlaceholderText("Search for a key or for what it does")
        self._search.setClearButtonEnabled(True)
        describe(self._search, "shortcutSearchEdit", "Search")
        self._tree = QTreeWidget()
        describe(self._tree, "shortcutTree", "Keys")
        self._tree.setHeaderLabels(["What it does", "Keys"])
        self._tree.setRootIsDecorated(False)
        self._tree.setIndentation(14)
        self._tree.setItemsExpandable(False)
        self._fill()
        self._nothing = QLabel("No key is called like that.")
        self._nothing.setObjectName("shortcutNothingLabel")
        self._nothing.setProperty("role", "hint")
        self._nothing.hide()
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.button(QDialogButtonBox.StandardButton.Close).setObjectName("shortcutCloseButton")
        print_button = buttons.addButton("&Print…", QDialogButtonBox.ButtonRole.ActionRole)
        print_button.setObjectName("shortcutPrintButton")
        print_button.setAutoDefault(False)
        print_button.clicked.connect(self._on_print_button_clicked)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self._search)
        layout.addWidget(self._tree, 1)
        layout.addWidget(self._nothing)
        layout.addWidget(buttons)
        self._search.textChanged.connect(self._on_search_changed)
        self.resize(*_SIZE)

    def _fill(self) -> None:
        for group, rows in shortcut_groups().items():
            if not rows:
                continue
            heading = QTreeWidgetItem(self._tree, [group])
            heading.setFlags(Qt.ItemFlag.ItemIsEnabled)
            heading.setFirstColumnSpanned(True)
            font = heading.font(0)
            font.setBold(True)
            heading.setFont(0, font)
            for keys, text in rows:
                QTreeWidgetItem(heading, [text, keys])
            heading.setExpanded(True)
        header = self._tree.header()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(False)

    def shown_rows(self) -> dict[str, list[tuple[str, str]]]:
        """Return what is listed now: keys and what they do, by group."""
        groups = {}
        for i in range(self._tree.topLevelItemCount()):
            heading = self._tree.topLevelItem(i)
            rows = [heading.child(j) for j in range(heading.childCount())]
            if not heading.isHidden():
                groups[heading.text(0)] = [
                    (row.text(1), row.text(0)) for row in rows if not row.isHidden()
                ]
        return groups

    def print_to(self, printer: QPrinter) -> None:
        """Print all keys, whatever is searched for."""
        document = QTextDocument()
        document.setHtml(shortcuts_html())
        document.print_(printer)

    def _on_search_changed(self, text: str) -> None:
        words = text.lower().split()
        found = False
        for i in range(self._tree.topLevelItemCount()):
            heading = self._tree.topLevelItem(i)
            any_row = False
            for j in range(heading.childCount()):
                row = heading.child(j)
                said = f"{heading.text(0)} {row.text(0)} {row.text(1)}".lower()
                row.setHidden(not all(word in said for word in words))
                any_row = any_row or not row.isHidden()
            heading.setHidden(not any_row)
            found = found or any_row
        self._nothing.setVisible(not found)

    def _on_print_button_clicked(self) -> None:
        printer = QPrinter(QPrinter.PrinterMode.HighResolution)
        dialog = QPrintDialog(printer, self)
        dialog.setWindowTitle("Print the keys")
        if dialog.exec() == QDialog.DialogCode.Accepted:
            self.print_to(printer)
        dialog.deleteLater()
