"""Draw the pictures of a movie: images in colour with time stamp, scale bar and captions.

A picture is an array of indices into one palette of 256 colours: most of them are those of the
colour map, the others greys for letters. So a GIF shows exactly what was drawn, and an MP4 needs
only a look-up.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..quantities import DisplayUnit, choose_unit, format_number, time_unit

__all__ = ["Canvas", "palette", "scale_bar", "time_stamps"]

#: Colours of the map; the rest of the palette are greys from black to white.
_MAP_COLORS = 224
_GREYS = 256 - _MAP_COLORS
BLACK, WHITE = _MAP_COLORS, 255

#: Images are enlarged by whole numbers up to about this height, and reduced beyond the other [px].
_LEAST_HEIGHT = 300
_MOST_SIDE = 1600

#: Space between panes, and around letters [px].
_GAP = 8


def palette(colormap: str = "gray") -> npt.NDArray[np.uint8]:
    """Colours of a movie, of shape (256, 3).

    Parameters
    ----------
    colormap
        Name of one of matplotlib's colour maps, or ``"green"``: black to green to white.

    Raises
    ------
    flimage.errors.InputError
        When there is no such map.
    """
    position = np.linspace(0, 1, _MAP_COLORS)
    if colormap == "green":
        side = np.clip((position - 0.7) / 0.3, 0, 1) * 0.8
        colors = np.stack([side, np.clip(position / 0.85, 0, 1), side], axis=1)
    else:
        import matplotlib

        if colormap not in matplotlib.colormaps:
            raise InputError(
                f"There is no colour map {colormap!r}; use for example gray, green, magma, inferno,"
                " viridis or cividis."
            )
        colors = matplotlib.colormaps[colormap](position)[:, :3]
    greys = np.repeat(np.linspace(0, 1, _GREYS)[:, None], 3, axis=1)
    table: npt.NDArray[np.uint8] = np.rint(np.concatenate([colors, greys]) * 255).astype(np.uint8)
    return table


def scale_bar(pixel_size: float, width: int) -> tuple[float, str]:
    """Length of a scale bar: a round number, about a quarter of the image wide.

    Parameters
    ----------
    pixel_size
        Size of a pixel [m].
    width
        Width of the image [px].

    Returns
    -------
    length, text
        Length [px], and what stands below it.
    """
    wanted = 0.25 * width * pixel_size
    exponent = math.floor(math.log10(wanted))
    fitting = [f * 10.0**exponent for f in (1, 2, 5) if f * 10.0**exponent <= wanted * (1 + 1e-9)]
    length = fitting[-1]
    unit = choose_unit(length, "m")
    return length / pixel_size, f"{format_number(length / unit.scale, 3)} {unit.symbol}"


def time_stamps(times: npt.NDArray[np.float64]) -> list[str]:
    """Texts for the times of all frames, with one unit and one number of decimals.

    Parameters
    ----------
    times
        Times, of shape (t,) [s]; a frame without one gets an empty text.
    """
    known = times[np.isfinite(times)]
    if not known.size:
        return [""] * times.size
    span = float(np.abs(known).max())
    unit: DisplayUnit = time_unit(span)
    steps = np.diff(np.unique(known)) / unit.scale
    # As many decimals as tell neighbouring frames apart, in a recording without jitter.
    step = float(np.median(steps)) if steps.size else 1.0
    decimals = 0 if step >= 10 else min(6, max(0, math.ceil(-math.log10(step) - 1e-9) + 1))
    while decimals and np.allclose(
        np.round(known / unit.scale, decimals - 1), known / unit.scale, atol=1e-9 + step * 1e-3
    ):
        decimals -= 1
    return [
        f"{time / unit.scale:.{decimals}f} {unit.symbol}".replace("-", "−")
        if math.isfinite(time)
        else ""
        for time in times
    ]


@functools.cache
def _font(size: int) -> Any:
    """Matplotlib's own font, which is there on every computer."""
    import matplotlib
    from PIL import ImageFont

    return ImageFont.truetype(
        str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"), size
    )


