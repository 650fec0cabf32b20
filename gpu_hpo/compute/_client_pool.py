# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run tasks on the workers of a Dask cluster."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError
from itertools import count
from typing import Any

import numpy as np
from dask.sizeof import sizeof
from distributed import Client, Future, wait
from distributed.protocol.pickle import dumps, loads
from distributed.scheduler import KilledWorker

from gpu_hpo._config import read_seconds
from gpu_hpo._typing import DaskCollection
from gpu_hpo.compute._awaited import check_awaited
from gpu_hpo.compute._blas import one_blas_thread
from gpu_hpo.compute._cluster_device import cluster_device, sharing_devices
from gpu_hpo.compute._keys import key_of, new_name
from gpu_hpo.compute._pool import Pool, ResultsLost, TaskKilled
from gpu_hpo.compute._release import until_released
from gpu_hpo.compute._replacements import bring_back
from gpu_hpo.compute._transport import aligned, scatter, unwrap, wrap, wrap_result
from gpu_hpo.compute._worker_kernels import with_kernels
from gpu_hpo.compute._worker_packages import check_workers
from gpu_hpo.devices._detect import Device
from gpu_hpo.exceptions import WorkersLostError

_GONE = ("cancelled", "lost")
_LOST = "workers have died, and what tasks need is lost with them"
_LOOK = 1.0  # seconds between checks for workers
_PAUSE = 0.1
_LARGE = 100_000  # bytes of an array, such as row numbers
_MOST_LARGE = 16  # large arrays that are kept for further tasks
_SETTLED = 1.0
_COPIES = 2  # of data from here; Dask drops the second when nothing waits for it
_SMALL = 4 * 2**20  # bytes of data that the scheduler may keep


class _ResultPlace:
    """Marks the place of a result among the arguments of a task."""


