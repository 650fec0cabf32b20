# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""From `scheduler` and `n_jobs` to a pool."""

import asyncio
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import dask
import dask.array as da
import dask.threaded
import numpy as np
import pytest
from dask.system import CPU_COUNT
from distributed import Client, get_worker

from gpu_hpo.compute import embedded_client, local_cluster
from gpu_hpo.compute._backends import open_blocks_pool, open_pool
from gpu_hpo.compute._client_pool import ClientPool
from gpu_hpo.compute._local_pool import GetPool, Immediate, LocalPool


def kind_of(pool):
    """What runs the tasks of a pool."""
    if isinstance(pool, (ClientPool, GetPool)):
        return type(pool).__name__
    assert isinstance(pool, LocalPool)
    return type(pool._executor).__name__


def thread():
    return threading.current_thread()


# Name: where the tasks run.
NAMES = {
    "threads": "ThreadPoolExecutor",
    "threading": "ThreadPoolExecutor",
    "Threads": "ThreadPoolExecutor",
    "sync": "Immediate",
    "synchronous": "Immediate",
    "single-threaded": "Immediate",
    "SYNC": "Immediate",
    "distributed": "ClientPool",
    "dask.distributed": "ClientPool",
    "processes": "ClientPool",
    "multiprocessing": "ClientPool",
}


@pytest.mark.parametrize("configured", [False, True], ids=["given", "configured"])
@pytest.mark.parametrize("name", NAMES)
def test_names(threads_client, name, configured):
    """A name says what runs tasks, given or in Dask's configuration."""
    with (
        dask.config.set(scheduler=name if configured else "nonsense"),
        open_pool(None if configured else name, 2) as pool,
    ):
        assert kind_of(pool) == NAMES[name]
        if kind_of(pool) == "ClientPool":
            own = "distributed" not in name
            assert pool.client is (embedded_client() if own else threads_client)


@pytest.mark.parametrize("configured", [False, True], ids=["given", "configured"])
def test_functions(configured):
    """So does a `get` of Dask's."""
    with (
        dask.config.set(scheduler=dask.get if configured else None),
        open_pool(None if configured else dask.threaded.get, 3) as pool,
    ):
        assert kind_of(pool) == "GetPool"
        assert pool.n_slots == 3


def test_none():
    """By default tasks run on threads of this process, where there is no client."""
    with open_pool() as pool:
        assert kind_of(pool) == "ThreadPoolExecutor"
        assert pool.n_slots == CPU_COUNT
        handle = pool.submit(thread)
        pool.wait([handle])
        worker = pool.result(handle)
        assert worker is not threading.current_thread()
    # They end with the search.
    worker.join(10)
    assert not worker.is_alive()


def test_active_client(threads_client):
    """Where there is a client its workers run the tasks."""
    with open_pool() as pool:
        assert pool.client is threads_client
        assert pool.n_slots == 4


def test_client(threads_client, _processes_client):
    """A client that is given is used, whichever is the active one."""
    with open_pool(_processes_client) as pool:
        assert pool.client is _processes_client
        assert pool.n_slots == 2


def test_executor():
    """An executor is used, has as many slots as workers, and stays open."""
    with ThreadPoolExecutor(3) as threads:
        with open_pool(threads) as pool:
            assert pool.n_slots == 3
            assert pool._executor is threads
        with open_pool(threads, 2) as pool:
            assert pool.n_slots == 2
        assert threads.submit(sum, [1]).result() == 1


@pytest.mark.parametrize(
    ("n_jobs", "slots"),
    [
        (None, CPU_COUNT),
        (-1, CPU_COUNT),
        (-2, max(CPU_COUNT - 1, 1)),
        (-1000, 1),
        (1, 1),
        (2, 2),
        (50, 50),
    ],
)
def test_n_jobs(n_jobs, slots):
    """n_jobs counts as in scikit-learn, and 1 is no thread but this one."""
    with open_pool("threads", n_jobs) as pool:
        assert pool.n_slots == slots
        expected = "Immediate" if slots == 1 else "ThreadPoolExecutor"
        assert kind_of(pool) == expected
    with open_pool(dask.get, n_jobs) as pool:
        assert pool.n_slots == slots


