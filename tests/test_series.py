from __future__ import annotations

import h5py
import numpy as np
import pytest

from flimage import FLImage, FLSeries
from flimage.errors import FileFormatError, FrameNotFoundError, InputError
from flimage.meta import is_number


def image(value: float, **meta) -> FLImage:
    return FLImage(np.full((6, 8), value), meta_data=meta)


@pytest.fixture
def series():
    return FLSeries(
        [image(i, time=0.5 * i, identifier=f"f{i}") for i in range(4)], identifier="dish"
    )


def test_images_are_found_by_number_from_both_ends_and_by_identifier(series):
    assert len(series) == 4
    assert series[1] == series["f1"] == series[-3] == series[np.int64(1)]
    assert series.get_flimage("f3").fl[0, 0] == 3
    assert [fli["identifier"] for fli in series] == ["f0", "f1", "f2", "f3"]
    assert [fli["identifier"] for fli in series[1:3]] == ["f1", "f2"]


@pytest.mark.parametrize("index", [4, -5, "f9", 1.5, True, None])
def test_an_image_that_is_not_there_is_a_key_error_and_an_index_error(series, index):
    for kind in (KeyError, IndexError, FrameNotFoundError):
        with pytest.raises(kind):
            series[index]


def test_membership_is_by_identifier(series):
    assert "f2" in series
    assert "f9" not in series
    assert 0 not in series
    assert series[2] in series
    assert image(1) not in series


def test_identifier_times_and_repr_tell_what_the_series_is(series):
    assert series.identifier == "dish"
    assert series.times.tolist() == [0, 0.5, 1, 1.5]
    assert series.identifiers == ["f0", "f1", "f2", "f3"]
    assert repr(series) == "FLSeries <dish>, 4 frames"
    assert FLSeries().identifier is None


def test_frames_without_a_time_have_no_time():
    assert np.isnan(FLSeries([image(1), image(2, time=3)]).times).tolist() == [True, False]


def test_a_taken_identifier_is_refused_and_nothing_is_added(series):
    for fli, name in ((image(1, identifier="f1"), None), (image(1), "f1")):
        with pytest.raises(ValueError, match="'f1' is taken"):
            series.add_flimage(fli, identifier=name)
    assert len(series) == 4


def test_an_identifier_given_on_appending_takes_the_place_of_its_own(series):
    series.add_flimage(image(9, identifier="f1"), identifier="new")
    assert series["new"].fl[0, 0] == 9
    assert series[-1]["identifier"] == "new"


def test_only_images_can_be_appended(series):
    with pytest.raises(ValueError, match="FLImage"):
        series.add_flimage(np.ones((6, 8)))


@pytest.mark.parametrize("kind", ["str", "path", "file", "group"])
def test_every_kind_of_h5file_keeps_the_series(kind, tmp_path, series):
    path = tmp_path / "a.h5"
    images = list(series)
    if kind in ("str", "path"):
        h5file = str(path) if kind == "str" else path
        with FLSeries(images, h5file=h5file, h5mode="w", identifier="dish"):
            pass
        with FLSeries(h5file=path, h5mode="r") as read:
            assert read.identifier == "dish"
            assert list(read) == images
            assert read.path == path
    else:
        with h5py.File(path, "w") as file:
            home = file if kind == "file" else file.create_group("flseries")
            FLSeries(images, h5file=home, identifier="dish")
            assert list(FLSeries(h5file=home)) == images


def test_images_are_appended_to_what_a_file_holds(tmp_path, series):
    path = tmp_path / "a.h5"
    FLSeries(series, h5file=path).close()
    with FLSeries([image(8)], h5file=path) as more:
        assert len(more) == 5
        assert more.identifier is None


def test_metadata_override_those_of_every_image(tmp_path, series):
    path = tmp_path / "a.h5"
    FLSeries(series, h5file=path).close()
    with FLSeries([image(8)], meta_data={"pixel size": 5e-7}, h5file=path) as changed:
        assert [fli["pixel size"] for fli in changed] == [5e-7] * 5
    with FLSeries(meta_data={"time": 7.0}, h5file=path) as changed:
        assert changed.times.tolist() == [7.0] * 5


def test_a_series_open_for_reading_cannot_be_changed(tmp_path, series):
    path = tmp_path / "a.h5"
    FLSeries(series, h5file=path).close()
    before = path.read_bytes()
    for change in ({"meta_data": {"time": 1}}, {"identifier": "x"}, {"flimage_list": [image(1)]}):
        with pytest.raises(InputError, match="reading only"):
            FLSeries(h5file=path, h5mode="r", **change)
    with FLSeries(h5file=path, h5mode="r") as read:
        with pytest.raises(InputError, match="reading only"):
            read.add_flimage(image(1))
        with pytest.raises(InputError, match="reading only"):
            read.add_images([np.ones((6, 8))])
    assert path.read_bytes() == before


def test_a_single_image_is_not_a_series(tmp_path):
    FLImage(np.ones((3, 3)), h5file=tmp_path / "one.h5").close()
    with pytest.raises(ValueError, match=r"one\.h5.*FLImage"):
        FLSeries(h5file=tmp_path / "one.h5", h5mode="r")


