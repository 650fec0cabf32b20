# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Make folds of consecutive rows, lazily for Dask collections."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn import model_selection

from gpu_hpo._arguments import SEED, checked
from gpu_hpo._typing import SeedSource
from gpu_hpo.data._random_split import root_seed
from gpu_hpo.model_selection._block_splitter import BlockSplitter
from gpu_hpo.model_selection._row_blocks import index_array


class KFold(BlockSplitter, model_selection.KFold):
    """K folds, each of which tests once while the others train.

    It is scikit-learn's ``KFold``; for Dask collections it yields lazy Dask arrays of
    row numbers, drawn block by block in tasks.

    Parameters
    ----------
    n_splits : int, default=5
        Folds; at least 2.
    shuffle : bool, default=False
        Whether to choose rows at random. Rows of Dask collections are shuffled within
        their block, and folds are consecutive after that: the rows of a block are still
        in few folds. Shuffle sorted data beforehand.
    random_state : int, RandomState or None, default=None
        Determines the rows, if `shuffle` is True; an error otherwise, as in
        scikit-learn. For Dask collections also a ``numpy.random.Generator`` or
        ``SeedSequence``. An integer gives the same folds at each call, for the same
        blocks.

    See Also
    --------
    sklearn.model_selection.KFold : For data in memory, with equal results.

    Examples
    --------
    >>> import dask.array as da
    >>> from gpu_hpo.model_selection import KFold
    >>> X = da.ones((100, 3), chunks=(50, 3))
    >>> train, test = next(KFold(n_splits=4).split(X))
    >>> train.chunks, test.chunks
    (((25, 50),), ((25,),))
    >>> X[test].shape
    (25, 3)
    """

    @checked(n_splits=[Integral], random_state=SEED)
    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        random_state: SeedSource = None,
    ) -> None:
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)

    def _split_blocks(self, lengths: np.ndarray) -> Iterator[tuple[Any, Any]]:
        n = int(lengths.sum())
        if self.n_splits > n:
            raise ValueError(
                f"n_splits={self.n_splits} is greater than the number of rows, {n}"
            )
        root = root_seed(self.random_state) if self.shuffle else None
        first = np.cumsum(lengths) - lengths
        none = np.zeros_like(lengths)
        stop = 0
        for fold in range(self.n_splits):
            start, stop = stop, stop + n // self.n_splits + (fold < n % self.n_splits)
            a, b = (np.clip(bound - first, 0, lengths) for bound in (start, stop))
            yield (
                index_array(lengths, np.column_stack([none, a, b, lengths]), root),
                index_array(lengths, np.column_stack([a, b, none, none]), root),
            )
