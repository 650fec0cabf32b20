# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Decide which trials a worker advances next, how many together, and how far.

The dispatcher is a pure state machine: it is told of instructions, workers and finished
tasks, and hands out tasks. It holds no array, no future and no clock, so that the same
code runs on a cluster and in simulated time.
"""

# More than 400 lines, since what it is told and what it decides share all of its state.

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from itertools import count

from gpu_hpo._config import read_seconds
from gpu_hpo.adaptive.engine._held_results import HeldResults
from gpu_hpo.adaptive.engine._prices import Prices
from gpu_hpo.adaptive.engine._ready_trials import ReadyTrials
from gpu_hpo.adaptive.engine._task import Report, StepReport, Task, TrialStep
from gpu_hpo.adaptive.engine._trial_state import Goal, TrialState, Worker
from gpu_hpo.adaptive.training._budgets import Budget, PartialFit
from gpu_hpo.compute._loss_policy import LossPolicy
from gpu_hpo.schedules._base import Rung


class Dispatcher:
    """Makes tasks of a useful length, and decides whose turn it is.

    While no chain of calls can delay the end of the search, the widest bracket goes
    first, which finds good models early. A chain that could delay the end goes before
    all else.

    Parameters
    ----------
    outlook : callable
        ``outlook(trial)`` gives the rungs ahead of a trial (see `Schedule`).
    task_seconds : float, optional
        Longest task to aim for, by default the setting ``tasks.adaptive``. A single
        call is never split.
    lookahead : float, default=0.02
        Hand a busy worker further tasks until this many seconds of work wait there, so
        that it need not wait for the next message. 0 hands out to idle slots only.
    move_seconds : float, default=0.01
        A worker fetches a trial from elsewhere, rather than take one of its own, if the
        remaining chain of that trial is longer by this much.
    window : callable, optional
        ``window(start)`` is the last call up to which a task that begins after `start`
        calls may train without holding too much data.
    n_parts : int, default=1
        Validation parts that make up one score.
    parts_per_task : int, optional
        How many of them one task may hold; by default all.
    groups : mapping of int to Hashable, optional
        Trials with equal values train together at less cost than apart.
    budget : Budget, optional
        What a call means: whether a step can be cut, and what it is worth. By default
        one call of `partial_fit`.
    max_deaths : int, optional
        A trial is given up if this many workers died while they trained it alone; by
        default the setting ``workers.max-deaths``. A trial trains alone once it was on
        a worker that died.
    one_call : bool, default=False
        Whether a task makes one call, of one trial or of trials that train together, so
        that it is known which call takes long.
    urgency : float, default=0.3
        The longest remaining chain goes first if it takes at least this share of the
        time that all remaining work takes; with 0 always.
    """

    def __init__(
        self,
        outlook: Callable[[int], tuple[Rung, ...]],
        *,
        task_seconds: float | None = None,
        lookahead: float = 0.02,
        move_seconds: float = 0.01,
        window: Callable[[int], int] | None = None,
        n_parts: int = 1,
        parts_per_task: int | None = None,
        groups: Mapping[int, Hashable] | None = None,
        budget: Budget | None = None,
        max_deaths: int | None = None,
        one_call: bool = False,
        urgency: float = 0.3,
    ) -> None:
        self.outlook = outlook
        if task_seconds is None:
            task_seconds = read_seconds("tasks.adaptive")
        self.task_seconds = task_seconds
        self.lookahead = lookahead
        self.window = window
        self.n_parts = n_parts
        self.parts_per_task = parts_per_task or n_parts
        self.budget = budget or PartialFit()
        self._one_call = one_call
        self._loss_policy = LossPolicy(max_deaths)
        members: dict[Hashable, list[int]] = {}
        for trial, group in (groups or {}).items():
            members.setdefault(group, []).append(trial)
        # For each trial, all trials of its group.
        self._groups = {t: members[group] for t, group in (groups or {}).items()}
        self.workers: dict[str, Worker] = {}
        self._trials: dict[int, TrialState] = {}
        self._prices = Prices(outlook, task_seconds, self.budget)
        self._ready = ReadyTrials(
            self._trials,
            self.workers,
            self._prices,
            lookahead=bool(lookahead),
            move_seconds=move_seconds,
            urgency=urgency,
        )
        self._results = HeldResults()
        self._ids = count()
        # task -> trial -> its epoch, and the number of goals that the task reaches
        self._reaches: dict[int, dict[int, tuple[int, int]]] = {}
        self._fetched: dict[int, list[int]] = {}  # task -> trials it has from elsewhere
        self._left = math.inf  # seconds that are left to the search

    # ---- what the dispatcher is told ----

    def add_worker(self, name: str, slots: int) -> None:
        """Register a worker that works on `slots` tasks at a time."""
        self.workers[name] = Worker(slots)

    def remove_worker(self, name: str) -> list[int]:
        """Take back the tasks of a lost worker; its trials start again elsewhere.

        Returns
        -------
        list of int
            Trials given up because too many workers died while training them alone.
        """
        worker = self.workers.pop(name)
        alone = worker.only_trial
        # A task that waits for a model or for data lets later ones go first.
        begun = [
            task
            for task in worker.tasks.values()
            if not any(step.source in worker.tasks for step in task.steps)
        ]
        suspects = {trial for task in begun for trial in self._current(task.id)}
        for number in worker.tasks:
            self._retire(number)
        # Trials in a task here also have their models here.
        affected = {t.number for t in self._trials.values() if t.home == name}
        return self._lose(affected, suspects, alone)

    def task_lost(self, task: Task, deaths: int = 1) -> list[int]:
        """Take back a task whose result is lost.

        Parameters
        ----------
        task : Task
        deaths : int, default=1
            How often its worker may have died of it; 0 if it had not begun.

        Returns
        -------
        list of int
            Trials given up, as by `remove_worker`.
        """
        worker = self.workers.get(task.worker)
        if worker is None or task.id not in worker.tasks:
            return []
        alone = worker.only_trial
        del worker.tasks[task.id]
        trials = self._current(task.id)
        if not deaths:
            # If their worker died from sending them, it must not happen again.
            for number in self._fetched.get(task.id, ()):
                self._trials[number].stays = True
        self._retire(task.id)
        return self._lose(trials, trials if deaths else set(), alone, deaths)

    def give_up(self, task: Task, *, slots: int = 0) -> list[int]:
        """Take back a task that will not end, and those that wait for its result.

        Parameters
        ----------
        task : Task
        slots : int, default=0
            Slots of its worker that it keeps busy for good.

        Returns
        -------
        list of int
            Trials that it was to advance, and that nothing has happened to since.
        """
        worker = self.workers.get(task.worker)
        if worker is None or task.id not in worker.tasks:
            return []
        worker.slots -= slots
        trials = self._current(task.id)
        others: set[int] = set()
        over = {task.id}
        for later in list(worker.tasks.values()):
            if later.id in over or any(step.source in over for step in later.steps):
                over.add(later.id)
                others |= self._current(later.id) - trials
                del worker.tasks[later.id]
                self._retire(later.id)
        self._lose(others, set(), None)
        return sorted(trials)

    def advance(self, number: int, calls: int, *, scored: bool = True) -> None:
        """Train trial `number` until it has made `calls` calls, then score it."""
        trial = self._trials.get(number)
        if trial is None:
            self._prices.add(number)
            trial = self._trials[number] = TrialState(number)
        trial.goals.append(Goal(calls, scored))
        self._ready.add(trial)

    def settle(self, number: int) -> None:
        """Take the next goal of a trial that does not train as reached and scored.

        The trial begins with its first call when it has to train on.
        """
        trial = self._trials[number]
        before = trial.reached[-1] if trial.reached else 0
        trial.recall()
        self._prices.recall(number, self._worth(before, trial.reached[-1]))
        self._ready.add(trial)

    def drop(self, number: int) -> None:
        """Forget trial `number` and its model."""
        trial = self._trials[number]
        if trial.live:
            trial.live = False
            self._prices.remove(number)
        self._ready.remove(trial)
        self._hold(trial, None)

    def abandon(self) -> None:
        """Hand out nothing that has been asked for and is not handed out yet."""
        for trial in self._trials.values():
            del trial.goals[trial.next_goal :]
            self._ready.remove(trial)

    def revive(self, number: int) -> None:
        """Allow a trial that was dropped to be advanced again, from its first call."""
        trial = self._trials.get(number)
        if trial is not None and not trial.live:
            again = TrialState(number, epoch=trial.epoch + 1, reached=trial.reached)
            self._trials[number] = again
            self._loss_policy.clear(number)
            self._prices.add(number)

    def finished(self, report: Report) -> list[StepReport]:
        """Take in the report of a task; return the steps that count.

        There are none if it is not expected, or no longer. If the report of a task
        before it is missing, the trials that were in both start again: what the engine
        is told must not have gaps.
        """
        worker = self.workers.get(report.worker)
        if worker is None or report.task not in worker.tasks:
            return []
        counted: list[StepReport] = []
        task = worker.tasks.pop(report.task)
        reaches = self._retire(report.task)
        # Where time is short, one dear call must not keep others from being made.
        cold = self._left < math.inf and not worker.warm
        worker.warm = True
        starts = {step.trial: step.start for step in task.steps}
        stops = {step.trial: step.stop for step in task.steps}
        before = {
            trial
            for number in worker.tasks
            if number < report.task
            for trial in self._current(number)
        }
        for step in report.steps:
            trial = self._trials[step.trial]
            epoch, goals = reaches[step.trial]
            has_gap = epoch == trial.epoch and step.trial in before
            if not has_gap:
                counted.append(step)
            if epoch != trial.epoch:
                continue
            if step.cannot_move or has_gap:
                if step.cannot_move:
                    # Nor can others, most likely; a new model costs more than waiting.
                    self._ready.keep_at_home()
                trial.restart()
                self._hold(trial, None)
                self._ready.add(trial)
                continue
            self._prices.learn(step, cold=cold)
            # One that failed did not reach the goal after its last score.
            trial.reported(len(step.scores) if step.error else goals)
            if step.cut_short:
                trial.calls = starts[step.trial] + step.n_calls
            if stops[step.trial] > trial.lost_calls:
                trial.lost_calls = 0
                self._loss_policy.clear(step.trial)
            if not step.error:
                self._ready.add(trial)
        return counted

    # ---- what it decides ----

    def assign(self, left: float = math.inf) -> list[Task]:
        """Return the tasks to hand out now.

        Parameters
        ----------
        left : float, optional
            Seconds that are left to the search. A task that cannot end in time, by what
            its calls are known to cost, is not handed out.
        """
        self._left = left
        self._ready.rank_again()
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
        """Return ended tasks whose results no trial needs, each once."""
        return self._results.freed()

    def source(self, number: int) -> int | None:
        """Return the task whose result holds the model of trial `number`."""
        trial = self._trials.get(number)
        return None if trial is None else trial.source

    def rests(self, number: int) -> bool:
        """Return whether a trial has a model that can train on, and is not to."""
        trial = self._trials[number]
        at_work = trial.in_flight or trial.goals
        return trial.live and trial.source is not None and not at_work

    def asked(self, number: int) -> int:
        """Return the calls that a trial is to reach next, or 0."""
        trial = self._trials.get(number)
        goals = trial.goals if trial is not None and trial.live else ()
        return goals[0].calls if goals else 0

    def calls_of(self, number: int) -> int:
        """Return the calls of a trial that are made or handed out."""
        return self._trials[number].calls

    def cost(self, number: int, start: int, stop: int) -> float:
        """Return the seconds a trial is expected to take from `start` to `stop`."""
        return self._prices.cost(number) * self._worth(start, stop)

    def remaining(self) -> float:
        """Return the seconds that all calls still to come are expected to take."""
        return self._prices.remaining()

    def progress(self) -> list[tuple[int, int, int, set[int]]]:
        """Return how far trials are, as `Prices.progress` does."""
        return self._prices.progress()

    @property
    def n_busy(self) -> int:
        """Number of tasks that run now."""
        return sum(min(len(w.tasks), w.slots) for w in self.workers.values())

    @property
    def n_slots(self) -> int:
        """Number of tasks that can run at a time."""
        return sum(worker.slots for worker in self.workers.values())

    @property
    def n_at_work(self) -> int:
        """Number of trials that train, or are to."""
        return sum(
            trial.live and bool(trial.in_flight or trial.goals)
            for trial in self._trials.values()
        )

    @property
    def measured(self) -> bool:
        """Whether it is known what any call has cost."""
        return self._prices.typical is not None

    @property
    def runs(self) -> bool:
        """Whether any task is handed out and has not ended."""
        return any(worker.tasks for worker in self.workers.values())

    def runs_suspect(self, name: str) -> bool:
        """Return whether a worker runs one trial only, since that was on a lost one."""
        only = self.workers[name].only_trial
        return only is not None and self._loss_policy.suspects(only)

    @property
    def idle(self) -> bool:
        """Whether nothing is running and nothing could be started."""
        return not self.runs and not any(t.ready for t in self._trials.values())

    # ---- how ----

    def _wants_more(self, worker: Worker) -> bool:
        idle = len(worker.tasks) < worker.slots
        # Near the end of its time, a search wants to know what begins when.
        ahead = self._left > 5 * self.task_seconds
        ahead = ahead and bool(self.lookahead and self._prices.typical)
        if not idle and not (ahead and worker.queued_seconds < self.lookahead):
            return False
        return not any(
            self._loss_policy.suspects(step.trial)
            for task in worker.tasks.values()
            for step in task.steps
        )

    def _lose(
        self, affected: set[int], suspects: set[int], alone: int | None, deaths: int = 1
    ) -> list[int]:
        """Start `affected` again, except suspects that cost too many workers alone.

        `alone` is the only trial in tasks on the worker, if there was just one.
        """
        given_up = []
        for number in sorted(affected):
            trial = self._trials[number]
            if not trial.live:
                continue
            guilty = False
            if number in suspects:
                trial.lost_calls = max(trial.lost_calls, trial.calls)
                guilty = self._loss_policy.lost(
                    number,
                    alone=number == alone and self._loss_policy.suspects(number),
                    deaths=deaths,
                )
            if guilty:
                given_up.append(number)
            else:
                trial.restart()
                self._hold(trial, None)
                self._ready.add(trial)
        return given_up

    def _current(self, task: int) -> set[int]:
        """Return the trials of a running task that were not started again since."""
        reaches = self._reaches[task].items()
        return {n for n, (epoch, _) in reaches if epoch == self._trials[n].epoch}

    def _retire(self, task: int) -> dict[int, tuple[int, int]]:
        """Record that `task` no longer runs; return the goals that it was to reach."""
        self._results.ended(task)
        self._fetched.pop(task, None)
        return self._reaches.pop(task)

    def _hold(self, trial: TrialState, task: int | None) -> None:
        """Record that the result of `task` now holds the trial's model."""
        self._results.pass_on(trial.number, trial.source, task)
        trial.source = task

    def _together(self, name: str, lead: TrialState) -> list[TrialState]:
        """Choose trials, `lead` among them, that train in one stack with `lead`.

        A stack costs less than its models one by one, so all trials that are where
        `lead` is come along, up to the worker's fair share of all that could start.
        """
        places = (None, name)
        mates = [
            trial
            for trial in map(self._trials.get, self._groups[lead.number])
            if trial is not None
            and trial is not lead
            and trial.entry
            and not (trial.in_flight or self._loss_policy.suspects(trial.number))
            and (trial.home in places or (trial.home == lead.home and not trial.stays))
            and (trial.calls, trial.parts) == (lead.calls, lead.parts)
            and trial.goals[-1].calls == lead.goals[-1].calls
        ]
        share = self._ready.n_calls / self.n_slots / max(1, lead.queued_calls)
        one_call = self._prices.cost(lead.number) * self._least_worth(lead)
        in_time = self._left_on(name) / one_call if one_call else math.inf
        share = max(1.0, min(math.ceil(share), in_time, len(mates) + 1))
        chosen = [lead, *mates[: int(share) - 1]]
        for trial in chosen:
            self._ready.remove(trial)
        return chosen

    def _cohort(self, name: str) -> list[TrialState]:
        """Choose the trials that worker `name` should advance together now.

        They are half of its fair share of all that could start, so that the last tasks
        are small and workers end together; but never more trials than can make one call
        each within a task's time.
        """
        typical = self._prices.typical or self.task_seconds
        left = self._left_on(name) if self.measured else math.inf
        fair = self._ready.n_calls * typical / (2 * self.n_slots)
        longest = self._longest
        share = min(longest, fair, left)
        chosen: list[TrialState] = []
        skipped: list[TrialState] = []
        in_all = one_call = 0.0
        for trial in self._ready.candidates(name):
            price = self._prices.cost(trial.number)
            cost = price * self._least_worth(trial)
            suspect = self._loss_policy.suspects(trial.number)
            waits = suspect and bool(self.workers[name].tasks)
            if waits or cost > left:
                if waits and self._empties(name, trial):
                    break
                skipped.append(trial)
                self._ready.remove(trial)
                continue
            if trial.number in self._groups and not suspect:
                if not chosen:
                    chosen = self._together(name, trial)
                break
            # A suspect goes alone, so that it is clear who is to blame.
            if chosen and (
                suspect
                or one_call + cost > min(longest, left)
                or (self.window and trial.calls != chosen[0].calls)
                or trial.parts != chosen[0].parts
            ):
                break
            chosen.append(trial)
            in_all += trial.queued_calls * price
            one_call += cost
            self._ready.remove(trial)
            alone = suspect or self._one_call
            if in_all >= share or self._prices.typical is None or alone:
                break
        for trial in skipped:
            self._ready.add(trial)
        return chosen

    @property
    def _longest(self) -> float:
        """The longest task to aim for: shorter near the end, to decide more often."""
        return min(self.task_seconds, max(self._left, 0.0) / 5)

    def _left_on(self, name: str) -> float:
        """Return the seconds left once a worker has done what it has been given."""
        worker = self.workers[name]
        waits = len(worker.tasks) >= worker.slots
        given = sum(task.seconds for task in worker.tasks.values()) if waits else 0.0
        return self._left - given / worker.slots

    def _empties(self, name: str, suspect: TrialState) -> bool:
        """Return whether a worker takes no more tasks until it can run a suspect alone.

        Only one worker at a time does, the one with least to do; the others go on.
        """
        if suspect.stays and suspect.home == name:
            return True
        n_tasks = {other: len(w.tasks) for other, w in self.workers.items()}
        return name == min(n_tasks, key=lambda other: (n_tasks[other], other))

    def _task(self, name: str) -> Task | None:
        """Return the next task for worker `name`, or None if it has nothing to do."""
        chosen = self._cohort(name)
        if not chosen:
            return None
        worker = self.workers[name]
        todo = sum(trial.todo * self._prices.cost(trial.number) for trial in chosen)
        left = self._left_on(name)
        length = min(self._longest, left) if self.measured else self.task_seconds
        fraction = min(1.0, length / todo) if todo else 1.0
        number = next(self._ids)
        before = {trial.number: trial.next_goal for trial in chosen}
        steps = tuple(self._step(trial, fraction) for trial in chosen)
        seconds = sum(
            self._worth(step.start, step.stop) * self._prices.cost(trial.number)
            for step, trial in zip(steps, chosen, strict=True)
        )
        task = Task(number, name, steps, seconds, left)
        worker.tasks[number] = task
        self._results.begun(number)
        self._reaches[number] = {
            trial.number: (trial.epoch, trial.next_goal - before[trial.number])
            for trial in chosen
        }
        moved = [t.number for t in chosen if t.home not in (None, name)]
        if moved:
            self._fetched[number] = moved
        for trial in chosen:
            trial.home = name
            trial.in_flight += 1
            self._hold(trial, number)
            self._ready.add(trial)
        return task

    def _step(self, trial: TrialState, fraction: float) -> TrialStep:
        parts = self.n_parts, self.parts_per_task
        if self.budget.refits:
            return trial.next_refit(*parts, resumes=self.budget.resumes)
        # Before any call was measured, a task is one call.
        measured = self._prices.typical is not None and not self._one_call
        window = self.window if measured else _one_call
        return trial.next_step(fraction, window, *parts)

    def _worth(self, start: int, stop: int) -> int:
        return self.budget.cost(start, stop) if stop > start else 0

    def _least_worth(self, trial: TrialState) -> int:
        """Return the calls that the shortest step of a trial is worth."""
        if not self.budget.refits:
            return 1
        return self._worth(trial.calls, trial.upcoming)


def _one_call(start: int) -> int:
    """Return the window of a single call."""
    return start + 1
