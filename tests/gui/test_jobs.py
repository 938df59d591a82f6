from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from PyQt5 import sip
from PyQt5.QtCore import QThread

from flimage.errors import Cancelled, InputError
from flimage_gui.jobs import URGENT_LANE, YIELD_SECONDS, JobRunner

PATIENCE = 10_000


@pytest.fixture
def runner(qapp) -> Iterator[JobRunner]:
    made = JobRunner()
    yield made
    made.close()
    sip.delete(made)


def blocker() -> tuple[threading.Event, threading.Event, object]:
    """Return events (started, go on) and a job that waits between them, deaf to cancelling."""
    started, go_on = threading.Event(), threading.Event()

    def job(progress):
        started.set()
        assert go_on.wait(10)
        return "blocker"

    return started, go_on, job


def test_job_runs_in_a_qthread_and_its_result_arrives_in_the_window_thread(qtbot, runner) -> None:
    main, seen = QThread.currentThread(), {}

    def job(progress):
        seen["job"] = QThread.currentThread()
        return 7

    def done(result):
        seen["done"], seen["result"] = QThread.currentThread(), result

    runner.submit("a", job, done)
    qtbot.waitUntil(lambda: "result" in seen, timeout=PATIENCE)
    assert seen["result"] == 7
    assert seen["done"] is main
    assert isinstance(seen["job"], QThread)
    assert seen["job"] is not main


def test_newest_request_takes_the_place_of_the_waiting_one_and_late_results_are_dropped(
    qtbot, runner
) -> None:
    started, go_on, block = blocker()
    results, cancelled, ran = [], [], []

    def job(name):
        def run(progress):
            ran.append(name)
            return name

        return run

    runner.submit("a", block, results.append, cancelled=lambda: cancelled.append("blocker"))
    assert started.wait(10)
    for name in ("first", "second", "third"):
        runner.submit(
            "a", job(name), results.append, cancelled=lambda name=name: cancelled.append(name)
        )
    assert cancelled == ["first", "second"]
    go_on.set()
    qtbot.waitUntil(lambda: "third" in results, timeout=PATIENCE)
    assert results == ["third"]
    assert ran == ["third"]
    assert cancelled == ["first", "second", "blocker"]


def test_late_result_is_delivered_where_it_was_asked_to_be_kept(qtbot, runner) -> None:
    started, go_on, block = blocker()
    results = []
    runner.submit("a", block, results.append, keep_late=True)
    assert started.wait(10)
    runner.submit("a", lambda progress: "next", results.append)
    go_on.set()
    qtbot.waitUntil(lambda: len(results) == 2, timeout=PATIENCE)
    assert results == ["blocker", "next"]


def test_result_that_nobody_wants_is_handed_to_dropped(qtbot, runner) -> None:
    started, go_on, block = blocker()
    results, dropped = [], []
    runner.submit("a", block, results.append, dropped=dropped.append)
    assert started.wait(10)
    runner.cancel("a")
    go_on.set()
    qtbot.waitUntil(lambda: bool(dropped), timeout=PATIENCE)
    assert dropped == ["blocker"]
    assert results == []


def test_result_on_its_way_at_close_is_handed_to_dropped(qapp) -> None:
    runner = JobRunner()
    dropped, results = [], []
    runner.submit("a", lambda progress: "file", results.append, dropped=dropped.append)
    runner.wait()
    runner.close()
    sip.delete(runner)
    assert dropped == ["file"]
    assert results == []


def test_cancelling_raises_in_the_progress_callback(qtbot, runner) -> None:
    started, stopped = threading.Event(), []

    def job(progress):
        started.set()
        try:
            while True:
                progress(0, 1, "busy")
                time.sleep(0.001)
        except Cancelled:
            stopped.append("cleaned up")
            raise

    outcome = []
    runner.submit("a", job, outcome.append, cancelled=lambda: outcome.append("cancelled"))
    assert started.wait(10)
    runner.cancel("a")
    qtbot.waitUntil(lambda: bool(outcome), timeout=PATIENCE)
    assert outcome == ["cancelled"]
    assert stopped == ["cleaned up"]
    assert runner.is_idle("a")


