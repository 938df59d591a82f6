"""Reading files with several channels, depths and positions, folders, HDF5, OME-Zarr and CZI."""

from __future__ import annotations

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import h5py
import numpy as np
import pytest
import simulation
import tifffile
from czi_files import attach_time_stamps
from PIL import Image

from flimage import FLSeries, convert
from flimage.errors import FileFormatError, InputError, MissingFileError
from flimage.export import Images, write_tiff, write_zarr
from flimage.hdf5_dataset import list_datasets
from flimage.image_folder import natural_key
from flimage.readers import ChoiceNeededError, Selection, open_recording
from flimage.source import SeriesSource

#: Time, depth, channel, y, x: every pixel tells where it is.
T, Z, C, Y, X = 4, 3, 2, 5, 6
STACK = (
    1000 * np.arange(T)[:, None, None, None, None]
    + 100 * np.arange(Z)[:, None, None, None]
    + 50 * np.arange(C)[:, None, None]
    + np.arange(Y * X).reshape(Y, X)
).astype(np.uint16)


def frames(path: Path, selection: Selection | None = None, key: str | None = None) -> np.ndarray:
    with open_recording(path, key, selection) as recording:
        return np.stack([recording.frame(i) for i in range(len(recording))])


def write_ome(path: Path) -> Path:
    planes = [(t, z, c) for t in range(T) for z in range(Z) for c in range(C)]
    tifffile.imwrite(
        path,
        STACK,
        ome=True,
        metadata={
            "axes": "TZCYX",
            "Channel": {"Name": ["GFP", "mCherry"]},
            "SignificantBits": 12,
            # Channels and depths are taken one after the other.
            "Plane": {"DeltaT": [t + 0.1 * z + 0.01 * c for t, z, c in planes]},
        },
    )
    return path


def write_imagej(path: Path) -> Path:
    tifffile.imwrite(path, STACK, imagej=True, metadata={"axes": "TZCYX", "finterval": 0.5})
    return path


# --- choosing -----------------------------------------------------------------------------------


@pytest.mark.parametrize("write", [write_ome, write_imagej])
def test_channel_and_depth_are_read_as_they_are_chosen(
    write: Callable[[Path], Path], tmp_path: Path
) -> None:
    path = write(tmp_path / "a.ome.tif")
    for z in range(Z):
        for c in range(C):
            np.testing.assert_array_equal(frames(path, Selection(c, z)), STACK[:, z, c])


