# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""With a seed of its own an early-stopping search gives one answer."""

import numpy as np
import pytest
from sklearn.ensemble import BaggingClassifier
from sklearn.linear_model import LogisticRegressionCV, SGDClassifier
from sklearn.model_selection import GridSearchCV, ShuffleSplit, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

from gpu_hpo.model_selection import HyperbandSearchCV, IncrementalSearchCV
from tests.model_selection.helpers import make_data

SEEDED = SGDClassifier(random_state=1)
PIPE = Pipeline([("sc", StandardScaler()), ("clf", SEEDED)])
STEPS = [
    [("sc", StandardScaler()), ("clf", SGDClassifier())],
    [("mm", MinMaxScaler()), ("svm", SGDClassifier(penalty="l1"))],
]
SPLITS = StratifiedKFold(3, shuffle=True)
BY_SPLITS = LogisticRegressionCV(
    Cs=4, cv=SPLITS, l1_ratios=(0,), use_legacy_attributes=False, scoring="accuracy"
)
# Name: estimator, space, and options.
SEARCHES = {
    "None among seeds": (SGDClassifier(), {"random_state": [None, 0]}, {}),
    "None over a seed": (SEEDED, {"random_state": [None], "alpha": [1e-4, 0.1]}, {}),
    "steps": (PIPE, {"steps": STEPS}, {}),
    "a splitter in a model": (
        BY_SPLITS,
        {"fit_intercept": [True, False]},
        {"resource": "n_samples"},
    ),
    "a splitter in a search": (
        GridSearchCV(SEEDED, {"alpha": [1e-4, 1e-2, 1.0]}, cv=ShuffleSplit(2)),
        {"estimator": [SGDClassifier(), SEEDED]},
        {"resource": "n_samples"},
    ),
    "models of models": (
        BaggingClassifier(SEEDED, n_estimators=3),
        {"estimator": [SGDClassifier(), SEEDED]},
        {"resource": "n_samples"},
    ),
}
X, y = make_data(400, 8)


def searched(estimator, space, **options):
    """A fitted search over all of a small space."""
    return IncrementalSearchCV(
        estimator,
        space,
        n_initial_parameters="grid",
        decay_rate=None,
        max_iter=3,
        chunk_size=50,
        random_state=0,
        **options,
    ).fit(X, y)


@pytest.mark.parametrize("name", SEARCHES)
@pytest.mark.parametrize("options", [{}, {"cv": 2}], ids=["", "cv"])
def test_one_answer(name, options, threads_client):
    """Scores and the winner's coefficients are the same at each fit."""
    estimator, space, own = SEARCHES[name]
    first, again = (searched(estimator, space, **own, **options) for _ in range(2))
    for column in ("test_score", "status"):
        assert list(first.cv_results_[column]) == list(again.cv_results_[column])
    assert set(first.cv_results_["status"]) == {"completed"}
    responses = [search.decision_function(X) for search in (first, again)]
    np.testing.assert_array_equal(*responses)


def test_seed_of_the_winner(threads_client):
    """A seed that the user wrote in a list of steps is the winner's."""
    steps = [("sc", StandardScaler()), ("clf", SGDClassifier(random_state=7))]
    unseeded = Pipeline([("sc", StandardScaler()), ("clf", SGDClassifier())])
    search = searched(unseeded, {"steps": [steps]})
    assert search.best_estimator_["clf"].random_state == 7


def test_hyperband_with_part_of_the_space(threads_client):
    """So it is where parts are drawn from a space."""
    space = {"clf": [SGDClassifier(), SEEDED], "clf__alpha": np.logspace(-4, 0, 9)}
    found = [
        HyperbandSearchCV(PIPE, space, max_iter=9, random_state=3).fit(X, y)
        for _ in range(2)
    ]
    scores = [search.cv_results_["test_score"].tolist() for search in found]
    assert scores[0] == scores[1]
