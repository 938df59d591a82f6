"""Files that lead to other files in several ways at once: nothing of those gets anywhere.

Run with ``python -m tests.torture.hostile --rounds 60 --seed 1``. In each round, frames of a series
are replaced by links, virtual datasets and external data that lead to a secret, and everything that
reads or writes is run on it. The same is done with a session of that series, with sets of TIFF
files, and with folders of Zarr and of images. The exit code is 1 where the secret is found in what
was said or written, or where an error was no sentence.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import tifffile
from h5py import h5d

from flimage import FLImage, FLSeries
from flimage.cli import main as flimage
from flimage.image_group import RAW
from tests.torture.hostile_recordings import (
    SETS,
    ZARR,
    add_way_to_secret,
    hostile_set,
    hostile_zarr,
    open_session,
    write_hostile_session,
)
from tests.torture.outcome import keep

__all__ = [
    "FRAMES",
    "SECRET",
    "SHAPE",
    "WAYS_OUT",
    "external_data",
    "replace_link",
    "run",
    "try_all",
    "try_formats",
    "try_hostile",
    "try_recording",
    "virtual",
    "write_secret",
    "write_stranger",
]

SHAPE = (24, 20)
FRAMES = 6
#: What is in the file that nobody may see: a value that no other image has.
SECRET = 4242.0


def write_secret(folder: Path) -> Path:
    """A series that is somebody else's."""
    path = folder / "secret.h5"
    with FLSeries(h5file=path, h5mode="w", identifier="SECRET") as series:
        for number in range(FRAMES):
            meta = {"time": number, "identifier": f"SECRET {number}"}
            series.add_flimage(FLImage(np.full(SHAPE, SECRET), meta_data=meta))
        series.h5["fli_0"].copy("fluorescence", series.h5["fli_0"], "unused")
        del series.h5["fli_0/unused"]
    (folder / "secret.bin").write_bytes(np.full(SHAPE, SECRET, "<f4").tobytes())
    return path


def write_stranger(folder: Path) -> Path:
    """A good series in a group of its file, as flimage writes it."""
    path = folder / "stranger.h5"
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    spot = 300.0 * (np.hypot(y - 12, x - 10) < 5)
    noise = np.random.default_rng(1).normal(0, 2, (FRAMES, *SHAPE))
    with h5py.File(path, "w") as file:
        made = FLSeries(h5file=file.create_group("cells"))
        for number in range(FRAMES):
            image = 50 + spot * np.exp(-number / 4) + noise[number]
            made.add_flimage(FLImage(image, meta_data={"time": number}))
    return path


def replace_link(group: h5py.Group, name: str, link: Any) -> None:
    del group[name]
    group[name] = link


def virtual(group: h5py.Group, name: str, secret: Path) -> None:
    layout = h5py.VirtualLayout(shape=SHAPE, dtype="f4")
    layout[:] = h5py.VirtualSource(str(secret), f"fli_0/{RAW}", shape=SHAPE)
    if name in group:
        del group[name]
    group.create_virtual_dataset(name, layout)


def external_data(group: h5py.Group, name: str, secret: Path) -> None:
    if name in group:
        del group[name]
    place = [(str(secret.with_suffix(".bin")), 0, h5py.h5f.UNLIMITED)]
    group.create_dataset(name, SHAPE, "f4", external=place)


def _link(path: str) -> Callable[[h5py.Group, Path], None]:
    def change(frame: h5py.Group, secret: Path) -> None:
        target = f"fli_0/{path}" if path else "fli_0"
        parent = frame.parent if not path else frame
        name = path or frame.name.rsplit("/", 1)[-1]
        replace_link(parent, name, h5py.ExternalLink(str(secret), target))

    return change


def _background_link(frame: h5py.Group, secret: Path) -> None:
    frame["fluorescence/bg_data/data"] = h5py.ExternalLink(str(secret), f"fli_0/{RAW}")


def _through_soft_link(frame: h5py.Group, secret: Path) -> None:
    frame.file["away"] = h5py.ExternalLink(str(secret), "/")
    replace_link(frame, RAW, h5py.SoftLink(f"/away/fli_0/{RAW}"))


