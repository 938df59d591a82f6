"""Attributes, names and numbers of things in HDF5 files that no program writes."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from h5py import h5a

from flimage import (
    FLImage,
    FLSeries,
    attributes,
    copied_attributes,
    facts,
    frame_survey,
    provenance,
)
from flimage.batch_job import _facts
from flimage.copied_attributes import attributes_of
from flimage.errors import FileFormatError
from flimage.export.report_page import report_page
from flimage.export.table import fit_columns
from flimage.fit_record import check_fit
from flimage.image_group import RAW
from flimage.record_words import fit_rows
from flimage.source import SeriesSource

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.odd_series import PATIENCE, SHAPE, copy_image, run_apart, series_with
from tests.torture.hostile import run, write_stranger

# --- attributes ----------------------------------------------------------------------------------


def _arrays() -> Any:
    value = np.empty(2, object)
    value[0], value[1] = np.arange(3.0), np.arange(1.0)
    return value


#: Values that Python has no equal for, and how they are stored.
ODD_ATTRIBUTES: dict[str, tuple[Any, Any]] = {
    "arrays of arrays": (_arrays(), h5py.vlen_dtype("f8")),
    "no UTF-8": (np.array(b"\xff\xfe"), h5py.string_dtype("utf-8", 2)),
    "no UTF-8 of any length": (np.array(b"\xff\xfe\x80bad", object), h5py.string_dtype()),
    "table": (np.array([(1, 2.0)], [("a", "i4"), ("b", "f8")]), None),
    "table with texts": (
        np.array([(1, "x", np.nan)], [("a", "i4"), ("b", h5py.string_dtype()), ("c", "f8")]),
        None,
    ),
    "opaque": (np.void(b"opaque12"), None),
    "named numbers": (np.array([1, 2], "i2"), h5py.enum_dtype({"A": 1, "B": 2}, "i2")),
    "complex": (np.array(1 + 2j), None),
    "nothing": (h5py.Empty("f8"), None),
    "truth": (np.array([True, False]), None),
    "not a number": (np.array([np.nan, 1.0]), None),
}


def _raw_value(owner: h5py.Group, name: str) -> object:
    return next(value for each, value in attributes_of(owner.id) if each == name.encode())


@pytest.mark.parametrize("changes", [("--delete", "0"), ("--background-mean", "0")])
@pytest.mark.parametrize("kind", ODD_ATTRIBUTES)
def test_attributes_of_any_kind_outlive_an_edit(
    kind: str, changes: tuple[str, str], tmp_path: Path
) -> None:
    value, dtype = ODD_ATTRIBUTES[kind]
    path = series_with(tmp_path / "odd.h5", copy_image)
    places = ("/", "fli_1", f"fli_1/{RAW}", "fli_1/fluorescence")
    with h5py.File(path, "r+") as file:
        for place in places:
            for name in ("odd", "device"):
                file[place].attrs.create(name, value, dtype=dtype)
        wanted = _raw_value(file["/"], "odd")
    out = tmp_path / "out.h5"
    code, _, err = run("edit", path, out, *changes)
    assert code == 0, err
    with h5py.File(out) as file:
        frame = "fli_0" if changes[0] == "--delete" else "fli_1"
        for place in places:
            for name in ("odd", "device"):
                assert _raw_value(file[place.replace("fli_1", frame)], name) == wanted


def test_a_reference_in_an_attribute_does_not_stop_an_edit(tmp_path: Path) -> None:
    path = series_with(tmp_path / "odd.h5", copy_image)
    with h5py.File(path, "r+") as file:
        region = file[f"fli_1/{RAW}"].regionref[0:2, 0:2]
        for place in ("/", "fli_1"):
            file[place].attrs["object"] = file["fli_1"].ref
            file[place].attrs["region"] = region
    for changes in (("--delete", "0"), ("--background-mean", "0")):
        code, _, err = run("edit", path, tmp_path / "out.h5", "--overwrite", *changes)
        assert code == 0, err
        with h5py.File(tmp_path / "out.h5") as file:
            assert not file.attrs["object"]


@pytest.mark.parametrize("place", ["", "fli_1", f"fli_1/{RAW}", "other"])
def test_a_heap_of_zeros_does_not_let_an_edit_hang(place: str, tmp_path: Path) -> None:
    path = series_with(tmp_path / "heap.h5", lambda frame: None)
    with h5py.File(path, "r+") as file:
        (file.require_group(place) if place == "other" else file[place or "/"]).attrs["note"] = "a"
        if place == "other":
            file.move("other", "fli_1/other")
    data = bytearray(path.read_bytes())
    start = data.index(b"GCOL")
    while start >= 0:
        size = struct.unpack_from("<Q", data, start + 8)[0]
        data[start + 16 : start + size] = bytes(size - 16)
        start = data.find(b"GCOL", start + 1)
    path.write_bytes(data)
    ran = run_apart("edit", path, tmp_path / "out.h5", "--delete", "2")
    assert ran.code == 1
    assert "heap.h5: the texts of its attributes are damaged" in ran.err
    assert "flimage recover" in ran.err
    code = (
        "from flimage import FLSeries\n"
        f"with FLSeries(h5file={str(path)!r}, h5mode='r') as series:\n"
        f"    with FLSeries(h5file={str(tmp_path / 'copy.h5')!r}, h5mode='w') as other:\n"
        "        other.add_flimage(series[1])\n"
    )
    copied = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    damaged = "texts of its attributes are damaged" in copied.stderr
    assert damaged == (place == f"fli_1/{RAW}"), copied.stderr


def test_thousands_of_attributes_do_not_hold_up_an_edit(tmp_path: Path) -> None:
    def change(frame: h5py.Group) -> None:
        copy_image(frame)
        for number in range(3000):
            frame.attrs[f"a{number}"] = "x" * 100

    path = series_with(tmp_path / "dense.h5", change)
    ran = run_apart("edit", path, tmp_path / "out.h5", "--delete", "0")
    assert ran.code == 0, ran.err
    assert ran.seconds < 25
    with h5py.File(tmp_path / "out.h5") as file:
        assert len(file["fli_1"].attrs) > 3000


@pytest.mark.parametrize(("count", "by_number"), [(32, True), (33, False)])
def test_many_attributes_are_opened_by_name(
    count: int, by_number: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # HDF5 goes through all attributes to find the one of a number.
    opened: list[bool] = []

    class Counting:
        def __getattr__(self, name: str) -> object:
            return getattr(h5a, name)

        def open(self, *arguments: Any, **more: Any) -> h5a.AttrID:
            opened.append("index" in more)
            return h5a.open(*arguments, **more)

    with h5py.File(tmp_path / "many.h5", "w") as file:
        for number in range(count):
            file.attrs[f"a{number}"] = number
        monkeypatch.setattr(copied_attributes, "h5a", Counting())
        assert len(attributes_of(file.id)) == count
    assert opened == [by_number] * count


def test_a_file_with_attributes_elsewhere_is_searched_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "dense.h5"
    with h5py.File(path, "w", libver="latest") as file:
        for number in range(20):
            file.attrs[f"a{number}"] = "x"
    searched: list[object] = []
    search = attributes._all_heaps
    monkeypatch.setattr(
        attributes, "_all_heaps", lambda file: searched.append(file) or search(file)
    )
    with h5py.File(path) as file:
        assert [attributes.read_text(file, f"a{number}") for number in range(20)] == ["x"] * 20
    assert len(searched) == 1


def test_attributes_larger_than_any_are_not_read(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "large.h5", "w", libver="latest") as file:
        file.attrs["large"] = np.zeros(2**18)
        file.attrs["texts"] = np.array(["a"] * (2**16 + 1), h5py.string_dtype())
        file.attrs["fair"] = np.zeros(2**16)
        assert attributes.read_attribute(file, "large") is None
        assert attributes.read_attribute(file, "texts") is None
        assert attributes.read_attribute(file, "fair").size == 2**16


def test_an_identifier_that_is_a_list_of_thousands_of_texts_is_none(tmp_path: Path) -> None:
    path = series_with(tmp_path / "texts.h5", lambda frame: None)
    with h5py.File(path, "r+", libver="latest") as file:
        for number, count in ((0, 1000), (1, 1001)):
            file[f"fli_{number}"].attrs["identifier"] = np.array(["a"] * count, h5py.string_dtype())
    with FLSeries(h5file=path, h5mode="r") as series:
        assert list(series.identifiers[:2]) == ["a", None]


# --- names, records and numbers of things --------------------------------------------------------


@pytest.mark.parametrize("digits", [60, 5000, 60_000])
def test_a_number_of_a_frame_that_is_too_long_is_a_name_like_others(
    digits: int, tmp_path: Path
) -> None:
    path = series_with(tmp_path / "name.h5", copy_image)
    with h5py.File(path, "r+") as file:
        file["fli_" + "1" * digits] = file["fli_0"]
    code, out, err = run("info", path)
    assert (code, out) == (1, "")
    assert "name.h5" in err
    assert "'fli_1111" in err
    assert len(err) < 500
    code, out, err = run("recover", path, tmp_path / "out.h5")
    assert "5 frames recovered" in out + err
    assert len(out + err) < 1000


@pytest.fixture(scope="module")
def corrected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A series that was corrected."""
    folder = tmp_path_factory.mktemp("corrected")
    code, _, err = run("bleach", write_stranger(folder), folder / "out.h5", "--border", "3")
    assert code in (0, 3), err
    return folder / "out.h5"


