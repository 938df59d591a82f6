"""Write the report of a correction as one HTML page that can be mailed, printed and archived."""

from __future__ import annotations

import datetime
import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from .._version import __version__
from ..htmlpage import badge, definition_table, page, safe, table
from ..meta import VERSION_KEYS
from ..output import atomic_output
from ..quantities import (
    format_count,
    format_duration,
    format_estimate,
    format_number,
    format_percent,
    format_quantity,
    format_range,
    time_unit,
)
from ..record_words import settings_rows
from ..result import per_pixel
from ..svgplot import CURVE, OUTLIER, TRACE, Layer, plot
from ..thumbnails import contrast, picture
from .frames import Images

if TYPE_CHECKING:
    from ..bleach import BleachFit
    from ..source import FrameSource

__all__ = ["pictures_of", "report_page", "write_report_page"]

Array = npt.NDArray[np.float64]


def pictures_of(source: FrameSource, fit: BleachFit) -> list[tuple[str, npt.NDArray[Any]]]:
    """First and last frame without background, and the last one corrected, with captions.

    Parameters
    ----------
    source
        The recording.
    fit
        Its fit.
    """
    last = len(source) - 1
    shown: list[tuple[str, npt.NDArray[Any]]] = [
        (caption, source.image(frame) - fit.background_of(frame))
        for caption, frame in (
            ("First frame, without background", 0),
            ("Last frame, without background", last),
        )
    ]
    done = Images(source, "bleach-corrected", fit)
    shown.append((f"Last frame, {done.label}", done.image(last)))
    return shown


def write_report_page(
    source: FrameSource,
    fit: Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    pictures: Sequence[tuple[str, npt.NDArray[Any]]] = (),
    origin: Mapping[str, str] | None = None,
    overwrite: bool = False,
) -> Path:
    """Write the report of a correction as an HTML page.

    Parameters
    ----------
    source
        The recording.
    fit
        What :meth:`flimage.bleach.BleachFit.to_dict` returned, or a corrected file holds.
    path
        The file.
    pictures
        Captions and images of shape (y, x) that are shown with the same contrast.
    origin
        Further facts about where the numbers come from.
    overwrite
        Replace an existing file.

    Returns
    -------
    pathlib.Path
        `path`.
    """
    text = report_page(source, fit, pictures=pictures, origin=origin)
    with atomic_output(path, overwrite=overwrite, source=source.path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors="replace")
    return Path(path)


def report_page(
    source: FrameSource,
    fit: Mapping[str, Any],
    *,
    pictures: Sequence[tuple[str, npt.NDArray[Any]]] = (),
    origin: Mapping[str, str] | None = None,
) -> str:
    """Make the report of a correction; see :func:`write_report_page`."""
    name = "recording in memory" if source.path is None else source.path.name
    verdict = fit["verdict"]
    reasons = "".join(
        f"<li>{badge(reason['severity'])} – {safe(reason['sentence'])}</li>"
        for reason in verdict["reasons"]
    )
    body = [
        f"<h1>{safe(name)}</h1>",
        f'<p class="faint">Bleach correction, model {safe(fit["model"])}</p>',
        f'<div class="verdict {safe(verdict["grade"])}">{badge(verdict["grade"])}'
        f"<p>{safe(verdict['sentence'])}</p></div>",
        f"<ul>{reasons}</ul>" if reasons else "",
        _pictures(pictures),
        "<h2>Intensity trace</h2>",
        *_plots(fit),
        "<h2>Fit</h2>",
        _parameters(fit),
        definition_table(_quality(fit)),
        _evidence(fit),
        "<h2>Recording</h2>",
        definition_table(_recording(source)),
        "<h2>Settings</h2>",
        definition_table(settings_rows(fit["recipe"])),
        "<h2>Provenance</h2>",
        definition_table([*_provenance(name), *(origin or {}).items()]),
        _details("Recipe as JSON", fit["recipe"]),
        _details("Fit as JSON, with all values per frame", fit),
    ]
    return page(f"Bleach correction of {name}", "\n".join(part for part in body if part))


def _pictures(pictures: Sequence[tuple[str, npt.NDArray[Any]]]) -> str:
    if not pictures:
        return ""
    levels = contrast([image for _, image in pictures])
    shown = "".join(
        f"<figure>{picture(image, levels, safe(caption))}<figcaption>{safe(caption)}</figcaption>"
        "</figure>"
        for caption, image in pictures
    )
    return (
        f'<h2>Images</h2>{shown}<p class="faint">Black is {safe(format_number(levels[0]))} and'
        f" white {safe(format_number(levels[1]))} counts in all of them.</p>"
    )


def _array(fit: Mapping[str, Any], name: str) -> Array:
    """Values per frame; NaN where there is none."""
    return np.array([np.nan if v is None else v for v in fit[name]], dtype=float)


