"""The command palette: anything that the window can do, found by some letters of its name."""

from __future__ import annotations

import html

from PyQt5.QtCore import QEvent, QModelIndex, QObject, QRect, QSize, Qt
from PyQt5.QtGui import QAbstractTextDocumentLayout, QKeyEvent, QPainter, QPalette, QTextDocument
from PyQt5.QtWidgets import (
    QDialog,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from .commands import Command, Match, gather, matching
from .widgets import describe

__all__ = ["CommandPalette"]

_WIDTH, _HEIGHT = 560, 400
_ROW_HEIGHT = 28
_MATCH = Qt.ItemDataRole.UserRole
#: Keys that move in the list while the person goes on typing.
_LIST_KEYS = {
    Qt.Key.Key_Up,
    Qt.Key.Key_Down,
    Qt.Key.Key_PageUp,
    Qt.Key.Key_PageDown,
}


class _RowDelegate(QStyledItemDelegate):
    """Draws name, place and keys of a command, and the letters that were typed in bold."""

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex) -> QSize:  # noqa: N802
        """Give all rows the same height."""
        hint = super().sizeHint(option, index)
        return QSize(hint.width(), max(hint.height(), _ROW_HEIGHT))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex) -> None:
        """Draw a row."""
        match: Match = index.data(_MATCH)
        self.initStyleOption(option, index)
        style = option.widget.style()
        option.text = ""
        style.drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, option.widget)
        group = (
            QPalette.ColorGroup.Disabled if match.command.why_not else QPalette.ColorGroup.Active
        )
        selected = bool(option.state & QStyle.StateFlag.State_Selected)
        role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        color = option.palette.color(group, role)
        area = option.rect.adjusted(10, 0, -10, 0)
        keys = match.command.keys
        painter.save()
        painter.setPen(color)
        painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, keys)
        painter.restore()
        room = area.width() - option.fontMetrics.horizontalAdvance(keys) - 16
        self._draw_label(painter, QRect(area.left(), area.top(), room, area.height()), match, color)

    @staticmethod
    def _draw_label(painter: QPainter, area: QRect, match: Match, color: object) -> None:
        typed = set(match.places)
        pieces = (
            f"<b>{html.escape(letter)}</b>" if i in typed else html.escape(letter)
            for i, letter in enumerate(match.command.label)
        )
        document = QTextDocument()
        document.setDefaultFont(painter.font())
        document.setDocumentMargin(0)
        document.setHtml(f"<span style='white-space:pre'>{''.join(pieces)}</span>")
        context = QAbstractTextDocumentLayout.PaintContext()
        context.palette.setColor(QPalette.ColorRole.Text, color)
        painter.save()
        painter.setClipRect(area)
        painter.translate(area.left(), area.center().y() - document.size().height() / 2 + 1)
        document.documentLayout().draw(painter, context)
        painter.restore()


class CommandPalette(QDialog):
    """Finds and does one command; made for the keyboard.

    Parameters
    ----------
    window
        Window whose commands are offered.
    """

    def __init__(self, window: QWidget) -> None:
        super().__init__(window, Qt.WindowType.Dialog | Qt.WindowType.FramelessWindowHint)
        self.setObjectName("commandPalette")
        self.setWindowTitle("Find a command")
        self.setAccessibleName("Find a command")
        self._commands = gather(window)
        self._edit = QLineEdit()
        self._edit.setPlaceholderText("Type some letters of what you want to do")
        describe(self._edit, "commandEdit", "Command")
        self._edit.setAccessibleDescription(
            "Type some letters, choose with the arrow keys, and press Enter."
        )
        self._list = QListWidget()
        describe(self._list, "commandList", "Commands")
        self._list.setItemDelegate(_RowDelegate(self._list))
        self._list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._list.setUniformItemSizes(True)
        # The keys go to the line, which passes on those that move in the list.
        self._list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._hint = QLabel()
        self._hint.setObjectName("commandHint")
        self._hint.setProperty("role", "hint")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 10, 10, 8)
        layout.setSpacing(6)
        layout.addWidget(self._edit)
        layout.addWidget(self._list, 1)
        layout.addWidget(self._hint)
        self._edit.installEventFilter(self)
        self._edit.textChanged.connect(self._refresh)
        self._edit.returnPressed.connect(self._run)
        self._list.currentItemChanged.connect(lambda *_: self._show_hint())
        self._list.itemClicked.connect(lambda _item: self._run())
        self.resize(min(_WIDTH, window.width() - 40), min(_HEIGHT, window.height() - 80))
        corner = window.mapToGlobal(window.rect().topLeft())
        self.move(corner.x() + (window.width() - self.width()) // 2, corner.y() + 60)
        self._edit.setFocus()
        self._refresh("")

    @property
    def shown(self) -> list[Command]:
        """Commands in the list, from top to bottom."""
        return [self._list.item(i).data(_MATCH).command for i in range(self._list.count())]

    @property
    def current(self) -> Command | None:
        """Command that Enter would do."""
        item = self._list.currentItem()
        return None if item is None else item.data(_MATCH).command

    def _refresh(self, query: str) -> None:
        self._list.clear()
        for match in matching(self._commands, query):
            command = match.command
            item = QListWidgetItem(command.label)
            item.setData(_MATCH, match)
            said = [command.label, command.keys, command.why_not]
            item.setData(Qt.ItemDataRole.AccessibleTextRole, ", ".join(filter(None, said)))
            item.setToolTip(command.why_not or command.action.statusTip())
            self._list.addItem(item)
        self._list.setCurrentRow(0)
        self._show_hint()

    def _show_hint(self) -> None:
        command = self.current
        if command is None:
            text = "Nothing is called like that."
        else:
            text = command.why_not or command.action.statusTip()
        self._hint.setText(text)
        # Screen readers follow the line that has the focus, not the list.
        self._edit.setAccessibleDescription(command.label if command else text)

    def _run(self) -> None:
        command = self.current
        if command is None or command.why_not:
            return
        self.accept()
        # After this dialog is gone: what the command opens should stand on the window.
        command.action.trigger()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        """Let the arrow keys move in the list."""
        pressed = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
        if pressed and event.key() in _LIST_KEYS:
            self._list.keyPressEvent(event)
            return True
        return super().eventFilter(watched, event)
