# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Report what an exhaustive search has scored: by a bar, and to callbacks."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from time import monotonic
from typing import Any

from gpu_hpo._arguments import is_true
from gpu_hpo._typing import Params
from gpu_hpo.exhaustive._fold_scores import Evaluation
from gpu_hpo.exhaustive._limits import Limits
from gpu_hpo.progress import _running
from gpu_hpo.progress._bar import Bar, wanted
from gpu_hpo.progress._running import Curve
from gpu_hpo.progress._state import State


class Progress:
    """Hears of the scores of candidates as they arrive.

    Parameters
    ----------
    search : ExhaustiveSearch
    limits : Limits
        Hears of the scores, too, before.
    n_splits, n_slots : int

    Attributes
    ----------
    params : callable
        Returns the parameters of a candidate, by its number.
    """

    def __init__(
        self, search: Any, limits: Limits, n_splits: int, n_slots: int
    ) -> None:
        self._search = search
        self._limits = limits
        self._n_splits = n_splits
        self._n_slots = n_slots
        self.params: Callable[[int], Params] = lambda number: {}
        self._n_fits: int | None = None
        self._done = 0
        self._sums: dict[int, tuple[int, float]] = {}  # of scores, and their number
        self._began = monotonic()
        self._hearers = [
            callback
            for callback in getattr(search, "_skl_callbacks", [])
            if callable(getattr(callback, "on_score", None))
        ]
        self.title = type(search).__name__
        _running.begin(self)
        self._bar = Bar(
            self.title,
            self.state,
            shown=wanted(search.progress, search.verbose),
        )

    def expect(self, n_candidates: int) -> None:
        """Note how many candidates there will be, with those that were."""
        self._n_fits = n_candidates * self._n_splits

    def skip(self) -> None:
        """Note that a candidate is the same as an earlier one."""
        self._done += self._n_splits

    def take(
        self,
        split: int,
        numbers: Sequence[int],
        evaluations: Sequence[Evaluation],
        *,
        recalled: bool = False,
    ) -> None:
        """Take in what candidates have scored on a split, perhaps in an earlier run."""
        self._done += len(numbers)
        for number, evaluation in zip(numbers, evaluations, strict=True):
            n, total = self._sums.get(number, (0, 0.0))
            self._sums[number] = n + 1, total + self._score(evaluation)
            for callback in self._hearers:
                facts = self._facts(split, number, evaluation)
                facts["recalled"] = recalled
                if is_true(callback.on_score(self._search, None, metadata=facts)):
                    self._limits.stop("callback")
        self._bar.update()

    def open(self) -> None:
        """Show the bar; `close` must follow."""
        self._bar.open()

    def close(self) -> None:
        """Take the bar away, however the search has ended."""
        _running.end(self)
        self._bar.close()

    def _facts(self, split: int, number: int, evaluation: Evaluation) -> dict[str, Any]:
        """Return what callbacks are told of one score."""
        test = {} if evaluation.test is None else evaluation.test
        metrics = test if isinstance(test, dict) else {"score": test}
        best_score, best = self._limits.best
        return {
            "trial": number,
            "model_id": number,
            "split": split,
            "params": dict(self.params(number)),
            "score": self._score(evaluation),
            "metrics": {name: float(score) for name, score in metrics.items()},
            "fit_seconds": evaluation.fit_time,
            "score_seconds": evaluation.score_time,
            "elapsed": monotonic() - self._began,
            "status": "completed" if evaluation.error is None else "failed",
            "error": evaluation.error or "",
            "best_score": best_score,
            "best_params": {} if best is None else dict(self.params(best)),
        }

    def _score(self, evaluation: Evaluation) -> float:
        """Return the score that decides."""
        test = evaluation.test
        if isinstance(test, dict):
            test = test.get(self._limits.metric)
        return math.nan if test is None else float(test)

    def _best(self) -> tuple[float, int | None]:
        """Return the best mean score of the splits so far, and its candidate.

        Only those that have been scored on the most splits are compared.
        """
        sums = dict(self._sums)  # which another thread may look at
        most = max((n for n, _ in sums.values()), default=0)
        means = [
            (total / n, -number)
            for number, (n, total) in sums.items()
            if n == most and math.isfinite(total)
        ]
        score, number = max(means, default=(-math.inf, None))
        return score, None if number is None else -number

    def curves(self) -> list[Curve]:
        """Return nothing: candidates are scored once."""
        return []

    def state(self) -> State:
        """Return how far the search is."""
        best_score, best = self._best()
        elapsed = monotonic() - self._began
        left = None
        if self._done and self._n_fits:
            left = (self._n_fits - self._done) * elapsed / self._done
            left = max(0.0, min(left, self._limits.left))
        params: Mapping[str, Any] = {} if best is None else self.params(best)
        total = None if self._n_fits is None else max(self._n_fits, self._done)
        return State(
            "fits",
            self._done,
            total,
            elapsed,
            left,
            None if best is None else best_score,
            params,
            busy=min(self._n_slots, (total or self._done + 1) - self._done),
            slots=self._n_slots,
        )
