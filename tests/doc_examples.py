"""Finds the commands and snippets in the documentation, and runs them as a reader would.

A page is read from top to bottom in a folder that holds a few recordings. What stands in

* ``console`` blocks behind ``$`` is run in a shell, and what follows it is what the command has to
  answer; ``…`` stands for anything;
* ``python`` blocks is run in one interpreter per page, and a ``text`` block right behind one is
  what it has to print;
* ``json`` blocks has to be JSON.

Commands that install something are not run here; what they name has to exist. `newcomer` runs them.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]

_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>`{3,})(?P<language>[^`\n]*)$")
#: Commands that are run as they stand.
_SHELL = ("flimage", "python", "python3", "cat", "cp", "echo", "ls", "mkdir", "rm")
#: Lines of an answer that tell of a failure, which is then expected.
_FAILURE = re.compile(r"^(flimage|flimage-gui): ")
_PATIENCE = 180.0


@dataclass(frozen=True)
class Block:
    """A block of code of a page; `follows` is what block stands right above it, if any does."""

    page: Path
    line: int
    language: str
    text: str
    adjoins: bool = False

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks(page: Path) -> Iterator[Block]:
    """Find the fenced blocks of a page; those of Sphinx directives (``{name}``) too."""
    lines = page.read_text(encoding="utf-8").splitlines()
    number, last_end = 0, -10
    while number < len(lines):
        start = _FENCE.match(lines[number])
        number += 1
        if start is None:
            continue
        first, ticks, indent = number, start["ticks"], len(start["indent"])
        while lines[number].strip() != ticks:
            number += 1
        text = "\n".join(line[indent:] for line in lines[first:number])
        adjoins = not "".join(lines[last_end + 1 : first - 1]).strip()
        number += 1
        last_end = number - 1
        yield Block(page, first + 1, start["language"].strip(), text, adjoins)


@dataclass
class Command:
    """A command of a console block and what it has to answer."""

    block: Block
    line: int
    text: str
    answer: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return f"{self.block.page.relative_to(ROOT)}:{self.line}: {self.text}"

    @property
    def words(self) -> list[str]:
        """Words of the command without leading assignments and comments."""
        words = shlex.split(self.text, comments=True)
        while words and re.match(r"\w+=", words[0]):
            words.pop(0)
        return words

    @property
    def fails(self) -> bool:
        """Whether the page shows that the command fails."""
        return any(_FAILURE.match(line) for line in self.answer)


def commands(block: Block) -> list[Command]:
    """Split a console block into commands and their answers."""
    found: list[Command] = []
    continues = False
    for offset, line in enumerate(block.text.splitlines()):
        if continues:
            found[-1].text += "\n" + line
        elif line.startswith("$ "):
            found.append(Command(block, block.line + offset, line[2:]))
        elif found:
            found[-1].answer.append(line)
        else:
            raise AssertionError(f"{block}: a console block starts with '$ ', not with {line!r}")
        continues = bool(found) and not found[-1].answer and line.endswith("\\")
    return found


def answers(expected: list[str], found: str) -> bool:
    """Compare what a page says with what came, but for the width of gaps; ``…`` is anything."""

    def folded(text: str) -> str:
        return " ".join(text.split())

    parts = folded("\n".join(expected)).split("…")
    pattern = ".*".join(re.escape(part.strip()) for part in parts)
    return re.fullmatch(pattern, folded(found), re.DOTALL) is not None


def extras() -> set[str]:
    """Names of the extras that can be installed."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    section = text.partition("[project.optional-dependencies]")[2].partition("\n[")[0]
    return set(re.findall(r"^(\w+) = \[", section, re.MULTILINE))


def make_targets() -> set[str]:
    """Names of the targets of the Makefile."""
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    return set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))


