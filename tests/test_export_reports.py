"""Tables, report pages, plots and movies, checked with what other programs read them with."""

from __future__ import annotations

import csv
import html.parser
import importlib.util
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import simulation
import tifffile
from PIL import Image

from flimage import FLSeries, Recipe, Region, bleach, correct
from flimage.errors import Cancelled, InputError, OutputExistsError
from flimage.export import (
    Images,
    write_fit,
    write_movie,
    write_region_traces,
    write_report_page,
)
from flimage.export.formats import format_of
from flimage.export.movie import caption_of
from flimage.export.movie_frame import BLACK, Canvas, palette, scale_bar, time_stamps
from flimage.export.report_page import pictures_of, report_page
from flimage.export.table import write_columns
from flimage.extras import need
from flimage.scan import scan_series
from flimage.source import SeriesSource
from flimage.svgplot import Layer, plot, sparkline, ticks

TIMES = 0.5 * np.arange(30)
RECIPE = Recipe(border_px=8, exclude=(4,), model="auto")
HAS_ZARR = importlib.util.find_spec("zarr") is not None  # an extra, and not for every Python


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    truth = simulation.simulate(TIMES, simulation.exponential(0.1, 0.2), shape=(48, 64))
    truth.images[12] *= 1.1
    return simulation.write(tmp_path_factory.mktemp("reports") / "cells.h5", truth, "dish")


@pytest.fixture
def source(recording: Path) -> Iterator[SeriesSource]:
    with FLSeries(h5file=recording, h5mode="r") as series:
        yield SeriesSource(series)


@pytest.fixture
def fit(source: SeriesSource) -> bleach.BleachFit:
    return bleach.fit(scan_series(source, RECIPE), RECIPE)


