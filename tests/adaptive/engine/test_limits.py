# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A search ends by time or by a score that is enough, with what it has found."""

import math
import random

import pytest

from gpu_hpo.adaptive._results import best_trial
from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.adaptive.engine._limits import Closing, Limits
from gpu_hpo.adaptive.engine._news import Ended, Record
from gpu_hpo.adaptive.engine._simulated_runner import SimulatedRunner
from gpu_hpo.adaptive.training._budgets import NSamples
from gpu_hpo.schedules import Hyperband, Incremental, SuccessiveHalving

from .simulation import CheckedDispatcher, costs, record, scores

SCHEDULES = {
    "hyperband": lambda: Hyperband(27),
    "patience": lambda: Hyperband(27, patience=4),
    "halving": lambda: SuccessiveHalving(30, 2, max_calls=40),
    "incremental": lambda: Incremental(12, 30, fits_per_score=5),
}
SCORE_SECONDS = 0.001


def run(kind, limits, *, seed=0, workers=3, listener=None, changes=(), **options):
    """Return the runner, the makespan and the dearest call of a limited search."""
    schedule = SCHEDULES[kind]()
    score = options.pop("score", None)
    cost = options.pop("cost", None) or costs(seed)
    events = {k: options.pop(k) for k in ("fails", "kills") if k in options}
    dispatcher = CheckedDispatcher(schedule.outlook, **options)
    for number in range(workers):
        dispatcher.add_worker(f"w{number}", 1)
    engine = Engine(schedule, dispatcher, listener, limits)
    runner = SimulatedRunner(
        engine, cost, score or scores(seed), lambda trial: SCORE_SECONDS, **events
    )
    makespan = runner.run(changes)
    assert engine.done
    dearest = max(cost(trial, 1) for trial in range(schedule.n_trials))
    return runner, makespan, dearest


def best_of(runner):
    """Return the last record of the trial that is chosen."""
    engine = runner.engine
    return best_trial(engine.records, engine.contenders, engine.failures)


def scoring(runner):
    """Return the seconds in which all models of the largest task can be scored."""
    return SCORE_SECONDS * max(len(task.trials) for task in runner.engine.tasks)


def whole(kind, seed=0, workers=3):
    runner, makespan, _ = run(kind, None, seed=seed, workers=workers)
    return record(runner), makespan


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("share", [0.001, 0.05, 0.3, 0.7, 0.95])
@pytest.mark.parametrize("kind", SCHEDULES)
def test_time(kind, share, seed):
    """It ends within the time and one call, has a score, and says what ended it."""
    _, unlimited = whole(kind, seed)
    most = share * unlimited
    heard = []
    runner, makespan, dearest = run(
        kind, Limits(max_seconds=most), seed=seed, listener=heard.append
    )
    assert makespan <= most + dearest + scoring(runner) + 1e-9
    assert runner.engine.records
    done = runner.engine.schedule.done  # perhaps what was done differed a little
    assert runner.engine.stopped == ("" if done else "max_seconds")
    # The score of the best is that of its model as it is.
    assert done or runner.engine.stands_at(best_of(runner))
    ended = [news.trial for news in heard if isinstance(news, Ended)]
    assert sorted(ended) == list(range(runner.engine.schedule.n_trials))


@pytest.mark.parametrize("kind", SCHEDULES)
def test_time_that_is_enough_changes_nothing(kind):
    """With more time than it takes, a search has the same scores as without a limit."""
    expected, makespan = whole(kind)
    runner, _, _ = run(kind, Limits(max_seconds=10 * makespan))
    assert record(runner) == expected
    assert runner.engine.stopped == ""


def curve(trial, calls):
    """Return a score that rises with calls, to a height of the trial's own."""
    return random.Random(f"height {trial}").random() * (1 - 0.9**calls)


@pytest.mark.parametrize("share", [0.15, 0.3, 0.6])
@pytest.mark.parametrize("kind", SCHEDULES)
def test_the_last_seconds_go_to_the_best(kind, share, monkeypatch):
    """What is found in time is better than if the schedule just went on."""
    _, unlimited = whole(kind)
    best = {}
    for closes in (True, False):
        if not closes:
            monkeypatch.setattr(Closing, "is_due", lambda *args: False)
        found = []
        for seed in range(5):
            limits = Limits(max_seconds=share * unlimited)
            runner, _, _ = run(kind, limits, seed=seed, score=curve)
            engine = runner.engine
            last = {news.trial: news.score for news in engine.records}
            found.append(max(last[trial] for trial in engine.contenders))
            # Whatever is chosen as the best has a model to give.
            for trial in engine.contenders:
                assert engine.dispatcher.source(trial) is not None
        best[closes] = sum(found)
    assert best[True] >= best[False]
    if kind != "incremental":
        assert best[True] > 1.05 * best[False]


