"""What is installed: names, entry points, data, and a library that needs no Qt."""

from __future__ import annotations

import importlib.metadata
import importlib.resources
import importlib.util
import os
import pkgutil
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import flimage

ROOT = Path(__file__).resolve().parents[1]
MODULES = sorted(module.name for module in pkgutil.iter_modules(flimage.__path__))


def run_python(code: str) -> str:
    """Run `code` in a fresh interpreter with warnings as errors, and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT.parent,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_distribution_has_the_name_and_version_of_the_library() -> None:
    assert importlib.metadata.version("flimage") == flimage.__version__


def test_both_commands_are_installed() -> None:
    points = importlib.metadata.distribution("flimage").entry_points
    found = {point.name: point.value for point in points if point.group.endswith("_scripts")}
    assert found == {"flimage": "flimage.cli:main", "flimage-gui": "flimage_gui.__main__:main"}


def test_the_example_is_installed_with_the_window() -> None:
    resource = importlib.resources.files("flimage_gui.resources").joinpath("example.h5")
    assert resource.read_bytes()[:4] == b"\x89HDF"


def test_every_library_module_imports_without_qt_and_without_the_window() -> None:
    code = f"""
import importlib, sys
BLOCKED = ("PyQt5", "PyQt6", "PySide2", "PySide6", "pyqtgraph", "flimage_gui")
class Block:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED:
            raise ImportError(f"{{name}} is blocked")
sys.meta_path.insert(0, Block())
for name in {MODULES!r}:
    importlib.import_module("flimage." + name)
print(sum(name.partition(".")[0] in BLOCKED for name in sys.modules))
"""
    assert run_python(code).strip() == "0"


def test_importing_the_library_loads_nothing_that_takes_long() -> None:
    code = "import flimage, sys; print(sorted(sys.modules.keys() & {'h5py', 'numpy', 'qpimage'}))"
    assert run_python(code).strip() == "[]"


def test_the_command_line_answers_help_without_loading_the_library() -> None:
    code = """
import sys
from flimage.cli import main
code = main(["--version"])
print(code, sorted(sys.modules.keys() & {"h5py", "scipy", "qpimage", "matplotlib"}))
"""
    assert run_python(code).splitlines() == [f"flimage {flimage.__version__}", "0 []"]


def test_every_package_in_the_checkout_is_installed() -> None:
    layout = (ROOT / "setup.cfg").read_text(encoding="utf-8").split()
    for package in ("flimage", "flimage_gui"):
        for marker in (ROOT / package).rglob("__init__.py"):
            assert ".".join(marker.parent.relative_to(ROOT).parts) in layout


def test_every_public_name_of_the_package_resolves() -> None:
    code = "import flimage; print([n for n in dir(flimage) if getattr(flimage, n, None) is None])"
    found = run_python(code).strip()
    assert found in ("[]", "['__cached__']", "['__path__']"), found


@pytest.mark.parametrize("module", MODULES)
def test_every_module_says_its_purpose_in_its_first_line(module: str) -> None:
    spec = importlib.util.find_spec(f"flimage.{module}")
    assert spec is not None
    assert spec.origin is not None
    text = Path(spec.origin).read_text(encoding="utf-8")
    assert re.match(r'""".{10,}[.,:;]?(""")?\n', text)


# --- make ---------------------------------------------------------------------------------------

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def run_make(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MAKELEVEL")}
    return subprocess.run(
        ["make", "--no-print-directory", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env=environment,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """What `make` needs of a checkout, in an empty folder."""
    for name in ("Makefile", "pyproject.toml", "setup.cfg"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


@needs_make
def test_make_tells_its_targets(checkout: Path) -> None:
    done = run_make(cwd=checkout)
    assert done.returncode == 0
    for target in ("run", "test", "bench", "lint", "clean"):
        assert f"make {target}" in done.stdout


@needs_make
def test_make_says_when_python_is_too_old_or_missing(checkout: Path) -> None:
    old = checkout / "python-old"
    old.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    old.chmod(0o755)
    done = run_make("run", f"PYTHON={old}", cwd=checkout)
    assert done.returncode != 0
    assert "needs Python 3.10 or newer" in done.stderr
    done = run_make("run", "PYTHON=", cwd=checkout)
    assert done.returncode != 0
    assert "none was found" in done.stderr
    assert not (checkout / ".venv").exists()


@needs_make
def test_make_installs_nothing_twice(checkout: Path) -> None:
    stamps = checkout / ".venv"
    stamps.mkdir()
    for stamp in (".made", ".with-gui"):
        (stamps / stamp).touch()
    later = max((checkout / name).stat().st_mtime for name in ("pyproject.toml", "setup.cfg")) + 9
    for stamp in (".made", ".with-gui"):
        os.utime(stamps / stamp, (later, later))
    assert "pip" not in run_make("--dry-run", "run", cwd=checkout).stdout
    os.utime(checkout / "pyproject.toml", (later + 9, later + 9))
    assert "pip" in run_make("--dry-run", "run", cwd=checkout).stdout
