# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Where a search runs: a Dask cluster or a simulated clock, with the same engine."""

from gpu_hpo.execution._clients import search_client
from gpu_hpo.execution._clusters import (
    close_embedded,
    embedded_client,
    local_cluster,
)
from gpu_hpo.execution._dask_runner import DaskRunner, worker_facts
from gpu_hpo.execution._devices import cluster_device, device_memory
from gpu_hpo.execution._dispatcher import Dispatcher
from gpu_hpo.execution._engine import Ended, Engine, Failure, News, Record
from gpu_hpo.execution._simulated_runner import SimulatedRunner

__all__ = [
    "DaskRunner",
    "Dispatcher",
    "Ended",
    "Engine",
    "Failure",
    "News",
    "Record",
    "SimulatedRunner",
    "close_embedded",
    "cluster_device",
    "device_memory",
    "embedded_client",
    "local_cluster",
    "search_client",
    "worker_facts",
]
