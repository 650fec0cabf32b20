# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Keep the trials that could be advanced at one place, in two orders."""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple


class Rank(NamedTuple):
    """What decides when it is a trial's turn.

    Attributes
    ----------
    known : bool
        Whether the price is known; trials of unknown price go first.
    chain : float
        What is left to train if the trial is promoted at every rung: in seconds, or in
        calls if not `known`.
    width : int
        Number of trials that began together with it, itself included.
    """

    known: bool
    chain: float
    width: int

    def longest(self, toll: float = 0.0) -> tuple[float, ...]:
        """Sort key by which the longest chain goes first."""
        return self.known, toll - self.chain

    def widest(self, toll: float = 0.0) -> tuple[float, ...]:
        """Sort key by which trials of the widest bracket go first."""
        return self.known, -self.width, toll - self.chain


SortKey = Callable[..., tuple[float, ...]]
QueueEntry = tuple[tuple[float, ...], int, int, Rank]


@dataclass(slots=True)
class Queue:
    """Ready trials; stale entries stay in it until they come first."""

    _longest: list[QueueEntry] = field(default_factory=list)
    _widest: list[QueueEntry] = field(default_factory=list)

    def push(self, rank: Rank, trial: int, entry: int) -> None:
        """Add a trial, with the number of its entry."""
        heapq.heappush(self._longest, (rank.longest(), trial, entry, rank))
        heapq.heappush(self._widest, (rank.widest(), trial, entry, rank))

    def first(
        self, order: SortKey, counts: Callable[[int, int], bool]
    ) -> tuple[Rank, int] | None:
        """Return rank and number of the first trial by `Rank.longest` or `Rank.widest`.

        Parameters
        ----------
        order : callable
        counts : callable
            ``counts(trial, entry)``: whether an entry is still valid.
        """
        heap = self._longest if order is Rank.longest else self._widest
        while heap:
            _, trial, entry, rank = heap[0]
            if counts(trial, entry):
                return rank, trial
            heapq.heappop(heap)
        return None


def first_of(
    queues: list[tuple[Queue, float]],
    order: SortKey,
    counts: Callable[[int, int], bool],
) -> tuple[Rank, int] | None:
    """Return the first trial of several queues, each with a toll for taking from it."""
    best: tuple[float, ...] | None = None
    chosen = None
    for queue, toll in queues:
        found = queue.first(order, counts) if toll < math.inf else None
        if found is not None:
            key = order(found[0], toll)
            if best is None or key < best:
                best, chosen = key, found
    return chosen
