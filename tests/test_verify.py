from __future__ import annotations

import h5py
import numpy as np
import pytest
from simulation import exponential, simulate, write

from flimage import FLSeries, Recipe, correct
from flimage.errors import FileFormatError, InputError, OutputExistsError
from flimage.source import SeriesSource
from flimage.verify import undo, verify


@pytest.fixture
def files(tmp_path):
    truth = simulate(np.arange(20.0), exponential(0.1))
    raw = write(tmp_path / "raw.h5", truth)
    with FLSeries(h5file=raw, h5mode="r") as series:
        correct.run(SeriesSource(series), Recipe(border_px=6), tmp_path / "corrected.h5")
    return raw, tmp_path / "corrected.h5"


def check(raw, corrected):
    with FLSeries(h5file=raw, h5mode="r") as series:
        return verify(corrected, SeriesSource(series))


def test_a_corrected_file_is_identical_to_a_new_correction_of_its_source(files):
    result = check(*files)
    assert result.identical
    assert result.matches
    assert result.frames == 20
    assert "identical" in result.sentence


def test_a_changed_pixel_is_found_and_its_frame_named(files):
    raw, corrected = files
    with h5py.File(corrected, "a") as file:
        file["fli_7/fluorescence/raw"][3, 4] += 50
    result = check(raw, corrected)
    assert result.differing == (7,)
    assert not result.matches
    assert "frame 7" in result.sentence


def test_rounding_is_no_difference(files):
    raw, corrected = files
    with h5py.File(corrected, "a") as file:
        dataset = file["fli_7/fluorescence/raw"]
        dataset[...] = np.nextafter(dataset[...], np.float32(np.inf))
    result = check(raw, corrected)
    assert result.matches
    assert not result.identical


def test_another_recipe_does_not_match(files, tmp_path):
    raw, corrected = files
    with h5py.File(corrected, "a") as file:
        file.attrs["bleach recipe"] = Recipe(border_px=6, model="none").to_json()
    assert len(check(raw, corrected).differing) == 19


def test_a_file_without_a_record_is_refused_by_name(files):
    raw, _ = files
    with pytest.raises(FileFormatError, match=r"raw\.h5.*no record"):
        check(raw, raw)


def test_a_recording_of_another_length_is_refused(files, tmp_path):
    truth = simulate(np.arange(19.0), exponential(0.1))
    other = write(tmp_path / "other.h5", truth)
    with pytest.raises(InputError, match="19"):
        check(other, files[1])


def test_undo_gives_the_background_subtracted_original(files, tmp_path):
    raw, corrected = files
    undo(corrected, tmp_path / "undone.h5")
    with (
        FLSeries(h5file=raw, h5mode="r") as original,
        FLSeries(h5file=tmp_path / "undone.h5", h5mode="r") as undone,
        FLSeries(h5file=corrected, h5mode="r") as done,
    ):
        assert undone.identifiers == original.identifiers
        for i in (0, 10, 19):
            level = done[i].h5["fluorescence/raw"].attrs["bleach background"]
            np.testing.assert_allclose(undone[i].fl, original[i].fl - level, atol=1e-3)
    with pytest.raises(OutputExistsError):
        undo(corrected, tmp_path / "undone.h5")
