"""Exported TIFF and OME-Zarr stacks, read back by other libraries than the one that wrote them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import ome_types
import pytest
import simulation
import tifffile

from flimage import FLSeries, Recipe, bleach, convert
from flimage.errors import Cancelled, InputError, OutputExistsError, SameFileError
from flimage.export import Images, Scaling, write_tiff, write_zarr
from flimage.export.scaling import find_scaling
from flimage.output import PART_SUFFIX
from flimage.scan import scan_series
from flimage.source import SeriesSource

TIMES = 0.5 * np.arange(24) + 3.25
IRREGULAR = np.array([0.0, 0.5, 1.75, 2.0, 6.5])


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A series that bleaches, with a name that needs escaping, and pixels of 0.1 µm."""
    truth = simulation.simulate(TIMES, simulation.exponential(0.1, 0.2), shape=(48, 64))
    path = tmp_path_factory.mktemp("export") / "cells.h5"
    return simulation.write(path, truth, "dish <1> & 'µ'")


@pytest.fixture
def source(recording: Path) -> Iterator[SeriesSource]:
    with FLSeries(h5file=recording, h5mode="r") as series:
        yield SeriesSource(series)


@pytest.fixture
def corrected(source: SeriesSource) -> Images:
    recipe = Recipe(border_px=8)
    return Images(source, "bleach-corrected", bleach.fit(scan_series(source, recipe), recipe))


def memory_source(images: Any, times: Any, **meta: Any) -> SeriesSource:
    series = FLSeries(identifier="small")
    series.add_images(images, [{"time": t, **meta} for t in times])
    return SeriesSource(series)


def expected(images: Images) -> np.ndarray:
    return np.stack([images.image(number) for number in range(len(images))])


def left_overs(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if PART_SUFFIX in path.name]


# --- OME-TIFF -----------------------------------------------------------------------------------


def test_ome_tiff_holds_the_corrected_pixels(corrected: Images, tmp_path: Path) -> None:
    done = write_tiff(corrected, tmp_path / "out.ome.tif")
    with tifffile.TiffFile(done.path) as file:
        assert file.is_ome
        assert file.series[0].axes == "TYX"
        np.testing.assert_array_equal(file.asarray(), expected(corrected))
        assert file.asarray().dtype == np.float32


def test_ome_xml_is_valid_and_states_times_pixel_size_and_provenance(
    corrected: Images, tmp_path: Path
) -> None:
    write_tiff(corrected, tmp_path / "out.ome.tif")
    ome = ome_types.from_tiff(tmp_path / "out.ome.tif")
    image = ome.images[0]
    pixels = image.pixels
    assert image.name == "dish <1> & 'µ'"
    assert (pixels.size_t, pixels.size_y, pixels.size_x) == (24, 48, 64)
    assert (pixels.physical_size_x, pixels.physical_size_y) == (0.1, 0.1)
    assert pixels.physical_size_x_unit.value == pixels.physical_size_y_unit.value == "µm"
    assert [plane.the_t for plane in pixels.planes] == list(range(24))
    assert [plane.delta_t for plane in pixels.planes] == TIMES.tolist()
    assert {plane.delta_t_unit.value for plane in pixels.planes} == {"s"}
    assert pixels.time_increment == pytest.approx(0.5)
    notes = {entry.k: entry.value for entry in ome.structured_annotations[0].value.ms}
    assert notes["images"] == "bleach-corrected"
    assert Recipe.from_json(notes["recipe"]) == Recipe(border_px=8)


def test_irregular_times_survive_a_round_trip_through_ome_tiff(tmp_path: Path) -> None:
    images = Images(memory_source(np.ones((5, 4, 6)), IRREGULAR, **{"pixel size": 2.5e-7}))
    write_tiff(images, tmp_path / "out.ome.tif")
    with convert.open_recording(tmp_path / "out.ome.tif") as recording:
        np.testing.assert_allclose(recording.times, IRREGULAR, rtol=1e-12)
        assert recording.pixel_size == pytest.approx(2.5e-7, rel=1e-9)
    assert ome_types.from_tiff(tmp_path / "out.ome.tif").images[0].pixels.time_increment is None


