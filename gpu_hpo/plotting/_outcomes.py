# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Read what became of each trial, or candidate, of a fitted search."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted


@dataclass(frozen=True)
class Outcome:
    """What became of one trial, or of one candidate of an exhaustive search.

    Attributes
    ----------
    number : int
        Row of `cv_results_`.
    label : object
        Its `model_id`; a candidate's number.
    bracket : int or None
    params : dict
    status : str
        As in `cv_results_`; a candidate is "completed", "failed" or, where a search was
        ended early, "not tried" on all folds.
    error : str
        Why it failed.
    score : float
        The last, or mean, score.
    calls, scores, elapsed : ndarray of shape (n_scores,)
        Calls made until each score, the score, and when it came. Empty for candidates.
    fit_seconds, score_seconds : float
        Of all its scores; of all folds.
    workers : tuple of str
        Those that it trained on, the first one first.
    """

    number: int
    label: Any
    bracket: int | None
    params: Mapping[str, Any]
    status: str
    error: str
    score: float
    calls: np.ndarray
    scores: np.ndarray
    elapsed: np.ndarray
    fit_seconds: float
    score_seconds: float
    workers: tuple[str, ...]

    @property
    def n_calls(self) -> int:
        """The calls until its last score."""
        return int(self.calls[-1]) if len(self.calls) else 0


@dataclass(frozen=True)
class Outcomes:
    """All trials or candidates of a search, by number.

    Attributes
    ----------
    search : estimator
    name : str
        Of its class.
    stops_early : bool
    metric : str
        What scores are, in a word or two.
    all : list of Outcome
    best : Outcome or None
        The one that the search chose.
    ledger : Ledger or None
        What the search spent, if it was recorded.
    """

    search: Any
    name: str
    stops_early: bool
    metric: str
    all: list[Outcome]
    best: Outcome | None
    ledger: Any

    @property
    def scores(self) -> np.ndarray:
        """The last score of each."""
        return np.array([outcome.score for outcome in self.all], dtype=float)

    def finite(self) -> list[Outcome]:
        """Return those that have a finite score.

        Raises
        ------
        ValueError
            If none has.
        """
        found = [outcome for outcome in self.all if math.isfinite(outcome.score)]
        if not found:
            raise ValueError(
                f"none of the {len(self.all)} trials of this {self.name} has a finite "
                f"{self.metric}: there is nothing to draw"
            )
        return found

    def param_names(self) -> list[str]:
        """Return the names of all parameters, in the order in which they first come."""
        return list(dict.fromkeys(name for out in self.all for name in out.params))


def read_outcomes(search: Any, metric: str | None = None) -> Outcomes:
    """Read a fitted search.

    Parameters
    ----------
    search : estimator
        Of `gpu_hpo.model_selection`, or another with scikit-learn's `cv_results_`.
    metric : str, optional
        One of several metrics; by default the one that decides.

    Raises
    ------
    TypeError
        If `search` is no search.
    NotFittedError
        If it was not fitted.
    ValueError
        If it has no such metric.
    """
    if not hasattr(search, "fit") or not hasattr(search, "scoring"):
        raise TypeError(
            f"search={search!r} must be a fitted search, such as a HyperbandSearchCV"
        )
    check_is_fitted(search, "cv_results_")
    stops_early = hasattr(search, "history_")
    read = _trials if stops_early else _candidates
    key, name = _metric(search, metric, stops_early=stops_early)
    found = read(search, key)
    best = getattr(search, "best_index_", None)
    if best is None:
        scores = [(out.score, -out.number) for out in found if math.isfinite(out.score)]
        best = -max(scores)[1] if scores else None
    return Outcomes(
        search,
        type(search).__name__,
        stops_early,
        name,
        found,
        None if best is None else found[best],
        getattr(search, "_ledger", None),
    )


def _metric(search: Any, metric: str | None, *, stops_early: bool) -> tuple[str, str]:
    """Return how a metric is called in results, and in a picture."""
    results = search.cv_results_
    start = "rank_test_"
    names = [name.removeprefix(start) for name in results if name.startswith(start)]
    several = bool(getattr(search, "multimetric_", False))
    if metric is None:
        decides = search.refit if isinstance(search.refit, str) else None
        if several and decides is None and not stops_early:
            raise ValueError(
                f"this {type(search).__name__} has several metrics and none that "
                f"decides: let metric be one of {names}"
            )
        if several:
            return ("score" if stops_early else str(decides)), decides or "score"
        scoring = getattr(search, "scoring", None)
        return "score", scoring.replace("_", " ") if isinstance(
            scoring, str
        ) else "score"
    if metric not in names:
        raise ValueError(f"metric={metric!r} must be None or one of {names}")
    return metric, metric.replace("_", " ")


def _trials(search: Any, key: str) -> list[Outcome]:
    results = search.cv_results_
    entry_key = "score" if key == "score" else f"test_{key}"
    brackets = results.get("bracket", [None] * len(results["params"]))
    found = []
    for number, label in enumerate(results["model_id"]):
        entries = search.model_history_[_plain(label)]
        found.append(
            Outcome(
                number,
                _plain(label),
                _plain(brackets[number]),
                results["params"][number],
                results["status"][number],
                results["error"][number],
                float(results[f"test_{key}"][number]),
                np.array([entry["partial_fit_calls"] for entry in entries], dtype=int),
                np.array([entry[entry_key] for entry in entries], dtype=float),
                np.array(
                    [entry["elapsed_wall_time"] for entry in entries], dtype=float
                ),
                sum(entry["partial_fit_time"] for entry in entries),
                sum(entry["score_time"] for entry in entries),
                tuple(dict.fromkeys(entry.get("worker", "") for entry in entries)),
            )
        )
    return found


def _candidates(search: Any, key: str) -> list[Outcome]:
    results = search.cv_results_
    nothing = np.array([])
    n_splits = int(getattr(search, "n_splits_", 1))
    failures: Mapping[int, Sequence[str]] = getattr(
        getattr(search, "_ledger", None), "failures", {}
    )
    scores = results[f"mean_test_{key}"]
    cut_short = bool(getattr(search, "stopped_", ""))
    return [
        Outcome(
            number,
            number,
            None,
            params,
            _status(number, failures, scores, cut_short=cut_short),
            failures[number][0] if number in failures else "",
            float(scores[number]),
            nothing,
            nothing,
            nothing,
            n_splits * float(results["mean_fit_time"][number]),
            n_splits * float(results["mean_score_time"][number]),
            (),
        )
        for number, params in enumerate(results["params"])
    ]


def _status(
    number: int, failures: Mapping[int, Any], scores: np.ndarray, *, cut_short: bool
) -> str:
    if number in failures:
        return "failed"
    return "not tried" if cut_short and np.isnan(scores[number]) else "completed"


def _plain(value: Any) -> Any:
    """Return Python's own number for NumPy's, which a dict of labels may need."""
    return value.item() if isinstance(value, np.generic) else value
