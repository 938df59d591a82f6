"""What README and documentation say is so: commands run, snippets work, links lead somewhere."""

from __future__ import annotations

import argparse
import ast
import doctest
import importlib
import pkgutil
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import tifffile
from doc_examples import (
    ROOT,
    Block,
    Command,
    Reader,
    answers,
    blocks,
    check_installation,
    commands,
    make_targets,
)

import flimage
from flimage.cli import build_parser
from flimage.series import FLSeries
from flimage.verdict import REASON_CODES

DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(DOCS.rglob("*.md"))]
MODULES = sorted(
    module.name for module in pkgutil.walk_packages(flimage.__path__, prefix="flimage.")
)


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory, example: Path) -> Path:
    """The files that examples may use, as CONTRIBUTING lists them."""
    folder = tmp_path_factory.mktemp("recordings")
    shutil.copy(example, folder / "cells.h5")
    shutil.copy(example, folder / "other.h5")
    with FLSeries(h5file=example, h5mode="r") as series:
        stack = np.array([series[i].raw_fl for i in range(40)]).round().astype(np.uint16)
    tifffile.imwrite(folder / "cells.tif", stack, photometric="minisblack")
    tifffile.imwrite(folder / "background.tif", np.full(stack.shape[1:], 5.0, np.float32))
    np.save(folder / "cells.npy", stack)
    (folder / "recordings").mkdir()
    for name in ("dish1", "dish2", "dish3"):
        shutil.copy(example, folder / "recordings" / f"{name}.h5")
    return folder


