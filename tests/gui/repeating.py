"""Run copied steps in another process, and compare the files that they make."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from flimage import FLSeries, provenance
from flimage.source import SeriesSource


def run_python(text: str, folder: Path) -> None:
    """Run a copied script in `folder`."""
    script = folder / "copied.py"
    script.write_text(text, encoding="utf-8")
    subprocess.run([sys.executable, str(script)], check=True, timeout=120, cwd=folder)


def run_commands(text: str, folder: Path) -> None:
    """Run copied command lines in `folder`; the first that fails ends them."""
    shell = f'flimage() {{ "{sys.executable}" -m flimage.cli -q "$@"; }}\nset -e\n{text}'
    subprocess.run(["sh", "-c", shell], check=True, timeout=120, cwd=folder)


def content(path: Path) -> dict[str, object]:
    """Everything in a series that a person would miss."""
    with FLSeries(h5file=path, h5mode="r") as series:
        source = SeriesSource(series)
        origin = provenance.read(series.h5)
        return {
            "raw": [source.raw(i).tobytes() for i in range(len(source))],
            "type": source.raw(0).dtype.str,
            "background": [
                None if (image := source.background(i)) is None else image.tobytes()
                for i in range(len(source))
            ],
            "meta": [dict(source.meta(i)) for i in range(len(source))],
            "identifier": source.identifier,
            "recipe": None if origin is None else origin.recipe,
        }


def repeat(way: str, text: str, files: Sequence[Path], table: Path, folder: Path) -> None:
    """Remove what was made, make it again by copied text, and compare the two."""
    wanted, rows = {path: content(path) for path in files}, table.read_bytes()
    for path in (*files, table):
        path.unlink()
    (run_python if way.lower() == "python" else run_commands)(text, folder)
    for path, expected in wanted.items():
        found = content(path)
        for key, value in expected.items():
            assert found[key] == value, f"{key} of {path.name}"
    assert table.read_bytes() == rows
