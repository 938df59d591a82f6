from __future__ import annotations

import threading
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from recordings import decaying, write_series

from flimage import FLImage, FLSeries, Recipe, correct
from flimage.errors import BorderError, InputError, OutputExistsError
from flimage.progress import ignore_progress
from flimage.source import SeriesSource
from flimage_gui.editor import Editor
from flimage_gui.history import History
from flimage_gui.opening import inspect_recording
from flimage_gui.session import Change, Display, Session

PATIENCE = 20_000


class Log:
    """Notes what a session tells."""

    def __init__(self, session: Session) -> None:
        self.changes: list[Change] = []
        self.errors: list[Exception] = []
        self.frames: list[tuple[int, Display, np.ndarray]] = []
        self.exported: list[Path] = []
        self.saved: list[Path] = []
        session.changed.connect(self.changes.append)
        session.failed.connect(self.errors.append)
        session.frame_ready.connect(lambda *args: self.frames.append(args))
        session.exported.connect(self.exported.append)
        session.saved.connect(self.saved.append)

    def count(self, change: Change) -> int:
        return sum(bool(each & change) for each in self.changes)


@pytest.fixture
def log(session: Session) -> Log:
    return Log(session)


@pytest.fixture
def opened(qtbot, session: Session, log: Log, recording: Path, settle) -> Session:
    session.open(recording)
    settle(session)
    assert not log.errors
    log.changes.clear()
    return session


def test_opening_shows_the_first_frame_and_measures_without_being_asked(
    qtbot, session: Session, log: Log, recording: Path, settle
) -> None:
    session.open(recording)
    assert session.busy
    assert session.source is None
    settle(session)
    assert session.n_frames == 12
    assert session.shape == (60, 80)
    assert session.title == "recording.h5"
    assert session.pixel_size == pytest.approx(1e-7)
    index, display, image = log.frames[0]
    assert (index, display) == (0, Display.RAW)
    assert np.array_equal(image, decaying()[0])
    assert session.scan is not None
    assert session.trace is not None
    assert session.fit is None
    assert not session.busy


def test_nothing_is_read_from_files_in_the_window_thread(
    qtbot, session: Session, recording: Path, settle, images_read
) -> None:
    session.open(recording)
    settle(session)
    for index in (3, 7, 11):
        session.set_frame(index)
        settle(session)
    session.set_display(Display.BLEACH_CORRECTED)
    settle(session)
    assert images_read.threads
    assert threading.get_ident() not in images_read.threads


def test_file_that_cannot_be_opened_is_told_and_the_open_one_stays(
    opened: Session, log: Log, tmp_path: Path, settle
) -> None:
    bad = tmp_path / "bad.h5"
    bad.write_bytes(b"no HDF5 at all")
    before = opened.path
    opened.open(bad)
    settle(opened)
    assert len(log.errors) == 1
    assert "bad.h5" in str(log.errors[0])
    assert opened.path == before
    assert opened.source is not None
    opened.set_frame(2)
    settle(opened)
    assert log.frames[-1][0] == 2


def test_single_image_opens_as_a_series_of_one_frame(
    session: Session, log: Log, tmp_path: Path, settle
) -> None:
    path = tmp_path / "image.h5"
    with FLImage(decaying()[0], meta_data={"time": 1.0}, h5file=path, h5mode="w"):
        pass
    session.open(path)
    settle(session)
    assert session.n_frames == 1
    assert np.array_equal(log.frames[-1][2], decaying()[0])


def test_series_in_a_group_is_found(session: Session, tmp_path: Path, settle) -> None:
    path = tmp_path / "grouped.h5"
    with h5py.File(path, "w") as file, FLSeries(h5file=file.create_group("a/flseries")) as series:
        for index, frame in enumerate(decaying(5)):
            series.add_flimage(FLImage(frame, meta_data={"time": float(index)}))
    session.open(path)
    settle(session)
    assert session.n_frames == 5


