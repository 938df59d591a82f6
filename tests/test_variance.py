from __future__ import annotations

import numpy as np
import pytest
from simulation import ArraySource, exponential, simulate, write

from flimage import FLSeries, Recipe, cli, correct
from flimage.errors import InputError
from flimage.variance import variance_image, write_variance

RECIPE = Recipe(border_px=8)


def test_variances_are_those_of_the_corrected_frames(tmp_path):
    truth = simulate(np.arange(40.0), exponential(0.05), photon_gain=2.0, read_noise=4.0)
    source = ArraySource(truth.images, truth.times)
    fit = correct.run(source, RECIPE).fit
    write_variance(source, fit, tmp_path / "v.h5")
    inside = truth.signal > 0.5 * truth.signal.max()
    empty = truth.signal < 0.5
    with FLSeries(h5file=tmp_path / "v.h5", h5mode="r") as series:
        assert len(series) == 40
        assert series.times.tolist() == truth.times.tolist()
        for index in (0, 20, 39):
            found = series[index].raw_fl
            # Rounding to whole counts adds 1/12.
            noise = 4.0**2 + 1 / 12
            photons = 2.0 * truth.signal * truth.decay[index]
            gain = fit.gain[index] ** 2
            assert found[empty].mean() == pytest.approx(noise * gain, rel=0.15)
            expected = ((photons + noise) * gain)[inside].mean()
            assert found[inside].mean() == pytest.approx(expected, rel=0.1)


def test_a_pixel_without_a_value_has_no_variance():
    truth = simulate(np.arange(20.0), exponential(0.05))
    fit = correct.run(ArraySource(truth.images, truth.times), RECIPE).fit
    image = truth.images[3].copy()
    image[2, 3] = np.nan
    variance = variance_image(image, fit, 3)
    assert np.isnan(variance[2, 3])
    assert np.isfinite(np.delete(variance.ravel(), 2 * 64 + 3)).all()


def test_variances_that_do_not_exist_are_refused(tmp_path):
    truth = simulate(np.arange(20.0), exponential(0.05))
    source = ArraySource(truth.images, truth.times)
    histogram = correct.run(source, RECIPE.replace(model="histogram")).fit
    with pytest.raises(InputError, match="Histogram"):
        write_variance(source, histogram, tmp_path / "v.h5")
    fit = correct.run(source, RECIPE).fit
    with pytest.raises(InputError, match="20 frames"):
        write_variance(ArraySource(truth.images[:9], truth.times[:9]), fit, tmp_path / "v.h5")
    assert list(tmp_path.iterdir()) == []


def test_the_command_line_writes_them_beside_the_correction(tmp_path):
    truth = simulate(np.arange(12.0), exponential(0.1))
    raw = write(tmp_path / "raw.h5", truth)
    arguments = ["--border", "8", "--variance", str(tmp_path / "v.h5"), "--quiet"]
    assert cli.main(["bleach", str(raw), str(tmp_path / "out.h5"), *arguments]) == 0
    with FLSeries(h5file=tmp_path / "v.h5", h5mode="r") as series:
        assert series.identifier == "simulated variance"
        assert (series[5].raw_fl > 0).all()
