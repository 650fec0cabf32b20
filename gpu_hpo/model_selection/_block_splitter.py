# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Split by numbers of rows only, block by block if there are blocks."""

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
    """Makes a splitter of scikit-learn's yield lazy row numbers for Dask collections.

    It is the first base of a class, and the splitter the second.
    """

    def split(
        self, X: ArrayLike, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[Any, Any]]:
        """Yield the numbers of the rows that train and those that test, for each split.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, ...)
            Only its length is used, on any device. If the block lengths of a Dask X are
            unknown (always for frames), it is computed to find them.
        y : array-like or Dask collection of shape (n_samples,), optional
            Not used; its length must be that of X, if it is known.
        groups : object, optional
            Ignored with a warning, as in scikit-learn.

        Yields
        ------
        train, test : ndarray, or dask.array.Array for a Dask X
            Row numbers, as in scikit-learn. Dask arrays have known chunk sizes. They
            are sorted, with a block for each block of X that has rows in them, except
            in `ShuffleSplit` with ``blockwise=False``.

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
            # The splitter of scikit-learn's.
            yield from super().split(np.broadcast_to(0, n))  # type: ignore[misc]
            return
        lengths = np.array(block_lengths(X))
        check_lengths(int(lengths.sum()), y=y)
        yield from self._split_blocks(lengths)

    @abstractmethod
    def _split_blocks(self, lengths: np.ndarray) -> Iterator[tuple[Any, Any]]:
        """Yield Dask arrays of row numbers, given the number of rows of each block."""
