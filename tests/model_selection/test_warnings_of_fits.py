# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Warnings of fits reach the user from everywhere, once, with whose they are."""

import re
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import make_pipeline

from gpu_hpo import linear_model
from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
    RandomizedSearchCV,
)

rng = np.random.RandomState(0)
X = rng.randn(200, 5)
y = (X[:, 0] + rng.randn(200) > 0).astype(int)
PLACES = ["synchronous", "threads", "processes", "threads_client", "processes_client"]


@pytest.fixture(params=PLACES)
def place(request):
    name = request.param
    return request.getfixturevalue(name) if name.endswith("client") else name


class Chatty(TransformerMixin, BaseEstimator):
    """Warns, by the default filter once."""

    def fit(self, X, y=None):
        warnings.warn("the step says so", RuntimeWarning)
        return self

    def transform(self, X):
        return X


def noted(search, *data, action="default", **params):
    """Warnings of a search by category and text."""
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter(action)
        search.fit(*(data or (X, y)), **params)
    kinds = (ConvergenceWarning, RuntimeWarning)
    return sorted(
        (item.category.__name__, re.sub(r"\s+", " ", str(item.message)))
        for item in found
        if issubclass(item.category, kinds)
    )


def numbers(found):
    return [re.search(r"\(([^()]*)\)$", text).group(1) for _, text in found]


@pytest.mark.parametrize("kind", [GridSearchCV, RandomizedSearchCV])
def test_convergence(kind, place):
    """Each candidate that did not converge is named once, however many folds it has."""
    space = {"max_iter": [1, 2, 1000]}
    more = {"n_iter": 3, "random_state": 0} if kind is RandomizedSearchCV else {}
    search = kind(
        LogisticRegression(C=1e3, tol=1e-10),
        space,
        cv=3,
        refit=False,
        scheduler=place,
        **more,
    )
    found = noted(search)
    cut_off = [
        i for i, p in enumerate(search.cv_results_["params"]) if p["max_iter"] < 1000
    ]
    assert sorted(numbers(found)) == [f"candidate {i}" for i in cut_off]
    assert {category for category, _ in found} == {"ConvergenceWarning"}


def test_refits_are_told_apart(place):
    """What the fit to all rows says is said of it."""
    search = GridSearchCV(
        LogisticRegression(C=1e3, tol=1e-10, max_iter=1),
        {"C": [1.0, 1e3]},
        cv=2,
        scheduler=place,
    )
    best = noted(search)
    assert set(numbers(best)) == {
        "candidate 0",
        "candidate 1",
        f"candidate {search.best_index_}, fitted to all rows",
    }
    assert len(best) == 3


def test_steps_in_common(place):
    """What a step says that candidates share is said once, of the first."""
    pipe = make_pipeline(Chatty(), LogisticRegression())
    search = GridSearchCV(
        pipe,
        {"logisticregression__C": [0.1, 1, 10]},
        cv=2,
        refit=False,
        scheduler=place,
    )
    assert noted(search) == [("RuntimeWarning", "the step says so (candidate 0)")]


def test_stacks(place):
    """Of models that are fitted together those are named that did not converge."""
    model = linear_model.SGDClassifier(random_state=0, tol=1e-3, n_iter_no_change=2)
    search = GridSearchCV(
        model, {"eta0": [0.01, 0.1], "alpha": [1e-4, 10.0]}, cv=2, scheduler=place
    )
    search.set_params(estimator__max_iter=1, estimator__learning_rate="constant")
    search.refit = False
    assert sorted(numbers(noted(search))) == [f"candidate {i}" for i in range(4)]


@pytest.mark.parametrize("action", ["ignore", "error"])
def test_filters_of_the_user(place, action):
    """What is to be ignored is not said, and what is an error fails the candidate."""
    search = GridSearchCV(
        LogisticRegression(C=1e3, tol=1e-10),
        {"max_iter": [1, 1000]},
        cv=2,
        scheduler=place,
    )
    with warnings.catch_warnings(record=True):
        warnings.simplefilter("always")
        warnings.simplefilter(action, ConvergenceWarning)
        search.fit(X, y)
    failed = np.isnan(search.cv_results_["mean_test_score"]).tolist()
    assert failed == [action == "error", False]


