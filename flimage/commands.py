"""What each command of ``flimage`` does: call the library, and say in words what came of it."""

from __future__ import annotations

import argparse
import contextlib
import importlib.resources
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from . import facts as facts_of
from ._version import __version__
from .batch_command import run_batch_command
from .cli import EXIT_FAILED, EXIT_INTERRUPTED, EXIT_OK, EXIT_REFUSED
from .errors import Cancelled, InputError
from .image_group import is_image_group
from .opening import find_series, open_series
from .options import recipe_from, selection_from
from .plain_text import CONTROLS, printable
from .readers import is_recording, open_recording
from .source import SeriesSource
from .storage import atomic_output, open_file

if TYPE_CHECKING:
    from .bleach import BleachFit
    from .events import EventPreservation


class ProgressBar:
    """A progress bar on standard error; nothing at all where that is not a terminal.

    It is a :class:`~flimage.progress.Progress` callback and a context manager.
    """

    def __init__(self, quiet: bool) -> None:
        self._silent = quiet or not sys.stderr.isatty()
        self._bar: Any = None

    def __enter__(self) -> ProgressBar:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    def __call__(self, done: int, total: int, stage: str) -> None:
        """Show that `done` of `total` steps are finished."""
        if self._silent:
            return
        if self._bar is None:
            from tqdm import tqdm

            tqdm.monitor_interval = 0  # no watchdog thread: this bar is updated often
            self._bar = tqdm(
                total=total,
                desc=stage,
                file=sys.stderr,
                leave=False,
                dynamic_ncols=True,
                bar_format="{desc} {percentage:3.0f}% |{bar}| {elapsed} < {remaining}",
            )
        self._bar.total = total
        self._bar.set_description_str(stage, refresh=False)
        self._bar.update(done - self._bar.n)


def _say(arguments: argparse.Namespace, text: str) -> None:
    if not arguments.quiet:
        print(printable(text))


def _escaped(text: str) -> str:
    """Write the control characters that JSON allows in texts as it writes the others."""
    return CONTROLS.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def run_info(arguments: argparse.Namespace) -> int:
    """Show what a file holds."""
    path: Path = arguments.file
    if is_recording(path):
        with open_recording(path, arguments.key, selection_from(arguments)) as recording:
            facts = facts_of.of_recording(recording)
    else:
        with open_file(path) as file:
            group = find_series(file, path, arguments.group)
            facts = facts_of.of_image(group) if is_image_group(group) else facts_of.of_series(group)
    if arguments.json:
        print(_escaped(json.dumps(facts, indent=2, ensure_ascii=False)))
    else:
        print(facts_of.as_text(facts))
    return EXIT_OK


