from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest
from PyQt5 import sip

from flimage_gui.frame_cache import AHEAD, FrameCache, neighbours
from flimage_gui.image_store import ImageStore
from flimage_gui.jobs import JobRunner

PATIENCE = 10_000
#: Size of the images of `Maker` [bytes].
SIZE = 8 * 8 * 4


class Maker:
    """Makes images that hold their index; counts and, where told, waits."""

    def __init__(self, n_frames: int = 100) -> None:
        self.n_frames = n_frames
        self.made: list[int] = []
        self.broken: set[int] = set()
        self.gate: threading.Event | None = None
        self.entered = threading.Event()
        self.threads: set[int] = set()

    def __len__(self) -> int:
        return self.n_frames

    def key(self, index, display):
        return (index, display)

    def make(self, index, display):
        self.threads.add(threading.get_ident())
        self.entered.set()
        if self.gate is not None:
            assert self.gate.wait(10)
        if index in self.broken:
            raise OSError(f"frame {index} is damaged")
        self.made.append(index)
        return np.full((8, 8), index, dtype=np.float32)


@pytest.fixture
def runner(qapp) -> Iterator[JobRunner]:
    made = JobRunner()
    yield made
    made.close()
    sip.delete(made)


@pytest.fixture
def cache(runner) -> FrameCache:
    return FrameCache(runner, 1000 * SIZE, runner)


def ready(cache: FrameCache) -> list[tuple[int, str, np.ndarray]]:
    seen: list[tuple[int, str, np.ndarray]] = []
    cache.frame_ready.connect(lambda *args: seen.append(args))
    return seen


def test_frames_are_made_outside_the_window_thread(qtbot, cache) -> None:
    maker, seen = Maker(), ready(cache)
    cache.set_maker(maker)
    cache.request(5, "raw")
    qtbot.waitUntil(lambda: bool(seen), timeout=PATIENCE)
    index, display, image = seen[0]
    assert (index, display) == (5, "raw")
    assert np.all(image == 5)
    assert threading.get_ident() not in maker.threads


def test_kept_frame_is_delivered_at_once(qtbot, cache) -> None:
    maker, seen = Maker(), ready(cache)
    cache.set_maker(maker)
    cache.request(5, "raw")
    qtbot.waitUntil(lambda: bool(seen), timeout=PATIENCE)
    cache.request(5, "raw")
    assert [index for index, *_ in seen] == [5, 5]
    assert maker.made.count(5) == 1


def test_requests_made_while_one_is_decoded_are_replaced_by_the_newest(qtbot, cache) -> None:
    maker, seen = Maker(), ready(cache)
    maker.gate = threading.Event()
    cache.set_maker(maker)
    cache.request(1, "raw")
    assert maker.entered.wait(10)
    for index in (20, 95, 60):
        cache.request(index, "raw")
    maker.gate.set()
    qtbot.waitUntil(lambda: bool(seen) and seen[-1][0] == 60, timeout=PATIENCE)
    # Frame 1 was being decoded already and is shown on the way; 20 and 95 never were.
    assert [index for index, *_ in seen] == [1, 60]
    assert not {20, 95} & set(maker.made)


def test_frame_decoded_for_an_older_request_is_not_shown_after_a_kept_newer_one(
    qtbot, cache
) -> None:
    maker, seen = Maker(), ready(cache)
    cache.set_maker(maker)
    cache.request(50, "raw")
    qtbot.waitUntil(lambda: bool(seen), timeout=PATIENCE)
    qtbot.waitUntil(lambda: cache._runner.is_idle("frames"), timeout=PATIENCE)
    maker.gate = threading.Event()
    maker.entered.clear()
    cache.request(1, "raw")
    assert maker.entered.wait(10)
    cache.request(50, "raw")
    maker.gate.set()
    qtbot.waitUntil(lambda: cache._runner.is_idle("frames"), timeout=PATIENCE)
    qtbot.wait(50)
    assert [index for index, *_ in seen] == [50, 50]


def test_frames_ahead_are_fetched_in_the_direction_of_travel(qtbot, cache) -> None:
    maker, seen = Maker(), ready(cache)
    cache.set_maker(maker)
    for index in (50, 49):
        cache.request(index, "raw")
        qtbot.waitUntil(lambda index=index: bool(seen) and seen[-1][0] == index, timeout=PATIENCE)
        qtbot.waitUntil(lambda: cache._runner.is_idle("frames"), timeout=PATIENCE)
    assert set(range(49 - AHEAD, 49)) <= set(maker.made)


