# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Ask a cluster which workers it has, and wait for the first."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

from distributed import Client

from gpu_hpo._config import read_seconds
from gpu_hpo.compute._replacements import bring_back
from gpu_hpo.exceptions import ClientClosedError, WorkersLostError

# How often to look whether workers came or went.
WATCH_SECONDS = 0.5


@dataclass(frozen=True)
class WorkerFacts:
    """The facts about a worker: threads, and bytes of memory (or inf)."""

    nthreads: int
    memory: float


async def worker_facts(client: Client) -> dict[str, WorkerFacts]:
    """Return the workers of a cluster by address; wait for the first one.

    Raises
    ------
    WorkersLostError
        If there is none for as long as the setting ``workers.patience`` says.
    ClientClosedError
        If the client is closed.
    """
    waited, patience = 0.0, read_seconds("workers.patience")
    while True:
        if client.status != "running" or client.scheduler is None:
            raise ClientClosedError(
                f"{client!r} was {client.status} while the search was using it"
            )
        identity = await client.scheduler.identity()
        if identity["workers"]:
            return {
                address: WorkerFacts(
                    facts["nthreads"], float(facts["memory_limit"] or math.inf)
                )
                for address, facts in identity["workers"].items()
            }
        bring_back(client)
        if waited >= patience:
            raise WorkersLostError(
                f"no worker joined the cluster at {client.scheduler.address} within "
                f"{patience:.0f} seconds"
            )
        await asyncio.sleep(WATCH_SECONDS)
        waited += WATCH_SECONDS
