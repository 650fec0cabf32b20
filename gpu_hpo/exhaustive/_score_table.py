# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Collect the scores of candidates on splits, and make `cv_results_` from them."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from gpu_hpo._sklearn_private import (
    _warn_or_raise_about_fit_failures,
    _yield_masked_array_for_each_param,
)
from gpu_hpo._typing import Params
from gpu_hpo.exceptions import GpuHpoWarning
from gpu_hpo.exhaustive._fold_scores import Evaluation
from gpu_hpo.metrics._ranks import ranks

_FINE = {"fit_error": None}


class ScoreTable:
    """A row per candidate and a column per split, of every score and time.

    Parameters
    ----------
    n_splits : int
    error_score : "raise" or float
        The score of a fit that failed.
    train_scores : bool
        Whether there are scores on training rows.

    Attributes
    ----------
    several : bool or None
        Whether candidates have several scores by name; None if none has a score yet.
    begun : bool
        Whether any fit has ended.
    """

    def __init__(
        self, n_splits: int, error_score: str | float, train_scores: bool
    ) -> None:
        self._n_splits = n_splits
        self._error_score = error_score
        self._kinds = ("test", "train") if train_scores else ("test",)
        self._columns: dict[str, np.ndarray] = {}
        self._failures: dict[tuple[int, int], str] = {}
        self._same: dict[int, int] = {}
        self.begun = False
        self.several: bool | None = None

    def take(
        self, split: int, numbers: Sequence[int], evaluations: Sequence[Evaluation]
    ) -> None:
        """Record the scores of some candidates on a split."""
        self.begun = True
        for number, evaluation in zip(numbers, evaluations, strict=True):
            place = number, split
            self._column("fit_time", number)[place] = evaluation.fit_time
            self._column("score_time", number)[place] = evaluation.score_time
            if evaluation.error is not None:
                self._failures[place] = evaluation.error
                continue
            for kind in self._kinds:
                scores = getattr(evaluation, kind)
                if not isinstance(scores, dict):
                    self.several = self.several or False
                    self._column(kind, number)[place] = scores
                    continue
                self.several = True
                for name, score in scores.items():
                    self._column(f"{kind}_{name}", number)[place] = score
                    self._column(f"given_{kind}_{name}", number)[place] = True
            for text in evaluation.scoring_failures:
                warnings.warn(text, UserWarning)

    def same(self, number: int, first: int) -> None:
        """Record that a candidate is the same as an earlier one."""
        self._same[number] = first

    def names(self) -> list[str]:
        """Return the names of the scores: "score" if there is one without a name."""
        names = [
            n.removeprefix("test_") for n in self._columns if n.startswith("test_")
        ]
        return names or ["score"]

    def failures(self, n_candidates: int) -> dict[int, list[str]]:
        """Return the tracebacks of fits that failed, by candidate."""
        found: dict[int, list[str]] = {}
        for number in range(n_candidates):
            first = self._same.get(number, number)
            errors = [self._failures.get((first, i), "") for i in range(self._n_splits)]
            if any(errors):
                found[number] = [error for error in errors if error]
        return found

    def check_failures(self, n_candidates: int) -> None:
        """Warn of fits that have failed.

        Raises
        ------
        ValueError
            If all have failed.
        """
        if not self._failures:
            return
        fits = [
            {"fit_error": error} if error else _FINE
            for number in range(n_candidates)
            for split in range(self._n_splits)
            for error in [self._failures.get((self._same.get(number, number), split))]
        ]
        _warn_or_raise_about_fit_failures(fits, self._error_score)

    def results(
        self,
        params: Sequence[Params],
        names: Sequence[str] = (),
        *,
        in_part: bool = False,
    ) -> dict[str, Any]:
        """Make `cv_results_`.

        Parameters
        ----------
        params : sequence of dict
            Those of all candidates, in their order.
        names : sequence of str
            Names of the scores, if known.
        in_part : bool
            Whether scores may be missing since the search has ended early: they are
            NaN, without a warning.
        """
        n = len(params)
        table: dict[str, Any] = {}
        for name in ("fit_time", "score_time"):
            _summarize(table, name, self._column_of_all(name, n))
        for column, values in _yield_masked_array_for_each_param(params):
            table[column] = values
        table["params"] = params
        for name in names or self.names():
            for kind in self._kinds:
                scores = self._scores(kind, name, n, in_part)
                for split in range(self._n_splits):
                    table[f"split{split}_{kind}_{name}"] = scores[:, split]
                means = _summarize(table, f"{kind}_{name}", scores)
                if not in_part and not np.isfinite(means).all():
                    warnings.warn(
                        f"One or more of the {kind} scores are non-finite: {means}",
                        UserWarning,
                    )
                if kind == "test":
                    table[f"rank_test_{name}"] = ranks(means).astype(np.int32)
        return table

    def _scores(self, kind: str, name: str, n: int, in_part: bool) -> np.ndarray:
        """Return scores by one name, with the error score where there is none."""
        failed = np.zeros((n, self._n_splits), dtype=bool)
        for place in self._failures:
            failed[place] = True
        for number, first in self._same.items():
            failed[number] = failed[first]
        scores = self._column_of_all(f"{kind}_{name}" if self.several else kind, n)
        if failed.any():
            scores[failed] = self._error_score
        if self.several and not in_part:
            given = self._column_of_all(f"given_{kind}_{name}", n) == 1
            missing = ~given & ~failed
            if missing.any():
                text = f"scoring gave no {kind} score {name!r} in {missing.sum()} fits"
                if isinstance(self._error_score, str):
                    raise ValueError(text)
                warnings.warn(f"{text}: set to {self._error_score}", GpuHpoWarning)
                scores[missing] = self._error_score
        return scores

    def _column(self, name: str, number: int) -> np.ndarray:
        """Return a column with room for a candidate."""
        column = self._columns.get(name)
        if column is None or len(column) <= number:
            longer = np.full((max(64, 2 * number), self._n_splits), np.nan)
            if column is not None:
                longer[: len(column)] = column
            column = self._columns[name] = longer
        return column

    def _column_of_all(self, name: str, n: int) -> np.ndarray:
        """Return a column cut to the number of candidates."""
        if n:
            self._column(name, n - 1)
        column = self._columns[name][:n].copy()
        for number, first in self._same.items():
            column[number] = column[first]
        return column


def _summarize(table: dict[str, Any], name: str, values: np.ndarray) -> np.ndarray:
    """Add the mean and the standard deviation over splits."""
    with np.errstate(invalid="ignore"):  # of infinities
        means = np.average(values, axis=1)
        deviations = np.average((values - means[:, np.newaxis]) ** 2, axis=1)
    table[f"mean_{name}"] = means
    table[f"std_{name}"] = np.sqrt(deviations)
    return means
