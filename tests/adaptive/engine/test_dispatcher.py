# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests of who gets which trials next. `CheckedDispatcher` holds most invariants."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._task import Report, StepReport
from gpu_hpo.schedules import Hyperband, Rung, SuccessiveHalving
from gpu_hpo.testing import drive_schedule
from tests.adaptive.engine.simulation import record, scores, search

clusters = st.fixed_dictionaries(
    {
        "workers": st.integers(1, 32),
        "slots": st.integers(1, 3),
        "seed": st.integers(0, 2**32),
        "task_seconds": st.sampled_from([1e-9, 0.02, 0.2, 100.0]),
        "lookahead": st.sampled_from([0.0, 0.1, 10.0]),
        "move_seconds": st.sampled_from([0.0, 0.01, math.inf]),
        "n_parts": st.integers(1, 3),
        "parts_per_task": st.none() | st.integers(1, 3),
        "window": st.sampled_from([None, 1, 3]).map(
            lambda k: k and (lambda start: (start // k + 1) * k)
        ),
        "groups": st.sampled_from([None, 1, 4]).map(
            lambda k: k and {trial: trial % k for trial in range(0, 100, 2)}
        ),
    }
)
schedules = st.sampled_from(
    [
        lambda: Hyperband(27, 3),
        lambda: Hyperband(20, 4, patience=3, tol=0.05),
        lambda: SuccessiveHalving(20, 2),
        lambda: SuccessiveHalving(1, 5),
    ]
)


@given(clusters, schedules, st.sampled_from([0.0, 0.01, 0.1]))
@settings(max_examples=80)
def test_same_decisions_on_any_cluster(cluster, make, share):
    """Each trial is trained and scored as the schedule says, wherever and however."""

    def fails(trial, call):
        draw = random.Random(f"{cluster['seed']} fails {trial} {call}")
        return draw.random() < share

    expected = drive_schedule(make(), scores(cluster["seed"]), fails=fails)
    runner, makespan = search(make(), fails=fails, **cluster)
    engine = runner.engine
    assert record(runner) == expected.scores
    assert {n: f.status for n, f in engine.failures.items()} == dict.fromkeys(
        expected.failed, "failed"
    )
    dispatcher = engine.dispatcher
    for trial, made in expected.made.items():
        if trial not in expected.failed:
            assert dispatcher.trained[trial] == made
    # What is left are the models of the finalists.
    left = dispatcher.all_tasks.keys() - dispatcher.let_go
    assert left == {dispatcher.source(trial) for trial in expected.finalists}
    n_slots = cluster["workers"] * cluster["slots"]
    assert runner.busy <= makespan * n_slots * (1 + 1e-9)


@given(clusters, schedules, st.data())
@settings(max_examples=60)
def test_same_decisions_when_workers_come_and_go(cluster, make, data):
    """Workers lost at any moment change neither the records nor who fails."""
    cluster["workers"] = min(cluster["workers"], 8)
    _, makespan = search(make(), **cluster)
    draw = random.Random(cluster["seed"])
    changes = []
    for number in range(data.draw(st.integers(1, 12))):
        when = draw.random() * makespan
        changes.append((when, f"new{number}", cluster["slots"]))
        going = data.draw(st.sampled_from(["w", "new"]))
        changes.append((when, f"{going}{draw.randrange(8)}", 0))
    runner, _ = search(make(), changes=changes, max_deaths=100, **cluster)
    expected = drive_schedule(make(), scores(cluster["seed"]))
    assert record(runner) == expected.scores
    assert not runner.engine.failures


@given(clusters, schedules, st.sets(st.integers(0, 20), min_size=1, max_size=4))
@settings(max_examples=60)
def test_who_kills_workers_is_given_up(cluster, make, killers):
    """A trial that cost three workers is lost; those beside it are not."""
    cluster["workers"] = min(cluster["workers"], 8)
    killers = {trial for trial in killers if trial < make().n_trials}
    calls = {trial: 1 + trial % 3 for trial in killers}

    def kills(trial, call):
        return calls.get(trial) == call

    expected = drive_schedule(make(), scores(cluster["seed"]), fails=kills)
    runner, _ = search(make(), kills=kills, **cluster)
    engine = runner.engine
    assert {n: f.status for n, f in engine.failures.items()} == dict.fromkeys(
        expected.failed, "lost"
    )
    others = {
        step: score for step, score in record(runner).items() if step[0] not in killers
    }
    assert others == {s: v for s, v in expected.scores.items() if s[0] not in killers}
    killed = sum(name.count("+") for name in engine.dispatcher.workers)
    assert killed <= 3 * len(killers)


def test_moves():
    """Models move to idle workers if that costs little, and never if it costs much."""
    options = {"workers": 8, "task_seconds": 0.02, "lookahead": 0.0}
    often, _ = search(Hyperband(27, 3), move_seconds=0.0, **options)
    never, _ = search(Hyperband(27, 3), move_seconds=math.inf, **options)
    assert often.engine.dispatcher.moves > 0
    assert never.engine.dispatcher.moves == 0


# ---- one decision at a time ----


def dispatcher_of(ahead, **options):
    """A dispatcher of new trials, each with its rungs ahead."""
    rungs = {n: tuple(Rung(1, calls) for calls in ahead[n]) for n in range(len(ahead))}
    dispatcher = Dispatcher(rungs.get, **options)
    for number in rungs:
        dispatcher.advance(number, rungs[number][0].calls)
    return dispatcher


def report_of(task, seconds=1.0):
    """The report of a task whose calls took `seconds` each."""
    steps = tuple(
        StepReport(s.trial, s.stop - s.start, (), seconds * (s.stop - s.start), 0.0)
        for s in task.steps
    )
    return Report(task.id, task.worker, steps, 0.0)


def finish(dispatcher, task, seconds=1.0):
    """Report a task; returns what comes next."""
    dispatcher.finished(report_of(task, seconds))
    return dispatcher.assign()


def spans(tasks):
    return [[(s.trial, s.start, s.stop) for s in task.steps] for task in tasks]


def test_longest_chain_first():
    """The trial with most calls ahead of it, over all its rungs, goes first."""
    dispatcher = dispatcher_of([[5], [3, 9], [4]], lookahead=0)
    dispatcher.add_worker("a", 1)
    [task] = dispatcher.assign()
    assert spans([task]) == [[(1, 0, 1)]]


def test_the_widest_bracket_first_while_no_chain_can_delay_the_end():
    """Of known trials those of the widest bracket go first, till a chain is urgent."""
    rungs = {0: (Rung(1, 40),)}
    rungs |= {n: (Rung(20, 5), Rung(5, 10)) for n in range(1, 21)}

    def second_task(urgency):
        dispatcher = Dispatcher(rungs.get, urgency=urgency, lookahead=0)
        dispatcher.add_worker("a", 1)
        for number in rungs:
            dispatcher.advance(number, rungs[number][0].calls)
        tasks = dispatcher.assign()
        for _ in range(20):
            # What a call costs is learned of one after another, for all take long.
            tasks = finish(dispatcher, tasks[0])
        assert dispatcher.outlook(0) == rungs[0]
        return finish(dispatcher, tasks[0])

    [[(trial, *_)]] = spans(second_task(urgency=0.5))
    assert trial > 0
    [[(trial, *_)]] = spans(second_task(urgency=0.2))
    assert trial == 0


def test_ties_go_to_the_lower_number():
    """Of equal chains, that of the lowest trial goes first."""
    dispatcher = dispatcher_of([[5], [5], [5]], lookahead=0)
    dispatcher.add_worker("a", 1)
    dispatcher.add_worker("b", 1)
    assert spans(dispatcher.assign()) == [[(0, 0, 1)], [(1, 0, 1)]]


def test_first_task_is_one_call():
    """Until a call was measured, a task is one call of one trial."""
    dispatcher = dispatcher_of([[50]] * 50, task_seconds=1e9)
    dispatcher.add_worker("a", 1)
    assert spans(dispatcher.assign()) == [[(0, 0, 1)]]
    assert dispatcher.assign() == []


def test_tasks_take_task_seconds():
    """A task holds as many calls as fit into task_seconds, of one trial or of many."""
    dispatcher = dispatcher_of([[1000]], task_seconds=0.2, lookahead=0)
    dispatcher.add_worker("a", 1)
    [task] = dispatcher.assign()
    [task] = finish(dispatcher, task, 0.01)
    assert spans([task]) == [[(0, 1, 21)]]
    assert task.seconds == pytest.approx(0.2)

    dispatcher = dispatcher_of([[2]] * 1000, task_seconds=0.25, lookahead=0)
    dispatcher.add_worker("a", 1)
    [task] = dispatcher.assign()
    [task] = finish(dispatcher, task, 1 / 64)
    assert spans([task]) == [[(trial, 0, 2) for trial in range(1, 9)]]
    assert task.seconds == 0.25


def test_shares_are_fair():
    """No worker takes more than half of its share of what is left."""
    dispatcher = dispatcher_of([[1]] * 41, task_seconds=1e9, lookahead=0)
    for name in "abcd":
        dispatcher.add_worker(name, 1)
    [first, *_] = dispatcher.assign()
    [task] = finish(dispatcher, first)
    assert len(task.steps) == math.ceil(37 / 8)


def test_lookahead_fills_a_busy_worker():
    """A busy worker is given more until `lookahead` seconds of work wait there."""
    dispatcher = dispatcher_of([[1000]], task_seconds=0.1, lookahead=0.15)
    dispatcher.add_worker("a", 1)
    [task] = dispatcher.assign()
    assert spans(finish(dispatcher, task, 0.01)) == [
        [(0, 1, 11)],
        [(0, 11, 21)],
        [(0, 21, 31)],
    ]


def test_an_idle_slot_takes_what_can_begin():
    """A trial that runs is queued behind itself only if nothing else is left."""
    dispatcher = dispatcher_of([[100], [50]], task_seconds=0.1, lookahead=0)
    dispatcher.add_worker("a", 2)
    first, second = dispatcher.assign()
    assert spans(finish(dispatcher, first, 0.1)) == [[(0, 1, 2)]]
    assert spans(finish(dispatcher, second, 0.1)) == [[(1, 1, 2)]]
    dispatcher = dispatcher_of([[100]], lookahead=0)
    dispatcher.add_worker("a", 2)
    assert len(dispatcher.assign()) == 1


def test_a_window_starts_together():
    """With a window, the trials of a task start after the same call."""
    dispatcher = dispatcher_of([[4]] * 4, window=lambda start: start + 2, lookahead=0)
    dispatcher.add_worker("a", 1)
    tasks = dispatcher.assign()
    starts = []
    while tasks:
        [task] = tasks
        [start] = {step.start for step in task.steps}
        starts.append(start)
        assert all(step.stop <= start + 2 for step in task.steps)
        tasks = finish(dispatcher, task, 1e-6)
    assert set(starts) >= {0, 1}


def test_parts():
    """A score on many validation parts is made by several tasks, in order."""
    dispatcher = dispatcher_of([[2]], n_parts=5, parts_per_task=2, lookahead=0)
    dispatcher.add_worker("a", 1)
    tasks = dispatcher.assign()
    steps = []
    while tasks:
        steps += tasks[0].steps
        tasks = finish(dispatcher, tasks[0])
    assert [(s.start, s.stop, s.scores, s.parts) for s in steps] == [
        (0, 1, (), (0, 0)),
        (1, 2, (), (0, 0)),
        (2, 2, (2,), (0, 2)),
        (2, 2, (2,), (2, 4)),
        (2, 2, (2,), (4, 5)),
    ]


def test_a_running_task_is_not_freed():
    """Dropping a trial frees its results when its tasks have ended, and once."""
    dispatcher = dispatcher_of([[1000]], task_seconds=0.1, lookahead=0.05)
    dispatcher.add_worker("a", 1)
    [task] = dispatcher.assign()
    second, third = finish(dispatcher, task, 0.01)
    assert dispatcher.freed() == [task.id]
    dispatcher.drop(0)
    assert dispatcher.freed() == []
    assert not dispatcher.idle
    finish(dispatcher, second)
    finish(dispatcher, third)
    assert dispatcher.freed() == [second.id, third.id]
    assert dispatcher.idle


def test_a_task_lost_is_handed_out_again():
    """Trials of a lost task start again; the tasks after it do not count twice."""
    dispatcher = dispatcher_of([[1000]], task_seconds=0.1, lookahead=0.05)
    dispatcher.add_worker("a", 1)
    [task] = dispatcher.assign()
    second, third = finish(dispatcher, task, 0.01)
    assert dispatcher.task_lost(second) == []
    # It began from what the lost one would have made: one loss, not two.
    assert dispatcher.task_lost(third) == []
    assert dispatcher.task_lost(third) == []
    for given_up in ([], [0]):
        [second] = dispatcher.assign()  # of a suspect, so without lookahead
        assert spans([second]) == [[(0, 0, 10)]]
        assert second.steps[0].source is None
        assert dispatcher.task_lost(second) == given_up


def lose(dispatcher, name):
    """Replace worker `name`; returns trials given up, and the tasks that follow."""
    lost = dispatcher.remove_worker(name)
    dispatcher.add_worker(name, 1)
    return lost, dispatcher.assign()


def test_getting_further_is_forgiven():
    """Only losses without progress between them add up."""
    dispatcher = dispatcher_of([[100]], task_seconds=1e-9, lookahead=0)
    dispatcher.add_worker("a", 1)
    tasks = dispatcher.assign()
    for furthest in range(10, 90, 10):
        while tasks[0].steps[0].stop < furthest:
            tasks = finish(dispatcher, tasks[0])
        lost, tasks = lose(dispatcher, "a")
        assert lost == []
        assert spans(tasks) == [[(0, 0, 1)]]


def test_getting_as_far_again_is_not_forgiven():
    """A trial that kills its worker at the same call each time is given up."""
    dispatcher = dispatcher_of([[100]], task_seconds=1e-9, lookahead=0)
    dispatcher.add_worker("a", 1)
    tasks = dispatcher.assign()
    for expected in ([], [], [0]):
        while tasks[0].steps[0].stop < 10:
            tasks = finish(dispatcher, tasks[0])
        lost, tasks = lose(dispatcher, "a")
        assert lost == expected


def test_reports_that_nobody_waits_for():
    """Reports of lost workers and lost tasks are refused."""
    dispatcher = dispatcher_of([[5], [5]], lookahead=0)
    dispatcher.add_worker("a", 1)
    [task] = dispatcher.assign()
    report = Report(task.id, "a", (StepReport(0, 1, (), 1.0, 0.0),), 1.0)
    dispatcher.remove_worker("a")
    assert not dispatcher.finished(report)
    dispatcher.add_worker("a", 1)
    assert not dispatcher.finished(report)
    [task] = dispatcher.assign()
    assert spans([task]) == [[(0, 0, 1)]]


def test_a_report_that_is_missing():
    """What follows it does not count either: there is no score without those before."""
    dispatcher = dispatcher_of([[1000]], task_seconds=0.1, lookahead=0.05)
    dispatcher.add_worker("a", 1)
    [task] = dispatcher.assign()
    second, third = finish(dispatcher, task, 0.01)
    assert dispatcher.finished(report_of(third)) == []
    # It comes after all, or its task ends without it.
    assert [step.trial for step in dispatcher.finished(report_of(second))] == [0]
    assert dispatcher.calls_of(0) == 0 and not dispatcher.runs
    assert spans(dispatcher.assign())[0][0][:2] == (0, 0)


def test_groups_stay_together():
    """Trials that can share a stack are in one task, where one of them is begun."""
    dispatcher = Dispatcher(
        lambda trial: (Rung(12, 1), Rung(12, 9)),
        groups={trial: trial // 3 for trial in range(12)},
        lookahead=0.0,
    )
    for name in ("a", "b"):
        dispatcher.add_worker(name, 1)
    for trial in range(12):
        dispatcher.advance(trial, 1)
    tasks = dispatcher.assign()
    assert [task.worker for task in tasks] == ["a", "b"]
    begun = []
    while tasks:
        begun.append(sorted(step.trial for step in tasks[0].steps))
        tasks += finish(dispatcher, tasks.pop(0))
    # The last one is shared out, since a worker would idle.
    assert sorted(begun) == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9, 10], [11]]


def test_a_group_alone_is_shared_out():
    """If all trials could share one stack, each worker gets a part of them."""
    dispatcher = Dispatcher(
        lambda trial: (Rung(9, 12),), groups=dict.fromkeys(range(12), 0), lookahead=0.0
    )
    for name in ("a", "b"):
        dispatcher.add_worker(name, 1)
    for trial in range(12):
        dispatcher.advance(trial, 9)
    assert [len(task.steps) for task in dispatcher.assign()] == [6, 6]
