"""Batches: failures don't stop them, they resume, and processes may die."""

from __future__ import annotations

import contextlib
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import simulation
import tifffile

from flimage import FLSeries, Recipe, correct, provenance
from flimage.batch import Outcome, find_recordings, plan, run_batch, run_job
from flimage.batch_report import write_summary_csv, write_summary_page
from flimage.errors import Cancelled, InputError, MissingFileError
from flimage.output import PART_SUFFIX
from flimage.parallel import default_workers
from flimage.processes import Advanced, Finished, Lost, run_in_processes
from flimage.progress import Progress
from flimage.source import SeriesSource

TIMES = 0.5 * np.arange(12)
RECIPE = Recipe(border_px=5)


def record(path: Path, rate: float = 0.1, seed: int = 0) -> Path:
    truth = simulation.simulate(TIMES, simulation.exponential(rate, 0.2), shape=(32, 32), seed=seed)
    return simulation.write(path, truth, path.stem)


def damage(paths: list[Path]) -> None:
    """Damage three recordings in different ways: cut off, no HDF5, and wrong bytes in a frame."""
    cut, other, bits = paths
    cut.write_bytes(cut.read_bytes()[: cut.stat().st_size // 2])
    other.write_bytes(b"this is no recording" * 50)
    with h5py.File(bits) as file:
        chunk = file["fli_5/fluorescence/raw"].id.get_chunk_info(0)
    data = bytearray(bits.read_bytes())
    for position in (20, 50, 70):
        data[chunk.byte_offset + position] ^= 0xFF
    bits.write_bytes(data)


def frames_of(path: Path) -> np.ndarray:
    with FLSeries(h5file=path, h5mode="r") as series:
        return np.stack([fli.raw_fl for fli in series])


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def border_of(path: Path) -> int:
    """Border that a corrected file was made with."""
    with h5py.File(path) as file:
        record = provenance.read(file)
    assert record is not None
    return record.recipe.border_px


def written_size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*.h5"))


def statuses(outcomes: list[Outcome]) -> list[str]:
    return [outcome.status for outcome in outcomes]


@pytest.fixture
def five(tmp_path: Path) -> list[Path]:
    """Five small recordings."""
    folder = tmp_path / "in"
    folder.mkdir()
    return [record(folder / f"rec{i}.h5", 0.05 * (i + 1), i) for i in range(5)]


# --- the whole --------------------------------------------------------------------------------


def test_of_200_recordings_three_damaged_ones_are_reported_and_197_corrected(
    tmp_path: Path, run: Any
) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    template = record(folder / "rec000.h5").read_bytes()
    paths = [folder / f"rec{i:03}.h5" for i in range(200)]
    for path in paths[1:]:
        path.write_bytes(template)
    broken = [paths[17], paths[111], paths[160]]
    damage(broken)
    out = tmp_path / "corrected"
    arguments = ("bleach", *paths, "--out-dir", out, "--jobs", 2, "--border", 5)
    code, stdout, stderr = run(*arguments)
    assert code == 1
    assert len(list(out.glob("*_corrected.h5"))) == 197
    assert not list(out.glob(f".*{PART_SUFFIX}"))
    reports = [line for line in stderr.splitlines() if line.startswith("flimage: ")]
    assert len(reports) == 3
    for path in broken:
        (line,) = (line for line in reports if path.name in line)
        assert line.endswith(".")
        assert "Traceback" not in line
    assert "200 recordings: 197 corrected, 3 failed." in stdout
    rows = read_csv(out / "summary.csv")
    assert len(rows) == 200
    failed = [row for row in rows if row["status"] == "failed"]
    assert [Path(row["recording"]) for row in failed] == broken
    assert all(row["remark"] and not row["output"] for row in failed)
    assert "3 failed" in (out / "summary.html").read_text(encoding="utf-8")


# --- resuming -----------------------------------------------------------------------------------


def test_a_batch_does_only_what_is_missing_or_out_of_date(five: list[Path], tmp_path: Path) -> None:
    jobs = plan(five, tmp_path / "out", RECIPE)
    assert statuses(run_batch(jobs[:3], workers=0)) == ["corrected"] * 3
    made = jobs[0].out.stat().st_mtime_ns
    again = run_batch(jobs, workers=0)
    assert statuses(again) == ["unchanged"] * 3 + ["corrected"] * 2
    assert jobs[0].out.stat().st_mtime_ns == made
    # The numbers of what was skipped are in the summary all the same.
    assert again[0].facts["parameters"].keys() == again[4].facts["parameters"].keys()


def test_other_settings_or_another_recording_are_refused_until_overwriting_is_allowed(
    five: list[Path], tmp_path: Path
) -> None:
    run_batch(plan(five[:2], tmp_path / "out", RECIPE), workers=0)
    record(five[1], 0.5, seed=9)
    os.utime(five[1], ns=(1, 1))
    other = RECIPE.replace(model="linear")
    outcomes = run_batch(
        [*plan(five[:1], tmp_path / "out", other), *plan(five[1:2], tmp_path / "out", RECIPE)],
        workers=0,
    )
    assert statuses(outcomes) == ["failed", "failed"]
    assert "other settings" in outcomes[0].sentence
    assert "has changed" in outcomes[1].sentence
    jobs = plan(five[:2], tmp_path / "out", other, overwrite=True)
    assert statuses(run_batch(jobs, workers=0)) == ["corrected", "corrected"]


def test_a_file_that_no_batch_wrote_is_never_taken_for_done(
    five: list[Path], tmp_path: Path
) -> None:
    (job,) = plan(five[:1], tmp_path, RECIPE)
    with FLSeries(h5file=five[0], h5mode="r") as series:
        correct.run(SeriesSource(series), RECIPE, job.out)
    assert "not written by a batch" in run_job(job).sentence
    job.out.write_text("notes")
    assert run_job(job).status == "failed"
    assert job.out.read_text() == "notes"


def test_a_cancelled_batch_keeps_what_is_done_and_resumes(five: list[Path], tmp_path: Path) -> None:
    jobs = plan(five, tmp_path / "out", RECIPE)
    finished: list[Outcome] = []

    def stop(done: int, total: int, stage: str) -> None:
        if len(finished) == 2:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run_batch(jobs, workers=0, progress=stop, finished=finished.append)
    assert len(list((tmp_path / "out").iterdir())) == 2
    assert statuses(run_batch(jobs, workers=0)).count("unchanged") == 2


def test_the_border_suits_each_recording_where_nothing_says_how_wide_it_is(
    five: list[Path], tmp_path: Path, run: Any
) -> None:
    wide = simulation.simulate(TIMES, simulation.exponential(0.2), shape=(150, 130))
    simulation.write(tmp_path / "wide.h5", wide)
    out = tmp_path / "o"
    command = ("bleach", five[0], tmp_path / "wide.h5", "--out-dir", out)
    code, _, err = run(*command)
    assert code == 0, err
    borders = {path.name: border_of(path) for path in out.glob("*.h5")}
    assert borders == {"rec0_corrected.h5": 5, "wide_corrected.h5": 20}
    assert run("bleach", five[0], tmp_path / "single.h5")[0] == 0
    assert border_of(tmp_path / "single.h5") == 5, "as a single correction"
    assert "2 unchanged" in run(*command)[1]
    # The same border counts as the same settings, however it was chosen.
    assert "2 unchanged" in run(*command, "--border", "auto")[1]
    assert "1 unchanged, 1 failed" in run(*command, "--border", 20)[1]


def test_the_border_of_a_recipe_file_counts_unless_it_is_to_suit_the_frames(
    five: list[Path], tmp_path: Path, run: Any
) -> None:
    (tmp_path / "recipe.json").write_text(RECIPE.replace(border_px=3).to_json())
    for name, more, border in (("a", (), 3), ("b", ("--border", "auto"), 5)):
        command = ("bleach", five[0], "--recipe", tmp_path / "recipe.json", *more)
        assert run(*command, "--out-dir", tmp_path / name)[0] == 0
        assert border_of(tmp_path / name / "rec0_corrected.h5") == border
        assert run(*command, tmp_path / f"{name}.h5")[0] == 0
        assert border_of(tmp_path / f"{name}.h5") == border


def test_the_compression_that_was_asked_for_is_used(tmp_path: Path, run: Any) -> None:
    truth = simulation.simulate(TIMES, simulation.exponential(0.2), shape=(300, 300))
    path = simulation.write(tmp_path / "large.h5", truth)
    for level in ("fast", "small"):
        command = ("bleach", path, "--out-dir", tmp_path / level, "--compression", level)
        assert run(*command)[0] == 0
    assert written_size(tmp_path / "small") < written_size(tmp_path / "fast")


def test_pages_are_written_for_recordings_that_were_corrected_before(
    five: list[Path], tmp_path: Path, run: Any
) -> None:
    out = tmp_path / "o"
    command = ("bleach", *five[:2], "--out-dir", out, "--border", 5)
    assert run(*command)[0] == 0
    assert not list(out.glob("rec*.html"))
    assert "2 unchanged" in run(*command, "--pages")[1]
    pages = sorted(out.glob("rec*.html"))
    assert [page.name for page in pages] == ["rec0_corrected.html", "rec1_corrected.html"]
    assert all("First frame" in page.read_text(encoding="utf-8") for page in pages)
    assert 'href="rec0_corrected.html"' in (out / "summary.html").read_text(encoding="utf-8")
    written = pages[0].stat().st_mtime_ns
    run(*command, "--pages")
    assert pages[0].stat().st_mtime_ns == written, "a page that is there stays"


def test_a_batch_tells_how_far_each_recording_is(five: list[Path], tmp_path: Path) -> None:
    told: list[tuple[int, float]] = []
    jobs = plan(five[:2], tmp_path / "out", RECIPE)
    run_batch(jobs, workers=2, advanced=lambda number, share: told.append((number, share)))
    assert {number for number, _ in told} == {0, 1}
    assert all(0 <= share <= 1 for _, share in told)


# --- what is written ----------------------------------------------------------------------------


def test_a_batch_writes_what_a_single_correction_writes(five: list[Path], tmp_path: Path) -> None:
    (job,) = plan(five[:1], tmp_path / "out", RECIPE)
    run_batch([job])
    with FLSeries(h5file=five[0], h5mode="r") as series:
        correct.run(SeriesSource(series), RECIPE, tmp_path / "single.h5")
    np.testing.assert_array_equal(frames_of(job.out), frames_of(tmp_path / "single.h5"))


def test_a_recording_that_does_not_bleach_is_written_and_named(
    five: list[Path], tmp_path: Path, run: Any
) -> None:
    truth = simulation.simulate(TIMES, np.ones_like, shape=(32, 32))
    constant = simulation.write(tmp_path / "constant.h5", truth)
    code, out, _ = run("bleach", constant, five[0], "--out-dir", tmp_path / "o", "--border", 5)
    assert code == 3
    assert "constant.h5: not corrected (gain 1): " in out
    page = (tmp_path / "o" / "summary.html").read_text(encoding="utf-8")
    # What needs a person stands first.
    assert page.index("constant.h5") < page.index("rec0.h5")


def record_in_doubt(path: Path) -> Path:
    """Write a recording whose background drifts, so that its correction needs a look."""
    truth = simulation.simulate(TIMES, simulation.exponential(0.1, 0.2), shape=(32, 32))
    drifting = replace(truth, images=truth.images + 4.0 * np.arange(len(TIMES))[:, None, None])
    return simulation.write(path, drifting, path.stem)


def test_a_batch_says_in_the_words_of_the_verdict_what_became_of_each_recording(
    five: list[Path], tmp_path: Path, run: Any
) -> None:
    truth = simulation.simulate(TIMES, np.ones_like, shape=(32, 32))
    constant = simulation.write(tmp_path / "constant.h5", truth)
    doubt = record_in_doubt(tmp_path / "doubt.h5")
    command = ("bleach", constant, doubt, five[0], "--out-dir", tmp_path / "o", "--border", 5)
    code, out, _ = run(*command)
    assert code == 3
    for line in (
        "constant.h5: not corrected (gain 1): ",
        "doubt.h5: use with caution: ",
        "rec0.h5: corrected: ",
        "3 recordings: 1 corrected, 1 use with caution, 1 not corrected (gain 1).",
    ):
        assert line in out
    rows = read_csv(tmp_path / "o" / "summary.csv")
    assert [(row["status"], row["verdict"]) for row in rows] == [
        ("not corrected (gain 1)", "refused"),
        ("use with caution", "caution"),
        ("corrected", "good"),
    ]
    page = (tmp_path / "o" / "summary.html").read_text(encoding="utf-8")
    assert '<span class="badge caution">use with caution</span>' in page
    # What is there already is no better for that.
    _, out, _ = run(*command)
    assert "doubt.h5: unchanged (use with caution): " in out
    assert "1 unchanged, 1 unchanged (use with caution), 1 unchanged (not corrected)." in out


def test_a_recording_that_was_corrected_already_is_named_as_such(
    five: list[Path], tmp_path: Path, run: Any
) -> None:
    first = tmp_path / "first.h5"
    # A model that leaves a decay behind, so that nothing else warns of the second correction.
    assert run("bleach", five[4], first, "--model", "linear", "--max-gain", 1.2)[0] == 0
    command = ("bleach", first, "--out-dir", tmp_path / "o")
    for state in ("", "unchanged"):
        _, out, _ = run(*command)
        assert f"first.h5: {state}" in out
        assert "first.h5 was bleach-corrected already, from rec4.h5; correcting it again" in out
        assert "corrected, " not in out.splitlines()[-1]
        (row,) = read_csv(tmp_path / "o" / "summary.csv")
        assert row["verdict"] != "good"
        assert "counts twice" in row["remark"]


def test_the_summary_holds_the_fit_of_every_recording(five: list[Path], tmp_path: Path) -> None:
    outcomes = run_batch(plan(five, tmp_path / "out", RECIPE), workers=0)
    write_summary_csv(outcomes, tmp_path / "s.csv")
    rows = read_csv(tmp_path / "s.csv")
    for number, row in enumerate(rows):
        low, high = float(row["rate low 95 % [1/s]"]), float(row["rate high 95 % [1/s]"])
        assert low < float(row["rate [1/s]"]) < high
        assert row["verdict"] in ("good", "caution")
        assert row["frames"] == "12"
        assert Path(row["output"]) == outcomes[number].job.out
    rates = [float(row["rate [1/s]"]) for row in rows]
    assert rates == sorted(rates)


def test_the_summary_page_links_the_report_of_each_recording(
    five: list[Path], tmp_path: Path, run: Any
) -> None:
    five[0] = five[0].rename(five[0].with_name("a&b #1.h5"))
    out = tmp_path / "o"
    assert run("bleach", *five[:2], "--out-dir", out, "--border", 5, "--pages")[0] == 0
    page = (out / "summary.html").read_text(encoding="utf-8")
    assert 'href="a%26b%20%231_corrected.html"' in page
    assert "a&amp;b #1.h5" in page
    assert "First frame" in (out / "a&b #1_corrected.html").read_text(encoding="utf-8")


def test_failures_cannot_break_the_summary_page(tmp_path: Path) -> None:
    (job,) = plan([tmp_path / "<b>gone.h5"], tmp_path, RECIPE)
    outcome = run_job(job)
    assert (outcome.status, "no file" in outcome.sentence) == ("failed", True)
    write_summary_page([outcome], tmp_path / "s.html")
    text = (tmp_path / "s.html").read_text(encoding="utf-8")
    assert "<b>" not in text
    assert "&lt;b&gt;gone.h5" in text


def test_a_recipe_file_sets_the_whole_batch(five: list[Path], tmp_path: Path, run: Any) -> None:
    recipe = RECIPE.replace(model="linear", exclude=(2,))
    (tmp_path / "recipe.json").write_text(recipe.to_json())
    out = tmp_path / "o"
    code, _, _ = run("bleach", *five, "--out-dir", out, "--recipe", tmp_path / "recipe.json")
    assert code == 0
    assert {row["model"] for row in read_csv(out / "summary.csv")} == {"linear"}


# --- other formats ------------------------------------------------------------------------------


@pytest.fixture
def stacks(tmp_path: Path) -> list[Path]:
    """One recording as OME-TIFF, which states its times, and one as plain TIFF."""
    paths = [tmp_path / "timed.ome.tif", tmp_path / "plain.tif"]
    for path, more in zip(paths, ({"TimeIncrement": 0.5}, None), strict=True):
        truth = simulation.simulate(TIMES, simulation.exponential(0.2), shape=(32, 32))
        stack = truth.images.astype(np.uint16)
        metadata = None if more is None else {"axes": "TYX", **more}
        tifffile.imwrite(path, stack, ome=more is not None, metadata=metadata)
    return paths


def test_recordings_in_other_formats_become_what_converting_first_makes_of_them(
    five: list[Path], stacks: list[Path], tmp_path: Path, run: Any
) -> None:
    out = tmp_path / "o"
    command = ("bleach", *stacks, five[0], "--out-dir", out, "--interval", 0.5)
    code, said, err = run(*command)
    assert code == 0, err
    assert "3 recordings: 3 corrected." in said
    names = {path.name for path in out.iterdir()}
    results = {"timed_corrected.h5", "plain_corrected.h5", "rec0_corrected.h5"}
    assert names == {*results, "summary.csv", "summary.html"}, "nothing else is left"
    assert run("convert", stacks[1], tmp_path / "c.h5", "--interval", 0.5)[0] == 0
    assert run("bleach", tmp_path / "c.h5", tmp_path / "single.h5", "--interval", 0.5)[0] == 0
    np.testing.assert_array_equal(
        frames_of(out / "plain_corrected.h5"), frames_of(tmp_path / "single.h5")
    )
    with h5py.File(out / "plain_corrected.h5") as file:
        record = provenance.read(file)
    assert record is not None
    assert record.source == "plain.tif"
    assert "3 unchanged" in run(*command)[1]


def test_a_recording_without_times_is_named_and_the_others_go_on(
    stacks: list[Path], tmp_path: Path, run: Any
) -> None:
    code, out, _ = run("bleach", *stacks, "--out-dir", tmp_path / "o", "--pages")
    assert code == 1
    assert "timed.ome.tif: corrected: " in out
    assert "plain.tif does not state when its frames were taken" in out
    assert "--interval" in out
    page = (tmp_path / "o" / "timed_corrected.html").read_text(encoding="utf-8")
    assert "timed.ome.tif" in page
    assert not list((tmp_path / "o").glob(".*"))


def test_a_recording_that_is_not_there_does_not_stop_the_others(
    tmp_path: Path, stacks: list[Path], run: Any
) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    stacks[1].rename(folder / "plain.tif")
    names = (folder / "mistyped.tif", folder / "plain.tif", folder / "missing.h5")
    code, out, err = run("bleach", *names, "--interval", 0.5, "--out-dir", tmp_path / "o")
    assert code == 1
    assert "3 recordings: 1 corrected, 2 failed." in out
    for name in ("mistyped.tif", "missing.h5"):
        assert f"{name}: failed: There is no file {folder / name}" in out
    assert "become" not in err
    assert (tmp_path / "o" / "plain_corrected.h5").exists()


def test_datasets_of_other_programs_go_into_a_batch(tmp_path: Path, run: Any) -> None:
    truth = simulation.simulate(TIMES, simulation.exponential(0.2), shape=(32, 32))
    for name in ("a.h5", "b.h5"):
        with h5py.File(tmp_path / name, "w") as file:
            for dataset in ("/t", "/deep/t"):
                file[dataset] = truth.images.astype(np.uint16)
    out = tmp_path / "o"
    names = [f"{tmp_path}/a.h5::/t", f"{tmp_path}/a.h5::/deep/t", f"{tmp_path}/[b].h5::/t"]
    command = ("bleach", *names, "--interval", 0.5, "--out-dir", out, "--pages")
    code, said, err = run(*command, f"{tmp_path}/c.h5::/t")
    assert code == 1, err
    assert "4 recordings: 3 corrected, 1 failed." in said
    assert f"There is no file {tmp_path / 'c.h5'}; check" in said
    assert "a.h5::/deep/t: corrected: " in said
    assert "a.h5::/deep/t" in (out / "summary.html").read_text(encoding="utf-8")
    results = {path.name for path in out.glob("*.h5")}
    assert results == {"a_t_corrected.h5", "a_deep_t_corrected.h5", "b_t_corrected.h5"}
    with h5py.File(out / "a_deep_t_corrected.h5") as file:
        record = provenance.read(file)
        assert json.loads(file.attrs["batch source"])["name"] == "a.h5::/deep/t"
    assert record is not None
    assert record.source == "a.h5::/deep/t"
    assert "3 unchanged" in run(*command)[1]


def test_of_several_time_series_in_a_file_none_is_chosen_by_a_batch(
    tmp_path: Path, run: Any
) -> None:
    path = tmp_path / "two.ome.tif"
    stack = np.ones((6, 2, 8, 8), np.uint16)
    tifffile.imwrite(path, stack, ome=True, metadata={"axes": "TCYX", "TimeIncrement": 1.0})
    code, out, _ = run("bleach", path, "--out-dir", tmp_path / "o")
    assert code == 1
    assert "two.ome.tif holds more than one time series (2 along channel)" in out
    assert "flimage convert" in out


@pytest.mark.parametrize("stage", ["Converting", "Correcting"])
def test_a_conversion_that_is_stopped_leaves_nothing_behind(
    stacks: list[Path], tmp_path: Path, stage: str
) -> None:
    folder = tmp_path / "o"
    folder.mkdir()
    (job,) = plan(stacks[:1], folder, RECIPE)

    def stop(done: int, total: int, what: str) -> None:
        if what == stage:
            assert len(list(folder.iterdir())) == 2, "output and series between"
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        run_job(job, stop)
    assert not list(folder.iterdir())


def test_progress_counts_converting_too(stacks: list[Path], tmp_path: Path) -> None:
    told: list[float] = []
    (job,) = plan(stacks[:1], tmp_path, RECIPE)
    run_job(job, lambda done, total, stage: told.append(done / total))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0, 1)


# --- names --------------------------------------------------------------------------------------


def test_recordings_in_a_folder_that_are_left_out_are_told(
    five: list[Path], tmp_path: Path, run: Any
) -> None:
    folder = five[0].parent
    for path in five[2:]:
        path.unlink()
    words = ("bleach", folder, "--out-dir", tmp_path / "out", "--border", 5)
    assert "not looked at" not in run(*words)[1]
    (folder / "z.nd2").touch()
    one = "1 recording in another format (z.nd2) was not looked at; name it to correct it, too."
    assert one in run(*words)[1]
    (folder / "a.tif").touch()
    code, out, _ = run(*words)
    assert code == 0
    assert "2 recordings in other formats (the first is a.tif) were not looked at; name" in out


def test_folders_and_patterns_stand_for_their_series_files(
    five: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = five[0].parent
    (folder / "notes.txt").write_text("x")
    assert find_recordings([folder]) == five
    assert find_recordings([folder / "rec[0-2].h5", five[1]]) == five[:3]
    monkeypatch.chdir(folder)
    assert find_recordings(["*.h5"]) == [Path(path.name) for path in five]
    with pytest.raises(MissingFileError, match="stands for no series file"):
        find_recordings([folder / "*.hdf5"])


def test_two_recordings_of_one_name_are_refused_before_anything_is_done(
    five: list[Path], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"would both become rec0_corrected\.h5"):
        plan([five[0], tmp_path / "rec0.h5"], tmp_path / "out", RECIPE)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (("--jobs", 2), "--jobs goes with --out-dir"),
        (("b.h5", "c.h5"), "--out-dir"),
        (("--out-dir", "o", "--figure", "f.png"), "--figure is for a single recording"),
        (("--out-dir", "o", "--jobs", 2, "--scheduler", "x"), "--jobs is for this computer"),
    ],
)
def test_options_that_would_be_ignored_are_refused(
    run: Any, five: list[Path], options: tuple[Any, ...], sentence: str
) -> None:
    code, _, err = run("bleach", five[0], *options)
    assert code == 2
    assert sentence in err


