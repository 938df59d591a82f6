"""Saving an edited recording: what the new file holds, and what a failure leaves behind."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import h5py
import numpy as np
import pytest

from flimage import FLImage, FLSeries, output, readback, save, storage
from flimage.edit import delete_frames, move_frames, set_meta
from flimage.errors import Cancelled, FileAccessError, OutputExistsError
from flimage.save import save_edited
from flimage.source import EditedSource, Edits, SeriesSource

SHAPE = (12, 15)


def fill(series: FLSeries, count: int = 5) -> None:
    rng = np.random.default_rng(3)
    for i in range(count):
        meta = {"time": 2.0 * i, "identifier": f"f{i}", "pixel size": 1e-7}
        fli = FLImage(rng.normal(100, 5, SHAPE).astype(np.float32), meta)
        if i == 1:
            fli.set_bg_data(np.full(SHAPE, 4.0, dtype=np.float32))
        series.add_flimage(fli, bg_from_idx=1 if i in (2, 3) else None)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    with FLSeries(h5file=tmp_path / "a.h5", h5mode="w", identifier="dish") as series:
        fill(series)
    with h5py.File(tmp_path / "a.h5", "a") as file:
        file["fli_2"].attrs["from a later version"] = 7
        file["fli_2/fluorescence/raw"].attrs["bleach gain"] = 1.5
        file.attrs["bleach source"] = "b.h5"
    return tmp_path / "a.h5"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def chunk(file: h5py.File, frame: int) -> bytes:
    return file[f"fli_{frame}/fluorescence/raw"].id.read_direct_chunk((0, 0))[1]


def left_over(path: Path) -> list[str]:
    return [each.name for each in path.parent.iterdir() if storage.PART_SUFFIX in each.name]


def test_an_unedited_recording_is_copied_completely(path, tmp_path):
    out = tmp_path / "copy.h5"
    with FLSeries(h5file=path, h5mode="r") as series:
        assert save_edited(EditedSource(SeriesSource(series)), out) == out
    with h5py.File(path) as old, h5py.File(out) as new:
        assert dict(new.attrs) == dict(old.attrs)
        assert new["fli_2"].attrs["from a later version"] == 7
        assert new["fli_2/fluorescence/raw"].attrs["bleach gain"] == 1.5
        for i in range(5):
            assert dict(new[f"fli_{i}"].attrs) == dict(old[f"fli_{i}"].attrs)
            assert chunk(new, i) == chunk(old, i)


def test_edits_are_in_the_new_file(path, tmp_path):
    background = np.full(SHAPE, 9.0, dtype=np.float32)
    with FLSeries(h5file=path, h5mode="r") as series:
        source = EditedSource(SeriesSource(series))
        source = EditedSource(source.source, set_meta(source, [4], {"time": 77.0}))
        source = EditedSource(source.source, set_meta(source, [0], {"identifier": None}))
        source = EditedSource(source.source, source.edits.with_background([0, 4], background))
        source = EditedSource(source.source, source.edits.with_background([1], None))
        source = EditedSource(source.source, move_frames(source, [4], 0))
        source = EditedSource(source.source, delete_frames(source, [3]))
        save_edited(source, tmp_path / "out.h5")
        first = SeriesSource(series).raw(4)
    with FLSeries(h5file=tmp_path / "out.h5", h5mode="r") as series:
        assert series.identifiers == ["f4", None, "f1", "f3"]
        assert series.times.tolist() == [77, 0, 2, 6]
        written = SeriesSource(series)
        np.testing.assert_array_equal(written.raw(0), first)
        images = [written.background(i) for i in range(4)]
        assert [None if image is None else image.max() for image in images] == [9, 9, None, 4]


def test_shared_backgrounds_are_stored_once(path, tmp_path):
    with FLSeries(h5file=path, h5mode="r") as series:
        edits = Edits().with_background([0, 4], np.ones(SHAPE, dtype=np.float32))
        save_edited(EditedSource(SeriesSource(series), edits), tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        images = [file[f"fli_{i}/fluorescence/bg_data/data"] for i in range(5)]
        assert images[0] == images[4]
        assert images[1] == images[2] == images[3]
        assert images[0] != images[1]


def test_saving_over_the_open_recording_keeps_it_readable(path):
    with FLSeries(h5file=path, h5mode="r") as series:
        source = EditedSource(SeriesSource(series), Edits().with_order([3, 1]))
        expected = source.image(0)
        save_edited(source, path, overwrite=True)
        np.testing.assert_array_equal(source.image(0), expected)
        assert len(series) == 5
    with FLSeries(h5file=path, h5mode="r") as series:
        assert series.identifiers == ["f3", "f1"]
        np.testing.assert_array_equal(SeriesSource(series).image(0), expected)


def test_what_else_is_in_the_file_is_kept_when_saving_over_it(tmp_path):
    path = tmp_path / "many.h5"
    with h5py.File(path, "w") as file:
        file.attrs["owner"] = "lab"
        file["notes/text"] = "kept"
        file["link"] = h5py.SoftLink("/notes/text")
        group = file.create_group("sub/flseries")
        file["sub"].attrs["n"] = 3
        file["sub/other"] = [1, 2]
        with FLSeries(h5file=group, identifier="in a group") as series:
            fill(series)
    with h5py.File(path) as file, FLSeries(h5file=file["sub/flseries"]) as series:
        source = EditedSource(SeriesSource(series), Edits().with_order([0]))
        save_edited(source, path, overwrite=True)
    with h5py.File(path) as file:
        assert file.attrs["owner"] == "lab"
        assert file["link"][()] == b"kept"
        assert file["sub"].attrs["n"] == 3
        assert file["sub/other"][()].tolist() == [1, 2]
        assert list(file["sub/flseries"]) == ["fli_0"]
        assert file["sub/flseries"].attrs["identifier"] == "in a group"


def test_a_series_in_memory_is_packed(tmp_path):
    series = FLSeries(identifier="memory")
    fill(series)
    save_edited(EditedSource(SeriesSource(series)), tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["fli_0/fluorescence/raw"].compression == "gzip"
        assert file["fli_2/fluorescence/bg_data/data"][0, 0] == 4
        assert file["fli_3"].attrs["identifier"] == "f3"


@pytest.mark.parametrize("dtype", ["uint16", "float64"])
def test_pixels_keep_their_type(tmp_path, dtype):
    series = FLSeries([FLImage(np.arange(12).reshape(3, 4), h5dtype=dtype)])
    save_edited(EditedSource(SeriesSource(series)), tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["fli_0/fluorescence/raw"].dtype == dtype


def test_an_existing_file_is_only_replaced_when_asked(path, tmp_path):
    (tmp_path / "there.h5").write_bytes(b"precious")
    with (
        FLSeries(h5file=path, h5mode="r") as series,
        pytest.raises(OutputExistsError, match=r"there\.h5"),
    ):
        save_edited(EditedSource(SeriesSource(series)), tmp_path / "there.h5")
    assert (tmp_path / "there.h5").read_bytes() == b"precious"


def test_a_damaged_frame_does_not_prevent_saving_and_stays_damaged(path, tmp_path):
    with h5py.File(path) as file:
        where = file["fli_1/fluorescence/raw"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    data[where + 20] ^= 0xFF
    path.write_bytes(data)
    with FLSeries(h5file=path, h5mode="r") as series:
        save_edited(EditedSource(SeriesSource(series)), tmp_path / "out.h5")
    with h5py.File(path) as old, h5py.File(tmp_path / "out.h5") as new:
        assert chunk(new, 1) == chunk(old, 1)


class StoppedError(Exception):
    pass


#: Where a failure is injected: what is called, and how often it succeeds before.
STAGES = {
    "creating": ("h5py.File", 0),
    "copying the first frame": ("flimage.storage.copy_object", 0),
    "copying a later frame": ("flimage.storage.copy_object", 3),
    "writing a background": ("flimage.storage.write_image", 0),
    "flushing": ("flimage.save._flush", 0),
    "opening to check": ("flimage.storage.open_file", 0),
    "comparing a copied frame": ("flimage.readback._same_stored", 0),
    "comparing a changed frame": ("flimage.readback._difference", 0),
    "flushing before the rename": ("flimage.output._flush_to_disk", 0),
    "renaming": ("pathlib.Path.replace", 0),
}


@pytest.mark.parametrize("error", [OSError("no space left on device"), StoppedError("bug")])
@pytest.mark.parametrize("stage", STAGES)
def test_a_failure_at_any_stage_leaves_the_old_file_as_it_was(path, monkeypatch, stage, error):
    before = digest(path)
    name, successes = STAGES[stage]
    module, _, attribute = name.rpartition(".")
    target = {
        "h5py": h5py,
        "flimage.storage": storage,
        "flimage.save": save,
        "flimage.readback": readback,
        "flimage.output": output,
        "pathlib.Path": Path,
    }[module]
    original = getattr(target, attribute)
    calls = []

    def failing(*args, **kwargs):
        calls.append(args)
        if len(calls) > successes:
            raise error
        return original(*args, **kwargs)

    with FLSeries(h5file=path, h5mode="r") as series:
        edits = Edits().with_background([0], np.ones(SHAPE, dtype=np.float32))
        source = EditedSource(SeriesSource(series), edits)
        with monkeypatch.context() as patched:
            patched.setattr(target, attribute, failing)
            with pytest.raises((OSError, StoppedError), match=r"no space|bug"):
                save_edited(source, path, overwrite=True)
        assert len(calls) > successes
        assert digest(path) == before
        assert left_over(path) == []
        # Nothing is stuck: the next attempt succeeds.
        save_edited(source, path, overwrite=True)
    assert digest(path) != before


@pytest.mark.parametrize("at", [0, 3, 6, 10])
def test_cancelling_leaves_the_old_file_as_it_was(path, at):
    before = digest(path)

    def progress(done, total, stage):
        assert total == 10
        if done >= at:
            raise Cancelled("stop")

    with FLSeries(h5file=path, h5mode="r") as series:
        source = EditedSource(SeriesSource(series), Edits().with_order([0, 1, 2, 4, 3]))
        with pytest.raises(Cancelled):
            save_edited(source, path, overwrite=True, progress=progress)
    assert digest(path) == before
    assert left_over(path) == []


def test_frames_that_are_copied_are_compared_without_being_decoded(tmp_path, monkeypatch):
    path = tmp_path / "plain.h5"
    with FLSeries(h5file=path, h5mode="w") as series:
        for i in range(6):
            series.add_flimage(FLImage(np.full(SHAPE, i, np.float32), meta_data={"time": i}))
    compared = []
    difference = readback._difference

    def noted(source, written, index):
        compared.append(index)
        return difference(source, written, index)

    monkeypatch.setattr(readback, "_difference", noted)
    with FLSeries(h5file=path, h5mode="r") as series:
        edits = Edits().with_order([5, 0, 2, 3]).with_meta({2: {"time": 9.0}})
        save_edited(EditedSource(SeriesSource(series), edits), tmp_path / "out.h5")
    assert compared == [2]


@pytest.mark.parametrize("what", ["image", "time", "unknown", "image of a frame with background"])
@pytest.mark.parametrize("frame", [1, 3])
def test_no_frame_that_differs_passes(tmp_path, monkeypatch, what, frame):
    path = tmp_path / "plain.h5"
    with FLSeries(h5file=path, h5mode="w") as series:
        for i in range(4):
            series.add_flimage(FLImage(np.full(SHAPE, i, np.float32), meta_data={"time": i}))
    flush = save._flush

    def spoil(temporary):
        flush(temporary)
        with h5py.File(temporary, "a") as file:
            group = file[f"fli_{frame}"]
            if what == "time":
                group.attrs["time"] = 99.5
            elif what == "unknown":
                group["fluorescence/bg_data/data"] = group["fluorescence/raw"][()]
            else:
                group["fluorescence/raw"][0, 0] += 1

    monkeypatch.setattr(save, "_flush", spoil)
    edits = Edits().with_meta({0: {"time": 0.5}})
    if what == "image of a frame with background":
        edits = edits.with_background([1, 3], np.ones(SHAPE, np.float32))
    with (
        FLSeries(h5file=path, h5mode="r") as series,
        pytest.raises(FileAccessError, match=f"of frame {frame} did not come back"),
    ):
        save_edited(EditedSource(SeriesSource(series), edits), tmp_path / "out.h5")
    assert not (tmp_path / "out.h5").exists()


@pytest.mark.parametrize("what", ["image", "metadata", "background"])
def test_a_file_that_reads_back_differently_is_thrown_away(path, monkeypatch, what):
    before = digest(path)
    flush = save._flush

    def spoil(temporary):
        flush(temporary)
        with h5py.File(temporary, "a") as file:
            if what == "image":
                file["fli_3/fluorescence/raw"][2, 2] += 1
            elif what == "metadata":
                file["fli_3"].attrs["time"] = 6.5
            else:
                del file["fli_3/fluorescence/bg_data/data"]

    monkeypatch.setattr(save, "_flush", spoil)
    with (
        FLSeries(h5file=path, h5mode="r") as series,
        pytest.raises(FileAccessError, match=f"{what} of frame 3 did not come back"),
    ):
        save_edited(EditedSource(SeriesSource(series)), path, overwrite=True)
    assert digest(path) == before
    assert left_over(path) == []


def test_the_old_file_may_be_closed_right_before_it_is_replaced(path):
    before = digest(path)
    seen = []
    series = FLSeries(h5file=path, h5mode="r")
    source = EditedSource(SeriesSource(series), Edits().with_order([2]))

    def release():
        seen.append(digest(path) == before)
        series.close()

    save_edited(source, path, overwrite=True, before_replace=release)
    assert seen == [True]
    with FLSeries(h5file=path, h5mode="r") as series:
        assert series.identifiers == ["f2"]


def test_a_write_protected_file_is_not_replaced(path):
    path.chmod(0o444)
    if os.access(path, os.W_OK):
        pytest.skip("this user may write everything")
    with (
        FLSeries(h5file=path, h5mode="r") as series,
        pytest.raises(FileAccessError, match="write-protected"),
    ):
        save_edited(EditedSource(SeriesSource(series)), path, overwrite=True)
