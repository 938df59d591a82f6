"""Facts about files and fits, gathered as plain values and written as text.

The same facts are printed for a person and given to scripts as JSON.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np
import numpy.typing as npt

from . import provenance
from .attributes import read_text
from .convert import ORIGIN
from .frame_survey import has_background, survey
from .image_group import frame_group, image_dataset, read_group_meta
from .meta import is_number
from .plain_text import printable
from .quantities import (
    format_bytes,
    format_count,
    format_duration,
    format_estimate,
    format_number,
    format_quantity,
)
from .readers import Recording
from .result import per_pixel
from .series import FLSeries

if TYPE_CHECKING:
    from .bleach import BleachFit

__all__ = ["as_text", "of_fit", "of_image", "of_recording", "of_series"]

#: Metadata that stand in lines of their own, or say nothing about the recording.
_OWN_LINES = frozenset({"time", "pixel size", "identifier", "flimage version", "qpimage version"})


def _plain(value: Any) -> Any:
    """Turn values of HDF5 into those of JSON."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _time_facts(times: npt.NDArray[np.floating[Any]] | None) -> dict[str, Any]:
    known = np.array([]) if times is None else times[np.isfinite(times)]
    if not len(known):
        return {"times": None}
    facts: dict[str, Any] = {
        "times": len(known),
        "first time [s]": float(known.min()),
        "last time [s]": float(known.max()),
    }
    steps = np.diff(known)
    if len(steps):
        facts["interval [s]"] = float(np.median(steps))
        facts["shortest interval [s]"] = float(steps.min())
        facts["longest interval [s]"] = float(steps.max())
    return facts


def of_recording(recording: Recording) -> dict[str, Any]:
    """Gather facts about a recording in a foreign format."""
    return {
        "file": str(recording.path),
        "kind": f"{recording.kind} recording",
        "bytes": recording.path.stat().st_size if recording.path.is_file() else None,
        "frames": recording.n_frames,
        "shape": list(recording.shape),
        "dtype": str(recording.dtype),
        **_time_facts(recording.times),
        "pixel size [m]": recording.pixel_size,
        "largest possible value": recording.maximum,
        "metadata": {key: _plain(value) for key, value in recording.meta.items()},
        "notes": list(recording.notes),
    }


def _of_group(group: h5py.Group) -> dict[str, Any]:
    file = Path(group.file.filename)
    return {
        "file": str(file),
        "group": group.name,
        "bytes": file.stat().st_size if file.exists() else None,
    }


def of_image(group: h5py.Group) -> dict[str, Any]:
    """Gather facts about a single image.

    Parameters
    ----------
    group
        Of an :class:`~flimage.core.FLImage`.
    """
    meta = read_group_meta(group)
    image = image_dataset(group)
    return {
        **_of_group(group),
        "kind": "image",
        "frames": 1,
        "shape": list(image.shape),
        "dtype": str(image.dtype),
        "identifier": _plain(meta.get("identifier")),
        **_time_facts(np.array([_number(meta.get("time"))])),
        "pixel size [m]": _size_of(meta),
        "assigned backgrounds": int(has_background(group)),
        "metadata": {k: _plain(v) for k, v in sorted(meta.items()) if k not in _OWN_LINES},
    }


