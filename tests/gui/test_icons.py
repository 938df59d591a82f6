"""Icons are drawn wherever Qt asks for them, however little room there is."""

from __future__ import annotations

import pytest
from PyQt5.QtCore import QSize
from PyQt5.QtGui import QColor
from PyQt5.QtWidgets import QPushButton, QToolButton

from flimage_gui import assets, theme


@pytest.mark.parametrize("size", [(16, 0), (0, 16), (0, 0), (-1, 16)])
def test_an_icon_without_room_is_nothing_and_no_complaint(qtbot, size: tuple[int, int]) -> None:
    assert assets.icon("region").pixmap(QSize(*size)).isNull()


@pytest.mark.parametrize("height", [1, 2, 6, 7, 8])
def test_a_button_that_is_a_few_lines_high_is_drawn(qtbot, height: int) -> None:
    button = QToolButton()
    qtbot.addWidget(button)
    button.setIcon(assets.icon("region"))
    button.resize(36, height)
    # A warning of Qt fails the test.
    assert button.grab().height() == height


@pytest.mark.parametrize("name", ["exportWriteButton", "exportAsWriteButton"])
def test_what_writes_has_the_accent_in_every_dialog(qtbot, qapp, name: str) -> None:
    palette, before = qapp.palette(), qapp.styleSheet()
    button = QPushButton("Write")
    qtbot.addWidget(button)
    button.setObjectName(name)
    theme.apply_theme(qapp, theme.LIGHT)
    try:
        image = button.grab().toImage()
        assert QColor(image.pixel(button.width() // 2, 3)).name() == theme.LIGHT.accent
    finally:
        qapp.setStyleSheet(before)
        qapp.setPalette(palette)
