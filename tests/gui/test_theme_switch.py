"""Another theme while the program runs: whatever is written stays readable."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from controls import click, find
from PyQt5.QtGui import QColor, QImage, QPalette
from PyQt5.QtWidgets import QApplication, QListWidget, QTableWidget, QWidget

from flimage_gui import theme
from flimage_gui.labels import Notice
from flimage_gui.main_window import MainWindow


@pytest.fixture
def themed(qapp: QApplication) -> Iterator[QApplication]:
    """The program in light colours; it gets back those that it had."""
    palette, sheet = qapp.palette(), qapp.styleSheet()
    theme.apply_theme(qapp, theme.LIGHT)
    yield qapp
    qapp.setStyleSheet(sheet)
    qapp.setPalette(palette)


def contrast(first: QColor, second: QColor) -> float:
    """Return the ratio of luminances as WCAG defines it; 4.5 is enough for any text."""

    def luminance(color: QColor) -> float:
        parts = [
            v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4
            for v in (color.redF(), color.greenF(), color.blueF())
        ]
        return sum(w * v for w, v in zip((0.2126, 0.7152, 0.0722), parts, strict=True))

    low, high = sorted((luminance(first), luminance(second)))
    return (high + 0.05) / (low + 0.05)


def extremes(image: QImage) -> tuple[QColor, QColor]:
    """Return the darkest and the lightest colour of a picture."""
    colors = [
        QColor(image.pixel(x, y)) for x in range(image.width()) for y in range(image.height())
    ]
    return min(colors, key=QColor.lightness), max(colors, key=QColor.lightness)


@pytest.mark.parametrize("names", [("LIGHT", "DARK"), ("DARK", "LIGHT")], ids="-".join)
def test_the_words_of_the_legend_have_the_colour_of_the_text(
    qtbot, opened: MainWindow, themed, settle, names
) -> None:
    first, second = (getattr(theme, name) for name in names)
    theme.apply_theme(themed, first)
    click(qtbot, opened, "runBleachButton")
    settle(opened.session)
    legend = opened.trace_view._plots.legend
    assert "fit" in legend.texts
    theme.apply_theme(themed, second)
    qtbot.wait(20)
    for _, label in legend.item.items:
        assert second.text in label.item.toHtml(), label.text


def test_the_headings_of_the_metadata_have_the_ground_of_the_theme(
    qtbot, opened: MainWindow, themed
) -> None:
    table = find(opened, QTableWidget, "metadataTable")
    qtbot.waitUntil(lambda: table.rowCount() > 0)
    theme.apply_theme(themed, theme.DARK)
    qtbot.wait(20)
    heading = table.item(0, 0)
    assert heading.text() == "Series"
    text = themed.palette().color(QPalette.ColorRole.Text)
    assert contrast(heading.background().color(), text) > 7


def test_undone_steps_have_the_pale_colour_of_the_theme(qtbot, opened: MainWindow, themed) -> None:
    session = opened.session
    session.set_recipe(session.recipe.replace(border_px=3), "Border")
    session.undo()
    theme.apply_theme(themed, theme.DARK)
    qtbot.wait(20)
    undone = find(opened, QListWidget, "historyList").item(1)
    pale = themed.palette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.Text)
    assert undone.foreground().color() == pale


@pytest.mark.parametrize("grade", ["neutral", "good", "caution", "refused"])
@pytest.mark.parametrize("names", [("LIGHT", "DARK"), ("DARK", "LIGHT")], ids="-".join)
def test_a_notice_is_readable_after_another_theme(qtbot, themed, grade, names) -> None:
    first, second = (getattr(theme, name) for name in names)
    theme.apply_theme(themed, first)
    parent = QWidget()
    qtbot.addWidget(parent)
    notice = Notice(parent)
    parent.resize(300, 80)
    notice.resize(300, 60)
    notice.show_sentence(grade, "WWWW")
    parent.show()
    qtbot.waitExposed(parent)
    theme.apply_theme(themed, second)
    qtbot.wait(20)
    dark, light = extremes(notice.grab().toImage())
    assert contrast(dark, light) > 4.5


@pytest.mark.parametrize("names", [("LIGHT", "DARK"), ("DARK", "LIGHT")], ids="-".join)
def test_a_notice_that_was_tinted_before_gets_the_colour_of_the_text(qtbot, themed, names) -> None:
    first, second = (getattr(theme, name) for name in names)
    theme.apply_theme(themed, first)
    notice = Notice()
    qtbot.addWidget(notice)
    notice.resize(300, 60)
    notice.show_sentence("good", "WWWW")
    notice.show()
    qtbot.waitExposed(notice)
    theme.apply_theme(themed, second)
    qtbot.wait(20)
    notice.show_sentence("neutral", "WWWW")
    qtbot.wait(20)
    assert notice.palette().color(notice.foregroundRole()).name() == second.text
    assert contrast(*extremes(notice.grab().toImage())) > 10
