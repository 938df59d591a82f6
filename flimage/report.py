"""A figure of a fit: intensity trace, fitted decay, residuals, gain, and the verdict in words."""

from __future__ import annotations

import dataclasses
import math
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import InputError
from .plain_text import clean
from .quantities import format_count, format_estimate, format_number, format_range, time_unit
from .result import per_pixel

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .bleach import BleachFit

__all__ = ["FIGURE_SUFFIXES", "check_figure_path", "figure"]

#: Endings of file names that a figure can have.
FIGURE_SUFFIXES = (".png", ".svg", ".pdf")

_INK = "#22272e"
_FAINT = "#8a929c"
_GRID = "#e7eaee"
_TRACE = "#3f6fa8"
_CURVE = "#c8402f"
_OUTLIER = "#d98a1f"
_GRADES = {"good": "#2b7a4b", "caution": "#a86a00", "refused": "#b3261e"}

_STYLE: Any = {
    "axes.edgecolor": _FAINT,
    "axes.labelcolor": _INK,
    "axes.linewidth": 0.8,
    "font.family": "DejaVu Sans",
    "font.size": 9,
    "pdf.fonttype": 42,
    # Letters, not their outlines: they can be edited in drawing programs.
    "svg.fonttype": "none",
    "svg.hashsalt": "flimage",
    "xtick.color": _INK,
    "ytick.color": _INK,
}

#: Characters in a line of the column beside the axes, and its lower end (part of the figure).
_COLUMN = 37
_BOTTOM = 0.05


