# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Where the fits of a grid or randomized search run, and that it does not matter."""

import multiprocessing
import os
import re
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor

import dask
import dask.threaded
import pytest
from distributed import Client
from sklearn.pipeline import make_pipeline

from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV
from tests.exhaustive.cases import DATA, ESTIMATORS
from tests.exhaustive.helpers import RANDOMIZED, assert_as_theirs
from tests.exhaustive.recording_steps import Classify, Shift, recorded

# What is given: where the fits run.
NAMES = {
    "threads": "thread",
    "threading": "thread",
    "sync": "main",
    "synchronous": "main",
    "single-threaded": "main",
    "processes": "process",
    "multiprocessing": "process",
}


def fit_recording(tmp_path, scheduler, search=GridSearchCV, **options):
    """Run a search; give the places of its fits but the last, which is the refit."""
    path = str(tmp_path / "fits")
    steps = make_pipeline(Shift(path), Classify(path, random_state=0))
    space = {"classify__alpha": [1e-4, 1e-3, 1e-2, 1e-1]}
    options = {"cv": 3, "n_jobs": 2, "scheduler": scheduler} | options
    search(steps, space, **options).fit(*DATA["two"])
    return {place for _, _, place in recorded(path)[:-2]}


def kind_of(place):
    """Where a fit ran: one of the values of `NAMES`, or on a worker in this process."""
    pid, thread = place.split()
    return thread if int(pid) == os.getpid() else "process"


@pytest.mark.parametrize("name", NAMES)
def test_names(tmp_path, name):
    """A name says where the fits run."""
    places = fit_recording(tmp_path, name)
    assert {kind_of(place) for place in places} == {NAMES[name]}


def test_dask_functions(tmp_path):
    """A `get` of Dask's runs the fits as it does."""
    places = fit_recording(tmp_path, dask.get)
    assert {kind_of(place) for place in places} == {"main"}


def test_threaded_get(tmp_path):
    """Dask's threads run the fits where they are given."""
    places = fit_recording(tmp_path, dask.threaded.get)
    assert {kind_of(place) for place in places} == {"thread"}


def test_pool_of_threads(tmp_path):
    """A pool of threads runs the fits, and is there to be used afterwards."""
    with ThreadPoolExecutor(2) as pool:
        places = fit_recording(tmp_path, pool)
        assert pool.submit(sum, [1, 2]).result() == 3
    assert {kind_of(place) for place in places} == {"thread"}


def test_pool_of_processes(tmp_path):
    """A pool of processes runs the fits, and is there to be used afterwards."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=spawn) as pool:
        places = fit_recording(tmp_path, pool)
        assert pool.submit(sum, [1, 2]).result() == 3
    assert {kind_of(place) for place in places} == {"process"}


def test_none_without_a_client(tmp_path):
    """Where there is no client the fits run on threads of this process."""
    places = fit_recording(tmp_path, None)
    assert {kind_of(place) for place in places} == {"thread"}


@pytest.mark.parametrize("scheduler", [None, "distributed"])
@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV])
def test_current_client(tmp_path, processes_client, search, scheduler):
    """Where there is a client its workers run the fits."""
    options = {"n_iter": 4} if search is RandomizedSearchCV else {}
    places = fit_recording(tmp_path, scheduler, search, **options)
    workers = processes_client.scheduler_info()["workers"]
    assert {place.split()[1] for place in places} <= set(workers)


@pytest.mark.parametrize("name", ["threads", "synchronous"])
def test_client_that_is_not_wanted(tmp_path, processes_client, name):
    """A name that is not the client's keeps the fits here, even if there is one."""
    places = fit_recording(tmp_path, name)
    assert {kind_of(place) for place in places} == {NAMES[name]}


def test_client_that_is_given(tmp_path, threads_client, _processes_client):
    """A client that is given runs the fits, not the current one."""
    places = fit_recording(tmp_path, _processes_client)
    workers = _processes_client.scheduler_info()["workers"]
    assert {place.split()[1] for place in places} <= set(workers)
    assert Client.current() is threads_client


def test_distributed_without_a_client(tmp_path):
    """Where there is no client to be asked for there is a cluster all the same."""
    places = fit_recording(tmp_path, "distributed")
    assert all(re.search("://", place) for place in places)


@pytest.mark.parametrize(
    "name", ["text", "frame", "union", "kernel", "equal candidates"]
)
def test_client_finds_the_same(processes_client, name):
    """Workers in other processes find what scikit-learn finds here."""
    estimator, grid, data, *options = ESTIMATORS[name]
    options = {"cv": 3, "return_train_score": True} | dict(*options)
    assert_as_theirs(estimator, grid, DATA[data], scheduler=processes_client, **options)


def test_randomized_finds_the_same(threads_client):
    """So does the randomized search, on threads of a client."""
    estimator, space, data = ESTIMATORS["text"]
    assert_as_theirs(
        estimator,
        space,
        DATA[data],
        classes=RANDOMIZED,
        scheduler=None,
        n_iter=5,
        random_state=0,
    )