def test_opening_another_file_meanwhile_leaves_no_file_open(
    session: Session, tmp_path: Path, settle
) -> None:
    paths = [write_series(tmp_path / f"{i}.h5", decaying(4, seed=i)) for i in range(4)]
    for path in paths:
        session.open(path)
    settle(session)
    assert session.path == paths[-1]
    # The guard of all tests sees the files of the others if they were left open.


def test_equal_values_emit_nothing(opened: Session, log: Log) -> None:
    opened.set_recipe(opened.recipe.replace(), "Same")
    opened.set_frame(opened.frame)
    opened.set_display(opened.display)
    opened.set_levels(*opened.levels)
    opened.clear_background([])
    assert log.changes == []
    assert not opened.can_undo


def test_frames_beyond_the_ends_are_the_first_and_the_last(opened: Session, log: Log) -> None:
    opened.set_frame(-5)
    assert opened.frame == 0
    assert log.changes == []
    opened.set_frame(1000)
    assert opened.frame == 11


def test_recipe_changes_are_undone_and_redone_step_by_step(opened: Session, settle) -> None:
    first = opened.recipe
    opened.set_recipe(first.replace(border_px=5), "Border")
    opened.set_recipe(first.replace(border_px=5, background="frame"), "Scope")
    assert (opened.undo_text, opened.can_redo) == ("Scope", False)
    opened.undo()
    assert opened.recipe == first.replace(border_px=5)
    assert (opened.undo_text, opened.redo_text) == ("Border", "Scope")
    opened.undo()
    assert opened.recipe == first
    assert not opened.can_undo
    opened.redo()
    opened.redo()
    assert opened.recipe == first.replace(border_px=5, background="frame")
    opened.undo()
    opened.set_recipe(first.replace(border_px=3), "Border again")
    assert not opened.can_redo


def test_quick_steps_of_one_kind_are_undone_at_once() -> None:
    history = History(0)
    for value in (1, 2, 3):
        history.push(value, "Border")
    history.push(4, "Model")
    history.undo()
    assert history.state == 3
    history.undo()
    assert history.state == 0


