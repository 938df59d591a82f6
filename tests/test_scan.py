"""Scanning a recording: every summary against plain numpy on the frames themselves."""

from __future__ import annotations

import threading
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from flimage import scan as scan_module
from flimage import summaries
from flimage.background import border_mask
from flimage.errors import Cancelled, DamagedImageError, InputError
from flimage.parallel import ordered_map
from flimage.recipe import Recipe, Region
from flimage.region import border_exclusion, signal_region
from flimage.scan import rescan_region, scan_series
from flimage.scan_reading import average_frames
from flimage.summaries import PERCENTILES, tile_edges


class ArraySource:
    """A recording in memory."""

    def __init__(self, frames, backgrounds=None, broken=()):
        self.frames = frames
        self.backgrounds = backgrounds or {}
        self.broken = broken
        self.shape = frames[0].shape
        self.times = np.arange(len(frames), dtype=float)
        self.identifiers = [None] * len(frames)
        self.identifier = None
        self.path = Path("memory.h5")
        self.reads = 0
        self.lock = threading.Lock()

    def __len__(self):
        return len(self.frames)

    def raw(self, index):
        with self.lock:
            self.reads += 1
        if index in self.broken:
            raise DamagedImageError("memory.h5: the image is damaged")
        return self.frames[index]

    def background(self, index):
        return self.backgrounds.get(index)

    def image(self, index):
        background = self.background(index)
        raw = self.raw(index)
        return raw.astype(float) if background is None else raw - background.astype(float)

    def meta(self, index):
        return {}