def check_installation(command: Command) -> None:
    """Check what a command names that installs something or prepares to.

    Raises
    ------
    AssertionError
        For what does not exist, or a command that there is no rule for.
    """
    words = command.words
    program, rest = Path(words[0]).name, words[1:]
    if program == "sudo":
        assert rest[:2] in (["apt", "install"], ["dnf", "install"]), command
    elif program == "make":
        unknown = {w for w in rest if "=" not in w and not w.startswith("-")} - make_targets()
        assert not unknown, f"{command}: the Makefile has no {unknown}"
    elif program in ("pip", "pipx"):
        assert rest[0] in ("install", "inject"), command
        for word in rest[1:]:
            match = re.fullmatch(r"(?:flimage|\.)\[([\w,]+)\](?: @ .*)?", word)
            missing = set(match[1].split(",")) - extras() if match else set()
            assert not missing, f"{command}: there is no extra {missing}"
            assert match or re.fullmatch(r"-e|--editable|\.|[a-z0-9-]+", word), command
    elif program == "pytest" or rest[:2] == ["-m", "pytest"]:
        named = [w for w in rest if "/" in w]
        assert all((ROOT / w).exists() for w in named), command
    elif program == "pre-commit":
        assert (ROOT / ".pre-commit-config.yaml").exists()
    elif program in ("git", "source", ".", "cd", "ssh", "xdg-open"):
        pass
    elif rest[:2] == ["-m", "venv"]:
        assert len(rest) == 3, command
    else:
        script = ROOT / words[0]
        assert script.is_file(), f"{command}: there is no rule to check this"
        assert os.access(script, os.X_OK), f"{command}: this is no program"


def runs(command: Command) -> bool:
    """Tell whether a command is run, or else checked for what it names."""
    words = command.words
    if words[:1] == ["flimage-gui"]:
        return True
    if words[:1] and words[0] in ("python", "python3") and words[1:2] == ["-m"]:
        return words[2] not in ("venv", "pip", "pytest")
    return bool(words) and words[0] in _SHELL


def closing_by_itself(command: str) -> str:
    """Return a command that opens the window as one in which the window closes by itself."""
    return command.replace("flimage-gui", "flimage-gui --quit-after 1", 1)


class Reader:
    """Works through one page.

    Parameters
    ----------
    folder
        Where the commands run; recordings lie there already.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.names: dict[str, Any] = {"__name__": "__main__"}
        self.printed: str | None = None
        self._environment = {
            **os.environ,
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "QT_QPA_PLATFORM": "offscreen",
            "PYTHONPATH": str(ROOT),
            "PYTHONWARNINGS": "ignore",
            "HOME": str(folder),
            "XDG_DATA_HOME": str(folder / ".local" / "share"),
            "XDG_RUNTIME_DIR": str(folder),
            "COLUMNS": "100",
        }

    def read(self, block: Block) -> None:
        """Run or check one block."""
        if block.language == "console":
            self._run_console(block)
        elif block.language == "python":
            self._run_python(block)
            return
        elif block.language == "json":
            json.loads(block.text)
        elif block.language == "text" and block.adjoins and self.printed is not None:
            assert answers(block.text.splitlines(), self.printed), f"{block}: {self.printed}"
        self.printed = None

    def _run_python(self, block: Block) -> None:
        # As many empty lines as it takes for a traceback to name the line of the page.
        code = compile("\n" * (block.line - 1) + block.text, str(block.page), "exec")
        output = io.StringIO()
        with contextlib.redirect_stdout(output):
            exec(code, self.names)
        self.printed = output.getvalue()

    def _run_console(self, block: Block) -> None:
        code = 0
        todo = commands(block)
        for command, following in zip(todo, [*todo[1:], None], strict=True):
            asks_code = following is not None and following.text == "echo $?"
            if command.text == "echo $?":
                assert command.answer == [str(code)], f"{command}: the exit code is {code}"
            elif not runs(command):
                check_installation(command)
                assert not command.answer, f"{command}: an answer that is not checked"
            else:
                code = self._run(command, any_code=asks_code)

    def _run(self, command: Command, any_code: bool) -> int:
        text = command.text
        if command.words[0] == "flimage-gui" and not {"-h", "--help"} & set(command.words):
            text = closing_by_itself(text)
        done = subprocess.run(
            ["bash", "-c", text],
            cwd=self.folder,
            env=self._environment,
            capture_output=True,
            text=True,
            encoding="utf-8",
            timeout=_PATIENCE,
            check=False,
        )
        # Results first, then what went wrong: that is the order in which a page shows them.
        said = done.stdout + done.stderr
        if not any_code:
            assert (done.returncode != 0) == command.fails, f"{command}\n{said}"
        if command.answer:
            assert answers(command.answer, said), f"{command}\n{said}"
        return done.returncode
