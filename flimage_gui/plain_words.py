"""Sentences of the library as the window says them (no Qt)."""

from __future__ import annotations

import re

__all__ = ["without_options"]

#: An option of the command line, which sentences name as a remedy.
_OPTION = re.compile(r" \(--[a-z-]+\)")


def without_options(sentence: str) -> str:
    """Leave out the options of the command line: in a window, there is nowhere to type them."""
    return _OPTION.sub("", sentence)
