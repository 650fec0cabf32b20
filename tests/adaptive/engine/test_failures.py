# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a search does when workers, tasks or the user give up."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import dask.array as da
import numpy as np
import pytest
from distributed import Client, get_worker
from distributed.client import FutureCancelledError
from sklearn.linear_model import SGDClassifier

from gpu_hpo.adaptive.data import _loading
from gpu_hpo.adaptive.engine import _dask_runner, _reports
from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.compute import embedded_client, local_cluster
from gpu_hpo.exceptions import ClientClosedError, NoFiniteScoreError, WorkersLostError
from gpu_hpo.model_selection import HyperbandSearchCV, SuccessiveHalvingSearchCV
from tests.compute.helpers import (
    answer,
    current,
    make_data,
    make_search,
    remains,
    wait_until,
)


class Slow(SGDClassifier):
    """Takes its time, so that something can happen meanwhile."""

    seen: set[str] = set()

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        time.sleep(0.02)
        return super().partial_fit(X, y, classes, sample_weight)


@pytest.fixture(scope="module")
def expected():
    """Answer of a search that nothing happens to."""
    X, y = make_data()
    with current(local_cluster(1, processes=False)):
        return answer(make_search(SGDClassifier()).fit(X, y))


@pytest.fixture
def meanwhile():
    """Do something in another thread once a search has made some progress."""
    threads = []

    def start(client, action):
        def run():
            done = lambda: client.run_on_scheduler(_advanced) >= 4  # noqa: E731
            wait_until(done, 60)
            action()

        threads.append(threading.Thread(target=run))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()


def _advanced(dask_scheduler):
    """How many tasks that advance a cohort have results."""
    states = [t.state for k, t in dask_scheduler.tasks.items() if "-train-" in str(k)]
    return states.count("memory")


def kill(client, *numbers):
    """What kills some of the workers."""
    pids = list(client.run(os.getpid).values())
    return lambda: [os.kill(pids[number], signal.SIGKILL) for number in numbers]


# ---- workers that die ----


@pytest.mark.parametrize("number", [0, 1])
def test_killed_worker(expected, mortal_client, meanwhile, configure, number):
    """When a worker is killed, its data and trials move and the answer stays."""
    configure({"memory.message-size": 1})  # so that each worker has some
    X, y = make_data()
    meanwhile(mortal_client, kill(mortal_client, number))
    assert answer(make_search(Slow()).fit(X, y)) == expected
    assert not remains(mortal_client)


class DiesWhenMoved(SGDClassifier):
    """Takes its worker with it the first time that it leaves it."""

    def __init__(self, alpha=0.0001, random_state=None, flag=None):
        super().__init__(alpha=alpha, random_state=random_state)
        self.flag = flag

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        time.sleep(0.02 * (self.alpha > 0.1))  # so that trials are worth moving
        return super().partial_fit(X, y, classes, sample_weight)

    def __getstate__(self):
        if multiprocessing.parent_process() and hasattr(self, "coef_"):
            try:
                get_worker()  # a copy within a task
            except ValueError:
                with contextlib.suppress(FileExistsError):
                    os.close(os.open(self.flag, os.O_CREAT | os.O_EXCL))
                    os._exit(1)
        return super().__getstate__()


def test_worker_that_dies_while_a_model_leaves_it(expected, mortal_client, tmp_path):
    """A task that waits for a model from a worker that is gone does not wait on."""
    flag = str(tmp_path / "died")
    search = make_search(DiesWhenMoved(flag=flag)).fit(*make_data())
    assert os.path.exists(flag)
    assert answer(search) == expected


def test_best_model_that_is_lost_while_it_is_fetched(
    expected, threads_client, monkeypatch
):
    """A fetch that Dask gives up, with the model's worker, is tried again."""
    fetch = _dask_runner.DaskRunner._fetch
    tried = []

    async def lost():
        raise FutureCancelledError("a model", "its worker died")

    def first_lost(self, trial, task):
        tried.append(task)
        return lost() if len(tried) == 1 else fetch(self, trial, task)

    monkeypatch.setattr(_dask_runner.DaskRunner, "_fetch", first_lost)
    assert answer(make_search().fit(*make_data())) == expected
    assert len(tried) == 2


