"""Small widgets that the panels share: quantities with units, headers, texts that fit."""

from __future__ import annotations

import html
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from PyQt5.QtCore import QObject, Qt
from PyQt5.QtGui import QPaintEvent, QPalette
from PyQt5.QtWidgets import (
    QComboBox,
    QFormLayout,
    QLabel,
    QLayout,
    QPushButton,
    QSizePolicy,
    QStyle,
    QStyleOptionComboBox,
    QStylePainter,
    QToolButton,
    QWidget,
)

from .wheel import SteadyUnderWheel

__all__ = [
    "ChoiceCombo",
    "ShrinkingButton",
    "add_row",
    "align_labels",
    "blocked",
    "describe",
    "fill_combo",
    "fit_height",
    "grow_to_fit",
    "is_dark",
    "make_dense",
    "make_form",
    "select_data",
    "spare_room",
    "tip_text",
]


@contextmanager
def blocked(*objects: QObject) -> Iterator[None]:
    """Let widgets show the state of the session without asking it for the same again."""
    before = [(each, each.blockSignals(True)) for each in objects]
    try:
        yield
    finally:
        for each, was_blocked in before:
            each.blockSignals(was_blocked)


def is_dark(palette: QPalette) -> bool:
    """Tell whether `palette` writes light on dark."""
    return bool(
        palette.color(QPalette.ColorRole.Window).lightness()
        < palette.color(QPalette.ColorRole.WindowText).lightness()
    )


def tip_text(text: str) -> str:
    """Return a text of a file as a tool tip: Qt takes what looks like HTML for it."""
    return f"<span>{html.escape(text)}</span>" if Qt.mightBeRichText(text) else text


def make_dense(button: QPushButton) -> None:
    """Give a button no more room than its words need: where several stand beside each other."""
    button.setProperty("dense", True)
    words = button.fontMetrics().size(Qt.TextFlag.TextShowMnemonic, button.text()).width()
    button.setMinimumWidth(words + 18)
    button.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Fixed)


def describe(widget: QWidget, object_name: str, accessible_name: str, tool_tip: str = "") -> None:
    """Give `widget` the names by which tests, scripts and screen readers find it.

    Parameters
    ----------
    widget
        The control.
    object_name
        Qt object name, in camel case.
    accessible_name
        What a screen reader says.
    tool_tip
        What the control does, in the words of its user. It is also the accessible description.
    """
    widget.setObjectName(object_name)
    widget.setAccessibleName(accessible_name)
    if tool_tip:
        # Rich text makes Qt wrap the tip instead of drawing one line across the screen.
        widget.setToolTip(f"<p>{tool_tip}</p>")
        widget.setAccessibleDescription(tool_tip)


def add_row(form: QFormLayout, text: str, field: QWidget, buddy: QWidget | None = None) -> QLabel:
    """Add a row whose label jumps to `buddy` (or the field itself) with its mnemonic."""
    label = QLabel(text)
    label.setBuddy(buddy or field)
    form.addRow(label, field)
    return label


class ChoiceCombo(SteadyUnderWheel, QComboBox):
    """A combo box that may be narrower than its items; its list is as wide as they are."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.setMinimumContentsLength(10)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the chosen item, shortened where it does not fit."""
        painter = QStylePainter(self)
        option = QStyleOptionComboBox()
        self.initStyleOption(option)
        field = self.style().subControlRect(
            QStyle.ComplexControl.CC_ComboBox, option, QStyle.SubControl.SC_ComboBoxEditField, self
        )
        picture = 0 if option.currentIcon.isNull() else option.iconSize.width() + 4
        text = self.fontMetrics().elidedText(
            option.currentText, Qt.TextElideMode.ElideRight, field.width() - 4 - picture
        )
        # Beside a picture, a letter or two say nothing.
        option.currentText = "" if picture and text != option.currentText else text
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        """Open the list, wide enough for the longest item."""
        view = self.view()
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        view.setMinimumWidth(max(self.width(), view.sizeHintForColumn(0) + bar + 12))
        super().showPopup()


