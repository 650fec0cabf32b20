# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Print what an exhaustive search does, in scikit-learn's form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from joblib.logger import short_format_time

from gpu_hpo._typing import Params
from gpu_hpo.exhaustive._fold_scores import Evaluation

_WIDTH = 80


@dataclass(frozen=True)
class Line:
    """The text that is printed for one candidate on one split."""

    split: int
    number: int
    n_candidates: int
    params: Params

    def where(self, search: Any) -> str:
        """Return the split and the candidate, as far as `verbose` asks for them."""
        if search.verbose <= 2:
            return ""
        where = f" {self.split + 1}/{search.n_splits_}"
        if search.verbose <= 9:
            return where
        return f"{where}; {self.number + 1}/{self.n_candidates}"

    def what(self) -> str:
        """Return the candidate's parameters, as text."""
        return ", ".join(f"{name}={self.params[name]}" for name in sorted(self.params))


def print_start(search: Any, line: Line) -> None:
    """Print that a candidate is about to be fitted.

    Parameters
    ----------
    search : BaseSearchCV
    line : Line
    """
    text = f"[CV{line.where(search)}] START {line.what()}"
    print(text + "." * (_WIDTH - len(text)))


def print_end(
    search: Any, line: Line, evaluation: Evaluation, names: Sequence[str]
) -> None:
    """Print how long a candidate took, and its scores.

    Parameters
    ----------
    search : BaseSearchCV
        Its `verbose` says how much: 2 prints parameters and times, 3 also scores, 10
        also the numbers of candidates.
    line : Line
    evaluation : Evaluation
    names : sequence of str
        Of the scores, if they are several.
    """
    text = line.what()
    text += ";" if text else ""
    if search.verbose > 2:
        text += _scores(search, evaluation, names)
    seconds = evaluation.fit_time + evaluation.score_time
    text += f" total time={short_format_time(seconds)}"
    begin = f"[CV{line.where(search)}] END "
    print(begin + "." * (_WIDTH - len(begin) - len(text)) + text)


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
