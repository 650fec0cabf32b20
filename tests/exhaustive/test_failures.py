# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a grid search does when workers, fits or the data give up."""

import contextlib
import os
import re
import signal
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context

import dask.array as da
import numpy as np
import pytest
import sklearn.model_selection
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from gpu_hpo.compute import embedded_client, local_cluster
from gpu_hpo.exceptions import GpuHpoWarning, WorkersLostError
from gpu_hpo.model_selection import GridSearchCV
from tests.compute.helpers import current, make_data, remains, wait_until
from tests.exhaustive.helpers import assert_same_outcome, fit_noting

N_ROWS = 300
X, y = make_data(N_ROWS)


class Slow(TransformerMixin, BaseEstimator):
    """Adds a number, in its time."""

    def __init__(self, by=0.0):
        self.by = by

    def fit(self, X, y=None):
        time.sleep(0.02)
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        return X - self.mean_ + self.by


class Noting(LogisticRegression):
    """Makes a file longer by a byte for each fit, which takes its time.

    It fails if C is 13, ends its process if C is 0.666, and ends it in a fit to all
    rows as long as it can take a file out of the folder `deaths`.
    """

    def __init__(self, C=1.0, file=None, deaths=None):
        super().__init__(C=C)
        self.file = file
        self.deaths = deaths

    def fit(self, X, y, sample_weight=None):
        if self.C == 13:
            raise ValueError("an unlucky number")
        if self.C == 0.666:
            os._exit(1)
        if self.deaths and len(X) == N_ROWS:
            with contextlib.suppress(IndexError):
                os.remove(os.path.join(self.deaths, os.listdir(self.deaths)[0]))
                os._exit(1)
        if self.file:
            with open(self.file, "ab") as file:
                file.write(b".")
            time.sleep(0.02)
        return super().fit(X, y, sample_weight)


STEPS = Pipeline([("add", Slow()), ("last", Noting())])
GRID = {"add__by": [0.0, 1.0, 2.0, 3.0], "last__C": [0.01, 0.1, 1.0, 10.0]}


@pytest.fixture
def meanwhile(tmp_path):
    """Do something in another thread once there have been so many fits."""
    threads = []
    file = tmp_path / "fits"
    file.touch()

    def start(action, fits=6):
        def run():
            wait_until(lambda: file.stat().st_size >= fits, 60)
            action()

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return str(file)

    yield start
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def kill(client, *numbers):
    """What kills some of the workers."""
    pids = list(client.run(os.getpid).values())
    return lambda: [os.kill(pids[number], signal.SIGKILL) for number in numbers]


def search_for(client, X=X, y=y, grid=GRID, file=None, **options):
    """A grid search of the steps, fitted on the workers of a client."""
    steps = clone(STEPS).set_params(last__file=file)
    search = GridSearchCV(steps, grid, cv=3, scheduler=client, **options)
    return search.fit(X, y)


def assert_as_expected(search, grid=GRID):
    """The scores are those of a search that nothing happens to."""
    theirs = sklearn.model_selection.GridSearchCV(STEPS, grid, cv=search.cv).fit(X, y)
    for name, column in theirs.cv_results_.items():
        if "_test_" in name:
            assert search.cv_results_[name].tolist() == column.tolist(), name
    assert search.best_params_ == theirs.best_params_


def lazily():
    """The data as Dask arrays, which workers can compute again."""
    return da.from_array(X, chunks=(100, -1)), da.from_array(y, chunks=100)


# ---- workers that die ----


@pytest.mark.parametrize("numbers", [(1,), (0, 1)], ids=["one", "both"])
def test_killed_workers(mortal_client, meanwhile, numbers):
    """When workers are killed, what they had is done again and the scores stay."""
    file = meanwhile(kill(mortal_client, *numbers))
    search = search_for(mortal_client, file=file)
    assert_as_expected(search)
    assert not remains(mortal_client)


