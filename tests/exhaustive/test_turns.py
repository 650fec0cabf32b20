# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fits of a grid on a GPU: one at a time, each after what the last one held is gone.

Doubles stand for what holds memory of a GPU: objects that refer to themselves, which
only Python's collector of garbage frees.
"""

import gc
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import dask
import dask.threaded
import numpy as np
import pytest
from distributed import get_worker
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.exceptions import FitFailedWarning
from sklearn.pipeline import FeatureUnion, Pipeline

from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV
from gpu_hpo.testing import NoHostCopyArray
from gpu_hpo.training import _turns
from tests.compute.helpers import current, make_data
from tests.exhaustive.device_doubles import believe_in_cuda

X, y = make_data(60)
SPACE = {"value": [0.1, 0.3, 0.2, 0.4]}
FOLDS = 3
SCHEDULERS = [
    *("synchronous", "threads", "executor", "client", "get", "threaded get"),
    "client get",
]


class Memory:
    """What doubles hold: objects that live, and fits that run, and what fits saw."""

    def __init__(self):
        self.live = weakref.WeakSet()
        self.running = self.most = 0
        self.seen = []
        self._lock = threading.Lock()

    def __enter__(self):
        with self._lock:
            self.seen.append(len(self.live))
            self.running += 1
            self.most = max(self.most, self.running)

    def __exit__(self, *error):
        with self._lock:
            self.running -= 1


MEMORY = Memory()


class Held:
    """A piece of memory, in a circle."""

    def __init__(self):
        self.itself = self
        MEMORY.live.add(self)


class Holds(ClassifierMixin, BaseEstimator):
    """Holds memory once it is fitted; a fit notes what others still hold."""

    def __init__(self, value=0.5, fails=False):
        self.value = value
        self.fails = fails

    def fit(self, X, y):
        with MEMORY:
            time.sleep(0.01)
            self.held_ = Held()
            if self.fails:
                raise MemoryError("none is left")
        self.classes_ = np.array([0, 1])
        return self

    def score(self, X, y):
        assert self.held_ in MEMORY.live
        return self.value


class HoldingStep(TransformerMixin, BaseEstimator):
    """Holds memory once it is fitted, and passes rows on."""

    def __init__(self, by=1.0):
        self.by = by

    def fit(self, X, y=None):
        with MEMORY:
            time.sleep(0.01)
            self.held_ = Held()
        return self

    def transform(self, X):
        return X * self.by


@pytest.fixture
def memory(monkeypatch):
    """Memory of the doubles, while Python's own collector does not come by."""
    monkeypatch.setitem(globals(), "MEMORY", found := Memory())
    believe_in_cuda(monkeypatch)
    gc.collect()
    gc.disable()
    yield found
    gc.enable()


def fit(estimator=None, space=SPACE, cls=GridSearchCV, **options):
    search = cls(
        Holds() if estimator is None else estimator, space, cv=FOLDS, **options
    )
    return search.fit(NoHostCopyArray(X), NoHostCopyArray(y))


@pytest.fixture(params=SCHEDULERS)
def scheduler(request, threads_client):
    """Whatever may run fits in several threads of this process."""
    with ThreadPoolExecutor(4) as executor:
        yield {
            "executor": executor,
            "client": threads_client,
            "get": dask.get,
            "threaded get": dask.threaded.get,
            "client get": threads_client.get,
        }.get(request.param, request.param)


@pytest.mark.parametrize("cls", [GridSearchCV, RandomizedSearchCV])
def test_one_fit_at_a_time(memory, scheduler, cls):
    """A fit begins when the one before has ended, and what it held is gone."""
    options = {"n_iter": 4, "random_state": 0} if cls is RandomizedSearchCV else {}
    search = fit(scheduler=scheduler, cls=cls, **options)
    assert search.device_.name == "cuda"
    assert memory.most == 1
    assert memory.seen == [0] * (FOLDS * 4 + 1)
    # The best estimator, and no other.
    assert list(memory.live) == [search.best_estimator_.held_]
    assert gc.get_freeze_count() == 0


def test_fits_that_fail(memory, scheduler):
    """What a fit that failed has held is gone as well, with its traceback."""
    space = {"value": [0.1, 0.2], "fails": [True, False]}
    with (
        pytest.warns(FitFailedWarning, match="6 fits failed out of a total of 12"),
        pytest.warns(UserWarning, match="test scores are non-finite"),
    ):
        search = fit(space=space, scheduler=scheduler)
    assert memory.most == 1
    assert memory.seen == [0] * (FOLDS * 4 + 1)
    assert search.best_params_ == {"value": 0.2, "fails": False}


