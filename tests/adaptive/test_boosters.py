# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches whose models get more trees by each call, fitted to one more chunk."""

import functools
import pickle

import dask.array as da
import numpy as np
import pytest
from scipy.stats import loguniform
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.pipeline import make_pipeline

from gpu_hpo.exceptions import NoFiniteScoreError
from gpu_hpo.model_selection import HyperbandSearchCV, SuccessiveHalvingSearchCV

rng = np.random.default_rng(0)
X = rng.standard_normal((900, 4))
RESPONSE = X[:, 0] + X[:, 1] * X[:, 2] + 0.2 * rng.standard_normal(900)
y = np.digitize(RESPONSE, [-0.5, 0.5])


def of_library(library, name, **params):
    module = pytest.importorskip(library)
    return getattr(module, name)(**{"n_estimators": 3, **params})


xgb = functools.partial(of_library, "xgboost", "XGBClassifier")
lgbm = functools.partial(of_library, "lightgbm", "LGBMClassifier", verbose=-1)
DEPTHS = {"max_depth": range(1, 20)}
RATES = {"learning_rate": loguniform(0.02, 1.0), "max_depth": [2, 3, 4]}
CLASSIFIERS = {
    "xgb": (functools.partial(xgb, subsample=0.7, colsample_bynode=0.7), RATES),
    "lgbm": (functools.partial(lgbm, subsample=0.7, subsample_freq=1), RATES),
    "gradient": (functools.partial(GradientBoostingClassifier, n_estimators=2), RATES),
    "forest": (
        functools.partial(RandomForestClassifier, n_estimators=3),
        DEPTHS,
    ),
}
each = pytest.mark.parametrize(
    ("make", "space"), CLASSIFIERS.values(), ids=CLASSIFIERS.keys()
)


def hyperband(estimator, space, **options):
    options = {"max_iter": 9, "random_state": 0, "chunk_size": 100} | options
    return HyperbandSearchCV(estimator, space, resource="boosting_rounds", **options)


def scores_of(search):
    return {
        model: [(entry["partial_fit_calls"], entry["score"]) for entry in entries]
        for model, entries in search.model_history_.items()
    }


def n_trees(model):
    if hasattr(model, "get_booster"):
        return model.get_booster().num_boosted_rounds()
    if hasattr(model, "booster_"):
        return model.booster_.current_iteration()
    return len(model.estimators_)


@each
def test_a_search(threads_client, processes_client, make, space):
    """It finds a model of as many trees as its calls add, the same on any workers."""
    found = []
    for client in (threads_client, processes_client):
        with client.as_current():
            found.append(hyperband(make(), space).fit(X, y))
    search, other = found
    assert set(search.cv_results_["status"]) == {"completed", "stopped"}
    assert search.metadata_["partial_fit_calls"] == 69
    calls = search.cv_results_["partial_fit_calls"][search.best_index_]
    assert n_trees(search.best_estimator_) == calls * make().n_estimators
    assert search.best_score_ > 0.6
    assert search.score(X, y) > 0.6
    best = pickle.loads(pickle.dumps(search.best_estimator_))
    assert (best.predict(X) == search.predict(X)).all()
    assert scores_of(other) == scores_of(search)
    assert (other.predict_proba(X) == search.predict_proba(X)).all()


def test_a_regressor(threads_client):
    """Regressors need no classes."""
    estimator = ExtraTreesRegressor(n_estimators=3)
    search = hyperband(estimator, DEPTHS).fit(X, RESPONSE)
    assert set(search.cv_results_["status"]) == {"completed", "stopped"}
    assert search.best_score_ > 0.3


def test_rounds_per_call_may_be_searched(threads_client):
    """The parameter that says how many trees a call adds is one as any other."""
    space = {"n_estimators": [1, 2, 5], "max_depth": [2, 4]}
    search = SuccessiveHalvingSearchCV(
        RandomForestClassifier(),
        space,
        n_initial_parameters=6,
        n_initial_iter=2,
        random_state=0,
        resource="boosting_rounds",
    ).fit(X, y)
    calls = search.cv_results_["partial_fit_calls"][search.best_index_]
    trees = calls * search.best_params_["n_estimators"]
    assert len(search.best_estimator_.estimators_) == trees


