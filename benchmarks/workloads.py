"""Workloads that are timed, each in a process of its own, with whichever flimage is installed.

This file is run by the interpreter of this project and by that of the published package, and uses
nothing that only one of them has unless a workload says so. It prints one line of JSON.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

warnings.simplefilter("ignore")


def scene(size: int) -> np.ndarray:
    """Cells with texture on a dark background, 0 to 1, of shape (size, size)."""
    y, x = np.mgrid[:size, :size] / size
    image = np.zeros((size, size))
    for cy, cx, radius in ((0.4, 0.42, 0.17), (0.63, 0.64, 0.12), (0.3, 0.72, 0.07)):
        distance = np.hypot(y - cy, x - cx)
        image += (1 + 0.3 * np.sin(40 * x) * np.sin(34 * y)) / (
            1 + np.exp((distance - radius) / 0.02)
        )
    return image / 1.3


def frame(base: np.ndarray, index: int, count: int, peak: float = 3000) -> np.ndarray:
    """One frame of camera counts: bleaching signal, background, shot and read noise, offset.

    The signal is `peak` photons at most, the background a fifth of that.
    """
    rng = np.random.default_rng(index)
    decay = 0.25 + 0.75 * np.exp(-2.0 * index / count)
    photons = rng.poisson(peak * (0.2 + base * decay))
    return np.round(2.2 * photons + 100 + rng.normal(0, 2, base.shape)).astype(np.float32)


def write_input(path: Path, count: int, size: int, peak: float) -> None:
    """Write a recording laid out as flimage 0.3.3 does, except that gzip is at level 1."""
    base = scene(size)
    with h5py.File(path, "w") as h5:
        for i in range(count):
            group = h5.create_group(f"fli_{i}")
            group.attrs["time"] = 0.5 * i
            group.attrs["pixel size"] = 1e-7
            group.attrs["flimage version"] = "0.3.3"
            group.attrs["qpimage version"] = "0.9.3"
            group.attrs["identifier"] = f"frame {i}"
            fluorescence = group.create_group("fluorescence")
            fluorescence.create_group("bg_data")
            raw = fluorescence.create_dataset(
                "raw",
                data=frame(base, i, count, peak),
                chunks=(size, size),
                compression="gzip",
                compression_opts=1,
                fletcher32=True,
            )
            raw.attrs["CLASS"] = np.bytes_("IMAGE")
            raw.attrs["IMAGE_VERSION"] = np.bytes_("1.2")
            raw.attrs["IMAGE_SUBCLASS"] = np.bytes_("IMAGE_GRAYSCALE")


def peak_memory() -> int:
    """Largest resident size of this process so far [bytes]."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


# --- workloads: prepare, then return what is timed -------------------------------------------

Timed = Callable[[], Any]


def correct_write(options: argparse.Namespace) -> Timed:
    """Correct a series and write it to a new file."""
    import flimage

    def run() -> None:
        with flimage.FLSeries(h5file=options.input, h5mode="r") as series:
            series.bleach_correction(h5out=options.output, border_px=options.border)

    return run


def trace_fit(options: argparse.Namespace) -> Timed:
    """Compute the trace and its fit, and write nothing."""
    import flimage

    def run() -> None:
        with flimage.FLSeries(h5file=options.input, h5mode="r") as series:
            series.bleach_correction(border_px=options.border)

    return run


def append(options: argparse.Namespace) -> Timed:
    """Append frames one by one."""
    import flimage

    base = scene(options.size)
    frames = [frame(base, i, options.count) for i in range(options.count)]

    def run() -> None:
        with flimage.FLSeries(h5file=options.output, h5mode="w") as series:
            for i, data in enumerate(frames):
                meta = {"time": 0.5 * i, "pixel size": 1e-7}
                series.add_flimage(flimage.FLImage(data, meta_data=meta), identifier=f"frame {i}")

    return run


