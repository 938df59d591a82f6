"""Take the pictures of the window: a tour of every panel and state, and what the pages show.

``python scripts/screenshots.py`` takes every state in every look (theme, size, scale) into
``build/screenshots``, and copies those that README and documentation mention to ``docs/images``,
made small. Each look is taken in a process of its own, because Qt reads the scale once. Set
``QT_QPA_PLATFORM=xcb`` to take them on a real display; by default none is needed. Nothing but the
simulated example is ever shown.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PyQt5.QtWidgets import QWidget

    from flimage_gui.main_window import MainWindow

ROOT = Path(__file__).resolve().parents[1]
IMAGES = ROOT / "docs" / "images"
PATIENCE = 60.0
#: Errors of a colour that can be seen (of 255), and the share of pixels that may have them.
VISIBLE_ERROR, VISIBLE_SHARE = 10, 2e-3


@dataclass(frozen=True)
class Look:
    """How the window looks: theme, size [px] and scale."""

    theme: str
    width: int
    height: int
    scale: float = 1.0


LOOKS = {
    "light": Look("light", 1440, 900),
    "dark": Look("dark", 1440, 900),
    "small": Look("light", 1024, 700),
    "small-dark": Look("dark", 1024, 700),
    "large": Look("light", 1920, 1200),
    "large-dark": Look("dark", 1920, 1200),
    "2x": Look("light", 1200, 760, 2.0),
    "2x-dark": Look("dark", 1200, 760, 2.0),
}


class Tour:
    """Goes through the states of one window and takes their pictures.

    Parameters
    ----------
    look
        How it looks.
    name
        Name of the look, which ends the name of each picture.
    folder
        Where the pictures go.
    """

    def __init__(self, look: Look, name: str, folder: Path) -> None:
        os.environ["PYQTGRAPH_QT_LIB"] = "PyQt5"
        # Dialogs show paths: let them be short and those of nobody.
        self.work = Path(tempfile.gettempdir()) / "recordings"
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        # Nobody's unsaved work is offered in a picture.
        for variable in ("XDG_STATE_HOME", "LOCALAPPDATA", "XDG_CACHE_HOME"):
            os.environ[variable] = str(self.work / ".state")
        from PyQt5.QtCore import QCoreApplication, QSettings, Qt, QTimer
        from PyQt5.QtWidgets import QApplication

        QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_EnableHighDpiScaling)
        QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_UseHighDpiPixmaps)
        self.app = QApplication(["flimage"])
        # As on a usual desktop; without one, Qt's letters are larger than anybody's.
        font = self.app.font()
        font.setPointSizeF(9.5)
        self.app.setFont(font)
        QApplication.setCursorFlashTime(0)

        from flimage_gui import assets, theme
        from flimage_gui.settings import Settings
        from flimage_gui.windows import Windows

        theme.apply_theme_by_name(look.theme, self.app)
        shutil.copy(assets.example_path(), self.work)
        store = QSettings(str(self.work / "s.ini"), QSettings.Format.IniFormat)
        self.name, self.folder = name, folder
        self.window: MainWindow = Windows(Settings(store)).new_window()
        self.window.move(0, 0)
        self.window.resize(look.width, look.height)
        self._beat = QTimer()
        self._beat.start(10)

    # ------------------------------------------------------------------ means

    def wait(self, until: Callable[[], bool] | None = None, least: float = 0.3) -> None:
        """Wait until something is so, by default until nothing is being computed."""
        from PyQt5.QtCore import QEventLoop

        done = until or (lambda: self.window.session.at_rest)
        start = time.monotonic()
        while not done() or time.monotonic() - start < least:
            self.app.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
            if time.monotonic() - start > PATIENCE:
                said = self.window.message_bar.text
                raise TimeoutError(f"{self.name}: waited too long; {said or 'nothing was said'}")

    def find(self, name: str) -> Any:
        """Return the widget of that object name."""
        from PyQt5.QtWidgets import QWidget

        found = self.window.findChild(QWidget, name)
        assert found is not None, name
        return found

    def find_in(self, parent: QWidget, name: str) -> Any:
        """Return the widget of that object name in another window."""
        from PyQt5.QtWidgets import QWidget

        found = parent.findChild(QWidget, name)
        assert found is not None, name
        return found

    def dialogs(self, name: str) -> list[QWidget]:
        """Return the dialogs of that object name that are shown."""
        from PyQt5.QtWidgets import QDialog

        # One that was closed is still there, because Qt deletes it later.
        return [each for each in self.window.findChildren(QDialog, name) if each.isVisible()]

    def picture(self, name: str, dialog: QWidget | None = None) -> None:
        """Take a picture of the window, and of a dialog where it stands over it."""
        from PyQt5.QtGui import QColor, QPainter

        # Longer than anything takes to be laid out anew and drawn.
        self.wait(least=0.6)
        shown = self.window.grab()
        if dialog is not None:
            painter = QPainter(shown)
            painter.fillRect(self.window.rect(), QColor(0, 0, 0, 70))
            place = self.window.rect().center() - dialog.rect().center()
            painter.drawPixmap(place, dialog.grab())
            painter.end()
        shown.save(str(self.folder / f"{name}-{self.name}.png"))

    def dialog(self, state: str, action: str, name: str, typed: str = "", edit: str = "") -> None:
        """Take a picture of a dialog that an action opens."""
        from PyQt5.QtTest import QTest

        self.window.findChild(_action_class(), action).trigger()
        (dialog,) = self.dialogs(name)
        if typed:
            QTest.keyClicks(self.find_in(dialog, edit), typed)
        self.wait()
        self.picture(state, dialog)
        dialog.reject()
        self.wait()

    # ------------------------------------------------------------------ states

    def run(self) -> None:
        """Go through all states."""
        from flimage_gui.comparing import Mode
        from flimage_gui.session import Display

        window = self.window
        session = window.session
        self.picture("welcome")
        window.open_path(self.work / "example.h5")
        self.wait(lambda: session.source is not None)
        self.picture("raw")
        session.run_fit()
        self.wait(lambda: session.fit_current)
        session.set_display(Display.RAW)
        session.set_frame(40)
        self.picture("fit")
        for panel in ("background", "metadata"):
            self.find(f"{panel}Dock").raise_()
            self.picture(panel)
        self.find("bleachDock").raise_()
        for panel in ("frame", "history"):
            self.find(f"{panel}Dock").raise_()
            self.picture(panel)
        self.find("traceDock").raise_()
        session.set_frame(100)
        session.set_display(Display.BLEACH_CORRECTED)
        window.frame_view.colormap = "Inferno"
        self.picture("corrected")
        for mode in (Mode.SIDE, Mode.SWIPE, Mode.DIFFERENCE, Mode.RATIO):
            window.looking.comparison.set_mode(mode)
            self.wait(least=0.5)
            self.picture(f"compare-{mode.name.lower()}")
        window.looking.comparison.set_mode(Mode.OFF)
        window.frame_view.colormap = "Gray"
        session.set_display(Display.RAW)
        self.dialog("commands", "actionCommands", "commandPalette", "comp", "commandEdit")
        self.dialog("shortcuts", "actionShortcuts", "shortcutsDialog")
        self.dialog("preferences", "actionPreferences", "preferencesDialog")
        self.dialog("jump", "actionJump", "jumpDialog")
        self.dialog("about", "actionAbout", "aboutDialog")
        self.dialog("export", "actionExport", "exportDialog")
        self.dialog("export-images", "actionExportAs", "exportAsDialog")
        self.dialog(
            "export-movie", "actionExportAs", "exportAsDialog", "Movie", "exportAsKindCombo"
        )
        self._show_focus()
        self._show_import()
        self._show_several()
        self._show_messages()
        self._show_regions()
        self._show_batch()
        session.shut_down()
        shutil.rmtree(self.work)

    def _show_regions(self) -> None:
        from flimage.recipe import Region

        window = self.window
        window.message_bar.hide()
        window.session.set_frame(40)
        regions = window.looking.named_regions
        regions.add(Region("rectangle", ((39, 33), (90, 90))))
        regions.add(Region("ellipse", ((109, 40), (167, 101))))
        window.looking.scale_button.setChecked(True)
        window.looking.time_action.setChecked(True)
        self.find("regionsDock").raise_()
        self.wait()
        self.picture("regions")

    def _show_batch(self) -> None:
        folder = self.work / "day1"
        folder.mkdir()
        for number in range(1, 7):
            shutil.copy(self.work / "example.h5", folder / f"dish{number}.h5")
        (folder / "dish4.h5").write_text("not HDF5")
        batch = self.window.windows.show_batch(self.window)
        batch.resize(900, 620)
        batch.add([folder])
        batch.start()
        self.wait(lambda: not batch.run.running)
        self.find_in(batch, "batchTable").selectRow(0)
        self.wait(least=0.5)
        batch.grab().save(str(self.folder / f"batch-{self.name}.png"))
        batch.close()
        self.wait()

    def _show_focus(self) -> None:
        from PyQt5.QtCore import Qt
        from PyQt5.QtTest import QTest

        self.window.activateWindow()
        self.wait(lambda: self.window.isActiveWindow())
        graphics = self.find("frameGraphics")
        self.find("colormapCombo").setFocus(Qt.FocusReason.TabFocusReason)
        while self.window.focusWidget() is not graphics:
            QTest.keyClick(self.window.focusWidget(), Qt.Key.Key_Tab)
        self.picture("focus")
        self.window.frame_view.setFocus()

    def _show_import(self) -> None:
        import numpy as np
        import tifffile
        from PyQt5.QtWidgets import QDialog

        source = self.window.session.source
        assert source is not None
        frames = np.array([source.raw(i) for i in range(20)])
        tifffile.imwrite(self.work / "embryo.tif", frames.round().astype(np.uint16))
        self.window.open_path(self.work / "embryo.tif")
        self.wait(lambda: self.window.findChild(QDialog, "importDialog") is not None)
        dialog = self.find("importDialog")
        self.picture("import", dialog)
        dialog.reject()
        self.wait()
        planes = frames.round().astype(np.uint16)[:, None]
        flipped = planes[:, :, ::-1]
        # Two channels at two depths.
        stack = np.stack([np.concatenate([planes, flipped], 1)] * 2, 2)
        metadata = {
            "axes": "TCZYX",
            "Channel": {"Name": ["GFP", "mCherry"]},
            "TimeIncrement": 0.5,
            "TimeIncrementUnit": "s",
            "PhysicalSizeX": 0.2,
            "PhysicalSizeY": 0.2,
        }
        path = self.work / "stack.ome.tif"
        tifffile.imwrite(path, np.ascontiguousarray(stack), ome=True, metadata=metadata)
        self.window.open_path(path)

        self.wait(lambda: bool(self.dialogs("importDialog")))
        (dialog,) = self.dialogs("importDialog")
        self.picture("channels", dialog)
        dialog.reject()
        self.wait()

    def _show_several(self) -> None:
        import h5py
        from PyQt5.QtWidgets import QDialog

        path = self.work / "plate.h5"
        with h5py.File(self.work / "example.h5") as example, h5py.File(path, "w") as plate:
            for place in ("control", "drug/dish1", "drug/dish2"):
                example.copy("/", plate, name=place)
                plate[place].attrs["identifier"] = place.rpartition("/")[2]
        self.window.open_path(path)
        self.wait(lambda: self.window.findChild(QDialog, "seriesDialog") is not None)
        dialog = self.find("seriesDialog")
        self.picture("series", dialog)
        dialog.reject()
        self.wait()

    def _show_messages(self) -> None:
        self.window.message_bar.show_done(
            f"The corrected series was written to {self.work / 'corrected.h5'}.", "Open it", print
        )
        self.picture("done")
        (self.work / "notes.h5").write_text("not HDF5")
        self.window.open_path(self.work / "notes.h5")
        self.wait(lambda: bool(self.window.message_bar.text))
        self.picture("error")


def _action_class() -> Any:
    from PyQt5.QtWidgets import QAction

    return QAction


# ---------------------------------------------------------------------- pictures


def mentioned() -> list[str]:
    """Return the names of the pictures of the window that the pages show."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    names = {
        name
        for page in pages
        for name in re.findall(r"images/([\w-]+\.png)", page.read_text(encoding="utf-8"))
    }
    looks = "|".join(LOOKS)
    return sorted(name for name in names if re.fullmatch(rf"[\w-]+?-({looks})\.png", name))


