# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which rows each call of a search trains on, and which validate: as recorded.

A search with the same split and seed is given, in place of X, the numbers of its rows,
and in place of the estimator one that notes them. Nothing of the package is asked.
"""

from __future__ import annotations

import copy
import warnings
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from gpu_hpo.model_selection import IncrementalSearchCV
from tests.fuzz._adaptive_backends import FIRST, shared_backends

_SEEN: list[tuple[Any, int, np.ndarray]] = []  # model, its calls, rows it predicts for


def _numbers(X: Any) -> np.ndarray:
    values = X.to_numpy() if hasattr(X, "iloc") else np.asarray(X)
    return values[:, 0].astype(int)


class _Notes(BaseEstimator):
    """Notes the rows of each call."""

    def __init__(self, alpha=0, n_estimators=1, max_iter=1, warm_start=False):
        self.alpha = alpha
        self.n_estimators = n_estimators
        self.max_iter = max_iter
        self.warm_start = warm_start

    def fit(self, X, y=None, sample_weight=None):
        return self._note(X, y, sample_weight)

    def _note(self, X, y, weight):
        if not hasattr(self, "calls_"):
            self.calls_ = []
            self.labels_ = {}
        numbers = _numbers(X)
        self.calls_ = [*self.calls_, numbers]
        for name, values in (("y", y), ("sample_weight", weight)):
            if values is not None:
                pairs = zip(numbers.tolist(), np.asarray(values).tolist(), strict=True)
                self.labels_ |= {(name, number): value for number, value in pairs}
        if y is not None:
            self.classes_ = np.unique(np.asarray(y))
        return self

    def predict(self, X):
        numbers = _numbers(X)
        _SEEN.append((self, len(self.calls_), numbers))
        return self._answer(len(numbers))


class NotesOfClassifier(ClassifierMixin, _Notes):
    def partial_fit(self, X, y=None, classes=None, sample_weight=None):
        return self._note(X, y, sample_weight)

    def _answer(self, n):
        return np.full(n, self.classes_[0])


class NotesOfRegressor(RegressorMixin, _Notes):
    def partial_fit(self, X, y=None, sample_weight=None):
        return self._note(X, y, sample_weight)

    def _answer(self, n):
        return np.arange(n, dtype=float)


class _NotesOfForest:
    """Notes rows as a forest that goes on."""

    def fit(self, X, y, sample_weight=None):
        self.estimators_ = [None] * self.n_estimators
        return _Notes._note(self, X, y, sample_weight)

    def predict(self, X):
        return _Notes.predict(self, X)


class NotesOfForestClassifier(_NotesOfForest, RandomForestClassifier):
    _answer = NotesOfClassifier._answer


class NotesOfForestRegressor(_NotesOfForest, RandomForestRegressor):
    _answer = NotesOfRegressor._answer


@dataclass
class Rows:
    """Numbers of rows; those from `n` on are the rows that the user validates on.

    Attributes
    ----------
    train : list of list of ndarray
        Per split and call. Where models are refitted a call is all that it is fitted
        to.
    test : list of list of ndarray
        Per split and part.
    again : list of ndarray
        Per call of the model that is trained on all rows in the end.
    """

    train: list[list[np.ndarray]] = field(default_factory=list)
    test: list[list[np.ndarray]] = field(default_factory=list)
    again: list[np.ndarray] = field(default_factory=list)


_TAKEN = ("test_size", "cv", "stratify", "chunk_size", "random_state", "refit")


def record_rows(search: Any, calls: int, data: Any, *, classify: bool) -> Rows:
    """Find out what a search does with rows, up to so many calls.

    Parameters
    ----------
    search : search
        Not fitted.
    calls : int
    data : Data
    classify : bool

    Raises
    ------
    AssertionError
        If labels or weights do not come with their rows.
    """
    boosting = search.resource == "boosting_rounds"
    refits = search.resource not in ("partial_fit", "boosting_rounds")
    kinds = {
        (True, True): NotesOfForestClassifier,
        (True, False): NotesOfForestRegressor,
        (False, True): NotesOfClassifier,
        (False, False): NotesOfRegressor,
    }
    options = {name: copy.deepcopy(getattr(search, name)) for name in _TAKEN}
    if isinstance(options["refit"], str):
        options["refit"] = None
    resource = search.resource.rpartition("__")[2]
    # Refits are made for scores, so every call is scored.
    often = {"fits_per_score": 1, "patience": 2, "tol": None}
    rarely = {"fits_per_score": calls}
    noting = IncrementalSearchCV(
        kinds[boosting, classify](),
        {"max_depth" if boosting else "alpha": [1]},
        n_initial_parameters="grid",
        decay_rate=None,
        max_iter=calls,
        scoring="accuracy" if classify else "neg_mean_absolute_error",
        resource=resource,
        **(often if refits else rarely),
        **options,
    )
    args, params = data.numbered()
    _SEEN.clear()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shared_backends().fit(FIRST, noting, args, params)
    seen, k = list(_SEEN), noting.n_splits_
    _SEEN.clear()
    return _sorted_out(noting, seen, k, refits, calls, data)


def _sorted_out(
    noting: Any, seen: list, k: int, refits: bool, calls: int, data: Any
) -> Rows:
    # Models are asked split by split, at one number of calls after the other.
    order: dict[tuple[int, int], int] = {}
    for model, made, _ in seen:
        order.setdefault((id(model), made), len(order))
    rows = Rows([[] for _ in range(k)], [[] for _ in range(k)])
    last = len(order) - k
    models = {}
    for model, made, numbers in seen:
        place = order[id(model), made]
        models[place] = model
        if place >= last:
            rows.test[place - last].append(numbers)
    for place, model in sorted(models.items()):
        data.check_labels(model.labels_)
        if refits:
            rows.train[place % k].append(model.calls_[-1])
        elif place >= last:
            rows.train[place % k] = model.calls_
    assert all(len(train) == calls for train in rows.train), "calls are missing"
    if hasattr(noting, "refit_time_"):
        rows.again = noting.best_estimator_.calls_
    return rows
