"""What is to be exported: the file, which images or numbers, and how, as one value."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal, get_args

from ..edit_steps import frame_text
from ..errors import InputError
from ..options import region_text
from .formats import MOVIES, STACKS, ImageKind, format_of

if TYPE_CHECKING:
    from ..recipe import Region

__all__ = ["PixelType", "Request"]

PixelType = Literal["float32", "uint16"]


@dataclass(frozen=True)
class Request:
    """One export.

    Parameters
    ----------
    out
        The file (OME-Zarr: the folder); its ending chooses the format.
    images
        Which images of stacks and movies. By default the bleach-corrected ones, or those of a
        corrected series as they stand; a movie then shows the raw ones beside them.
    frames
        Frames of stacks, movies and traces, by number; all by default.
    dtype
        Pixels of a TIFF: ``"float32"``, or ``"uint16"`` with a scale.
    limits
        Smallest and largest value that whole numbers stand for, or that a movie shows in its first
        and last colour [counts]; found from the images by default.
    clip
        Cut off what lies outside `limits`, and count it.
    fps
        Pictures of a movie per second.
    colormap
        Of a movie; name of one of matplotlib's colour maps, or ``"green"``.
    traces
        Regions by name; a table then holds their means instead of the fit.
    overwrite
        Replace what is there.

    Raises
    ------
    flimage.errors.InputError
        When a value is none of those that are possible, or the ending is unknown.
    """

    out: Path
    images: ImageKind | None = None
    frames: tuple[int, ...] = ()
    dtype: PixelType = "float32"
    limits: tuple[float, float] | None = None
    clip: bool = False
    fps: float = 15.0
    colormap: str = "gray"
    traces: Mapping[str, Region] = field(default_factory=dict)
    overwrite: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "out", Path(self.out))
        object.__setattr__(self, "frames", tuple(int(frame) for frame in self.frames))
        format_of(self.out)
        for name, value, possible in (
            ("images", self.images, (None, *get_args(ImageKind))),
            ("dtype", self.dtype, get_args(PixelType)),
        ):
            if value not in possible:
                words = ", ".join(str(each) for each in possible if each is not None)
                raise InputError(f"{value!r} is no choice for {name}; use one of {words}.")
        low, high = (0.0, 1.0) if self.limits is None else self.limits
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise InputError(
                f"{low:g} to {high:g} is no range of values; give two numbers, the smaller one"
                " first."
            )

    @property
    def format(self) -> str:
        """The format that the ending stands for, see :data:`flimage.export.formats.FORMATS`."""
        return format_of(self.out)

    @property
    def ignored(self) -> tuple[str, ...]:
        """Names of the settings that would have no effect on an output of this format."""
        kind = self.format
        scaled = self.dtype == "uint16" and kind in ("ome", "imagej")
        wrong = {
            "images": self.images and kind not in (*STACKS, *MOVIES),
            "frames": self.frames and kind not in (*STACKS, *MOVIES) and not self.traces,
            "dtype": self.dtype != "float32" and kind not in ("ome", "imagej"),
            "limits": self.limits and not scaled and kind not in MOVIES,
            "clip": self.clip and not (scaled and self.limits),
            "fps": self.fps != type(self).fps and kind not in MOVIES,
            "colormap": self.colormap != type(self).colormap and kind not in MOVIES,
            "traces": self.traces and kind != "csv",
        }
        return tuple(name for name, is_wrong in wrong.items() if is_wrong)

    def options(self) -> list[str]:
        """Return the options of ``flimage export`` for everything but the output itself.

        Raises
        ------
        flimage.errors.InputError
            When a region is a mask, which cannot be typed.
        """
        words = [] if self.images is None else ["--images", self.images]
        if self.frames:
            words += ["--frames", frame_text(self.frames)]
        if self.dtype != "float32":
            words += ["--dtype", self.dtype]
        if self.limits is not None:
            words.append(f"--range={self.limits[0]!r},{self.limits[1]!r}")
        if self.clip:
            words.append("--clip")
        if self.fps != type(self).fps:
            words += ["--fps", repr(self.fps)]
        if self.colormap != type(self).colormap:
            words += ["--colormap", self.colormap]
        words += [f"--trace={name}={region_text(each)}" for name, each in self.traces.items()]
        return words + (["--overwrite"] if self.overwrite else [])
