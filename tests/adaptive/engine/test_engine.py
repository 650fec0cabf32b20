# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests of the engine: what reports become."""

import pytest

from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.adaptive.engine._news import Record, TrialFailure
from gpu_hpo.adaptive.engine._task import Report, StepReport
from gpu_hpo.adaptive.training._score import Score
from gpu_hpo.schedules import SuccessiveHalving
from gpu_hpo.testing import drive_schedule
from tests.adaptive.engine.simulation import record, scores, search


def engine_of(schedule, workers=1, listener=None, **options):
    options = {"task_seconds": 1e-9, "lookahead": 0.0} | options
    dispatcher = Dispatcher(schedule.outlook, **options)
    for number in range(workers):
        dispatcher.add_worker(f"w{number}", 1)
    return Engine(schedule, dispatcher, listener)


def report_of(task, value=0.5, trailing=(0.0, 0.0), error=""):
    """A report of all that a task asked for; a call takes 2 s, a score 1 s."""
    steps = []
    for step in task.steps:
        made = step.stop - step.start
        items = tuple(Score(c, value, {"m": value}, 2.0, 1.0) for c in step.scores)
        steps.append(
            StepReport(step.trial, made, items, 2.0 * made, 1.0, trailing, error)
        )
    return Report(task.id, task.worker, tuple(steps), 3.0)


def test_records():
    """Each score becomes one record, and the listener hears of each as it comes."""
    heard = []
    engine = engine_of(SuccessiveHalving(1, 2), listener=heard.append)
    [task] = engine.start()
    [task] = engine.report(report_of(task, 0.25), elapsed=3.0)
    assert engine.report(report_of(task, 0.5), elapsed=7.0) == []
    assert engine.done
    assert engine.records == [
        Record(0, 1, 0.25, {"m": 0.25}, 2.0, 1.0, 3.0, "w0"),
        Record(0, 2, 0.5, {"m": 0.5}, 2.0, 1.0, 7.0, "w0"),
    ]
    assert [news for news in heard if isinstance(news, Record)] == engine.records


def test_time_after_a_score_counts_for_the_next():
    """What was spent after a score goes to the next record of that trial."""
    engine = engine_of(SuccessiveHalving(1, 3))
    [task] = engine.start()
    [task] = engine.report(report_of(task, trailing=(10.0, 20.0)), 1.0)
    assert not task.steps[0].scores
    [task] = engine.report(report_of(task, trailing=(2.0, 0.0)), 2.0)
    engine.report(report_of(task), 3.0)
    assert [(r.fit_seconds, r.score_seconds) for r in engine.records] == [
        (2.0, 1.0),
        (14.0, 21.0),
    ]


def test_failure():
    """A trial that raises fails, with its traceback; the others go on."""
    heard = []
    engine = engine_of(SuccessiveHalving(2, 1), listener=heard.append)
    [task] = engine.start()
    [task] = engine.report(report_of(task, error="Traceback ..."), 1.0)
    expected = TrialFailure(0, "failed", "Traceback ...", "w0", elapsed=1.0)
    assert engine.failures == {0: expected}
    assert engine.failures[0] in heard
    assert task.steps[0].trial == 1
    engine.report(report_of(task), 2.0)
    assert engine.done
    assert engine.schedule.finalists == [1]
    assert {r.trial for r in engine.records} == {0, 1}


def test_a_failure_stops_what_was_handed_out_after_it():
    """No more of a failed trial is recorded or handed out."""
    engine = engine_of(SuccessiveHalving(1, 100), task_seconds=20.0, lookahead=15.0)
    [task] = engine.start()
    second, third = engine.report(report_of(task), 1.0)
    assert engine.report(report_of(second, error="broken"), 2.0) == []
    assert not engine.done
    assert engine.report(report_of(third, error="broken before"), 3.0) == []
    assert engine.done
    assert engine.failures[0].error == "broken"
    tasks = {task.id, second.id, third.id}
    assert set(engine.dispatcher.freed()) == tasks


