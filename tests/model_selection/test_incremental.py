# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""IncrementalSearchCV: dask-ml's interface, and what its models are told to do."""

import inspect
import pickle
import warnings

import dask.array as da
import numpy as np
import pytest
from scipy.stats import loguniform, uniform
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression, SGDClassifier

from gpu_hpo.model_selection import IncrementalSearchCV
from tests.model_selection.helpers import Scripted, flat, make_data, rising

ALPHA = {"alpha": loguniform(1e-5, 1e1)}
X, y = make_data()


def make_search(estimator=None, parameters=None, **options):
    options = {
        "decay_rate": None,
        "max_iter": 7,
        "random_state": 0,
        "chunk_size": 50,
    } | options
    return IncrementalSearchCV(
        SGDClassifier(random_state=0) if estimator is None else estimator,
        ALPHA if parameters is None else parameters,
        **options,
    )


@pytest.fixture(scope="module")
def fitted(_threads_client):
    """A search that was fitted; tests must not change it."""
    with _threads_client.as_current():
        return make_search(fits_per_score=3).fit(X, y)


def scored_at(search):
    return {
        model: [entry["partial_fit_calls"] for entry in entries]
        for model, entries in search.model_history_.items()
    }


def test_signature():
    """Arguments have dask-ml's names, order and defaults; ours are keyword-only."""
    parameters = inspect.signature(IncrementalSearchCV).parameters.values()
    positional = {
        p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD
    }
    assert list(positional.items()) == [
        ("estimator", inspect.Parameter.empty),
        ("parameters", inspect.Parameter.empty),
        ("n_initial_parameters", 10),
        ("decay_rate", "deprecated"),
        ("test_size", None),
        ("patience", False),
        ("tol", 1e-3),
        ("fits_per_score", 1),
        ("max_iter", 100),
        ("random_state", None),
        ("scoring", None),
        ("verbose", False),
        ("prefix", ""),
        ("scores_per_fit", None),
        ("predict_meta", None),
        ("predict_proba_meta", None),
        ("transform_meta", None),
    ]
    rest = {p.name: p.kind for p in parameters if p.name not in positional}
    assert {"refit", "cv", "chunk_size", "resource", "device"} <= set(rest)
    assert set(rest.values()) == {inspect.Parameter.KEYWORD_ONLY}


def test_results(fitted):
    """All models train to the end, are scored regularly, and complete."""
    assert scored_at(fitted) == {model: [1, 4, 7] for model in range(10)}
    results = fitted.cv_results_
    assert results["model_id"].dtype == np.int64
    assert list(results["model_id"]) == list(range(10))
    assert list(results["partial_fit_calls"]) == [7] * 10
    assert set(results["status"]) == {"completed"}
    assert set(fitted.history_[0]) == {
        "model_id",
        "params",
        "partial_fit_calls",
        "partial_fit_time",
        "score",
        "score_time",
        "elapsed_wall_time",
    }
    times = [entry["elapsed_wall_time"] for entry in fitted.history_]
    assert times == sorted(times)


def test_best(fitted):
    """The best is the one with the best last score."""
    results = fitted.cv_results_
    assert fitted.best_score_ == results["test_score"].max()
    assert results["rank_test_score"][fitted.best_index_] == 1
    assert fitted.best_params_ == results["params"][fitted.best_index_]
    assert fitted.best_estimator_.alpha == fitted.best_params_["alpha"]
    assert fitted.n_splits_ == 1
    assert fitted.multimetric_ is False
    assert 0.5 < fitted.score(X, y) <= 1
    assert len(fitted.predict(X)) == 200


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, (70, 10, 7)),
        # Unlike in dask-ml, max_iter is never exceeded.
        ({"fits_per_score": 5}, (70, 10, 7)),
        ({"n_initial_parameters": 3, "max_iter": 1}, (3, 3, 1)),
        (
            {"parameters": {"alpha": [1.0, 2.0]}, "n_initial_parameters": "grid"},
            (14, 2, 7),
        ),
    ],
)
def test_metadata(threads_client, options, expected):
    """metadata promises what metadata_ says was done."""
    search = make_search(**options)
    names = ("partial_fit_calls", "n_models", "max_iter")
    assert search.metadata == dict(zip(names, expected, strict=True))
    assert search.fit(X, y).metadata_ == search.metadata


def test_patience(threads_client):
    """Models on a plateau stop and may still be the best, others train on."""
    space = {"value": [rising, flat], "part": list(range(20))}
    search = make_search(
        Scripted(), space, max_iter=30, patience=3, tol=1e-3, fits_per_score=2
    ).fit(X, y)
    for model, calls in scored_at(search).items():
        if search.cv_results_["params"][model]["value"] is rising:
            assert calls == [*range(1, 30, 2), 30]
        else:
            assert calls == [1, 3]
    assert search.best_params_["value"] is flat
    assert search.metadata["partial_fit_calls"] == 300
    assert search.metadata_["partial_fit_calls"] < 300


@pytest.mark.parametrize("tol", [None, np.nan])
def test_patience_without_tol(threads_client, tol):
    """Without tol nothing is a plateau."""
    search = make_search(
        Scripted(), {"value": [flat]}, n_initial_parameters="grid", patience=2, tol=tol
    ).fit(X, y)
    assert search.metadata_["max_iter"] == 7


