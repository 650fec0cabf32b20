# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's own checks of estimators, for all searches."""

import warnings

import pytest
from sklearn.linear_model import LogisticRegression, SGDClassifier, SGDRegressor
from sklearn.utils.estimator_checks import check_estimator

from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
    InverseDecaySearchCV,
    RandomizedSearchCV,
    ScheduledSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.schedules import Rounds

SPACE = {"alpha": [1e-4, 1e-2]}
FEW = {"n_initial_parameters": 2, "random_state": 0}
CLASSIFIER = SGDClassifier(random_state=0)
REGULARIZED = LogisticRegression(), {"C": [0.1, 1.0]}


def two_calls(n_trials):
    """Schedule of two calls for each model."""
    return Rounds(n_trials, lambda records: dict.fromkeys(records, 1), max_calls=2)


SEARCHES = {
    "hyperband": HyperbandSearchCV(CLASSIFIER, SPACE, max_iter=3, random_state=0),
    "incremental": IncrementalSearchCV(CLASSIFIER, SPACE, max_iter=2, **FEW),
    "inverse decay": InverseDecaySearchCV(CLASSIFIER, SPACE, max_iter=2, **FEW),
    "halving": SuccessiveHalvingSearchCV(
        CLASSIFIER, SPACE, n_initial_iter=1, max_iter=2, **FEW
    ),
    "scheduled": ScheduledSearchCV(CLASSIFIER, SPACE, two_calls, **FEW),
    "regressor": IncrementalSearchCV(
        SGDRegressor(random_state=0), SPACE, max_iter=2, **FEW
    ),
    "refits": SuccessiveHalvingSearchCV(
        *REGULARIZED, n_initial_iter=1, max_iter=2, resource="max_iter", **FEW
    ),
    "grid": GridSearchCV(*REGULARIZED, cv=2, scheduler="synchronous"),
    "randomized": RandomizedSearchCV(
        *REGULARIZED, cv=2, n_iter=2, random_state=0, scheduler="synchronous"
    ),
}


def fails(search):
    """Return what fails of scikit-learn's checks, with the reason."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(search, on_fail=None, on_skip=None)
    assert len(found) > 40
    return {
        entry["check_name"]: entry["exception"]
        for entry in found
        if entry["status"] == "failed"
    }


def test_checks(threads_client):
    """A search passes all of scikit-learn's checks of estimators."""
    assert fails(SEARCHES["hyperband"]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in SEARCHES if name != "hyperband"])
def test_checks_of_others(threads_client, name):
    """All other searches pass them too."""
    assert fails(SEARCHES[name]) == {}
