# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Rank scores, by one rule in every search."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.stats import rankdata


def ranks(scores: np.ndarray, tiers: ArrayLike = 0) -> np.ndarray:
    """Rank scores: 1 is the largest, and equal ones share the lower rank.

    Scores that are not finite (NaN, and either infinity) share the last rank, which is
    1 if there are no others.

    Parameters
    ----------
    scores : ndarray of float of shape (n,)
    tiers : array-like of int, default=0
        Scores of a lower tier rank before all of a higher one.

    Returns
    -------
    ndarray of int of shape (n,)
    """
    finite = np.isfinite(scores)
    order = np.where(finite, tiers, np.inf), np.where(finite, -scores, 0.0)
    _, places = np.unique(np.column_stack(order), axis=0, return_inverse=True)
    return rankdata(places.ravel(), method="min").astype(np.int64, copy=False)