def _through_relative_link(frame: h5py.Group, secret: Path) -> None:
    frame["fluorescence/away"] = h5py.ExternalLink(str(secret), f"fli_0/{RAW}")
    replace_link(frame, RAW, h5py.SoftLink("away"))


WAYS_OUT: dict[str, Callable[[h5py.Group, Path], None]] = {
    "link in place of the image": _link(RAW),
    "link in place of its group": _link("fluorescence"),
    "link in place of the frame": _link(""),
    "link in place of the backgrounds": _link("fluorescence/bg_data"),
    "link as a background": _background_link,
    "soft link to a link": _through_soft_link,
    "relative soft link to a link": _through_relative_link,
    "virtual dataset": lambda frame, secret: virtual(frame, RAW, secret),
    "virtual dataset as a background": lambda frame, secret: virtual(
        frame, "fluorescence/bg_data/data", secret
    ),
    "raw data elsewhere": lambda frame, secret: external_data(frame, RAW, secret),
    "raw data elsewhere as a background": lambda frame, secret: external_data(
        frame, "fluorescence/bg_data/data", secret
    ),
}


def run(*arguments: object) -> tuple[int, str, str]:
    """Run a command; exit code, output and errors."""
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = flimage([str(argument) for argument in arguments])
    return code, out.getvalue(), err.getvalue()


def try_all(path: Path, folder: Path) -> list[str]:
    """Run everything that reads or writes on a hostile file; return what must not happen."""
    defects = []
    for arguments in (
        ("info", path),
        ("bleach", path, folder / "a.h5", "--border", "3"),
        ("export", path, folder / "b.csv", "--border", "3"),
        ("export", path, folder / "c.tif", "--images", "raw"),
        ("export", path, folder / "d.html", "--border", "3"),
        ("denoise", path, folder / "e.h5"),
        ("edit", path, folder / "f.h5", "--delete", "0"),
        ("traces", path, folder / "g.csv", "--region", "all=0,0,24,20"),
        ("recover", path, folder / "h.h5"),
    ):
        defects += _judge(str(arguments[0]), *run(*arguments))
    defects += [f"{each.name} holds the secret" for each in folder.iterdir() if _has_secret(each)]
    return defects


def try_recording(path: Path, folder: Path, good: Path) -> list[str]:
    """Run everything that reads a recording in another format; return what must not happen."""
    defects = []
    made = folder / "converted.h5"
    for arguments in (
        ("info", path),
        ("info", "--json", path),
        ("convert", path, made, "--interval", "1"),
        ("edit", good, folder / "edited.h5", "--background-file", path),
    ):
        defects += _judge(str(arguments[0]), *run(*arguments))
    if made.exists():
        defects += try_all(made, folder)
    return defects + [
        f"{each.name} holds the secret" for each in folder.iterdir() if _has_secret(each)
    ]


def _judge(what: str, code: int, out: str, err: str) -> list[str]:
    """Return what must not happen of what a command said."""
    defects = []
    # Names of files that are refused are named, and are no secret.
    said = (out + err).replace("secret.ome.tif", "").replace("secret.tif", "")
    if "SECRET" in said or "4242" in said:
        defects.append(f"{what}: the secret was said: {out + err}")
    if "Unexpected" in err or code not in (0, 1, 2, 3):
        defects.append(f"{what}: exit code {code}: {err}")
    return defects


def _has_secret(path: Path) -> bool:
    """Tell whether an image that is stored in a file is the secret one, or a text names it."""
    if path.suffix == ".tif" and (tifffile.imread(path) == SECRET).any():
        return True
    data = path.read_bytes()
    if path.suffix != ".h5":
        return b"4242" in data or b"SECRET" in data
    with h5py.File(path) as file:
        stored: list[str] = []
        file.visititems(lambda name, item: stored.append(name))
        items = [file[name] for name in stored]
        images = [each for each in items if isinstance(each, h5py.Dataset) and _is_own(each)]
        return any((each[()] == SECRET).any() for each in images) or b"SECRET 0" in data


def _is_own(dataset: h5py.Dataset) -> bool:
    plist = dataset.id.get_create_plist()
    return plist.get_layout() != h5d.VIRTUAL and not dataset.external


