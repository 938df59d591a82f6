"""Texts from files, made harmless for terminals and spreadsheets."""

from __future__ import annotations

import re

__all__ = ["CONTROLS", "clean", "for_spreadsheet", "printable", "shortened"]

#: Characters that move the cursor, change colours, or turn the direction of writing, and halves of
#: characters, which no terminal takes.
CONTROLS = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)

_HALVES = re.compile(r"[\ud800-\udfff]")

#: What makes spreadsheets take a text for a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def clean(text: str) -> str:
    """Replace halves of characters, which h5py makes of bytes that are no text."""
    return _HALVES.sub("\N{REPLACEMENT CHARACTER}", text)


def printable(text: str) -> str:
    r"""Write out control characters, so that a terminal shows them instead of obeying them.

    Examples
    --------
    >>> printable("red: \x1b[31m")
    'red: \\x1b[31m'
    """
    return CONTROLS.sub(_written_out, text)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def shortened(name: str, length: int = 80) -> str:
    """Leave out the end of a name that is too long for a message.

    Examples
    --------
    >>> shortened("fli_" + "1" * 60_000, 12)
    'fli_1111111…'
    """
    return name if len(name) <= length else f"{name[: length - 1]}…"


def for_spreadsheet(text: str) -> str:
    """Put an apostrophe before a text that a spreadsheet would compute; numbers stay as they are.

    Examples
    --------
    >>> for_spreadsheet("=1+1"), for_spreadsheet("-2.5"), for_spreadsheet("cell 1")
    ("'=1+1", '-2.5', 'cell 1')

    References
    ----------
    https://owasp.org/www-community/attacks/CSV_Injection
    """
    if not text.startswith(_FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text
