# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""ScheduledSearchCV: schedules of one's own, and what is wrong with them."""

import importlib.util
import inspect
import pathlib

import numpy as np
import pytest
from scipy.stats import loguniform, uniform
from sklearn.base import clone, is_classifier
from sklearn.linear_model import LogisticRegression, SGDClassifier

from gpu_hpo.adaptive.engine._news import Ended
from gpu_hpo.model_selection import HyperbandSearchCV, ScheduledSearchCV
from gpu_hpo.schedules import Hyperband, Incremental, Ladder, Rounds, Rung
from tests.adaptive.engine.simulation import search as simulate
from tests.model_selection.helpers import Scripted, make_data

EXAMPLES = pathlib.Path(__file__).parents[2] / "examples"
SPACE = {"value": uniform(0, 1)}
X, y = make_data()


def drop_worst(records):
    """dask-ml's example: drop the worst model in each round, until one is left."""
    best = sorted(records, key=lambda model: records[model][-1][1])[1:] or [*records]
    return dict.fromkeys(best, 1 if len(best) > 1 else 0)


def rounds(n_trials):
    return Rounds(n_trials, drop_worst)


ONCE = rounds(10)


def make_search(schedule=rounds, estimator=None, parameters=None, **options):
    options = {"chunk_size": 50, "random_state": 0} | options
    return ScheduledSearchCV(
        Scripted() if estimator is None else estimator,
        SPACE if parameters is None else parameters,
        schedule,
        **options,
    )


def test_signature():
    """Only what says what to search is positional."""
    parameters = inspect.signature(ScheduledSearchCV).parameters.values()
    positional = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    assert positional == ["estimator", "parameters", "schedule", "n_initial_parameters"]
    rest = {p.name: p.default for p in parameters if p.kind is p.KEYWORD_ONLY}
    theirs = inspect.signature(HyperbandSearchCV).parameters
    assert {"cv", "resource", "device", "random_state"} <= set(rest)
    assert rest == {name: theirs[name].default for name in rest}


def test_the_worst_are_dropped(threads_client):
    """Models are dropped one by one, from the worst to the best."""
    values = [0.3, 0.9, 0.1, 0.7, 0.5]
    search = make_search(parameters={"value": values}, n_initial_parameters="grid").fit(
        X, y
    )
    assert list(search.cv_results_["param_value"]) == values
    assert list(search.cv_results_["partial_fit_calls"]) == [2, 4, 1, 4, 3]
    assert list(search.cv_results_["status"]) == [
        "stopped",
        "completed",
        "stopped",
        "stopped",
        "stopped",
    ]
    assert search.best_index_ == 1
    assert search.best_score_ == 0.9
    assert search.metadata_ == {
        "partial_fit_calls": 14,
        "n_models": 5,
        "max_iter": 4,
    }
    calls = [entry["partial_fit_calls"] for entry in search.model_history_[4]]
    assert calls == [1, 2, 3]
    assert is_classifier(search)


def test_example(threads_client, capsys):
    """The example that drops the worst model in each round runs."""
    path = EXAMPLES / "drop_worst.py"
    spec = importlib.util.spec_from_file_location("drop_worst", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    search = module.main()
    assert "12 models" in capsys.readouterr().out
    made = sorted(search.cv_results_["partial_fit_calls"])
    assert made == [*range(2, 13), 12]
    assert search.best_score_ > 0.8


def test_any_schedule_of_ours(threads_client):
    """A schedule that has a class of its own comes to the same when it is passed."""
    options = {"random_state": 0, "chunk_size": 50}
    space = {"value": range(17)}
    hyperband = HyperbandSearchCV(Scripted(), space, max_iter=9, **options)
    sets = [{"value": [i / 20]} for i in range(17)]
    search = ScheduledSearchCV(
        Scripted(), sets, lambda n: Hyperband(9), "grid", **options
    ).fit(X, y)
    assert search.metadata_["n_models"] == 17
    planned = hyperband.metadata["partial_fit_calls"]
    assert search.metadata_["partial_fit_calls"] == planned


def test_fewer_sets_than_asked_for(threads_client):
    """A small space warns, and the schedule is asked for as many trials as it has."""
    asked = []

    def schedule(n_trials):
        asked.append(n_trials)
        return rounds(n_trials)

    search = make_search(schedule, parameters={"value": [0.1, 0.2, 0.3]})
    with pytest.warns(UserWarning, match="3 distinct"):
        search.fit(X, y)
    assert set(asked) == {3}
    assert search.metadata_["n_models"] == 3


def test_failures(threads_client):
    """A model that fails is recorded, and decided on no more."""
    seen = []

    def decide(records):
        seen.append(sorted(records))
        return drop_worst(records)

    space = [{"value": [i / 10], "fail_at": [2 * (i == 4)]} for i in range(5)]
    search = make_search(
        lambda n: Rounds(n, decide), parameters=space, n_initial_parameters="grid"
    ).fit(X, y)
    assert seen == [[0, 1, 2, 3, 4], [1, 2, 3], [2, 3]]
    assert search.cv_results_["status"][4] == "failed"
    assert search.best_index_ == 3


def test_decide_gets_python_s_own(threads_client):
    """Records are tuples of int and float, for any estimator."""

    def decide(records):
        for trial, record in records.items():
            assert type(trial) is int
            assert [[type(value) for value in entry] for entry in record] == [
                [int, float]
            ] * len(record)
        return drop_worst(records)

    make_search(lambda n: Rounds(n, decide), n_initial_parameters=3).fit(X, y)


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (ZeroDivisionError("mine"), ZeroDivisionError, "mine"),
        ({}, ValueError, "decide dropped every trial"),
        ({99: 1}, ValueError, "99, which is no live trial"),
        ({0: -1}, ValueError, "-1 calls for trial 0"),
        ({0: 0.5}, TypeError, "trial 0 has 0.5"),
    ],
)
def test_bad_decisions(threads_client, answer, error, message):
    """An error in a decision ends the search with it, and the cluster goes on."""

    def decide(records):
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(error, match=message):
        make_search(lambda n: Rounds(n, decide)).fit(X, y)
    assert make_search().fit(X, y).best_score_ > 0


