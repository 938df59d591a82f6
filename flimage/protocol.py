"""What was done to a recording, in order, as a value; written as Python or as command lines.

Edits and settings are remembered with every output that was made of them, so that a script makes
the same outputs whatever was undone in between.
"""

from __future__ import annotations

import dataclasses
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from .edit_steps import EditStep, frame_literal, frame_text
from .options import region_text
from .recipe import Recipe, Region

if TYPE_CHECKING:
    from .codec import Compression
    from .export import Request
    from .readers import Selection
    from .region_traces import NamedRegion
    from .shown import Shown

__all__ = ["Conversion", "Output", "Protocol", "command_lines", "python_script"]

Steps = tuple[EditStep, ...]


@dataclass(frozen=True)
class Conversion:
    """How a recording in another format became the series."""

    recording: Path
    interval: float | None = None
    pixel_size: float | None = None
    identifier: str | None = None
    overwrite: bool = False
    key: str | None = None
    selection: Selection | None = None

    @property
    def chosen(self) -> dict[str, int | str]:
        """What was chosen of a file with several channels, depths or positions."""
        if self.selection is None:
            return {}
        given = dataclasses.asdict(self.selection)
        return {name: value for name, value in given.items() if value is not None}


@dataclass(frozen=True)
class Output:
    """Something that was made of the recording.

    Parameters
    ----------
    kind
        ``"fit"``: the fit was computed; ``"correct"``: the corrected series was written;
        ``"save"``: the recording was written with its edits; ``"traces"``: regions were followed;
        ``"export"``: a file for other programs was written.
    steps, recipe
        Edits and settings at that time.
    path
        What was written.
    overwrite, compression
        How it was written.
    regions, shown
        Of traces: which regions, and what they were measured on.
    request
        Of an export: all about it.
    """

    kind: Literal["fit", "correct", "save", "traces", "export"]
    steps: Steps
    recipe: Recipe
    path: Path | None = None
    overwrite: bool = False
    compression: Compression = "balanced"
    regions: tuple[NamedRegion, ...] = ()
    shown: Shown = "raw"
    request: Request | None = None

    @property
    def needs_recipe(self) -> bool:
        """Whether settings of the correction make a difference to it."""
        return self.kind != "save" and (self.kind, self.shown) != ("traces", "raw")


@dataclass(frozen=True)
class Protocol:
    """Everything that was done to a recording.

    Parameters
    ----------
    recording
        File of the series.
    outputs
        What was made of it, in order.
    steps, recipe
        Edits and settings now.
    group
        Group of the series in the file, where it is not at its root.
    conversion
        How the file was made, where it was made from a recording in another format.
    corrected
        Whether it is a corrected series, which is exported as it stands.
    """

    recording: Path
    outputs: tuple[Output, ...]
    steps: Steps
    recipe: Recipe
    group: str | None = None
    conversion: Conversion | None = None
    corrected: bool = False

    def with_result(self) -> tuple[Output, ...]:
        """Return the outputs, and the corrected series as of now where nothing was written."""
        if any(output.path is not None for output in self.outputs):
            return self.outputs
        out = self.recording.with_name(f"{self.recording.stem}_corrected.h5")
        return (*self.outputs, Output("correct", self.steps, self.recipe, out))


# --- Python --------------------------------------------------------------------------------


def python_script(protocol: Protocol) -> str:
    """Write a Python script that calls the library and makes the same outputs.

    Raises
    ------
    flimage.errors.InputError
        When a step cannot be made again.
    """
    writer = _PythonWriter(protocol)
    for output in protocol.with_result():
        writer.add(output)
    writer.settle(protocol.steps, protocol.recipe)
    return writer.text()