def run_bleach(arguments: argparse.Namespace) -> int:
    """Correct a series, and tell how the fit went."""
    from . import correct, provenance
    from .background import suitable_border
    from .report import check_figure_path, figure

    if arguments.out_dir is not None:
        return _run_batch(arguments)
    arguments.out = arguments.out[0] if arguments.out else None
    recipe = recipe_from(arguments)
    events: EventPreservation | None = None
    extra: list[tuple[Path, Callable[[Path, BleachFit], object]]] = []
    if arguments.report is not None:
        extra.append(
            (arguments.report, lambda path, fit: _write(path, _report(arguments, fit, events))),
        )
    if arguments.figure is not None:
        kind = check_figure_path(arguments.figure)
        title = arguments.source.name
        extra.append((arguments.figure, lambda path, fit: figure(fit, path, title, kind)))
    if arguments.save_recipe is not None:
        extra.append((arguments.save_recipe, lambda path, fit: _write(path, recipe.to_json())))
    named = (arguments.out, arguments.variance, *(path for path, _ in extra))
    outputs = [path for path in named if path is not None]
    if len({path.absolute() for path in outputs}) < len(outputs):
        raise InputError("Two outputs have the same name; give each its own.")
    with contextlib.ExitStack() as stack:
        series = stack.enter_context(open_series(arguments.source, arguments.group))
        # Entered before anything is computed, so that an output that exists is refused at once,
        # and left in reverse order when all is done: the outputs appear together or not at all.
        temporary = [
            stack.enter_context(
                atomic_output(path, overwrite=arguments.overwrite, source=arguments.source)
            )
            for path, _ in extra
        ]
        progress = stack.enter_context(ProgressBar(arguments.quiet))
        source = SeriesSource(series)
        before = provenance.origin(series.h5)
        # The background of a corrected series is gone already.
        recipe = recipe_from(arguments, 0 if before else suitable_border(source.shape))
        result = correct.run(
            source,
            recipe,
            arguments.out,
            overwrite=arguments.overwrite,
            progress=progress,
            compression=arguments.compression,
            cache=not arguments.no_cache,
        )
        if arguments.events:
            from .events import event_preservation

            events = event_preservation(source, recipe, progress=progress)
        if arguments.variance is not None:
            from .variance import write_variance

            write_variance(
                SeriesSource(series), result.fit, arguments.variance, overwrite=arguments.overwrite
            )
        for path, (_, write) in zip(temporary, extra, strict=True):
            write(path, result.fit)
    _say(arguments, facts_of.of_fit(result.fit))
    _say_what_is_beyond(arguments, result.fit)
    if events is not None:
        _say(arguments, f"events      {events.sentence}")
    if before is not None:
        _say(arguments, before.warning(arguments.source.name))
    if arguments.out is None:
        _say(arguments, "Nothing was corrected: name an output file to write the result.")
    for path in outputs:
        _say(arguments, f"Written: {path}")
    return EXIT_REFUSED if result.fit.verdict.grade == "refused" else EXIT_OK


def _run_batch(arguments: argparse.Namespace) -> int:
    """Correct many recordings."""
    try:
        with ProgressBar(arguments.quiet) as progress:
            outcomes = run_batch_command(arguments, progress, lambda line: _say(arguments, line))
    except Cancelled as cancelled:
        print(f"flimage: {cancelled}", file=sys.stderr)
        return EXIT_INTERRUPTED
    failed = [outcome for outcome in outcomes if outcome.status == "failed"]
    for outcome in failed:
        print(
            f"flimage: {printable(f'{outcome.job.source.name}: {outcome.sentence}')}",
            file=sys.stderr,
        )
    if failed:
        return EXIT_FAILED
    refused = any(outcome.facts["grade"] == "refused" for outcome in outcomes)
    return EXIT_REFUSED if refused else EXIT_OK


def _write(path: Path, text: str) -> None:
    path.write_text(f"{text}\n", encoding="utf-8", errors="replace")


def _say_what_is_beyond(arguments: argparse.Namespace, fit: BleachFit) -> None:
    """Tell of frames that do not exist: a recipe may be for a longer recording, or mistyped."""
    end = len(fit.gain) - 1
    named = {"--exclude": max(fit.recipe.exclude, default=0), "--last": fit.recipe.last or 0}
    for option, frame in named.items():
        if frame > end:
            _say(arguments, f"There is no frame {frame} ({option}); the last one is {end}.")


def _report(arguments: argparse.Namespace, fit: BleachFit, events: EventPreservation | None) -> str:
    """Return the fit and where it came from, as JSON."""
    content: dict[str, Any] = {
        "flimage": __version__,
        "source": str(arguments.source),
        "output": None if arguments.out is None else str(arguments.out),
        "fit": fit.to_dict(),
    }
    if events is not None:
        content["events"] = events.to_dict()
    return json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)


def run_export(arguments: argparse.Namespace) -> int:
    """Write a series or its fit for other programs."""
    from .export.command import run

    with (
        open_series(arguments.source, arguments.group) as series,
        ProgressBar(arguments.quiet) as progress,
    ):
        result = run(arguments, SeriesSource(series), progress)
    for sentence in result.sentences:
        _say(arguments, sentence)
    return EXIT_REFUSED if result.refused else EXIT_OK


