"""A restless person at the window: legal actions, chosen at random."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
from on_image import place, viewport
from pointer import drag
from PyQt5.QtCore import QEvent, QPoint, Qt
from PyQt5.QtTest import QTest
from PyQt5.QtWidgets import QAction, QApplication, QDialog, QFileDialog
from recordings import decaying, write_series

from flimage.recipe import Region
from flimage_gui import dialogs
from flimage_gui.comparing import Mode
from flimage_gui.editor import Editor
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Display, Session

__all__ = ["RestlessPerson"]

Action = Callable[[], object]

_KEYS = (
    Qt.Key.Key_Right,
    Qt.Key.Key_Left,
    Qt.Key.Key_End,
    Qt.Key.Key_Home,
    Qt.Key.Key_PageDown,
    Qt.Key.Key_Plus,
    Qt.Key.Key_Minus,
    Qt.Key.Key_4,
    Qt.Key.Key_C,
    Qt.Key.Key_B,
    Qt.Key.Key_R,
    Qt.Key.Key_S,
    Qt.Key.Key_T,
    Qt.Key.Key_D,
    Qt.Key.Key_Space,
    Qt.Key.Key_Escape,
)
#: Actions that open a dialog, which Escape closes.
_DIALOGS = (
    "actionJump",
    "actionExport",
    "actionExportAs",
    "actionPreferences",
    "actionCommands",
    "actionShortcuts",
)


class RestlessPerson:
    """Does random things, as quickly as the window answers.

    Parameters
    ----------
    window
        The window; it may be replaced by another one.
    folder
        Where recordings and outputs are.
    rng
        Where chance comes from.
    """

    def __init__(self, window: MainWindow, folder: Path, rng: random.Random) -> None:
        self.window = window
        self.folder = folder
        self.rng = rng
        self._outputs = 0
        self.paths = [
            write_series(folder / "a.h5", decaying(15)),
            write_series(folder / "b.h5", decaying(6, (40, 30))),
            write_series(folder / "c.h5", np.random.default_rng(3).normal(7, 1, (5, 25, 30))),
        ]
        self.counts: dict[str, int] = {}

    @property
    def session(self) -> Session:
        return self.window.session

    def answer_questions(self, patch: Callable[[object, str, object], object]) -> None:
        """Let questions be answered by chance: their loops would wait for ever.

        Parameters
        ----------
        patch
            Replaces an attribute of an object, as `monkeypatch.setattr` does.
        """
        rng = self.rng
        patch(dialogs, "ask_unsaved", lambda *args: rng.choice(["discard", "discard", "cancel"]))
        patch(dialogs, "ask_unsaved_regions", lambda *args: rng.choice(["discard", "cancel"]))
        patch(dialogs, "confirm_cancel", lambda *args: rng.random() < 0.5)
        patch(dialogs, "confirm_deletion", lambda *args: rng.random() < 0.5)
        patch(QFileDialog, "getSaveFileName", lambda *args: (self._save_name(args), ""))
        patch(QFileDialog, "getOpenFileName", lambda *args: (str(rng.choice(self.paths)), ""))

    def _save_name(self, arguments: tuple[object, ...]) -> str:
        suffix = Path(str(arguments[2])).suffix if len(arguments) > 2 else ".h5"
        return "" if self.rng.random() < 0.2 else str(self.folder / f"saved{suffix or '.h5'}")

    def act(self) -> str:
        """Do one thing; return its name."""
        pool = dict(self._anywhere())
        if self.session.source is not None:
            pool |= self._opened()
        name = self.rng.choice(list(pool))
        self.counts[name] = self.counts.get(name, 0) + 1
        pool[name]()
        return name

    # ------------------------------------------------------------------ what can be done

    def _anywhere(self) -> dict[str, Action]:
        rng, window = self.rng, self.window
        return {
            "open": lambda: window.open_path(rng.choice(self.paths)),
            "open what is absent": lambda: (
                rng.random() < 0.3 and window.open_path(self.folder / "absent.h5")
            ),
            "wait": lambda: QTest.qWait(rng.choice([0, 1, 5, 30])),
            "cancel": window.cancel,
        }

    def _opened(self) -> dict[str, Action]:
        rng, window, session = self.rng, self.window, self.session
        editor, regions = Editor(session), window.looking.named_regions
        n = session.n_frames
        return {
            "scrub": self._scrub,
            "scrub on": self._scrub,
            "go to": lambda: session.set_frame(rng.randint(-3, 20)),
            "display": lambda: session.set_display(rng.choice(list(Display))),
            "select": lambda: session.select(self._some()),
            "assign": self._assign,
            "clear": session.clear_background,
            "mean": lambda: session.assign_background_frames(self._some(), None),
            "plane": lambda: session.assign_background_plane(self._some()),
            "name": lambda: editor.set_value(self._some(), "identifier", f"x{rng.random()} {{n}}"),
            "time": lambda: editor.set_value([rng.randrange(n)], "time", rng.uniform(0, 10)),
            "interval": lambda: editor.set_interval(None, rng.choice([0.1, 0.5]), 0.0),
            "delete": lambda: n > 3 and editor.delete([rng.randrange(n)]),
            "move": lambda: editor.move([rng.randrange(n)], rng.randrange(n)),
            "sort": editor.sort_by_time,
            "retune": self._retune,
            "retune more": self._retune,
            "undo": session.undo,
            "undo more": session.undo,
            "redo": session.redo,
            "step": lambda: session.go_to_step(rng.randint(0, len(session.steps))),
            "fit": session.run_fit,
            "export": self._export,
            "save a copy": lambda: session.save_as(
                self.folder / f"edited{rng.randint(0, 1)}.h5", overwrite=True
            ),
            "save": lambda: rng.random() < 0.2 and self._trigger("actionSave"),
            "key": self._key,
            "key again": self._key,
            "auto levels": session.auto_levels,
            "levels": lambda: session.set_levels(rng.uniform(0, 100), rng.uniform(101, 500)),
            "contrast": window.frame_view.contrast_from_frame,
            "region": lambda: len(regions.regions) < 6 and regions.add(self._region()),
            "move region": lambda: (
                regions.regions
                and regions.change(rng.randrange(len(regions.regions)), region=self._region())
            ),
            "remove region": lambda: regions.remove(rng.randrange(6)),
            "export regions": lambda: window.looking.regions_panel.following.export(
                self.folder / "traces.csv"
            ),
            "compare": lambda: window.looking.comparison.set_mode(rng.choice(list(Mode))),
            "copy as Python": window.copying.copy_python,
            "copy as commands": window.copying.copy_commands,
            "save session": lambda: self._trigger("actionSaveSession"),
            "open session": self._open_session,
            "dialog": self._dialog,
            "panel": self._panel,
            "point": self._point,
            "drag": self._drag,
            "copy view": lambda: self._trigger("actionCopyView"),
            "resize": lambda: window.resize(rng.randint(1024, 1400), rng.randint(700, 900)),
            "close": lambda: rng.random() < 0.3 and session.close(),
        }

    def _some(self) -> list[int]:
        count = self.session.n_frames
        return self.rng.sample(range(count), self.rng.randint(1, count))

    def _scrub(self) -> None:
        for frame in range(self.session.n_frames):
            self.session.set_frame(frame)
            QApplication.processEvents()
            if self.rng.random() < 0.2:
                return

    def _assign(self) -> None:
        shape = self.session.shape if self.rng.random() < 0.9 else (3, 3)
        noise = np.random.default_rng(self.rng.randint(0, 99)).normal(0, 0.5, shape)
        image = (self.rng.uniform(0, 50) + noise).astype(np.float32)
        self.session.assign_background(image, self._some(), "Random")

    def _retune(self) -> None:
        rng, session = self.rng, self.session
        change = rng.choice(
            [
                {"border_px": rng.randint(0, 30)},
                {"background": rng.choice(["series", "frame"])},
                {"background_source": rng.choice(["border", "plane"])},
                {"model": rng.choice(["exponential", "linear", "none", "biexponential", "auto"])},
                {"offset": rng.choice(["unbleachable", "background"])},
                {"first": rng.choice([None, 0, 2]), "last": rng.choice([None, 4, 9])},
                {"exclude": tuple(rng.sample(range(5), rng.randint(0, 3)))},
                {"denoise": rng.choice([0.0, 1.0])},
                {"region": rng.choice([Region(), Region("frame"), self._region()])},
            ]
        )
        session.set_recipe(session.recipe.replace(**change), f"Change {next(iter(change))}")

    def _region(self) -> Region:
        height, width = self.session.shape
        x, y = self.rng.uniform(0, width - 8), self.rng.uniform(0, height - 8)
        kind = self.rng.choice(["rectangle", "ellipse"])
        return Region(kind, ((x, y), (x + self.rng.uniform(4, 8), y + self.rng.uniform(4, 8))))

    def _export(self) -> None:
        self._outputs += 1
        path = self.folder / f"out{self._outputs % 4}.h5"
        self.session.export(path, overwrite=self.rng.random() < 0.7)

    def _key(self) -> None:
        QTest.keyClick(self.window.frame_view, self.rng.choice(_KEYS))

    def _trigger(self, name: str) -> None:
        action = self.window.findChild(QAction, name)
        if action.isEnabled():
            action.trigger()

    def _dialog(self) -> None:
        self._trigger(self.rng.choice(_DIALOGS))
        QTest.qWait(self.rng.choice([0, 5]))
        for dialog in self.window.findChildren(QDialog):
            if dialog.isVisible():
                dialog.reject()

    def _panel(self) -> None:
        dock = self.rng.choice(list(self.window.panels.docks.values()))
        chance = self.rng.random()
        if chance < 0.4:
            dock.setVisible(dock.isHidden())
        elif chance < 0.5:
            self._trigger("actionFloatPanel")
        else:
            dock.show()
            dock.raise_()

    def _point(self) -> None:
        height, width = self.session.shape
        target = viewport(self.window)
        where = place(self.window, self.rng.uniform(0, width), self.rng.uniform(0, height))
        if target.rect().contains(where):
            QTest.mouseMove(target, QPoint(where))

    def _drag(self) -> None:
        """Drag the image, or what lies on it: the inner edge of the border, a region, a line."""
        height, width = self.session.shape
        target = viewport(self.window)
        edge = self.session.recipe.border_px
        starts = [(edge, height / 2), (width / 2, height - edge), (width / 3, height / 3)]
        places = [place(self.window, *self.rng.choice(starts))]
        for _ in range(self.rng.randint(1, 4)):
            there = self.rng.uniform(-5, width + 5), self.rng.uniform(-5, height + 5)
            places.append(place(self.window, *there))
        if all(target.rect().contains(each) for each in places):
            drag(target, *places)

    def _open_session(self) -> None:
        path = self.folder / "saved.flsession"
        if path.exists():
            self.window.open_path(path)


def deferred_deletes() -> None:
    """Let Qt delete what it was asked to."""
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    QApplication.processEvents()
