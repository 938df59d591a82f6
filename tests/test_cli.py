"""The command line: exit codes, sentences instead of tracebacks, and the library's own results."""

from __future__ import annotations

import argparse
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import simulation
import tifffile

import flimage
from flimage import FLImage, FLSeries, Recipe, Region, cli, commands, correct, scan_cache
from flimage.errors import Cancelled
from flimage.options import frame_numbers, positive, region
from flimage.output import PART_SUFFIX
from flimage.source import SeriesSource

TIMES = 0.5 * np.arange(60)


@pytest.fixture(scope="module")
def bleaching(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A series that bleaches with 0.1 /s to 20 %."""
    truth = simulation.simulate(TIMES, simulation.exponential(0.1, 0.2))
    return simulation.write(tmp_path_factory.mktemp("cli") / "cells.h5", truth, "dish")


@pytest.fixture(scope="module")
def constant(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A series that does not bleach."""
    truth = simulation.simulate(TIMES, lambda t: np.ones_like(t))
    return simulation.write(tmp_path_factory.mktemp("cli") / "constant.h5", truth)


def frames_of(path: Path) -> np.ndarray:
    with FLSeries(h5file=path, h5mode="r") as series:
        return np.stack([fli.raw_fl for fli in series])


# --- usage --------------------------------------------------------------------------------------


def test_version_is_printed(run: Any) -> None:
    assert run("--version") == (0, f"flimage {flimage.__version__}\n", "")


@pytest.mark.parametrize("command", ["bleach", "export"])
def test_a_recording_is_measured_once_unless_the_cache_is_switched_off(
    command: str, bleaching: Path, tmp_path: Path, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan_cache.clear_cache()
    measured: list[bool] = []
    scan_series = scan_cache.scan_series

    def counting(*arguments: Any, **options: Any) -> Any:
        measured.append(True)
        return scan_series(*arguments, **options)

    monkeypatch.setattr(scan_cache, "scan_series", counting)
    outputs = [tmp_path / f"{i}.{'h5' if command == 'bleach' else 'csv'}" for i in range(3)]
    for out in outputs[:2]:
        assert run(command, bleaching, out, "--border", "5")[0] == 0
    assert measured == [True]
    assert run(command, bleaching, outputs[2], "--border", "5", "--no-cache")[0] == 0
    assert measured == [True]
    if command == "export":
        assert len({out.read_bytes() for out in outputs}) == 1
    scan_cache.clear_cache()


@pytest.mark.parametrize("command", ["info", "bleach", "denoise", "convert", "verify", "undo"])
def test_every_command_explains_itself(command: str, run: Any) -> None:
    code, out, err = run(command, "--help")
    assert code == 0
    assert f"usage: flimage {command}" in out
    assert err == ""


def test_the_exit_codes_are_documented(run: Any) -> None:
    _, out, _ = run("--help")
    for number in (0, 1, 2, 3, 130):
        assert f"\n  {number} " in out


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("frobnicate",),
        ("bleach",),
        ("bleach", "a.h5", "b.h5", "c.h5"),
        ("bleach", "a.h5", "b.h5", "--model", "magic"),
        ("bleach", "a.h5", "b.h5", "--exclude", "9-7"),
        ("bleach", "a.h5", "b.h5", "--region", "1,2,3"),
        ("convert", "a.tif", "a.h5", "--interval", "0"),
        ("verify", "a.h5"),
    ],
)
def test_a_wrong_command_line_exits_with_2(arguments: tuple[str, ...], run: Any) -> None:
    code, out, err = run(*arguments)
    assert code == cli.EXIT_USAGE
    assert out == ""
    assert "flimage" in err


# --- options ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "numbers"),
    [("3", (3,)), ("3,7-9", (3, 7, 8, 9)), (" 9 - 9 , 1,1", (1, 9)), ("", ()), ("2,", (2,))],
)
def test_frame_numbers_are_single_or_in_ranges(text: str, numbers: tuple[int, ...]) -> None:
    assert frame_numbers(text) == numbers