@pytest.mark.parametrize("kind", SCHEDULES)
def test_refits_do_not_begin_if_they_cannot_end(kind):
    """A fit is one call however long: none begins that is known to take too long."""
    _, unlimited = whole(kind)
    most = 0.5 * unlimited
    runner, makespan, _ = run(
        kind,
        Limits(max_seconds=most),
        budget=NSamples(),
        cost=lambda trial, call: 0.01,
    )
    assert runner.engine.records
    late = [news for news in runner.engine.records if news.elapsed > most + 1e-9]
    assert not late and makespan <= most + 1e-9


@pytest.mark.parametrize("kind", SCHEDULES)
def test_time_is_kept_to_train_the_best_again(kind):
    """What training the best parameters on all rows will take is kept free."""
    _, unlimited = whole(kind)
    most = 0.5 * unlimited
    runner, makespan, dearest = run(kind, Limits(max_seconds=most, refit_share=1.25))
    best = max(runner.engine.records, key=lambda news: news.score)
    again = 1.25 * best.calls * costs(0)(best.trial, 1)
    assert makespan + again <= most + 2.25 * dearest + 0.05 * most


@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_score_that_is_enough(kind):
    """Nothing is handed out after the first score that is enough."""
    expected, unlimited = whole(kind)
    enough = sorted(expected.values())[len(expected) * 3 // 4]
    runner, makespan, _ = run(kind, Limits(stop_score=enough))
    engine = runner.engine
    assert engine.stopped == "stop_score" and makespan < unlimited
    first = next(news for news in engine.records if news.score >= enough)
    n_tasks = sum(task.ended - task.seconds >= first.elapsed for task in engine.tasks)
    assert n_tasks <= len(engine.dispatcher.workers)  # those that were waiting
    best = max(engine.records, key=lambda news: news.score)
    assert best.score >= enough


@pytest.mark.parametrize("kind", SCHEDULES)
def test_a_listener_that_has_enough(kind):
    """A listener that returns True at some score stops the search."""
    seen = []

    def listen(news):
        seen.extend([news] if isinstance(news, Record) else [])
        return len(seen) >= 5

    runner, makespan, _ = run(kind, None, listener=listen)
    assert runner.engine.stopped == "callback"
    assert makespan < whole(kind)[1]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", SCHEDULES)
def test_workers_that_die(kind, seed):
    """A search whose workers die and fail ends in time, too."""
    _, unlimited = whole(kind, seed)
    most = 0.4 * unlimited
    changes = [(0.1 * unlimited, "w0", 0), (0.2 * unlimited, "w9", 1)]
    runner, makespan, dearest = run(
        kind,
        Limits(max_seconds=most),
        seed=seed,
        changes=changes,
        fails=lambda trial, call: trial % 5 == 1 and call == 3,
        kills=lambda trial, call: trial == 2 and call == 2,
    )
    assert makespan <= most + dearest + scoring(runner) + 1e-9
    assert runner.engine.stopped == "max_seconds"


def test_no_score_and_only_failures():
    """If all that was begun in time has failed, nothing more is begun."""
    runner, makespan, _ = run(
        "hyperband", Limits(max_seconds=1e-6), fails=lambda trial, call: True
    )
    assert not runner.engine.records and runner.engine.failures
    assert makespan < 0.1


def test_left_is_what_is_not_spent():
    """Seconds that were spent before the first task count."""
    dispatcher = CheckedDispatcher(Hyperband(9).outlook)
    assert Limits(max_seconds=5, spent=2).left(1.5, None, dispatcher) == 1.5
    assert Limits().left(1e9, None, dispatcher) == math.inf


@pytest.mark.parametrize("grouped", [False, True])
def test_a_first_call_that_compiles(grouped):
    """A first call on each worker that takes half of the time ends no search early."""

    dear = []

    def cost(trial, call):
        if len(dear) < (1 if grouped else 2):  # a stack compiles once
            dear.append((trial, call))
        return 30.0 if (trial, call) in dear else 0.02

    schedule = SCHEDULES["hyperband"]()
    groups = dict.fromkeys(range(schedule.n_trials), 0) if grouped else None
    runner, makespan, _ = run(
        "hyperband", Limits(max_seconds=50), workers=2, cost=cost, groups=groups
    )
    assert 30 < makespan <= 51
    assert len({news.trial for news in runner.engine.records}) == schedule.n_trials
