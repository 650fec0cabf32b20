# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Turn the records of a search into the tables that users read."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from gpu_hpo._sklearn_private import _yield_masked_array_for_each_param
from gpu_hpo.adaptive.engine._news import Record, TrialFailure
from gpu_hpo.adaptive.training._budgets import Budget
from gpu_hpo.metrics._ranks import ranks

History = list[dict[str, Any]]


def make_history(
    records: Sequence[Record],
    params: Mapping[int, Mapping[str, Any]],
    label: Callable[[int], Mapping[str, Any]],
    *,
    by_split: bool = False,
) -> History:
    """Return one dict per score, oldest first; see `HyperbandSearchCV.history_`."""
    return [
        {
            **label(record.trial),
            "params": dict(params[record.trial]),
            "partial_fit_calls": record.calls,
            "partial_fit_time": record.fit_seconds,
            "score": record.score,
            "score_time": record.score_seconds,
            "elapsed_wall_time": record.elapsed,
            "worker": record.worker,
            **(
                {f"test_{name}": value for name, value in record.metrics.items()}
                if set(record.metrics) != {"score"}
                else {}
            ),
        }
        | (_by_split(record) if by_split else {})
        for record in records
    ]


def _by_split(record: Record) -> dict[str, float]:
    """Return the metrics of each model of a trial in cross-validation."""
    return {
        f"split{i}_test_{name}": value
        for i, metrics in enumerate(record.splits)
        for name, value in metrics.items()
    }


def make_cv_results(
    history: History,
    params: Mapping[int, Mapping[str, Any]],
    label: Callable[[int], Mapping[str, Any]],
    failures: Mapping[int, TrialFailure],
    finalists: set[int],
    contenders: set[int] | None = None,
) -> dict[str, Any]:
    """Return one row per trial, by number; see `HyperbandSearchCV.cv_results_`.

    The best is one of the contenders: the finalists, unless the search was stopped.
    """
    by_model: dict[Any, History] = {label(trial)["model_id"]: [] for trial in params}
    for entry in history:
        by_model[entry["model_id"]].append(entry)
    records = list(by_model.values())
    last = [entries[-1] if entries else {} for entries in records]
    results: dict[str, Any] = {}
    for name in ("partial_fit_time", "score_time"):
        times = [
            [entry[name] for entry in entries] or [math.nan] for entries in records
        ]
        results[f"mean_{name}"] = np.array([np.mean(values) for values in times])
        results[f"std_{name}"] = np.array([np.std(values) for values in times])
    keys = list((history or [{}])[0])
    metrics = [key for key in keys if key.startswith("test_")]
    status = [_status(trial, failures, finalists) for trial in params]
    if contenders is None:
        contenders = finalists
    standing = [_status(trial, failures, contenders) for trial in params]
    for key in ("score", *metrics):
        name = key.removeprefix("test_")
        scores = np.array([entry.get(key, math.nan) for entry in last], dtype=float)
        results[f"test_{name}"] = scores
        results[f"rank_test_{name}"] = _rank(scores, standing)
        column = re.compile(rf"split\d+_test_{re.escape(name)}")
        of_splits = [key for key in keys if column.fullmatch(key)]
        if of_splits:
            table = np.array(
                [[entry.get(k, math.nan) for k in of_splits] for entry in last]
            )
            results |= dict(zip(of_splits, table.T, strict=True))
            results[f"mean_test_{name}"] = table.mean(axis=1)
            results[f"std_test_{name}"] = table.std(axis=1)
    for name in label(next(iter(params))):
        results[name] = np.array([label(trial)[name] for trial in params])
    results["partial_fit_calls"] = np.array(
        [entry.get("partial_fit_calls", 0) for entry in last], dtype=np.int64
    )
    results["params"] = _objects([dict(param) for param in params.values()])
    results |= sorted(_yield_masked_array_for_each_param(list(params.values())))
    results["status"] = np.array(status, dtype=object)
    results["error"] = np.array(
        [failures[t].error if t in failures else "" for t in params], dtype=object
    )
    return results


def refit_metadata(history: History, budget: Budget, data: Any) -> dict[str, Any]:
    """Count the work of refits, one per score.

    Parameters
    ----------
    history : list of dict
    budget : Budget
    data : ResidentData
        Loaded.

    Returns
    -------
    dict
        ``resource``, ``n_fits``, ``calls_fitted`` (calls that a fit repeats are counted
        again) and ``rows_fitted`` (of all fits).
    """
    before: dict[Any, int] = {}
    calls_fitted = rows_fitted = 0
    for entry in history:
        stop = entry["partial_fit_calls"]
        start = before.get(entry["model_id"], 0)
        before[entry["model_id"]] = stop
        calls_fitted += budget.cost(start, stop)
        rows_fitted += data.rows_of(budget.span(start, stop))
    return {
        "resource": budget.resource,
        "n_fits": len(history) * data.n_splits,
        "calls_fitted": calls_fitted,
        "rows_fitted": rows_fitted,
    }


def best_trial(
    records: Sequence[Record], contenders: Sequence[int], failed: Mapping[int, Any]
) -> Record | None:
    """Return the best trial's record, by the last scores of contenders.

    If no contender has a finite score, the best of all trials that did not fail; if
    none of these has one, the best of all; None if there is no finite score. Ties go to
    the lower trial number. `_rank` ranks by the same rule.
    """
    last = {record.trial: record for record in records}
    sound = [trial for trial in last if trial not in failed]
    for trials in ([t for t in contenders if t not in failed], sound, last):
        candidates = [
            last[trial]
            for trial in trials
            if trial in last and math.isfinite(last[trial].score)
        ]
        if candidates:
            return min(candidates, key=lambda record: (-record.score, record.trial))
    return None


_ORDER = {"completed": 0, "stopped": 1}
_FAILED = 2


def _status(
    trial: int, failures: Mapping[int, TrialFailure], finalists: set[int]
) -> str:
    if trial in failures:
        return failures[trial].status
    return "completed" if trial in finalists else "stopped"


def _rank(scores: np.ndarray, standing: Sequence[str]) -> np.ndarray:
    """Rank trials of the same standing by score.

    The best contender has rank 1, even if a trial that was dropped had a higher score
    after less training.
    """
    return ranks(scores, [_ORDER.get(kind, _FAILED) for kind in standing])


def _objects(values: Sequence[Any]) -> np.ndarray:
    out = np.empty(len(values), dtype=object)
    for i, value in enumerate(values):
        out[i] = value
    return out