def make_small(source: Path, target: Path) -> None:
    """Copy a picture, with as many colours as a palette holds where few people can tell."""
    import numpy as np
    from PIL import Image

    with Image.open(source) as image:
        full = image.convert("RGB")
    few = full.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=6, dither=Image.Dither.NONE)
    error = np.abs(np.asarray(full, np.int16) - np.asarray(few.convert("RGB"), np.int16)).max(
        axis=2
    )
    # In the bar of a colour map, steps can be seen.
    picture = few if np.mean(error > VISIBLE_ERROR) < VISIBLE_SHARE else full
    picture.save(target, optimize=True)


def contact_sheet(folder: Path, look: str) -> Path:
    """Put all pictures of a look on one page, to be looked through."""
    from PIL import Image

    pictures = [p for p in folder.glob(f"*-{look}.png") if _look_of(p) == look]
    width, columns = 640, 4
    thumbs = []
    for path in sorted(pictures):
        with Image.open(path) as image:
            small = image.convert("RGB")
            small.thumbnail((width, width))
            thumbs.append(small)
    height = max(thumb.height for thumb in thumbs)
    rows = -(-len(thumbs) // columns)
    sheet = Image.new("RGB", (columns * (width + 8), rows * (height + 8)), "#808080")
    for number, thumb in enumerate(thumbs):
        sheet.paste(thumb, (number % columns * (width + 8), number // columns * (height + 8)))
    target = folder / f"sheet-{look}.png"
    sheet.save(target)
    return target


def _look_of(path: Path) -> str:
    found = re.fullmatch(rf"[\w-]+?-({'|'.join(LOOKS)})", path.stem)
    return found[1] if found and not path.stem.startswith("sheet-") else ""


def main() -> int:
    """Take all pictures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "build" / "screenshots")
    parser.add_argument("--look", choices=sorted(LOOKS), action="append", help="only this look")
    parser.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    looks = arguments.look or list(LOOKS)
    if arguments.here:
        Tour(LOOKS[looks[0]], looks[0], arguments.folder).run()
        return 0
    for name in looks:
        scale = str(LOOKS[name].scale)
        environment = {"QT_QPA_PLATFORM": "offscreen", **os.environ, "QT_SCALE_FACTOR": scale}
        command = [sys.executable, __file__, str(arguments.folder), "--look", name, "--here"]
        subprocess.run(command, env=environment, check=True)
        print(contact_sheet(arguments.folder, name))
    for name in mentioned():
        if (arguments.folder / name).exists():
            make_small(arguments.folder / name, IMAGES / name)
            print(IMAGES / name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
