# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches that end by time or by a score: in time, and with all that they promise."""

import asyncio
import math
import time

import dask.array as da
import numpy as np
import pytest
from distributed import Client
from scipy.stats import loguniform
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.model_selection import cross_val_score
from sklearn.svm import SVC
from sklearn.tree import DecisionTreeClassifier

from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import GridSearchCV, HyperbandSearchCV
from gpu_hpo.neural_network import MLPClassifier
from tests.compute.every_search import ADAPTIVE, EVERY, answer, make_search

X, y = make_classification(3000, 10, n_informative=5, flip_y=0.1, random_state=0)
X, y, X_VAL, Y_VAL = X[:2000], y[:2000], X[2000:], y[2000:]
LIMIT = 1.0
# For what is no call of a model: tasks, the fetch of the best one; a busy machine.
SLACK = 1.5
SPENT = []  # seconds of each call of a model, in threads


class Timed:
    """Notes how long each call takes, and makes each take a while."""

    seconds = 0.03

    def _timed(self, method, *args, **options):
        began = time.monotonic()
        time.sleep(self.seconds)
        try:
            return getattr(super(), method)(*args, **options)
        finally:
            SPENT.append(time.monotonic() - began)

    def fit(self, X, y, **options):
        return self._timed("fit", X, y, **options)

    def predict(self, X):
        began = time.monotonic()
        try:
            return super().predict(X)
        finally:
            SPENT.append(time.monotonic() - began)


class Linear(Timed, SGDClassifier):
    """Trains by chunks."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        return self._timed("partial_fit", X, y, classes, sample_weight)


class Forest(Timed, RandomForestClassifier):
    """Trains by trees."""

    seconds = 0.1


class Tree(Timed, DecisionTreeClassifier):
    """Trains on more and more rows."""

    seconds = 0.1


class Vectors(Timed, SVC):
    """Is fitted for a grid."""


def boosted():
    """A Hyperband search of XGBoost's trees, where it is installed."""
    xgboost = pytest.importorskip("xgboost")

    class Boosted(Timed, xgboost.XGBClassifier):
        pass

    return hyperband(
        Boosted(n_estimators=2, n_jobs=1, max_depth=2),
        {"learning_rate": loguniform(1e-3, 1)},
        resource="boosting_rounds",
    )


def hyperband(model, space, **options):
    options = {"max_iter": 81, "random_state": 0, **options}
    return HyperbandSearchCV(model, space, **options)


DEPTHS = {"max_depth": range(2, 100)}
KINDS = {
    "linear, by chunks": lambda: hyperband(Linear(), {"alpha": loguniform(1e-6, 1)}),
    "ours, by chunks": lambda: hyperband(
        # A call of all models is one of a stack, which cannot be asked for its time.
        MLPClassifier((64,), batch_size=16),
        {"learning_rate_init": loguniform(1e-4, 1e-1)},
    ),
    "forest, by trees": lambda: hyperband(Forest(), DEPTHS, resource="n_estimators"),
    "tree, by rows": lambda: hyperband(Tree(), DEPTHS, resource="n_samples"),
    "boosted, by rounds": boosted,
    "grid": lambda: GridSearchCV(
        Vectors(), {"C": np.logspace(-3, 3, 40), "gamma": [0.01, 0.1, 1]}, cv=3
    ),
}


def longest_call(search):
    """The seconds of the longest call of a model, and of the longest score."""
    if SPENT:
        return max(SPENT)
    before, longest = {}, 0.0
    for entry in search.history_:
        made = entry["partial_fit_calls"] - before.get(entry["model_id"], 0)
        before[entry["model_id"]] = entry["partial_fit_calls"]
        longest = max(longest, entry["partial_fit_time"] / max(made, 1))
    n_models = len(search.cv_results_["params"])
    return n_models * (longest + max(e["score_time"] for e in search.history_))


