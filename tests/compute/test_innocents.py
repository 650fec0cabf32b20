# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What is lost beside something that ends workers is not given up for it."""

import os
import random

import pytest
from sklearn.linear_model import SGDClassifier

import gpu_hpo.model_selection as ours
from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.adaptive.engine._task import Report, StepReport
from gpu_hpo.adaptive.training._score import Score
from gpu_hpo.schedules import Hyperband, Rung
from tests.compute.helpers import make_data, remains
from tests.exhaustive.fold_runs import ALPHAS, SGD, STEPS, Run, expected_scores
from tests.exhaustive.recording_pool import RecordingPool

# ---- candidates of an exhaustive search ----


@pytest.fixture
def one_by_one(configure):
    """Tasks of one candidate each."""
    configure({"tasks.exhaustive": 0})


# Four are beside each other at the first wait, 20 follow, then those four go alone.
FIRST_ALONE = 22


def test_lost_once_when_alone(one_by_one):
    """What was lost beside others, and once when alone, has its score."""
    run = Run(RecordingPool(2, loses={1, FIRST_ALONE}))()
    assert run.scores == expected_scores()


@pytest.mark.parametrize(
    ("again", "n_failures"), [((1, 2, 3), 0), ((4,), 1), ((1, 2, 3, 4, 5, 6, 7), 4)]
)
def test_lost_twice_when_alone(one_by_one, again, n_failures):
    """What was lost twice when alone fails, and nothing else does."""
    loses = {1, FIRST_ALONE, *(FIRST_ALONE + later for later in again)}
    run = Run(RecordingPool(2, loses=loses))()
    failures = [found for found in run.evaluations.values() if found.error]
    assert len(failures) == n_failures
    for place, score in run.scores.items():
        if run.evaluations[place].error is None:
            assert score == expected_scores()[place]


def test_nothing_runs_beside_a_suspect(one_by_one):
    """As long as one that was lost runs again, no other does."""
    pool = RecordingPool(2, loses={1, 5})
    Run(pool)()
    assert pool.waited[:2] == [4, 4]
    assert pool.waited[-8:] == [1] * 8


@pytest.mark.parametrize(("deaths", "runs"), [(1, 3), (2, 2), (4, 2)])
def test_workers_that_died_of_a_task(one_by_one, deaths, runs):
    """One death of a task alone may be chance, and is tried again; several are not."""
    begun = []

    def deadly(function, args):
        if function.__name__ != "_evaluate" or args[2] != [{"C": 13.5}]:
            return False
        begun.append(args)
        return True

    pool = RecordingPool(2, deadly=deadly, deaths=deaths)
    run = Run(pool, STEPS, {"last__C": [0.1, 0.2, 13.5, 1.0]})()
    assert run.failed == [2]
    assert len(begun) == 2 * runs  # on two splits
    assert not pool.held


def test_what_a_suspect_needs_is_made_again(one_by_one):
    """Neither data nor steps that a task ended workers with are given to a suspect."""
    before = []

    def deadly(function, args):
        if function.__name__ != "_evaluate":
            return False
        ends = args[2] == [{"C": 13.5}]
        (before if ends else after).append((args[3], args[4]))
        return ends

    after = []
    pool = RecordingPool(1, deadly=deadly)
    run = Run(pool, STEPS, {"last__C": [0.1, 0.2, 13.5, 1.0]})()
    assert run.failed == [2]
    assert run.loads == 3  # at first, and for either of two that were killed
    assert not {id(state) for state, _ in before[2:]} & {
        id(state) for state, _ in before[:2]
    }


def test_a_stack_that_was_lost_goes_alone_as_it_is():
    """What was fitted together is so again, and has the same bits."""
    pool = RecordingPool(1, loses={1})
    run = Run(pool, SGD, ALPHAS)()
    assert run.scores == Run(RecordingPool(1), SGD, ALPHAS)().scores
    assert pool.began["evaluate"] == 2


# ---- trials of a search that stops early ----


def dispatcher_of(*calls, **options):
    """Of trials that are to make so many calls, and are given one at a time."""
    rungs = {number: (Rung(1, upto),) for number, upto in enumerate(calls)}
    options = {"task_seconds": 1e-9, "lookahead": 0.0} | options
    dispatcher = Dispatcher(rungs.get, **options)
    for number, upto in enumerate(calls):
        dispatcher.advance(number, upto)
    return dispatcher


def report_of(task):
    steps = tuple(
        StepReport(
            step.trial,
            step.stop - step.start,
            tuple(Score(calls, 0.5, {"m": 0.5}, 1.0, 0.0) for calls in step.scores),
            1.0,
            0.0,
        )
        for step in task.steps
    )
    return Report(task.id, task.worker, steps, 1.0)


def finish(dispatcher, *tasks):
    for task in tasks:
        assert dispatcher.finished(report_of(task))
    return dispatcher.assign()


def trials_of(tasks):
    return [step.trial for task in tasks for step in task.steps]


def test_trials_on_a_worker_that_died_go_alone():
    """Nothing is beside a trial that was on a lost worker, until it has got further."""
    dispatcher = dispatcher_of(9, 9, 9)
    dispatcher.add_worker("a", 3)
    assert sorted(trials_of(dispatcher.assign())) == [0, 1, 2]
    assert dispatcher.remove_worker("a") == []
    dispatcher.add_worker("b", 3)
    seen = set()
    tasks = dispatcher.assign()
    while len(seen) < 3:
        assert len(trials_of(tasks)) == 1
        seen.update(trials_of(tasks))
        tasks = finish(dispatcher, *tasks)
    while len(trials_of(tasks)) == 1:
        tasks = finish(dispatcher, *tasks)
    assert len(trials_of(tasks)) == 3


