"""HTML pages that stand alone: one file, no scripts, nothing loaded, readable in light and dark."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence

__all__ = ["badge", "definition_table", "page", "safe", "table"]

_STYLE = """
:root { color-scheme: light dark; --ink: #22272e; --faint: #5c6570; --line: #d9dee4;
  --back: #ffffff; --box: #f4f6f8; --link: #0b5cad;
  --good: #1f6b40; --caution: #8a5600; --refused: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --ink: #e3e7ec; --faint: #a2abb6; --line: #3a424c;
  --back: #16191d; --box: #20252b; --link: #7db7ff;
  --good: #6cc796; --caution: #e6b04d; --refused: #ff8a80; } }
body { margin: 0 auto; padding: 24px 20px 48px; max-width: 1040px; color: var(--ink);
  background: var(--back); font: 15px/1.5 system-ui, "Segoe UI", Roboto, sans-serif; }
a { color: var(--link); }
h1 { font-size: 1.5rem; margin: 0 0 .2em; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2em 0 .5em; border-bottom: 1px solid var(--line); }
p { margin: .4em 0; } .faint { color: var(--faint); }
.verdict { padding: .7em 1em; margin: 1em 0; background: var(--box); border-left: 5px solid; }
.good { color: var(--good); } .caution { color: var(--caution); }
.refused { color: var(--refused); }
.verdict p { color: var(--ink); } .badge { font-weight: 600; white-space: nowrap; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .25em 1em .25em 0;
  border-bottom: 1px solid var(--line); }
th { font-weight: 600; } .number { white-space: nowrap; } td { overflow-wrap: break-word; }
figure { display: inline-block; margin: 0 16px 8px 0; } figcaption { color: var(--faint); }
details { margin: .6em 0; } summary { cursor: pointer; }
pre { overflow-x: auto; padding: .8em; background: var(--box); font-size: 12px;
  white-space: pre-wrap; overflow-wrap: anywhere; }
@media print { body { max-width: none; } details { display: none; } h2 { break-after: avoid; } }
"""


def safe(text: object) -> str:
    """Text as it has to stand in HTML, also in attributes."""
    return html.escape(str(text), quote=True)


def badge(grade: str, text: str | None = None) -> str:
    """Write a grade ("good", "caution", "refused") in its colour."""
    return f'<span class="badge {safe(grade)}">{safe(grade if text is None else text)}</span>'


def definition_table(rows: Iterable[tuple[str, object]]) -> str:
    """Table of names and values; both are escaped."""
    body = "".join(
        f'<tr><th scope="row">{safe(name)}</th><td>{safe(value)}</td></tr>' for name, value in rows
    )
    return f'<div class="wide"><table>{body}</table></div>'


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Table with a header, which is escaped; the cells are HTML."""
    head = "".join(f'<th scope="col">{safe(name)}</th>' for name in header)
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
    inner = f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody>"
    return f'<div class="wide"><table>{inner}</table></div>'


def page(title: str, body: str) -> str:
    """Complete a page.

    Parameters
    ----------
    title
        Of the browser's tab; it is escaped.
    body
        HTML between ``<body>`` and ``</body>``.
    """
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        # The browser itself makes sure that nothing runs and nothing is loaded.
        '<meta http-equiv="Content-Security-Policy" content="default-src \'none\'; img-src data:;'
        " style-src 'unsafe-inline'\">\n"
        f"<title>{safe(title)}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n{body}\n"
        "</body>\n</html>\n"
    )
