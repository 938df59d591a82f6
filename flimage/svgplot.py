"""Small plots as SVG text, for pages that have to stand alone and be readable in light and dark.

Lines and letters take the colour of the surrounding text; data have colours that show on white and
on black.
"""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from .quantities import format_number

__all__ = ["CURVE", "OUTLIER", "TRACE", "Layer", "plot", "sparkline", "ticks"]

Array = npt.NDArray[np.float64]

#: Turns values into positions in the plot.
Scale = Callable[[Array | float], Array]

#: Colours of the data.
TRACE = "#4a86c8"
CURVE = "#d9534a"
OUTLIER = "#e0952b"

#: What stands in the legend for each kind of data, and the room between two labels [px].
_SIGNS = {"points": "●", "rings": "○", "line": "━", "band": "■"}
_LEGEND_GAP = 14

#: More points than this are thinned out, so that a page stays small.
_MOST_POINTS = 1500


@dataclass(frozen=True, eq=False)
class Layer:
    """One set of data in a plot.

    Parameters
    ----------
    kind
        ``"points"``, ``"rings"``, ``"line"``, or ``"band"`` between `y` and `high`.
    x, y
        Values, of shape (n,); what is not finite is left out.
    color
        Any colour of CSS.
    label
        What stands in the legend; nothing by default.
    high
        Upper end of a band, of shape (n,).
    """

    kind: Literal["points", "rings", "line", "band"]
    x: Array
    y: Array
    color: str = TRACE
    label: str = ""
    high: Array | None = None


def ticks(low: float, high: float, most: int = 6) -> list[float]:
    """Round numbers between `low` and `high`, at most `most` of them.

    Parameters
    ----------
    low, high
        Finite ends, `low` less than `high`.
    most
        Largest number of ticks, at least 2.
    """
    raw = (high - low) / max(most - 1, 1)
    magnitude = 10.0 ** math.floor(math.log10(raw))
    for factor in (1, 2, 5, 10, 20, 50):
        step = factor * magnitude
        first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
        if last - first + 1 <= most:
            break
    return [number * step for number in range(first, last + 1)]


def plot(
    layers: Sequence[Layer],
    *,
    x_label: str,
    y_label: str,
    title: str,
    width: int = 760,
    height: int = 260,
    zero: bool = False,
) -> str:
    """Draw data over a common axis.

    Parameters
    ----------
    layers
        What is drawn, the first one at the bottom.
    x_label, y_label
        Labels of the axes.
    title
        What the plot shows, for people who cannot see it.
    width, height
        Size in pixels of CSS; the plot shrinks with the page.
    zero
        Let the axis reach zero, and draw a line there: what is nearly constant looks like it.

    Returns
    -------
    str
        An ``<svg>`` element.
    """
    left, right, bottom = 76, 12, 44
    top = 26 if any(layer.label for layer in layers) else 12
    x_low, x_high = _span([layer.x for layer in layers], 0.02)
    heights = [v for layer in layers for v in (layer.y, layer.high) if v is not None]
    y_low, y_high = _span([*heights, np.zeros(1)] if zero else heights, 0.06)

    def px(x: Array | float) -> Array:
        scaled: Array = left + (np.asarray(x) - x_low) / (x_high - x_low) * (width - left - right)
        return scaled

    def py(y: Array | float) -> Array:
        scaled: Array = top + (y_high - np.asarray(y)) / (y_high - y_low) * (height - top - bottom)
        return scaled

    parts = [
        f'<svg class="plot" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        ' role="img" xmlns="http://www.w3.org/2000/svg" style="max-width:100%;height:auto"'
        ' font-family="system-ui,sans-serif" font-size="12">'
        f"<title>{html.escape(title)}</title>"
    ]
    for value in ticks(x_low, x_high, 8):
        x = float(px(value))
        parts.append(
            f'<path d="M{x:.1f} {top}V{height - bottom}" stroke="currentColor"'
            ' stroke-opacity="0.12"/>'
            f'<text x="{x:.1f}" y="{height - bottom + 17}" text-anchor="middle"'
            f' fill="currentColor">{format_number(value)}</text>'
        )
    for value in ticks(y_low, y_high, 5 if height > 150 else 3):
        y = float(py(value))
        parts.append(
            f'<path d="M{left} {y:.1f}H{width - right}" stroke="currentColor"'
            ' stroke-opacity="0.12"/>'
            f'<text x="{left - 7}" y="{y + 4:.1f}" text-anchor="end"'
            f' fill="currentColor">{format_number(value)}</text>'
        )
    if zero and y_low < 0 < y_high:
        parts.append(
            f'<path d="M{left} {float(py(0.0)):.1f}H{width - right}" stroke="currentColor"'
            ' stroke-opacity="0.5"/>'
        )
    for layer in layers:
        parts.append(_draw(layer, px, py))
    parts.append(
        f'<path d="M{left} {top}V{height - bottom}H{width - right}" fill="none"'
        ' stroke="currentColor" stroke-opacity="0.5"/>'
        f'<text x="{(left + width - right) / 2:.0f}" y="{height - 8}" text-anchor="middle"'
        f' fill="currentColor">{html.escape(x_label)}</text>'
        f'<text transform="translate(14 {(top + height - bottom) / 2:.0f}) rotate(-90)"'
        f' text-anchor="middle" fill="currentColor">{html.escape(y_label)}</text>'
    )
    parts += [_legend(layers, width - right), "</svg>"]
    return "".join(parts)


