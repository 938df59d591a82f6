"""Spin boxes for whole numbers and for quantities with units."""

from __future__ import annotations

from PyQt5.QtCore import QSize, pyqtSignal
from PyQt5.QtGui import QValidator
from PyQt5.QtWidgets import QAbstractSpinBox, QDoubleSpinBox, QSizePolicy, QSpinBox, QWidget

from flimage.quantities import DisplayUnit, choose_unit, format_number, parse_quantity

from .wheel import SteadyUnderWheel

_STATES = (QValidator.State.Intermediate, QValidator.State.Acceptable)

__all__ = ["DecimalSpin", "NumberSpin", "QuantitySpin", "ValueSpin"]


class NumberSpin(SteadyUnderWheel, QSpinBox):
    """A spin box that asks for nothing before a typed number is complete."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setKeyboardTracking(False)
        self.setAccelerated(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)


class DecimalSpin(SteadyUnderWheel, QDoubleSpinBox):
    """The same for numbers with decimals."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setKeyboardTracking(False)


class QuantitySpin(DecimalSpin):
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
        self.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        example = "0.5" if unit == "s" else "0.1"
        self.lineEdit().setPlaceholderText(f"not known; e.g. {example} {typed_unit.symbol}")
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


class ValueSpin(DecimalSpin):
    """A number without more digits than it needs; understands ``0,5`` and ``2e3``.

    Parameters
    ----------
    low, high
        Its range.
    parent
        Qt parent.
    """

    def __init__(self, low: float, high: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setDecimals(15)
        self.setRange(low, high)
        self.setStepType(QAbstractSpinBox.StepType.AdaptiveDecimalStepType)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def textFromValue(self, value: float) -> str:  # noqa: N802 - Qt's name
        """Write a value."""
        return f"{value:.10g}"

    def valueFromText(self, text: str) -> float:  # noqa: N802 - Qt's name
        """Read a number."""
        value = parse_quantity(text, "")
        return self.value() if value is None else value

    def validate(self, text: str, position: int) -> tuple[QValidator.State, str, int]:
        """Accept numbers of the range, and let a person type towards one."""
        value = parse_quantity(text, "")
        is_fine = value is not None and self.minimum() <= value <= self.maximum()
        return _STATES[is_fine], text, position

    def fixup(self, text: str) -> str:
        """Go back to the last value when a person leaves half-typed text behind."""
        return self.textFromValue(self.value())

    def sizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for the room of a usual value, not of the largest."""
        return QSize(90, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:  # noqa: N802 - Qt's name
        """Ask for the room of a usual value, not of the largest."""
        return QSize(90, super().minimumSizeHint().height())
