# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Draw random splits, independent of each other, lazily for Dask collections."""

from __future__ import annotations

import math
from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn import model_selection

from gpu_hpo._arguments import POSITIVE, SEED, checked
from gpu_hpo._sklearn_private import Interval, RealNotInt, _validate_shuffle_split
from gpu_hpo._typing import DaskCollection, SeedSource
from gpu_hpo.data._random_split import root_seed, spawn_seed
from gpu_hpo.model_selection._block_splitter import BlockSplitter
from gpu_hpo.model_selection._row_blocks import index_array

_SIZE = (
    Interval(RealNotInt, 0, 1, closed="neither"),
    Interval(Integral, 1, None, closed="left"),
    None,
)


class ShuffleSplit(BlockSplitter, model_selection.ShuffleSplit):
    """Rows to train and to test on, drawn anew for each split.

    It is scikit-learn's ``ShuffleSplit``; for Dask collections it yields lazy Dask
    arrays of row numbers, drawn in tasks.

    Parameters
    ----------
    n_splits : int, default=10
        Splits; at least 1.
    test_size : float, int or None, default=0.1
        The fraction of the rows that test, or their number. None takes what
        `train_size` leaves, or 0.1.
    train_size : float, int or None, default=None
        The fraction of the rows that train, or their number. None takes what
        `test_size` leaves. Rows in neither are left out.
    blockwise : bool, default=True
        For Dask collections: whether each block has its share of both kinds of rows, to
        one row, in their original order, so that no row has to move. If False, rows are
        drawn from all and come in random order, as in scikit-learn; one task then holds
        the numbers of all rows.
    random_state : int, RandomState or None, default=None
        Determines the rows. For Dask collections also a ``numpy.random.Generator`` or
        ``SeedSequence``. An integer gives the same splits at each call, for the same
        blocks.

    Raises
    ------
    ValueError
        If an argument is invalid. Sizes are compared with the rows by `split`.

    See Also
    --------
    sklearn.model_selection.ShuffleSplit : For data in memory, with equal results.

    Examples
    --------
    >>> import dask.array as da
    >>> from gpu_hpo.model_selection import ShuffleSplit
    >>> X = da.ones((100, 3), chunks=(50, 3))
    >>> train, test = next(ShuffleSplit(test_size=0.2, random_state=0).split(X))
    >>> train.chunks, test.chunks
    (((40, 40),), ((10, 10),))
    """

    @checked(
        n_splits=[POSITIVE],
        test_size=_SIZE,
        train_size=_SIZE,
        blockwise=["boolean"],
        random_state=SEED,
    )
    def __init__(
        self,
        n_splits: int = 10,
        test_size: float | int | None = 0.1,
        train_size: float | int | None = None,
        blockwise: bool = True,
        random_state: SeedSource = None,
    ) -> None:
        super().__init__(
            n_splits,
            test_size=test_size,
            train_size=train_size,
            random_state=random_state,
        )
        self.blockwise = blockwise

    def _split_blocks(self, lengths: np.ndarray) -> Iterator[tuple[Any, Any]]:
        n = int(lengths.sum())
        # scikit-learn turns sizes into numbers of rows, and checks them.
        n_train, n_test = _validate_shuffle_split(
            n, self.test_size, self.train_size, default_test_size=0.1
        )
        root = root_seed(self.random_state)
        draw = _draw_blockwise if self.blockwise else _draw_from_all
        for number in range(self.n_splits):
            yield draw(lengths, n_train, n_test, spawn_seed(root, number))


def _draw_blockwise(
    lengths: np.ndarray, n_train: int, n_test: int, seed: np.random.SeedSequence
) -> tuple[DaskCollection, DaskCollection]:
    rng = np.random.default_rng(seed)
    test = _shares(lengths, n_test, rng)
    train = _shares(lengths - test, n_train, rng)
    none = np.zeros_like(lengths)
    return (
        index_array(lengths, np.column_stack([test, test + train, none, none]), seed),
        index_array(lengths, np.column_stack([none, test, none, none]), seed),
    )


def _shares(lengths: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Share `n` rows among blocks by their lengths, to one row, exactly on average."""
    # Systematic sampling of the rows, by a random start, of blocks in random order.
    order = rng.permutation(len(lengths))
    total = int(lengths.sum())
    start = int(rng.integers(total))
    # Python's integers, for the products may not fit into 64 bits.
    passed, before, shares = 0, 0, np.zeros_like(lengths)
    for i in order:
        passed += int(lengths[i])
        taken = (passed * n + start) // total
        shares[i], before = taken - before, taken
    return shares


def _draw_from_all(
    lengths: np.ndarray, n_train: int, n_test: int, seed: np.random.SeedSequence
) -> tuple[DaskCollection, DaskCollection]:
    import dask
    import dask.array as da

    n = int(lengths.sum())
    order = da.from_delayed(
        dask.delayed(_permutation, pure=True)(n, seed), shape=(n,), dtype=np.intp
    )
    train, test = order[n_test : n_test + n_train], order[:n_test]
    return _in_blocks(train, len(lengths)), _in_blocks(test, len(lengths))


def _in_blocks(rows: DaskCollection, n_blocks: int) -> DaskCollection:
    return rows.rechunk(math.ceil(len(rows) / n_blocks))


def _permutation(n: int, seed: np.random.SeedSequence) -> np.ndarray:
    return np.random.default_rng(seed).permutation(n)