def test_likely_frames_follow_the_stride_and_stay_inside_the_recording() -> None:
    assert neighbours(10, 2, 100)[:3] == [12, 14, 16]
    assert neighbours(10, -1, 100)[:2] == [9, 8]
    assert neighbours(98, 1, 100) == [99, 97]
    # After a jump only the two next to it.
    assert neighbours(50, 0, 100) == [51, 49]


def test_fetching_ahead_does_not_push_out_the_frame_on_screen(qtbot, runner) -> None:
    cache = FrameCache(runner, 2 * SIZE, runner)
    maker, seen = Maker(), ready(cache)
    cache.set_maker(maker)
    cache.request(5, "raw")
    qtbot.waitUntil(lambda: bool(seen), timeout=PATIENCE)
    qtbot.waitUntil(lambda: cache._runner.is_idle("frames"), timeout=PATIENCE)
    assert maker.key(5, "raw") in cache.store


def test_damaged_frame_is_reported_only_when_asked_for(qtbot, cache) -> None:
    maker, seen, failed = Maker(), ready(cache), []
    cache.frame_failed.connect(lambda *args: failed.append(args))
    maker.broken = {6}
    cache.set_maker(maker)
    cache.request(5, "raw")
    qtbot.waitUntil(lambda: bool(seen), timeout=PATIENCE)
    qtbot.waitUntil(lambda: cache._runner.is_idle("frames"), timeout=PATIENCE)
    assert failed == []
    cache.request(6, "raw")
    qtbot.waitUntil(lambda: bool(failed), timeout=PATIENCE)
    assert failed[0][0] == 6
    assert "damaged" in str(failed[0][2])


def test_no_frame_of_a_closed_recording_is_delivered(qtbot, cache) -> None:
    maker, seen = Maker(), ready(cache)
    maker.gate = threading.Event()
    cache.set_maker(maker)
    cache.request(1, "raw")
    assert maker.entered.wait(10)
    other = Maker()
    cache.set_maker(None)
    cache.set_maker(other)
    maker.gate.set()
    cache.request(50, "raw")
    qtbot.waitUntil(lambda: bool(seen), timeout=PATIENCE)
    assert [index for index, *_ in seen] == [50]
    assert (1, "raw") not in cache.store


def image(value: float) -> np.ndarray:
    # Not a whole number: those take half the room.
    return np.full((8, 8), value + 0.25, dtype=np.float32)


def test_store_stays_within_its_limit_and_forgets_what_was_not_used_longest() -> None:
    store = ImageStore(3 * SIZE)
    for index in range(3):
        store.put(index, image(index))
    assert store.get(0) is not None
    store.put(3, image(3))
    assert store.nbytes == 3 * SIZE
    assert 1 not in store
    assert 0 in store
    store.limit = SIZE
    assert len(store) == 1
    assert 3 in store


def test_store_keeps_one_image_that_is_larger_than_its_limit() -> None:
    store = ImageStore(10)
    store.put("a", image(1))
    store.put("b", image(2))
    assert len(store) == 1
    assert np.all(store.get("b") == 2.25)
    assert store.nbytes == SIZE


def test_replacing_an_image_does_not_count_it_twice() -> None:
    store = ImageStore(10 * SIZE)
    store.put("a", image(1))
    store.put("a", image(2))
    assert store.nbytes == SIZE
    store.clear()
    assert store.nbytes == 0
    assert store.get("a") is None


def test_counts_of_a_camera_take_half_the_room_and_come_back_as_they_were() -> None:
    counts = np.random.default_rng(3).integers(0, 65536, (40, 50)).astype(np.float32)
    store = ImageStore(1 << 20)
    store.put("counts", counts)
    assert store.nbytes == store.size_of("counts") == counts.nbytes // 2
    kept = store.get("counts")
    assert kept.dtype == np.float32
    assert np.array_equal(kept, counts)
    other = ImageStore(1 << 20)
    other.adopt(store)
    assert other.nbytes == counts.nbytes // 2
    # In one place only, so that they can leave.
    assert (len(store), store.nbytes) == (0, 0)
    assert np.array_equal(other.get("counts"), counts)
    assert store.size_of("nothing") == 0


@pytest.mark.parametrize("odd", [0.5, -1.0, 65536.0, np.nan, np.inf])
def test_an_image_with_any_other_value_is_kept_exactly(odd: float) -> None:
    image = np.full((40, 50), 7, dtype=np.float32)
    image[3, 4] = odd
    store = ImageStore(1 << 20)
    store.put("image", image)
    assert np.array_equal(store.get("image"), image, equal_nan=True)
    assert store.nbytes == image.nbytes
