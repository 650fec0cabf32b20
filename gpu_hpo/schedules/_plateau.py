# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Detect when a model has stopped improving."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Sequence
from operator import itemgetter

Scores = Sequence[tuple[int, float]]


def on_plateau(record: Scores, patience: int, tol: float | None) -> bool:
    """Return whether scores rose by no more than `tol` in the last `patience` calls.

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
        The rule is dask-ml's: it needs at least `patience` calls and two scores. NaN in
        the window is ignored, but a window that begins with NaN is no plateau.
    """
    if not patience or tol is None or math.isnan(tol):
        return False
    calls = record[-1][0]
    window = _window(record, calls - patience)
    if calls < patience or len(window) < 2:
        return False
    best = max((s for s in window[1:] if not math.isnan(s)), default=math.nan)
    return best - window[0] <= tol


def may_be_plateau(
    record: Scores, calls: int, patience: int, tol: float | None
) -> bool:
    """Return whether unknown scores could make a plateau at `calls` calls.

    If not, a trial may train beyond `calls` before it is scored there. The known scores
    in `record` are all of fewer calls.
    """
    if not patience or tol is None or math.isnan(tol) or calls < patience:
        return False
    # Progress within the window stays in it, whatever is scored later.
    window = _window(record, calls - patience)
    return not any(score - window[0] > tol for score in window[1:])


def _window(record: Scores, first: int) -> list[float]:
    """Return the scores at `first` calls and later."""
    begin = bisect_left(record, first, key=itemgetter(0))
    return [score for _, score in record[begin:]]
