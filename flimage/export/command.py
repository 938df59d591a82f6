"""What ``flimage export`` does: finds the fit when it is needed, and writes."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .. import correct, provenance
from .._version import __version__
from ..background import suitable_border
from ..errors import InputError, OutputExistsError
from ..options import recipe_from
from ..output import atomic_output
from ..quantities import format_count
from . import (
    Images,
    write_fit,
    write_movie,
    write_region_traces,
    write_report_page,
    write_tiff,
    write_zarr,
)
from .formats import FIGURES, MOVIES, STACKS, format_of
from .report_page import pictures_of

if TYPE_CHECKING:
    from ..bleach import BleachFit
    from ..progress import Progress
    from ..recipe import Recipe
    from ..source import SeriesSource
    from . import Exported, ImageKind

__all__ = ["Export", "run"]


@dataclass(frozen=True)
class Export:
    """What came of an export.

    Parameters
    ----------
    sentences
        What was written and what a person should know about it.
    refused
        Whether images were to be corrected and the correction was refused.
    """

    sentences: tuple[str, ...]
    refused: bool = False


def run(arguments: argparse.Namespace, source: SeriesSource, progress: Progress) -> Export:
    """Export a series as the command line asks for it.

    Parameters
    ----------
    arguments
        What :func:`add_export_options` added.
    source
        The series.
    progress
        Called as ``progress(done, total, stage)``.

    Raises
    ------
    flimage.errors.InputError
        When an option does not go with the output or the series.
    """
    kind = format_of(arguments.out)
    # Before anything is computed: the functions that write would find out at the end.
    if arguments.out.exists() and not arguments.overwrite:
        raise OutputExistsError(
            f"{arguments.out} exists already; choose another name or allow it to be overwritten"
            " (--overwrite)."
        )
    job = _Job(arguments, source, progress)
    if kind in STACKS:
        return job.stack(kind)
    if kind in MOVIES:
        return job.movie()
    if kind == "csv":
        return job.traces() if arguments.traces else job.table()
    return job.fit_output(kind)


class _Job:
    """One export: finds the fit when it is needed, and writes."""

    def __init__(
        self, arguments: argparse.Namespace, source: SeriesSource, progress: Progress
    ) -> None:

        self.arguments = arguments
        self.source = source
        self.progress = progress
        self.record = provenance.read(source.series.h5)
        self.recipe: Recipe = recipe_from(arguments, suitable_border(source.shape))
        given = [name for name in vars(arguments) if name in type(self.recipe).__dataclass_fields__]
        if self.record is not None and (given or arguments.recipe is not None):
            raise InputError(
                f"{arguments.source} is corrected already, so settings of a correction have no"
                " effect; leave them out, or export the recording it was made from."
            )

    def fitted(self) -> BleachFit:
        """Fit the recording."""
        cache = not self.arguments.no_cache
        return correct.run(self.source, self.recipe, progress=self.progress, cache=cache).fit

    def fit_values(self) -> dict[str, Any]:
        """Values of the fit: those that the file holds, or those of a new fit."""
        return dict(self.record.fit) if self.record is not None else self.fitted().to_dict()

    def images(self) -> Images:
        """Images that were asked for."""
        kind: ImageKind = self.arguments.images or "bleach-corrected"
        if self.record is not None and kind == "bleach-corrected":
            kind = "raw"  # as they stand
        fit = self.fitted() if kind == "bleach-corrected" else None
        return Images(self.source, kind, fit, self.arguments.frames)

    def stack(self, kind: str) -> Export:
        """Write images."""
        arguments, images = self.arguments, self.images()
        options = {"overwrite": arguments.overwrite, "progress": self.progress}
        if kind == "zarr":
            done = write_zarr(images, arguments.out, **options)
        else:
            done = write_tiff(
                images,
                arguments.out,
                flavour="ome" if kind == "ome" else "imagej",
                dtype=arguments.dtype,
                limits=arguments.limits,
                clip=arguments.clip,
                **options,
            )
        return self._result(format_count(done.frames, f"{images.label} image"), done, images.fit)

    def movie(self) -> Export:
        """Write a movie of one or two panes."""
        arguments = self.arguments
        images = self.images()
        panes = [images]
        if arguments.images is None and self.record is None:
            panes.insert(0, Images(self.source, "raw", images.fit, arguments.frames))
        done = write_movie(
            panes,
            arguments.out,
            fps=arguments.fps,
            colormap=arguments.colormap,
            levels=arguments.limits,
            overwrite=arguments.overwrite,
            progress=self.progress,
        )
        return self._result(f"a movie of {format_count(done.frames, 'frame')}", done, images.fit)

    def table(self) -> Export:
        """Write trace, fit, residuals and gains."""
        write_fit(
            self.fit_values(),
            self.arguments.out,
            identifiers=self.source.identifiers,
            overwrite=self.arguments.overwrite,
            source=self.source.path,
        )
        return Export((f"Written: trace, fit and gains to {self.arguments.out}",))

    def traces(self) -> Export:
        """Write the means of regions."""
        arguments = self.arguments
        regions = dict(arguments.traces)
        if len(regions) < len(arguments.traces):
            raise InputError("Two regions have the same name (--trace); give each its own.")
        fit = None if self.record is not None else self.fitted()
        raw = Images(self.source, "raw", fit, arguments.frames)
        recordings = {"corrected" if self.record is not None else "raw": raw}
        if fit is not None:
            recordings["bleach-corrected"] = Images(
                self.source, "bleach-corrected", fit, arguments.frames
            )
        write_region_traces(
            recordings,
            regions,
            arguments.out,
            overwrite=arguments.overwrite,
            progress=self.progress,
        )
        names = ", ".join(regions)
        return Export((f"Written: traces of {names} to {arguments.out}",), _is_refused(fit))

    def fit_output(self, kind: str) -> Export:
        """Write the fit as JSON, page or figure."""
        arguments = self.arguments
        if kind in FIGURES:
            return self._figure(kind)

        if kind == "json":
            content = {
                "flimage": __version__,
                "source": str(arguments.source),
                "fit": self.fit_values(),
            }
            with atomic_output(
                arguments.out, overwrite=arguments.overwrite, source=self.source.path
            ) as temporary:
                text = json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False)
                temporary.write_text(f"{text}\n", encoding="utf-8", errors="replace")
            return Export((f"Written: the fit to {arguments.out}",))
        origin: dict[str, str] = {}
        if self.record is not None:
            values: Mapping[str, Any] = self.record.fit
            raw = Images(self.source)
            pictures = [
                ("First frame, corrected", raw.image(0)),
                ("Last frame, corrected", raw.image(len(raw) - 1)),
            ]
            origin = {
                "corrected from": self.record.source or "a recording in memory",
                "corrected by": f"flimage {self.record.version}",
            }
        else:
            fit = self.fitted()
            values = fit.to_dict()
            pictures = pictures_of(self.source, fit)
        write_report_page(
            self.source,
            values,
            arguments.out,
            pictures=pictures,
            origin=origin,
            overwrite=arguments.overwrite,
        )
        return Export((f"Written: the report to {arguments.out}",))

    def _figure(self, kind: str) -> Export:
        from ..report import figure

        arguments = self.arguments
        if self.record is not None:
            raise InputError(
                f"{arguments.source} is corrected already; write its report as .html, or draw the"
                " figure from the recording it was made from."
            )
        fit = self.fitted()
        with atomic_output(
            arguments.out, overwrite=arguments.overwrite, source=self.source.path
        ) as temporary:
            figure(fit, temporary, arguments.source.name, kind)
        return Export((f"Written: the figure to {arguments.out}",))

    def _result(self, what: str, done: Exported, fit: BleachFit | None) -> Export:
        sentences = [f"Written: {what} to {done.path}", *done.notes]
        if done.scaling is not None:
            sentences.append(done.scaling.sentence)
        if fit is not None:
            sentences.append(f"Correction: {fit.verdict.grade}: {fit.verdict.sentence}")
        return Export(tuple(sentences), _is_refused(fit))


def _is_refused(fit: BleachFit | None) -> bool:
    return fit is not None and fit.verdict.grade == "refused"
