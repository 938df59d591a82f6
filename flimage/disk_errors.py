"""Why the system refused to write, in words that tell a person what to do about it."""

from __future__ import annotations

import errno
import os
import re

from .errors import FlimageError

__all__ = ["known_reason", "reason_of"]

_REASONS = {
    errno.ENOSPC: "the disk is full; free some space, or choose another disk",
    errno.EDQUOT: "your share of the disk is used up; free some space, or choose another disk",
    errno.EFBIG: "it is larger than files may be there; choose another disk",
    errno.EROFS: "the disk is read-only; choose another one",
    errno.EACCES: "you may not write there; choose another folder",
    errno.EPERM: "you may not write there; choose another folder",
    errno.EMFILE: "too many files are open; close some recordings or programs",
    errno.ENFILE: "too many files are open; close some programs",
    errno.ENOENT: "its folder or temporary file was removed meanwhile; try again",
    errno.ESTALE: "the connection to the disk was lost; try again when it is back",
    errno.EIO: "the disk failed; choose another one, and check this one",
    errno.ENOMEM: "there is too little memory; close other programs or recordings",
}
#: How HDF5 starts to say that something could not be written; often it adds the system's number.
_HDF5 = re.compile(r"(Can't|Unable to|Unspecified error|Disable slist|Failed to) ?\b")


def reason_of(error: BaseException) -> str | None:
    """Say why the system refused to write.

    Parameters
    ----------
    error
        What was raised; by HDF5 as OSError or RuntimeError, with the number of the reason in its
        text only.

    Returns
    -------
    reason : str or None
        What is wrong and what helps, without a full stop; None for errors that are none of the
        system, or that have a sentence of their own.
    """
    if isinstance(error, FlimageError):
        return None
    if isinstance(error, RuntimeError) and "start new thread" in str(error):
        return _REASONS[errno.ENOMEM]
    from_hdf5 = isinstance(error, RuntimeError) and (
        _HDF5.match(str(error)) or _number_of(error) in _REASONS
    )
    if not isinstance(error, OSError) and not from_hdf5:
        return None
    known = known_reason(error)
    if known is not None:
        return known
    number = _number_of(error)
    if number:
        return os.strerror(number)
    return " ".join(str(error).split()).partition(" (")[0].rstrip(".") or type(error).__name__


def known_reason(error: BaseException) -> str | None:
    """Say why the system refused to write, where it has named one of the usual reasons."""
    # What failed first says more than what failed because of it.
    seen: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in seen:
        seen.append(cause)
        cause = cause.__cause__ or cause.__context__
    numbers = [_number_of(each) for each in seen]
    return next((_REASONS[number] for number in numbers if number in _REASONS), None)


def _number_of(error: BaseException) -> int:
    found = re.search(r"errno = ([0-9]+)", str(error))
    if found is not None and int(found[1]):
        return int(found[1])
    return (error.errno or 0) if isinstance(error, OSError) else 0