@pytest.mark.slow
def test_killed_workers_and_dask_arrays(mortal_client, meanwhile):
    """So they do when the data are Dask's, which are computed again."""
    file = meanwhile(kill(mortal_client, 0, 1))
    search = search_for(mortal_client, *lazily(), file=file)
    assert_as_expected(search)
    assert not remains(mortal_client)


@pytest.mark.slow
def test_killed_in_the_refit(mortal_client, tmp_path):
    """When all workers die as the best candidate is fitted, that is done again."""
    for name in ("first", "second"):
        (tmp_path / name).touch()
    steps = clone(STEPS).set_params(last__deaths=str(tmp_path))
    grid = {"last__C": [0.1, 1.0]}
    search = GridSearchCV(steps, grid, cv=3, scheduler=mortal_client).fit(X, y)
    assert not list(tmp_path.iterdir())
    assert_as_expected(search, grid)
    theirs = sklearn.model_selection.GridSearchCV(STEPS, grid, cv=3).fit(X, y)
    np.testing.assert_array_equal(search.predict_proba(X), theirs.predict_proba(X))


def test_worker_that_retires(meanwhile):
    """A worker that leaves in good order is done without."""
    with current(local_cluster(2, processes=False)) as client:
        file = meanwhile(lambda: client.cluster.scale(1))
        assert_as_expected(search_for(client, file=file))
        assert len(client.nthreads()) == 1
        assert not remains(client)


def test_worker_that_joins_late(meanwhile):
    """A worker that joins in mid-search changes nothing."""
    with current(local_cluster(1, processes=False)) as client:
        file = meanwhile(lambda: client.cluster.scale(2))
        assert_as_expected(search_for(client, file=file))
        assert len(client.nthreads()) == 2
        assert not remains(client)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("lazy", [False, True], ids=["arrays", "Dask's"])
def test_no_worker_left(meanwhile, configure, lazy):
    """When all workers are gone for good, an error says so."""
    configure({"workers.patience": "1 s", "workers.recovery": "1 s"})
    with current(local_cluster(1, processes=False)) as client:
        file = meanwhile(lambda: client.cluster.scale(0))
        data = lazily() if lazy else (X, y)
        with pytest.raises(Exception, match="no worker"):
            search_for(client, *data, file=file)


def test_no_worker_to_begin_with(configure):
    """A cluster without workers is an error that says so."""
    configure({"workers.patience": "500 ms"})
    cluster = local_cluster(1, processes=False)
    cluster.scale(0)
    with current(cluster) as client:
        wait_until(lambda: not client.nthreads(), 20)
        with pytest.raises(Exception, match="no worker"):
            search_for(client)


# ---- candidates that end their workers ----

DEADLY = {"last__C": [0.01, 0.1, 0.666, 1.0, 3.0, 10.0]}
ALIVE = {"last__C": [value for value in DEADLY["last__C"] if value != 0.666]}


def assert_only_the_deadly_one_failed(search):
    """All scores are right, but of the candidate that cannot be fitted."""
    theirs = sklearn.model_selection.GridSearchCV(STEPS, ALIVE, cv=2, refit=False)
    theirs.fit(X, y)
    for name, column in theirs.cv_results_.items():
        if re.fullmatch("(split._|mean_)test_score", name):
            found = search.cv_results_[name].tolist()
            assert np.isnan(found.pop(2))
            assert found == column.tolist(), name


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore:One or more of the test scores are non-finite")
@pytest.mark.parametrize("lazy", [False, True], ids=["arrays", "Dask's"])
def test_deadly_candidate(few_deaths, mortal_client, lazy):
    """A candidate that ends its workers fails, and the scores of others are right."""
    search = GridSearchCV(
        STEPS, DEADLY, cv=2, scheduler=mortal_client, refit=False, error_score=np.nan
    )
    with pytest.warns(match="2 fits failed out of a total of 12"):
        search.fit(*(lazily() if lazy else (X, y)))
    assert_only_the_deadly_one_failed(search)
    assert not remains(mortal_client)


