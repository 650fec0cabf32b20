# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches whose models get more rows, trees or iterations instead of more chunks."""

import os
import warnings

import dask.array as da
import numpy as np
import pytest
from distributed import Client
from scipy.stats import loguniform
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge, SGDClassifier
from sklearn.metrics import make_scorer, recall_score
from sklearn.model_selection import ParameterGrid
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import HyperbandSearchCV, SuccessiveHalvingSearchCV
from gpu_hpo.testing import NoHostCopyArray
from tests.model_selection.helpers import SIZES, Sized, make_data
from tests.training.helpers import Steps

X, y = make_classification(
    1500, 10, n_informative=6, n_redundant=0, flip_y=0.05, random_state=0
)


def hyperband(estimator, space, resource, **options):
    options = {"max_iter": 9, "random_state": 0} | options
    return HyperbandSearchCV(estimator, space, resource=resource, **options)


def halving(estimator, space, resource, **options):
    options = {
        "n_initial_parameters": 9,
        "n_initial_iter": 1,
        "max_iter": 9,
        "random_state": 0,
    } | options
    return SuccessiveHalvingSearchCV(estimator, space, resource=resource, **options)


both = pytest.mark.parametrize("make", [hyperband, halving])
C = {"C": loguniform(1e-4, 1e2)}
DEPTHS = {"max_depth": range(1, 20)}
BUDGETS = [
    (LogisticRegression(), C, "n_samples"),
    (LogisticRegression(), C, "max_iter"),
    (LogisticRegression(), C, "warm_start"),
    (RandomForestClassifier(), {"max_depth": range(1, 20)}, "n_estimators"),
]
budgets = pytest.mark.parametrize(
    ("estimator", "space", "resource"), BUDGETS, ids=[b[2] for b in BUDGETS]
)


@both
@budgets
def test_one_fit_a_rung(make, threads_client, estimator, space, resource):
    """Every decision takes one fit of each model, and the counts say what they did."""
    search = make(estimator, space, resource)
    planned = search.metadata
    search.fit(X, y)
    done = search.metadata_
    assert done["resource"] == resource
    assert done["n_fits"] == planned["n_fits"] == len(search.history_)
    assert done["calls_fitted"] == planned["calls_fitted"]
    assert done["partial_fit_calls"] == planned["partial_fit_calls"]
    assert done["n_models"] == planned["n_models"]
    stops = {}
    for entry in search.history_:
        stops.setdefault(entry["model_id"], []).append(entry["partial_fit_calls"])
    assert all(calls == sorted(set(calls)) for calls in stops.values())
    in_all = sum(map(sum, stops.values()))
    farthest = sum(calls[-1] for calls in stops.values())
    repeats = resource != "warm_start"
    assert done["calls_fitted"] == (in_all if repeats else farthest)
    if resource != "n_samples":
        n_train = done["rows_fitted"] / done["n_fits"]
        assert n_train == int(n_train) == 1200
    assert search.best_score_ > 0.6
    assert search.score(X, y) > 0.6


def test_rows_of_n_samples(threads_client):
    """rows_fitted counts the rows of each fit, of chunks of different sizes too."""
    X = da.from_array(np.arange(52.0)[:, None], chunks=((10, 20, 10, 12), 1))
    y = da.from_array(np.arange(52.0), chunks=((10, 20, 10, 12),))
    SIZES.clear()
    space = {"alpha": [0.1, 1.0, 10.0, 100.0]}
    search = halving(
        Sized(), space, "n_samples", max_iter=4, n_initial_parameters=4, test_size=0.2
    ).fit(X, y)
    assert search.metadata_["rows_fitted"] == sum(SIZES)
    assert search.metadata_["n_fits"] == len(SIZES) == 5
    assert max(SIZES) < 52 * 0.8 + 1


def test_n_samples_of_sorted_rows(threads_client):
    """Models see all classes from the first rung on, though rows are sorted."""
    order = np.argsort(y, kind="stable")
    search = hyperband(LogisticRegression(), C, "n_samples").fit(X[order], y[order])
    assert set(search.cv_results_["status"]) == {"completed", "stopped"}
    assert search.best_score_ > 0.6
    assert search.metadata_["rows_fitted"] < 1500 * search.metadata_["calls_fitted"] / 9


@budgets
def test_same_answer_in_processes(processes_client, estimator, space, resource):
    """The answer does not depend on how many workers there are, nor of what kind."""
    search = hyperband(estimator, space, resource).fit(X, y)
    with (
        local_cluster(1, processes=False) as cluster,
        Client(cluster, set_as_default=False) as client,
        client.as_current(),
    ):
        alone = hyperband(estimator, space, resource).fit(X, y)
    _check_same(search, alone)


