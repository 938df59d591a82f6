from __future__ import annotations

import threading
from types import SimpleNamespace

import h5py
import numpy as np
import pytest
from simulation import exponential, flatness, simulate, write

from flimage import FLImage, FLSeries, Recipe, correct, provenance
from flimage.errors import (
    BorderError,
    Cancelled,
    InputError,
    OutputExistsError,
    SameFileError,
    TimesError,
    TooFewFramesError,
)
from flimage.source import SeriesSource

RATE = 0.05


@pytest.fixture(scope="module")
def truth():
    return simulate(np.arange(40.0), exponential(RATE, 0.2))


@pytest.fixture
def path(tmp_path, truth):
    return write(tmp_path / "raw.h5", truth)


@pytest.fixture
def series(path):
    with FLSeries(h5file=path, h5mode="r") as opened:
        yield opened


def frames(path) -> np.ndarray:
    with FLSeries(h5file=path, h5mode="r") as corrected:
        return np.array([fli.fl for fli in corrected])


def test_the_corrected_signal_is_flat_and_as_bright_as_at_first(tmp_path, series, truth):
    bg, flint, decay, times = series.bleach_correction(tmp_path / "out.h5", border_px=8)
    spread, end = flatness(frames(tmp_path / "out.h5"), truth)
    assert spread < 0.005
    assert abs(end) < 0.01
    assert bg == pytest.approx(100, abs=0.2)
    np.testing.assert_array_equal(times, truth.times)
    np.testing.assert_allclose(decay / decay[0], truth.decay, atol=0.003)
    np.testing.assert_allclose(flint, decay, rtol=0.02)


def test_without_an_output_only_the_numbers_are_computed(tmp_path, series):
    before = sorted(tmp_path.iterdir())
    alone = series.bleach_correction(border_px=8)
    written = series.bleach_correction(tmp_path / "out.h5", border_px=8)
    np.testing.assert_array_equal(alone.decay, written.decay)
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "out.h5"])


def test_the_background_level_is_a_number_or_one_per_frame(series):
    assert isinstance(series.bleach_correction().bg, float)
    per_frame = series.bleach_correction(recipe=Recipe(background="frame")).bg
    assert per_frame.shape == (40,)


def test_every_frame_is_signal_times_gain_and_keeps_its_metadata(tmp_path, series):
    result = correct.run(SeriesSource(series), Recipe(border_px=8), tmp_path / "out.h5")
    assert result.frames == 40
    level, gain = result.fit.trace.background, result.fit.gain
    with FLSeries(h5file=tmp_path / "out.h5", h5mode="r") as out:
        assert out.identifier == "simulated"
        assert out.identifiers == series.identifiers
        np.testing.assert_array_equal(out.times, series.times)
        for i in (0, 7, 39):
            expected = ((series[i].fl - level[i]) * gain[i]).astype(np.float32)
            np.testing.assert_array_equal(out[i].raw_fl, expected)
            assert out[i]["pixel size"] == 1e-7


def test_the_output_says_how_it_was_made(tmp_path, series):
    recipe = Recipe(border_px=8, background="frame")
    result = correct.run(SeriesSource(series), recipe, tmp_path / "out.h5")
    with FLSeries(h5file=tmp_path / "out.h5", h5mode="r") as out:
        record = provenance.read(out.h5)
        assert provenance.read(series.h5) is None
    assert record.recipe == recipe
    assert record.source == "raw.h5"
    np.testing.assert_array_equal(record.gain, result.fit.gain)
    np.testing.assert_array_equal(record.background, result.fit.trace.background)
    assert record.fit["verdict"]["grade"] == result.fit.verdict.grade


def test_a_long_recipe_is_stored_whole(tmp_path, series):
    fit = correct.run(SeriesSource(series), Recipe(border_px=3)).fit.to_dict()
    group = h5py.File(tmp_path / "a.h5", "w")
    with group:
        runs = tuple((i * 10, 3) for i in range(30000))
        from flimage import Region

        recipe = Recipe(region=Region("mask", runs=runs))
        provenance.write(group, recipe, fit, "x.h5")
        assert provenance.read(group).recipe == recipe


def test_the_source_stays_as_it_was_byte_for_byte(tmp_path, path):
    before = path.read_bytes()
    with FLSeries(h5file=path, h5mode="r") as series:
        series.bleach_correction(tmp_path / "out.h5")
        series.denoise(tmp_path / "denoised.h5")
    assert path.read_bytes() == before


