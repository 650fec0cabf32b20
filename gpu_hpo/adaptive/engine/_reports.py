# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Send reports from workers to the client, without a task of their own.

A report that was the result of a task would have to wait for a thread of the worker,
behind the next task. As an event it leaves together with the message that the task is
finished.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from weakref import WeakKeyDictionary

from distributed import Client
from distributed.protocol.pickle import loads

from gpu_hpo.adaptive.engine._task import Report

# One topic per client: Dask's scheduler keeps the last events of each topic for good.
_listeners: WeakKeyDictionary[Client, dict[str, Callable[[Report], None]]] = (
    WeakKeyDictionary()
)


@contextmanager
def reports(
    client: Client, search: str, listener: Callable[[Report], None]
) -> Iterator[str]:
    """Pass the reports of one search to `listener`, on the client's event loop.

    Yields
    ------
    str
        The topic that workers have to use.
    """
    topic = f"gpu_hpo-{client.id}"
    if client not in _listeners:
        _listeners[client] = {}
    listeners = _listeners[client]
    if not listeners:
        client.subscribe_topic(topic, lambda event: _pass_on(listeners, event))
    listeners[search] = listener
    try:
        yield topic
    finally:
        del listeners[search]
        if not listeners and client.status == "running":
            client.unsubscribe_topic(topic)


def _pass_on(
    listeners: dict[str, Callable[[Report], None]], event: tuple[float, Any]
) -> None:
    message = event[1]
    if message["search"] in listeners:
        listeners[message["search"]](loads(message["report"]))
