# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Choosing the rows of a block that test."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_hpo.data._random_split import n_test_rows, root_seed, spawn_seed, split_rows

sizes = st.floats(0, 1, exclude_max=True)
seeds = st.integers(0, 2**32)
label_lists = st.lists(st.integers(0, 5), max_size=60)


@given(st.integers(0, 500), sizes)
def test_count(n_rows, test_size):
    """The count is the nearest one that leaves at least one row on either side."""
    count = n_test_rows(n_rows, test_size)
    if n_rows < 2 or test_size == 0:
        assert count == 0
    else:
        assert 1 <= count <= n_rows - 1
        assert count in (round(n_rows * test_size), 1, n_rows - 1)


@given(st.integers(0, 200), sizes, seeds)
def test_every_row_is_in_one_part(n_rows, test_size, seed):
    """Train and test rows are sorted, disjoint, and together all rows."""
    train, test = split_rows(n_rows, test_size, seed)
    assert train.dtype == test.dtype == np.intp
    assert (np.diff(train) > 0).all()
    assert (np.diff(test) > 0).all()
    assert sorted([*train, *test]) == list(range(n_rows))
    assert len(test) == n_test_rows(n_rows, test_size)


@settings(max_examples=200)
@given(label_lists, sizes, seeds)
def test_stratified(labels, test_size, seed):
    """Every class gives its share to less than one row more or less, within limits."""
    labels = np.array(labels, dtype=int)
    train, test = split_rows(len(labels), test_size, seed, labels)
    n_test = n_test_rows(len(labels), test_size)
    assert len(test) == n_test
    assert (np.diff(test) > 0).all()
    assert sorted([*train, *test]) == list(range(len(labels)))
    if not len(labels):
        return
    classes, counts = np.unique(labels, return_counts=True)
    given_ = np.array([(labels[test] == c).sum() for c in classes])
    spare = (counts - 1).sum()
    if n_test <= spare:
        # No class is without a row to train on while another can give one.
        assert (given_ <= counts - 1).all()
    if (counts >= len(labels) / max(n_test, 1)).all() and n_test <= spare / 2:
        assert (np.abs(given_ - n_test * counts / len(labels)) < 1).all()


@given(label_lists, sizes, seeds)
def test_same_seed_same_rows(labels, test_size, seed):
    """A seed decides the rows, as an integer or as a SeedSequence, asked again too."""
    n_rows = len(labels)
    for strata in (None, np.array(labels, dtype=int)):
        expected = split_rows(n_rows, test_size, seed, strata)[1]
        sequence = np.random.SeedSequence(seed)
        for same in (seed, sequence, sequence):
            rows = split_rows(n_rows, test_size, same, strata)[1]
            np.testing.assert_array_equal(rows, expected)


def test_seeds_differ():
    """Different seeds give different rows, and every row is as likely to test."""
    chosen = np.concatenate([split_rows(20, 0.25, seed)[1] for seed in range(400)])
    counts = np.bincount(chosen, minlength=20)
    assert counts.sum() == 2000
    assert 60 < counts.min() <= counts.max() < 140


def test_labels_of_any_type():
    """Labels may be text, and each class gives its share."""
    labels = np.array(["b"] * 60 + ["a"] * 30 + ["c"] * 10)
    test = split_rows(100, 0.1, 0, labels)[1]
    assert sorted(labels[test]) == ["a"] * 3 + ["b"] * 6 + ["c"]


def test_ties_favour_no_class():
    """Where classes tie for the last test row, over many seeds each gets it."""
    labels = np.repeat([0, 1, 2], 4)
    winners = {
        int(labels[split_rows(12, 0.1, seed, labels)[1][0]]) for seed in range(30)
    }
    assert winners == {0, 1, 2}


def test_lone_rows_train_if_possible():
    """A class's only row tests only where the others have none left to give."""
    labels = np.array([0, 1, 2, 3, 3, 3])
    for seed in range(20):
        train, _ = split_rows(6, 1 / 3, seed, labels)
        assert set(labels[train]) == {0, 1, 2, 3}
    assert len(split_rows(6, 0.8, 0, labels)[1]) == 5
    assert len(split_rows(4, 0.5, 0, np.arange(4))[1]) == 2


@pytest.mark.parametrize("test_size", [-0.1, 1.0, 2, float("nan")])
def test_bad_size(test_size):
    """A size that is no fraction is an error that names it."""
    with pytest.raises(ValueError, match=f"test_size={test_size}"):
        split_rows(10, test_size, 0)


@pytest.mark.parametrize("shape", [(9,), (10, 1), ()])
def test_bad_labels(shape):
    """Labels must be one for each row."""
    with pytest.raises(ValueError, match=r"labels must have shape \(10,\)"):
        split_rows(10, 0.1, 0, np.zeros(shape))


def test_root_seed():
    """Equal integers give equal seeds; generators are advanced; None is always new."""
    assert root_seed(3).entropy == root_seed(np.int64(3)).entropy
    assert root_seed().entropy != root_seed(None).entropy
    sequence = np.random.SeedSequence(1)
    assert root_seed(sequence) is sequence
    for make in (np.random.RandomState, np.random.default_rng):
        generator = make(0)
        first = root_seed(generator).entropy
        assert root_seed(generator).entropy != first
        assert root_seed(make(0)).entropy == first
    for bad in ("x", -1, 1.5):
        with pytest.raises(ValueError):
            root_seed(bad)


def test_spawned_seeds():
    """A key gives the same seed whatever was asked for before, and its own."""
    root = root_seed(0)
    first = spawn_seed(root, 1, 2).generate_state(4)
    spawn_seed(root, 0)
    np.testing.assert_array_equal(spawn_seed(root, 1, 2).generate_state(4), first)
    np.testing.assert_array_equal(
        spawn_seed(spawn_seed(root, 1), 2).generate_state(4), first
    )
    assert (spawn_seed(root, 2, 1).generate_state(4) != first).any()
