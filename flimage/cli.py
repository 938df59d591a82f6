"""The command ``flimage``: information, correction, denoising and conversion without a window.

Results go to standard output, progress and errors to standard error. The exit code is 0 when all
went well, 1 when the job failed or was refused and nothing was written (or a verification found
differences), 2 when the command line is
wrong, 3 when a corrected file was written but the recording could not be corrected (gain 1) or a
recovered one but frames are missing,
130 when the job was interrupted from the keyboard and 143 when it was told to end.
"""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import get_args

from ._version import __version__
from .batch_command import add_batch_options, check_batch_options
from .compression import Compression
from .edit_command import add_edit_options, add_traces_options, check_edit_options
from .errors import (
    BorderError,
    Cancelled,
    FlimageError,
    InputError,
    NeverReplacedError,
    OutputExistsError,
    TimesError,
    TooFewFramesError,
)
from .export.options import add_export_options, check_export_options
from .options import add_recipe_options, add_selection_options, positive
from .plain_text import printable

__all__ = ["EXIT_FAILED", "EXIT_INTERRUPTED", "EXIT_OK", "EXIT_REFUSED", "EXIT_USAGE", "main"]

EXIT_OK = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_REFUSED = 3
EXIT_INTERRUPTED = 130
_EXIT_PIPE = 141
_EXIT_TERMINATED = 143