def test_an_existing_output_is_refused_unless_it_may_be_replaced(tmp_path, series):
    out = tmp_path / "out.h5"
    out.write_text("precious")
    for job in (series.bleach_correction, series.denoise):
        with pytest.raises(FileExistsError, match=r"out\.h5"):
            job(out)
        assert out.read_text() == "precious"
    series.bleach_correction(out, overwrite=True)
    assert len(frames(out)) == 40


def test_the_input_can_never_be_its_own_output(tmp_path, path):
    link = tmp_path / "link.h5"
    link.symlink_to(path)
    hard = tmp_path / "hard.h5"
    hard.hardlink_to(path)
    before = path.read_bytes()
    with FLSeries(h5file=path, h5mode="r") as series:
        for out in (path, link, hard):
            with pytest.raises(SameFileError):
                series.bleach_correction(out, overwrite=True)
            with pytest.raises(SameFileError):
                series.denoise(out, overwrite=True)
    assert path.read_bytes() == before
    with FLSeries(h5file=path, h5mode="a") as series, pytest.raises(SameFileError):
        series.bleach_correction(series.h5, overwrite=True)


def test_a_group_can_be_the_output(tmp_path, series):
    with h5py.File(tmp_path / "out.h5", "w") as file:
        file.attrs["owner"] = "me"
        series.bleach_correction(file.create_group("flseries"))
        assert len(FLSeries(h5file=file["flseries"])) == 40
        assert FLSeries(h5file=file["flseries"]).identifier == "simulated"
        with pytest.raises(OutputExistsError, match="flseries"):
            series.bleach_correction(file["flseries"])
        series.denoise(file["flseries"], overwrite=True)
        assert len(FLSeries(h5file=file["flseries"])) == 40
        assert file.attrs["owner"] == "me"


def test_a_failure_leaves_a_group_as_it_was(tmp_path, series):
    def stop(done, total, stage):
        if stage == "Correcting" and done > 50:
            raise Cancelled("stopped")

    with h5py.File(tmp_path / "out.h5", "w") as file:
        old = FLSeries([FLImage(np.ones((2, 2)))], h5file=file, identifier="old")
        with pytest.raises(Cancelled):
            correct.run(SeriesSource(series), Recipe(), file, overwrite=True, progress=stop)
        assert len(old) == 1
        assert old.identifier == "old"
        assert list(file.attrs) == ["identifier"]
        empty = file.create_group("fli_0/x")
        with pytest.raises(Cancelled):
            correct.run(SeriesSource(series), Recipe(), empty, progress=stop)
        assert len(empty) == 0


@pytest.mark.parametrize("stage", ["scan", "Correcting"])
def test_a_cancelled_run_leaves_nothing_behind(tmp_path, series, stage):
    before = sorted(tmp_path.iterdir())
    calls = []

    def stop(done, total, stage_now):
        calls.append((done, total))
        if (stage == "scan") == (stage_now != "Correcting") and done >= 5:
            raise Cancelled("stopped")

    threads = threading.active_count()
    with pytest.raises(Cancelled):
        correct.run(SeriesSource(series), Recipe(), tmp_path / "out.h5", progress=stop)
    assert sorted(tmp_path.iterdir()) == before
    assert threading.active_count() == threads


def test_progress_never_goes_back_and_ends_complete(tmp_path, series):
    calls = []
    correct.run(
        SeriesSource(series),
        Recipe(),
        tmp_path / "out.h5",
        progress=lambda done, total, stage: calls.append((done, total)),
    )
    done = [d for d, _ in calls]
    assert done == sorted(done)
    assert len({total for _, total in calls}) == 1
    assert calls[-1][0] == calls[-1][1]


@pytest.mark.parametrize("failing", [False, True])
@pytest.mark.parametrize("job", ["bleach_correction", "denoise"])
def test_the_counters_are_equal_in_the_end_in_every_case(tmp_path, series, job, failing):
    count, max_count = SimpleNamespace(value=3), SimpleNamespace(value=3)
    if failing:
        (tmp_path / "out.h5").write_text("there")
        with pytest.raises(FileExistsError):
            getattr(series, job)(tmp_path / "out.h5", count=count, max_count=max_count)
    else:
        getattr(series, job)(tmp_path / "out.h5", count=count, max_count=max_count)
        assert max_count.value > 40
    assert count.value == max_count.value > 3


