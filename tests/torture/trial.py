"""What is done with a file that may be damaged: everything a person can do without a window."""

from __future__ import annotations

import contextlib
import io
import re
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.torture.mutant import Mutant
from tests.torture.samples import FRAMES, Sample

__all__ = ["Report", "try_commands", "try_library"]


@dataclass
class Report:
    """What came of a file.

    Parameters
    ----------
    read
        Frames that were read.
    refused
        Sentences of the program.
    bugs
        What must not happen.
    """

    read: set[int] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)

    @property
    def outcome(self) -> str:
        """One word for it."""
        if self.bugs:
            return "bug"
        if not self.refused:
            return "read"
        return "read in part" if self.read else "refused"


@contextlib.contextmanager
def _step(report: Report, what: str, path: Path, *named: str) -> Iterator[None]:
    """Do one thing, which works or is refused with a sentence that names the file."""
    from flimage.errors import FlimageError, TimesError, TooFewFramesError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            yield
    except FlimageError as error:
        text = str(error)
        report.refused.append(f"{what}: {text}")
        # What a fit needs is told of the frames, whatever file they are in.
        if path.name not in text and not isinstance(error, (TimesError, TooFewFramesError)):
            report.bugs.append(f"{what}: the file is not named in {text!r}")
        # Where frames share what is damaged, it has the name of one of them.
        if named and not re.search(r"fli_\d|rame \d", text):
            report.bugs.append(f"{what}: the frame is not named in {text!r}")
    except MemoryError as error:
        report.bugs.append(f"{what}: out of memory\n{_where(error)}")
    except BaseException as error:  # qpimage's exceptions are none of Exception
        report.bugs.append(f"{what}: {type(error).__name__}: {error}\n{_where(error)}")


def _where(error: BaseException) -> str:
    return "".join(traceback.format_tb(error.__traceback__)[-4:])


def try_library(path: Path, sample: Sample, mutant: Mutant) -> Report:
    """Open a file, read all about it and all frames, and correct it."""
    report = Report()
    if sample.hdf5:
        _series(path, sample, mutant, report)
        if sample.kind != "image":
            _recover(path, sample, mutant, report)
    else:
        _recording(path, sample, report)
    return report


def _series(path: Path, sample: Sample, mutant: Mutant, report: Report) -> None:
    from flimage import FLImage, FLSeries, correct, provenance
    from flimage import facts as facts_of
    from flimage.image_group import is_image_group
    from flimage.opening import find_series
    from flimage.recipe import Recipe
    from flimage.source import SeriesSource
    from flimage.storage import open_file

    with contextlib.ExitStack() as stack:
        series = source = None
        with _step(report, "open", path):
            file = stack.enter_context(open_file(path))
            group = find_series(file, path)
            if is_image_group(group):
                with _step(report, "facts", path):
                    facts_of.as_text(facts_of.of_image(group))
                with _step(report, "image", path), FLImage(h5file=group) as image:
                    _check_pixels(image.fl, image.raw_fl.shape)
                    repr(image), image.meta, image.info, image.bg_fl, image.copy().close()
                    report.read.add(0)
                return
            with _step(report, "facts", path):
                facts_of.as_text(facts_of.of_series(group))
            series = stack.enter_context(FLSeries(h5file=group))
            series.times, series.identifiers, series.identifier, repr(series)
            with _step(report, "provenance", path):
                provenance.read(group)
                provenance.origin(group)
        if series is None:
            return
        for number in range(min(len(series), 50)):
            with _step(report, f"frame {number}", path, f"fli_{number}", f"rame {number}"):
                with series[number] as frame:
                    fl, meta = frame.fl, frame.meta
                    repr(frame), frame.info
                    meta.get("time")
                _check_pixels(fl, frame.shape)
                if number in mutant.damaged:
                    report.bugs.append(f"frame {number} is damaged, and was read")
                report.read.add(number)
                if number in (mutant.intact or ()) and not np.array_equal(
                    fl.astype(np.float32), sample.images[number]
                ):
                    report.bugs.append(f"frame {number} was read otherwise than it was written")
        with _step(report, "source", path):
            source = SeriesSource(series)
        if source is not None:
            for number in range(min(len(series), 50)):
                with _step(report, f"source {number}", path, f"fli_{number}", f"rame {number}"):
                    _check_pixels(source.image(number), source.raw(number).shape)
                    source.meta(number)
            out = path.with_name("made.h5")
            with _step(report, "correct", path):
                correct.run(source, Recipe(border_px=2), out)
            out.unlink(missing_ok=True)
    missing = (mutant.intact or frozenset()) - report.read
    if missing and len(report.read) < FRAMES:
        report.bugs.append(f"intact frames were not read: {sorted(missing)}; {report.refused[:2]}")