def read_csv(path: Path) -> dict[str, list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {name: [row[name] for row in rows] for name in rows[0]}


class Reader(html.parser.HTMLParser):
    """Collects tags, attributes and text, and checks that what is opened is closed."""

    VOID = frozenset({"meta", "img", "br", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.links: list[str] = []
        self.text = ""
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "action")]
        assert not any(name.startswith("on") for name, _ in attrs)
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


# --- tables -------------------------------------------------------------------------------------


def test_the_table_of_a_fit_gives_back_every_number(
    source: SeriesSource, fit: bleach.BleachFit, tmp_path: Path
) -> None:
    write_fit(fit.to_dict(), tmp_path / "fit.csv", identifiers=source.identifiers)
    table = read_csv(tmp_path / "fit.csv")
    for header, values in {
        "time [s]": TIMES,
        "intensity [counts]": fit.trace.intensity,
        "background [counts/px]": fit.trace.background,
        "fit [counts]": fit.curve,
        "residual [counts]": fit.residuals,
        "gain [1]": fit.gain,
        "gain low 95 % [1]": fit.gain_low,
    }.items():
        np.testing.assert_array_equal(np.array(table[header], dtype=float), values)
    assert table["identifier"][3] == "frame-3"
    assert table["in fit [0/1]"][4] == "0"
    assert [i for i, v in enumerate(table["outlier [0/1]"]) if v == "1"] == list(fit.outliers)
    assert 12 in fit.outliers


def test_every_number_of_the_table_has_its_unit_in_the_header(
    fit: bleach.BleachFit, tmp_path: Path
) -> None:
    write_fit(fit.to_dict(), tmp_path / "fit.csv")
    headers = list(read_csv(tmp_path / "fit.csv"))
    assert headers[0] == "frame"
    assert all(re.search(r" \[.+\]$", header) for header in headers[1:])


def test_the_corrected_intensity_of_the_table_is_that_of_the_corrected_images(
    source: SeriesSource, tmp_path: Path
) -> None:
    recipe = RECIPE.replace(model="exponential", offset="background")
    scan = scan_series(source, recipe)
    fit = bleach.fit(scan, recipe)
    images = Images(source, "bleach-corrected", fit)
    write_fit(fit.to_dict(), tmp_path / "fit.csv")
    sums = [float(images.image(i)[scan.region].sum(dtype=float)) for i in range(len(images))]
    table = read_csv(tmp_path / "fit.csv")
    np.testing.assert_allclose(
        np.array(table["corrected intensity [counts]"], dtype=float), sums, rtol=1e-5
    )


def test_missing_values_leave_their_field_empty_and_texts_are_quoted(tmp_path: Path) -> None:
    columns = {"a, [1]": [1.5, None, float("nan")], 'name "x"': ["one, two", 'say "hi"', "µ\nm"]}
    write_columns(tmp_path / "t.csv", columns)
    table = read_csv(tmp_path / "t.csv")
    assert table == {"a, [1]": ["1.5", "", ""], 'name "x"': columns['name "x"']}


def test_region_traces_are_means_over_the_pixels_of_the_region(
    source: SeriesSource, fit: bleach.BleachFit, tmp_path: Path
) -> None:
    corrected = Images(source, "bleach-corrected", fit)
    write_region_traces(
        {"raw": Images(source), "corrected": corrected},
        {"nucleus": Region("rectangle", ((20, 15), (30, 25)))},
        tmp_path / "regions.csv",
    )
    table = read_csv(tmp_path / "regions.csv")
    for kind, images in (("raw", Images(source)), ("corrected", corrected)):
        means = [images.image(i)[15:25, 20:30].mean(dtype=float) for i in range(len(images))]
        found = np.array(table[f"nucleus: {kind} [counts/px]"], dtype=float)
        np.testing.assert_allclose(found, means, rtol=1e-6)
    assert set(table["nucleus: pixels [px]"]) == {"100"}


# --- report page --------------------------------------------------------------------------------


def test_the_page_stands_alone(source: SeriesSource, fit: bleach.BleachFit) -> None:
    text = report_page(source, fit.to_dict(), pictures=[("First frame", source.image(0))])
    page = Reader(text)
    assert "script" not in page.tags
    assert "link" not in page.tags
    assert all(link.startswith("data:image/png;base64,") for link in page.links)
    assert len(page.links) == 1
    # The name space of SVG is no address that anything is loaded from.
    assert set(re.findall(r"https?://[^\"'\s]+", text)) == {"http://www.w3.org/2000/svg"}
    assert "prefers-color-scheme: dark" in text


def test_the_page_states_verdict_parameters_settings_and_recording(
    source: SeriesSource, fit: bleach.BleachFit
) -> None:
    text = Reader(report_page(source, fit.to_dict())).text
    assert fit.verdict.sentence in text
    for parameter in fit.parameters:
        assert parameter.name in text
    assert "30 of 64 × 48 px" in text
    assert "100 nm" in text
    assert "frames left out" in text
    assert "29 of 30" in text
    assert Recipe.from_json(text[text.index('{"border_px"') :].splitlines()[0]) == RECIPE


def test_names_and_metadata_cannot_break_the_page(tmp_path: Path) -> None:
    evil = "</pre><script>alert('1')</script>\"&µ"
    truth = simulation.simulate(TIMES, simulation.exponential(0.1), shape=(48, 64))
    path = simulation.write(tmp_path / "a&b<i>.h5", truth, evil)
    with h5py.File(path, "r+") as file:
        file["fli_0"].attrs["device"] = evil
    with FLSeries(h5file=path, h5mode="r") as series:
        source = SeriesSource(series)
        fit = bleach.fit(scan_series(source, RECIPE), RECIPE).to_dict()
        page = Reader(
            report_page(source, fit, origin={evil: evil}, pictures=[(evil, series[0].fl)])
        )
    assert "script" not in page.tags
    assert "i" not in page.tags
    assert page.text.count(evil) >= 4


def test_the_plots_are_well_formed_and_show_every_frame(
    source: SeriesSource, fit: bleach.BleachFit
) -> None:
    text = report_page(source, fit.to_dict())
    plots = [ET.fromstring(found) for found in re.findall(r"<svg.*?</svg>", text, re.DOTALL)]
    assert len(plots) == 3
    name = "{http://www.w3.org/2000/svg}"
    dots = [p.get("d", "") for p in plots[0].iter(f"{name}path") if "h0" in p.get("d", "")]
    assert sum(d.count("h0") for d in dots) == 30
    assert all(plot.find(f"{name}title").text for plot in plots)


def test_a_long_recording_makes_a_small_plot_that_keeps_its_extremes() -> None:
    x = np.arange(100_000.0)
    y = np.sin(x / 9000)
    y[77_777] = 9.0
    text = plot([Layer("line", x, y)], x_label="x", y_label="y", title="t", height=200)
    assert len(text) < 60_000
    heights = [float(b) for _, b in re.findall(r"[ML](\d+\.\d) (\d+\.\d)", text)]
    others = sorted(heights)[1:]
    assert min(others) - min(heights) > 50


def test_a_nearly_constant_trace_looks_constant() -> None:
    x = np.arange(20.0)
    y = 47.8 + 0.1 * np.sin(x)
    heights = []
    for zero in (True, False):
        svg = plot([Layer("line", x, y)], x_label="t", y_label="y", title="t", zero=zero)
        (path,) = re.findall(r'<path d="M([^"Z]+)" fill="none" stroke="#', svg)
        drawn = [float(point.split()[1]) for point in path.split("L")]
        heights.append(max(drawn) - min(drawn))
    assert heights[0] < 2 < 100 < heights[1]


def test_a_plot_without_values_is_drawn_empty() -> None:
    nothing = np.full(3, np.nan)
    text = plot([Layer("points", nothing, nothing)], x_label="x", y_label="y", title="<t>")
    ET.fromstring(text)
    ET.fromstring(sparkline(nothing, nothing))


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-3.7, 12.2), (1e-9, 3e-9), (99999, 100001)])
def test_ticks_are_round_numbers_inside_the_range(low: float, high: float) -> None:
    found = ticks(low, high)
    assert 2 <= len(found) <= 6
    step = found[1] - found[0]
    assert low - 1e-9 * abs(step) <= found[0]
    assert found[-1] <= high + 1e-9 * abs(step)
    mantissa = step / 10 ** np.floor(np.log10(step) + 1e-9)
    assert min(abs(mantissa - m) for m in (1, 2, 5)) < 1e-6


