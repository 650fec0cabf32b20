# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Made-up clusters must be like scikit-learn's."""

from __future__ import annotations

import dask
import numpy as np
import pytest
from scipy import stats
from sklearn import datasets as sklearn_datasets

from gpu_hpo.datasets import make_blobs
from gpu_hpo.testing import NoHostCopyArray


def sample(**arguments):
    """Data in memory: (X, y) or (X, y, centers)."""
    return dask.compute(*make_blobs(**arguments))


def test_guide_example():
    """The call of dask-ml's guide works as it stands."""
    X, y = make_blobs(n_samples=1000, chunks=100, random_state=0, centers=3)
    assert X.chunks == ((100,) * 10, (2,))
    assert y.chunks == ((100,) * 10,)


@pytest.mark.parametrize("shuffle", [True, False])
@pytest.mark.parametrize(
    ("n_samples", "centers"),
    [
        (100, None),
        (101, 5),
        (3, 7),
        ([10, 60, 31], None),
        ([10, 0, 91], 3),
        (np.array([5, 6]), [[0.0, 1.0], [2.0, 3.0]]),
        (50, [[0.0, 1.0], [2.0, 3.0]]),
    ],
)
def test_rows_of_each_center(n_samples, centers, shuffle):
    """Clusters have the numbers of rows that they have in scikit-learn."""
    _, y = sample(
        n_samples=n_samples,
        centers=centers,
        shuffle=shuffle,
        chunks=7,
        random_state=0,
    )
    n_centers = centers if isinstance(centers, int) else None
    theirs = sklearn_datasets.make_blobs(
        n_samples,
        centers=[[0.0, 0.0]] * 3 if n_centers == 3 else centers,
        shuffle=False,
        random_state=0,
    )[1]
    np.testing.assert_array_equal(np.sort(y), theirs)
    assert (y == theirs).all() != shuffle


def test_blocks_have_equal_shares():
    """Shuffled, each block has its share of each cluster to one row."""
    per_center = np.array([300, 50, 1, 649])
    _, y = make_blobs(n_samples=per_center, chunks=100, random_state=0)
    counts = np.array([np.bincount(block.compute(), minlength=4) for block in y.blocks])
    assert (np.abs(counts - per_center / 10) <= 1).all()
    np.testing.assert_array_equal(counts.sum(axis=0), per_center)
    orders = [tuple(block.compute()[:20]) for block in y.blocks]
    assert len(set(orders)) == 10


def test_ties_are_drawn():
    """Blocks of one row are not all of the same clusters in turn."""
    first = [
        make_blobs(centers=5, chunks=1, random_state=seed)[1].blocks[0].compute()[0]
        for seed in range(40)
    ]
    assert len(set(first)) == 5


def test_more_rows_than_fit_32_bits():
    """Shares are exact for any number of rows."""
    _, y = make_blobs(n_samples=7 * 10**12, centers=7, chunks=10**12, random_state=0)
    assert y.shape == (7 * 10**12,)
    _, y = make_blobs(n_samples=10**10, centers=7, chunks=10**9, random_state=0)
    assert y.npartitions == 10


@pytest.mark.parametrize("cluster_std", [1.5, [0.1, 1.0, 4.0], 0])
@pytest.mark.parametrize("shuffle", [True, False])
def test_clusters_are_normal(cluster_std, shuffle):
    """Clusters are round and normal, about their centres, with their deviations."""
    given = np.array([[0.0, 0.0, 0.0], [10.0, -10.0, 5.0], [-50.0, 0.0, 3.0]])
    X, y, centers = sample(
        n_samples=[4000, 3000, 5000],
        centers=given,
        cluster_std=cluster_std,
        shuffle=shuffle,
        return_centers=True,
        chunks=900,
        random_state=0,
    )
    np.testing.assert_array_equal(centers, given)
    for cluster, std in enumerate(np.broadcast_to(cluster_std, 3)):
        rows = X[y == cluster]
        np.testing.assert_allclose(
            rows.mean(axis=0), given[cluster], atol=0.08 * std + 1e-12
        )
        np.testing.assert_allclose(
            np.cov(rows.T), std**2 * np.eye(3), atol=0.1 * std**2 + 1e-12
        )
        if std:
            standard = ((rows - given[cluster]) / std).ravel()
            assert stats.kstest(standard, "norm").pvalue > 1e-3


def test_centers_are_drawn_from_the_box():
    """Centres are uniform in the box, drawn once, and the same for any chunks."""
    arguments = {"n_samples": 10, "centers": 3000, "random_state": 0}
    drawn = sample(center_box=(2, 5), return_centers=True, **arguments)[2]
    theirs = sklearn_datasets.make_blobs(
        center_box=(2, 5), return_centers=True, **arguments
    )[2]
    quantiles = np.linspace(0, 1, 11)
    np.testing.assert_allclose(
        np.quantile(drawn, quantiles), np.quantile(theirs, quantiles), atol=0.1
    )
    again = sample(center_box=(2, 5), return_centers=True, chunks=3, **arguments)[2]
    np.testing.assert_array_equal(drawn, again)
    default = sample(return_centers=True, **arguments)[2]
    np.testing.assert_allclose([default.min(), default.max()], [-10, 10], atol=0.1)


def test_drawn_centers_are_those_of_the_rows():
    """Rows of all blocks lie about the centres that are returned."""
    X, y, centers = sample(
        n_samples=90,
        centers=4,
        n_features=6,
        cluster_std=0.0,
        return_centers=True,
        chunks=20,
        random_state=0,
    )
    np.testing.assert_array_equal(X, centers[y])


def test_centers_on_a_device():
    """Centres may be given on a device."""
    given = np.array([[0.0, 1.0], [2.0, 3.0]])
    X, y = sample(centers=NoHostCopyArray(given), cluster_std=0.0)
    np.testing.assert_array_equal(X, given[y])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_samples": 0}, r"'n_samples' parameter of make_blobs.*Got 0"),
        ({"n_samples": [3, -1]}, r"n_samples=\[3, -1\] must be"),
        ({"n_samples": [2.5, 1]}, r"n_samples=\[2.5, 1\] must be"),
        ({"n_samples": [0, 0]}, r"n_samples=\[0, 0\] .*at least one row"),
        ({"n_samples": [3, 4], "centers": 3}, r"n_samples=\[3, 4\] has 2 .*3 centers"),
        (
            {"n_samples": [3, 4], "centers": [[0.0], [1.0], [2.0]]},
            r"n_samples=\[3, 4\] has 2 entries, but there are 3 centers",
        ),
        ({"centers": 0}, r"'centers'.*Got 0"),
        ({"centers": [0.0, 1.0]}, r"centers|2D array"),
        ({"centers": [[np.nan]]}, r"centers contains NaN"),
        ({"cluster_std": -1}, r"'cluster_std'.*Got -1"),
        ({"cluster_std": [1.0, 2.0]}, r"cluster_std=\[1.0, 2.0\] .*3 centers"),
        ({"cluster_std": [1.0, 2.0, -1.0]}, r"cluster_std=.* not negative"),
        ({"center_box": (1, -1)}, r"center_box=\(1, -1\)"),
        ({"center_box": (1, 2, 3)}, r"center_box=\(1, 2, 3\)"),
        ({"center_box": 3}, r"'center_box'.*Got 3"),
        ({"shuffle": "no"}, r"'shuffle'.*Got 'no'"),
    ],
    ids=str,
)
def test_errors(arguments, message):
    """A wrong argument is an error at the call that names it and its value."""
    with pytest.raises(ValueError, match=message):
        make_blobs(**arguments)
