# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""IncrementalSearchCV: dask-ml's interface, and what its models are told to do.

What holds for `InverseDecaySearchCV` as well is tested with both.
"""

import inspect
import pickle
import warnings

import dask.array as da
import numpy as np
import pandas as pd
import pytest
from scipy.stats import loguniform, uniform
from sklearn.base import clone, is_classifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GroupKFold

from gpu_hpo.linear_model import SGDClassifier as Stackable
from gpu_hpo.model_selection import IncrementalSearchCV, InverseDecaySearchCV
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


def decaying(estimator=None, parameters=None, **options):
    options = {"random_state": 0, "chunk_size": 50, "max_iter": 7} | options
    return InverseDecaySearchCV(
        SGDClassifier(random_state=0) if estimator is None else estimator,
        ALPHA if parameters is None else parameters,
        **options,
    )


both = pytest.mark.parametrize("make", [make_search, decaying])


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
        "worker",
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


# ---- as in dask-ml ----

# Calls after which dask-ml 2023.3.24 scores each model, where all of them have the
# score min(calls, 5) and a constant, so that all reach the plateau at once. (Where some
# reach it before others, dask-ml ends the others too, which is not copied here.)
SCORED = [
    ({"max_iter": 7}, [1, 2, 3, 4, 5, 6, 7]),
    ({"max_iter": 7, "fits_per_score": 3}, [1, 4, 7]),
    ({"max_iter": 11, "fits_per_score": 5}, [1, 6, 11]),
    ({"patience": 3}, [1, 2, 3, 4, 5, 6, 7, 8]),
    ({"patience": 3, "tol": 4.5}, [1, 2, 3]),
    ({"patience": 3, "fits_per_score": 2}, [1, 3, 5, 7]),
    ({"patience": 2, "fits_per_score": 5}, [1, 3, 5, 6]),
    ({"patience": 4, "fits_per_score": 3}, [1, 4, 7, 10]),
    ({"patience": 3, "tol": None}, [*range(1, 14)]),
    ({"patience": 6, "fits_per_score": 4, "tol": None}, [1, 5, 9, 13]),
]


class Saturating(Scripted):
    """Rises to 5 and `value`."""

    def score(self, X, y=None):
        return min(self.calls_, 5) + self.value


@pytest.mark.parametrize(("options", "expected"), SCORED, ids=str)
def test_scored_as_in_dask_ml(threads_client, options, expected):
    """Models are scored after as many calls as dask-ml's, and end where they do."""
    search = make_search(
        Saturating(),
        {"value": [0.0, 0.1, 0.2]},
        n_initial_parameters="grid",
        **({"max_iter": 13} | options),
    ).fit(X, y)
    assert scored_at(search) == dict.fromkeys(range(3), expected)
    for model, entries in search.model_history_.items():
        scores = [min(calls, 5) + model / 10 for calls in expected]
        assert [entry["score"] for entry in entries] == scores
    assert search.best_index_ == 2
    assert search.metadata_["partial_fit_calls"] == 3 * expected[-1]


# Points at which dask-ml 2023.3.24 scores the best of n models, calls of each from the
# worst to the best.
DECAY = [
    (10, {}, [1, 2], [1] * 8 + [2] * 2),
    (20, {}, [1, 2, 3, 4, 5], [1] * 15 + [2, 3, 4, 5, 5]),
    (10, {"decay_rate": 0.5}, [1, 3, 5, 10], [1] * 6 + [3, 5, 10, 10]),
    (10, {"decay_rate": 2.0}, [1], [1] * 10),
    (
        30,
        {"decay_rate": 0.7},
        [1, 2, 3, 4, 5, 6, 8, 11, 16, 25],
        [1] * 19 + [2, 2, 3, 4, 5, 6, 8, 11, 16, 25, 25],
    ),
    (20, {"fits_per_score": 3}, [1, 2, 3, 4, 5], [1] * 15 + [2, 3, 4, 5, 5]),
    (20, {"patience": 2, "tol": None}, [*range(1, 9)], [1] * 15 + [2, 3, 4, 8, 8]),
    (
        20,
        {"patience": 3, "tol": None, "fits_per_score": 2},
        [1, 2, 3, 4, 5, 7],
        [1] * 15 + [2, 3, 4, 7, 7],
    ),
]


