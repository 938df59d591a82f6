"""Session files (``*.flsession``): a recording, what was done to it, and how it was looked at.

A session file is JSON and holds data only: paths, settings, regions, edits that are not saved yet,
and the view. It does not hold the recording. :func:`flimage.session_reading.read_session` reads it.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import os
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from . import storage
from ._version import __version__
from .recipe import Recipe
from .region_traces import NamedRegion
from .source import Edits

__all__ = [
    "COMPARE_MODES",
    "FORMAT",
    "OVERLAYS",
    "SUFFIX",
    "SessionFile",
    "View",
    "write_session",
]

SUFFIX = ".flsession"
#: Version of the format; a file of a greater one is refused.
FORMAT = 1
COMPARE_MODES = ("off", "side", "swipe", "difference", "ratio")
OVERLAYS = ("border", "region", "scale", "time")


@dataclass(frozen=True)
class View:
    """How a recording was looked at.

    Parameters
    ----------
    frame
        Number of the current frame.
    shown
        What was displayed, one of :data:`flimage.shown.SHOWN`.
    area
        Part of the image that was seen, (x0, y0, x1, y1) [px]; None for all of it.
    levels
        Values shown darkest and brightest, by what is displayed.
    colormap
        Name of the colour map.
    overlays
        What was drawn over the image: ``"border"``, ``"region"``, ``"scale"``, ``"time"``.
    compare
        How two images were compared: ``"off"``, ``"side"``, ``"swipe"``, ``"difference"`` or
        ``"ratio"``.
    reference
        With what.
    panels
        Names of the panels that were open; None where nobody says.
    front
        Those among them that lay in front of others which share their place.
    fitted
        Whether the correction had been run, so that there was a fit.
    """

    frame: int = 0
    shown: str = "raw"
    area: tuple[float, float, float, float] | None = None
    levels: Mapping[str, tuple[float, float]] = field(default_factory=lambda: MappingProxyType({}))
    colormap: str = "Gray"
    overlays: tuple[str, ...] = ()
    compare: str = "off"
    reference: str = "raw"
    panels: tuple[str, ...] | None = None
    front: tuple[str, ...] = ()
    fitted: bool = False


@dataclass(frozen=True)
class SessionFile:
    """What a session file holds.

    Parameters
    ----------
    recording
        The file of the recording, absolute.
    recipe
        Settings of the correction.
    regions
        Named regions.
    edits
        Changes of the recording that are not saved in it.
    view
        How it was looked at.
    fingerprint
        Size [bytes] and time of change [ns] of the recording, by which another one is told apart.
    group
        Where in the file the series is; None at its root.
    """

    recording: Path
    recipe: Recipe = field(default_factory=Recipe)
    regions: tuple[NamedRegion, ...] = ()
    edits: Edits = field(default_factory=Edits)
    view: View = View()
    fingerprint: tuple[int, int] | None = None
    group: str | None = None

    @property
    def recording_changed(self) -> bool:
        """Whether the recording is another file than when the session was saved."""
        return self.fingerprint is not None and self.fingerprint != fingerprint_of(self.recording)


def fingerprint_of(path: Path) -> tuple[int, int] | None:
    """Return size and time of change of a file; None where there is none."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_size, status.st_mtime_ns


# --- writing -------------------------------------------------------------------------------


def write_session(session: SessionFile, path: str | os.PathLike[str]) -> Path:
    """Write a session file, whole or not at all; one that exists is replaced.

    Parameters
    ----------
    session
        What to write. The state of its recording is noted anew.
    path
        The file, by convention ``*.flsession``.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    flimage.errors.FileAccessError
        When the file cannot be written.
    """
    path = Path(path)
    recording = session.recording.absolute()
    try:
        relative = os.path.relpath(recording, path.absolute().parent)
    except ValueError:  # another drive
        relative = None
    content = {
        "flsession": FORMAT,
        "program": f"flimage {__version__}",
        "recording": {
            "relative": None if relative is None else Path(relative).as_posix(),
            "absolute": str(recording),
            "fingerprint": fingerprint_of(recording),
            "group": session.group,
        },
        "recipe": session.recipe.to_dict(),
        "regions": [each.to_dict() for each in session.regions],
        "edits": _edits_to_dict(session.edits),
        "view": dataclasses.asdict(_plain(session.view)),
    }
    text = json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False)
    with storage.atomic_output(path, overwrite=True) as temporary:
        # Names of files need not be text; JSON is read back in the same way.
        temporary.write_text(text, encoding="utf-8", errors="surrogatepass")
    return path


def _plain(view: View) -> View:
    return dataclasses.replace(view, levels=dict(view.levels))


def _edits_to_dict(edits: Edits) -> dict[str, Any]:
    numbers: dict[int, int] = {}
    images: list[npt.NDArray[Any]] = []
    backgrounds: dict[str, int | None] = {}
    for frame, image in sorted(edits.backgrounds.items()):
        if image is None:
            backgrounds[str(frame)] = None
            continue
        if id(image) not in numbers:
            numbers[id(image)] = len(images)
            images.append(image)
        backgrounds[str(frame)] = numbers[id(image)]
    return {
        "order": None if edits.order is None else list(edits.order),
        "meta": {str(frame): dict(values) for frame, values in sorted(edits.meta.items())},
        "backgrounds": backgrounds,
        "images": [_image_to_dict(image) for image in images],
    }


def _image_to_dict(image: npt.NDArray[Any]) -> dict[str, Any]:
    # Single precision is what backgrounds are saved in.
    data = zlib.compress(np.ascontiguousarray(image, dtype="<f4").tobytes(), 6)
    return {"shape": list(image.shape), "data": base64.b64encode(data).decode("ascii")}
