"""Everything that writes a file, as functions of a folder that was prepared for it."""

from __future__ import annotations

import hashlib
import importlib.util
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
import tifffile

from flimage import FLSeries, Recipe, batch, convert, correct
from flimage.export import Images, write_fit, write_tiff, write_zarr
from flimage.opening import open_series
from flimage.progress import Progress, ignore_progress
from flimage.save import save_edited
from flimage.session_file import SessionFile, write_session
from flimage.source import EditedSource, Edits, SeriesSource

__all__ = ["FLOWS", "Flow", "digest", "files_of", "prepare"]

SOURCE = "recording.h5"
STACK = "stack.tif"


@dataclass(frozen=True)
class Flow:
    """One way to write.

    Parameters
    ----------
    run
        Writes into a prepared folder.
    targets
        What is written, relative to the folder.
    """

    run: Callable[[Path, Progress], None]
    targets: tuple[str, ...]


def prepare(folder: Path, frames: int = 12, shape: tuple[int, int] = (64, 80)) -> Path:
    """Fill a folder with a recording, a stack and an older version of everything written."""
    rng = np.random.default_rng(7)
    y, x = np.mgrid[: shape[0], : shape[1]]
    disc = np.hypot(y - shape[0] / 2, x - shape[1] / 2) < min(shape) / 4
    decay = 0.3 + 0.7 * np.exp(-np.arange(frames) / (frames / 3))
    images = rng.poisson(100 + 400 * disc * decay[:, None, None]).astype(np.float32)
    folder.mkdir(parents=True, exist_ok=True)
    for name in (SOURCE, "second.h5", "edited.h5"):
        with FLSeries(h5file=folder / name, h5mode="w", identifier="torture") as series:
            series.add_images(images, [{"time": 0.5 * i} for i in range(frames)])
    tifffile.imwrite(folder / STACK, images.astype(np.uint16))
    with FLSeries(h5file=folder / "old.h5", h5mode="w") as series:
        series.add_images(images[:3] + 1, [{"time": 1.0 * i} for i in range(3)])
    old = (folder / "old.h5").read_bytes()
    (folder / "out").mkdir()
    for flow in FLOWS.values():
        for name in flow.targets:
            path = folder / name
            if path.exists():
                continue
            if path.suffix == ".zarr":
                path.mkdir()
                (path / ".zattrs").write_bytes(b"{}")
            else:
                path.write_bytes(old)
    return folder


def _source(folder: Path, name: str = SOURCE) -> AbstractContextManager[FLSeries]:
    return open_series(folder / name)


def _export(folder: Path, progress: Progress) -> None:
    with _source(folder) as series:
        correct.run(
            SeriesSource(series),
            Recipe(),
            folder / "corrected.h5",
            overwrite=True,
            progress=progress,
        )


def _denoise(folder: Path, progress: Progress) -> None:
    with _source(folder) as series:
        correct.denoise_series(
            SeriesSource(series), folder / "denoised.h5", overwrite=True, progress=progress
        )


def _edited(series: FLSeries) -> EditedSource:
    source = SeriesSource(series)
    background = np.full(source.shape, 5.0, np.float32)
    edits = Edits().with_order([*range(1, len(source)), 0]).with_background([0, 2], background)
    return EditedSource(source, edits.with_meta({3: {"identifier": "third"}}))


def _save(folder: Path, progress: Progress) -> None:
    with _source(folder, "edited.h5") as series:
        save_edited(_edited(series), folder / "edited.h5", overwrite=True, progress=progress)


def _save_as(folder: Path, progress: Progress) -> None:
    with _source(folder) as series:
        save_edited(_edited(series), folder / "copy.h5", overwrite=True, progress=progress)


def _convert(folder: Path, progress: Progress) -> None:
    convert.convert(folder / STACK, folder / "converted.h5", 0.5, overwrite=True, progress=progress)


def _jobs(folder: Path) -> list[batch.Job]:
    sources = [folder / SOURCE, folder / "second.h5"]
    return batch.plan(sources, folder / "out", Recipe(), overwrite=True)