def test_lost_report(expected, processes_client, monkeypatch):
    """A task whose report never comes is made again, and the answer stays."""
    pass_on = _reports._pass_on
    dropped = []

    def drop_third(listeners, event):
        dropped.append(event)
        if len(dropped) != 3:
            pass_on(listeners, event)

    monkeypatch.setattr(_reports, "_pass_on", drop_third)
    X, y = make_data()
    assert answer(make_search().fit(X, y)) == expected
    assert len(dropped) > 3
    assert not remains(processes_client)


def test_killed_worker_and_dask_array(expected, mortal_client, meanwhile):
    """What a killed worker had of a Dask collection is computed again."""
    X, y = make_data()
    X, y = da.from_array(X, chunks=(200, -1)), da.from_array(y, chunks=200)
    meanwhile(mortal_client, kill(mortal_client, 0))
    assert answer(make_search(Slow()).fit(X, y)) == expected
    assert not remains(mortal_client)


def test_killed_workers_and_a_large_estimator(
    expected, mortal_client, meanwhile, monkeypatch
):
    """An estimator that is sent once, for it is large, is sent again if it is lost."""
    monkeypatch.setattr(_dask_runner, "LARGE_SPEC", 1)
    meanwhile(mortal_client, kill(mortal_client, 0, 1))
    search = make_search(Slow()).fit(*make_data())
    assert answer(search) == expected
    assert "lost" not in search.cv_results_["status"]


def test_workers_killed_while_data_are_sent(expected, mortal_client, monkeypatch):
    """Data that was under way to workers that die goes to those that follow them."""
    split = _loading.Loader.split
    kills = [kill(mortal_client, 0, 1)]

    def split_and_kill(self, i):
        if kills:
            kills.pop()()
        return split(self, i)

    monkeypatch.setattr(_loading.Loader, "split", split_and_kill)
    assert answer(make_search().fit(*make_data())) == expected
    assert not kills


def test_killed_worker_of_the_embedded_cluster(expected, meanwhile):
    """The cluster that a search starts by itself survives the loss of a worker."""
    X, y = make_data()
    client = embedded_client()
    meanwhile(client, kill(client, -1))
    assert answer(make_search(Slow()).fit(X, y)) == expected
    assert not remains(client)
    client.wait_for_workers(2, timeout=60)


def test_all_workers_killed(expected, mortal_client, meanwhile):
    """When all workers are killed at once, the search goes on with their successors."""
    X, y = make_data()
    meanwhile(mortal_client, kill(mortal_client, 0, 1))
    assert answer(make_search(Slow()).fit(X, y)) == expected
    assert not remains(mortal_client)