class ShrinkingButton(QToolButton):
    """A button with icon and text that can do with the icon alone."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)

    @property
    def shows_text(self) -> bool:
        """Whether the text is shown."""
        return self.toolButtonStyle() != Qt.ToolButtonStyle.ToolButtonIconOnly

    @shows_text.setter
    def shows_text(self, shows: bool) -> None:
        style = Qt.ToolButtonStyle
        self.setToolButtonStyle(
            style.ToolButtonTextBesideIcon if shows else style.ToolButtonIconOnly
        )

    @property
    def text_room(self) -> int:
        """Room that the text takes beside the icon [px]."""
        shown = self.shows_text
        widths = []
        for shows in (True, False):
            self.shows_text = shows
            widths.append(self.sizeHint().width())
        self.shows_text = shown
        return widths[0] - widths[1]


def spare_room(row: QLayout, width: int, spare: Sequence[QWidget]) -> None:
    """Hide what can be done without, one after the other, where a row has not enough room.

    Of buttons that can shrink, only the text is left out.

    Parameters
    ----------
    row
        Layout that holds all of `spare`.
    width
        Room that there is [px].
    spare
        Widgets to be hidden, the first one first.
    """
    # Otherwise it tells what was needed before.
    row.invalidate()
    room = width - row.minimumSize().width()
    for widget in spare:
        if room < 0 and _is_whole(widget):
            room += _needed(widget, row)
            _show_whole(widget, False)
    for widget in reversed(spare):
        if not _is_whole(widget) and room >= (needed := _needed(widget, row)):
            room -= needed
            _show_whole(widget, True)


def _is_whole(widget: QWidget) -> bool:
    return widget.shows_text if isinstance(widget, ShrinkingButton) else not widget.isHidden()


def _show_whole(widget: QWidget, whole: bool) -> None:
    if isinstance(widget, ShrinkingButton):
        widget.shows_text = whole
    else:
        widget.setVisible(whole)


def _needed(widget: QWidget, row: QLayout) -> int:
    if isinstance(widget, ShrinkingButton):
        return widget.text_room
    return widget.minimumSizeHint().width() + row.spacing()


def make_form() -> QFormLayout:
    """Build a form whose fields fill the width and whose labels start at the left edge."""
    form = QFormLayout()
    form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
    form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft)
    form.setHorizontalSpacing(8)
    form.setVerticalSpacing(6)
    return form


def align_labels(*forms: QFormLayout, others: Sequence[QLabel] = ()) -> None:
    """Give the labels of several forms, and some others, the same width."""
    labels = list(others)
    labels += [
        item.widget()
        for form in forms
        for row in range(form.rowCount())
        if (item := form.itemAt(row, QFormLayout.ItemRole.LabelRole)) is not None
    ]
    width = max(label.sizeHint().width() for label in labels)
    for label in labels:
        label.setMinimumWidth(width)


def grow_to_fit(window: QWidget) -> None:
    """Make a dialog higher where its texts have come to need more lines."""
    needed = _height_needed(window)
    if needed > window.height():
        window.resize(window.width(), needed)


def fit_height(window: QWidget) -> None:
    """Make a dialog as high as what is in it, after parts of it were shown or hidden."""
    # Those inside first: otherwise the outer ones hear of it one after the other, later.
    for each in reversed(window.findChildren(QWidget)):
        if each.layout() is not None:
            each.layout().activate()
    window.resize(window.width(), _height_needed(window))


def _height_needed(window: QWidget) -> int:
    layout = window.layout()
    if layout is None:
        return 0
    layout.activate()
    needed = layout.totalMinimumSize().height()
    if layout.hasHeightForWidth():
        needed = max(needed, layout.totalHeightForWidth(window.width()))
    return int(needed)


def fill_combo(combo: QComboBox, items: Sequence[tuple[str, Any, str]]) -> None:
    """Fill a combo box with (text, data, tool tip) and select the first item, silently."""
    with blocked(combo):
        combo.clear()
        for text, data, tip in items:
            combo.addItem(text, data)
            if tip:
                combo.setItemData(combo.count() - 1, f"<p>{tip}</p>", Qt.ItemDataRole.ToolTipRole)


def select_data(combo: QComboBox, data: Any) -> None:
    """Show the item that holds `data`, silently; show no item when there is none."""
    index = next((i for i in range(combo.count()) if combo.itemData(i) == data), -1)
    if combo.currentIndex() != index:
        with blocked(combo):
            combo.setCurrentIndex(index)
