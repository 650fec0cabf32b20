# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Of Dask's arrays, frames and delayed values a search finds what it finds of rows."""

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import sklearn.model_selection
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV
from tests.exhaustive.cases import DATA, FRAME, GROUPS, STEPS, C
from tests.exhaustive.helpers import (
    assert_same_answers,
    assert_same_choice,
    assert_same_results,
)
from tests.exhaustive.recording_steps import CHUNKS, note_chunk

X, y = DATA["two"]
frame, survived = DATA["frame"]
WEIGHT = np.linspace(0.1, 2, len(X))
numbers = pd.DataFrame(X, columns=list("abcde"))


def delayed(value):
    """The value, to be computed later."""
    return dask.delayed(lambda: value)()


def unknown(array):
    """An array of Dask's that does not know its lengths."""
    rows = da.from_array(array, chunks=30)
    return rows[da.from_array(np.ones(len(array), dtype=bool), chunks=30)]


# Name: what is given, and what scikit-learn is given.
GIVEN = {
    "arrays": (da.from_array(X, chunks=(40, 3)), da.from_array(y, chunks=25), X, y),
    "array, and y here": (da.from_array(X, chunks=(30, 5)), y, X, y),
    "X here": (X, da.from_array(y, chunks=30), X, y),
    "one chunk": (da.from_array(X, chunks=-1), da.from_array(y, chunks=-1), X, y),
    "unknown lengths": (unknown(X), unknown(y), X, y),
    "delayed": (delayed(X), delayed(y), X, y),
    "delayed, and y here": (delayed(X), y, X, y),
    "delayed lists": (delayed(X.tolist()), delayed(y.tolist()), X.tolist(), y.tolist()),
    "frame": (
        dd.from_pandas(numbers, npartitions=3),
        dd.from_pandas(pd.Series(y, name="y"), npartitions=2),
        numbers,
        pd.Series(y, name="y"),
    ),
    "frame, and an array": (
        dd.from_pandas(numbers, npartitions=3),
        da.from_array(y, chunks=30),
        numbers,
        y,
    ),
    "delayed frame": (delayed(numbers), delayed(y), numbers, y),
}


def assert_same(ours, theirs, X, y):
    """Two fitted searches agree."""
    assert_same_results(ours.cv_results_, theirs.cv_results_)
    assert_same_choice(ours, theirs)
    assert_same_answers(ours, theirs, X, y)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads"])
@pytest.mark.parametrize("name", GIVEN)
def test_data(name, scheduler):
    """What is found is what scikit-learn finds of the computed data."""
    lazy_X, lazy_y, here_X, here_y = GIVEN[name]
    options = {"cv": 3, "return_train_score": True}
    ours = GridSearchCV(STEPS, C, scheduler=scheduler, **options).fit(lazy_X, lazy_y)
    theirs = sklearn.model_selection.GridSearchCV(STEPS, C, **options)
    assert_same(ours, theirs.fit(here_X, here_y), here_X, here_y)


@pytest.mark.parametrize("name", ["arrays", "frame", "delayed"])
def test_data_on_workers(processes_client, name):
    """The same holds where the workers are other processes."""
    lazy_X, lazy_y, here_X, here_y = GIVEN[name]
    ours = GridSearchCV(STEPS, C, cv=3).fit(lazy_X, lazy_y)
    theirs = sklearn.model_selection.GridSearchCV(STEPS, C, cv=3)
    assert_same(ours, theirs.fit(here_X, here_y), here_X, here_y)


@pytest.mark.parametrize("name", ["arrays", "delayed"])
def test_data_that_a_client_holds(processes_client, name):
    """Persisted data are found where they are."""
    lazy_X, lazy_y, here_X, here_y = GIVEN[name]
    ours = GridSearchCV(STEPS, C, cv=3)
    ours.fit(processes_client.persist(lazy_X), processes_client.persist(lazy_y))
    theirs = sklearn.model_selection.GridSearchCV(STEPS, C, cv=3)
    assert_same(ours, theirs.fit(here_X, here_y), here_X, here_y)


def test_columns_of_a_frame():
    """Columns are chosen by their names, and partitions need not be equally long."""
    lazy = dd.from_pandas(frame, npartitions=4)
    options = {"cv": 3, "return_train_score": True}
    ours = GridSearchCV(FRAME, C, scheduler="synchronous", **options)
    ours.fit(lazy, dd.from_pandas(survived, npartitions=4))
    theirs = sklearn.model_selection.GridSearchCV(FRAME, C, **options)
    computed = lazy.compute()
    assert_same(ours, theirs.fit(computed, survived), computed, survived)


def test_randomized_search():
    """The randomized search takes them as well."""
    options = {"n_iter": 2, "random_state": 0, "cv": 3}
    ours = RandomizedSearchCV(STEPS, C, scheduler="threads", **options)
    ours.fit(*GIVEN["arrays"][:2])
    theirs = sklearn.model_selection.RandomizedSearchCV(STEPS, C, **options).fit(X, y)
    assert_same(ours, theirs, X, y)


@pytest.mark.parametrize(
    "lazy", [lambda v: da.from_array(v, chunks=30), delayed], ids=["array", "delayed"]
)
def test_fit_parameters(lazy):
    """Weights and groups may be lazy too."""
    options = {"cv": GroupKFold(3), "return_train_score": True}
    ours = GridSearchCV(STEPS, C, scheduler="synchronous", **options)
    ours.fit(
        da.from_array(X, chunks=30),
        da.from_array(y, chunks=30),
        groups=lazy(GROUPS),
        classify__sample_weight=lazy(WEIGHT),
    )
    theirs = sklearn.model_selection.GridSearchCV(STEPS, C, **options)
    theirs.fit(X, y, groups=GROUPS, classify__sample_weight=WEIGHT)
    assert_same(ours, theirs, X, y)


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "threads_client"])
def test_data_are_computed_once(request, scheduler):
    """Each chunk of the data is computed once, refit included."""
    if scheduler.endswith("_client"):
        scheduler = request.getfixturevalue(scheduler)
    CHUNKS.clear()
    lazy = da.from_array(X, chunks=(30, 5)).map_blocks(note_chunk, meta=X[:0])
    steps = make_pipeline(StandardScaler(), LogisticRegression())
    grid = {"logisticregression__C": [0.1, 1.0]}
    GridSearchCV(steps, grid, cv=3, scheduler=scheduler).fit(lazy, y)
    assert sorted(CHUNKS) == [(0, 0), (1, 0), (2, 0)]


def test_lengths_that_differ():
    """Data that differ in length are scikit-learn's error."""
    search = GridSearchCV(STEPS, C, scheduler="synchronous")
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        search.fit(da.from_array(X, chunks=30), da.from_array(y[1:], chunks=30))


def test_error_of_the_data():
    """An error in the graph of the data comes out as it is."""

    def broken(block):
        raise ZeroDivisionError("no such block")

    lazy = da.from_array(X, chunks=(30, 5)).map_blocks(broken, dtype=float, meta=X[:0])
    with pytest.raises(ZeroDivisionError, match="no such block"):
        GridSearchCV(STEPS, C, scheduler="threads").fit(lazy, y)
