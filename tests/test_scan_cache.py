"""The cache of scans: used when nothing has changed, and never trusted further than that."""

from __future__ import annotations

import dataclasses
import os
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from flimage import FLSeries, correct, scan_cache, storage
from flimage.recipe import Recipe, Region
from flimage.scan import SeriesScan, scan_series
from flimage.scan_cache import NO_CACHE, cache_folder, cached_scan, clear_cache
from flimage.source import EditedSource, Edits, SeriesSource

RECIPE = Recipe(border_px=3)


@pytest.fixture(autouse=True)
def empty_cache():
    clear_cache()
    yield
    clear_cache()


def write(path, seed=0, missing=False, group=None):
    """Write a small recording."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:30, :34]
    disc = np.hypot(y - 15, x - 17) < 8
    with storage.open_file(path, "w") as file:
        target = file if group is None else file.create_group(group)
        with storage.SeriesWriter(target) as writer:
            for i in range(10):
                image = rng.poisson(20 + 200 * disc * np.exp(-0.1 * i)).astype(float)
                if missing and i == 4:
                    image[3, 3:7] = np.nan
                writer.add(image, {"time": float(i)})
    return path


@pytest.fixture
def recording(tmp_path):
    return write(tmp_path / "a.h5")


@pytest.fixture
def reads(images_read):
    """Images that are read."""
    return images_read.paths


def scan(path, recipe=RECIPE, **options):
    with FLSeries(h5file=path, h5mode="r") as series:
        return cached_scan(SeriesSource(series), recipe, **options)


def entries():
    return sorted(cache_folder().iterdir()) if cache_folder().exists() else []


def assert_same(one: SeriesScan, other: SeriesScan) -> None:
    for field in dataclasses.fields(SeriesScan):
        a, b = getattr(one, field.name), getattr(other, field.name)
        if isinstance(a, np.ndarray):
            assert a.dtype == b.dtype, field.name
            np.testing.assert_array_equal(a, b, err_msg=field.name)
        else:
            assert type(a) is type(b), field.name
            assert a == b, field.name


@pytest.mark.parametrize("missing", [False, True])
@pytest.mark.parametrize("kind", ["border", "plane", "region"])
def test_a_second_scan_reads_no_frame_and_gives_the_same(tmp_path, reads, kind, missing):
    path = write(tmp_path / "a.h5", missing=missing)
    region = Region("rectangle", ((0, 0), (5, 4)))
    recipe = Recipe(border_px=3, background_source=kind, background_region=region)
    first = scan(path, recipe)
    assert len(reads) >= 10
    reads.clear()
    second = scan(path, recipe)
    assert reads == []
    assert_same(first, second)
    if not missing:
        assert second.ring_count.strides[0] == 0


def test_settings_that_a_scan_does_not_depend_on_share_it(recording, reads):
    scan(recording)
    reads.clear()
    scan(recording, Recipe(border_px=7, model="linear", first=2, background="frame"))
    assert reads == []


@pytest.mark.parametrize(
    "change",
    [
        {"region": Region("frame")},
        {"exclude": (1,)},
        {"background_source": "plane"},
        {
            "background_source": "region",
            "background_region": Region("rectangle", ((0, 0), (5, 4))),
        },
    ],
    ids=lambda change: next(iter(change)),
)
def test_settings_that_a_scan_depends_on_need_another_one(recording, reads, change):
    scan(recording)
    reads.clear()
    assert_same(
        scan(recording, RECIPE.replace(**change)), fresh(recording, RECIPE.replace(**change))
    )
    assert reads


def fresh(path, recipe=RECIPE):
    with FLSeries(h5file=path, h5mode="r") as series:
        return scan_series(SeriesSource(series), recipe)


def test_a_changed_file_is_scanned_again(recording, reads):
    before = scan(recording)
    with storage.open_file(recording, "r+") as file:
        storage.write_image(file, "fli_3/fluorescence/raw", np.full((30, 34), 9.0))
    after = scan(recording)
    assert after.total[3] == 9.0 * 30 * 34 != before.total[3]
    assert_same(after, fresh(recording))


def test_a_file_that_took_the_place_of_another_is_scanned_again(recording, tmp_path, reads):
    scan(recording)
    status = recording.stat()
    other = write(tmp_path / "b.h5", seed=1)
    with other.open("r+b") as file:
        file.truncate(max(status.st_size, other.stat().st_size))
    other.replace(recording)
    os.utime(recording, ns=(status.st_atime_ns, status.st_mtime_ns))
    reads.clear()
    scan(recording)
    assert reads


def test_each_series_of_a_file_has_its_own_scan(tmp_path, reads):
    path = write(tmp_path / "a.h5", group="first")
    write(tmp_path / "b.h5", seed=2, group="second")
    with storage.open_file(path, "r+") as file, storage.open_file(tmp_path / "b.h5") as other:
        storage.copy_object(other, "second", file, "second")
    with storage.open_file(path) as file:
        first, second = (
            cached_scan(SeriesSource(FLSeries(h5file=file[name])), RECIPE)
            for name in ("first", "second")
        )
    assert (first.total != second.total).any()
    assert len(entries()) == 2


@pytest.mark.parametrize("damage", ["cut off", "one bit", "empty", "no archive", "wrong head"])
def test_a_damaged_scan_is_replaced(recording, reads, damage):
    first = scan(recording)
    (entry,) = entries()
    content = bytearray(entry.read_bytes())
    if damage == "cut off":
        content = content[: len(content) // 2]
    elif damage == "one bit":
        content[len(content) // 2] ^= 4
    elif damage == "empty":
        content.clear()
    elif damage == "no archive":
        content = bytearray(b"something else")
    else:
        with entry.open("wb") as file:
            np.savez(file, head=np.array("{}"))
        content = bytearray(entry.read_bytes())
    entry.write_bytes(content)
    reads.clear()
    assert_same(scan(recording), first)
    assert reads
    reads.clear()
    scan(recording)
    assert reads == []


def test_a_scan_of_another_length_is_not_used(recording, reads):
    with FLSeries(h5file=recording, h5mode="r") as series:
        source = SeriesSource(series)
        stored = cached_scan(source, RECIPE)
        (entry,) = entries()
        scan_cache._store(entry, dataclasses.replace(stored, n_frames=9))
        assert cached_scan(source, RECIPE).n_frames == 10


@pytest.mark.parametrize("full", [False, True])
def test_a_cache_that_cannot_be_written_costs_nothing_but_time(recording, monkeypatch, full):
    if full and not Path("/dev/full").exists():
        pytest.skip("This system has no device that is always full.")
    unchanged = Path.open

    def refuse(path, mode="r", **kwargs):
        if "w" not in mode:
            return unchanged(path, mode, **kwargs)
        if full:
            return unchanged(Path("/dev/full"), mode, **kwargs)
        raise OSError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    assert_same(scan(recording), fresh(recording))
    assert entries() == []


def test_a_scan_is_stored_and_read_without_another_copy_of_all_of_it(recording):
    with FLSeries(h5file=recording, h5mode="r") as series:
        source = SeriesSource(series)
        stored = cached_scan(source, RECIPE)
        (entry,) = entries()
        large = np.zeros((10, 2_500_000), dtype=np.float32)
        tracemalloc.start()
        scan_cache._store(entry, dataclasses.replace(stored, tiles=large))
        assert tracemalloc.get_traced_memory()[1] < 0.5 * large.nbytes
        tracemalloc.reset_peak()
        again = scan_cache._load(entry, source)
        assert tracemalloc.get_traced_memory()[1] < 1.5 * large.nbytes
        tracemalloc.stop()
    assert again.tiles.shape == large.shape


def test_nothing_is_kept_of_what_may_still_change(recording):
    with FLSeries(h5file=recording, h5mode="a") as series:
        cached_scan(SeriesSource(series), RECIPE)
    with FLSeries(h5file=recording, h5mode="r") as series:
        source = SeriesSource(series)
        edits = Edits().with_background([2], np.ones((30, 34)))
        edited = cached_scan(EditedSource(source, edits), RECIPE)
        assert entries() == []
        plain = cached_scan(EditedSource(source), RECIPE)
    assert len(entries()) == 1
    assert plain.total[2] - edited.total[2] == pytest.approx(30 * 34)


def test_recordings_in_memory_are_scanned_each_time():
    with FLSeries() as series:
        series.add_images([np.ones((9, 9)), np.ones((9, 9))], [{"time": 0.0}, {"time": 1.0}])
        cached_scan(SeriesSource(series), Recipe(border_px=1))
    assert entries() == []


def test_a_file_that_changes_during_the_scan_is_not_kept(recording):
    def touch(done, total, stage):
        os.utime(recording)

    scan(recording, progress=touch)
    assert entries() == []


def test_a_reused_scan_reports_the_end(recording):
    scan(recording)
    calls = []
    scan(recording, progress=lambda *args: calls.append(args))
    assert calls == [(10, 10, "Measuring frames")]


def test_many_at_once_do_not_disturb_each_other(recording):
    expected = fresh(recording)
    failures = []

    def work():
        for _ in range(8):
            try:
                assert_same(scan(recording), expected)
            except BaseException as error:
                failures.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(entries()) == 1


def test_the_scans_that_were_not_used_for_longest_make_room(tmp_path, monkeypatch, reads):
    paths = [write(tmp_path / f"{i}.h5", seed=i) for i in range(4)]
    for path in paths[:3]:
        scan(path)
    for age, entry in enumerate(sorted(entries(), key=lambda entry: entry.stat().st_mtime_ns)):
        os.utime(entry, ns=(0, age + 1))
    scan(paths[0])
    size = max(entry.stat().st_size for entry in entries())
    monkeypatch.setattr(scan_cache, "_LARGEST", int(2.5 * size))
    scan(paths[3])
    assert len(entries()) == 2
    reads.clear()
    scan(paths[0])
    scan(paths[3])
    assert reads == []


def correct_once(recording, out, **options):
    with FLSeries(h5file=recording, h5mode="r") as series:
        return correct.run(SeriesSource(series), RECIPE, out, **options).fit


def test_a_correction_leaves_nothing_in_the_cache_unless_it_is_asked_to(recording, tmp_path):
    correct_once(recording, tmp_path / "out.h5")
    assert entries() == []
    correct_once(recording, tmp_path / "out.h5", overwrite=True, cache=True)
    assert len(entries()) == 1


def test_a_correction_with_a_cached_scan_is_the_same_and_reads_each_frame_once(
    recording, tmp_path, reads
):
    plain = correct_once(recording, tmp_path / "plain.h5")
    first = correct_once(recording, tmp_path / "first.h5", cache=True)
    reads.clear()
    second = correct_once(recording, tmp_path / "second.h5", cache=True)
    assert len(reads) == 10
    for fit in (first, second):
        np.testing.assert_array_equal(fit.gain, plain.gain)
        np.testing.assert_array_equal(fit.trace.intensity, plain.trace.intensity)
    images = []
    for name in ("plain", "first", "second"):
        with FLSeries(h5file=tmp_path / f"{name}.h5", h5mode="r") as series:
            images.append(np.stack([fli.fl for fli in series]))
    np.testing.assert_array_equal(images[1], images[0])
    np.testing.assert_array_equal(images[2], images[0])


def test_a_file_that_was_changed_and_given_its_old_time_is_scanned_again(recording, reads):
    scan(recording)
    before = recording.stat()
    content = recording.read_bytes()
    recording.write_bytes(content)
    os.utime(recording, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert recording.stat().st_mtime_ns == before.st_mtime_ns
    reads.clear()
    scan(recording)
    assert reads


def test_the_cache_can_be_switched_off(recording, reads, monkeypatch):
    scan(recording)
    monkeypatch.setenv(NO_CACHE, "1")
    reads.clear()
    scan(recording)
    assert reads
    clear_cache()
    scan(recording)
    assert entries() == []
