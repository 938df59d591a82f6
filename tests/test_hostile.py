"""Files from strangers: nothing of another file gets out, nothing runs, memory stays."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import tifffile
from h5py import h5d, h5pl

from flimage import FLImage, FLSeries, Recipe, correct
from flimage.errors import DamagedImageError, FileFormatError, FlimageError, InputError
from flimage.image_group import RAW
from flimage.opening import open_series
from flimage.readers import open_recording
from flimage.recipe import Region
from flimage.region_traces import NamedRegion
from flimage.session_file import SessionFile, View, write_session
from flimage.session_reading import read_session
from flimage.source import Edits, SeriesSource

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.torture.hostile import (
    FRAMES,
    SECRET,
    SHAPE,
    WAYS_OUT,
    external_data,
    replace_link,
    run,
    try_all,
    try_hostile,
    virtual,
    write_secret,
    write_stranger,
)

#: What refusals say.
NOT = r"not (followed|opened)"


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """A series that is somebody else's."""
    return write_secret(tmp_path)


@pytest.fixture
def series(tmp_path: Path) -> Path:
    """A good series in a group of its file, as flimage writes it."""
    return write_stranger(tmp_path)


@pytest.fixture(params=WAYS_OUT)
def hostile(request: pytest.FixtureRequest, series: Path, secret: Path) -> Path:
    """A series, one frame of which leads to the secret."""
    with h5py.File(series, "r+") as file:
        WAYS_OUT[request.param](file["cells/fli_2"], secret)
    with h5py.File(series, "r") as file:  # the trap works: whoever trusts the file gets it
        found = file["cells/fli_2"]
        images = [found[RAW][()]]
        images += [each[()] for each in found["fluorescence/bg_data"].values()]
        reached = any((image == SECRET).all() for image in images)
        assert reached or request.param == "link in place of the backgrounds"
    return series


def test_a_frame_that_leads_to_another_file_is_refused_and_the_others_are_read(
    hostile: Path,
) -> None:
    with open_series(hostile) as made:
        source = SeriesSource(made)
        with pytest.raises(
            FileFormatError, match=r"stranger\.h5: /cells/\w+\S* .*not (follow|open)"
        ):
            source.image(2)
        with pytest.raises(FileFormatError, match=NOT):
            made[2].fl  # noqa: B018 - reading is what is refused
        with pytest.raises(FileFormatError, match=NOT):
            made[2].fluorescence  # noqa: B018 - as above
        for number in (0, 1, 3, 4, 5):
            assert not (source.image(number) == SECRET).any()


def test_no_way_of_writing_takes_pixels_from_another_file(hostile: Path, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    assert try_all(hostile, folder) == []


@pytest.mark.parametrize("number", range(4))
def test_several_ways_out_at_once_lead_nowhere(number: int, tmp_path: Path) -> None:
    # `python -m tests.torture.hostile` tries many of them.
    tried, defects = try_hostile(5, number, tmp_path)
    assert tried
    assert defects == []


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="there are no pipes with names")
@pytest.mark.parametrize("way", ["link in place of the image", "link in place of the frame"])
def test_the_other_file_is_not_even_opened(way: str, series: Path, tmp_path: Path) -> None:
    # Whoever opens this waits for a writer, who never comes: the process would not end.
    os.mkfifo(tmp_path / "pipe.h5")
    with h5py.File(series, "r+") as file:
        WAYS_OUT[way](file["cells/fli_2"], tmp_path / "pipe.h5")
    code = f"from flimage.cli import main; main(['info', {str(series)!r}])"
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True
    )
    assert "frame 2: " in found.stdout
    assert "not followed" in found.stdout


def test_a_series_behind_a_link_is_neither_found_nor_opened(tmp_path: Path, secret: Path) -> None:
    path = tmp_path / "stranger.h5"
    with h5py.File(path, "w") as file:
        file["cells"] = h5py.ExternalLink(str(secret), "/")
        file["more"] = h5py.SoftLink("/cells")
    with pytest.raises(FileFormatError, match="holds nothing but fli_0"), open_series(path):
        pass
    for group in ("cells", "more", "cells/fli_0"):
        code, out, err = run("info", path, "--group", group)
        assert (code, out) == (1, "")
        assert "not followed" in err
    with pytest.raises(FileFormatError, match="not followed"):
        open_recording(f"{path}::/cells/fli_0/{RAW}")