def test_files_may_stand_before_behind_and_between_the_options(
    five: list[Path], tmp_path: Path, run: Any
) -> None:
    command = ("bleach", five[0], "--border", 5, five[1], "--out-dir", tmp_path / "o", five[2])
    code, out, err = run(*command)
    assert code == 0, err
    assert "3 recordings" in out
    code, _, err = run("bleach", five[0], "--border", 5, five[1], "--nonsense")
    assert code == 2
    assert "unrecognized arguments" in err
    assert "--nonsense" in err


# --- processes ----------------------------------------------------------------------------------


def work(item: tuple[str, str], progress: Progress) -> Any:
    """Runs in other processes: does what the item says."""
    what, argument = item
    if what == "square":
        return int(argument) ** 2
    if what == "threads":
        return default_workers()
    if what == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if what == "die once":
        marker = Path(argument)
        if not marker.exists():
            marker.write_text("tried")
            os.kill(os.getpid(), signal.SIGKILL)
        return "survived"
    if what == "wait":
        try:
            for step in range(1000):
                progress(step, 1000, "Waiting")
                time.sleep(0.05)
        finally:
            Path(argument).write_text("cleaned up")
    return None


def test_results_come_from_several_processes_each_with_its_share_of_threads() -> None:
    items = [("square", str(i)) for i in range(6)] + [("threads", "")]
    events = list(run_in_processes(work, items, 2))
    results = {e.item: e.result for e in events if isinstance(e, Finished)}
    assert [results[i] for i in range(6)] == [0, 1, 4, 9, 16, 25]
    assert results[6] == max(1, default_workers() // 2)


def test_a_process_that_dies_costs_no_other_item_and_its_own_is_tried_again(
    tmp_path: Path,
) -> None:
    items = [("square", "3"), ("die", ""), ("die once", str(tmp_path / "m")), ("square", "4")]
    events = list(run_in_processes(work, items, 2))
    results = {e.item: e.result for e in events if isinstance(e, Finished)}
    assert results == {0: 9, 2: "survived", 3: 16}
    assert [e for e in events if isinstance(e, Lost)] == [Lost(1, -signal.SIGKILL)]


def test_stopping_ends_the_processes_which_clean_up(tmp_path: Path) -> None:
    marker = tmp_path / "marker"
    with contextlib.closing(run_in_processes(work, [("wait", str(marker))], 1)) as events:
        assert next(events) == Advanced(0, 0, 1), "it was handed out"
        assert isinstance(next(events), Advanced)
    assert marker.read_text() == "cleaned up"


def test_an_interrupted_batch_leaves_no_half_written_file(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    truth = simulation.simulate(0.1 * np.arange(300), simulation.exponential(0.1), shape=(96, 96))
    for number in range(4):
        simulation.write(folder / f"r{number}.h5", truth)
    out = tmp_path / "o"
    command = [sys.executable, "-m", "flimage.cli", "bleach", folder, "--out-dir", out]
    process = subprocess.Popen([str(part) for part in command], stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 30
    while not list(out.glob(f".*{PART_SUFFIX}")) and time.monotonic() < deadline:
        time.sleep(0.005)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Interrupted after" in stderr
    assert not list(out.glob(f".*{PART_SUFFIX}"))
    assert len(list(out.iterdir())) < 4


# --- cluster ------------------------------------------------------------------------------------


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A Dask scheduler and two workers, each in a process of its own."""
    pytest.importorskip("distributed")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    address = f"tcp://127.0.0.1:{port}"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    folder = tmp_path / "dask"
    folder.mkdir()

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        with (folder / f"{arguments[0]}.log").open("ab") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "dask", *arguments],
                stdout=log,
                stderr=log,
                cwd=folder,
                env=environment,
            )

    scheduler = start("scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard")
    options = ("--no-nanny", "--nthreads", "1", "--no-dashboard", "--local-directory", str(folder))
    workers = [start("worker", address, *options) for _ in range(2)]
    try:
        deadline = time.monotonic() + 60
        log = folder / "worker.log"
        while log.read_text().count("Registered to") < 2:
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(0.05)
        yield address, workers
    finally:
        for process in (*workers, scheduler):
            process.kill()
            process.wait()


def test_a_batch_on_a_cluster_survives_a_worker_that_is_killed(
    tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, workers = cluster
    folder = tmp_path / "in"
    folder.mkdir()
    template = record(folder / "rec000.h5").read_bytes()
    paths = [folder / f"rec{i:03}.h5" for i in range(200)]
    for path in paths[1:]:
        path.write_bytes(template)
    damage([paths[3], paths[100], paths[199]])
    out = tmp_path / "out"
    command = ["bleach", folder, "--out-dir", out, "--border", 5, "--scheduler", address]
    process = subprocess.Popen(
        [sys.executable, "-m", "flimage.cli", *(str(part) for part in command)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while len(list(out.glob("rec*.h5"))) < 20:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    workers[0].send_signal(signal.SIGKILL)
    stdout, stderr = process.communicate(timeout=240)
    assert process.returncode == 1, stderr
    assert len(list(out.glob("*_corrected.h5"))) == 197
    assert not list(out.glob(f".*{PART_SUFFIX}"))
    assert stderr.count("flimage: rec") == 3
    assert "3 failed." in stdout
    assert workers[1].poll() is None


def test_a_scheduler_that_does_not_answer_is_named(five: list[Path], tmp_path: Path) -> None:
    pytest.importorskip("distributed")
    # In a process of its own, because the client keeps a thread.
    code = f"""
import sys
from flimage import cli, cluster
cluster._TIMEOUT = 1.0
sys.exit(cli.main(["bleach", {str(five[0])!r}, "--out-dir", {str(tmp_path / "o")!r},
                   "--scheduler", "tcp://127.0.0.1:9"]))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "flimage: No Dask scheduler answers at tcp://127.0.0.1:9" in done.stderr
    assert "Traceback" not in done.stderr


def test_identities_are_kept_as_json_beside_the_provenance(
    five: list[Path], tmp_path: Path
) -> None:
    (job,) = plan(five[:1], tmp_path / "out", RECIPE)
    run_batch([job], workers=0)
    with h5py.File(job.out) as file:
        identity = json.loads(file.attrs["batch source"])
    assert identity["name"] == "rec0.h5"
    assert identity["size"] == five[0].stat().st_size
