# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Keep a cluster for searches of this process that are given no client."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import importlib
import json
import os
import sys
import threading

import psutil
from dask.system import CPU_COUNT
from distributed import Client, Worker
from distributed.compatibility import WINDOWS
from distributed.deploy import Cluster
from distributed.deploy.spec import SpecCluster
from distributed.deploy.subprocess import SubprocessWorker
from distributed.diagnostics.plugin import WorkerPlugin
from distributed.security import Security
from distributed.system import MEMORY_LIMIT

from gpu_hpo.compute._clusters import ANY_PORT, local_cluster
from gpu_hpo.compute._forks import check_not_forked
from gpu_hpo.compute._privacy import PrivateScheduler, as_keywords, scratch_folder
from gpu_hpo.compute._quiet import OurWorkers
from gpu_hpo.compute._worker_packages import OUR_NAME
from gpu_hpo.devices._detect import resolve_device

_OWNER_VARIABLE = "GPU_HPO_OWNER"  # read in gpu_hpo/_owner_watch.py


class _EmbeddedWorker(SubprocessWorker):
    """A worker in a process of its own that does not run the user's script again.

    Processes that multiprocessing spawns import the main module, so that a script
    without a ``__main__`` guard would start the search in each of them.
    """

    async def _start(self) -> None:
        spec = {"cls": self.worker_class, "opts": self.worker_kwargs}
        folders = dict.fromkeys(entry or os.getcwd() for entry in sys.path)
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(folders),
            _OWNER_VARIABLE: str(os.getpid()),
            # Only dashboards need every thread sampled a hundred times a second.
            "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
            "DASK_LOGGING__DISTRIBUTED": "error",  # silence_logs is for the worker only
        }
        # Keys are in the spec: every user can read the arguments of a process.
        reads, writes = os.pipe()
        try:
            with open(writes, "w") as sent:
                json.dump(spec, sent)
            self.process = await asyncio.create_subprocess_exec(
                sys.executable,
                # -P: whoever writes in the working folder must not be imported.
                *("-P", "-m", "dask", "spec", self.scheduler),
                *("--spec-file", "/dev/stdin"),
                env=environment,
                stdin=reads,
                # Ctrl-C must reach the search, but not its workers.
                start_new_session=True,
            )
        finally:
            os.close(reads)

    async def close(self) -> None:
        try:
            await super().close()
        except (psutil.NoSuchProcess, ProcessLookupError):
            # It, or a child of it, ended by itself before Dask had heard of that.
            assert self.process is not None
            with contextlib.suppress(ProcessLookupError):
                self.process.kill()
            await self.process.wait()
            await super().close()


_lock = threading.Lock()
_embedded: tuple[int, Cluster, Client] | None = None
_known_path: set[str] = set()  # where the workers of the embedded cluster import from


def embedded_client() -> Client:
    """Return the client of this process's own cluster, which the first call starts.

    Workers are processes rather than threads, since scikit-learn's short calls hold the
    GIL, so that a second thread would gain nothing. They take a second or two to start,
    so they are kept for later searches, and end with this process, however it ends. On
    Windows, where Dask cannot start them in this way, the workers are threads; on a
    machine with CUDA the cluster is a ``LocalCUDACluster``.

    Returns
    -------
    distributed.Client
        Not set as the default client.
    """
    global _embedded
    check_not_forked()
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
    """Make workers import from all folders that this process imports from."""
    new = [entry for entry in sys.path if entry not in _known_path]
    if new:
        _known_path.update(new)
        client.register_plugin(_MorePath(new))


class _MorePath(WorkerPlugin):
    """Adds to `sys.path`, also of workers that start again later."""

    def __init__(self, entries: list[str]) -> None:
        self.name = f"gpu_hpo-path-{len(_known_path)}"
        self._entries = entries

    def setup(self, worker: Worker) -> None:
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


def _close(cluster: Cluster, client: Client) -> None:
    client.close()
    cluster.close()


def _embedded_cluster() -> SpecCluster:
    if resolve_device().name == "cuda":
        return local_cluster(device="cuda")
    if WINDOWS:
        return local_cluster(device="cpu", processes=False)
    security = Security.temporary()
    worker = {
        "cls": _EmbeddedWorker,
        "options": {
            "worker_kwargs": {
                "nthreads": 1,
                "memory_limit": MEMORY_LIMIT // CPU_COUNT,
                "host": "127.0.0.1",
                "security": as_keywords(security),
                "local_directory": scratch_folder(),
                "dashboard": False,
                "silence_logs": 40,
                "death_timeout": 60,
                # Import at the start, not in the first search.
                "preload": ["gpu_hpo.adaptive.engine._worker"],
                "preload_nanny": ["gpu_hpo._owner_watch"],
                # Dask's default returns memory to the system after every large array,
                # which makes scikit-learn's calls about 5 % slower.
                "env": {"MALLOC_TRIM_THRESHOLD_": str(16 * 2**20)},
            }
        },
    }
    scheduler = {
        "cls": PrivateScheduler,
        "options": {
            "host": "127.0.0.1",
            "protocol": "tls",
            "security": security,
            "port": 0,
            "dashboard": False,
            "dashboard_address": ANY_PORT,
            "plugins": [OurWorkers()],
        },
    }
    return SpecCluster(
        workers=dict.fromkeys(range(CPU_COUNT), worker),
        scheduler=scheduler,
        security=security,
        silence_logs=40,
        name=OUR_NAME,
    )
