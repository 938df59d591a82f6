"""The background that is shown is the one that is subtracted, before and after a fit."""

from __future__ import annotations

import numpy as np
import pytest
from controls import write_frames

from flimage_gui.displays import Display


@pytest.fixture
def tilted(tmp_path):
    """A bleaching cell that touches the border, on a background that is tilted and drifts."""
    y, x = np.mgrid[:60, :80]
    plane = 100 + 0.5 * x - 0.25 * y
    cell = 300.0 * (np.hypot(y - 4, x - 40) < 12)
    fading, rising = np.exp(-0.1 * np.arange(12)), 1 + 0.02 * np.arange(12)
    frames = plane * rising[:, None, None] + cell * fading[:, None, None]
    frames += np.random.default_rng(0).normal(0, 2, frames.shape)
    return write_frames(tmp_path / "tilted.h5", frames.astype(np.float32))


@pytest.mark.parametrize("scope", ["series", "frame"])
def test_a_plane_is_the_same_before_a_fit_and_in_the_file(session, settle, tilted, scope) -> None:
    session.open(tilted)
    settle(session)
    recipe = session.recipe.replace(border_px=8, background_source="plane", background=scope)
    session.set_recipe(recipe, "Plane")
    settle(session)
    assert session.fit is None
    shown: dict[tuple[int, Display], np.ndarray] = {}
    session.frame_ready.connect(lambda i, display, image: shown.update({(i, display): image}))
    for display in (Display.BACKGROUND, Display.BACKGROUND_CORRECTED):
        session.set_display(display)
        for frame in (0, 11):
            session.set_frame(frame)
            settle(session)
    session.run_fit()
    settle(session)
    for frame in (0, 11):
        subtracted = session.fit.background_of(frame)
        np.testing.assert_allclose(shown[frame, Display.BACKGROUND], subtracted, rtol=1e-6)
        corrected = session.source.image(frame) - subtracted
        np.testing.assert_allclose(
            shown[frame, Display.BACKGROUND_CORRECTED], corrected, rtol=1e-5, atol=1e-3
        )
    # The cell in the border does not tilt the plane.
    y, x = np.mgrid[:60, :80]
    drift = 1.22 if scope == "frame" else 1.11
    expected = (100 + 0.5 * x - 0.25 * y) * drift
    assert np.abs(shown[11, Display.BACKGROUND] - expected).max() < 2
