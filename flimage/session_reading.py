"""Reads session files, and says in a sentence what is wrong with one: file, key, value, remedy."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import os
import re
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import FileFormatError, FlimageError
from .meta import is_number
from .plausible import is_hollow
from .recipe import Recipe
from .region_traces import NamedRegion
from .regular import read_small
from .session_file import COMPARE_MODES, FORMAT, OVERLAYS, SessionFile, View
from .shown import SHOWN
from .source import Edits

__all__ = ["read_session"]

#: Largest file that is read [bytes].
_LARGEST = 1 << 30

#: Bytes up to which one image, and all of them, are unpacked however little is stored of them.
_LARGE_IMAGE = 1 << 28
_LARGE_IMAGES = 1 << 29

#: Bytes that are unpacked at once.
_PIECE = 1 << 22


class _WrongError(Exception):
    """Something in the file is not as it should be."""

    def __init__(self, key: str, value: object, remedy: str) -> None:
        super().__init__(key)
        text = json.dumps(value, ensure_ascii=False, default=str)
        self.sentence = f"{key} is {text[:60]}{'…' if len(text) > 60 else ''}; {remedy}"


def read_session(path: str | os.PathLike[str]) -> SessionFile:
    """Read a session file.

    The recording is looked for where it was in relation to the session file, so that a folder can
    be moved as a whole, and then where it was on the disk. It need not exist.

    Raises
    ------
    flimage.errors.FileFormatError
        When the file is no session file, of a newer version, or something in it is wrong.
    OSError
        When it cannot be read.
    """
    path = Path(path)
    data = read_small(path, _LARGEST, "a session file")
    try:
        content = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise FileFormatError(
            f"{path} is no session file, or is damaged ({error}); choose another one."
        ) from error
    if not isinstance(content, dict) or "flsession" not in content:
        raise FileFormatError(f"{path} is no session file; choose another one.")
    try:
        return _read(path, content)
    except _WrongError as wrong:
        raise FileFormatError(f"{path}: {wrong.sentence}.") from wrong
    except OverflowError as error:
        raise FileFormatError(
            f"{path} holds a number that is too large to be computed with; choose another file."
        ) from error


def _read(path: Path, content: dict[str, Any]) -> SessionFile:
    version = content["flsession"]
    if not isinstance(version, int) or isinstance(version, bool) or version < 1:
        raise _WrongError("flsession", version, f"this version of flimage reads {FORMAT}")
    if version > FORMAT:
        raise _WrongError(
            "flsession", version, f"this version of flimage reads up to {FORMAT}, so update it"
        )
    _check_keys(
        "", content, ("flsession", "program", "recording", "recipe", "regions", "edits", "view")
    )
    place = _object("recording", content.get("recording"))
    _check_keys("recording.", place, ("relative", "absolute", "fingerprint", "group"))
    return SessionFile(
        _find_recording(path, place),
        _library("recipe", content.get("recipe", {}), Recipe.from_dict),
        _read_regions(content.get("regions", [])),
        _read_edits(_object("edits", content.get("edits", {}))),
        _read_view(_object("view", content.get("view", {}))),
        _read_fingerprint(place.get("fingerprint")),
        _read_group(place.get("group")),
    )


def _check_keys(prefix: str, values: Mapping[str, Any], known: tuple[str, ...]) -> None:
    for key in values:
        if key not in known:
            raise _WrongError(
                f"{prefix}{key}", values[key], f"the key is unknown; known are {', '.join(known)}"
            )


def _read_group(value: object) -> str | None:
    if value is not None and not (isinstance(value, str) and value.startswith("/")):
        raise _WrongError("recording.group", value, "give the path of a group, or null")
    return value


def _object(key: str, value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _WrongError(key, value, "give an object {…}")
    return value


def _list(key: str, value: object) -> list[Any]:
    if not isinstance(value, list):
        raise _WrongError(key, value, "give a list […]")
    return value


def _whole(key: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise _WrongError(key, value, "give a whole number of at least 0")
    return value


def _truth(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise _WrongError(key, value, "give true or false")
    return value


def _frame_key(key: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value):
        raise _WrongError(key, value, "give the number of a frame")
    return int(value)


def _numbers(key: str, value: object, count: int) -> tuple[float, ...]:
    found = _list(key, value)
    if len(found) != count or not all(is_number(v) and math.isfinite(v) for v in found):
        raise _WrongError(key, value, f"give {count} finite numbers")
    return tuple(float(v) for v in found)


def _choice(key: str, value: object, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        raise _WrongError(key, value, f"use one of {', '.join(known)}")
    return value


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value or "\0" in value:
        raise _WrongError(key, value, "give a text")
    return value


def _library(key: str, value: object, build: Callable[[dict[str, Any]], Any]) -> Any:
    try:
        return build(_object(key, value))
    except FlimageError as error:
        raise _WrongError(key, value, str(error).rstrip(".")) from error
    except (TypeError, ValueError) as error:
        raise _WrongError(key, value, f"it cannot be used ({error})") from error


def _find_recording(path: Path, place: dict[str, Any]) -> Path:
    absolute = Path(_text("recording.absolute", place.get("absolute")))
    relative = place.get("relative")
    if relative is not None:
        beside = path.absolute().parent / _text("recording.relative", relative)
        if beside.exists() or not absolute.exists():
            return Path(os.path.normpath(beside))
    return absolute


def _read_fingerprint(value: object) -> tuple[int, int] | None:
    if value is None:
        return None
    found = [
        _whole("recording.fingerprint", each) for each in _list("recording.fingerprint", value)
    ]
    if len(found) != 2:
        raise _WrongError("recording.fingerprint", value, "give size and time of change")
    return found[0], found[1]


def _read_regions(value: object) -> tuple[NamedRegion, ...]:
    regions: list[NamedRegion] = []
    for number, each in enumerate(_list("regions", value)):
        key = f"regions[{number}]"
        region: NamedRegion = _library(key, each, NamedRegion.from_dict)
        if not re.fullmatch(r"#[0-9a-fA-F]{6}", region.color):
            raise _WrongError(f"{key}.color", region.color, "write it like #e69f00")
        if any(region.name == other.name for other in regions):
            raise _WrongError(f"{key}.name", region.name, "give each region a name of its own")
        regions.append(region)
    return tuple(regions)


def _read_edits(values: dict[str, Any]) -> Edits:
    from .edit import check_value

    _check_keys("edits.", values, ("order", "meta", "backgrounds", "images"))
    edits = Edits()
    order = values.get("order")
    if order is not None:
        edits = edits.with_order(
            [_whole("edits.order", each) for each in _list("edits.order", order)]
        )
        if len(set(edits.order or ())) < len(order) or not order:
            raise _WrongError("edits.order", order, "name each frame once, and at least one")
    meta: dict[int, dict[str, Any]] = {}
    for name, changes in _object("edits.meta", values.get("meta", {})).items():
        frame, key = _frame_key("edits.meta", name), f"edits.meta.{name}"
        meta[frame] = {}
        for each, value in _object(key, changes).items():
            try:
                meta[frame][each] = check_value(each, value)
            except FlimageError as error:
                raise _WrongError(f"{key}.{each}", value, str(error).rstrip(".")) from error
    if meta:
        edits = edits.with_meta(meta)
    images = _read_images(values.get("images", []))
    for name, number in _object("edits.backgrounds", values.get("backgrounds", {})).items():
        frame, key = _frame_key("edits.backgrounds", name), f"edits.backgrounds.{name}"
        image = None
        if number is not None:
            if _whole(key, number) >= len(images):
                raise _WrongError(key, number, f"there are {len(images)} images")
            image = images[number]
        edits = edits.with_background([frame], image)
    return edits


def _read_images(values: object) -> list[npt.NDArray[np.float32]]:
    """Read all images, once it is known that they are not too many."""
    packed = [
        _read_packed(f"edits.images[{number}]", each)
        for number, each in enumerate(_list("edits.images", values))
    ]
    stored = sum(len(data) for _, data in packed)
    total = 4 * sum(math.prod(shape) for shape, _ in packed)
    if total > _LARGE_IMAGES and is_hollow(total, stored):
        raise _WrongError(
            "edits.images",
            f"{len(packed)} images",
            f"they announce {total} bytes, but only {stored} are stored; choose another file",
        )
    return [_unpack(f"edits.images[{number}]", *packed[number]) for number in range(len(packed))]


def _read_packed(key: str, value: object) -> tuple[tuple[int, int], bytes]:
    """Read the shape and the packed pixels of an image."""
    values = _object(key, value)
    shape = [_whole(f"{key}.shape", each) for each in _list(f"{key}.shape", values.get("shape"))]
    if len(shape) != 2 or not math.prod(shape) > 0:
        raise _WrongError(f"{key}.shape", shape, "give height and width in pixels")
    try:
        packed = base64.b64decode(_text(f"{key}.data", values.get("data")), validate=True)
    except ValueError as error:
        raise _damaged(key, values.get("data"), error) from error
    size = 4 * math.prod(shape)
    if size > _LARGE_IMAGE and is_hollow(size, len(packed)):
        raise _WrongError(f"{key}.shape", shape, f"only {len(packed)} bytes are stored of it")
    return (shape[0], shape[1]), packed


def _unpack(key: str, shape: tuple[int, int], packed: bytes) -> npt.NDArray[np.float32]:
    """Unpack an image, and no more than its size, whatever the file says."""
    image = np.empty(shape, "<f4")
    room = image.reshape(-1).view(np.uint8)
    unpack, rest, done = zlib.decompressobj(), packed, 0
    try:
        while not unpack.eof:
            piece = unpack.decompress(rest, _PIECE)
            rest = unpack.unconsumed_tail
            if not piece and not rest:
                break
            if len(piece) > len(room) - done:
                raise _WrongError(f"{key}.shape", list(shape), "the image has another size")
            room[done : done + len(piece)] = np.frombuffer(piece, np.uint8)
            done += len(piece)
    except zlib.error as error:
        raise _damaged(key, base64.b64encode(packed[:60]).decode(), error) from error
    if done != len(room):
        raise _WrongError(f"{key}.shape", list(shape), "the image has another size")
    image.setflags(write=False)
    return image.astype(np.float32, copy=False)


def _damaged(key: str, value: object, error: Exception) -> _WrongError:
    return _WrongError(f"{key}.data", value, f"the image is damaged ({error})")


def _read_view(values: dict[str, Any]) -> View:
    known = tuple(each.name for each in dataclasses.fields(View))
    _check_keys("view.", values, known)
    default = View()
    area, panels = values.get("area"), values.get("panels")
    levels = {}
    for shown, ends in _object("view.levels", values.get("levels", {})).items():
        low, high = _numbers(f"view.levels.{shown}", ends, 2)
        if not low < high:
            raise _WrongError(f"view.levels.{shown}", ends, "the first has to be the smaller one")
        levels[_choice("view.levels", shown, SHOWN)] = (low, high)
    if area is not None:
        x0, y0, x1, y1 = _numbers("view.area", area, 4)
        if not (x0 < x1 and y0 < y1):
            raise _WrongError("view.area", area, "give x0 < x1 and y0 < y1")
        area = (x0, y0, x1, y1)
    return View(
        frame=_whole("view.frame", values.get("frame", default.frame)),
        shown=_choice("view.shown", values.get("shown", default.shown), SHOWN),
        area=area,
        levels=MappingProxyType(levels),
        colormap=_text("view.colormap", values.get("colormap", default.colormap)),
        overlays=tuple(
            _choice("view.overlays", each, OVERLAYS)
            for each in _list("view.overlays", values.get("overlays", []))
        ),
        compare=_choice("view.compare", values.get("compare", default.compare), COMPARE_MODES),
        reference=_choice("view.reference", values.get("reference", default.reference), SHOWN),
        panels=None
        if panels is None
        else tuple(_text("view.panels", each) for each in _list("view.panels", panels)),
        front=tuple(
            _text("view.front", each) for each in _list("view.front", values.get("front", []))
        ),
        fitted=_truth("view.fitted", values.get("fitted", default.fitted)),
    )