def test_what_may_have_begun_is_suspect():
    """A task that was handed out later may be what a worker died of, too."""
    dispatcher = dispatcher_of(9, 9, 9, lookahead=1.5)
    dispatcher.add_worker("a", 1)
    tasks = finish(dispatcher, *dispatcher.assign())
    assert len(tasks) == 3
    assert len(set(trials_of(tasks))) > 1
    dispatcher.remove_worker("a")
    assert all(map(dispatcher._loss_policy.suspects, trials_of(tasks)))


def test_tasks_that_had_not_begun_do_not_count():
    """A trial whose tasks never began, however often, stays beside others."""
    dispatcher = dispatcher_of(9, 9)
    dispatcher.add_worker("a", 2)
    tasks = dispatcher.assign()
    for _ in range(20):
        lost, *_ = tasks
        assert dispatcher.task_lost(lost, deaths=0) == []
        tasks = [*tasks[1:], *dispatcher.assign()]
        assert len(tasks) == 2


def test_one_worker_at_a_time_is_emptied_for_suspects():
    """While a worker has to run empty for a suspect, the others go on."""
    dispatcher = dispatcher_of(*[50] * 12)
    for name in "abc":
        dispatcher.add_worker(name, 2)
    running = {task.id: task for task in dispatcher.assign()}
    assert len(running) == 6
    dispatcher.remove_worker("c")
    running = {i: task for i, task in running.items() if task.worker != "c"}
    for _ in range(40):
        first = running.pop(min(running))
        running |= {task.id: task for task in finish(dispatcher, first)}
        idle = sorted(2 - len(worker.tasks) for worker in dispatcher.workers.values())
        alone = sum(w.only_trial is not None for w in dispatcher.workers.values())
        assert idle[0] == 0 or alone == 2


@pytest.mark.parametrize("lost", [False, True])
def test_a_model_that_was_lost_on_its_way_stays(lost):
    """What its worker may have died of is not fetched from its next one again."""
    dispatcher = dispatcher_of(99, 99, move_seconds=0.0)
    dispatcher.add_worker("m", 1)
    tasks = dispatcher.assign()
    while not dispatcher.workers["m"].waiting or tasks[0].steps[0].start == 0:
        tasks = finish(dispatcher, *tasks)  # until the other one has a model here
    dispatcher.add_worker("n", 1)
    [fetched] = dispatcher.assign()
    assert fetched.worker == "n"
    assert fetched.steps[0].source is not None
    if lost:
        assert dispatcher.task_lost(fetched, deaths=0) == []
        [fetched] = dispatcher.assign()
        assert (fetched.worker, fetched.steps[0].source) == ("n", None)
    dispatcher.add_worker("c", 1)  # is asked first
    [following] = finish(dispatcher, fetched)
    assert trials_of([following]) == trials_of([fetched])
    assert following.worker == ("n" if lost else "c")


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("left", ["A", "AB"])
def test_nothing_is_handed_out_between_changes(seed, left):
    """When workers join as others leave, no task is for, or needs, what is gone."""
    draw = random.Random(seed)
    for stop in range(1, 40, 3):
        schedule = Hyperband(27)
        engine = Engine(schedule, Dispatcher(schedule.outlook))
        for name in "AB":
            engine.dispatcher.add_worker(name, 1)
        ran_on, running = {}, {}
        tasks = engine.start()
        for _ in range(stop):
            ran_on |= {task.id: task.worker for task in tasks}
            running |= {task.id: task for task in tasks}
            done = running.pop(draw.choice(sorted(running)))
            tasks = engine.report(report_of(done), 1.0)
        ran_on |= {task.id: task.worker for task in tasks}
        running |= {task.id: task for task in tasks}
        cut_off = [
            task
            for task in running.values()
            if any(ran_on.get(step.source, "B") in left for step in task.steps)
            and task.worker not in left
        ]
        tasks = engine.workers_changed(left=left, cut_off=cut_off, joined={"C": 1})
        assert {task.worker for task in tasks} <= {"B", "C"} - set(left)
        for task in tasks:
            for step in task.steps:
                assert ran_on.get(step.source, "C") not in left
        assert not engine.failures


# ---- on clusters ----

DEADLY_ALPHA = [1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1]


class EndsProcessLater(SGDClassifier):
    """Ends its process at its second call if alpha is 0.001."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if self.alpha == 1e-3 and hasattr(self, "coef_"):
            os._exit(1)
        return super().partial_fit(X, y, classes, sample_weight)


# What exhaustive searches do is shown in tests/exhaustive/test_failures.py.
@pytest.mark.slow
@pytest.mark.timeout(600)
def test_search_that_stops_early(few_deaths, mortal_client):
    """Only trials that end their process are lost; others are trained as ever."""
    X, y = make_data()
    options = {"max_iter": 9, "random_state": 0, "chunk_size": 200}
    options |= {"n_initial_parameters": "grid", "decay_rate": None}
    space = {"alpha": DEADLY_ALPHA}
    found = ours.IncrementalSearchCV(EndsProcessLater(), space, **options).fit(X, y)
    expected = ours.IncrementalSearchCV(SGDClassifier(), space, **options).fit(X, y)
    status = dict(zip(DEADLY_ALPHA, found.cv_results_["status"], strict=True))
    assert status.pop(1e-3) == "lost"
    assert set(status.values()) == {"completed"}

    def by_params(search):
        return {
            (row["params"]["alpha"], row["partial_fit_calls"]): row["score"]
            for row in search.history_
            if row["params"]["alpha"] != 1e-3
        }

    assert by_params(found) == by_params(expected)
    assert not remains(mortal_client)
