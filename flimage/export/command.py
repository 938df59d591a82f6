"""What ``flimage export`` does: turns its options into a request, and writes."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from .. import provenance
from ..background import suitable_border
from ..errors import InputError
from ..options import recipe_from
from .options import request_from
from .writing import write

if TYPE_CHECKING:
    from ..progress import Progress
    from ..source import SeriesSource
    from .writing import Export

__all__ = ["run"]


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
    recipe = recipe_from(arguments, suitable_border(source.shape))
    given = [name for name in vars(arguments) if name in type(recipe).__dataclass_fields__]
    if (given or arguments.recipe is not None) and provenance.of_source(source) is not None:
        raise InputError(
            f"{arguments.source} is corrected already, so settings of a correction have no effect;"
            " leave them out, or export the recording it was made from."
        )
    return write(
        source,
        request_from(arguments),
        recipe,
        progress=progress,
        cache=not arguments.no_cache,
        name=str(arguments.source),
    )