def test_frames_without_a_time_are_exported_without_times_and_it_is_said(tmp_path: Path) -> None:
    series = FLSeries()
    series.add_images(np.ones((3, 4, 6)))
    done = write_tiff(Images(SeriesSource(series)), tmp_path / "out.ome.tif")
    assert any("Times were not written" in note for note in done.notes)
    assert not ome_types.from_tiff(done.path).images[0].pixels.planes


def test_only_the_chosen_frames_are_exported(source: SeriesSource, tmp_path: Path) -> None:
    images = Images(source, "raw", frames=(3, 4, 9))
    write_tiff(images, tmp_path / "out.ome.tif")
    stack = tifffile.imread(tmp_path / "out.ome.tif")
    np.testing.assert_array_equal(stack, [source.raw(i) for i in (3, 4, 9)])
    planes = ome_types.from_tiff(tmp_path / "out.ome.tif").images[0].pixels.planes
    assert [plane.delta_t for plane in planes] == TIMES[[3, 4, 9]].tolist()


# --- ImageJ -------------------------------------------------------------------------------------


def test_imagej_hyperstack_holds_pixels_interval_and_pixel_size(
    corrected: Images, tmp_path: Path
) -> None:
    write_tiff(corrected, tmp_path / "out.tif", flavour="imagej")
    with tifffile.TiffFile(tmp_path / "out.tif") as file:
        assert file.is_imagej
        properties = file.imagej_metadata
        assert (properties["frames"], properties["hyperstack"]) == (24, True)
        assert properties["finterval"] == pytest.approx(0.5)
        assert properties["unit"] == "um"
        numerator, denominator = file.pages[0].tags["XResolution"].value
        assert denominator / numerator == pytest.approx(0.1, rel=1e-5)
        assert properties["Labels"][1] == "t = 3.75 s"
        np.testing.assert_array_equal(file.asarray(), expected(corrected))


def test_imagej_hyperstack_keeps_irregular_times_as_labels_and_says_so(tmp_path: Path) -> None:
    images = Images(memory_source(np.ones((5, 4, 6)), IRREGULAR))
    done = write_tiff(images, tmp_path / "out.tif", flavour="imagej")
    assert any("varies" in note for note in done.notes)
    with tifffile.TiffFile(done.path) as file:
        info = dict(
            line.split(" = ", 1)
            for line in file.imagej_metadata["Info"].splitlines()
            if " = " in line
        )
        assert json.loads(info["times in seconds"]) == IRREGULAR.tolist()


def test_imagej_shows_scaled_numbers_as_values(corrected: Images, tmp_path: Path) -> None:
    done = write_tiff(corrected, tmp_path / "out.tif", flavour="imagej", dtype="uint16")
    with tifffile.TiffFile(done.path) as file:
        properties = file.imagej_metadata
        # ImageJ's straight line: value = c0 + c1 * number.
        assert properties["cf"] == 0
        values = properties["c0"] + properties["c1"] * file.asarray().astype(float)
    assert np.abs(values - expected(corrected)).max() <= 0.51 * done.scaling.scale


# --- whole numbers ------------------------------------------------------------------------------


def test_counts_are_kept_as_they_are_in_16_bits(source: SeriesSource, tmp_path: Path) -> None:
    done = write_tiff(Images(source), tmp_path / "out.ome.tif", dtype="uint16")
    assert done.scaling == Scaling(1.0, 0.0)
    stack = tifffile.imread(done.path)
    assert stack.dtype == np.uint16
    np.testing.assert_array_equal(stack, expected(Images(source)))


def test_scaled_numbers_come_back_within_half_a_step(corrected: Images, tmp_path: Path) -> None:
    done = write_tiff(corrected, tmp_path / "out.ome.tif", dtype="uint16")
    stack, values = tifffile.imread(done.path), expected(corrected)
    assert (stack.min(), stack.max()) == (0, 65535)
    assert np.abs(done.scaling.restore(stack) - values).max() <= 0.51 * done.scaling.scale
    ome = ome_types.from_tiff(done.path)
    stated = {entry.k: entry.value for entry in ome.structured_annotations[0].value.ms}
    assert float(stated["scale"]) == done.scaling.scale
    assert float(stated["offset"]) == done.scaling.offset
    assert repr(done.scaling.scale) in ome.images[0].description


