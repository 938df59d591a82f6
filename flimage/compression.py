"""Which filters suit an image, for the three settings that a person can choose from.

The sizes and times that the thresholds follow from are in ``docs/performance.md``.
"""

from __future__ import annotations

import zlib
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import numpy.typing as npt

from .errors import InputError

deflate: Any
try:
    import deflate
except ImportError:  # a platform without a wheel: HDF5 then runs the filters itself
    deflate = None
zlib_ng: Any
try:
    from zlib_ng import zlib_ng
except ImportError:  # a platform without a wheel: slower plans take its place
    zlib_ng = None

__all__ = [
    "Compression",
    "Plan",
    "choose_plan",
    "is_available",
    "libdeflate_compress",
    "libdeflate_decompress",
]

Compression = Literal["fast", "balanced", "small"]

#: Pixels that an image is judged by, and pixels of a trial.
_SAMPLE = 4096
_TRIAL = 16384
#: Memory that libdeflate works in while it decompresses, and while it compresses up to the given
#: level [bytes]; a little more than it takes (12 kB; 0.67 and 9 MB).
_WORKSPACE = 2**15
_WORKSPACES = ((9, 3 * 2**18), (12, 10 * 2**20))
#: Part of the sampled values that must differ before an image counts as continuous.
_CONTINUOUS = 0.6


class Plan(NamedTuple):
    """How an image is compressed.

    Parameters
    ----------
    shuffle
        Use HDF5's shuffle filter before deflate.
    engine
        Library that makes the deflate stream; all streams are of the same format.
    level
        Its level.
    """

    shuffle: bool
    engine: Literal["libdeflate", "zlib", "zlib-ng"]
    level: int

    def compress(self, data: npt.NDArray[np.uint8]) -> bytes | bytearray:
        """Compress bytes (1D); releases Python's lock."""
        if self.engine == "zlib":
            return zlib.compress(data.data, self.level)
        if self.engine == "zlib-ng":
            chunk: bytes = zlib_ng.compress(data, self.level)
            return chunk
        stream: bytearray = libdeflate_compress(data, self.level)
        return stream


#: Plans for images of few different values, from the entropy of the values [bit] upwards. The
#: fewer the values, the more the search for repetitions matters: the greedy one of libdeflate
#: is the quickest, that of zlib-ng finds most for its time.
_FEW_VALUES = (
    (8.9, Plan(False, "libdeflate", 1)),
    (8.8, Plan(False, "libdeflate", 2)),
    (8.1, Plan(False, "libdeflate", 4)),
    (7.8, Plan(False, "zlib-ng", 4)),
    (7.1, Plan(False, "zlib-ng", 5)),
    (4.1, Plan(False, "zlib-ng", 6)),
    (0.0, Plan(False, "zlib-ng", 9)),
)
#: The same where zlib-ng is missing.
_FEW_VALUES_WITHOUT_NG = (
    (8.9, Plan(False, "libdeflate", 1)),
    (8.8, Plan(False, "libdeflate", 2)),
    (8.1, Plan(False, "libdeflate", 4)),
    (6.4, Plan(False, "libdeflate", 7)),
    (4.3, Plan(False, "zlib", 6)),
    (3.0, Plan(False, "zlib", 7)),
    (0.0, Plan(False, "libdeflate", 10)),
)


def libdeflate_compress(data: npt.NDArray[np.uint8], level: int) -> bytearray:
    """Make a zlib stream; releases Python's lock.

    Parameters
    ----------
    data
        1D, contiguous.
    level
        1 to 12.

    Raises
    ------
    MemoryError
    """
    _make_sure_of(data.nbytes, next(size for most, size in _WORKSPACES if level <= most))
    stream: bytearray = deflate.zlib_compress(data, level)
    return stream


def libdeflate_decompress(stream: bytes | bytearray | memoryview, size: int) -> bytearray:
    """Take a zlib stream apart; releases Python's lock.

    Parameters
    ----------
    stream
        What :func:`libdeflate_compress`, or any other, has made.
    size
        How many bytes come out.

    Raises
    ------
    ValueError
        When it is no such stream, or holds more bytes.
    MemoryError
    """
    _make_sure_of(size, _WORKSPACE)
    try:
        data: bytearray = deflate.zlib_decompress(stream, size)
    except deflate.DeflateError as error:
        raise ValueError(f"the data cannot be decompressed ({error})") from error
    return data


def _make_sure_of(size: int, workspace: int) -> None:
    """Raise MemoryError where there is no memory for a result and for the work on it.

    The package `deflate` uses what libdeflate works in without a look whether there was memory for
    it, which ends the process. Neither block is touched: asking takes microseconds.
    """
    np.empty(size, np.uint8), np.empty(workspace, np.uint8)  # both at the same time


def is_available() -> bool:
    """Tell whether chunks can be made here; otherwise HDF5 runs the filters itself."""
    return deflate is not None


def choose_plan(image: npt.NDArray[Any], compression: Compression = "balanced") -> Plan:
    """Choose how to compress an image.

    Camera counts are whole numbers: as floats most of their bytes are zero or vary slowly, and
    shuffling makes them smaller *and* quicker to compress. Counts times a gain are few different
    numbers with random bytes: there only repeated pixels help, which shuffling would tear apart.
    The balanced setting is meant to be no larger than gzip at its highest level, within 5 %.

    Parameters
    ----------
    image
        The image in the type in which it is stored.
    compression
        ``"fast"``, ``"balanced"`` or ``"small"``.

    Raises
    ------
    flimage.errors.InputError
        When `compression` is unknown.
    """
    if compression not in get_args(Compression):
        raise InputError(
            f"Compression {compression!r} is unknown;"
            f" use one of {', '.join(get_args(Compression))}."
        )
    level = {"fast": 1, "balanced": 4, "small": 10}[compression]
    if image.dtype.kind in "iub":
        return Plan(image.itemsize > 1, "libdeflate", level)
    flat = image.reshape(-1)
    sample = flat[:: max(1, flat.size // _SAMPLE)]
    with np.errstate(invalid="ignore"):
        whole = bool(((sample == np.rint(sample)) | ~np.isfinite(sample)).all())
    if whole:
        return Plan(True, "libdeflate", level)
    counts = np.unique(sample, return_counts=True)[1]
    if len(counts) > _CONTINUOUS * sample.size:
        return Plan(_shuffling_helps(flat), "libdeflate", level)
    if compression != "balanced" or deflate is None:
        return Plan(False, "libdeflate", level)
    share = counts / sample.size
    entropy = -float(share @ np.log2(share))
    plans = _FEW_VALUES_WITHOUT_NG if zlib_ng is None else _FEW_VALUES
    # The entropy of a constant image is -0.0 or a rounding error.
    return next(plan for least, plan in plans if max(entropy, 0.0) >= least)


def _shuffling_helps(flat: npt.NDArray[Any]) -> bool:
    """Try on the middle of an image of continuous values."""
    if deflate is None:
        return True
    start = max(0, (flat.size - _TRIAL) // 2)
    part = np.ascontiguousarray(flat[start : start + _TRIAL])
    plain = part.view(np.uint8)
    shuffled = np.ascontiguousarray(plain.reshape(-1, part.itemsize).T).reshape(-1)
    # A short piece has less to repeat than the whole image: the gain must be clear.
    return len(libdeflate_compress(shuffled, 4)) < 0.9 * len(libdeflate_compress(plain, 4))
