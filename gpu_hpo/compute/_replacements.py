# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Replace workers that have died, also where Dask gives them up."""

from __future__ import annotations

from typing import Any

from distributed import Client


def bring_back(client: Client) -> None:
    """Start again workers that the cluster of a client has given up.

    Some seconds after each death a `SpecCluster` checks whether there is a worker of
    that name, and closes its nanny for good if there is none: for example if the next
    worker has died too, or takes long to start.
    """
    cluster: Any = client.cluster
    wanted = getattr(cluster, "worker_spec", None)
    if wanted and set(wanted) - set(cluster.workers):
        cluster.scale(len(wanted))
