# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What every pool promises, whatever runs its tasks."""

import gc
import os
import signal
import threading
import time
import weakref
from concurrent.futures import CancelledError, ThreadPoolExecutor
from types import SimpleNamespace

import dask
import dask.array as da
import dask.dataframe as dd
import dask.threaded
import numpy as np
import pandas as pd
import pytest
from distributed import Client
from distributed.scheduler import KilledWorker
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gpu_hpo.compute import local_cluster
from gpu_hpo.compute._backends import open_pool
from gpu_hpo.compute._client_pool import ClientPool
from gpu_hpo.compute._local_pool import GetPool, Immediate, LocalPool
from gpu_hpo.compute._pool import ResultsLost, TaskKilled
from tests.compute.helpers import current, wait_until

POOLS = ["immediate", "threads", "get", "threaded get", "client"]


@pytest.fixture(scope="module")
def client():
    """Client of these tests alone.

    Dask keeps errors, which refer to the frames that they went through, and so do these
    to handles.
    """
    with current(
        local_cluster(1, device="cpu", processes=False, threads_per_worker=4)
    ) as client:
        yield client


@pytest.fixture(params=POOLS)
def pool(request):
    """Each kind of pool."""
    if request.param == "client":
        yield ClientPool(request.getfixturevalue("client"))
    elif request.param == "threads":
        with ThreadPoolExecutor(3) as threads:
            yield LocalPool(threads, 3)
    else:
        yield {
            "immediate": LocalPool(Immediate(), 1, "synchronous", one_thread=False),
            "get": GetPool(dask.get, 2),
            "threaded get": GetPool(dask.threaded.get, 2),
        }[request.param]


class Thing:
    """An object that can be watched."""

    def __init__(self, value=0):
        self.value = value


def add(*values):
    return sum(values)


def fail(*values):
    raise ZeroDivisionError(f"no {values}")


def give(value):
    return value


def finish(pool, handles):
    """Wait for all of some handles."""
    left = list(handles)
    while left:
        done = pool.wait(left)
        assert done
        assert done == [handle for handle in left if handle in done]
        left = [handle for handle in left if handle not in done]


def outcome(pool, handle):
    """Result of a task that is done, or its error in words."""
    finish(pool, [handle])
    try:
        return pool.result(handle)
    except ZeroDivisionError as error:
        return str(error)


# ---- results and errors ----


@pytest.mark.parametrize(
    "value",
    [None, 3, "task-0", ("task-0", 1), [1, "value-0-0"], {"a": (abs, 2)}, (abs, -2)],
    ids=str,
)
def test_values(pool, value):
    """A value comes back as it was put, and as a task was given it."""
    put = pool.put(value)
    tasks = [pool.submit(give, put), pool.submit(give, value)]
    finish(pool, tasks)
    assert [pool.result(handle) for handle in (put, *tasks)] == [value] * 3


def test_results_as_arguments(pool):
    """A task is given the results of others, also if it is submitted before them."""
    one = pool.put(1)
    two = pool.submit(add, one, one)
    four = pool.submit(add, two, two)
    seven = pool.submit(add, four, two, one)
    both = pool.submit(add, seven, four, 10)
    assert outcome(pool, both) == 21
    assert [outcome(pool, handle) for handle in (one, two, four, seven)] == [1, 2, 4, 7]
    # Those that are done may be arguments, too.
    assert outcome(pool, pool.submit(add, both, four)) == 25


def test_failures(pool):
    """A task that fails is done, its error is raised, and others go on."""
    good, bad = pool.submit(add, 1, 2), pool.submit(fail, 1)
    later, last = pool.submit(add, bad, 1), pool.submit(add, good, 1)
    finish(pool, [good, bad, later, last])
    for handle in (bad, later):
        for _ in range(2):
            with pytest.raises(ZeroDivisionError, match=r"no \(1,\)"):
                pool.result(handle)
    assert pool.result(last) == 4
    # A task whose argument is known to have failed does so as well.
    assert outcome(pool, pool.submit(add, later, 1)) == "no (1,)"


def test_errors_that_are_results(pool):
    """An exception that a task gives is a result as any other."""
    handle = pool.submit(give, ValueError("no error"))
    finish(pool, [handle])
    assert repr(pool.result(handle)) == "ValueError('no error')"