@pytest.mark.parametrize(("n", "options", "scored", "made"), DECAY, ids=str)
def test_decays_as_in_dask_ml(threads_client, n, options, scored, made):
    """As many models make as many calls as in dask-ml, and the best are kept."""
    search = decaying(
        Scripted(),
        {"value": [i / 100 for i in range(n)]},
        n_initial_parameters="grid",
        **({"max_iter": 100} | options),
    ).fit(X, y)
    assert list(search.cv_results_["partial_fit_calls"]) == made
    assert scored_at(search)[n - 1] == scored
    assert search.best_index_ == n - 1
    assert search.metadata_ == search.metadata


def test_no_model_ends_another(threads_client):
    """A plateau ends one model; dask-ml would end those that improve as well."""
    space = {"value": [flat, rising]}
    search = make_search(
        Scripted(), space, n_initial_parameters="grid", max_iter=12, patience=3
    ).fit(X, y)
    assert list(search.cv_results_["partial_fit_calls"]) == [3, 12]
    assert set(search.cv_results_["status"]) == {"completed"}


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


def failing(calls):
    """NaN from the second call on."""
    return 0.95 if calls < 2 else np.nan


@both
def test_nan_scores(threads_client, make):
    """What is not finite ranks last, and is not the best for what it scored before."""
    space = {"value": [failing, np.nan, np.inf, flat, rising], "part": range(4)}
    search = make(Scripted(), space, n_initial_parameters="grid").fit(X, y)
    results = search.cv_results_
    assert search.best_params_["value"] is flat
    finite = np.isfinite(results["test_score"])
    assert results["rank_test_score"][search.best_index_] == 1
    assert (results["rank_test_score"][~finite] == 1 + finite.sum()).all()
    assert (results["error"] == "").all()
    # It came first when there was one score of each, so that it was trained on.
    first = [p["value"] is failing for p in results["params"]]
    assert (results["partial_fit_calls"][first] > 1).all()


# ---- results and what they are of ----


@both
def test_schema(threads_client, make):
    """cv_results_ and history_ have dask-ml's columns, with their types."""
    search = make(n_initial_parameters=4).fit(X, y)
    results = search.cv_results_
    floats = {
        f"{kind}_{what}_time"
        for kind in ("mean", "std")
        for what in ("partial_fit", "score")
    } | {"test_score"}
    integers = {"rank_test_score", "partial_fit_calls", "model_id"}
    others = {"params", "status", "error"}
    assert set(results) == floats | integers | others | {"param_alpha"}
    assert {results[name].dtype for name in floats} == {np.dtype(float)}
    assert {results[name].dtype for name in integers} == {np.dtype(np.int64)}
    assert {results[name].dtype for name in others} == {np.dtype(object)}
    assert len(pd.DataFrame(results)) == 4
    assert type(search.best_index_) is int
    assert type(search.best_score_) is np.float64
    entries = [e for entries in search.model_history_.values() for e in entries]
    assert {id(entry) for entry in entries} == {id(e) for e in search.history_}
    assert len(pd.DataFrame(search.history_)) == len(entries)


@both
def test_several_metrics(threads_client, make):
    """Each metric has its columns, and `refit` names the one that decides."""
    options = {"n_initial_parameters": 6, "max_iter": 3}
    several = make(scoring=["accuracy", "roc_auc"], refit="roc_auc", **options).fit(
        X, y
    )
    alone = make(scoring="roc_auc", **options).fit(X, y)
    assert several.multimetric_ is True
    assert {"test_accuracy", "test_roc_auc"} <= several.history_[0].keys()
    np.testing.assert_array_equal(
        several.cv_results_["test_roc_auc"], alone.cv_results_["test_score"]
    )
    assert several.best_params_ == alone.best_params_
    assert several.score(X, y) == pytest.approx(alone.score(X, y))


@both
@pytest.mark.parametrize("cv", [3, GroupKFold(4)], ids=["3", "groups"])
def test_cross_validation(threads_client, make, cv):
    """A set's score is the mean over folds; the best is then trained on all rows."""
    groups = np.random.default_rng(0).integers(12, size=200)
    options = {} if cv == 3 else {"groups": groups}
    search = make(Stackable(random_state=0), n_initial_parameters=5, cv=cv)
    search.fit(X, y, **options)
    n = search.n_splits_
    assert n == (3 if cv == 3 else 4)
    results = search.cv_results_
    folds = [results[f"split{i}_test_score"] for i in range(n)]
    np.testing.assert_allclose(np.mean(folds, axis=0), results["test_score"])
    assert search.refit_time_ > 0
    assert search.best_estimator_.score(X, y) > 0.6


