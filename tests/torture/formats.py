"""Small good files in the formats that are converted: NPY, NPZ, OME-Zarr, Zarr, CZI and ND2.

Folders are kept as archives, which are unpacked where they are to be read.
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import os
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import numpy.typing as npt

from tests.torture.samples import FRAMES, SHAPE, Sample, pixels

__all__ = ["ND2_FILE", "make_formats", "pack"]

#: A real recording: nothing that is free writes ND2. Cases of ND2 are left out where it is not.
ND2_FILE = Path(
    os.environ.get(
        "FLIMAGE_TEST_ND2",
        Path(__file__).resolve().parents[3] / "shared" / "data" / "arcadia_example-timelapse.nd2",
    )
)


def make_formats(folder: Path) -> dict[str, Sample]:
    """Write one file of each kind into a folder, and read it back as bytes."""
    # A process that was started again finds what the one before has left.
    folder = Path(tempfile.mkdtemp(dir=folder))
    images = pixels()
    counts = images.astype(np.uint16)
    np.save(folder / "a.npy", counts)
    np.save(folder / "fortran.npy", np.asfortranarray(counts))
    np.savez_compressed(folder / "a.npz", images=counts)
    found = {
        "npy": (".npy", (folder / "a.npy").read_bytes()),
        "npy (Fortran order)": (".npy", (folder / "fortran.npy").read_bytes()),
        "npz": (".npz", (folder / "a.npz").read_bytes()),
    }
    if importlib.util.find_spec("zarr") is not None:
        found["OME-Zarr"] = (".zarr", _ome_zarr(folder, images))
        found["zarr 2"] = (".zarr", _plain_zarr(folder, counts))
    if importlib.util.find_spec("pylibCZIrw") is not None:
        found["czi"] = (".czi", _czi(folder, counts))
    if importlib.util.find_spec("nd2") is not None and ND2_FILE.is_file():
        found["nd2"] = (".nd2", ND2_FILE.read_bytes())
    return {kind: Sample(kind, *each, images) for kind, each in found.items()}


def _ome_zarr(folder: Path, images: npt.NDArray[np.float32]) -> bytes:
    from flimage import FLImage, FLSeries
    from flimage.export import Images, write_zarr
    from flimage.source import SeriesSource

    series = FLSeries([FLImage(image, {"time": 0.5 * i}) for i, image in enumerate(images)])
    write_zarr(Images(SeriesSource(series), "raw"), folder / "ome.zarr")
    return pack(folder / "ome.zarr")


def _plain_zarr(folder: Path, counts: npt.NDArray[np.uint16]) -> bytes:
    import zarr

    array = zarr.create_array(
        store=folder / "plain.zarr",
        shape=counts.shape,
        chunks=(2, *SHAPE),
        dtype=counts.dtype,
        zarr_format=2,
    )
    array[:] = counts
    return pack(folder / "plain.zarr")


def _czi(folder: Path, counts: npt.NDArray[np.uint16]) -> bytes:
    from pylibCZIrw import czi

    path = folder / "a.czi"
    # The library writes to the console of its own accord.
    with contextlib.redirect_stdout(io.StringIO()), czi.create_czi(str(path)) as file:
        for number in range(FRAMES):
            plane = {"T": number, "C": 0, "Z": 0}
            file.write(data=np.ascontiguousarray(counts[number][..., None]), plane=plane)
        file.write_metadata(document_name="a", scale_x=1e-7, scale_y=1e-7)
    return path.read_bytes()


def pack(folder: Path) -> bytes:
    """Pack a folder into an archive, always in the same way."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                name = zipfile.ZipInfo(path.relative_to(folder).as_posix())
                archive.writestr(name, path.read_bytes())
    return buffer.getvalue()