@pytest.mark.parametrize("kind", POOLS)
@settings(
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    tasks=st.lists(
        st.tuples(st.booleans(), st.lists(st.integers(0, 30), max_size=3)), max_size=15
    ),
    asked=st.lists(st.integers(0, 14), max_size=4),
)
def test_graphs(request, client, kind, tasks, asked):
    """Any graph of tasks, waited for in any pieces, comes to what it is by hand."""
    threads = ThreadPoolExecutor(2)
    pool = {
        "immediate": lambda: LocalPool(Immediate(), 1),
        "threads": lambda: LocalPool(threads, 2),
        "get": lambda: GetPool(dask.get, 1),
        "threaded get": lambda: GetPool(dask.threaded.get, 2),
        "client": lambda: ClientPool(client),
    }[kind]()
    handles, expected = [pool.put(1)], [1]
    for i, (fails, numbers) in enumerate(tasks):
        sources = [number % len(handles) for number in numbers]
        function = fail if fails else add
        handles.append(pool.submit(function, *(handles[s] for s in sources), i))
        values = [expected[s] for s in sources]
        wrong = [value for value in values if isinstance(value, str)]
        try:
            expected.append(wrong[0] if wrong else function(*values, i))
        except ZeroDivisionError as error:
            expected.append(str(error))
        if i in asked:
            pool.wait([handles[-1]])
    found = [outcome(pool, handle) for handle in handles]
    threads.shutdown()
    for value, right in zip(found, expected, strict=True):
        # Of several arguments that have failed it is one of the errors.
        assert value == right or (isinstance(value, str) and isinstance(right, str))


# ---- waiting ----


def test_many(pool):
    """Of many tasks each is done once, and those that are given are done."""
    handles = [pool.submit(add, i, 1) for i in range(300)]
    left, found = list(handles), {}
    while left:
        for handle in pool.wait(left):
            left.remove(handle)
            found[id(handle)] = pool.result(handle)
    assert [found[id(handle)] for handle in handles] == list(range(1, 301))


def test_one_of_two(client):
    """A wait ends when one is done, though another one is not."""
    with ThreadPoolExecutor(2) as threads:
        for pool in (LocalPool(threads, 2), ClientPool(client)):
            going_on = threading.Event()
            waiting.append(going_on)
            slow, fast = pool.submit(wait_for_last), pool.submit(add, 1)
            assert pool.wait([slow, fast]) == [fast]
            going_on.set()
            assert pool.wait([slow]) == [slow]


waiting = []  # events of this process


def wait_for_last():
    assert waiting[-1].wait(30)


@pytest.mark.timeout(20)
def test_run(pool):
    """A task that is run gives its result, of handles too, or raises its error."""
    assert pool.run(add, pool.submit(add, 1, 1), 3) == 5
    with pytest.raises(ZeroDivisionError, match="no"):
        pool.run(fail, 1)


@pytest.mark.parametrize("kind", ["threads", "executor", "threaded get", "client"])
def test_tasks_beside_each_other(client, kind):
    """As many tasks run at a time as there are jobs."""
    with ThreadPoolExecutor(3) as threads:
        scheduler = {
            "threads": "threads",
            "executor": threads,
            "threaded get": dask.threaded.get,
            "client": client,
        }[kind]
        with open_pool(scheduler, 3) as pool:
            barriers.append(threading.Barrier(3))
            handles = [pool.submit(meet) for _ in range(3)]
            finish(pool, handles)
            assert sorted(pool.result(handle) for handle in handles) == [0, 1, 2]


barriers = []  # of this process


def meet():
    return barriers[-1].wait(5)


# ---- what is kept ----


@pytest.mark.parametrize("kind", POOLS[:-1])
def test_results_are_dropped(kind):
    """A result is gone once nobody has its handle, even if others came of it."""
    with ThreadPoolExecutor(2) as threads:
        pool = {
            "immediate": LocalPool(Immediate(), 1),
            "threads": LocalPool(threads, 2),
            "get": GetPool(dask.get, 2),
            "threaded get": GetPool(dask.threaded.get, 2),
        }[kind]
        gc.collect()
        gc.disable()
        try:
            thing = pool.submit(Thing, 3)
            same = pool.submit(give, thing)
            value = pool.submit(getattr, same, "value")
            finish(pool, [value])
            finish(pool, [thing, same])
            alive = weakref.ref(pool.result(thing))
            assert pool.result(same) is alive()
            for handle in (thing, same):
                pool.release(handle)
            del thing, same, handle
            # A thread may still be on its way out of the task.
            assert wait_until(lambda: alive() is None, 5) == []
        finally:
            gc.enable()
        assert pool.result(value) == 3


def test_results_on_workers_are_dropped(client):
    """What is released leaves the cluster, while what is needed stays."""
    pool = ClientPool(client)
    data, first = pool.put(np.arange(10)), pool.submit(add, 1)
    second = pool.submit(add, first, 1)
    finish(pool, [second])
    keys = {data.key, first.key, second.key}

    def there():
        return keys.intersection(*client.has_what().values())

    assert there() == keys
    pool.release(first)
    pool.release(data)
    assert wait_until(lambda: there() == {second.key}, 10) == []
    assert pool.result(second) == 2
    assert pool.run(add, second, 1) == 3
    pool.release(second)
    assert wait_until(lambda: not there(), 10) == []


# ---- Dask collections ----


