"""Writes what a :class:`~flimage.export.Request` asks for: finds the fit where it is needed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import correct, provenance
from .._version import __version__
from ..background import suitable_border
from ..errors import InputError, OutputExistsError
from ..extras import need
from ..output import atomic_output
from ..quantities import format_count
from ..recipe import Recipe
from ..scan import scan_series
from ..scan_cache import cached_scan
from ..shown import background_of
from .formats import EXTRAS, FIGURES, MOVIES, STACKS
from .frames import Images
from .movie import write_movie
from .ome_zarr import write_zarr
from .report_page import pictures_of, write_report_page
from .table import write_fit, write_region_traces
from .tiff import write_tiff

if TYPE_CHECKING:
    from ..bleach import BleachFit
    from ..progress import Progress
    from ..scan import SeriesScan
    from ..shown import Level
    from ..source import FrameSource
    from .formats import ImageKind
    from .request import Request
    from .tiff import Exported

__all__ = ["Export", "write"]


@dataclass(frozen=True)
class Export:
    """What came of an export.

    Parameters
    ----------
    path
        What was written.
    sentences
        What was written and what a person should know about it.
    fit
        The fit that the output was made with; None where none was needed, or where the recording
        was corrected before.
    refused
        Whether images were to be corrected and the correction was refused.
    """

    path: Path
    sentences: tuple[str, ...]
    fit: BleachFit | None = None
    refused: bool = False


def write(
    source: FrameSource,
    request: Request,
    recipe: Recipe | None = None,
    *,
    fit: BleachFit | None = None,
    scan: SeriesScan | None = None,
    progress: Progress | None = None,
    cache: bool = False,
    name: str | None = None,
) -> Export:
    """Write a recording, or its fit, in a format of other programs.

    The command line and the window write through this function.

    Parameters
    ----------
    source
        The recording, with its edits. A series that is corrected already is exported as it stands.
    request
        What is written, and where to.
    recipe
        Settings of the correction; by default those of ``flimage export``.
    fit, scan
        Fit or scan of the same recording and recipe, if there is one already.
    progress
        Called as ``progress(done, total, stage)``; may raise :class:`~flimage.errors.Cancelled`.
    cache
        Take the scan from the user's cache, or put it there.
    name
        What the recording is called in what is written; the path of its file by default.

    Returns
    -------
    Export

    Raises
    ------
    flimage.errors.InputError
        When settings do not go with the output or the series, or a package is missing.
    flimage.errors.OutputExistsError, flimage.errors.SameFileError
        When the output exists, or is the recording.
    """
    if request.ignored:
        raise InputError(
            f"The setting {request.ignored[0]!r} does not go with the output {request.out}; leave"
            " it out."
        )
    # Before anything is computed: the functions that write would find out at the end.
    if request.out.exists() and not request.overwrite:
        raise OutputExistsError(
            f"{request.out} exists already; choose another name or allow it to be overwritten"
            " (--overwrite)."
        )
    kind = request.format
    if kind in EXTRAS:
        need(*EXTRAS[kind])
    if recipe is None:
        recipe = Recipe(border_px=suitable_border(source.shape))
    if name is None:
        name = str(source.path or source.identifier or "the recording")
    job = _Job(source, request, recipe, fit, scan, progress, cache, name)
    if kind in STACKS:
        return job.stack()
    if kind in MOVIES:
        return job.movie()
    if kind == "csv":
        return job.traces() if request.traces else job.table()
    if kind in FIGURES:
        return job.figure()
    return job.values() if kind == "json" else job.page()


class _Job:
    """One export."""

    def __init__(
        self,
        source: FrameSource,
        request: Request,
        recipe: Recipe,
        fit: BleachFit | None,
        scan: SeriesScan | None,
        progress: Progress | None,
        cache: bool,
        name: str,
    ) -> None:
        self.source = source
        self.request = request
        self.recipe = recipe
        self.fit = fit
        self.scan = scan
        self.progress = progress
        self.cache = cache
        self.name = name
        self.record = provenance.of_source(source)
        #: What all functions that write understand.
        self.options: dict[str, Any] = {"overwrite": request.overwrite, "progress": progress}

    def fitted(self) -> BleachFit:
        """Fit the recording, or take the fit that there is."""
        if self.fit is None:
            self.fit = correct.run(
                self.source,
                self.recipe,
                scan=self.scan,
                progress=self.progress,
                cache=self.cache,
            ).fit
        return self.fit

    def level(self) -> Level:
        """Background level of the frames: that of the fit, or measured."""
        if self.fit is not None:
            return self.fit.trace.background_of
        if self.scan is None:
            self.scan = (
                cached_scan(self.source, self.recipe, self.progress)
                if self.cache
                else scan_series(self.source, self.recipe, self.progress, detail=False)
            )
        return background_of(self.scan, self.recipe)

    def fit_values(self) -> Mapping[str, Any]:
        """Values of the fit: those that the file holds, or those of a new fit."""
        if self.record is None:
            return self.fitted().to_dict()
        measured = len(self.record.fit["times"])
        if measured != len(self.source):
            raise InputError(
                f"{self.name} holds the fit of {measured} frames, but {len(self.source)} of them"
                " now; export the recording it was made from."
            )
        return dict(self.record.fit)

    def images(self) -> Images:
        """Images that were asked for."""
        kind: ImageKind = self.request.images or "bleach-corrected"
        if self.record is not None and kind == "bleach-corrected":
            kind = "raw"  # as they stand
        frames = self.request.frames
        if kind == "bleach-corrected":
            return Images(self.source, kind, self.fitted(), frames)
        if self.record is not None:
            return Images(self.source, kind, frames=frames)
        level = None
        if kind == "background-corrected" and self.recipe.has_level:
            level = self.level()
        return Images(self.source, kind, frames=frames, level=level, recipe=self.recipe)

    def stack(self) -> Export:
        """Write images."""
        request, images = self.request, self.images()
        if request.format == "zarr":
            done = write_zarr(images, request.out, **self.options)
        else:
            done = write_tiff(
                images,
                request.out,
                flavour="ome" if request.format == "ome" else "imagej",
                dtype=request.dtype,
                limits=request.limits,
                clip=request.clip,
                **self.options,
            )
        return self._of_images(images.told(done.frames), done, images)

    def movie(self) -> Export:
        """Write a movie of one or two panes."""
        request, images = self.request, self.images()
        panes = [images]
        if request.images is None and self.record is None:
            panes.insert(0, Images(self.source, "raw", images.fit, request.frames))
        done = write_movie(
            panes,
            request.out,
            fps=request.fps,
            colormap=request.colormap,
            levels=request.limits,
            **self.options,
        )
        return self._of_images(f"a movie of {format_count(done.frames, 'frame')}", done, images)

    def table(self) -> Export:
        """Write trace, fit, residuals and gains."""
        write_fit(
            self.fit_values(),
            self.request.out,
            identifiers=self.source.identifiers,
            overwrite=self.request.overwrite,
            source=self.source.path,
        )
        return self._of_fit("trace, fit and gains")

    def traces(self) -> Export:
        """Write the means of regions."""
        frames = self.request.frames
        fit = None if self.record is not None else self.fitted()
        raw = Images(self.source, "raw", fit, frames)
        recordings = {raw.label: raw}
        if fit is not None:
            done = Images(self.source, "bleach-corrected", fit, frames)
            recordings[done.label] = done
        write_region_traces(recordings, self.request.traces, self.request.out, **self.options)
        written = self._of_fit(f"traces of {', '.join(self.request.traces)}")
        return Export(written.path, written.sentences, fit, _is_refused(fit))

    def values(self) -> Export:
        """Write the fit as JSON."""
        content = {"flimage": __version__, "source": self.name, "fit": self.fit_values()}
        text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
        with self._output() as temporary:
            temporary.write_text(f"{text}\n", encoding="utf-8", errors="replace")
        return self._of_fit("the fit")

    def page(self) -> Export:
        """Write the report."""
        values = self.fit_values()
        origin: dict[str, str] = {}
        if self.record is not None:
            raw = Images(self.source)
            pictures = [
                (f"First frame, {raw.label}", raw.image(0)),
                (f"Last frame, {raw.label}", raw.image(len(raw) - 1)),
            ]
            origin = {
                "corrected from": self.record.source or "a recording in memory",
                "corrected by": f"flimage {self.record.version}",
            }
        else:
            pictures = pictures_of(self.source, self.fitted())
        write_report_page(
            self.source,
            values,
            self.request.out,
            pictures=pictures,
            origin=origin,
            overwrite=self.request.overwrite,
        )
        return self._of_fit("the report")

    def figure(self) -> Export:
        """Draw the fit."""
        from ..report import figure

        if self.record is not None:
            raise InputError(
                f"{self.name} is corrected already; write its report as .html, or draw the figure"
                " from the recording it was made from."
            )
        fit = self.fitted()
        with self._output() as temporary:
            figure(fit, temporary, Path(self.name).name, self.request.format)
        return self._of_fit("the figure")

    def _output(self) -> Any:
        return atomic_output(
            self.request.out, overwrite=self.request.overwrite, source=self.source.path
        )

    def _of_fit(self, what: str) -> Export:
        return Export(self.request.out, (f"Written: {what} to {self.request.out}",), self.fit)

    def _of_images(self, what: str, done: Exported, images: Images) -> Export:
        sentences = [f"Written: {what} to {done.path}", *done.notes]
        if done.scaling is not None:
            sentences.append(done.scaling.sentence)
        fit = images.fit
        if fit is None:
            return Export(done.path, tuple(sentences))
        sentences.append(f"Correction {fit.verdict.grade}: {fit.verdict.sentence}")
        return Export(done.path, tuple(sentences), fit, _is_refused(fit))


def _is_refused(fit: BleachFit | None) -> bool:
    return fit is not None and fit.verdict.grade == "refused"
