"""What the program asks of its process: little memory, and no libraries that it does not use."""

from __future__ import annotations

import os
import sys

__all__ = ["prepare_process"]

#: Larger blocks go back to the operating system as soon as they are free [bytes].
RETURNED_BYTES = 1 << 18
#: Numbers of glibc's options.
_M_MMAP_THRESHOLD, _M_ARENA_MAX = -3, -8


def prepare_process() -> None:
    """Set up the process, before Qt is loaded and there are any threads."""
    # Nothing here is drawn with OpenGL, whose libraries take 50 MB and a while to load.
    os.environ.setdefault("QT_XCB_GL_INTEGRATION", "none")
    if sys.platform.startswith("linux"):
        _return_memory()


def _return_memory() -> None:
    """Let glibc give memory back; by itself it keeps what images took, once per thread."""
    import ctypes

    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, RETURNED_BYTES)
        mallopt(_M_ARENA_MAX, 2)
