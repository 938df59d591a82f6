"""Write recordings and fits in the formats of other programs.

Each function writes one file (OME-Zarr: one folder), which appears whole or not at all. Images are
read and written one after the other, so that memory does not grow with the recording. :func:`write`
chooses among the others by a :class:`Request`, as the command line and the window do.

Names are resolved when they are first used, so that the command line starts quickly.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from .formats import ImageKind

if TYPE_CHECKING:
    from ..scaling import Scaling
    from .frames import Images
    from .movie import write_movie
    from .ome_zarr import write_zarr
    from .report_page import write_report_page
    from .request import Request
    from .table import write_fit, write_region_traces
    from .tiff import Exported, write_tiff
    from .writing import Export, write

__all__ = [
    "Export",
    "Exported",
    "ImageKind",
    "Images",
    "Request",
    "Scaling",
    "write",
    "write_fit",
    "write_movie",
    "write_region_traces",
    "write_report_page",
    "write_tiff",
    "write_zarr",
]

_HOMES = {
    "Export": "writing",
    "Exported": "tiff",
    "Images": "frames",
    "Request": "request",
    "Scaling": "scaling",
    "write": "writing",
    "write_fit": "table",
    "write_movie": "movie",
    "write_region_traces": "table",
    "write_report_page": "report_page",
    "write_tiff": "tiff",
    "write_zarr": "ome_zarr",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
