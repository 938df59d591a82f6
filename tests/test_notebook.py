"""What images and series look like in a notebook: small, escaped, and never an error."""

from __future__ import annotations

import base64
import html.parser
import io
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import simulation
from PIL import Image

from flimage import FLImage, FLSeries

EVIL = "<script>alert('x')</script>\"&"


def tags_of(text: str) -> list[str]:
    found: list[str] = []

    class Reader(html.parser.HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found.append(tag)

    Reader().feed(text)
    return found


def pictures(text: str) -> list[np.ndarray]:
    data = re.findall(r'src="data:image/png;base64,([^"]+)"', text)
    return [np.asarray(Image.open(io.BytesIO(base64.b64decode(each)))) for each in data]


@pytest.fixture
def series(tmp_path: Path) -> Any:
    truth = simulation.simulate(
        0.5 * np.arange(200), simulation.exponential(0.05), shape=(40, 60), brightness=900
    )
    with FLSeries(h5file=simulation.write(tmp_path / "a&b.h5", truth, EVIL)) as series:
        yield series


def test_a_series_shows_first_and_last_frame_in_one_contrast_and_a_trace(series: Any) -> None:
    text = series._repr_html_()
    first, last = pictures(text)
    assert first.shape == last.shape == (40, 60)
    assert last.max() < 0.6 * first.max()
    (svg,) = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    ET.fromstring(svg)
    assert "Time (s)" in svg
    assert "200 frames of 60 × 40 px" in text
    assert "100 nm" in text
    assert "a&amp;b.h5" in text


def test_only_some_frames_of_a_long_series_are_read(series: Any, images_read: Any) -> None:
    series._repr_html_()
    assert 0 < len(set(images_read.paths)) <= 50


def test_identifiers_cannot_break_the_notebook(series: Any) -> None:
    assert "script" not in tags_of(series._repr_html_())
    with FLImage(np.ones((3, 4)), meta_data={"identifier": EVIL}) as fli:
        text = fli._repr_html_()
        assert "script" not in tags_of(text)
        assert "&lt;script&gt;" in text


def test_an_image_shows_its_corrected_pixels_and_metadata() -> None:
    image = np.arange(12.0).reshape(3, 4)
    with FLImage(image, meta_data={"time": 1.5, "pixel size": 2e-7}) as fli:
        fli.set_bg_data(image)
        fli_text = fli._repr_html_()
        (shown,) = pictures(fli_text)
        assert np.ptp(shown) == 0
        assert "4 × 3 px" in fli_text
        assert "200 nm" in fli_text
        assert "1.5 s" in fli_text


def test_large_images_are_binned() -> None:
    with FLImage(np.random.default_rng(0).normal(100, 5, (1000, 1500))) as fli:
        text = fli._repr_html_()
    assert max(pictures(text)[0].shape) <= 256
    assert len(text) < 120_000


@pytest.mark.parametrize("values", [np.full((3, 3), np.nan), np.zeros((3, 3)), np.ones((1, 1))])
def test_images_without_contrast_are_shown_all_the_same(values: np.ndarray) -> None:
    with FLImage(values) as fli, FLSeries([fli]) as series:
        assert "<img" in fli._repr_html_()
        assert "<img" in series._repr_html_()


def test_what_is_empty_or_closed_is_shown_by_its_name() -> None:
    with FLSeries() as series:
        assert series._repr_html_() == "<p>FLSeries &lt;in memory&gt;, 0 frames</p>"
    assert "closed" in series._repr_html_()


def test_a_damaged_series_is_shown_with_what_is_wrong(tmp_path: Path) -> None:
    truth = simulation.simulate(np.arange(4.0), simulation.exponential(0.1), shape=(32, 32))
    path = simulation.write(tmp_path / "d.h5", truth)
    with FLSeries(h5file=path, h5mode="r") as series:
        offset = series.h5["fli_0/fluorescence/raw"].id.get_chunk_info(0).byte_offset
    data = bytearray(path.read_bytes())
    for position in (10, 40, 80):
        data[offset + position] ^= 0xFF
    path.write_bytes(data)
    with FLSeries(h5file=path, h5mode="r") as series:
        assert "damaged" in series._repr_html_()
