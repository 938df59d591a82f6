from __future__ import annotations

import numpy as np
import pytest

from flimage import FLImage, FLSeries
from flimage.errors import InputError
from flimage.source import EditedSource, Edits, SeriesSource


@pytest.fixture
def source():
    series = FLSeries(identifier="dish")
    for i in range(4):
        fli = FLImage(np.full((3, 5), 10.0 + i), {"time": 1.0 * i, "identifier": f"f{i}"})
        if i == 1:
            fli.set_bg_data(np.full((3, 5), 4.0))
        series.add_flimage(fli)
    return SeriesSource(series)


def test_a_source_reads_what_the_series_holds(source):
    assert len(source) == 4
    assert source.shape == (3, 5)
    assert source.identifier == "dish"
    assert source.times.tolist() == [0, 1, 2, 3]
    assert source.background(0) is None
    np.testing.assert_array_equal(source.image(1), np.full((3, 5), 7.0))
    assert source.meta(2)["identifier"] == "f2"


def test_an_empty_series_is_no_source():
    with pytest.raises(InputError, match="no frames"):
        SeriesSource(FLSeries())


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float64", "int32"])
def test_images_keep_their_values_in_every_type(dtype):
    fli = FLImage([[0, 1], [200, 7]], h5dtype=dtype)
    image = SeriesSource(FLSeries([fli])).image(0)
    assert image.dtype.kind == "f"
    np.testing.assert_array_equal(image, [[0, 1], [200, 7]])


def test_no_edits_change_nothing(source):
    edited = EditedSource(source)
    for i in range(4):
        np.testing.assert_array_equal(edited.image(i), source.image(i))
        assert edited.meta(i) == source.meta(i)
    assert edited.times.tolist() == source.times.tolist()


def test_edited_backgrounds_take_the_place_of_stored_ones(source):
    edits = Edits().with_background([0, 2], np.full((3, 5), 1.0)).with_background([1], None)
    edited = EditedSource(source, edits)
    assert [edited.image(i)[0, 0] for i in range(4)] == [9, 11, 11, 13]
    assert edited.background(1) is None
    assert source.image(1)[0, 0] == 7


def test_edited_metadata_are_shown_and_keys_can_be_removed(source):
    edits = (
        Edits()
        .with_meta({0: {"time": 0.25, "focus": 1.0}})
        .with_meta({0: {"focus": 2.0}, 3: {"time": None, "identifier": None}})
    )
    edited = EditedSource(source, edits)
    assert edited.meta(0)["focus"] == 2.0
    assert edited.times[:3].tolist() == [0.25, 1, 2]
    assert np.isnan(edited.times[3])
    assert edited.identifiers == ["f0", "f1", "f2", None]
    assert "time" not in edited.meta(3)


def test_frames_are_kept_and_reordered(source):
    edited = EditedSource(source, Edits().with_order([3, 1]))
    assert len(edited) == 2
    assert edited.identifiers == ["f3", "f1"]
    assert edited.image(1)[0, 0] == 7
    assert edited.times.tolist() == [3, 1]


@pytest.mark.parametrize(
    "edits",
    [
        Edits().with_order([]),
        Edits().with_order([4]),
        Edits().with_background([7], None),
        Edits().with_background([0], np.ones((2, 2))),
        Edits().with_meta({-1: {"time": 1}}),
    ],
)
def test_edits_that_do_not_fit_are_refused(source, edits):
    with pytest.raises(InputError):
        EditedSource(source, edits)


def test_shared_backgrounds_of_a_file_are_read_once(tmp_path, images_read):
    with FLSeries(h5file=tmp_path / "a.h5", h5mode="w") as series:
        first = FLImage(np.ones((4, 4)))
        first.set_bg_data(np.full((4, 4), 0.5))
        series.add_flimage(first)
        for _ in range(3):
            series.add_flimage(FLImage(np.ones((4, 4))), bg_from_idx=0)
    with FLSeries(h5file=tmp_path / "a.h5", h5mode="r") as series:
        frames = SeriesSource(series)
        assert all(frames.image(i)[0, 0] == 0.5 for i in range(4))
    assert sum("bg_data" in path for path in images_read.paths) == 1