def test_the_correction_of_one_series_is_applied_to_another(tmp_path, series):
    series.denoise(tmp_path / "denoised.h5")
    with FLSeries(h5file=tmp_path / "denoised.h5", h5mode="r") as denoised:
        bg, _, decay, _ = series.bleach_correction(
            tmp_path / "out.h5", border_px=8, flscorr=denoised
        )
        expected = (denoised[30].fl - bg) * decay[0] / decay[30]
    np.testing.assert_allclose(frames(tmp_path / "out.h5")[30], expected, rtol=1e-5, atol=1e-3)


def test_a_series_of_another_length_cannot_be_corrected_in_its_place(tmp_path, series):
    with pytest.raises(InputError, match="1 frames"):
        series.bleach_correction(tmp_path / "o.h5", flscorr=FLSeries([FLImage(np.ones((64, 64)))]))
    assert not (tmp_path / "o.h5").exists()


def bad_series(kind: str) -> tuple[FLSeries, dict, type[Exception]]:
    image = np.full((30, 40), 5.0)
    image[10:20, 10:20] = 50
    times: list[float | None] = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]
    settings: dict = {"border_px": 3}
    error: type[Exception] = InputError
    if kind == "missing times":
        times[2] = None
        error = TimesError
    elif kind == "infinite times":
        times[2] = np.inf
        error = TimesError
    elif kind == "three frames":
        times = times[:3]
        error = TooFewFramesError
    elif kind == "border too wide":
        settings["border_px"] = 15
        error = BorderError
    elif kind == "one time for all":
        times = [1.0] * 6
        error = TimesError
    images = [
        FLImage(image * (1 - 0.1 * i), {} if t is None else {"time": t})
        for i, t in enumerate(times)
    ]
    if kind == "mixed sizes":
        images[4] = FLImage(image[1:], {"time": 4.0})
    return FLSeries(images), settings, error


@pytest.mark.parametrize(
    "kind",
    [
        "missing times",
        "infinite times",
        "three frames",
        "border too wide",
        "one time for all",
        "mixed sizes",
    ],
)
def test_what_cannot_be_corrected_raises_before_any_output_is_there(tmp_path, kind):
    series, settings, error = bad_series(kind)
    with pytest.raises(error) as caught:
        series.bleach_correction(tmp_path / "out.h5", **settings)
    assert isinstance(caught.value, Exception)
    assert len(str(caught.value)) > 20
    assert list(tmp_path.iterdir()) == []


def test_missing_times_are_no_problem_with_an_interval(tmp_path):
    series, _, _ = bad_series("missing times")
    result = series.bleach_correction(tmp_path / "out.h5", recipe=Recipe(border_px=3, interval=0.5))
    np.testing.assert_allclose(result.times, np.arange(6) * 0.5)


@pytest.mark.parametrize("change", ["constant", "rising"])
def test_nothing_is_invented_where_nothing_bleaches(tmp_path, change):
    rise = 0.0 if change == "constant" else 0.03
    truth = simulate(np.arange(30.0), lambda t: 1 + rise * t)
    write(tmp_path / "raw.h5", truth)
    with FLSeries(h5file=tmp_path / "raw.h5", h5mode="r") as series:
        fit = correct.run(SeriesSource(series), Recipe(border_px=8), tmp_path / "out.h5").fit
    np.testing.assert_array_equal(fit.gain, 1.0)
    assert fit.verdict.grade == "refused"
    assert len(frames(tmp_path / "out.h5")) == 30


def test_pixels_without_a_value_are_ignored(tmp_path, truth):
    images = truth.images.copy()
    images[5, 20:24, 20:24] = np.nan
    images[::2, 2, 2] = np.inf
    with FLSeries(h5file=tmp_path / "nan.h5", h5mode="w") as series:
        series.add_images(images, [{"time": t} for t in truth.times])
        bad = series.bleach_correction(tmp_path / "out.h5", border_px=8)
    with FLSeries(h5file=write(tmp_path / "good.h5", truth), h5mode="r") as series:
        good = series.bleach_correction(border_px=8)
    np.testing.assert_allclose(bad.decay / bad.decay[0], good.decay / good.decay[0], rtol=3e-3)
    corrected = frames(tmp_path / "out.h5")
    np.testing.assert_array_equal(np.isfinite(corrected), np.isfinite(images))


def test_a_correction_runs_in_another_thread_than_the_one_that_opened_the_file(tmp_path, series):
    with h5py.File(tmp_path / "out.h5", "w") as file:
        group = file.create_group("x")
        worker = threading.Thread(target=series.bleach_correction, args=(group,))
        worker.start()
        worker.join()
        assert len(FLSeries(h5file=group)) == 40


