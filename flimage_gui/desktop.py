"""Adds the program to the menu and to the file types of a Linux desktop, for one person.

Everything stands below the data folder of that person (freedesktop.org: Desktop Entry and Shared
MIME-info specifications), so that no administrator is needed and all of it can be taken back.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from flimage.errors import FlimageError, InputError

__all__ = ["install", "installed_files", "quoted", "uninstall"]

#: Resource -> where it goes below the data folder.
_PLACES = {
    "flimage.desktop": "applications/flimage.desktop",
    "flimage-mime.xml": "mime/packages/flimage.xml",
    "icon-flimage.svg": "icons/hicolor/scalable/apps/flimage.svg",
}
#: What brings the desktop's indices up to date, and the folder each is told.
_UPDATES = (
    ("update-mime-database", "mime"),
    ("update-desktop-database", "applications"),
    ("gtk-update-icon-cache", "icons/hicolor"),
)
#: Longest time for one of them [s].
_PATIENCE = 60


def _data_folder(environment: Mapping[str, str]) -> Path:
    stated = environment.get("XDG_DATA_HOME", "")
    # The specification tells to ignore a relative path.
    return Path(stated) if stated.startswith("/") else Path.home() / ".local" / "share"


def installed_files(environment: Mapping[str, str] = os.environ) -> dict[str, Path]:
    """Return where each resource is installed.

    Parameters
    ----------
    environment
        Environment variables; ``XDG_DATA_HOME`` names the data folder.
    """
    folder = _data_folder(environment)
    return {name: folder / place for name, place in _PLACES.items()}


def quoted(argument: str) -> str:
    """Quote an argument for the key Exec of a desktop entry.

    Raises
    ------
    flimage.errors.InputError
        For a line break, which no entry can hold.
    """
    if "\n" in argument:
        raise InputError(f"{argument!r} cannot be started from a menu; install to another folder.")
    # Twice escaped, as the specification has it: once as an argument, once as a string.
    for character in ("\\", '"', "`", "$"):
        argument = argument.replace(character, f"\\{character}")
    return '"' + argument.replace("\\", "\\\\").replace("%", "%%") + '"'


def _program() -> list[str]:
    """Return what starts this program again, wherever it is started from."""
    if getattr(sys, "frozen", False):
        return [sys.executable]
    beside = Path(sys.executable).parent / "flimage-gui"
    return [str(beside)] if beside.exists() else [sys.executable, "-m", "flimage_gui"]


def install(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Add the program to the menu, and to what can open recordings.

    Parameters
    ----------
    environment
        Environment variables, see :func:`installed_files`.

    Returns
    -------
    list of pathlib.Path
        What was written.

    Raises
    ------
    flimage.errors.InputError
        On other systems than Linux.
    OSError
        When something cannot be written.
    """
    _check_system()
    start = " ".join(quoted(part) for part in _program())
    for name, target in installed_files(environment).items():
        text = files("flimage_gui.resources").joinpath(name).read_text(encoding="utf-8")
        if name == "flimage.desktop":
            text = text.replace("Exec=flimage-gui ", f"Exec={start} ")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    _update(_data_folder(environment))
    return list(installed_files(environment).values())


def uninstall(environment: Mapping[str, str] = os.environ) -> list[Path]:
    """Take back what :func:`install` added.

    Returns
    -------
    list of pathlib.Path
        What was removed.

    Raises
    ------
    flimage.errors.InputError
        On other systems than Linux.
    OSError
        When something cannot be removed.
    """
    _check_system()
    there = [path for path in installed_files(environment).values() if path.exists()]
    for path in there:
        path.unlink()
    _update(_data_folder(environment))
    return there


def _check_system() -> None:
    if not sys.platform.startswith("linux"):
        raise InputError(
            "Menu entries are made on Linux only; on other systems choose the program once with"
            " 'Open with' in the file manager."
        )


def _update(folder: Path) -> None:
    """Bring the indices of the desktop up to date, with those tools that are there."""
    for tool, place in _UPDATES:
        program = shutil.which(tool)
        if program is not None and (folder / place).is_dir():
            # Desktops read the entries without an index as well, so a failure costs little.
            subprocess.run(
                [program, str(folder / place)],
                capture_output=True,
                timeout=_PATIENCE,
                check=False,
            )


def run(wanted: str) -> int:
    """Install or uninstall as the command line asks, and tell what was done.

    Parameters
    ----------
    wanted
        ``"install"`` or ``"uninstall"``.

    Returns
    -------
    int
        Exit code.
    """
    try:
        changed = install() if wanted == "install" else uninstall()
    except (FlimageError, OSError, subprocess.TimeoutExpired) as error:
        print(f"flimage-gui: {error}", file=sys.stderr)
        return 1
    word = "Written" if wanted == "install" else "Removed"
    for path in changed:
        print(f"{word}: {path}")
    if not changed:
        print("Nothing was installed.")
    return 0
