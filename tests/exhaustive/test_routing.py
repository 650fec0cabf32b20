# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Grid searches where metadata are routed: who asks for weights gets them."""

import numpy as np
import pytest
import sklearn
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, make_scorer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tests.exhaustive.cases import DATA
from tests.exhaustive.helpers import assert_as_theirs

X, y = DATA["two"]
WEIGHT = np.linspace(0.1, 2, len(X))


@pytest.fixture(autouse=True)
def _routing():
    with sklearn.config_context(enable_metadata_routing=True):
        yield


class Weighted(BaseEstimator):
    """Subtracts weighted means of columns, and weighs the rows if it is told how."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y=None, sample_weight=None):
        self.n_features_in_ = X.shape[1]
        self.mean_ = np.average(X, axis=0, weights=sample_weight)
        return self

    def transform(self, X, sample_weight=None):
        if sample_weight is not None:
            X = X * np.reshape(sample_weight, (-1, 1))
        return X - self.mean_ + self.shift


def requests(estimator, fit, score):
    """An estimator that asks for weights, or not, or does not say."""
    for request, value in (("fit", fit), ("score", score)):
        if value is not None:
            getattr(estimator, f"set_{request}_request")(sample_weight=value)
    return estimator


@pytest.mark.parametrize("train", [False, True], ids=["test", "train"])
@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("scoring", ["accuracy", None, "weighted"])
@pytest.mark.parametrize("cv", [2, 3])
def test_transformer_that_is_weighted(cv, scoring, scheduler, train):
    """A transformer has its weights as it is fitted, and none as others are scored."""
    weighted = Weighted().set_fit_request(sample_weight=True)
    weighted.set_transform_request(sample_weight=True)
    last = requests(LogisticRegression(), False, False)
    if scoring is not None:
        scoring = make_scorer(accuracy_score).set_score_request(
            sample_weight=scoring == "weighted"
        )
    ours, _ = assert_as_theirs(
        Pipeline([("weigh", weighted), ("last", last)]),
        {"weigh__shift": [0.0, 0.5], "last__C": [0.01, 1.0]},
        (X, y),
        fit={"sample_weight": WEIGHT},
        cv=cv,
        scoring=scoring,
        scheduler=scheduler,
        return_train_score=train,
    )
    assert ours.error is None


REQUESTS = [False, True, None]


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("cv", [2, 3])
@pytest.mark.parametrize("score", REQUESTS)
@pytest.mark.parametrize("fit", REQUESTS)
def test_own_score_of_the_last_step(fit, score, cv, scheduler):
    """The last step's own score has weights if it asks for them."""
    steps = Pipeline(
        [
            ("scale", StandardScaler().set_fit_request(sample_weight=True)),
            ("last", requests(LogisticRegression(), fit, score)),
        ]
    )
    ours, _ = assert_as_theirs(
        steps,
        {"scale__with_mean": [True, False], "last__C": [0.01, 1.0]},
        (X, y),
        fit={"sample_weight": WEIGHT},
        cv=cv,
        scheduler=scheduler,
    )
    assert (ours.error is None) == (fit is not None)


@pytest.mark.parametrize("score", REQUESTS)
@pytest.mark.parametrize("fit", REQUESTS)
def test_own_score_of_one_estimator(fit, score):
    """So has that of an estimator that is no pipeline."""
    assert_as_theirs(
        requests(LogisticRegression(), fit, score),
        {"C": [0.01, 1.0]},
        (X, y),
        fit={"sample_weight": WEIGHT},
    )


@pytest.mark.parametrize("score", REQUESTS)
def test_scores_without_weights(score):
    """Where there are no weights nobody misses them."""
    steps = Pipeline(
        [
            ("scale", StandardScaler().set_fit_request(sample_weight=True)),
            ("last", requests(LogisticRegression(), True, score)),
        ]
    )
    ours, _ = assert_as_theirs(steps, {"last__C": [0.01, 1.0]}, (X, y))
    assert ours.error is None
