"""Keeps what torture scripts found in ``build/torture``, for the page on reliability."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "keep"]

#: Where the outcomes are.
FOLDER = Path(__file__).resolve().parents[2] / "build" / "torture"


def keep(
    name: str,
    promise: str,
    runs: Mapping[str, int],
    seconds: float,
    *,
    seeds: Sequence[int] = (),
    defects: Sequence[str] = (),
    details: Mapping[str, Any] | None = None,
) -> Path:
    """Write down what came of a script, in place of what it found before.

    Parameters
    ----------
    name
        Name of the script.
    promise
        What the program promises, in one sentence.
    runs
        What was tried: kind -> number of times.
    seconds
        How long it took [s].
    seeds
        Where chance came from.
    defects
        What did not hold, one sentence each; empty when the promise was kept.
    details
        Figures that stand beside the promise: what -> value.
    """
    FOLDER.mkdir(parents=True, exist_ok=True)
    path = FOLDER / f"{name}.json"
    content = {
        "name": name,
        "promise": promise,
        "seeds": list(seeds),
        "runs": dict(runs),
        "seconds": round(seconds, 1),
        "date": datetime.date.today().isoformat(),
        "defects": list(defects),
        "details": dict(details or {}),
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path
