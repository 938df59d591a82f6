from __future__ import annotations

import h5py
import numpy as np
import pytest

from flimage import FLImage
from flimage.errors import BorderError, FileFormatError, InputError, SameFileError

IMAGE = np.arange(200.0).reshape(10, 20)
META = {"time": 1.5, "pixel size": 2e-7, "identifier": "ä-1"}


@pytest.fixture
def fli():
    return FLImage(IMAGE, meta_data=META)


def test_an_image_comes_back_in_single_precision(fli):
    assert fli.dtype == np.float32
    assert fli.raw_fl.dtype == np.float32
    assert fli.shape == (10, 20)
    np.testing.assert_array_equal(fli.raw_fl, IMAGE)
    np.testing.assert_array_equal(fli.fl, IMAGE)
    np.testing.assert_array_equal(fli.bg_fl, np.zeros((10, 20)))


def test_nested_lists_are_images():
    np.testing.assert_array_equal(FLImage([[1, 2], [3, 4]]).raw_fl, [[1, 2], [3, 4]])


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint16"])
def test_h5dtype_sets_the_stored_type(dtype, tmp_path):
    with FLImage(IMAGE, h5file=tmp_path / "a.h5", h5dtype=dtype) as fli:
        assert fli.dtype == dtype
        np.testing.assert_array_equal(fli.raw_fl, IMAGE)


@pytest.mark.parametrize(
    "data",
    [np.ones(3), np.ones((2, 2, 2)), np.ones((0, 3)), [["a"]], [[1], [1, 2]], 1j * np.ones((2, 2))],
)
def test_data_that_are_no_image_are_refused(data, tmp_path):
    with pytest.raises(InputError, match="data"):
        FLImage(data, h5file=tmp_path / "a.h5")
    assert not (tmp_path / "a.h5").exists()


def test_nothing_at_all_is_refused():
    with pytest.raises(InputError, match="h5file"):
        FLImage()


def test_an_unknown_metadata_key_is_refused():
    with pytest.raises(KeyError, match="colour"):
        FLImage(IMAGE, meta_data={"colour": "red"})


@pytest.mark.parametrize("kind", ["str", "path", "file", "group"])
def test_every_kind_of_h5file_keeps_image_metadata_and_background(kind, tmp_path):
    path = tmp_path / "a.h5"
    if kind in ("str", "path"):
        with FLImage(IMAGE, META, h5file=str(path) if kind == "str" else path, h5mode="w") as fli:
            fli.set_bg_data(IMAGE / 2)
        with FLImage(h5file=path, h5mode="r") as fli:
            np.testing.assert_array_equal(fli.fl, IMAGE / 2)
            assert fli["identifier"] == "ä-1"
    else:
        with h5py.File(path, "w") as file:
            home = file if kind == "file" else file.create_group("x/y")
            with FLImage(IMAGE, META, h5file=home) as fli:
                fli.set_bg_data(IMAGE / 2)
            # A file that was handed over stays open.
            again = FLImage(h5file=home)
            np.testing.assert_array_equal(again.fl, IMAGE / 2)
            assert again["time"] == 1.5


def test_metadata_override_those_of_a_file(tmp_path):
    path = tmp_path / "a.h5"
    FLImage(IMAGE, META, h5file=path).close()
    with FLImage(h5file=path, meta_data={"time": 9}) as fli:
        assert fli["time"] == 9
        assert fli["pixel size"] == 2e-7


def test_a_file_open_for_reading_cannot_be_changed(tmp_path):
    path = tmp_path / "a.h5"
    FLImage(IMAGE, META, h5file=path).close()
    before = path.read_bytes()
    with pytest.raises(InputError, match="reading only"):
        FLImage(h5file=path, h5mode="r", meta_data={"time": 9})
    with FLImage(h5file=path, h5mode="r") as fli:
        for change in (lambda: fli.set_bg_data(IMAGE), fli.clear_bg, lambda: fli.compute_bg()):
            with pytest.raises(InputError, match="reading only"):
                change()
    assert path.read_bytes() == before


def test_a_file_without_an_image_is_refused_by_name(tmp_path):
    h5py.File(tmp_path / "empty.h5", "w").close()
    with pytest.raises(FileFormatError, match=r"empty\.h5.*no fluorescence image"):
        FLImage(h5file=tmp_path / "empty.h5", h5mode="r")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.h5"):
        FLImage(h5file=tmp_path / "gone.h5", h5mode="r")


