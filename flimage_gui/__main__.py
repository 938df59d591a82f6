"""The command ``flimage-gui``: arguments, application, and what happens with exceptions."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from pathlib import Path

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
    parser.add_argument(
        "files",
        nargs="*",
        metavar="file",
        type=Path,
        help="series or recording to open; each one in a window of its own",
    )
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
    from .process import prepare_process

    prepare_process()
    try:
        from PyQt5.QtCore import QCoreApplication, Qt, QTimer
        from PyQt5.QtWidgets import QApplication
    except ImportError as error:
        from flimage.extras import install_command
        from flimage.system_libraries import cure

        remedy = cure(str(error))
        if isinstance(error, ModuleNotFoundError):
            remedy = install_command("gui")
        remedy = f"run '{remedy}'" if remedy else "install the library of the system that is named"
        print(f"flimage-gui: Qt cannot be loaded ({error}); {remedy}.", file=sys.stderr)
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
    from .settings import Preferences, Settings

    settings = Settings()
    theme.apply_theme_by_name(arguments.theme or settings.get(Preferences.theme), app)
    app.setWindowIcon(assets.app_icon())
    look = None
    if len(arguments.files) == 1:
        from .first_look import show_first_look

        look = show_first_look(arguments.files[0], settings)

    # All that takes long to import and to build comes after the first frame.
    from .notify import ExceptionReporter
    from .system_theme import SystemTheme
    from .termination import Termination
    from .windows import Windows

    reporter = ExceptionReporter()
    windows = Windows(settings)
    reporter.caught.connect(windows.show_error)
    reporter.install()
    first = windows.new_window()
    for path in arguments.files:
        windows.open_path(path)
    if look is not None:
        look.leave_to(first)
    if arguments.example and not arguments.files:
        first.open_example()
    following = SystemTheme(app, lambda: arguments.theme or settings.get(Preferences.theme))
    termination = Termination(windows.leave_unasked)
    if arguments.quit_after is not None:
        # Nobody is there to answer a question.
        QTimer.singleShot(round(arguments.quit_after * 1000), windows.leave_unasked)
    try:
        return app.exec()
    finally:
        termination.remove()
        following.deleteLater()
        reporter.remove()


if __name__ == "__main__":
    sys.exit(main())