def _check_same(search, other):
    scores, others = (
        {
            model: [(entry["partial_fit_calls"], entry["score"]) for entry in entries]
            for model, entries in one.model_history_.items()
        }
        for one in (search, other)
    )
    assert scores == others
    assert search.best_params_ == other.best_params_
    assert (search.predict(X) == other.predict(X)).all()
    if hasattr(other.best_estimator_, "coef_"):
        # To the last bits of BLAS, which depend on where in memory rows begin.
        np.testing.assert_allclose(
            search.best_estimator_.coef_, other.best_estimator_.coef_, rtol=1e-9
        )


def test_warm_start_after_a_worker_died(tmp_path, threads_client):
    """A model that was lost stops where it did before, so that it comes to the same."""
    space = {"rate": loguniform(1e-4, 1e-1)}
    expected = hyperband(Steps(), space, "warm_start").fit(X, y)
    mark = str(tmp_path / "mark")
    with (
        local_cluster(2) as cluster,
        Client(cluster, set_as_default=False) as client,
        client.as_current(),
    ):
        search = hyperband(Steps(mark=mark), space, "warm_start").fit(X, y)
        client.wait_for_workers(2, timeout=60)
    assert os.path.exists(mark)
    _check_same(search, expected)


@both
@budgets
def test_patience_costs_no_fits(make, threads_client, estimator, space, resource):
    """Plateaus are looked for where models are scored anyway."""
    search = make(estimator, space, resource, patience=3, tol=-1.0)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "patience=3 may stop models")
        search.fit(X, y)
    assert search.metadata_["n_fits"] <= search.metadata["n_fits"]
    assert search.metadata_["calls_fitted"] <= search.metadata["calls_fitted"]


@pytest.mark.parametrize("resource", ["clf__n_estimators", "n_samples"])
def test_steps_that_change_their_rows(threads_client, resource):
    """A step that transforms in place harms neither other models nor the scores."""
    responses = []
    for copy in (True, False):
        steps = [
            ("scale", StandardScaler(copy=copy)),
            ("clf", RandomForestClassifier(n_estimators=5, random_state=0)),
        ]
        space = {"clf__max_depth": [1, 2, 4, 6, 8, 10]}
        search = halving(Pipeline(steps), space, resource, n_initial_parameters=6)
        search.fit(X * 5 + 100, y)
        responses.append(search.cv_results_["test_score"].tolist())
    assert responses[0] == responses[1]


def test_a_fifth_of_the_rows_validates(threads_client):
    """However many chunks there are, as many rows validate."""
    search = hyperband(LogisticRegression(), C, "n_samples", max_iter=27).fit(X, y)
    full = max(search.history_, key=lambda entry: entry["partial_fit_calls"])
    assert full["partial_fit_calls"] == 27
    n_validation = 27 * 11  # of chunks of 55 or 56 rows
    assert full["score"] * n_validation == pytest.approx(
        round(full["score"] * n_validation), abs=1e-6
    )


# ---- as an exhaustive search ----


@pytest.mark.parametrize(
    ("estimator", "grid", "resource", "scoring"),
    [
        (
            RandomForestClassifier(random_state=0),
            {"max_depth": [1, 2, 3, 12], "min_samples_leaf": [1, 100, 300]},
            "n_estimators",
            "accuracy",
        ),
        (
            LogisticRegression(),
            {"C": [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1.0], "fit_intercept": [True, False]},
            "n_samples",
            "neg_log_loss",
        ),
    ],
    ids=["n_estimators", "n_samples"],
)
def test_agrees_with_an_exhaustive_search(
    threads_client, estimator, grid, resource, scoring
):
    """The winner of all candidates trained in full is found, by a third of the work."""
    candidates = list(ParameterGrid(grid))
    options = {"scoring": scoring, "test_size": 0.3}
    most = 27
    data = X + 1, y
    search = halving(
        estimator,
        grid,
        resource,
        n_initial_parameters=len(candidates),
        n_initial_iter=3,
        max_iter=most,
        **options,
    ).fit(*data)
    scores = []
    for params in candidates:
        alone = halving(
            estimator,
            {name: [value] for name, value in params.items()},
            resource,
            n_initial_parameters=1,
            n_initial_iter=most,
            max_iter=most,
            **options,
        ).fit(*data)
        assert alone.metadata_["calls_fitted"] == most
        scores.append(alone.best_score_)
    work = search.metadata_["calls_fitted"]
    exhaustive = len(candidates) * most
    print(f"{resource}: {work} calls, exhaustively {exhaustive}")
    winners = [p for p, s in zip(candidates, scores, strict=True) if s == max(scores)]
    assert search.best_params_ in winners
    assert work <= exhaustive / 3


# ---- on a device ----


