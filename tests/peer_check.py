"""Run by the Python that has flimage 0.3.3: reads what this project wrote, prints it as JSON.

Usage: python peer_check.py SERIES.h5 IMAGE.h5 CORRECTED_BY_PEER.h5
"""

import json
import sys
import warnings

warnings.simplefilter("ignore")
import flimage  # noqa: E402 - its import warns

series_path, image_path, corrected_path = sys.argv[1:]
with flimage.FLSeries(h5file=series_path, h5mode="r") as series:
    found = {
        "version": flimage._version.version,
        "identifier": series.identifier,
        "sums": [float(fli.fl.sum()) for fli in series],
        "backgrounds": [float(fli.bg_fl.sum()) for fli in series],
        "times": [float(fli["time"]) for fli in series],
        "names": [fli["identifier"] for fli in series],
        "by name": float(series["img-1"].fl.sum()),
        "keys": sorted({key for fli in series for key in fli.meta}),
        "infos": [len(fli.info) for fli in series],
    }
    series.bleach_correction(h5out=corrected_path, border_px=2)
with flimage.FLImage(h5file=image_path, h5mode="a") as image:
    found["image"] = float(image.fl.sum())
print(json.dumps(found))
