"""The preferences: every setting with what it does, applied at once."""

from __future__ import annotations

from typing import Any

from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QSpinBox,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from . import assets
from .settings import Preference, Preferences, Settings
from .spin_boxes import NumberSpin
from .widgets import ChoiceCombo, blocked, describe

__all__ = ["PreferencesDialog"]

_SIZE = (600, 620)
#: Width of what a value is chosen with [px].
_FIELD_WIDTH = 230
REMEMBERED = "Remembered"


def default_text(preference: Preference[Any]) -> str:
    """Return the default as a person reads it."""
    default = preference.default
    if isinstance(default, bool):
        return "on" if default else "off"
    if preference.texts:
        return preference.texts[preference.choices.index(default)]
    return str(default)


def object_name(preference: Preference[Any], suffix: str) -> str:
    """Return the object name of a widget that belongs to a preference."""
    first, *others = preference.key.replace("/", "_").split("_")
    return f"preference{first.capitalize()}{''.join(map(str.capitalize, others))}{suffix}"


class _Row:
    """Label, control, explanation and reset of one preference."""

    def __init__(self, preference: Preference[Any], settings: Settings) -> None:
        self._preference = preference
        self._settings = settings
        self.control = self._make_control()
        describe(self.control, object_name(preference, "Control"), preference.label)
        self.control.setAccessibleDescription(preference.explanation)
        self.reset = QToolButton()
        self.reset.setProperty("flat", True)
        self.reset.setIcon(assets.icon("undo"))
        text = default_text(preference)
        describe(
            self.reset,
            object_name(preference, "Reset"),
            f"Reset {preference.label}",
            f"Go back to the default: {text}.",
        )
        self.reset.clicked.connect(lambda: settings.reset(preference))
        self.explanation = QLabel(f"{preference.explanation} Default: {text}.")
        self.explanation.setObjectName(object_name(preference, "Explanation"))
        self.explanation.setWordWrap(True)
        self.explanation.setProperty("role", "hint")
        self.refresh()

    def _make_control(self) -> QWidget:
        preference, settings = self._preference, self._settings
        control: QWidget
        if isinstance(preference.default, bool):
            control = QCheckBox(preference.label)
            control.toggled.connect(lambda value: settings.set(preference, value))
        elif preference.choices:
            control = ChoiceCombo()
            texts = preference.texts or preference.choices
            for text, value in zip(texts, preference.choices, strict=True):
                control.addItem(text, value)
            control.currentIndexChanged.connect(
                lambda index: settings.set(preference, preference.choices[index])
            )
        else:
            control = NumberSpin()
            control.setRange(round(preference.minimum), round(preference.maximum))
            control.setSingleStep(max(1, round(preference.minimum)))
            control.valueChanged.connect(lambda value: settings.set(preference, value))
        if not isinstance(control, QCheckBox):
            control.setFixedWidth(_FIELD_WIDTH)
        return control

    def refresh(self) -> None:
        """Show the value that is kept."""
        value, control = self._settings.get(self._preference), self.control
        with blocked(control):
            if isinstance(control, QCheckBox):
                control.setChecked(value)
            elif isinstance(control, QComboBox):
                control.setCurrentIndex(self._preference.choices.index(value))
            elif isinstance(control, QSpinBox):
                control.setValue(value)
        self.reset.setEnabled(value != self._preference.default)


class PreferencesDialog(QDialog):
    """Shows all preferences by group; what is changed counts at once, in all windows.

    Parameters
    ----------
    settings
        The preferences.
    parent
        The window.
    """

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("preferencesDialog")
        self.setWindowTitle("Preferences")
        self._settings = settings
        self._rows: dict[str, _Row] = {}
        self._forget: dict[str, QPushButton] = {}
        metrics = self.fontMetrics()
        self._label_width = max(
            metrics.horizontalAdvance(each.label)
            for each in Preferences.all()
            if each.group and not isinstance(each.default, bool)
        )
        page = QWidget()
        page.setObjectName("preferencesPage")
        column = QVBoxLayout(page)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(6)
        groups = dict.fromkeys(each.group for each in Preferences.all() if each.group)
        for group in groups:
            column.addWidget(_heading(group))
            column.addLayout(self._build_group(group))
            column.addSpacing(10)
        column.addWidget(_heading(REMEMBERED))
        column.addLayout(self._build_remembered())
        column.addStretch(1)
        area = QScrollArea()
        area.setObjectName("preferencesScroll")
        area.setWidgetResizable(True)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.setWidget(page)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        close = buttons.button(QDialogButtonBox.StandardButton.Close)
        close.setObjectName("preferencesCloseButton")
        reset_all = buttons.addButton("&Reset all", QDialogButtonBox.ButtonRole.ResetRole)
        reset_all.setObjectName("preferencesResetAllButton")
        reset_all.setAutoDefault(False)
        reset_all.clicked.connect(self._on_reset_all_clicked)
        buttons.rejected.connect(self.reject)
        note = QLabel("What you change here counts at once, in all windows.")
        note.setProperty("role", "hint")
        bottom = QHBoxLayout()
        bottom.setContentsMargins(16, 4, 16, 12)
        bottom.addWidget(note, 1)
        bottom.addWidget(buttons)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area, 1)
        layout.addLayout(bottom)
        settings.changed.connect(self._on_settings_changed)
        self.resize(*_SIZE)

    def _build_group(self, group: str) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setVerticalSpacing(2)
        grid.setColumnStretch(1, 1)
        grid.setColumnMinimumWidth(0, self._label_width)
        for preference in Preferences.all():
            if preference.group != group:
                continue
            row = self._rows[preference.key] = _Row(preference, self._settings)
            at = grid.rowCount()
            if isinstance(row.control, QCheckBox):
                grid.addWidget(row.control, at, 0, 1, 2)
            else:
                label = QLabel(preference.label)
                label.setBuddy(row.control)
                grid.addWidget(label, at, 0)
                grid.addWidget(row.control, at, 1, Qt.AlignmentFlag.AlignLeft)
            grid.addWidget(row.reset, at, 2)
            grid.addWidget(row.explanation, at + 1, 0, 1, 2)
            grid.setRowMinimumHeight(at + 2, 8)
        return grid

    def _build_remembered(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(10)
        grid.setColumnStretch(0, 1)
        for preference in Preferences.all():
            if preference.group:
                continue
            at = grid.rowCount()
            label = QLabel(f"{preference.label}: {preference.explanation}")
            label.setObjectName(object_name(preference, "Explanation"))
            label.setWordWrap(True)
            button = QPushButton("Forget")
            button.setAutoDefault(False)
            describe(button, object_name(preference, "Reset"), f"Forget: {preference.label}")
            button.clicked.connect(lambda _checked, each=preference: self._settings.reset(each))
            self._forget[preference.key] = button
            grid.addWidget(label, at, 0)
            grid.addWidget(button, at, 1)
        self._refresh_remembered()
        return grid

    def _refresh_remembered(self) -> None:
        for preference in Preferences.all():
            if not preference.group:
                known = self._settings.get(preference) != preference.default
                self._forget[preference.key].setEnabled(known)

    def _on_settings_changed(self, preference: Preference[Any]) -> None:
        row = self._rows.get(preference.key)
        if row is not None:
            row.refresh()
        else:
            self._refresh_remembered()

    def _on_reset_all_clicked(self) -> None:
        for preference in Preferences.all():
            if preference.group:
                self._settings.reset(preference)


def _heading(text: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("role", "section")
    font = label.font()
    font.setBold(True)
    label.setFont(font)
    return label
