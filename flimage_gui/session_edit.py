"""The part of a session that edits: settings, backgrounds, metadata, regions, undo and redo."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from flimage.errors import InputError
from flimage.progress import Progress
from flimage.recipe import Recipe

from .session_fit import SessionFit
from .session_state import Change, State

if TYPE_CHECKING:
    from flimage.edit_steps import EditStep, FileBackground, MeanBackground, PlaneBackground
    from flimage.region_traces import NamedRegion
    from flimage.source import Edits

__all__ = ["SessionEdit"]


class SessionEdit(SessionFit):
    """A session whose recording and settings can be changed, step by step."""

    def set_recipe(self, recipe: Recipe, label: str) -> None:
        """Change the settings, as one step that can be undone.

        Steps with the same label that follow each other quickly become one.

        Parameters
        ----------
        recipe
            The new settings.
        label
            Name of the step in the history, like ``"Change the border"``.
        """
        if self._source is not None and recipe != self.recipe:
            self._push(label, recipe=recipe)
            self._on_recipe_changed()

    def set_regions(self, regions: Sequence[NamedRegion], label: str) -> None:
        """Change the named regions, as one step that can be undone.

        Parameters
        ----------
        regions
            All of them, in place of the present ones.
        label
            Name of the step in the history.
        """
        wanted = tuple(regions)
        if self._source is not None and wanted != self.regions:
            self._push(label, regions=wanted)
            self.changed.emit(Change.REGIONS | Change.HISTORY)

    def change_edits(
        self,
        edits: Edits,
        label: str,
        recipe: Recipe | None = None,
        step: EditStep | None = None,
    ) -> None:
        """Show the recording with other edits, as one step that can be undone.

        Parameters
        ----------
        edits
            All edits of the recording, in place of the present ones.
        label
            Name of the step in the history.
        recipe
            Settings that change with the edits in the same step; None to keep them.
        step
            How to come from the present edits to the new ones again; None where nobody knows.
        """
        if self._source is None or edits is self.edits or self._refuses_edits():
            return
        try:
            self._source.with_edits(edits)
        except InputError as error:
            self.failed.emit(error)
            return
        before = self.recipe
        self._push(label, recipe=recipe, edits=edits, step=step)
        self._on_edits_changed()
        if self.recipe != before:
            self._on_recipe_changed()

    def _push(
        self,
        label: str,
        *,
        recipe: Recipe | None = None,
        edits: Edits | None = None,
        regions: tuple[NamedRegion, ...] | None = None,
        step: EditStep | None = None,
    ) -> None:
        """Go on to a state in which the values that are given have changed."""
        from flimage.edit_steps import UnknownOrigin

        now = self._history.state
        done = now.done if edits is None else (*now.done, step or UnknownOrigin(label))
        state = State(
            recipe or now.recipe,
            now.edits if edits is None else edits,
            now.regions if regions is None else regions,
            done,
        )
        self._history.push(state, label)

    def assign_background(
        self,
        image: np.ndarray | None,
        frames: Iterable[int] | None,
        label: str,
        step: EditStep | None = None,
    ) -> None:
        """Use `image` as background of some frames, as one step that can be undone.

        Parameters
        ----------
        image
            Background (y, x); it must not be changed afterwards. None removes backgrounds.
        frames
            Frame numbers; None for all.
        label
            Name of the step in the history.
        step
            How to make and assign the image again; None where nobody knows.
        """
        from flimage.edit import assign_background

        source = self._source
        if source is None or self._refuses_edits():
            return
        try:
            edits = assign_background(source, frames, image)
        except InputError as error:
            self.failed.emit(error)
            return
        old, new = source.edits.backgrounds, edits.backgrounds
        if any(frame not in old or old[frame] is not new[frame] for frame in new):
            self._push(label, edits=edits, step=step)
            self._on_edits_changed()

    def clear_background(self, frames: Iterable[int] | None = None) -> None:
        """Remove the assigned background of some frames (None: of all)."""
        from flimage.edit_steps import ClearBackground

        chosen = None if frames is None else tuple(frames)
        count = self.n_frames if chosen is None else len(chosen)
        which = "one frame" if count == 1 else f"{count} frames"
        label = f"Clear the background of {which}"
        self.assign_background(None, chosen, label, ClearBackground(chosen))

    def assign_background_file(self, path: str | Path, frames: Iterable[int] | None) -> None:
        """Use the image in a file (FLImage, series, TIFF, …; stacks are averaged) (a job)."""
        from flimage.edit_steps import FileBackground

        path = Path(path)
        self._assign_later(
            f"Reading {path.name}",
            FileBackground(path.absolute(), _tuple(frames)),
            f"Use {path.name} as background",
        )

    def assign_background_frames(
        self, sources: Sequence[int], frames: Iterable[int] | None
    ) -> None:
        """Use the average of some raw frames of this recording as background (a job)."""
        from flimage.edit_steps import MeanBackground

        wanted = tuple(sorted(sources))
        if not wanted:
            return
        name = f"frame {wanted[0]}" if len(wanted) == 1 else f"the mean of {len(wanted)} frames"
        self._assign_later(
            f"Averaging {name}",
            MeanBackground(wanted, _tuple(frames)),
            f"Use {name} as background",
        )

    def assign_background_plane(self, frames: Iterable[int] | None) -> None:
        """Use a plane fitted to the border of some frames' average as their background (a job)."""
        from flimage.edit_steps import PlaneBackground

        self._assign_later(
            "Fitting a plane to the border",
            PlaneBackground(self.recipe.border_px, _tuple(frames)),
            "Use a plane as background",
        )

    def _assign_later(
        self, name: str, step: FileBackground | MeanBackground | PlaneBackground, label: str
    ) -> None:
        source = self._source
        if source is None or self._refuses():
            return

        def run(progress: Progress) -> np.ndarray:
            return step.image(source, progress)

        def done(image: np.ndarray) -> None:
            image.setflags(write=False)
            self._foreground.end()
            self.assign_background(image, step.frames, label, step)

        self._foreground.begin("edit", name, run, done)

    def _on_recipe_changed(self) -> None:
        change = Change.RECIPE | Change.HISTORY
        if self.fit is not None:
            change |= Change.FIT
        before = self._timed[2]
        if self.shown_times is not before:
            change |= Change.TIMES
        self.changed.emit(change)
        self._measure()

    def _on_edits_changed(self) -> None:
        assert self._source is not None
        assert self.edits is not None
        old, source = self._source, self._source.with_edits(self.edits)
        self._source = source
        change = Change.BACKGROUND | Change.HISTORY
        same_order = old.order == source.order
        if not same_order:
            change |= self._follow_order(old.order, source.order)
        same_images = same_order and _same_images(old.edits, source.edits)
        if same_images and np.array_equal(old.times, source.times, equal_nan=True):
            # Names and pixel sizes: nothing is computed from them.
            self.changed.emit(change)
            return
        self._edition += 1
        if same_images:
            self._measuring.retime(source.times, self._edition - 1, self._edition)
        else:
            self._image_edition += 1
        self.changed.emit(change | (Change.FIT if self.fit is not None else Change(0)))
        self._remake()
        self._measure()

    def _follow_order(self, before: Sequence[int], after: Sequence[int]) -> Change:
        """Stay with the frames that are looked at and selected; tell what changes by that."""
        places = {number: place for place, number in enumerate(after)}
        number = before[self._frame]
        frame = places.get(number, min(self._frame, len(after) - 1))
        chosen = (places.get(before[i]) for i in self._selection)
        self._selection = tuple(sorted(place for place in chosen if place is not None))
        moved = frame != self._frame
        self._frame = frame
        # Nothing that was measured belongs to the frames in their new order.
        self._measuring.outdate()
        # The settings name frames, so that views of them have to look again.
        change = Change.SELECTION | Change.SCAN | Change.FIT | Change.RECIPE
        return change | Change.FRAME if moved else change

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return bool(self.undo_text)

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to take again."""
        return bool(self.redo_text)

    @property
    def undo_text(self) -> str:
        """Name of the step that :meth:`undo` takes back."""
        return self._history.undo_text

    @property
    def redo_text(self) -> str:
        """Name of the step that :meth:`redo` takes again."""
        return self._history.redo_text

    @property
    def steps(self) -> tuple[str, ...]:
        """Names of all steps, oldest first; those that were undone are at the end."""
        return self._history.labels

    @property
    def step(self) -> int:
        """How many of the :attr:`steps` are in effect."""
        return self._history.place

    def undo(self) -> None:
        """Take the last step back."""
        self.go_to_step(self.step - 1)

    def redo(self) -> None:
        """Take the step again that was undone last."""
        self.go_to_step(self.step + 1)

    def go_to_step(self, step: int) -> None:
        """Undo or redo until `step` steps are in effect."""
        before = self._history.state
        if not self._refuses_edits() and self._history.go_to(step):
            self._follow(before, self._history.state)

    def hold_step(self) -> None:
        """Let changes like the last one become one step with it, as long as the mouse is held."""
        self._history.hold()

    def release_step(self) -> None:
        """End what :meth:`hold_step` began."""
        self._history.release()

    def _follow(self, before: State, after: State) -> None:
        """Do what follows from another state of the history."""
        # First, so that views of the regions have the right ones when frames change.
        if after.regions != before.regions:
            self.changed.emit(Change.REGIONS | Change.HISTORY)
        if after.edits is not before.edits:
            self._on_edits_changed()
        if after.recipe != before.recipe:
            self._on_recipe_changed()

    def restore(
        self,
        recipe: Recipe,
        edits: Edits,
        regions: Sequence[NamedRegion] = (),
        label: str = "Restore unsaved changes",
        steps: Sequence[EditStep] | None = None,
    ) -> bool:
        """Take over settings, edits and regions that were kept, as one step; tell whether done.

        Parameters
        ----------
        recipe, edits, regions
            What was kept.
        label
            Name of the step in the history.
        steps
            How to come to the edits again; None where nobody knows.
        """
        source = self._source
        if source is None or self._refuses_edits():
            return False
        try:
            source.with_edits(edits)
        except InputError as error:
            self.failed.emit(error)
            return False
        from flimage.edit_steps import UnknownOrigin

        nothing = edits.order is None and not edits.backgrounds and not edits.meta
        if steps is None:
            steps = () if nothing else (UnknownOrigin(label),)
        before = self._history.state
        assert before.edits is not None
        if nothing and not (before.edits.backgrounds or before.edits.meta or before.edits.order):
            edits = before.edits
        after = State(recipe, edits, tuple(regions), tuple(steps))
        same = (after.recipe, after.regions) == (before.recipe, before.regions)
        if same and after.edits is before.edits:
            return True
        self._history.push(after, label)
        self._follow(before, after)
        return True


def _same_images(one: Edits, other: Edits) -> bool:
    """Tell whether the same backgrounds are assigned to the same frames."""
    first, second = one.backgrounds, other.backgrounds
    return first.keys() == second.keys() and all(first[i] is second[i] for i in first)


def _tuple(frames: Iterable[int] | None) -> tuple[int, ...] | None:
    return None if frames is None else tuple(frames)