def test_strays_and_gaps_are_named(tmp_path, series):
    path = tmp_path / "a.h5"
    FLSeries(series, h5file=path).close()
    with h5py.File(path, "a") as file:
        file.create_group("notes")
    with pytest.raises(FileFormatError, match="'notes'"):
        FLSeries(h5file=path, h5mode="r")
    with h5py.File(path, "a") as file:
        del file["notes"]
        del file["fli_2"]
    with pytest.raises(FileFormatError, match="'fli_2'"):
        FLSeries(h5file=path, h5mode="r")


def test_an_image_appended_through_another_object_is_seen(series):
    other = FLSeries(h5file=series.h5)
    other.add_flimage(image(7, identifier="late"))
    assert len(series) == 5
    assert series["late"].fl[0, 0] == 7


def test_a_background_shared_by_number_takes_no_space(tmp_path, series):
    rng = np.random.default_rng(1)
    background = rng.normal(size=(200, 200))
    with FLSeries(h5file=tmp_path / "a.h5", h5mode="w") as shared:
        first = FLImage(np.ones((200, 200)), meta_data={"identifier": "a"})
        first.set_bg_data(background)
        shared.add_flimage(first)
        for _ in range(5):
            shared.add_flimage(FLImage(np.ones((200, 200))), bg_from_idx=0)
        shared.add_flimage(FLImage(np.ones((200, 200))), bg_from_idx="a")
        assert all(np.allclose(fli.bg_fl, background) for fli in shared)
        datasets = {fli.h5["fluorescence/bg_data/data"].id.__hash__() for fli in shared}
        assert len(datasets) == 1
    assert (tmp_path / "a.h5").stat().st_size < 1.5 * background.size * 4


def test_a_background_that_cannot_be_shared_is_refused_and_nothing_added(series):
    with pytest.raises(InputError, match="no background"):
        series.add_flimage(image(1), bg_from_idx=0)
    with pytest.raises(FrameNotFoundError):
        series.add_flimage(image(1), bg_from_idx=17)
    series[0].set_bg_data(np.ones((6, 8)))
    with pytest.raises(InputError, match="shape"):
        series.add_flimage(FLImage(np.ones((2, 2))), bg_from_idx=0)
    assert len(series) == 4


def test_many_images_are_appended_at_once_with_their_metadata(tmp_path):
    rng = np.random.default_rng(2)
    stack = rng.poisson(50, (12, 20, 30)).astype(float)
    with FLSeries(h5file=tmp_path / "a.h5", h5mode="w") as series:
        series.add_images(stack[:5], [{"time": i, "identifier": f"n{i}"} for i in range(5)])
        series.add_images(iter(stack[5:]))
        assert len(series) == 12
        np.testing.assert_array_equal([fli.raw_fl for fli in series], stack)
        assert series["n4"]["time"] == 4
        with pytest.raises(InputError, match="'n4'"):
            series.add_images([stack[0]], [{"identifier": "n4"}])
        with pytest.raises(InputError, match="more metadata"):
            series.add_images([stack[0]], [{}, {}])
        with pytest.raises(InputError, match="for 1 images only"):
            series.add_images(stack[:2], [{}])
        assert len(series) == 12


def test_a_failure_while_opening_closes_the_file(tmp_path):
    with pytest.raises(ValueError, match="FLImage"):
        FLSeries([np.ones((2, 2))], h5file=tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5", "a"):
        pass


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (np.float64(1.5), 1.5),
        (np.float32(1.5), 1.5),
        (np.dtype(">f8").type(1.5).astype(">f8"), 1.5),
        (np.int64(3), 3.0),
        (np.uint8(3), 3.0),
        ("1.5", np.nan),
        (np.bytes_("1.5"), np.nan),
        (np.array([1.5]), 1.5),
        (np.array([[1.5]], "f4"), 1.5),
        (np.longdouble(1.5), 1.5),
        (np.array([1.0, 2.0]), np.nan),
        (np.array([1.0, 2.0], "f4"), np.nan),
        (np.arange(16, dtype="u1"), np.nan),
        (1.5 + 2j, np.nan),
        (h5py.Empty("f8"), np.nan),
        (None, np.nan),
    ],
    ids=[
        "double",
        "single",
        "big-endian",
        "integer",
        "byte",
        "text",
        "fixed text",
        "array of one",
        "table of one",
        "long double",
        "two numbers",
        "two short ones",
        "many bytes",
        "complex",
        "empty",
        "none",
    ],
)
def test_times_of_every_stored_type_are_read(tmp_path, value, expected):
    path = tmp_path / "series.h5"
    FLSeries([FLImage(np.ones((3, 4)))], h5file=path).close()
    if value is not None:
        with h5py.File(path, "a") as file:
            file["fli_0"].attrs["time"] = value
    with FLSeries(h5file=path, h5mode="r") as series:
        np.testing.assert_equal(series.times.tolist(), [expected])
        found = series[0].meta.get("time", np.nan)
        if np.isfinite(expected):
            assert found == expected
        else:
            assert not is_number(found) or np.isnan(found)


@pytest.mark.parametrize("first", ["times", "identifiers", "neither"])
def test_times_and_identifiers_follow_what_is_appended(series, first):
    count = len(series)
    if first != "neither":
        getattr(series, first)
    series.add_flimage(FLImage(np.ones((3, 4)), {"time": 77.0}), identifier="late")
    assert series.identifiers[count:] == ["late"]
    assert series.times[count:].tolist() == [77.0]
    assert series["late"] == series[count]