def test_a_single_image_that_leads_out_is_refused(tmp_path: Path, secret: Path) -> None:
    path = tmp_path / "image.h5"
    for way in (virtual, external_data):
        FLImage(np.ones(SHAPE), h5file=path, h5mode="w").close()
        with h5py.File(path, "r+") as file:
            way(file, RAW, secret)
        with FLImage(h5file=path, h5mode="r") as image:
            for read in ("fl", "raw_fl", "shape", "dtype", "fluorescence"):
                with pytest.raises(FileFormatError, match=r"image\.h5.*not opened"):
                    getattr(image, read)
            with pytest.raises(FileFormatError, match="not opened"):
                image.copy()
        code, _, err = run("info", path)
        assert code == 1
        assert "not opened" in err


@pytest.mark.parametrize("way", [virtual, external_data])
def test_datasets_of_other_programs_do_not_lead_out_either(
    way: Callable[[h5py.Group, str, Path], None], tmp_path: Path, secret: Path
) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        way(file, "images", secret)
    with pytest.raises(FileFormatError, match="not opened"):
        open_recording(f"{path}::/images")
    with pytest.raises(InputError, match="no dataset"):
        open_recording(path)


def test_links_within_the_file_are_followed(series: Path) -> None:
    with h5py.File(series, "r+") as file:
        file["latest"] = h5py.SoftLink("/cells")
        replace_link(file["cells/fli_2"], RAW, h5py.SoftLink(f"/latest/fli_3/{RAW}"))
    with open_series(series, "latest") as made:
        np.testing.assert_array_equal(made[2].fl, made[3].fl)


def test_soft_links_in_a_circle_are_named(series: Path) -> None:
    with h5py.File(series, "r+") as file:
        replace_link(file["cells/fli_2"], RAW, h5py.SoftLink(f"/cells/fli_2/{RAW}"))
    with open_series(series) as made, pytest.raises(FileFormatError, match=r"fli_2.*circle"):
        SeriesSource(made).raw(2)


# --- memory --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "chunks"),
    [
        ((2**20, 2**20), (2**10, 2**10)),
        ((2**31, 2**31), (64, 64)),
        ((2**62, 1), (2**10, 1)),
        ((2**16, 2**15), (2**14, 2**14)),
        ((2**40, 2**10), None),
    ],
)
def test_an_image_of_terabytes_is_refused_before_memory_is_taken(
    shape: tuple[int, int], chunks: tuple[int, int] | None, series: Path
) -> None:
    with h5py.File(series, "r+") as file:
        del file["cells/fli_2"][RAW]
        options = {} if chunks is None else {"chunks": chunks, "compression": "gzip"}
        file["cells/fli_2"].create_dataset(RAW, shape=shape, dtype="f4", **options)
    with open_series(series) as made:
        source = SeriesSource(made)
        for read in (source.raw, source.image):
            with pytest.raises(DamagedImageError, match=r"stranger\.h5: /cells/fli_2.*announces"):
                read(2)
        assert source.shape == SHAPE
        assert source.raw(3).shape == SHAPE


def test_a_bomb_in_one_chunk_is_refused_before_it_is_unpacked(series: Path) -> None:
    size = 2**14  # 1 GB of zeros in a megabyte
    packer = zlib.compressobj(9)
    zeros = bytes(2**24)
    chunk = b"".join([packer.compress(zeros) for _ in range(size * size * 4 >> 24)])
    chunk += packer.flush()
    with h5py.File(series, "r+") as file:
        del file["cells/fli_2"][RAW]
        dataset = file["cells/fli_2"].create_dataset(
            RAW, shape=(size, size), dtype="f4", chunks=(size, size), compression="gzip"
        )
        dataset.id.write_direct_chunk((0, 0), chunk)
    with open_series(series) as made, pytest.raises(DamagedImageError, match="announces"):
        SeriesSource(made).raw(2)


def test_a_tiff_page_that_unpacks_to_more_than_it_announces_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.tif"
    tifffile.imwrite(path, np.zeros((16, 16), np.uint8), compression="zlib", metadata=None)
    bomb = zlib.compress(bytes(2**28), 9)
    data = bytearray(path.read_bytes())
    with tifffile.TiffFile(path) as file:
        tags = file.pages[0].tags
        for code, value in ((273, len(data)), (279, len(bomb))):
            tag = tags[code]
            form = {3: "<H", 4: "<I", 16: "<Q"}[int(tag.dtype)]
            if form == "<H":
                struct.pack_into("<H", data, tag.offset + 2, 4)
                form = "<I"
            struct.pack_into(form, data, tag.offset + 8, value)
    path.write_bytes(bytes(data) + bomb)
    with open_recording(path) as recording, pytest.raises(FileFormatError, match="unpacks to more"):
        recording.frame(0)


