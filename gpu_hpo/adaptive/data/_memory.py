# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Decide how much data workers and their GPUs may hold at once."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from gpu_hpo._config import read_share
from gpu_hpo.compute._worker_facts import WorkerFacts


@dataclass(frozen=True)
class MemoryPlan:
    """The way in which data shares memory with the models that train on it.

    Attributes
    ----------
    memory : float
        Bytes of the smallest worker.
    threads : int
        Of the worker that has most: so many tasks run at once.
    device_memory : float
        Bytes that each worker has free on its GPU; inf if data stays on the host.
    total_bytes : int
        Of all data, what validates too.
    resident_share, task_share : float
        Shares of `memory` that data may take where it stays on workers, and where tasks
        fetch it.
    """

    memory: float = math.inf
    threads: int = 1
    device_memory: float = math.inf
    total_bytes: int = 0
    resident_share: float = 1.0
    task_share: float = 1.0

    @property
    def resident(self) -> bool:
        """Whether each worker may keep all data."""
        return self.total_bytes <= self.resident_share * self.memory

    @property
    def task_bytes(self) -> float:
        """Bytes of data that a task may hold at once."""
        return (
            math.inf if self.resident else self.task_share * self.memory / self.threads
        )

    @property
    def uploads_in_tasks(self) -> bool:
        """Whether tasks upload their chunks, since a GPU cannot hold all of them."""
        return self.total_bytes > self.resident_share * self.device_memory

    def of_workers(
        self, workers: Iterable[WorkerFacts], total_bytes: int
    ) -> MemoryPlan:
        """Return the plan for the workers that a search begins with."""
        workers = list(workers)
        return replace(
            self,
            memory=min(facts.memory for facts in workers),
            threads=max(facts.nthreads for facts in workers),
            total_bytes=total_bytes,
            task_share=read_share("memory.task-share"),
        )

    def check_one_piece(
        self, n_bytes: int, *, is_copied: bool, by_tasks: bool, by_splits: bool
    ) -> None:
        """Raise ValueError if a worker cannot hold the rows to train on in one piece.

        Parameters
        ----------
        n_bytes : int
            Of the rows to train on.
        is_copied : bool
            Whether they come in several chunks, which are put together.
        by_tasks : bool
            Whether each task does that for itself, and not one for all.
        by_splits : bool
            Whether each task takes the rows of one split after another.
        """
        copies = 1 + by_splits
        if is_copied:
            copies += self.threads if by_tasks else 1
        needed = self.total_bytes + (copies - 1) * n_bytes
        memory, whose = self.memory, "a worker's memory"
        if self.device_memory < memory:
            memory, whose = self.device_memory, "the free GPU memory"
        if needed > self.resident_share * memory:
            raise ValueError(
                f"X has {n_bytes:,} bytes to train on, which this resource fits "
                f"to in one piece: {copies} times that is more than {whose} "
                f"of {memory:,.0f} bytes can hold together with its models. Take "
                "fewer rows, one chunk, resource='partial_fit', or larger workers"
            )
