# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which trials a worker advances next, together and how far: the makespan is made here.

Pure state machine: told of instructions, workers and finished tasks, it hands out
tasks. It holds no array, no future and no clock, so that the same code runs on a
cluster and under the simulated clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Mapping
from itertools import count

from gpu_hpo.execution._held_results import HeldResults
from gpu_hpo.execution._prices import Prices
from gpu_hpo.execution._queue import Queue, Rank, first_of
from gpu_hpo.execution._task import Report, Step, Task
from gpu_hpo.execution._trial_state import Goal, Trial, Worker
from gpu_hpo.schedules import Rung
from gpu_hpo.training import Budget, PartialFit


class Dispatcher:
    """Groups trials into tasks of a useful length, and says whose turn it is.

    As long as no chain of calls can delay the end, the widest bracket goes first, which
    finds good models early; what could, goes before everything else.

    Parameters
    ----------
    outlook : callable
        ``outlook(trial)`` gives the rungs ahead of a trial (see `Schedule`).
    task_seconds : float, default=0.1
        Longest task to aim for. A single call is never split.
    lookahead : float, default=0.02
        Hand a busy worker further tasks until so many seconds of work wait there, so
        that it need not wait for the next message. 0 hands out to idle slots only.
    move_seconds : float, default=0.01
        How much longer the remaining chain of a trial elsewhere must be for a
        worker to fetch it rather than take one of its own.
    window : callable, optional
        ``window(start)`` is the furthest call up to which a task that begins after
        `start` calls may train without holding more data than it should.
    n_parts : int, default=1
        Validation parts that make up one score.
    parts_per_task : int, optional
        How many of them one task may hold; by default all.
    groups : mapping of int to Hashable, optional
        Trials with equal values train together at less cost than apart.
    budget : Budget, optional
        What a call means: whether a step can be cut, and what it is worth. By default
        one call of `partial_fit`.
    max_losses : int, default=3
        A trial that was being trained on so many workers when they died is given
        up.
    urgency : float, default=0.3
        The longest remaining chain goes first where it takes at least this part of
        the time that all that is left to do takes; 0 is always.
    """

    def __init__(
        self,
        outlook: Callable[[int], tuple[Rung, ...]],
        *,
        task_seconds: float = 0.1,
        lookahead: float = 0.02,
        move_seconds: float = 0.01,
        window: Callable[[int], int] | None = None,
        n_parts: int = 1,
        parts_per_task: int | None = None,
        groups: Mapping[int, Hashable] | None = None,
        budget: Budget | None = None,
        max_losses: int = 3,
        urgency: float = 0.3,
    ) -> None:
        self.outlook = outlook
        self.task_seconds = task_seconds
        self.lookahead = lookahead
        self.move_seconds = move_seconds
        self.window = window
        self.n_parts = n_parts
        self.parts_per_task = parts_per_task or n_parts
        self.budget = budget or PartialFit()
        self.max_losses = max_losses
        self.urgency = urgency
        members: dict[Hashable, list[int]] = {}
        for trial, group in (groups or {}).items():
            members.setdefault(group, []).append(trial)
        # By trial, all of its group.
        self._groups = {t: members[group] for t, group in (groups or {}).items()}
        self.workers: dict[str, Worker] = {}
        self._trials: dict[int, Trial] = {}
        self._prices = Prices(outlook, task_seconds, self.budget)
        self._new = Queue()  # trials that live nowhere yet
        self._results = HeldResults()
        self._ids = count()
        self._entries = count(1)
        self._queued_calls = 0
        # task -> trial -> its epoch, and how many goals the task reaches
        self._reaches: dict[int, dict[int, tuple[int, int]]] = {}

    # ---- what is told to it ----

    def add_worker(self, name: str, slots: int) -> None:
        """Let `name` work on `slots` tasks at a time."""
        self.workers[name] = Worker(slots)

    def remove_worker(self, name: str) -> list[int]:
        """Take back what `name` had; its trials start again elsewhere.

        Returns
        -------
        list of int
            Trials given up because too many workers died while training them.
        """
        worker = self.workers.pop(name)
        # Tasks begin in the order in which they were handed out.
        begun = list(worker.tasks.values())[: worker.slots]
        suspects = {trial for task in begun for trial in self._current(task.id)}
        for number in worker.tasks:
            self._retire(number)
        # What is in a task here lives here too.
        affected = {t.number for t in self._trials.values() if t.home == name}
        return self._lose(affected, suspects)

    def task_lost(self, task: Task) -> list[int]:
        """Take back a task whose result is lost; returns trials given up."""
        worker = self.workers.get(task.worker)
        if worker is None or worker.tasks.pop(task.id, None) is None:
            return []
        trials = self._current(task.id)
        self._retire(task.id)
        return self._lose(trials, trials)

    def advance(self, number: int, calls: int, *, scored: bool = True) -> None:
        """Train trial `number` until it has made `calls` calls, then score it."""
        trial = self._trials.get(number)
        if trial is None:
            self._prices.add(number)
            trial = self._trials[number] = Trial(number)
        trial.goals.append(Goal(calls, scored))
        self._queue(trial)

    def drop(self, number: int) -> None:
        """Forget trial `number` and its model."""
        trial = self._trials[number]
        if trial.live:
            trial.live = False
            self._prices.remove(number)
        self._unqueue(trial)
        self._hold(trial, None)

    def revive(self, number: int) -> None:
        """Let a trial that was dropped be advanced again, from its first call."""
        trial = self._trials.get(number)
        if trial is not None and not trial.live:
            again = Trial(number, epoch=trial.epoch + 1, reached=trial.reached)
            self._trials[number] = again
            self._prices.add(number)

    def finished(self, report: Report) -> bool:
        """Take in what a task came to; False if it is not expected (any more)."""
        worker = self.workers.get(report.worker)
        task = worker.tasks.pop(report.task, None) if worker else None
        if task is None:
            return False
        reaches = self._retire(report.task)
        stops = {step.trial: step.stop for step in task.steps}
        for step in report.steps:
            trial = self._trials[step.trial]
            epoch, goals = reaches[step.trial]
            if epoch != trial.epoch:
                continue
            self._prices.learn(step)
            trial.reported(stops[step.trial], goals)
            if not step.error:
                self._queue(trial)
        return True

    # ---- what it decides ----

    def assign(self) -> list[Task]:
        """Tasks to hand out now."""
        # Trials whose chain is now taken to cost more, or less, are queued anew.
        for trial in map(self._trials.__getitem__, self._prices.moved()):
            if trial.entry:
                self._queue(trial)
        out: list[Task] = []
        while True:
            hungry = [
                (len(worker.tasks) >= worker.slots, worker.queued_seconds, name)
                for name, worker in self.workers.items()
                if self._wants_more(worker)
            ]
            names = (name for *_, name in sorted(hungry))
            task = next(filter(None, map(self._task, names)), None)
            if task is None:
                return out
            out.append(task)

    def freed(self) -> list[int]:
        """Tasks that have ended and whose results no trial needs, each told once."""
        return self._results.freed()

    def source(self, number: int) -> int | None:
        """Task whose result holds the model of trial `number`."""
        trial = self._trials.get(number)
        return None if trial is None else trial.source

    @property
    def idle(self) -> bool:
        """Whether nothing is running and nothing could be started."""
        return not any(w.tasks for w in self.workers.values()) and not any(
            trial.ready for trial in self._trials.values()
        )

    # ---- how ----

    def _wants_more(self, worker: Worker) -> bool:
        idle = len(worker.tasks) < worker.slots
        ahead = self.lookahead and self._prices.typical
        if not idle and not (ahead and worker.queued_seconds < self.lookahead):
            return False
        return not any(
            len(task.steps) == 1 and self._last_chance(task.steps[0].trial)
            for task in worker.tasks.values()
        )

    def _last_chance(self, number: int) -> bool:
        """Whether a trial may cost one worker more; then nothing else runs there."""
        return 0 < self._trials[number].losses == self.max_losses - 1

    def _queue(self, trial: Trial) -> None:
        """Make `trial` a candidate, if it has anything left to do."""
        self._unqueue(trial)
        if not trial.ready:
            return
        trial.entry = next(self._entries)
        trial.queued_calls = trial.todo
        self._queued_calls += trial.queued_calls
        home = self.workers.get(trial.home) if trial.home else None
        if home is None:
            queue = self._new
        else:
            queue = home.running if trial.in_flight else home.waiting
        rank = self._prices.rank(trial.number, trial.calls)
        queue.push(rank, trial.number, trial.entry)

    def _unqueue(self, trial: Trial) -> None:
        trial.entry = 0
        self._queued_calls -= trial.queued_calls
        trial.queued_calls = 0

    def _lose(self, affected: set[int], suspects: set[int]) -> list[int]:
        """Start `affected` again, but for suspects that cost too many workers."""
        given_up = []
        for number in sorted(affected):
            trial = self._trials[number]
            if not trial.live:
                continue
            if number in suspects:
                trial.losses += 1
                trial.lost_calls = max(trial.lost_calls, trial.calls)
            if trial.losses >= self.max_losses:
                given_up.append(number)
            else:
                trial.restart()
                self._hold(trial, None)
                self._queue(trial)
        return given_up

    def _current(self, task: int) -> set[int]:
        """Trials in a running task that have not been started again since."""
        reaches = self._reaches[task].items()
        return {n for n, (epoch, _) in reaches if epoch == self._trials[n].epoch}

    def _retire(self, task: int) -> dict[int, tuple[int, int]]:
        """Note that `task` does not run any more; gives what it was to reach."""
        self._results.ended(task)
        return self._reaches.pop(task)

    def _hold(self, trial: Trial, task: int | None) -> None:
        """Note that the result of `task` is now what holds the trial's model."""
        self._results.pass_on(trial.number, trial.source, task)
        trial.source = task

    def _counts(self, number: int, entry: int) -> bool:
        """Whether an entry of a queue is the one that counts."""
        return self._trials[number].entry == entry

    def _first(self, queues: list[tuple[Queue, float]]) -> Trial | None:
        """Trial whose turn it is, of those in some queues."""
        found = first_of(queues, Rank.longest, self._counts)
        if found is None:
            return None
        rank, _ = found
        slots = sum(worker.slots for worker in self.workers.values())
        if rank.known and rank.chain * slots < self.urgency * self._prices.remaining():
            found = first_of(queues, Rank.widest, self._counts) or found
        return self._trials[found[1]]

    def _candidates(self, name: str) -> Iterator[Trial]:
        """Ready trials for worker `name`, the one whose turn it is first.

        A worker with an idle slot may fetch a trial that waits elsewhere. What runs
        elsewhere stays there: its model is not to be had yet. What runs here can
        only be queued, so it is not for an idle slot while there is anything else.
        """
        own = self.workers[name]
        queues = [(own.waiting, 0.0), (self._new, 0.0)]
        idle = len(own.tasks) < own.slots
        if idle:
            queues += [
                (other.waiting, self.move_seconds)
                for other in self.workers.values()
                if other is not own
            ]
        if not idle or (self.lookahead and self._first(queues) is None):
            queues.append((own.running, 0.0))
        while (trial := self._first(queues)) is not None:
            yield trial

    def _together(self, name: str, lead: Trial) -> list[Trial]:
        """Trials that can train in one stack with `lead`, of whom it is one.

        A stack costs less than its members one by one, so all that are where `lead`
        is come along, up to the worker's fair share of all that could be started.
        """
        places = (None, name, lead.home)
        mates = [
            trial
            for trial in map(self._trials.get, self._groups[lead.number])
            if trial is not None
            and trial is not lead
            and trial.entry
            and not (trial.in_flight or trial.losses)
            and trial.home in places
            and (trial.calls, trial.parts) == (lead.calls, lead.parts)
            and trial.goals[-1].calls == lead.goals[-1].calls
        ]
        slots = sum(worker.slots for worker in self.workers.values())
        share = self._queued_calls / slots / max(1, lead.queued_calls)
        chosen = [lead, *mates[: max(0, math.ceil(share) - 1)]]
        for trial in chosen:
            self._unqueue(trial)
        return chosen

    def _cohort(self, name: str) -> list[Trial]:
        """Trials that worker `name` should advance together now.

        Half of its fair share of all that could be started, so that the last tasks
        are small and workers end together; but never more trials than can make one
        call each within a task's time.
        """
        slots = sum(worker.slots for worker in self.workers.values())
        typical = self._prices.typical or self.task_seconds
        share = min(self.task_seconds, self._queued_calls * typical / (2 * slots))
        chosen: list[Trial] = []
        in_all = one_call = 0.0
        for trial in self._candidates(name):
            price = self._prices.cost(trial.number)
            cost = price * self._least_worth(trial)
            if self._last_chance(trial.number) and self.workers[name].tasks:
                break  # wait until nothing else is here that would be blamed as well
            if trial.number in self._groups and not trial.losses:
                if chosen:
                    break
                return self._together(name, trial)
            # Who may have killed a worker goes alone, so that no other is blamed.
            if chosen and (
                trial.losses
                or one_call + cost > self.task_seconds
                or (self.window and trial.calls != chosen[0].calls)
                or trial.parts != chosen[0].parts
            ):
                break
            chosen.append(trial)
            in_all += trial.queued_calls * price
            one_call += cost
            self._unqueue(trial)
            if in_all >= share or self._prices.typical is None or trial.losses:
                break
        return chosen

    def _task(self, name: str) -> Task | None:
        """Next task for worker `name`, or None if there is nothing for it to do."""
        chosen = self._cohort(name)
        if not chosen:
            return None
        worker = self.workers[name]
        todo = sum(trial.todo * self._prices.cost(trial.number) for trial in chosen)
        fraction = min(1.0, self.task_seconds / todo) if todo else 1.0
        number = next(self._ids)
        before = {trial.number: trial.next_goal for trial in chosen}
        steps = tuple(self._step(trial, fraction) for trial in chosen)
        seconds = sum(
            self._worth(step.start, step.stop) * self._prices.cost(trial.number)
            for step, trial in zip(steps, chosen, strict=True)
        )
        task = Task(number, name, steps, seconds)
        worker.tasks[number] = task
        self._results.begun(number)
        self._reaches[number] = {
            trial.number: (trial.epoch, trial.next_goal - before[trial.number])
            for trial in chosen
        }
        for trial in chosen:
            trial.home = name
            trial.in_flight += 1
            self._hold(trial, number)
            self._queue(trial)
        return task

    def _step(self, trial: Trial, fraction: float) -> Step:
        parts = self.n_parts, self.parts_per_task
        if self.budget.refits:
            return trial.next_refit(*parts, resumes=self.budget.resumes)
        # Until a call was measured, a task is one call.
        window = self.window if self._prices.typical is not None else _one_call
        return trial.next_step(fraction, window, *parts)

    def _worth(self, start: int, stop: int) -> int:
        return self.budget.cost(start, stop) if stop > start else 0

    def _least_worth(self, trial: Trial) -> int:
        """Calls that the shortest step of a trial is worth."""
        if not self.budget.refits:
            return 1
        return self._worth(trial.calls, trial.upcoming)


def _one_call(start: int) -> int:
    """Window of a single call."""
    return start + 1
