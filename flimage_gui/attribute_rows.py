"""Rows for what a file holds beside metadata: what is known in words, the rest as it is."""

from __future__ import annotations

import datetime
import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from flimage.meta import is_number
from flimage.quantities import MISSING, format_bytes, format_number, format_quantity

from .plain_words import without_options

__all__ = ["Row", "attribute_rows", "correction_rows", "write_value"]

#: Longer texts are shortened; the tool tip has more of them.
_LONGEST, _LONGEST_TIP = 120, 1500
#: Longest record of a correction that is read for the table [characters]: it is one frame of many
#: that is looked at, and nothing should stutter.
_LONGEST_RECORD = 1_000_000
#: Attribute with the origin of a converted recording, which is `flimage.convert.ORIGIN`; that
#: module is not imported, because it takes long and is rarely needed.
_ORIGIN = "conversion"
#: What tells a batch that a result is still right, which is `flimage.batch_job.IDENTITY`.
_BATCH = "batch source"
_RECIPE, _FIT = "bleach recipe", "bleach fit"
_SOURCE, _VERSION = "bleach source", "bleach flimage version"
_OF_CORRECTION = (_RECIPE, _FIT, _SOURCE, _VERSION, _BATCH)
#: Attributes that flimage leaves behind: name -> (words, unit).
_KNOWN_ATTRIBUTES = {
    "bleach gain": ("gain applied", ""),
    "bleach background": ("background subtracted", "counts"),
    "denoise strength": ("denoising strength", ""),
    _ORIGIN: ("converted from", ""),
}
_DAMAGED = "the record is damaged; flimage info tells more"


@dataclass(frozen=True)
class Row:
    """A line of the table: a heading when `value` is None."""

    name: str
    value: str | None = None
    tip: str = ""


def attribute_rows(attributes: Mapping[str, Any], skip: tuple[str, ...] = ()) -> list[Row]:
    """Describe attributes, but those that :func:`correction_rows` describes."""
    rows = []
    for key in sorted(attributes):
        # Long texts go on in "NAME (2)", and so on.
        if key in skip or key in _OF_CORRECTION or "(" in key:
            continue
        words, unit = _KNOWN_ATTRIBUTES.get(key, (key, ""))
        text = _origin(attributes[key]) if key == _ORIGIN else ""
        rows.append(_row(words, text or write_value(attributes[key], unit, limit=None)))
    return rows


def correction_rows(attributes: Mapping[str, Any]) -> list[Row]:
    """Describe the correction that a series was made by, as reports do; empty without one."""
    rows = []
    if attributes.get(_SOURCE):
        rows.append(_row("corrected from", str(attributes[_SOURCE])))
    if _BATCH in attributes:
        rows.append(_row("in a batch from", _batch(str(attributes[_BATCH])) or _DAMAGED))
    if _VERSION in attributes:
        rows.append(_row("corrected by", f"flimage {attributes[_VERSION]}"))
    for key, describe in ((_FIT, _fit), (_RECIPE, _settings)):
        text = _whole(attributes, key)
        if text is None:
            continue
        if key == _RECIPE:
            rows.append(Row("Settings"))
        if len(text) > _LONGEST_RECORD:
            rows.append(_row("record", "kept in the file; flimage info shows it"))
        else:
            rows += [_row(name, value) for name, value in describe(text)]
    return [Row("Correction"), *rows] if rows else []


def _row(name: str, text: str) -> Row:
    short = text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
    return Row(name, short, text[:_LONGEST_TIP] if short != text else "")


def _whole(attributes: Mapping[str, Any], key: str) -> str | None:
    """Put a text together that is kept in pieces; None where there is none."""
    if key not in attributes:
        return None
    pieces, number = [str(attributes[key])], 2
    while (piece := attributes.get(f"{key} ({number})")) is not None:
        pieces.append(str(piece))
        number += 1
    return "".join(pieces)


@functools.lru_cache(maxsize=2)
def _fit(text: str) -> tuple[tuple[str, str], ...]:
    from flimage.record_words import fit_rows

    return _rows(text, "fit", fit_rows)


@functools.lru_cache(maxsize=2)
def _settings(text: str) -> tuple[tuple[str, str], ...]:
    from flimage.record_words import settings_rows

    return _rows(text, "settings", settings_rows)


def _rows(
    text: str, name: str, describe: Callable[[Mapping[str, Any]], list[tuple[str, str]]]
) -> tuple[tuple[str, str], ...]:
    try:
        return tuple(describe(json.loads(text)))
    # A file may hold anything under this name.
    except (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError):
        return ((name, _DAMAGED),)


def _origin(value: Any) -> str:
    """Tell what a recording was converted from; empty where that cannot be understood."""
    content = _object(str(value))
    if content is None:
        return ""
    told = content.get("notes")
    sentences = [f"{content.get('file', MISSING)} ({content.get('format', MISSING)})"]
    if isinstance(told, list):
        sentences += (without_options(str(note)) for note in told)
    if len(sentences) == 1:
        return sentences[0]
    return " ".join(f"{each.rstrip('.')}." for each in sentences)


def _batch(text: str) -> str:
    """Tell which file a batch corrected; empty where that cannot be understood."""
    content = _object(text)
    if content is None:
        return ""
    try:
        changed = datetime.datetime.fromtimestamp(content["changed"] / 1e9)
        return (
            f"{content['name']} ({format_bytes(content['size'])}, last changed"
            f" {changed:%Y-%m-%d %H:%M})"
        )
    except (ArithmeticError, KeyError, OSError, TypeError, ValueError):
        return ""


def _object(text: str) -> dict[str, Any] | None:
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None


def write_value(value: Any, unit: str, limit: int | None = _LONGEST) -> str:
    """Write a value of metadata with its unit."""
    if is_number(value):
        number = float(value)
        if unit in ("s", "m"):
            return format_quantity(number, unit, 6)
        if unit == "rad":
            return f"{format_number(number, 5)} rad ({format_quantity(number, 'rad')})"
        return f"{format_number(number, 6)} {unit}".strip()
    if isinstance(value, (np.ndarray, list, tuple)):
        values = np.asarray(value).ravel()
        shown = ", ".join(write_value(v.item(), "") for v in values[:6])
        text = f"{shown}{', …' if values.size > 6 else ''} {unit}".strip()
    else:
        text = str(value)
    return text if limit is None or len(text) <= limit else text[:limit] + "…"
