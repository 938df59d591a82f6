"""What is looked at in a Zarr folder before it is trusted: links, pipes, and what chunks hold.

Zarr opens whatever a name in the folder leads to, and decodes whatever comes. Here, what leaves the
folder is refused before it is opened, and chunks are decoded up to what they announce.
"""

from __future__ import annotations

import asyncio
import dataclasses
import math
import os
import stat
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from typing import Any

import numcodecs.abc
import numpy as np
import numpy.typing as npt
import zarr
import zarr.storage
from numcodecs.compat import ensure_contiguous_ndarray
from zarr.abc.codec import BytesBytesCodec
from zarr.codecs import ShardingCodec

from .beside import check_within
from .errors import FileFormatError
from .recording import bytes_of, check_size
from .unpacking import UnpackError, check_unpacked, inflate

__all__ = ["CheckedStore", "checked", "read"]

#: Chunks of a frame up to which nobody asks whether the folder can hold them.
_MANY_CHUNKS = 2**14

#: Bytes that may come out of a step of decoding beyond twice the size of the chunk.
_SLACK = 2**20

#: Bytes of a chunk up to which several are decoded at the same time.
_LARGE_CHUNK = 2**24

#: Codecs that make objects of Python, and run code for it.
_OF_OBJECTS = ("pickle", "json2", "msgpack2", "categorize")


class CheckedStore(zarr.storage.LocalStore):
    """A Zarr folder in which no name leads out of it, and nothing but files is read.

    A link within the folder is followed.
    """

    def __init__(self, root: Path | str, *, read_only: bool = True) -> None:
        super().__init__(root, read_only=read_only)
        self._folder = os.path.realpath(root)
        # Folders in it that were looked at: most chunks share theirs.
        self._known: set[str] = set()

    def _check(self, key: str) -> bool:
        """Refuse what is no file of the folder; return whether there is anything."""
        name = key or "a name in it"
        above, _, _ = key.rpartition("/")
        if above not in self._known:
            check_within(self.root, self._folder, self.root / above, name)
            self._known.add(above)
        try:
            if stat.S_ISREG(os.lstat(f"{self._folder}/{key}").st_mode):
                return True
        except OSError:
            return False  # a chunk that is not stored
        check_within(self.root, self._folder, self.root / key, name)
        return True

    async def get(self, key: str, *args: Any, **options: Any) -> Any:
        """Read a file of the folder."""
        # Without a thread where there is none: while another name is refused, nobody waits for it,
        # and what it raises is printed on the console.
        return await super().get(key, *args, **options) if self._check(key) else None

    def get_sync(self, key: str, *args: Any, **options: Any) -> Any:
        """Read a file of the folder, where zarr does that without waiting."""
        return super().get_sync(key, *args, **options) if self._check(key) else None

    async def get_partial_values(self, prototype: Any, key_ranges: Iterable[Any]) -> Any:
        """Read parts of files of the folder."""
        wanted = list(key_ranges)
        for key, _ in wanted:
            self._check(key)
        return await super().get_partial_values(prototype, wanted)

    async def exists(self, key: str) -> bool:
        """Tell whether there is a file."""
        self._check(key)
        return await super().exists(key)

    def list_dir(self, prefix: str) -> AsyncIterator[str]:
        """List what is in a folder within this one."""
        self._check(prefix)
        return super().list_dir(prefix)

    def list_prefix(self, prefix: str) -> AsyncIterator[str]:
        """List what is in a folder within this one, and deeper."""
        self._check(prefix)
        return super().list_prefix(prefix)


def checked(path: Path, array: Any, frame: Sequence[int]) -> Any:
    """Return an array whose chunks are decoded up to what they announce.

    Parameters
    ----------
    path
        The folder, for messages.
    array
        The array that zarr has opened.
    frame
        Axes of a frame: how many of the last ones are read at once, as their sizes.

    Raises
    ------
    flimage.errors.FileFormatError
        When it announces chunks that cannot be, or such that run code.
    """
    metadata, itemsize = array.metadata, np.dtype(array.dtype).itemsize
    grid = _grid(metadata)
    _check_count(path, frame, grid[len(grid) - len(frame) :])
    if metadata.zarr_format == 2:
        chunk = _Chunk(path, grid, itemsize)
        chunk.check()
        filters = tuple(chunk.guard(each) for each in metadata.filters or ())
        compressor = None if metadata.compressor is None else chunk.guard(metadata.compressor)
        metadata = dataclasses.replace(metadata, compressor=compressor, filters=filters or None)
    else:
        codecs = _guard_all(path, metadata.codecs, grid, itemsize)
        metadata = dataclasses.replace(metadata, codecs=codecs)
    return zarr.Array(zarr.AsyncArray(metadata=metadata, store_path=array.store_path))


def read(array: Any, place: tuple[int, ...]) -> npt.NDArray[Any]:
    """Read a frame, of whose chunks large ones are decoded one after the other.

    Parameters
    ----------
    array
        What :func:`checked` has returned.
    place
        Where the frame is along the axes before its own.
    """
    if math.prod(_grid(array.metadata)) * array.dtype.itemsize <= _LARGE_CHUNK:
        return np.asarray(array[place])
    with zarr.config.set({"async.concurrency": 1}):
        return np.asarray(array[place])


def _grid(metadata: Any) -> tuple[int, ...]:
    """Return the shape of the chunks, which are shards where there are any."""
    chunks = metadata.chunks if metadata.zarr_format == 2 else metadata.chunk_grid.chunk_shape
    return tuple(int(size) for size in chunks)


