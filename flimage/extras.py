"""Packages that are only needed for some formats."""

from __future__ import annotations

import importlib
import importlib.util
from typing import Any

from .errors import InputError

__all__ = ["need"]


def need(module: str, extra: str, what: str) -> Any:
    """Import a package that flimage installs only where it is asked for.

    Parameters
    ----------
    module
        Name of the module.
    extra
        Extra of flimage that installs it.
    what
        What it is needed for, as the subject of a sentence: "OME-Zarr".

    Raises
    ------
    flimage.errors.InputError
        When it is not installed; the sentence names the remedy.
    """
    top = module.partition(".")[0]
    if importlib.util.find_spec(top) is None:
        raise InputError(
            f"{what} needs the package {top}, which is not installed: run"
            f" 'pip install \"flimage[{extra}]\"'."
        )
    return importlib.import_module(module)
