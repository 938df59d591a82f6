"""What ``make run`` starts: the window on the example recording, or its job without a screen.

Where no window can open, the reason is said, the example is corrected all the same, and the
corrected series and a picture of trace and fit are written into a folder.
"""

from __future__ import annotations

import argparse
import importlib.resources
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from .errors import FlimageError
from .extras import install_command
from .system_libraries import cure

__all__ = ["correct_example", "main", "why_no_window"]

#: Qt platforms that draw nothing a person could see.
_BLIND_PLATFORMS = ("offscreen", "minimal", "vnc")

#: Starts Qt with a window system and ends; run apart, because Qt aborts the process if it cannot.
_PROBE = "from PyQt5.QtWidgets import QApplication; QApplication(['flimage'])"

#: How long Qt may take to start [s]; the first time it reads some 100 MB from disk.
_PROBE_SECONDS = 60


def why_no_window() -> str | None:
    """Say why no window can open here; None when one can."""
    platform = os.environ.get("QT_QPA_PLATFORM", "")
    if platform.partition(":")[0] in _BLIND_PLATFORMS:
        return f"QT_QPA_PLATFORM is set to {platform!r}, which draws no window"
    displays = ("DISPLAY", "WAYLAND_DISPLAY")
    if sys.platform.startswith("linux") and not any(os.environ.get(name) for name in displays):
        return "there is no display (DISPLAY and WAYLAND_DISPLAY are not set)"
    try:
        probe = subprocess.run(
            [sys.executable, "-c", _PROBE],
            capture_output=True,
            text=True,
            timeout=_PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return "Qt did not start in time"
    if probe.returncode == 0:
        return None
    said = [line.strip() for line in probe.stderr.splitlines() if line.strip()]
    # An ImportError stands last, Qt's own complaint first.
    known = [line for line in said if "could not" in line.lower() or "error" in line.lower()]
    remedy = cure(probe.stderr)
    if "connect to display" in probe.stderr:
        remedy = ""  # Qt then names the plugin as well, which is not to blame
    elif "No module named" in probe.stderr:
        remedy = install_command("gui")
    cured = f"; '{remedy}' cures that (see README.md)" if remedy else ""
    return f"Qt cannot start: {(known or said or ['no reason given'])[0].rstrip('.')}{cured}"


def correct_example(folder: Path) -> tuple[Path, Path]:
    """Correct the example recording and draw the fit.

    Parameters
    ----------
    folder
        Where the results go; earlier ones are replaced.

    Returns
    -------
    series, picture : pathlib.Path
        What was written.
    """
    from . import correct
    from .facts import of_fit
    from .recipe import Recipe
    from .report import figure
    from .series import FLSeries
    from .source import SeriesSource
    from .storage import atomic_output

    folder.mkdir(parents=True, exist_ok=True)
    corrected, picture = folder / "example_corrected.h5", folder / "example_corrected.png"
    with (
        importlib.resources.as_file(
            importlib.resources.files("flimage_gui.resources").joinpath("example.h5")
        ) as example,
        FLSeries(h5file=example, h5mode="r") as series,
    ):
        result = correct.run(SeriesSource(series), Recipe(), corrected, overwrite=True)
        with atomic_output(picture, overwrite=True) as temporary:
            figure(result.fit, temporary, "example.h5", "png")
    print(of_fit(result.fit))
    return corrected, picture


def main(argv: Sequence[str] | None = None) -> int:
    """Open the example in the window, or correct it where there is no screen.

    Returns
    -------
    int
        Exit code: that of the window, or 0 when the results were written, 1 otherwise.
    """
    parser = argparse.ArgumentParser(prog="python -m flimage.headless", description=__doc__)
    parser.add_argument(
        "--output", type=Path, default=Path("output"), help="folder for results without a window"
    )
    arguments = parser.parse_args(argv)
    reason = why_no_window()
    if reason is None:
        example = importlib.resources.files("flimage_gui.resources").joinpath("example.h5")
        with importlib.resources.as_file(example) as path:
            return subprocess.call([sys.executable, "-m", "flimage_gui", str(path)])
    print(f"No window can open: {reason}.")
    print("Correcting the example recording without it.\n")
    try:
        written = correct_example(arguments.output)
    except (FlimageError, OSError) as error:
        print(f"flimage: {error}", file=sys.stderr)
        return 1
    print("\nWritten:")
    for path in written:
        print(f"  {path.resolve()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