class Counts(Slow):
    """Notes the workers that train, in threads of this process."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        from distributed import get_worker

        self.seen.add(get_worker().address)
        return super().partial_fit(X, y, classes, sample_weight)


def test_worker_that_joins_late(expected, meanwhile):
    """A worker that joins in mid-search is given work, and the answer stays."""
    X, y = make_data()
    Slow.seen.clear()
    with current(local_cluster(1, processes=False)) as client:
        meanwhile(client, lambda: client.cluster.scale(2))
        assert answer(make_search(Counts()).fit(X, y)) == expected
        assert len(client.nthreads()) == 2
    assert len(Slow.seen) == 2


def test_worker_that_retires(expected, meanwhile):
    """A worker that leaves in good order is done without, and the answer stays."""
    X, y = make_data()
    with current(local_cluster(2, processes=False)) as client:
        meanwhile(client, lambda: client.cluster.scale(1))
        assert answer(make_search(Slow()).fit(X, y)) == expected
        assert len(client.nthreads()) == 1
        assert not remains(client)


def test_no_worker_left(meanwhile, configure):
    """When all workers are gone for good, an error says so; what is known is kept."""
    configure({"workers.patience": "1 s"})
    X, y = make_data()
    search = make_search(Slow())
    with current(local_cluster(1, processes=False)) as client:
        meanwhile(client, lambda: client.cluster.scale(0))
        with pytest.raises(WorkersLostError, match="no worker joined the cluster at"):
            search.fit(X, y)
        assert not remains(client)
    knows_some(search)


def knows_some(search):
    """Assert that a search that did not end well has the attributes of others."""
    assert len(search.history_) > 0
    assert len(search.cv_results_["params"]) == len(search.model_history_)
    assert search.best_score_ > 0.4
    assert search.best_params_ in search.cv_results_["params"]
    assert search.metadata_["partial_fit_calls"] > 0


@pytest.mark.parametrize("thread", [False, True])
def test_fault_of_ours(processes_client, monkeypatch, thread):
    """Whatever ends a search, in whichever thread, what is known is kept."""
    report = Engine.report
    heard = []

    def faulty(engine, *args):
        heard.append(args)
        if len(heard) > 8:
            raise KeyError("a fault")
        return report(engine, *args)

    monkeypatch.setattr(Engine, "report", faulty)
    search = make_search(Slow())

    def fit():
        with pytest.raises(KeyError, match="a fault"):
            search.fit(*make_data())
        ended.append(True)

    ended = []
    if thread:
        with ThreadPoolExecutor(1) as pool:
            pool.submit(fit).result()
    else:
        fit()
    assert ended
    knows_some(search)
    assert not remains(processes_client)


def test_no_worker_to_begin_with(configure):
    """A cluster without workers is an error that says so."""
    configure({"workers.patience": "500 ms"})
    cluster = local_cluster(1, processes=False)
    cluster.scale(0)
    with (
        current(cluster),
        pytest.raises(WorkersLostError, match="no worker joined"),
    ):
        make_search().fit(*make_data())


def test_worker_that_comes_after_the_search_began(expected):
    """A search waits for the first worker of a cluster that is still starting."""
    X, y = make_data()
    cluster = local_cluster(1, processes=False)
    cluster.scale(0)
    with current(cluster) as client:
        wait_until(lambda: not client.nthreads(), 20)
        timer = threading.Timer(0.7, cluster.scale, [1])
        timer.start()
        assert answer(make_search().fit(X, y)) == expected
        timer.join()


# ---- errors that are no model's ----


def _raise_in_third(block, block_info=None):
    if block_info and block_info[0]["chunk-location"][0] == 2:
        raise OSError("the third block cannot be read")
    return block


@pytest.mark.parametrize("cluster", ["threads_client", "processes_client"])
def test_block_that_cannot_be_made(request, cluster):
    """An error in the graph of the data is raised as it is, and nothing hangs."""
    client = request.getfixturevalue(cluster)
    X, y = make_data()
    X = da.from_array(X, chunks=(200, -1)).map_blocks(
        _raise_in_third, dtype=X.dtype, meta=X[:0]
    )
    with pytest.raises(OSError, match="third block"):
        make_search().fit(X, da.from_array(y, chunks=200))
    assert not remains(client)


class Unpicklable(SGDClassifier):
    """Cannot be made where it is sent to."""

    def __setstate__(self, state):
        raise RuntimeError("cannot be unpickled")


def test_estimator_that_cannot_be_unpickled(processes_client):
    """An error before any model exists is raised as it is, and nothing hangs."""
    with pytest.raises(RuntimeError, match="cannot be unpickled"):
        make_search(Unpicklable()).fit(*make_data())
    assert not remains(processes_client)


class Fails(SGDClassifier):
    """Raises whenever it is to train."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        raise ArithmeticError("will not train")


def test_all_trials_fail(processes_client):
    """If every model raises, the search says how, also of each, and leaves no data."""
    search = make_search(Fails())
    with pytest.raises(NoFiniteScoreError, match="will not train"):
        search.fit(*make_data())
    assert not remains(processes_client)
    assert set(search.cv_results_["status"]) == {"failed"}
    assert all("will not train" in error for error in search.cv_results_["error"])
    assert search.history_ == []
    assert not hasattr(search, "best_score_")


