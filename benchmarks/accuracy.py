"""Correct recordings with a known decay, side by side with the published flimage.

Writes `docs/accuracy.md`. Run all of it with ``python -m benchmarks.accuracy``, a part with
``python -m benchmarks.accuracy --seeds 10 --only flash``.
"""

from __future__ import annotations

import argparse
import datetime
import json
import multiprocessing
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from flimage import Recipe, __version__, bleach
from flimage.meta import FLMetaDict
from flimage.scan import scan_series

from .performance import peer_python
from .truth import CASES, Case, simulate

HERE = Path(__file__).resolve().parent
OUTPUT = HERE.parent / "docs" / "accuracy.md"
#: Longer recordings count as long: fewer of them are run, above all with the peer, whose time for
#: a recording grows with the square of the number of frames.
LONG = 1000
OURS_LONG, PEER_LONG = 100, 3


class Recording:
    """A simulated recording as a frame source."""

    path = None
    identifier = None

    def __init__(self, images: np.ndarray, times: np.ndarray) -> None:
        self._images, self.times = images, times
        self.shape = (images.shape[1], images.shape[2])
        self.identifiers = [None] * len(images)

    def __len__(self) -> int:
        return len(self._images)

    def raw(self, index: int) -> np.ndarray:
        """Frame `index`."""
        return self._images[index]

    def background(self, index: int) -> None:
        """No background is assigned."""

    image = raw

    def meta(self, index: int) -> FLMetaDict:
        """Metadata of a frame."""
        return FLMetaDict({"time": float(self.times[index])})


@dataclass(frozen=True)
class Outcome:
    """What came of one recording."""

    spread: float
    end: float
    rate: float
    rate_covered: bool | None
    gain_covered: bool
    bound: float
    amplified: float
    model: str
    chosen: str
    grade: str
    error: str


def border(case: Case) -> int:
    """Border for a case [px]."""
    return case.side // 8


def bound(case: Case, fit: bleach.BleachFit) -> float:
    """Compute the Cramér–Rao bound of the relative error of k for the true decay.

    The noise is that of the trace as it was simulated: photons and read noise of the signal
    region, and of the border where its level is subtracted per frame.
    """
    if case.rate is None:
        return np.nan
    x = np.linspace(0.0, 1.0, case.frames)
    pixels = fit.trace.region_pixels
    level = case.background * (1 + case.drift * x)
    first = float(np.nanmax(fit.curve))
    variance = first * case.truth + pixels * (level + case.read_noise**2)
    if fit.recipe.background == "frame":
        ring = case.side**2 - (case.side - 2 * border(case)) ** 2
        variance = variance + pixels**2 * (level + case.read_noise**2) / ring
    decay = np.exp(-case.rate * x)
    amplitude = first * (1 - case.offset)
    slopes = np.array([np.ones_like(x), decay, -amplitude * x * decay])
    information = (slopes / variance) @ slopes.T
    return float(np.sqrt(np.linalg.inv(information)[2, 2]) / case.rate)


def run_ours(task: tuple[int, int]) -> Outcome:
    """Correct one recording with this project."""
    number, seed = task
    case = CASES[number]
    images = simulate(case, seed)
    recipe = Recipe(border_px=border(case), **{"max_gain": 1e9, **case.recipe})
    try:
        scan = scan_series(Recording(images, case.times), recipe, workers=1)
        fit = bleach.fit(scan, recipe)
        chosen = bleach.fit(scan, recipe.replace(model="auto")).model
    except Exception as error:  # whatever is raised is counted as a failure of the case
        nan = float("nan")
        return Outcome(nan, nan, nan, None, False, nan, nan, "", "", "", repr(error))
    flat = fit.gain * case.truth
    rate, covered = float("nan"), None
    if case.rate is not None and fit.model == "exponential":
        k = fit.parameter("rate")
        true = case.rate / case.duration
        rate, covered = k.value / true - 1, bool(k.low <= true <= k.high)
    ideal = case.truth[0] / case.truth[-1]
    return Outcome(
        spread=float(flat.std() / flat.mean()),
        end=float(flat[-1] / flat[0] - 1),
        rate=rate,
        rate_covered=covered,
        gain_covered=bool(fit.gain_low[-1] <= ideal <= fit.gain_high[-1]),
        bound=bound(case, fit),
        amplified=float(fit.sigma_gain[-1] / fit.sigma_gain[0]),
        model=fit.model,
        chosen=chosen,
        grade=fit.verdict.grade,
        error="",
    )


