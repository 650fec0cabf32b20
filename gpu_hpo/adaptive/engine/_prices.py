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

_ODD = 5  # times the typical price is more than a call is likely to cost again


@dataclass(slots=True)
class _Peers:
    """Trials that began with the same rungs ahead."""

    width: int  # models of their first rung
    first: int  # trial of them
    live: set[int] = field(default_factory=set)
    due: float = 0.0  # calls that they will make in all
    made: int = 0
    measured: int = 0
    total: float = 0.0
    squares: float = 0.0
    price: float | None = None  # estimated seconds of a call at a later rung

    def count(self, seconds: float | None, sign: int) -> None:
        if seconds is not None:
            self.measured += sign
            self.total += sign * seconds
            self.squares += sign * seconds * seconds

    def moved(self) -> bool:
        """Update the price if it changed by enough to matter for the order.

        It is half a standard deviation above the mean: to find out late that promoted
        trials are dear costs more than to find out late that they are cheap.
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
        Seconds to assume for a call before any was measured.
    budget : Budget
        Says how many calls a step is worth.

    Attributes
    ----------
    typical : float or None
        Typical seconds of a call; None before one was measured.
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
        """Add a new trial to its peers."""
        rungs = self.outlook(trial)
        width = rungs[0].n_trials
        peers = self._beginners.setdefault(rungs, _Peers(width, trial))
        self._peers[trial] = peers
        peers.live.add(trial)
        before = 0
        for rung in rungs:
            # Its share of the calls of all that began together.
            worth = self.budget.cost(before, rung.calls)
            peers.due += worth * rung.n_trials / width
            before = rung.calls

    def remove(self, trial: int) -> None:
        """Forget a trial, and what was learned from it about its peers."""
        self._peers[trial].live.remove(trial)
        self._price(trial, None)
        del self._peers[trial]

    def recall(self, trial: int, n_calls: int) -> None:
        """Count calls that an earlier run of the search has made."""
        self._peers[trial].made += n_calls

    def learn(self, step: StepReport, *, cold: bool = False) -> None:
        """Update the price of this trial, and of any trial, by what was measured.

        Parameters
        ----------
        step : StepReport
        cold : bool
            Whether it was the first on its worker, which may have had to compile first:
            its seconds say little of others.
        """
        if not step.n_calls:
            return
        if step.trial in self._peers:
            self._peers[step.trial].made += step.n_calls
        if cold:
            return
        seconds = (step.fit_seconds + step.score_seconds) / step.n_calls
        known = self.typical or seconds
        self.typical = known + 0.2 * (min(seconds, _ODD * known) - known)
        if step.trial in self._peers:
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
        """Return the estimated seconds of a call of this trial."""
        return self._seconds.get(trial) or self.typical or self.guess

    def progress(self) -> list[tuple[int, int, int, set[int]]]:
        """Return how far trials are that began with the same rungs ahead.

        Returns
        -------
        list of (int, int, int, set of int)
            Per group its first trial, the calls that were made and that will be made in
            all, and the trials that were not dropped.
        """
        return [
            (peers.first, peers.made, round(peers.due), peers.live)
            for peers in self._beginners.values()
        ]

    def remaining(self) -> float:
        """Return the estimated seconds of all calls that are left."""
        typical = self.typical or self.guess
        return sum(
            max(0.0, peers.due - peers.made) * (peers.price or typical)
            for peers in self._beginners.values()
        )

    def rank(self, trial: int, calls: int) -> Rank:
        """Return the rank of a trial after `calls` calls.

        Its chain is the seconds left if it is promoted at every rung: up to its next
        rung at its own price, beyond at that of its peers, since another may be the one
        promoted there. Trials of unknown price come first, in the order of their calls:
        the sooner the dear ones are known, the sooner they can go first.
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
        """Record the price of this trial, also for its peers."""
        peers = self._peers[trial]
        peers.count(self._seconds.pop(trial, None), -1)
        peers.count(seconds, 1)
        if seconds is not None:
            self._seconds[trial] = seconds
        self._priced[id(peers)] = peers
