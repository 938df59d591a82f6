"""Check the record of a fit in a corrected file before tables and reports are made of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeGuard

from .recipe import Recipe

__all__ = ["check_fit"]


def _is_number(value: object) -> TypeGuard[int | float]:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and _is_finite(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number beyond all others
        return False


def _is_number_or_none(value: object) -> bool:
    return value is None or _is_number(value)


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_truth(value: object) -> bool:
    return isinstance(value, bool)


def _is_positive(value: object) -> bool:
    return _is_number(value) and float(value) > 0


def _is_count(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


_Check = Callable[[object], bool]

_PARAMETER: dict[str, _Check] = {
    **dict.fromkeys(("name", "symbol", "unit"), _is_text),
    **dict.fromkeys(("value", "stderr", "low", "high"), _is_number_or_none),
}
_REASON: dict[str, _Check] = dict.fromkeys(("code", "severity", "sentence"), _is_text)
_CANDIDATE: dict[str, _Check] = {
    "model": _is_text,
    "criterion": _is_number_or_none,
    "weight": _is_number,
}
_FIT: dict[str, _Check] = {
    **dict.fromkeys(("model", "time_unit"), _is_text),
    **dict.fromkeys(("r_squared", "reduced_chi2", "autocorrelation"), _is_number_or_none),
    "residual_background": _is_number,
    "region_pixels": _is_count,
}
_VERDICT: dict[str, _Check] = {"grade": _is_text, "sentence": _is_text}

#: Lists with a value for each frame.
_FRAMES: dict[str, _Check] = {
    **dict.fromkeys(
        ("times", "intensity", "curve", "gain_low", "gain_high", "residuals", "noise"),
        _is_number_or_none,
    ),
    "background": _is_number,
    "used": _is_truth,
    "gain": _is_positive,
}


def check_fit(fit: object) -> None:
    """Make sure that a record holds what :meth:`flimage.bleach.BleachFit.to_dict` writes.

    Parameters
    ----------
    fit
        What was read; more than that may stand in it.

    Raises
    ------
    ValueError
        When something is missing, or of another kind.
    flimage.errors.InputError
        When the recipe in it is none.
    """
    found = _check(fit, "the fit", _FIT)
    verdict = _check(found.get("verdict"), "the verdict", _VERDICT)
    _check_all(verdict, "reasons", _REASON)
    _check_all(found, "parameters", _PARAMETER)
    _check_all(found, "evidence", _CANDIDATE)
    half_life = found.get("half_life", _MISSING)
    if half_life is not None:
        _check(half_life, "the half-life", _PARAMETER)
    counts = {len(_list(found, name, check)) for name, check in _FRAMES.items()}
    if len(counts) > 1 or 0 in counts:
        raise ValueError("the fit has not one value for each frame")
    for name in ("outliers", "capped"):
        _list(found, name, _is_count)
    recipe = found.get("recipe")
    if not isinstance(recipe, dict):
        raise ValueError("the fit has no recipe")
    Recipe.from_dict(recipe)


def _check(value: object, what: str, checks: Mapping[str, _Check]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} is missing")
    for name, check in checks.items():
        if not check(value.get(name, _MISSING)):
            raise ValueError(f"{what} has no {name!r}, or none that can be used")
    return value


#: What no check accepts.
_MISSING = object()


def _check_all(value: Mapping[str, Any], name: str, checks: Mapping[str, _Check]) -> None:
    for each in _list(value, name, lambda _: True):
        _check(each, f"one of the {name}", checks)


def _list(value: Mapping[str, Any], name: str, check: _Check) -> list[Any]:
    found = value.get(name)
    if not isinstance(found, list) or not all(map(check, found)):
        raise ValueError(f"the fit has no list {name!r}, or none that can be used")
    return found
