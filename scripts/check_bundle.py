"""Try a bundle out: it has to start and to correct the example without any other Python.

``python scripts/check_bundle.py [FOLDER]`` copies the bundle (``dist/flimage`` by default) to
another place, under a name with a space, and runs it there with an environment that names no
Python, as on a machine without one. While the window is open, the files that it has mapped are
looked at (on Linux): none may belong to another Python.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import tifffile

ROOT = Path(__file__).resolve().parents[1]
_PATIENCE = 120.0
#: What the example was made with, see scripts/make_example.py.
_RATE, _TOLERANCE = 0.06, 0.001
_SUFFIX = ".exe" if sys.platform == "win32" else ""


class BundleError(Exception):
    """The bundle does not do what it has to."""


class Bundle:
    """A copy of a bundle, and the folder that it works in.

    Parameters
    ----------
    folder
        The copy.
    work
        Where its outputs go.
    """

    def __init__(self, folder: Path, work: Path) -> None:
        self.folder = folder
        self.work = work
        kept = ("SYSTEMROOT", "WINDIR", "TEMP", "TMP", "DISPLAY", "LANG")
        self.environment = {name: os.environ[name] for name in kept if name in os.environ} | {
            "HOME": str(work),
            "PATH": str(work / "nothing"),
            "QT_QPA_PLATFORM": "offscreen",
            "XDG_RUNTIME_DIR": str(work),
        }

    def start(self, program: str, *arguments: str) -> subprocess.Popen[str]:
        """Start one of the programs."""
        return subprocess.Popen(
            [str(self.folder / f"{program}{_SUFFIX}"), *arguments],
            cwd=self.work,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def run(self, program: str, *arguments: str, code: int = 0) -> str:
        """Run one of the programs to its end, and return what it says."""
        process = self.start(program, *arguments)
        said, _ = process.communicate(timeout=_PATIENCE)
        line = " ".join((program, *arguments))
        if process.returncode != code:
            raise BundleError(f"{line}: exit code {process.returncode}\n{said}")
        print(f"  {line}")
        return said


def foreign_files(process: subprocess.Popen[str], folder: Path) -> list[str]:
    """Files of another Python that a running program has mapped (Linux; elsewhere none)."""
    maps = Path(f"/proc/{process.pid}/maps")
    if not maps.exists():
        return []
    mapped = {line.split(maxsplit=5)[5] for line in maps.read_text().splitlines() if "/" in line}
    inside = str(folder.resolve())
    return sorted(
        name for name in mapped if "python" in name.lower() and not name.startswith(inside)
    )


def check_commands(bundle: Bundle) -> None:
    """Correct the example and look at the result."""
    print(bundle.run("flimage", "--version").strip())
    bundle.run("flimage", "example", "example.h5")
    bundle.run(
        "flimage", "bleach", "example.h5", "corrected.h5",
        "--report", "fit.json", "--figure", "fit.png",
    )  # fmt: skip
    fit = json.loads((bundle.work / "fit.json").read_text(encoding="utf-8"))["fit"]
    rates = [p["value"] for p in fit["parameters"] if p["name"] == "rate"]
    if fit["verdict"]["grade"] != "good" or abs(rates[0] - _RATE) > _TOLERANCE:
        raise BundleError(f"The correction of the example is wrong: {fit['verdict']}, {rates}")
    bundle.run("flimage", "verify", "corrected.h5", "--source", "example.h5")
    bundle.run("flimage", "denoise", "example.h5", "denoised.h5")
    for name in ("out.ome.tif", "out.tif", "out.csv", "out.html", "out.svg", "out.pdf", "out.mp4"):
        bundle.run("flimage", "export", "example.h5", name, "--model", "exponential")
        if not (bundle.work / name).stat().st_size:
            raise BundleError(f"{name} is empty")
    bundle.run("flimage", "convert", "out.ome.tif", "converted.h5")
    bundle.run("flimage", "info", "nothing.h5", code=1)


def check_formats(bundle: Bundle) -> None:
    """Make sure that the packages for other formats are in the bundle and load."""
    bundle.run("flimage", "export", "example.h5", "out.zarr", "--images", "raw")
    bundle.run("flimage", "convert", "out.zarr", "from_zarr.h5")
    stack = np.arange(3 * 8 * 10, dtype=np.uint16).reshape(3, 8, 10)
    # From a compression that is read by its own package only.
    kind = {"photometric": "minisblack", "compression": "zstd"}
    tifffile.imwrite(bundle.work / "zstd.tif", stack, **kind)
    bundle.run("flimage", "convert", "zstd.tif", "from_zstd.h5", "--interval", "1")
    for name in ("damaged.nd2", "damaged.czi"):
        (bundle.work / name).write_bytes(b"nothing of the kind")
        said = bundle.run("flimage", "info", name, code=1)
        if "is not a readable" not in said:
            raise BundleError(f"{name} was not read by the package for it: {said}")


def check_window(bundle: Bundle) -> None:
    """Open the window, look at what it is made of, and let it close by itself."""
    bundle.run("flimage-gui", "--version")
    process = bundle.start("flimage-gui", "--quit-after", "4", "example.h5")
    try:
        time.sleep(2.5)
        foreign = foreign_files(process, bundle.folder)
        said, _ = process.communicate(timeout=_PATIENCE)
    finally:
        process.kill()
    if process.returncode != 0:
        raise BundleError(f"flimage-gui: exit code {process.returncode}\n{said}")
    if foreign:
        raise BundleError(f"The window uses another Python: {', '.join(foreign)}")
    print("  flimage-gui --quit-after 4 example.h5")


def main() -> int:
    """Try the bundle out.

    Returns
    -------
    int
        Exit code: 0 when everything is as it has to be.
    """
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "dist" / "flimage")
    given = parser.parse_args().folder
    with tempfile.TemporaryDirectory(prefix="flimage-bundle-") as scratch:
        work = Path(scratch) / "work"
        work.mkdir()
        copy = Path(scratch) / "some place"
        shutil.copytree(given, copy, symlinks=True)
        size = sum(path.lstat().st_size for path in copy.rglob("*") if path.is_file())
        print(f"{given}: {size / 1e6:.0f} MB")
        bundle = Bundle(copy, work)
        try:
            check_commands(bundle)
            check_formats(bundle)
            check_window(bundle)
        except (BundleError, OSError, subprocess.TimeoutExpired) as error:
            print(error, file=sys.stderr)
            return 1
    print("The bundle starts and corrects the example.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