@pytest.mark.parametrize(
    ("schedule", "error", "message"),
    [
        (None, ValueError, "schedule.* None instead"),
        ("hyperband", ValueError, "schedule.* 'hyperband' instead"),
        (rounds(10), ValueError, "schedule.* instead"),
        (lambda n: None, TypeError, r"return a gpu_hpo.*10 trials it returned None"),
        (lambda n: Rounds, TypeError, "it returned <class .*Rounds'>"),
        (lambda n: rounds(n + 1), ValueError, "asked for 10 trials.* of 11"),
        (lambda n: ONCE, ValueError, "a new schedule each time"),
        (lambda n: 1 / 0, ZeroDivisionError, "division"),
        (lambda: rounds(10), TypeError, "positional argument"),
    ],
)
def test_bad_schedules(calls, schedule, error, message):
    """What is no schedule for so many trials is refused before any work."""
    with pytest.raises(error, match=message):
        make_search(schedule).fit(X, y)
    assert calls == []


def test_parameters_survive():
    """Parameters are kept as they are, through clone too."""
    search = make_search(n_initial_parameters=7)
    assert set(search.get_params(deep=False)) == set(
        inspect.signature(ScheduledSearchCV).parameters
    )
    again = clone(search)
    assert again.schedule is rounds
    assert again.n_initial_parameters == 7
    assert "patience" not in repr(search)


@pytest.mark.parametrize("resource", ["n_samples", "max_iter", "warm_start"])
def test_resources(threads_client, resource):
    """A schedule of one's own decides over refits too, one a round."""
    X, y = make_data(600)
    search = ScheduledSearchCV(
        LogisticRegression(),
        {"C": loguniform(1e-4, 1e2)},
        lambda n: Rounds(n, drop_worst, max_calls=6),
        n_initial_parameters=5,
        resource=resource,
        random_state=0,
    ).fit(X, y)
    done = search.metadata_
    assert done["resource"] == resource
    assert done["n_fits"] == len(search.history_) == 5 + 4 + 3 + 2
    assert done["max_iter"] == 4
    assert search.best_score_ > 0.6


@pytest.mark.parametrize("options", [{"refit": True}, {"cv": 2}])
def test_refit(threads_client, options):
    """After rounds the best parameters can be trained again on all rows."""
    search = make_search(
        rounds, SGDClassifier(), {"alpha": loguniform(1e-6, 1e0)}, **options
    ).fit(X, y)
    assert search.refit_time_ > 0
    assert search.best_estimator_.alpha == search.best_params_["alpha"]


def test_n_samples_needs_a_horizon(calls):
    """A schedule that leaves open how far it goes cannot say how to cut the chunks."""
    search = make_search(resource="n_samples")
    with pytest.raises(ValueError, match=r"n_samples.*open.*max_calls"):
        search.fit(X, y)
    assert calls == []


def test_stacked_models_and_patience(threads_client):
    """Models share a stack, and the schedule's own patience stops them."""
    from gpu_hpo.linear_model import SGDClassifier as Stacked

    answers = []
    for stack in (True, False):
        search = make_search(
            lambda n: Incremental(n, 12, patience=3, tol=0.02),
            Stacked(),
            {"alpha": loguniform(1e-6, 1e0)},
            stack=stack,
        ).fit(X, y)
        answers.append(search.cv_results_["test_score"].tolist())
        assert search.metadata_["partial_fit_calls"] < 120
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    "schedule",
    [
        rounds(6),
        Rounds(6, drop_worst, max_calls=9),
        Incremental(4, 20, patience=4, tol=0.1),
        Ladder([Rung(6, 2), Rung(3, 5)], score_every=1),
    ],
)
def test_no_news_after_the_end(schedule):
    """What has been told to have ended is not scored again."""
    ended = set()

    def listen(news):
        if isinstance(news, Ended):
            assert news.trial not in ended
            ended.add(news.trial)
        else:
            assert news.trial not in ended

    simulate(schedule, workers=3, listener=listen)
    assert ended == set(range(schedule.n_trials))


def test_same_seed_same_answer(threads_client):
    """An integer decides on everything."""
    space = {"alpha": loguniform(1e-6, 1e0)}
    first, second = (
        make_search(rounds, SGDClassifier(), space).fit(X, y) for _ in range(2)
    )
    np.testing.assert_array_equal(
        first.cv_results_["test_score"], second.cv_results_["test_score"]
    )
    assert first.best_params_ == second.best_params_