def _copied(path: Path, folder: Path) -> Path:
    return Path(shutil.copy(path, folder / "record.h5"))


COMMANDS: tuple[tuple[str, ...], ...] = (
    ("info",),
    ("undo", "out.h5"),
    ("export", "out.html"),
    ("export", "out.csv"),
    ("export", "out.json"),
)


def _run_all(path: Path) -> list[tuple[int, str]]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = []
        for name, *more in COMMANDS:
            code, out, err = run(name, path, *(path.with_name(each) for each in more))
            assert "Unexpected" not in out + err, (name, more, err)
            found.append((code, err))
        return found


def test_a_record_that_is_whole_is_used(corrected: Path, tmp_path: Path) -> None:
    assert [code for code, _ in _run_all(_copied(corrected, tmp_path))] == [0] * len(COMMANDS)


@pytest.mark.parametrize("gain", [0.0, -1.0, np.nan, np.inf, "x"])
def test_a_gain_that_no_correction_has_is_refused(
    gain: object, corrected: Path, tmp_path: Path
) -> None:
    path = _copied(corrected, tmp_path)
    with h5py.File(path, "r+") as file:
        file[f"fli_2/{RAW}"].attrs["bleach gain"] = gain
    for code, err in _run_all(path):
        assert code == 1
        assert "record.h5" in err
        assert "the record of the bleach correction is damaged" in err


