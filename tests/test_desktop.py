"""The window as a program of the desktop: menu entry, file types, and ending by itself."""

from __future__ import annotations

import configparser
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from flimage.errors import InputError
from flimage.session_file import SUFFIX
from flimage_gui import desktop

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="menu entries are made on Linux only"
)
_GUI = [sys.executable, "-m", "flimage_gui"]


def _run(arguments: list[str], data: Path, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "XDG_DATA_HOME": str(data), **more}
    return subprocess.run(
        [*_GUI, *arguments],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def _entry(data: Path) -> configparser.SectionProxy:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment]  # keys are told apart by their case
    parser.read(data / "applications" / "flimage.desktop", encoding="utf-8")
    return parser["Desktop Entry"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data folder with the program installed for the desktop, by its command."""
    folder = tmp_path / "data of one person"
    done = _run(["--install-desktop"], folder, DISPLAY="", QT_QPA_PLATFORM="")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Written: ") == 3
    return folder


def test_the_menu_entry_starts_the_program_that_installed_it(data: Path) -> None:
    command = _entry(data)["Exec"]
    assert command.endswith(" %f")
    program = command.removesuffix(" %f").split('"')[1]
    assert Path(program).is_absolute()
    assert os.access(program, os.X_OK)


def test_the_menu_entry_has_an_icon_that_is_installed(data: Path) -> None:
    icons = list((data / "icons").rglob(f"{_entry(data)['Icon']}.svg"))
    assert len(icons) == 1
    assert ET.parse(icons[0]).getroot().tag.endswith("svg")


def test_every_file_type_that_is_declared_opens_in_the_program(data: Path) -> None:
    root = ET.parse(data / "mime" / "packages" / "flimage.xml").getroot()
    space = "{http://www.freedesktop.org/standards/shared-mime-info}"
    types = {node.attrib["type"] for node in root.iter(f"{space}mime-type")}
    patterns = {node.attrib["pattern"] for node in root.iter(f"{space}glob")}
    assert types
    assert types <= set(_entry(data)["MimeType"].split(";"))
    assert "*_fli.h5" in patterns
    # What the window keeps its sessions in, too.
    assert f"*{SUFFIX}" in patterns


@pytest.mark.skipif(not shutil.which("update-mime-database"), reason="no shared-mime-info here")
def test_the_file_types_are_known_to_the_desktop_at_once(data: Path) -> None:
    assert "application/x-flimage:*_fli.h5" in (data / "mime" / "globs2").read_text()


@pytest.mark.skipif(not shutil.which("desktop-file-validate"), reason="no desktop-file-utils here")
def test_the_menu_entry_is_valid(data: Path) -> None:
    entry = data / "applications" / "flimage.desktop"
    done = subprocess.run(
        ["desktop-file-validate", str(entry)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_uninstalling_leaves_no_file_of_ours(data: Path) -> None:
    done = _run(["--uninstall-desktop"], data)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Removed: ") == 3
    assert not [path for path in data.rglob("*flimage*") if path.is_file()]
    assert _run(["--uninstall-desktop"], data).stdout == "Nothing was installed.\n"


def test_a_folder_that_cannot_be_written_is_an_error_in_one_line(tmp_path: Path) -> None:
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where a folder has to be")
    done = _run(["--install-desktop"], blocked)
    assert done.returncode == 1
    assert done.stderr.startswith("flimage-gui: ")
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("/opt/flimage", '"/opt/flimage"'),
        ("/opt/my programs/x", '"/opt/my programs/x"'),
        ("/opt/100%", '"/opt/100%%"'),
        ("/opt/$HOME", '"/opt/\\\\$HOME"'),
        ('/opt/"x"', '"/opt/\\\\"x\\\\""'),
        ("/opt/a\\b", '"/opt/a\\\\\\\\b"'),
    ],
)
def test_any_path_can_stand_in_a_menu_entry(given: str, expected: str) -> None:
    assert desktop.quoted(given) == expected


def test_a_path_with_a_line_break_is_refused() -> None:
    with pytest.raises(InputError, match="another folder"):
        desktop.quoted("/opt/a\nExec=evil")


def test_a_relative_data_folder_is_passed_over() -> None:
    home = Path.home()
    for found in desktop.installed_files({"XDG_DATA_HOME": "here"}).values():
        assert home in found.parents


def test_the_window_closes_in_time_even_while_it_is_busy(tmp_path: Path) -> None:
    # So early that the recording is still being opened.
    done = _run(["--quit-after", "0.02", "--example"], tmp_path, QT_QPA_PLATFORM="offscreen")
    assert done.returncode == 0, done.stderr
