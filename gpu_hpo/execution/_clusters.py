# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Starting a cluster: one worker per GPU, or one per core."""

from __future__ import annotations

import asyncio
import atexit
import importlib
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from dask.system import CPU_COUNT
from distributed import Client, LocalCluster, Scheduler
from distributed.compatibility import WINDOWS
from distributed.deploy.spec import SpecCluster
from distributed.deploy.subprocess import SubprocessWorker
from distributed.diagnostics.plugin import WorkerPlugin
from distributed.system import MEMORY_LIMIT

from gpu_hpo.devices import resolve_device

# What LocalCUDACluster takes and LocalCluster does not, so that one script runs on
# both: without CUDA these have nothing to act on.
_CUDA_ONLY = frozenset(
    {
        "CUDA_VISIBLE_DEVICES",
        "cudf_spill_stats",
        "data",
        "device_memory_limit",
        "enable_cudf_spill",
        "enable_infiniband",
        "enable_nvlink",
        "enable_rdmacm",
        "enable_tcp_over_ucx",
        "log_spilling",
        "pre_import",
        "rmm_allocator_external_lib_list",
        "rmm_async",
        "rmm_initial_pool_size",
        "rmm_log_directory",
        "rmm_managed_memory",
        "rmm_maximum_pool_size",
        "rmm_pool_size",
        "rmm_release_threshold",
        "rmm_track_allocations",
    }
)

_ANY_PORT = "127.0.0.1:0"
_OWNER_VARIABLE = "GPU_HPO_OWNER"  # read in _owner_watch.py


def local_cluster(
    n_workers: int | None = None, *, device: str = "auto", **options: Any
) -> LocalCluster:
    """Start a cluster on this machine: one worker per GPU, or one per core.

    Parameters
    ----------
    n_workers : int, optional
        By default as many as there are GPUs, or cores without CUDA.
    device : {"auto", "cpu", "cuda"}, default="auto"
        What to run on; the environment variable ``GPU_HPO_DEVICE`` overrides it.
    **options
        For ``dask_cuda.LocalCUDACluster`` or ``distributed.LocalCluster``. Options
        that only the former knows (``rmm_pool_size``, ``device_memory_limit``, ...)
        are left out without CUDA.

    Returns
    -------
    distributed.LocalCluster
        Of worker processes with one thread each, listening on the loopback
        interface only. Close it, or use it in a ``with`` block.

    Raises
    ------
    DeviceNotFoundError
        If CUDA is asked for where there is none.
    ValueError
        If `device` is none of the three.
    """
    if not options.setdefault("dashboard_address", None):
        # Without a dashboard there is an HTTP server still: on all interfaces if
        # the workers are threads, and on a fixed port with a warning if it is taken.
        given = options.pop("scheduler_kwargs", None) or {}
        options["scheduler_kwargs"] = {
            "dashboard": False,
            "dashboard_address": _ANY_PORT,
            **given,
        }
    options.setdefault("threads_per_worker", 1)
    if resolve_device(device).name == "cuda":
        from dask_cuda import LocalCUDACluster

        # A client's own CUDA context or a slow first import would cost later.
        options.setdefault("pre_import", "cupy")
        options.setdefault("host", "127.0.0.1")
        return LocalCUDACluster(n_workers=n_workers, **options)
    for name in _CUDA_ONLY & options.keys():
        del options[name]
    if options.get("processes", True):
        options.setdefault("host", "127.0.0.1")
    else:
        options.setdefault("worker_dashboard_address", _ANY_PORT)
    return LocalCluster(n_workers=n_workers or CPU_COUNT, **options)


