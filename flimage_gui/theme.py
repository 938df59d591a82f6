"""The colours of the program, light and dark, in one place; plots take theirs from the palette."""

from __future__ import annotations

import string
from dataclasses import asdict, dataclass

from PyQt5.QtGui import QColor, QPalette
from PyQt5.QtWidgets import QApplication, QStyleFactory

from . import assets

__all__ = [
    "DARK",
    "LIGHT",
    "Theme",
    "apply_theme",
    "apply_theme_by_name",
    "is_system_dark",
    "set_system_dark",
]


#: Property of the application that keeps what its palette was at first.
_SYSTEM_IS_DARK = "flimage_system_is_dark"


@dataclass(frozen=True)
class Theme:
    """Colours by what they are for, as ``#rrggbb``."""

    window: str
    base: str
    text: str
    dim: str
    faint: str
    line: str
    button: str
    hover: str
    pressed: str
    panel_title: str
    accent: str
    accent_hover: str
    accent_down: str
    accent_text: str
    link: str
    track: str
    handle: str
    handle_line: str
    scroll: str
    tip: str
    tip_text: str
    note: str
    error: str
    done: str

    def palette(self) -> QPalette:
        """Return the palette that all widgets and plots follow."""
        palette = QPalette()
        roles = {
            QPalette.ColorRole.Window: self.window,
            QPalette.ColorRole.WindowText: self.text,
            QPalette.ColorRole.Base: self.base,
            QPalette.ColorRole.AlternateBase: self.panel_title,
            QPalette.ColorRole.Text: self.text,
            QPalette.ColorRole.Button: self.button,
            QPalette.ColorRole.ButtonText: self.text,
            QPalette.ColorRole.BrightText: self.accent_text,
            QPalette.ColorRole.Highlight: self.accent,
            QPalette.ColorRole.HighlightedText: self.accent_text,
            QPalette.ColorRole.Link: self.link,
            QPalette.ColorRole.LinkVisited: self.link,
            QPalette.ColorRole.ToolTipBase: self.tip,
            QPalette.ColorRole.ToolTipText: self.tip_text,
            QPalette.ColorRole.PlaceholderText: self.faint,
            QPalette.ColorRole.Light: self.hover,
            QPalette.ColorRole.Midlight: self.hover,
            QPalette.ColorRole.Mid: self.line,
            QPalette.ColorRole.Dark: self.line,
            QPalette.ColorRole.Shadow: self.dim,
        }
        for role, color in roles.items():
            palette.setColor(role, QColor(color))
        for role in (
            QPalette.ColorRole.WindowText,
            QPalette.ColorRole.Text,
            QPalette.ColorRole.ButtonText,
        ):
            palette.setColor(QPalette.ColorGroup.Disabled, role, QColor(self.faint))
        palette.setColor(
            QPalette.ColorGroup.Disabled, QPalette.ColorRole.Highlight, QColor(self.line)
        )
        return palette


LIGHT = Theme(
    window="#f3f4f6",
    base="#ffffff",
    text="#1c2127",
    dim="#565f6b",
    faint="#98a0aa",
    line="#d3d7dd",
    button="#fbfbfc",
    hover="#e4e7eb",
    pressed="#d5dae1",
    panel_title="#e9ebef",
    accent="#1f66b8",
    accent_hover="#2a76cd",
    accent_down="#18559c",
    accent_text="#ffffff",
    link="#1a5aa5",
    track="#d3d7dd",
    handle="#ffffff",
    handle_line="#9aa2ad",
    scroll="#c0c6ce",
    tip="#ffffff",
    tip_text="#1c2127",
    note="#e3eefb",
    error="#fde7e4",
    done="#e2f4e5",
)

DARK = Theme(
    window="#23262b",
    base="#1a1c20",
    text="#e3e6ea",
    dim="#a4acb6",
    faint="#737b85",
    line="#3b4048",
    button="#2f333a",
    hover="#363b43",
    pressed="#434953",
    panel_title="#2b2f35",
    accent="#3a7fd0",
    accent_hover="#4a90e2",
    accent_down="#2f6cb3",
    accent_text="#ffffff",
    link="#7db6f5",
    track="#41464f",
    handle="#d9dde2",
    handle_line="#6b737e",
    scroll="#4d545e",
    tip="#32363d",
    tip_text="#e3e6ea",
    note="#1f344d",
    error="#4d2421",
    done="#1d3d27",
)


def is_system_dark(app: QApplication) -> bool:
    """Tell whether the palette that the desktop gave to the program is dark."""
    if app.property(_SYSTEM_IS_DARK) is None:
        # Only before a theme was applied is the palette that of the desktop.
        palette = app.palette()
        window = palette.color(QPalette.ColorRole.Window).lightness()
        text = palette.color(QPalette.ColorRole.WindowText).lightness()
        app.setProperty(_SYSTEM_IS_DARK, window < text)
    return bool(app.property(_SYSTEM_IS_DARK))


def set_system_dark(app: QApplication, dark: bool) -> None:
    """Note what the desktop has become while the program runs."""
    app.setProperty(_SYSTEM_IS_DARK, dark)


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Show the whole program in the colours of `theme`."""
    is_system_dark(app)
    app.setStyle(QStyleFactory.create("Fusion"))
    app.setPalette(theme.palette())
    sheet = string.Template(assets.read_text("style.qss"))
    app.setStyleSheet(sheet.substitute(asdict(theme), resources=assets.folder().as_posix()))


def apply_theme_by_name(name: str, app: QApplication | None = None) -> None:
    """Apply ``"light"``, ``"dark"``, or what the desktop uses for any other name."""
    app = QApplication.instance() if app is None else app
    assert isinstance(app, QApplication)
    dark = name == "dark" or (name != "light" and is_system_dark(app))
    apply_theme(app, DARK if dark else LIGHT)