def test_metadata_are_found_by_key(fli):
    assert fli["time"] == 1.5
    assert "time" in fli
    assert "focus" not in fli
    assert "colour" not in fli
    with pytest.raises(KeyError, match="focus"):
        fli["focus"]


def test_info_lists_metadata_in_order(fli):
    assert [key for key, _ in fli.info] == sorted(fli.meta)
    assert ("time", 1.5) in fli.info


def test_the_background_goes_along_with_a_part(fli):
    fli.set_bg_data(IMAGE / 4)
    fli.compute_bg(border_px=2, fit_profile="offset")
    part = fli[2:6, 3:9]
    assert part.shape == (4, 6)
    np.testing.assert_allclose(part.fl, fli.fl[2:6, 3:9])
    np.testing.assert_allclose(part.bg_fl, fli.bg_fl[2:6, 3:9])
    assert part["identifier"] == "ä-1"
    assert fli[4:].shape == (6, 20)


def test_steps_scale_the_pixel_size(fli):
    assert fli[::2, ::2]["pixel size"] == pytest.approx(4e-7)
    assert "pixel size" not in fli[::2, :]


@pytest.mark.parametrize("index", [0, (0, 1), 1.5, (slice(1), slice(1), slice(1))])
def test_other_indices_are_refused(fli, index):
    with pytest.raises(ValueError, match="slices"):
        fli[index]


def test_an_empty_part_is_refused(fli):
    with pytest.raises(InputError, match="empty"):
        fli[5:5]


def test_a_background_is_set_replaced_and_removed(fli):
    fli.set_bg_data(IMAGE / 2)
    np.testing.assert_array_equal(fli.fl, IMAGE / 2)
    fli.set_bg_data(FLImage(np.full((10, 20), 3)))
    np.testing.assert_array_equal(fli.bg_fl, np.full((10, 20), 3.0))
    fli.set_bg_data(None)
    np.testing.assert_array_equal(fli.fl, IMAGE)


@pytest.mark.parametrize("background", [np.ones((3, 3)), np.ones((20, 10)), 2.0, "x"])
def test_a_background_of_another_form_is_refused_and_the_old_one_kept(fli, background):
    fli.set_bg_data(IMAGE / 2)
    with pytest.raises(InputError):
        fli.set_bg_data(background)
    np.testing.assert_array_equal(fli.bg_fl, IMAGE / 2)


@pytest.mark.parametrize("profile", ["offset", "tilt", "poly2o"])
def test_a_background_of_that_profile_is_removed_exactly(profile):
    y, x = np.mgrid[:40, :60]
    shape = {"offset": 7.0, "tilt": 7 + 0.2 * x - 0.1 * y, "poly2o": 7 + 0.01 * x * y + 0.02 * x**2}
    fli = FLImage(np.zeros((40, 60)) + shape[profile], h5dtype="float64")
    mask = fli.compute_bg(
        border_px=5,
        fit_profile=profile,
        fit_offset="mean" if profile == "offset" else "fit",
        ret_mask=True,
    )
    assert mask[:5].all()
    assert not mask[5:-5, 5:-5].any()
    np.testing.assert_allclose(fli.fl, 0, atol=1e-6)
    assert ("fluorescence background fit_profile", profile) in fli.info
    fli.clear_bg()
    np.testing.assert_allclose(fli.fl, fli.raw_fl)


def test_borders_in_metres_and_percent_become_pixels(fli):
    by_size = fli.compute_bg(border_m=4e-7, ret_mask=True)
    by_share = fli.compute_bg(border_perc=100 * 2 / 15, ret_mask=True)
    by_pixels = fli.compute_bg(border_px=2, ret_mask=True)
    np.testing.assert_array_equal(by_size, by_pixels)
    np.testing.assert_array_equal(by_share, by_pixels)


def test_border_and_mask_together_use_what_is_in_both(fli):
    mask = np.zeros((10, 20), dtype=bool)
    mask[:5] = True
    used = fli.compute_bg(border_px=2, from_mask=mask, ret_mask=True)
    assert not used[5:].any()
    assert used[:2].all()


def test_a_border_that_covers_the_image_is_refused(fli):
    with pytest.raises(BorderError, match="4"):
        fli.compute_bg(border_px=5)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"border_px": 2, "fit_profile": "cubic"},
        {"border_px": 2, "fit_offset": "median"},
        {"border_px": 2, "fit_offset": "fit", "fit_profile": "offset"},
        {"from_mask": np.zeros((10, 20), dtype=bool)},
        {"from_mask": np.ones((3, 3), dtype=bool)},
    ],
)
def test_a_background_that_cannot_be_estimated_is_refused(fli, arguments):
    with pytest.raises(InputError):
        fli.compute_bg(**arguments)
    np.testing.assert_array_equal(fli.bg_fl, 0)