def test_unknown_reports_change_nothing():
    """A report that comes twice is taken once."""
    engine = engine_of(SuccessiveHalving(2, 1))
    [task] = engine.start()
    report = report_of(task)
    engine.report(report, 1.0)
    assert engine.report(report, 2.0) == []
    assert len(engine.records) == 1


def test_training_again_is_no_news():
    """A trial that lost its model is trained again, and its scores recorded once."""
    engine = engine_of(SuccessiveHalving(1, 3))
    [task] = engine.start()
    [task] = engine.report(report_of(task), 1.0)
    assert engine.worker_left("w0") == []
    [task] = engine.worker_joined("w1", 1)
    assert (task.worker, task.steps[0].start) == ("w1", 0)
    while task:
        task = next(iter(engine.report(report_of(task), 2.0)), None)
    assert [(r.calls, r.worker) for r in engine.records] == [(1, "w0"), (3, "w1")]
    assert engine.done


def test_rebuild():
    """A finalist whose model is lost is trained again, without a score."""
    engine = engine_of(SuccessiveHalving(1, 2))
    tasks = engine.start()
    while tasks:
        tasks = engine.report(report_of(tasks[0]), 1.0)
    assert engine.dispatcher.source(0) is not None
    engine.worker_left("w0")
    assert engine.dispatcher.source(0) is None
    engine.worker_joined("w1", 1)
    tasks = engine.rebuild(0, 2)
    assert not engine.done
    while tasks:
        [task] = tasks
        assert task.steps[0].scores == ()
        tasks = engine.report(report_of(task), 2.0)
    assert engine.done
    assert task.steps[0].stop == 2
    assert engine.dispatcher.source(0) == task.id
    assert len(engine.records) == 2


def test_rebuild_fails():
    """A finalist that fails when it is trained again is none, and the search ends."""
    engine = engine_of(SuccessiveHalving(1, 1))
    [task] = engine.start()
    engine.report(report_of(task), 1.0)
    engine.worker_left("w0")
    engine.worker_joined("w1", 1)
    [task] = engine.rebuild(0, 1)
    engine.report(report_of(task, error="broken"), 2.0)
    assert engine.done
    assert engine.schedule.finalists == []
    assert engine.failures[0].status == "failed"


@pytest.mark.parametrize("failed", [False, True])
@pytest.mark.parametrize("again", [False, True])
def test_rebuild_of_what_was_dropped(failed, again):
    """A trial that was dropped or failed can be trained again, or fails at that."""
    engine = engine_of(SuccessiveHalving(3, 1))
    tasks = engine.start()
    while tasks:
        task = tasks.pop(0)
        last = task.steps[0].stop > 1
        error = "broken" if failed and last else ""
        tasks += engine.report(report_of(task, error=error), 1.0)
    assert engine.done
    trial = next(t for t in range(3) if (t in engine.failures) == failed)
    if not failed:
        trial = next(t for t in range(3) if engine.dispatcher.source(t) is None)
    assert engine.dispatcher.source(trial) is None
    n_records = len(engine.records)
    [task] = engine.rebuild(trial, 1)
    assert (task.steps[0].trial, task.steps[0].start) == (trial, 0)
    assert engine.report(report_of(task, error="again" if again else ""), 2.0) == []
    assert engine.done
    assert len(engine.records) == n_records
    assert engine.dispatcher.source(trial) == (None if again else task.id)


def test_no_worker_left():
    """Without workers a search waits, and goes on with the first that joins."""
    schedule = SuccessiveHalving(9, 1)
    runner, _ = search(
        schedule, workers=2, changes=[(0.015, "w0", 0), (0.015, "w1", 0), (9, "w2", 1)]
    )
    expected = drive_schedule(SuccessiveHalving(9, 1), scores(0))
    assert record(runner) == expected.scores
    assert {r.worker for r in runner.engine.records if r.elapsed > 9} == {"w2"}