class _PythonWriter:
    def __init__(self, protocol: Protocol) -> None:
        self._protocol = protocol
        self._imports = {"from flimage.opening import open_series"}
        self._lines: list[str] = []
        self._steps: Steps = ()
        self._recipe: Recipe | None = None
        self._fitted = False
        if protocol.conversion is not None:
            self._convert(protocol.conversion)
        self._open()

    def text(self) -> str:
        paths = "from pathlib import Path"
        return "\n".join([paths, "", *sorted(self._imports), "", *self._lines]) + "\n"

    def _convert(self, made: Conversion) -> None:
        self._imports.add("from flimage.convert import convert")
        options = {
            name: getattr(made, name)
            for name in ("interval", "pixel_size", "identifier", "overwrite", "key")
            if getattr(made, name) not in (None, False)
        }
        extra = "".join(f", {name}={value!r}" for name, value in options.items())
        if made.chosen:
            self._imports.add("from flimage.readers import Selection")
            chosen = ", ".join(f"{name}={value!r}" for name, value in made.chosen.items())
            extra += f", selection=Selection({chosen})"
        source = f"{str(made.recording)!r}, {str(self._protocol.recording)!r}"
        self._lines += [f"convert({source}{extra})", ""]

    def _open(self) -> None:
        self._imports.add("from flimage.source import EditedSource, SeriesSource")
        group = "" if self._protocol.group is None else f", {self._protocol.group!r}"
        self._lines += [
            f"with open_series(Path({str(self._protocol.recording)!r}){group}) as series:",
            "    source = EditedSource(SeriesSource(series))",
        ]
        self._steps = ()

    def settle(self, steps: Steps, recipe: Recipe | None) -> None:
        """Bring `source` and `recipe` to the state in which an output was made."""
        if steps[: len(self._steps)] != self._steps:
            self._lines.append("    source = source.with_edits(Edits())")
            self._imports.add("from flimage.source import Edits, EditedSource, SeriesSource")
            self._imports.discard("from flimage.source import EditedSource, SeriesSource")
            self._steps = ()
        for step in steps[len(self._steps) :]:
            expression = step.python()
            if "read_session(" in expression:
                self._imports.add("from flimage.session_reading import read_session")
            else:
                self._imports.add("from flimage import edit")
            if "background_image." in expression:
                self._imports.add("from flimage import background_image")
            self._lines.append(f"    source = source.with_edits({expression})")
            self._fitted = False
        self._steps = steps
        if recipe is not None and recipe != self._recipe:
            self._lines.append(f"    recipe = {self._recipe_text(recipe)}")
            self._recipe, self._fitted = recipe, False

    def add(self, output: Output) -> None:
        """Write what makes an output."""
        needs = output.needs_recipe and not (output.request and self._protocol.corrected)
        self.settle(output.steps, output.recipe if needs else None)
        if output.request is not None:
            self._add_export(output.request, with_recipe=needs)
            return
        target = "" if output.path is None else repr(str(output.path))
        extra = ", overwrite=True" if output.overwrite else ""
        if output.compression != "balanced":
            extra += f", compression={output.compression!r}"
        if output.kind in ("fit", "correct"):
            self._imports.add("from flimage import correct")
            if output.kind == "correct":
                self._lines.append(f"    correct.run(source, recipe, {target}{extra})")
            elif not self._fitted:
                self._lines.append("    fit = correct.run(source, recipe).fit")
                self._fitted = True
        elif output.kind == "save":
            self._imports.add("from flimage.save import save_edited")
            self._lines.append(f"    save_edited(source, {target}{extra})")
            if output.path == self._protocol.recording:
                # From here on, frames are those of the file that was replaced.
                self._lines.append("")
                self._recipe = None
                self._open()
        else:
            self._add_traces(output, target)

    def _add_traces(self, output: Output, target: str) -> None:
        self._imports.add("from flimage.recipe import Region")
        self._imports.add(
            "from flimage.region_traces import NamedRegion, region_traces, write_traces"
        )
        self._lines.append("    regions = [")
        for each in output.regions:
            region = _region_text(each.region)
            self._lines.append(f"        NamedRegion({each.name!r}, {region}, {each.color!r}),")
        self._lines.append("    ]")
        image = "source.raw"
        if output.shown != "raw":
            self._imports.add("from flimage.shown import images_of")
            image = f"images_of(source, recipe, {output.shown!r})"
        self._lines.append(f"    traces = region_traces(source, regions, {image})")
        self._lines.append(f"    write_traces(traces, {target}, {output.shown!r})")

    def _add_export(self, request: Request, with_recipe: bool) -> None:
        self._imports.add("from flimage.export import Request, write")
        parts = [f"Path({str(request.out)!r})"]
        for name, value in _changed(request, type(request)(request.out)).items():
            if name == "frames":
                text = f"tuple({frame_literal(value)})"
            elif name == "traces":
                self._imports.add("from flimage.recipe import Region")
                regions = (f"{each!r}: {_region_text(region)}" for each, region in value.items())
                text = f"{{{', '.join(regions)}}}"
            else:
                text = repr(value)
            parts.append(f"{name}={text}")
        recipe = ", recipe" if with_recipe else ""
        self._lines.append(f"    write(source, Request({', '.join(parts)}){recipe})")

    def _recipe_text(self, recipe: Recipe) -> str:
        self._imports.add("from flimage.recipe import Recipe")
        parts = []
        for name, value in _changed(recipe, Recipe()).items():
            if isinstance(value, Region):
                self._imports.discard("from flimage.recipe import Recipe")
                self._imports.add("from flimage.recipe import Recipe, Region")
                value = _region_text(value)
                parts.append(f"{name}={value}")
            else:
                parts.append(f"{name}={value!r}")
        return f"Recipe({', '.join(parts)})"


