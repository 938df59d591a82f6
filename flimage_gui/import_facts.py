"""What the import dialog says about a recording: kind of values, times, remarks, a picture."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt5.QtCore import Qt
from PyQt5.QtGui import QImage, QPixmap
from PyQt5.QtWidgets import QLabel

from flimage.quantities import format_duration

from .labels import hint_label
from .plain_words import without_options

if TYPE_CHECKING:
    from .import_dialog import RecordingFacts

__all__ = ["remarks", "stated_times", "stem", "thumbnail", "value_kind"]

#: Longest list of remarks that is shown.
_MOST_NOTES = 6


def stem(path: Path) -> str:
    """Return the name of a file without its ending."""
    return path.name.removesuffix(path.suffix).removesuffix(".ome")


def value_kind(dtype: np.dtype[Any]) -> str:
    """Say what kind of numbers pixels are."""
    bits = 8 * dtype.itemsize
    return {"u": f"{bits}-bit", "i": f"{bits}-bit (signed)"}.get(
        dtype.kind, f"{bits}-bit floating point"
    )


def stated_times(recording: RecordingFacts) -> str:
    """Describe the times that the file states; empty when there are none."""
    times = recording.times
    if times is None or recording.n_frames < 2:
        return ""
    steps = np.diff(times)
    span = format_duration(float(times[-1] - times[0]))
    median = float(np.median(steps))
    if np.allclose(steps, median, rtol=1e-3, atol=0):
        return f"every {format_duration(median)}, {span} in all"
    return (
        f"irregular, {format_duration(float(steps.min()))} to"
        f" {format_duration(float(steps.max()))}, {span} in all"
    )


def remarks(notes: Sequence[str]) -> QLabel | None:
    """Build a label with the notes of the reader."""
    if not notes:
        return None
    shown = [*notes[:_MOST_NOTES]]
    if len(notes) > _MOST_NOTES:
        shown.append(f"… and {len(notes) - _MOST_NOTES} more")
    label = hint_label("\n".join(f"• {without_options(note)}" for note in shown))
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setObjectName("importNotesLabel")
    return label


def thumbnail(image: np.ndarray, size: int, ratio: float) -> QPixmap:
    """Make a small grey picture of an image, stretched between its percentiles."""
    values = np.asarray(image, dtype=np.float32)
    finite = values[np.isfinite(values)]
    low, high = (float(v) for v in np.percentile(finite, (0.5, 99.5))) if finite.size else (0, 1)
    scaled = (np.nan_to_num(values, nan=low) - low) / ((high - low) or 1.0)
    grey = np.ascontiguousarray((np.clip(scaled, 0, 1) * 255).astype(np.uint8))
    height, width = grey.shape
    # Qt does not keep the values: `grey` has to live until the pixmap has copied them.
    picture = QImage(grey.data, width, height, width, QImage.Format.Format_Grayscale8)
    pixmap = QPixmap.fromImage(picture).scaled(
        int(size * ratio),
        int(size * ratio),
        Qt.AspectRatioMode.KeepAspectRatio,
        Qt.TransformationMode.SmoothTransformation,
    )
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
