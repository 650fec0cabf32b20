# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""When a model has stopped improving."""

from __future__ import annotations

import math
from collections.abc import Sequence


def on_plateau(
    record: Sequence[tuple[int, float]], patience: int, tol: float | None
) -> bool:
    """Whether the scores of the last `patience` calls rose by no more than `tol`.

    Parameters
    ----------
    record : sequence of (calls, score)
        All scores of one trial, oldest first.
    patience : int
        Length of the window in calls; 0 never stops.
    tol : float or None
        Improvement over the first score of the window that counts as progress.
        None or NaN never stops.

    Returns
    -------
    bool
        The rule is dask-ml's: it needs at least `patience` calls and two scores. A
        NaN in the window is passed over; a window of NaN, or one that begins with
        it, is no plateau.
    """
    if not patience or tol is None or math.isnan(tol):
        return False
    calls = record[-1][0]
    window = [score for at, score in record if calls - at <= patience]
    if calls < patience or len(window) < 2:
        return False
    best = max((s for s in window[1:] if not math.isnan(s)), default=math.nan)
    return best - window[0] <= tol