class Overflows(SGDClassifier):
    """Fails at its third call."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.calls_ = getattr(self, "calls_", 0) + 1
        if self.calls_ > 2:
            raise ValueError("overflow")
        return super().partial_fit(X, y, classes, sample_weight)


class OverflowsForGood(Overflows):
    """Cannot be trained at all once a model has overflowed in this process."""

    overflown = False

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if OverflowsForGood.overflown:
            raise ValueError("never again")
        try:
            return super().partial_fit(X, y, classes, sample_weight)
        except ValueError:
            OverflowsForGood.overflown = True
            raise


def first_call_only(model, X, y):
    """Finite until the model has made more than one call."""
    return model.score(X, y) if model.t_ <= 201 else float("nan")


@pytest.mark.parametrize("form", [SuccessiveHalvingSearchCV, HyperbandSearchCV])
@pytest.mark.parametrize("how", ["fails", "nan"])
def test_no_finalist_is_left(processes_client, form, how):
    """If all finalists fail, the best of the others is trained again."""
    options = {"n_initial_parameters": 9, "n_initial_iter": 1}
    if form is HyperbandSearchCV:
        options = {"max_iter": 9}
    search = form(
        Overflows() if how == "fails" else SGDClassifier(),
        {"alpha": np.logspace(-6, -1, 50)},
        random_state=0,
        chunk_size=200,
        test_size=0.2,
        scoring=None if how == "fails" else first_call_only,
        **options,
    ).fit(*make_data())
    assert "completed" not in search.cv_results_["status"] or how == "nan"
    assert np.isfinite(search.best_score_)
    best = search.cv_results_["partial_fit_calls"][search.best_index_]
    entries = [
        entry
        for entry in search.history_
        if entry["model_id"] == search.cv_results_["model_id"][search.best_index_]
    ]
    assert entries[-1]["score"] == search.best_score_
    assert search.best_estimator_.t_ == 160 * best + 1
    assert not remains(processes_client)


def test_best_model_that_cannot_be_trained_again():
    """Without a best model a search ends, says so, and keeps what it knows."""
    OverflowsForGood.overflown = False
    search = SuccessiveHalvingSearchCV(
        OverflowsForGood(),
        {"alpha": np.logspace(-6, -1, 50)},
        n_initial_parameters=9,
        n_initial_iter=1,
        random_state=0,
        chunk_size=200,
    )
    with (
        current(local_cluster(1, processes=False)),
        pytest.warns(UserWarning, match="no best_estimator_: the best model is trial"),
    ):
        search.fit(*make_data())
    assert not hasattr(search, "best_estimator_")
    assert search.best_score_ > 0.5
    assert len(search.cv_results_["params"]) == 9


def test_wrong_data(processes_client):
    """Data that nothing can be learnt from is an error, and leaves nothing behind."""
    X, y = make_data()
    with pytest.raises(ValueError, match="one class"):
        make_search().fit(X, 0 * y)
    assert not remains(processes_client)


def test_client_that_is_closed_meanwhile(meanwhile):
    """When the client is closed in mid-search, the search ends with an error."""
    X, y = make_data()
    with current(local_cluster(1, processes=False)) as watcher:
        client = Client(watcher.cluster, set_as_default=False)
        meanwhile(watcher, client.close)
        search = make_search(Slow())
        with client.as_current(), pytest.raises(ClientClosedError, match="closed"):
            search.fit(X, y)
    knows_some(search)


# ---- interrupts ----

INTERRUPTED = """
    import json, os, signal, sys, threading, time
    import numpy as np
    from distributed import Client, get_worker
    from scipy.stats import loguniform
    from sklearn.linear_model import SGDClassifier
    from gpu_hpo.compute import embedded_client, local_cluster
    from gpu_hpo.model_selection import HyperbandSearchCV

    class Slow(SGDClassifier):
        def partial_fit(self, X, y, classes=None, sample_weight=None):
            time.sleep(0.02)
            return super().partial_fit(X, y, classes, sample_weight)

    def search(**options):
        rng = np.random.default_rng(0)
        X = rng.standard_normal((600, 3))
        y = (X[:, 0] > 0).astype(int)
        return HyperbandSearchCV(
            Slow(), {"alpha": loguniform(1e-5, 1e1)}, max_iter=27, random_state=0,
            chunk_size=100, **options
        ), X, y

    def main():
        client = CLIENT
        first, X, y = search(verbose=True)
        try:
            first.fit(X, y)
        except KeyboardInterrupt:
            print()
            print("interrupted", flush=True)
        else:
            print("not interrupted")
        print(len(first.history_) > 4, len(first.cv_results_["params"]) > 4)
        print(first.best_params_["alpha"] > 0, first.best_score_ > 0.4)
        print("best_estimator_" not in vars(first) or first.predict(X).shape == y.shape)
        time.sleep(1)
        print(not [key for keys in client.has_what().values() for key in keys])
        second = search()[0].set_params(max_iter=3).fit(X, y)
        print(second.best_score_ > 0.4)
        client.close()

    if __name__ == "__main__":
        main()
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("client", "group"),
    [
        ("embedded_client()", True),
        ("Client(local_cluster(2))", True),
        ("Client(local_cluster(2))", False),
        ("Client(local_cluster(2, processes=False))", True),
    ],
)
def test_interrupted_by_the_user(run_script, client, group):
    """Ctrl-C ends a search at once, keeps what is known and leaves the cluster clean.

    A shell interrupts all processes of a foreground job, a notebook only one.
    """
    script = run_script(INTERRUPTED.replace("CLIENT", client))
    seen = 0
    while seen < 5:
        seen += "validation score" in script.line()
    began = time.monotonic()
    if group:
        os.killpg(script.process.pid, signal.SIGINT)
    else:
        os.kill(script.process.pid, signal.SIGINT)
    while "interrupted" not in (line := script.line()):
        pass
    assert line == "interrupted"
    assert time.monotonic() - began < 15
    assert script.end().split() == ["True"] * 7