def _check_count(path: Path, whole: Sequence[int], part: Sequence[int]) -> None:
    """Refuse more chunks of a frame, or of a chunk of chunks, than can be stored."""
    if min(part, default=1) < 1:
        raise FileFormatError(f"{path} announces chunks of the shape {tuple(part)}; it is damaged.")
    count = math.prod(math.ceil(size / step) for size, step in zip(whole, part, strict=True))
    if count > _MANY_CHUNKS and count > (stored := bytes_of(path)):
        raise FileFormatError(
            f"{path} announces frames of {count} chunks, but holds only {stored} bytes; it is"
            " damaged or no recording."
        )


def _guard_all(
    path: Path, codecs: Iterable[Any], shape: Sequence[int], itemsize: int
) -> tuple[Any, ...]:
    chunk = _Chunk(path, tuple(shape), itemsize)
    chunk.check()
    found: list[Any] = []
    for codec in codecs:
        if isinstance(codec, ShardingCodec):
            inner = codec.chunk_shape
            _check_count(path, shape, inner)
            codec = ShardingCodec(
                chunk_shape=inner,
                codecs=_guard_all(path, codec.codecs, inner, itemsize),
                index_codecs=codec.index_codecs,
                index_location=codec.index_location,
            )
        elif isinstance(codec, BytesBytesCodec):
            name = str(codec.to_dict().get("name")).removeprefix("numcodecs.")
            codec = _GuardedBytes(codec, name, chunk)
        found.append(codec)
    return tuple(found)


@dataclasses.dataclass(frozen=True)
class _Chunk:
    """What a chunk is to be."""

    path: Path
    shape: tuple[int, ...]
    itemsize: int

    @property
    def size(self) -> int:
        """Its size [bytes]."""
        return math.prod(self.shape) * self.itemsize

    @property
    def limit(self) -> int:
        """Bytes that may come out of a step of decoding."""
        return 2 * self.size + _SLACK

    def check(self) -> None:
        """Make sure that there can be such chunks."""
        if self.size > _LARGE_CHUNK:
            check_size(self.path, self.shape, self.itemsize, bytes_of(self.path))

    def guard(self, codec: Any) -> Any:
        """Return a codec of version 2 that decodes no more than there may be."""
        if codec.codec_id in _OF_OBJECTS or codec.codec_id.startswith("vlen-"):
            raise FileFormatError(
                f"{self.path} holds objects ({codec.codec_id}), not images; they are not opened."
            )
        return _Guarded(codec, self)

    def decode(self, kind: str, data: Any, options: dict[str, Any]) -> bytes | None:
        """Decode bytes, or find out that there is no harm in it; None means the latter."""
        check_size(self.path, self.shape, self.itemsize, len(data))
        try:
            if kind in ("zlib", "gzip"):
                return inflate(data, self.limit)
            check_unpacked(kind, data, self.limit, **options)
        except UnpackError:
            raise FileFormatError(
                f"{self.path} is damaged: a chunk unpacks to more than {self.limit} bytes, but"
                f" announces {'×'.join(map(str, self.shape))} pixels."
            ) from None
        return None


class _Guarded(numcodecs.abc.Codec):  # type: ignore[misc]
    """A codec of version 2 of the format, in front of which chunks are looked at."""

    #: Zarr wants the class to have one.
    codec_id = "guarded"

    def __init__(self, codec: Any, chunk: _Chunk) -> None:
        self.codec_id = codec.codec_id
        self._codec, self._chunk = codec, chunk

    def decode(self, buf: Any, out: Any = None) -> Any:
        data = memoryview(ensure_contiguous_ndarray(buf).view(np.uint8))
        found = self._chunk.decode(self.codec_id, data, _wrapping(self._codec))
        return self._codec.decode(buf, out) if found is None else found

    def encode(self, buf: Any) -> Any:
        return self._codec.encode(buf)

    def get_config(self) -> Any:
        return self._codec.get_config()


def _wrapping(codec: Any) -> dict[str, Any]:
    """How LZMA is wrapped, which its bytes do not always say."""
    if codec.codec_id != "lzma":
        return {}
    return {"format": codec.format, "filters": codec.filters}


class _GuardedBytes(BytesBytesCodec):
    """A codec of version 3 of the format, in front of which chunks are looked at."""

    is_fixed_size = False

    def __init__(self, codec: Any, name: str, chunk: _Chunk) -> None:
        for key, value in (("_codec", codec), ("_name", name), ("_chunk", chunk)):
            object.__setattr__(self, key, value)

    _codec: Any
    _name: str
    _chunk: _Chunk

    def evolve_from_array_spec(self, array_spec: Any) -> Any:
        codec = self._codec.evolve_from_array_spec(array_spec)
        return _GuardedBytes(codec, self._name, self._chunk)

    def to_dict(self) -> Any:
        return self._codec.to_dict()

    def validate(self, **options: Any) -> None:
        self._codec.validate(**options)

    def compute_encoded_size(self, input_byte_length: int, chunk_spec: Any) -> int:
        return int(self._codec.compute_encoded_size(input_byte_length, chunk_spec))

    async def _decode_single(self, chunk_bytes: Any, chunk_spec: Any) -> Any:
        options = _wrapping(self._codec._codec) if self._name == "lzma" else {}
        data = memoryview(chunk_bytes.as_numpy_array()).cast("B")
        found = await asyncio.to_thread(self._chunk.decode, self._name, data, options)
        if found is None:
            return await self._codec._decode_single(chunk_bytes, chunk_spec)
        return chunk_spec.prototype.buffer.from_bytes(found)