def test_a_fit_made_before_is_used_as_it_is(tmp_path, series):
    source = SeriesSource(series)
    fit = correct.run(source, Recipe(border_px=8)).fit
    again = correct.run(source, Recipe(border_px=8), tmp_path / "a.h5", fit=fit)
    assert again.fit is fit
    correct.run(source, Recipe(border_px=8), tmp_path / "b.h5")
    np.testing.assert_array_equal(frames(tmp_path / "a.h5"), frames(tmp_path / "b.h5"))
    with pytest.raises(InputError, match="another recipe"):
        correct.run(source, Recipe(border_px=9), tmp_path / "c.h5", fit=fit)
    assert not (tmp_path / "c.h5").exists()


def test_single_frames_are_corrected_as_they_are_written(tmp_path, series):
    source = SeriesSource(series)
    result = correct.run(source, Recipe(border_px=8, denoise=1.0), tmp_path / "out.h5")
    corrector = correct.FrameCorrector(source, result.fit)
    written = frames(tmp_path / "out.h5")
    for i in (0, 13, 39):
        np.testing.assert_array_equal(corrector.frame(i), written[i])


def test_assigned_backgrounds_are_subtracted_before(tmp_path, truth):
    pattern = np.random.default_rng(5).uniform(0, 300, truth.signal.shape)
    with FLSeries(h5file=tmp_path / "a.h5", h5mode="w") as series:
        for i, (image, t) in enumerate(zip(truth.images, truth.times, strict=True)):
            fli = FLImage(image + pattern, {"time": t})
            if i == 0:
                fli.set_bg_data(pattern)
                series.add_flimage(fli)
            else:
                series.add_flimage(fli, bg_from_idx=0)
        with_pattern = series.bleach_correction(tmp_path / "out.h5", border_px=8)
    with FLSeries(h5file=write(tmp_path / "b.h5", truth), h5mode="r") as series:
        plain = series.bleach_correction(tmp_path / "plain.h5", border_px=8)
    assert with_pattern.bg == pytest.approx(plain.bg, abs=1e-3)
    np.testing.assert_allclose(
        frames(tmp_path / "out.h5"), frames(tmp_path / "plain.h5"), atol=0.05
    )


def test_denoising_lessens_noise_and_keeps_signal_and_names(tmp_path, series, truth):
    series.denoise(tmp_path / "out.h5")
    denoised = frames(tmp_path / "out.h5")
    empty = truth.signal < 1
    assert denoised[:, empty].std() < 0.5 * truth.images[:, empty].std()
    assert denoised.mean() == pytest.approx(truth.images.mean(), rel=1e-3)
    with FLSeries(h5file=tmp_path / "out.h5", h5mode="r") as out:
        assert out.identifiers == series.identifiers
        assert out.identifier == "simulated"


def test_denoising_does_not_depend_on_the_unit_of_intensity(tmp_path, truth):
    scaled = []
    for factor in (1.0, 1e-6, 1e4):
        with FLSeries(h5file=tmp_path / f"{factor}.h5", h5mode="w") as series:
            series.add_images(truth.images[:2] * factor)
            series.denoise(tmp_path / f"{factor}-out.h5", strength=2.0)
        scaled.append(frames(tmp_path / f"{factor}-out.h5") / factor)
    np.testing.assert_allclose(scaled[1], scaled[0], rtol=1e-4)
    np.testing.assert_allclose(scaled[2], scaled[0], rtol=1e-4)


def test_a_tilted_background_is_removed_with_the_plane_that_the_trace_used(tmp_path, truth):
    y, x = np.mgrid[: truth.signal.shape[0], : truth.signal.shape[1]]
    tilted = truth.images + 0.8 * x - 0.5 * y
    recipe = Recipe(border_px=8, background_source="plane", background="frame")
    with FLSeries(h5file=tmp_path / "tilted.h5", h5mode="w") as series:
        series.add_images(tilted, [{"time": t} for t in truth.times])
        result = correct.run(SeriesSource(series), recipe, tmp_path / "out.h5")
    assert result.fit.trace.background_slope is not None
    corrected = frames(tmp_path / "out.h5")
    empty = truth.signal < 0.5
    planes = np.array([np.polyfit(x[empty], im[empty], 1)[0] for im in corrected[:10]])
    assert np.abs(planes).max() < 0.02
    spread, end = flatness(corrected, truth)
    assert spread < 0.01
    assert abs(end) < 0.02
