"""Unsaved work on disk: written while a person works, read again after a crash (no Qt).

Every window that has unsaved work owns one folder, in which ``journal.json`` says what was changed
and NPY files hold assigned images. The JSON file is replaced as a whole, after everything that it
names is on the disk, so that a power cut leaves the state before or the state after. Nothing that
is read is ever executed: JSON holds plain values, and NPY files with objects are refused.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from flimage.errors import FileFormatError, FlimageError
from flimage.output import flush_folder

if TYPE_CHECKING:
    from flimage.recipe import Recipe
    from flimage.region_traces import NamedRegion
    from flimage.source import Edits

__all__ = [
    "Entry",
    "JournalWriter",
    "find_entries",
    "find_unfinished",
    "journal_folder",
    "load_entry",
]

FORMAT = 1
FILE = "journal.json"
#: After this time, a journal in which there is nothing is one that was begun in vain [s].
_SETTLED = 10.0
_IMAGE_NAME = re.compile(r"image-[0-9]{1,9}\.npy")


def journal_folder() -> Path:
    """Folder of all journals of the person who runs the program."""
    from platformdirs import user_state_path

    return user_state_path("flimage", appauthor=False) / "journal"


@dataclass(frozen=True)
class Entry:
    """Unsaved work that was found.

    Parameters
    ----------
    folder
        Where it is kept.
    path
        The recording it belongs to.
    group
        Where in the file its series is; None at the root.
    written
        When it was written last [s since 1970].
    steps
        Names of the steps that led to it, oldest first.
    recording_changed
        Whether the recording is another file than it was then.
    """

    folder: Path
    path: Path
    group: str | None
    written: float
    steps: tuple[str, ...]
    recording_changed: bool


def fingerprint(path: Path) -> list[int]:
    """Size and time of change of a file, by which another one is told apart; empty without it."""
    try:
        status = path.stat()
    except OSError:
        return []
    return [status.st_size, status.st_mtime_ns]


class JournalWriter:
    """Writes the journal of one window.

    Parameters
    ----------
    folder
        Folder of this journal alone; it is created when there is something to be kept.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        #: Images that are on the disk: name -> image; kept so that ids stay theirs.
        self._images: dict[str, np.ndarray] = {}
        self._count = 0

    def write(
        self,
        path: Path,
        recipe: Recipe,
        edits: Edits,
        steps: Sequence[str],
        regions: Sequence[NamedRegion] = (),
        group: str | None = None,
    ) -> None:
        """Keep unsaved work, in place of what was kept before.

        Parameters
        ----------
        path
            The recording.
        recipe, edits
            Its state.
        steps
            Names of the steps that led to it.
        regions
            Named regions.
        group
            Where in the file the series is; None at its root.

        Raises
        ------
        OSError
            When it cannot be written.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        known = {id(image): name for name, image in self._images.items()}
        backgrounds: dict[str, list[int]] = {}
        cleared: list[int] = []
        used: dict[str, np.ndarray] = {}
        for frame, image in edits.backgrounds.items():
            if image is None:
                cleared.append(frame)
                continue
            name = known.get(id(image))
            if name is None:
                name = self._write_image(image)
                known[id(image)] = name
            used[name] = image
            backgrounds.setdefault(name, []).append(frame)
        content = {
            "format": FORMAT,
            "path": str(path.absolute()),
            "group": group,
            "fingerprint": fingerprint(path),
            "written": time.time(),
            "steps": list(steps),
            "recipe": recipe.to_json(),
            "regions": [each.to_dict() for each in regions],
            "order": None if edits.order is None else list(edits.order),
            "backgrounds": backgrounds,
            "cleared": cleared,
            "meta": {str(frame): dict(values) for frame, values in edits.meta.items()},
        }
        text = json.dumps(content, allow_nan=False)
        _replace(self.folder / FILE, text.encode())
        # Only now does nothing name them any more.
        for name in self._images.keys() - used.keys():
            (self.folder / name).unlink(missing_ok=True)
        self._images = used

    def _write_image(self, image: np.ndarray) -> str:
        self._count += 1
        name = f"image-{self._count}.npy"
        with (self.folder / name).open("wb") as file:
            np.save(file, image, allow_pickle=False)
            file.flush()
            os.fsync(file.fileno())
        return name

    def discard(self) -> None:
        """Forget what was kept."""
        remove_entry(self.folder)
        self._images = {}


def remove_entry(folder: Path) -> None:
    """Remove a journal."""
    # Without the JSON file the rest means nothing, so it goes first.
    (folder / FILE).unlink(missing_ok=True)
    shutil.rmtree(folder, ignore_errors=True)


def _replace(path: Path, data: bytes) -> None:
    """Write a file that appears whole or not at all."""
    part = path.with_suffix(".part")
    with part.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    flush_folder(path.parent)


def find_entries(folder: Path) -> list[Entry]:
    """Find all journals, the newest first; those that cannot be understood are left out."""
    found = []
    for each in folder.glob(f"*/{FILE}"):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            content = _read(each)
            path = Path(content["path"])
            found.append(
                Entry(
                    each.parent,
                    path,
                    # Journals of older versions know no groups.
                    None if content.get("group") is None else str(content["group"]),
                    float(content["written"]),
                    tuple(str(step) for step in content["steps"]),
                    fingerprint(path) != content["fingerprint"],
                )
            )
    return sorted(found, key=lambda entry: entry.written, reverse=True)


def find_unfinished(folder: Path) -> list[Path]:
    """Find folders of journals in which nothing was written before the program was killed."""
    found = []
    with contextlib.suppress(OSError):
        for each in folder.iterdir():
            with contextlib.suppress(OSError):
                # A new one may belong to a program that is about to write.
                old = time.time() - each.stat().st_mtime > _SETTLED
                if old and each.is_dir() and not (each / FILE).exists():
                    found.append(each)
    return found


def _read(path: Path) -> dict[str, Any]:
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise ValueError("the format is unknown")
    return content


def load_entry(entry: Entry) -> tuple[Recipe, Edits, tuple[NamedRegion, ...]]:
    """Read recipe, edits and named regions of a journal.

    Raises
    ------
    flimage.errors.FileFormatError
        When it is damaged, or of another version of the program.
    """
    from flimage.recipe import Recipe
    from flimage.region_traces import NamedRegion

    try:
        content = _read(entry.folder / FILE)
        recipe = Recipe.from_json(str(content["recipe"]))
        # Journals of older versions know no regions.
        regions = tuple(NamedRegion.from_dict(each) for each in content.get("regions", ()))
        return recipe, _read_edits(entry.folder, content), regions
    except (OSError, ValueError, KeyError, TypeError, AttributeError, FlimageError) as error:
        raise FileFormatError(
            f"The unsaved changes to {entry.path.name} cannot be restored ({error}); they are kept"
            f" in {entry.folder}."
        ) from error


def _read_edits(folder: Path, content: Mapping[str, Any]) -> Edits:
    from flimage.edit import check_value
    from flimage.source import Edits

    order = content["order"]
    edits = Edits().with_order(None if order is None else [int(frame) for frame in order])
    for name, frames in content["backgrounds"].items():
        if not _IMAGE_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of an image")
        image = np.load(folder / name, allow_pickle=False)
        if image.ndim != 2 or image.dtype.kind not in "fiu":
            raise ValueError(f"{name} holds no image")
        image.setflags(write=False)
        edits = edits.with_background([int(frame) for frame in frames], image)
    edits = edits.with_background([int(frame) for frame in content["cleared"]], None)
    return edits.with_meta(
        {
            int(frame): {key: check_value(key, value) for key, value in values.items()}
            for frame, values in content["meta"].items()
        }
    )