@pytest.fixture
def reader(tmp_path: Path, recordings: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    """Somebody who works through a page."""
    import dask
    import matplotlib
    from matplotlib import pyplot

    folder = tmp_path / "work"
    shutil.copytree(recordings, folder)
    monkeypatch.chdir(folder)
    matplotlib.use("agg")
    # A window would wait to be closed.
    monkeypatch.setattr(pyplot, "show", lambda: pyplot.close("all"))
    made = Reader(folder)
    # Dask keeps its threads for the whole process otherwise.
    with dask.config.set(scheduler="synchronous"):
        yield made
    made.names.clear()
    pyplot.close("all")


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_command_and_snippet_of_a_page_runs_as_it_says(page: Path, reader: Reader) -> None:
    for block in blocks(page):
        reader.read(block)


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_block_is_of_a_kind_that_is_checked(page: Path) -> None:
    kinds = {"console", "python", "json", "text"}
    wrong = [
        str(block)
        for block in blocks(page)
        if block.language not in kinds and not block.language.startswith("{")
    ]
    assert not wrong


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_every_link_inside_the_project_leads_to_a_file(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    targets = re.findall(r"\]\(([^)\s]+)\)", text)
    targets += re.findall(r"^:::?\{(?:figure|image)\} (\S+)", text, re.M)
    local = [t.partition("#")[0] for t in targets if not re.match(r"\w+:|#", t)]
    missing = [target for target in local if target and not (page.parent / target).exists()]
    assert not missing


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_the_docstrings_give_what_they_show(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(
        importlib.import_module(name), optionflags=doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    )
    assert result.failed == 0


def _options(parser: argparse.ArgumentParser) -> Iterator[tuple[str, set[str]]]:
    """Yield each command with its long options."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                yield name, {o for a in command._actions for o in a.option_strings if o[1] == "-"}


def test_the_reference_of_the_command_line_has_every_option_and_no_other() -> None:
    text = (DOCS / "command-line.md").read_text(encoding="utf-8")
    everywhere = {"--help", "--debug", "--quiet", "--version"}
    known = set(everywhere)
    for name, options in _options(build_parser()):
        section = re.search(rf"^## `flimage {name}`\n(.*?)(?=^## |\Z)", text, re.M | re.S)
        assert section is not None, f"flimage {name} is missing"
        known |= options
        shared = "correction-settings" in section[1]
        documented = text if shared else section[1]
        missing = {o for o in options - everywhere if f"`{o}" not in documented}
        assert not missing, f"flimage {name}: {missing}"
    gui = {"--example", "--quit-after", "--theme", "--install-desktop", "--uninstall-desktop"}
    found = set(re.findall(r"`(--[a-z][a-z-]+)", text))
    assert found <= known | gui


@pytest.mark.parametrize("page", PAGES, ids=_name)
def test_commands_inside_the_text_exist_with_the_options_they_name(page: Path) -> None:
    """What is no example that runs: ``flimage bleach --events``, ``make docs``."""
    text = re.sub(r"^```.*?^```", "", page.read_text(encoding="utf-8"), flags=re.M | re.S)
    known = dict(_options(build_parser()))
    for span in re.findall(r"`((?:flimage|make|python3? -m) [^`]+)`", text):
        program, first, *rest = span.split()
        if program == "make":
            assert first in make_targets(), span
        elif program == "flimage":
            if first == "version":  # not a command, but what a file says it was written by
                continue
            assert first in known or first == "--version", span
            options = {word.partition("=")[0] for word in rest if word.startswith("--")}
            assert options <= known.get(first, set()) | {"--help", "--debug", "--quiet"}, span
        else:
            module = ROOT / Path(*rest[0].split("."))
            assert module.with_suffix(".py").exists() or (module / "__main__.py").exists(), span


def _texts_of_the_program() -> str:
    """All texts in the code with ``…`` where values are filled in, gaps folded."""
    found = []
    for folder in ("flimage", "flimage_gui"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.JoinedStr):
                    parts = (v.value if isinstance(v, ast.Constant) else "…" for v in node.values)
                    found.append("".join(str(part) for part in parts))
                elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                    found.append(node.value)
    return " ".join(" ".join(found).split())


def test_every_message_that_is_explained_is_one_of_the_program() -> None:
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    part = text.partition("<!-- messages of the program -->")[2]
    part = part.partition("<!-- end -->")[0]
    messages = [m[1] for m in re.findall(r"^\| (`+)(.+?)\1", part, re.MULTILINE)]
    assert len(messages) > 20
    program = _texts_of_the_program()
    unknown = [
        message
        for message in messages
        if not all(piece.strip() in program for piece in message.split("…"))
    ]
    assert not unknown


def test_every_reason_of_a_verdict_is_explained_and_no_other() -> None:
    text = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    part = text.partition("## Reasons in a verdict")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `([a-z-]+)` \|", part, re.MULTILINE)) == set(REASON_CODES)


def test_every_key_of_the_window_is_listed_and_no_other() -> None:
    pytest.importorskip("PyQt5", reason="the keys are those of Qt")
    from flimage_gui.menus import shortcut_rows

    text = (DOCS / "window.md").read_text(encoding="utf-8")
    part = text.partition("## Keys")[2].partition("\n## ")[0]
    listed = re.findall(r"^\| (.+?) \| (.+?) \|$", part, re.MULTILINE)
    assert [row for row in listed if row[0] not in ("key", "---")] == list(shortcut_rows())


def test_every_module_that_the_architecture_names_exists() -> None:
    text = (DOCS / "architecture.md").read_text(encoding="utf-8")
    library, window = text.partition("## Modules of the library")[2].split(
        "## Modules of the window"
    )
    for part, package in ((library, "flimage"), (window, "flimage_gui")):
        rows = re.findall(r"^\| (`.*?) \|", part, re.MULTILINE)
        named = {name for row in rows for name in re.findall(r"`(\w+)`", row)}
        there = {path.stem for path in (ROOT / package).iterdir()}
        assert len(named) > 10
        assert named <= there


def test_the_plotting_example_runs_on_the_image_of_the_published_documentation(
    reader: Reader, real_recording: Callable[[str], Path]
) -> None:
    shutil.copy(real_recording("flimage_retina_p10.h5"), reader.folder / "cell.h5")
    plotting = [b for b in blocks(DOCS / "example.md") if "imshow" in b.text]
    assert len(plotting) == 1
    reader.read(plotting[0])
    assert (reader.folder / "cell.png").stat().st_size > 1000
    assert reader.names["name"] == "cda88:49"


# ---------------------------------------------------------------------- the checks themselves


def _command(text: str) -> Command:
    return commands(Block(DOCS / "x.md", 1, "console", text))[0]


def test_an_answer_may_leave_parts_open_but_not_differ() -> None:
    assert answers(["rate k = … /s", "good: …"], "rate   k = 0.06 ± 0.1 /s\ngood: yes\n")
    assert not answers(["rate k = … /s"], "rate k = 0.06 /h")
    assert not answers(["done"], "done and more")


@pytest.mark.parametrize(
    "text", ["$ pip install 'flimage[nothing]'", "$ make nothing", "$ scripts/nothing.sh"]
)
def test_a_command_that_names_what_is_not_there_is_found(text: str) -> None:
    with pytest.raises(AssertionError):
        check_installation(_command(text))


def test_a_command_that_fails_unannounced_is_found(reader: Reader) -> None:
    with pytest.raises(AssertionError, match="nowhere"):
        reader.read(Block(DOCS / "x.md", 1, "console", "$ flimage info nowhere.h5"))
    reader.read(
        Block(DOCS / "x.md", 1, "console", "$ flimage info nowhere.h5\nflimage: There is no file …")
    )
    with pytest.raises(AssertionError):
        reader.read(Block(DOCS / "x.md", 1, "console", "$ flimage --version\nflimage: no"))


def test_a_snippet_that_prints_something_else_is_found(reader: Reader) -> None:
    page = DOCS / "x.md"
    reader.read(Block(page, 1, "python", "print(6 * 7)"))
    with pytest.raises(AssertionError, match="42"):
        reader.read(Block(page, 4, "text", "43", adjoins=True))
