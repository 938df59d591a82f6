"""What happens when memory ends in the middle of compressing: an exception, and no dead process."""

from __future__ import annotations

import errno
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from flimage import parallel

linux = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="limits the memory as Linux does"
)

#: Runs in a process of its own, whose memory has no holes that others have left.
SWEEP = """
import json, os, resource, sys, zlib
import numpy as np
from flimage.compression import libdeflate_compress, libdeflate_decompress

image = np.zeros(20_480, np.uint8)
stream = zlib.compress(image)
works = {
    "decompress": lambda: libdeflate_decompress(stream, len(image)),
    "fast": lambda: libdeflate_compress(image, 1),
    "balanced": lambda: libdeflate_compress(image, 4),
    "small": lambda: libdeflate_compress(image, 10),
}

def try_with(kilobytes, work):
    "Do something where all memory but so much is taken; return how the process ended."
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    code = 1
    try:
        with open("/proc/self/statm") as file:
            used = int(file.read().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 2**20, resource.RLIM_INFINITY))
        taken = []
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
        code = 0
    except MemoryError:
        code = 3
    finally:
        os._exit(code)

print(json.dumps([try_with(left, works[sys.argv[1]]) for left in range(60)]))
"""
_DONE, _REFUSED = 0, 3


@linux
@pytest.mark.parametrize("work", ["decompress", "fast", "balanced", "small"])
def test_too_little_memory_for_the_library_is_an_exception(work: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SWEEP, work], capture_output=True, text=True, check=True
    )
    ends = json.loads(done.stdout)
    assert set(ends) <= {_DONE, _REFUSED}
    assert ends.count(_REFUSED) > 5


def test_no_room_for_a_thread_is_an_exception_and_no_endless_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*arguments: object, **options: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(parallel.mmap, "mmap", refuse)
    with ThreadPoolExecutor(1) as pool, pytest.raises(MemoryError, match="another thread"):
        parallel.start_work(pool, len, ())
