"""The command ``flimage-gui``: arguments, application, and what happens with exceptions."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .main_window import MainWindow

# pyqtgraph takes the first binding it finds installed; this program is made for one.
os.environ["PYQTGRAPH_QT_LIB"] = "PyQt5"

__all__ = ["main"]

#: Exit code where no window can open.
NO_DISPLAY = 3


def _parse(argv: Sequence[str] | None) -> argparse.Namespace:
    from flimage import __version__

    parser = argparse.ArgumentParser(
        prog="flimage-gui",
        description="Look through a fluorescence recording and correct its photobleaching.",
    )
    parser.add_argument("file", nargs="?", type=Path, help="series or recording to open")
    parser.add_argument("--example", action="store_true", help="open the example recording")
    parser.add_argument(
        "--quit-after", type=float, metavar="SECONDS", help="close the window after this time"
    )
    parser.add_argument("--theme", choices=("system", "light", "dark"), help="for this run only")
    desktop = parser.add_mutually_exclusive_group()
    for word, help_text in (
        ("install", "add flimage to the menu and to what opens recordings (Linux)"),
        ("uninstall", "take that back"),
    ):
        desktop.add_argument(
            f"--{word}-desktop", dest="desktop", action="store_const", const=word, help=help_text
        )
    parser.add_argument("--version", action="version", version=f"flimage {__version__}")
    return parser.parse_args(argv)


def _has_display() -> bool:
    if not sys.platform.startswith("linux") or os.environ.get("QT_QPA_PLATFORM"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def _close_unasked(window: MainWindow) -> None:
    """Close the window without asking whether what runs may be cancelled: nobody is there."""
    from PyQt5.QtCore import QTimer

    if window.session.busy:
        window.session.cancel()
        QTimer.singleShot(20, lambda: _close_unasked(window))
    else:
        window.close()


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program.

    Parameters
    ----------
    argv
        Arguments without the name of the program; by default those of the process.

    Returns
    -------
    int
        Exit code; 3 when there is no display.
    """
    arguments = _parse(argv)
    if arguments.desktop is not None:
        from . import desktop

        return desktop.run(arguments.desktop)
    if not _has_display():
        print(
            "flimage-gui: there is no display (DISPLAY and WAYLAND_DISPLAY are not set); log in"
            " with a desktop, or use the command flimage instead.",
            file=sys.stderr,
        )
        return NO_DISPLAY
    try:
        from PyQt5.QtCore import QCoreApplication, Qt, QTimer
        from PyQt5.QtWidgets import QApplication
    except ImportError as error:
        print(
            f"flimage-gui: Qt cannot be loaded ({error}); install the window with"
            " pip install 'flimage[gui]', or the system library that is named.",
            file=sys.stderr,
        )
        return 1
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_EnableHighDpiScaling)
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_UseHighDpiPixmaps)
    QApplication.setHighDpiScaleFactorRoundingPolicy(
        Qt.HighDpiScaleFactorRoundingPolicy.PassThrough
    )
    app = QApplication(["flimage"])
    app.setApplicationName("flimage")
    app.setApplicationDisplayName("")
    app.setDesktopFileName("flimage")

    from . import assets, theme
    from .main_window import MainWindow
    from .notify import ExceptionReporter
    from .settings import Preferences, Settings

    settings = Settings()
    theme.apply_theme_by_name(arguments.theme or settings.get(Preferences.theme), app)
    app.setWindowIcon(assets.app_icon())
    reporter = ExceptionReporter()
    window = MainWindow(settings)
    reporter.caught.connect(window.message_bar.show_error)
    reporter.install()
    window.show()
    if arguments.file is not None:
        window.open_path(arguments.file)
    elif arguments.example:
        window.open_example()
    if arguments.quit_after is not None:
        QTimer.singleShot(round(arguments.quit_after * 1000), lambda: _close_unasked(window))

    # Python handles Ctrl+C in the terminal only between its own instructions.
    signal.signal(signal.SIGINT, lambda *_: window.close())
    alive = QTimer()
    alive.timeout.connect(lambda: None)
    alive.start(250)
    try:
        return app.exec()
    finally:
        reporter.remove()


if __name__ == "__main__":
    sys.exit(main())
