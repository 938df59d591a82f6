"""Take the pictures of the window that README and documentation show.

``python scripts/screenshots.py [FOLDER]`` writes ``docs/images/*.png`` (or into FOLDER). Each look
(theme, size, scale) is taken in a process of its own, because Qt reads the scale once. Set
``QT_QPA_PLATFORM=xcb`` to take them on a real display; by default none is needed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

#: look -> theme, width, height, scale, states that are taken
LOOKS = {
    "light": ("light", 1440, 900, 1.0, ("welcome", "raw", "fit", "corrected", "export", "import")),
    "dark": ("dark", 1440, 900, 1.0, ("welcome", "fit", "corrected", "metadata", "error")),
    "small": ("light", 1024, 700, 1.0, ("fit", "background")),
    "small-dark": ("dark", 1024, 700, 1.0, ("corrected",)),
    "large": ("light", 1920, 1200, 1.0, ("fit",)),
    "2x": ("light", 1200, 760, 2.0, ("fit",)),
}
PATIENCE = 60.0


def take(look: str, folder: Path) -> None:
    """Take all states of one look in this process."""
    os.environ["PYQTGRAPH_QT_LIB"] = "PyQt5"
    from PyQt5.QtCore import QCoreApplication, QEventLoop, QSettings, Qt, QTimer
    from PyQt5.QtWidgets import QApplication, QDialog, QWidget

    theme_name, width, height, _, states = LOOKS[look]
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_EnableHighDpiScaling)
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_UseHighDpiPixmaps)
    app = QApplication(["flimage"])

    # As on a usual desktop; without one, Qt's letters are larger than anybody's.
    font = app.font()
    font.setPointSizeF(9.5)
    app.setFont(font)

    from flimage_gui import assets, theme
    from flimage_gui.main_window import MainWindow
    from flimage_gui.session import Display
    from flimage_gui.settings import Settings

    theme.apply_theme_by_name(theme_name, app)
    # Dialogs show paths: let them be short and those of nobody.
    work = Path(tempfile.gettempdir()) / "recordings"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    shutil.copy(assets.example_path(), work)
    settings = Settings(QSettings(str(work / "s.ini"), QSettings.Format.IniFormat))
    window = MainWindow(settings)
    window.resize(width, height)
    window.show()
    beat = QTimer()
    beat.start(10)

    def wait(until: Callable[[], bool], least: float = 0.3) -> None:
        start = time.monotonic()
        while not until() or time.monotonic() - start < least:
            app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
            if time.monotonic() - start > PATIENCE:
                raise TimeoutError(f"{look}: waited too long")

    def picture(name: str, widget: QWidget | None = None) -> None:
        wait(lambda: window.session.at_rest)
        path = folder / f"{name}-{look}.png"
        shown = window.grab()
        if widget is not None:
            # A dialog is drawn where it stands over the window.
            from PyQt5.QtGui import QColor, QPainter

            painter = QPainter(shown)
            painter.fillRect(window.rect(), QColor(0, 0, 0, 70))
            place = window.rect().center() - widget.rect().center()
            painter.drawPixmap(place, widget.grab())
            painter.end()
        shown.save(str(path))
        print(path)

    def open_example() -> None:
        if window.session.source is None:
            window.open_path(work / "example.h5")
            wait(lambda: window.session.source is not None)
            wait(lambda: window.session.at_rest)

    def run() -> None:
        open_example()
        if not window.session.fit_current:
            window.session.run_fit()
            wait(lambda: window.session.fit_current)
        window.session.set_frame(40)

    for state in states:
        if state == "welcome":
            picture(state)
        elif state == "raw":
            open_example()
            picture(state)
        elif state == "background":
            open_example()
            window.findChild(QWidget, "backgroundDock").raise_()
            picture(state)
        elif state == "fit":
            run()
            picture(state)
        elif state == "corrected":
            run()
            window.session.set_frame(100)
            window.session.set_display(Display.BLEACH_CORRECTED)
            window.frame_view.colormap = "Inferno"
            picture(state)
            window.frame_view.colormap = "Gray"
            window.session.set_display(Display.RAW)
        elif state == "metadata":
            run()
            window.findChild(QWidget, "metadataDock").raise_()
            picture(state)
            window.findChild(QWidget, "bleachDock").raise_()
        elif state == "error":
            run()
            (work / "notes.h5").write_text("not HDF5")
            window.open_path(work / "notes.h5")
            wait(lambda: bool(window.message_bar.text))
            picture(state)
        elif state == "export":
            run()
            window.ask_export()
            dialog = window.findChild(QDialog, "exportDialog")
            picture(state, dialog)
            dialog.reject()
        elif state == "import":
            run()
            import numpy as np
            import tifffile

            frames = [window.session.source.raw(i) for i in range(20)]
            tifffile.imwrite(work / "embryo.tif", np.array(frames).round().astype(np.uint16))
            window.open_path(work / "embryo.tif")
            wait(lambda: window.findChild(QDialog, "importDialog") is not None)
            dialog = window.findChild(QDialog, "importDialog")
            picture(state, dialog)
            dialog.reject()
    window.session.shut_down()
    shutil.rmtree(work)


def main() -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "docs" / "images")
    parser.add_argument("--look", choices=sorted(LOOKS), help="only this look, in this process")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    if arguments.look is not None:
        take(arguments.look, arguments.folder)
        return 0
    for look, (_, _, _, scale, _) in LOOKS.items():
        environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ, "QT_SCALE_FACTOR": str(scale)}
        command = [sys.executable, __file__, str(arguments.folder), "--look", look]
        subprocess.run(command, env=environment, check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
