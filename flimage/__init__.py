"""Look through fluorescence recordings and correct their photobleaching.

Names are resolved when they are first used, so that ``import flimage`` is quick.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from ._version import __version__

if TYPE_CHECKING:
    from .core import FLImage
    from .meta import META_KEYS_FL
    from .recipe import Recipe, Region
    from .series import FLSeries

__all__ = ["META_KEYS_FL", "FLImage", "FLSeries", "Recipe", "Region", "__version__"]

_HOMES = {
    "FLImage": "core",
    "FLSeries": "series",
    "META_KEYS_FL": "meta",
    "Recipe": "recipe",
    "Region": "recipe",
}
_MODULES = frozenset(
    {
        "background",
        "batch",
        "bleach",
        "convert",
        "core",
        "correct",
        "denoise",
        "errors",
        "export",
        "image_data",
        "meta",
        "models",
        "recipe",
        "recover",
        "report",
        "scan",
        "series",
        "source",
        "storage",
    }
)


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        value = getattr(importlib.import_module(f".{_HOMES[name]}", __name__), name)
    elif name in _MODULES:
        value = importlib.import_module(f".{name}", __name__)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES, *_MODULES})
