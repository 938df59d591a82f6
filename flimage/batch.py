"""Correct many recordings with one recipe: go on after failures, and resume where it stopped."""

from __future__ import annotations

import contextlib
import glob
from collections.abc import Callable, Generator, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .batch_job import Job, Outcome, Status, run_job
from .errors import InputError, MissingFileError
from .processes import Advanced, Finished, Lost, run_in_processes
from .progress import Progress, ignore_progress
from .readers import SEPARATOR, SUFFIXES, is_recording, name_of, split_dataset
from .remnants import PART_SUFFIX, mark

if TYPE_CHECKING:
    from .compression import Compression
    from .recipe import Recipe

__all__ = [
    "Job",
    "Outcome",
    "Status",
    "clean_up",
    "find_recordings",
    "left_out",
    "plan",
    "run_batch",
    "run_job",
]

#: Endings of the files that are taken from a folder.
_SERIES_SUFFIXES = (".h5", ".hdf5")

#: Steps of progress that each recording counts.
_STEPS = 1000


def find_recordings(names: Iterable[str | Path]) -> list[Path]:
    """Find the recordings that names stand for.

    Parameters
    ----------
    names
        Files; folders, whose series files are taken; patterns such as ``*.h5`` or ``*.tif``, for
        shells that leave them to the program; and datasets such as ``file.h5::/group/dataset``.

    Returns
    -------
    paths : list of pathlib.Path
        Each one once, in the given order.

    Raises
    ------
    flimage.errors.MissingFileError
        When a folder or pattern stands for no file.
    """
    found: list[Path] = []
    for name in names:
        path, dataset = split_dataset(Path(name))
        if path.is_dir() and not _is_file_like(path):
            inside = sorted(p for p in path.iterdir() if p.suffix.lower() in _SERIES_SUFFIXES)
        elif not path.exists() and glob.has_magic(str(path)):
            inside = sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        else:
            inside = [path]
        if not inside:
            raise MissingFileError(
                f"{name} stands for no series file; name some, or the files of other formats."
            )
        found += inside if dataset is None else [Path(f"{p}{SEPARATOR}{dataset}") for p in inside]
    return list(dict.fromkeys(found))


def left_out(names: Iterable[str | Path]) -> list[Path]:
    """Find recordings in other formats in folders, of which :func:`find_recordings` takes none.

    Images in a folder may be frames of one recording or recordings of their own: the person has to
    say so by naming them.
    """
    folders = [Path(name) for name in names if Path(name).is_dir()]
    return [
        path
        for folder in folders
        if not _is_file_like(folder)
        for path in sorted(folder.iterdir())
        if _is_file_like(path) and path.suffix.lower() not in _SERIES_SUFFIXES
    ]


def _is_file_like(path: Path) -> bool:
    """Tell whether a folder is itself a recording, as those in Zarr are."""
    return path.suffix.lower() in SUFFIXES


def plan(
    sources: Sequence[Path],
    folder: Path,
    recipe: Recipe,
    *,
    group: str | None = None,
    overwrite: bool = False,
    pages: bool = False,
    compression: Compression = "balanced",
    suitable_border: bool = False,
) -> list[Job]:
    """Say what is to be done with each recording; nothing is read or written.

    Parameters
    ----------
    sources
        Series files, and recordings in foreign formats.
    folder
        Where the corrected files go: ``cells.h5`` becomes ``cells_corrected.h5``, and
        ``other.h5::/a/b`` becomes ``other_a_b_corrected.h5``.
    recipe
        All settings.
    group, overwrite, compression, suitable_border
        See :class:`Job`.
    pages
        Write an HTML report beside each corrected file.

    Raises
    ------
    flimage.errors.InputError
        When two recordings would get the same output.
    """
    jobs: dict[Path, Job] = {}
    for source in sources:
        name = name_of(source) if is_recording(source) else source.stem
        out = folder / f"{name}_corrected.h5"
        if out in jobs:
            raise InputError(
                f"{jobs[out].source} and {source} would both become {out.name}; correct them into"
                " folders of their own, or rename one."
            )
        # Absolute, because those who do the work may stand in another folder.
        jobs[out] = Job(
            source.absolute(),
            out.absolute(),
            recipe,
            group,
            overwrite,
            compression,
            suitable_border=suitable_border,
            page=out.absolute().with_suffix(".html") if pages else None,
        )
    if not jobs:
        raise InputError("There are no recordings to correct; name some.")
    return list(jobs.values())