def test_a_channel_is_found_by_its_name_and_its_own_times_are_taken(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tif")
    with open_recording(path, selection=Selection("mCherry", 2)) as recording:
        np.testing.assert_array_equal(recording.frame(1), STACK[1, 2, 1])
        np.testing.assert_allclose(recording.times, np.arange(T) + 0.21)
        assert "Images are those of channel 1 (mCherry) of 2." in recording.notes
        assert [(a.letter, a.size, a.labels) for a in recording.axes] == [
            ("T", 4, ()),
            ("Z", 3, ()),
            ("C", 2, ("GFP", "mCherry")),
        ]


def test_what_has_to_be_chosen_is_named_with_its_options(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tif")
    with pytest.raises(ChoiceNeededError) as caught:
        open_recording(path)
    text = str(caught.value)
    assert "5 axes (time 4, depth 3, channel 2, y 5, x 6)" in text
    assert "--channel (0 to 1: GFP, mCherry), --z (0 to 2)" in text
    assert [(axis.letter, axis.size) for axis in caught.value.axes] == [("C", 2), ("Z", 3)]
    with pytest.raises(ChoiceNeededError) as caught:
        open_recording(path, selection=Selection(z=1))
    assert [axis.letter for axis in caught.value.axes] == ["C"]


@pytest.mark.parametrize(
    ("selection", "sentence"),
    [
        (Selection(2, 0), r"no channel 2; there is \(0 to 1: GFP, mCherry\)"),
        (Selection("DAPI", 0), "no channel 'DAPI'"),
        (Selection(0, 3), r"no depth 3; there is \(0 to 2\)"),
        (Selection(0, 0, 1), r"no position 1; there is only one \(--position\)"),
    ],
)
def test_a_choice_that_is_not_there_is_refused(
    tmp_path: Path, selection: Selection, sentence: str
) -> None:
    path = write_ome(tmp_path / "a.ome.tif")
    with pytest.raises(InputError, match=sentence):
        open_recording(path, selection=selection)


def test_choosing_the_only_plane_changes_nothing(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK[:, 0, 0], imagej=True, metadata={"axes": "TYX"})
    np.testing.assert_array_equal(frames(tmp_path / "a.tif", Selection(0, 0, 0)), STACK[:, 0, 0])


def test_slices_are_time_only_where_no_slice_is_chosen(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", STACK[0, :, 0], imagej=True, metadata={"axes": "ZYX"})
    assert len(frames(tmp_path / "a.tif")) == Z
    np.testing.assert_array_equal(frames(tmp_path / "a.tif", Selection(z=2)), STACK[:1, 2, 0])


def test_stacks_in_one_file_are_positions(tmp_path: Path) -> None:
    path = tmp_path / "a.ome.tif"
    with tifffile.TiffWriter(path, ome=True) as tif:
        for position in range(2):
            times = [t + 10.0 * position for t in range(T)]
            stack = STACK[:, position, 0]
            tif.write(stack, metadata={"axes": "TYX", "Plane": {"DeltaT": times}})
    with pytest.raises(ChoiceNeededError, match=r"2 stacks .*--position \(0 to 1"):
        open_recording(path)
    with open_recording(path, selection=Selection(position=1)) as recording:
        np.testing.assert_array_equal(recording.frame(3), STACK[3, 1, 0])
        np.testing.assert_allclose(recording.times, [10, 11, 12, 13])
    with pytest.raises(InputError, match="no position 2"):
        open_recording(path, selection=Selection(position=2))


def test_the_largest_value_of_the_detector_is_remembered(tmp_path: Path) -> None:
    path = write_ome(tmp_path / "a.ome.tif")
    out = convert.convert(path, tmp_path / "o.h5", selection=Selection(0, 0))
    with h5py.File(out) as file:
        origin = json.loads(file.attrs[convert.ORIGIN])
    assert origin["maximum"] == 4095
    assert "The detector has 12 bits (up to 4095), from OME SignificantBits." in origin["notes"]
    for dtype, maximum in (("uint8", 255), ("uint16", 65535), ("float32", None)):
        np.save(tmp_path / "a.npy", np.ones((2, 3, 4), dtype))
        with open_recording(tmp_path / "a.npy") as recording:
            assert recording.maximum == maximum


def test_the_command_line_chooses_channel_and_depth(tmp_path: Path, run: Any) -> None:
    path = write_ome(tmp_path / "a.ome.tif")
    code, _, err = run("convert", path, tmp_path / "o.h5")
    assert code == 1
    assert "--channel (0 to 1: GFP, mCherry)" in err
    code, out, _ = run("convert", path, tmp_path / "o.h5", "--channel", "GFP", "--z", 1)
    assert code == 0
    assert "channel 0 (GFP) of 2" in out
    with FLSeries(h5file=tmp_path / "o.h5", h5mode="r") as series:
        np.testing.assert_array_equal([f.raw_fl for f in series], STACK[:, 1, 0])
    assert run("info", path, "--channel", 1, "--z", 0)[0] == 0
    assert run("convert", path, tmp_path / "p.h5", "--z", "-1")[0] == 2


# --- folders ------------------------------------------------------------------------------------


def test_names_are_sorted_as_a_person_reads_them() -> None:
    names = ["img10.tif", "img2.tif", "IMG1.tif", "img2b.tif", "a.tif", "3.tif", "img02.tif"]
    assert sorted(names, key=natural_key) == [
        "3.tif",
        "a.tif",
        "IMG1.tif",
        "img2.tif",
        "img02.tif",
        "img2b.tif",
        "img10.tif",
    ]


@pytest.mark.parametrize("suffix", [".tif", ".png"])
def test_a_folder_of_images_is_a_recording(suffix: str, tmp_path: Path) -> None:
    folder = tmp_path / "dish 1"
    folder.mkdir()
    for t in range(12):
        image = STACK[t % T, 0, 0] + t
        name = folder / f"f{t}{suffix}"
        if suffix == ".tif":
            tifffile.imwrite(name, image)
        else:
            Image.fromarray(image).save(name)
    (folder / "notes.txt").write_text("hello")
    (folder / ".hidden.tif").write_text("no image")
    stack = frames(folder)
    assert stack.dtype == np.uint16
    np.testing.assert_array_equal(stack, [STACK[t % T, 0, 0] + t for t in range(12)])
    out = convert.convert(folder, tmp_path / "o.h5", interval=2.0)
    with FLSeries(h5file=out, h5mode="r") as series:
        assert series.identifier == "dish 1"
        assert series.times.tolist() == (2.0 * np.arange(12)).tolist()


def test_a_pattern_takes_some_images_of_a_folder(tmp_path: Path, run: Any) -> None:
    for t in range(3):
        for c in range(2):
            tifffile.imwrite(tmp_path / f"t{t}_c{c}.tif", STACK[t, 0, c])
    np.testing.assert_array_equal(frames(tmp_path / "*_c1.tif"), STACK[:3, 0, 1])
    assert run("info", tmp_path / "*_c1.tif")[0] == 0
    with pytest.raises(MissingFileError):
        open_recording(tmp_path / "gone" / "*.tif")
    with pytest.raises(InputError, match="holds no images"):
        open_recording(tmp_path / "*_c7.tif")


def test_folders_that_are_no_recording_are_refused_with_a_remedy(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no images"):
        open_recording(tmp_path)
    tifffile.imwrite(tmp_path / "a.tif", STACK[0, 0, 0])
    Image.fromarray(STACK[0, 0, 0].astype(np.uint8)).save(tmp_path / "b.png")
    with pytest.raises(InputError, match=r"several kinds \(\.png, \.tif\).*pattern"):
        open_recording(tmp_path)
    tifffile.imwrite(tmp_path / "c.tif", STACK[:, 0, 0], photometric="minisblack")
    with pytest.raises(InputError, match="each file is one frame"):
        open_recording(tmp_path / "c*.tif")
    tifffile.imwrite(tmp_path / "d1.tif", STACK[0, 0, 0])
    tifffile.imwrite(tmp_path / "d2.tif", STACK[0, 0, 0, 1:])
    with pytest.raises(FileFormatError, match=r"d2\.tif is of shape"):
        frames(tmp_path / "d*.tif")
    Image.new("RGB", (4, 3)).save(tmp_path / "e.png")
    with pytest.raises(InputError, match="colour images"):
        open_recording(tmp_path / "e*.png")
    (tmp_path / "f.tif").write_text("no image")
    with pytest.raises(FileFormatError, match=r"f\.tif is not a readable image"):
        open_recording(tmp_path / "f*.tif")


# --- HDF5 ---------------------------------------------------------------------------------------


@pytest.fixture
def hdf5(tmp_path: Path) -> Path:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["scan/movie"] = STACK[:, 0, 0]
        file["scan/movie"].attrs["element_size_um"] = [1.0, 0.25, 0.25]
        file["scan/times"] = np.arange(4.0)
        full = file.create_dataset("full", data=STACK)
        for dimension, label in zip(full.dims, ("time", "z", "channel", "y", "x"), strict=True):
            dimension.label = label
        file["plain"] = STACK
    return path


def test_a_dataset_is_picked_by_its_path(hdf5: Path, run: Any) -> None:
    with open_recording(f"{hdf5}::/scan/movie") as recording:
        assert recording.pixel_size == pytest.approx(2.5e-7)
        np.testing.assert_array_equal(recording.frame(2), STACK[2, 0, 0])
    out = hdf5.with_name("o.h5")
    assert run("convert", f"{hdf5}::/scan/movie", out, "--interval", 1)[0] == 0
    with FLSeries(h5file=out, h5mode="r") as series:
        assert len(series) == T
        assert series.identifier == "other"


def test_labelled_dimensions_are_chosen_along(hdf5: Path) -> None:
    np.testing.assert_array_equal(frames(Path(f"{hdf5}::/full"), Selection(1, 2)), STACK[:, 2, 1])
    with pytest.raises(ChoiceNeededError):
        open_recording(f"{hdf5}::/full")
    with pytest.raises(InputError, match="none is labelled"):
        open_recording(f"{hdf5}::/plain")


def test_datasets_are_listed_where_none_is_named(hdf5: Path) -> None:
    assert [name for name, _, _ in list_datasets(hdf5)] == ["/full", "/plain", "/scan/movie"]
    with pytest.raises(InputError, match=r"other\.h5::/scan/movie \(4×5×6\)"):
        open_recording(hdf5)
    for name in ("/gone", "/scan"):
        with pytest.raises(InputError, match="choose one of"):
            open_recording(f"{hdf5}::{name}")


def test_the_only_dataset_needs_no_name_and_a_series_no_conversion(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "one.h5", "w") as file:
        file["data"] = STACK[:, 0, 0]
    np.testing.assert_array_equal(frames(tmp_path / "one.h5"), STACK[:, 0, 0])
    truth = simulation.simulate(np.arange(4.0), simulation.exponential(0.1), shape=(8, 8))
    path = simulation.write(tmp_path / "series.h5", truth)
    with pytest.raises(InputError, match="is a series already"):
        open_recording(path)
    (tmp_path / "no.h5").write_text("text")
    with pytest.raises(FileFormatError, match="not an HDF5 file"):
        open_recording(tmp_path / "no.h5")


# --- OME-Zarr -----------------------------------------------------------------------------------


def test_exported_ome_zarr_is_read_with_its_irregular_times(tmp_path: Path) -> None:
    pytest.importorskip("zarr")
    times = np.array([3.0, 3.5, 7.0, 7.25])
    with FLSeries(identifier="dish") as series:
        series.add_images(
            STACK[:, 0, 0].astype(float), [{"time": t, "pixel size": 2e-7} for t in times]
        )
        write_zarr(Images(SeriesSource(series)), tmp_path / "a.ome.zarr")
    with open_recording(tmp_path / "a.ome.zarr") as recording:
        np.testing.assert_array_equal(recording.times, times)
        assert recording.pixel_size == pytest.approx(2e-7)
        np.testing.assert_array_equal(recording.frame(3), STACK[3, 0, 0])


@pytest.mark.parametrize("version", [2, 3])
def test_ome_zarr_of_other_programs_is_read_in_both_versions(version: int, tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    path = tmp_path / "a.zarr"
    group = zarr.open_group(path, mode="w", zarr_format=version)
    array = group.create_array("0", shape=STACK.shape, dtype=STACK.dtype, chunks=(1, 1, 1, Y, X))
    array[:] = STACK
    names = ("t", "z", "c", "y", "x")
    units: dict[str, str] = {
        "t": "millisecond",
        "z": "micrometer",
        "y": "nanometer",
        "x": "nanometer",
    }
    kinds = {"t": "time", "c": "channel"}
    ome = {
        "multiscales": [
            {
                "axes": [
                    {
                        "name": n,
                        "type": kinds.get(n, "space"),
                        **({"unit": units[n]} if n in units else {}),
                    }
                    for n in names
                ],
                "datasets": [
                    {
                        "path": "0",
                        "coordinateTransformations": [
                            {"type": "scale", "scale": [250.0, 1.0, 1.0, 65.0, 65.0]},
                            {"type": "translation", "translation": [1000.0, 0, 0, 0, 0]},
                        ],
                    }
                ],
            }
        ],
        "omero": {"channels": [{"label": "GFP"}, {"label": "RFP"}]},
    }
    group.attrs.update({"ome": ome} if version == 3 else ome)
    with open_recording(path, selection=Selection("RFP", 1)) as recording:
        np.testing.assert_array_equal(recording.frame(2), STACK[2, 1, 1])
        np.testing.assert_allclose(recording.times, [1.0, 1.25, 1.5, 1.75])
        assert recording.pixel_size == pytest.approx(65e-9)
    with pytest.raises(ChoiceNeededError):
        open_recording(path)


def test_zarr_folders_that_are_no_image_are_refused(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    zarr.open_group(tmp_path / "a.zarr", mode="w", zarr_format=2)
    with pytest.raises(InputError, match="no OME-Zarr image"):
        open_recording(tmp_path / "a.zarr")
    (tmp_path / "b.zarr").mkdir()
    with pytest.raises(FileFormatError, match="not a readable Zarr"):
        open_recording(tmp_path / "b.zarr")


# --- CZI ----------------------------------------------------------------------------------------


@pytest.fixture
def czi(tmp_path: Path) -> Path:
    library = pytest.importorskip("pylibCZIrw.czi")
    path = tmp_path / "a.czi"
    with library.create_czi(str(path)) as file:
        for t in range(T):
            for c in range(C):
                for scene in range(2):
                    file.write(
                        data=np.ascontiguousarray(STACK[t, scene, c][..., None]),
                        plane={"T": t, "C": c, "Z": 0},
                        scene=scene,
                        location=(scene * 100, 0),
                    )
        file.write_metadata(
            document_name="a", channel_names={0: "GFP", 1: "RFP"}, scale_x=1e-7, scale_y=1e-7
        )
    return path


def test_czi_channels_and_scenes_are_read_as_they_are_chosen(czi: Path) -> None:
    for scene in range(2):
        for number, name in enumerate(("GFP", "RFP")):
            expected = STACK[:, scene, number]
            np.testing.assert_array_equal(frames(czi, Selection(name, None, scene)), expected)
    with open_recording(czi, selection=Selection(0, None, 0)) as recording:
        assert recording.pixel_size == pytest.approx(1e-7)
        assert recording.dtype == np.uint16
        assert any("neither time stamps nor an interval" in note for note in recording.notes)


#: Irregular on purpose, and not counted from 0.
STAMPS = [1.25, 1.75, 2.875, 9.0]


def test_czi_frames_have_the_times_that_were_attached_to_the_file(
    czi: Path, tmp_path: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    czifile = pytest.importorskip("czifile")
    attach_time_stamps(czi, STAMPS)
    with czifile.CziFile(str(czi)) as file:
        (attached,) = (a.data() for a in file.attachments())
    assert attached.tolist() == STAMPS
    with open_recording(czi, selection=Selection(0, None, 0)) as recording:
        assert recording.times is not None
        assert recording.times.tolist() == STAMPS
        assert "Times are from the CZI time stamp of each frame." in recording.notes
    out = tmp_path / "out.h5"
    code, _, _ = run("convert", czi, out, "--channel", "RFP", "--position", 1)
    assert code == 0
    with FLSeries(h5file=out, h5mode="r") as series:
        assert [image["time"] for image in series] == STAMPS
        np.testing.assert_array_equal(series[3].raw_fl, STACK[3, 1, 1])


def test_czi_time_stamps_that_do_not_fit_the_frames_are_not_used(czi: Path) -> None:
    pytest.importorskip("czifile")
    attach_time_stamps(czi, STAMPS[:3])
    with open_recording(czi, selection=Selection(0, None, 0)) as recording:
        assert recording.times is None
        assert any("there are 3 for 4 time points" in note for note in recording.notes)


def test_czi_images_are_read_without_the_package_for_their_times(
    czi: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach_time_stamps(czi, STAMPS)
    monkeypatch.setitem(sys.modules, "czifile", None)
    with open_recording(czi, selection=Selection(0, None, 0)) as recording:
        assert recording.times is None
        np.testing.assert_array_equal(recording.frame(1), STACK[1, 0, 0])
        assert any("needs the package czifile" in note for note in recording.notes)


def test_a_czi_without_time_stamps_is_no_reason_to_print_anything(czi: Path) -> None:
    pytest.importorskip("czifile")
    words = [sys.executable, "-m", "flimage", "info", str(czi), "--channel", "0", "--position", "0"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    assert "CZI recording" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize("count", [-1, 5, 2**30])
def test_damaged_czi_time_stamps_leave_the_images_readable(czi: Path, count: int) -> None:
    pytest.importorskip("czifile")
    attach_time_stamps(czi, STAMPS)
    intact = struct.pack("<ii", 8 + 8 * T, T)
    data = czi.read_bytes()
    assert data.count(intact) == 1
    czi.write_bytes(data.replace(intact, struct.pack("<ii", 8 + 8 * T, count)))
    with open_recording(czi, selection=Selection(0, None, 0)) as recording:
        # Newer versions of czifile do without the number that is damaged.
        if recording.times is not None:
            np.testing.assert_allclose(recording.times, STAMPS)
        np.testing.assert_array_equal(recording.frame(1), STACK[1, 0, 0])


def test_czi_needs_a_choice_where_there_are_scenes_and_channels(czi: Path) -> None:
    with pytest.raises(ChoiceNeededError) as caught:
        open_recording(czi)
    assert {axis.letter for axis in caught.value.axes} == {"C", "P"}


def test_a_damaged_czi_is_named(tmp_path: Path) -> None:
    pytest.importorskip("pylibCZIrw.czi")
    (tmp_path / "b.czi").write_text("no")
    with pytest.raises(FileFormatError, match=r"b\.czi is not a readable CZI"):
        open_recording(tmp_path / "b.czi")


# --- others -------------------------------------------------------------------------------------


# The plug-in's own libraries warn of one another.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("scene", [0, 1])
def test_bioio_hands_over_pixels_times_and_pixel_size(scene: int, tmp_path: Path) -> None:
    pytest.importorskip("bioio")
    pytest.importorskip("bioio_ome_tiff", reason="the plug-in of bioio for OME-TIFF is not here")
    from flimage.other_formats import BioioRecording

    path = tmp_path / "a.ome.tif"
    planes = [(t, z, c) for t in range(T) for z in range(Z) for c in range(C)]
    with tifffile.TiffWriter(path, ome=True) as file:
        for number in range(2):
            metadata = {
                "axes": "TZCYX",
                "Channel": {"Name": ["GFP", "mCherry"]},
                "PhysicalSizeX": 0.2 + number,
                "PhysicalSizeY": 0.2 + number,
                "Plane": {"DeltaT": [1.5**t + 0.1 * z + 0.01 * c + number for t, z, c in planes]},
            }
            file.write(STACK + number, metadata=metadata, photometric="minisblack")
    with pytest.raises(ChoiceNeededError, match="2 positions"):
        BioioRecording(path)
    with BioioRecording(path, Selection("mCherry", 2, scene)) as recording:
        found = np.stack([recording.frame(i) for i in range(len(recording))])
        np.testing.assert_array_equal(found, STACK[:, 2, 1] + scene)
        assert recording.times is not None
        np.testing.assert_allclose(recording.times, 1.5 ** np.arange(T) + 0.21 + scene)
        assert recording.pixel_size == pytest.approx((0.2 + scene) * 1e-6)
        assert "Times are from OME DeltaT of each plane." in recording.notes


def test_other_formats_are_left_to_bioio_where_it_is_installed(tmp_path: Path) -> None:
    (tmp_path / "a.lif").write_text("no")
    try:
        import bioio
    except ImportError:
        with pytest.raises(InputError, match=r"flimage\[bioio\]"):
            open_recording(tmp_path / "a.lif")
    else:
        assert bioio.BioImage is not None
        with pytest.raises(FileFormatError, match="cannot be read by bioio"):
            open_recording(tmp_path / "a.lif")


def test_the_recordings_of_microscopes_are_read_with_their_times(
    real_recording: Callable[[str], Path],
) -> None:
    pytest.importorskip("nd2")
    with open_recording(real_recording("arcadia_example-timelapse.nd2")) as recording:
        assert (len(recording), recording.shape) == (53, (64, 64))
        np.testing.assert_allclose(np.diff(recording.times), 0.5, atol=0.05)
        meta = {"date": "2025-03-27", "device": "Fusion, SN:500651", "numerical aperture": 0.95}
        place = {"pos x": 9.744e-3, "pos y": 18.4914e-3, "focus": 5.67742e-3}
        assert recording.meta == pytest.approx(meta | place)
    for name, count in (
        ("detrendr_bleached_500x25x30_u8.tif", 500),
        ("mitosis_C1_51x196x171_u16.tif", 51),
        ("basicpy_timelapse_nanog_189x128x171_u8.npz", 189),
    ):
        with open_recording(real_recording(name)) as recording:
            assert (len(recording), recording.times) == (count, None)
            assert recording.maximum == (65535 if "u16" in name else 255)


def _with_places(path: Path, x: list[float], unit: str, date: str = "2024-02-29T23:59:00") -> Path:
    """An OME-TIFF with a day, and a place for each of three frames."""
    metadata = {
        "axes": "TYX",
        "AcquisitionDate": date,
        "Plane": {
            "PositionX": x,
            "PositionXUnit": [unit] * 3,
            "PositionY": [2.5] * 3,
            "PositionYUnit": ["mm"] * 3,
            "PositionZ": [0.0, 1.0, 2.0],
            "PositionZUnit": ["µm"] * 3,
        },
    }
    tifffile.imwrite(path, np.zeros((3, 8, 9), np.uint16), ome=True, metadata=metadata)
    return path


def test_day_and_place_are_taken_from_ome_where_all_frames_have_them(tmp_path: Path) -> None:
    with open_recording(_with_places(tmp_path / "a.ome.tif", [4.0] * 3, "mm")) as recording:
        assert recording.meta["date"] == "2024-02-29"
        assert recording.meta["pos x"] == pytest.approx(4e-3)
        assert recording.meta["pos y"] == pytest.approx(2.5e-3)
        assert "focus" not in recording.meta, "it changed"
    convert.convert(tmp_path / "a.ome.tif", tmp_path / "a.h5", interval=1.0)
    with FLSeries(h5file=tmp_path / "a.h5", h5mode="r") as series:
        assert series[2].meta["pos y"] == pytest.approx(2.5e-3)
        source = SeriesSource(series)
        write_tiff(Images(source), tmp_path / "b.ome.tif")
    with open_recording(tmp_path / "b.ome.tif") as recording:
        assert recording.meta["date"] == "2024-02-29"


def test_a_damaged_frame_is_named_whatever_its_file_is_called(tmp_path: Path) -> None:
    for index in range(3):
        tifffile.imwrite(tmp_path / f"frame {index}.tif", STACK[index, 0, 0])
    with open_recording(tmp_path) as recording:
        (tmp_path / "frame 1.tif").write_bytes(b"II*\0")
        with pytest.raises(FileFormatError, match=r"^Frame 1: .*frame 1\.tif is not a readable"):
            recording.frame(1)


@pytest.mark.parametrize("stated", [2, 3])
def test_a_place_is_taken_from_nd2_where_all_frames_have_it(
    stated: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def metadata(frame: int) -> SimpleNamespace:
        time = SimpleNamespace(relativeTimeMs=100.0 * frame, absoluteJulianDayNumber=2460000.0)
        position = SimpleNamespace(stagePositionUm=(4000.0, 2500.0, 1.0))
        channel = SimpleNamespace(time=time, position=position)
        return SimpleNamespace(channels=[channel] if frame < stated else None)

    opened = SimpleNamespace(
        sizes={"T": 3, "Y": 8, "X": 9},
        dtype=np.dtype(np.uint16),
        voxel_size=lambda: SimpleNamespace(x=0.1, y=0.1),
        attributes=SimpleNamespace(bitsPerComponentSignificant=12),
        frame_metadata=metadata,
        text_info={},
        experiment=[],
        metadata=None,
        close=lambda: None,
    )
    nd2 = SimpleNamespace(ND2File=lambda path: opened)
    monkeypatch.setattr("flimage.nikon.need", lambda *names: nd2)
    (tmp_path / "a.nd2").write_bytes(b"")
    with open_recording(tmp_path / "a.nd2") as recording:
        assert (recording.times is None) == (stated < 3)
        assert ("pos x" in recording.meta) == (stated == 3)


@pytest.mark.parametrize("date", ["", "yesterday", "0001-01-01T00:00:00", "2024-13-01T00:00:00"])
def test_a_place_without_a_unit_and_an_odd_day_are_left_out(date: str, tmp_path: Path) -> None:
    path = _with_places(tmp_path / "a.ome.tif", [4.0] * 3, "reference frame", date)
    with open_recording(path) as recording:
        assert "pos x" not in recording.meta
        assert "date" not in recording.meta


def test_the_images_in_a_file_of_another_program_are_named(
    tmp_path: Path, run: Callable[..., tuple[int, str, str]]
) -> None:
    path = tmp_path / "other.h5"
    with h5py.File(path, "w") as file:
        file["scope/stack"] = STACK[:, 0, 0]
        file["scope/times"] = np.arange(T)
    for command in (("info", path), ("bleach", path)):
        code, _, error = run(*command)
        assert code == 1
        assert "holds no fluorescence series" in error
        assert f"other.h5::/scope/stack ({T}×{Y}×{X})" in error
        assert "times" not in error
    assert run("info", f"{path}::/scope/stack")[0] == 0
