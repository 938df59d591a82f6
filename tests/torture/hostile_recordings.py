"""Recordings in other formats and session files that lead to somebody else's, made at random."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile

from flimage import correct
from flimage.errors import FlimageError
from flimage.opening import open_series
from flimage.readers import is_recording, open_recording
from flimage.recipe import Recipe
from flimage.session_file import SessionFile, write_session
from flimage.session_reading import read_session
from flimage.source import EditedSource, Edits, SeriesSource
from tests.torture.hostile_formats import (
    PLANE,
    member,
    micro_manager,
    ndtiff_index,
    set_of_tiff,
    write_secret_tiff,
    zarr_folder,
)

__all__ = [
    "SETS",
    "ZARR",
    "add_way_to_secret",
    "hostile_set",
    "hostile_zarr",
    "open_session",
    "write_hostile_session",
]

Frames = np.ndarray[Any, np.dtype[np.uint16]]


def _frames(count: int) -> Frames:
    """Frames of a bleaching spot, such as a stranger has recorded."""
    y, x = np.mgrid[: PLANE[0], : PLANE[1]]
    spot = np.hypot(y - 12, x - 10) < 5
    return np.array([100 + (300 - 9 * n) * spot for n in range(count)], "u2")


# --- TIFF ----------------------------------------------------------------------------------------


def _named(name: Callable[[Path], str]) -> Callable[[Path, Path, random.Random], Path]:
    def make(folder: Path, secret: Path, rng: random.Random) -> Path:
        own = rng.randrange(1, 4)
        names = [("in.ome.tif", own)]
        if rng.random() < 0.5:
            member(folder / "more.ome.tif", _frames(2))
            names.append(("more.ome.tif", 2))
        way_out = name(secret)
        names.insert(rng.randrange(1, len(names) + 1), (way_out, rng.randrange(1, 5)))
        positions, root = rng.random() < 0.3, rng.random() < 0.7
        path = folder / "in.ome.tif"
        return set_of_tiff(
            path, names, _frames(own), positions=positions, root=root, secret=way_out
        )

    return make


def _linked(folder: Path, secret: Path, rng: random.Random) -> Path:
    name = rng.choice(("more.ome.tif", "b.tif"))
    (folder / name).symlink_to(secret)
    names = [("in.ome.tif", 2), (name, 4)]
    return set_of_tiff(folder / "in.ome.tif", names, _frames(2), secret=name)


def _through_folder(folder: Path, secret: Path, rng: random.Random) -> Path:
    (folder / "data").symlink_to(secret.parent)
    name = f"data/{secret.name}"
    names = [("in.ome.tif", 2), (name, 4)]
    return set_of_tiff(folder / "in.ome.tif", names, _frames(2), secret=name)


def _micro_manager(folder: Path, secret: Path, rng: random.Random) -> Path:
    stranger = micro_manager(secret.parent / "x_MMStack.tif", {"Frames": 2}, [(0, 0, 1, 0)])
    data = stranger.read_bytes().replace(np.ones(PLANE, "<u2").tobytes(), _secret_bytes())
    stranger.write_bytes(data)
    (folder / "in_MMStack_2.ome.tif").symlink_to(stranger)
    return micro_manager(folder / "in_MMStack_1.ome.tif", {"Frames": 2})


def _ndtiff(folder: Path, secret: Path, rng: random.Random) -> Path:
    path = micro_manager(folder / "in_nd.tif", {}, version=3)
    name = rng.choice((str(secret), f"../{secret.parent.name}/{secret.name}"))
    ndtiff_index(folder / "NDTiff.index", [({"time": 0}, path.name), ({"time": 1}, name)])
    return path


#: How a TIFF file may lead to another one: folder, file that is somebody else's -> file.
SETS: dict[str, Callable[[Path, Path, random.Random], Path]] = {
    "OME-XML with an absolute name": _named(str),
    "OME-XML with a name in another folder": _named(lambda s: f"../{s.parent.name}/{s.name}"),
    "OME-XML with the name of a link": _linked,
    "OME-XML with a name behind a link": _through_folder,
    "Micro-Manager stack that is a link": _micro_manager,
    "NDTiff index with a name in another folder": _ndtiff,
}


def _secret_bytes() -> bytes:
    return np.full(PLANE, 4242, "<u2").tobytes()


def hostile_set(folder: Path, way: str, rng: random.Random) -> Path:
    """Write a TIFF file that leads to a secret one in another folder."""
    private, inbox = folder / "private", folder / "inbox"
    private.mkdir()
    inbox.mkdir()
    return SETS[way](inbox, write_secret_tiff(private / "secret.ome.tif"), rng)


# --- folders -------------------------------------------------------------------------------------


def _chunk(folder: Path, secret: Path, rng: random.Random) -> Path:
    path = zarr_folder(folder / "in.zarr")
    chunk = path / f"{rng.randrange(2)}.0.0"
    chunk.unlink()
    chunk.symlink_to(secret)
    return path


def _array(folder: Path, secret: Path, rng: random.Random) -> Path:
    private = zarr_folder(secret.parent / "private.zarr")
    for number in range(2):
        (private / f"{number}.0.0").write_bytes(secret.read_bytes())
    path = folder / "in.zarr"
    path.mkdir()
    name = rng.choice(("0", "link/private.zarr", "../../private/private.zarr"))
    if name == "0":
        (path / "0").symlink_to(private)
    elif name.startswith("link"):
        (path / "link").symlink_to(private.parent)
    axes = [{"name": letter} for letter in "tyx"]
    attributes = {"multiscales": [{"axes": axes, "datasets": [{"path": name}]}]}
    (path / ".zgroup").write_text('{"zarr_format": 2}', encoding="utf-8")
    (path / ".zattrs").write_text(json.dumps(attributes), encoding="utf-8")
    return path


def _metadata(folder: Path, secret: Path, rng: random.Random) -> Path:
    path = zarr_folder(folder / "in.zarr")
    stranger = secret.with_name("attributes.json")
    stranger.write_text('{"SECRET": 4242}', encoding="utf-8")
    (path / ".zattrs").symlink_to(stranger)
    return path


def _image(folder: Path, secret: Path, rng: random.Random) -> Path:
    path = folder / "in"
    path.mkdir()
    for number, frame in enumerate(_frames(3)):
        tifffile.imwrite(path / f"{number}.tif", frame, metadata=None)
    stranger = member(secret.with_name("secret.tif"), np.full((1, *PLANE), 4242, "u2"))
    (path / f"{rng.randrange(3)}.tif").unlink()
    (path / f"{rng.randrange(3)}.tif").unlink(missing_ok=True)
    (path / "7.tif").symlink_to(stranger)
    return path


#: How a folder may lead out of it.
ZARR: dict[str, Callable[[Path, Path, random.Random], Path]] = {
    "link in place of a chunk": _chunk,
    "link in place of an array, or a name of one": _array,
    "link in place of attributes": _metadata,
    "link in a folder of images": _image,
}


def hostile_zarr(folder: Path, way: str, rng: random.Random) -> Path:
    """Write a folder that leads to a secret file in another one."""
    private, inbox = folder / "private", folder / "inbox"
    private.mkdir()
    inbox.mkdir()
    secret = private / "secret.bin"
    secret.write_bytes(_secret_bytes())
    return ZARR[way](inbox, secret, rng)


# --- session files -------------------------------------------------------------------------------


def write_hostile_session(path: Path, recording: Path, rng: random.Random) -> Path:
    """Write a session of a recording that leads out, with odd values in places of names."""
    edits = Edits().with_background([1], np.full(PLANE, 7, np.float32))
    if rng.random() < 0.5:
        edits = edits.with_order([2, 1, 0])
    write_session(SessionFile(recording, Recipe(border_px=3), edits=edits), path)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["recording"]["group"] = rng.choice((None, "/cells", "/away", "/away/fli_0", "/../away"))
    if rng.random() < 0.3:
        content["recording"]["relative"] = f"./../{path.parent.name}/{recording.name}"
    if rng.random() < 0.2:
        content["edits"]["images"][0]["data"] = "../secret.h5"
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def add_way_to_secret(recording: Path, secret: Path) -> None:
    """Put a link to all of the secret file into a series file."""
    with h5py.File(recording, "r+") as file:
        if "away" not in file:
            file["away"] = h5py.ExternalLink(str(secret), "/")


def open_session(path: Path, out: Path) -> list[str]:
    """Do what is done with a session, as far as it goes, and return what was said."""
    said = []
    try:
        session = read_session(path)
        said.append(repr((session.recipe, session.regions, session.view, session.group)))
        if is_recording(session.recording):
            with open_recording(session.recording) as recording:
                said.append(repr(recording.notes))
            return said
        with open_series(session.recording, session.group) as series:
            source = EditedSource(SeriesSource(series), session.edits)
            said += [repr(source.identifiers), repr(source.meta(0))]
            for number in range(len(source)):
                try:
                    if (source.image(number) == 4242).any():
                        said.append(f"SECRET: frame {number} is shown")
                except FlimageError as error:
                    said.append(str(error))
            correct.run(source, session.recipe, out)
    except FlimageError as error:
        said.append(str(error))
    return said
