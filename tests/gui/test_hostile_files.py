"""Files from strangers in the window: texts are shown as texts, other files' pixels never."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from PyQt5.QtCore import QAbstractListModel, QModelIndex, Qt
from PyQt5.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QLabel,
    QMessageBox,
    QWidget,
)
from recordings import decaying, write_series

from flimage import FLImage, FLSeries
from flimage.image_group import RAW

#: Markup that Qt would obey if it took a text for HTML; it would load the picture from the disk.
EVIL = '<img src="/etc/passwd" width=900><b>bold</b><a href="file:///">x</a>'


@pytest.fixture
def evil(tmp_path: Path) -> Path:
    """A series whose texts, and whose name, are markup."""
    path = tmp_path / "<b>cells<img src=x>.h5".replace("/", "")
    with FLSeries(h5file=path, h5mode="w", identifier=EVIL) as series:
        for number, image in enumerate(decaying(6)):
            meta = {
                "time": 0.5 * number,
                "pixel size": 1e-7,
                "identifier": f"{number} {EVIL}",
                "software": EVIL,
                "device": EVIL,
                "date": EVIL,
            }
            series.add_flimage(FLImage(image, meta_data=meta))
        series.h5.attrs["conversion"] = EVIL
        series.h5.attrs[EVIL] = EVIL
    return path


def _is_obeyed(text: str) -> bool:
    """Tell whether a text is taken for HTML and holds tags that came from the file."""
    return Qt.mightBeRichText(text) and ("<img" in text or "<b>bold" in text or "<b>cells" in text)


def _tool_tips(view: QAbstractItemView) -> list[str]:
    model = view.model()
    found: list[str] = []

    flat = isinstance(model, QAbstractListModel)

    def look(parent: QModelIndex) -> None:
        for row in range(min(model.rowCount(parent), 50)):
            for column in range(1 if flat else model.columnCount(parent)):
                index = model.index(row, column, parent)
                found.append(str(index.data(Qt.ItemDataRole.ToolTipRole) or ""))
                if column == 0:
                    look(index)

    if model is not None:
        look(QModelIndex())
    return found


def obeyed() -> list[str]:
    """Find texts of the file that Qt takes for markup, in labels, dialogs and tool tips."""
    found = []
    for widget in QApplication.allWidgets():
        where = f"{type(widget).__name__} {widget.objectName()!r}"
        if isinstance(widget, QLabel) and widget.textFormat() != Qt.TextFormat.PlainText:
            text = widget.text()
            rich = widget.textFormat() == Qt.TextFormat.RichText
            if _is_obeyed(text) or (rich and "<img" in text):
                found.append(f"label {where}: {text[:200]}")
        if isinstance(widget, QMessageBox) and _is_obeyed(widget.text()):
            found.append(f"question {where}: {widget.text()[:200]}")
        if _is_obeyed(widget.toolTip()):
            found.append(f"tool tip of {where}: {widget.toolTip()[:200]}")
        if isinstance(widget, QAbstractItemView):
            found += [
                f"tip in {where}: {tip[:200]}" for tip in _tool_tips(widget) if _is_obeyed(tip)
            ]
        for action in widget.actions() if isinstance(widget, QWidget) else ():
            if _is_obeyed(action.toolTip()):
                found.append(f"action {action.text()!r}: {action.toolTip()[:200]}")
    return found


def test_markup_in_a_file_is_shown_as_text(window, settle, evil: Path, qtbot) -> None:
    session = window.session
    window.open_path(evil)
    settle(session)
    assert session.source is not None, window.message_bar.text
    for number in (0, 3, 5):
        session.set_frame(number)
        settle(session)
    assert obeyed() == []


def test_markup_in_a_name_is_text_in_errors(window, settle, tmp_path: Path) -> None:
    for content in (b"", b"\x89HDF\r\n\x1a\n" + bytes(100)):
        path = tmp_path / "<b>cells<img src=x>.h5"
        path.write_bytes(content)
        window.open_path(path)
        settle(window.session)
        assert "<b>cells" in window.message_bar.text
        assert obeyed() == []


def test_a_frame_that_leads_to_another_file_is_named_and_never_shown(
    window, settle, tmp_path: Path
) -> None:
    secret = write_series(tmp_path / "secret.h5", np.full((6, 60, 80), 4242, np.float32))
    path = write_series(tmp_path / "stranger.h5", decaying(6))
    with h5py.File(path, "r+") as file:
        for number in (0, 2):
            del file[f"fli_{number}"][RAW]
            file[f"fli_{number}"][RAW] = h5py.ExternalLink(str(secret), f"fli_0/{RAW}")
    session = window.session
    shown: list[float] = []
    failed: list[tuple[int, str]] = []
    session.frame_ready.connect(lambda number, display, image: shown.append(float(np.max(image))))
    session.frame_failed.connect(lambda index, display, error: failed.append((index, str(error))))
    window.open_path(path)
    settle(session)
    assert session.source is not None, window.message_bar.text
    for number in range(6):
        session.set_frame(number)
        settle(session)
    assert shown, "the other frames are shown"
    assert max(shown) < 4242
    assert {index for index, text in failed if "not followed" in text} == {0, 2}
