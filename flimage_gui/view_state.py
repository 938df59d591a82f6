"""What a window shows of a recording as a value: taken from it for a session file, and put back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt5.QtCore import QRectF

from flimage.session_file import View

from .comparing import Mode
from .session import Display, Session

if TYPE_CHECKING:
    from PyQt5.QtWidgets import QAbstractButton, QAction

    from .first_result import FirstResult
    from .frame_view import FrameView
    from .looking import Looking
    from .panels import Panels
    from .verdict_message import VerdictMessage

__all__ = ["DISPLAYS", "ViewState"]

#: What is displayed, in the words of the library.
DISPLAYS: dict[str, Display] = {
    "raw": Display.RAW,
    "background": Display.BACKGROUND,
    "background-corrected": Display.BACKGROUND_CORRECTED,
    "bleach-corrected": Display.BLEACH_CORRECTED,
}
_NAMES = {display: name for name, display in DISPLAYS.items()}


class ViewState:
    """Takes and restores the view of one window.

    Parameters
    ----------
    session
        The open recording.
    view, looking
        Where it is looked at.
    panels
        The panels around it.
    first_result
        Would choose what is displayed at the first fit.
    verdict_message
        Would say the verdict of a run that nobody has asked for.
    """

    def __init__(
        self,
        session: Session,
        view: FrameView,
        looking: Looking,
        panels: Panels,
        first_result: FirstResult,
        verdict_message: VerdictMessage,
    ) -> None:
        self._session = session
        self._view = view
        self._looking = looking
        self._panels = panels
        self._first_result = first_result
        self._verdict_message = verdict_message

    def _overlays(self) -> dict[str, QAbstractButton | QAction]:
        looking = self._looking
        return {
            "border": self._view.border_button,
            "region": looking.region_button,
            "scale": looking.scale_button,
            "time": looking.time_action,
        }

    def take(self) -> View:
        """Return what is shown now."""
        session, view, comparison = self._session, self._view, self._looking.comparison
        area = None
        if view.is_zoomed:
            (x0, x1), (y0, y1) = view.box.viewRange()
            area = (float(x0), float(y0), float(x1), float(y1))
        return View(
            frame=session.frame,
            shown=_NAMES[session.display],
            area=area,
            levels={_NAMES[key]: ends for key, ends in session.chosen_levels.items()},
            colormap=view.colormap,
            overlays=tuple(name for name, each in self._overlays().items() if each.isChecked()),
            compare=comparison.mode.name.lower(),
            reference=_NAMES[comparison.reference],
            panels=tuple(name for name, dock in self._panels.docks.items() if not dock.isHidden()),
            front=self._panels.in_front(),
            fitted=session.fit is not None,
        )

    def put(self, state: View) -> None:
        """Show what was shown then; what the recording or the program does not have is left."""
        session, view, comparison = self._session, self._view, self._looking.comparison
        view.colormap = state.colormap
        for name, button in self._overlays().items():
            button.setChecked(name in state.overlays)
        if state.panels is not None:
            for name, dock in self._panels.docks.items():
                dock.setVisible(name in state.panels)
        self._panels.bring_to_front(state.front)
        session.set_frame(state.frame)
        self._first_result.stand_back()
        session.set_display(DISPLAYS[state.shown])
        # Bleach-corrected frames have asked for it themselves.
        if state.fitted and session.fit is None and not session.busy:
            session.run_fit()
        self._verdict_message.stand_back()
        for name, (low, high) in state.levels.items():
            session.set_levels(low, high, DISPLAYS[name])
        mode, reference = Mode[state.compare.upper()], DISPLAYS[state.reference]
        if mode is not Mode.OFF or reference is not Display.RAW:
            comparison.set_reference(reference)
        comparison.set_mode(mode)
        if state.area is not None:
            x0, y0, x1, y1 = state.area
            view.set_zoomed()
            view.box.setRange(QRectF(x0, y0, x1 - x0, y1 - y0), padding=0)
