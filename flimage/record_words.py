"""What a corrected file keeps of its correction, in words: settings, parameters and verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .facts import parameter_text
from .models import MODELS
from .quantities import format_number, format_range
from .verdict import GRADE_WORDS

__all__ = ["fit_rows", "settings_rows"]

#: What the settings of a recipe are called.
_SETTINGS = {
    "border_px": "border [px]",
    "background": "background level per",
    "background_source": "background from",
    "background_region": "background region",
    "region": "signal region",
    "model": "decay model",
    "offset": "meaning of the offset",
    "first": "first frame of the fit",
    "last": "last frame of the fit",
    "exclude": "frames left out",
    "robust": "outliers count less",
    "max_gain": "largest gain",
    "interval": "interval [s]",
    "time_axis": "bleaching goes with",
    "denoise": "denoising strength",
}


def settings_rows(recipe: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Write the settings of a recipe.

    Parameters
    ----------
    recipe
        As :meth:`flimage.recipe.Recipe.to_json` writes it.

    Returns
    -------
    list of tuple
        Names and values.
    """
    rows = []
    for key, value in recipe.items():
        if isinstance(value, Mapping):
            points = ", ".join(f"({x:g}, {y:g})" for x, y in value.get("points", ()))
            text = f"{value.get('kind')}{f': {points}' if points else ''}"
        elif isinstance(value, (list, tuple)):
            text = format_range(value) if value else "none"
        elif value is None:
            text = "not set"
        elif isinstance(value, bool):
            text = "yes" if value else "no"
        else:
            text = str(value)
        rows.append((_SETTINGS.get(key, key), text))
    return rows


def fit_rows(fit: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Write what a fit found: verdict, model, parameters and largest gain.

    Parameters
    ----------
    fit
        As :meth:`flimage.bleach.BleachFit.to_dict` writes it.

    Returns
    -------
    list of tuple
        Names and values.

    Raises
    ------
    AttributeError, KeyError, TypeError, ValueError
        When the record is damaged.
    """
    verdict, name = fit["verdict"], str(fit["model"])
    grade = GRADE_WORDS.get(verdict["grade"], verdict["grade"])
    model = MODELS.get(name)
    rows = [
        ("verdict", f"{grade}: {verdict['sentence']}"),
        ("decay model", name if model is None else model.title),
    ]
    pixels = max(int(fit["region_pixels"]), 1)
    found = [*fit["parameters"], *([fit["half_life"]] if fit.get("half_life") else [])]
    for parameter in found:
        text = parameter_text(parameter, pixels)
        rows.append((str(parameter["name"]), text.removeprefix(f"{parameter['name']} ")))
    rows.append(("gains up to", format_number(float(max(fit["gain"])))))
    return rows