def fit_in_time(search, *rows, **options):
    """Fit a search that has no time to be done; return the seconds it has taken."""
    SPENT.clear()
    search.set_params(max_seconds=LIMIT)
    began = time.monotonic()
    search.fit(*(rows or (X, y)), **options)
    seconds = time.monotonic() - began
    assert search.stopped_ == "max_seconds"
    assert seconds <= LIMIT + longest_call(search) + SLACK
    return seconds


def check_attributes(search):
    """All fitted attributes are there, and agree with each other."""
    best, table = search.best_index_, search.cv_results_
    ours = hasattr(search, "history_")
    score = "test_score" if ours else "mean_test_score"
    assert table["rank_test_score"][best] == 1
    assert table[score][best] == search.best_score_
    assert table["params"][best] == search.best_params_
    for name, value in search.best_params_.items():
        assert search.best_estimator_.get_params()[name] == value
    assert search.predict(X_VAL).shape == Y_VAL.shape
    assert search.n_splits_ >= 1 and search.scorer_ is not None
    assert search.device_.name == "cpu" and not search.multimetric_
    if ours:
        assert len(table["params"]) == search.metadata_["n_models"]
        n_calls = sum(
            entries[-1]["partial_fit_calls"]
            for entries in search.model_history_.values()
            if entries
        )
        assert n_calls == search.metadata_["partial_fit_calls"]
        assert search.history_


@pytest.mark.parametrize("kind", KINDS)
def test_five_kinds_of_models_in_time(kind, threads_client):
    """A search ends within its time and one call, with a model that has its score."""
    search = KINDS[kind]()
    if kind == "grid":
        fit_in_time(search)
        known = np.isfinite(search.cv_results_["mean_test_score"])
        assert 1 <= known.sum() < 120
    else:
        fit_in_time(search, validation_data=(X_VAL, Y_VAL))
        # What the search returns is the model that has the best score.
        score = search.best_estimator_.score(X_VAL, Y_VAL)
        assert score == pytest.approx(search.best_score_, abs=1e-12)
    check_attributes(search)


@pytest.mark.parametrize("cv", [None, 3])
def test_time_for_the_best_on_all_rows(cv, threads_client):
    """With `refit=True` the training on all rows is within the time, too."""
    search = hyperband(Linear(), {"alpha": loguniform(1e-6, 1)}, cv=cv, refit=True)
    fit_in_time(search)
    check_attributes(search)
    assert search.n_splits_ == (cv or 1)
    assert search.best_estimator_.t_ > 1 and search.refit_time_ > 0


def test_rows_to_validate_on_in_several_parts(threads_client):
    """Where a score is made of parts, the best model has its score, too."""
    rows = da.from_array(X, (200, -1)), da.from_array(y, 200)
    parts = da.from_array(X_VAL, (250, -1)), da.from_array(Y_VAL, 250)
    search = hyperband(Linear(), {"alpha": loguniform(1e-6, 1)})
    fit_in_time(search, *rows, validation_data=parts)
    check_attributes(search)
    score = search.best_estimator_.score(X_VAL, Y_VAL)
    assert score == pytest.approx(search.best_score_, abs=1e-12)


def test_one_score_is_waited_for(threads_client):
    """However little time there is, one model is trained and scored."""
    for kind in ("linear, by chunks", "grid"):
        search = KINDS[kind]().set_params(max_seconds=1e-6)
        search.fit(X, y)
        assert search.stopped_ == "max_seconds"
        check_attributes(search)


def test_searches_in_a_search(threads_client):
    """A search with a limit is an estimator: each of its fits ends in time."""
    inner = hyperband(Linear(), {"alpha": loguniform(1e-6, 1)}, max_seconds=0.3)
    SPENT.clear()
    began = time.monotonic()
    scores = cross_val_score(inner, X, y, cv=2)
    assert time.monotonic() - began < 2 * (0.3 + max(SPENT) + SLACK)
    assert np.isfinite(scores).all()
    outer = GridSearchCV(
        inner.set_params(max_iter=27),
        {"aggressiveness": [3, 4]},
        cv=2,
        scheduler="threads",
    )
    outer.fit(X, y)
    assert outer.stopped_ == "" and outer.best_estimator_.stopped_ == "max_seconds"


