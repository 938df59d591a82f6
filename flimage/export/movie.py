"""Write recordings as movies: MP4 (H.264) through `av`, and GIF through Pillow."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Generator, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..extras import need
from ..output import atomic_output
from ..progress import Progress, ignore_progress
from ..thumbnails import contrast
from .formats import EXTRAS
from .frames import Images
from .movie_frame import Canvas, palette, time_stamps
from .tiff import Exported

__all__ = ["MOVIE_SUFFIXES", "caption_of", "write_movie"]

#: Number of the colours of BT.709 in H.264 (ITU-T H.273), for primaries, transfer and matrix.
_BT709 = 1

#: Endings of file names that a movie can have.
MOVIE_SUFFIXES = (".mp4", ".gif")

#: Frames that the contrast is found from.
_CONTRAST_FRAMES = 16

#: Quality of H.264: 0 is lossless, 51 worst; 18 looks like the original.
_QUALITY = 18

Picture = npt.NDArray[np.uint8]


def write_movie(
    panes: Sequence[Images],
    path: str | os.PathLike[str],
    *,
    captions: Sequence[str] | None = None,
    fps: float = 15.0,
    colormap: str = "gray",
    levels: tuple[float, float] | None = None,
    file_format: str | None = None,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Exported:
    """Write a movie with time stamps and a scale bar.

    Parameters
    ----------
    panes
        Recordings that are shown side by side, such as the raw and the corrected images; all with
        the same frames.
    path
        The file; its ending chooses MP4 or GIF.
    captions
        What stands above each pane; what the images are by default.
    fps
        Pictures per second; GIF rounds their time to 10 ms.
    colormap
        Name of one of matplotlib's colour maps, or ``"green"``.
    levels
        Values that are shown in the first and the last colour [counts], in all panes. By default
        each pane starts at its own background, and all cover the same range, so that equal
        brightness is equal signal.
    file_format
        ``"mp4"`` or ``"gif"``, where the ending of `path` should not choose.
    overwrite
        Replace an existing file.
    progress
        Called as ``progress(done, total, stage)``; may raise :class:`~flimage.errors.Cancelled`.

    Returns
    -------
    Exported

    Raises
    ------
    flimage.errors.InputError
        When the ending is unknown, panes do not go together, or MP4 is asked for and the package
        `av` is not installed.
    flimage.errors.OutputExistsError, flimage.errors.SameFileError
        When the output exists, or is the recording.
    """
    path = Path(path)
    suffix = path.suffix.lower() if file_format is None else f".{file_format}"
    if suffix not in MOVIE_SUFFIXES:
        raise InputError(f"{path} is no name for a movie; let it end in .mp4 or .gif.")
    if not np.isfinite(fps) or not 0.1 <= fps <= 240:
        raise InputError(f"A movie cannot show {fps:g} pictures a second; use 0.1 to 240.")
    if not panes or len({(len(pane), pane.shape) for pane in panes}) > 1:
        raise InputError("The panes of a movie need the same frames, at least one of them.")
    if levels is not None and not levels[0] < levels[1]:
        raise InputError(
            f"Contrast from {levels[0]:g} to {levels[1]:g} shows nothing; give the smaller number"
            " first."
        )
    first = panes[0]
    if suffix == ".mp4":
        need(*EXTRAS["mp4"])
    colors = palette(colormap)
    report = ignore_progress if progress is None else progress
    with atomic_output(path, overwrite=overwrite, source=first.path) as temporary:
        report(0, len(first), "Measuring")
        canvas = Canvas(
            first.shape,
            [caption_of(pane) for pane in panes] if captions is None else captions,
            _levels(panes) if levels is None else [levels] * len(panes),
            first.pixel_size,
            stamp=max(time_stamps(first.times), key=len),
        )
        encode: Callable[..., None] = _encode_mp4 if suffix == ".mp4" else _encode_gif
        with contextlib.closing(_pictures(panes, canvas, report)) as pictures:
            encode(temporary, pictures, canvas.size, colors, fps)
        report(len(first), len(first), "Done")
    notes = [
        f"{caption} is shown from {low:.4g} to {high:.4g} counts."
        for caption, (low, high) in zip(canvas.captions, canvas.levels, strict=True)
    ]
    if first.pixel_size is None:
        notes.append("There is no scale bar, because the pixel size is not known.")
    if not np.isfinite(first.times).all():
        notes.append("Frames without a time have no time stamp.")
    return Exported(path, len(first), notes=tuple(notes))


def caption_of(images: Images) -> str:
    """Return what stands above images in a movie."""
    return images.label.capitalize()


def _levels(panes: Sequence[Images]) -> list[tuple[float, float]]:
    """Contrast for all frames of each pane, found from some of them."""
    chosen = np.unique(np.linspace(0, len(panes[0]) - 1, _CONTRAST_FRAMES).astype(int))
    found = [contrast(pane.image(int(number)) for number in chosen) for pane in panes]
    span = max(high - low for low, high in found)
    return [(low, low + span) for low, _ in found]


def _pictures(
    panes: Sequence[Images], canvas: Canvas, progress: Progress
) -> Generator[Picture, None, None]:
    """Draw one picture after the other."""
    stamps = time_stamps(panes[0].times)
    background = canvas.background()
    with contextlib.ExitStack() as stack:
        readers = [
            stack.enter_context(
                contextlib.closing(pane.read(progress if pane is panes[0] else None, "Writing"))
            )
            for pane in panes
        ]
        for stamp, *images in zip(stamps, *readers, strict=True):
            yield canvas.draw(background, images, stamp)


def _encode_mp4(
    path: Path,
    pictures: Iterator[Picture],
    size: tuple[int, int],
    colors: npt.NDArray[np.uint8],
    fps: float,
) -> None:
    """Encode H.264 in a way that browsers, PowerPoint and QuickTime play."""
    import av
    from av.video.reformatter import ColorRange, Colorspace

    # The index stands at the beginning, so that the movie starts before it is loaded.
    with av.open(str(path), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream: Any = container.add_stream(
            "libx264", rate=Fraction(fps).limit_denominator(1000), options={"crf": str(_QUALITY)}
        )
        stream.height, stream.width = size
        stream.pix_fmt = "yuv420p"
        # Players guess, each in its own way, what colours are meant where nothing says so.
        context = stream.codec_context
        context.color_range = ColorRange.MPEG
        context.colorspace = context.color_primaries = context.color_trc = _BT709
        for picture in pictures:
            frame = av.VideoFrame.from_ndarray(colors[picture], format="rgb24").reformat(
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
            )
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)


def _encode_gif(
    path: Path,
    pictures: Iterator[Picture],
    size: tuple[int, int],
    colors: npt.NDArray[np.uint8],
    fps: float,
) -> None:
    """Encode an endless GIF picture by picture, so that memory does not grow with its length."""
    from PIL import GifImagePlugin, Image

    with path.open("wb") as file:
        shown = 0
        for number, picture in enumerate(pictures):
            image = Image.frombytes("P", (size[1], size[0]), picture.tobytes())
            image.putpalette(colors.tobytes())
            # Times in a GIF are multiples of 10 ms: errors are carried on, not added up.
            until = round(100 * (number + 1) / fps)
            duration, shown = 10 * max(until - shown, 2), until
            if number == 0:
                header = Image.frombytes("P", (size[1], size[0]), picture.tobytes())
                header.putpalette(colors.tobytes())
                header.info["loop"] = 0
                for block in GifImagePlugin.getheader(header, info={"loop": 0})[0]:
                    file.write(block)
            for block in GifImagePlugin.getdata(image, (0, 0), duration=duration):
                file.write(block)
        file.write(b";")
