# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run a search that waits, while the event loop of an asynchronous client runs on."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

import dask
from distributed import Client
from sklearn import config_context, get_config

from gpu_hpo._config import read_seconds
from gpu_hpo.compute._clients import active_client

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

_stop: contextvars.ContextVar[threading.Event | None] = contextvars.ContextVar(
    "gpu_hpo_stop", default=None
)


class SearchStopped(BaseException):
    """Ends a search in a thread, since nobody awaits it any more."""


def is_awaited(scheduler: Any) -> bool:
    """Return whether a search on `scheduler` has to be awaited.

    That is if it would use an asynchronous client, on whose event loop it was called.
    """
    if scheduler is None:
        scheduler = dask.config.get("scheduler", None)
    if scheduler in (None, "distributed", "dask.distributed"):
        scheduler = active_client()
    client = getattr(scheduler, "__self__", scheduler)  # of a client's `get`
    return isinstance(client, Client) and bool(client.asynchronous)


def in_thread(search: Callable[[], Result]) -> Coroutine[Any, Any, Result]:
    """Return an awaitable that runs a search in a thread of its own.

    There one can wait for the client. scikit-learn's settings and the active client are
    there as they are here. If the awaiting task is cancelled, the search is stopped and
    keeps what it has found so far; that is waited for as long as the setting
    ``interrupt-timeout`` says.
    """
    stop, settings = threading.Event(), get_config()

    def run() -> Result:
        _stop.set(stop)
        with config_context(**settings):
            return search()

    return _awaited(partial(contextvars.copy_context().run, run), stop)


async def _awaited(search: Callable[[], Result], stop: threading.Event) -> Result:
    threads = ThreadPoolExecutor(1, thread_name_prefix="gpu_hpo-awaited")
    try:
        running = asyncio.get_running_loop().run_in_executor(threads, search)
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([running], timeout=read_seconds("interrupt-timeout"))
            if running.done() and not running.cancelled():
                logger.info("the search ended with %r", running.exception())
            raise
    finally:
        threads.shutdown(wait=False)


def check_awaited() -> Callable[[], None]:
    """Return a function that raises `SearchStopped` once nobody awaits this search."""
    stop = _stop.get()

    def check() -> None:
        if stop is not None and stop.is_set():
            raise SearchStopped

    return check