def append_bulk(options: argparse.Namespace) -> Timed:
    """Append frames in one call; the published package has to do it one by one."""
    import flimage

    if not hasattr(flimage.FLSeries, "add_images"):
        return append(options)
    base = scene(options.size)
    frames = [frame(base, i, options.count) for i in range(options.count)]
    metas = [
        {"time": 0.5 * i, "pixel size": 1e-7, "identifier": f"frame {i}"}
        for i in range(options.count)
    ]

    def run() -> None:
        with flimage.FLSeries(h5file=options.output, h5mode="w") as series:
            series.add_images(frames, metas)

    return run


def denoise(options: argparse.Namespace) -> Timed:
    """Denoise a series and write it to a new file."""
    import flimage

    def run() -> None:
        with flimage.FLSeries(h5file=options.input, h5mode="r") as series:
            series.denoise(h5file=options.output)

    return run


def open_index(options: argparse.Namespace) -> Timed:
    """Open a series, count its frames, and find the last one by its identifier."""
    import flimage

    def run() -> None:
        with flimage.FLSeries(h5file=options.input, h5mode="r") as series:
            assert len(series) == options.count
            series[f"frame {options.count - 1}"].shape  # noqa: B018 - reading it is the work

    return run


def import_package(options: argparse.Namespace) -> Timed:
    """Import the package and take its two classes."""

    def run() -> None:
        flimage = importlib.import_module("flimage")
        assert flimage.FLImage
        assert flimage.FLSeries

    return run


def import_only(options: argparse.Namespace) -> Timed:
    """Import the package."""
    return lambda: importlib.import_module("flimage")


# Only this project has what the following ones need.


def scan(options: argparse.Namespace) -> Timed:
    """Scan a series."""
    from flimage import FLSeries, Recipe
    from flimage.scan import scan_series
    from flimage.source import SeriesSource

    def run() -> None:
        with FLSeries(h5file=options.input, h5mode="r") as series:
            scan_series(SeriesSource(series), Recipe(border_px=options.border))

    return run