@pytest.mark.slow
def test_deadly_candidate_that_raises(mortal_client):
    """It is an error of the search if failures are to be raised."""
    grid = {"last__C": [0.666, 1.0]}
    with pytest.raises(WorkersLostError, match=r"candidate 0, .*0\.666"):
        GridSearchCV(
            STEPS, grid, cv=2, scheduler=mortal_client, error_score="raise"
        ).fit(X, y)


class EndsOnAllRows(LogisticRegression):
    """Ends its process where it is fitted to all rows."""

    def fit(self, X, y):
        if len(X) == N_ROWS:
            os._exit(1)
        return super().fit(X, y)


def test_deadly_refit(few_deaths, mortal_client):
    """If the last fit ends its workers, the results are kept, and a warning says so."""
    search = GridSearchCV(EndsOnAllRows(), {"C": [0.1]}, cv=2, scheduler=mortal_client)
    with pytest.warns(GpuHpoWarning, match=r"workers died .*'C': 0.1"):
        search.fit(X, y)
    assert search.best_score_ > 0.5
    assert not hasattr(search, "best_estimator_")


def test_deadly_candidate_in_a_pool_of_processes():
    """A pool of processes that breaks ends the search with its own error."""
    with (
        ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool,
        pytest.raises(BrokenProcessPool),
    ):
        GridSearchCV(STEPS, DEADLY, cv=2, scheduler=pool).fit(X, y)


# ---- fits that fail ----


@pytest.fixture(params=["threads", "processes", "threads_client", "processes_client"])
def scheduler(request):
    """Each place where fits run beside each other."""
    if request.param == "processes":
        embedded_client()  # takes some seconds to start
    if request.param.endswith("_client"):
        return request.getfixturevalue(request.param)
    return request.param


def test_raises_at_once(scheduler, tmp_path):
    """If failures are to be raised, the first ends a search of many seconds."""
    file = tmp_path / "fits"
    file.touch()
    grid = {"last__C": [0.1, 13, *np.logspace(-3, 3, 500)]}
    start = time.monotonic()
    with pytest.raises(ValueError, match="an unlucky number"):
        search_for(scheduler, grid=grid, file=str(file), error_score="raise", n_jobs=2)
    assert time.monotonic() - start < 10
    made = file.stat().st_size
    assert made < 100
    if not isinstance(scheduler, str):
        assert not remains(scheduler)
        assert file.stat().st_size < 100


@pytest.mark.parametrize("error_score", [np.nan, -1.0], ids=str)
def test_failures(scheduler, error_score):
    """What fails has scikit-learn's score and warning, wherever it fails."""
    grid = {"last__C": [0.1, 13, 1.0], "add__by": [0.0, 1.0]}
    options = {"cv": 2, "error_score": error_score, "return_train_score": True}
    ours = fit_noting(GridSearchCV(STEPS, grid, scheduler=scheduler, **options), X, y)
    theirs = fit_noting(
        sklearn.model_selection.GridSearchCV(STEPS, grid, **options), X, y
    )
    assert theirs.warnings
    assert_same_outcome(ours, theirs)


def _broken(block):
    raise OSError("this block cannot be read")


def test_data_that_cannot_be_made(scheduler):
    """An error in the graph of the data is raised as it is."""
    lazy_X, lazy_y = lazily()
    lazy_X = lazy_X.map_blocks(_broken, dtype=float, meta=X[:0])
    with pytest.raises(OSError, match="cannot be read"):
        search_for(scheduler, lazy_X, lazy_y)
    if not isinstance(scheduler, str):
        assert not remains(scheduler)


class Unpicklable(LogisticRegression):
    """Cannot be made where it is sent to."""

    def __setstate__(self, state):
        raise RuntimeError("cannot be unpickled")


def test_estimator_that_cannot_be_unpickled(processes_client):
    """What cannot be sent is an error as it is, and nothing hangs."""
    with pytest.raises(RuntimeError, match="cannot be unpickled"):
        GridSearchCV(Unpicklable(), {"C": [0.1, 1.0]}, scheduler=processes_client).fit(
            X, y
        )
    assert not remains(processes_client)
