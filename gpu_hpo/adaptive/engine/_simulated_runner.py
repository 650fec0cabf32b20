# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Carry out a search in simulated time instead of on a cluster."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from itertools import count

from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.adaptive.engine._task import Report, StepReport, Task, TrialStep
from gpu_hpo.adaptive.training._score import Score


class SimulatedRunner:
    """Runs an engine's tasks, the same as on Dask, in simulated time.

    A task begins when its worker has a slot and the tasks that made its models have
    ended; moving models takes no time.

    Parameters
    ----------
    engine : Engine
        With workers added to its dispatcher.
    cost : callable
        ``cost(trial, call)``, seconds that call number `call` (from 1) takes.
    score : callable
        ``score(trial, calls)``, the score after `calls` calls.
    score_cost : callable, optional
        ``score_cost(trial)``, seconds that one score takes; default none.
    fails : callable, optional
        ``fails(trial, call)``, whether that call raises; default never.
    kills : callable, optional
        ``kills(trial, call)``, whether the worker dies of that call; default never.
        Another worker takes its place.

    Attributes
    ----------
    busy : float
        Seconds of work done, over all workers.
    """

    def __init__(
        self,
        engine: Engine,
        cost: Callable[[int, int], float],
        score: Callable[[int, int], float],
        score_cost: Callable[[int], float] = lambda trial: 0.0,
        *,
        fails: Callable[[int, int], bool] = lambda trial, call: False,
        kills: Callable[[int, int], bool] = lambda trial, call: False,
    ) -> None:
        self.engine = engine
        self.cost = cost
        self.score = score
        self.score_cost = score_cost
        self.fails = fails
        self.kills = kills
        self.busy = 0.0
        self._failed: set[int] = set()

    def run(self, changes: Iterable[tuple[float, str, int]] = ()) -> float:
        """Carry out the search.

        Parameters
        ----------
        changes : iterable of (seconds, worker, slots)
            At this time a worker joins with this many slots or, with 0, is lost.

        Returns
        -------
        float
            Makespan in simulated seconds.
        """
        now = 0.0
        workers = self.engine.dispatcher.workers
        # When each slot of a worker is free, and when each task ends.
        slots = {name: [0.0] * worker.slots for name, worker in workers.items()}
        ends: dict[int, float] = {}
        order = count()
        coming: list[tuple[float, int, Report | Task | tuple[str, int]]] = [
            (when, next(order), (name, n_slots)) for when, name, n_slots in changes
        ]
        heapq.heapify(coming)

        def begin(tasks: list[Task]) -> None:
            for task in tasks:
                report = self._report(task)
                made = [ends[s.source] for s in task.steps if s.source is not None]
                slot = heapq.heappop(slots[task.worker])
                ends[task.id] = end = max(slot, now, *made) + report.seconds
                heapq.heappush(slots[task.worker], end)
                outcome = task if self._is_deadly(task) else report
                heapq.heappush(coming, (end, next(order), outcome))

        def join(name: str, n_slots: int) -> None:
            slots[name] = [now] * n_slots
            begin(self.engine.worker_joined(name, n_slots))

        begin(self.engine.start())
        while coming and not self.engine.done:
            now, _, what = heapq.heappop(coming)
            if isinstance(what, Report):
                begin(self.engine.report(what, now))
            elif isinstance(what, tuple):
                name, n_slots = what
                if n_slots:
                    join(name, n_slots)
                elif name in workers:
                    begin(self.engine.worker_left(name))
            elif what.worker in workers and what.id in workers[what.worker].tasks:
                n_slots = workers[what.worker].slots
                begin(self.engine.worker_left(what.worker))
                join(f"{what.worker}+", n_slots)
        return now

    def _is_deadly(self, task: Task) -> bool:
        return any(
            self.kills(step.trial, call)
            for step in task.steps
            for call in range(step.start + 1, step.stop + 1)
        )

    def _report(self, task: Task) -> Report:
        for step in task.steps:
            if step.source is None:
                self._failed.discard(step.trial)
        # Those that failed in a task before this one began.
        gone = {s.trial for s in task.steps if s.trial in self._failed}
        reached, over = self._train(task)
        steps = tuple(
            self._step(step, reached[step.trial], gone=step.trial in gone, over=over)
            for step in task.steps
        )
        seconds = sum(step.fit_seconds + step.score_seconds for step in steps)
        self.busy += seconds
        return Report(task.id, task.worker, steps, seconds)

    def _train(self, task: Task) -> tuple[dict[int, int], bool]:
        """Return how many calls trials have made then, and whether time was over."""
        reached = {step.trial: step.start for step in task.steps}
        refits = self.engine.dispatcher.budget.refits
        spent, begun = 0.0, False
        stops = {step.trial: step.stop for step in task.steps}
        for call in range(min(reached.values()) + 1, max(stops.values()) + 1):
            for trial, stop in stops.items():
                if trial in self._failed or not reached[trial] == call - 1 < stop:
                    continue
                if begun and spent > task.left and not refits:
                    return reached, True
                begun = True
                if self.fails(trial, call):
                    self._failed.add(trial)
                else:
                    reached[trial] = call
                    spent += self.cost(trial, call)
        return reached, False

    def _step(
        self, step: TrialStep, stop: int, *, gone: bool, over: bool
    ) -> StepReport:
        trial = step.trial
        cut_short = over and stop < step.stop
        budget = self.engine.dispatcher.budget
        # A refit repeats the calls before it.
        worth = budget.cost(step.start, stop) if stop > step.start else 0
        calls = range(stop - worth + 1, stop + 1)
        fit = sum(self.cost(trial, call) for call in calls)
        scoring = self.score_cost(trial)
        due = {calls for calls in step.scores if calls <= stop and not gone}
        if cut_short and step.scores and stop > step.start:
            due.add(stop)
        scores = tuple(
            Score(calls, self.score(trial, calls), {}, 0.0, scoring)
            for calls in sorted(due)
        )
        return StepReport(
            trial,
            worth,
            scores,
            fit,
            scoring * len(scores),
            (fit, 0.0),
            "simulated failure" if trial in self._failed else "",
            cut_short=cut_short,
        )