def test_values_outside_the_range_are_refused_and_nothing_is_written(
    corrected: Images, tmp_path: Path
) -> None:
    values = expected(corrected)
    outside = int(np.count_nonzero((values < 0) | (values > 200)))
    with pytest.raises(InputError, match=f"{outside} pixels lie outside 0 to 200"):
        write_tiff(corrected, tmp_path / "o.ome.tif", dtype="uint16", limits=(0.0, 200.0))
    assert list(tmp_path.iterdir()) == []


def test_clipping_that_is_allowed_is_counted(tmp_path: Path) -> None:
    images = Images(memory_source(np.array([[[-5.0, 0, 50, 100, 101]]]), [0.0]))
    done = write_tiff(
        images, tmp_path / "o.ome.tif", dtype="uint16", limits=(0.0, 100.0), clip=True
    )
    assert done.clipped == 2
    assert any("2 pixels" in note for note in done.notes)
    assert tifffile.imread(done.path).tolist() == [[0, 0, 32768, 65535, 65535]]


def test_missing_pixels_get_a_number_of_their_own(tmp_path: Path) -> None:
    images = Images(memory_source(np.array([[[0.5, np.nan, 1.5]]]), [0.0]))
    done = write_tiff(images, tmp_path / "o.ome.tif", dtype="uint16")
    stored = np.atleast_2d(tifffile.imread(done.path))
    assert stored.tolist() == [[1, 0, 65535]]
    assert done.missing == 1
    np.testing.assert_allclose(done.scaling.restore(stored), [[0.5, np.nan, 1.5]], atol=1e-4)


def test_a_constant_recording_can_be_scaled() -> None:
    images = Images(memory_source(np.full((2, 3, 3), 7.5), [0.0, 1.0]))
    scaling = find_scaling(images)
    scaled = scaling.apply(images.image(0))
    assert scaled.clipped == 0
    np.testing.assert_allclose(scaling.restore(scaled.image), 7.5)


def test_a_recording_without_values_cannot_be_scaled() -> None:
    images = Images(memory_source(np.full((2, 3, 3), np.nan), [0.0, 1.0]))
    with pytest.raises(InputError, match="no pixel with a value"):
        find_scaling(images)


# --- the output as a whole ----------------------------------------------------------------------


