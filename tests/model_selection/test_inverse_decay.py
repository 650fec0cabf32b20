# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""InverseDecaySearchCV: what is not as in IncrementalSearchCV."""

import inspect

import pytest
from scipy.stats import loguniform
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression, SGDClassifier

from gpu_hpo.model_selection import IncrementalSearchCV, InverseDecaySearchCV
from tests.model_selection.helpers import Scripted, flat, make_data, rising

X, y = make_data()


def make_search(estimator=None, parameters=None, **options):
    options = {"random_state": 0, "chunk_size": 50} | options
    return InverseDecaySearchCV(
        Scripted() if estimator is None else estimator,
        {"value": [i / 100 for i in range(100)]} if parameters is None else parameters,
        **options,
    )


def test_signature():
    """Arguments have dask-ml's names, order and defaults; ours are keyword-only."""
    parameters = inspect.signature(InverseDecaySearchCV).parameters.values()
    positional = {
        p.name: p.default for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD
    }
    assert list(positional.items()) == [
        ("estimator", inspect.Parameter.empty),
        ("parameters", inspect.Parameter.empty),
        ("n_initial_parameters", 10),
        ("test_size", None),
        ("patience", False),
        ("tol", 1e-3),
        ("fits_per_score", 1),
        ("max_iter", 100),
        ("random_state", None),
        ("scoring", None),
        ("verbose", False),
        ("prefix", ""),
        ("decay_rate", 1.0),
    ]
    rest = {p.name: p.kind for p in parameters if p.name not in positional}
    assert {"refit", "cv", "chunk_size", "resource", "device"} <= set(rest)
    assert set(rest.values()) == {inspect.Parameter.KEYWORD_ONLY}


def test_is_an_incremental_search():
    """It is one of IncrementalSearchCV, as in dask-ml, with parameters of its own."""
    search = make_search()
    assert isinstance(search, IncrementalSearchCV)
    assert set(search.get_params(deep=False)) == set(
        inspect.signature(InverseDecaySearchCV).parameters
    )
    assert clone(search).set_params(decay_rate=0.5).decay_rate == 0.5


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # The numbers are dask-ml's.
        ({}, (12, 10, 2)),
        ({"n_initial_parameters": 50}, (120, 50, 15)),
        ({"decay_rate": 0.5}, (34, 10, 10)),
        ({"n_initial_parameters": 50, "max_iter": 7}, (98, 50, 7)),
        ({"decay_rate": 0, "max_iter": 5}, (50, 10, 5)),
        ({"n_initial_parameters": 4}, (4, 4, 1)),
        (
            {"parameters": {"value": [0.1] * 20}, "n_initial_parameters": "grid"},
            (34, 20, 5),
        ),
        # There it would be 9 calls.
        ({"n_initial_parameters": 50, "max_iter": 8}, (102, 50, 8)),
    ],
)
def test_metadata(threads_client, options, expected):
    """metadata promises what metadata_ says was done, and max_iter is kept."""
    search = make_search(**options)
    names = ("partial_fit_calls", "n_models", "max_iter")
    assert search.metadata == dict(zip(names, expected, strict=True))
    assert search.fit(X, y).metadata_ == search.metadata


def test_the_best_survive(threads_client):
    """At each decision the best go on, and the best of all is found."""
    search = make_search(n_initial_parameters=20)
    search.fit(X, y)
    ranked = sorted(
        zip(
            search.cv_results_["param_value"],
            search.cv_results_["partial_fit_calls"],
            strict=True,
        )
    )
    assert [calls for _, calls in ranked] == [1] * 15 + [2, 3, 4, 5, 5]
    assert search.best_score_ == ranked[-1][0]
    assert list(search.cv_results_["status"]).count("completed") == 2


def test_patience(threads_client):
    """A plateau stops a model that keeps its rank; scores come more often."""
    space = {"value": [rising, flat], "part": list(range(10))}
    search = make_search(
        parameters=space, n_initial_parameters="grid", patience=2, fits_per_score=1
    ).fit(X, y)
    assert search.metadata["partial_fit_calls"] == 40
    made = {}
    for params, calls in zip(
        search.cv_results_["params"],
        search.cv_results_["partial_fit_calls"],
        strict=True,
    ):
        made.setdefault(params["value"] is flat, []).append(calls)
    assert max(made[True]) == 2
    assert search.best_params_["value"] is flat


@pytest.mark.filterwarnings("error")
def test_nothing_is_deprecated(threads_client):
    """decay_rate is what this search is for."""
    make_search(decay_rate=0.7).fit(X, y)


@pytest.mark.parametrize("decay_rate", [None, "x", -1.0, "deprecated"])
def test_bad_decay_rate(calls, decay_rate):
    """A rate that is no number from 0 is an error that shows it."""
    with pytest.raises(ValueError, match=f"decay_rate.* {decay_rate!r} instead"):
        make_search(decay_rate=decay_rate).fit(X, y)
    assert calls == []


@pytest.mark.parametrize("resource", ["n_samples", "max_iter", "warm_start"])
@pytest.mark.parametrize("patience", [False, 3])
def test_resources(threads_client, resource, patience):
    """Refits are made at decisions only, of as many chunks as the last one is at."""
    X, y = make_data(600)
    search = make_search(
        LogisticRegression(),
        {"C": loguniform(1e-4, 1e2)},
        n_initial_parameters=20,
        patience=patience,
        tol=-1.0,
        resource=resource,
        chunk_size=None,
    )
    planned = search.metadata
    assert planned["n_fits"] == planned["partial_fit_calls"] == 34
    search.fit(X, y)
    done = search.metadata_
    assert {name: done[name] for name in planned} == planned
    assert done["n_fits"] == len(search.history_)
    assert search.best_score_ > 0.6


def test_same_seed_same_answer(threads_client):
    """An integer decides on everything."""
    space = {"alpha": loguniform(1e-6, 1e0)}
    first, second = (
        make_search(SGDClassifier(), space, n_initial_parameters=20).fit(X, y)
        for _ in range(2)
    )
    scores = [search.cv_results_["test_score"].tolist() for search in (first, second)]
    assert scores[0] == scores[1]
    assert first.best_params_ == second.best_params_
