"""Libraries of the system that the window needs on Linux, and what installs them."""

from __future__ import annotations

import sys

__all__ = ["cure"]

#: What the xcb plugin of Qt needs; Qt does not say which of them is missing.
_OF_XCB = (
    "libfontconfig1 libdbus-1-3 libx11-xcb1 libxkbcommon-x11-0 libxcb-icccm4 libxcb-image0"
    " libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1"
)

#: What stands in a complaint, and the packages (Debian, Ubuntu) that cure it.
_CURES = {
    "libGL.so": "libgl1",
    "libEGL.so": "libegl1",
    "libgthread-2.0.so": "libglib2.0-0",
    "libglib-2.0.so": "libglib2.0-0",
    'platform plugin "xcb"': _OF_XCB,
}


def cure(complaint: str) -> str:
    """Say what installs the library that Qt or the system misses.

    Parameters
    ----------
    complaint
        What Qt or the system said.

    Returns
    -------
    str
        A command for Debian and Ubuntu; empty where none is known.
    """
    if not sys.platform.startswith("linux"):
        return ""
    packages = next((found for sign, found in _CURES.items() if sign in complaint), None)
    return "" if packages is None else f"sudo apt install {packages}"