@each
def test_sorted_rows(threads_client, make, space):
    """Chunks have all classes, though rows are sorted."""
    order = np.argsort(y, kind="stable")
    search = hyperband(make(), space, max_iter=3).fit(X[order], y[order])
    assert set(search.cv_results_["status"]) == {"completed", "stopped"}
    assert search.best_score_ > 0.5


def test_chunks_that_lack_a_class(threads_client):
    """Chunks of one's own may lack a class; boosting says so if the first does."""
    order = np.argsort(y == 2, kind="stable")
    chunks = (300, 300, 300)
    rows = da.from_array(X[order], (chunks, 4)), da.from_array(y[order], (chunks,))
    search = hyperband(RandomForestClassifier(n_estimators=3), DEPTHS).fit(*rows)
    assert set(search.cv_results_["status"]) == {"completed", "stopped"}
    assert search.classes_.tolist() == [0, 1, 2]
    # An order of chunks that begins with one that has classes 0 and 1 only.
    boosting = hyperband(GradientBoostingClassifier(n_estimators=1), RATES, max_iter=3)
    with pytest.raises(NoFiniteScoreError, match="cannot begin with a chunk without"):
        boosting.fit(*rows)


def test_weights(threads_client):
    """Weights of rows come to the models and to the scorer."""
    weight = np.where(y == 1, 4.0, 0.5)
    model = RandomForestClassifier(n_estimators=3), DEPTHS
    plain = hyperband(*model).fit(X, y)
    weighted = hyperband(*model).fit(X, y, sample_weight=weight)
    assert scores_of(plain) != scores_of(weighted)


def test_labels_of_xgboost(threads_client):
    """Labels that XGBoost does not take are an error before any work."""
    for labels in (y + 1, np.array(["a", "b", "c"])[y]):
        with pytest.raises(ValueError, match="takes the labels 0 to 2, but y has"):
            hyperband(xgb(), RATES).fit(X, labels)


def test_labels_that_are_strings(threads_client):
    """LightGBM takes labels of any kind."""
    search = hyperband(lgbm(), RATES, max_iter=3).fit(X, np.array(["a", "b", "c"])[y])
    assert search.classes_.tolist() == ["a", "b", "c"]
    assert search.best_score_ > 0.5


# ---- bad input ----


@pytest.mark.parametrize(
    ("make", "space", "message"),
    [
        (BaggingClassifier, {"max_features": [1, 2]}, "goes on with other rows"),
        (
            HistGradientBoostingClassifier,
            RATES,
            "with those that it began with only, as by resource='warm_start'",
        ),
        (
            lambda: make_pipeline(GradientBoostingClassifier()),
            {"gradientboostingclassifier__max_depth": [1, 2]},
            "goes on with other rows",
        ),
        (
            GradientBoostingClassifier,
            {"n_iter_no_change": [None, 5]},
            r"parameters\['n_iter_no_change'\].* resource='boosting_rounds' sets it",
        ),
        (
            RandomForestClassifier,
            {"warm_start": [True, False]},
            r"parameters\['warm_start'\].* resource='boosting_rounds' sets it",
        ),
        (
            lambda: xgb(early_stopping_rounds=3),
            RATES,
            "stops models by itself; XGBClassifier must not have early_stopping_roun",
        ),
    ],
)
def test_what_cannot_go_on(make, space, message):
    """It is refused with the reason, before any work."""
    with pytest.raises(ValueError, match=f"(?s){message}"):
        hyperband(make(), space).fit(X, y)


def test_rows_to_stop_by():
    """Rows of one's own to stop by are refused: the search validates."""
    with pytest.raises(TypeError, match=r"got eval_set=.*with resource='boosting_r"):
        hyperband(xgb(), RATES).fit(X, y, eval_set=[(X, y)])
