"""Small good files that torture scripts damage: a series, a corrected one, an image, TIFF."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["FRAMES", "KINDS", "SHAPE", "Sample", "make_samples", "pixels"]

#: Frames of a sample, and their size (y, x) [px].
FRAMES, SHAPE = 6, (14, 12)

#: Names of the samples.
KINDS = ("series", "nested", "corrected", "image", "imagej", "ome", "pages")


@dataclass(frozen=True, eq=False)
class Sample:
    """A good file.

    Parameters
    ----------
    kind
        One of :data:`KINDS`.
    suffix
        Of the name of the file.
    data
        The file.
    images
        What the program reads from it (t, y, x).
    """

    kind: str
    suffix: str
    data: bytes
    images: npt.NDArray[np.float32]

    @property
    def hdf5(self) -> bool:
        """Whether it is an HDF5 file."""
        return self.suffix == ".h5"


def pixels() -> npt.NDArray[np.float32]:
    """Frames (t, y, x) of a bleaching spot, in whole counts."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[: SHAPE[0], : SHAPE[1]]
    spot = np.hypot(y - SHAPE[0] / 2, x - SHAPE[1] / 2) < 4
    decay = 0.4 + 0.6 * np.exp(-np.arange(FRAMES) / 2)
    images = 100 + 300 * spot * decay[:, None, None] + rng.normal(0, 3, (FRAMES, *SHAPE))
    return np.rint(images).astype(np.float32)


def make_samples(folder: Path) -> dict[str, Sample]:
    """Write one file of each kind into a folder, and read it back as bytes."""
    import h5py
    import tifffile

    from flimage import FLImage, FLSeries, correct
    from flimage.recipe import Recipe
    from flimage.source import SeriesSource

    images = pixels()
    counts = images.astype(np.uint16)
    background = np.full(SHAPE, 5.0, np.float32)

    def fill(series: FLSeries) -> None:
        for number, image in enumerate(images):
            meta = {"time": 0.5 * number, "pixel size": 1e-7, "identifier": f"frame {number}"}
            frame = FLImage(image, meta_data=meta)
            if number == 0:
                frame.set_bg_data(background)
            series.add_flimage(frame, bg_from_idx=0 if number in (1, 2) else None)

    paths = {kind: folder / f"{kind}.h5" for kind in KINDS[:4]}
    with FLSeries(h5file=paths["series"], h5mode="w", identifier="cells") as series:
        fill(series)
        correct.run(SeriesSource(series), Recipe(border_px=2), paths["corrected"], overwrite=True)
    with h5py.File(paths["nested"], "w") as file:
        fill(FLSeries(h5file=file.create_group("day 1/flseries")))
    with FLImage(images[0], {"time": 1.0}, h5file=paths["image"], h5mode="w") as image:
        image.set_bg_data(background)
    paths["imagej"] = folder / "imagej.tif"
    tifffile.imwrite(paths["imagej"], counts, imagej=True, metadata={"axes": "TYX", "finterval": 1})
    paths["ome"] = folder / "ome.ome.tif"
    tifffile.imwrite(
        paths["ome"],
        counts,
        metadata={"axes": "TYX", "PhysicalSizeX": 0.1, "Plane": {"DeltaT": [*range(FRAMES)]}},
    )
    paths["pages"] = folder / "pages.tif"
    with tifffile.TiffWriter(paths["pages"]) as writer:
        for image_ in counts:
            writer.write(image_, compression="zlib", rowsperstrip=5, metadata=None)
    read = {
        "image": images[:1] - background,
        "corrected": _frames(paths["corrected"]),
        "series": np.concatenate([images[:3] - background, images[3:]]),
    }
    read["nested"] = read["series"]
    return {
        kind: Sample(kind, "".join(path.suffixes), path.read_bytes(), read.get(kind, images))
        for kind, path in paths.items()
    }


def _frames(path: Path) -> npt.NDArray[np.float32]:
    from flimage import FLSeries

    with FLSeries(h5file=path, h5mode="r") as series:
        return np.stack([image.fl for image in series]).astype(np.float32)
