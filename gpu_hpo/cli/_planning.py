# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Work out what a Hyperband search will do: calls, passes, time and memory."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from gpu_hpo._config import read_share
from gpu_hpo.adaptive._planned import planned_calls
from gpu_hpo.schedules._hyperband import hyperband_brackets
from gpu_hpo.schedules._successive_halving import halving_rungs

# A chunk that trains, and the next one, which is uploaded meanwhile.
_CHUNKS_AT_ONCE = 2


@dataclass(frozen=True)
class BracketPlan:
    """What one bracket does; `decisions` are the numbers of calls before each."""

    bracket: int
    n_models: int
    partial_fit_calls: int
    decisions: list[int]


@dataclass(frozen=True)
class Plan:
    """What a search does if no model fails, and `patience` stops none.

    Attributes
    ----------
    max_iter, aggressiveness : int
        Arguments of the search.
    chunk_size : int or None
        Rows of a chunk, if they are known.
    n_rows : int or None
        Of the data.
    brackets : list of BracketPlan
        As in `HyperbandSearchCV.metadata`.
    """

    max_iter: int
    aggressiveness: int
    chunk_size: int | None = None
    n_rows: int | None = None
    brackets: list[BracketPlan] = field(default_factory=list)

    @property
    def n_models(self) -> int:
        """Parameter sets that are tried."""
        return sum(bracket.n_models for bracket in self.brackets)

    @property
    def partial_fit_calls(self) -> int:
        """Calls of all models."""
        return sum(bracket.partial_fit_calls for bracket in self.brackets)

    @property
    def rows_per_call(self) -> int | None:
        """Rows of a chunk; the data may have fewer than were asked for."""
        if self.chunk_size is None or self.n_rows is None:
            return self.chunk_size
        return min(self.chunk_size, self.n_rows)

    @property
    def n_chunks(self) -> int | None:
        """Chunks that the data is cut into."""
        if self.chunk_size is None or self.n_rows is None:
            return None
        return -(-self.n_rows // self.chunk_size)

    @property
    def rows_seen(self) -> int | None:
        """Rows that the models which train longest see."""
        rows = self.rows_per_call
        return None if rows is None else self.max_iter * rows

    def passes(self, calls: int) -> float | None:
        """Return how many times so many calls go through the data."""
        if self.rows_per_call is None or self.n_rows is None:
            return None
        return calls * self.rows_per_call / self.n_rows

    @property
    def useful_workers(self) -> int:
        """Beyond so many workers, only the longest chain of calls takes time."""
        return math.ceil(self.partial_fit_calls / self.max_iter)

    def seconds(self, seconds_per_call: float, workers: int) -> float:
        """Return how long the search takes at least, scores and overheads aside.

        All calls are divided among the workers, but those of one model follow one
        another.
        """
        calls = max(self.partial_fit_calls / workers, self.max_iter)
        return calls * seconds_per_call


def make_plan(
    max_iter: int,
    aggressiveness: int,
    *,
    chunk_size: int | None = None,
    n_rows: int | None = None,
) -> Plan:
    """Plan a search; the arguments are those of `Plan`."""
    brackets = []
    for bracket in hyperband_brackets(max_iter, aggressiveness):
        rungs = halving_rungs(
            bracket.n_trials, bracket.n_calls, aggressiveness, max_iter
        )
        brackets.append(
            BracketPlan(
                bracket.index,
                bracket.n_trials,
                planned_calls(rungs),
                [rung.calls for rung in rungs],
            )
        )
    return Plan(max_iter, aggressiveness, chunk_size, n_rows, brackets)


@dataclass(frozen=True)
class MemoryUse:
    """Whether chunks fit into the memory of a GPU.

    Attributes
    ----------
    chunk_bytes : int
    data_bytes : int or None
        Of all rows, if their number is known.
    usable_bytes : float
        What chunks may take of the memory of a GPU.
    stays : bool
        Whether all chunks stay in the memory of each GPU.
    fits : bool
        Whether tasks can upload chunks one after another, if they do not stay.
    largest_chunk : int
        Most rows of a chunk with which they can.
    """

    chunk_bytes: int
    data_bytes: int | None
    usable_bytes: float
    stays: bool
    fits: bool
    largest_chunk: int


def memory_use(plan: Plan, row_bytes: int, memory: int) -> MemoryUse:
    """Compare chunks with the memory of a GPU, as searches do.

    Parameters
    ----------
    plan : Plan
        With a chunk size.
    row_bytes, memory : int
        Bytes of a row, and of the memory that is free on each GPU.
    """
    assert plan.rows_per_call is not None
    usable = read_share("memory.resident-share") * memory
    chunk = plan.rows_per_call * row_bytes
    data = None if plan.n_rows is None else plan.n_rows * row_bytes
    stays = data is not None and data <= usable
    return MemoryUse(
        chunk,
        data,
        usable,
        stays,
        stays or _CHUNKS_AT_ONCE * chunk <= usable,
        int(usable // (_CHUNKS_AT_ONCE * row_bytes)),
    )