@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
def test_arrays(pool, known):
    """An array of Dask's is computed to one piece."""
    rows = np.arange(12.0).reshape(6, 2)
    lazy = da.from_array(rows, chunks=(4, 1))
    if not known:
        lazy = lazy[da.from_array(rows[:, 0] >= 0, chunks=4)]
    handle = pool.compute(lazy)
    assert outcome(pool, pool.submit(np.shape, handle)) == (6, 2)
    np.testing.assert_array_equal(pool.result(handle), rows)


def test_frames_and_delayed(pool):
    """So are frames, and values that are delayed."""
    frame = pd.DataFrame({"a": range(5)})
    handle = pool.compute(dd.from_pandas(frame, npartitions=2))
    finish(pool, [handle])
    pd.testing.assert_frame_equal(pool.result(handle), frame)
    assert outcome(pool, pool.compute(dask.delayed(add)(1, 2))) == 3


# ---- a cluster's own ----


@pytest.mark.parametrize("n_slots", [None, 1, 3, 99])
def test_slots_of_a_cluster(client, n_slots):
    """A cluster has as many slots as threads, or as are asked for."""
    assert ClientPool(client, n_slots).n_slots == min(n_slots or 4, 4)


def test_cancelled_results(client):
    """Results that are gone for good are said to be lost."""
    pool = ClientPool(client)
    handle = pool.submit(add, 1)
    finish(pool, [handle])
    client.cancel([handle])
    with pytest.raises(ResultsLost):
        pool.wait([handle])
    with pytest.raises(ResultsLost):
        pool.result(handle)


def test_data_that_get_lost():
    """If a worker leaves with data that came from here, what needs them is lost."""
    with local_cluster(1, device="cpu", processes=False) as cluster:
        client = Client(cluster, set_as_default=False)
        pool = ClientPool(client)
        data = pool.put(np.arange(10))
        handle = pool.submit(add, data, 1)
        finish(pool, [handle])
        cluster.scale(0)
        wait_until(lambda: not client.nthreads(), 20)
        with pytest.raises(ResultsLost):
            while pool.wait([handle]):
                pool.result(handle)
        cluster.scale(1)
        pool.recover()
        again = pool.submit(add, pool.put(1), 1)
        finish(pool, [again])
        assert pool.result(again) == 2
        client.close()


def test_small_data_outlive_their_worker(mortal_client):
    """What is small and came from here is there again after any worker has died."""
    client = mortal_client
    pool = ClientPool(client)
    data = pool.put(np.arange(10))
    finish(pool, [pool.submit(add, data, 1)])
    pids = client.run(os.getpid)
    for (worker,) in client.who_has([data]).values():
        os.kill(pids[worker], signal.SIGKILL)
    again = pool.submit(add, data, 1)
    finish(pool, [again])
    assert pool.result(again).tolist() == list(range(1, 11))


class _Handle:
    """Stands in for a future, and raises what it is told to."""

    def __init__(self, error):
        self._error = error

    def result(self, timeout=None):
        raise self._error


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (
            KilledWorker("a task", SimpleNamespace(address="tcp://somewhere"), 3),
            TaskKilled,
        ),
        (CancelledError("a task"), ResultsLost),
        (ValueError("its own"), ValueError),
    ],
    ids=["killed", "cancelled", "own"],
)
def test_words_of_a_cluster(client, error, said):
    """What Dask says of lost and of deadly tasks is said as all pools say it."""
    with pytest.raises(said):
        ClientPool(client).result(_Handle(error))


def test_cluster_without_workers(configure):
    """Where no worker comes in time, an error names the client."""
    configure({"workers.patience": "300 ms"})
    with local_cluster(1, device="cpu", processes=False) as cluster:
        cluster.scale(0)
        with Client(cluster, set_as_default=False) as client:
            wait_until(lambda: not client.nthreads(), 20)
            with pytest.raises(Exception, match=r"Client.*no worker"):
                ClientPool(client).put(1)


def test_worker_that_comes_later():
    """A value waits for the first worker."""
    with local_cluster(1, device="cpu", processes=False) as cluster:
        cluster.scale(0)
        with Client(cluster, set_as_default=False) as client:
            wait_until(lambda: not client.nthreads(), 20)
            pool = ClientPool(client)
            timer = threading.Timer(0.3, cluster.scale, [1])
            timer.start()
            assert outcome(pool, pool.submit(add, pool.put(1), 1)) == 2
            timer.join()


@pytest.mark.timeout(20)
def test_tasks_that_are_cancelled():
    """A pool of threads that is closed gives up what has not begun."""
    threads = ThreadPoolExecutor(1)
    pool = LocalPool(threads, 1)
    first = pool.submit(time.sleep, 0.1)
    second = pool.submit(add, 1)
    third = pool.submit(add, second, 1)
    threads.shutdown(cancel_futures=True)
    finish(pool, [first])
    for handle in (second, third, pool.submit(add, 1)):
        finish(pool, [handle])
        with pytest.raises((CancelledError, RuntimeError)):
            pool.result(handle)
