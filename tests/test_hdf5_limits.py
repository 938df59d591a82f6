"""HDF5 files that would crash, fill or hold up the program; each is tried in another process."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from flimage.readers import open_recording
from flimage.selecting import Selection

SHAPE = (24, 20)

#: Longer than any command takes on a busy machine; then it is ended [s].
_PATIENCE = 120

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
    ran = subprocess.run(command, capture_output=True, text=True, timeout=_PATIENCE, check=False)
    assert ran.returncode == 0, f"ended with {ran.returncode}: {ran.stderr[-2000:]}"
    *lines, figures = ran.stderr.splitlines()
    code, peak, seconds = json.loads(figures)
    err = "\n".join(lines)
    assert "Unexpected" not in err
    assert "Warning" not in err
    return Ran(code, ran.stdout, err, peak, seconds)


# --- labels of axes ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "labels",
    [
        5,
        np.arange(3.0),
        np.array(["t", "y", "x"] * 1000, h5py.string_dtype()),
        np.array(["t", "y"], h5py.string_dtype()),
        np.array([["t", "y", "x"]], h5py.string_dtype()),
        np.zeros(3, [("a", "i4")]),
        "tyx",
    ],
    ids=["number", "numbers", "too many", "too few", "table", "compound", "one text"],
)
@pytest.mark.parametrize("command", ["info", "convert"])
def test_labels_of_another_kind_or_number_than_the_axes_are_left_alone(
    command: str, labels: object, tmp_path: Path
) -> None:
    # HDF5 takes whatever stands there for as many texts as there are axes, and crashes.
    path = tmp_path / "labelled.h5"
    with h5py.File(path, "w") as file:
        images = file.create_dataset("images", data=np.ones((5, *SHAPE), np.uint16))
        images.attrs["DIMENSION_LABELS"] = labels
    more = () if command == "info" else (tmp_path / "out.h5", "--interval", "1")
    ran = run_apart(command, f"{path}::/images", *more)
    assert ran.code == 0, ran.err
    assert command == "convert" or "5 frames" in ran.out


@pytest.mark.parametrize("dtype", [h5py.string_dtype(), "S5"], ids=["any length", "one length"])
def test_labels_of_the_axes_say_what_they_are(dtype: object, tmp_path: Path) -> None:
    path = tmp_path / "labelled.h5"
    images = np.arange(3 * 2 * 24 * 20, dtype=np.uint16).reshape(3, 2, *SHAPE)
    with h5py.File(path, "w") as file:
        file["images"] = images
        file["images"].attrs["DIMENSION_LABELS"] = np.array(["time", "c", "y", "x"], dtype)
    with open_recording(path, selection=Selection(1)) as recording:
        assert recording.n_frames == 3
        assert "Axes are time, c, y, x, from the dimension labels." in recording.notes
        np.testing.assert_array_equal(recording.frame(2), images[2, 1])
