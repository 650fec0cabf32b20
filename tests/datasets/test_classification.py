# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Made-up data must look like scikit-learn's, block by block."""

from __future__ import annotations

import dask
import dask.array as da
import numpy as np
import pytest
from sklearn import datasets as sklearn_datasets
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

from gpu_hpo.datasets import make_classification


def sample(**arguments):
    """Data in memory: (X, y)."""
    return dask.compute(*make_classification(**arguments))


def mean_score(generator, model, seeds=range(24), **arguments):
    """The mean accuracy of a model over several problems."""
    scores = []
    for seed in seeds:
        X, y = generator(n_samples=800, random_state=seed, **arguments)
        X, y = dask.compute(X, y)
        half = len(X) // 2
        scores.append(model.fit(X[:half], y[:half]).score(X[half:], y[half:]))
    return np.mean(scores)


def test_shapes():
    """Blocks have the rows asked for, all columns, and scikit-learn's types."""
    X, y = make_classification(n_samples=110, n_features=7, chunks=20, random_state=0)
    assert isinstance(X, da.Array)
    assert isinstance(y, da.Array)
    assert X.chunks == ((20,) * 5 + (10,), (7,))
    assert y.chunks == ((20,) * 5 + (10,),)
    x, labels = X.compute(), y.compute()
    assert x.shape == (110, 7)
    assert (x.dtype, labels.dtype) == (X.dtype, y.dtype) == (np.float64, np.int64)
    assert set(labels) == {0, 1}


def test_guide_example():
    """The call in dask-ml's guide works as it stands."""
    X, y = make_classification(chunks=20, random_state=0)
    assert X.chunks == ((20,) * 5, (20,))
    assert y.chunks == ((20,) * 5,)


def test_default_chunks_are_of_bounded_size():
    """Without chunks, blocks are of at most 64 MiB, however large the data."""
    X, _ = make_classification(n_samples=10**8, n_features=100, random_state=0)
    assert X.nbytes == 8 * 10**10
    assert 32 * 2**20 < X.chunksize[0] * 800 <= 64 * 2**20


def test_lazy_and_larger_than_memory():
    """Nothing is drawn at the call, and one block can be drawn alone."""
    X, y = make_classification(n_samples=10**9, n_features=100, chunks=10**6)
    assert X.blocks[999][:3].shape == (3, 100)
    X, y = make_classification(
        n_samples=10**12, n_features=10, chunks=10**9, random_state=0
    )
    assert X.npartitions == 1000
    assert y.shape == (10**12,)


def test_blocks_differ_but_share_the_geometry():
    """No two blocks hold the same rows, yet each is of the same problem."""
    X, y = make_classification(
        n_samples=2000, chunks=1000, random_state=0, class_sep=2, flip_y=0
    )
    (x0, y0), (x1, y1) = dask.compute(
        (X.blocks[0], y.blocks[0]), (X.blocks[1], y.blocks[1])
    )
    assert not np.isin(x0[:, 0], x1[:, 0]).any()
    model = KNeighborsClassifier().fit(x0, y0)
    assert model.score(x1, y1) > 0.9
    correlations = [np.corrcoef(x.T) for x in (x0, x1)]
    np.testing.assert_allclose(*correlations, atol=0.2)


@pytest.mark.parametrize(
    ("weights", "shares"),
    [
        (None, [1 / 3] * 3),
        ([0.7, 0.2], [0.7, 0.2, 0.1]),
        ([0.5, 0.25, 0.25], [0.5, 0.25, 0.25]),
        (np.array([0.9, 0.1, 0.0]), [0.9, 0.1, 0.0]),
        ([0.4, 0.0, 0.3], [0.5, 0.1, 0.4]),
    ],
)
def test_class_shares(weights, shares):
    """Every block has each class's share to one row, and scikit-learn's over all."""
    arguments = {
        "n_classes": 3,
        "n_informative": 4,
        "weights": weights,
        "flip_y": 0,
        "random_state": 0,
    }
    _, y = make_classification(n_samples=2000, chunks=100, **arguments)
    y = y.compute()
    counts = np.array([np.bincount(block, minlength=3) for block in y.reshape(20, 100)])
    assert (np.abs(counts - 100 * np.array(shares)) < 1 + 1e-9).all()
    _, expected = sklearn_datasets.make_classification(n_samples=2000, **arguments)
    np.testing.assert_allclose(
        np.bincount(y, minlength=3), np.bincount(expected, minlength=3), atol=25
    )