async def _fit_with_await():
    async with (
        local_cluster(
            1, device="cpu", processes=False, threads_per_worker=4, asynchronous=True
        ) as cluster,
        Client(cluster, asynchronous=True),
    ):
        adaptive, grid = KINDS["linear, by chunks"](), KINDS["grid"]()
        found = []
        for search in (adaptive, grid):
            SPENT.clear()
            began = time.monotonic()
            await search.set_params(max_seconds=LIMIT).fit(X, y)
            seconds = time.monotonic() - began
            found.append((search, seconds, longest_call(search)))
        return found


def test_await():
    """With an asynchronous client the limits hold as well."""
    for search, seconds, longest in asyncio.run(_fit_with_await()):
        assert search.stopped_ == "max_seconds"
        assert seconds <= LIMIT + longest + SLACK
        check_attributes(search)


# So that there is something left to stop.
LONGER = {
    "HyperbandSearchCV": {"max_iter": 27},
    "SuccessiveHalvingSearchCV": {"n_initial_parameters": 60},
    "IncrementalSearchCV": {"n_initial_parameters": 60},
    "InverseDecaySearchCV": {"n_initial_parameters": 60},
    "ScheduledSearchCV": {"n_initial_parameters": 60},
    "GridSearchCV": {"space": {"alpha": np.logspace(-5, 1, 40).tolist()}},
    "RandomizedSearchCV": {"n_iter": 40},
}


@pytest.mark.parametrize("name", EVERY)
def test_a_score_that_is_enough(name, threads_client):
    """A search ends soon after the first such score, and its best model has it."""
    rows = (X, y)
    options = {"validation_data": (X_VAL, Y_VAL)} if name in ADAPTIVE else {}
    whole = make_search(name, **LONGER[name]).fit(*rows, **options)
    enough = whole.best_score_ - 0.05
    search = make_search(name, stop_score=enough, **LONGER[name])
    search.fit(*rows, **options)
    assert search.stopped_ == "stop_score" and whole.stopped_ == ""
    assert search.best_score_ >= enough
    check_attributes(search)
    if name in ADAPTIVE:
        assert len(search.history_) < len(whole.history_)
        assert search.best_estimator_.score(X_VAL, Y_VAL) == search.best_score_
    else:
        n_known = np.isfinite(search.cv_results_["mean_test_score"]).sum()
        assert n_known < len(whole.cv_results_["params"])


@pytest.mark.parametrize("name", EVERY)
def test_limits_that_are_not_reached(name, threads_client):
    """With more time than it takes a search finds what it does without limits."""
    plain = make_search(name).fit(X, y)
    limited = make_search(name, max_seconds=300, stop_score=1.5).fit(X, y)
    assert limited.stopped_ == plain.stopped_ == ""
    assert answer(limited) == answer(plain)


NO_TIMES = (0, -1, math.nan, math.inf, "5", True, [1])
NO_SCORES = (math.nan, math.inf, -math.inf, "x", True, [0.5])
BAD = [
    *(("max_seconds", value) for value in NO_TIMES),
    *(("stop_score", value) for value in NO_SCORES),
    *(("progress", value) for value in ("yes", 1.5, [])),
]


@pytest.mark.parametrize(("argument", "value"), BAD)
@pytest.mark.parametrize("name", EVERY)
def test_limits_that_make_no_sense(name, argument, value):
    """They are refused, with their name and value, before any work."""

    class Untouched(SGDClassifier):
        def fit(self, *args, **options):
            raise AssertionError("it trains")

        partial_fit = fit

    search = make_search(name, Untouched(), **{argument: value})
    with pytest.raises(ValueError, match=f"The '{argument}' parameter") as caught:
        search.fit(X, y)
    assert repr(value) in str(caught.value)
