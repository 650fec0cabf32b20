# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Made-up regression problems must be like scikit-learn's."""

from __future__ import annotations

import dask
import numpy as np
import pytest
from sklearn import datasets as sklearn_datasets
from sklearn.linear_model import LinearRegression

from gpu_hpo.datasets import make_regression


def sample(**arguments):
    """Data in memory: (X, y) or (X, y, coef)."""
    return dask.compute(*make_regression(**arguments))


def test_guide_example():
    """The call of dask-ml's guide works as it stands."""
    X, y = make_regression(n_samples=200, n_features=20, chunks=50, random_state=0)
    assert X.chunks == ((50,) * 4, (20,))
    assert y.chunks == ((50,) * 4,)


@pytest.mark.parametrize("n_targets", [1, 3])
@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize("effective_rank", [None, 4])
def test_coefficients(n_targets, shuffle, effective_rank):
    """Without noise, targets are the bias and the columns times the coefficients."""
    X, y, coef = sample(
        n_samples=90,
        n_features=12,
        n_informative=5,
        n_targets=n_targets,
        bias=7.0,
        shuffle=shuffle,
        effective_rank=effective_rank,
        coef=True,
        chunks=40,
        random_state=0,
    )
    shape = () if n_targets == 1 else (3,)
    assert (X.shape, y.shape, coef.shape) == ((90, 12), (90, *shape), (12, *shape))
    np.testing.assert_allclose(y, X @ coef + 7.0)
    fitted = LinearRegression().fit(X, y)
    np.testing.assert_allclose(fitted.coef_, coef.T, atol=1e-8)
    np.testing.assert_allclose(fitted.intercept_, 7.0)
    informative = (coef.reshape(12, n_targets) != 0).all(axis=1)
    assert np.count_nonzero(coef) == 5 * n_targets
    assert informative.sum() == 5
    assert informative[:5].all() != shuffle


def test_coefficients_are_distributed_as_scikit_learns():
    """Coefficients are uniform between 0 and 100."""
    ours = sample(n_samples=5, n_features=4000, n_informative=4000, coef=True)[2]
    theirs = sklearn_datasets.make_regression(
        n_samples=5, n_features=4000, n_informative=4000, coef=True, random_state=0
    )[2]
    quantiles = np.linspace(0, 1, 11)
    np.testing.assert_allclose(
        np.quantile(ours, quantiles), np.quantile(theirs, quantiles), atol=5
    )
    assert len(np.unique(ours)) == 4000


def test_columns_are_normal():
    """Columns are independent standard normal, as are scikit-learn's."""
    X, _ = sample(n_samples=20000, n_features=5, chunks=3000, random_state=0)
    np.testing.assert_allclose(X.mean(axis=0), 0, atol=0.04)
    np.testing.assert_allclose(np.cov(X.T), np.eye(5), atol=0.05)
    np.testing.assert_allclose((X**4).mean(axis=0), 3, atol=0.3)


def test_noise():
    """Noise is normal, of the standard deviation asked for, and new in each block."""
    arguments = {"n_samples": 20000, "n_features": 5, "chunks": 5000, "random_state": 0}
    X, y, coef = sample(noise=3.0, coef=True, n_targets=2, **arguments)
    noise = y - X @ coef
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=0.1)
    np.testing.assert_allclose(np.cov(noise.T), 9 * np.eye(2), atol=0.4)
    assert len({tuple(block[0]) for block in noise.reshape(4, 5000, 2)}) == 4
    same = sample(coef=True, n_targets=2, **arguments)
    np.testing.assert_array_equal(same[0], X)
    np.testing.assert_array_equal(same[2], coef)


@pytest.mark.parametrize(
    ("n_samples", "n_features", "chunks"),
    [
        (300, 20, 100),
        (300, 20, 7),
        (300, 20, -1),
        (50, 50, 9),
        (30, 80, 8),
        (9, 4, (1, 1, 4, 3)),
    ],
)
@pytest.mark.parametrize("tail_strength", [0.0, 0.5, 1.0])
def test_effective_rank(n_samples, n_features, chunks, tail_strength):
    """Singular values are exactly scikit-learn's, for blocks of any shape."""
    options = {"effective_rank": 5, "tail_strength": tail_strength}
    X, _ = sample(
        n_samples=n_samples,
        n_features=n_features,
        chunks=chunks,
        random_state=0,
        **options,
    )
    expected = sklearn_datasets.make_low_rank_matrix(
        n_samples, n_features, random_state=0, **options
    )
    np.testing.assert_allclose(
        np.linalg.svd(X, compute_uv=False),
        np.linalg.svd(expected, compute_uv=False),
        atol=1e-10,
    )


def test_blocks_of_low_rank_are_alike():
    """All blocks share the few directions in which the data varies."""
    X, _ = sample(
        n_samples=4000,
        n_features=30,
        effective_rank=2,
        tail_strength=0.0,
        chunks=1000,
        random_state=0,
    )
    first, *others = X.reshape(4, 1000, 30)
    directions = np.linalg.svd(first)[2][:5]
    for block in others:
        outside = block - block @ directions.T @ directions
        assert np.linalg.norm(outside) < 0.02 * np.linalg.norm(block)
        # The same share of the variance is in each block.
        assert 0.9 < np.linalg.norm(block) / np.linalg.norm(first) < 1.1


def test_no_blocks_are_held_for_the_rank():
    """What one block needs of all others is small, and joined by few at a time."""
    X, _ = make_regression(
        n_samples=6400, n_features=5, effective_rank=2, chunks=100, random_state=0
    )
    graph = dict(dask.optimize(X.blocks[3])[0].dask)
    kinds = [str(key).removeprefix("('").split("-")[0] for key in graph]
    assert kinds.count("_triangle") == 64
    # The last may be one task with what follows.
    assert kinds.count("_join") in (8, 8 + 1)
    assert len(graph) < 64 + 9 + 4
    results = dask.get(graph, [key for key in graph if "triangle" in str(key)])
    assert {result.shape for result in results} == {(5, 5)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_informative": -1}, r"'n_informative' parameter of make_regression.*-1"),
        ({"n_targets": 0}, r"'n_targets'.*Got 0"),
        ({"effective_rank": 0}, r"'effective_rank'.*Got 0"),
        ({"tail_strength": 1.5}, r"'tail_strength'.*Got 1.5"),
        ({"noise": -0.1}, r"'noise'.*Got -0.1"),
        ({"bias": "high"}, r"'bias'.*Got 'high'"),
        ({"coef": "yes"}, r"'coef'.*Got 'yes'"),
    ],
    ids=str,
)
def test_errors(arguments, message):
    """A wrong argument is an error at the call that names it and its value."""
    with pytest.raises(ValueError, match=message):
        make_regression(**arguments)


def test_more_informative_than_columns():
    """More informative columns than there are means all, as in scikit-learn."""
    coef = sample(n_features=4, n_informative=10, coef=True, random_state=0)[2]
    assert np.count_nonzero(coef) == 4
    assert not sample(n_informative=0, coef=True, random_state=0)[2].any()