@both
@pytest.mark.parametrize("resource", ["n_samples", "max_iter", "warm_start"])
@pytest.mark.parametrize(
    "scoring", [None, "accuracy", "balanced_accuracy", make_scorer(recall_score)]
)
def test_rows_stay_on_the_device(make, threads_client, copied, resource, scoring):
    """No search copies X to the host, whatever the budget and the scorer."""
    X, y = make_data(400)
    space = {"rate": loguniform(1e-4, 1e-1)}
    search = make(Steps(), space, resource, scoring=scoring)
    search.fit(NoHostCopyArray(X), NoHostCopyArray(y))
    # Labels tell classes apart on the host, and so may what is predicted; scores come
    # as a table of one metric.
    assert all(len(shape) < 2 or shape[0] == 1 for shape in copied)
    assert isinstance(search.best_estimator_.coef_, NoHostCopyArray)
    on_host = make(Steps(), space, resource, scoring=scoring).fit(X, y)
    assert search.best_score_ == pytest.approx(on_host.best_score_)
    assert search.best_params_ == on_host.best_params_


# ---- bad input ----


@both
@pytest.mark.parametrize(
    ("estimator", "options", "message"),
    [
        (LogisticRegression(), {"resource": 3}, "resource.* 3 instead"),
        (LogisticRegression(), {"resource": "C"}, "'C' is a parameter.*1.0, not an"),
        (LogisticRegression(), {"resource": "trees"}, "'trees' is none of.*'max_iter'"),
        (LogisticRegression(), {}, "no method partial_fit.*resource may also be"),
        (Ridge(), {"resource": "warm_start"}, "warm_start; Ridge has none"),
        (
            LogisticRegression(),
            {"resource": "max_iter", "parameters": {"max_iter": [1, 2]}},
            r"parameters\['max_iter'\]=\[1, 2\] cannot be searched: resource='max_i",
        ),
        (
            LogisticRegression(),
            {"resource": "warm_start", "parameters": [C, {"max_iter": [1, 2]}]},
            r"parameters\['max_iter'\]=\[1, 2\] cannot be searched: resource='warm_s",
        ),
        (
            LogisticRegression(),
            {"resource": "n_samples", "chunk_size": 500},
            "up to 9, but X has 3: let chunks be smaller, or max_iter",
        ),
        (SGDClassifier(), {"device": "gpu"}, "device.*'gpu' instead"),
        (
            RandomForestClassifier(),
            {"resource": "random_state", "parameters": DEPTHS},
            "'random_state' is none of.*to grow by.*'n_estimators'",
        ),
        (
            RandomForestClassifier(),
            {"resource": "max_leaf_nodes", "parameters": DEPTHS},
            "resource='max_leaf_nodes' begins with max_leaf_nodes=1.*Got 1 instead",
        ),
        (
            LogisticRegression(solver="liblinear"),
            {"resource": "warm_start"},
            "solver that goes on; .*'liblinear'",
        ),
        (
            RandomForestClassifier(),
            {"resource": "warm_start", "parameters": {"warm_start": [True, False]}},
            r"parameters\['warm_start'\]=.* cannot be searched",
        ),
    ],
)
def test_bad_arguments(make, estimator, options, message):
    """The message names the argument and the value, before any work."""
    options = {"resource": "partial_fit", "parameters": C} | options
    space, resource = options.pop("parameters"), options.pop("resource")
    if isinstance(estimator, SGDClassifier):
        space = {"alpha": [1e-3, 1e-2]}
    elif isinstance(estimator, Ridge):
        space = {"alpha": [1.0, 2.0]}
    with pytest.raises(ValueError, match=f"(?s){message}"):
        make(estimator, space, resource, **options).fit(X, y)


def test_more_rows_than_a_worker_holds(configure, threads_client):
    """A budget that fits to all rows says so where a worker cannot hold them twice."""
    memory = next(iter(threads_client.scheduler_info()["workers"].values()))
    share = 2.5 * X.nbytes / memory["memory_limit"]
    configure({"memory.resident-share": share})
    hyperband(LogisticRegression(), C, "max_iter").fit(X, y)
    with pytest.raises(ValueError, match=r"5 times that is more than.*resource="):
        hyperband(LogisticRegression(), C, "n_samples").fit(X, y)
    configure({"memory.resident-share": share / 4})
    with pytest.raises(ValueError, match=r"1 times that is more than.*resource="):
        hyperband(LogisticRegression(), C, "max_iter").fit(X, y)


@pytest.mark.filterwarnings("error")
def test_few_iterations_are_no_surprise(threads_client):
    """Models that are granted few iterations do not warn that these are few."""
    with pytest.warns(ConvergenceWarning):
        LogisticRegression(max_iter=1).fit(X, y)
    hyperband(LogisticRegression(), C, "max_iter").fit(X, y)
