# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""End an exhaustive search before all is tried: by time, or by a score."""

from __future__ import annotations

import math
from collections.abc import Sequence
from time import monotonic
from typing import Any

import numpy as np

from gpu_hpo.exhaustive._fold_scores import Evaluation


class Limits:
    """What a search may still begin.

    Parameters
    ----------
    max_seconds : float or None
        Seconds from now on.
    stop_score : float or None
        A mean score over all splits that is enough.
    n_splits : int
    metric : str
        Name of the score that counts, where there are several.
    refits : bool
        Whether the best candidate is fitted to all rows at the end.
    stoppable : bool, default=False
        Whether a callback may end the search.

    Attributes
    ----------
    stopped : {"", "max_seconds", "stop_score", "callback", "interrupt", "error"}
        What has ended the search.
    known : bool
        Whether any candidate has been tried on all splits.
    best : (float, int or None)
        The best mean score so far, and its candidate.
    """

    def __init__(
        self,
        max_seconds: float | None,
        stop_score: float | None,
        n_splits: int,
        metric: Any,
        *,
        refits: bool,
        stoppable: bool = False,
    ) -> None:
        self._end = math.inf if max_seconds is None else monotonic() + max_seconds
        self._enough = math.inf if stop_score is None else stop_score
        self._n_splits = n_splits
        self.metric = metric
        self._refits = refits
        self._stoppable = stoppable
        self._scores: dict[int, list[float]] = {}
        self._fit_times: dict[int, list[float]] = {}
        self._refit_seconds = 0.0  # of the best candidate
        self.stopped = ""
        self.known = False
        self.best: tuple[float, int | None] = (-math.inf, None)

    @property
    def timed(self) -> bool:
        """Whether time is limited."""
        return self._end < math.inf

    @property
    def may_end_early(self) -> bool:
        """Whether the search may end before all candidates are tried."""
        return self.timed or self._enough < math.inf or self._stoppable

    @property
    def left(self) -> float:
        """Seconds that are left for candidates."""
        return self._end - monotonic() - self._refit_seconds if self.timed else math.inf

    def stop(self, reason: str) -> None:
        """End the search, unless it has ended."""
        self.stopped = self.stopped or reason

    def take(self, numbers: Sequence[int], evaluations: Sequence[Evaluation]) -> None:
        """Take in what candidates have scored on a split."""
        for number, evaluation in zip(numbers, evaluations, strict=True):
            score = evaluation.test
            if isinstance(score, dict):
                score = score.get(self.metric)
            failed = evaluation.error is not None or score is None
            scores = self._scores.setdefault(number, [])
            times = self._fit_times.setdefault(number, [])
            scores.append(math.nan if failed else float(score))
            times.append(evaluation.fit_time)
            if evaluation.stops:
                self.stop("callback")
            if len(scores) == self._n_splits:
                self._complete(number)

    def _complete(self, number: int) -> None:
        self.known = True
        score = float(np.mean(self._scores.pop(number)))
        seconds = float(np.mean(self._fit_times.pop(number)))
        best_score, best = self.best
        # Of equals the first in order, as at the end, whichever was ready first.
        better = score > best_score or (score == best_score and number < (best or 0))
        if better and math.isfinite(score):
            self.best = score, number
            if self._refits:
                # All rows are more than those of a split, and some models, such as
                # support-vector machines, take time by the square of their number.
                more = self._n_splits / max(self._n_splits - 1, 1)
                self._refit_seconds = more**2 * seconds
        if math.isfinite(score) and score >= self._enough:
            self.stop("stop_score")
