# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests of the simulated clock."""

import pytest

from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.adaptive.engine._simulated_runner import SimulatedRunner
from gpu_hpo.schedules import Hyperband, SuccessiveHalving


def simulate(schedule, workers, slots=1, score_cost=0.0, changes=(), **options):
    """Makespan and runner of a search whose calls take one second each."""
    options = {"task_seconds": 1e-9, "lookahead": 0.0, "move_seconds": 0.0} | options
    dispatcher = Dispatcher(schedule.outlook, **options)
    for number in range(workers):
        dispatcher.add_worker(f"w{number}", slots)
    runner = SimulatedRunner(
        Engine(schedule, dispatcher),
        lambda trial, call: 1.0,
        lambda trial, calls: -trial,
        lambda trial: score_cost,
    )
    return runner.run(changes), runner


def test_one_worker_does_all_the_work():
    """With one worker the makespan is the work."""
    makespan, runner = simulate(Hyperband(27, 3), 1)
    assert makespan == runner.busy == 357


def test_a_worker_per_trial_leaves_the_longest_chain():
    """With as many workers as trials the makespan is that of the longest chain."""
    makespan, runner = simulate(Hyperband(27, 3), 49)
    assert makespan == 27
    assert runner.busy == 357


def test_slots_work_side_by_side():
    """Slots of one worker count as workers do."""
    assert simulate(SuccessiveHalving(6, 2), 3)[0] == 2 * 2 + 4
    assert simulate(SuccessiveHalving(6, 2), 1, slots=3)[0] == 2 * 2 + 4


def test_scores_take_time():
    """What scores cost is part of the makespan."""
    makespan, _ = simulate(SuccessiveHalving(1, 3), 1, score_cost=0.25)
    assert makespan == 3 + 2 * 0.25


def test_tasks_wait_for_their_models():
    """Tasks handed out ahead do not begin before their models are made."""
    makespan, _ = simulate(SuccessiveHalving(1, 20), 1, slots=4, lookahead=10.0)
    assert makespan == 20


def test_workers_join_and_leave():
    """Work goes to who is there; what a lost worker had is done again."""
    assert simulate(SuccessiveHalving(4, 9, max_calls=9), 1)[0] == 36
    makespan, runner = simulate(
        SuccessiveHalving(4, 9, max_calls=9), 1, changes=[(9, "new", 1)]
    )
    assert makespan == 9 + 27 / 2 + 0.5
    assert runner.busy == 36
    makespan, runner = simulate(
        SuccessiveHalving(4, 9, max_calls=9),
        1,
        task_seconds=9.0,
        changes=[(36 - 0.5, "w0", 0), (36 - 0.5, "new", 1)],
    )
    # Of the four, three had all their scores.
    assert makespan == 36 - 0.5 + 9


@pytest.mark.parametrize(
    ("fails", "made"), [((0, 1), 0), ((0, 2), 1), ((0, 4), 3), ((0, 9), 8)]
)
def test_failing_calls(fails, made):
    """A trial makes all calls before the one that fails, and none after."""
    schedule = SuccessiveHalving(2, 9, aggressiveness=2)
    dispatcher = Dispatcher(schedule.outlook, task_seconds=4.0)
    dispatcher.add_worker("w", 1)
    runner = SimulatedRunner(
        Engine(schedule, dispatcher),
        lambda trial, call: 1.0,
        lambda trial, calls: 0.0,
        fails=lambda trial, call: (trial, call) == fails,
    )
    assert runner.run() == runner.busy == made + 9 + 9
    assert runner.engine.failures[0].status == "failed"
    assert schedule.finalists == [1]
