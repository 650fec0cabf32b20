# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run tasks in threads of this process, or wherever an executor runs them."""

from __future__ import annotations

import threading
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    CancelledError,
    Executor,
    Future,
    ThreadPoolExecutor,
    wait,
)
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from itertools import count
from typing import Any, TypeAlias

import dask
from distributed import Client

from gpu_hpo._typing import DaskCollection
from gpu_hpo.compute._blas import one_blas_thread
from gpu_hpo.compute._cluster_device import cluster_device, sharing_devices
from gpu_hpo.compute._pool import Pool
from gpu_hpo.devices._detect import Device

# What has become of a task: its result, and the exception that it has raised.
_TaskOutcome: TypeAlias = tuple[Any, BaseException | None]

_inside = threading.local()


class Immediate(Executor):
    """Runs each task when it is submitted, in the thread that submits it."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        """Run a task."""
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class LocalPool(Pool):
    """Tasks on an executor of `concurrent.futures`.

    Parameters
    ----------
    executor : Executor
    n_slots : int
    scheduler : str, Client, callable or None
        Dask's scheduler that computes collections; None is the active one.
    one_thread : bool
        Whether BLAS and OpenMP are kept to one thread, since other tasks run beside.
    """

    def __init__(
        self,
        executor: Executor,
        n_slots: int,
        scheduler: str | Client | Callable[..., Any] | None = "threads",
        *,
        one_thread: bool = True,
    ) -> None:
        self._executor = executor
        self.n_slots = n_slots
        self._scheduler = scheduler
        self._one_thread = one_thread

    def put(self, value: Any) -> Future:
        future: Future = Future()
        future.set_result(value)
        return future

    def compute(self, collection: DaskCollection) -> Future:
        return self.put(collection.compute(scheduler=self._scheduler))

    def submit(self, function: Callable[..., Any], *args: Any) -> Future:
        """Run a task as soon as its arguments are there."""
        outcome: Future = Future()
        missing = [a for a in args if isinstance(a, Future) and not a.done()]
        if not missing:
            self._start(outcome, function, args)
            return outcome
        later = _Later(self._start, outcome, function, args, len(missing))
        for argument in missing:
            argument.add_done_callback(later)
        return outcome

    def _start(
        self, outcome: Future, function: Callable[..., Any], args: Sequence[Any]
    ) -> None:
        try:
            given = [a.result() if isinstance(a, Future) else a for a in args]
            task = self._executor.submit(_task, self._one_thread, function, given)
        except BaseException as error:
            # An argument has failed, or the pool was closed.
            outcome.set_exception(error)
            return
        task.add_done_callback(lambda task: _pass_on(task, outcome))

    def wait(self, handles: Iterable[Future]) -> list[Future]:
        handles = list(handles)
        done = wait(handles, return_when=FIRST_COMPLETED).done
        return [handle for handle in handles if handle in done]

    def result(self, handle: Future) -> Any:
        return handle.result()

    def sharing_devices(self) -> Counter[str]:
        one = isinstance(self._executor, Immediate | ThreadPoolExecutor)
        return Counter({"the only one": 1 if one else self.n_slots})

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a task in this thread, with all cores."""
        return function(*(a.result() if isinstance(a, Future) else a for a in args))


class _Later:
    """Starts a task when the last of its arguments has arrived.

    It and its arguments refer to each other. It must drop its references, or results
    would live until the garbage collector finds them.
    """

    def __init__(self, start: Callable[..., None], *task: Any) -> None:
        *what, self._left = task
        self._start: Any = start
        self._what: Any = what
        self._lock = threading.Lock()

    def __call__(self, argument: Future) -> None:
        with self._lock:
            self._left -= 1
            if self._left:
                return
        start, what = self._start, self._what
        self._start = self._what = None
        start(*what)


class GetPool(LocalPool):
    """Tasks run by a Dask ``get`` function, in one graph of all that were submitted."""

    def __init__(self, get: Callable[..., Any], n_slots: int) -> None:
        super().__init__(Immediate(), n_slots)
        self._get = get
        owner = getattr(get, "__self__", None)
        self._client = owner if isinstance(owner, Client) else None
        # Keys must be new, for a cluster may know those of other graphs and pools.
        self._keys = (f"gpu_hpo-{uuid.uuid4().hex}-{i}" for i in count())
        self._waiting: list[tuple[Future, Callable[..., Any], Sequence[Any]]] = []

    def compute(self, collection: DaskCollection) -> Future:
        return self.put(dask.compute(collection, scheduler=self._get)[0])

    def submit(self, function: Callable[..., Any], *args: Any) -> Future:
        """Keep a task for the next graph."""
        outcome: Future = Future()
        self._waiting.append((outcome, function, args))
        return outcome

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a task, and all that were submitted before."""
        return Pool.run(self, function, *args)

    def device(self, requested: str) -> Device:
        """Return the device of tasks; of all workers, if it is a client's `get`."""
        if self._client is None:
            return super().device(requested)
        found: Device = self._client.sync(cluster_device, self._client, requested)
        return found

    def sharing_devices(self) -> Counter[str]:
        if self._client is None:
            return super().sharing_devices()
        found: Counter[str] = self._client.sync(sharing_devices, self._client)
        return found

    def wait(self, handles: Iterable[Future]) -> list[Future]:
        """Run all tasks that were submitted."""
        tasks, self._waiting = self._waiting, []
        names = {id(outcome): next(self._keys) for outcome, _, _ in tasks}
        graph: dict[str, Any] = {}
        for outcome, function, args in tasks:
            given = []
            for value in args:
                name = names.get(id(value))
                if name is None:
                    # As a separate result, which no scheduler looks into.
                    name = next(self._keys)
                    graph[name] = (partial(_same, _given(value)),)
                given.append(name)
            graph[names[id(outcome)]] = (partial(_attempt, function), *given)
        with dask.config.set(num_workers=self.n_slots):
            found = self._get(graph, [names[id(outcome)] for outcome, _, _ in tasks])
        for (outcome, _, _), (value, error) in zip(tasks, found, strict=True):
            if error is None:
                outcome.set_result(value)
            else:
                outcome.set_exception(error)
        return [handle for handle in handles if handle.done()]


def _given(value: Any) -> _TaskOutcome:
    """Return an argument: a value, or what has become of a task of an earlier graph."""
    if not isinstance(value, Future):
        return value, None
    error = value.exception()
    return (value.result() if error is None else None), error


def _same(outcome: _TaskOutcome) -> _TaskOutcome:
    return outcome


def _attempt(function: Callable[..., Any], *args: _TaskOutcome) -> _TaskOutcome:
    """Run a task, whose exception is a result, so that others go on."""
    for _, error in args:
        if error is not None:
            return None, error
    try:
        return function(*(value for value, _ in args)), None
    except Exception as error:
        return None, error


def in_pool() -> bool:
    """Return whether the caller is a task of a pool that runs tasks in threads."""
    return getattr(_inside, "tasks", 0) > 0


def _task(one_thread: bool, function: Callable[..., Any], args: Sequence[Any]) -> Any:
    limit: AbstractContextManager = one_blas_thread() if one_thread else nullcontext()
    _inside.tasks = getattr(_inside, "tasks", 0) + one_thread
    try:
        with limit:
            return function(*args)
    finally:
        _inside.tasks -= one_thread


def _pass_on(task: Future, outcome: Future) -> None:
    error = CancelledError() if task.cancelled() else task.exception()
    if error is None:
        outcome.set_result(task.result())
    else:
        outcome.set_exception(error)
