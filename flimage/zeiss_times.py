"""Time stamps of the frames of a CZI file, through the optional package `czifile`.

The package that decodes the pixels does not hand out what else is attached to a file.
"""

from __future__ import annotations

import logging
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .extras import need

__all__ = ["read_time_stamps"]

#: What ZEN calls the list of the times of all time points.
_NAME = "TimeStamps"

_silence = logging.NullHandler()


def read_time_stamps(path: Path) -> npt.NDArray[np.float64] | None:
    """Read the times that ZEN attached to a CZI file.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    numpy.ndarray or None
        (t,) one for each time point [s], counted from the start of the acquisition; None where the
        file has none or they cannot be read.

    Raises
    ------
    flimage.errors.InputError
        When `czifile` is not installed.

    References
    ----------
    https://pypi.org/project/czifile/
    """
    czifile = need("czifile", "czi", f"Reading the time stamps of {path}")
    # It logs, or warns of, files without attachments, which is nothing to be warned of.
    logging.getLogger("czifile").addHandler(_silence)
    try:
        # Opened here, because the package leaves files open that it does not understand.
        with (
            warnings.catch_warnings(),
            path.open("rb") as stream,
            czifile.CziFile(stream) as file,
        ):
            warnings.simplefilter("ignore")
            found = _stamps(file)
            return None if found is None else np.array(found, dtype=float).ravel()
    # What it raises on files that it does not know is of many kinds; the pixels were read by
    # another package, so the recording is usable all the same.
    except Exception:
        return None


def _stamps(file: Any) -> Any:
    # Releases since 2026 have a name for it.
    if hasattr(file, "timestamps"):
        return file.timestamps
    for attachment in file.attachments():
        if attachment.attachment_entry.name == _NAME:
            return attachment.data()
    return None
