"""Packages that are only needed for some formats."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import shutil
import sys
from pathlib import Path
from typing import Any

from .errors import InputError

__all__ = ["install_command", "need"]


def install_command(extra: str) -> str:
    """Write the command that installs an extra into the Python that runs.

    Another `pip` that happens to be found first would install it where it is of no use.

    Parameters
    ----------
    extra
        Extra of flimage.
    """
    python = Path(sys.executable)
    pip = shutil.which("pip")
    if pip is not None and Path(pip).parent == python.parent:
        return f'pip install "flimage[{extra}]"'
    with contextlib.suppress(ValueError, OSError):
        python = python.relative_to(Path.cwd())
    name = f'"{python}"' if " " in str(python) else str(python)
    return f'{name} -m pip install "flimage[{extra}]"'


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
            f" '{install_command(extra)}'."
        )
    return importlib.import_module(module)