def _plots(fit: Mapping[str, Any]) -> list[str]:
    times = _array(fit, "times")
    label = "Exposures"
    if fit["time_unit"] == "s":
        unit = time_unit(float(np.ptp(times)))
        times, label = times / unit.scale, f"Time ({unit.symbol})"
    pixels = max(int(fit["region_pixels"]), 1)
    used = np.array(fit["used"], dtype=bool)
    intensity, curve = _array(fit, "intensity") / pixels, _array(fit, "curve") / pixels
    residuals, noise = _array(fit, "residuals") / pixels, _array(fit, "noise") / pixels
    outliers = [frame for frame in fit["outliers"] if 0 <= frame < times.size]
    trace = [
        Layer("points", times[used], intensity[used], TRACE, "frames"),
        Layer("points", times[~used], intensity[~used], "#8a929c", "not in the fit"),
        Layer("rings", times[outliers], intensity[outliers], OUTLIER, "outliers"),
        Layer("line", times, curve, CURVE, "fit"),
    ]
    left_over = [
        Layer("band", times, -noise, CURVE, "expected noise", high=noise),
        Layer("points", times[used], residuals[used], TRACE),
        Layer("rings", times[outliers], residuals[outliers], OUTLIER),
    ]
    gain = [
        Layer(
            "band",
            times,
            _array(fit, "gain_low"),
            CURVE,
            "95 % interval",
            high=_array(fit, "gain_high"),
        ),
        Layer("line", times, _array(fit, "gain"), CURVE),
    ]
    return [
        plot(
            trace,
            x_label=label,
            y_label="Signal (counts/px)",
            title="Mean background-corrected intensity of the signal region, and fitted decay",
            height=300,
            zero=True,
        ),
        "<h2>Residuals</h2>",
        plot(
            left_over,
            x_label=label,
            y_label="Residual (counts/px)",
            title="Trace minus fitted decay, with the expected noise",
            height=190,
            zero=True,
        ),
        "<h2>Gain</h2>",
        plot(
            gain,
            x_label=label,
            y_label="Gain",
            title="What each frame was multiplied by, with its 95 % interval",
            height=190,
        ),
    ]


def _parameters(fit: Mapping[str, Any]) -> str:
    found = [*fit["parameters"], *([fit["half_life"]] if fit["half_life"] else [])]
    if not found:
        return "<p>No decay was fitted; all gains are 1.</p>"
    rows = []
    for parameter in (per_pixel(each, int(fit["region_pixels"])) for each in found):
        estimate, interval, symbol = format_estimate(
            parameter["value"],
            parameter["stderr"],
            parameter["low"],
            parameter["high"],
            parameter["unit"],
        )
        # A value that HDF5 and JSON cannot hold is infinite: the data do not determine it.
        rows.append(
            [
                safe(parameter["name"]),
                safe(parameter["symbol"]),
                safe(estimate),
                safe(interval),
                safe(symbol),
            ]
        )
    return table(
        ["parameter", "symbol", "estimate ± standard error", "95 % interval", "unit"], rows
    )


def _quality(fit: Mapping[str, Any]) -> list[tuple[str, str]]:
    background = _array(fit, "background")
    level = format_number(float(np.nanmean(background)), 5)
    spread = float(np.nanmax(background) - np.nanmin(background))
    gains = _array(fit, "gain")
    rows = [
        ("frames in the fit", f"{sum(fit['used'])} of {len(fit['used'])}"),
        ("signal region", format_count(fit["region_pixels"], "pixel")),
        ("background", f"{level} counts per pixel" + (", on average" if spread > 0 else "")),
        ("gain", f"{format_number(gains.min())} … {format_number(gains.max())}"),
        ("R²", "–" if fit["r_squared"] is None else f"{fit['r_squared']:.6f}"),
        ("reduced χ²", format_number(fit["reduced_chi2"])),
        ("correlation of neighbouring residuals", format_number(fit["autocorrelation"], 2)),
    ]
    if fit["residual_background"]:
        rows.append(
            ("residual background", f"{format_number(fit['residual_background'], 5)} counts/px")
        )
    if fit["outliers"]:
        rows.append(("outliers", f"frames {format_range(fit['outliers'])}"))
    if fit["capped"]:
        rows.append(("gain limited", f"frames {format_range(fit['capped'])}"))
    return rows


def _evidence(fit: Mapping[str, Any]) -> str:
    if not fit["evidence"]:
        return ""
    rows = [
        [
            safe(candidate["model"]),
            safe(format_number(candidate["criterion"], 3)),
            safe(f"{format_percent(candidate['weight'])}"),
        ]
        for candidate in fit["evidence"]
    ]
    return "<h2>Choice of the model</h2>" + table(
        ["model", "criterion above the best", "share of the evidence"], rows
    )


def _recording(source: FrameSource) -> list[tuple[str, str]]:
    height, width = source.shape
    times = source.times[np.isfinite(source.times)]
    meta = source.meta(0)
    rows = [
        ("file", "in memory" if source.path is None else source.path.name),
        ("identifier", source.identifier or "–"),
        ("frames", f"{len(source)} of {width} × {height} px"),
        (
            "times",
            f"{format_duration(float(times.min()))} … {format_duration(float(times.max()))}"
            if times.size
            else "none",
        ),
        ("pixel size", format_quantity(meta.get("pixel size"), "m")),
    ]
    own = {"time", "pixel size", "identifier", *VERSION_KEYS}
    rows += [(key, str(value)) for key, value in sorted(meta.items()) if key not in own]
    return rows


def _provenance(name: str) -> list[tuple[str, str]]:
    now = datetime.datetime.now().astimezone()
    return [
        ("recording", name),
        ("report written", now.strftime("%Y-%m-%d %H:%M %Z").strip()),
        ("software", f"flimage {__version__}, NumPy {np.__version__}"),
        ("system", f"Python {platform.python_version()}, {platform.system()}"),
    ]


def _details(title: str, values: Any) -> str:
    text = json.dumps(values, ensure_ascii=False, allow_nan=False)
    return f"<details><summary>{safe(title)}</summary><pre>{safe(text)}</pre></details>"
