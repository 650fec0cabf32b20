# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Make folds with the same share of each class, for labels anywhere."""

from __future__ import annotations

from collections.abc import Iterator
from numbers import Integral
from typing import Any

import numpy as np
from sklearn import model_selection

from gpu_hpo._arguments import checked
from gpu_hpo._typing import ArrayLike, RandomState
from gpu_hpo.model_selection._row_blocks import (
    block_lengths,
    cut_like,
    host_labels,
    kind,
    n_rows,
)


class StratifiedKFold(model_selection.StratifiedKFold):
    """K folds, each with the same share of every class.

    It is scikit-learn's ``StratifiedKFold``, also for labels on a device or in a Dask
    collection: labels, and nothing else, are copied to this process. `check_cv` returns
    it for classifiers.

    Parameters
    ----------
    n_splits : int, default=5
        Folds; at least 2.
    shuffle : bool, default=False
        Whether to choose among the rows of a class at random.
    random_state : int, RandomState or None, default=None
        Determines the rows, if `shuffle` is True.

    See Also
    --------
    sklearn.model_selection.StratifiedKFold : It chooses the rows.

    Examples
    --------
    >>> import dask.array as da
    >>> from gpu_hpo.model_selection import StratifiedKFold
    >>> y = da.arange(100, chunks=50) % 2
    >>> train, test = next(StratifiedKFold(n_splits=4).split(y, y))
    >>> test.chunks, int(y[test].sum())
    (((25,),), 12)
    """

    @checked(n_splits=[Integral], random_state=["random_state"])
    def __init__(
        self,
        n_splits: int = 5,
        *,
        shuffle: bool = False,
        random_state: RandomState = None,
    ) -> None:
        super().__init__(n_splits, shuffle=shuffle, random_state=random_state)

    def split(
        self, X: ArrayLike, y: ArrayLike | None, groups: ArrayLike | None = None
    ) -> Iterator[tuple[Any, Any]]:
        """Yield the numbers of the rows that train and those that test, for each fold.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, ...)
            Only its length is used. If the block lengths of a Dask X are unknown
            (always for frames), it is computed to find them.
        y : array-like or Dask collection of shape (n_samples,)
            Class labels; a Dask collection is computed.
        groups : object, optional
            Ignored with a warning, as in scikit-learn.

        Yields
        ------
        train, test : ndarray, or dask.array.Array for a Dask X
            Row numbers, sorted; the same ones whatever X and y are.

        Raises
        ------
        ValueError
            If there are fewer rows of every class than folds, or lengths differ.
        """
        labels = host_labels(y)
        lengths = None if kind(X) == "other" else block_lengths(X)
        n = n_rows(X) if lengths is None else sum(lengths)
        # Only the length of X matters, on any device.
        for train, test in super().split(np.broadcast_to(0, n), labels, groups):
            if lengths is not None:
                train, test = cut_like(train, lengths), cut_like(test, lengths)
            yield train, test
