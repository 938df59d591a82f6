"""Finding a command by some of its letters: how well a text answers what was typed (no Qt)."""

from __future__ import annotations

__all__ = ["find", "score"]

#: Points for a letter by where it is found.
_WORD_START, _IN_SEQUENCE, _ANYWHERE = 8.0, 9.0, 1.0
#: Points taken off for each letter that was not asked for; shorter answers come first.
_LENGTH = 0.05


def _places(query: str, text: str, start: int) -> tuple[float, tuple[int, ...]] | None:
    """Find the letters of `query` in `text` from `start` on, at word starts where possible."""
    places: list[int] = []
    points, at = 0.0, start
    for letter in query:
        starts = (
            i
            for i in range(at, len(text))
            if text[i] == letter and (i == 0 or not text[i - 1].isalnum())
        )
        follows = bool(places) and at < len(text) and text[at] == letter
        found = at if follows else next(starts, text.find(letter, at))
        if found < 0:
            return None
        at_start = found == 0 or not text[found - 1].isalnum()
        points += _IN_SEQUENCE if follows else _WORD_START if at_start else _ANYWHERE
        places.append(found)
        at = found + 1
    return points, tuple(places)


def find(query: str, text: str) -> tuple[float, tuple[int, ...]] | None:
    """Find the letters of a query in a text, in their order.

    Parameters
    ----------
    query
        What was typed; blanks and capitals do not count.
    text
        What it is looked for in.

    Returns
    -------
    tuple of float and tuple of int, or None
        Score, the larger the better, and where each letter was found; None where one is missing.
    """
    letters, lower = "".join(query.lower().split()), text.lower()
    if not letters:
        return 0.0, ()
    # The first letter may stand in several places, and only one of them leads on well.
    starts = [i for i, letter in enumerate(lower) if letter == letters[0]]
    found = [each for start in starts if (each := _places(letters, lower, start)) is not None]
    # Looking for word starts can run past the only way to the end.
    plain = _plain_places(letters, lower)
    if plain is not None:
        found.append(plain)
    if not found:
        return None
    points, places = max(found)
    return points - _LENGTH * len(text), places


def _plain_places(query: str, text: str) -> tuple[float, tuple[int, ...]] | None:
    places, at = [], 0
    for letter in query:
        at = text.find(letter, at)
        if at < 0:
            return None
        places.append(at)
        at += 1
    return _ANYWHERE * len(places), tuple(places)


def score(query: str, text: str) -> float | None:
    """Return how well a text answers a query, see :func:`find`; None where it does not."""
    found = find(query, text)
    return None if found is None else found[0]
