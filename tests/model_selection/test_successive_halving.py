# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""SuccessiveHalvingSearchCV: what is not as in Hyperband."""

import inspect

import numpy as np
import pytest
from scipy.stats import loguniform, uniform
from sklearn.base import clone, is_classifier
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import SuccessiveHalvingSearchCV
from tests.model_selection.helpers import Scripted, flat, make_data, rising

ALPHA = {"alpha": loguniform(1e-5, 1e1)}


def make_search(estimator=None, parameters=None, **options):
    options = {"n_initial_iter": 2, "random_state": 0, "chunk_size": 50} | options
    return SuccessiveHalvingSearchCV(
        SGDClassifier(random_state=0) if estimator is None else estimator,
        ALPHA if parameters is None else parameters,
        **options,
    )


@pytest.fixture(scope="module")
def fitted(_threads_client):
    """A search that was fitted; tests must not change it."""
    with _threads_client.as_current():
        return make_search().fit(*make_data())


def test_signature():
    """Arguments have dask-ml's names, order and defaults; ours are keyword-only."""
    parameters = inspect.signature(SuccessiveHalvingSearchCV).parameters.values()
    positional = {
        p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD
    }
    assert list(positional.items()) == [
        ("estimator", inspect.Parameter.empty),
        ("parameters", inspect.Parameter.empty),
        ("n_initial_parameters", 10),
        ("n_initial_iter", None),
        ("max_iter", None),
        ("aggressiveness", 3),
        ("test_size", None),
        ("patience", False),
        ("tol", 1e-3),
        ("random_state", None),
        ("scoring", None),
        ("verbose", False),
        ("prefix", ""),
    ]
    rest = {p.name: p.kind for p in parameters if p.name not in positional}
    assert {"refit", "chunk_size"} <= set(rest)
    assert set(rest.values()) == {inspect.Parameter.KEYWORD_ONLY}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # 10 models to 2 calls, 3 to 6, 1 to 18.
        ({}, {"partial_fit_calls": 44, "n_models": 10, "max_iter": 18}),
        # Unlike dask-ml, max_iter is never exceeded.
        (
            {"n_initial_iter": 3, "max_iter": 20},
            {"partial_fit_calls": 59, "n_models": 10, "max_iter": 20},
        ),
        (
            {"n_initial_parameters": 4, "aggressiveness": 2, "n_initial_iter": 1},
            {"partial_fit_calls": 8, "n_models": 4, "max_iter": 4},
        ),
        (
            {"n_initial_parameters": 1, "n_initial_iter": 5},
            {"partial_fit_calls": 5, "n_models": 1, "max_iter": 5},
        ),
    ],
)
def test_metadata(threads_client, options, expected):
    """metadata promises what metadata_ says was done, and max_iter is kept."""
    search = make_search(**options)
    assert search.metadata == expected
    search.fit(*make_data())
    assert search.metadata_ == expected
    calls = search.cv_results_["partial_fit_calls"]
    assert calls.sum() == expected["partial_fit_calls"]
    assert calls.max() == expected["max_iter"]


def test_results(fitted):
    """Models are numbered, every one has a row, and history is by time."""
    results = fitted.cv_results_
    assert results["model_id"].dtype == np.int64
    assert list(results["model_id"]) == list(range(10))
    assert "bracket" not in results
    assert sorted(results["partial_fit_calls"]) == [2] * 7 + [6] * 2 + [18]
    assert list(fitted.model_history_) == list(range(10))
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
    assert list(results["status"]).count("completed") == 1


def test_first_call_is_scored(fitted):
    """Every model is scored after its first call and at each decision."""
    for entries in fitted.model_history_.values():
        calls = [entry["partial_fit_calls"] for entry in entries]
        assert calls == [1, 2, 6, 18][: len(calls)]


def test_best(fitted):
    """The best is the one that was trained to the end."""
    results = fitted.cv_results_
    assert results["partial_fit_calls"][fitted.best_index_] == 18
    assert fitted.best_score_ == results["test_score"][fitted.best_index_]
    assert fitted.best_params_ == results["params"][fitted.best_index_]
    assert fitted.best_estimator_.alpha == fitted.best_params_["alpha"]
    assert fitted.n_splits_ == 1
    assert fitted.multimetric_ is False


def test_the_best_survive(threads_client):
    """At each decision the best third goes on."""
    values = [i / 10 for i in range(10)]
    search = make_search(Scripted(), {"value": values}).fit(*make_data())
    made = dict(
        zip(
            search.cv_results_["param_value"],
            search.cv_results_["partial_fit_calls"],
            strict=True,
        )
    )
    assert [made[value] for value in values] == [2] * 7 + [6, 6, 18]
    assert search.best_score_ == 0.9


def test_patience(threads_client):
    """Models on a plateau stop, those that improve are trained on."""
    space = {"value": [rising, flat], "part": list(range(20))}
    search = make_search(
        Scripted(), space, n_initial_iter=9, max_iter=27, patience=3, tol=1e-3
    ).fit(*make_data())
    for param, n in zip(
        search.cv_results_["params"],
        search.cv_results_["partial_fit_calls"],
        strict=True,
    ):
        assert n >= 9 if param["value"] is rising else n < 9
    assert search.best_params_["value"] is flat
    total = search.metadata_["partial_fit_calls"]
    assert total < search.metadata["partial_fit_calls"]


def test_small_grid(threads_client):
    """A grid with too few sets warns, and fewer models are trained."""
    search = make_search(parameters={"alpha": [0.1, 0.2, 0.3]})
    with pytest.warns(UserWarning, match="3 distinct"):
        search.fit(*make_data())
    assert search.metadata_["n_models"] == 3
    assert sorted(search.cv_results_["param_alpha"]) == [0.1, 0.2, 0.3]


def test_a_bracket_alone(threads_client):
    """The parameters that Hyperband's metadata gives make this class."""
    from gpu_hpo.model_selection import HyperbandSearchCV

    bracket = HyperbandSearchCV(SGDClassifier(), ALPHA, max_iter=9).metadata[
        "brackets"
    ][1]
    search = SuccessiveHalvingSearchCV(
        SGDClassifier(), ALPHA, **bracket["SuccessiveHalvingSearchCV params"]
    )
    assert search.metadata["n_models"] == bracket["n_models"]
    assert search.metadata["partial_fit_calls"] == bracket["partial_fit_calls"]
    assert search.fit(*make_data()).metadata_ == search.metadata


def test_same_seed_same_answer(threads_client, fitted):
    """The same integer gives the same scores; a generator or none gives others."""
    again = make_search().fit(*make_data())
    scores = {
        model: [entry["score"] for entry in entries]
        for model, entries in again.model_history_.items()
    }
    assert scores == {
        model: [entry["score"] for entry in entries]
        for model, entries in fitted.model_history_.items()
    }
    rng = np.random.RandomState(0)
    first, second = (
        make_search(random_state=rng).fit(*make_data()).best_params_ for _ in range(2)
    )
    assert first != second


def test_scikit_learn_estimator():
    """Parameters, clone and tags are as in scikit-learn."""
    search = make_search(parameters={"l1_ratio": uniform(0, 1)})
    assert set(search.get_params(deep=False)) == set(
        inspect.signature(SuccessiveHalvingSearchCV).parameters
    )
    assert clone(search).set_params(max_iter=3).max_iter == 3
    assert is_classifier(search)