# --- movies -------------------------------------------------------------------------------------


def test_an_mp4_holds_every_frame_at_the_right_rate_and_size(
    source: SeriesSource, fit: bleach.BleachFit, tmp_path: Path
) -> None:
    av = pytest.importorskip("av")
    panes = [Images(source, "raw", fit), Images(source, "bleach-corrected", fit)]
    write_movie(panes, tmp_path / "m.mp4", fps=10, colormap="magma")
    with av.open(str(tmp_path / "m.mp4")) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert stream.average_rate == 10
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 30
    height, width = Canvas((48, 64), ["a", "b"], [(0, 1)] * 2, 1e-7).size
    assert frames[0].shape == (height, width, 3)
    assert height % 2 == width % 2 == 0


def test_a_movie_shows_bleaching_on_the_left_and_a_constant_signal_on_the_right(
    source: SeriesSource, fit: bleach.BleachFit, tmp_path: Path
) -> None:
    panes = [Images(source, "raw", fit), Images(source, "bleach-corrected", fit)]
    write_movie(panes, tmp_path / "m.gif")
    with Image.open(tmp_path / "m.gif") as movie:
        assert movie.n_frames == 30
        middle = movie.size[0] // 2
        pictures = []
        for number in (0, 29):
            movie.seek(number)
            pictures.append(np.asarray(movie.convert("L"), dtype=float)[40:-40])
    # The brightest tenth of each pane is the cells.
    bright = [[np.percentile(p, 95) for p in (a[:, :middle], a[:, middle:])] for a in pictures]
    (raw_first, first), (raw_last, last) = bright
    assert raw_last < 0.6 * raw_first
    assert abs(last / first - 1) < 0.1


def test_a_gif_lasts_as_long_as_it_should_although_it_counts_in_hundredths(
    source: SeriesSource, tmp_path: Path
) -> None:
    write_movie([Images(source)], tmp_path / "m.gif", fps=15)
    durations = []
    with Image.open(tmp_path / "m.gif") as movie:
        assert movie.info["loop"] == 0
        for number in range(movie.n_frames):
            movie.seek(number)
            durations.append(movie.info["duration"])
    assert sum(durations) == pytest.approx(2000, abs=10)
    assert set(durations) == {60, 70}


