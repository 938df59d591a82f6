"""``flimage bleach`` with ``--out-dir``: the options of a batch, and what it says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from .errors import Cancelled, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from .batch import Outcome
    from .progress import Progress

__all__ = ["add_batch_options", "check_batch_options", "run_batch_command"]

#: Options of a single correction that mean nothing for many.
_SINGLE = ("report", "figure", "variance", "events")


def _whole(text: str) -> int:
    """Read a number of processes."""
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of processes; write 1 or more")
    return int(text)


def add_batch_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of a batch to ``flimage bleach``."""
    group = parser.add_argument_group(
        "many recordings", "with --out-dir, all names are recordings (or folders of them)"
    )
    group.add_argument(
        "--out-dir",
        type=Path,
        metavar="DIR",
        help="write DIR/NAME_corrected.h5 for each recording, and DIR/summary.csv and"
        " DIR/summary.html over all; what is there already is skipped",
    )
    group.add_argument(
        "--jobs", type=_whole, metavar="N", help="recordings to correct at once (default: 1)"
    )
    group.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="let the workers of this Dask scheduler do it, such as tcp://192.168.1.5:8786",
    )
    group.add_argument(
        "--pages", action="store_true", help="write an HTML report for each recording, too"
    )


def check_batch_options(arguments: argparse.Namespace) -> None:
    """Refuse options that would be ignored.

    Raises
    ------
    flimage.errors.InputError
        When an option of a batch is given without --out-dir, or one of a single correction with it.
    """
    if arguments.out_dir is None:
        for name in ("jobs", "scheduler", "pages"):
            if getattr(arguments, name):
                raise InputError(f"--{name} goes with --out-dir; name a folder for the results.")
        if len(arguments.out) > 1:
            raise InputError(
                "More than one output was named; to correct many recordings, name a folder for the"
                " results (--out-dir)."
            )
        return
    for name in _SINGLE:
        if getattr(arguments, name) is not None:
            raise InputError(
                f"--{name} is for a single recording; a batch writes a summary, and a report for"
                " each recording with --pages."
            )
    if arguments.jobs and arguments.scheduler:
        raise InputError(
            "--jobs is for this computer; how many work on a cluster is decided by its workers."
        )


def run_batch_command(
    arguments: argparse.Namespace, progress: Progress, say: Callable[[str], None]
) -> list[Outcome]:
    """Correct many recordings as the command line asks for it, and sum up.

    Parameters
    ----------
    arguments
        What :func:`add_batch_options` and the command itself added.
    progress
        Called as ``progress(done, total, stage)``.
    say
        Called with one line for each recording, and for each file that sums up.

    Raises
    ------
    flimage.errors.Cancelled
        When the batch was interrupted; it tells how far it was.
    """
    from .batch import find_recordings, left_out, plan, run_batch
    from .batch_report import summary_sentence, write_summaries
    from .options import recipe_from, suits_frames
    from .readers import shown_name

    recipe = recipe_from(arguments)
    names = [arguments.source, *arguments.out]
    others = left_out(names)
    jobs = plan(
        find_recordings(names),
        arguments.out_dir,
        recipe,
        group=arguments.group,
        overwrite=arguments.overwrite,
        pages=arguments.pages,
        compression=arguments.compression,
        suitable_border=suits_frames(arguments),
    )
    if arguments.save_recipe is not None:
        from .output import atomic_output

        with atomic_output(arguments.save_recipe, overwrite=arguments.overwrite) as temporary:
            temporary.write_text(f"{recipe.to_json()}\n", encoding="utf-8")

    known = 0

    def tell(outcome: Outcome) -> None:
        nonlocal known
        known += 1
        say(f"{shown_name(outcome.job.source)}: {outcome.words}: {outcome.sentence}")

    try:
        outcomes = run_batch(
            jobs,
            workers=arguments.jobs or 1,
            scheduler=arguments.scheduler,
            progress=progress,
            finished=tell,
        )
    except (Cancelled, KeyboardInterrupt):
        raise Cancelled(
            f"Interrupted after {known} of {len(jobs)} recordings; the same command goes on from"
            " there."
        ) from None
    for path in write_summaries(outcomes, arguments.out_dir):
        say(f"Written: {path}")
    say(summary_sentence(outcomes))
    if others:
        if len(others) == 1:
            what, them = f"1 recording in another format ({others[0].name}) was", "it"
        else:
            what = f"{len(others)} recordings in other formats (the first is {others[0].name}) were"
            them = "them"
        say(f"{what} not looked at; name {them} to correct {them}, too.")
    return outcomes
