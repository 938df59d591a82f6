"""How Sphinx builds the documentation: ``make docs``.

Nothing is fetched while building, so that it works without a network, and every warning is an
error there.
"""

from __future__ import annotations

import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from flimage import __version__  # noqa: E402 - found through the line above

project = "flimage"
author = "The flimage developers"
copyright = "The flimage developers"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.mathjax",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
]

source_suffix = {".md": "markdown"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["amsmath", "colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4

html_theme = "furo"
html_title = f"flimage {release}"
html_logo = "../resources/icon-flimage.svg"
html_favicon = "../resources/icon-flimage.svg"
html_static_path = ["_static"]
html_css_files = ["flimage.css"]
html_copy_source = False
html_show_copyright = False
html_theme_options = {
    "sidebar_hide_name": False,
    "light_css_variables": {
        "color-brand-primary": "#1a5fb4",
        "color-brand-content": "#1a5fb4",
    },
    "dark_css_variables": {
        "color-brand-primary": "#7fb2f0",
        "color-brand-content": "#7fb2f0",
    },
}
pygments_style = "friendly"
pygments_dark_style = "monokai"

# Only what is typed is copied, not what the program answers.
copybutton_prompt_text = r"\$ "
copybutton_prompt_is_regexp = True
copybutton_only_copy_prompt_lines = True
copybutton_remove_prompts = True

autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_ivar = True

#: Pages that benchmarks write; a checkout may be without them.
MEASURED = ("accuracy", "performance", "real-recordings", "reliability", "science")


def list_what_is_there(app: Sphinx, page: str, source: list[str]) -> None:
    """Leave pages out of the table of contents that were not written yet."""
    if page == "index":
        lines = source[0].splitlines()
        missing = {name for name in MEASURED if not (ROOT / "docs" / f"{name}.md").exists()}
        source[0] = "\n".join(line for line in lines if line not in missing)


def setup(app: Sphinx) -> None:
    """Ask Sphinx to call what stands above."""
    app.connect("source-read", list_what_is_there)
