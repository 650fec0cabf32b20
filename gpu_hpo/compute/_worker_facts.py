# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Ask a cluster which workers it has, and wait for the first."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Iterable
from dataclasses import dataclass

from distributed import Client, Worker

from gpu_hpo._config import read_seconds
from gpu_hpo.compute._replacements import bring_back
from gpu_hpo.compute._worker_packages import can_run
from gpu_hpo.exceptions import ClientClosedError, WorkersLostError

logger = logging.getLogger(__name__)

# How often to look whether workers came or went.
WATCH_SECONDS = 0.5
_ANSWER_SECONDS = 2.0  # that a worker has to say what it does


@dataclass(frozen=True)
class WorkerFacts:
    """The facts about a worker.

    Attributes
    ----------
    nthreads : int
    memory : float
        Bytes, or inf.
    has_nanny : bool
        Whether it is a process that is replaced when it ends.
    directory : str
        Each worker has its own: the next at the same address has another.
    """

    nthreads: int
    memory: float
    has_nanny: bool = False
    directory: str = ""


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
                    facts["nthreads"],
                    float(facts["memory_limit"] or math.inf),
                    bool(facts.get("nanny")),
                    facts.get("local_directory", ""),
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


def _running(dask_worker: Worker) -> list[str]:
    """Return the keys of the tasks in threads; called on a worker, beside them."""
    state = dask_worker.state
    return [str(task.key) for task in (*state.executing, *state.long_running)]


class WorkerWatch:
    """Knows the workers of a cluster, but for those that are not to be used any more.

    Parameters
    ----------
    client : distributed.Client
        Its event loop runs all coroutines of this object.
    known : iterable of str
        Workers that are known to have the packages that a search needs. Others are
        asked when they join.
    """

    def __init__(self, client: Client, known: Iterable[str]) -> None:
        self._client = client
        self._known = set(known)
        self._facts: dict[str, WorkerFacts] = {}
        self._asked: dict[str, asyncio.Task[bool]] = {}
        self._left_out: dict[str, asyncio.Task[None] | None] = {}

    async def present(self) -> dict[str, WorkerFacts]:
        """Return the workers that can be used; wait for the first one.

        Raises
        ------
        WorkersLostError, ClientClosedError
            As `worker_facts`.
        """
        waited, patience = 0.0, read_seconds("workers.patience")
        while True:
            self._facts = await worker_facts(self._client)
            await self._ask_those_that_joined()
            present = {
                name: facts
                for name, facts in self._facts.items()
                if name in self._known and name not in self._left_out
            }
            if present:
                return present
            if waited >= patience:
                raise WorkersLostError(
                    f"all workers of {self._client!r} are busy with calls that took "
                    "too long, lack packages or do not answer, and none took their "
                    f"place within {patience:.0f} seconds"
                )
            await asyncio.sleep(WATCH_SECONDS)
            waited += WATCH_SECONDS

    async def _ask_those_that_joined(self) -> None:
        """Ask what they have; those that do not answer at once join later."""
        new = self._facts.keys() - self._known - self._asked.keys()
        asking = {
            name: asyncio.ensure_future(can_run(self._client, name))
            for name in new - self._left_out.keys()
        }
        self._asked |= asking
        if asking:
            await asyncio.wait(asking.values(), timeout=WATCH_SECONDS)
        for name, answer in list(self._asked.items()):
            if not answer.done():
                continue
            del self._asked[name]
            if answer.cancelled() or answer.exception() is not None:
                logger.info("%s does not say what it has", name)  # it is asked again
            elif answer.result():
                self._known.add(name)
            else:
                self._left_out[name] = None

    def close(self) -> None:
        """Ask no more."""
        for answer in self._asked.values():
            answer.cancel()

    def can_replace(self, worker: str) -> bool:
        """Return whether a worker is a process that can be replaced by a new one."""
        facts = self._facts.get(worker)
        return facts is not None and facts.has_nanny

    async def running(self, worker: str) -> set[str] | None:
        """Return the keys of the tasks that a worker runs; None if it does not answer.

        Other tasks may wait for results of a worker that does not answer.
        """
        asked = self._client.run(_running, workers=[worker])
        try:
            found = await asyncio.wait_for(asked, _ANSWER_SECONDS)
        except Exception as error:
            logger.info("%s does not say what it runs: %r", worker, error)
            return None
        return set(found[worker])

    async def answering(self, workers: list[str]) -> list[str]:
        """Return those of some workers that answer; all of them if none does."""
        found = await asyncio.gather(*map(self.running, workers))
        there = [w for w, keys in zip(workers, found, strict=True) if keys is not None]
        return there or workers

    def leave_out(self, worker: str) -> None:
        """Do not use a worker any more; replace it if that is possible."""
        if worker in self._left_out:
            return
        self._left_out[worker] = None
        if self.can_replace(worker):
            restart = asyncio.ensure_future(self._restart(worker))
            self._left_out[worker] = restart  # which no one else refers to

    async def _restart(self, worker: str) -> None:
        """Let a nanny replace its worker; it kills one that does not answer.

        The next may have the same address, and is asked as any that joins.
        """
        try:
            ended = await self._client.restart_workers(
                [worker], timeout=60, raise_for_error=False
            )
        except Exception as error:  # if the cluster was closed meanwhile
            logger.info("the restart of %s did not end: %r", worker, error)
            return
        if ended.get(worker) == "OK":
            self._known.discard(worker)
            del self._left_out[worker]