def sparkline(
    x: Array, y: Array, curve: Array | None = None, width: int = 120, height: int = 28
) -> str:
    """Draw a trace without axes, as small as a word.

    Parameters
    ----------
    x, y
        Values, of shape (n,).
    curve
        A fitted curve, of shape (n,).
    width, height
        Size in pixels of CSS.
    """
    layers = [Layer("line", x, y, TRACE)]
    if curve is not None:
        layers.append(Layer("line", x, curve, CURVE))
    x_low, x_high = _span([x], 0.0)
    y_low, y_high = _span([y] if curve is None else [y, curve], 0.0)

    def px(value: Array | float) -> Array:
        scaled: Array = 2 + (np.asarray(value) - x_low) / (x_high - x_low) * (width - 4)
        return scaled

    def py(value: Array | float) -> Array:
        scaled: Array = 2 + (y_high - np.asarray(value)) / (y_high - y_low) * (height - 4)
        return scaled

    inner = "".join(_draw(layer, px, py) for layer in layers)
    return (
        f'<svg class="sparkline" viewBox="0 0 {width} {height}" width="{width}" height="{height}"'
        f' role="img" xmlns="http://www.w3.org/2000/svg"><title>intensity trace</title>{inner}'
        "</svg>"
    )


def _span(arrays: Sequence[Array], margin: float) -> tuple[float, float]:
    """Smallest and largest finite value with some room; 0 to 1 where there is none."""
    values = [v[np.isfinite(v)] for v in (np.asarray(a, dtype=float) for a in arrays)]
    values = [v for v in values if v.size]
    if not values:
        return 0.0, 1.0
    low, high = min(float(v.min()) for v in values), max(float(v.max()) for v in values)
    room = (high - low) * margin
    # Differences below the precision of the numbers are none.
    if not high - low > 1e-12 * max(abs(low), abs(high)):
        room = abs(low) * 0.05 or 0.5
    return low - room, high + room


def _thin(x: Array, *ys: Array) -> tuple[Array, ...]:
    """Leave out points where there are too many, but keep the extremes of each stretch."""
    if x.size <= _MOST_POINTS:
        return (x, *ys)
    kept = {0, x.size - 1}
    for block in np.array_split(np.arange(x.size), _MOST_POINTS // 4):
        for y in ys:
            kept.add(int(block[np.argmin(y[block])]))
            kept.add(int(block[np.argmax(y[block])]))
    chosen = np.array(sorted(kept))
    return tuple(values[chosen] for values in (x, *ys))


def _draw(layer: Layer, px: Scale, py: Scale) -> str:
    """Draw one layer."""
    x, y = np.asarray(layer.x, dtype=float), np.asarray(layer.y, dtype=float)
    high = y if layer.high is None else np.asarray(layer.high, dtype=float)
    finite = np.isfinite(x) & np.isfinite(y) & np.isfinite(high)
    x, y, high = x[finite], y[finite], high[finite]
    if not x.size:
        return ""
    if layer.kind in ("line", "band"):
        order = np.argsort(x, kind="stable")
        x, y, high = x[order], y[order], high[order]
    x, y, high = _thin(x, y, high)
    points = [f"{a:.1f} {b:.1f}" for a, b in zip(px(x), py(y), strict=True)]
    color = html.escape(layer.color)
    if layer.kind == "line":
        return (
            f'<path d="M{"L".join(points)}" fill="none" stroke="{color}" stroke-width="1.6"'
            ' stroke-linejoin="round"/>'
        )
    if layer.kind == "band":
        back = [f"{a:.1f} {b:.1f}" for a, b in zip(px(x[::-1]), py(high[::-1]), strict=True)]
        return f'<path d="M{"L".join(points + back)}Z" fill="{color}" fill-opacity="0.25"/>'
    # Zero-length strokes with round ends are dots, much shorter than circles.
    dots = "".join(f"M{point}h0" for point in points)
    if layer.kind == "points":
        return (
            f'<path d="{dots}" stroke="{color}" stroke-width="{4 if x.size <= 300 else 2.6}"'
            ' stroke-linecap="round" stroke-opacity="0.8"/>'
        )
    return "".join(
        f'<circle cx="{point.split()[0]}" cy="{point.split()[1]}" r="5" fill="none"'
        f' stroke="{color}" stroke-width="1.5"/>'
        for point in points
    )


def _legend(layers: Sequence[Layer], right: float) -> str:
    """Write the labels side by side above the plot, each behind a sign that looks like its data."""
    parts: list[str] = []
    for layer in layers:
        if not layer.label or not np.isfinite(layer.y).any():
            continue
        gap = f' dx="{_LEGEND_GAP}"' if parts else ""
        parts.append(
            f'<tspan{gap} fill="{html.escape(layer.color)}">{_SIGNS[layer.kind]}</tspan>'
            f'<tspan dx="4">{html.escape(layer.label)}</tspan>'
        )
    if not parts:
        return ""
    # One text, so that whoever draws it finds out how wide the letters are.
    text = "".join(parts)
    return f'<text x="{right:.0f}" y="14" text-anchor="end" fill="currentColor">{text}</text>'