class _EmbeddedWorker(SubprocessWorker):
    """A worker in a process of its own that does not run the user's script again.

    Processes that multiprocessing spawns import the main module, so that a script
    without a ``__main__`` guard would start the search in each of them.
    """

    async def _start(self) -> None:
        spec = {"cls": self.worker_class, "opts": self.worker_kwargs}
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
            _OWNER_VARIABLE: str(os.getpid()),
            # Sampling every thread a hundred times a second is for dashboards.
            "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
            "DASK_LOGGING__DISTRIBUTED": "error",  # silence_logs is for the worker only
        }
        self.process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "dask", "spec", self.scheduler, "--spec", json.dumps(spec)),
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            # Ctrl-C is for the search, not for all that the shell started.
            start_new_session=True,
        )


_lock = threading.Lock()
_embedded: tuple[int, Any, Client] | None = None
_known_path: set[str] = set()  # where the workers of the embedded cluster import from


def embedded_client() -> Client:
    """Give the client of this process's own cluster, started at the first call.

    Processes rather than threads, since scikit-learn's short calls hold the GIL: a
    second thread would gain nothing. They take a second or two to start, so they are
    kept for later searches and end with this process, however it ends. On Windows,
    where Dask cannot start them in this way, the workers are threads; on a machine
    with CUDA the cluster is a ``LocalCUDACluster``.

    Returns
    -------
    distributed.Client
        Not set as the default client.
    """
    global _embedded
    with _lock:
        if _embedded is not None:
            pid, cluster, client = _embedded
            if pid == os.getpid() and client.status == "running":
                if client.nthreads():
                    _share_path(client)
                    return client
                _close(cluster, client)
        cluster = _embedded_cluster()
        client = Client(cluster, set_as_default=False)
        client.wait_for_workers(len(cluster.worker_spec), timeout=120)
        _embedded = (os.getpid(), cluster, client)
        _known_path.clear()
        _known_path.update(sys.path)
        return client


def _share_path(client: Client) -> None:
    """Let workers import from where this process has learned to since they started."""
    new = [entry for entry in sys.path if entry not in _known_path]
    if new:
        _known_path.update(new)
        client.register_plugin(_MorePath(new))


class _MorePath(WorkerPlugin):
    """Adds to `sys.path`, also of workers that start again later."""

    def __init__(self, entries: list[str]) -> None:
        self.name = f"gpu_hpo-path-{len(_known_path)}"
        self._entries = entries

    def setup(self, worker: Any) -> None:
        sys.path.extend(entry for entry in self._entries if entry not in sys.path)
        importlib.invalidate_caches()


def close_embedded() -> None:
    """End the cluster of `embedded_client`, if there is one."""
    global _embedded
    with _lock:
        if _embedded is not None:
            pid, cluster, client = _embedded
            _embedded = None
            if pid == os.getpid():
                _close(cluster, client)


atexit.register(close_embedded)


def _close(cluster: Any, client: Client) -> None:
    client.close()
    cluster.close()


def _embedded_cluster() -> Any:
    if resolve_device().name == "cuda":
        return local_cluster(device="cuda")
    if WINDOWS:
        return local_cluster(device="cpu", processes=False)
    worker = {
        "cls": _EmbeddedWorker,
        "options": {
            "worker_kwargs": {
                "nthreads": 1,
                "memory_limit": MEMORY_LIMIT // CPU_COUNT,
                "host": "127.0.0.1",
                "dashboard": False,
                "silence_logs": 40,
                "death_timeout": 60,
                # Imports belong to the start, not to the first search.
                "preload": ["gpu_hpo.execution._worker"],
                "preload_nanny": [str(Path(__file__).with_name("_owner_watch.py"))],
                # Dask's default hands memory back after every large array of a
                # call, which makes scikit-learn's calls some 5 % slower.
                "env": {"MALLOC_TRIM_THRESHOLD_": str(16 * 2**20)},
            }
        },
    }
    scheduler = {
        "cls": Scheduler,
        "options": {
            "host": "127.0.0.1",
            "port": 0,
            "dashboard": False,
            "dashboard_address": _ANY_PORT,
        },
    }
    return SpecCluster(
        workers=dict.fromkeys(range(CPU_COUNT), worker),
        scheduler=scheduler,
        silence_logs=40,
        name="gpu_hpo",
    )