def test_slow_steps_of_one_kind_stay_apart(monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    history = History(0)
    history.push(1, "Border")
    now[0] = 60.0
    history.push(2, "Border")
    history.undo()
    assert history.state == 1


def test_history_forgets_the_oldest_steps() -> None:
    history = History(0)
    for value in range(1, 500):
        history.push(value, f"Step {value}")
    assert len(history.labels) == 200
    while history.undo():
        pass
    assert history.state == 299


def test_assigned_background_is_subtracted_and_undone(opened: Session, log: Log, settle) -> None:
    background = np.full((60, 80), 30.0, dtype=np.float32)
    opened.assign_background(background, [0, 1], "Use a flat background")
    settle(opened)
    assert np.array_equal(opened.source.background(0), background)
    assert opened.source.background(2) is None
    assert opened.modified
    opened.undo()
    settle(opened)
    assert opened.source.background(0) is None
    assert not opened.modified
    opened.redo()
    opened.clear_background()
    settle(opened)
    assert opened.source.background(0) is None
    assert not log.errors


def test_background_changes_what_is_displayed_at_once(opened: Session, log: Log, settle) -> None:
    opened.set_display(Display.BACKGROUND_CORRECTED)
    settle(opened)
    before = log.frames[-1][2]
    ramp = np.tile(np.arange(80, dtype=np.float32), (60, 1))
    opened.assign_background(ramp, None, "Use a ramp")
    settle(opened)
    after = log.frames[-1][2]
    difference = before - after
    # The border level follows the background, so only the slope remains.
    assert np.allclose(difference - difference[:, :1], ramp, atol=1e-3)


def test_background_of_another_size_is_refused(opened: Session, log: Log) -> None:
    opened.assign_background(np.zeros((10, 20), dtype=np.float32), None, "Wrong")
    assert isinstance(log.errors[0], InputError)
    assert "20 × 10" in str(log.errors[0])
    assert "80 × 60" in str(log.errors[0])
    assert not opened.can_undo


def test_background_is_read_from_an_image_file(
    opened: Session, log: Log, tmp_path: Path, settle
) -> None:
    path = tmp_path / "background.h5"
    pixels = np.random.default_rng(0).normal(20, 1, (60, 80)).astype(np.float32)
    with FLImage(pixels, h5file=path, h5mode="w"):
        pass
    opened.assign_background_file(path, None)
    settle(opened)
    assert not log.errors
    assert np.array_equal(opened.source.background(5), pixels)
    assert opened.undo_text == "Use background.h5 as background"


def test_background_from_frames_is_their_mean(opened: Session, settle) -> None:
    opened.assign_background_frames([10, 11], [0])
    settle(opened)
    expected = decaying()[10:12].astype(np.float64).mean(axis=0)
    assert np.allclose(opened.source.background(0), expected, rtol=1e-6)


@pytest.mark.parametrize(
    "recipe",
    [
        Recipe(border_px=6),
        Recipe(border_px=6, background="frame"),
        Recipe(border_px=6, offset="background"),
        Recipe(border_px=6, background_source="plane", background="frame"),
        Recipe(border_px=6, denoise=1.0),
        Recipe(border_px=0, model="linear"),
        Recipe(border_px=6, model="histogram"),
    ],
    ids=["series", "frame", "offset", "plane", "denoise", "linear", "histogram"],
)
def test_displayed_corrected_frames_equal_those_of_the_file_exactly(
    opened: Session, log: Log, tmp_path: Path, recording: Path, settle, recipe: Recipe
) -> None:
    background = np.random.default_rng(5).normal(3, 1, (60, 80)).astype(np.float32)
    opened.assign_background(background, [2, 3], "Some background")
    opened.set_recipe(recipe, "All settings")
    opened.set_display(Display.BLEACH_CORRECTED)
    settle(opened)
    assert not log.errors
    assert opened.fit_current
    out = tmp_path / "out.h5"
    opened.export(out)
    settle(opened)
    assert log.exported == [out]
    with FLSeries(h5file=out, h5mode="r") as series:
        for index in range(12):
            opened.set_frame(index)
            settle(opened)
            shown_index, display, image = log.frames[-1]
            assert (shown_index, display) == (index, Display.BLEACH_CORRECTED)
            assert np.array_equal(image, series[index].raw_fl, equal_nan=True)


def test_choosing_the_corrected_display_runs_the_correction(
    opened: Session, log: Log, settle
) -> None:
    assert opened.fit is None
    opened.set_display(Display.BLEACH_CORRECTED)
    settle(opened)
    assert opened.fit_current
    assert log.frames[-1][1] is Display.BLEACH_CORRECTED


def test_after_the_first_run_the_fit_follows_every_change(opened: Session, settle) -> None:
    opened.run_fit()
    assert opened.busy
    settle(opened)
    first = opened.fit
    assert opened.fit_current
    opened.set_recipe(opened.recipe.replace(last=8), "Range")
    assert not opened.fit_current
    settle(opened)
    assert opened.fit_current
    assert opened.fit is not first
    assert opened.fit.recipe.last == 8


def test_retuning_does_not_scan_again(opened: Session, monkeypatch, settle) -> None:
    scan = opened.scan
    opened.run_fit()
    settle(opened)
    opened.set_recipe(opened.recipe.replace(border_px=4, background="frame"), "Border")
    settle(opened)
    assert opened.fit_current
    assert opened.scan is scan


def test_border_that_leaves_nothing_is_told_and_can_be_undone(
    opened: Session, log: Log, settle
) -> None:
    opened.run_fit()
    settle(opened)
    opened.set_recipe(opened.recipe.replace(border_px=500), "Border")
    settle(opened)
    assert isinstance(opened.tuning_error, BorderError)
    assert any(isinstance(error, BorderError) for error in log.errors)
    opened.undo()
    settle(opened)
    assert opened.tuning_error is None
    assert opened.fit_current


def test_cancelled_run_leaves_no_fit_and_can_be_run_again(
    opened: Session, log: Log, settle, monkeypatch
) -> None:
    from flimage_gui import work

    entered = threading.Event()
    original = work.scan

    def slow(source, recipe, progress):
        entered.set()
        for step in range(10_000):
            progress(step, 10_000, "Scanning")
            time.sleep(0.002)
        return original(source, recipe, progress)

    monkeypatch.setattr(work, "scan", slow)
    opened.assign_background(np.zeros((60, 80), dtype=np.float32), None, "Zero")
    opened.run_fit()
    assert entered.wait(10)
    opened.cancel()
    assert opened.busy == ""
    settle(opened)
    assert opened.fit is None
    assert not log.errors
    monkeypatch.setattr(work, "scan", original)
    opened.run_fit()
    settle(opened)
    assert opened.fit_current


def test_cancelled_export_leaves_nothing_behind(
    opened: Session, log: Log, tmp_path: Path, settle, monkeypatch
) -> None:
    from flimage.correct import FrameCorrector

    original = FrameCorrector.frame
    entered = threading.Event()

    def slow(self, index):
        entered.set()
        time.sleep(0.05)
        return original(self, index)

    monkeypatch.setattr(FrameCorrector, "frame", slow)
    folder = tmp_path / "out"
    folder.mkdir()
    opened.export(folder / "corrected.h5")
    assert entered.wait(10)
    opened.cancel()
    settle(opened)
    assert list(folder.iterdir()) == []
    assert log.exported == []
    assert log.errors == []
    assert opened.busy == ""


def test_existing_output_is_refused_unless_it_may_be_replaced(
    opened: Session, log: Log, tmp_path: Path, settle
) -> None:
    out = tmp_path / "out.h5"
    out.write_text("precious")
    opened.export(out)
    settle(opened)
    assert isinstance(log.errors[0], OutputExistsError)
    assert out.read_text() == "precious"
    opened.export(out, overwrite=True)
    settle(opened)
    assert log.exported == [out]


def test_recording_itself_is_never_written_to(
    opened: Session, log: Log, recording: Path, settle
) -> None:
    before = recording.read_bytes()
    opened.export(recording, overwrite=True)
    settle(opened)
    assert len(log.errors) == 1
    opened.save_as(recording, overwrite=True)
    settle(opened)
    assert len(log.errors) == 2
    opened.close()
    assert recording.read_bytes() == before


def test_saved_copy_holds_raw_frames_and_assigned_backgrounds(
    opened: Session, log: Log, tmp_path: Path, settle
) -> None:
    background = np.full((60, 80), 7.0, dtype=np.float32)
    opened.assign_background(background, [1, 4], "Flat")
    settle(opened)
    out = tmp_path / "edited.h5"
    opened.save_as(out)
    settle(opened)
    assert log.saved == [out]
    assert not opened.modified
    frames = decaying()
    with FLSeries(h5file=out, h5mode="r") as series:
        assert series.identifier == "test"
        assert len(series) == 12
        for index in range(12):
            assert np.array_equal(series[index].raw_fl, frames[index])
            assert series[index].meta["time"] == index * 0.5
        assert np.array_equal(series[4].bg_fl, background)
        assert np.all(series[0].bg_fl == 0)


def test_second_job_is_refused_while_one_writes(
    opened: Session, log: Log, tmp_path: Path, settle, monkeypatch
) -> None:
    from flimage.correct import FrameCorrector

    entered, go_on = threading.Event(), threading.Event()
    original = FrameCorrector.frame

    def waiting(self, index):
        entered.set()
        assert go_on.wait(10)
        return original(self, index)

    monkeypatch.setattr(FrameCorrector, "frame", waiting)
    opened.export(tmp_path / "a.h5")
    assert entered.wait(10)
    opened.export(tmp_path / "b.h5")
    opened.close()
    assert len(log.errors) == 2
    assert "a.h5" in str(log.errors[0])
    assert opened.source is not None
    go_on.set()
    settle(opened)
    assert log.exported == [tmp_path / "a.h5"]
    assert not (tmp_path / "b.h5").exists()


def test_tiff_is_converted_and_opened(session: Session, log: Log, tmp_path: Path, settle) -> None:
    import tifffile

    frames = decaying(6).astype(np.uint16)
    path = tmp_path / "stack.tif"
    tifffile.imwrite(path, frames)
    session.convert_and_open(path, tmp_path / "stack.h5", interval=2.0, pixel_size=1e-7)
    settle(session)
    assert not log.errors
    assert session.path == tmp_path / "stack.h5"
    assert list(session.times) == [0.0, 2.0, 4.0, 6.0, 8.0, 10.0]
    assert np.array_equal(session.source.raw(3), frames[3])


def test_contrast_stays_put_between_frames_and_follows_the_person(
    opened: Session, log: Log, settle
) -> None:
    levels = opened.levels
    assert levels is not None
    for index in (5, 11):
        opened.set_frame(index)
        settle(opened)
        assert opened.levels == levels
    opened.set_levels(10.0, 20.0)
    opened.set_frame(2)
    assert opened.levels == (10.0, 20.0)
    opened.auto_levels()
    settle(opened)
    low, high = opened.levels
    assert low < 120
    assert high > 400


def test_closing_forgets_everything(opened: Session, log: Log, settle) -> None:
    opened.run_fit()
    settle(opened)
    opened.set_frame(4)
    opened.close()
    assert opened.source is None
    assert opened.n_frames == 0
    assert opened.frame == 0
    assert opened.fit is None
    assert opened.scan is None
    assert not opened.can_undo
    assert log.count(Change.RECORDING) == 1


def test_library_gives_the_same_fit_as_the_session(
    opened: Session, recording: Path, settle
) -> None:
    opened.run_fit()
    settle(opened)
    with FLSeries(h5file=recording, h5mode="r") as series:
        expected = correct.run(SeriesSource(series), opened.recipe).fit
    assert np.array_equal(opened.fit.gain, expected.gain)
    assert [p.value for p in opened.fit.parameters] == [p.value for p in expected.parameters]


def test_nothing_is_begun_on_a_recording_that_is_about_to_be_replaced(
    opened: Session, log: Log, tmp_path: Path, settle
) -> None:
    other = write_series(tmp_path / "other.h5", decaying(4))
    opened.open(other)
    opened.save_as(tmp_path / "edited.h5")
    opened.export(tmp_path / "out.h5")
    opened.run_fit()
    assert len(log.errors) == 3
    settle(opened)
    assert opened.path == other
    assert not (tmp_path / "edited.h5").exists()
    assert not (tmp_path / "out.h5").exists()


def test_a_recording_that_is_opened_again_is_not_measured_again(
    qtbot, session, recording, monkeypatch
):
    from flimage import scan_cache

    with qtbot.waitSignal(session.changed, check_params_cb=lambda c: session.scan is not None):
        session.open(recording)
    first = session.scan
    monkeypatch.setattr(
        scan_cache, "scan_series", lambda *_, **__: pytest.fail("measured a second time")
    )
    session.close()
    with qtbot.waitSignal(session.changed, check_params_cb=lambda c: session.scan is not None):
        session.open(recording)
    np.testing.assert_array_equal(session.scan.region_sum, first.region_sum)


def test_a_frame_comes_back_that_was_left_out_before_it_was_measured(
    qtbot, session: Session, recording, settle
) -> None:
    errors: list[Exception] = []
    session.failed.connect(errors.append)
    session.open(recording)
    settle(session)
    session.set_display(Display.BACKGROUND_CORRECTED)
    Editor(session).delete([0])
    settle(session)
    session.set_frame(10)
    settle(session)
    session.undo()
    assert session.frame == 11
    settle(session)
    assert session.kept_image(Display.BACKGROUND_CORRECTED) is not None
    assert errors == []


@pytest.mark.parametrize("name", ["cells.npy", "arcadia_example-timelapse.nd2"])
def test_the_preview_of_a_recording_outlives_the_file(tmp_path: Path, name: str) -> None:
    """Readers may give views into a mapped file, which is no memory any more once it is closed."""
    path = Path(__file__).parents[3] / "shared" / "data" / name
    if name.endswith(".npy"):
        path = tmp_path / name
        np.save(path, np.arange(24, dtype=np.uint16).reshape(2, 3, 4))
    elif not path.exists():
        pytest.skip("the real recordings are not here")
    preview = inspect_recording(path, ignore_progress).preview
    assert preview.flags.owndata
    assert preview.ndim == 2
