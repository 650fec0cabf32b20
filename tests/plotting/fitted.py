# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fitted searches of every kind, made once, for tests of pictures and reports."""

import functools
import warnings

import numpy as np
from distributed import default_client
from scipy.stats import loguniform, uniform
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import SGDClassifier
from sklearn.svm import SVC

from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
    InverseDecaySearchCV,
    RandomizedSearchCV,
    ScheduledSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.schedules import Incremental
from tests.model_selection.helpers import make_data

X, y = make_data(400)
SPACE = {
    "alpha": loguniform(1e-7, 1e-1),
    "penalty": ["l1", "l2", "elasticnet"],
    "eta0": uniform(0.1, 1.0),
}


class Fails(ClassifierMixin, BaseEstimator):
    """Scores `value`, and fails at call `at` if `fails` says how."""

    def __init__(self, value=0.5, fails="", at=2):
        self.value = value
        self.fails = fails
        self.at = at

    def partial_fit(self, X, y, classes=None):
        self.calls_ = getattr(self, "calls_", 0) + 1
        if self.fails and self.calls_ == self.at:
            raise ArithmeticError(self.fails)
        self.classes_ = np.unique(y)
        return self

    def fit(self, X, y):
        if self.fails:
            raise ArithmeticError(self.fails)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def score(self, X, y):
        return self.value


def _incremental(estimator, space, n, **options):
    return IncrementalSearchCV(
        estimator, space, n_initial_parameters=n, random_state=0, **options
    )


MAKERS = {
    "hyperband": lambda: HyperbandSearchCV(
        SGDClassifier(), SPACE, max_iter=9, random_state=0, chunk_size=80
    ),
    "halving": lambda: SuccessiveHalvingSearchCV(
        SGDClassifier(),
        SPACE,
        n_initial_parameters=12,
        n_initial_iter=1,
        max_iter=9,
        random_state=0,
    ),
    "incremental": lambda: _incremental(SGDClassifier(), SPACE, 12, max_iter=4),
    "decay": lambda: InverseDecaySearchCV(
        SGDClassifier(), SPACE, n_initial_parameters=12, max_iter=9, random_state=0
    ),
    "scheduled": lambda: ScheduledSearchCV(
        SGDClassifier(),
        {"alpha": [1e-4, 1e-3, 1e-2], "penalty": ["l1", "l2"]},
        lambda n_trials: Incremental(n_trials, 3),
        n_initial_parameters="grid",
        random_state=0,
    ),
    "grid": lambda: GridSearchCV(
        SVC(), {"C": [0.1, 1, 10], "gamma": [0.01, 0.1, 1.0], "kernel": ["rbf", "poly"]}
    ),
    "randomized": lambda: RandomizedSearchCV(
        SGDClassifier(), SPACE, n_iter=12, cv=3, random_state=0
    ),
    # What is seldom.
    "one trial": lambda: _incremental(
        SGDClassifier(), {"alpha": [1e-4]}, 1, max_iter=2
    ),
    "failed": lambda: _incremental(
        Fails(),
        {"value": uniform(0, 1), "fails": ["", "", "too bad", "bad"], "at": [1, 2]},
        12,
        max_iter=3,
    ),
    "not finite": lambda: _incremental(
        Fails(), {"value": [0.5, 0.7, np.nan, -np.inf, -1e20, 0.6]}, 6, max_iter=2
    ),
    "metrics": lambda: HyperbandSearchCV(
        SGDClassifier(),
        SPACE,
        max_iter=3,
        random_state=0,
        cv=3,
        scoring=["accuracy", "f1"],
        refit="accuracy",
    ),
    "grid that fails": lambda: GridSearchCV(
        Fails(), {"value": [0.1, 0.2, 0.3], "fails": ["", "too bad"]}, cv=2
    ),
    "grid of metrics": lambda: GridSearchCV(
        SVC(),
        {"C": [0.1, 1, 10], "gamma": [0.1, 1.0]},
        cv=2,
        scoring=["accuracy", "f1"],
        refit="f1",
    ),
    "many": lambda: SuccessiveHalvingSearchCV(
        Fails(),
        {"value": uniform(0, 1)},
        n_initial_parameters=250,
        n_initial_iter=1,
        max_iter=3,
        random_state=0,
    ),
}
EVERY_SEARCH = [
    "hyperband",
    "halving",
    "incremental",
    "decay",
    "scheduled",
    "grid",
    "randomized",
]
STOP_EARLY = EVERY_SEARCH[:5]
SELDOM = [name for name in MAKERS if name not in EVERY_SEARCH]


@functools.cache
def fitted(name):
    """The search of this name, fitted once on the client of the first test."""
    default_client()  # or each search would start a cluster
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fits that fail, as some are to do
        return MAKERS[name]().fit(X, y)
