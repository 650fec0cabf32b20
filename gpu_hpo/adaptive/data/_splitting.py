# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Decide which rows train and which validate.

Either a share of every block is held out, or all rows stay together and each has a role
in each of several splits, as in k-fold cross-validation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpu_hpo._typing import ArrayLike
from gpu_hpo.data._random_split import split_rows, stratified_folds
from gpu_hpo.devices._namespace import to_host

NEITHER, TRAIN, TEST = range(3)  # the role of a row in a split


@dataclass(frozen=True)
class GroupNumbers:
    """A number for each group of rows: its fold, or whether it is held out.

    Attributes
    ----------
    names : ndarray of shape (n_groups,)
        Sorted.
    numbers : ndarray of int of shape (n_groups,)
    """

    names: np.ndarray
    numbers: np.ndarray

    def of(self, groups: np.ndarray) -> np.ndarray:
        """Return the numbers of rows by their groups."""
        return self.numbers[np.searchsorted(self.names, groups)]


@dataclass(frozen=True)
class Splitting:
    """The way in which each block of rows is divided.

    Attributes
    ----------
    test_size : float
        Fraction of a block that is held out, if there are no folds.
    n_folds : int or None
        If not None, the rows of a block are divided into this many folds.
    stratify : bool
        Whether held-out rows, or folds, have the same share of each class as all rows.
    groups : GroupNumbers or None
        If not None, rows are divided by these numbers of their groups instead.
    together : bool
        Whether held-out rows stay in their chunk, with the role to validate.
    weights : tuple of str
        Per-row parameters that weight rows in training, if a model could otherwise see
        only rows of weight 0. A block whose training rows all have weight 0 gives no
        chunk.
    joined : bool
        Whether a chunk trains together with all chunks before it. Chunks without weight
        then only have to come last.
    """

    test_size: float = 0.0
    n_folds: int | None = None
    stratify: bool = False
    groups: GroupNumbers | None = None
    together: bool = False
    weights: tuple[str, ...] = ()
    joined: bool = False

    @property
    def by_roles(self) -> bool:
        """Whether all rows of a block stay together."""
        return self.together or self.n_folds is not None

    def held_out(
        self,
        n: int,
        seed: np.random.SeedSequence,
        labels: np.ndarray | None,
        groups: np.ndarray | None,
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return the rows of a block that train, and the rows that validate."""
        if self.groups is not None and groups is not None:
            held = self.groups.of(groups) > 0
            return np.flatnonzero(~held), np.flatnonzero(held)
        return split_rows(n, self.test_size, seed, labels if self.stratify else None)

    def roles(
        self,
        n: int,
        seed: np.random.SeedSequence,
        labels: np.ndarray | None,
        groups: np.ndarray | None,
    ) -> np.ndarray:
        """Return the role of each row of a block in each split: (n_rows, n_splits)."""
        if self.n_folds is None:
            roles = np.full((n, 1), TRAIN, np.uint8)
            roles[self.held_out(n, seed, labels, groups)[1]] = TEST
            return roles
        if self.groups is not None and groups is not None:
            folds = self.groups.of(groups)
        else:
            strata = labels if self.stratify else None
            folds = stratified_folds(n, self.n_folds, seed, strata)
        of_fold = folds[:, None] == np.arange(self.n_folds)
        return np.where(of_fold, TEST, TRAIN).astype(np.uint8)


def roles_of_indices(splits: Sequence[tuple[Any, Any]], n_samples: int) -> np.ndarray:
    """Return the roles of rows in splits that are given by indices.

    Parameters
    ----------
    splits : sequence of (array of int, array of int)
        Rows that train and rows that validate.
    n_samples : int

    Returns
    -------
    ndarray of uint8 of shape (n_samples, n_splits)

    Raises
    ------
    ValueError
        If an index is out of range, or a row both trains and validates.
    """
    roles = np.zeros((n_samples, len(splits)), np.uint8)
    for i, (train, test) in enumerate(splits):
        for rows, role in ((train, TRAIN), (test, TEST)):
            rows = np.asarray(rows)
            rows = rows if len(rows) else rows.astype(np.intp)
            if len(np.unique(rows)) < len(rows) and rows.dtype != bool:
                raise ValueError(
                    f"cv: split {i} has rows more than once, as a bootstrap has: a row "
                    "trains or does not"
                )
            try:
                taken = roles[rows, i]
            except IndexError as error:
                raise ValueError(
                    f"cv: split {i} does not fit X of {n_samples} rows: {error}"
                ) from None
            if role == TEST and (taken == TRAIN).any():
                raise ValueError(f"cv: rows of split {i} both train and validate")
            roles[rows, i] = role
    return roles


def count_groups(groups: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return the distinct groups of a block, and how many rows each has.

    Raises
    ------
    ValueError
        If some are missing, or they cannot be ordered.
    """
    values = np.asarray(to_host(groups))
    missing = False
    if values.dtype.kind == "f":
        missing = bool(np.isnan(values).any())
    elif values.dtype == object:
        missing = any(value is None or value != value for value in values.tolist())
    if missing:
        raise ValueError("groups has missing values: every row needs a group")
    try:
        return np.unique(values, return_counts=True)
    except TypeError as error:
        raise ValueError(f"groups cannot be ordered: {error}") from None


def fold_groups(counts: Mapping[Any, int], n_folds: int) -> GroupNumbers:
    """Deal groups out to folds of about equal size, the largest first.

    Parameters
    ----------
    counts : mapping of group to int
        Rows of each.
    n_folds : int

    Raises
    ------
    ValueError
        If there are fewer groups than folds.
    """
    if len(counts) < n_folds:
        raise ValueError(
            f"cv={n_folds}, but groups has {len(counts)} distinct values: there must "
            "be a group for each fold"
        )
    names = np.array(sorted(counts))
    sizes = np.array([counts[name] for name in names.tolist()])
    numbers = np.zeros(len(names), np.intp)
    rows_of = np.zeros(n_folds, np.int64)
    for i in np.argsort(-sizes, kind="stable"):
        numbers[i] = rows_of.argmin()
        rows_of[numbers[i]] += sizes[i]
    return GroupNumbers(names, numbers)


def hold_out_groups(
    counts: Mapping[Any, int], test_size: float, seed: np.random.SeedSequence
) -> GroupNumbers:
    """Choose groups at random whose rows are about `test_size` of all.

    Raises
    ------
    ValueError
        If there is only one group.
    """
    if len(counts) < 2:
        raise ValueError(
            f"groups has {len(counts)} distinct value: there must be a group to train "
            "on and one to validate on"
        )
    names = np.array(sorted(counts))
    sizes = np.array([counts[name] for name in names.tolist()])
    order = np.random.default_rng(seed).permutation(len(names))
    held = np.cumsum(sizes[order])
    # As many as come nearest to the wanted share, but at least one, and not all.
    nearest = int(np.abs(held - test_size * sizes.sum()).argmin()) + 1
    numbers = np.zeros(len(names), np.intp)
    numbers[order[: min(nearest, len(names) - 1)]] = 1
    return GroupNumbers(names, numbers)
