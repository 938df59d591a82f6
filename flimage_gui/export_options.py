"""What can be chosen about a file for other programs: only what its kind has."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt5.QtCore import pyqtSignal
from PyQt5.QtWidgets import QCheckBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from flimage.export.formats import FIGURES

from .colormaps import COLORMAPS, swatch
from .displays import Display
from .export_kinds import ExportKind, colormap_name
from .session import Session
from .spin_boxes import NumberSpin, ValueSpin
from .widgets import ChoiceCombo, blocked, describe, fill_combo, select_data

if TYPE_CHECKING:
    from flimage.export import Request

__all__ = ["ExportOptions"]

#: Values that can be typed [counts].
_LARGEST = 1e12

_SIDE_BY_SIDE = ("Raw and bleach-corrected, side by side", None, "Two images beside each other.")
_CORRECTED = (
    "Bleach-corrected",
    "bleach-corrected",
    "What is written to a corrected series.",
)
_BACKGROUND = (
    "Background-corrected",
    "background-corrected",
    "Raw minus the assigned background images, and minus the level that the border or a region"
    " gives.",
)
_RAW = ("Raw", "raw", "As recorded.")
_STORED = ("As stored (corrected already)", "raw", "The frames of this corrected series.")

_PIXELS = (
    ("Real numbers (float32)", "float32", "The values in counts, as they are computed."),
    (
        "Whole numbers (uint16), scaled",
        "uint16",
        "For programs that take whole numbers only. The scale is told, and stated in the file, so"
        " that every number can be turned back into counts.",
    ),
)
_FIT = ("Trace, fit and gains", "fit", "One row per frame, of the signal region.")

#: What is displayed, by what is exported: where its contrast comes from.
_DISPLAYS = {
    None: Display.BLEACH_CORRECTED,
    "raw": Display.RAW,
    "background-corrected": Display.BACKGROUND_CORRECTED,
    "bleach-corrected": Display.BLEACH_CORRECTED,
}


class ExportOptions(QWidget):
    """The choices for one kind of file.

    Parameters
    ----------
    session
        The open recording and its correction.
    colormap
        Colour map of the view, which a movie starts with.
    parent
        Qt parent.
    """

    #: Something was chosen.
    changed = pyqtSignal()

    def __init__(self, session: Session, colormap: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._session = session
        self._kind: ExportKind | None = None
        self._shown: set[QWidget] = set()
        #: Images that were chosen for movies, and for stacks.
        self._chosen: dict[bool, Any] = {}
        self.images = ChoiceCombo()
        describe(self.images, "exportAsImagesCombo", "Images", "Which images are written.")
        self.content = ChoiceCombo()
        describe(
            self.content,
            "exportAsContentCombo",
            "Content of the table",
            "What the table holds. Regions that were drawn (menu Regions) can be chosen here.",
        )
        last = max(session.n_frames - 1, 0)
        self.first, self.last = (_frame_spin(last) for _ in range(2))
        self.last.setValue(last)
        describe(
            self.first,
            "exportAsFirstSpin",
            "First frame",
            "First frame written; they count from 0.",
        )
        describe(
            self.last, "exportAsLastSpin", "Last frame", f"Last frame written, at most {last}."
        )
        self.pixels = ChoiceCombo()
        fill_combo(self.pixels, _PIXELS)
        describe(
            self.pixels, "exportAsPixelsCombo", "Pixels", "How the value of a pixel is stored."
        )
        self.limits = ChoiceCombo()
        describe(self.limits, "exportAsRangeCombo", "Range of values")
        self.low, self.high = (ValueSpin(-_LARGEST, _LARGEST) for _ in range(2))
        describe(self.low, "exportAsLowSpin", "Smallest value", "Smallest value, in counts.")
        describe(self.high, "exportAsHighSpin", "Largest value", "Largest value, in counts.")
        self.clip = QCheckBox("C&ut off values outside, and count them")
        describe(
            self.clip,
            "exportAsClipCheck",
            "Cut off values outside",
            "Otherwise nothing is written where values lie outside the range.",
        )
        self.fps = ValueSpin(0.1, 240.0)
        self.fps.setValue(15.0)
        describe(self.fps, "exportAsRateSpin", "Frame rate", "Pictures of the movie per second.")
        self.colormap = ChoiceCombo()
        for each in COLORMAPS:
            self.colormap.addItem(swatch(each), each, each)
        self.colormap.setIconSize(swatch(colormap).availableSizes()[0])
        select_data(self.colormap, colormap)
        describe(
            self.colormap,
            "exportAsColormapCombo",
            "Colour map",
            "Colours of the movie; those of the view at first.",
        )
        self._build()

    def _build(self) -> None:
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        self._rows: list[tuple[QLabel, QWidget, QWidget]] = []
        for text, field, buddy in (
            ("&Images", self.images, None),
            ("&Content", self.content, None),
            ("F&rames", _row(self.first, QLabel("to"), self.last), self.first),
            ("Pi&xels", self.pixels, None),
            ("&Values", self.limits, None),
            ("", _row(self.low, QLabel("to"), self.high, QLabel("counts")), self.low),
            ("", self.clip, None),
            ("Frame r&ate", _row(self.fps, QLabel("pictures per second")), self.fps),
            ("Co&lour map", self.colormap, None),
        ):
            label = QLabel(text)
            label.setBuddy(buddy or field)
            # Unlike one of a form, such a row leaves no gap where it is hidden.
            row = _row(label, field)
            layout.addWidget(row)
            self._rows.append((label, field, row))
        self._frames, self._own_range, self._rate = (self._rows[i][1] for i in (2, 5, 7))
        self.images.currentIndexChanged.connect(self._on_images_chosen)
        self.limits.currentIndexChanged.connect(self._on_limits_chosen)
        for combo in (self.images, self.content, self.pixels, self.limits, self.colormap):
            combo.currentIndexChanged.connect(self._on_chosen)
        for spin in (self.first, self.last, self.low, self.high, self.fps):
            spin.valueChanged.connect(self.changed)
        self.first.valueChanged.connect(
            lambda first: self.last.setValue(max(first, self.last.value()))
        )
        self.last.valueChanged.connect(
            lambda value: self.first.setValue(min(value, self.first.value()))
        )
        self.clip.toggled.connect(self.changed)

    @property
    def labels(self) -> list[QLabel]:
        """The labels of all rows, to be given one width."""
        return [label for label, _, _ in self._rows]

    # ------------------------------------------------------------------ showing

    def show_kind(self, kind: ExportKind) -> None:
        """Show what can be chosen for a kind of file; keep what was chosen where it can be."""
        self._kind = kind
        is_corrected = self._session.correction is not None
        if is_corrected:
            images: tuple[tuple[str, Any, str], ...] = (_STORED, _BACKGROUND)
        elif kind.is_movie:
            images = (_SIDE_BY_SIDE, _CORRECTED, _BACKGROUND, _RAW)
        else:
            images = (_CORRECTED, _BACKGROUND, _RAW)
        count = len(self._session.regions)
        means = (
            f"Means of the {count} regions" if count > 1 else "Mean of the region",
            "regions",
            "The mean of each named region in each frame, raw and corrected.",
        )
        fill_combo(self.images, images)
        select_data(self.images, self._chosen.get(kind.is_movie, images[0][1]))
        _refill(self.content, (_FIT, means) if count else (_FIT,))
        own = "From … to …"
        found = "Contrast found from the images" if kind.is_movie else "Scale found from the images"
        tip = "Chosen so that nothing is cut off." if kind.is_tiff else "As in the window at first."
        _refill(
            self.limits,
            ((found, "found", tip), (own, "own", "Give the smallest and the largest value.")),
        )
        self.limits.setToolTip(
            "<p>Values that are shown in the first and the last colour.</p>"
            if kind.is_movie
            else "<p>Values that the smallest and the largest whole number stand for.</p>"
        )
        self._show_rows()

    def _show_rows(self) -> None:
        kind = self._kind
        assert kind is not None
        of_regions = kind.is_table and self.content.currentData() == "regions"
        ranged = kind.is_movie or (kind.is_tiff and self.pixels.currentData() == "uint16")
        own = ranged and self.limits.currentData() == "own"
        shown = {
            self.images: kind.has_images,
            self.content: kind.is_table,
            self._frames: kind.has_images or of_regions,
            self.pixels: kind.is_tiff,
            self.limits: ranged,
            self._own_range: own,
            self.clip: own and kind.is_tiff,
            self._rate: kind.is_movie,
            self.colormap: kind.is_movie,
        }
        self._shown = {field for field, is_shown in shown.items() if is_shown}
        for _, field, row in self._rows:
            row.setVisible(field in self._shown)
        self.setVisible(bool(self._shown))

    def _on_images_chosen(self) -> None:
        if self._kind is not None:
            self._chosen[self._kind.is_movie] = self.images.currentData()

    def _on_limits_chosen(self) -> None:
        if self.limits.currentData() == "own":
            self._suggest_range()

    def _on_chosen(self) -> None:
        self._show_rows()
        self.changed.emit()

    def _suggest_range(self) -> None:
        """Start with the contrast of the view, where nothing was typed yet."""
        session = self._session
        levels = session.chosen_levels.get(_DISPLAYS[self.images.currentData()], session.levels)
        if self.low.value() == self.high.value() and levels is not None:
            with blocked(self.low, self.high):
                self.low.setValue(float(f"{levels[0]:.4g}"))
                self.high.setValue(float(f"{levels[1]:.4g}"))

    # ------------------------------------------------------------------ what was chosen

    @property
    def tag(self) -> str:
        """What a new name says about the choices."""
        kind = self._kind
        assert kind is not None
        if kind.is_table and self.content.currentData() == "regions":
            return "regions"
        if not kind.has_images:
            return kind.tag
        if self._session.correction is not None and self.images.currentData() == "raw":
            return ""
        names = {None: "", "bleach-corrected": "corrected"}
        tag = names.get(self.images.currentData(), self.images.currentData())
        return str(tag).replace("-", "_")

    @property
    def corrects(self) -> bool:
        """Whether the fit has a part in what is written."""
        kind = self._kind
        assert kind is not None
        if self._session.correction is not None:
            return False
        return not kind.has_images or self.images.currentData() in (None, "bleach-corrected")

    @property
    def problem(self) -> str:
        """What has to be changed in the choices, in one sentence; empty if nothing."""
        kind = self._kind
        if kind is not None and kind.format in FIGURES and self._session.correction is not None:
            return (
                "The recording is corrected already, and its trace is not in the file; choose the"
                " report, or export the figure from the original recording."
            )
        if self._own_range in self._shown and not self.low.value() < self.high.value():
            return "The range of values ends before it starts; give the smaller number first."
        return ""

    def commit(self) -> None:
        """Take over a number that is still being typed."""
        for spin in (self.first, self.last, self.low, self.high, self.fps):
            spin.interpretText()

    def request(self, out: Path, overwrite: bool) -> Request:
        """Return what is to be written."""
        from flimage.export import Request

        given: dict[str, Any] = {"overwrite": overwrite}
        last = self._session.n_frames - 1
        first_and_last = (self.first.value(), self.last.value())
        if self._frames in self._shown and first_and_last != (0, last):
            given["frames"] = tuple(range(first_and_last[0], first_and_last[1] + 1))
        if self.images in self._shown:
            given["images"] = self.images.currentData()
        if self.content in self._shown and self.content.currentData() == "regions":
            given["traces"] = {each.name: each.region for each in self._session.regions}
        if self.pixels in self._shown:
            given["dtype"] = self.pixels.currentData()
        if self._own_range in self._shown:
            given["limits"] = (self.low.value(), self.high.value())
        if self.clip in self._shown:
            given["clip"] = self.clip.isChecked()
        if self.colormap in self._shown:
            given["fps"] = self.fps.value()
            given["colormap"] = colormap_name(self.colormap.currentData())
        return Request(out, **given)


def _frame_spin(last: int) -> NumberSpin:
    spin = NumberSpin()
    spin.setRange(0, last)
    return spin


def _row(*widgets: QWidget) -> QWidget:
    row = QWidget()
    layout = QHBoxLayout(row)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.setSpacing(8)
    for each in widgets:
        layout.addWidget(each, 0 if isinstance(each, QLabel) else 1)
    return row


def _refill(combo: ChoiceCombo, items: tuple[tuple[str, Any, str], ...]) -> None:
    """Fill a combo box anew and keep what was chosen, where it is among the items."""
    chosen = combo.currentData() if combo.count() else items[0][1]
    fill_combo(combo, items)
    if any(data == chosen for _, data, _ in items):
        select_data(combo, chosen)