def try_hostile(seed: int, number: int, folder: Path) -> tuple[list[str], list[str]]:
    """Put several ways out into a series, and try everything on it.

    Returns
    -------
    ways
        What leads out.
    defects
        What must not happen.
    """
    rng = random.Random(f"{seed}:{number}")
    secret = write_secret(folder)
    path = write_stranger(folder)
    ways = []
    with h5py.File(path, "r+") as file:
        for frame in rng.sample(range(FRAMES), rng.choice((1, 2, 3, FRAMES))):
            way = rng.choice(list(WAYS_OUT))
            if "away" in file and "soft link to a link" in way:
                continue
            WAYS_OUT[way](file[f"cells/fli_{frame}"], secret)
            ways.append(way)
    out = _empty(folder / "out")
    defects = try_all(path, out)
    add_way_to_secret(path, secret)
    session = write_hostile_session(folder / "stranger.flsession", path, rng)
    ways.append("session of a series that leads out")
    defects += _judge("edit", *run("edit", path, out / "edited.h5", "--session", session))
    # Names of files and of what they hold are said; what stands there is not.
    said = [each for each in open_session(session, out / "session.h5") if _tells_secret(each)]
    defects += [f"session: the secret was said: {each}" for each in said]
    defects += [f"session: {each.name} holds it" for each in out.iterdir() if _has_secret(each)]
    return ways, defects


def _tells_secret(text: str) -> bool:
    return "SECRET" in text or "4242" in text


def _empty(folder: Path) -> Path:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    return folder


def try_formats(seed: int, number: int, folder: Path) -> tuple[list[str], list[str]]:
    """Make a set of TIFF files and a folder that lead out, and try everything on them.

    Returns
    -------
    ways, defects
        See :func:`try_hostile`.
    """
    rng = random.Random(f"formats:{seed}:{number}")
    good = write_stranger(_empty(folder / "good"))
    folders = [*ZARR] if importlib.util.find_spec("zarr") else ["link in a folder of images"]
    ways, defects = [], []
    for name, ways_out, make in (("set", [*SETS], hostile_set), ("folder", folders, hostile_zarr)):
        way = rng.choice(ways_out)
        path = make(_empty(folder / name), way, rng)
        found = try_recording(path, _empty(folder / f"out of {name}"), good)
        defects += [f"{way}: {each}" for each in found]
        ways.append(way)
    return ways, defects


def main(argv: list[str] | None = None) -> int:
    """Try many, print what came of it, and return the exit code."""
    parser = argparse.ArgumentParser(description=str(__doc__).splitlines()[0])
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", action="store_true", help="keep the figures in build/torture")
    arguments = parser.parse_args(argv)
    began = time.monotonic()
    ways: Counter[str] = Counter()
    others: Counter[str] = Counter()
    defects: list[str] = []
    for number in range(arguments.rounds):
        for attempt in (try_hostile, try_formats):
            with tempfile.TemporaryDirectory(prefix="flimage-torture-") as name:
                tried, found = attempt(arguments.seed, number, Path(name))
            (ways if attempt is try_hostile else others).update(tried)
            for each in found:
                defects.append(f"{arguments.seed}:{number} ({', '.join(tried)}): {each}")
                print(defects[-1], flush=True)
    total = ways.total() + others.total()
    print(f"{4 * arguments.rounds} files, {total} ways out, {len(defects)} defects")
    if arguments.keep:
        keep(
            "hostile",
            "Links, virtual datasets and external data that lead to other files are refused, never"
            " followed, and so are names in TIFF files and links in folders of Zarr and of images:"
            " nothing of another file is shown, said or written. Bombs, filters from"
            " plug-in folders, markup, control characters and code in files have tests of their"
            " own (`tests/test_hostile*.py`, `tests/gui/test_hostile_files.py`).",
            {
                "series": arguments.rounds,
                "sessions": arguments.rounds,
                "sets of TIFF files": arguments.rounds,
                "folders": arguments.rounds,
                "ways out of them": total,
            },
            time.monotonic() - began,
            seeds=[arguments.seed],
            defects=defects,
            details={
                "frames and sessions by what leads out": dict(ways),
                "recordings in other formats by what leads out": dict(others),
            },
        )
    return 1 if defects else 0


if __name__ == "__main__":
    sys.exit(main())