def test_a_record_of_nothing_is_refused(corrected: Path, tmp_path: Path) -> None:
    path = _copied(corrected, tmp_path)
    with h5py.File(path, "r+") as file:
        file.attrs["bleach recipe"] = file.attrs["bleach fit"] = "{}"
    for code, err in _run_all(path):
        assert code == 1
        assert "the record of the bleach correction is damaged" in err


def _odd_fits(fit: dict[str, Any]) -> Iterator[dict[str, Any]]:
    odd: tuple[Any, ...] = (None, 7, -1.0, 1e400, 10**400, "x", [], {}, [None], [{}], ["x"])
    for key in fit:
        yield {name: value for name, value in fit.items() if name != key}
        yield from ({**fit, key: value} for value in odd)
    for key in ("parameters", "evidence"):
        for name in fit[key][0]:
            yield from ({**fit, key: [{**fit[key][0], name: value}]} for value in odd)
    reason = {"code": "a", "severity": "info", "sentence": "b"}
    for name in reason:
        verdict = {**fit["verdict"], "reasons": [{**reason, name: [7]}]}
        yield {**fit, "verdict": verdict}
    for name in ("gain", "times", "used", "noise"):
        yield {**fit, name: fit[name][:-1]}


def test_a_record_with_any_value_replaced_is_refused_or_shown(
    corrected: Path, tmp_path: Path
) -> None:
    with h5py.File(corrected) as file:
        fit = json.loads(file.attrs["bleach fit"])
        source = SeriesSource(FLSeries(h5file=file))
        candidate = {"model": "exponential", "criterion": 0.0, "weight": 1.0}
        fit["evidence"] = fit["evidence"] or [candidate]
        parameter = {"name": "a", "symbol": "b", "unit": "s"}
        parameter |= dict.fromkeys(("value", "stderr", "low", "high"), 1.0)
        fit["parameters"] = fit["parameters"] or [parameter]
        shown = refused = 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # means of nothing
            for odd in _odd_fits(fit):
                try:
                    check_fit(json.loads(json.dumps(odd)))
                except ValueError:
                    refused += 1
                    continue
                shown += 1
                report_page(source, odd)
                fit_columns(odd)
                fit_rows(odd)
                _facts(odd)
    assert refused > 200
    assert shown > 10


def _survey_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[dict[str, Any], list[str]]:
    """Gather facts about a series, and which frames were looked at thoroughly for that."""
    looked: list[str] = []
    look = frame_survey.image_dataset
    monkeypatch.setattr(
        frame_survey,
        "image_dataset",
        lambda group, frame="": looked.append(frame) or look(group, frame),
    )
    with h5py.File(path) as file:
        return facts.of_series(file), looked


