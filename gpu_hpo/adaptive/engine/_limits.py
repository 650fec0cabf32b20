# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""End a search before its schedule does: by time, or by a score that is enough."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._news import Record
from gpu_hpo.schedules._base import Schedule

# A call may cost more than it did, and its score has to be in before the end.
_MARGIN = 0.8


@dataclass(frozen=True)
class Limits:
    """When a search ends before its schedule is done.

    Attributes
    ----------
    max_seconds : float
        Seconds from the start of the search.
    stop_score : float
        A score that is enough.
    spent : float
        Seconds that were spent before the first task.
    refit_share : float
        What training the best parameters again costs, as a share of what training them
        did; 0 if that is not done.
    """

    max_seconds: float = math.inf
    stop_score: float = math.inf
    spent: float = 0.0
    refit_share: float = 0.0

    def left(
        self, elapsed: float, best: Record | None, dispatcher: Dispatcher
    ) -> float:
        """Return the seconds that are left to train in.

        Parameters
        ----------
        elapsed : float
            Seconds since the first task.
        best : Record or None
            That of the trial that would be trained again if the search ended now.
        dispatcher : Dispatcher
        """
        left = self.max_seconds - self.spent - elapsed
        if best is not None and self.refit_share:
            left -= self.refit_share * dispatcher.cost(best.trial, 0, best.calls)
        return left


class Closing:
    """Spends the last seconds of a search on its most promising trials.

    A schedule spreads calls so that they are well spent if it comes to its end. Where
    there is no time for that, its next rungs would never be decided. So the trials with
    the best last scores, one for each task that can run at a time, then train on, as
    far as they can be trained and scored in time.

    Parameters
    ----------
    schedule : Schedule
        Says how many calls a trial may make.
    dispatcher : Dispatcher
    limits : Limits
    """

    def __init__(
        self, schedule: Schedule, dispatcher: Dispatcher, limits: Limits
    ) -> None:
        self._schedule = schedule
        self._dispatcher = dispatcher
        self._longest = limits.max_seconds / 2
        self.begun = False

    def is_due(self, left: float, best: Record | None) -> bool:
        """Return whether to begin: the best trial could now just be trained to its end.

        If that takes more than half of the time of the search, half of it is left.
        """
        dispatcher = self._dispatcher
        if best is None or not (dispatcher.measured and dispatcher.n_slots):
            return False
        if dispatcher.remaining() / dispatcher.n_slots <= _MARGIN * left:
            return False  # the schedule comes to its end
        end = self._end(best.trial)
        chain = dispatcher.cost(best.trial, min(best.calls, end), end) / _MARGIN
        return left <= min(chain, self._longest)

    def begin(self) -> None:
        """Forget what the schedule has asked for and is not handed out yet."""
        self.begun = True
        self._dispatcher.abandon()

    def advance(self, ranked: Iterable[Record], left: float) -> None:
        """Let the best trials that rest train on, until each slot has one."""
        dispatcher = self._dispatcher
        wanted = dispatcher.n_slots - dispatcher.n_at_work
        for record in ranked:
            if wanted <= 0:
                return
            if not dispatcher.rests(record.trial):
                continue
            start, end = dispatcher.calls_of(record.trial), self._end(record.trial)
            stop = self._reach(record.trial, start, end, _MARGIN * left)
            if stop <= start:
                continue
            if not dispatcher.budget.refits:
                # In case that it takes longer, some of it is scored on the way.
                for rung in self._schedule.outlook(record.trial):
                    if start < rung.calls < stop:
                        dispatcher.advance(record.trial, rung.calls)
            dispatcher.advance(record.trial, stop)
            wanted -= 1

    def _end(self, trial: int) -> int:
        return self._schedule.outlook(trial)[-1].calls

    def _reach(self, trial: int, start: int, end: int, seconds: float) -> int:
        """Return how many calls, at most `end`, a trial can have made in some time."""
        low, high = start, max(start, end)
        while low < high:
            middle = (low + high + 1) // 2
            if self._dispatcher.cost(trial, start, middle) <= seconds:
                low = middle
            else:
                high = middle - 1
        return low
