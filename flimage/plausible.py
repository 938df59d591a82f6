"""Whether so few bytes can be an image: files announce gigabytes of which nothing is stored."""

from __future__ import annotations

__all__ = ["is_hollow"]

#: How many times what is stored of it an image may be: one with noise takes at least a hundredth.
_LARGEST_RATIO = 100


def is_hollow(size: int, stored: int) -> bool:
    """Tell whether less is stored of an image than images with noise take.

    Ask for large images only: small ones may well be empty.

    Parameters
    ----------
    size
        Of the image when it is unpacked [bytes].
    stored
        What is stored of it [bytes].
    """
    return size > _LARGEST_RATIO * stored