@pytest.mark.parametrize("text", ["a", "-3", "3-", "1.5", "3-2", "1;2"])
def test_what_is_no_frame_number_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        frame_numbers(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("auto", Region()),
        ("frame", Region("frame")),
        ("1,2,30,40.5", Region("rectangle", ((1, 2), (30, 40.5)))),
        ("-1,2e0,3,4", Region("rectangle", ((-1, 2), (3, 4)))),
        ("rectangle:1,2,3,4", Region("rectangle", ((1, 2), (3, 4)))),
        ("ellipse:1,2,3,4", Region("ellipse", ((1, 2), (3, 4)))),
        ("polygon:0,0,9,0,9,9", Region("polygon", ((0, 0), (9, 0), (9, 9)))),
    ],
)
def test_regions_are_read(text: str, expected: Region) -> None:
    assert region(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "all",
        "1,2",
        "1,2,3",
        "1,2,3,4,5,6",
        "a,b,c,d",
        "polygon:1,2,3,4",
        "mask:1,2",
        "nan,1,2,3",
    ],
)
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        region(text)


@pytest.mark.parametrize("text", ["0", "-1", "nan", "inf", "one", ""])
def test_what_is_no_positive_number_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="positive"):
        positive(text)


def test_every_setting_of_a_recipe_has_an_option() -> None:
    parser = argparse.ArgumentParser()
    from flimage.options import add_recipe_options

    add_recipe_options(parser)
    names = {action.dest for action in parser._actions} - {"help", "recipe"}
    assert names == set(Recipe.__dataclass_fields__)


def test_options_change_the_recipe_of_the_file_and_nothing_else(
    bleaching: Path, run: Any, tmp_path: Path
) -> None:
    recipe = Recipe(border_px=6, background="frame", exclude=(4,), max_gain=5, robust=False)
    (tmp_path / "recipe.json").write_text(recipe.to_json(), encoding="utf-8")
    saved = tmp_path / "saved.json"
    code, *_ = run(
        "bleach",
        bleaching,
        "--recipe",
        tmp_path / "recipe.json",
        "--border",
        7,
        "--exclude",
        "1-2",
        "--save-recipe",
        saved,
    )
    assert code == 0
    assert Recipe.from_json(saved.read_text(encoding="utf-8")) == recipe.replace(
        border_px=7, exclude=(1, 2)
    )


@pytest.mark.parametrize(
    ("content", "message"), [("{", "not valid JSON"), ('{"colour": 1}', "unknown setting 'colour'")]
)
def test_a_recipe_file_that_is_none_is_refused(
    content: str, message: str, bleaching: Path, run: Any, tmp_path: Path
) -> None:
    (tmp_path / "recipe.json").write_text(content, encoding="utf-8")
    code, _, err = run("bleach", bleaching, "--recipe", tmp_path / "recipe.json")
    assert code == cli.EXIT_FAILED
    assert message in err


# --- info ---------------------------------------------------------------------------------------


def test_info_tells_what_a_series_holds(bleaching: Path, run: Any) -> None:
    code, out, err = run("info", bleaching)
    assert (code, err) == (0, "")
    for text in ("60 frames", "dish", "64 × 64 px", "float32", "0 s … 29.5 s", "500 ms apart"):
        assert text in out


def test_info_gives_the_same_facts_as_json(bleaching: Path, run: Any) -> None:
    code, out, _ = run("info", "--json", bleaching)
    facts = json.loads(out)
    assert code == 0
    assert facts["frames"] == 60
    assert facts["shape"] == [64, 64]
    assert facts["last time [s]"] == 29.5
    assert facts["interval [s]"] == 0.5
    assert facts["identifier"] == "dish"


def test_info_tells_about_assigned_backgrounds_and_common_metadata(
    run: Any, tmp_path: Path
) -> None:
    frames = [
        FLImage(np.ones((3, 4)), meta_data={"time": t, "device": "camera", "pos x": t})
        for t in range(3)
    ]
    frames[1].set_bg_data(np.zeros((3, 4)))
    with FLSeries(frames, h5file=tmp_path / "a.h5"):
        pass
    _, out, _ = run("info", tmp_path / "a.h5")
    assert "assigned to 1 frame" in out
    assert "camera" in out
    assert "pos x" not in out


