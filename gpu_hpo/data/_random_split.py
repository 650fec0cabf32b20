# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw which rows of a block train, and which test."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state

from gpu_hpo._typing import SeedSource

__all__ = ["n_test_rows", "root_seed", "spawn_seed", "split_rows", "stratified_folds"]


def root_seed(random_state: SeedSource = None) -> np.random.SeedSequence:
    """Return the seed from which every block's seed is derived.

    Parameters
    ----------
    random_state : int, RandomState, Generator, SeedSequence or None
        As in scikit-learn. A generator is advanced by one draw; None gives a new seed
        each time.

    Returns
    -------
    numpy.random.SeedSequence
        Equal for equal integers.

    Raises
    ------
    ValueError
        If `random_state` is none of these, or negative.
    """
    if isinstance(random_state, np.random.SeedSequence):
        return random_state
    if random_state is None:
        return np.random.SeedSequence()
    if isinstance(random_state, np.random.Generator):
        return np.random.SeedSequence(int(random_state.integers(2**63)))
    if isinstance(random_state, np.random.RandomState):
        return np.random.SeedSequence(int(random_state.randint(2**31 - 1)))
    check_random_state(random_state)  # scikit-learn's message for anything else
    return np.random.SeedSequence(int(random_state))


def spawn_seed(root: np.random.SeedSequence, *key: int) -> np.random.SeedSequence:
    """Return the seed for one purpose, the same however often it is asked for.

    Parameters
    ----------
    root : numpy.random.SeedSequence
        The seed that it is derived from. It is not changed, unlike by its own
        ``spawn``.
    *key : int
        The purpose, such as the number of a block.

    Returns
    -------
    numpy.random.SeedSequence
        Independent of that of any other key.
    """
    return np.random.SeedSequence(root.entropy, spawn_key=(*root.spawn_key, *key))


def n_test_rows(n_rows: int, test_size: float) -> int:
    """Count the rows of a block that test.

    Parameters
    ----------
    n_rows : int
        Rows in the block.
    test_size : float
        The fraction that should test, at least 0 and less than 1.

    Returns
    -------
    int
        The nearest whole number, but at least 1 if there are 2 rows, and never all.

    Raises
    ------
    ValueError
        If `test_size` is out of range.
    """
    if not 0 <= test_size < 1:
        raise ValueError(
            f"test_size={test_size!r} must be a fraction: at least 0, less than 1"
        )
    if n_rows < 2 or test_size == 0:
        return 0
    return min(max(round(test_size * n_rows), 1), n_rows - 1)


def split_rows(
    n_rows: int,
    test_size: float,
    seed: int | np.random.SeedSequence,
    labels: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Choose at random which rows of a block train and which test.

    Parameters
    ----------
    n_rows : int
        Rows in the block.
    test_size : float
        The fraction that should test, at least 0 and less than 1.
    seed : int or numpy.random.SeedSequence
        The same seed gives the same rows.
    labels : ndarray of shape (n_rows,), optional
        Classes, on the host: each then has its share of the test rows, rounded by
        largest remainder. Each class keeps a row to train on, as long as another class
        can give one instead.

    Returns
    -------
    train_idx, test_idx : ndarray of intp
        Sorted; each row is in one of them. `n_test_rows` says how many test.

    Raises
    ------
    ValueError
        If `test_size` is out of range or `labels` has another shape.
    """
    n_test = n_test_rows(n_rows, test_size)
    rng = np.random.default_rng(seed)
    is_test = np.zeros(n_rows, dtype=bool)
    if labels is None:
        is_test[rng.choice(n_rows, n_test, replace=False, shuffle=False)] = True
    else:
        labels = np.asarray(labels)
        if labels.shape != (n_rows,):
            raise ValueError(
                f"labels must have shape ({n_rows},), one for each row; "
                f"got shape {labels.shape}"
            )
        is_test[_stratified(labels, n_test, rng)] = True
    return np.flatnonzero(~is_test), np.flatnonzero(is_test)


def stratified_folds(
    n_rows: int,
    n_folds: int,
    seed: int | np.random.SeedSequence,
    labels: np.ndarray | None = None,
) -> np.ndarray:
    """Distribute the rows of a block over folds at random.

    Parameters
    ----------
    n_rows, n_folds : int
    seed : int or numpy.random.SeedSequence
        The same seed gives the same folds.
    labels : ndarray of shape (n_rows,), optional
        Classes, on the host: each fold then has its share of each class, to one row.

    Returns
    -------
    ndarray of intp of shape (n_rows,)
        The fold of each row; sizes of folds differ by at most one.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(n_rows)
    if labels is not None:
        codes = np.unique(labels, return_inverse=True)[1]
        order = order[np.argsort(codes[order], kind="stable")]
    folds = np.empty(n_rows, np.intp)
    # It is drawn which folds are one row larger, so that these are not always the
    # first.
    folds[order] = rng.permutation(n_folds)[np.arange(n_rows) % n_folds]
    return folds


def _stratified(
    labels: np.ndarray, n_test: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the rows that test, with the same share of each class."""
    if not n_test:
        return np.empty(0, dtype=np.intp)
    _, codes, counts = np.unique(labels, return_inverse=True, return_counts=True)
    quota = _largest_remainder(counts, n_test, rng)
    # One shuffle for all classes: a row tests if it is among the first of its class.
    shuffled = rng.permutation(len(codes))
    by_class = shuffled[np.argsort(codes[shuffled], kind="stable")]
    starts = np.repeat(np.cumsum(counts) - counts, counts)
    position = np.arange(len(codes)) - starts
    return by_class[position < np.repeat(quota, counts)]


def _largest_remainder(
    counts: np.ndarray, n_test: int, rng: np.random.Generator
) -> np.ndarray:
    """Share `n_test` rows among classes, exactly, in whole numbers."""
    quota, remainder = np.divmod(n_test * counts, counts.sum())
    # Ties are drawn, so that many small blocks do not all favour the same class.
    order = np.lexsort((rng.permutation(len(counts)), -remainder))
    for limit in (counts - 1, counts):
        while missing := n_test - int(quota.sum()):
            chosen = order[quota[order] < limit[order]][:missing]
            if not len(chosen):
                break
            quota[chosen] += 1
    return quota
