"""Temporary files: named after the process that writes them, and removed when it died on them.

A process that is killed cannot tidy up. The name of each temporary file says who writes it, so that
the next one who writes to the folder can tell what nobody will ever finish from what is still
being written, be it by another program.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import re
import secrets
import shutil
import sys
import time
from pathlib import Path

__all__ = ["ASIDE_SUFFIX", "PART_SUFFIX", "mark", "remove_remnants", "temporary_path"]

#: End of the names of files that are still being written.
PART_SUFFIX = ".flimage-part"
#: End of the names of folders that are set aside until another one is in their place.
ASIDE_SUFFIX = ".flimage-aside"

#: Longest part of a name that is kept [bytes]; file systems allow 255 altogether.
_LONGEST = 180
#: What nobody has written to for so long is finished by nobody, wherever it was begun [s].
_FORGOTTEN = 7 * 86400.0
_NAME = re.compile(
    r"\.(?P<name>.+)\.(?P<home>[0-9a-f]{8})-(?P<pid>[0-9]{1,10})-(?P<token>[0-9a-f]{8})"
    r"-[0-9a-f]{8}(?P<suffix>\.flimage-part|\.flimage-aside)",
    re.DOTALL,
)
#: Tells this process from an earlier one with the same number.
_token = secrets.token_hex(4)


def _new_token() -> None:
    global _token
    _token = secrets.token_hex(4)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_new_token)


def mark(name: str) -> str:
    """Return how temporary files for a file of this name start."""
    short = name.encode("utf-8", "surrogateescape")[:_LONGEST]
    # What was cut in the middle of a character is left out.
    return f".{short.decode('utf-8', 'ignore')}."


def temporary_path(target: Path, suffix: str = PART_SUFFIX) -> Path:
    """Return a new name beside a file that is to appear, which says who writes it."""
    owner = f"{_home()}-{os.getpid()}-{_token}-{secrets.token_hex(4)}"
    return target.parent / f"{mark(target.name)}{owner}{suffix}"


def remove_remnants(folder: Path) -> list[Path]:
    """Remove from a folder what processes that died have left behind.

    What a process writes that is alive, or that runs on another computer, stays; only after a
    week without a change is it taken for abandoned, too. A folder that was set aside and whose
    place is empty is put back.

    Parameters
    ----------
    folder
        Where temporary files may be; nothing happens where it cannot be read.

    Returns
    -------
    removed : list of pathlib.Path
        What was there and is not any more.
    """
    removed = []
    # Tidying up must not cost the work that follows; another program may be doing it as well.
    with contextlib.suppress(OSError):
        with os.scandir(folder) as entries:
            found = [name for name in (entry.name for entry in entries) if name.startswith(".")]
        for name in found:
            match = _NAME.fullmatch(name)
            path = folder / name
            if match is not None and _is_abandoned(path, match):
                with contextlib.suppress(OSError):
                    _remove(path, match)
                    removed.append(path)
    return removed


def _remove(path: Path, match: re.Match[str]) -> None:
    if match["suffix"] == ASIDE_SUFFIX:
        target = path.parent / match["name"]
        if not target.exists():
            # A longer name was cut: then nobody knows what this was called.
            if len(match["name"].encode("utf-8", "surrogateescape")) < _LONGEST - 3:
                path.rename(target)
            return
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


def _is_abandoned(path: Path, match: re.Match[str]) -> bool:
    """Tell whether nobody will finish a temporary file."""
    try:
        changed = path.lstat().st_mtime
    except OSError:
        return False
    if time.time() - changed > _FORGOTTEN:
        return True
    if match["home"] != _home():
        return False
    pid = int(match["pid"])
    if pid == os.getpid():
        return match["token"] != _token
    started = _boot_time()
    # After a power cut, the number may belong to a process that has nothing to do with it.
    return not _is_alive(pid) or (started is not None and changed < started)


@functools.lru_cache(1)
def _home() -> str:
    """Tell this computer, and this container, from all others in which the same numbers run."""
    parts = [os.uname().nodename if hasattr(os, "uname") else os.environ.get("COMPUTERNAME", "")]
    with contextlib.suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return hashlib.sha256("\n".join(parts).encode("utf-8", "surrogateescape")).hexdigest()[:8]


def _boot_time() -> float | None:
    """When the computer was started [s since 1970]; None where that cannot be told."""
    if sys.platform == "linux":
        return time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    if sys.platform == "win32":
        return time.time() - time.monotonic()
    return None


if sys.platform == "win32":

    def _is_alive(pid: int) -> bool:
        import ctypes

        synchronize, not_ended = 0x00100000, 0x102
        kernel = ctypes.windll.kernel32
        handle = kernel.OpenProcess(synchronize, False, pid)
        if not handle:
            # Access may be denied only to what exists.
            return bool(kernel.GetLastError() == 5)
        try:
            return bool(kernel.WaitForSingleObject(handle, 0) == not_ended)
        finally:
            kernel.CloseHandle(handle)

else:

    def _is_alive(pid: int) -> bool:
        try:
            os.kill(pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            pass
        return True
