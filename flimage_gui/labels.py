"""Texts that fit: wrapped, shortened, headings, and sentences with a grade."""

from __future__ import annotations

import html
import re
from typing import Any, ClassVar

from PyQt5.QtCore import QSize, Qt
from PyQt5.QtGui import QFontMetrics, QPainter, QPaintEvent, QPalette, QResizeEvent
from PyQt5.QtWidgets import QApplication, QLabel, QSizePolicy, QStyleOption, QWidget

from .widgets import is_dark, tip_text

__all__ = [
    "SIGNS",
    "ElidedLabel",
    "Notice",
    "SectionHeader",
    "WrappedLabel",
    "breakable",
    "hint_label",
    "shortened",
]

#: What stands for a grade, and for the severity of a reason, besides its colour.
SIGNS = {"good": "✓", "info": "•", "caution": "⚠", "refused": "✕"}

#: After which signs of a name a line may end, or after how many others.
_BREAKS = re.compile(r"([/\\_.-]|[^/\\_.\s-]{16})")


def breakable(name: str) -> str:
    """Let a name that is longer than a line be continued on the next one."""
    return _BREAKS.sub("\\1\u200b", name)


def shortened(name: str, most: int) -> str:
    """Shorten a name to `most` signs: from the middle, as names of frames differ at their ends."""
    if len(name) <= most:
        return name
    end = most // 2
    return f"{name[: most - 1 - end]}…{name[-end:]}"


class WrappedLabel(QLabel):
    """A text that takes as many lines as the width needs, and no room beyond that.

    A plain `QLabel` reserves room for the proportions it likes best, which leaves gaps in forms.
    """

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self.setWordWrap(True)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for one line; :meth:`heightForWidth` says what is really needed."""
        return QSize(120, self.heightForWidth(10_000))

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Allow narrow columns."""
        return QSize(40, self.heightForWidth(10_000))


def hint_label(text: str = "") -> WrappedLabel:
    """Build a label for an explanation below a control: wrapped and less prominent."""
    label = WrappedLabel(text)
    label.setProperty("role", "hint")
    font = label.font()
    if font.pointSizeF() > 0:
        font.setPointSizeF(font.pointSizeF() * 0.92)
    label.setFont(font)
    return label


class SectionHeader(QLabel):
    """The title of a group of controls."""

    def __init__(self, text: str, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        font = self.font()
        font.setBold(True)
        self.setFont(font)
        self.setProperty("role", "section")
        self.setContentsMargins(0, 4, 0, 0)


class ElidedLabel(QLabel):
    """One line of text that is shortened in the middle where it does not fit.

    The whole text is its tool tip while it is shortened, and always its accessible name.
    """

    def __init__(
        self,
        text: str = "",
        parent: QWidget | None = None,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideMiddle,
    ) -> None:
        super().__init__(parent)
        self._mode = mode
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.setText(text)

    def setText(self, text: str) -> None:  # noqa: N802 - Qt's name
        """Show `text`."""
        super().setText(text)
        self.setAccessibleName(text)
        self._update_tip()

    def shown_text(self) -> str:
        """Return what fits into the present width."""
        metrics = QFontMetrics(self.font())
        return metrics.elidedText(self.text(), self._mode, self.contentsRect().width())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Allow any width."""
        return QSize(0, super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Shorten for the new width."""
        super().resizeEvent(event)
        self._update_tip()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the shortened text as the style draws labels."""
        painter = QPainter(self)
        option = QStyleOption()
        option.initFrom(self)
        self.style().drawItemText(
            painter,
            self.contentsRect(),
            int(self.alignment()),
            option.palette,
            self.isEnabled(),
            self.shown_text(),
            self.foregroundRole(),
        )
        painter.end()

    def _update_tip(self) -> None:
        self.setToolTip(tip_text(self.text()) if self.shown_text() != self.text() else "")


class Notice(WrappedLabel):
    """A sentence on a tinted ground: good, caution, refused or neutral.

    The text has to say the grade as well: a colour alone is not seen by everybody.
    """

    #: grade -> ground and text in the light theme, ground and text in the dark one
    _STYLES: ClassVar[dict[str, tuple[str, str, str, str]]] = {
        "neutral": ("", "", "", ""),
        "good": ("#e3f4e6", "#14532d", "#163a24", "#bdf0cb"),
        "caution": ("#fdf0d2", "#6b4300", "#44330c", "#ffe2a0"),
        "refused": ("#fbe3e1", "#7f1d1d", "#4a1c1c", "#ffc9c4"),
    }

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__("", parent)
        # What Qt would guess from a text depends on the names of files in it.
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse
            | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self._grade = "neutral"
        self._apply_style()

    @property
    def grade(self) -> str:
        """The grade that is shown."""
        return self._grade

    def show_notice(self, grade: str, text: str) -> None:
        """Show a text (rich) in the colours of `grade`; unknown grades are neutral."""
        grade = grade if grade in self._STYLES else "neutral"
        if grade != self._grade:
            self._grade = grade
            self._apply_style()
        if text != self.text():
            self.setText(text)

    def show_sentence(self, grade: str, sentence: str) -> None:
        """Show a plain text, as it is, in the colours of `grade`."""
        self.show_notice(grade, html.escape(sentence, quote=False))

    def changeEvent(self, event: Any) -> None:  # noqa: N802 - Qt's name
        """Follow a change between the light and the dark theme."""
        super().changeEvent(event)
        if event.type() in (event.Type.PaletteChange, event.Type.ApplicationPaletteChange):
            self._apply_style()

    def colors(self, dark: bool) -> tuple[str, str]:
        """Return ground and text of the grade; both are empty where the palette's are used."""
        ground, text, dark_ground, dark_text = self._STYLES[self._grade]
        return (dark_ground, dark_text) if dark else (ground, text)

    def _apply_style(self) -> None:
        # Not that of this widget, into which a style sheet writes.
        palette = QApplication.palette()
        ground, text = self.colors(is_dark(palette))
        if not ground:
            # Without one, Qt would keep the colours of the grade before.
            text = palette.color(QPalette.ColorRole.WindowText).name()
        sheet = f"Notice {{ padding: 8px; border-radius: 4px; color: {text};"
        sheet += f" background: {ground}; }}" if ground else " }"
        # Setting a style sheet changes the palette, which would call this again.
        if sheet != self.styleSheet():
            self.setStyleSheet(sheet)
