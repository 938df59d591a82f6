"""Small recordings for tests of the window."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from flimage import FLImage, FLSeries


def decaying(n_frames: int = 12, shape: tuple[int, int] = (60, 80), seed: int = 1) -> np.ndarray:
    """Frames (t, y, x) of a bright disc that bleaches on a dim ground, with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[: shape[0], : shape[1]]
    disc = np.hypot(y - shape[0] / 2, x - shape[1] / 2) < min(shape) / 5
    decay = 0.3 + 0.7 * np.exp(-np.arange(n_frames) / (n_frames / 3))
    frames = 100.0 + 400.0 * disc * decay[:, None, None]
    return (frames + rng.normal(0, 2.0, frames.shape)).astype(np.float32)


def write_series(path: Path, frames: np.ndarray, interval: float = 0.5) -> Path:
    """Write frames into a series file, with times, identifiers and a pixel size of 0.1 µm."""
    with FLSeries(h5file=path, h5mode="w", identifier="test") as series:
        for index, frame in enumerate(frames):
            meta = {"time": index * interval, "pixel size": 1e-7, "identifier": f"test:{index}"}
            series.add_flimage(FLImage(frame, meta_data=meta))
    return path


_HOLDER = """
import sys, h5py
with h5py.File(sys.argv[1], "r+"):
    print("open", flush=True)
    sys.stdin.readline()
"""


@contextlib.contextmanager
def held_by_another_program(path: Path) -> Iterator[None]:
    """Let another process have the file open for writing."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "open\n"
        yield
        holder.communicate("\n")
    assert holder.returncode == 0
