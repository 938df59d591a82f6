"""Write numbers per frame as CSV tables with their units in the header."""

from __future__ import annotations

import contextlib
import csv
import math
import os
from collections.abc import Generator, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ..errors import InputError
from ..output import atomic_output
from ..plain_text import for_spreadsheet
from ..progress import Progress, ignore_progress
from ..recipe import Region
from ..region import region_mask
from .frames import Images

__all__ = ["fit_columns", "write_columns", "write_fit", "write_region_traces"]


def write_columns(
    path: str | os.PathLike[str],
    columns: Mapping[str, Sequence[Any]],
    *,
    overwrite: bool = False,
    source: Path | None = None,
) -> Path:
    """Write columns of equal length as a CSV file (RFC 4180, UTF-8, decimal points).

    Parameters
    ----------
    path
        The file.
    columns
        Header and values of each column. What is None or not finite leaves its field empty.
    overwrite
        Replace an existing file.
    source
        The recording that the numbers are from; it is never overwritten.
    """
    path = Path(path)
    with (
        atomic_output(path, overwrite=overwrite, source=source) as temporary,
        temporary.open("w", encoding="utf-8", errors="replace", newline="") as file,
    ):
        writer = csv.writer(file)
        writer.writerow(map(for_spreadsheet, columns))
        for row in zip(*columns.values(), strict=True):
            writer.writerow([_field(value) for value in row])
    return path


def _field(value: Any) -> str:
    """Write a value so that reading it gives the same one."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, bool):
        return str(int(value))
    return repr(value) if isinstance(value, float) else for_spreadsheet(str(value))


def fit_columns(
    fit: Mapping[str, Any], identifiers: Sequence[str | None] = ()
) -> dict[str, list[Any]]:
    """Columns of a fit, one row per frame.

    Parameters
    ----------
    fit
        What :meth:`flimage.bleach.BleachFit.to_dict` returned, or a corrected file holds.
    identifiers
        Identifiers of the frames, if they have some.

    Returns
    -------
    columns : dict
        Header with unit, and values. Sums are over the signal region, without background.
    """
    count = len(fit["times"])
    pixels = max(int(fit["region_pixels"]), 1)
    unit = "s" if fit["time_unit"] == "s" else "exposures"
    outliers, capped = set(fit["outliers"]), set(fit["capped"])
    columns: dict[str, list[Any]] = {"frame": list(range(count))}
    if any(name is not None for name in identifiers):
        columns["identifier"] = [name or "" for name in identifiers]

    def scaled(name: str, factors: Iterable[float] | float = 1.0) -> list[float | None]:
        values = fit[name]
        factor = [factors] * count if isinstance(factors, (int, float)) else list(factors)
        return [None if v is None else v * f for v, f in zip(values, factor, strict=True)]

    columns |= {
        ("time [s]" if unit == "s" else "exposures [1]"): list(fit["times"]),
        "intensity [counts]": scaled("intensity"),
        "intensity per pixel [counts/px]": scaled("intensity", 1 / pixels),
        "background [counts/px]": scaled("background"),
        "noise [counts]": scaled("noise"),
        "in fit [0/1]": [int(used) for used in fit["used"]],
        "outlier [0/1]": [int(frame in outliers) for frame in range(count)],
        "fit [counts]": scaled("curve"),
        "residual [counts]": scaled("residuals"),
        "gain [1]": scaled("gain"),
        "gain low 95 % [1]": scaled("gain_low"),
        "gain high 95 % [1]": scaled("gain_high"),
        "gain capped [0/1]": [int(frame in capped) for frame in range(count)],
        "corrected intensity [counts]": [
            None if v is None else (v - fit["residual_background"] * pixels) * gain
            for v, gain in zip(fit["intensity"], fit["gain"], strict=True)
        ],
    }
    return columns


def write_fit(
    fit: Mapping[str, Any],
    path: str | os.PathLike[str],
    *,
    identifiers: Sequence[str | None] = (),
    overwrite: bool = False,
    source: Path | None = None,
) -> Path:
    """Write trace, fit, residuals and gains of a recording as CSV, one row per frame.

    Parameters
    ----------
    fit
        What :meth:`flimage.bleach.BleachFit.to_dict` returned, or a corrected file holds.
    path
        The file.
    identifiers
        Identifiers of the frames.
    overwrite
        Replace an existing file.
    source
        The recording; it is never overwritten.
    """
    return write_columns(path, fit_columns(fit, identifiers), overwrite=overwrite, source=source)


def write_region_traces(
    recordings: Mapping[str, Images],
    regions: Mapping[str, Region],
    path: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Write the mean intensity of regions in each frame as CSV.

    Parameters
    ----------
    recordings
        Images to measure in, by the name that stands in the header, such as the raw and the
        corrected ones of a recording; all need the same frames.
    regions
        Regions by name.
    path
        The file.
    overwrite
        Replace an existing file.
    progress
        Called as ``progress(done, total, stage)``; may raise :class:`~flimage.errors.Cancelled`.

    Raises
    ------
    flimage.errors.InputError
        When there is no region, or one holds no pixel.
    """
    if not regions:
        raise InputError("There is no region to measure; name at least one.")
    report = ignore_progress if progress is None else progress
    first = next(iter(recordings.values()))
    masks = {name: region_mask(region, first.shape) for name, region in regions.items()}
    means = {(kind, name): np.full(len(first), np.nan) for kind in recordings for name in masks}
    total = len(first) * len(recordings)
    for done, (kind, images) in enumerate(recordings.items()):
        start = done * len(first)

        def step(number: int, _: int, stage: str, start: int = start) -> None:
            report(start + number, total, stage)

        with contextlib.closing(_means(images, masks, step)) as rows:
            for number, row in enumerate(rows):
                for name, value in row.items():
                    means[kind, name][number] = value
    columns: dict[str, Sequence[Any]] = {
        "frame": list(first.frames),
        "time [s]": first.times.tolist(),
    }
    for name, mask in masks.items():
        for kind in recordings:
            columns[f"{name}: {kind} [counts/px]"] = means[kind, name].tolist()
        columns[f"{name}: pixels [px]"] = [int(np.count_nonzero(mask))] * len(first)
    write_columns(path, columns, overwrite=overwrite, source=first.path)
    report(total, total, "Done")
    return Path(path)


def _means(
    images: Images, masks: Mapping[str, npt.NDArray[np.bool_]], progress: Progress
) -> Generator[dict[str, float], None, None]:
    """Mean of each mask in each image; pixels without a value are left out."""
    with contextlib.closing(images.read(progress, "Measuring")) as frames:
        for image in frames:
            row = {}
            for name, mask in masks.items():
                values = image[mask]
                finite = np.isfinite(values)
                row[name] = float(values[finite].mean()) if finite.any() else math.nan
            yield row