def test_copies_in_memory_outlive_the_file(tmp_path):
    with FLImage(IMAGE, META, h5file=tmp_path / "a.h5") as fli:
        fli.set_bg_data(IMAGE / 2)
        copied = fli.copy()
    np.testing.assert_array_equal(copied.fl, IMAGE / 2)
    assert copied["time"] == 1.5


@pytest.mark.parametrize("origin", ["memory", "file"])
def test_copies_to_files_and_groups_are_the_same_image(origin, tmp_path):
    with FLImage(IMAGE, META, h5file=None if origin == "memory" else tmp_path / "a.h5") as fli:
        fli.set_bg_data(IMAGE / 2)
        with fli.copy(tmp_path / "b.h5") as copied:
            assert copied == fli
            assert copied.h5["fluorescence/raw"].compression == "gzip"
        with h5py.File(tmp_path / "c.h5", "w") as file:
            assert fli.copy(file.create_group("x")) == fli


def test_a_copy_replaces_what_was_there(tmp_path):
    FLImage(np.ones((3, 3)), {"focus": 1.0}, h5file=tmp_path / "b.h5").close()
    with FLImage(IMAGE, META).copy(tmp_path / "b.h5") as copied:
        assert copied.shape == (10, 20)
        assert "focus" not in copied


def test_an_image_cannot_be_copied_onto_itself(tmp_path):
    path = tmp_path / "a.h5"
    with FLImage(IMAGE, h5file=path) as fli:
        for target in (path, str(path), fli.h5):
            with pytest.raises(SameFileError):
                fli.copy(target)
        np.testing.assert_array_equal(fli.raw_fl, IMAGE)


def test_equality_compares_image_and_metadata_but_not_versions(fli):
    assert fli == FLImage(IMAGE, {**META, "flimage version": "0.1.0"})
    assert fli != FLImage(IMAGE + 1, META)
    assert fli != FLImage(IMAGE, {**META, "time": 2})
    assert fli != FLImage(IMAGE)
    assert fli != FLImage(IMAGE[:5], META)
    assert fli != "x"
    blank = np.full((2, 2), np.nan)
    assert FLImage(blank) == FLImage(blank)


def test_repr_names_identifier_and_size(fli):
    assert repr(fli) == "FLImage <ä-1>, 10x20px"
    assert "10x20px" in repr(FLImage(IMAGE))


def test_attributes_of_other_programs_do_not_make_a_file_unreadable(tmp_path):
    path = tmp_path / "a.h5"
    with FLImage(IMAGE, META, h5file=path) as fli:
        fli.h5.attrs["magnification"] = 40
    with FLImage(h5file=path, h5mode="r") as fli:
        assert "magnification" not in fli.meta
        assert fli.copy() == FLImage(IMAGE, META)


def test_an_image_that_is_not_there_is_not_created(tmp_path):
    for mode in ("a", "r", "r+"):
        with pytest.raises(FileNotFoundError, match=r"none\.h5"):
            FLImage(h5file=tmp_path / "none.h5", h5mode=mode)
    for mode in ("w", "w-", "x"):
        with pytest.raises(InputError, match="no `data`"):
            FLImage(h5file=tmp_path / "none.h5", h5mode=mode)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("mode", ["x", "w-"])
def test_a_file_that_must_not_exist_is_kept(tmp_path, mode):
    path = tmp_path / "a.h5"
    path.write_text("precious")
    with pytest.raises(FileExistsError, match=r"a\.h5"):
        FLImage(IMAGE, h5file=path, h5mode=mode)
    assert path.read_text() == "precious"


@pytest.mark.parametrize("arguments", [{"h5mode": "zz"}, {"h5file": 3}])
def test_arguments_that_make_no_sense_are_named(tmp_path, arguments):
    with pytest.raises(InputError, match=r"zz|3"):
        FLImage(IMAGE, **{"h5file": tmp_path / "a.h5", **arguments})


def test_an_ellipsis_stands_for_whole_axes(fli):
    assert fli[..., 2:5].shape == (10, 3)
    assert fli[1:4, ...].shape == (3, 20)
    assert fli[...] == fli
    assert fli[2:4, ..., 3:5].shape == (2, 2)
