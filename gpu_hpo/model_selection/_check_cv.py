# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Build a splitter from `cv`, and count its splits."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from sklearn import model_selection
from sklearn.utils.multiclass import type_of_target

from gpu_hpo._arguments import checked
from gpu_hpo._typing import ArrayLike, CrossValidation, Splitter
from gpu_hpo.model_selection._kfold import KFold
from gpu_hpo.model_selection._row_blocks import host_labels, n_rows
from gpu_hpo.model_selection._stratified_kfold import StratifiedKFold

_BY_NUMBER_OF_ROWS = (model_selection.LeaveOneOut, model_selection.LeavePOut)
_BY_GROUPS = (model_selection.LeaveOneGroupOut, model_selection.LeavePGroupsOut)


@checked(cv=["cv_object"], classifier=["boolean"])
def check_cv(
    cv: CrossValidation = 5, y: ArrayLike | None = None, classifier: bool = False
) -> Splitter:
    """Make a splitter from what users pass as `cv`.

    Parameters
    ----------
    cv : int, splitter, iterable or None, default=5
        A number of folds, None for 5 (as in scikit-learn; 3 in dask-ml), or
        ``(train, test)`` row numbers for each split.
    y : array-like or Dask collection, optional
        Labels. If `cv` is a number and `classifier` is True, they are copied to this
        process, and a Dask collection is computed; otherwise they are not used.
    classifier : bool, default=False
        Whether folds should have the same share of each class, if `y` holds classes.

    Returns
    -------
    splitter
        For a number, `StratifiedKFold` or `KFold`, without shuffling; `cv` itself
        where it is a splitter.

    Raises
    ------
    ValueError
        If `cv` is none of these, or fewer than 2 folds.

    Examples
    --------
    >>> import numpy as np
    >>> from gpu_hpo.model_selection import check_cv
    >>> check_cv(3)
    KFold(n_splits=3, random_state=None, shuffle=False)
    >>> check_cv(3, np.array([0, 1] * 9), classifier=True)
    StratifiedKFold(n_splits=3, random_state=None, shuffle=False)
    """
    cv = 5 if cv is None else cv
    if not isinstance(cv, Integral):
        return model_selection.check_cv(cv)
    if classifier and y is not None:
        target = type_of_target(host_labels(y), input_name="y")
        if target in ("binary", "multiclass"):
            return StratifiedKFold(int(cv))
    return KFold(int(cv))


@checked(cv=["cv_object"])
def compute_n_splits(
    cv: CrossValidation,
    X: ArrayLike | None = None,
    y: ArrayLike | None = None,
    groups: ArrayLike | None = None,
) -> int:
    """Count the splits of a `cv`, and compute only what is needed for that.

    Parameters
    ----------
    cv : int, splitter, iterable or None
        As for `check_cv`.
    X : array-like or Dask collection, optional
        Only scikit-learn's ``LeaveOneOut`` and ``LeavePOut`` need its length; a Dask
        collection of unknown length is computed for that.
    y : array-like or Dask collection, optional
        Passed to splitters that are not scikit-learn's.
    groups : array-like or Dask collection, optional
        Copied to this process for scikit-learn's ``LeaveOneGroupOut`` and
        ``LeavePGroupsOut``.

    Returns
    -------
    int

    Examples
    --------
    >>> import dask.array as da
    >>> from sklearn.model_selection import LeaveOneOut
    >>> from gpu_hpo.model_selection import KFold, compute_n_splits
    >>> X = da.ones((100, 3), chunks=(50, 3))
    >>> compute_n_splits(KFold(4), X), compute_n_splits(LeaveOneOut(), X)
    (4, 100)
    """
    cv = check_cv(cv)
    if isinstance(cv, _BY_NUMBER_OF_ROWS) and X is not None:
        X = np.broadcast_to(0, n_rows(X))
    elif isinstance(cv, _BY_GROUPS) and groups is not None:
        groups = host_labels(groups)
    return int(cv.get_n_splits(X, y, groups))