def cells(count=12, shape=(40, 52), seed=0, dtype="f4"):
    """A bright disc that decays on a noisy background."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    disc = np.hypot(y - shape[0] / 2, x - shape[1] / 2) < min(shape) / 4
    return [rng.poisson(20 + 300 * disc * np.exp(-0.05 * i)).astype(dtype) for i in range(count)]


def check(scan, source, recipe=None):
    """Compare every summary with what numpy makes of the frames."""
    recipe = Recipe() if recipe is None else recipe
    height, width = source.shape
    images = np.stack([source.image(i) for i in range(len(source))])
    raws = np.stack([np.asarray(f, float) for f in source.frames])
    known = np.isfinite(images)
    images = np.where(known, images, 0)
    y, x = np.mgrid[:height, :width]
    distance = np.minimum(np.minimum(y, height - 1 - y), np.minimum(x, width - 1 - x))
    near = border_exclusion(scan.mean_image)
    assert scan.n_frames == len(source)
    assert scan.shape == source.shape
    rings = scan.ring_sum.shape[1]
    for k in range(rings):
        ring = distance == k
        for sums, counts, mask in (
            (scan.ring_sum, scan.ring_count, ring),
            (scan.ring_region_sum, scan.ring_region_count, ring & near),
        ):
            np.testing.assert_allclose(sums[:, k], images[:, mask].sum(1), rtol=1e-12, atol=1e-9)
            np.testing.assert_array_equal(counts[:, k], known[:, mask].sum(1))
        if scan.ring_moments is not None:
            away = ring & ~near
            for axis, offset in enumerate((x - (width - 1) / 2, y - (height - 1) / 2)):
                np.testing.assert_allclose(
                    scan.ring_moments[:, k, axis],
                    (images * offset)[:, away].sum(1),
                    rtol=1e-12,
                    atol=1e-7,
                )
    np.testing.assert_allclose(scan.region_sum, images[:, scan.region].sum(1), rtol=1e-12)
    np.testing.assert_array_equal(scan.region_count, known[:, scan.region].sum(1))
    mean = np.nan_to_num(scan.mean_image[scan.region])
    lost = [(mean * ~frame[scan.region]).sum() for frame in known]
    np.testing.assert_allclose(scan.region_missing, lost, rtol=1e-12, atol=1e-9)
    np.testing.assert_allclose(scan.total, images.sum((1, 2)), rtol=1e-12)
    np.testing.assert_array_equal(scan.n_nan, (~known).sum((1, 2)))
    for i in range(len(source)):
        values = images[i][known[i]]
        if values.size:
            assert scan.minimum[i] == values.min()
            assert scan.maximum[i] == values.max()
        else:
            assert np.isnan(scan.minimum[i])
            assert np.isnan(scan.maximum[i])
    rows, columns = tile_edges(height, scan.tiles.shape[1]), tile_edges(width, scan.tiles.shape[2])
    for a in (0, scan.tiles.shape[1] // 2, scan.tiles.shape[1] - 1):
        for b in (0, scan.tiles.shape[2] - 1):
            part = np.s_[:, rows[a] : rows[a + 1], columns[b] : columns[b + 1]]
            count = known[part].sum((1, 2))
            mean = np.where(count, images[part].sum((1, 2)) / np.maximum(count, 1), np.nan)
            np.testing.assert_allclose(scan.tiles[:, a, b], mean, rtol=1e-6, atol=1e-6)
    if scan.saturation_level is not None:
        np.testing.assert_array_equal(scan.n_saturated, (raws == scan.saturation_level).sum((1, 2)))
    else:
        assert not scan.n_saturated.any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 9), (2, 2), (3, 4), (7, 5), (40, 52), (65, 33)])
@pytest.mark.parametrize("source_kind", ["border", "plane", "region"])
def test_every_summary_is_what_numpy_makes_of_the_frames(shape, source_kind):
    recipe = Recipe(
        border_px=0,
        background_source=source_kind,
        background_region=Region("rectangle", ((0, 0), (2, 1))),
    )
    source = ArraySource(cells(9, shape))
    scan = scan_series(source, recipe)
    check(scan, source)
    assert scan.ring_sum.shape == (9, max((min(shape) - 1) // 2, 0))
    assert (scan.ring_moments is None) == (source_kind != "plane")
    assert (scan.background_region_sum is None) == (source_kind != "region")
    if source_kind == "region":
        drawn = [f[:1, :2].sum() for f in source.frames]
        np.testing.assert_allclose(scan.background_region_sum, drawn, rtol=1e-12)
        assert (scan.background_region_count == min(2, shape[1])).all()


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_the_number_of_threads_changes_nothing(workers):
    source = ArraySource(cells(300, (17, 31)))
    one, many = (scan_series(source, Recipe(border_px=3), workers=w) for w in (1, workers))
    for name in ("region_sum", "ring_sum", "tiles", "minimum", "total", "percentiles"):
        np.testing.assert_array_equal(getattr(one, name), getattr(many, name))


def test_nan_and_infinite_pixels_are_left_out_of_everything():
    frames = cells(8)
    frames[2][10, 12] = np.nan
    frames[3][0, 0] = np.inf
    frames[3][20, 20:24] = -np.inf
    frames[5][:] = np.nan
    frames[6][18:22, 24:28] = np.nan
    source = ArraySource(frames)
    recipe = Recipe(border_px=4, background_source="plane")
    scan = scan_series(source, recipe)
    check(scan, source, recipe)
    assert scan.n_nan.tolist() == [0, 0, 1, 5, 0, frames[0].size, 16, 0]
    assert np.isfinite(scan.mean_image).all()


def test_counts_take_no_memory_when_no_pixel_is_missing():
    scan = scan_series(ArraySource(cells(20)), Recipe(border_px=4))
    assert scan.ring_count.strides[0] == 0
    assert scan.region_count.strides == (0,)


def test_backgrounds_are_subtracted_but_saturation_is_that_of_the_raw_image():
    frames = cells(6)
    frames[1][3, 3:6] = 4095
    frames[4][0, 0] = 4095
    rng = np.random.default_rng(1)
    backgrounds = {i: rng.normal(10, 1, frames[0].shape) for i in (1, 2)}
    source = ArraySource(frames, backgrounds)
    scan = scan_series(source, Recipe(border_px=4))
    check(scan, source)
    assert scan.saturation_level == 4095
    assert scan.n_saturated.tolist() == [0, 3, 0, 0, 1, 0]


def test_a_recording_below_the_end_of_any_detector_is_not_saturated():
    frames = cells(3)
    frames[0][0, 0] = 255
    frames[1][0, 0] = 600
    scan = scan_series(ArraySource(frames), Recipe(border_px=4))
    assert scan.saturation_level is None
    assert scan.n_saturated.tolist() == [0, 0, 0]


@pytest.mark.parametrize("dtype", ["u1", "u2", "i4", ">f4", "f8"])
def test_stored_types_give_the_same_sums(dtype):
    frames = [np.minimum(f, 255) for f in cells(5)]
    expected = scan_series(ArraySource(frames), Recipe(border_px=4))
    source = ArraySource([f.astype(dtype) for f in frames])
    np.testing.assert_allclose(
        scan_series(source, Recipe(border_px=4)).ring_sum, expected.ring_sum, rtol=1e-12
    )


def test_frames_larger_than_one_piece_are_summed_piece_by_piece():
    source = ArraySource(cells(2, (700, 901)))
    check(scan_series(source, Recipe(border_px=4, background_source="plane")), source)


def test_the_mean_image_is_that_of_evenly_spaced_frames_that_are_not_excluded():
    frames = [np.full((6, 6), float(i), "f4") for i in range(200)]
    frames[0][:] = 1e6
    scan = scan_series(ArraySource(frames), Recipe(border_px=1, exclude=(0,)))
    assert scan.mean_image.shape == (6, 6)
    np.testing.assert_allclose(scan.mean_image, 100, atol=1)


def test_the_region_is_that_of_the_mean_image():
    source = ArraySource(cells())
    scan = scan_series(source, Recipe(border_px=4))
    np.testing.assert_array_equal(scan.region, signal_region(scan.mean_image, Recipe()))
    assert 0 < scan.region.sum() < scan.region.size / 2


def test_rings_of_a_border_add_up_to_the_border():
    source = ArraySource(cells())
    scan = scan_series(source, Recipe(border_px=4))
    for width in (1, 5, 19):
        mask = border_mask(source.shape, width)
        expected = [f[mask].sum(dtype=float) for f in source.frames]
        np.testing.assert_allclose(scan.ring_sum[:, :width].sum(1), expected, rtol=1e-12)


def test_without_detail_only_what_the_recipe_needs_is_kept():
    source = ArraySource(cells())
    scan = scan_series(source, Recipe(border_px=4), detail=False)
    assert scan.ring_sum.shape == (12, 4)
    assert scan.tiles.shape == (12, 1, 1)
    assert np.isnan(scan.percentiles).all()
    check(scan, source)
    whole = scan_series(source, Recipe(border_px=4))
    np.testing.assert_array_equal(whole.region_sum, scan.region_sum)
    np.testing.assert_array_equal(whole.ring_sum[:, :4], scan.ring_sum)


def test_rescanning_replaces_the_region_sums_and_nothing_else():
    frames = cells(10)
    frames[4][5, 5] = np.nan
    source = ArraySource(frames, {3: np.ones(frames[0].shape)})
    scan = scan_series(source, Recipe(border_px=4))
    mask = np.zeros(source.shape, bool)
    mask[2:9, 3:30] = True
    again = rescan_region(source, scan, mask)
    check(again, source)
    np.testing.assert_array_equal(again.region, mask)
    assert again.ring_sum is scan.ring_sum
    assert again.tiles is scan.tiles
    with pytest.raises(InputError, match="scan again"):
        rescan_region(source, scan, mask[1:])


def test_percentiles_lie_between_the_extremes_and_are_exact_for_small_frames():
    source = ArraySource(cells(3, (30, 30)))
    scan = scan_series(source, Recipe(border_px=4))
    for i, frame in enumerate(source.frames):
        expected = np.percentile(frame, PERCENTILES, method="nearest")
        np.testing.assert_allclose(scan.percentiles[i], expected, atol=1)


def test_a_frame_of_another_size_is_named():
    frames = cells(12)
    frames[7] = frames[7][:, 1:]
    with pytest.raises(InputError, match=r"memory\.h5: frame 7 has shape \(40, 51\)"):
        scan_series(ArraySource(frames), Recipe(border_px=4))


def test_a_damaged_frame_is_named_with_its_file():
    with pytest.raises(DamagedImageError, match=r"Frame 9 .*memory\.h5"):
        scan_series(ArraySource(cells(12), broken=(9,)), Recipe(border_px=4))


@pytest.mark.parametrize("workers", [1, 3])
def test_progress_comes_from_the_calling_thread_and_reaches_the_end(workers):
    calls = []
    scan_series(
        ArraySource(cells(300, (20, 20))),
        Recipe(border_px=4),
        progress=lambda *args: calls.append((*args, threading.current_thread())),
        workers=workers,
    )
    assert {call[3] for call in calls} == {threading.current_thread()}
    done = [call[0] for call in calls]
    assert done == sorted(done)
    assert done[0] > 0, "also while frames are averaged"
    assert len({call[1] for call in calls}) == 1
    assert done[-1] == calls[-1][1]


def test_cancelling_stops_the_threads_at_once():
    source = ArraySource(cells(2000, (16, 16)))

    def progress(done, total, stage):
        if done > 0:
            raise Cancelled("stop")

    before = threading.active_count()
    with pytest.raises(Cancelled):
        scan_series(source, Recipe(border_px=2), progress=progress, workers=2)
    assert threading.active_count() == before
    assert source.reads < 64 + 600


def test_excluding_every_frame_is_refused():
    with pytest.raises(InputError, match="excludes all frames"):
        scan_series(ArraySource(cells(3)), Recipe(border_px=4, exclude=(0, 1, 2)))


def test_very_long_recordings_get_fewer_tiles():
    from flimage.scan import _tile_grid

    assert _tile_grid((512, 512), 100) == (32, 32)
    for count in (10_000, 100_000, 10_000_000):
        rows, columns = _tile_grid((512, 512), count)
        assert rows * columns * count * 4 <= max(16 * 2**20, 4 * count)
    assert _tile_grid((5, 512), 100) == (5, 32)


def test_results_of_threads_come_in_order_and_errors_stop_the_rest():
    started = []

    def work(item, stopped):
        started.append(item)
        if item == 5:
            raise KeyError(item)
        return item

    results = []
    with pytest.raises(KeyError):
        results.extend(ordered_map(work, range(1000), workers=3))
    assert len(started) < 100
    assert list(ordered_map(lambda i, _: 2 * i, range(50), workers=4)) == list(range(0, 100, 2))


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (2, 3), (31, 40)])
def test_the_quick_median_is_that_of_the_general_filter(shape):
    from scipy import ndimage

    from flimage.region import _median_of_nine

    image = np.random.default_rng(4).integers(0, 9, shape).astype(float)
    expected = ndimage.median_filter(image, size=3, mode="nearest")
    np.testing.assert_array_equal(_median_of_nine(image), expected)


def test_averaging_large_frames_holds_one_of_them_and_no_average_before_it_is_needed():
    class Fresh(ArraySource):
        def raw(self, index):
            return self.frames[0] + np.float32(index)

    source = Fresh([np.full((700, 800), 7, np.float32)] * 40)
    tracemalloc.start()
    averages = average_frames(source, Recipe(), lambda *_: None, 1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert averages.whole == pytest.approx(np.full(source.shape, 26.5))
    assert (averages.early[0, 0], averages.late[0, 0]) == (11.5, 41.5)
    # Two sums in double precision, one average, a frame, and bands of frames for the noise.
    assert peak < 9 * source.frames[0].nbytes


def test_the_order_of_pixels_does_not_depend_on_how_many_are_sorted_at_once(monkeypatch):
    key = np.random.default_rng(2).integers(0, 700, 40_000).astype(np.int16)
    key[key == 13] = 12
    order, keys, starts = summaries._sorted_pixels(key)
    np.testing.assert_array_equal(order, np.argsort(key, kind="stable"))
    np.testing.assert_array_equal(keys, np.unique(key))
    np.testing.assert_array_equal(key[order[starts]], keys)
    for most in (1, 30, 5000):
        monkeypatch.setattr(summaries, "_SORTED", most)
        for now, before in zip(summaries._sorted_pixels(key), (order, keys, starts), strict=True):
            np.testing.assert_array_equal(now, before)


def test_sorting_the_pixels_of_a_large_image_takes_little_memory():
    key = np.random.default_rng(2).integers(0, 4000, 3_000_000).astype(np.int16)
    tracemalloc.start()
    summaries._sorted_pixels(key)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # The order itself has 4 bytes for a pixel; to sort all at once takes 16 more.
    assert peak < 10 * key.size


def test_where_one_thread_is_asked_for_signal_is_found_after_the_noise(monkeypatch):
    steps = []

    def noted(name, function):
        def call(*args):
            steps.append(name)
            try:
                return function(*args)
            finally:
                steps.append(f"{name} done")

        return call

    measure = scan_module.photon_transfer
    slow = noted("noise", lambda pairs: (time.sleep(0.1), measure(pairs))[1])
    monkeypatch.setattr(scan_module, "photon_transfer", slow)
    monkeypatch.setattr(scan_module, "found_signal", noted("signal", scan_module.found_signal))
    scan_series(ArraySource(cells(6)), Recipe(border_px=4), workers=1)
    assert steps == ["noise", "noise done", "signal", "signal done"]