def test_small_blocks_are_not_biased():
    """Blocks smaller than the number of clusters still give every class its share."""
    _, y = sample(
        n_samples=3000,
        n_classes=4,
        n_informative=5,
        n_clusters_per_class=4,
        flip_y=0,
        chunks=3,
        random_state=0,
    )
    np.testing.assert_allclose(np.bincount(y) / 3000, 0.25, atol=0.03)


def test_flip_y():
    """The fraction flip_y of the labels is drawn anew, and X stays the same."""
    arguments = {
        "n_samples": 20000,
        "n_classes": 4,
        "n_informative": 4,
        "random_state": 0,
    }
    X, y = sample(flip_y=0.0, **arguments)
    X_flipped, y_flipped = sample(flip_y=0.4, **arguments)
    np.testing.assert_array_equal(X, X_flipped)
    # One in four draws gives the class that was there.
    np.testing.assert_allclose((y != y_flipped).mean(), 0.4 * 3 / 4, atol=0.02)


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"class_sep": 0.3},
        {"class_sep": 3.0, "n_clusters_per_class": 1},
        {"n_classes": 4, "n_informative": 6, "n_redundant": 4, "n_repeated": 3},
        {"flip_y": 0.5},
        {"weights": [0.9]},
        {"hypercube": False, "n_informative": 5},
        {"shift": None, "scale": None, "n_clusters_per_class": 1},
    ],
    ids=str,
)
def test_as_hard_as_sklearns(arguments):
    """A classifier scores on ours as it does on scikit-learn's."""
    ours, theirs = (
        mean_score(generator, KNeighborsClassifier(15), **arguments)
        for generator in (make_classification, sklearn_datasets.make_classification)
    )
    assert abs(ours - theirs) < 0.05


def test_class_separation():
    """Classes further apart are easier to tell apart."""
    scores = [
        mean_score(
            make_classification,
            LogisticRegression(),
            seeds=range(8),
            class_sep=separation,
            n_clusters_per_class=1,
        )
        for separation in (0.1, 1.0, 4.0)
    ]
    assert scores[0] + 0.1 < scores[1] < scores[2]
    assert scores[2] > 0.95


def test_columns_without_shuffle():
    """Without shuffling, columns are in the order of the arguments."""
    X, y = sample(
        n_samples=500,
        n_features=12,
        n_informative=3,
        n_redundant=2,
        n_repeated=4,
        shuffle=False,
        flip_y=0,
        random_state=0,
        chunks=250,
    )
    informative, redundant, repeated, noise = np.split(X, [3, 5, 9], axis=1)
    residual = np.linalg.lstsq(informative, redundant, rcond=None)[1]
    np.testing.assert_allclose(residual, 0, atol=1e-12)
    for column in repeated.T:
        assert any((column == useful).all() for useful in X[:, :5].T)
    assert np.linalg.matrix_rank(X) == 3 + 3
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=0.2)
    np.testing.assert_allclose(noise.std(axis=0), 1, atol=0.15)
    # Rows are in the order of the clusters, of which class 0 and 1 take turns.
    for block in y.reshape(2, 250):
        assert np.count_nonzero(np.diff(block)) == 3
        assert block[0] == 0


def test_shuffle():
    """Shuffling moves rows within their block, and columns once for all blocks."""
    arguments = {
        "n_features": 6,
        "n_informative": 6,
        "n_redundant": 0,
        "shift": np.arange(6) * 100.0,
        "chunks": 50,
    }
    plain = sample(shuffle=False, random_state=0, **arguments)[0]
    X, y = sample(shuffle=True, random_state=0, **arguments)
    order = np.round(X.mean(axis=0) / 100).astype(int)
    assert sorted(order) == list(range(6))
    assert list(np.round(plain.mean(axis=0) / 100).astype(int)) == list(range(6))
    for block in X.reshape(2, 50, 6):
        np.testing.assert_array_equal(np.round(block.mean(axis=0) / 100), order)
    assert np.count_nonzero(np.diff(y[:50])) > 5