def run_batch(
    jobs: Sequence[Job],
    *,
    workers: int = 0,
    scheduler: str | None = None,
    progress: Progress | None = None,
    finished: Callable[[Outcome], None] | None = None,
    advanced: Callable[[int, float], None] | None = None,
) -> list[Outcome]:
    """Correct many recordings.

    Parameters
    ----------
    jobs
        What is to be done, see :func:`plan`.
    workers
        Number of processes on this computer; 0 works in this process. A script that asks for
        processes has to be guarded by ``if __name__ == "__main__":``, because each of them
        imports it.
    scheduler
        Address of a Dask scheduler, whose workers do the work instead; they have to see the
        same folders.
    progress
        Called as ``progress(done, total, stage)``; raising :class:`~flimage.errors.Cancelled`
        ends the batch. What is finished by then stays, and is skipped the next time.
    finished
        Called with each outcome as soon as it is known.
    advanced
        Called as ``advanced(number, share)`` with the number of a job and the share of it that is
        done, from 0 to 1, while it is worked on. A cluster does not tell.

    Returns
    -------
    outcomes : list of Outcome
        In the order of the jobs.

    Raises
    ------
    flimage.errors.InputError
        When the scheduler cannot be used.
    flimage.errors.Cancelled
        When `progress` asked to stop.
    """
    report = ignore_progress if progress is None else progress
    for folder in {job.out.parent for job in jobs}:
        folder.mkdir(parents=True, exist_ok=True)
    outcomes: dict[int, Outcome] = {}
    shares = dict.fromkeys(range(len(jobs)), 0.0)

    def tell() -> None:
        done = round(_STEPS * sum(shares.values()))
        report(done, _STEPS * len(jobs), f"{len(outcomes)} of {len(jobs)} recordings")

    try:
        tell()
        with contextlib.closing(_events(jobs, workers, scheduler, tell)) as events:
            for event in events:
                if isinstance(event, Advanced):
                    shares[event.item] = min(1.0, event.done / max(event.total, 1))
                    if advanced is not None:
                        advanced(event.item, shares[event.item])
                else:
                    outcome = _outcome(jobs, event)
                    shares[event.item], outcomes[event.item] = 1.0, outcome
                    if finished is not None:
                        finished(outcome)
                tell()
    finally:
        clean_up(jobs)
    return [outcomes[number] for number in range(len(jobs))]


def _events(
    jobs: Sequence[Job], workers: int, scheduler: str | None, tell: Callable[[], None]
) -> Generator[Advanced | Finished[Outcome] | Lost, None, None]:
    """Work on all jobs where it was asked for."""
    if scheduler is not None:
        from .cluster import run_on_cluster

        with contextlib.closing(run_on_cluster(run_job, jobs, scheduler, tell)) as events:
            yield from events
    elif workers > 0:
        processes = run_in_processes(run_job, jobs, workers, tell=tell)
        with contextlib.closing(processes) as events:
            yield from events
    else:
        for number, job in enumerate(jobs):
            yield Advanced(number, 0, 1)
            yield Finished(number, run_job(job, lambda done, total, stage: tell()))


def _outcome(jobs: Sequence[Job], event: Finished[Outcome] | Lost) -> Outcome:
    if isinstance(event, Finished):
        return event.result
    how = "" if event.exit_code is None else f" (exit code {event.exit_code})"
    return Outcome(
        jobs[event.item],
        "failed",
        f"The process that corrected {jobs[event.item].source} died twice{how}; the file may be"
        " damaged, or there is too little memory.",
    )


def clean_up(jobs: Iterable[Job]) -> None:
    """Remove what killed processes left of the outputs of these jobs."""
    for job in jobs:
        for part in job.out.parent.glob(f"{glob.escape(mark(job.out.name))}*{PART_SUFFIX}"):
            part.unlink(missing_ok=True)
