# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A dispatcher that checks what it hands out, and searches on a simulated clock."""

import random

from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.adaptive.engine._simulated_runner import SimulatedRunner


class CheckedDispatcher(Dispatcher):
    """Asserts of every task that it can be carried out and that it is due."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.stood = {}  # trial -> calls, task, validation parts done, worker
        self.all_tasks = {}
        self.over = set()  # tasks that have ended or were lost
        self.let_go = set()
        self.trained = {}  # trial -> calls handed out, again after a loss too
        self.moves = 0

    def assign(self, *left):
        tasks = super().assign(*left)
        for task in tasks:
            self.check(task)
        self.check_freed()
        return tasks

    def finished(self, report):
        self.over.add(report.task)
        return super().finished(report)

    def remove_worker(self, name):
        self.over |= self.workers[name].tasks.keys()
        lost = super().remove_worker(name)
        self.forget_lost()
        return lost

    def task_lost(self, task, deaths=1):
        self.over.add(task.id)
        lost = super().task_lost(task, deaths)
        self.forget_lost()
        return lost

    def forget_lost(self):
        for trial in list(self.stood):
            if self.source(trial) is None:
                del self.stood[trial]

    def check(self, task):
        assert task.id not in self.all_tasks
        self.all_tasks[task.id] = task
        worker = self.workers[task.worker]
        assert worker.tasks[task.id] is task
        if not self.lookahead:
            assert len(worker.tasks) <= worker.slots
        for other in worker.tasks.values():
            if any(self._loss_policy.suspects(step.trial) for step in other.steps):
                assert list(worker.tasks) == [task.id]
                assert len(task.steps) == 1
        trials = [step.trial for step in task.steps]
        assert len(set(trials)) == len(trials) > 0
        assert len({step.parts for step in task.steps if step.scores}) <= 1
        if self.window:
            assert len({step.start for step in task.steps}) == 1
        for step in task.steps:
            calls, source, parts, at = self.stood.get(step.trial, (0, None, 0, None))
            assert (step.start, step.source) == (calls, source)
            assert step.source not in self.let_go
            assert step.start <= step.stop
            assert all(step.start <= c <= step.stop for c in step.scores)
            if self.window:
                assert step.stop <= max(self.window(step.start), step.start + 1)
            if step.scores:
                assert step.parts[0] == parts
                assert step.parts[1] - parts <= self.parts_per_task
                assert parts < step.parts[1] <= self.n_parts
                parts = step.parts[1] % self.n_parts
            else:
                assert not parts
            if self.n_parts > self.parts_per_task:
                assert not step.scores or step.start == step.stop
            if at is not None and at != task.worker:
                self.moves += 1
                # What runs elsewhere cannot be had yet.
                assert step.source in self.over
            made = step.stop - step.start
            self.trained[step.trial] = self.trained.get(step.trial, 0) + made
            self.stood[step.trial] = (step.stop, task.id, parts, task.worker)

    def check_freed(self):
        freed = self.freed()
        assert len(set(freed)) == len(freed)
        assert not self.let_go.intersection(freed)
        self.let_go.update(freed)
        assert self.let_go <= self.over
        held = {self.source(trial) for trial in self._trials}
        assert not self.let_go & held


def search(
    schedule,
    *,
    workers=4,
    slots=1,
    seed=0,
    score=None,
    cost=None,
    fails=lambda trial, call: False,
    kills=lambda trial, call: False,
    changes=(),
    listener=None,
    **options,
):
    """Run a search on the simulated clock; returns the runner and the makespan."""
    dispatcher = CheckedDispatcher(schedule.outlook, **options)
    for number in range(workers):
        dispatcher.add_worker(f"w{number}", slots)
    engine = Engine(schedule, dispatcher, listener)
    runner = SimulatedRunner(
        engine,
        cost or costs(seed),
        score or scores(seed),
        lambda trial: 0.001,
        fails=fails,
        kills=kills,
    )
    makespan = runner.run(changes)
    assert schedule.done
    assert engine.done
    return runner, makespan


def costs(seed):
    """Lognormal costs of a call, by trial."""
    return lambda trial, call: (
        0.01 * random.Random(f"{seed} cost {trial}").lognormvariate(0, 0.5)
    )


def scores(seed):
    """Random scores, some of them tied."""
    return lambda trial, calls: round(
        random.Random(f"{seed} score {trial} {calls}").random(), 2
    )


def record(runner):
    """What a search decided: (trial, calls, score) of all records, once each."""
    records = runner.engine.records
    decided = {(record.trial, record.calls): record.score for record in records}
    assert len(decided) == len(records)
    return decided
