"""Stream frames into a series: compressed in threads, written in order by the calling thread."""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt
from h5py import h5g

from . import codec
from .codec import Compression, EncodedImage
from .dataset import create_dataset, in_memory, write_attributes
from .parallel import default_workers, start_work

__all__ = ["SeriesWriter"]

#: A background array is stored once for all frames it is given for; so many are remembered.
_BACKGROUNDS_KEPT = 8


class SeriesWriter:
    """Append frames to a series group.

    Images are compressed by a few threads while the calling thread goes on; finished ones are
    written in order, from the calling thread alone, when the queue is full and on closing.
    Memory does not depend on the number of frames.

    Parameters
    ----------
    group
        Group of the series, open for writing.
    compression
        ``"fast"``, ``"balanced"`` or ``"small"``.
    workers
        Number of threads; None for one per processor.
    start
        Number of the first frame that is written.

    Examples
    --------
    >>> with SeriesWriter(h5file) as writer:  # doctest: +SKIP
    ...     for time, image in recording:
    ...         writer.add(image, {"time": time})

    Notes
    -----
    On an exception within the ``with`` block the queue is dropped and the threads are stopped;
    frames that were written stay. A frame is never left half-written.
    """

    def __init__(
        self,
        group: h5py.Group,
        compression: Compression = "balanced",
        workers: int | None = None,
        start: int = 0,
    ) -> None:
        self._group = group
        self._plain = in_memory(group.id)
        self._compression: Compression = compression
        self._next = start
        workers = default_workers() if workers is None else max(1, workers)
        self._limit = 2 * workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="flimage-encode")
        self._queue: deque[tuple[int, Future[EncodedImage], _Frame]] = deque()
        self._backgrounds: OrderedDict[int, tuple[npt.NDArray[Any], Any]] = OrderedDict()
        self._closed = False

    def __enter__(self) -> SeriesWriter:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if exc_type is None:
            self.close()
        else:
            self._abort()

    def __len__(self) -> int:
        """Return the number of the next frame."""
        return self._next

    def add(
        self,
        image: npt.ArrayLike | EncodedImage,
        meta: Mapping[str, Any],
        raw_attrs: Mapping[str, Any] | None = None,
        bg: npt.NDArray[Any] | None = None,
        dtype: npt.DTypeLike = "float32",
    ) -> None:
        """Append a frame.

        Parameters
        ----------
        image
            Image (y, x), or what :func:`~flimage.codec.encode_image` made of one. An array is
            copied: it may be changed after the call.
        meta
            Attributes of the frame; keys of :data:`flimage.meta.META_KEYS_FL`.
        raw_attrs
            Further attributes of the dataset of the image.
        bg
            Assigned background (y, x), which must not be changed before the writer is closed. The
            same array object given again is stored as a link to the first one.
        dtype
            Pixel type in the file.

        Raises
        ------
        flimage.errors.InputError
            When an image is not 2D, has no pixels, or holds values that `dtype` cannot.
        """
        if self._closed:
            raise ValueError("The writer was closed; create another one to append frames.")
        future: Future[EncodedImage]
        if isinstance(image, EncodedImage) or self._plain:
            future = Future()
            future.set_result(
                image if isinstance(image, EncodedImage) else codec.keep_plain(image, dtype)
            )
        else:
            future = start_work(
                self._pool, codec.encode_array, codec.as_image(image, dtype), self._compression
            )
        frame = _Frame(dict(meta), dict(raw_attrs or {}), bg, np.dtype(dtype))
        self._queue.append((self._next, future, frame))
        self._next += 1
        while self._queue and (len(self._queue) > self._limit or self._queue[0][1].done()):
            self._write_next()

    def close(self) -> None:
        """Write what is left in the queue and stop the threads."""
        if self._closed:
            return
        try:
            while self._queue:
                self._write_next()
        finally:
            self._abort()

    def _abort(self) -> None:
        self._closed = True
        for _, future, _ in self._queue:
            future.cancel()
        self._queue.clear()
        self._backgrounds.clear()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _write_next(self) -> None:
        number, future, frame = self._queue.popleft()
        name = f"fli_{number}".encode()
        encoded = future.result()
        series = self._group.id
        frame_id = h5g.create(series, name)
        try:
            write_attributes(frame_id, frame.meta)
            fluorescence = h5g.create(frame_id, b"fluorescence")
            create_dataset(fluorescence, b"raw", encoded, frame.raw_attrs, self._plain)
            backgrounds = h5g.create(fluorescence, b"bg_data")
            if frame.bg is not None:
                self._write_background(backgrounds, frame.bg, frame.dtype)
        except BaseException:
            series.unlink(name)
            raise

    def _write_background(self, group_id: Any, bg: npt.NDArray[Any], dtype: np.dtype[Any]) -> None:
        known = self._backgrounds.get(id(bg))
        if known is not None:
            group_id.links.create_hard(b"data", known[1], b"data")
            return
        if self._plain:
            encoded = codec.keep_plain(bg, dtype)
        else:
            encoded = codec.encode_image(bg, dtype, self._compression)
        create_dataset(group_id, b"data", encoded, {}, self._plain)
        # The array is kept so that its id cannot be given to another one.
        self._backgrounds[id(bg)] = (bg, group_id)
        while len(self._backgrounds) > _BACKGROUNDS_KEPT:
            self._backgrounds.popitem(last=False)


class _Frame:
    """Everything of a frame but its image."""

    __slots__ = ("bg", "dtype", "meta", "raw_attrs")

    def __init__(
        self,
        meta: dict[str, Any],
        raw_attrs: dict[str, Any],
        bg: npt.NDArray[Any] | None,
        dtype: np.dtype[Any],
    ) -> None:
        self.meta = meta
        self.raw_attrs = raw_attrs
        self.bg = bg
        self.dtype = dtype