def of_series(group: h5py.Group) -> dict[str, Any]:
    """Gather facts about a series.

    Parameters
    ----------
    group
        Of an :class:`~flimage.series.FLSeries`.

    Raises
    ------
    flimage.errors.FileFormatError
        When the group holds no series.
    """
    with FLSeries(h5file=group) as series:
        facts = {
            **_of_group(group),
            "kind": "series",
            "frames": len(series),
            "identifier": series.identifier,
        }
        if not len(series):
            return facts
        found = survey(group, len(series))
        facts["damaged frames"] = found.damaged
        if found.whole is None:
            return facts
        metas = [read_group_meta(frame_group(group, number)) for number in found.whole]
        common = {
            key: _plain(value)
            for key, value in sorted(metas[0].items())
            if key not in _OWN_LINES and _plain(metas[1].get(key)) == _plain(value)
        }
        facts |= {
            "shape": list(next(iter(found.shapes))),
            "all frames of one size": len(found.shapes) == 1,
            "dtype": found.dtype,
            **_time_facts(series.times),
            "pixel size [m]": _size_of(metas[0]),
            "assigned backgrounds": found.backgrounds,
            "metadata": common,
            "written by": _plain(metas[0].get("flimage version")),
        }
        origin = _conversion(group)
        if origin is not None:
            facts["conversion"] = origin
        record = provenance.read(group)
        if record is not None:
            facts["correction"] = {
                "source": record.source,
                "flimage": record.version,
                "recipe": record.recipe.to_dict(),
                "largest gain": float(np.max(record.gain)),
                "fit": {
                    key: value
                    for key, value in record.fit.items()
                    if key in ("model", "parameters", "verdict", "r_squared", "region_pixels")
                },
            }
        return facts


def _number(value: Any) -> float:
    return float(value) if is_number(value) else float("nan")


def _size_of(meta: Mapping[str, Any]) -> float | None:
    """Size of a pixel [m]; None where it is no finite number."""
    size = _number(meta.get("pixel size"))
    return size if np.isfinite(size) else None


def _conversion(group: h5py.Group) -> dict[str, Any] | None:
    """Read where a converted recording came from; None where that is not known."""
    text = read_text(group, ORIGIN)
    try:
        origin = json.loads(text or "null")
    except (ValueError, RecursionError):
        return None
    if not isinstance(origin, dict):
        return None
    notes = origin.get("notes")
    return {**origin, "notes": [str(note) for note in notes] if isinstance(notes, list) else []}


def _time_line(facts: Mapping[str, Any]) -> str:
    if facts.get("times") is None:
        return "none"
    first, last = facts["first time [s]"], facts["last time [s]"]
    text = f"{format_duration(first)} … {format_duration(last)}"
    if "interval [s]" not in facts:
        return format_duration(first)
    text += f", {format_duration(facts['interval [s]'])} apart"
    shortest, longest = facts["shortest interval [s]"], facts["longest interval [s]"]
    if longest - shortest > 0.01 * abs(facts["interval [s]"]):
        text += f" (from {format_duration(shortest)} to {format_duration(longest)})"
    if facts["times"] < facts["frames"]:
        text += f"; only {facts['times']} of {facts['frames']} frames have one"
    return text


def as_text(facts: Mapping[str, Any]) -> str:
    """Write the facts about a file, one a line."""
    lines = [("file", str(facts["file"]) + _size(facts.get("bytes")))]
    if facts.get("group", "/") != "/":
        lines.append(("group", facts["group"]))
    lines.append(("content", f"{facts['kind']}, {format_count(facts['frames'], 'frame')}"))
    if facts.get("identifier") is not None:
        lines.append(("identifier", str(facts["identifier"])))
    damaged = facts.get("damaged frames", {})
    if damaged:
        lines.append(("damaged", f"{format_count(len(damaged), 'frame')} cannot be read"))
        lines += [("", f"frame {number}: {text}") for number, text in damaged.items()]
    if "shape" in facts:
        height, width = facts["shape"]
        size = f"{width} × {height} px (width × height), {facts['dtype']}"
        if not facts.get("all frames of one size", True):
            size += "; not all frames are of this size"
        lines.append(("size", size))
        lines.append(("times", _time_line(facts)))
        pixel = facts["pixel size [m]"]
        lines.append(("pixel size", "not known" if pixel is None else format_quantity(pixel, "m")))
    if "assigned backgrounds" in facts:
        count = facts["assigned backgrounds"]
        text = "none assigned" if not count else f"assigned to {format_count(count, 'frame')}"
        lines.append(("backgrounds", text))
    lines += [(key, str(value)) for key, value in facts.get("metadata", {}).items()]
    if facts.get("written by"):
        lines.append(("written by", f"flimage {facts['written by']}"))
    if "conversion" in facts:
        origin = facts["conversion"]
        lines.append(("converted from", f"{origin.get('file')} ({origin.get('format')})"))
        lines += [("", note) for note in origin.get("notes", ())]
    lines += [("note", note) for note in facts.get("notes", ())]
    if "correction" in facts:
        try:
            lines += _correction_lines(facts["correction"])
        except (AttributeError, KeyError, TypeError, ValueError):
            lines.append(("corrected", "the record of the correction is damaged"))
    width = max(len(name) for name, _ in lines) + 2
    # What stands in a file may not forge lines, nor reach the terminal as a command.
    return "\n".join(
        f"{name:<{width}}{printable(' '.join(text.splitlines()))}" for name, text in lines
    )


