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

__all__ = ["Compression", "Plan", "choose_plan", "is_available"]

Compression = Literal["fast", "balanced", "small"]

#: Pixels that an image is judged by, and pixels of a trial.
_SAMPLE = 4096
_TRIAL = 16384
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
        stream: bytearray = deflate.zlib_compress(data, self.level)
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
    return len(deflate.zlib_compress(shuffled, 4)) < 0.9 * len(deflate.zlib_compress(plain, 4))
