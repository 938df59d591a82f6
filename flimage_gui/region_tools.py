"""Signal and background region on the image: drawn, dragged, and shown as the recipe has them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PyQt5.QtCore import QObject, pyqtSignal
from PyQt5.QtGui import QColor

from flimage.progress import Progress
from flimage.recipe import Region

from .region_item import DRAWN_KINDS, OutlineItem, RegionItem, outline_segments, region_path
from .session import Change, Session

if TYPE_CHECKING:
    from .drawing import Drawing
    from .frame_view import FrameView

__all__ = ["BACKGROUND", "BACKGROUND_COLOR", "SIGNAL", "SIGNAL_COLOR", "RegionTools"]

#: Blue-green and yellow can be told apart by colour-blind people, on gray and on all maps.
SIGNAL_COLOR = QColor(64, 224, 208)
BACKGROUND_COLOR = QColor(255, 196, 0)
#: Purposes of drawing.
SIGNAL, BACKGROUND = "signal", "background"


class RegionTools(QObject):
    """Keeps what is drawn on the image and what the recipe says the same.

    Parameters
    ----------
    session
        The open recording and its recipe.
    view
        Where regions are drawn.
    drawing
        How new ones are drawn.
    """

    #: whether regions are shown
    shown_changed = pyqtSignal(bool)

    def __init__(self, session: Session, view: FrameView, drawing: Drawing) -> None:
        super().__init__(view)
        self._session = session
        self._drawing = drawing
        self._shown = False
        self._outlined: object = None
        self.signal_item = RegionItem(SIGNAL_COLOR, "signal")
        self.background_item = RegionItem(BACKGROUND_COLOR, "background")
        self.outline = OutlineItem(SIGNAL_COLOR)
        for item in (self.outline, self.background_item, self.signal_item):
            view.box.addItem(item, ignoreBounds=True)
        self.signal_item.edited.connect(self._on_signal_edited)
        self.background_item.edited.connect(self._on_background_edited)
        for item in (self.signal_item, self.background_item):
            item.released.connect(session.release_step)
            item.released.connect(self._refresh)
        drawing.drawn.connect(self._on_drawing_drawn)
        session.changed.connect(self._on_session_changed)
        self._refresh()

    @property
    def shown(self) -> bool:
        """Whether the regions are shown on the image."""
        return self._shown

    @shown.setter
    def shown(self, shown: bool) -> None:
        if shown != self._shown:
            self._shown = shown
            self._refresh()
            self.shown_changed.emit(shown)

    def draw_signal(self, kind: str = "rectangle") -> None:
        """Let the person draw the signal region."""
        self._draw(SIGNAL, kind)

    def draw_background(self, kind: str = "rectangle") -> None:
        """Let the person draw the region that holds background."""
        self._draw(BACKGROUND, kind)

    def _draw(self, purpose: str, kind: str) -> None:
        if self._session.source is not None:
            self.shown = True
            self._drawing.start(purpose, kind)

    # ------------------------------------------------------------------ from the image

    def _holds_pixels(self, region: Region) -> bool:
        height, width = self._session.shape
        rect = region_path(region).boundingRect()
        across = min(rect.right(), width) - max(rect.left(), 0)
        down = min(rect.bottom(), height) - max(rect.top(), 0)
        return across >= 1 and down >= 1

    def _on_drawing_drawn(self, purpose: str, drawn: object) -> None:
        if not isinstance(drawn, Region) or not self._holds_pixels(drawn):
            return
        self.set_drawn(purpose, drawn)

    def _on_signal_edited(self, region: Region) -> None:
        self.drag(SIGNAL, region)

    def _on_background_edited(self, region: Region) -> None:
        self.drag(BACKGROUND, region)

    # ------------------------------------------------------------------ in the recipe

    def drawn(self, purpose: str) -> Region | None:
        """Return the region of the recipe for that purpose; None where none is drawn.

        Parameters
        ----------
        purpose
            :data:`SIGNAL` or :data:`BACKGROUND`.
        """
        recipe = self._session.recipe
        if purpose == SIGNAL:
            return recipe.region if recipe.region.kind in DRAWN_KINDS else None
        region = recipe.background_region if recipe.background_source == "region" else None
        return region if region is not None and region.kind in DRAWN_KINDS else None

    def set_drawn(self, purpose: str, region: Region) -> None:
        """Use a region for that purpose, as a step of its own."""
        recipe = self._session.recipe
        if purpose == SIGNAL:
            self._session.set_recipe(recipe.replace(region=region), "Draw the signal region")
        elif purpose == BACKGROUND:
            self._session.set_recipe(
                recipe.replace(background_source="region", background_region=region),
                "Draw the background region",
            )

    def drag(self, purpose: str, region: Region) -> None:
        """Move or reshape a region; what follows is one step with it until that is released."""
        if self._holds_pixels(region):
            recipe = self._session.recipe
            if purpose == SIGNAL:
                recipe = recipe.replace(region=region)
            else:
                recipe = recipe.replace(background_region=region)
            self._session.set_recipe(recipe, f"Move the {purpose} region")
            self._session.hold_step()

    # ------------------------------------------------------------------ from the session

    def _on_session_changed(self, change: Change) -> None:
        if change & Change.RECORDING:
            self._drawing.cancel()
        if change & (Change.RECORDING | Change.RECIPE | Change.SCAN):
            self._refresh()

    def _refresh(self) -> None:
        session = self._session
        recipe = session.recipe
        shows = self._shown and session.source is not None
        self.signal_item.show_region(recipe.region if shows else Region())
        uses_region = recipe.background_source == "region"
        drawn = recipe.background_region if uses_region and shows else None
        self.background_item.show_region(drawn or Region())
        self._refresh_outline(shows and recipe.region.kind not in DRAWN_KINDS)

    def _refresh_outline(self, shows: bool) -> None:
        scan = self._session.scan
        mask = scan.region if shows and scan is not None else None
        if mask is self._outlined:
            return
        self._outlined = mask
        if mask is None:
            self.outline.show_segments(np.empty(0), np.empty(0))
            return

        def run(progress: Progress) -> tuple[np.ndarray, np.ndarray]:
            return outline_segments(mask)

        def done(segments: tuple[np.ndarray, np.ndarray]) -> None:
            if self._outlined is mask:
                self.outline.show_segments(*segments)

        self._session.read("outline", run, done)