def test_arrays_of_terabytes_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "huge.npy"
    header = {"descr": "<f4", "fortran_order": False, "shape": (3, 2**20, 2**20)}
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header)
        stream.write(bytes(100))
    with pytest.raises(FlimageError, match=r"huge\.npy"), open_recording(path) as recording:
        recording.frame(0)


# --- filters and code ----------------------------------------------------------------------------


def test_filters_are_not_loaded_from_plug_in_folders(
    series: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "plugins"
    folder.mkdir()
    # A library that shows that it was loaded would do; that HDF5 looks at it shows as well.
    (folder / "libevil.so").write_bytes(b"no library")
    with h5py.File(series, "r+") as file:
        del file["cells/fli_2"][RAW]
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk(SHAPE)
        plist.set_filter(40000, h5py.h5z.FLAG_OPTIONAL)
        space = h5py.h5s.create_simple(SHAPE)
        made = h5d.create(
            file["cells/fli_2/fluorescence"].id, b"raw", h5py.h5t.IEEE_F32LE, space, plist
        )
        made.write_direct_chunk((0, 0), bytes(SHAPE[0] * SHAPE[1] * 4))
    asked: list[int] = []
    monkeypatch.setattr(h5py.h5z, "filter_avail", lambda code: asked.append(code) or False)
    h5pl.prepend(os.fsencode(folder))
    try:
        with open_series(series) as opened, pytest.raises(FileFormatError, match="filter 40000"):
            SeriesSource(opened).raw(2)
        with open_series(series) as opened, pytest.raises(FileFormatError, match="filter 40000"):
            opened[2].copy()
    finally:
        h5pl.remove(0)
    assert asked == []


class _Bomb:
    def __reduce__(self) -> Any:
        return (os.mkdir, (os.environ["FLIMAGE_TEST_BOMB"],))


def test_no_file_is_ever_unpickled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trap = tmp_path / "exploded"
    monkeypatch.setenv("FLIMAGE_TEST_BOMB", str(trap))
    bomb = pickle.dumps(_Bomb())
    names = ("a.npy", "a.npz", "a.h5", "a.tif", "a.json", "a.flsession", "a.zarr")
    for name in names:
        path = tmp_path / name
        path.write_bytes(bomb)
        with contextlib.suppress(FlimageError), open_recording(path) as recording:
            recording.frame(0)
        run("info", path)
        run("bleach", path, tmp_path / "out.h5", "--recipe", path)
    array = np.empty((3, 4, 4), object)
    array[...] = _Bomb()
    np.save(tmp_path / "objects.npy", array, allow_pickle=True)
    np.savez(tmp_path / "objects.npz", array=array)
    for name in ("objects.npy", "objects.npz"):
        with pytest.raises(FlimageError):
            open_recording(tmp_path / name)
    assert not trap.exists()


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000,
        "{\"model\": \"__import__('os').system('true')\"}",
        '{"model": {"$ref": "/etc/passwd"}}',
        '{"border_px": 1e999}',
        '{"exclude": [[]]}',
        '{"region": {"kind": "polygon", "points": "x"}}',
        "\x00\xff",
        '{"__class__": "os.system"}',
    ],
)
def test_a_hostile_recipe_is_refused_in_a_sentence(text: str, tmp_path: Path, series: Path) -> None:
    with pytest.raises(InputError):
        Recipe.from_json(text)
    path = tmp_path / "recipe.json"
    path.write_text(text, encoding="utf-8")
    code, out, err = run("bleach", series, tmp_path / "out.h5", "--recipe", path)
    assert code != 0
    assert out == ""
    assert "Unexpected" not in err
    assert not (tmp_path / "out.h5").exists()


ODD_VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**63,
    10**400,
    1e308,
    float("inf"),
    float("nan"),
    "",
    "x",
    "\ud800",
    "\x00",
    "../../../etc/passwd",
    "__import__('os').system('true')",
    [],
    [[[[]]]],
    {},
    {"": {}},
)


def _places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    children: Any = ()
    if isinstance(value, dict):
        children = value.items()
    elif isinstance(value, list):
        children = enumerate(value)
    for key, child in children:
        yield from _places(child, (*path, key))


