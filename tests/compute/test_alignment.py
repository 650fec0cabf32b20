# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""In worker processes models see aligned arrays, and score as in threads."""

import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from functools import partial

import dask.multiprocessing
import numpy as np
import pandas as pd
import pytest
from sklearn.pipeline import make_pipeline

from gpu_hpo.adaptive.training import _members
from gpu_hpo.compute import _transport
from gpu_hpo.linear_model import SGDClassifier, SGDRegressor
from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
)
from tests.compute.strict import (
    DENSE,
    ROWS,
    WEIGHTS,
    Strict,
    StrictStep,
    Y,
    check,
    lazy,
    spread,
)

SHIFTS = {"shift": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]}


def assert_aligned(search):
    """No model of an early-stopping search has failed, here neither."""
    assert set(search.cv_results_["status"]) <= {"completed", "stopped"}
    assert hasattr(search.best_estimator_, "sums_")
    check("here", model=search.best_estimator_)


def search(**options):
    """A search of a few rungs, in which models of either worker go on."""
    defaults = {"max_iter": 4, "random_state": 0, "chunk_size": 60}
    return HyperbandSearchCV(
        **{"estimator": Strict(), "parameters": SHIFTS} | defaults | options
    )


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("options", [{}, {"cv": 2}, {"refit": True}])
def test_early_stopping(processes_client, kind, options):
    """All that models train and score on is aligned, as is the best one."""
    found = search(**options).fit(ROWS[kind], Y, sample_weight=WEIGHTS)
    assert_aligned(found)


@pytest.mark.parametrize("kind", ["C f4", "csr"])
@pytest.mark.parametrize("resource", ["partial_fit", "n_samples"])
def test_validation_data(processes_client, kind, resource):
    """Rows given to validate on are aligned, as are those that train all at once."""
    X = ROWS[kind]
    validation = (X[:70], Y[:70], WEIGHTS[:70])
    found = search(resource=resource)
    found.fit(X, Y, sample_weight=WEIGHTS, validation_data=validation)
    assert_aligned(found)


@pytest.mark.parametrize("kind", ["C f8", "F f4", "csr", "frame"])
@pytest.mark.parametrize(
    ("options", "place"), [({}, lazy), ({}, spread), ({"cv": 2}, spread)]
)
def test_early_stopping_on_collections(processes_client, kind, options, place):
    """Blocks of Dask collections are aligned, on whichever worker they were."""
    X = place(processes_client, ROWS[kind])
    y = place(processes_client, pd.Series(Y) if kind == "frame" else Y)
    found = search(estimator=Strict(where="cut"), **options).fit(X, y)
    assert_aligned(found)


STEPS = make_pipeline(StrictStep(), StrictStep(), Strict(where="cut"))
GRID = {"strictstep-1__factor": [1.0, 2.0], "strict__shift": [0.0, 1.0, 2.0]}


def grid(scheduler=None):
    return GridSearchCV(STEPS, GRID, cv=3, error_score="raise", scheduler=scheduler)


@pytest.mark.parametrize("kind", ROWS)
def test_grid(processes_client, kind):
    """Folds, and what steps make of them, are aligned on either worker."""
    found = grid().fit(ROWS[kind], Y, strict__sample_weight=WEIGHTS)
    check("here", model=found.best_estimator_[-1])


@pytest.mark.parametrize("kind", ["C f8", "F f4", "csr", "frame"])
@pytest.mark.parametrize("place", [lazy, spread])
def test_grid_on_collections(processes_client, kind, place):
    """Collections that are put in one piece are aligned on either worker."""
    X = place(processes_client, ROWS[kind])
    y = place(processes_client, pd.Series(Y) if kind == "frame" else Y)
    found = grid().fit(X, y)
    check("here", model=found.best_estimator_[-1])


@pytest.fixture(scope="module")
def pool():
    """A pool of one process."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        yield pool


@pytest.mark.parametrize("kind", ["C f4", "csr", "frame"])
def test_grid_in_other_processes(pool, kind):
    """So they are where Python's own pickles carry them, by either interface."""
    for scheduler in (pool, partial(dask.multiprocessing.get, pool=pool)):
        found = grid(scheduler).fit(ROWS[kind], Y, strict__sample_weight=WEIGHTS)
        check("here", model=found.best_estimator_[-1])


def scores(model, X, y, stack, scoring):
    """All scores of a small grid, and the weights of its best model."""
    search = IncrementalSearchCV(
        model,
        {"alpha": [1e-4, 1e-3, 1e-2, 1e-1]},
        n_initial_parameters="grid",
        max_iter=5,
        decay_rate=None,
        random_state=0,
        chunk_size=60,
        stack=stack,
        scoring=scoring,
    ).fit(X, y)
    return search.cv_results_["test_score"], search.best_estimator_.coef_


@pytest.mark.parametrize(
    ("kind", "n_features", "dtype"),
    [("classifier", 21, "f4"), ("classifier", 8, "f8"), ("regressor", 21, "f4")],
)
@pytest.mark.timeout(300)  # kernels are compiled
def test_processes_give_the_bits_of_threads(
    kind, n_features, dtype, processes_client, _threads_client
):
    """Scores in processes are those in threads, to the bit, with stacks or without."""
    X = np.random.default_rng(1).standard_normal((400, n_features))
    y = X[:, 0] + np.random.default_rng(2).standard_normal(400)
    model, scoring = SGDRegressor(random_state=0), None
    if kind == "classifier":
        y = (y > 0).astype(int)
        model = SGDClassifier(loss="log_loss", random_state=0)
        scoring = "neg_log_loss"
    found = []
    for order in "CF":
        rows = np.asarray(X, dtype=dtype, order=order)
        for stack in (True, False):
            # First here, so that kernels are not compiled in each process.
            with _threads_client.as_current():
                found.append(scores(model, rows, y, stack, scoring))
            found.append(scores(model, rows, y, stack, scoring))
    for score, weights in found[1:]:
        np.testing.assert_array_equal(score, found[0][0])
        np.testing.assert_array_equal(weights, found[0][1])


def test_nothing_is_pickled_in_threads(threads_client, monkeypatch):
    """In one process rows and models are handed on as they are."""

    def packed_up(make, value, protocol):
        raise AssertionError(f"{make} was pickled")

    monkeypatch.setattr(_transport, "packed_up", packed_up)
    monkeypatch.setattr(_members, "packed_up", packed_up)
    assert_aligned(search().fit(DENSE, Y, sample_weight=WEIGHTS))
    assert_aligned(search().fit(lazy(None, DENSE), lazy(None, Y)))
    grid().fit(DENSE, Y)
    grid().fit(lazy(None, DENSE), lazy(None, Y))
