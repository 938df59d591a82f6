"""What happens when memory ends in the middle of compressing: an exception, and no dead process."""

from __future__ import annotations

import errno
import os
import sys
import zlib
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from flimage import parallel
from flimage.compression import libdeflate_compress, libdeflate_decompress

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="limits the memory as Linux does"
)

IMAGE = np.zeros(20_480, np.uint8)
STREAM = zlib.compress(IMAGE)
_DONE, _REFUSED = 0, 3


def _with_memory(kilobytes: int, work: Callable[[], object]) -> int:
    """Do something where all memory but so much is taken; return how the process ended."""
    import resource

    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    # No exception may get out of here, and nothing be written: this is a copy of the test itself.
    try:
        with open("/proc/self/statm") as file:  # noqa: PTH123 - no memory for paths later on
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**20, resource.RLIM_INFINITY))
        taken: list[bytearray] = []
        for size in (2**17, 2**10):
            try:
                while True:
                    taken.append(bytearray(size))
            except MemoryError:
                continue
        free = 0
        while taken and free < kilobytes * 1024:
            free += len(taken.pop())
        work()
    except MemoryError:
        os._exit(_REFUSED)
    finally:
        os._exit(_DONE)


@pytest.mark.parametrize(
    "work",
    [
        lambda: libdeflate_decompress(STREAM, len(IMAGE)),
        lambda: libdeflate_compress(IMAGE, 1),
        lambda: libdeflate_compress(IMAGE, 4),
        lambda: libdeflate_compress(IMAGE, 10),
    ],
    ids=["decompress", "fast", "balanced", "small"],
)
def test_too_little_memory_for_the_library_is_an_exception(work: Callable[[], object]) -> None:
    ends = Counter(_with_memory(left, work) for left in range(60))
    assert ends.keys() <= {_DONE, _REFUSED}
    assert ends[_REFUSED] > 5


def test_no_room_for_a_thread_is_an_exception_and_no_endless_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(parallel.mmap, "mmap", refuse)
    with ThreadPoolExecutor(1) as pool, pytest.raises(MemoryError, match="another thread"):
        parallel.start_work(pool, len, ())
