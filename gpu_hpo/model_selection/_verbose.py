# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What an exhaustive search prints while it runs, in the form of scikit-learn's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from joblib.logger import short_format_time

from gpu_hpo.training import Evaluation

_WIDTH = 80


def print_evaluations(
    search: Any,
    split: int,
    numbers: Sequence[int],
    params: Sequence[Mapping[str, Any]],
    found: Sequence[Evaluation],
) -> None:
    """Print a line per candidate.

    Parameters
    ----------
    search : BaseSearchCV
        Whose `verbose` says how much: 2 for parameters and times, 3 for the scores, 10
        for the numbers of candidates too.
    split : int
    numbers, params, found
        Of the candidates.
    """
    for number, values, evaluation in zip(numbers, params, found, strict=True):
        where = ""
        if search.verbose > 2:
            where = f" {split + 1}/{search.n_splits_}"
            if search.verbose > 9:
                where += f"; {number + 1}"
        said = ", ".join(f"{name}={values[name]}" for name in sorted(values))
        text = said + (";" if said else "")
        if search.verbose > 2:
            text += _scores(evaluation, search.error_score)
        seconds = evaluation.fit_time + evaluation.score_time
        text += f" total time={short_format_time(seconds)}"
        begin = f"[CV{where}] END "
        print(begin + "." * (_WIDTH - len(begin) - len(text)) + text)


def _scores(evaluation: Evaluation, error_score: Any) -> str:
    test, train = evaluation.test, evaluation.train
    if evaluation.error is not None:
        return f", score={error_score}"
    if isinstance(test, dict):
        shown = []
        for name in sorted(test):
            before = "" if train is None else f"train={train[name]:.3f}, "
            shown.append(f" {name}: ({before}test={test[name]:.3f})")
        return "".join(shown)
    if train is not None:
        return f", score=(train={train:.3f}, test={test:.3f})"
    return f", score={test:.3f}"