def run_peer(python: Path, number: int, seeds: int) -> tuple[list[tuple[float, float]], int]:
    """Correct recordings with the published package: spread and end bias, failures."""
    case = CASES[number]
    if case.frames > LONG:
        seeds = min(seeds, PEER_LONG)
    done = subprocess.run(
        [python, HERE / "accuracy_peer.py", str(number), str(seeds), str(border(case))],
        capture_output=True,
        text=True,
        check=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    answer = json.loads(done.stdout.splitlines()[-1])
    if answer["version"] != "0.3.3":
        raise SystemExit(f"{python} runs flimage {answer['version']}, not 0.3.3.")
    numbers, failures = [], 0
    for decay in answer["results"]:
        if isinstance(decay, str):
            failures += 1
            continue
        flat = decay[0] / np.asarray(decay) * case.truth
        numbers.append((float(flat.std() / abs(flat.mean())), float(flat[-1] / flat[0] - 1)))
    return numbers, failures


def percent(value: float, digits: int = 2) -> str:
    """Write a relative number in percent."""
    return "–" if not np.isfinite(value) else f"{100 * value:.{digits}f}"


def row(case: Case, ours: Sequence[Outcome], peer: tuple[list[tuple[float, float]], int]) -> str:
    """One line of the table."""
    spread = float(np.nanmedian([one.spread for one in ours]))
    end = float(np.nanmean([one.end for one in ours]))
    rates = np.array([one.rate for one in ours])
    known = rates[np.isfinite(rates)]
    bounds = float(np.nanmean([one.bound for one in ours])) if case.rate else np.nan
    ratio = float(np.sqrt(np.mean(known**2)) / bounds) if known.size and bounds > 0 else np.nan
    covered = [one.rate_covered for one in ours if one.rate_covered is not None]
    values, failures = peer
    peer_spread = float(np.median([v[0] for v in values])) if values else np.nan
    peer_end = float(np.mean([v[1] for v in values])) if values else np.nan
    met = "–"
    if case.spread is not None or case.end is not None:
        good = case.spread is None or 100 * spread <= case.spread
        good = good and (case.end is None or 100 * abs(end) <= case.end)
        met = "yes" if good else "**no**"
    right = sum(one.chosen == case.simplest for one in ours)
    refused = sum(one.grade == "refused" for one in ours)
    cells = [
        case.name,
        f"{percent(spread, 3)} ({percent(peer_spread)})",
        f"{percent(end, 3)} ({percent(peer_end)})",
        met,
        percent(float(np.sqrt(np.mean(known**2))) if known.size else np.nan),
        "–" if not np.isfinite(ratio) else f"{ratio:.2f}",
        f"{100 * np.mean(covered):.0f}" if covered else "–",
        f"{100 * np.mean([one.gain_covered for one in ours]):.0f}",
        f"{np.nanmean([one.amplified for one in ours]):.2f}",
        f"{100 * right / len(ours):.0f}",
        f"{refused}",
        f"{sum(bool(one.error) for one in ours)} ({failures})",
    ]
    return "| " + " | ".join(cells) + " |"


HEAD = """# Accuracy

Simulated recordings whose decay is known are corrected by this version and by the published
flimage 0.3.3; the numbers of the latter stand in brackets. Written by `benchmarks/accuracy.py`.

- **CV**: spread of gain × true decay over the frames, 0 for a perfect correction [%], median over
  the recordings. **end**: deviation of the last frame from the first after the correction [%],
  mean. **met**: whether both reach what was set as a goal before.
- **k**: root mean square error of the rate [%]; **/bound**: the same as a multiple of the
  Cramér–Rao bound, below which no unbiased estimate can be. Where the offset is 0, knowing that it
  is not negative makes the error smaller than the bound.
- **cover k**, **cover gain**: how often the 95 % interval of the rate and of the last gain holds
  the truth [%]; 400 recordings scatter by 1.1 around 95. Where the offset is 0, its limit, theory
  gives 94 to 97.5. Four frames leave one degree of freedom, which no interval describes well.
- **noise**: noise of the corrected trace in the last frame as a multiple of that in the first.
- **auto**: how often the automatic choice takes the model that made the data [%]. At k·T = 0.05 an
  exponential differs from a straight line by 0.03 % of the signal, less than the noise, and fewer
  than six frames do not let it compete: there the simpler model is taken, as it should be.
- **refused**: verdicts that refuse a correction; **raised**: uncaught exceptions.

One count is one photon. Standard noise, unless the name says otherwise: 100 frames of 64×64 pixels
with two cells of 435 pixels, signal up to 1000 counts on a background of 100, read noise 3, 50 s.
"""


def main() -> None:
    """Run all cases and write the document."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=400, help="recordings of each case")
    parser.add_argument("--peer-seeds", type=int, default=100, help="of these with flimage 0.3.3")
    parser.add_argument("--peer", help="Python with flimage==0.3.3; installed where not given")
    parser.add_argument("--only", default="", help="cases whose name holds this word")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument(
        "--quick", action="store_true", help="a few short recordings of each case; no document"
    )
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.seeds, arguments.peer_seeds = 4, 1
    python = peer_python(arguments.peer)
    start = time.time()
    lines = []
    # Not forked: the thread that waits for the peer may hold a lock at that moment.
    spawned = multiprocessing.get_context("spawn")
    with (
        ProcessPoolExecutor(arguments.jobs, spawned) as pool,
        ThreadPoolExecutor(1) as beside,
    ):
        for number, case in enumerate(CASES):
            if arguments.only not in case.name or (arguments.quick and case.frames > LONG):
                continue
            seeds = min(arguments.seeds, OURS_LONG) if case.frames > LONG else arguments.seeds
            peer = beside.submit(run_peer, python, number, arguments.peer_seeds)
            ours = list(pool.map(run_ours, [(number, seed) for seed in range(seeds)]))
            for error in sorted({one.error for one in ours} - {""}):
                print(f"{case.name}: {error}", file=sys.stderr)
            lines.append(row(case, ours, peer.result()))
            print(lines[-1], flush=True)
    if arguments.only or arguments.quick:
        return
    OUTPUT.write_text("\n".join([HEAD, *document(lines, arguments, time.time() - start)]))
    print(f"Written: {OUTPUT}")


def document(lines: list[str], arguments: Any, seconds: float) -> list[str]:
    """Compose table and facts about the run."""
    titles = ["case", "CV", "end", "met", "k", "/bound", "cover k", "cover gain", "noise"]
    titles += ["auto", "refused", "raised"]
    return [
        "| " + " | ".join(titles) + " |",
        "|" + "---|" * len(titles),
        *lines,
        "",
        f"flimage {__version__}: {arguments.seeds} recordings of each case; flimage 0.3.3:"
        f" {arguments.peer_seeds}; {OURS_LONG} and {PEER_LONG} where there are more than {LONG}"
        f" frames. Python {platform.python_version()}, numpy {np.__version__},"
        f" {platform.machine()}, {datetime.date.today():%Y-%m-%d}, {seconds / 60:.0f} min.",
        "",
    ]


if __name__ == "__main__":
    main()