def test_centres_are_different_corners():
    """Clusters lie at different corners of a cube of side 2 * class_sep."""
    X, y = sample(
        n_samples=16 * 400,
        n_features=4,
        n_informative=4,
        n_redundant=0,
        n_classes=8,
        n_clusters_per_class=2,
        class_sep=10,
        shuffle=False,
        flip_y=0,
        random_state=0,
    )
    centres = X.reshape(16, 400, 4).mean(axis=1)
    np.testing.assert_allclose(np.abs(centres), 10, atol=0.5)
    assert len({tuple(centre) for centre in np.sign(centres)}) == 16
    np.testing.assert_array_equal(y.reshape(16, 400)[:, 0], np.arange(16) % 8)


def test_default_classes_are_on_two_sides():
    """Where every corner is taken, a plane separates two classes, as in sklearn."""
    for seed in range(10):
        X, y = sample(n_samples=200, class_sep=10, flip_y=0, random_state=seed)
        assert LogisticRegression(max_iter=1000).fit(X, y).score(X, y) > 0.95


def test_many_informative_features():
    """More dimensions than an integer has bits are no obstacle."""
    X, _ = sample(n_features=80, n_informative=70, n_classes=3, random_state=0)
    assert np.isfinite(X).all()


def test_shift_and_scale():
    """Shift comes before scale; both may be numbers, one for each column, or drawn."""
    arguments = {"n_features": 5, "shuffle": False, "random_state": 0}
    X = sample(**arguments)[0]
    shift, scale = np.arange(5.0), np.arange(1.0, 6.0)
    shifted = sample(shift=shift, scale=scale, **arguments)[0]
    np.testing.assert_allclose(shifted, (X + shift) * scale)
    np.testing.assert_allclose(sample(shift=2, scale=3, **arguments)[0], (X + 2) * 3)
    drawn = sample(shift=None, class_sep=0.5, **arguments)[0]
    plain = sample(shift=0.0, class_sep=0.5, **arguments)[0]
    difference = drawn - plain
    np.testing.assert_allclose(difference, np.tile(difference[0], (100, 1)))
    assert (np.abs(difference) <= 0.5).all()
    assert len(set(np.round(difference[0], 6))) == 5
    ratio = sample(scale=None, **arguments)[0] / X
    assert ratio.min() >= 1
    assert ratio.max() <= 101
    np.testing.assert_allclose(ratio, np.tile(ratio[0], (100, 1)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_samples": 0}, r"'n_samples' parameter of make_classification.*Got 0"),
        ({"n_features": 2.5}, r"'n_features'.*Got 2.5"),
        ({"n_redundant": -1}, r"'n_redundant'.*Got -1"),
        ({"flip_y": 1.5}, r"'flip_y'.*Got 1.5"),
        ({"class_sep": 0}, r"'class_sep'.*Got 0"),
        ({"scale": 0.0}, r"'scale'.*Got 0.0"),
        ({"hypercube": "yes"}, r"'hypercube'.*Got 'yes'"),
        (
            {"n_features": 3},
            r"n_informative=2, n_redundant=2 and n_repeated=0 .*n_features=3",
        ),
        (
            {"n_classes": 3},
            r"n_classes=3 times n_clusters_per_class=2 .*2\*\*n_informative=4.*"
            r"n_informative=2 is too small",
        ),
        ({"weights": [0.2, 0.2, 0.6]}, r"weights=\[0.2, 0.2, 0.6\] .*2 classes"),
        ({"weights": [1.5]}, r"weights=\[1.5\] .*between 0 and 1"),
        ({"weights": [0.9, 0.9]}, r"weights=\[0.9, 0.9\] .*not sum to more than 1"),
        ({"shift": [1.0]}, r"shift .*shape \(20,\).*got shape \(1,\)"),
        ({"scale": [1.0] * 3}, r"scale .*shape \(20,\).*got shape \(3,\)"),
    ],
    ids=str,
)
def test_errors(arguments, message):
    """A wrong argument is an error at the call that names it and its value."""
    with pytest.raises(ValueError, match=message):
        make_classification(**arguments)