@dataclass(frozen=True)
class Canvas:
    """Where everything stands in a picture.

    Parameters
    ----------
    shape
        Size of an image along (y, x) [px].
    captions
        What stands above each pane, as many as there are panes.
    levels
        Values that are shown in the first and the last colour of the map, for each pane.
    pixel_size
        Size of a pixel [m], for the scale bar; None for no bar.
    scale
        How much larger images are drawn; found from their size by default.
    stamp
        The longest of the texts that :meth:`draw` gets, for which there has to be room.
    """

    shape: tuple[int, int]
    captions: Sequence[str]
    levels: Sequence[tuple[float, float]]
    pixel_size: float | None = None
    scale: float = 0.0
    stamp: str = ""

    def __post_init__(self) -> None:
        height, width = self.shape
        if not self.scale:
            most = _MOST_SIDE / max(height, width)
            enlarged = min(round(_LEAST_HEIGHT / height), math.floor(most))
            object.__setattr__(self, "scale", float(max(1, enlarged)) if most >= 1 else most)

    @property
    def pane(self) -> tuple[int, int]:
        """Size of a pane along (y, x) [px]."""
        return max(1, round(self.shape[0] * self.scale)), max(1, round(self.shape[1] * self.scale))

    @property
    def letters(self) -> int:
        """Height of letters [px]."""
        return max(12, min(36, round(self.pane[0] / 18)))

    @property
    def margin(self) -> int:
        """Room between texts and the edges of the picture [px]."""
        return self.letters // 2

    @property
    def stacked(self) -> bool:
        """Whether panes stand below each other: images that are much wider than high."""
        return self.shape[1] > 2 * self.shape[0]

    @property
    def _line(self) -> int:
        """Height of a line of text, with the room around it [px]."""
        return self.letters + 2 * _GAP

    @functools.cached_property
    def _slot(self) -> tuple[int, int]:
        """Room for a pane and its caption along (y, x) [px]."""
        height, width = self.pane
        texts = [self._length(caption) + 2 * self.margin for caption in self.captions]
        return height + self._line, max(width, *texts)

    def _corner(self, number: int) -> tuple[int, int]:
        """Upper left corner of the room for a pane (y, x)."""
        height, width = self._slot
        return (number * height, 0) if self.stacked else (0, number * (width + _GAP))

    @functools.cached_property
    def size(self) -> tuple[int, int]:
        """Size of a picture along (y, x) [px]; even, as video needs it."""
        height, width = self._slot
        top, left = self._corner(len(self.captions) - 1)
        height, width = top + height + self._line, left + width
        below = self._length(self.stamp) + 4 * self.margin + sum(self._bar[:2])
        width = max(width, 12 * self.letters, below)
        return height + height % 2, width + width % 2

    @functools.cached_property
    def _bar(self) -> tuple[int, int, str]:
        """Lengths of the scale bar and of its text [px], and the text; nothing where none is."""
        if self.pixel_size is None:
            return 0, 0, ""
        length, text = scale_bar(self.pixel_size, self.shape[1])
        return max(1, round(length * self.scale)), self._length(text), text

    def _length(self, text: str) -> int:
        length: float = _font(self.letters).getlength(text)
        return math.ceil(length)

    def background(self) -> npt.NDArray[np.uint8]:
        """Draw what all pictures share: captions and scale bar, of shape (y, x)."""
        picture = np.full(self.size, BLACK, dtype=np.uint8)
        for number, caption in enumerate(self.captions):
            top, left = self._corner(number)
            self._write(picture, caption, (top + _GAP, left + self.margin), "left")
        pixels, _, text = self._bar
        if pixels:
            right = self.size[1] - self.size[1] % 2 - self.margin
            line = self._below
            thick = max(3, self.letters // 5)
            upper = line + self.letters // 2 - thick // 2
            picture[upper : upper + thick, right - pixels : right] = WHITE
            self._write(picture, text, (line, right - pixels - self.margin), "right")
        return picture

    @property
    def _below(self) -> int:
        """Where the line below all panes starts [px]."""
        return self._corner(len(self.captions) - 1)[0] + self._slot[0] + _GAP

    def draw(
        self,
        background: npt.NDArray[np.uint8],
        images: Sequence[npt.NDArray[Any]],
        stamp: str,
    ) -> npt.NDArray[np.uint8]:
        """Draw one picture.

        Parameters
        ----------
        background
            What :meth:`background` returned.
        images
            One image of shape (y, x) for each pane.
        stamp
            Time of the frame.

        Returns
        -------
        picture : array of shape :attr:`size`
            Indices into the palette.
        """
        picture: npt.NDArray[np.uint8] = background.copy()
        height, width = self.pane
        for number, (image, levels) in enumerate(zip(images, self.levels, strict=True)):
            top, left = self._corner(number)
            top += self._line
            pane = self._resized(_colors(image, levels))
            picture[top : top + height, left : left + width] = pane
        if stamp:
            self._write(picture, stamp, (self._below, self.margin), "left")
        return picture

    def _resized(self, indices: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        """Bring an image to the size of the pane, without inventing values."""
        height, width = self.pane
        rows = np.minimum((np.arange(height) + 0.5) / self.scale, indices.shape[0] - 1).astype(int)
        columns = np.minimum((np.arange(width) + 0.5) / self.scale, indices.shape[1] - 1)
        resized: npt.NDArray[np.uint8] = indices[rows[:, None], columns.astype(int)]
        return resized

    def _write(
        self,
        picture: npt.NDArray[np.uint8],
        text: str,
        place: tuple[int, int],
        align: str,
    ) -> None:
        """Write a text in grey; `place` is its upper (left or right) corner, (y, x)."""
        from PIL import Image, ImageDraw

        font = _font(self.letters)
        width = math.ceil(font.getlength(text))
        height = self.letters + _GAP
        mask = Image.new("L", (width + 2, height), 0)
        ImageDraw.Draw(mask).text((0, self.letters), text, font=font, fill=255, anchor="ls")
        y, x = place[0], place[1] - (width if align == "right" else 0)
        x = max(0, x)
        grey = np.asarray(mask)
        target = picture[y : y + height, x : x + width + 2]
        ink = BLACK + np.rint(grey / 255 * (_GREYS - 1)).astype(np.uint8)
        ink = ink[: target.shape[0], : target.shape[1]]
        np.maximum(target, ink, out=target)


def _colors(image: npt.NDArray[Any], levels: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """Turn values into indices; pixels without a value become black."""
    low, high = levels
    position = (image.astype(np.float64) - low) * (_MAP_COLORS / (high - low))
    np.clip(np.nan_to_num(position, copy=False, nan=0.0), 0, _MAP_COLORS - 1, out=position)
    indices = position.astype(np.uint8)
    indices[np.isnan(image)] = BLACK
    return indices