def test_info_tells_about_a_single_image(run: Any, tmp_path: Path) -> None:
    with FLImage(
        np.ones((3, 4)), meta_data={"time": 0.25, "identifier": "x"}, h5file=tmp_path / "a.h5"
    ):
        pass
    code, out, _ = run("info", tmp_path / "a.h5")
    assert code == 0
    assert "image, 1 frame" in out
    assert "250 ms" in out


def test_info_tells_about_a_recording_that_is_not_converted(run: Any, tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 6, 7), "uint8"))
    code, out, _ = run("info", tmp_path / "a.tif")
    assert code == 0
    assert "TIFF recording, 5 frames" in out
    assert "7 × 6 px" in out


def test_info_tells_about_an_empty_series(run: Any, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w"):
        pass
    code, out, _ = run("info", tmp_path / "a.h5")
    assert code == 0
    assert "0 frames" in out


def test_info_tells_how_a_corrected_file_was_made(
    bleaching: Path, run: Any, tmp_path: Path
) -> None:
    assert run("bleach", bleaching, tmp_path / "a.h5")[0] == 0
    code, out, _ = run("info", tmp_path / "a.h5")
    assert code == 0
    assert "from cells.h5" in out
    assert "exponential" in out
    assert "/s" in out
    facts = json.loads(run("info", "--json", tmp_path / "a.h5")[1])
    assert facts["correction"]["recipe"] == json.loads(Recipe(border_px=10).to_json())


def test_a_series_is_found_in_the_only_group_that_holds_one(run: Any, tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as h5:
        FLSeries([FLImage(np.ones((3, 4)))], h5file=h5.create_group("data/flseries"))
        h5.create_dataset("data/other", data=[1])
    code, out, _ = run("info", tmp_path / "a.h5")
    assert code == 0
    assert "/data/flseries" in out
    with h5py.File(tmp_path / "a.h5", "a") as h5:
        FLSeries([FLImage(np.ones((5, 6)))], h5file=h5.create_group("second"))
    code, _, err = run("info", tmp_path / "a.h5")
    assert code == cli.EXIT_FAILED
    assert "2 series" in err
    assert "--group" in err
    assert "6 × 5 px" in run("info", tmp_path / "a.h5", "--group", "second")[1]
    assert run("info", tmp_path / "a.h5", "--group", "third")[0] == cli.EXIT_FAILED


@pytest.mark.parametrize(
    ("command", "options", "remedy"),
    [
        ("bleach", (), "--interval SECONDS"),
        ("bleach", ("--interval", 1, "--border", 99), "use at most 1 px"),
        ("export", (), "--interval SECONDS"),
        ("traces", ("--on", "bleach-corrected", "--follow", "a=0,0,2,2"), "--interval SECONDS"),
    ],
)
def test_what_is_wrong_with_a_recording_names_its_file(
    run: Any, tmp_path: Path, command: str, options: tuple[object, ...], remedy: str
) -> None:
    path = tmp_path / "timeless.h5"
    FLSeries([FLImage(np.full((3, 4), 9 - i)) for i in range(6)], h5file=path).close()
    out = tmp_path / ("a.h5" if command == "bleach" else "a.csv")
    code, _, err = run(command, path, out, *options)
    assert code == cli.EXIT_FAILED
    assert err.count("timeless.h5") == 1
    assert remedy in err
    assert not out.exists()


def test_the_program_is_run_as_a_module() -> None:
    found = subprocess.run(
        [sys.executable, "-m", "flimage", "--version"], capture_output=True, text=True, check=True
    )
    assert found.stdout.split()[0] == "flimage"


# --- bleach -------------------------------------------------------------------------------------


def test_bleach_writes_what_the_library_writes(bleaching: Path, run: Any, tmp_path: Path) -> None:
    code, out, err = run("bleach", bleaching, tmp_path / "cli.h5", "--border", 8)
    assert (code, err) == (0, "")
    assert str(tmp_path / "cli.h5") in out
    assert "verdict" in out
    with FLSeries(h5file=bleaching, h5mode="r") as series:
        correct.run(SeriesSource(series), Recipe(border_px=8), tmp_path / "library.h5")
    np.testing.assert_array_equal(
        frames_of(tmp_path / "cli.h5"), frames_of(tmp_path / "library.h5")
    )


def test_bleach_prints_the_decay_rate_with_its_unit(bleaching: Path, run: Any) -> None:
    _, out, _ = run("bleach", bleaching)
    line = next(line for line in out.splitlines() if " k = " in line)
    assert float(line.partition(" k = ")[2].split()[0]) == pytest.approx(0.1, rel=0.02)
    assert "/s" in line
    assert "name an output file" in out


def test_frames_that_do_not_exist_are_told(bleaching: Path, run: Any) -> None:
    code, out, _ = run("bleach", bleaching, "--exclude", "2,500", "--last", "600")
    assert code == 0
    assert re.search(r"no frame 500 \(--exclude\); the last one is \d+", out)
    assert "no frame 600 (--last)" in out
    assert "no frame" not in run("bleach", bleaching, "--exclude", "2")[1]


def test_bleach_says_what_the_offset_was_taken_for(bleaching: Path, run: Any) -> None:
    _, out, _ = run("bleach", bleaching)
    assert "offset      taken for signal that does not bleach: it stays" in out
    _, out, _ = run("bleach", bleaching, "--offset", "background", "--max-gain", "1000")
    assert re.search(r"offset +taken for residual background: .*counts/px more are subtracted", out)
    _, out, _ = run("bleach", bleaching, "--model", "linear")
    assert "taken for" not in out


def test_gains_below_one_before_the_fit_range_are_shown(bleaching: Path, run: Any) -> None:
    _, out, _ = run("bleach", bleaching, "--first", "5")
    low = next(line for line in out.splitlines() if line.startswith("gain")).split()[1]
    assert 0.3 < float(low) < 0.9


def test_bleach_tells_how_much_of_a_real_change_survives(
    bleaching: Path, run: Any, tmp_path: Path
) -> None:
    code, out, _ = run("bleach", bleaching, "--events", "--report", tmp_path / "r.json")
    assert code == 0
    line = next(line for line in out.splitlines() if line.startswith("events"))
    assert re.search(r"exponential (9\d|10\d)\u202f%, ratio \d+\u202f%, histogram", line)
    survived = json.loads((tmp_path / "r.json").read_text())["events"]["survived"]
    assert survived["exponential"] == pytest.approx(1.0, abs=0.05)
    assert survived["ratio"] < 0.7
    assert survived["histogram"] < 0.7


@pytest.mark.parametrize("option", [("--events",), ("--variance", "v.h5")])
def test_what_a_batch_would_ignore_is_refused(
    option: tuple[str, ...], bleaching: Path, run: Any, tmp_path: Path
) -> None:
    code, _, err = run("bleach", bleaching, "--out-dir", tmp_path / "d", *option)
    assert code == 2
    assert option[0] in err
    assert not (tmp_path / "d").exists()


def test_bleach_without_output_writes_nothing(bleaching: Path, run: Any) -> None:
    before = sorted(bleaching.parent.iterdir())
    assert run("bleach", bleaching)[0] == 0
    assert sorted(bleaching.parent.iterdir()) == before


def test_bleach_reports_the_whole_fit_as_json(bleaching: Path, run: Any, tmp_path: Path) -> None:
    out = tmp_path / "report.json"
    assert run("bleach", bleaching, tmp_path / "a.h5", "--report", out)[0] == 0
    report = json.loads(out.read_text(encoding="utf-8"))
    assert report["source"] == str(bleaching)
    assert report["flimage"] == flimage.__version__
    assert len(report["fit"]["gain"]) == 60
    assert report["fit"]["recipe"] == json.loads(Recipe(border_px=10).to_json())


@pytest.mark.parametrize(
    ("suffix", "start"), [(".png", b"\x89PNG"), (".svg", b"<?xml"), (".pdf", b"%PDF")]
)
def test_bleach_draws_a_figure(
    suffix: str, start: bytes, bleaching: Path, run: Any, tmp_path: Path
) -> None:
    out = tmp_path / f"fit{suffix}"
    assert run("bleach", bleaching, "--figure", out)[0] == 0
    assert out.read_bytes().startswith(start)


def test_a_figure_of_an_unknown_kind_is_refused_before_anything_is_done(
    bleaching: Path, run: Any, tmp_path: Path
) -> None:
    code, _, err = run("bleach", bleaching, tmp_path / "a.h5", "--figure", tmp_path / "fit.docx")
    assert code == cli.EXIT_FAILED
    assert ".png" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("taken", ["out.h5", "report.json", "fit.png", "recipe.json"])
def test_every_output_that_exists_is_refused_and_nothing_is_written(
    taken: str, bleaching: Path, run: Any, tmp_path: Path
) -> None:
    (tmp_path / taken).write_bytes(b"precious")
    command = (
        "bleach",
        bleaching,
        tmp_path / "out.h5",
        "--report",
        tmp_path / "report.json",
        "--figure",
        tmp_path / "fit.png",
        "--save-recipe",
        tmp_path / "recipe.json",
    )
    code, _, err = run(*command)
    assert code == cli.EXIT_FAILED
    assert taken in err
    assert [path.name for path in tmp_path.iterdir()] == [taken]
    assert (tmp_path / taken).read_bytes() == b"precious"
    assert run(*command, "--overwrite")[0] == 0
    assert len(list(tmp_path.iterdir())) == 4
    assert (tmp_path / taken).read_bytes() != b"precious"


def test_two_outputs_of_one_name_are_refused(bleaching: Path, run: Any, tmp_path: Path) -> None:
    same = tmp_path / "a.json"
    code, _, err = run("bleach", bleaching, "--report", same, "--save-recipe", same)
    assert code == cli.EXIT_FAILED
    assert "same name" in err


@pytest.mark.parametrize("option", [None, "--report", "--save-recipe"])
def test_the_recording_is_never_the_output(option: str | None, run: Any, tmp_path: Path) -> None:
    truth = simulation.simulate(TIMES, simulation.exponential(0.1))
    source = simulation.write(tmp_path / "a.h5", truth)
    before = source.read_bytes()
    outputs = (source,) if option is None else (option, source)
    code, _, err = run("bleach", source, *outputs, "--overwrite")
    assert code == cli.EXIT_FAILED
    assert str(source) in err
    assert source.read_bytes() == before


def test_a_recording_that_does_not_bleach_exits_with_3_and_keeps_its_signal(
    constant: Path, run: Any, tmp_path: Path
) -> None:
    code, out, err = run("bleach", constant, tmp_path / "a.h5")
    assert code == cli.EXIT_REFUSED
    assert err == ""
    assert "refused" in out
    corrected = frames_of(tmp_path / "a.h5").astype(float)
    offset = frames_of(constant).astype(float) - corrected
    np.testing.assert_allclose(offset, offset[0, 0, 0], atol=1e-3)


def test_quiet_prints_nothing(bleaching: Path, run: Any, tmp_path: Path) -> None:
    assert run("bleach", bleaching, tmp_path / "a.h5", "--quiet") == (0, "", "")
    assert run("-q", "bleach", bleaching, tmp_path / "b.h5") == (0, "", "")


def test_bleach_of_a_recording_that_is_not_converted_says_how_to_convert_it(
    run: Any, tmp_path: Path
) -> None:
    (tmp_path / "a.tif").touch()
    code, _, err = run("bleach", tmp_path / "a.tif", tmp_path / "b.h5")
    assert code == cli.EXIT_FAILED
    assert "flimage convert" in err


# --- denoise, verify, undo, example --------------------------------------------------------------


def test_denoise_writes_what_the_library_writes(bleaching: Path, run: Any, tmp_path: Path) -> None:
    code, *_ = run("denoise", bleaching, tmp_path / "cli.h5", "--strength", 0.5)
    assert code == 0
    with FLSeries(h5file=bleaching, h5mode="r") as series:
        series.denoise(tmp_path / "library.h5", strength=0.5)
    np.testing.assert_array_equal(
        frames_of(tmp_path / "cli.h5"), frames_of(tmp_path / "library.h5")
    )


def test_verify_tells_a_corrected_file_from_a_changed_one(
    bleaching: Path, run: Any, tmp_path: Path
) -> None:
    out = tmp_path / "a.h5"
    assert run("bleach", bleaching, out)[0] == 0
    code, text, _ = run("verify", out, "--source", bleaching)
    assert code == 0
    assert "identical" in text
    with FLSeries(h5file=out, h5mode="a") as series:
        series.h5["fli_3/fluorescence/raw"][...] = series[3].raw_fl * 1.01
    code, text, _ = run("verify", out, "--source", bleaching)
    assert code == cli.EXIT_FAILED
    assert "frame 3" in text


def test_undo_gives_back_the_background_subtracted_original(
    bleaching: Path, run: Any, tmp_path: Path
) -> None:
    assert run("bleach", bleaching, tmp_path / "a.h5")[0] == 0
    assert run("undo", tmp_path / "a.h5", tmp_path / "b.h5")[0] == 0
    difference = frames_of(bleaching).astype(float) - frames_of(tmp_path / "b.h5")
    np.testing.assert_allclose(difference, difference[0, 0, 0], atol=1e-3)
    assert difference[0, 0, 0] == pytest.approx(100, abs=1)


def test_example_copies_the_example(example: Path, run: Any, tmp_path: Path) -> None:
    assert run("example", tmp_path / "a.h5")[0] == 0
    assert (tmp_path / "a.h5").read_bytes() == example.read_bytes()
    assert run("example", tmp_path / "a.h5")[0] == cli.EXIT_FAILED
    assert run("example", tmp_path / "a.h5", "--overwrite")[0] == 0


# --- convert ------------------------------------------------------------------------------------


def test_convert_tells_where_values_came_from(run: Any, tmp_path: Path) -> None:
    stack = np.arange(5 * 6 * 7, dtype="uint16").reshape(5, 6, 7)
    tifffile.imwrite(
        tmp_path / "a.tif", stack, imagej=True, metadata={"axes": "TYX", "finterval": 0.25}
    )
    code, out, _ = run("convert", tmp_path / "a.tif", tmp_path / "a.h5", "--pixel-size", "1e-7")
    assert code == 0
    assert "ImageJ's frame interval" in out
    assert "as given" in out
    np.testing.assert_array_equal(frames_of(tmp_path / "a.h5"), stack)


def test_convert_asks_for_the_interval_by_its_option(run: Any, tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.zeros((5, 6, 7)), b=np.zeros((5, 6, 7)))
    out = tmp_path / "a.h5"
    code, _, err = run("convert", tmp_path / "a.npz", out, "--key", "b")
    assert code == cli.EXIT_FAILED
    assert "--interval" in err
    assert not out.exists()
    command = (
        "convert",
        tmp_path / "a.npz",
        out,
        "--key",
        "b",
        "--interval",
        2,
        "--identifier",
        "x",
    )
    assert run(*command)[0] == 0
    with FLSeries(h5file=out, h5mode="r") as series:
        assert series.identifier == "x"
        np.testing.assert_array_equal(series.times, 2.0 * np.arange(5))


# --- errors -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ("info", "missing.h5"),
        ("bleach", "missing.h5", "out.h5"),
        ("bleach", "text.h5", "out.h5"),
        ("bleach", "image.h5", "out.h5"),
        ("bleach", "few.h5", "out.h5"),
        ("bleach", "untimed.h5", "out.h5"),
        ("bleach", "good.h5", "out.h5", "--border", "32"),
        ("bleach", "good.h5", "out.h5", "--border", "-1"),
        ("bleach", "good.h5", "nowhere/out.h5"),
        ("bleach", "good.h5", "out.h5", "--recipe", "missing.json"),
        ("denoise", "missing.h5", "out.h5"),
        ("convert", "missing.tif", "out.h5"),
        ("convert", "text.tif", "out.h5"),
        ("verify", "good.h5", "--source", "good.h5"),
        ("undo", "good.h5", "out.h5"),
        ("example", "nowhere/out.h5"),
    ],
    ids=" ".join,
)
def test_errors_are_one_sentence_and_leave_nothing(
    command: tuple[str, ...], run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("text.h5").write_text("no HDF5", encoding="utf-8")
    Path("text.tif").write_text("no TIFF", encoding="utf-8")
    truth = simulation.simulate(TIMES[:8], simulation.exponential(0.1))
    simulation.write(Path("good.h5"), truth)
    with FLImage(np.ones((9, 9)), h5file="image.h5"):
        pass
    images = [FLImage(np.ones((9, 9)), meta_data={"time": t}) for t in range(3)]
    with FLSeries(images, h5file="few.h5"):
        pass
    with FLSeries([FLImage(np.ones((60, 60))) for _ in range(9)], h5file="untimed.h5"):
        pass
    before = sorted(path.name for path in tmp_path.iterdir())
    code, out, err = run(*command)
    assert code == cli.EXIT_FAILED
    assert out == ""
    assert err.startswith("flimage: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert "Unexpected" not in err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_debug_adds_the_traceback(run: Any) -> None:
    for command in (("--debug", "info", "missing.h5"), ("info", "missing.h5", "--debug")):
        code, _, err = run(*command)
        assert code == cli.EXIT_FAILED
        assert "Traceback" in err
        assert err.splitlines()[-1].startswith("flimage: ")


def test_an_error_nobody_thought_of_is_still_a_sentence(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(arguments: argparse.Namespace) -> int:
        raise ZeroDivisionError("division by zero")

    monkeypatch.setattr(commands, "run_info", fail)
    code, _, err = run("info", "a.h5")
    assert code == cli.EXIT_FAILED
    assert err == (
        "flimage: Unexpected error (ZeroDivisionError: division by zero); --debug shows where.\n"
    )


@pytest.mark.parametrize("reason", [KeyboardInterrupt, Cancelled])
def test_an_interrupted_job_exits_with_130_and_leaves_nothing(
    reason: type[BaseException],
    bleaching: Path,
    run: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def interrupt(self: Any, done: int, total: int, stage: str) -> None:
        if stage == "Correcting":
            raise reason

    monkeypatch.setattr(commands.ProgressBar, "__call__", interrupt)
    code, out, err = run("bleach", bleaching, tmp_path / "a.h5", "--report", tmp_path / "a.json")
    assert code == cli.EXIT_INTERRUPTED
    assert out == ""
    assert "Interrupted" in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="signals of POSIX systems")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_process_told_to_end_removes_its_half_written_file(
    number: signal.Signals, code: int, bleaching: Path, tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "flimage.cli", "denoise", str(bleaching), str(tmp_path / "a.h5")],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        deadline = time.monotonic() + 60
        while not any(PART_SUFFIX in path.name for path in tmp_path.iterdir()):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.005)
        process.send_signal(number)
        _, err = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == code
    assert b"Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="pipes of POSIX systems")
def test_a_reader_that_has_seen_enough_is_no_error(bleaching: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with os.fdopen(writing, "wb") as closed:
        done = subprocess.run(
            [sys.executable, "-m", "flimage.cli", "info", str(bleaching)],
            stdout=closed,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert done.returncode == 141
    assert done.stderr == b""


# --- progress -----------------------------------------------------------------------------------


class Terminal(io.StringIO):
    """A standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


def test_progress_is_shown_on_a_terminal_only(
    bleaching: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = {}
    for name, stream in (("terminal", Terminal()), ("pipe", io.StringIO())):
        monkeypatch.setattr(sys, "stderr", stream)
        assert cli.main(["bleach", str(bleaching), str(tmp_path / f"{name}.h5")]) == 0
        shown[name] = stream.getvalue()
    assert "%" in shown["terminal"]
    assert shown["pipe"] == ""


def test_no_progress_is_shown_when_quiet(
    bleaching: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert cli.main(["bleach", str(bleaching), str(tmp_path / "a.h5"), "-q"]) == 0
    assert sys.stderr.getvalue() == ""  # type: ignore[attr-defined]  # it is a Terminal


# --- real recordings ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "interval", "options"),
    [
        # The cell divides: its chromosomes leave any region but the whole frame.
        ("mitosis_C1_51x196x171_u16.tif", 1, ("--region", "frame")),
        # There is no background at the edge of this one.
        ("detrendr_bleached_500x25x30_u8.tif", 0.1, ("--border", "0")),
    ],
)
def test_real_stacks_are_converted_and_corrected_to_a_flat_signal(
    name: str,
    interval: float,
    options: tuple[str, ...],
    real_recording: Callable[[str], Path],
    run: Any,
    tmp_path: Path,
) -> None:
    raw, corrected, report = tmp_path / "m.h5", tmp_path / "mc.h5", tmp_path / "m.json"
    assert run("convert", real_recording(name), raw, "--interval", interval)[0] == 0
    assert run("bleach", raw, corrected, "--report", report, *options)[0] == 0
    background = json.loads(report.read_text(encoding="utf-8"))["fit"]["background"][0]

    def loss(signal: np.ndarray) -> float:
        slope, start = np.polyfit(np.linspace(0, 1, len(signal)), signal, 1)
        return float(-slope / start)

    assert loss(frames_of(raw).mean(axis=(1, 2)) - background) > 0.3
    assert abs(loss(frames_of(corrected).mean(axis=(1, 2)))) < 0.03


def test_the_simulated_cell_of_cellsino_is_corrected_to_its_truth(
    real_recording: Callable[[str], Path], run: Any, tmp_path: Path
) -> None:
    source = real_recording("cellsino_sinogram_fli.h5")
    report = tmp_path / "report.json"
    assert run("bleach", source, tmp_path / "a.h5", "--report", report)[0] == 0
    fit = json.loads(report.read_text(encoding="utf-8"))["fit"]
    rate = next(p for p in fit["parameters"] if p["unit"] == "1/s")
    assert rate["value"] == pytest.approx(0.08, rel=0.05)
    assert np.mean(fit["background"]) == pytest.approx(116, abs=0.5)
    flat = np.array(fit["gain"]) * np.exp(-0.08 * np.array(fit["times"]))
    assert flat.std() / flat.mean() < 0.01


def test_a_real_recording_that_does_not_bleach_is_left_alone(
    real_recording: Callable[[str], Path], run: Any, tmp_path: Path
) -> None:
    pytest.importorskip("nd2")
    source = real_recording("arcadia_example-timelapse.nd2")
    assert run("convert", source, tmp_path / "a.h5")[0] == 0
    code, out, _ = run("bleach", tmp_path / "a.h5", tmp_path / "b.h5")
    assert code == cli.EXIT_REFUSED
    assert "refused" in out


def test_every_reason_of_a_verdict_is_printed(
    run: Any, real_recording: Any, tmp_path: Path
) -> None:
    recording = real_recording("mitosis_C1_51x196x171_u16.tif")
    run("convert", recording, tmp_path / "m.h5", "--interval", "1", "--pixel-size", "1e-7")
    code, out, _ = run("bleach", tmp_path / "m.h5", "--border", "20")
    assert code == 0
    for phrase in ("The background changes", "The signal moves", "standard error"):
        assert phrase in out


def test_errors_name_the_option_that_is_the_remedy(
    run: Any, bleaching: Path, tmp_path: Path
) -> None:
    (tmp_path / "there.h5").write_text("precious")
    code, _, err = run("bleach", bleaching, tmp_path / "there.h5")
    assert code == cli.EXIT_FAILED
    assert "--overwrite" in err
    with FLSeries(h5file=tmp_path / "timeless.h5", h5mode="w") as series:
        series.add_images(np.random.default_rng(0).poisson(50, (8, 60, 60)).astype(float))
    code, _, err = run("bleach", tmp_path / "timeless.h5", tmp_path / "out.h5")
    assert code == cli.EXIT_FAILED
    assert "--interval" in err


@pytest.mark.parametrize("name", ["o.tif", "o.ome.tiff", "o.csv", "o.NPZ", "o.nd2", "o.zarr"])
@pytest.mark.parametrize(
    "words",
    [("bleach",), ("denoise",), ("convert",), ("undo",), ("recover",), ("edit", "--delete", "0")],
)
def test_a_series_gets_no_name_that_promises_another_format(
    words: tuple[str, ...], name: str, run: Any, example: Path, tmp_path: Path
) -> None:
    code, _, err = run(words[0], example, tmp_path / name, *words[1:])
    assert code == 1
    assert "let it end in .h5" in err
    assert str(tmp_path / name) in err
    assert list(tmp_path.iterdir()) == []