def _changed(value: Any, default: Any) -> dict[str, Any]:
    return {
        each.name: getattr(value, each.name)
        for each in dataclasses.fields(value)
        if getattr(value, each.name) != getattr(default, each.name)
    }


def _region_text(region: Region) -> str:
    parts = [repr(region.kind)]
    if region.points:
        parts.append(repr(region.points))
    if region.runs:
        parts.append(f"runs={region.runs!r}")
    return f"Region({', '.join(parts)})"


# --- command lines -------------------------------------------------------------------------


def command_lines(protocol: Protocol) -> str:
    """Write lines for a shell that call ``flimage`` and make the same outputs.

    Edits are written to a series of their own first, which the other commands then read.

    Raises
    ------
    flimage.errors.InputError
        When a step cannot be made again, or a region is a mask, which cannot be typed.
    """
    lines = []
    made = protocol.conversion
    if made is not None:
        words = ["flimage", "convert", str(made.recording), str(protocol.recording)]
        for option, value in (
            ("--interval", made.interval),
            ("--pixel-size", made.pixel_size),
            ("--identifier", made.identifier),
            ("--key", made.key),
            *((f"--{name}", value) for name, value in made.chosen.items()),
        ):
            words += [] if value is None else [option, str(value)]
        lines.append(words + (["--overwrite"] if made.overwrite else []))
    edited: dict[Steps, Path] = {}
    for output in protocol.with_result():
        lines += _lines_of(protocol, output, edited)
        if output.kind == "save" and output.path == protocol.recording:
            edited.clear()
    # Fits that follow each other without a change in between say the same.
    kept = [line for number, line in enumerate(lines) if number == 0 or line != lines[number - 1]]
    return "".join(f"{shlex.join(line)}\n" for line in kept)


def _lines_of(protocol: Protocol, output: Output, edited: dict[Steps, Path]) -> list[list[str]]:
    lines: list[list[str]] = []
    source = protocol.recording
    group = [] if protocol.group is None else ["--group", protocol.group]
    options = [option for step in output.steps for option in step.options()]
    overwrite = ["--overwrite"] if output.overwrite else []
    compression = [] if output.compression == "balanced" else ["--compression", output.compression]
    if output.kind == "save":
        words = ["flimage", "edit", str(source), str(output.path), *options, *group]
        return [words + overwrite + compression]
    if output.steps:
        if output.steps not in edited:
            number = f"{len(edited) + 1}" if edited else ""
            target = source.with_name(f"{source.stem}_edited{number}.h5")
            lines.append(["flimage", "edit", str(source), str(target), *options, *group])
            edited[output.steps] = target
        source, group = edited[output.steps], []
    recipe = _recipe_options(output.recipe)
    if output.request is not None:
        used = [] if protocol.corrected else recipe
        target_words = [str(source), str(output.path), *output.request.options()]
        lines.append(["flimage", "export", *target_words, *group, *used])
    elif output.kind == "traces":
        follow = [f"--follow={each.name}={region_text(each.region)}" for each in output.regions]
        used = recipe if output.shown != "raw" else []
        target_words = [str(source), str(output.path), *follow, "--on", output.shown]
        lines.append(["flimage", "traces", *target_words, *group, *used, "--overwrite"])
    else:
        out = [] if output.path is None else [str(output.path)]
        words = ["flimage", "bleach", str(source), *out, *group, *recipe]
        lines.append(words + overwrite + compression)
    return lines


def _recipe_options(recipe: Recipe) -> list[str]:
    """Return the options of ``flimage bleach`` for a recipe."""
    words = ["--border", str(recipe.border_px)]
    default = Recipe()
    # The choice of the source follows from a region otherwise.
    for name in ("background", "background_source", "model", "offset", "time_axis"):
        value = getattr(recipe, name)
        needed = name == "background_source" and recipe.background_region is not None
        if needed or value != getattr(default, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    for name in ("background_region", "region"):
        region: Region | None = getattr(recipe, name)
        if region is not None and region != getattr(default, name):
            words.append(f"--{name.replace('_', '-')}={region_text(region)}")
    for name in ("first", "last", "interval", "max_gain", "denoise"):
        value = getattr(recipe, name)
        if value != getattr(default, name):
            words += [f"--{name.replace('_', '-')}", str(value)]
    if recipe.exclude:
        words += ["--exclude", frame_text(recipe.exclude)]
    if not recipe.robust:
        words.append("--no-robust")
    return words