def run_edit(arguments: argparse.Namespace) -> int:
    """Write a series with changes."""
    from .edit_command import edit

    with (
        open_series(arguments.source, arguments.group) as series,
        ProgressBar(arguments.quiet) as progress,
    ):
        path = edit(SeriesSource(series), arguments, progress)
    _say(arguments, f"Written: {path}")
    return EXIT_OK


def run_traces(arguments: argparse.Namespace) -> int:
    """Follow regions over time, and write a table."""
    from .edit_command import follow

    with (
        open_series(arguments.source, arguments.group) as series,
        ProgressBar(arguments.quiet) as progress,
    ):
        names = follow(SeriesSource(series), arguments, progress)
    _say(arguments, f"Followed: {', '.join(names)}")
    _say(arguments, f"Written: {arguments.out}")
    return EXIT_OK


def run_denoise(arguments: argparse.Namespace) -> int:
    """Write a denoised copy of a series."""
    from . import correct

    with (
        open_series(arguments.source, arguments.group) as series,
        ProgressBar(arguments.quiet) as progress,
    ):
        correct.denoise_series(
            SeriesSource(series),
            arguments.out,
            strength=arguments.strength,
            overwrite=arguments.overwrite,
            progress=progress,
        )
    _say(arguments, f"Written: {arguments.out}")
    return EXIT_OK


def run_verify(arguments: argparse.Namespace) -> int:
    """Compare a corrected series with a new correction of its source."""
    from .verify import verify

    with (
        open_series(arguments.source, arguments.group) as series,
        ProgressBar(arguments.quiet) as progress,
    ):
        result = verify(arguments.corrected, SeriesSource(series), progress=progress)
    _say(arguments, result.sentence)
    return EXIT_OK if result.matches else EXIT_FAILED


def run_undo(arguments: argparse.Namespace) -> int:
    """Write the background-subtracted original of a corrected series."""
    from .verify import undo

    with ProgressBar(arguments.quiet) as progress:
        undo(
            arguments.corrected,
            arguments.out,
            overwrite=arguments.overwrite,
            progress=progress,
        )
    _say(arguments, f"Written: {arguments.out}")
    return EXIT_OK


def run_recover(arguments: argparse.Namespace) -> int:
    """Write what can be read of a damaged series, and name what cannot."""
    from .recover import recover

    with ProgressBar(arguments.quiet) as progress:
        recovery = recover(
            arguments.source,
            arguments.out,
            group=arguments.group,
            overwrite=arguments.overwrite,
            progress=progress,
        )
    _say(arguments, recovery.sentence)
    for line in recovery.details():
        _say(arguments, line)
    _say(arguments, f"Written: {arguments.out}")
    return EXIT_OK if recovery.complete else EXIT_REFUSED


def run_convert(arguments: argparse.Namespace) -> int:
    """Convert a recording into a series, and tell where its metadata came from."""
    from . import convert

    with ProgressBar(arguments.quiet) as progress:
        convert.convert(
            arguments.source,
            arguments.out,
            interval=arguments.interval,
            pixel_size=arguments.pixel_size,
            identifier=arguments.identifier,
            overwrite=arguments.overwrite,
            progress=progress,
            key=arguments.key,
            selection=selection_from(arguments),
        )
    if not arguments.quiet:
        with open_file(arguments.out) as file:
            print(facts_of.as_text(facts_of.of_series(file)))
    return EXIT_OK


def run_example(arguments: argparse.Namespace) -> int:
    """Copy the example recording."""
    data = importlib.resources.files("flimage_gui.resources").joinpath("example.h5").read_bytes()
    with atomic_output(arguments.out, overwrite=arguments.overwrite) as temporary:
        temporary.write_bytes(data)
    _say(arguments, f"Written: {arguments.out}")
    return EXIT_OK