def test_failing_fits(place):
    """Where a fit fails, what the steps before it have said is said."""
    search = GridSearchCV(
        make_pipeline(Chatty(), LogisticRegression()),
        {"logisticregression__C": [1.0, -1.0]},
        cv=2,
        refit=False,
        scheduler=place,
    )
    found = noted(search)
    assert found[1:] == [("RuntimeWarning", "the step says so (candidate 0)")]
    assert found[0][0] == "FitFailedWarning"


@pytest.mark.parametrize("client", ["threads_client", "processes_client"])
def test_early_stopping(client, request):
    """Trials of searches that stop early are named, once each."""
    request.getfixturevalue(client)
    pipe = make_pipeline(Noting(), SGDClassifier(random_state=0))
    search = IncrementalSearchCV(
        pipe,
        {"sgdclassifier__alpha": [1e-4, 1e-3, 1e-2]},
        n_initial_parameters="grid",
        decay_rate=None,
        max_iter=4,
        random_state=0,
        chunk_size=40,
    )
    assert noted(search) == [
        ("RuntimeWarning", f"a call says so (trial {i})") for i in range(3)
    ]


@pytest.mark.parametrize("client", ["threads_client", "processes_client"])
@pytest.mark.parametrize("action", ["ignore", "error"])
def test_early_stopping_and_filters(client, action, request):
    """The user's filters hold for trials, wherever they train."""
    request.getfixturevalue(client)
    search = HyperbandSearchCV(
        make_pipeline(Noting(first=2), SGDClassifier(random_state=0)),
        {"noting__first": [2, 99]},
        max_iter=4,
        aggressiveness=2,
        random_state=0,
        chunk_size=40,
    )
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "parameters is a space")
        warnings.simplefilter(action, RuntimeWarning)
        search.fit(X, y)
    failed = search.cv_results_["status"] == "failed"
    if action == "ignore":
        assert not failed.any()
    else:
        calls = search.cv_results_["partial_fit_calls"]
        first = search.cv_results_["param_noting__first"]
        assert failed.any()
        assert all(first[failed] == 2)
        assert not any((calls > 1) & (first == 2) & ~failed)


class Noting(TransformerMixin, BaseEstimator):
    """Warns from a call on."""

    def __init__(self, first=1):
        self.first = first

    def partial_fit(self, X, y=None):
        self.calls_ = getattr(self, "calls_", 0) + 1
        if self.calls_ >= self.first:
            warnings.warn("a call says so", RuntimeWarning)
        return self

    def fit(self, X, y=None):
        return self.partial_fit(X)

    def transform(self, X):
        return X


class Counting(TransformerMixin, BaseEstimator):
    """Says how many rows a call has."""

    def partial_fit(self, X, y=None):
        warnings.warn(f"{len(X)} rows", RuntimeWarning)
        return self

    def fit(self, X, y=None):
        return self.partial_fit(X)

    def transform(self, X):
        return X


@pytest.mark.parametrize("client", ["threads_client", "processes_client"])
def test_refits_of_early_stopping(client, request):
    """What the model says that is trained again on all rows is said as well."""
    request.getfixturevalue(client)
    search = IncrementalSearchCV(
        make_pipeline(Counting(), SGDClassifier(random_state=0)),
        {"sgdclassifier__alpha": [1e-4, 1e-3]},
        n_initial_parameters="grid",
        decay_rate=None,
        max_iter=2,
        random_state=0,
        chunk_size=50,
        refit=True,
    )
    found = {text for _, text in noted(search)}
    assert f"50 rows (trial {search.best_index_})" in found
    assert "50 rows (trial 0)" not in found or search.best_index_ == 0
