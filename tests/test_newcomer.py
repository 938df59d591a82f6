"""What the pages let a newcomer install, build and check is done, from nothing.

This takes minutes and needs the registries of packages: ``.ci/run`` asks for it (with the wheel
that it has built), ``make test`` by itself does not.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
from doc_examples import ROOT, blocks, commands, make_targets, runs
from newcomer import Newcomer, steps

import flimage

WHEEL = os.environ.get("FLIMAGE_NEWCOMER_WHEEL", "")
#: README first: what it says has to work before anything else was done.
PAGES = [
    page
    for page in (
        ROOT / "README.md",
        ROOT / "CONTRIBUTING.md",
        *sorted((ROOT / "docs").rglob("*.md")),
    )
    if any(steps(page))
]

needs_registries = pytest.mark.skipif(
    not WHEEL, reason="installs packages; .ci/run does it (FLIMAGE_NEWCOMER_WHEEL names the wheel)"
)


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory: pytest.TempPathFactory) -> Newcomer:
    if shutil.which("apt") is None or shutil.which("make") is None:
        pytest.skip("the pages are for a machine with make, and name packages of Debian")
    return Newcomer(tmp_path_factory.mktemp("newcomer"), Path(WHEEL).resolve())


@needs_registries
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_a_newcomer_can_do_all_that_a_page_says(newcomer: Newcomer, page: Path) -> None:
    ran = newcomer.follow(page)
    if page.name == "README.md":
        written = newcomer.checkout(page) / "output"
        assert {each.name for each in written.iterdir()} == {
            "example_corrected.h5",
            "example_corrected.png",
        }
    if "pre-commit install" in ran:
        hook = newcomer.checkout(page) / ".git" / "hooks" / "pre-commit"
        assert "pre-commit" in hook.read_text()
    if any(re.match(r"pip install '?flimage", line) for line in ran):
        version = newcomer.python("import importlib.metadata as m; print(m.version('flimage'))")
        assert version.strip() == flimage.__version__
    changed = newcomer.files_that_differ(page)
    # `make torture` writes its page anew; formatting and building leave everything as it is.
    assert set(changed) <= {"docs/reliability.md"}


def test_no_command_of_a_page_is_left_to_nobody() -> None:
    """Each runs in an environment that is there (`test_docs`), or makes one (here)."""
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")):
        here = {line for step in steps(page) for line in step.lines}
        for block in blocks(page):
            if block.language == "console":
                left = [c.text for c in commands(block) if not runs(c) and c.text not in here]
                assert not left, f"{block}: {left}"


def test_ci_runs_what_is_kept_short_here() -> None:
    text = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for target in ("test", "lint", "docs"):
        assert target in make_targets()
        assert re.search(rf"^make --no-print-directory {target}\b", text, re.MULTILINE)
