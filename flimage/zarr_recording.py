"""OME-Zarr folders as recordings, through the optional package `zarr`."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import FileFormatError, FlimageError, InputError
from .extras import need
from .recording import Recording
from .selecting import Axis, ChoiceNeededError, Selection
from .units import METRES, SECONDS, scale_of

__all__ = ["ZarrRecording"]

#: Attribute under which the times of frames stand that OME-Zarr has no place for.
_OWN = "flimage"


class ZarrRecording(Recording):
    """The full resolution of an OME-Zarr image, or a plain Zarr array of shape (t, y, x).

    References
    ----------
    https://ngff.openmicroscopy.org/0.5/
    """

    kind = "OME-Zarr"

    def __init__(
        self, path: Path, selection: Selection | None = None, key: str | None = None
    ) -> None:
        super().__init__(path, selection)
        with warnings.catch_warnings():
            # It warns of files in the folder that it does not know, also of damaged ones; what
            # cannot be read is told all the same.
            warnings.simplefilter("ignore")
            self._open(path, key)

    def _open(self, path: Path, key: str | None) -> None:
        zarr = need("zarr", "zarr", f"Reading the OME-Zarr folder {path}")
        from .zarr_checks import CheckedStore

        try:
            node: Any = zarr.open(CheckedStore(path), mode="r")
        except FlimageError:
            raise
        # zarr raises many kinds of exceptions on folders that it cannot read.
        except Exception as error:
            raise FileFormatError(f"{path} is not a readable Zarr folder: {error}") from error
        if key is not None:
            if key not in node:
                raise InputError(
                    f"{path} has no image {key!r}; it has {', '.join(node) or 'none'}."
                )
            node = node[key]
        if isinstance(node, zarr.Array):
            self._open_array(node, "TYX"[-node.ndim :] if node.ndim <= 3 else "Q" * node.ndim, ())
            return
        self._open_image(self._choose_image(node))

    def _choose_image(self, group: Any) -> Any:
        """Find the image: the group itself, or one of the positions that bioformats2raw wrote."""
        if "multiscales" in _ome(group):
            return group
        images = sorted(
            (n for n in group if n.isdigit() and "multiscales" in _ome(group[n])), key=int
        )
        if not images:
            raise InputError(
                f"{self.path} holds no OME-Zarr image; name the group of one (--key), or the array"
                " in it."
            )
        axis = Axis("P", len(images))
        number = self.selection.position
        if number is None and len(images) > 1:
            raise ChoiceNeededError(
                f"{self.path} holds {len(images)} images; choose one with {axis.choices}.", (axis,)
            )
        number = number or 0
        if not 0 <= number < len(images):
            raise InputError(f"{self.path} has no position {number}; there is {axis.choices}.")
        self._notes.append(f"Images are those of position {number} of {len(images)}.")
        self.selection = Selection(self.selection.channel, self.selection.z)
        return group[images[number]]

    def _open_image(self, group: Any) -> None:
        ome = _ome(group)
        multiscale = ome["multiscales"][0]
        dataset = multiscale["datasets"][0]
        array = group[dataset["path"]]
        # Before version 0.4, axes had no units; before 0.3, no names either.
        axes = [a if isinstance(a, dict) else {"name": a} for a in multiscale.get("axes", "tczyx")]
        if len(axes) != array.ndim:
            raise FileFormatError(
                f"{self.path} names {len(axes)} axes, but its images have {array.ndim}."
            )
        channels = [str(c.get("label", "")) for c in ome.get("omero", {}).get("channels", ())]
        letters = "".join(str(axis["name"])[:1].upper() for axis in axes)
        size = dict(zip(letters, array.shape, strict=True)).get("C", 1)
        self._open_array(array, letters, channels if len(channels) == size else ())
        scales = np.ones(array.ndim)
        starts = np.zeros(array.ndim)
        for level in (dataset, multiscale):
            for transformation in level.get("coordinateTransformations", ()):
                if transformation.get("type") == "scale":
                    scales *= transformation["scale"]
                    starts *= transformation["scale"]
                elif transformation.get("type") == "translation":
                    starts += transformation["translation"]
        steps = dict(zip(letters, scales, strict=True))
        units = {letter: axis.get("unit") for letter, axis in zip(letters, axes, strict=True)}
        if units.get("X") is not None:
            self._set_pixel_size(
                steps["X"] * scale_of(METRES, units["X"]),
                steps["Y"] * scale_of(METRES, units.get("Y") or units["X"]),
                "the OME-Zarr scale",
            )
        own = group.attrs.get(_OWN, {})
        if isinstance(own, dict) and "times [s]" in own:
            self._set_times(own["times [s]"], "what flimage wrote beside the OME-Zarr metadata")
        if self.times is None and units.get("T") is not None:
            unit = scale_of(SECONDS, units["T"])
            self._set_interval(float(steps["T"]) * unit, "the OME-Zarr scale")
            if self.times is not None:
                start = float(dict(zip(letters, starts, strict=True))["T"]) * unit
                self.times = self.times + start

    def _open_array(self, array: Any, letters: str, channels: Any) -> None:
        from .zarr_checks import checked

        self.dtype = np.dtype(array.dtype)
        self._check_dtype()
        self._set_axes(letters, array.shape, "save one recording as an array (t, y, x).", channels)
        self._array = checked(self.path, array, self.shape)

    def _read(self, index: int) -> npt.NDArray[Any]:
        position = self._layout.coordinates(index)
        leading = tuple(position[letter] for letter, _ in self._layout.leading)
        from .zarr_checks import read

        return read(self._array, leading)

    def close(self) -> None:
        """Do nothing: chunks are only open while they are read."""


def _ome(group: Any) -> dict[str, Any]:
    """Metadata of OME-NGFF, which version 0.5 moved into a key of their own."""
    attributes = dict(group.attrs)
    inner = attributes.get("ome")
    return inner if isinstance(inner, dict) else attributes
