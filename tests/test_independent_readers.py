"""What is exported is understood by programs that have nothing to do with this one."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tifffile

from flimage.series import FLSeries

Run = Callable[..., tuple[int, str, str]]

#: Names under which Chromium is installed.
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")


def program(*names: str) -> str:
    """Find a program, or skip the test."""
    for name in names:
        found = shutil.which(name)
        if found is not None:
            return found
    pytest.skip(f"{names[0]} is not installed")


@pytest.fixture
def corrected(example: Path, tmp_path: Path, run: Run) -> Path:
    """The example, corrected."""
    path = tmp_path / "corrected.h5"
    assert run("bleach", example, path, "-q")[0] == 0
    return path


def test_the_ome_xml_follows_the_schema(corrected: Path, tmp_path: Path, run: Run) -> None:
    pytest.importorskip("xmlschema")
    ome_types = pytest.importorskip("ome_types")
    assert run("export", corrected, tmp_path / "a.ome.tif")[0] == 0
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as file:
        assert file.ome_metadata is not None
        ome_types.validate_xml(file.ome_metadata)


@pytest.mark.parametrize(
    ("name", "codec", "kind"), [("a.mp4", "h264", "yuv420p"), ("a.gif", "gif", "bgra")]
)
def test_ffmpeg_decodes_every_frame_of_a_movie(
    name: str, codec: str, kind: str, example: Path, tmp_path: Path, run: Run
) -> None:
    probe, decoder = program("ffprobe"), program("ffmpeg")
    pytest.importorskip("av")
    assert run("export", example, tmp_path / name, "--fps", 20, "--frames", "0-59")[0] == 0
    asked = "stream=codec_name,pix_fmt,width,height,nb_read_frames:format=duration"
    done = subprocess.run(
        [probe, "-v", "error", "-count_frames", "-show_entries", asked, "-of", "json", name],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert not done.stderr
    told = json.loads(done.stdout)
    (stream,) = told["streams"]
    assert (stream["codec_name"], stream["pix_fmt"]) == (codec, kind)
    assert int(stream["nb_read_frames"]) == 60
    assert float(told["format"]["duration"]) == pytest.approx(3.0, abs=0.06)
    done = subprocess.run(
        [decoder, "-v", "error", "-i", name, "-f", "rawvideo", "-pix_fmt", "gray", "-"],
        cwd=tmp_path,
        capture_output=True,
        check=True,
    )
    assert not done.stderr
    shape = (-1, int(stream["height"]), int(stream["width"]))
    pictures = np.frombuffer(done.stdout, np.uint8).reshape(shape)
    middle = shape[2] // 2
    # Between the captions, the image: it bleaches on the left, and stays on the right.
    raw, steady = pictures[:, 60:-60, :middle], pictures[:, 60:-60, middle:]
    assert np.percentile(raw[-1], 90) < 0.6 * np.percentile(raw[0], 90)
    assert np.percentile(steady[-1], 90) == pytest.approx(np.percentile(steady[0], 90), rel=0.1)


def test_a_browser_shows_the_report_without_an_error_and_asks_nobody_for_anything(
    example: Path, tmp_path: Path, run: Run
) -> None:
    browser = program(*_BROWSERS)
    assert run("export", example, tmp_path / "a.html")[0] == 0
    done = subprocess.run(
        [
            browser,
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--enable-logging=stderr",
            f"--user-data-dir={tmp_path / 'profile'}",
            f"--log-net-log={tmp_path / 'net.json'}",
            "--net-log-capture-mode=Everything",
            "--virtual-time-budget=2000",
            "--dump-dom",
            (tmp_path / "a.html").as_uri(),
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    assert ":CONSOLE" not in done.stderr
    assert "<h1>example.h5</h1>" in done.stdout
    assert done.stdout.count("<svg") == 3
    asked = (tmp_path / "net.json").read_text(encoding="utf-8", errors="replace")
    # What the browser itself asks its maker for has no page as its origin.
    assert '"initiator":"file://' not in asked
    assert "http://www.w3.org" not in asked


def test_zarr_reads_pixels_times_and_pixel_size(corrected: Path, tmp_path: Path, run: Run) -> None:
    zarr = pytest.importorskip("zarr")
    assert run("export", corrected, tmp_path / "a.zarr")[0] == 0
    group = zarr.open_group(tmp_path / "a.zarr", mode="r")
    with FLSeries(h5file=corrected, h5mode="r") as series:
        np.testing.assert_array_equal(group["0"][7], series[7].fl)
        assert group.attrs["flimage"]["times [s]"] == series.times.tolist()
    (image,) = group.attrs["multiscales"]
    assert [axis.get("unit") for axis in image["axes"]] == ["second", "micrometer", "micrometer"]
    scale = image["datasets"][0]["coordinateTransformations"][0]["scale"]
    assert scale[1:] == pytest.approx([0.108, 0.108])


@pytest.mark.parametrize("name", ["fit.svg", "fit.pdf", "fit.png"])
def test_a_figure_opens_in_a_program_for_its_kind(
    name: str, example: Path, tmp_path: Path, run: Run
) -> None:
    path = tmp_path / name
    assert run("export", example, path)[0] == 0
    if name.endswith(".svg"):
        checker = [program("xmllint"), "--noout", "--nonet", str(path)]
    elif name.endswith(".pdf"):
        checker = [program("pdftotext"), str(path), "-"]
    else:
        checker = [program("ffprobe"), "-v", "error", "-show_streams", str(path)]
    done = subprocess.run(checker, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if name.endswith(".pdf"):
        assert "Signal (counts" in done.stdout
        assert "Verdict: good" in done.stdout
