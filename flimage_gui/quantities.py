"""Numbers with units as a person reads them; the command line writes them the same way."""

from __future__ import annotations

from flimage.quantities import (
    MISSING,
    DisplayUnit,
    choose_unit,
    decimals_for,
    format_bytes,
    format_count,
    format_duration,
    format_estimate,
    format_number,
    format_quantity,
    format_range,
    parse_quantity,
    time_unit,
)

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
    "format_quantity",
    "format_range",
    "parse_quantity",
    "time_unit",
]