def test_a_session_with_any_value_replaced_is_read_or_refused_in_a_sentence(
    tmp_path: Path, series: Path
) -> None:
    edits = Edits().with_background([1], np.ones((2, 3), np.float32)).with_order([1, 0])
    view = View(1, "raw", (0.0, 1.0, 2.0, 3.0), {"raw": (0.0, 9.0)})
    recipe = Recipe(border_px=2, region=Region("rectangle", ((1, 2), (3, 4))), exclude=(1,))
    regions = (NamedRegion("a", Region("ellipse", ((0, 0), (4, 4)))),)
    session = SessionFile(
        series, recipe, regions, edits.with_meta({0: {"identifier": "x", "time": 1.0}}), view
    )
    good = json.loads(write_session(session, tmp_path / "good.flsession").read_text())
    path = tmp_path / "odd.flsession"
    read = 0
    for place in _places(good):
        for odd in ODD_VALUES:
            content = json.loads(json.dumps(good))
            if place:
                inner = content
                for key in place[:-1]:
                    inner = inner[key]
                inner[place[-1]] = odd
            else:
                content = odd
            path.write_text(json.dumps(content), encoding="utf-8")
            try:
                read_session(path)
                read += 1
            except FileFormatError as error:
                message = str(error)
                assert "odd.flsession" in message
    assert read > 0


# --- names and texts -----------------------------------------------------------------------------

EVIL = '\x1b[31m=HYPERLINK("http://x")<script>alert(1)</script>\x07\u202e../../etc\nfake: line'


@pytest.fixture
def named(tmp_path: Path) -> Path:
    """A series whose texts are all hostile."""
    path = tmp_path / "named.h5"
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    spot = 300.0 * (np.hypot(y - 12, x - 10) < 5)
    rng = np.random.default_rng(1)
    with FLSeries(h5file=path, h5mode="w", identifier=EVIL) as made:
        for number in range(FRAMES):
            image = 50 + spot * np.exp(-number / 4) + rng.normal(0, 2, SHAPE)
            meta = {
                "time": number,
                "identifier": f'=cmd|" /C calc"!A{number}{EVIL}',
                "software": EVIL,
                "device": EVIL,
                "date": EVIL,
            }
            made.add_flimage(FLImage(image, meta_data=meta))
        made.h5.attrs["conversion"] = json.dumps({"file": EVIL, "format": EVIL, "notes": [EVIL]})
    return path


def _controls(text: str) -> Iterator[str]:
    return (
        c for c in text if (ord(c) < 32 and c not in "\n\t") or 127 <= ord(c) < 160 or c in "\u202e"
    )


def test_control_characters_do_not_reach_the_terminal(named: Path) -> None:
    for arguments in (("info", named), ("info", "--json", named), ("info", named, "--group", EVIL)):
        _, out, err = run(*arguments)
        assert not list(_controls(out + err)), arguments
        assert "fake: line" not in (out + err).splitlines()
    _, out, _ = run("info", "--json", named)
    assert json.loads(out)["identifier"] == EVIL


def test_tables_hold_no_formulas(named: Path, tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        arguments: tuple[object, ...] = ("export", named, tmp_path / name, "--border", "3")
        if name == "b.csv":
            arguments = ("traces", named, tmp_path / name, "--region", "=1+1=0,0,9,9")
        code, _, err = run(*arguments)
        assert code in (0, 2), err
        if code:
            continue
        with (tmp_path / name).open(encoding="utf-8", newline="") as stream:
            for row in csv.reader(stream):
                for field in row:
                    if field.startswith(("=", "+", "-", "@", "\t", "\r")):
                        float(field)  # a number may begin with a sign
    text = (tmp_path / "a.csv").read_text(encoding="utf-8")
    assert next(csv.DictReader(io.StringIO(text)))["identifier"].startswith("'=cmd|")


def test_a_report_holds_no_markup_of_the_file(named: Path, tmp_path: Path) -> None:
    code, _, err = run("export", named, tmp_path / "report.html", "--border", "3")
    assert code == 0, err
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_names_in_a_file_are_no_paths_of_outputs(named: Path, tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "er"
    folder.mkdir(parents=True)
    before = {path for path in tmp_path.rglob("*") if folder not in path.parents}
    code, _, err = run("bleach", named, "--out-dir", folder, "--border", "3")
    assert code == 0, err
    after = {path for path in tmp_path.rglob("*") if folder not in path.parents}
    assert after == before


def test_notebooks_show_no_markup_of_the_file(named: Path) -> None:
    with FLSeries(h5file=named, h5mode="r") as made:
        assert "<script" not in made._repr_html_()
        assert "<script" not in made[0]._repr_html_()


def test_a_corrected_file_keeps_hostile_texts_as_they_are(named: Path, tmp_path: Path) -> None:
    with FLSeries(h5file=named, h5mode="r") as made:
        correct.run(SeriesSource(made), Recipe(border_px=3), tmp_path / "out.h5")
        wanted = made.identifiers
    with FLSeries(h5file=tmp_path / "out.h5", h5mode="r") as made:
        assert made.identifiers == wanted
        assert made.identifier == EVIL
