# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Where searches that stop early can run; each cluster is made once and kept."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from distributed import Client, Scheduler, SpecCluster, worker_client
from distributed.deploy.subprocess import SubprocessWorker

from gpu_hpo.compute import close_embedded, embedded_client, local_cluster
from tests.fuzz._core import SHARED

# One thread of this process; others are compared with it.
FIRST = "threads 1"
OTHERS = (
    "threads 2",
    "threads 4",
    "processes",
    "embedded",
    "asynchronous",
    "task",
    "task of a process",
    "worker client",
    "killed",
)
_LONGEST = 100.0  # seconds for one search


class Backends:
    """The clusters of a run of the fuzzer."""

    def __init__(self) -> None:
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        self._stack = ExitStack()
        self._clients: dict[str, Client] = {}
        self._loop: asyncio.AbstractEventLoop | None = None
        self._async_client: Any = None

    def fit(self, name: str, search: Any, args: tuple, params: dict) -> Any:
        """Fit a search there; give it, or the copy of it that was fitted."""
        if name == "embedded":
            embedded_client()
            return search.fit(*args, **params)
        if name == "asynchronous":
            return self._fit_asynchronously(search, args, params)
        if name in ("task", "task of a process", "worker client"):
            where = "processes" if name == "task of a process" else "threads 2"
            call = _fit_by_client if name == "worker client" else _fit
            client = self.client(where)
            future = client.submit(call, search, args, params, pure=False)
            return future.result(timeout=_LONGEST)
        if name == "killed":
            client = self.client("processes")
            with client.as_current(), _killing(client):
                return search.fit(*args, **params)
        with self.client(name).as_current():
            return search.fit(*args, **params)

    def client(self, name: str) -> Client:
        """Give the client of that name, of a cluster that is made now if need be."""
        if name not in self._clients:
            if name == "processes":
                cluster = _processes()
            else:
                threads = int(name.rpartition(" ")[2])
                cluster = local_cluster(
                    1,
                    device="cpu",
                    processes=False,
                    threads_per_worker=threads,
                    silence_logs=False,
                )
            self._stack.enter_context(cluster)
            client = Client(cluster, set_as_default=False)
            client.wait_for_workers(len(cluster.workers), timeout=60)
            self._clients[name] = self._stack.enter_context(client)
        return self._clients[name]

    def close(self) -> None:
        """End all clusters."""
        if self._loop is not None:
            self._wait(_closed(self._async_client))
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._loop = None
        self._stack.close()
        self._clients.clear()
        close_embedded()

    def _fit_asynchronously(self, search: Any, args: tuple, params: dict) -> Any:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=self._loop.run_forever, daemon=True).start()
            self._async_client = self._wait(_connect(self.client("processes")))
        return self._wait(_fit_awaited(self._async_client, search, args, params))

    def _wait(self, doing: Any) -> Any:
        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(doing, self._loop).result(_LONGEST)


def shared_backends() -> Backends:
    """Give the clusters that all cases of this process share."""
    if "adaptive backends" not in SHARED:
        SHARED["adaptive backends"] = Backends()
    return SHARED["adaptive backends"]


def _processes() -> Any:
    # Not by multiprocessing, whose processes would run the script of a case again.
    loopback = {"host": "127.0.0.1", "dashboard": False}
    worker = {
        "cls": SubprocessWorker,
        "options": {"worker_kwargs": {"nthreads": 1, "silence_logs": 50, **loopback}},
    }
    scheduler = {
        "cls": Scheduler,
        "options": {"port": 0, "dashboard_address": "127.0.0.1:0", **loopback},
    }
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [*sys.path, os.getcwd()]))
    try:
        return SpecCluster(
            workers={0: worker, 1: worker}, scheduler=scheduler, silence_logs=False
        )
    finally:
        del os.environ["PYTHONPATH"]
        if before is not None:
            os.environ["PYTHONPATH"] = before


async def _connect(other: Client) -> Client:
    return await Client(
        other.scheduler.address,
        security=other.security,
        asynchronous=True,
        set_as_default=False,
    )


async def _closed(client: Client) -> None:
    await client.close()


async def _fit_awaited(client: Client, search: Any, args: tuple, params: dict) -> Any:
    with client.as_current():
        return await search.fit(*args, **params)


def _fit(search: Any, args: tuple, params: dict) -> Any:
    return search.fit(*args, **params)


def _fit_by_client(search: Any, args: tuple, params: dict) -> Any:
    with worker_client():
        return search.fit(*args, **params)


@contextmanager
def _killing(client: Client) -> Iterator[None]:
    """Kill one worker process shortly after the block was begun."""
    client.wait_for_workers(2, timeout=60)
    pids = client.run(os.getpid)
    victim = pids[min(pids)]
    timer = threading.Timer(0.1, _kill, (victim,))
    timer.start()
    try:
        yield
    finally:
        timer.join()
        _until(lambda: len(client.scheduler_info(n_workers=-1)["workers"]) == 2)


def _kill(pid: int) -> None:
    # It may have ended by itself, by what it trained.
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _until(true: Callable[[], bool]) -> None:
    end = time.monotonic() + 60
    while not true() and time.monotonic() < end:
        time.sleep(0.05)
