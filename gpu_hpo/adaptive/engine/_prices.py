# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Estimate what a call of a trial costs, and rank trials by it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from gpu_hpo.adaptive.engine._queue import Rank
from gpu_hpo.adaptive.engine._task import StepReport
from gpu_hpo.adaptive.training._budgets import Budget
from gpu_hpo.schedules._base import Rung


@dataclass(slots=True)
class _Peers:
    """Trials that began with the same rungs ahead: any of them may be promoted."""

    width: int  # models of their first rung
    live: set[int] = field(default_factory=set)
    due: float = 0.0  # calls that they are to make in all
    made: int = 0
    measured: int = 0
    total: float = 0.0
    squares: float = 0.0
    price: float | None = None  # what a call at a later rung is taken to cost

    def count(self, seconds: float | None, sign: int) -> None:
        if seconds is not None:
            self.measured += sign
            self.total += sign * seconds
            self.squares += sign * seconds * seconds

    def moved(self) -> bool:
        """Take a new price if it differs by enough to matter for the order.

        Half a standard deviation above the mean: it costs more to find out late
        that those promoted are dear than that they are cheap.
        """
        if not self.measured:
            return False
        mean = self.total / self.measured
        spread = math.sqrt(max(0.0, self.squares / self.measured - mean * mean))
        now = mean + 0.5 * spread
        if self.price is not None and abs(now - self.price) <= 0.05 * self.price:
            return False
        self.price = now
        return True


class Prices:
    """Estimates of what calls cost, learned from those that were measured.

    Parameters
    ----------
    outlook : callable
        ``outlook(trial)`` gives the rungs ahead of a trial (see `Schedule`).
    guess : float
        What a call is taken to cost before any was measured, in seconds.
    budget : Budget
        What a step is worth in calls.

    Attributes
    ----------
    typical : float or None
        Seconds of a call of any trial; None before one was measured.
    """

    def __init__(
        self, outlook: Callable[[int], tuple[Rung, ...]], guess: float, budget: Budget
    ) -> None:
        self.outlook = outlook
        self.guess = guess
        self.budget = budget
        self.typical: float | None = None
        self._seconds: dict[int, float] = {}  # measured, per call, of live trials
        self._peers: dict[int, _Peers] = {}  # by trial, the live ones
        self._beginners: dict[tuple[Rung, ...], _Peers] = {}
        self._priced: dict[int, _Peers] = {}  # by id, those with news of prices

    def add(self, trial: int) -> None:
        """Count a new trial among the peers that it has now."""
        rungs = self.outlook(trial)
        width = rungs[0].n_trials
        peers = self._beginners.setdefault(rungs, _Peers(width))
        self._peers[trial] = peers
        peers.live.add(trial)
        before = 0
        for rung in rungs:
            # Its share of what all that began together are to do.
            worth = self.budget.cost(before, rung.calls)
            peers.due += worth * rung.n_trials / width
            before = rung.calls

    def remove(self, trial: int) -> None:
        """Forget a trial, and what it says about its peers."""
        self._peers[trial].live.remove(trial)
        self._price(trial, None)
        del self._peers[trial]

    def learn(self, step: StepReport) -> None:
        """Update what a call of this trial, and of any trial, is taken to cost."""
        if step.n_calls:
            seconds = (step.fit_seconds + step.score_seconds) / step.n_calls
            known = self.typical or seconds
            self.typical = known + 0.2 * (seconds - known)
            if step.trial in self._peers:
                self._peers[step.trial].made += step.n_calls
                self._price(step.trial, seconds)

    def moved(self) -> list[int]:
        """Return trials whose remaining chain has a new price, each once."""
        out: list[int] = []
        for peers in self._priced.values():
            if peers.moved():
                out += [trial for trial in peers.live if trial in self._seconds]
        self._priced.clear()
        return out

    def cost(self, trial: int) -> float:
        """Return the seconds that a call of this trial is taken to cost."""
        return self._seconds.get(trial) or self.typical or self.guess

    def remaining(self) -> float:
        """Return the seconds that all that is still to be done is taken to cost."""
        typical = self.typical or self.guess
        return sum(
            max(0.0, peers.due - peers.made) * (peers.price or typical)
            for peers in self._beginners.values()
        )

    def rank(self, trial: int, calls: int) -> Rank:
        """Return the rank of a trial after `calls` calls.

        Its chain is what is left if it is promoted at every rung, in seconds: up to
        its next rung at its own price, beyond at that of its peers, since another may
        be the one promoted. Trials of unknown price come first, in the order of their
        calls: the sooner the dear ones are known, the sooner they can be begun.
        """
        rungs = self.outlook(trial)
        first = rungs[0].calls
        own = self.budget.cost(calls, first) if first > calls else 0
        rest = sum(
            self.budget.cost(before.calls, rung.calls)
            for before, rung in pairwise(rungs)
        )
        peers = self._peers[trial]
        seconds = self._seconds.get(trial)
        if seconds is None:
            return Rank(False, own + rest, peers.width)
        chain = own * seconds + rest * (peers.price or seconds)
        return Rank(True, chain, peers.width)

    def _price(self, trial: int, seconds: float | None) -> None:
        """Record what a call of this trial costs, for its peers too."""
        peers = self._peers[trial]
        peers.count(self._seconds.pop(trial, None), -1)
        peers.count(seconds, 1)
        if seconds is not None:
            self._seconds[trial] = seconds
        self._priced[id(peers)] = peers
