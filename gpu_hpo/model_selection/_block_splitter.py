# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Split by nothing but numbers of rows, block by block where there are blocks."""

from __future__ import annotations

import warnings
from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

import numpy as np

from gpu_hpo._typing import ArrayLike
from gpu_hpo.model_selection._row_blocks import (
    block_lengths,
    check_lengths,
    kind,
    n_rows,
)


class BlockSplitter:
    """Makes one of scikit-learn's splitters give lazy row numbers for Dask collections.

    For classes that have that splitter as their second base.
    """

    def split(
        self, X: ArrayLike, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[Any, Any]]:
        """Yield the numbers of the rows that train and those that test, for each split.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, ...)
            Only its length is looked at, on whatever device it is. A Dask X that does
            not know the lengths of its blocks (frames never do) is computed for them.
        y : array-like or Dask collection of shape (n_samples,), optional
            Not used; its length must be that of X, if it is known.
        groups : object, optional
            Ignored with a warning, as in scikit-learn.

        Yields
        ------
        train, test : ndarray, or dask.array.Array for a Dask X
            Row numbers, as from scikit-learn. Dask's have known chunk sizes. They are
            sorted and have a block for each block of X that gives rows, except those of
            `ShuffleSplit` with ``blockwise=False``.

        Raises
        ------
        ValueError
            If lengths differ, or there are too few rows.
        """
        if groups is not None:
            warnings.warn(f"The groups parameter is ignored by {type(self).__name__}")
        if kind(X) == "other":
            n = n_rows(X)
            check_lengths(n, y=y)
            # Of the class's second base.
            yield from super().split(np.broadcast_to(0, n))  # type: ignore[misc]
            return
        lengths = np.array(block_lengths(X))
        check_lengths(int(lengths.sum()), y=y)
        yield from self._split_blocks(lengths)

    @abstractmethod
    def _split_blocks(self, lengths: np.ndarray) -> Iterator[tuple[Any, Any]]:
        """Yield Dask arrays of row numbers, given the number of rows of each block."""
