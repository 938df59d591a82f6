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


def test_the_corrected_file_is_not_its_own_source(files, tmp_path):
    _, corrected = files
    copy = tmp_path / "copy.h5"
    copy.write_bytes(corrected.read_bytes())
    for source in (corrected, copy):
        with pytest.raises(InputError, match=r"corrected\.h5 is that file itself.*raw\.h5"):
            check(source, corrected)


def test_a_correction_of_a_corrected_file_has_that_as_its_source(files, tmp_path):
    _, once = files
    with FLSeries(h5file=once, h5mode="r") as series:
        recipe = Recipe(border_px=0, model="linear")
        correct.run(SeriesSource(series), recipe, tmp_path / "twice.h5")
    assert check(once, tmp_path / "twice.h5").identical


def test_undo_takes_a_residual_background_and_a_plane_as_what_was_subtracted(files, tmp_path):
    raw, _ = files
    recipe = Recipe(border_px=6, background_source="plane", offset="background", background="frame")
    with FLSeries(h5file=raw, h5mode="r") as series:
        fit = correct.run(SeriesSource(series), recipe, tmp_path / "b.h5").fit
        undo(tmp_path / "b.h5", tmp_path / "undone.h5")
        with FLSeries(h5file=tmp_path / "undone.h5", h5mode="r") as undone:
            for i in (0, 10, 19):
                wanted = series[i].fl - fit.background_of(i)
                np.testing.assert_allclose(undone[i].fl, wanted, atol=1e-3)


def test_histogram_matching_cannot_be_taken_back(files, tmp_path):
    raw, _ = files
    with FLSeries(h5file=raw, h5mode="r") as series:
        recipe = Recipe(border_px=6, model="histogram")
        correct.run(SeriesSource(series), recipe, tmp_path / "matched.h5")
    with pytest.raises(InputError, match="histogram matching cannot be taken back"):
        undo(tmp_path / "matched.h5", tmp_path / "undone.h5")
    assert not (tmp_path / "undone.h5").exists()


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