@both
def test_groups(calls, make):
    """No group has rows that train and rows that validate."""
    numbered = np.c_[np.arange(200.0), X]
    groups = np.arange(200) % 10
    search = make(Scripted(), {"value": [0.1, 0.2]}, n_initial_parameters="grid")
    search.set_params(test_size=0.2).fit(numbered, y, groups=groups)
    trained = {int(row) for call in calls for row in call.X[:, 0]}
    own = set(groups[sorted(trained)])
    assert trained <= set(np.flatnonzero(np.isin(groups, list(own))))
    assert 0 < len(own) < 10


@both
def test_validation_data(threads_client, make):
    """Scores are those of the rows that are given, and all of X trains."""
    held_X, held_y = make_data(80, seed=1)
    search = make(n_initial_parameters=4).fit(X, y, validation_data=(held_X, held_y))
    predicted = search.best_estimator_.predict(held_X)
    assert search.best_score_ == accuracy_score(held_y, predicted)
    assert (
        search.best_estimator_.t_
        == 1 + search.cv_results_["partial_fit_calls"][search.best_index_] * 50
    )


@both
def test_stack(threads_client, make):
    """Scores and the best model are the same with and without a stack."""
    one, other = (
        make(Stackable(random_state=0), patience=3, stack=stack).fit(X, y)
        for stack in (True, False)
    )
    assert scored_at(one) == scored_at(other)
    np.testing.assert_array_equal(
        one.cv_results_["test_score"], other.cv_results_["test_score"]
    )
    np.testing.assert_array_equal(
        one.best_estimator_.coef_, other.best_estimator_.coef_
    )


@both
def test_processes(threads_client, processes_client, make):
    """Threads and processes give one answer."""
    found = []
    for client in (threads_client, processes_client):
        with client.as_current():
            search = make(patience=3, tol=0.01).fit(X, y)
        found.append(
            (
                search.cv_results_["test_score"].tolist(),
                scored_at(search),
                search.best_estimator_.coef_.tolist(),
            )
        )
    assert found[0] == found[1]


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


@pytest.mark.parametrize("decay_rate", [0, 1.0])
def test_decay_rate_warns(threads_client, fitted, decay_rate):
    """A decay_rate that is passed warns, and changes nothing."""
    search = make_search(fits_per_score=3, decay_rate=decay_rate)
    with pytest.warns(FutureWarning, match=r"decay_rate=.*InverseDecaySearchCV"):
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
    """A decay_rate that was not passed warns neither at first nor in copies."""
    search = IncrementalSearchCV(SGDClassifier(), ALPHA, max_iter=2)
    assert "decay_rate" not in repr(search)
    again = pickle.loads(pickle.dumps(clone(search)))
    again.set_params(**search.get_params(deep=False))
    assert again.decay_rate == "deprecated"
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


@both
def test_trees(threads_client, make):
    """A forest grows a tree by each call, and is fitted where it is scored only."""
    search = make(
        RandomForestClassifier(random_state=0),
        {"max_depth": [1, 2, 3, 4]},
        n_initial_parameters="grid",
        resource="n_estimators",
    ).fit(X, y)
    made = search.cv_results_["partial_fit_calls"]
    assert len(search.best_estimator_.estimators_) == made[search.best_index_]
    assert search.metadata_["n_fits"] == len(search.history_)
    assert search.metadata_["resource"] == "n_estimators"


@both
def test_chunks_for_n_samples(calls, make):
    """A Dask array with fewer chunks than calls is an error that gives both."""
    lazy_X, lazy_y = da.from_array(X, chunks=(40, 4)), da.from_array(y, chunks=40)
    search = make(
        LogisticRegression(),
        {"C": loguniform(1e-4, 1e2)},
        max_iter=9,
        resource="n_samples",
    ).set_params(n_initial_parameters=50)
    with pytest.raises(ValueError, match="up to 9, but X has 5"):
        search.fit(lazy_X, lazy_y)


def test_dask_arrays_and_folds(threads_client):
    """Chunks of a Dask array are calls, and with cv each set has several models."""
    lazy_X, lazy_y = da.from_array(X, chunks=(40, 4)), da.from_array(y, chunks=40)
    search = make_search(max_iter=3, n_initial_parameters=3, cv=2)
    search.set_params(chunk_size=None).fit(lazy_X, lazy_y)
    assert search.n_splits_ == 2
    assert search.metadata_["partial_fit_calls"] == 9
    assert 0.5 < search.score(lazy_X, lazy_y) <= 1