def test_a_gif_shows_the_exact_colours_of_the_map(source: SeriesSource, tmp_path: Path) -> None:
    write_movie([Images(source)], tmp_path / "m.gif", colormap="viridis")
    with Image.open(tmp_path / "m.gif") as movie:
        shown = np.asarray(movie.convert("RGB")).reshape(-1, 3)
    known = {tuple(color) for color in palette("viridis").tolist()}
    assert {tuple(color) for color in shown.tolist()} <= known


def test_the_time_of_each_frame_is_written_with_the_decimals_that_tell_frames_apart() -> None:
    assert time_stamps(np.array([0.0, 0.5, 1.0])) == ["0.0 s", "0.5 s", "1.0 s"]
    assert time_stamps(np.array([0.0, 60.0, 3600.0])) == ["0 min", "1 min", "60 min"]
    assert time_stamps(np.array([0.0, 0.05, 0.1])) == ["0 ms", "50 ms", "100 ms"]
    assert time_stamps(np.array([np.nan, 1.0, 2.0]))[0] == ""
    uneven = time_stamps(np.array([0.0, 0.512, 1.034, 1.498]))
    assert len(set(uneven)) == 4


@pytest.mark.parametrize(
    ("pixel", "width", "text"),
    [(1e-7, 512, "10 µm"), (1e-7, 64, "1 µm"), (2e-9, 100, "50 nm"), (1e-3, 1000, "0.2 m")],
)
def test_the_scale_bar_is_a_round_length_and_has_its_true_size(
    pixel: float, width: int, text: str
) -> None:
    length, label = scale_bar(pixel, width)
    assert label == text.replace("0.2 m", "200 mm")
    assert 0.09 * width <= length <= 0.25 * width * (1 + 1e-9)


def test_the_scale_bar_is_drawn_as_long_as_it_says() -> None:
    canvas = Canvas((100, 200), ["Raw"], [(0.0, 1.0)], 1e-7)
    length, _ = scale_bar(1e-7, 200)
    rows = canvas.background()[canvas.letters + 16 + canvas.pane[0] :]
    longest = max(len(run) for row in rows for run in re.findall(b"\xff+", row.tobytes()))
    assert longest == round(length * canvas.scale)


def test_a_large_recording_is_reduced_and_a_small_one_enlarged_by_whole_numbers() -> None:
    assert Canvas((25, 30), ["a"], [(0, 1)]).scale == 12
    assert max(Canvas((3000, 4000), ["a"], [(0, 1)]).pane) == 1600


@pytest.mark.parametrize("shape", [(16, 1200), (33, 801), (401, 21), (1, 4000), (4000, 1), (1, 1)])
def test_pictures_of_any_shape_have_a_size_that_encoders_take_and_texts_apart(
    shape: tuple[int, int],
) -> None:
    captions = ["Raw", "Bleach-corrected"]
    canvas = Canvas(shape, captions, [(0, 1)] * 2, 1e-7, stamp="12.34 s")
    height, width = canvas.size
    assert height % 2 == width % 2 == 0
    assert max(height, width) < 4000
    # Whatever is drawn alone has to stay when everything is drawn: nothing lies over another.
    ink = []
    for shown in range(4):
        names = [c if number == shown else "" for number, c in enumerate(captions)]
        alone = Canvas(shape, names, canvas.levels, 1e-7 if shown == 2 else None, canvas.scale)
        for name in ("size", "_slot"):
            object.__setattr__(alone, name, getattr(canvas, name))
        picture = alone.background()
        if shown == 3:
            picture = alone.draw(picture, [np.full(shape, np.nan)] * 2, "12.34 s")
        ink.append(picture > BLACK)
        assert ink[-1].any()
    assert np.sum(ink, axis=0).max() == 1


