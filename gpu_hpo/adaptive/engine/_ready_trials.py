# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Keep the trials that could be advanced, and say whose turn it is on a worker."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import count

from gpu_hpo.adaptive.engine._prices import Prices
from gpu_hpo.adaptive.engine._queue import Queue, Rank, first_of
from gpu_hpo.adaptive.engine._trial_state import TrialState, Worker


class ReadyTrials:
    """Trials with something left to do, by the worker that has their models.

    Parameters
    ----------
    trials : mapping of int to TrialState
    workers : mapping of str to Worker
        Each keeps the queues of the trials that live there.
    prices : Prices
    lookahead : bool
        Whether idle workers, too, may be given what runs on them already.
    move_seconds, urgency : float
        As in `Dispatcher`.

    Attributes
    ----------
    n_calls : int
        Calls that all of them could be given now.
    """

    def __init__(
        self,
        trials: Mapping[int, TrialState],
        workers: Mapping[str, Worker],
        prices: Prices,
        *,
        lookahead: bool,
        move_seconds: float,
        urgency: float,
    ) -> None:
        self._trials = trials
        self._workers = workers
        self._prices = prices
        self._lookahead = lookahead
        self._move_seconds = move_seconds
        self._urgency = urgency
        self._new = Queue()  # trials without models
        self._entries = count(1)
        self.n_calls = 0

    def add(self, trial: TrialState) -> None:
        """Queue a trial by its present rank, if it has anything left to do."""
        self.remove(trial)
        if not trial.ready:
            return
        trial.entry = next(self._entries)
        trial.queued_calls = trial.todo
        self.n_calls += trial.queued_calls
        home = self._workers.get(trial.home) if trial.home else None
        if home is None:
            queue = self._new
        else:
            idle = home.staying if trial.stays else home.waiting
            queue = home.running if trial.in_flight else idle
        rank = self._prices.rank(trial.number, trial.calls)
        queue.push(rank, trial.number, trial.entry)

    def remove(self, trial: TrialState) -> None:
        """Take a trial out; one that is not in stays out."""
        trial.entry = 0
        self.n_calls -= trial.queued_calls
        trial.queued_calls = 0

    def keep_at_home(self) -> None:
        """Let no worker fetch, from now on, a trial that waits on another."""
        self._move_seconds = math.inf

    def rank_again(self) -> None:
        """Queue anew the trials whose chain is now taken to cost more, or less."""
        for trial in map(self._trials.__getitem__, self._prices.moved()):
            if trial.entry:
                self.add(trial)

    def candidates(self, name: str) -> Iterator[TrialState]:
        """Yield ready trials for worker `name`; the first is the one whose turn it is.

        A worker with an idle slot may fetch a trial that waits elsewhere, but not one
        that runs elsewhere, whose model does not exist yet. A trial that runs here can
        only be queued, so an idle slot takes it only if there is nothing else.
        """
        own = self._workers[name]
        queues = [(own.waiting, 0.0), (own.staying, 0.0), (self._new, 0.0)]
        idle = len(own.tasks) < own.slots
        if idle:
            queues += [
                (other.waiting, self._move_seconds)
                for other in self._workers.values()
                if other is not own
            ]
        if not idle or (self._lookahead and self._first(queues) is None):
            queues.append((own.running, 0.0))
        while (trial := self._first(queues)) is not None:
            yield trial

    def _first(self, queues: list[tuple[Queue, float]]) -> TrialState | None:
        """Return the trial in some queues whose turn it is."""
        found = first_of(queues, Rank.longest, self._counts)
        if found is None:
            return None
        rank, _ = found
        slots = sum(worker.slots for worker in self._workers.values())
        if rank.known and rank.chain * slots < self._urgency * self._prices.remaining():
            found = first_of(queues, Rank.widest, self._counts) or found
        return self._trials[found[1]]

    def _counts(self, number: int, entry: int) -> bool:
        """Return whether an entry of a queue is the one that counts."""
        return self._trials[number].entry == entry
