"""Series that are odd in one way, and commands that are run on them in another process."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from flimage import FLImage, FLSeries
from flimage.image_group import RAW

__all__ = ["PATIENCE", "SHAPE", "Ran", "copy_image", "run_apart", "series_with"]

SHAPE = (24, 20)

#: Longer than any command takes on a busy machine; then it is ended [s].
PATIENCE = 120

_CODE = """
import json, sys, time
from pathlib import Path
from flimage.cli import main
code = main(sys.argv[1:])
peak = 0
if sys.platform == "linux":
    lines = Path("/proc/self/status").read_text().splitlines()
    peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:")) // 1024
print(json.dumps([code, peak, time.process_time()]), file=sys.stderr)
"""


@dataclasses.dataclass(frozen=True)
class Ran:
    """What came of a command: exit code, output, errors, memory [MB] and processor time [s]."""

    code: int
    out: str
    err: str
    peak: int
    seconds: float


def run_apart(*arguments: object) -> Ran:
    """Run a command in another process, which has to come to an end by itself."""
    command = [sys.executable, "-c", _CODE, *map(str, arguments)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert ran.returncode == 0, f"ended with {ran.returncode}: {ran.stderr[-2000:]}"
    *lines, figures = ran.stderr.splitlines()
    code, peak, seconds = json.loads(figures)
    err = "\n".join(lines)
    assert "Unexpected" not in err
    assert "Warning" not in err
    return Ran(code, ran.stdout, err, peak, seconds)


def series_with(path: Path, change: Callable[[h5py.Group], None]) -> Path:
    """A series, the raw image of frame 2 of which is replaced."""
    with FLSeries(h5file=path, h5mode="w") as series:
        for number in range(5):
            series.add_flimage(FLImage(np.full(SHAPE, 10.0 + number), meta_data={"time": number}))
    with h5py.File(path, "r+") as file:
        del file[f"fli_2/{RAW}"]
        change(file["fli_2"])
    return path


def copy_image(frame: h5py.Group) -> None:
    """Give a frame the image of frame 1."""
    frame.file.copy(f"fli_1/{RAW}", frame, RAW)
