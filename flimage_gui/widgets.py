"""Small widgets that the panels share: quantities with units, headers, texts that fit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from PyQt5.QtCore import QObject, QSize, Qt, pyqtSignal
from PyQt5.QtGui import (
    QFontMetrics,
    QPainter,
    QPaintEvent,
    QPalette,
    QResizeEvent,
    QValidator,
    QWheelEvent,
)
from PyQt5.QtWidgets import (
    QAbstractSpinBox,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QLabel,
    QSizePolicy,
    QSpinBox,
    QStyle,
    QStyleOption,
    QStyleOptionComboBox,
    QStylePainter,
    QWidget,
)

from .quantities import DisplayUnit, choose_unit, format_number, parse_quantity

__all__ = [
    "ChoiceCombo",
    "ElidedLabel",
    "Notice",
    "NumberSpin",
    "QuantitySpin",
    "SectionHeader",
    "WrappedLabel",
    "add_row",
    "align_labels",
    "blocked",
    "describe",
    "fill_combo",
    "grow_to_fit",
    "hint_label",
    "is_dark",
    "make_form",
    "select_data",
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


class ChoiceCombo(QComboBox):
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
        option.currentText = self.fontMetrics().elidedText(
            option.currentText, Qt.TextElideMode.ElideRight, field.width() - 4
        )
        painter.drawComplexControl(QStyle.ComplexControl.CC_ComboBox, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()

    def showPopup(self) -> None:  # noqa: N802 - Qt's name
        """Open the list, wide enough for the longest item."""
        view = self.view()
        bar = self.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
        view.setMinimumWidth(max(self.width(), view.sizeHintForColumn(0) + bar + 12))
        super().showPopup()

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Let the panel scroll: a setting must not change because a pointer passes over it."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


class NumberSpin(QSpinBox):
    """A spin box that asks for nothing before a typed number is complete."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setKeyboardTracking(False)
        self.setAccelerated(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802 - Qt's name
        """Let the panel scroll: a setting must not change because a pointer passes over it."""
        if self.hasFocus():
            super().wheelEvent(event)
        else:
            event.ignore()


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
    layout = window.layout()
    if layout is None:
        return
    layout.activate()
    needed = layout.totalMinimumSize().height()
    if layout.hasHeightForWidth():
        needed = max(needed, layout.totalHeightForWidth(window.width()))
    if needed > window.height():
        window.resize(window.width(), needed)


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
        self.setToolTip(self.text() if self.shown_text() != self.text() else "")


class QuantitySpin(QDoubleSpinBox):
    """A number with a unit: shows ``200 ms``, understands ``0.2 s``; its value is in SI.

    Parameters
    ----------
    unit
        SI unit of the value: ``"s"`` or ``"m"``.
    typed_unit
        Unit that is meant when a person types a bare number into an empty box; afterwards it is
        the unit that the box shows.
    parent
        Qt parent.

    Notes
    -----
    A value of 0 stands for "not known" and shows as an empty text with a placeholder.
    """

    value_edited = pyqtSignal(float)

    def __init__(self, unit: str, typed_unit: DisplayUnit, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._unit = unit
        self._typed_unit = typed_unit
        self.setDecimals(15)
        self.setRange(0.0, 1e9)
        self.setKeyboardTracking(False)
        self.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.lineEdit().setPlaceholderText("not known")
        self.valueChanged.connect(self.value_edited)

    def textFromValue(self, value: float) -> str:  # noqa: N802 - Qt's name
        """Write the value with a prefix that suits it."""
        if value <= 0:
            return ""
        shown = choose_unit(value, self._unit)
        # Plain digits, because the person may go on typing in them.
        number = format_number(value / shown.scale, 6).replace("−", "-")
        return f"{number} {shown.symbol}"

    def valueFromText(self, text: str) -> float:  # noqa: N802 - Qt's name
        """Read a number with or without a unit."""
        value = parse_quantity(text, self._unit, self._meant_unit())
        return 0.0 if value is None else value

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Accept numbers with a known unit, and let a person type towards one."""
        if not text.strip():
            return QValidator.State.Acceptable, text, position
        value = parse_quantity(text, self._unit, self._meant_unit())
        if value is None:
            return QValidator.State.Intermediate, text, position
        inside = 0 <= value <= self.maximum()
        state = QValidator.State.Acceptable if inside else QValidator.State.Invalid
        return state, text, position

    def fixup(self, text: str) -> str:
        """Go back to the last value when a person leaves half-typed text behind."""
        return self.textFromValue(self.value())

    def stepBy(self, steps: int) -> None:  # noqa: N802 - Qt's name
        """Step from nothing to one of the usual unit, and otherwise in the shown digits."""
        if self.value() == 0 and steps > 0:
            self.setValue(self._typed_unit.scale)
            return
        shown = choose_unit(self.value(), self._unit)
        number = self.value() / shown.scale
        step = 1.0 if number >= 10 else 0.1
        self.setValue(max(0.0, round(number + steps * step, 6) * shown.scale))

    def _meant_unit(self) -> DisplayUnit:
        return choose_unit(self.value(), self._unit) if self.value() > 0 else self._typed_unit


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

    def show_notice(self, grade: str, html: str) -> None:
        """Show a text (rich) in the colours of `grade`; unknown grades are neutral."""
        grade = grade if grade in self._STYLES else "neutral"
        if grade != self._grade:
            self._grade = grade
            self._apply_style()
        if html != self.text():
            self.setText(html)

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
        ground, text = self.colors(is_dark(self.window().palette()))
        sheet = "Notice { padding: 8px; border-radius: 4px;"
        sheet += f" background: {ground}; color: {text}; }}" if ground else " }"
        # Setting a style sheet changes the palette, which would call this again.
        if sheet != self.styleSheet():
            self.setStyleSheet(sheet)