def test_movies_of_lines_are_encoded(tmp_path: Path) -> None:
    av = pytest.importorskip("av")
    images = np.random.default_rng(0).uniform(50, 200, (3, 16, 1200)).astype(np.float32)
    series = FLSeries()
    series.add_images(images, [{"time": 0.5 * i, "pixel size": 1e-7} for i in range(3)])
    panes = [Images(SeriesSource(series)) for _ in range(2)]
    for name in ("a.mp4", "a.gif"):
        write_movie(panes, tmp_path / name, captions=["One", "Other"])
    with Image.open(tmp_path / "a.gif") as gif, av.open(str(tmp_path / "a.mp4")) as movie:
        stream = movie.streams.video[0]
        assert gif.size == (stream.width, stream.height)
        assert sum(1 for _ in movie.decode(video=0)) == gif.n_frames == 3


def test_an_unknown_colour_map_or_ending_is_named(source: SeriesSource, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no colour map 'pink lemonade'"):
        write_movie([Images(source)], tmp_path / "m.gif", colormap="pink lemonade")
    with pytest.raises(InputError, match=r"\.mp4 or \.gif"):
        write_movie([Images(source)], tmp_path / "m.avi")


@pytest.mark.parametrize("name", ["m.gif", "m.mp4"])
def test_a_cancelled_movie_leaves_nothing_behind(
    source: SeriesSource, tmp_path: Path, name: str
) -> None:
    pytest.importorskip("av")

    def stop(done: int, total: int, stage: str) -> None:
        if done == 7:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        write_movie([Images(source)], tmp_path / name, progress=stop)
    assert list(tmp_path.iterdir()) == []


def test_a_missing_package_is_named_with_the_extra_that_installs_it() -> None:
    with pytest.raises(InputError, match=r"no_such_package, which is not.*flimage\[movie\]"):
        need("no_such_package.part", "movie", "MP4")


# --- command line -------------------------------------------------------------------------------


def test_export_chooses_the_format_by_the_ending() -> None:
    kinds = {"a.ome.tif": "ome", "a.TIF": "imagej", "b.ome.zarr": "zarr", "c.d.csv": "csv"}
    assert {name: format_of(Path(name)) for name in kinds} == kinds
    with pytest.raises(InputError, match="unknown ending"):
        format_of(Path("cells.docx"))


def test_export_writes_the_bleach_corrected_images(
    recording: Path, run: Any, tmp_path: Path
) -> None:
    code, out, _ = run("export", recording, tmp_path / "o.tif", "--border", 8)
    assert code == 0
    assert "24 " not in out
    assert "30 bleach-corrected images" in out
    correct_path = tmp_path / "c.h5"
    assert run("bleach", recording, correct_path, "--border", 8)[0] == 0
    with FLSeries(h5file=correct_path, h5mode="r") as series:
        want = np.stack([fli.raw_fl for fli in series])
    np.testing.assert_array_equal(tifffile.imread(tmp_path / "o.tif"), want)


def test_a_corrected_series_is_exported_as_it_stands(
    recording: Path, run: Any, tmp_path: Path
) -> None:
    run("bleach", recording, tmp_path / "c.h5", "--border", 8)
    assert run("export", tmp_path / "c.h5", tmp_path / "c.ome.tif")[0] == 0
    with FLSeries(h5file=tmp_path / "c.h5", h5mode="r") as series:
        np.testing.assert_array_equal(
            tifffile.imread(tmp_path / "c.ome.tif"), np.stack([fli.raw_fl for fli in series])
        )
    code, _, err = run("export", tmp_path / "c.h5", tmp_path / "d.tif", "--model", "linear")
    assert code == 1
    assert "corrected already" in err


@pytest.mark.parametrize("options", [(), ("--images", "bleach-corrected"), ("--images", "raw")])
def test_images_of_a_corrected_series_say_how_they_were_corrected(
    options: tuple[str, ...], recording: Path, run: Any, tmp_path: Path
) -> None:
    run("bleach", recording, tmp_path / "c.h5", "--border", 8)
    for name in ("a.ome.tif", "a.tif", *(["a.zarr"] if HAS_ZARR else [])):
        run("export", recording, tmp_path / f"new-{name}", "--border", 8)
        code, out, _ = run("export", tmp_path / "c.h5", tmp_path / name, *options)
        assert code == 0
        assert "30 bleach-corrected images" in out
    found, new = (_facts_of(tmp_path, prefix) for prefix in ("", "new-"))
    for (texts, channel), (new_texts, new_channel) in zip(found, new, strict=True):
        assert channel == new_channel == "bleach-corrected"
        assert texts.pop("recording") == "c.h5"
        assert texts.pop("corrected from") == new_texts.pop("recording") == recording.name
        assert texts == new_texts
        assert {"model", "verdict", "recipe"} < texts.keys()


def _facts_of(folder: Path, prefix: str) -> list[tuple[dict[str, str], str]]:
    """What OME-TIFF, hyperstack and OME-Zarr say about their making, and what they show."""
    with tifffile.TiffFile(folder / f"{prefix}a.ome.tif") as file:
        root = tifffile.xml2dict(file.ome_metadata)["OME"]
    pairs = root["StructuredAnnotations"]["MapAnnotation"]["Value"]["M"]
    ome = {pair["K"]: pair["value"] for pair in pairs}
    with tifffile.TiffFile(folder / f"{prefix}a.tif") as file:
        lines = file.imagej_metadata["Info"].splitlines()
    imagej = dict(line.split(" = ", 1) for line in lines if " = " in line)
    imagej.pop("times in seconds")
    found = [(ome, root["Image"]["Pixels"]["Channel"]["Name"]), (imagej, imagej["images"])]
    if HAS_ZARR:
        attributes = json.loads((folder / f"{prefix}a.zarr" / ".zattrs").read_text())
        own = attributes["flimage"]
        own.pop("times [s]")
        found.append((own, attributes["omero"]["channels"][0]["label"]))
    return found


def test_a_refused_correction_is_not_called_corrected(tmp_path: Path) -> None:
    steady = simulation.simulate(0.5 * np.arange(20), lambda t: np.ones_like(t), shape=(40, 40))
    path = simulation.write(tmp_path / "steady.h5", steady, "steady")
    with FLSeries(h5file=path, h5mode="r") as series:
        source = SeriesSource(series)
        fit = correct.run(source, Recipe(border_px=6)).fit
        assert fit.verdict.grade == "refused"
        assert caption_of(Images(source, "bleach-corrected", fit)) == "Not corrected"
        assert caption_of(Images(source, "raw", fit)) == "Raw"
        assert pictures_of(source, fit)[-1][0] == "Last frame, not corrected"
        correct.run(source, Recipe(border_px=6), tmp_path / "c.h5")
    with FLSeries(h5file=tmp_path / "c.h5", h5mode="r") as series:
        assert caption_of(Images(SeriesSource(series))) == "Not corrected"


def test_what_is_exported_of_a_refused_correction_says_so_everywhere(
    run: Any, tmp_path: Path
) -> None:
    steady = simulation.simulate(0.5 * np.arange(20), lambda t: np.ones_like(t), shape=(40, 40))
    path = simulation.write(tmp_path / "steady.h5", steady, "steady")
    corrected = tmp_path / "c.h5"
    assert run("bleach", path, corrected, "--border", 6)[0] == 3
    region = "--trace", "all=10,10,20,20"
    for source, prefix, border in ((path, "new-", ("--border", 6)), (corrected, "", ())):
        for name in ("a.ome.tif", "a.tif", *(["a.zarr"] if HAS_ZARR else [])):
            out = run("export", source, tmp_path / f"{prefix}{name}", *border)[1]
            assert "Written: 20 images, not corrected, to" in out
        for texts, channel in _facts_of(tmp_path, prefix):
            assert channel == texts["images"] == "not corrected"
        run("export", source, tmp_path / f"{prefix}a.html", *border)
        page = Reader((tmp_path / f"{prefix}a.html").read_text(encoding="utf-8")).text
        assert "Last frame, not corrected" in page
        assert "bleach-corrected" not in page
        run("export", source, tmp_path / f"{prefix}a.csv", *region, *border)
        header = (tmp_path / f"{prefix}a.csv").read_text(encoding="utf-8").splitlines()[0]
        assert "not corrected [counts/px]" in header
        assert "bleach-corrected" not in header


def test_fit_table_and_report_of_a_corrected_file_are_those_of_its_correction(
    recording: Path, run: Any, tmp_path: Path
) -> None:
    run("bleach", recording, tmp_path / "c.h5", "--border", 8)
    for name in ("fit.csv", "fit.json", "fit.html"):
        assert run("export", tmp_path / "c.h5", tmp_path / name)[0] == 0
        assert run("export", recording, tmp_path / f"new-{name}", "--border", 8)[0] == 0
    assert (tmp_path / "fit.csv").read_text() == (tmp_path / "new-fit.csv").read_text()
    one, two = (json.loads((tmp_path / n).read_text())["fit"] for n in ("fit.json", "new-fit.json"))
    assert one == two
    assert "corrected from" in Reader((tmp_path / "fit.html").read_text()).text


def test_an_option_that_would_be_ignored_is_refused(
    recording: Path, run: Any, tmp_path: Path
) -> None:
    for options in (
        ("o.csv", "--images", "raw"),
        ("o.html", "--frames", "1-3"),
        ("o.zarr", "--dtype", "uint16"),
        ("o.tif", "--range", "0,10"),
        ("o.mp4", "--clip"),
        ("o.tif", "--trace", "a=frame"),
    ):
        code, _, err = run("export", recording, tmp_path / options[0], *options[1:])
        assert code == 2, options
        assert f"{options[1]} does not go with" in err
    assert list(tmp_path.iterdir()) == []


def test_an_existing_output_is_refused_before_anything_is_computed(
    recording: Path, run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "o.csv").write_text("mine")
    monkeypatch.setattr(correct, "run", lambda *a, **k: pytest.fail("computed"))
    code, _, err = run("export", recording, tmp_path / "o.csv")
    assert code == 1
    assert "--overwrite" in err
    assert (tmp_path / "o.csv").read_text() == "mine"


def test_images_whose_correction_was_refused_are_written_and_the_exit_code_says_so(
    run: Any, tmp_path: Path
) -> None:
    truth = simulation.simulate(TIMES, np.ones_like, shape=(48, 64))
    path = simulation.write(tmp_path / "constant.h5", truth)
    code, out, _ = run("export", path, tmp_path / "o.tif", "--border", 8)
    assert code == 3
    assert "refused" in out


def test_named_regions_are_measured_raw_and_corrected(
    recording: Path, run: Any, tmp_path: Path
) -> None:
    options = ("--trace", "a b=10,10,20,20", "--trace", "all=frame", "--border", 8)
    assert run("export", recording, tmp_path / "t.csv", *options)[0] == 0
    table = read_csv(tmp_path / "t.csv")
    assert set(table["all: pixels [px]"]) == {str(48 * 64)}
    assert len(table["a b: bleach-corrected [counts/px]"]) == 30
    code, _, err = run("export", recording, tmp_path / "u.csv", "--trace", "10,10,20,20")
    assert code == 2
    assert "has no name" in err


def test_the_report_page_is_written_whole_or_not_at_all(
    source: SeriesSource, fit: bleach.BleachFit, tmp_path: Path
) -> None:
    out = tmp_path / "r.html"
    out.write_text("mine")
    with pytest.raises(OutputExistsError):
        write_report_page(source, fit.to_dict(), out)
    assert out.read_text() == "mine"
    write_report_page(source, fit.to_dict(), out, overwrite=True)
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_pictures_on_the_page_are_the_images_in_one_contrast(
    source: SeriesSource, fit: bleach.BleachFit
) -> None:
    import base64

    low, high = np.zeros((4, 4)), np.full((4, 4), 10.0)
    high[0, 0] = 0
    low[0, 0] = 10
    text = report_page(source, fit.to_dict(), pictures=[("a", low), ("b", high)])
    found = [base64.b64decode(data) for data in re.findall(r"base64,([^\"]+)", text)]
    first, second = (np.asarray(Image.open(io.BytesIO(data))) for data in found)
    np.testing.assert_array_equal(first, 255 - second)
