"""Nothing that the program does uses a network: any attempt ends the process."""

from __future__ import annotations

import ast
import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
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
import pathlib, sys
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
import shutil, sys
from flimage.cli import main
if __name__ == "__main__":
    example, folder = sys.argv[1:3]
    shutil.copy(example, f"{folder}/other.h5")
    for line in (
        ["info", example],
        ["bleach", example, f"{folder}/a.h5", "--figure", f"{folder}/a.png"],
        ["verify", f"{folder}/a.h5", "--source", example],
        ["export", f"{folder}/a.h5", f"{folder}/a.html"],
        ["export", example, f"{folder}/a.gif", "--frames", "0-3"],
        ["bleach", example, f"{folder}/other.h5", "--out-dir", f"{folder}/batch", "--jobs", "2"],
    ):
        code = main(line)
        assert code == 0, (line, code)
"""

WINDOW = """
import sys
from flimage_gui.__main__ import main
sys.exit(main(["--quit-after", "1.5", sys.argv[1]]))
"""


@pytest.mark.parametrize("work", [LIBRARY, COMMANDS, WINDOW], ids=["library", "commands", "window"])
def test_no_attempt_is_made_to_reach_another_computer(
    work: str, example: Path, tmp_path: Path
) -> None:
    if work is WINDOW:
        pytest.importorskip("PyQt5")
    done = watched(work, tmp_path, str(example), str(tmp_path))
    assert done.returncode == 0, done.stderr
    assert "network:" not in done.stderr


@pytest.mark.parametrize("work", [COMMANDS, WINDOW], ids=["commands", "window"])
def test_the_system_is_not_asked_for_a_connection_either(
    work: str, example: Path, tmp_path: Path
) -> None:
    """Libraries in other languages than Python need not tell it what they do."""
    strace = shutil.which("strace")
    if strace is None or (work is WINDOW and importlib.util.find_spec("PyQt5") is None):
        pytest.skip("strace or PyQt5 is not installed")
    log = tmp_path / "calls.txt"
    calls = "trace=connect,sendto,sendmsg,sendmmsg"
    trace = [strace, "-f", "-qq", "-e", calls, "-o", str(log)]
    done = watched(work, tmp_path, str(example), str(tmp_path), before=trace)
    if not log.exists() or "Operation not permitted" in done.stderr:
        pytest.skip("no process may be traced here")
    assert done.returncode == 0, done.stderr
    assert re.findall(r".*AF_INET.*", log.read_text(errors="replace")) == []


def watched(
    work: str, folder: Path, *arguments: str, before: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """Run a script, in which no process that it starts can reach another computer."""
    hooks = folder / "hooks"
    hooks.mkdir(exist_ok=True)
    # Python imports it first of all, also in the processes that others start.
    (hooks / "sitecustomize.py").write_text(FORBID)
    (hooks / "work.py").write_text(work)
    return subprocess.run(
        [*before, sys.executable, str(hooks / "work.py"), *arguments],
        capture_output=True,
        text=True,
        timeout=240,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen", "PYTHONPATH": f"{hooks}:{ROOT}"},
    )


CONNECT = "import socket; socket.create_connection(('127.0.0.1', 9), 1)"
IN_ANOTHER = """
import subprocess, sys
sys.exit(subprocess.run([sys.executable, "-c", sys.argv[1]]).returncode)
"""


@pytest.mark.parametrize("work", [CONNECT, IN_ANOTHER], ids=["itself", "another process"])
def test_the_check_notices_a_connection(work: str, tmp_path: Path) -> None:
    done = watched(work, tmp_path, CONNECT)
    assert done.returncode == 77
    assert "network: socket." in done.stderr


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
