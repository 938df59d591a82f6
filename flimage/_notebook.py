"""How images and series show themselves in a Jupyter notebook."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .errors import FlimageError
from .htmlpage import safe
from .quantities import format_count, format_duration, format_quantity, time_unit
from .svgplot import Layer, plot
from .thumbnails import contrast, picture

if TYPE_CHECKING:
    from .core import FLImage
    from .series import FLSeries

__all__ = ["image_html", "series_html"]

#: Frames that are read for the trace of a series: a notebook must answer at once.
_TRACE_FRAMES = 48

#: Width of pictures [px].
_WIDTH = 180


def image_html(fli: FLImage) -> str:
    """Show an image: picture, size and metadata.

    Parameters
    ----------
    fli
        The image; a closed one is shown by its name.
    """
    if not fli.h5:
        return f"<p>{safe(repr(fli))}</p>"
    image = fli.fl
    meta = fli.meta
    height, width = image.shape
    rows = [
        ("size", f"{width} × {height} px, {fli.dtype}"),
        ("mean", f"{np.nanmean(image):.6g} counts" if np.isfinite(image).any() else "–"),
        *_common(meta),
    ]
    shown = picture(image, contrast([image]), safe(meta.get("identifier", "image")), _WIDTH)
    return _box(repr(fli), [shown, _table(rows)])


def series_html(series: FLSeries) -> str:
    """Show a series: first and last frame in one contrast, a trace, and what is known of it.

    Parameters
    ----------
    series
        The series; a closed one is shown by its name.
    """
    if not series.h5 or not len(series):
        return f"<p>{safe(repr(series))}</p>"
    from .source import SeriesSource

    try:
        source = SeriesSource(series)
        count = len(source)
        chosen = np.unique(np.linspace(0, count - 1, _TRACE_FRAMES).round().astype(int))
        first, last = source.image(0), source.image(count - 1)
        means = np.array([_mean(source.image(int(frame))) for frame in chosen])
    except (FlimageError, OSError) as error:
        # A damaged recording must not keep a notebook from showing what it is.
        return f"<p>{safe(repr(series))}<br>{safe(error)}</p>"
    meta = source.meta(0)
    times = source.times
    height, width = source.shape
    known = times[np.isfinite(times)]
    span = "none"
    if known.size:
        span = f"{format_duration(float(known.min()))} … {format_duration(float(known.max()))}"
    rows = [
        ("frames", f"{format_count(count, 'frame')} of {width} × {height} px"),
        ("times", span),
        *_common({k: v for k, v in meta.items() if k not in ("time", "identifier")}),
    ]
    if series.path is not None:
        rows.insert(0, ("file", series.path.name))
    levels = contrast([first, last])
    pictures = picture(first, levels, "first frame", _WIDTH)
    if count > 1:
        pictures += " " + picture(last, levels, "last frame", _WIDTH)
    return _box(repr(series), [pictures, _trace(times, chosen, means), _table(rows)])


def _mean(image: npt.NDArray[Any]) -> float:
    finite = image[np.isfinite(image)]
    return float(finite.mean(dtype=float)) if finite.size else float("nan")


def _trace(times: npt.NDArray[Any], chosen: npt.NDArray[Any], means: npt.NDArray[Any]) -> str:
    if means.size < 2:
        return ""
    x, label = chosen.astype(float), "Frame"
    if np.isfinite(times[chosen]).all():
        unit = time_unit(float(np.ptp(times)))
        x, label = times[chosen] / unit.scale, f"Time ({unit.symbol})"
    return plot(
        [Layer("line", x, means), Layer("points", x, means)],
        x_label=label,
        y_label="Mean (counts)",
        title="Mean of the frames, background images subtracted",
        width=380,
        height=170,
        zero=True,
    )


def _common(meta: Any) -> Iterable[tuple[str, str]]:
    """Metadata in the units that people read."""
    units = {
        "pixel size": "m",
        "time": "s",
        "focus": "m",
        "pos x": "m",
        "pos y": "m",
        "angle": "rad",
    }
    for key, value in sorted(meta.items()):
        if key.endswith(" version"):
            continue
        number = isinstance(value, (int, float, np.number))
        yield key, format_quantity(float(value), units[key]) if number and key in units else value


def _table(rows: Iterable[tuple[str, Any]]) -> str:
    body = "".join(
        f'<tr><th style="text-align:left">{safe(name)}</th>'
        f'<td style="text-align:left">{safe(value)}</td></tr>'
        for name, value in rows
    )
    return f"<table>{body}</table>"


def _box(title: str, parts: Iterable[str]) -> str:
    """Put parts side by side, as far as there is room."""
    inner = "".join(f"<div>{part}</div>" for part in parts if part)
    return (
        f"<div><strong>{safe(title)}</strong>"
        f'<div style="display:flex;flex-wrap:wrap;gap:16px;align-items:center">{inner}</div></div>'
    )
