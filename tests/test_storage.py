"""Files, images in them, and outputs that appear whole or not at all."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import h5py
import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from flimage import compression, dataset, storage
from flimage.errors import (
    DamagedImageError,
    FileAccessError,
    FileFormatError,
    InputError,
    MissingFileError,
    OutputExistsError,
    SameFileError,
)
from flimage.storage import PART_SUFFIX, SeriesWriter, atomic_output

IMAGE = np.random.default_rng(0).poisson(50, (30, 41)).astype("f4")
CORRECTED = (IMAGE - np.float32(20.3)) * np.float32(1.37)
as_root = hasattr(os, "geteuid") and os.geteuid() == 0


@pytest.fixture
def h5(tmp_path):
    with h5py.File(tmp_path / "file.h5", "w") as file:
        yield file


@pytest.fixture(params=["codec", "plain h5py"])
def path_kind(request, monkeypatch):
    """Run a test with the codec package, and as if it were not installed."""
    if request.param == "plain h5py":
        monkeypatch.setattr(compression, "deflate", None)
    return request.param


# --- images ------------------------------------------------------------------------------------


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    hnp.arrays(
        st.sampled_from([np.dtype(o + c) for c in ("f4", "f8", "u2", "i4") for o in "<>"]),
        hnp.array_shapes(min_dims=2, max_dims=2, max_side=30),
    )
)
@example(np.array([[np.nan]], "f4"))
@example(np.array([[np.inf, -np.inf, np.nan]], ">f8"))
@example(np.full((1, 3000), 1e-40, "f4"))
def test_images_come_back_as_they_were_written(path_kind, image):
    with h5py.File("memory", "w", driver="core", backing_store=False) as memory:
        storage.write_image(memory, "image", image, image.dtype)
        assert memory["image"].chunks is None
        assert storage.read_image(memory, "image").tobytes() == native(image).tobytes()
    path = Path(os.environ["HOME"]) / "round-trip.h5"
    with h5py.File(path, "w") as file:
        storage.write_image(file, "image", image, image.dtype)
        read = storage.read_image(file, "image")
        assert read.dtype == image.dtype.newbyteorder("=")
        assert read.tobytes() == native(image).tobytes() == file["image"][()].tobytes()


def native(image):
    return image.astype(image.dtype.newbyteorder("="))


@pytest.mark.parametrize("shape", [(1, 1), (1, 4096), (4096, 1), (4096, 4096)])
def test_the_smallest_and_the_largest_images_come_back(h5, shape):
    image = np.random.default_rng(1).poisson(9, shape).astype("f4")
    storage.write_image(h5, "image", image)
    np.testing.assert_array_equal(storage.read_image(h5, "image"), image)


@pytest.mark.parametrize("setting", ["fast", "balanced", "small"])
@pytest.mark.parametrize("image", [IMAGE, CORRECTED], ids=["counts", "corrected"])
def test_an_image_is_one_checked_chunk_with_the_attributes_of_an_image(
    h5, path_kind, image, setting
):
    storage.write_image(h5, "image", image, compression=setting, attrs={"gain": 1.5})
    dataset = h5["image"]
    assert dataset.dtype == "f4"
    assert dataset.chunks == image.shape
    assert dataset.compression == "gzip"
    assert dataset.fletcher32
    assert dataset.attrs["CLASS"] == np.bytes_("IMAGE")
    assert dataset.attrs["IMAGE_VERSION"] == np.bytes_("1.2")
    assert dataset.attrs["IMAGE_SUBCLASS"] == np.bytes_("IMAGE_GRAYSCALE")
    assert dataset.attrs["gain"] == 1.5
    np.testing.assert_array_equal(dataset[()], image)


def test_both_ways_to_write_make_the_same_dataset(tmp_path, monkeypatch):
    with h5py.File(tmp_path / "a.h5", "w") as one, h5py.File(tmp_path / "b.h5", "w") as two:
        storage.write_image(one, "image", CORRECTED, compression="fast")
        monkeypatch.setattr(compression, "deflate", None)
        storage.write_image(two, "image", CORRECTED, compression="fast")
        assert one["image"].id.get_create_plist().equal(two["image"].id.get_create_plist())


def test_images_in_memory_are_plain_datasets():
    with h5py.File("memory", "w", driver="core", backing_store=False) as memory:
        storage.write_image(memory, "image", IMAGE)
        assert memory["image"].chunks is None
        assert not memory["image"].attrs
        np.testing.assert_array_equal(storage.read_image(memory, "image"), IMAGE)


def test_writing_replaces_an_image_and_leaves_it_alone_when_the_new_one_is_refused(h5):
    storage.write_image(h5, "image", IMAGE)
    with pytest.raises(InputError):
        storage.write_image(h5, "image", np.zeros((0, 3)))
    np.testing.assert_array_equal(storage.read_image(h5, "image"), IMAGE)
    storage.write_image(h5, "image", IMAGE[:3])
    assert storage.read_image(h5, "image").shape == (3, 41)


def test_paths_name_images_in_groups(h5):
    h5.create_group("fli_0/fluorescence")
    storage.write_image(h5, "fli_0/fluorescence/raw", IMAGE)
    np.testing.assert_array_equal(storage.read_image(h5["fli_0"], "fluorescence/raw"), IMAGE)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"chunks": (7, 9), "compression": "gzip"},
        {"chunks": (30, 41)},
        {"chunks": (30, 41), "compression": "lzf"},
        {"chunks": (30, 41), "compression": "gzip", "scaleoffset": 3},
        {"chunks": (30, 41), "compression": "gzip", "shuffle": True},
        {"chunks": (30, 41), "fletcher32": True},
        {"chunks": (64, 64), "maxshape": (None, None), "compression": "gzip"},
    ],
    ids=str,
)
@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", "u2", "i4", "?"])
def test_any_other_layout_is_read_by_h5py(h5, path_kind, options, dtype):
    if dtype == "?" and "scaleoffset" in options:
        pytest.skip("HDF5 has no such filter for booleans")
    h5.create_dataset("image", data=IMAGE.astype(dtype), **options)
    read = storage.read_image(h5, "image")
    assert read.dtype == np.dtype(dtype).newbyteorder("=")
    np.testing.assert_array_equal(read, h5["image"][()])


def test_a_chunk_whose_filters_were_skipped_is_read(h5):
    h5.create_dataset("image", (2, 3), "f4", chunks=(2, 3), compression="gzip")
    h5["image"].id.write_direct_chunk((0, 0), np.ones((2, 3), "f4").tobytes(), filter_mask=1)
    np.testing.assert_array_equal(storage.read_image(h5, "image"), 1)


def test_an_image_that_was_never_filled_in_reads_as_hdf5_defines_it(h5):
    h5.create_dataset("image", (2, 3), "f4", chunks=(2, 3), compression="gzip", fillvalue=5)
    np.testing.assert_array_equal(storage.read_image(h5, "image"), 5)


def test_what_is_not_an_image_is_named(h5):
    h5.create_group("fli_0")
    for name in ("fli_0/fluorescence/raw", "nothing"):
        with pytest.raises(FileFormatError, match=rf"file\.h5: .*/{name} is missing"):
            storage.read_image(h5, name)
    with pytest.raises(FileFormatError, match="fli_0 is not an image"):
        storage.read_image(h5, "fli_0")


def test_reading_from_a_closed_file_is_said(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        group = file.create_group("group")
    with pytest.raises(FileFormatError, match="closed"):
        storage.read_image(group, "image")


def damage(path: Path, name: str, position: int = 20) -> None:
    """Flip one bit of the chunk of a dataset."""
    with h5py.File(path, "r") as file:
        offset = file[name].id.get_chunk_info(0).byte_offset
    with path.open("r+b") as raw:
        raw.seek(offset + position)
        value = raw.read(1)[0]
        raw.seek(offset + position)
        raw.write(bytes([value ^ 1]))


def test_a_flipped_bit_is_reported_with_file_and_image(tmp_path, path_kind):
    path = tmp_path / "series.h5"
    with h5py.File(path, "w") as file, SeriesWriter(file) as writer:
        for i in range(4):
            writer.add(IMAGE + i, {"time": float(i)})
    damage(path, "fli_2/fluorescence/raw")
    with h5py.File(path, "r") as file:
        for i in (0, 1, 3):
            storage.read_image(file, f"fli_{i}/fluorescence/raw")
        with pytest.raises(DamagedImageError) as caught:
            storage.read_image(file, "fli_2/fluorescence/raw")
    message = str(caught.value)
    assert "series.h5" in message
    assert "/fli_2/fluorescence/raw is damaged" in message


def test_a_chunk_that_was_cut_off_is_reported(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("image", (30, 41), "f4", chunks=(30, 41), compression="gzip")
        file["image"].id.write_direct_chunk((0, 0), b"\x78\x9cabc")
    with h5py.File(path) as file, pytest.raises(DamagedImageError, match="/image is damaged"):
        storage.read_image(file, "image")


def test_a_filter_that_is_not_installed_is_named_and_not_called_damage(h5):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((2, 2))
    plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (3,))
    space = h5py.h5s.create_simple((2, 2))
    made = h5py.h5d.create(h5.id, b"image", h5py.h5t.NATIVE_FLOAT, space, plist)
    made.write_direct_chunk((0, 0), b"whatever")
    with pytest.raises(FileFormatError, match=r"filter 32015 .*not installed"):
        storage.read_image(h5, "image")


def test_images_are_read_from_many_threads_at_once(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file, SeriesWriter(file) as writer:
        for i in range(40):
            # Counts and corrected images take turns, so that the filters differ too.
            writer.add((IMAGE if i % 2 else CORRECTED) + i, {})
    failures = []

    def read():
        for i in range(40):
            expected = ((IMAGE if i % 2 else CORRECTED) + i).astype("f4")
            if not np.array_equal(storage.read_image(file, f"fli_{i}/fluorescence/raw"), expected):
                failures.append(i)

    with h5py.File(path) as file:
        threads = [threading.Thread(target=read) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures


def test_copying_keeps_the_compressed_bytes(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as one, h5py.File(tmp_path / "b.h5", "w") as two:
        one.create_group("fli_0")
        storage.write_image(one, "fli_0/raw", CORRECTED, attrs={"gain": 2.0})
        storage.copy_object(one, "fli_0", two, "fli_7")
        copies = [
            file[name].id.read_direct_chunk((0, 0))
            for file, name in ((one, "fli_0/raw"), (two, "fli_7/raw"))
        ]
        assert copies[0] == copies[1]
        assert two["fli_7/raw"].attrs["gain"] == 2.0
        with pytest.raises(FileFormatError, match="/fli_9 is missing"):
            storage.copy_object(one, "fli_9", two, "fli_8")


# --- files -------------------------------------------------------------------------------------


def test_opening_says_what_is_wrong(tmp_path):
    with pytest.raises(MissingFileError, match=r"no file .*nothing\.h5"):
        storage.open_file(tmp_path / "nothing.h5")
    with pytest.raises(MissingFileError, match="no folder"):
        storage.open_file(tmp_path / "nowhere" / "a.h5", "w")
    with pytest.raises(FileAccessError, match="is a folder"):
        storage.open_file(tmp_path)
    text = tmp_path / "text.h5"
    text.write_text("not HDF5, but long enough to be looked at " * 20)
    for mode in ("r", "r+", "a"):
        with pytest.raises(FileFormatError, match=r"text\.h5 is not an HDF5 file"):
            storage.open_file(text, mode)
    empty = tmp_path / "empty.h5"
    empty.touch()
    with pytest.raises(FileFormatError, match="not an HDF5 file"):
        storage.open_file(empty)
    with pytest.raises(OutputExistsError, match="exists already"):
        storage.open_file(text, "x")


def test_a_file_that_was_cut_off_is_called_so(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        storage.write_image(file, "image", IMAGE)
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(FileFormatError, match="was cut off"):
        storage.open_file(path)


def test_a_file_that_is_open_for_writing_cannot_be_opened_a_second_time(tmp_path):
    path = tmp_path / "a.h5"
    with storage.open_file(path, "w"), pytest.raises(FileAccessError, match="open already"):
        storage.open_file(path, "w")


@pytest.mark.skipif(sys.platform == "win32", reason="HDF5 locks differently there")
def test_a_file_that_another_program_writes_to_is_in_use(tmp_path):
    path = tmp_path / "a.h5"
    code = f"import h5py; f = h5py.File({str(path)!r}, 'w'); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        try:
            other.stdout.readline()
            with pytest.raises(FileAccessError, match="in use by another program"):
                storage.open_file(path)
        finally:
            other.communicate(b"\n")


@pytest.mark.skipif(as_root, reason="nothing is forbidden to root")
def test_a_file_without_permission_is_called_so(tmp_path):
    path = tmp_path / "a.h5"
    with storage.open_file(path, "w"):
        pass
    path.chmod(0o400)
    with pytest.raises(FileAccessError, match="for writing: permission denied"):
        storage.open_file(path, "r+")
    path.chmod(0)
    with pytest.raises(FileAccessError, match="for reading: permission denied"):
        storage.open_file(path)


# --- outputs -----------------------------------------------------------------------------------


def parts(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(PART_SUFFIX)]


def test_an_output_appears_when_it_is_complete(tmp_path):
    target = tmp_path / "out.h5"
    with atomic_output(target) as part:
        assert part.parent == tmp_path
        assert part.name.startswith(".out.h5.")
        part.write_text("complete")
        assert not target.exists()
        assert parts(tmp_path) == [part.name]
    assert target.read_text() == "complete"
    assert list(tmp_path.iterdir()) == [target]


def write_and_then(target: Path, action) -> None:
    """Write an output, but do something before it is complete."""
    with atomic_output(target, overwrite=target.exists()) as part:
        part.write_text("half")
        action()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt, SystemExit])
@pytest.mark.parametrize("existing", [False, True])
def test_a_failed_output_leaves_everything_as_it_was(tmp_path, error, existing):
    target = tmp_path / "out.h5"
    if existing:
        target.write_text("before")

    def fail():
        raise error

    with pytest.raises(error):
        write_and_then(target, fail)
    assert parts(tmp_path) == []
    assert target.exists() == existing
    if existing:
        assert target.read_text() == "before"


def test_an_existing_output_is_only_replaced_when_asked(tmp_path):
    target = tmp_path / "out.h5"
    target.write_text("before")
    with pytest.raises(OutputExistsError, match=r"out\.h5 exists already"), atomic_output(target):
        pass
    assert issubclass(OutputExistsError, FileExistsError)
    with atomic_output(target, overwrite=True) as part:
        part.write_text("after")
    assert target.read_text() == "after"


def test_an_output_that_appears_meanwhile_is_not_overwritten(tmp_path):
    target = tmp_path / "out.h5"
    with pytest.raises(OutputExistsError, match="meanwhile"):
        write_and_then(target, lambda: target.write_text("theirs"))
    assert target.read_text() == "theirs"
    assert parts(tmp_path) == []


@pytest.mark.parametrize("link", ["same name", "symbolic", "hard", "relative"])
def test_an_output_cannot_be_its_own_source(tmp_path, link, monkeypatch):
    source = tmp_path / "in.h5"
    source.write_text("data")
    target = tmp_path / "other.h5"
    if link == "same name":
        target = source
    elif link == "symbolic":
        target.symlink_to(source)
    elif link == "hard":
        os.link(source, target)
    else:
        monkeypatch.chdir(tmp_path)
        target = Path("in.h5")
    with (
        pytest.raises(SameFileError, match="is being read"),
        atomic_output(target, overwrite=True, source=source),
    ):
        pass
    assert source.read_text() == "data"
    assert parts(tmp_path) == []


def test_the_file_behind_a_link_is_replaced_and_not_the_link(tmp_path):
    real = tmp_path / "real.h5"
    real.write_text("before")
    link = tmp_path / "link.h5"
    link.symlink_to(real)
    with atomic_output(link, overwrite=True) as part:
        part.write_text("after")
    assert link.is_symlink()
    assert real.read_text() == "after"


def test_folders_that_are_missing_or_closed_are_said(tmp_path):
    with (
        pytest.raises(MissingFileError, match=r"no folder .*nowhere"),
        atomic_output(tmp_path / "nowhere" / "out.h5"),
    ):
        pass
    with pytest.raises(OutputExistsError, match="is a folder"), atomic_output(tmp_path):
        pass
    if not as_root:
        closed = tmp_path / "closed"
        closed.mkdir(mode=0o500)
        with (
            pytest.raises(FileAccessError, match="Nothing can be written"),
            atomic_output(closed / "out.h5"),
        ):
            pass


def test_a_folder_that_takes_no_files_is_said(tmp_path, monkeypatch):
    def refuse(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("flimage.output.os.open", refuse)
    with (
        pytest.raises(FileAccessError, match=r"Nothing can be written .*Permission denied"),
        atomic_output(tmp_path / "out.h5"),
    ):
        pass


@pytest.mark.skipif(os.name != "posix", reason="permissions are those of POSIX")
def test_an_output_has_the_permissions_of_any_new_file_or_of_the_one_it_replaces(tmp_path):
    plain = tmp_path / "plain"
    plain.touch()
    with atomic_output(tmp_path / "new.h5"):
        pass
    assert (tmp_path / "new.h5").stat().st_mode == plain.stat().st_mode
    plain.chmod(0o640)
    with atomic_output(plain, overwrite=True):
        pass
    assert plain.stat().st_mode & 0o777 == 0o640


def test_long_names_are_possible(tmp_path):
    with atomic_output(tmp_path / ("x" * 250 + ".h5")) as part:
        part.write_text("long")
    assert parts(tmp_path) == []


# --- series ------------------------------------------------------------------------------------


def write_series(group, images, meta=None, **options) -> None:
    """Write images through a writer."""
    with SeriesWriter(group, **options) as writer:
        for image in images:
            writer.add(image, meta or {})


@pytest.mark.parametrize("workers", [1, 3])
def test_frames_are_written_in_order_with_their_metadata(h5, path_kind, workers):
    with SeriesWriter(h5, workers=workers) as writer:
        for i in range(25):
            writer.add(
                IMAGE + i,
                {"time": 0.1 * i, "identifier": f"µ {i}", "angle": np.float32(i)},
                {"gain": 1.0 + i, "flagged": True},
            )
    assert sorted(h5, key=lambda name: int(name[4:])) == [f"fli_{i}" for i in range(25)]
    for i in range(25):
        frame = h5[f"fli_{i}"]
        assert dict(frame.attrs) == {"time": 0.1 * i, "identifier": f"µ {i}", "angle": i}
        assert list(frame) == ["fluorescence"]
        assert sorted(frame["fluorescence"]) == ["bg_data", "raw"]
        assert not frame["fluorescence"].attrs
        assert len(frame["fluorescence/bg_data"]) == 0
        raw = frame["fluorescence/raw"]
        np.testing.assert_array_equal(raw[()], IMAGE + i)
        assert raw.attrs["gain"] == 1.0 + i
        assert raw.attrs["flagged"]


def test_an_image_may_be_changed_as_soon_as_it_was_added(h5):
    image = np.zeros((64, 64), "f4")
    with SeriesWriter(h5) as writer:
        for i in range(30):
            image[:] = i
            writer.add(image, {})
    for i in range(30):
        assert (h5[f"fli_{i}/fluorescence/raw"][()] == i).all()


def test_writing_starts_at_the_number_asked_for(h5):
    with SeriesWriter(h5, start=5) as writer:
        writer.add(IMAGE, {})
        assert len(writer) == 6
    assert list(h5) == ["fli_5"]


def test_the_same_background_is_stored_once(h5):
    backgrounds = [np.full(IMAGE.shape, float(k)) for k in range(20)]
    with SeriesWriter(h5) as writer:
        for background in (backgrounds[0], None, backgrounds[0], backgrounds[0].copy()):
            writer.add(IMAGE, {}, bg=background)
        for background in backgrounds:
            writer.add(IMAGE, {}, bg=background)
    data = [h5.get(f"fli_{i}/fluorescence/bg_data/data") for i in range(24)]
    assert data[1] is None
    assert data[2] == data[0]
    assert data[3] != data[0]
    for k in range(20):
        np.testing.assert_array_equal(data[4 + k][()], k)


def test_encoded_images_are_written_as_they_are(h5):
    with SeriesWriter(h5) as writer:
        writer.add(storage.encode_image(CORRECTED), {})
    np.testing.assert_array_equal(storage.read_image(h5, "fli_0/fluorescence/raw"), CORRECTED)


def test_frames_in_memory_are_plain():
    with h5py.File("memory", "w", driver="core", backing_store=False) as memory:
        with SeriesWriter(memory) as writer:
            writer.add(IMAGE, {"time": 1.0}, {"gain": 2.0}, bg=IMAGE)
        raw = memory["fli_0/fluorescence/raw"]
        assert raw.chunks is None
        assert dict(raw.attrs) == {"gain": 2.0}
        np.testing.assert_array_equal(memory["fli_0/fluorescence/bg_data/data"][()], IMAGE)


def test_an_exception_drops_the_queue_and_leaves_whole_frames(h5):
    def images():
        yield from (np.random.default_rng(i).normal(size=(200, 200)) for i in range(50))
        raise RuntimeError

    with pytest.raises(RuntimeError):
        write_series(h5, images(), workers=2)
    assert len(h5) < 50
    for frame in h5.values():
        assert frame["fluorescence/raw"].shape == (200, 200)
        assert "bg_data" in frame["fluorescence"]


def test_an_image_that_is_refused_is_not_half_written(h5):
    with pytest.raises(InputError):
        write_series(h5, [IMAGE, np.zeros((0, 3))])
    with pytest.raises(TypeError):
        write_series(h5, [IMAGE], {"time": object()}, start=9)
    assert "fli_9" not in h5


def test_a_closed_writer_takes_no_frames(h5):
    writer = SeriesWriter(h5)
    writer.add(IMAGE, {})
    writer.close()
    writer.close()
    assert list(h5) == ["fli_0"]
    with pytest.raises(ValueError, match="closed"):
        writer.add(IMAGE, {})


def test_no_more_images_wait_than_two_for_each_thread(h5):
    most = 0
    with SeriesWriter(h5, workers=2) as writer:
        for _ in range(60):
            writer.add(np.random.default_rng(0).normal(size=(150, 150)), {})
            most = max(most, len(writer._queue))
    assert most <= 4


@pytest.mark.skipif(shutil.which("h5dump") is None, reason="h5dump is not installed")
def test_h5dump_reads_every_kind_of_frame(tmp_path):
    path = tmp_path / "a.h5"
    noise = np.random.default_rng(0).normal(size=(20, 20))
    with h5py.File(path, "w") as file, SeriesWriter(file) as writer:
        for image in (IMAGE, CORRECTED, noise):
            writer.add(image, {"time": 1.0, "identifier": "a"}, {"gain": 1.0})
    result = subprocess.run(["h5dump", path], capture_output=True, text=True, check=True)
    assert result.stderr == ""
    assert result.stdout.count('DATASET "raw"') == 3
    assert f"{IMAGE[0, 0]:g}, {IMAGE[0, 1]:g}" in result.stdout


def test_the_layout_that_was_read_last_is_not_taken_for_another_one(h5):
    storage.write_image(h5, "counts", IMAGE)
    storage.write_image(h5, "corrected", CORRECTED)
    storage.write_image(h5, "small", IMAGE[:3, :4])
    h5.create_dataset("plain", data=IMAGE)
    for _ in range(2):
        for name, expected in (
            ("counts", IMAGE),
            ("corrected", CORRECTED),
            ("plain", IMAGE),
            ("small", IMAGE[:3, :4]),
        ):
            np.testing.assert_array_equal(storage.read_image(h5, name), expected)
    assert dataset._last_layout is not None


def test_the_names_of_many_frames_are_read_once_and_not_for_each_of_them(tmp_path):
    count = 8000
    with h5py.File(tmp_path / "many.h5", "w") as file:
        for number in range(count):
            file.create_group(f"fli_{number}")
    with storage.open_file(tmp_path / "many.h5") as file:
        for number in range(count):
            h5py.h5o.get_info(file.id, b"fli_%d" % number)
        # Of the steps to a frame (names, tree, leaf, the frame), the last one only is new.
        assert file.id.get_mdc_hit_rate() > 0.6
        # And what is kept of the frames themselves does not grow.
        assert file.id.get_mdc_size()[0] < 2**18
