"""The decay models that the library offers, as items for a person to choose from."""

from __future__ import annotations

import html

from flimage.models import MODELS, Model

__all__ = ["model_hint", "model_items", "model_text"]

#: Those that most people need come first; what the library adds follows.
_FIRST = ("exponential", "biexponential", "stretched", "linear", "none")
#: Shown behind models that must not be used to measure intensities.
_WARNING = "not for quantification"
_AUTO_TIP = (
    "Fits every model from no bleaching to two exponentials and takes the simplest one that the"
    " data support."
)


def model_text(name: str) -> str:
    """Return what a person calls a model."""
    if name == "auto":
        return "Choose automatically"
    model = MODELS.get(name)
    if model is None:
        return name
    text = model.title[:1].upper() + model.title[1:]
    return text if model.quantitative else f"{text} ({_WARNING})"


def model_items() -> list[tuple[str, str, str]]:
    """Return (text, name, tool tip) of every model, those for quantification first."""
    models = [MODELS[name] for name in _FIRST if name in MODELS]
    models += [model for name, model in MODELS.items() if name not in _FIRST]
    models.sort(key=lambda model: not model.quantitative)
    items = [(model_text(model.name), model.name, _tip(model)) for model in models]
    return [(model_text("auto"), "auto", _AUTO_TIP), *items]


def model_hint(name: str) -> str:
    """Return a line that says what a model does: its formula, or a warning."""
    if name == "auto":
        return "The simplest one that the data support."
    model = MODELS.get(name)
    if model is None:
        return ""
    if not model.quantitative:
        return "Not for quantification: real changes of intensity are erased."
    return model.formula.replace("*", "·").replace("-", "−").replace("<=", "≤")


def _tip(model: Model) -> str:
    return f"{html.escape(model.formula)}<br><i>{html.escape(model.reference)}</i>"