def test_exception_of_a_job_reaches_whoever_asked_for_it(qtbot, runner) -> None:
    errors = []

    def job(progress):
        raise InputError("The value is wrong; use another.")

    runner.submit("a", job, lambda result: None, failed=errors.append)
    qtbot.waitUntil(lambda: bool(errors), timeout=PATIENCE)
    assert str(errors[0]) == "The value is wrong; use another."


def test_lanes_do_not_wait_for_each_other(qtbot, runner) -> None:
    started, go_on, block = blocker()
    results = []
    runner.submit("slow", block, results.append)
    assert started.wait(10)
    runner.submit("quick", lambda progress: "quick", results.append)
    qtbot.waitUntil(lambda: results == ["quick"], timeout=PATIENCE)
    assert not runner.is_idle("slow")
    go_on.set()
    qtbot.waitUntil(lambda: results == ["quick", "blocker"], timeout=PATIENCE)


def test_progress_is_thinned_but_first_and_last_step_of_each_stage_arrive(qtbot, runner) -> None:
    seen, results = [], []

    def job(progress):
        for stage in ("read", "write"):
            for i in range(1001):
                progress(i, 1000, stage)

    runner.submit("a", job, results.append, progressed=lambda *step: seen.append(step))
    qtbot.waitUntil(lambda: bool(results), timeout=PATIENCE)
    assert (0, 1000, "read") in seen
    assert (1000, 1000, "read") in seen
    assert (0, 1000, "write") in seen
    assert seen[-1] == (1000, 1000, "write")
    assert len(seen) < 500


def test_close_cancels_and_waits_for_all_threads(qapp) -> None:
    runner = JobRunner()
    started = [threading.Event(), threading.Event()]
    ended = []

    def job(event):
        def run(progress):
            event.set()
            try:
                while True:
                    progress(0, 1, "")
                    time.sleep(0.001)
            finally:
                ended.append(event)

        return run

    for name, event in zip("ab", started, strict=True):
        runner.submit(name, job(event), lambda result: None)
    for event in started:
        assert event.wait(10)
    runner.close()
    assert len(ended) == 2
    assert runner.is_idle()
    with pytest.raises(RuntimeError):
        runner.submit("a", lambda progress: None, lambda result: None)
    sip.delete(runner)


def test_other_jobs_let_pass_what_is_looked_at_but_not_for_ever(qtbot, runner) -> None:
    started, go_on, block = blocker()
    told: list[float] = []
    done: list[str] = []

    def measure(progress):
        assert started.wait(10)
        for step in range(3):
            before = time.monotonic()
            progress(step, 3, "")
            told.append(time.monotonic() - before)
        return "measured"

    runner.submit(URGENT_LANE, block, done.append)
    runner.submit("scan", measure, done.append)
    # It comes to its end although the frame never does.
    qtbot.waitUntil(lambda: done == ["measured"], timeout=PATIENCE)
    assert all(seconds >= YIELD_SECONDS * 0.9 for seconds in told)
    go_on.set()
    qtbot.waitUntil(lambda: done == ["measured", "blocker"], timeout=PATIENCE)
    told.clear()
    runner.submit("scan", measure, done.append)
    qtbot.waitUntil(lambda: len(done) == 3, timeout=PATIENCE)
    assert len(told) == 3


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="holds for all threads there")
def test_long_work_stands_back_for_the_window_and_for_what_a_person_waits_for(
    qtbot, runner
) -> None:
    def own() -> int:
        return os.getpriority(os.PRIO_PROCESS, 0)

    def niceness(progress):
        with ThreadPoolExecutor(1) as pool:
            return own(), pool.submit(own).result()

    window, seen = own(), {}
    for lane in (URGENT_LANE, "fit", "scan"):
        runner.submit(lane, niceness, lambda found, lane=lane: seen.update({lane: found}))
    qtbot.waitUntil(lambda: len(seen) == 3, timeout=PATIENCE)
    assert seen[URGENT_LANE] == seen["fit"] == (window, window)
    assert min(seen["scan"]) >= min(window + 1, 19)
    assert own() == window
