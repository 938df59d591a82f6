"""Tell the person what happened: one plain sentence, details on demand, never in the way."""

from __future__ import annotations

import sys
import threading
import traceback
from collections.abc import Callable
from types import TracebackType

from PyQt5.QtCore import QEvent, QObject, QSize, Qt, pyqtSignal
from PyQt5.QtGui import QGuiApplication
from PyQt5.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QPlainTextEdit,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from flimage.errors import FlimageError

from . import assets
from .plain_words import without_options

__all__ = ["ExceptionReporter", "MessageBar", "details_of", "sentence_of"]


_SIGN_SIZE = QSize(20, 20)


def sentence_of(error: BaseException) -> str:
    """Return one sentence that says what happened and, where it is known, what helps."""
    if isinstance(error, FlimageError):
        text = str(error.args[0]) if error.args else str(error)
    elif isinstance(error, FileNotFoundError) and error.filename:
        text = f"{error.filename} does not exist; it may have been moved or renamed."
    elif isinstance(error, PermissionError) and error.filename:
        text = f"{error.filename} may not be read or written by you; choose another place."
    elif isinstance(error, OSError):
        text = str(error)
    elif isinstance(error, MemoryError):
        text = "There is not enough memory for this; close other programs or recordings."
    else:
        text = (
            "Something went wrong that should not have"
            f" ({type(error).__name__}: {error}); what you did so far is kept."
        )
    text = " ".join(without_options(text).split()) or type(error).__name__
    return text if text.endswith((".", "!", "?")) else f"{text}."


def details_of(error: BaseException) -> str:
    """Return the traceback, for a report to the developers."""
    return "".join(traceback.format_exception(error)).rstrip()


class ExceptionReporter(QObject):
    """Passes exceptions that nobody has caught, in any thread, to the window.

    Parameters
    ----------
    parent
        Qt parent.
    """

    #: exception
    caught = pyqtSignal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._previous = (sys.excepthook, threading.excepthook)

    def install(self) -> None:
        """Catch from now on; the program goes on after an exception."""
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def remove(self) -> None:
        """Leave exceptions to whoever had them before."""
        sys.excepthook, threading.excepthook = self._previous

    def _on_exception(
        self,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            QGuiApplication.quit()
            return
        self._previous[0](kind, error, trace)
        self.caught.emit(error)

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        self._previous[1](args)
        if args.exc_value is not None and not isinstance(args.exc_value, SystemExit):
            self.caught.emit(args.exc_value)


class MessageBar(QFrame):
    """A bar above the image with one sentence, details and at most one thing to do.

    A newer message takes the place of an older one; Esc or the cross closes it.

    Parameters
    ----------
    parent
        Qt parent.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("messageBar")
        self.setAccessibleName("Message")
        self._action: Callable[[], object] | None = None
        self._sign = QLabel()
        self._text = QLabel()
        self._text.setObjectName("messageText")
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self._text.setSizePolicy(policy)
        self._action_button = QPushButton()
        self._action_button.setObjectName("messageActionButton")
        self._action_button.setAccessibleName("What to do next")
        self._action_button.clicked.connect(self._on_action_clicked)
        self._details_button = QPushButton("&Details")
        self._details_button.setObjectName("messageDetailsButton")
        self._details_button.setCheckable(True)
        self._details_button.toggled.connect(self._on_details_toggled)
        self._close_button = QToolButton()
        self._close_button.setObjectName("messageCloseButton")
        self._close_button.setAccessibleName("Close the message")
        self._close_button.setToolTip("Close (Esc)")
        self._close_button.setIcon(assets.icon("close"))
        self._close_button.setProperty("flat", True)
        self._close_button.clicked.connect(self.hide)
        self._details = QPlainTextEdit()
        self._details.setObjectName("messageDetails")
        self._details.setAccessibleName("Details of the message")
        # Tab goes on to the next control, as everywhere.
        self._details.setTabChangesFocus(True)
        self._details.setReadOnly(True)
        self._details.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self._details.setMaximumHeight(180)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self._sign, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self._text, 1)
        row.addWidget(self._action_button)
        row.addWidget(self._details_button)
        row.addWidget(self._close_button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(10, 5, 6, 5)
        layout.addLayout(row)
        layout.addWidget(self._details)
        self.hide()

    @property
    def text(self) -> str:
        """The sentence that is shown; empty when the bar is hidden."""
        return "" if self.isHidden() else self._text.text()

    def show_error(
        self,
        error: BaseException,
        action_text: str = "",
        action: Callable[[], object] | None = None,
    ) -> None:
        """Say what went wrong, and offer a remedy where there is one."""
        self._show("error", sentence_of(error), details_of(error), action_text, action)

    def show_done(
        self, text: str, action_text: str = "", action: Callable[[], object] | None = None
    ) -> None:
        """Say what has been done, and offer what may come next."""
        self._show("done", text, "", action_text, action)

    def show_note(
        self,
        text: str,
        action_text: str = "",
        action: Callable[[], object] | None = None,
        details: str = "",
    ) -> None:
        """Say something that is worth knowing, and more of it on demand."""
        self._show("note", text, details, action_text, action)

    def _show(
        self,
        kind: str,
        text: str,
        details: str,
        action_text: str = "",
        action: Callable[[], object] | None = None,
    ) -> None:
        self._action = action
        self._text.setText(text)
        self._text.setAccessibleName(text)
        self._details.setPlainText(details)
        self._details_button.setChecked(False)
        self._details_button.setVisible(bool(details))
        self._details.hide()
        self._action_button.setText(action_text)
        self._action_button.setAccessibleName(action_text or "What to do next")
        self._action_button.setVisible(action is not None)
        self.setProperty("kind", kind)
        self._draw_sign()
        self.style().unpolish(self)
        self.style().polish(self)
        self.show()

    def _draw_sign(self) -> None:
        sign = {"error": "warning", "done": "done"}.get(self.property("kind"), "info")
        self._sign.setPixmap(
            assets.icon(sign).pixmap(self.window().windowHandle(), _SIGN_SIZE)
            if self.window().windowHandle()
            else assets.icon(sign).pixmap(_SIGN_SIZE)
        )

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the sign in the colour of another theme."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self.isVisible():
            self._draw_sign()

    def _on_action_clicked(self) -> None:
        action = self._action
        self.hide()
        if action is not None:
            action()

    def _on_details_toggled(self, shown: bool) -> None:
        self._details.setVisible(shown)
