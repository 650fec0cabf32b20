# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Print what an exhaustive search does, in scikit-learn's form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from joblib.logger import short_format_time

from gpu_hpo._typing import Params
from gpu_hpo.exhaustive._fold_scores import Evaluation

_WIDTH = 80


def print_plan(n_splits: int, n_candidates: int) -> None:
    """Print how many fits there will be."""
    print(
        f"Fitting {n_splits} folds for each of {n_candidates} candidates, "
        f"totalling {n_candidates * n_splits} fits"
    )


class Printer:
    """Prints a line when a candidate begins on a split, and one when it has ended.

    Parameters
    ----------
    search : BaseSearchCV
        Its `verbose` says how much: 2 prints parameters and times, 3 also scores, 10
        also the numbers of candidates.
    params : list of dict
        Of the candidates; may grow.
    first : int
        Number of the first of them.
    n_candidates : int
    names : sequence of str
        Of the scores, if they are several.
    """

    def __init__(
        self,
        search: Any,
        params: Sequence[Params],
        first: int,
        n_candidates: int,
        names: Sequence[str],
    ) -> None:
        self._search = search
        self._params = params
        self._first = first
        self._n_candidates = n_candidates
        self._names = names

    def begun(self, split: int, numbers: Sequence[int]) -> None:
        """Print that candidates are about to be fitted."""
        for number in numbers:
            text = f"[CV{self._where(split, number)}] START {self._what(number)}"
            print(text + "." * (_WIDTH - len(text)))

    def ended(
        self, split: int, numbers: Sequence[int], evaluations: Sequence[Evaluation]
    ) -> None:
        """Print how long candidates took, and their scores."""
        for number, evaluation in zip(numbers, evaluations, strict=True):
            text = self._what(number)
            text += ";" if text else ""
            if self._search.verbose > 2:
                text += _scores(self._search, evaluation, self._names)
            seconds = evaluation.fit_time + evaluation.score_time
            text += f" total time={short_format_time(seconds)}"
            begin = f"[CV{self._where(split, number)}] END "
            print(begin + "." * (_WIDTH - len(begin) - len(text)) + text)

    def _where(self, split: int, number: int) -> str:
        """Return the split and the candidate, as far as `verbose` asks for them."""
        if self._search.verbose <= 2:
            return ""
        where = f" {split + 1}/{self._search.n_splits_}"
        if self._search.verbose <= 9:
            return where
        return f"{where}; {number - self._first + 1}/{self._n_candidates}"

    def _what(self, number: int) -> str:
        """Return the candidate's parameters, as text."""
        params = self._params[number - self._first]
        return ", ".join(f"{name}={params[name]}" for name in sorted(params))


def _scores(search: Any, evaluation: Evaluation, names: Sequence[str]) -> str:
    test, train = evaluation.test, evaluation.train
    if evaluation.error is not None:
        none: Any = search.error_score
        none = dict.fromkeys(names, none) if names else none
        test, train = none, none if search.return_train_score else None
    several = dict(test) if isinstance(test, dict) else {}
    several |= train if isinstance(train, dict) else {}
    if several:
        shown = []
        for name in sorted(several):
            before = "" if train is None else f"train={_of(train, name):.3f}, "
            shown.append(f" {name}: ({before}test={_of(test, name):.3f})")
        return "".join(shown)
    if train is not None:
        return f", score=(train={train:.3f}, test={test:.3f})"
    return f", score={test:.3f}"


def _of(scores: Any, name: str) -> float:
    """Return one of several scores; a failure gives one number for all of them."""
    return scores.get(name, math.nan) if isinstance(scores, dict) else scores