class ClientPool(Pool):
    """Tasks on a cluster.

    Results stay on the workers. If a worker dies, Dask computes its results again. Only
    large values from the client cannot be computed again: if all workers that had one
    have died, `ResultsLost` is raised.

    Parameters
    ----------
    client : distributed.Client
        Not asynchronous; or not where this is called, off its event loop.
    n_jobs : int, optional
        Tasks at a time: by default, and at most, as many as the workers have threads;
        -2 for one fewer, and so on.

    Raises
    ------
    TypeError
        If the client is asynchronous.
    MissingPackagesError
        If workers cannot run tasks of ours.
    """

    def __init__(self, client: Client, n_jobs: int | None = None) -> None:
        if client.asynchronous:
            raise TypeError(
                f"{client!r} is asynchronous, and this search waits: open a Client "
                "without asynchronous=True, or pass another scheduler"
            )
        self.client = client
        self._check_awaited = check_awaited()
        self._patience = read_seconds("workers.patience")
        self._name = new_name()
        self._numbers = count()
        self._large: dict[int, tuple[np.ndarray, Future]] = {}
        workers = client.nthreads()
        client.sync(check_workers, client, list(workers))
        self._n_workers = len(workers)
        threads = sum(workers.values()) or 1
        n_jobs = -1 if n_jobs is None else n_jobs
        wanted = n_jobs if n_jobs > 0 else threads + 1 + n_jobs
        self.n_slots = min(max(wanted, 1), threads)

    def put(self, value: Any) -> Future:
        """Send a value to some workers, or to the scheduler, which keeps it."""
        workers = self._workers()[:_COPIES]
        small = self._small_pickle(value, workers)
        if small is not None:
            return self.client.submit(loads, small, key=self._key("data"), pure=False)
        sent, _ = self.client.sync(
            scatter,
            self.client,
            self._key("data"),
            wrap(value),
            workers,
            broadcast=len(workers) > 1,
        )
        return sent

    def _small_pickle(self, value: Any, workers: list[str]) -> bytes | None:
        """Return a pickle of a value that is on the host and small, else None.

        Workers in this process share the value itself.
        """
        parcel = wrap(value)
        if parcel is value or any(name.startswith("inproc") for name in workers):
            return None
        try:
            pickle: bytes = dumps(parcel) if sizeof(parcel) <= _SMALL else b""
        except Exception:  # Dask may have other ways, or says what is wrong
            return None
        return pickle if 0 < len(pickle) <= _SMALL else None

    def compute(self, collection: DaskCollection) -> Future:
        """Compute a Dask collection, in one piece, on a worker."""
        found = self.client.compute(collection)
        return self.client.submit(
            _wrapped, found, key=self._key("computed"), pure=False
        )

    def submit(self, function: Callable[..., Any], *args: Any) -> Future:
        """Run a task on a worker."""
        args = tuple(self._sent(a) if _is_large(a) else a for a in args)
        results = [a for a in args if isinstance(a, Future)]
        # Dask would unpickle on the scheduler what only workers need to know.
        others = [_ResultPlace if isinstance(a, Future) else a for a in args]
        return self.client.submit(
            _task,
            dumps((function, others)),
            *results,
            key=self._key(function.__name__),
            pure=False,
        )

    def wait(self, handles: Iterable[Future]) -> list[Future]:
        handles = list(handles)
        since = time.monotonic()
        while True:
            self._check_awaited()
            try:
                with self.client.as_current():
                    wait(handles, timeout=_LOOK, return_when="FIRST_COMPLETED")
                break
            except KeyboardInterrupt as interrupt:
                # Where Dask waited is of no use.
                raise KeyboardInterrupt(*interrupt.args) from None
            except CancelledError as error:
                raise ResultsLost(f"{_LOST}: {error}") from error
            except TimeoutError:
                since = self._seen_workers(since)
        if any(handle.status in _GONE for handle in handles):
            raise ResultsLost(_LOST)
        return [handle for handle in handles if handle.done()]

    def result(self, handle: Future) -> Any:
        """Bring the result of a task here."""
        since, patience = time.monotonic(), _LOOK
        while True:
            self._check_awaited()
            try:
                return unwrap(handle.result(timeout=patience))
            except CancelledError as error:
                raise ResultsLost(f"{_LOST}: {error}") from error
            except KilledWorker as error:
                deaths = error.allowed_failures + 1
                raise TaskKilled(str(error), deaths) from error
            except TimeoutError:
                if handle.status == "error":
                    raise  # the task's own
                # It was lost on its way here, or is large.
                since = self._seen_workers(since)
                patience *= 2

    def device(self, requested: str) -> Device:
        """Return the device that all workers have."""
        found: Device = self.client.sync(cluster_device, self.client, requested)
        return found

    def with_kernels(self, device: Device) -> Device:
        found: Device = self.client.sync(with_kernels, self.client, device)
        return found

    def sharing_devices(self) -> Counter[str]:
        found: Counter[str] = self.client.sync(sharing_devices, self.client)
        return found

    def recover(self) -> None:
        """Wait for dead workers to be replaced, if they are."""
        self._large.clear()
        end = time.monotonic() + read_seconds("workers.recovery")
        self._n_workers = max(self._n_workers, len(self.client.nthreads()))
        while len(self.client.nthreads()) < self._n_workers:
            if time.monotonic() > end:
                self._n_workers = len(self.client.nthreads())  # the others are gone
                break
            bring_back(self.client)
            time.sleep(_PAUSE)
        time.sleep(_SETTLED)

    def _seen_workers(self, since: float) -> float:
        """Return when a worker was last seen; raise if that is too long ago."""
        bring_back(self.client)
        now = time.monotonic()
        if self.client.nthreads():
            return now
        if now - since > self._patience:
            raise self._no_worker()
        return since

    def _no_worker(self) -> WorkersLostError:
        return WorkersLostError(
            f"{self.client!r} has had no worker for {self._patience:.0f} seconds"
        )

    def release(self, handle: Future) -> None:
        """Allow the workers to forget a result."""
        handle.release()

    def settle(self) -> None:
        if self.client.status == "running":
            self.client.sync(until_released, self.client, self._name)

    def close(self) -> None:
        # Errors that were handled may refer to this pool until garbage is collected.
        self._large.clear()

    def _sent(self, value: np.ndarray) -> Future:
        """Send a value too large for a graph, once for all tasks that take it."""
        known = self._large.get(id(value))
        if known is None:
            known = self._large[id(value)] = value, self.put(value)
            if len(self._large) > _MOST_LARGE:
                del self._large[next(iter(self._large))]
        return known[1]

    def _workers(self) -> list[str]:
        """Return the addresses of the workers, of which there is at least one."""
        end = time.monotonic() + self._patience
        while not (workers := list(self.client.nthreads())):
            if time.monotonic() > end:
                raise self._no_worker()
            bring_back(self.client)
            time.sleep(_PAUSE)
        return workers

    def _key(self, kind: str) -> str:
        word = kind.strip("_").partition("_")[0]
        return key_of(self._name, word, next(self._numbers))


def _is_large(value: object) -> bool:
    return isinstance(value, np.ndarray) and value.nbytes > _LARGE


def _task(given: bytes, *results: Any) -> Any:
    function, args = loads(given)
    there = map(unwrap, results)
    args = [next(there) if a is _ResultPlace else a for a in args]
    with one_blas_thread():
        return wrap_result(function(*args))


def _wrapped(value: Any) -> Any:
    return wrap(aligned(value))
