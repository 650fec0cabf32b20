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

from distributed import client as _client
from distributed.deploy import spec as _spec

from gpu_hpo.exceptions import ForkedProcessError

_LOOP_THREAD = "IO loop"  # by this name Dask's threads with an event loop are known

_ran_before = False  # in the process that forks
_lost_dask = False


def _before_fork() -> None:
    global _ran_before
    _ran_before = any(thread.name == _LOOP_THREAD for thread in threading.enumerate())


def _after_fork() -> None:
    global _lost_dask
    _lost_dask = _lost_dask or _ran_before
    if _ran_before:
        _leave_the_parents_cluster_alone()


def _leave_the_parents_cluster_alone() -> None:
    """Leave to the parent what it would do at exit to its clusters and folders.

    A child that ends by `sys.exit` would end the workers and remove their folders.
    """
    atexit.unregister(_spec.close_clusters)
    atexit.unregister(_client._close_global_client)
    processes: Any = multiprocessing.process
    processes._children.clear()
    finalizers: Any = weakref.finalize
    for finalizer in list(finalizers._registry):
        peeked = finalizer.peek()
        if peeked and getattr(peeked[1], "__module__", "").startswith("distributed."):
            finalizer.atexit = False


if hasattr(os, "register_at_fork"):  # not on Windows, where nothing is forked
    os.register_at_fork(before=_before_fork, after_in_child=_after_fork)


def check_not_forked() -> None:
    """Raise ForkedProcessError if this process was forked while Dask was running."""
    if _lost_dask:
        raise ForkedProcessError(
            f"process {os.getpid()} was forked from one in which Dask was running. "
            "Dask cannot be used here: it would wait for threads that only the other "
            "has. Start this process by the method 'spawn' or 'forkserver' of "
            "multiprocessing, or fork before the first search and the first Client"
        )
