"""Run by the Python with the published flimage: corrects recordings of `truth.py`.

Usage: python accuracy_peer.py CASE SEEDS BORDER; prints one line of JSON: for each seed the fitted
decay, or the name of the exception.
"""

import json
import sys
import warnings

warnings.simplefilter("ignore")
import numpy as np  # noqa: E402 - after the warnings are off
from truth import CASES, simulate  # noqa: E402 - stands beside this file

import flimage  # noqa: E402 - its import warns

number, seeds, border = (int(word) for word in sys.argv[1:])
case = CASES[number]
results: list[object] = []
for seed in range(seeds):
    images = simulate(case, seed)
    try:
        frames = [
            flimage.FLImage(image, meta_data={"time": time})
            for image, time in zip(images, case.times, strict=True)
        ]
        decay = flimage.FLSeries(frames).bleach_correction(border_px=border)[2]
        results.append([float(value) for value in np.asarray(decay)])
    except Exception as error:
        results.append(type(error).__name__)
print(json.dumps({"version": flimage._version.version, "results": results}))
