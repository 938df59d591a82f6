"""A window shows that what is dragged over it may be dropped."""

from __future__ import annotations

from pathlib import Path

import pytest
from controls import find
from PyQt5.QtCore import QEvent, QMimeData, QPoint, Qt, QUrl
from PyQt5.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PyQt5.QtWidgets import QApplication, QWidget

from flimage_gui.batch_window import BatchWindow
from flimage_gui.drop_hint import DropHint
from flimage_gui.main_window import MainWindow

_LEFT, _PLAIN = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


def urls(path: Path) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path))])
    return data


def send(window: QWidget, kind: type, data: QMimeData) -> QEvent:
    event = kind(QPoint(60, 60), Qt.DropAction.CopyAction, data, _LEFT, _PLAIN)
    QApplication.sendEvent(window, event)
    return event


def test_the_hint_covers_the_window_until_the_file_leaves_or_is_dropped(
    qtbot, window: MainWindow, recording: Path, settle
) -> None:
    hint = find(window, DropHint, "dropHint")
    data = urls(recording)
    assert not hint.isVisible()
    assert send(window, QDragEnterEvent, data).isAccepted()
    assert hint.isVisible()
    assert hint.text == "Drop to open"
    assert hint.geometry() == window.rect()
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not hint.isVisible()
    send(window, QDragEnterEvent, data)
    send(window, QDropEvent, data)
    assert not hint.isVisible()
    qtbot.waitUntil(lambda: window.session.path == recording)
    settle(window.session)


def test_what_cannot_be_dropped_brings_no_hint(window: MainWindow) -> None:
    data = QMimeData()
    data.setText("a word")
    send(window, QDragEnterEvent, data)
    assert not find(window, DropHint, "dropHint").isVisible()


@pytest.mark.parametrize("ending", ["leave", "drop"])
def test_a_batch_has_a_hint_of_its_own(qtbot, recording: Path, ending: str) -> None:
    batch = BatchWindow()
    qtbot.addWidget(batch)
    batch.show()
    data = urls(recording)
    send(batch, QDragEnterEvent, data)
    hint = find(batch, DropHint, "dropHint")
    assert hint.isVisible()
    assert hint.text == "Drop to add"
    if ending == "leave":
        QApplication.sendEvent(batch, QDragLeaveEvent())
    else:
        send(batch, QDropEvent, data)
        qtbot.waitUntil(lambda: len(batch.queue.recordings) == 1)
    assert not hint.isVisible()
