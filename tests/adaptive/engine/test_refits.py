# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Budgets that refit: one fit a rung, whole, however workers come and go."""

import pytest

from gpu_hpo.adaptive.training._budgets import make_budget
from gpu_hpo.schedules import Hyperband
from tests.adaptive.engine.simulation import record, search

RESOURCES = ["n_samples", "n_estimators", "warm_start"]
resources = pytest.mark.parametrize("resource", RESOURCES)


def schedule():
    return Hyperband(27, 3, extra_scores=False)


def steps_of(runner):
    """(start, stop) of every step, by trial, in the order handed out."""
    out = {}
    for task in runner.engine.dispatcher.all_tasks.values():
        for step in task.steps:
            if step.start < step.stop:
                out.setdefault(step.trial, []).append((step.start, step.stop))
    return out


@resources
@pytest.mark.parametrize("workers", [1, 4, 50])
@pytest.mark.parametrize("parts", [(1, None), (4, 2)])
def test_one_fit_a_rung(resource, workers, parts):
    """Each step goes from one rung to the next, though it may take long."""
    n_parts, at_once = parts
    runner, _ = search(
        schedule(),
        workers=workers,
        budget=make_budget(resource),
        task_seconds=0.001,
        n_parts=n_parts,
        parts_per_task=at_once,
    )
    rungs = {}
    for trial, calls in sorted(record(runner)):
        rungs.setdefault(trial, []).append(calls)
    assert steps_of(runner) == {
        trial: list(zip([0, *stops], stops, strict=False))
        for trial, stops in rungs.items()
    }


@resources
def test_work(resource):
    """One worker takes as long as all fits take, and refits begin at the beginning."""
    budget = make_budget(resource)
    runner, makespan = search(
        schedule(), workers=1, budget=budget, cost=lambda trial, call: 1.0
    )
    fitted = sum(
        budget.cost(start, stop)
        for steps in steps_of(runner).values()
        for start, stop in steps
    )
    assert fitted == (357 if resource == "warm_start" else 423)
    assert makespan == pytest.approx(fitted + 0.001 * len(runner.engine.records))


@resources
@pytest.mark.parametrize("seed", range(3))
def test_lost_models_stop_where_they_did(resource, seed):
    """What is trained again after a loss makes the same stops, if it resumes."""
    deaths = set()

    def kills(trial, call):
        # Each of some calls kills one worker, once.
        if (trial + call + seed) % 19 or call < 2 or (trial, call) in deaths:
            return False
        deaths.add((trial, call))
        return True

    budget = make_budget(resource)
    expected, _ = search(schedule(), budget=budget, seed=seed)
    runner, _ = search(schedule(), budget=budget, seed=seed, kills=kills)
    assert len(deaths) > 3
    assert record(runner) == record(expected)
    stops = {}
    for trial, calls in record(runner):
        stops.setdefault(trial, {0}).add(calls)
    for trial, steps in steps_of(runner).items():
        for start, stop in steps:
            assert {start, stop} <= stops[trial]
            if budget.resumes:  # no stop is left out
                assert not {s for s in stops[trial] if start < s < stop}


@resources
def test_a_dropped_model_is_made_again(resource):
    """A model that is wanted after it was dropped takes the same way again."""
    budget = make_budget(resource)
    runner, _ = search(schedule(), budget=budget)
    trial = max(record(runner), key=lambda key: key[1])[0]
    stops = sorted(calls for number, calls in record(runner) if number == trial)
    engine = runner.engine
    engine.dispatcher.drop(trial)
    engine.dispatcher.stood.pop(trial)
    seen = len(engine.dispatcher.all_tasks)
    tasks = engine.rebuild(trial, stops[-1])
    while tasks:
        tasks = [
            new for task in tasks for new in engine.report(runner._report(task), 0.0)
        ]
    again = [
        (step.start, step.stop)
        for task in list(engine.dispatcher.all_tasks.values())[seen:]
        for step in task.steps
    ]
    if budget.resumes:
        assert again == list(zip([0, *stops], stops, strict=False))
    else:
        assert again == [(0, stops[-1])]