def test_frames_that_are_stored_alike_are_looked_at_quickly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "many.h5"
    with FLSeries(h5file=path, h5mode="w") as series:
        series.add_images([np.ones(SHAPE)] * 100, [{"time": number / 2} for number in range(100)])
        image = FLImage(np.ones(SHAPE))
        image.set_bg_data(np.ones(SHAPE))
        series.add_flimage(image)
    found, looked = _survey_of(path, monkeypatch)
    assert looked == ["fli_0"]
    assert found["frames"] == 101
    assert found["shape"] == list(SHAPE)
    assert found["all frames of one size"]
    assert found["assigned backgrounds"] == 1
    assert found["damaged frames"] == {}


def test_frames_that_are_stored_otherwise_are_looked_at_thoroughly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = series_with(tmp_path / "mixed.h5", lambda frame: None)
    with h5py.File(path, "r+") as file:
        for number, image in ((1, np.ones(SHAPE, "u1")), (3, np.ones((7, 8), "f4"))):
            del file[f"fli_{number}/{RAW}"]
            file[f"fli_{number}/{RAW}"] = image
        file["fli_5"] = h5py.ExternalLink("elsewhere.h5", "/fli_0")
        file.copy("fli_4", "fli_6")
        del file["fli_6/fluorescence/bg_data"]
    found, looked = _survey_of(path, monkeypatch)
    assert looked == [f"fli_{number}" for number in (0, 1, 2, 3, 4, 5, 6)]
    assert list(found["damaged frames"]) == [2, 5]
    assert "not followed" in found["damaged frames"][5]
    assert not found["all frames of one size"]
    assert found["dtype"] == "float32"


def test_thousands_of_names_of_one_frame_do_not_hold_up_a_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = series_with(tmp_path / "names.h5", lambda frame: None)
    with h5py.File(path, "r+") as file:
        for number in range(5, 1000):
            file[f"fli_{number}"] = file[f"fli_{0 if number % 2 else 2}"]
    found, looked = _survey_of(path, monkeypatch)
    assert looked == ["fli_0", "fli_2"]
    assert len(found["damaged frames"]) == 498
    assert found["damaged frames"][998] == "It is the same as frame 2, which cannot be read."


def test_a_piece_too_short_for_its_checksum_is_seen_among_frames_alike(tmp_path: Path) -> None:
    path = series_with(tmp_path / "short.h5", copy_image)
    with h5py.File(path, "r+") as file:
        file[f"fli_3/{RAW}"].id.write_direct_chunk((0, 0), b"123")
    with h5py.File(path) as file:
        found = facts.of_series(file)
    assert list(found["damaged frames"]) == [3]
    assert "too short for its checksum" in found["damaged frames"][3]


def test_more_backgrounds_than_any_image_has_are_refused(tmp_path: Path) -> None:
    path = series_with(tmp_path / "backgrounds.h5", copy_image)
    with h5py.File(path, "r+") as file:
        for frame, count in ((1, 100), (2, 101)):
            for number in range(count):
                file[f"fli_{frame}/fluorescence/bg_data/b{number}"] = np.full(SHAPE, 0.01, "f4")
    with FLSeries(h5file=path, h5mode="r") as series:
        source = SeriesSource(series)
        np.testing.assert_allclose(source.image(1), 10, rtol=1e-6)
        for read in (lambda: source.image(2), lambda: series[2].fl):
            with pytest.raises(FileFormatError, match=r"fli_2.*101 background images.*at most 100"):
                read()
    code, out, err = run("recover", path, tmp_path / "out.h5")
    assert code == 3
    assert "The background of fli_2 cannot be read" in out + err


def test_a_record_in_very_many_pieces_is_read_with_one_look_and_up_to_a_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked: list[object] = []
    look = attributes.heaps_end
    monkeypatch.setattr(attributes, "heaps_end", lambda owner: looked.append(owner) or look(owner))
    monkeypatch.setattr(provenance, "MOST_PIECES", 50)
    path = series_with(tmp_path / "pieces.h5", copy_image)
    with h5py.File(path, "r+") as file:
        file.attrs["bleach fit"] = "1"
        for number in range(2, 101):
            file.attrs[f"bleach fit ({number})"] = f" {number}"
    looked.clear()
    with h5py.File(path) as file:
        wanted = " ".join(str(number) for number in range(1, 51))
        assert provenance._read_text(file, "bleach fit") == wanted
        assert len(looked) == 1
        assert provenance._read_text(file, "bleach recipe") == ""


def test_thousands_of_pieces_of_a_record_do_not_hold_up_a_recovery(tmp_path: Path) -> None:
    path = series_with(tmp_path / "pieces.h5", copy_image)
    with h5py.File(path, "r+") as file:
        for number in range(2, 3000):
            file.attrs[f"bleach fit ({number})"] = "x"
    ran = run_apart("recover", path, tmp_path / "out.h5")
    assert ran.code == 0, ran.err
    assert ran.seconds < 12
