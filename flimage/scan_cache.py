"""Scans that outlive the program: kept beside the user's other caches, by the identity of the file.

The cache is a convenience: whatever is wrong with it, the recording is scanned again.
"""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import json
import os
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ._version import __version__
from .kept_frames import KeptFrames
from .noise import PixelNoise
from .remnants import remove_remnants, temporary_path
from .scan import SeriesScan, scan_series
from .source import EditedSource, Edits, SeriesSource

if TYPE_CHECKING:
    from .progress import Progress
    from .recipe import Recipe
    from .source import FrameSource

__all__ = ["NO_CACHE", "cache_folder", "cached_scan", "clear_cache"]

#: Environment variable that, set to anything, keeps scans from being stored and reused.
NO_CACHE = "FLIMAGE_NO_CACHE"

#: Raised by one whenever what is stored changes.
_FORMAT = 3
#: The oldest scans are removed when all together are larger than this [bytes].
_LARGEST = 500 * 2**20
_SUFFIX = ".scan.npz"
#: What can be wrong with a file that another program, or nobody, has finished.
_DAMAGE = (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile)


def cache_folder() -> Path:
    """Folder of the scans."""
    from platformdirs import user_cache_path

    return user_cache_path("flimage", appauthor=False) / "scans"


def clear_cache() -> None:
    """Remove all scans."""
    for path in _entries(cache_folder()):
        path.unlink(missing_ok=True)


def cached_scan(
    source: FrameSource,
    recipe: Recipe,
    progress: Progress | None = None,
    workers: int | None = None,
) -> SeriesScan:
    """Do what :func:`~flimage.scan.scan_series` does, but reuse a scan of the same file.

    A scan is reused when path, size, times of change and inode of the file, the series in it, the
    settings that a scan depends on, and the version of flimage are the same. Recordings in memory,
    files that are open for writing and recordings with unsaved edits are scanned each time, and so
    is everything while the environment variable ``FLIMAGE_NO_CACHE`` is set.

    Parameters
    ----------
    source, recipe, progress, workers
        See :func:`~flimage.scan.scan_series`; a scan that is reused reports no progress but the
        end.

    Raises
    ------
    flimage.errors.InputError, flimage.errors.DamagedImageError
        See :func:`~flimage.scan.scan_series`.
    """
    key = _key(source, recipe)
    if key is None:
        return scan_series(source, recipe, progress, workers)
    path = cache_folder() / f"{key}{_SUFFIX}"
    scan = _load(path, source)
    if scan is not None:
        if progress is not None:
            progress(scan.n_frames, scan.n_frames, "Measuring frames")
        return scan
    scan = scan_series(source, recipe, progress, workers)
    # A file that was changed meanwhile has another key now.
    if _key(source, recipe) == key:
        # A full disk or a folder without permission must not cost the scan.
        with contextlib.suppress(OSError):
            _store(path, scan)
    return scan


def _key(source: FrameSource, recipe: Recipe) -> str | None:
    """Name for everything that a scan depends on; None when it cannot be told."""
    if os.environ.get(NO_CACHE):
        return None
    if isinstance(source, KeptFrames):
        return _key(source.source, recipe)
    if isinstance(source, EditedSource):
        return _key(source.source, recipe) if source.edits == Edits() else None
    if not isinstance(source, SeriesSource) or source.path is None:
        return None
    group = source.series.h5
    if group.file.mode != "r":
        return None
    try:
        path = source.path.resolve()
        status = path.stat()
    except OSError:
        return None
    settings = recipe.to_dict()
    parts = [
        _FORMAT,
        __version__,
        str(path),
        status.st_size,
        status.st_mtime_ns,
        # Not every program that changes a file leaves the time of change alone.
        status.st_ctime_ns,
        status.st_ino,
        group.name,
        *(settings[name] for name in ("region", "exclude", "background_source")),
        settings["background_region"] if recipe.background_source == "region" else None,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()


def _store(path: Path, scan: SeriesScan) -> None:
    """Write a scan under a temporary name, and put it in place whole."""
    arrays: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    repeated = []
    for field in dataclasses.fields(scan):
        value = getattr(scan, field.name)
        if isinstance(value, np.ndarray):
            if value.ndim and value.strides[0] == 0 and len(value) > 1:
                # One row that stands for all frames stays one row.
                repeated.append(field.name)
                value = value[:1]
            arrays[field.name] = value
        elif isinstance(value, PixelNoise):
            rest[field.name] = {"noise": dataclasses.asdict(value)}
        else:
            rest[field.name] = value
    head = json.dumps({"rest": rest, "repeated": repeated})
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_remnants(path.parent)
    part = temporary_path(path)
    try:
        with part.open("wb") as file:
            # The archive holds a checksum of every array, which is verified on reading.
            np.savez(file, head=np.array(head), **arrays)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    _prune(path.parent, path)


def _load(path: Path, source: FrameSource) -> SeriesScan | None:
    """Read a scan; None when there is none, or it is damaged."""
    try:
        # Opened here, because numpy leaves a file open that is no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
            head = json.loads(str(archive["head"]))
            arrays = {name: archive[name] for name in archive.files if name != "head"}
        rest: dict[str, Any] = head["rest"]
        count = rest["n_frames"]
        for name in head["repeated"]:
            arrays[name] = np.broadcast_to(arrays[name], (count, *arrays[name].shape[1:]))
        rest["shape"] = tuple(rest["shape"])
        for name, value in rest.items():
            if isinstance(value, dict):
                rest[name] = PixelNoise(**value["noise"])
        scan = SeriesScan(**arrays, **rest)
        if count != len(source) or scan.shape != source.shape or len(scan.region_sum) != count:
            return None
        # The scans that were used last are kept longest.
        os.utime(path)
    except FileNotFoundError:
        return None
    except _DAMAGE:
        with contextlib.suppress(OSError):
            path.unlink()
        return None
    return scan


def _entries(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [path for path in folder.iterdir() if path.name.endswith(_SUFFIX)]


def _prune(folder: Path, newest: Path) -> None:
    """Remove the scans that were not used for longest, until the rest is small enough."""
    found = []
    for path in _entries(folder):
        # Another program may be pruning, too.
        with contextlib.suppress(OSError):
            status = path.stat()
            found.append((status.st_mtime_ns, status.st_size, path))
    total = sum(size for _, size, _ in found)
    for _, size, path in sorted(found):
        if total <= _LARGEST:
            break
        if path != newest:
            with contextlib.suppress(OSError):
                path.unlink()
            total -= size