def test_failures(threads_client):
    """A model that fails is recorded, the others go on."""
    space = {"value": [0.1, 0.2], "fail_at": [0, 3]}
    search = make_search(Scripted(), space, n_initial_parameters="grid").fit(X, y)
    failed = [bool(params["fail_at"]) for params in search.cv_results_["params"]]
    assert [status == "failed" for status in search.cv_results_["status"]] == failed
    assert search.best_params_ == {"value": 0.2, "fail_at": 0}


# ---- "grid" ----


def test_grid(threads_client):
    """ "grid" trains each combination once, of several spaces too."""
    spaces = [{"value": [0.1, 0.2], "part": ["a", "b"]}, {"value": [0.7]}]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        search = make_search(Scripted(), spaces, n_initial_parameters="grid").fit(X, y)
    pairs = [(p["value"], p.get("part")) for p in search.cv_results_["params"]]
    assert sorted(pairs, key=str) == [
        (0.1, "a"),
        (0.1, "b"),
        (0.2, "a"),
        (0.2, "b"),
        (0.7, None),
    ]
    assert search.best_params_ == {"value": 0.7}


@pytest.mark.parametrize("several", [False, True])
def test_grid_of_a_distribution(calls, several):
    """A distribution has no grid, which is said by its name before any work."""
    space = {"part": [1], "value": uniform(0, 1)}
    search = make_search(
        Scripted(), [{"value": [1]}, space] if several else space
    ).set_params(n_initial_parameters="grid")
    with pytest.raises(ValueError, match=r"='grid' .*parameters\['value'\]=.* is a d"):
        search.fit(X, y)
    with pytest.raises(ValueError, match="'grid'"):
        search.metadata  # noqa: B018
    assert calls == []


# ---- what dask-ml has deprecated ----


@pytest.mark.parametrize("options", [{}, {"decay_rate": 0}, {"decay_rate": 1.0}])
def test_decay_rate_warns(threads_client, fitted, options):
    """decay_rate warns unless it is None, and changes nothing."""
    search = make_search(fits_per_score=3)
    search.decay_rate = IncrementalSearchCV(None, None).decay_rate
    search.set_params(**options)
    with pytest.warns(FutureWarning, match=r"decay_rate.*InverseDecaySearchCV"):
        search.fit(X, y)
    assert search.best_params_ == fitted.best_params_
    assert scored_at(search) == scored_at(fitted)


def test_scores_per_fit(threads_client, fitted):
    """scores_per_fit warns and does what fits_per_score does; fit changes neither."""
    search = make_search(scores_per_fit=3)
    before = search.get_params()
    with pytest.warns(UserWarning, match=r"scores_per_fit.*fits_per_score=3"):
        search.fit(X, y)
    assert search.get_params() == before
    assert scored_at(search) == scored_at(fitted)


def test_two_names_for_one_thing(calls):
    """scores_per_fit together with fits_per_score is an error."""
    search = make_search(Scripted(), {"value": [1]}, scores_per_fit=3, fits_per_score=2)
    with pytest.raises(ValueError, match=r"scores_per_fit=3 .*fits_per_score.* 2"):
        search.fit(X, y)
    assert calls == []


def test_the_default_survives(threads_client):
    """That decay_rate was not given is known after clone, set_params and pickling."""
    search = IncrementalSearchCV(SGDClassifier(), ALPHA, max_iter=2)
    assert "decay_rate" not in repr(search)
    again = pickle.loads(pickle.dumps(clone(search)))
    again.set_params(**search.get_params(deep=False))
    assert again.decay_rate == "deprecated"
    with pytest.warns(FutureWarning, match="decay_rate has no effect"):
        again.fit(X, y)
    assert "decay_rate" not in repr(again)


def test_scikit_learn_estimator():
    """Parameters, clone and tags are as in scikit-learn."""
    search = make_search()
    assert set(search.get_params(deep=False)) == set(
        inspect.signature(IncrementalSearchCV).parameters
    )
    assert clone(search).set_params(max_iter=3).max_iter == 3
    assert is_classifier(search)


# ---- other resources ----


@pytest.mark.parametrize("resource", ["n_samples", "max_iter", "warm_start"])
@pytest.mark.parametrize("patience", [False, 3])
def test_resources(threads_client, resource, patience):
    """Refits are scored at the end only, or with patience where they may stop."""
    X, y = make_data(600)
    search = IncrementalSearchCV(
        LogisticRegression(),
        {"C": loguniform(1e-4, 1e2)},
        n_initial_parameters=4,
        decay_rate=None,
        patience=patience,
        tol=-1.0,
        fits_per_score=2,
        max_iter=8,
        random_state=0,
        resource=resource,
    )
    planned = search.metadata
    search.fit(X, y)
    points = [1, 3, 5, 7, 8] if patience else [8]
    assert scored_at(search) == dict.fromkeys(range(4), points)
    done = search.metadata_
    assert done["n_fits"] == planned["n_fits"] == 4 * len(points)
    worth = 8 if resource == "warm_start" else sum(points)
    assert done["calls_fitted"] == planned["calls_fitted"] == 4 * worth
    assert search.best_score_ > 0.6


def test_dask_arrays_and_folds(threads_client):
    """Chunks of a Dask array are calls, and with cv each set has several models."""
    lazy_X, lazy_y = da.from_array(X, chunks=(40, 4)), da.from_array(y, chunks=40)
    search = make_search(max_iter=3, n_initial_parameters=3, cv=2)
    search.set_params(chunk_size=None).fit(lazy_X, lazy_y)
    assert search.n_splits_ == 2
    assert search.metadata_["partial_fit_calls"] == 9
    assert 0.5 < search.score(lazy_X, lazy_y) <= 1
