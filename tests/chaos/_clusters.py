# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The clusters that something happens to, and how it is done to each."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from distributed import Client, LocalCluster

from gpu_hpo.compute import close_embedded, embedded_client, local_cluster
from tests.chaos._plan import Plan

N_WORKERS = 2
_MEMORY = "600 MiB"  # of a worker, where that is to be exceeded
_START = 60  # seconds until all workers are there
_BACK = 20  # seconds until they are there again


@dataclass
class Place:
    """A cluster with a client, and what can be done to it.

    Parameters
    ----------
    client : distributed.Client
    cluster : object
        Dask's, or None.
    end_scheduler : callable
        Ends it without a word to the search.
    """

    client: Client
    cluster: Any
    end_scheduler: Callable[[], object]

    def join(self) -> None:
        """Add a worker."""
        self.cluster.scale(len(self.cluster.worker_spec) + 1)

    def leave(self) -> None:
        """Send a worker away; another one stays."""
        workers = sorted(self.client.nthreads())
        if len(workers) > 1:
            self.client.retire_workers(workers[:1], close_workers=True)

    def settle(self) -> None:
        """Wait for workers that start again: Dask may not close a cluster before."""
        if self.client.status == "running":
            with contextlib.suppress(TimeoutError, OSError):
                self.client.wait_for_workers(N_WORKERS, timeout=_BACK)


@contextmanager
def open_place(plan: Plan, folder: Path) -> Iterator[Place]:
    """Start the cluster of a plan; its client is the current one."""
    if plan.cluster == "embedded":
        client = embedded_client()
        try:
            with client.as_current():
                yield Place(client, client.cluster, close_embedded)
        finally:
            close_embedded()
        return
    if plan.cluster == "plain" and plan.mischief == "scheduler":
        with _own_processes(plan, folder) as (address, scheduler):
            client = Client(address, set_as_default=False)
            try:
                client.wait_for_workers(N_WORKERS, timeout=_START)
                with client.as_current():
                    yield Place(client, None, scheduler.kill)
            finally:
                client.close(timeout=1)
        return
    options: dict[str, Any] = {"threads_per_worker": plan.threads}
    if plan.mischief == "memory":
        options["memory_limit"] = _MEMORY
    if plan.cluster == "plain":
        options |= {"host": "127.0.0.1", "dashboard_address": None}
        cluster = LocalCluster(n_workers=N_WORKERS, processes=True, **options)
    else:
        cluster = local_cluster(N_WORKERS, device="cpu", **options)
    with cluster, Client(cluster, set_as_default=False) as client:
        client.wait_for_workers(N_WORKERS, timeout=_START)
        with client.as_current():
            place = Place(client, cluster, cluster.close)
            yield place
            place.settle()


@contextmanager
def _own_processes(
    plan: Plan, folder: Path
) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """Start a scheduler and its workers as processes of their own."""
    told = folder / "scheduler.json"
    common = ["--no-dashboard", "--scheduler-file", str(told)]
    begin = [sys.executable, "-m", "distributed.cli.dask_scheduler", *common]
    begin += ["--host", "127.0.0.1", "--port", "0"]
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join(p for p in sys.path if p))
    scheduler = subprocess.Popen(begin, env=environment, cwd=folder)
    processes = [psutil.Process(scheduler.pid)]
    try:
        work = [sys.executable, "-m", "distributed.cli.dask_worker", *common]
        work += ["--nworkers", str(N_WORKERS), "--nthreads", str(plan.threads)]
        work += ["--host", "127.0.0.1", "--local-directory", str(folder)]
        workers = subprocess.Popen(work, env=environment, cwd=folder)
        processes.append(psutil.Process(workers.pid))
        end = time.monotonic() + _START
        while not told.exists() or not told.read_text():
            if time.monotonic() > end or scheduler.poll() is not None:
                raise RuntimeError("the scheduler did not start")
            time.sleep(0.05)
        yield json.loads(told.read_text())["address"], scheduler
    finally:
        # They are the case's own, not the package's.
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                processes += process.children(recursive=True)
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, timeout=5)
