# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tell processes in which Dask cannot run: those forked while it ran.

A forked process has none of its parent's threads, but all that they shared: Dask would
wait for ever for an event loop, and for executors, whose threads are gone.
"""

from __future__ import annotations

import atexit
import multiprocessing.process
import os
import threading
import weakref
from typing import Any

import distributed.utils
from distributed import Client, SpecCluster, Worker
from distributed import client as _client
from distributed.deploy import spec as _spec

from gpu_hpo.exceptions import ForkedProcessError

_LOOP_THREAD = "IO loop"  # by this name Dask's threads with an event loop are known

_ran_before = False  # in the process that forks
_lost_dask = False


def _before_fork() -> None:
    global _ran_before
    utils: Any = distributed.utils
    instances: Any = (Client, SpecCluster, Worker)
    _ran_before = (
        any(thread.name == _LOOP_THREAD for thread in threading.enumerate())
        # Its loop may be the main thread's, or have ended: what it needs is gone, too.
        or any(kind._instances for kind in instances)
        or bool(utils._offload_executor._threads)
    )


def _after_fork() -> None:
    global _lost_dask
    _lost_dask = _lost_dask or _ran_before
    if _ran_before:
        _leave_the_parents_cluster_alone()


def _leave_the_parents_cluster_alone() -> None:
    """Leave to the parent what it does when clusters are closed, and at exit.

    A child that ends by `sys.exit` would end the workers and remove their folders, or
    wait for a loop that it does not have, where a ``with`` block closes them.
    """
    instances: Any = (Client, SpecCluster)
    for one in [one for kind in instances for one in kind._instances]:
        if isinstance(one, Client):
            one.status = "closed"
        else:
            one.close = _do_nothing
    atexit.unregister(_spec.close_clusters)
    atexit.unregister(_client._close_global_client)
    processes: Any = multiprocessing.process
    processes._children.clear()
    finalizers: Any = weakref.finalize
    for finalizer in list(finalizers._registry):
        peeked = finalizer.peek()
        if peeked and getattr(peeked[1], "__module__", "").startswith("distributed."):
            finalizer.atexit = False


def _do_nothing(timeout: float | None = None) -> None:
    """Take the place of what only the parent can close."""


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing is forked
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


def lost_dask() -> bool:
    """Return whether this process was forked while, or after, Dask was running."""
    return _lost_dask


def check_not_forked() -> None:
    """Raise ForkedProcessError if this was forked from where Dask had run."""
    if _lost_dask:
        raise ForkedProcessError(
            f"process {os.getpid()} was forked from one in which Dask had run. "
            "Dask cannot be used here: it would wait for threads that only the other "
            "has. Start this process by the method 'spawn' or 'forkserver' of "
            "multiprocessing, or fork before the first search and the first Client"
        )
