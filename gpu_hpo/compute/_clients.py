# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Choose the Dask client that a search uses."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from distributed import Client, get_client, get_worker, worker_client

from gpu_hpo.compute._embedded import embedded_client
from gpu_hpo.compute._forks import check_not_forked, lost_dask
from gpu_hpo.exceptions import ClientClosedError

# If tasks in two threads ask Dask for their worker's client at once, both may clean up
# closed clients, and both may make a new one.
_asking = threading.Lock()


@contextmanager
def search_client() -> Iterator[Client]:
    """Yield the client to search with.

    In a task it is the client of the worker, and the task leaves its thread to the
    search; else it is the active client, else that of the embedded cluster.

    Raises
    ------
    ClientClosedError
        If the active client is closed.
    ForkedProcessError
        If this process was forked while Dask was running.
    """
    if _in_task():
        with ExitStack() as stack:
            with _asking:
                client = stack.enter_context(worker_client())
            yield client
        return
    check_not_forked()
    client = _active_client()
    if client is None:
        client = embedded_client()
    if client.status != "running":
        raise ClientClosedError(
            f"the active client {client!r} is {client.status}: open a new one, or "
            "leave it out and the search starts a cluster of its own"
        )
    yield client


def active_client() -> Client | None:
    """Return the client that is active where this is called, if there is one."""
    return get_client() if _in_task() else _active_client()


def _active_client() -> Client | None:
    try:
        client = Client.current()
    except ValueError:
        return None
    # The client of a worker in this process may outlive its tasks; Dask then takes it
    # for a default, although the user did not open it.
    return None if client.id.startswith("Client-worker-") else client


def _in_task() -> bool:
    if lost_dask():  # what Dask knows of this thread is the parent's
        return False
    try:
        get_worker()
    except ValueError:
        return False
    return True
