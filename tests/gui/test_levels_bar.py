"""The histogram beside the image."""

from __future__ import annotations

import numpy as np
import pytest

from flimage_gui import levels_bar
from flimage_gui.levels_bar import LevelsBar, histogram


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> list[tuple[float, float]]:
    """Spans between which an image was counted."""
    spans: list[tuple[float, float]] = []

    def noted(image: np.ndarray, low: float, high: float) -> np.ndarray:
        spans.append((low, high))
        return histogram(image, low, high)

    monkeypatch.setattr(levels_bar, "histogram", noted)
    return spans


def test_an_image_and_its_levels_are_counted_once_and_only_when_they_are_drawn(
    qtbot, counted: list[tuple[float, float]]
) -> None:
    bar = LevelsBar()
    qtbot.addWidget(bar)
    image = np.arange(10_000, dtype=np.float32).reshape(100, 100)
    bar.show_levels((0.0, 100.0))
    bar.show_image(image)
    bar.show_levels((0.0, 8000.0))
    assert counted == []
    bar.resize(bar.sizeHint())
    before = bar.grab().toImage()
    bar.grab()
    assert counted == [(-2000.0, 10_000.0)]
    bar.show_image(image[:, :1])
    assert bar.grab().toImage() != before
    assert len(counted) == 2
