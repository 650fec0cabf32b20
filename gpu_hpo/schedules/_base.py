# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define what every schedule promises: scores in, instructions out, nothing else."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Advance:
    """Train `trial` until it has made `calls` calls in all, then score it."""

    trial: int
    calls: int


@dataclass(frozen=True, slots=True)
class Drop:
    """`trial` will never train again and is no finalist: free its model."""

    trial: int


@dataclass(frozen=True, slots=True)
class Scored:
    """`trial` was scored after `calls` calls in all; higher scores are better."""

    trial: int
    calls: int
    score: float


@dataclass(frozen=True, slots=True)
class Failed:
    """`trial` cannot train on; `reason` is for people."""

    trial: int
    calls: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Rung:
    """A decision point: `n_trials` models are to reach `calls` calls."""

    n_trials: int
    calls: int


Instruction = Advance | Drop
Event = Scored | Failed


class Schedule(ABC):
    """Decides which trial trains how long, from scores alone.

    A schedule does no work, reads no clock and draws no random number: the same
    events give the same decisions, and the order in which trials report does not
    change which ones advance. `tell` may decide before a rung is complete if the
    missing scores cannot change the decision.

    Trials are numbered from 0 without gaps. Several `Advance` for one trial may be
    pending at once; they are carried out in the order given, each with one
    `Scored`.
    """

    @abstractmethod
    def start(self) -> list[Instruction]:
        """Return the first instructions; called once."""

    @abstractmethod
    def tell(self, event: Event) -> list[Instruction]:
        """Take in one event, and return the instructions that follow from it."""

    @property
    @abstractmethod
    def n_trials(self) -> int:
        """Number of trials so far (a schedule may create more while it runs)."""

    @property
    @abstractmethod
    def done(self) -> bool:
        """Whether no event is awaited any more."""

    @property
    @abstractmethod
    def finalists(self) -> list[int]:
        """Trials among which the best is chosen, whose models are kept."""

    @abstractmethod
    def outlook(self, trial: int) -> tuple[Rung, ...]:
        """Return the rungs still ahead of `trial` if it is promoted at each of them.

        The first is the one that it is training for. The dispatcher ranks trials by
        their outlook.
        """

    def horizon(self) -> int | None:
        """Return the most calls that any trial may make, or None if that is open."""
        trials = range(self.n_trials)
        return max(rung.calls for trial in trials for rung in self.outlook(trial))

    def validate(self) -> None:  # noqa: B027 - a schedule may have nothing to check
        """Raise AssertionError if the internal state contradicts itself."""
