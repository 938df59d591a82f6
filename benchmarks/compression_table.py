"""Size and time of the compression settings on simulated and, where present, real images."""

from __future__ import annotations

import os
import time
import zlib
from pathlib import Path

import numpy as np

from flimage import codec
from flimage.compression import choose_plan

from .workloads import frame, scene

#: Folder with real recordings; they are not part of the project.
RECORDINGS = Path(
    os.environ.get("FLIMAGE_RECORDINGS", Path(__file__).resolve().parents[2] / "shared" / "data")
)


def images() -> dict[str, np.ndarray]:
    """Images (y, x) float32 by name: counts, and counts corrected for background and bleaching."""
    base = scene(512)
    rng = np.random.default_rng(5)
    counts = {"cells, 3000 photons": (frame(base, 30, 100), 1420.0)}
    for photons in (2, 20, 100, 5000):
        dim = rng.poisson(photons * (base + 0.1)) + 100.0
        counts[f"cells, {photons} photons"] = (dim, 100 + 0.1 * photons)
    counts["flat, 50 photons"] = (rng.poisson(50, base.shape).astype(float), 20.37)
    counts.update(recordings())
    found = {}
    for name, (image, background) in counts.items():
        found[f"{name}: counts"] = np.asarray(image, np.float32)
        corrected = (np.asarray(image, float) - background) * 1.3712345
        found[f"{name}: corrected"] = corrected.astype(np.float32)
    found["normal noise"] = rng.normal(100, 10, base.shape).astype(np.float32)
    return found


def recordings() -> dict[str, tuple[np.ndarray, float]]:
    """One frame of each real recording, with its background; empty where there are none."""
    if not RECORDINGS.is_dir():
        return {}
    import h5py
    import tifffile

    found: dict[str, tuple[np.ndarray, float]] = {}
    path = RECORDINGS / "mitosis_C1_51x196x171_u16.tif"
    if path.exists():
        found["mitosis (real)"] = (tifffile.imread(path)[20], 1815.3)
    path = RECORDINGS / "basicpy_timelapse_nanog_189x128x171_u8.npz"
    if path.exists():
        found["nanog (real)"] = (np.load(path)["images"][50], 15.3)
    path = RECORDINGS / "cellsino_sinogram_fli.h5"
    if path.exists():
        with h5py.File(path) as file:
            group = file if "fli_0" in file else next(iter(file.values()))
            found["sinogram (cellsino)"] = (group["fli_50/fluorescence/raw"][()], 116.2)
    return found


def milliseconds(function, *arguments) -> tuple[float, bytes]:
    """Quickest of three runs, for one frame of 512² [ms], and the result."""
    best = np.inf
    for _ in range(3):
        begin = time.process_time()
        result = function(*arguments)
        best = min(best, time.process_time() - begin)
    return 1e3 * best, result


def rows() -> list[str]:
    """Table in Markdown."""
    lines = [
        "| image | gzip 9 | fast | balanced (default) | small | read |",
        "|---|---|---|---|---|---|",
    ]
    for name, image in images().items():
        scale = 512 * 512 / image.size
        begin = time.process_time()
        size = len(zlib.compress(image.tobytes(), 9))
        gzip = 1e3 * (time.process_time() - begin) * scale
        cells = [name, f"{8 * size / image.size:.1f} bit/px, {gzip:.0f} ms"]
        for setting in ("fast", "balanced", "small"):
            taken, encoded = milliseconds(codec.encode_image, image, "float32", setting)
            cells.append(f"{len(encoded.chunk) / size:.3f}, {taken * scale:.1f} ms")
            if setting == "balanced":
                plan = choose_plan(image)
                cells[-1] += f" ({'shuffle, ' if plan.shuffle else ''}{plan.engine} {plan.level})"
                read, _ = milliseconds(
                    codec.decompress_chunk,
                    encoded.chunk,
                    encoded.shape,
                    encoded.dtype,
                    encoded.filters,
                )
        cells.append(f"{read * scale:.1f} ms")
        lines.append(f"| {' | '.join(cells)} |")
        print(lines[-1], flush=True)
    return lines
