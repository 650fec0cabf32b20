# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Made-up counts must be Poisson distributed, by rates that columns explain."""

from __future__ import annotations

import dask
import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import PoissonRegressor

from gpu_hpo.datasets import make_counts


def sample(**arguments):
    """Data in memory: (X, y)."""
    return dask.compute(*make_counts(**arguments))


def test_defaults():
    """The defaults are dask-ml's."""
    X, y = make_counts(random_state=0)
    assert X.chunks == ((100,) * 10, (100,))
    assert (y.chunks, y.dtype) == (((100,) * 10,), np.int64)
    assert y.compute().min() == 0


def test_rates():
    """Given its columns a count is Poisson distributed, in blocks of one model."""
    X, y = sample(n_samples=20000, n_features=4, chunks=2500, random_state=1)
    model = PoissonRegressor(alpha=0, max_iter=1000, tol=1e-8).fit(X, y)
    informative = np.abs(model.coef_) > 0.05
    assert informative.sum() == 2
    assert (model.coef_[informative] < 0).all()
    assert (model.coef_[informative] > -1).all()
    assert abs(model.intercept_) < 0.05
    rate = model.predict(X)
    # Of a Poisson distribution mean and variance are equal, at every rate.
    for rows in np.array_split(np.argsort(rate), 5):
        assert abs(y[rows].mean() / rate[rows].mean() - 1) < 0.1
        assert 0.85 < ((y[rows] - rate[rows]) ** 2 / rate[rows]).mean() < 1.15
    for block in range(8):
        rows = slice(2500 * block, 2500 * (block + 1))
        assert PoissonRegressor(alpha=0).fit(X[rows], y[rows]).score(X, y) > 0
    np.testing.assert_allclose(np.cov(X.T), np.eye(4), atol=0.05)


def test_scale():
    """Without scale or informative columns, all rates are 1."""
    for arguments in ({"scale": 0}, {"n_informative": 0}):
        _, y = sample(n_samples=20000, n_features=5, chunks=5000, **arguments)
        expected = stats.poisson(1).pmf(np.arange(5))
        np.testing.assert_allclose(np.bincount(y)[:5] / 20000, expected, atol=0.015)
    spread = [
        np.log1p(sample(scale=scale, random_state=0)[1]).std() for scale in (0.1, 1, 9)
    ]
    assert spread[0] < spread[1] < spread[2]


def test_rates_are_bounded():
    """Rates that are too large for an integer are cut, not an error."""
    _, y = sample(n_informative=100, scale=1000.0, random_state=0)
    assert y.min() == 0
    assert 2**61 < y.max() < 2**63 - 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_informative": 101}, r"n_informative=101 .*n_features=100"),
        ({"n_informative": -1}, r"'n_informative' parameter of make_counts.*Got -1"),
        ({"scale": -1.0}, r"'scale'.*Got -1.0"),
        ({"n_samples": 0}, r"'n_samples'.*Got 0"),
    ],
    ids=str,
)
def test_errors(arguments, message):
    """A wrong argument is an error at the call that names it and its value."""
    with pytest.raises(ValueError, match=message):
        make_counts(**arguments)
