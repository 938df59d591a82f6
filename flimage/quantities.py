"""Numbers with units as a person reads them: prefixes, digits, times (pure functions)."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = [
    "MISSING",
    "DisplayUnit",
    "choose_unit",
    "decimals_for",
    "format_bytes",
    "format_count",
    "format_duration",
    "format_estimate",
    "format_number",
    "format_percent",
    "format_quantity",
    "format_range",
    "parse_quantity",
    "time_unit",
]

#: Stands where there is no value.
MISSING = "–"

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True)
class DisplayUnit:
    """A unit to show values in.

    Parameters
    ----------
    symbol
        What stands behind the number; may be empty.
    scale
        Size of one such unit in the SI unit: shown value = SI value / scale.
    """

    symbol: str
    scale: float = 1.0


_SECONDS = (
    DisplayUnit("ns", 1e-9),
    DisplayUnit("µs", 1e-6),
    DisplayUnit("ms", 1e-3),
    DisplayUnit("s", 1.0),
    DisplayUnit("min", 60.0),
    DisplayUnit("h", 3600.0),
    DisplayUnit("d", 86400.0),
)
_METRES = (
    DisplayUnit("pm", 1e-12),
    DisplayUnit("nm", 1e-9),
    DisplayUnit("µm", 1e-6),
    DisplayUnit("mm", 1e-3),
    DisplayUnit("m", 1.0),
)
# Rates: the largest unit of time comes last, because it makes the smallest scale.
_PER_SECOND = (
    DisplayUnit("/d", 1 / 86400),
    DisplayUnit("/h", 1 / 3600),
    DisplayUnit("/min", 1 / 60),
    DisplayUnit("/s", 1.0),
    DisplayUnit("/ms", 1e3),
    DisplayUnit("/µs", 1e6),
)
_RADIANS = (DisplayUnit("°", math.pi / 180),)
_FAMILIES = {
    "s": _SECONDS,
    "m": _METRES,
    "1/s": _PER_SECOND,
    "/s": _PER_SECOND,
    "s^-1": _PER_SECOND,
    "s⁻¹": _PER_SECOND,
    "Hz": _PER_SECOND,
    "rad": _RADIANS,
}
# Rates of 0.01 and more are still easy to read, so that /s stays /s for most recordings.
_SMALLEST_RATE = 0.01


def choose_unit(value: float, unit: str) -> DisplayUnit:
    """Find the unit in which `value` is easiest to read.

    Parameters
    ----------
    value
        In SI; the sign does not matter.
    unit
        SI unit: ``"s"``, ``"m"``, ``"1/s"`` and ``"rad"`` get prefixes, all others stay.
    """
    family = _FAMILIES.get(unit)
    if family is None:
        return DisplayUnit("" if unit == "1" else unit)
    default = next((u for u in family if u.scale == 1.0), family[0])
    size = abs(value)
    if not math.isfinite(size) or size == 0:
        return default

    def fits(candidate: DisplayUnit) -> bool:
        is_slow_rate = family is _PER_SECOND and candidate.scale <= 1
        smallest = _SMALLEST_RATE if is_slow_rate else 1.0
        return size / candidate.scale >= smallest * (1 - 1e-9)

    fitting = [each for each in family if fits(each)]
    chosen = fitting[-1] if fitting else family[0]
    # 90 s and 100 min are said like that: change to the next unit of time only from two on.
    if unit == "s" and chosen.scale >= 60 and size / chosen.scale < 2:
        chosen = family[family.index(chosen) - 1]
    return chosen


def time_unit(span: float) -> DisplayUnit:
    """Find the unit for a time axis that covers `span` seconds."""
    for symbol, scale, until in (
        ("ns", 1e-9, 1e-6),
        ("µs", 1e-6, 1e-3),
        ("ms", 1e-3, 1.0),
        ("s", 1.0, 300.0),
        ("min", 60.0, 3 * 3600.0),
        ("h", 3600.0, 4 * 86400.0),
    ):
        if span < until:
            return DisplayUnit(symbol, scale)
    return DisplayUnit("d", 86400.0)


#: Errors and ends of intervals from here on are written as infinite, in the unit of the estimate.
_UNDETERMINED = 1e9


def _finish(text: str) -> str:
    return text.replace("-", "−")


def format_number(value: float | None, digits: int = 4) -> str:
    """Write `value` with `digits` significant digits, and with powers of ten where long."""
    if value is None or math.isnan(value):
        return MISSING
    if math.isinf(value):
        return "∞" if value > 0 else "−∞"
    if value == 0:
        return "0"
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}"))))
    if not -4 <= exponent < max(6, digits):
        mantissa = f"{value:.{digits - 1}e}".partition("e")[0]
        if "." in mantissa:
            mantissa = mantissa.rstrip("0").rstrip(".")
        return _finish(f"{mantissa} × 10{str(exponent).translate(_SUPERSCRIPTS)}")
    text = f"{value:.{max(0, digits - 1 - exponent)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return _finish(text)


def decimals_for(stderr: float | None, value: float) -> int:
    """Count the decimals that show two digits of `stderr`, or four of `value` without one."""
    reference, digits = stderr, 2
    if reference is None or not math.isfinite(reference) or reference <= 0:
        reference, digits = abs(value), 4
    elif reference > 10 * abs(value) > 0:
        # The value is not known at all: more digits of its error would not say more.
        digits = 2
    if not math.isfinite(reference) or reference == 0:
        return 2
    exponent = math.floor(math.log10(float(f"{reference:.{digits - 1}e}")))
    return min(12, max(0, digits - 1 - exponent))


def format_estimate(
    value: float,
    stderr: float | None,
    low: float | None = None,
    high: float | None = None,
    unit: str = "",
) -> tuple[str, str, str]:
    """Write an estimate, its 95 % interval, and the unit both are in.

    Parameters
    ----------
    value, stderr, low, high
        Estimate, its standard error and the ends of its interval, in SI. Missing ones may be
        None or NaN.
    unit
        SI unit of all of them.

    Returns
    -------
    estimate, interval, symbol
        For instance ``("0.0800 ± 0.0012", "0.0776 … 0.0824", "/s")``.
    """
    if value is None or not math.isfinite(value):
        return format_number(value), MISSING, choose_unit(1.0, unit).symbol
    shown = choose_unit(value, unit)
    scaled = [None if v is None else v / shown.scale for v in (value, stderr, low, high)]
    power = 0
    if abs(scaled[0] or 0.0) >= 1e6:
        power = math.floor(math.log10(abs(scaled[0] or 1.0)))
        scaled = [None if v is None else v / 10.0**power for v in scaled]
    number, error, lower, upper = scaled
    assert number is not None
    decimals = decimals_for(error, number)

    def plain(x: float | None) -> str:
        if x is None or math.isnan(x):
            return MISSING
        # The estimate itself is below a million: what is so far from it is not determined.
        if abs(x) >= _UNDETERMINED:
            return "∞" if x > 0 else "−∞"
        text = f"{x:.{decimals}f}"
        return _finish(text[1:] if text.startswith("-") and float(text) == 0 else text)

    estimate = plain(number)
    if error is not None and math.isfinite(error) and error > 0:
        estimate = f"{estimate} ± {plain(error)}"
    known = [v for v in (lower, upper) if v is not None and not math.isnan(v)]
    interval = f"{plain(lower)} … {plain(upper)}" if len(known) == 2 else MISSING
    symbol = shown.symbol
    if power:
        symbol = f"10{str(power).translate(_SUPERSCRIPTS)} {symbol}".strip()
    return estimate, interval, symbol


def format_quantity(value: float | None, unit: str, digits: int = 4) -> str:
    """Write `value` (SI) with its unit and a prefix: ``format_quantity(1e-7, "m")`` → 100 nm."""
    if value is None or not math.isfinite(value):
        return MISSING
    shown = choose_unit(value, unit)
    # Rounding may carry into the next unit: 999.99 nm with three digits are 1 µm.
    rounded = float(f"{value:.{digits - 1}e}")
    if rounded != value and choose_unit(rounded, unit) != shown:
        shown = choose_unit(rounded, unit)
    number = format_number(value / shown.scale, digits)
    space = "" if shown.symbol.startswith(("/", "°")) else " "
    return f"{number}{space}{shown.symbol}".rstrip()


def format_duration(seconds: float | None) -> str:
    """Write a time in the unit that suits its size."""
    return format_quantity(seconds, "s")


def format_count(number: int, singular: str, plural: str | None = None) -> str:
    """Write ``1 frame`` but ``1 000 frames`` (thousands kept together by a narrow space)."""
    word = singular if number == 1 else (plural or singular + "s")
    return f"{number:,}".replace(",", "\u202f") + f" {word}"


def format_percent(share: float, decimals: int = 1) -> str:
    """Write a share of 1 in per cent, the sign kept on the line by a narrow space."""
    return f"{100 * share:.{decimals}f}".replace("-", "−") + "\u202f%"


def format_bytes(size: float) -> str:
    """Write a file size in decimal units."""
    for symbol in ("bytes", "kB", "MB", "GB"):
        if size < 999.5:
            return f"{format_number(size, 3)} {symbol}"
        size /= 1000
    return f"{format_number(size, 3)} TB"


def format_range(numbers: Iterable[int], limit: int = 8) -> str:
    """Write whole numbers with runs joined: 1–3, 7, 9–12."""
    runs: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if runs and number == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    parts = [str(a) if a == b else (f"{a}, {b}" if b == a + 1 else f"{a}–{b}") for a, b in runs]
    if len(parts) > limit:
        parts = [*parts[:limit], "…"]
    return ", ".join(parts)


def parse_quantity(text: str, unit: str, default: DisplayUnit | None = None) -> float | None:
    """Read what a person typed: ``"200 ms"``, ``"0,2"``, ``"100nm"``.

    Parameters
    ----------
    text
        A number, with a unit or without.
    unit
        SI unit of the result.
    default
        Unit that is meant when none is typed; the SI unit by default.

    Returns
    -------
    float or None
        The value in SI, or None when the text is no number or the unit does not belong there.
    """
    match = re.fullmatch(
        r"\s*([+\-−]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][+-]?\d+)?)\s*(\S*)\s*", text
    )
    if match is None:
        return None
    number = float(match[1].replace(",", ".").replace("−", "-"))
    symbol = match[2].replace("μ", "µ")
    if not symbol:
        return number * (default.scale if default else 1.0)
    for candidate in _FAMILIES.get(unit, (DisplayUnit(unit),)):
        if symbol in (candidate.symbol, candidate.symbol.replace("µ", "u")):
            return number * candidate.scale
    return None