_EPILOG = """\
exit codes:
  0    done
  1    failed or refused; nothing was written (verify: the frames differ;
       many recordings: some failed, the others were written)
  2    the command line is wrong
  3    written, but the recording could not be corrected: its frames have gain 1
       (recover: written, but frames are missing)
  130  interrupted; nothing was written

examples:
  flimage convert cells.tif cells.h5 --interval 0.5 --pixel-size 1.1e-7
  flimage info cells.h5
  flimage bleach cells.h5 corrected.h5 --border 15 --figure decay.png
  flimage bleach day1/*.h5 --out-dir corrected --jobs 4
  flimage export cells.h5 cells.mp4
"""


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    # Also accepted after the command, where they are usually written.
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--debug",
        action="store_true",
        default=argparse.SUPPRESS,
        help="show the traceback of an error",
    )
    common.add_argument(
        "-q",
        "--quiet",
        action="store_true",
        default=argparse.SUPPRESS,
        help="print errors only",
    )
    parser = argparse.ArgumentParser(
        prog="flimage",
        description="Correct the photobleaching of fluorescence recordings.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        parents=[common],
    )
    parser.add_argument("--version", action="version", version=f"flimage {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, help_text: str) -> argparse.ArgumentParser:
        return commands.add_parser(
            name,
            help=help_text,
            description=f"{help_text[0].upper()}{help_text[1:]}.",
            parents=[common],
        )

    info = add("info", "show what a series, an image or a recording holds")
    info.add_argument("file", type=Path, metavar="FILE")
    _add_group(info)
    add_selection_options(info)
    info.add_argument("--json", action="store_true", help="print JSON instead of text")

    bleach = add("bleach", "correct a series for photobleaching and write a new one")
    bleach.add_argument(
        "source",
        type=Path,
        metavar="IN",
        help="the series; with --out-dir, recordings in other formats as well",
    )
    bleach.add_argument(
        "out",
        type=Path,
        metavar="OUT",
        nargs="*",
        help="the corrected series; without it, the fit is shown and nothing is corrected",
    )
    _add_group(bleach)
    _add_overwrite(bleach)
    bleach.add_argument(
        "--events",
        action="store_true",
        default=None,
        help="put a known change into the recording and tell how much of it survives this method,"
        " simple ratio and histogram matching",
    )
    bleach.add_argument("--report", type=Path, metavar="FILE", help="write the fit as JSON")
    bleach.add_argument(
        "--variance",
        type=Path,
        metavar="FILE.h5",
        help="write the variance of every pixel of the corrected frames as a series",
    )
    bleach.add_argument(
        "--figure",
        type=Path,
        metavar="FILE",
        help="draw trace, fit and residuals (.png, .svg or .pdf)",
    )
    bleach.add_argument(
        "--save-recipe", type=Path, metavar="FILE", help="write the settings as JSON"
    )
    _add_compression(bleach)
    _add_cache(bleach)
    bleach.set_defaults(check=check_batch_options)
    add_batch_options(bleach)
    add_recipe_options(bleach)

    export = add("export", "write a series or its fit for other programs")
    export.set_defaults(check=check_export_options)
    add_export_options(export)
    _add_cache(export)

    edit = add("edit", "write a series with other backgrounds, metadata or frames")
    add_edit_options(edit)
    edit.set_defaults(check=check_edit_options)
    _add_group(edit)
    _add_overwrite(edit)
    _add_compression(edit)

    traces = add("traces", "follow regions over time and write a table")
    add_traces_options(traces)
    _add_group(traces)
    _add_overwrite(traces)

    denoise = add("denoise", "write a denoised copy of a series")
    denoise.add_argument("source", type=Path, metavar="IN", help="the series")
    denoise.add_argument("out", type=Path, metavar="OUT", help="the denoised series")
    _add_group(denoise)
    _add_overwrite(denoise)
    denoise.add_argument(
        "--strength",
        type=float,
        default=1.0,
        help="relative to the noise of each frame (default: 1)",
    )

    verify = add("verify", "correct the source of a corrected series again and compare")
    verify.add_argument("corrected", type=Path, metavar="CORRECTED", help="the corrected series")
    verify.add_argument(
        "--source", type=Path, required=True, metavar="FILE", help="the series it was made from"
    )
    _add_group(verify)

    undo = add("undo", "take a correction back: write the background-subtracted original")
    undo.add_argument("corrected", type=Path, metavar="CORRECTED", help="the corrected series")
    undo.add_argument("out", type=Path, metavar="OUT", help="the series to write")
    _add_overwrite(undo)

    recover = add("recover", "write what can be read of a damaged series to a new file")
    recover.add_argument("source", type=Path, metavar="IN", help="the damaged series")
    recover.add_argument("out", type=Path, metavar="OUT", help="the series to write")
    _add_group(recover)
    _add_overwrite(recover)

    convert = add("convert", "convert a recording in another format into a series")
    convert.add_argument(
        "source",
        type=Path,
        metavar="IN",
        help="TIFF, OME-TIFF, ImageJ stack, ND2, CZI, OME-Zarr, NPY or NPZ; a folder of images or a"
        " pattern in quotes ('folder/*_c1.tif'); or FILE.h5::/group/dataset",
    )
    convert.add_argument("out", type=Path, metavar="OUT", help="the series to write")
    convert.add_argument(
        "--interval",
        type=positive,
        metavar="SECONDS",
        help="time between frames; needed where the file states no times",
    )
    convert.add_argument("--pixel-size", type=positive, metavar="METRES", help="such as 1.1e-7")
    convert.add_argument("--identifier", metavar="NAME", help="of the series (default: file name)")
    add_selection_options(convert)
    _add_overwrite(convert)

    example = add("example", "copy the simulated example recording")
    example.add_argument("out", type=Path, metavar="OUT", help="the series to write")
    _add_overwrite(example)
    return parser


def _add_group(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--group",
        metavar="PATH",
        help="HDF5 group of the series, where it is not the only one in the file",
    )


def _add_overwrite(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--overwrite", action="store_true", help="replace files that exist already")


def _add_compression(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--compression",
        choices=get_args(Compression),
        default="balanced",
        help="fast to write, small, or balanced (default); the values are the same",
    )


def _add_cache(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-cache",
        action="store_true",
        help="measure the recording anew, and remember nothing of it",
    )


@contextmanager
def _terminable() -> Iterator[None]:
    """Let the request to end unwind the program, so that half-written files are removed."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise SystemExit(_EXIT_TERMINATED)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


#: Options that are the remedy for an exception of the library, which does not know of them.
_OPTIONS: dict[type[BaseException], str] = {
    OutputExistsError: "--overwrite replaces it",
    TimesError: "--interval SECONDS",
}


#: Exceptions of the library about the frames of a recording, whose name it was not told.
_OF_RECORDINGS = (BorderError, TimesError, TooFewFramesError)


def _sentence(error: BaseException, arguments: argparse.Namespace) -> str:
    """Describe an error in one line."""
    if isinstance(error, OSError) and error.strerror and not isinstance(error, FlimageError):
        name = f"{error.filename}: " if error.filename else ""
        return f"{name}{error.strerror}"
    if isinstance(error, MemoryError):
        return "There is not enough memory for this."
    text = " ".join(str(error).split())
    # Where replacing was asked for, or is out of the question, it is no remedy.
    asked = getattr(arguments, "overwrite", False) or isinstance(error, NeverReplacedError)
    for kind, hint in _OPTIONS.items():
        if kind is OutputExistsError and asked:
            continue
        if isinstance(error, kind) and text and hint.split()[0] not in text:
            text = f"{text.rstrip('.')} ({hint})."
    source = getattr(arguments, "source", None)
    if isinstance(error, _OF_RECORDINGS) and source is not None and str(source) not in text:
        text = f"{source}: {text}"
    if isinstance(error, (FlimageError, OSError)) and text:
        return text
    return f"Unexpected error ({type(error).__name__}: {text}); --debug shows where."


#: Commands whose output is a series.
_WRITE_SERIES = ("bleach", "convert", "denoise", "edit", "example", "recover", "undo")


def _check_output(arguments: argparse.Namespace) -> None:
    """Refuse the name of a series that other programs would take for another format.

    Raises
    ------
    InputError
    """
    # In a batch, what stands there are recordings.
    if arguments.command in _WRITE_SERIES and getattr(arguments, "out_dir", None) is None:
        from .export.formats import check_series_name

        for path in arguments.out if isinstance(arguments.out, list) else [arguments.out]:
            check_series_name(path)


def _parse(parser: argparse.ArgumentParser, argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; files may stand before, behind and between the options."""
    arguments, rest = parser.parse_known_args(argv)
    # argparse takes all files of a list from one place only.
    if not hasattr(arguments, "out_dir") or any(text.startswith("-") for text in rest):
        return parser.parse_args(argv) if rest else arguments
    arguments.out += [Path(text) for text in rest]
    return arguments


def _prepare_console() -> None:
    """Make sure that what is said can be said, on any console and on none."""
    if sys.stdout is None:  # closed by who started this
        # As long as the process lives.
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        # A character that the console does not know is no reason to fail after all the work.
        if isinstance(stream, io.TextIOWrapper) and stream.errors in ("strict", "surrogateescape"):
            stream.reconfigure(errors="backslashreplace")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Parameters
    ----------
    argv
        Arguments after the name of the program; those of the process by default.

    Returns
    -------
    int
        The exit code, see the description of this module.
    """
    _prepare_console()
    parser = build_parser()
    try:
        arguments = _parse(parser, argv)
        check: Callable[[argparse.Namespace], None] | None = getattr(arguments, "check", None)
        if check is not None:
            try:
                check(arguments)
            except InputError as error:
                parser.error(str(error))
    except SystemExit as stop:  # argparse has printed help, version or what is wrong
        return stop.code if isinstance(stop.code, int) else EXIT_USAGE
    debug = getattr(arguments, "debug", False)
    arguments.quiet = getattr(arguments, "quiet", False)
    try:
        from . import commands

        run: Callable[[argparse.Namespace], int] = getattr(commands, f"run_{arguments.command}")
        _check_output(arguments)
        with _terminable():
            code = run(arguments)
        sys.stdout.flush()
        return code
    except BrokenPipeError:
        # Whoever read the output has seen enough. Python would complain once more on exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _EXIT_PIPE
    except (KeyboardInterrupt, Cancelled):
        print("flimage: Interrupted; nothing was written.", file=sys.stderr)
        return EXIT_INTERRUPTED
    except SystemExit as stop:
        return stop.code if isinstance(stop.code, int) else EXIT_FAILED
    # The last resort of the program: whatever happened, the person gets a sentence and the
    # script an exit code.
    except Exception as error:
        if debug:
            traceback.print_exc()
        print(f"flimage: {printable(_sentence(error, arguments))}", file=sys.stderr)
        return EXIT_FAILED


if __name__ == "__main__":
    sys.exit(main())
