# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Where a search runs: a Dask cluster or a simulated clock, with the same engine."""

from gpu_hpo.execution._backends import (
    check_scheduler,
    open_blocks_pool,
    open_one_by_one,
    open_pool,
)
from gpu_hpo.execution._clients import active_client, search_client
from gpu_hpo.execution._clusters import (
    close_embedded,
    embedded_client,
    local_cluster,
)
from gpu_hpo.execution._dask_runner import DaskRunner, worker_facts
from gpu_hpo.execution._devices import cluster_device, device_memory
from gpu_hpo.execution._dispatcher import Dispatcher
from gpu_hpo.execution._engine import Ended, Engine, Failure, News, Record
from gpu_hpo.execution._fold_runner import FoldRunner, Group
from gpu_hpo.execution._pool import Pool, ResultsLost
from gpu_hpo.execution._simulated_runner import SimulatedRunner

__all__ = [
    "DaskRunner",
    "Dispatcher",
    "Ended",
    "Engine",
    "Failure",
    "FoldRunner",
    "Group",
    "News",
    "Pool",
    "Record",
    "ResultsLost",
    "SimulatedRunner",
    "active_client",
    "check_scheduler",
    "close_embedded",
    "cluster_device",
    "device_memory",
    "embedded_client",
    "local_cluster",
    "open_blocks_pool",
    "open_one_by_one",
    "open_pool",
    "search_client",
    "worker_facts",
]
