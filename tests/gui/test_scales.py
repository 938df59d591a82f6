"""What is drawn is whole at every scale of the screen."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QApplication, QDialog, QPushButton
from PyQt5.QtGui import QColor
from flimage_gui import theme

app = QApplication([])
theme.apply_theme(app, getattr(theme, "{name}"))
dialog = QDialog()
dialog.resize(300, 560)
for top in range(11, 531, 26):
    button = QPushButton("Close", dialog)
    button.setAutoDefault(False)
    button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    button.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
    button.move(40, top)
    button.resize(80, 25)
dialog.show()
scale = dialog.devicePixelRatioF()
image = dialog.grab().toImage()
ground = QColor(theme.{name}.window).lightness()

def off(x, y):
    return abs(QColor(image.pixel(x, y)).lightness() - ground)

# In every column through a button, its upper and its lower edge.
for top in range(11, 531, 26):
    x = round(50 * scale)
    upper = max(off(x, round(top * scale) + d) for d in (-1, 0, 1, 2))
    lower = max(off(x, round((top + 25) * scale) + d) for d in (-3, -2, -1, 0, 1))
    print(top, upper, lower)
"""


@pytest.mark.parametrize("scale", ["1.041", "1.25", "1.5", "2"])
@pytest.mark.parametrize("name", ["LIGHT", "DARK"])
def test_buttons_have_a_lower_edge(scale: str, name: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(name=name)],
        env={
            **os.environ,
            "QT_QPA_PLATFORM": "offscreen",
            "QT_SCALE_FACTOR": scale,
            "QT_SCALE_FACTOR_ROUNDING_POLICY": "PassThrough",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    rows = [tuple(map(int, line.split())) for line in done.stdout.splitlines()]
    assert len(rows) == 20
    for top, upper, lower in rows:
        assert lower > 0.6 * upper > 10, (top, upper, lower)
