# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which rows train and which validate, in one split or in several."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.model_selection import GroupKFold

from gpu_hpo.adaptive.data._loading import split_block
from gpu_hpo.adaptive.data._splitting import (
    TEST,
    TRAIN,
    Splitting,
    fold_groups,
    hold_out_groups,
    roles_of_indices,
)
from gpu_hpo.adaptive.training._model_group import Splits
from gpu_hpo.data._chunk import ROLES
from gpu_hpo.data._random_split import stratified_folds
from gpu_hpo.testing import NoHostCopyArray

SEED = np.random.SeedSequence(0)


@given(
    labels=st.lists(st.integers(0, 4), min_size=1, max_size=80),
    n_folds=st.integers(2, 7),
    seed=st.integers(0, 5),
)
def test_folds(labels, n_folds, seed):
    """Folds differ by a row at most in size, and in each class."""
    labels = np.array(labels)
    folds = stratified_folds(len(labels), n_folds, seed, labels)
    for rows in (np.ones(len(labels), bool), *(labels == k for k in set(labels))):
        sizes = np.bincount(folds[rows], minlength=n_folds)
        assert len(sizes) == n_folds
        assert sizes.max() - sizes.min() <= 1
    again = stratified_folds(len(labels), n_folds, seed, labels)
    np.testing.assert_array_equal(folds, again)


def test_no_fold_is_always_the_largest():
    """Which folds get a row more is drawn, so that many blocks come out even."""
    sizes = sum(
        np.bincount(stratified_folds(7, 5, seed), minlength=5) for seed in range(400)
    )
    assert sizes.max() - sizes.min() < 100


def test_roles_of_a_block():
    """A row validates in its own fold and trains in all others."""
    y = np.repeat([0, 1], [30, 10])
    block = {"X": np.arange(40.0)[:, None], "y": y}
    split = split_block(block, Splitting(n_folds=4, stratify=True), SEED, classify=True)
    roles = split.train[ROLES]
    assert roles.shape == (40, 4)
    assert ((roles == TEST).sum(axis=1) == 1).all()
    assert ((roles == TRAIN).sum(axis=1) == 3).all()
    assert len(split.validation["X"]) == 0
    np.testing.assert_array_equal(split.facts.by_split, [[30, 10]] * 4)
    assert split.facts.n_train == 40
    assert split.facts.n_validation == 0
    assert ROLES not in block


@pytest.mark.parametrize("kind", [np.asarray, NoHostCopyArray])
def test_rows_of_a_split(kind):
    """Rows of a split are those of its role, taken once, wherever they are."""
    roles = np.array([[1, 2], [2, 1], [1, 0], [0, 1]], np.uint8)
    chunk = {"X": kind(np.arange(4.0)[:, None]), "w": kind(np.arange(4)), ROLES: roles}
    splits = Splits(chunk, by_roles=True)
    host = lambda value: value.get() if kind is NoHostCopyArray else value  # noqa: E731
    assert host(splits.train(0)["w"]).tolist() == [0, 2]
    assert host(splits.test(0)["X"]).ravel().tolist() == [1]
    assert host(splits.train(1)["w"]).tolist() == [1, 3]
    assert splits.train_numbers(1).tolist() == [1, 3]
    assert splits.train(0) is splits.train(0)
    assert ROLES not in splits.train(0)
    whole = Splits(chunk, by_roles=False)
    assert set(whole.train(0)) == {"X", "w"}
    assert whole.train(0)["X"] is chunk["X"]
    assert whole.train_numbers(0) is None


def test_groups_are_dealt_out_as_scikit_learn_does():
    """Folds of groups are as even as those of GroupKFold."""
    rng = np.random.default_rng(0)
    groups = rng.choice(20, p=rng.dirichlet(np.ones(20)), size=1000)
    names, counts = np.unique(groups, return_counts=True)
    numbers = fold_groups(dict(zip(names.tolist(), counts.tolist(), strict=True)), 4)
    ours = np.bincount(numbers.of(groups), minlength=4)
    theirs = [len(test) for _, test in GroupKFold(4).split(groups, groups=groups)]
    assert sorted(ours) == sorted(theirs)


@given(
    sizes=st.lists(st.integers(1, 50), min_size=2, max_size=20),
    test_size=st.floats(0.05, 0.95),
    seed=st.integers(0, 3),
)
def test_groups_held_out(sizes, test_size, seed):
    """Some groups are held out and some are not, about as many rows as asked for."""
    counts = {f"g{i}": n for i, n in enumerate(sizes)}
    numbers = hold_out_groups(counts, test_size, np.random.SeedSequence(seed))
    assert set(numbers.numbers.tolist()) == {0, 1}
    held = sum(
        counts[name]
        for name, number in zip(numbers.names.tolist(), numbers.numbers, strict=True)
        if number
    )
    assert abs(held - test_size * sum(sizes)) <= max(sizes)


def test_roles_of_indices():
    """Index arrays become roles; rows in none have none."""
    roles = roles_of_indices([([0, 1], [2]), (np.array([3]), [])], 5)
    assert roles.T.tolist() == [[1, 1, 2, 0, 0], [0, 0, 0, 1, 0]]
    with pytest.raises(ValueError, match="split 0 does not fit X of 2 rows"):
        roles_of_indices([([0, 1], [2])], 2)
    with pytest.raises(ValueError, match="split 1 both train and validate"):
        roles_of_indices([([0], [1]), ([0, 1], [1])], 2)