@pytest.mark.parametrize(("n_jobs", "slots"), [(None, 4), (-1, 4), (-2, 3), (-9, 1)])
@pytest.mark.parametrize("kind", ["client", "executor"])
def test_n_jobs_elsewhere(threads_client, kind, n_jobs, slots):
    """It counts the threads of a cluster, or of an executor, in the same way."""
    with ThreadPoolExecutor(4) as threads:
        scheduler = threads_client if kind == "client" else threads
        with open_pool(scheduler, n_jobs) as pool:
            assert pool.n_slots == slots


def test_no_jobs():
    """No job at a time makes no sense, in scikit-learn's words."""
    words = "n_jobs == 0 in Parallel has no meaning"
    with pytest.raises(ValueError, match=words), open_pool("threads", 0):
        pass


@pytest.mark.parametrize("bad", ["nope", "", 3, 0.5, True, [], dict, Client], ids=str)
@pytest.mark.parametrize("configured", [False, True], ids=["given", "configured"])
def test_what_is_no_scheduler(bad, configured):
    """What cannot run tasks is named, with its value and what could."""
    pattern = rf"(?s)scheduler={re.escape(repr(bad))}.*None.*threads.*Client.*Executor"
    with (
        dask.config.set(scheduler=bad if configured else None),
        pytest.raises((TypeError, ValueError), match=pattern),
        open_pool(None if configured else bad),
    ):
        pass


def test_closed_client():
    """A client that is closed is said to be."""
    with local_cluster(1, device="cpu", processes=False) as cluster:
        client = Client(cluster, set_as_default=False)
        client.close()
        with pytest.raises(ValueError, match=r"Client.*is closed"), open_pool(client):
            pass


def test_asynchronous_client():
    """A client that does not wait is said to be of no use."""

    async def try_it(address):
        async with Client(address, asynchronous=True, set_as_default=False) as client:
            with open_pool(client):
                pass

    with (
        local_cluster(1, device="cpu", processes=False) as cluster,
        pytest.raises(TypeError, match="asynchronous"),
    ):
        asyncio.run(try_it(cluster.scheduler_address))


# ---- pools within pools ----


def inner():
    """What a search in a task would run on."""
    with open_pool() as pool:
        return kind_of(pool), pool.n_slots


def test_within_a_pool_of_threads():
    """A search in a task of another's is no more threads, unless it asks for them."""
    with open_pool("threads", 2) as pool:
        handle = pool.submit(inner)
        pool.wait([handle])
        assert pool.result(handle) == ("Immediate", 1)
    assert inner() == ("ThreadPoolExecutor", CPU_COUNT)


def test_within_a_task_of_a_cluster(threads_client):
    """A search in a task runs on the cluster that the task runs on."""
    assert threads_client.submit(inner, pure=False).result() == ("ClientPool", 4)


def test_within_this_thread():
    """Tasks that run in this thread may have others beside them."""
    with open_pool("synchronous") as pool:
        assert pool.run(inner) == ("ThreadPoolExecutor", CPU_COUNT)


# ---- fits that are graphs ----


def blocks():
    """Where blocks of an array are computed by default."""
    lazy = da.ones(4, chunks=2).map_blocks(note, meta=np.empty(0))
    lazy.compute()
    return places.copy()


places = set()


def note(block):
    try:
        places.add(get_worker().address)
    except ValueError:
        places.add("main" if thread() is threading.main_thread() else "thread")
    return block


@pytest.mark.parametrize(
    ("scheduler", "place"),
    [("synchronous", "thread"), ("threads", "thread"), ("client", "inproc")],
)
def test_blocks(request, scheduler, place):
    """Fits of blocks run in threads here, and their blocks where they are told to."""
    if scheduler == "client":
        scheduler = request.getfixturevalue("threads_client")
    places.clear()
    with open_blocks_pool(scheduler, 2) as pool:
        assert kind_of(pool) == "ThreadPoolExecutor"
        assert isinstance(pool, LocalPool)
        handle = pool.submit(blocks)
        pool.wait([handle])
        found = {name.split(":")[0] for name in pool.result(handle)}
        assert found == {place}


def test_immediate():
    """What runs at once is done when it is submitted."""
    future = Immediate().submit(thread)
    assert future.result() is threading.current_thread()