def retune(options: argparse.Namespace) -> Timed:
    """Change border, range and model of a scanned series in turn: five fits."""
    from flimage import FLSeries, Recipe, bleach
    from flimage.scan import scan_series
    from flimage.source import SeriesSource

    recipe = Recipe(border_px=options.border)
    with FLSeries(h5file=options.input, h5mode="r") as series:
        scanned = scan_series(SeriesSource(series), recipe)
    bleach.fit(scanned, recipe)
    changes: dict[str, dict[str, Any]] = {
        "the border": {"border_px": options.border + 3},
        "the background to one level a frame": {"background": "frame"},
        "the range": {"first": options.count // 10, "last": options.count - 5},
        "the model to two exponentials": {"model": "biexponential"},
        "the model to a stretched exponential": {"model": "stretched"},
        "the model to be chosen": {"model": "auto"},
    }

    def run() -> dict[str, float]:
        times = {}
        for name, change in changes.items():
            begin = time.perf_counter()
            bleach.fit(scanned, recipe.replace(**change))
            times[name] = time.perf_counter() - begin
        return times

    return run


def breakdown(options: argparse.Namespace) -> Timed:
    """Correct and write a series, and tell how long each stage took."""
    from flimage import FLSeries, Recipe, correct
    from flimage.source import SeriesSource

    def run() -> dict[str, float]:
        marks: list[tuple[str, float]] = [("Opening", time.perf_counter())]

        def progress(done: int, total: int, stage: str) -> None:
            # "Averaging 3 of 64 frames" and "Averaging 4 of 64 frames" are one stage.
            name = stage.split(" ")[0]
            now = time.perf_counter()
            if marks[-1][0] == name:
                marks[-1] = (name, now)
            else:
                marks.append((name, now))

        begin = time.perf_counter()
        with FLSeries(h5file=options.input, h5mode="r") as series:
            correct.run(
                SeriesSource(series),
                Recipe(border_px=options.border),
                options.output,
                progress=progress,
            )
        marks.append(("Closing", time.perf_counter()))
        stages = {}
        for name, now in marks[1:]:
            stages[name] = stages.get(name, 0.0) + now - begin
            begin = now
        return stages

    return run


def floor(options: argparse.Namespace) -> Timed:
    """Decompress, multiply and compress all frames in threads, with no file and nothing else."""
    from flimage import FLSeries, codec
    from flimage.dataset import _read_layout
    from flimage.parallel import ordered_map

    chunks = []
    with FLSeries(h5file=options.input, h5mode="r") as series:
        for i in range(len(series)):
            dataset = series.h5[f"fli_{i}/fluorescence/raw"].id
            filters = _read_layout(dataset).filters
            chunks.append((dataset.read_direct_chunk((0, 0))[1], dataset.shape, filters))

    def work(item: Any, stopped: Any) -> dict[str, float]:
        index, (chunk, shape, filters) = item
        times = [time.thread_time()]
        image = codec.decompress_chunk(chunk, shape, np.dtype("f4"), filters)
        times.append(time.thread_time())
        corrected = ((image - 230.123) * (1 + index / len(chunks))).astype(np.float32)
        times.append(time.thread_time())
        codec.encode_array(corrected)
        times.append(time.thread_time())
        names = ("Decompress", "Arithmetic", "Compress")
        return dict(zip(names, np.diff(times).tolist(), strict=True))

    def run() -> dict[str, float]:
        totals: dict[str, float] = {}
        for times in ordered_map(work, list(enumerate(chunks))):
            for name, seconds in times.items():
                totals[name] = totals.get(name, 0.0) + seconds
        return totals

    return run


WORKLOADS: dict[str, Callable[[argparse.Namespace], Timed]] = {
    function.__name__: function
    for function in (
        append,
        append_bulk,
        breakdown,
        correct_write,
        denoise,
        floor,
        import_only,
        import_package,
        open_index,
        retune,
        scan,
        trace_fit,
    )
}


def warm_up() -> None:
    """Correct and denoise a tiny series, so that no import is timed: each package has its own."""
    import flimage

    base = scene(48)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        with flimage.FLSeries(h5file=path / "in.h5", h5mode="w") as series:
            for i in range(8):
                series.add_flimage(flimage.FLImage(frame(base, i, 8), meta_data={"time": 1.0 * i}))
        with flimage.FLSeries(h5file=path / "in.h5", h5mode="r") as series:
            series.bleach_correction(h5out=path / "corrected.h5", border_px=4)
            series.denoise(h5file=path / "denoised.h5")


def main() -> None:
    """Run one workload and print what it took."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", choices=[*WORKLOADS, "input"])
    parser.add_argument("--input")
    parser.add_argument("--output")
    parser.add_argument("--count", type=int, default=0)
    parser.add_argument("--size", type=int, default=0)
    parser.add_argument("--peak", type=float, default=3000)
    parser.add_argument("--border", type=int, default=20)
    options = parser.parse_args()
    if options.workload == "input":
        write_input(Path(options.input), options.count, options.size, options.peak)
        return
    if not options.workload.startswith("import"):
        warm_up()
    run = WORKLOADS[options.workload](options)
    before = peak_memory()
    cpu = time.process_time()
    begin = time.perf_counter()
    details = run()
    seconds = time.perf_counter() - begin
    cpu = time.process_time() - cpu
    output = options.output and Path(options.output)
    print(
        json.dumps(
            {
                "seconds": seconds,
                "cpu": cpu,
                "size": output.stat().st_size if output and output.exists() else None,
                "peak": peak_memory(),
                "before": before,
                "version": getattr(sys.modules.get("flimage"), "__version__", ""),
                "details": details if isinstance(details, dict) else None,
            }
        )
    )


if __name__ == "__main__":
    main()