def _size(size: int | None) -> str:
    return "" if size is None else f" ({format_bytes(size)})"


def _correction_lines(correction: Mapping[str, Any]) -> list[tuple[str, str]]:
    fit = correction["fit"]
    lines = [
        (
            "corrected",
            f"from {correction['source'] or 'a series in memory'} by flimage"
            f" {correction['flimage']}, model {fit.get('model')}, gains up to"
            f" {format_number(correction['largest gain'])}",
        )
    ]
    pixels = int(fit.get("region_pixels", 1))
    for parameter in fit.get("parameters", ()):
        lines.append(("", parameter_text(parameter, pixels)))
    verdict = fit.get("verdict", {})
    if verdict:
        lines += _verdict_lines(verdict)
    return lines


def _verdict_lines(verdict: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Write the verdict with its main sentence, and the other reasons below it."""
    sentence = verdict.get("sentence")
    others = [
        f"– {reason.get('sentence')}"
        for reason in verdict.get("reasons", ())
        if reason.get("sentence") != sentence
    ]
    return [("verdict", f"{verdict.get('grade')}: {sentence}"), *(("", text) for text in others)]


def parameter_text(parameter: Mapping[str, Any], region_pixels: int) -> str:
    """Write a parameter of a fit with its error and its interval."""
    parameter = per_pixel(parameter, region_pixels)
    estimate, interval, symbol = format_estimate(
        parameter["value"],
        parameter.get("stderr"),
        parameter.get("low"),
        parameter.get("high"),
        parameter.get("unit") or "",
    )
    if any(character.isdigit() for character in interval):
        estimate = f"{estimate} (95 %: {interval})"
    times = "× " if symbol.startswith("10") else ""  # a power of ten goes with all numbers
    return f"{parameter['name']} {parameter['symbol']} = {estimate} {times}{symbol}".rstrip()


def _offset_lines(fit: BleachFit) -> list[tuple[str, str]]:
    """Say what the offset was taken for: nothing in the data tells, and the result differs."""
    if fit.recipe.offset == "background" and fit.residual_background:
        more = format_number(fit.residual_background, 5)
        return [("offset", f"taken for residual background: {more} counts/px more are subtracted")]
    if any(parameter.name == "offset" for parameter in fit.parameters):
        return [("offset", "taken for signal that does not bleach: it stays")]
    return []


def of_fit(fit: BleachFit) -> str:
    """Write what a fit found: parameters, background, how much signal is left, and the verdict."""
    facts = fit.to_dict()
    found = facts["parameters"] + ([facts["half_life"]] if facts["half_life"] else [])
    pixels = fit.trace.region_pixels
    background = fit.trace.background
    levels = format_number(float(background[0]), 5)
    if np.ptp(background) > 0:
        low, high = format_number(float(background.min()), 5), format_number(background.max(), 5)
        levels = f"{low} … {high}"
    lines = [
        ("model", str(fit.model)),
        *(("", parameter_text(parameter, pixels)) for parameter in found),
        *_offset_lines(fit),
        ("region", f"{format_count(pixels, 'pixel')}; counts/px are means over them"),
        ("background", f"{levels} counts/px"),
        ("gain", " … ".join(format_number(float(f(fit.gain))) for f in (np.min, np.max))),
        *_verdict_lines(facts["verdict"]),
    ]
    width = max(len(name) for name, _ in lines) + 2
    return "\n".join(f"{name:<{width}}{text}" for name, text in lines)
