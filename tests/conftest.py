"""Guards for every test: nothing may leak, and nothing outside the temporary folder is touched."""

from __future__ import annotations

import atexit
import dataclasses
import gc
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

# How long an example takes depends on what else the computer does.
hypothesis.settings.register_profile("flimage", deadline=None)
hypothesis.settings.load_profile("flimage")

# Before anything reads them: no test may see or change the settings and caches of the person who
# runs it, and no test may need a screen.
_HOME = Path(tempfile.mkdtemp(prefix="flimage-tests-"))
atexit.register(shutil.rmtree, _HOME, ignore_errors=True)
for _name, _folder in {
    "HOME": "home",
    "USERPROFILE": "home",
    "XDG_CACHE_HOME": "cache",
    "XDG_CONFIG_HOME": "config",
    "XDG_DATA_HOME": "data",
    "XDG_STATE_HOME": "state",
    "MPLCONFIGDIR": "matplotlib",
    "APPDATA": "config",
    "LOCALAPPDATA": "cache",
}.items():
    (_HOME / _folder).mkdir(exist_ok=True)
    os.environ[_name] = str(_HOME / _folder)
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ["PYQTGRAPH_QT_LIB"] = "PyQt5"

#: Threads that zarr keeps for the whole process once it was used.
_KEPT_THREADS = ("zarr_io", "asyncio_")

#: How long a thread may take to end after its test [s].
_THREAD_GRACE = 5.0

#: Recordings that are not part of the project, beside its checkout.
_RECORDINGS = Path(__file__).resolve().parents[2] / "shared" / "data"


def _open_files() -> dict[int, str]:
    """HDF5 files on disk that are open: identifier -> name (images in memory don't count)."""
    import h5py

    files = {}
    for file_id in h5py.h5f.get_obj_ids(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE):
        if file_id.get_access_plist().get_driver() != h5py.h5fd.CORE:
            files[file_id.id] = file_id.name.decode("utf-8", "replace")
    return files


def _leaked_files(before: dict[int, str]) -> list[str]:
    return sorted(name for key, name in _open_files().items() if key not in before)


@pytest.fixture(autouse=True)
def no_leaked_files() -> Iterator[None]:
    """Fail a test that leaves an HDF5 file open."""
    before = _open_files()
    yield
    if _leaked_files(before):
        # A caught exception keeps the frames of the test, and so its files, until this.
        gc.collect()
        leaked = _leaked_files(before)
        assert not leaked, f"left open: {', '.join(leaked)}"


@pytest.fixture(autouse=True)
def no_leaked_threads() -> Iterator[None]:
    """Fail a test that leaves a Python thread running."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + _THREAD_GRACE
    while True:
        leaked = [
            t.name
            for t in threading.enumerate()
            if t not in before and t.is_alive() and not t.name.startswith(_KEPT_THREADS)
        ]
        if not leaked or time.monotonic() > deadline:
            break
        time.sleep(0.01)
    assert not leaked, f"still running: {', '.join(leaked)}"


@pytest.fixture(autouse=True)
def no_tqdm_monitor(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep tqdm from starting its watchdog thread, which lives as long as the process."""
    import tqdm

    monkeypatch.setattr(tqdm.tqdm, "monitor_interval", 0)


@pytest.fixture(scope="session")
def example() -> Path:
    """Path of the example recording in the checkout."""
    return Path(__file__).resolve().parents[1] / "resources" / "example.h5"


@pytest.fixture(scope="session")
def real_recording() -> Callable[[str], Path]:
    """Return a function that finds a real recording by name or skips the test."""

    def find(name: str) -> Path:
        path = _RECORDINGS / name
        if not path.exists():
            pytest.skip(f"the real recording {name} is not in {_RECORDINGS}")
        return path

    return find


@dataclasses.dataclass(frozen=True)
class ImagesRead:
    """Images that were read out of HDF5 files: their paths, and the threads that did it."""

    paths: list[str] = dataclasses.field(default_factory=list)
    threads: list[int] = dataclasses.field(default_factory=list)


@pytest.fixture
def images_read(monkeypatch: pytest.MonkeyPatch) -> ImagesRead:
    """Images that are read out of HDF5 files from now on, whichever way."""
    from flimage import dataset

    found = ImagesRead()
    original = dataset.read_opened

    def noted(group: Any, name: str, opened: Any) -> Any:
        found.paths.append(name)
        found.threads.append(threading.get_ident())
        return original(group, name, opened)

    monkeypatch.setattr(dataset, "read_opened", noted)
    return found


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """Return a function that runs a command: exit code, standard output, standard error."""
    from flimage import cli

    def call(*arguments: object) -> tuple[int, str, str]:
        code = cli.main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call
