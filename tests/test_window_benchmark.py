"""What the benchmark of the window asks for, and what it does where a window fails."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"


@pytest.fixture
def modules(monkeypatch: pytest.MonkeyPatch):
    """Make the benchmarks importable, as they are from the folder above and in a window."""
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.syspath_prepend(str(BENCHMARKS.parent))
    before = set(sys.modules)
    yield
    for name in set(sys.modules) - before:
        if name.startswith(("benchmarks", "window_")):
            del sys.modules[name]


@pytest.mark.parametrize("count", [2, 3, 7, 60, 500])
def test_no_frame_is_asked_for_that_is_shown_already(modules, count: int) -> None:
    from window_probe import browsed

    frames = browsed(count)
    assert frames
    assert all(0 <= frame < count for frame in frames)
    assert all(a != b for a, b in zip([0, *frames], frames, strict=False))


def test_a_part_that_fails_is_named_and_the_others_are_measured(modules, capsys) -> None:
    from benchmarks.window import Row, measure
    from benchmarks.window_runs import RunError

    def failing() -> list[Row]:
        raise RunError("the window did not open")

    assert measure({"a": lambda: [Row("jump", "7 ms")]}) == [Row("jump", "7 ms")]
    assert measure({"a": failing, "b": lambda: [Row("step", "8 ms")]}) is None
    told = capsys.readouterr()
    assert "a: the window did not open" in told.err
    assert "| step | 8 ms |" in told.out
