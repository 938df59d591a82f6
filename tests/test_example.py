"""The example recording: made by the script in the repository, and corrected to what it put in."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from flimage import FLSeries, Recipe, correct, headless
from flimage.source import SeriesSource

SCRIPT = Path(__file__).resolve().parents[1] / "scripts" / "make_example.py"

#: Largest size of the file [bytes].
LIMIT = 4_000_000

BORDER = 20


@pytest.fixture(scope="module")
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_example", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_example"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def correction(example: Path) -> correct.Correction:
    with FLSeries(h5file=example, h5mode="r") as series:
        return correct.run(SeriesSource(series), Recipe(border_px=BORDER))


def binned(image: np.ndarray, size: int = 16) -> np.ndarray:
    """Means of squares of `size` pixels."""
    height, width = (length // size for length in image.shape)
    cut = image[: height * size, : width * size].astype(float)
    return cut.reshape(height, size, width, size).mean(axis=(1, 3))


def test_the_file_is_small(example: Path) -> None:
    assert example.stat().st_size <= LIMIT


def test_the_file_holds_what_the_script_makes(example: Path, script: ModuleType) -> None:
    truth = script.TRUTH
    with FLSeries(h5file=example, h5mode="r") as series:
        assert len(series) == truth.n_frames
        assert series.identifier == "example"
        for index, (image, meta) in enumerate(script.frames(truth)):
            stored = series[index]
            kept = {key: stored.meta[key] for key in meta}
            assert kept == meta
            # Random numbers may differ between versions of NumPy; averages may not, beyond
            # what noise explains (256 pixels, two recordings, 7 standard deviations).
            expected = binned(image)
            noise = np.sqrt(truth.gain * (expected - truth.camera_offset) + 1) * np.sqrt(2 / 256)
            assert np.all(np.abs(binned(stored.raw_fl) - expected) < 7 * noise)


def test_the_script_makes_the_same_frames_each_time(script: ModuleType) -> None:
    few = script.Truth(shape=(48, 56), n_frames=4)
    first, second = (list(script.frames(few)) for _ in range(2))
    for (one, one_meta), (other, other_meta) in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, other)
        assert one_meta == other_meta


def test_the_script_writes_a_series(script: ModuleType, tmp_path: Path) -> None:
    few = script.Truth(shape=(48, 56), n_frames=4)
    script.write(tmp_path / "a.h5", few)
    with FLSeries(h5file=tmp_path / "a.h5", h5mode="r") as series:
        for fli, (image, meta) in zip(series, script.frames(few), strict=True):
            np.testing.assert_array_equal(fli.raw_fl, image)
            assert fli.meta["time"] == meta["time"]


def test_pixels_are_whole_counts_within_the_range_of_a_camera(example: Path) -> None:
    with FLSeries(h5file=example, h5mode="r") as series:
        for fli in series[::30]:
            np.testing.assert_array_equal(fli.raw_fl, np.rint(fli.raw_fl))
            assert fli.raw_fl.min() > 0
            assert fli.raw_fl.max() < 65535


def test_times_are_irregular_and_rise(example: Path, script: ModuleType) -> None:
    with FLSeries(h5file=example, h5mode="r") as series:
        steps = np.diff(series.times)
    assert steps.min() >= script.TRUTH.interval
    assert np.median(steps) == pytest.approx(script.TRUTH.interval, rel=0.05)
    assert steps.max() > 2


def test_the_correction_finds_the_decay_rate(
    correction: correct.Correction, script: ModuleType
) -> None:
    rate = next(p for p in correction.fit.parameters if p.unit == "1/s")
    assert rate.value == pytest.approx(script.TRUTH.decay_rate, rel=0.01)
    assert abs(rate.value - script.TRUTH.decay_rate) < 4 * rate.stderr


def test_the_correction_finds_the_unbleachable_part(
    correction: correct.Correction, script: ModuleType
) -> None:
    """Parts of the first frame, which is at time 0."""
    gain_limit = 1 / script.TRUTH.unbleachable
    times = correction.fit.trace.times
    expected = 1 / script.TRUTH.decay(times)
    assert expected.max() < gain_limit
    np.testing.assert_allclose(correction.fit.gain, expected, rtol=0.01)


def test_the_correction_finds_the_background(
    correction: correct.Correction, script: ModuleType
) -> None:
    veil = script.background(script.TRUTH)
    inner = np.zeros(veil.shape, bool)
    inner[BORDER:-BORDER, BORDER:-BORDER] = True
    expected = veil[~inner].mean()
    assert expected == pytest.approx(107, abs=0.5)
    np.testing.assert_allclose(correction.fit.trace.background, expected, atol=0.1)


def test_gain_times_decay_is_flat(correction: correct.Correction, script: ModuleType) -> None:
    flat = correction.fit.gain * script.TRUTH.decay(correction.fit.trace.times)
    assert flat.std() / flat.mean() < 0.003
    assert abs(flat[-1] / flat[0] - 1) < 0.01


def test_the_verdict_on_the_example_is_good(correction: correct.Correction) -> None:
    assert correction.fit.verdict.grade == "good", correction.fit.verdict.sentence


# --- without a screen ----------------------------------------------------------------------------


def test_without_a_display_the_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    reason = headless.why_no_window()
    assert reason is not None
    assert "DISPLAY" in reason
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    reason = headless.why_no_window()
    assert reason is not None
    assert "offscreen" in reason


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="X11 displays of Linux")
def test_where_qt_cannot_start_its_own_reason_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":9999")
    monkeypatch.setenv("QT_QPA_PLATFORM", "xcb")
    reason = headless.why_no_window()
    assert reason is not None
    assert "could not" in reason.lower()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libraries of Linux")
@pytest.mark.parametrize(
    ("said", "remedy"),
    [
        ("ImportError: libGL.so.1: cannot open shared object file", "sudo apt install libgl1'"),
        (
            'Could not load the Qt platform plugin "xcb" in "" even though it was found.',
            "libxcb-icccm4",
        ),
        ("ModuleNotFoundError: No module named 'PyQt5'", 'pip install "flimage[gui]"'),
        (
            "qt.qpa.xcb: could not connect to display :9\n"
            'Could not load the Qt platform plugin "xcb" in "" even though it was found.',
            "display :9",
        ),
    ],
)
def test_where_something_is_missing_what_installs_it_is_named(
    monkeypatch: pytest.MonkeyPatch, said: str, remedy: str
) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    monkeypatch.delenv("QT_QPA_PLATFORM", raising=False)
    monkeypatch.setattr(
        headless.subprocess,
        "run",
        lambda *a, **k: subprocess.CompletedProcess(a, 1, "", f"{said}\nAborted (core dumped)"),
    )
    reason = headless.why_no_window()
    assert reason is not None
    assert remedy in reason
    assert ("apt" in reason) == ("apt" in remedy or "libxcb" in remedy)


@pytest.mark.parametrize(
    ("fault", "remedy"),
    [
        ("sys.modules['PyQt5'] = None", '-m pip install "flimage[gui]"\''),
        ("sys.meta_path.insert(0, Missing())", "run 'sudo apt install libgl1'"),
    ],
)
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="libraries of Linux")
def test_the_window_says_what_installs_what_it_misses(fault: str, remedy: str) -> None:
    script = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name == "PyQt5.QtWidgets":
            raise ImportError("libGL.so.1: cannot open shared object file")
{fault}
from flimage_gui.__main__ import main
sys.exit(main([]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PATH": "/usr/bin:/bin"},
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("flimage-gui: Qt cannot be loaded (")
    assert remedy in done.stderr


def test_without_a_screen_the_example_is_corrected_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    folder = tmp_path / "a" / "output"
    for _ in range(2):
        assert headless.main(["--output", str(folder)]) == 0
    said = capsys.readouterr().out
    assert "No window can open" in said
    written = sorted(folder.iterdir())
    assert [path.name for path in written] == ["example_corrected.h5", "example_corrected.png"]
    for path in written:
        assert str(path) in said
    with FLSeries(h5file=written[0], h5mode="r") as series:
        signal = [fli.fl[60:130, 50:160].mean() for fli in (series[0], series[-1])]
    assert signal[1] == pytest.approx(signal[0], rel=0.02)


def test_where_nothing_can_be_written_one_sentence_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")
    (tmp_path / "output").touch()
    assert headless.main(["--output", str(tmp_path / "output")]) == 1
    assert capsys.readouterr().err.startswith("flimage: ")
