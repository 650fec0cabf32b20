# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which score is the best, in every search."""

from __future__ import annotations

import numpy as np
from scipy.stats import rankdata


def ranks(scores: np.ndarray) -> np.ndarray:
    """Rank scores: 1 is the largest, and equal ones share the lower rank.

    What is not finite, NaN and either infinity, is no score: these share the last rank,
    which is 1 if there is nothing else.

    Parameters
    ----------
    scores : ndarray of float

    Returns
    -------
    ndarray of int32
    """
    worst_last = np.where(np.isfinite(scores), -scores, np.inf)
    return rankdata(worst_last, method="min").astype(np.int32, copy=False)
