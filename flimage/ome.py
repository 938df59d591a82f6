"""What OME-XML says about a recording: bits of the detector, pixel size and times."""

from __future__ import annotations

import contextlib
import datetime
import math
from typing import Any

import tifffile

from .recording import Recording
from .units import METRES, SECONDS, number_of, scale_of

__all__ = ["OmeRecording", "as_list", "ome_images", "ome_maps"]


def as_list(value: Any) -> list[Any]:
    """Make a list of elements, which are given as such where they occur once."""
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def ome_images(xml: str) -> list[dict[str, Any]]:
    """Return the images of OME-XML as nested dictionaries; none where it is damaged."""
    return as_list(_root(xml).get("Image"))


def ome_maps(xml: str) -> list[Any]:
    """Return the maps among the annotations of OME-XML; none where it is damaged."""
    annotations = _root(xml).get("StructuredAnnotations")
    return as_list(annotations.get("MapAnnotation")) if isinstance(annotations, dict) else []


def _root(xml: str) -> dict[str, Any]:
    try:
        root = tifffile.xml2dict(xml).get("OME", {})
    except SyntaxError:  # xml.etree.ElementTree.ParseError is one
        return {}
    return root if isinstance(root, dict) else {}


class OmeRecording(Recording):
    """A recording whose format can hold OME-XML.

    References
    ----------
    https://docs.openmicroscopy.org/ome-model/latest/developers/model-overview.html
    """

    def _take_ome(self, image: dict[str, Any]) -> None:
        """Take what is known from the element ``Image`` that is read."""
        with contextlib.suppress(ValueError):
            self._set_date(datetime.date.fromisoformat(str(image.get("AcquisitionDate"))[:10]))
        pixels: dict[str, Any] = image.get("Pixels", {})
        self._set_bits(pixels.get("SignificantBits"), "OME SignificantBits")
        scale_x = scale_of(METRES, pixels.get("PhysicalSizeXUnit"), "µm")
        scale_y = scale_of(METRES, pixels.get("PhysicalSizeYUnit"), "µm")
        self._set_pixel_size(
            number_of(pixels.get("PhysicalSizeX")) * scale_x,
            number_of(pixels.get("PhysicalSizeY")) * scale_y,
            "OME PhysicalSizeX",
        )
        time = self._layout.time
        axis = "T" if time is None or time.letter != "Z" else "Z"
        chosen = {f"The{k}": v for k, v in self._layout.coordinates(0).items() if k in "CZT"}
        chosen.pop(f"The{axis}", None)
        times: dict[int, float] = {}
        places = []
        for plane in as_list(pixels.get("Plane")):
            # Channels and depths are taken one after the other, so each has times of its own.
            if not all(plane.get(k, v) == v for k, v in chosen.items()):
                continue
            places.append(
                [
                    number_of(plane.get(f"Position{k}"))
                    * scale_of(METRES, plane.get(f"Position{k}Unit"), "reference frame")
                    for k in "XYZ"
                ]
            )
            if "DeltaT" in plane:
                scale = scale_of(SECONDS, plane.get("DeltaTUnit"), "s")
                index = int(plane.get(f"The{axis}", 0))
                times.setdefault(index, number_of(plane["DeltaT"]) * scale)
        self._set_place(places)
        if times:
            stamps = [times.get(index, math.nan) for index in range(self.n_frames)]
            self._set_times(stamps, "OME DeltaT of each plane")
        increment = number_of(pixels.get("TimeIncrement"))
        scale = scale_of(SECONDS, pixels.get("TimeIncrementUnit"), "s")
        self._set_interval(increment * scale, "OME TimeIncrement")