@pytest.mark.parametrize("write", [write_tiff, write_zarr])
def test_cancelling_leaves_nothing_behind(write: Any, source: SeriesSource, tmp_path: Path) -> None:
    if write is write_zarr:
        pytest.importorskip("zarr")

    def stop(done: int, total: int, stage: str) -> None:
        if done == 5:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        write(Images(source), tmp_path / "out", progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_progress_counts_up_to_the_number_of_images(source: SeriesSource, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    write_tiff(
        Images(source),
        tmp_path / "o.ome.tif",
        dtype="uint16",
        progress=lambda done, total, stage: seen.append((done, total)),
    )
    assert [done for done, _ in seen] == sorted(done for done, _ in seen)
    assert seen[-1] == (48, 48)


def test_an_existing_file_is_only_replaced_when_asked(source: SeriesSource, tmp_path: Path) -> None:
    out = tmp_path / "out.ome.tif"
    out.write_text("mine")
    with pytest.raises(OutputExistsError):
        write_tiff(Images(source), out)
    assert out.read_text() == "mine"
    write_tiff(Images(source), out, overwrite=True)
    assert tifffile.imread(out).shape == (24, 48, 64)
    assert left_overs(tmp_path) == []


def test_the_recording_itself_is_never_overwritten(source: SeriesSource) -> None:
    with pytest.raises(SameFileError):
        write_tiff(Images(source), source.path, overwrite=True)


def test_frames_of_different_sizes_are_refused_by_number(tmp_path: Path) -> None:
    series = FLSeries()
    series.add_images([np.ones((4, 4)), np.ones((4, 5))], [{"time": 0.0}, {"time": 1.0}])
    with pytest.raises(InputError, match="Frame 1 is of 5 × 4 px"):
        write_tiff(Images(SeriesSource(series)), tmp_path / "o.ome.tif")


def test_bleach_corrected_images_need_a_fit(source: SeriesSource) -> None:
    with pytest.raises(InputError, match="need a fit"):
        Images(source, "bleach-corrected")


# --- OME-Zarr -----------------------------------------------------------------------------------


def test_ome_zarr_holds_pixels_axes_times_and_pixel_size(corrected: Images, tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    write_zarr(corrected, tmp_path / "out.ome.zarr")
    group = zarr.open_group(tmp_path / "out.ome.zarr", mode="r")
    multiscale = group.attrs["multiscales"][0]
    assert multiscale["version"] == "0.4"
    assert [(a["name"], a["type"], a["unit"]) for a in multiscale["axes"]] == [
        ("t", "time", "second"),
        ("y", "space", "micrometer"),
        ("x", "space", "micrometer"),
    ]
    scale, translation = multiscale["datasets"][0]["coordinateTransformations"]
    assert scale["scale"] == pytest.approx([0.5, 0.1, 0.1])
    assert translation["translation"] == [3.25, 0, 0]
    assert group.attrs["flimage"]["times [s]"] == TIMES.tolist()
    np.testing.assert_array_equal(group["0"][:], expected(corrected))
    assert group["0"].chunks == (1, 48, 64)
    # Chunks lie where OME-NGFF 0.4 wants them.
    assert (tmp_path / "out.ome.zarr" / "0" / "23" / "0" / "0").is_file()


def test_large_frames_get_smaller_copies_in_the_right_place(tmp_path: Path) -> None:
    zarr = pytest.importorskip("zarr")
    frames = np.zeros((2, 1101, 2050), np.float32)
    frames[1] = np.arange(2050, dtype=np.float32)
    frames[0, :2, :2] = [[1, 2], [3, 6]]
    with FLSeries(h5file=tmp_path / "large.h5", h5mode="w") as series:
        metas = [{"time": 5.0 + i, "pixel size": 1e-7} for i in range(2)]
        series.add_images(frames, metas)
    with FLSeries(h5file=tmp_path / "large.h5", h5mode="r") as series:
        write_zarr(Images(SeriesSource(series), "raw"), tmp_path / "large.zarr")
    group = zarr.open_group(tmp_path / "large.zarr", mode="r")
    (multiscale,) = group.attrs["multiscales"]
    assert [d["path"] for d in multiscale["datasets"]] == ["0", "1", "2"]
    assert [group[str(i)].shape for i in range(3)] == [
        (2, 1101, 2050),
        (2, 551, 1025),
        (2, 276, 513),
    ]
    np.testing.assert_array_equal(group["0"][:], frames)
    assert group["1"][0, 0, 0] == 3.0
    for level, dataset in enumerate(multiscale["datasets"]):
        scale, shift = (
            t.get("scale", t.get("translation")) for t in dataset["coordinateTransformations"]
        )
        assert scale == pytest.approx([1.0, 0.1 * 2**level, 0.1 * 2**level])
        assert shift[0] == 5.0
        # Pixels of the ramp are at the value of their own coordinate, in every copy.
        x = 100
        value = group[str(level)][1, 10, x]
        assert shift[2] + scale[2] * x == pytest.approx(0.1 * value)


def test_an_existing_zarr_folder_is_replaced_as_a_whole(
    source: SeriesSource, tmp_path: Path
) -> None:
    zarr = pytest.importorskip("zarr")
    out = tmp_path / "out.zarr"
    out.mkdir()
    (out / "zarr.json").write_text("old")
    with pytest.raises(OutputExistsError):
        write_zarr(Images(source), out)
    assert (out / "zarr.json").exists()
    write_zarr(Images(source), out, overwrite=True)
    assert not (out / "zarr.json").exists()
    assert zarr.open_group(out, mode="r")["0"].shape == (24, 48, 64)
    assert [path.name for path in tmp_path.iterdir()] == ["out.zarr"]


def test_the_folder_of_the_recording_is_never_replaced(source: SeriesSource) -> None:
    pytest.importorskip("zarr")
    with pytest.raises(SameFileError):
        write_zarr(Images(source), source.path.parent, overwrite=True)


def test_a_stack_beyond_4_gb_says_who_can_read_it(
    source: SeriesSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flimage.export.tiff._CLASSIC_LIMIT", 1000)
    done = write_tiff(Images(source), tmp_path / "o.tif", flavour="imagej")
    assert any("larger than 4 GB" in note for note in done.notes)
    write_tiff(Images(source), tmp_path / "o.ome.tif")
    with tifffile.TiffFile(tmp_path / "o.ome.tif") as file:
        assert file.is_bigtiff
        np.testing.assert_array_equal(file.asarray(), expected(Images(source)))