def _batch(folder: Path, progress: Progress) -> None:
    batch.run_batch(_jobs(folder), workers=0, progress=progress)


def _batch_processes(folder: Path, progress: Progress) -> None:
    batch.run_batch(_jobs(folder), workers=2, progress=progress)


def _tiff(folder: Path, progress: Progress) -> None:
    with _source(folder) as series:
        images = Images(SeriesSource(series), "raw")
        write_tiff(images, folder / "images.tif", overwrite=True, progress=progress)


def _zarr(folder: Path, progress: Progress) -> None:
    with _source(folder) as series:
        images = Images(SeriesSource(series), "raw")
        write_zarr(images, folder / "images.zarr", overwrite=True, progress=progress)


def _table(folder: Path, progress: Progress) -> None:
    with _source(folder) as series:
        result = correct.run(SeriesSource(series), Recipe(), None, progress=progress)
    write_fit(result.fit.to_dict(), folder / "fit.csv", overwrite=True)


def _session(folder: Path, progress: Progress) -> None:
    image = np.full((64, 80), 5.0, np.float32)
    edits = Edits().with_background([0, 2], image)
    write_session(SessionFile(folder / SOURCE, edits=edits), folder / "work.flsession")


FLOWS: dict[str, Flow] = {
    "export": Flow(_export, ("corrected.h5",)),
    "save": Flow(_save, ("edited.h5",)),
    "save as": Flow(_save_as, ("copy.h5",)),
    "convert": Flow(_convert, ("converted.h5",)),
    "denoise": Flow(_denoise, ("denoised.h5",)),
    "batch": Flow(_batch, ("out/recording_corrected.h5", "out/second_corrected.h5")),
    "batch in processes": Flow(
        _batch_processes, ("out/recording_corrected.h5", "out/second_corrected.h5")
    ),
    "TIFF": Flow(_tiff, ("images.tif",)),
    "OME-Zarr": Flow(_zarr, ("images.zarr",)),
    "table": Flow(_table, ("fit.csv",)),
    "session": Flow(_session, ("work.flsession",)),
}

if importlib.util.find_spec("zarr") is None:  # an extra, and not there for each Python
    del FLOWS["OME-Zarr"]


def files_of(folder: Path) -> set[str]:
    """Names of all files and folders in a folder, whatever they start with."""
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*")}


def digest(path: Path) -> str:
    """Name for what a file or folder holds; the same for two results of the same work.

    Raises
    ------
    OSError
        When an HDF5 file is not complete.
    """
    found = hashlib.sha256()
    if path.is_dir():
        for each in sorted(path.rglob("*")):
            if each.is_file():
                found.update(each.relative_to(path).as_posix().encode())
                found.update(each.read_bytes())
    elif path.suffix == ".h5":
        with h5py.File(path, "r") as file:
            _add_group(found, file)
    elif path.suffix == ".tif" and path.read_bytes()[:2] in (b"II", b"MM"):
        found.update(tifffile.imread(path).tobytes())
    elif path.suffix == ".flsession" and path.read_bytes()[:1] == b"{":
        # Where the folder is, and when its copy was made, are not part of the work.
        content = json.loads(path.read_text("utf-8"))
        found.update(json.dumps({**content, "recording": None}).encode())
    else:
        found.update(path.read_bytes())
    return found.hexdigest()


def _add_group(found: hashlib._Hash, group: h5py.Group) -> None:
    for key, value in sorted(group.attrs.items()):
        found.update(f"{key}={value!r}".encode())
    for name in sorted(group):
        found.update(name.encode())
        member = group[name]
        if isinstance(member, h5py.Group):
            _add_group(found, member)
        else:
            found.update(np.asarray(member[()]).tobytes())
            for key, value in sorted(member.attrs.items()):
                found.update(f"{key}={value!r}".encode())


def run(name: str, folder: Path, progress: Progress = ignore_progress) -> None:
    """Write one thing into a prepared folder."""
    FLOWS[name].run(folder, progress)