def _recover(path: Path, sample: Sample, mutant: Mutant, report: Report) -> None:
    """Write what can be read to a new file: every frame of it is right, and no good one is lost."""
    from flimage import FLSeries
    from flimage.recover import recover

    out = path.with_name("made.h5")
    refused = len(report.refused)
    with _step(report, "recover", path):
        recovery = recover(path, out)
        with FLSeries(h5file=out, h5mode="r") as series:
            if len(series) != len(recovery.frames):
                report.bugs.append(f"{len(series)} frames instead of {recovery.frames}")
            for position, number in enumerate(recovery.frames):
                fl = series[position].fl.astype(np.float32)
                if number in mutant.damaged:
                    report.bugs.append(f"frame {number} is damaged, and was recovered")
                if number in (mutant.intact or ()) and not np.array_equal(
                    fl, sample.images[number]
                ):
                    report.bugs.append(f"frame {number} was recovered otherwise than it was")
        lost = (mutant.intact or frozenset()) - set(recovery.frames)
        if lost:
            report.bugs.append(f"intact frames were not recovered: {sorted(lost)}")
        report.read.update(recovery.frames)
    if len(report.refused) > refused and mutant.intact:
        report.bugs.append(f"intact frames were refused: {report.refused[-1]}")
    out.unlink(missing_ok=True)


def _check_pixels(image: npt.NDArray[np.generic], shape: tuple[int, ...]) -> None:
    assert image.ndim == 2, image.shape
    assert image.dtype.kind in "biuf", image.dtype
    assert image.shape == shape


def _recording(path: Path, sample: Sample, report: Report) -> None:
    from flimage import facts as facts_of
    from flimage.convert import convert, open_recording

    with contextlib.ExitStack() as stack:
        recording = None
        with _step(report, "open", path):
            recording = stack.enter_context(open_recording(path))
            facts_of.as_text(facts_of.of_recording(recording))
            repr(recording)
        if recording is None:
            return
        for number in range(min(len(recording), 50)):
            with _step(report, f"frame {number}", path, f"rame {number}"):
                _check_pixels(recording.frame(number), recording.shape)
                report.read.add(number)
    out = path.with_name("made.h5")
    with _step(report, "convert", path):
        if len(recording) <= 1000:
            convert(path, out, interval=1.0)
    out.unlink(missing_ok=True)


def try_commands(path: Path, sample: Sample) -> Report:
    """Run commands on a file: they end with an exit code and a sentence."""
    report = Report()
    commands = [["info", str(path)], ["info", "--json", str(path)]]
    made = path.with_name("made.h5")
    out = str(made)
    if sample.hdf5:
        commands.append(["bleach", str(path), out, "--border", "2", "--no-cache"])
    else:
        commands.append(["convert", str(path), out, "--interval", "1"])
    for arguments in commands:
        _command(arguments, path, report)
        made.unlink(missing_ok=True)
    return report


_SANE = re.compile(r"[^\x00-\x08\x0b-\x1f\x7f-\x9f]*\Z")


def _command(arguments: list[str], path: Path, report: Report) -> None:
    from flimage.cli import main

    what = " ".join(arguments[:-1] if arguments[0] == "info" else arguments[:1])
    out, err = io.StringIO(), io.StringIO()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            warnings.simplefilter("error")
            code = main(arguments)
    except BaseException as error:  # nothing at all may come through
        report.bugs.append(f"{what}: {type(error).__name__}: {error}\n{_where(error)}")
        return
    said = err.getvalue()
    if code in (0, 3):
        report.read.add(0)
    elif code == 1:
        report.refused.append(f"{what}: {said}")
    if code not in (0, 1, 3) or "Unexpected error" in said or "Traceback" in said:
        report.bugs.append(f"{what}: exit code {code}: {said}")
    if code == 1 and path.name not in said and "rame" not in said:
        report.bugs.append(f"{what}: the file is not named in {said!r}")
    for text in (out.getvalue(), said):
        if not _SANE.match(text):
            report.bugs.append(f"{what}: control characters reach the terminal in {text!r}")


Trial = Callable[[Path, Sample, Mutant], Report]
