"""Random legal actions, as a restless person would do them: nothing may break or leak."""

from __future__ import annotations

import os
import random
from pathlib import Path

import numpy as np
import pytest
from PyQt5.QtCore import Qt
from PyQt5.QtWidgets import QApplication
from recordings import decaying, write_series

from flimage.errors import FlimageError
from flimage_gui import dialogs
from flimage_gui.main_window import MainWindow
from flimage_gui.session import Display

#: Set FLIMAGE_RANDOM_ACTIONS to run more of them.
ACTIONS = int(os.environ.get("FLIMAGE_RANDOM_ACTIONS", "300"))


# What fits say of data that are not worth a fit is the business of the library's tests.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.timeout(max(300, ACTIONS))
@pytest.mark.parametrize("seed", [1, 2])
def test_random_actions_break_nothing(
    qtbot, window: MainWindow, tmp_path: Path, settle, seed: int, monkeypatch
) -> None:
    rng = random.Random(seed)
    # Questions are asked in loops of their own, which a test would wait in for ever.
    monkeypatch.setattr(
        dialogs, "ask_unsaved", lambda *args: rng.choice(["discard", "discard", "cancel"])
    )
    monkeypatch.setattr(dialogs, "confirm_cancel", lambda *args: rng.random() < 0.5)
    paths = [
        write_series(tmp_path / "a.h5", decaying(15)),
        write_series(tmp_path / "b.h5", decaying(6, (40, 30))),
        write_series(tmp_path / "c.h5", np.random.default_rng(3).normal(7, 1, (5, 25, 30))),
    ]
    session = window.session
    errors: list[Exception] = []
    session.failed.connect(errors.append)
    outputs = 0

    def some_frames() -> list[int]:
        return rng.sample(range(session.n_frames), rng.randint(2, session.n_frames))

    def assign() -> None:
        shape = session.shape if rng.random() < 0.9 else (3, 3)
        noise = np.random.default_rng(rng.randint(0, 99)).normal(0, 0.5, shape)
        image = (rng.uniform(0, 50) + noise).astype(np.float32)
        session.assign_background(image, some_frames(), "Random")

    def retune() -> None:
        change = rng.choice(
            [
                {"border_px": rng.randint(0, 30)},
                {"background": rng.choice(["series", "frame"])},
                {"model": rng.choice(["exponential", "linear", "none", "biexponential"])},
                {"offset": rng.choice(["unbleachable", "background"])},
                {"first": rng.choice([None, 0, 2]), "last": rng.choice([None, 4, 9])},
                {"exclude": tuple(rng.sample(range(5), rng.randint(0, 3)))},
                {"denoise": rng.choice([0.0, 1.0])},
            ]
        )
        session.set_recipe(session.recipe.replace(**change), f"Change {next(iter(change))}")

    def export() -> None:
        nonlocal outputs
        outputs += 1
        session.export(tmp_path / f"out{outputs % 4}.h5", overwrite=rng.random() < 0.7)

    def key() -> None:
        codes = (Qt.Key.Key_Right, Qt.Key.Key_Left, Qt.Key.Key_End, Qt.Key.Key_Home)
        codes += (Qt.Key.Key_Plus, Qt.Key.Key_Minus, Qt.Key.Key_C, Qt.Key.Key_Space)
        qtbot.keyClick(window.frame_view, rng.choice(codes))

    anywhere = (
        lambda: window.open_path(rng.choice(paths)),
        lambda: window.open_path(tmp_path / "absent.h5"),
        lambda: qtbot.wait(rng.choice([0, 1, 5, 30])),
        session.cancel,
    )
    opened = (
        lambda: session.set_frame(rng.randint(-3, 20)),
        lambda: session.set_display(rng.choice(list(Display))),
        assign,
        session.clear_background,
        lambda: session.assign_background_frames(some_frames(), None),
        retune,
        retune,
        retune,
        session.undo,
        session.undo,
        session.redo,
        session.run_fit,
        export,
        key,
        key,
        key,
        session.auto_levels,
        lambda: session.set_levels(rng.uniform(0, 100), rng.uniform(101, 500)),
        window.frame_view.contrast_from_frame,
        lambda: session.save_as(tmp_path / f"edited{rng.randint(0, 1)}.h5", overwrite=True),
        session.close,
        lambda: window.resize(rng.randint(1024, 1400), rng.randint(700, 900)),
    )
    for _ in range(ACTIONS):
        pool = anywhere + opened * 3 if session.source is not None else anywhere
        rng.choice(pool)()
        QApplication.processEvents()
    settle(session)
    assert session.busy == ""
    # Whatever was refused was refused on purpose, with a sentence.
    unexpected = [e for e in errors if not isinstance(e, (FlimageError, FileNotFoundError))]
    assert unexpected == []
    # What is on screen in the end is what the session says.
    if session.source is not None and window.frame_view.image is not None:
        assert window.frame_view.shown == (session.frame, session.display)
        assert window.frame_view.image.shape == session.shape
    leftovers = {p.name for p in tmp_path.iterdir()} - {p.name for p in paths}
    assert leftovers <= {f"out{i}.h5" for i in range(4)} | {"edited0.h5", "edited1.h5"} | {
        "settings.ini",
        "state",
    }