def test_cancelled_on_an_event_loop():
    """An awaited search that is cancelled keeps what is known and leaves nothing."""
    X, y = make_data()

    async def run():
        async with Client(
            asynchronous=True, processes=False, dashboard_address=None
        ) as client:
            search = make_search(Slow())
            task = asyncio.ensure_future(search.fit(X, y))
            await asyncio.sleep(0.5)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            end = time.monotonic() + 5
            while any((held := await client.has_what()).values()):
                assert time.monotonic() < end, held
                await asyncio.sleep(0.05)
            return search

    search = asyncio.run(run())
    assert search.best_params_["alpha"] > 0
    assert 0 < len(search.history_) < 60


def test_interrupt_while_data_are_loaded():
    """A search that is cancelled before the first score leaves nothing behind."""

    def slow(block):
        time.sleep(0.3)
        return block

    X, y = make_data()
    X = da.from_array(X, chunks=(200, -1)).map_blocks(slow, meta=X[:0])
    y = da.from_array(y, chunks=200)

    async def run():
        async with Client(
            asynchronous=True, processes=False, dashboard_address=None
        ) as client:
            search = make_search()
            task = asyncio.ensure_future(search.fit(X, y))
            await asyncio.sleep(0.3)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            end = time.monotonic() + 5
            while any((held := await client.has_what()).values()):
                assert time.monotonic() < end, held
                await asyncio.sleep(0.05)
            return search

    assert not hasattr(asyncio.run(run()), "best_params_")


def test_search_can_be_pickled_after_an_interrupt():
    """What an interrupted search keeps is data only."""
    import pickle

    X, y = make_data()

    async def run():
        async with Client(asynchronous=True, processes=False, dashboard_address=None):
            search = make_search(Slow())
            task = asyncio.ensure_future(search.fit(X, y))
            await asyncio.sleep(0.4)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return search

    search = asyncio.run(run())
    again = pickle.loads(pickle.dumps(search))
    assert again.best_params_ == search.best_params_
    assert np.isfinite(again.best_score_)