def test_shared_steps(memory, scheduler):
    """Steps that candidates share are fitted in turn, also those of a union."""
    union = FeatureUnion([("a", HoldingStep()), ("b", HoldingStep(2.0))])
    steps = Pipeline([("both", union), ("first", HoldingStep()), ("last", Holds())])
    space = {"first__by": [1.0, 2.0], "last__value": [0.1, 0.2]}
    search = fit(steps, space, scheduler=scheduler)
    assert memory.most == 1
    # A union keeps its parts for as long as something needs it.
    assert max(memory.seen[: -2 * FOLDS]) <= 4 * FOLDS
    assert len(memory.live) == 4
    assert search.best_params_["last__value"] == 0.2


@pytest.mark.parametrize("n_jobs", [None, -1, 1, 4])
@pytest.mark.parametrize("scheduler", ["threads", "client"])
def test_jobs(memory, threads_client, n_jobs, scheduler):
    """Only a number of jobs asks for several fits at a time, and memory decides."""
    where = threads_client if scheduler == "client" else scheduler
    fit(scheduler=where, n_jobs=n_jobs)
    assert memory.most == 1  # since nobody knows what is free


@pytest.mark.parametrize("scheduler", ["threads", "client"])
def test_jobs_where_memory_is_known(memory, monkeypatch, threads_client, scheduler):
    """Several are fitted at a time if there is memory for twice of what they take."""
    monkeypatch.setattr(
        _turns, "free_bytes", lambda: 10**6 - 1000 * (len(memory.live) + memory.running)
    )
    where = threads_client if scheduler == "client" else scheduler
    fit(space={"value": np.linspace(0.1, 0.9, 12)}, scheduler=where, n_jobs=3)
    assert 1 < memory.most <= 3


def test_workers_that_share_a_gpu(monkeypatch, memory):
    """Of workers on one GPU, one is given a fit at a time."""
    believe_in_cuda(monkeypatch, ["a", "a", "a"])
    with current(
        local_cluster(3, device="cpu", processes=False, threads_per_worker=2)
    ) as client:
        fit(scheduler=client)
    assert memory.most == 1


class NotesWorker(Holds):
    """Notes which worker fits it, of several in this process."""

    def fit(self, X, y):
        WORKERS.add(get_worker().address)
        return super().fit(X, y)


WORKERS = set()


def test_workers_with_a_gpu_each(monkeypatch, memory):
    """Workers with GPUs of their own are all given fits."""
    believe_in_cuda(monkeypatch, ["a", "b"])
    WORKERS.clear()
    space = {"value": np.linspace(0.1, 0.9, 20)}
    with current(local_cluster(2, device="cpu", processes=False)) as client:
        fit(NotesWorker(), space, scheduler=client)
        assert client.nthreads().keys() == WORKERS


def test_searches_within_fits(memory, threads_client):
    """A search within a fit of another waits for nothing that waits for it."""
    inner = GridSearchCV(Holds(), SPACE, cv=2)
    space = {"estimator__fails": [False], "cv": [2, 3]}
    for where in ("threads", threads_client):
        search = fit(inner, space, scheduler=where)
        assert search.best_score_ == pytest.approx(0.4)


def test_on_the_cpu_nothing_waits(memory):
    """Without a GPU fits run side by side, and nobody collects garbage for them."""
    search = GridSearchCV(Holds(), SPACE, cv=FOLDS, n_jobs=2, device="cpu")
    search.fit(X, y)
    assert search.device_.name == "cpu"
    assert memory.most == 2
    assert len(memory.live) == FOLDS * 4 + 1


class Booster(Holds):
    """Holds memory for as long as its trees may grow, as XGBoost's do."""

    def __sklearn_is_fitted__(self):
        return hasattr(self, "held_")

    def get_booster(self):
        return SimpleNamespace(save_raw=lambda: b"trees")

    def load_model(self, trees):
        assert trees == b"trees"
        self.held_ = None


@pytest.mark.parametrize("wrapped", [False, True])
def test_boosters_let_go(memory, scheduler, wrapped):
    """The best booster no longer keeps the rows that it was trained on."""
    model, space = Booster(), SPACE
    if wrapped:
        model = Pipeline([("step", HoldingStep()), ("last", model)])
        space = {"last__value": [0.1, 0.2]}
    fit(model, space, scheduler=scheduler)
    # Of a pipeline the step is left.
    assert len(memory.live) == wrapped
