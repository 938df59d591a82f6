"""Correct the real recordings beside the checkout, and write `docs/real-recordings.md`.

Usage: python scripts/real_recordings.py [FOLDER]

The recordings are not part of the project; FOLDER (``../shared/data`` by default) holds them. What
is said about each was written after looking at its pictures; the numbers are filled in.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flimage import FLSeries, Recipe, correct
from flimage.bleach import BleachFit
from flimage.convert import convert
from flimage.facts import of_fit
from flimage.report import figure
from flimage.source import SeriesSource

DOCS = Path(__file__).resolve().parents[1] / "docs"


@dataclass(frozen=True)
class Trial:
    """One correction of a recording.

    Parameters
    ----------
    name
        Of the picture.
    recipe
        All settings.
    seen
        What the picture shows.
    """

    name: str
    recipe: Recipe
    seen: str


@dataclass(frozen=True)
class Subject:
    """A recording: what it is, what its file does not state, the corrections to try.

    Parameters
    ----------
    file, title, about
        Its name, and what it shows.
    given
        What its file does not state.
    window
        What a person meets in the window, from opening it to the corrected file.
    trials
        The corrections to try.
    """

    file: str
    title: str
    about: str
    given: dict[str, Any]
    window: str
    trials: tuple[Trial, ...]


SUBJECTS = (
    Subject(
        "cellsino_sinogram_fli.h5",
        "Simulated cell with a known truth",
        "200 frames of 150×150 px, 0 to 19.9 s, written by a simulator: background 116 counts,"
        " rate 0.08 /s, no unbleachable part.",
        {},
        "Nothing is asked for. *Run correction* says good, *Export corrected series…* writes the"
        " file beside the recording, and *Open it* shows a flat trace under the notice *Corrected"
        " already*.",
        (
            Trial(
                "cellsino",
                Recipe(),
                "The curve runs through the frames, the residuals are noise of the expected size,"
                " and rate and background are those that were put in.",
            ),
        ),
    ),
    Subject(
        "mitosis_C1_51x196x171_u16.tif",
        "Dividing cell",
        "51 frames of 171×196 px (width × height), 16 bit, no times; 1 s between frames is assumed"
        " here.",
        {"interval": 1.0, "pixel_size": 1e-7},
        "The time between frames is asked for (“5 min” is understood), the pixel size may stay"
        " unknown. Below the verdict *Use one background level per frame* does what it asks for.",
        (
            Trial(
                "mitosis-series",
                Recipe(),
                "The bright plate divides in frames 26 to 30 and its signal spreads through the"
                " cell. A region around the plate would take that for bleaching, so the whole"
                " frame is measured. The cell reaches into the border: the level falls with it,"
                " which the verdict says, and asks for one level per frame.",
            ),
            Trial(
                "mitosis-frame",
                Recipe(background="frame"),
                "One level per frame removes the drift of the background. What remains are changes"
                " of the cell itself, larger than the noise of the pixels: the residuals are"
                " structured, and the verdict stays at caution. The rate is uncertain, the gain"
                " inside the recording is not.",
            ),
        ),
    ),
    Subject(
        "detrendr_bleached_500x25x30_u8.tif",
        "Strong bleaching without a background",
        "500 frames of 30×25 px, 8 bit, no times. The sample fills the frame, so no border holds"
        " background.",
        {"interval": 1.0, "pixel_size": 1e-7},
        "The time between frames is asked for. The border that the window starts with is refused;"
        " with a border of 0 px, typed in the panel *Background*, the verdict is caution.",
        (
            Trial(
                "detrendr-border",
                Recipe(border_px=2),
                "With a border, sample is subtracted from sample: the level falls by more than the"
                " signal that is left. The correction is refused, and the frames stay as they"
                " are; the verdict says that the border looks like sample.",
            ),
            Trial(
                "detrendr",
                Recipe(border_px=0),
                "Without a background level the decay of the whole frame is corrected. The camera's"
                " offset is not known and counts as signal that does not bleach. The trace scatters"
                " far more than its photons would, in slow waves that no decay explains; the"
                " verdict stays at caution.",
            ),
        ),
    ),
    Subject(
        "basicpy_timelapse_nanog_189x128x171_u8.npz",
        "Background that decays itself",
        "189 frames of 171×128 px, 8 bit, no times; 42 pixels are saturated.",
        {"interval": 1.0, "pixel_size": 1e-6},
        "The time between frames is asked for. Saturated pixels are red in the raw image and"
        " counted above it. The first verdict refuses; *Use one background level per frame* below"
        " it is all that is needed.",
        (
            Trial(
                "nanog-series",
                Recipe(border_px=10),
                "One level for the series is far too low at first and too high later, by several"
                " times the signal. The correction is refused with the remedy: one level per"
                " frame.",
            ),
            Trial(
                "nanog-frame",
                Recipe(border_px=10, background="frame"),
                "With one level per frame the decay of the background is gone, and the signal falls"
                " to a half along a smooth curve. The first frame and those from 170 on lie off"
                " it; they are named and were left out of the fit. Frames from 170 on get the gain"
                " of the curve and so stay up to 4 % too dim.",
            ),
        ),
    ),
    Subject(
        "arcadia_example-timelapse.nd2",
        "Negative control: nothing bleaches",
        "53 frames of 64×64 px, 16 bit, with a time stamp for each frame, about 0.5 s apart.",
        {},
        "Where the package for ND2 is missing, a message says how to install it, and the running"
        " window then reads the file. Times and pixel size are found and shown. The correction is"
        " refused; exporting is possible all the same, and says that frames keep their intensity.",
        (
            Trial(
                "arcadia",
                Recipe(border_px=8),
                "The signal rises by a few percent and does not decay. The correction is refused,"
                " every gain is exactly 1, and the frames are left alone.",
            ),
        ),
    ),
)


#: Recordings that hold no decay.
SINGLE = [
    "## Single images",
    "",
    "`flimage_basic.h5` and `flimage_retina_p10.h5`: one image each, written by flimage 0.1.",
    "",
    "**In the window:** They open as series of one frame, with what times and pixel sizes they"
    " state. Panel and trace say that one frame holds no decay, which needs at least 4; looking,"
    " backgrounds, regions and pictures work as ever.",
]


def flat(source: SeriesSource, fit: BleachFit) -> str:
    """Describe the mean of the corrected frames at the end and at the start."""
    corrector = correct.FrameCorrector(source, fit)
    count = len(source)
    few = max(1, count // 20)
    means = [
        float(np.mean([corrector.frame(i)[fit_region(fit)].mean() for i in frames]))
        for frames in (range(few), range(count - few, count))
    ]
    if not means[0] > 0:
        return ""
    return (
        f"Mean of the corrected frames, last {few} against first {few}:"
        f" {100 * (means[1] / means[0] - 1):+.1f} %."
    )


def fit_region(fit: BleachFit) -> tuple[slice, slice]:
    """Whole frame: what moves inside it must not matter here."""
    height, width = fit.trace.shape
    return slice(0, height), slice(0, width)


def examine(subject: Subject, folder: Path, scratch: Path) -> list[str]:
    """Correct one recording in every way and describe what came of it."""
    path = folder / subject.file
    if path.suffix != ".h5":
        path = convert(path, scratch / f"{path.stem}.h5", **subject.given)
    lines = [f"## {subject.title}", "", f"`{subject.file}`: {subject.about}", ""]
    lines += [f"**In the window:** {subject.window}", ""]
    with FLSeries(h5file=path, h5mode="r") as series:
        source = SeriesSource(series)
        for trial in subject.trials:
            fit = correct.run(source, trial.recipe).fit
            picture = DOCS / "images" / f"real-{trial.name}.png"
            figure(fit, picture, title=subject.title)
            where = f"border {trial.recipe.border_px} px, one level per {trial.recipe.background}"
            if not trial.recipe.border_px:
                where = "no background level"
            lines += [f"### With {where}", "", trial.seen]
            lines += [flat(source, fit), ""]
            lines += [f"![Trace, fit, residuals and gain](images/{picture.name})", ""]
            lines += ["```text", of_fit(fit), "```", ""]
            print(f"{subject.file}, {where}: {fit.verdict.grade}")
    return lines


def main() -> None:
    """Examine all recordings and write the page."""
    default = DOCS.parents[1] / "shared" / "data"
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    page = [
        "# Real recordings",
        "",
        "What the correction makes of recordings that nobody on this project made. Files and"
        " licences: detrendr (BSD-3), microfilm (BSD-3), BaSiCPy (MIT), arcadia-microscopy-tools"
        " (MIT). Written by `scripts/real_recordings.py`.",
        "",
    ]
    with tempfile.TemporaryDirectory() as scratch:
        for subject in SUBJECTS:
            page += examine(subject, folder, Path(scratch))
    page += SINGLE
    (DOCS / "real-recordings.md").write_text("\n".join(page).rstrip() + "\n")


if __name__ == "__main__":
    main()
