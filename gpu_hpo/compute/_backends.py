# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Choose where tasks run, by `scheduler` and `n_jobs`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from typing import Any, TypeAlias

import dask
from dask.system import CPU_COUNT
from distributed import Client

from gpu_hpo.compute._client_pool import ClientPool
from gpu_hpo.compute._clients import active_client, search_client
from gpu_hpo.compute._embedded import embedded_client
from gpu_hpo.compute._forks import check_not_forked
from gpu_hpo.compute._gone import while_it_is_there
from gpu_hpo.compute._local_pool import GetPool, Immediate, LocalPool, in_pool
from gpu_hpo.compute._pool import Pool
from gpu_hpo.devices._detect import Device
from gpu_hpo.training._heard import Hearing

_NAMES = {
    "threads": "threads",
    "threading": "threads",
    "processes": "processes",
    "multiprocessing": "processes",
    "sync": "synchronous",
    "synchronous": "synchronous",
    "single-threaded": "synchronous",
    "distributed": "distributed",
    "dask.distributed": "distributed",
}

# What `scheduler` may be.
Scheduler: TypeAlias = str | Client | Executor | Callable[..., Any] | None


def check_scheduler(scheduler: Scheduler) -> None:
    """Raise an error that names `scheduler` and its value if tasks cannot run on it."""
    accepted = (
        f"it must be None, one of {sorted(_NAMES)}, a distributed.Client, a "
        "concurrent.futures.Executor or a Dask get function"
    )
    if isinstance(scheduler, str):
        if scheduler.lower() not in _NAMES:
            raise ValueError(f"scheduler={scheduler!r} is not known: {accepted}")
    elif not (
        scheduler is None
        or isinstance(scheduler, Client | Executor)
        or (callable(scheduler) and not isinstance(scheduler, type))
    ):
        raise TypeError(f"scheduler={scheduler!r} is of no use: {accepted}")


@contextmanager
def open_blocks_pool(
    scheduler: Scheduler = None, n_jobs: int | None = None
) -> Iterator[Pool]:
    """Yield a pool for fits that are graphs of Dask tasks, one task per block.

    Dask runs the blocks by `scheduler`, as in `open_pool`; the pool only has one thread
    for each fit.
    """
    with open_pool(scheduler, n_jobs) as pool:
        how: Any = scheduler
        if isinstance(pool, ClientPool):
            how = pool.client
        elif isinstance(scheduler, str):
            how = _NAMES[scheduler.lower()]
        setting = nullcontext() if how is None else dask.config.set(scheduler=how)
        with _threads(pool.n_slots) as threads, setting:
            yield _BlocksPool(threads, pool)


class _BlocksPool(LocalPool):
    """Threads, each for a fit whose blocks are computed where `beneath` runs tasks."""

    def __init__(self, threads: Executor, beneath: Pool) -> None:
        super().__init__(threads, beneath.n_slots, one_thread=False)
        self._beneath = beneath

    def device(self, requested: str) -> Device:
        return self._beneath.device(requested)


@contextmanager
def open_pool(scheduler: Scheduler = None, n_jobs: int | None = None) -> Iterator[Pool]:
    """Yield the pool that runs the tasks of a search.

    Parameters
    ----------
    scheduler : str, Client, Executor, callable or None
        None is what Dask is configured to use, by ``dask.config.set(scheduler=...)``,
        else the active client, else threads; a search within a task of another search
        runs in its thread.
    n_jobs : int or None
        Tasks at a time: -1 or None for as many as there are cores, or threads of the
        cluster's workers, -2 for one fewer, and so on. 1 uses this thread only, unless
        a cluster or an executor is asked for.

    Yields
    ------
    Pool
    """
    # Fits that change the warning filters in several threads would spoil them for all.
    with Hearing().here(), _opened(scheduler, n_jobs) as pool:
        try:
            yield pool
        except BaseException:
            pool.settle()
            raise
        finally:
            pool.close()


@contextmanager
def open_one_by_one(scheduler: Scheduler = None) -> Iterator[Pool]:
    """Yield a pool that runs the tasks of a search in this thread, one by one.

    The `scheduler` computes Dask collections, if Dask accepts it.
    """
    check_scheduler(scheduler)
    if isinstance(scheduler, str):
        scheduler = _NAMES[scheduler.lower()]
    how = None if isinstance(scheduler, Executor) else scheduler
    with Hearing().here():
        yield LocalPool(Immediate(), 1, how, one_thread=False)


@contextmanager
def _threads(n: int) -> Iterator[ThreadPoolExecutor]:
    threads = ThreadPoolExecutor(n, thread_name_prefix="gpu_hpo-search")
    try:
        yield threads
    finally:
        threads.shutdown(cancel_futures=True)


def _n_slots(n_jobs: int | None, there: int) -> int:
    """Return how many of `there` slots may run tasks at a time."""
    if n_jobs is not None and n_jobs > 0:
        return n_jobs
    return max(there + 1 + (-1 if n_jobs is None else n_jobs), 1)


@contextmanager
def _opened(scheduler: Scheduler, n_jobs: int | None) -> Iterator[Pool]:
    check_scheduler(scheduler)
    if n_jobs == 0:
        raise ValueError("n_jobs == 0 in Parallel has no meaning")
    if scheduler is None:
        scheduler = dask.config.get("scheduler", None)
        check_scheduler(scheduler)
        if scheduler == "dask.distributed":
            # Every client sets this, also those of workers.
            scheduler = None
    if isinstance(scheduler, str):
        scheduler = _NAMES[scheduler.lower()]
    unasked = scheduler is None
    if unasked:
        scheduler = "threads" if active_client() is None else "distributed"
    n_slots = _n_slots(n_jobs, CPU_COUNT)
    if isinstance(scheduler, Client):
        check_not_forked()
        if scheduler.status != "running":
            raise ValueError(
                f"scheduler={scheduler!r} is {scheduler.status}: open a new client"
            )
        with while_it_is_there(scheduler):
            yield ClientPool(scheduler, n_jobs)
    elif scheduler == "distributed":
        with search_client() as client, while_it_is_there(client):
            yield ClientPool(client, n_jobs)
    elif scheduler == "processes":
        client = embedded_client()
        with while_it_is_there(client):
            yield ClientPool(client, n_jobs)
    elif isinstance(scheduler, Executor):
        workers = getattr(scheduler, "_max_workers", CPU_COUNT)
        yield LocalPool(scheduler, _n_slots(n_jobs, workers))
    elif callable(scheduler):
        yield GetPool(scheduler, n_slots)
    elif scheduler == "synchronous" or n_slots == 1 or (unasked and in_pool()):
        yield LocalPool(Immediate(), 1, "synchronous", one_thread=False)
    else:
        with _threads(n_slots) as threads:
            yield LocalPool(threads, n_slots)