def check_figure_path(path: str | Path) -> str:
    """Return the format that the ending of a file name stands for: png, svg or pdf.

    Raises
    ------
    flimage.errors.InputError
        When it stands for none of them.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in FIGURE_SUFFIXES:
        raise InputError(
            f"{path} is no name for a figure; let it end in {' or '.join(FIGURE_SUFFIXES)}."
        )
    return suffix[1:]


def figure(
    fit: BleachFit, path: str | Path, title: str = "", file_format: str | None = None
) -> Path:
    """Draw a fit into a file.

    From top to bottom: the intensity trace (mean signal per pixel of the region) with the fitted
    curve, the residuals with their expected standard deviation, and the gain with its 95 %
    interval. Parameters and verdict stand beside them.

    Parameters
    ----------
    fit
        What :func:`flimage.bleach.fit` returned.
    path
        The file to write; an existing one is replaced.
    title
        Heading, such as the name of the recording.
    file_format
        ``"png"``, ``"svg"`` or ``"pdf"``; by default what the ending of `path` says.

    Returns
    -------
    pathlib.Path
        `path`.

    Raises
    ------
    flimage.errors.InputError
        When the ending of `path` is none of these.
    """
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    path = Path(path)
    file_format = check_figure_path(path) if file_format is None else file_format
    with matplotlib.rc_context(_STYLE):
        drawing = Figure(figsize=(9.6, 6.4), facecolor="white")
        grid = drawing.add_gridspec(
            3,
            1,
            height_ratios=(3.4, 1.3, 1.3),
            hspace=0.17,
            left=0.08,
            right=0.685,
            top=0.91 if title else 0.965,
            bottom=0.085,
        )
        first = drawing.add_subplot(grid[0])
        axes = [first, *(drawing.add_subplot(grid[row], sharex=first) for row in (1, 2))]
        times, label = _time_axis(fit)
        _draw_trace(axes[0], fit, times)
        _draw_residuals(axes[1], fit, times)
        _draw_gain(axes[2], fit, times)
        for row, each in enumerate(axes):
            each.grid(True, color=_GRID, linewidth=0.8)
            each.set_axisbelow(True)
            each.spines[["top", "right"]].set_visible(False)
            each.tick_params(labelbottom=row == 2, length=3)
            each.yaxis.set_major_locator(MaxNLocator(nbins=6 if row == 0 else 3))
        axes[2].set_xlabel(label)
        drawing.align_ylabels(axes)
        if title:
            drawing.text(0.08, 0.945, clean(title), fontsize=12, fontweight="bold", color=_INK)
        _write_column(drawing, fit, 0.89 if title else 0.95)
        drawing.savefig(
            path,
            format=file_format,
            dpi=150,
            # Without the date, the same fit gives the same file.
            metadata={"png": {"Software": "flimage"}, "svg": {"Date": None}}.get(
                file_format, {"CreationDate": None}
            ),
        )
    return path


def _time_axis(fit: BleachFit) -> tuple[Any, str]:
    """Return what stands on the x axis, (n,), and its label."""
    times = np.asarray(fit.trace.times, dtype=float)
    if fit.trace.time_unit != "s":
        return times, "Exposures"
    unit = time_unit(float(np.nanmax(times) - np.nanmin(times)))
    return times / unit.scale, f"Time ({unit.symbol})"


def _draw_trace(axes: Axes, fit: BleachFit, times: Any) -> None:
    pixels = max(int(fit.trace.region_pixels), 1)
    level = np.asarray(fit.trace.intensity) / pixels
    used = np.asarray(fit.trace.used, dtype=bool)
    outliers = [index for index in fit.outliers if 0 <= index < len(times)]
    size = 3.6 if len(times) <= 300 else 2.4
    axes.plot(
        times[used], level[used], "o", ms=size, mew=0, color=_TRACE, alpha=0.75, label="frames"
    )
    if not used.all():
        axes.plot(
            times[~used], level[~used], "o", ms=size, mfc="none", mec=_FAINT, label="not fitted"
        )
    if outliers:
        axes.plot(
            times[outliers],
            level[outliers],
            "o",
            ms=8,
            mfc="none",
            mec=_OUTLIER,
            mew=1.4,
            label="outliers",
        )
    order = np.argsort(times)
    axes.plot(
        times[order],
        np.asarray(fit.curve)[order] / pixels,
        color=_CURVE,
        lw=1.8,
        label="constant" if fit.model == "none" else str(fit.model),
    )
    low, high = np.nanmin(level), np.nanmax(level)
    # From zero, so that the loss of signal is seen in proportion.
    axes.set_ylim(min(0.0, low - 0.05 * (high - low)), max(high + 0.06 * abs(high), 0.0))
    axes.set_ylabel("Signal (counts/px)")
    axes.legend(frameon=False, loc="best", fontsize=8.5)


def _draw_residuals(axes: Axes, fit: BleachFit, times: Any) -> None:
    """Residuals in per cent of the fitted signal in the first frame."""
    start = abs(float(fit.curve[0])) or 1.0
    residuals = 100 * np.asarray(fit.residuals) / start
    used = np.asarray(fit.trace.used, dtype=bool)
    order = np.argsort(times)
    deviation = 100 * np.asarray(fit.noise, dtype=float) / start
    if np.isfinite(deviation).any():
        axes.fill_between(
            times[order], -deviation[order], deviation[order], color=_TRACE, alpha=0.16, lw=0
        )
        _explain_band(axes, "band: expected noise, ±1 σ")
    axes.axhline(0, color=_CURVE, lw=1.2)
    axes.plot(times[used], residuals[used], "o", ms=2.4, mew=0, color=_TRACE, alpha=0.8)
    axes.set_ylabel("Residual (%)")


def _draw_gain(axes: Axes, fit: BleachFit, times: Any) -> None:
    gain, low, high = (np.asarray(each) for each in (fit.gain, fit.gain_low, fit.gain_high))
    order = np.argsort(times)
    if np.isfinite(low).any() and np.isfinite(high).any():
        axes.fill_between(times[order], low[order], high[order], color=_CURVE, alpha=0.18, lw=0)
        _explain_band(axes, "band: 95 % interval")
    axes.plot(times[order], gain[order], color=_CURVE, lw=1.5)
    axes.set_ylabel("Gain")


def _explain_band(axes: Axes, text: str) -> None:
    """Say in a corner what the shaded band means."""
    axes.text(
        0.995,
        1.01,
        text,
        transform=axes.transAxes,
        ha="right",
        va="bottom",
        fontsize=7,
        color=_FAINT,
    )


def _parameter_lines(fit: BleachFit) -> list[str]:
    lines = []
    half_life = () if fit.half_life is None else (fit.half_life,)
    for parameter in (*fit.parameters, *half_life):
        shown = per_pixel(dataclasses.asdict(parameter), fit.trace.region_pixels)
        estimate, _, symbol = format_estimate(
            shown["value"], shown["stderr"], shown["low"], shown["high"], shown["unit"]
        )
        if symbol.startswith("10"):  # a power of ten goes with both numbers
            estimate, symbol = f"({estimate})", f"× {symbol}"
        lines.append(f"{parameter.symbol} = {estimate} {symbol}".rstrip())
    return lines


def _write_column(drawing: Any, fit: BleachFit, top: float) -> None:
    """Write parameters and verdict beside the axes, from `top` downwards."""
    trace = fit.trace
    background = np.asarray(trace.background)
    level = format_number(float(np.mean(background)), 5)
    offset = {
        "unbleachable": "offset: signal that does not bleach",
        "background": "offset: residual background, subtracted",
    }
    facts = [
        f"counts/px: means over the signal region, {trace.region_pixels} px",
        f"background {level} counts/px" + (" on average" if np.ptp(background) > 0 else ""),
        f"gain up to {format_number(float(np.max(fit.gain)))}",
    ]
    if any(parameter.name == "offset" for parameter in fit.parameters):
        facts.insert(1, offset[fit.recipe.offset])
    if fit.r_squared is not None and math.isfinite(fit.r_squared):
        facts.append("R² > 0.99999" if fit.r_squared > 0.99999 else f"R² {fit.r_squared:.5f}")
    if fit.outliers:
        facts.append(f"outliers: frames {format_range(fit.outliers)}")
    left, line = 0.715, 0.0285
    position = top

    def write(text: str, **options: Any) -> None:
        nonlocal position
        for part in textwrap.wrap(text, _COLUMN) or [""]:
            drawing.text(left, position, part, **{"color": _INK, "va": "top", **options})
            position -= line

    write(f"Model: {fit.model}", fontweight="bold")
    for text in _parameter_lines(fit):
        write(text)
    position -= line / 2
    for text in facts:
        write(text, color=_FAINT)
    position -= line / 2
    color = _GRADES.get(fit.verdict.grade, _INK)
    write(f"Verdict: {fit.verdict.grade}", fontweight="bold", color=color)
    sentences = dict.fromkeys((fit.verdict.sentence, *(r.sentence for r in fit.verdict.reasons)))
    for number, sentence in enumerate(sentences):
        needed = len(textwrap.wrap(sentence, _COLUMN)) + 1
        if position - needed * line < _BOTTOM:
            left_over = format_count(len(sentences) - number, "more remark")
            write(f"… and {left_over}, in the report.", color=_FAINT)
            break
        write(sentence)
        position -= line / 3
