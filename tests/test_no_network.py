"""Nothing that the program does uses a network: any attempt ends the process."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]

#: Makes every attempt to reach another computer, or to ask for its address, end the process.
FORBID = """
import os, sys
def forbid(event, arguments):
    if event in (
        "socket.connect", "socket.bind", "socket.getaddrinfo", "socket.gethostbyname",
        "socket.sendto", "urllib.Request", "ftplib.connect", "http.client.connect",
        "smtplib.connect", "webbrowser.open",
    ):
        print("network:", event, arguments, file=sys.stderr, flush=True)
        os._exit(77)
sys.addaudithook(forbid)
"""

LIBRARY = """
import pathlib
from flimage import FLSeries, Recipe, convert, correct
from flimage.export import Images, write_tiff
from flimage.source import SeriesSource
example, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
with FLSeries(h5file=example, h5mode="r") as series:
    source = SeriesSource(series)
    correct.run(source, Recipe(), folder / "corrected.h5")
    correct.denoise_series(source, folder / "denoised.h5")
    write_tiff(Images(source), folder / "images.ome.tif")
convert.convert(folder / "images.ome.tif", folder / "converted.h5")
"""

COMMANDS = """
from flimage.cli import main
example, folder = sys.argv[1:3]
for line in (
    ["info", example],
    ["bleach", example, f"{folder}/a.h5", "--figure", f"{folder}/a.png"],
    ["verify", f"{folder}/a.h5", "--source", example],
    ["bleach", example, "--out-dir", f"{folder}/batch"],
):
    code = main(line)
    assert code == 0, (line, code)
"""

WINDOW = """
from flimage_gui.__main__ import main
sys.exit(main(["--quit-after", "1.5", sys.argv[1]]))
"""


@pytest.mark.parametrize("work", [LIBRARY, COMMANDS, WINDOW], ids=["library", "commands", "window"])
def test_no_attempt_is_made_to_reach_another_computer(
    work: str, example: Path, tmp_path: Path
) -> None:
    if work is WINDOW:
        pytest.importorskip("PyQt5")
    done = subprocess.run(
        [sys.executable, "-c", FORBID + work, str(example), str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )
    assert done.returncode == 0, done.stderr


def test_the_check_notices_a_connection() -> None:
    attempt = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
    done = subprocess.run([sys.executable, "-c", f"{FORBID}\n{attempt}"], timeout=60)
    assert done.returncode == 77


def test_no_module_imports_what_talks_to_other_computers() -> None:
    # The cluster is there to reach other computers: when its address is given, and never else.
    # A pair of sockets within the process tells Qt of signals. Parsing addresses reaches nobody.
    allowed = {"cluster.py", "termination.py"}
    networks = {"socket", "urllib", "http", "ftplib", "smtplib", "requests", "aiohttp", "httpx"}
    found = []
    for package in ("flimage", "flimage_gui"):
        for path in sorted((ROOT / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                    names = [node.module, *(f"{node.module}.{a.name}" for a in node.names)]
                bad = {n for n in names if n.split(".")[0] in networks or "QtNetwork" in n}
                bad -= {"urllib.parse", "urllib.parse.quote"}
                if bad and path.name not in allowed:
                    found.append(f"{path.relative_to(ROOT)}: {', '.join(sorted(bad))}")
    assert found == []
