"""Follows the pages on a machine that has nothing of the project yet: installs, builds, checks.

`doc_examples` runs what works in an environment that is there. What makes one (``pip``, ``make``,
``apt``) is run here, each page in a copy of the checkout of its own, with an empty home.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from doc_examples import ROOT, Block, blocks, closing_by_itself, commands, runs

__all__ = ["Newcomer", "Step", "steps"]

#: Commands inside the text that install something: they are run like those of the blocks.
_INLINE = re.compile(r"`((?:sudo apt|(?:\.venv/bin/)?pip) install [^`]+)`")
#: What is run as it stands would take hours, or would run itself again: how each is kept short.
_SHORT = {
    "make test": {"PYTEST_ADDOPTS": "tests/test_cli.py -k example"},
    "make bench": {"ARGS": "--quick"},
    "make torture": {"TORTURE_SCALE": "0.01", "ARGS": "--only hostile journal_crash"},
}
#: What the run of CI does by itself, which says so in this variable.
_CI = "FLIMAGE_CI_RUN"
_PATIENCE = 1500.0


@dataclass(frozen=True)
class Step:
    """Commands of a page that belong together, as one script of the shell."""

    where: str
    lines: tuple[str, ...]


def steps(page: Path) -> Iterator[Step]:
    """Find what a page lets a newcomer do, in its order: blocks that install, and inline commands.

    A block with one such command is taken whole: what follows it needs it.
    """
    found: list[tuple[int, Step]] = []
    for block in blocks(page):
        if block.language == "console" and not all(map(runs, commands(block))):
            lines = tuple(command.text for command in commands(block))
            found.append((block.line, Step(str(block), lines)))
    text = page.read_text(encoding="utf-8")
    for match in _INLINE.finditer(text):
        line = text.count("\n", 0, match.start()) + 1
        block = Block(page, line, "console", f"$ {match[1]}")
        found.append((line, Step(str(block), (" ".join(match[1].split()),))))
    return (step for _, step in sorted(found, key=lambda each: each[0]))


class Newcomer:
    """Somebody with an empty home, and what they have installed so far.

    Parameters
    ----------
    folder
        Where everything happens.
    wheel
        The package, as an index would offer it: ``pip install flimage`` takes this one.
    """

    def __init__(self, folder: Path, wheel: Path) -> None:
        self._folder = folder
        self._done: set[str] = set()
        self._copied: dict[Path, dict[str, bytes]] = {}
        self._environment = self._bare_environment(wheel)
        self._programs = folder / "bin"
        for each in (self._programs, folder / "home"):
            each.mkdir()
        self._make_sudo()
        base = Path(getattr(sys, "_base_executable", sys.executable))
        self._run([str(base), "-m", "venv", str(folder / "env")], folder)
        path = [self._programs, folder / "env" / "bin", base.parent]
        self._environment["PATH"] = os.pathsep.join([*map(str, path), os.environ["PATH"]])

    def follow(self, page: Path) -> list[str]:
        """Do all that a page says, in a checkout of its own; return the commands that were run.

        Commands of `make` are run where they come first; they mean the same on each page.
        """
        checkout = self.checkout(page)
        ran: list[str] = []
        for step in steps(page):
            done = self._done | ({".ci/run"} if os.environ.get(_CI) else set())
            lines = [line for line in step.lines if line not in done]
            if not lines:
                continue
            self._done |= {line for line in lines if line.startswith("make ")}
            # Its own environment for a line; what is set or entered goes on to the next ones.
            script = "\n".join(["set -e", *map(_written_out, lines)])
            self._run(["bash", "-c", script], checkout, step.where)
            ran += lines
        return ran

    def files_that_differ(self, page: Path) -> list[str]:
        """Name the files of the checkout that following a page has changed."""
        checkout = self.checkout(page)
        copied = self._copied[checkout]
        return [name for name, data in copied.items() if (checkout / name).read_bytes() != data]

    def python(self, code: str) -> str:
        """Run Python in the environment that ``pip`` without a path installs into."""
        return self._run(["python", "-c", code], self._folder)

    def checkout(self, page: Path) -> Path:
        """Return the copy of the checkout in which a page is followed."""
        place = self._folder / "_".join(page.relative_to(ROOT).with_suffix("").parts)
        if not place.exists():
            place.mkdir()
            self._copied[place] = {name: (ROOT / name).read_bytes() for name in _tracked()}
            for name, data in self._copied[place].items():
                (place / name).parent.mkdir(parents=True, exist_ok=True)
                (place / name).write_bytes(data)
                shutil.copymode(ROOT / name, place / name)
            self._run(["git", "init", "--quiet", "."], place)
        return place

    def _bare_environment(self, wheel: Path) -> dict[str, str]:
        """Return what a new account has; how packages are reached stays as it is."""
        ours = (
            "DISPLAY",
            "WAYLAND_DISPLAY",
            "VIRTUAL_ENV",
            "QT_",
            "XDG_",
            "PYTEST",
            "MAKE",
            "MFLAGS",
        )
        ours += ("ARGS", "FLIMAGE", "PYTHON", "PYQTGRAPH", "MPLCONFIGDIR")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        apt = self._folder / "apt"
        (apt / "lists" / "partial").mkdir(parents=True)
        (apt / "cache" / "archives" / "partial").mkdir(parents=True)
        settings = self._folder / "apt.conf"
        # Everything is looked up and resolved, and nothing of the machine is changed.
        settings.write_text(
            f'APT::Get::Simulate "true";\nDir::State::Lists "{apt}/lists";\n'
            f'Dir::Cache "{apt}/cache";\nAPT::Sandbox::User "root";\n'
        )
        return kept | {
            "HOME": str(self._folder / "home"),
            "APT_CONFIG": str(settings),
            "PIP_FIND_LINKS": " ".join(
                [*os.environ.get("PIP_FIND_LINKS", "").split(), str(wheel.parent)]
            ),
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "PIP_QUIET": "1",
            "PYTHONNOUSERSITE": "1",
        }

    def _make_sudo(self) -> None:
        """Make a `sudo` that asks for no password; for the lists of packages it asks once."""
        sudo = self._programs / "sudo"
        lists = self._folder / "apt" / "updated"
        sudo.write_text(
            "#!/bin/sh\nset -e\n"
            f"[ -e '{lists}' ] || apt-get update -q >'{lists}.log' 2>&1\n: >'{lists}'\n"
            'exec "$@"\n'
        )
        sudo.chmod(0o755)

    def _run(self, command: list[str], folder: Path, what: str = "") -> str:
        done = subprocess.run(
            command,
            cwd=folder,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_PATIENCE,
            check=False,
        )
        said = "\n".join(done.stdout.splitlines()[-60:])
        assert done.returncode == 0, f"{what} {command[-1]}: exit code {done.returncode}\n{said}"
        return done.stdout


def _written_out(line: str) -> str:
    """Return a line of a page as a script runs it."""
    for start, variables in _SHORT.items():
        if line.startswith(start):
            words = " ".join(f"{name}='{value}'" for name, value in variables.items())
            return f"{words} {line}"
    if line.startswith("flimage-gui"):
        return f"QT_QPA_PLATFORM=offscreen {closing_by_itself(line)}"
    return line


def _tracked() -> list[str]:
    """Names of the files that a clone of the checkout as it is would have."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    return [name for name in listed.split("\0") if name and (ROOT / name).exists()]
