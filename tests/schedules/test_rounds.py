# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests of rounds, the schedule whose decisions are a function of the user's."""

import math
import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_hpo.schedules import (
    Advance,
    Drop,
    Failed,
    Rounds,
    Rung,
    Scored,
    SuccessiveHalving,
)
from gpu_hpo.testing import check_schedule, drive_schedule
from tests.schedules.draws import failures, scores, seeds, shares


def worst_first(records):
    """Live trials from the worst to the best; NaN is worst, then higher numbers."""

    def key(trial):
        score = records[trial][-1][1]
        return (score if math.isfinite(score) else -math.inf, -trial)

    return sorted(records, key=key)


def drop_worst(records):
    """dask-ml's example: drop the worst model in each round."""
    best = worst_first(records)[1:] or list(records)
    return dict.fromkeys(best, 1 if len(best) > 1 else 0)


draw = scores(0)


def whimsical(seed):
    """Drops, keeps and trains at random, as the records alone decide."""

    def decide(records):
        rng = random.Random(f"{seed} {sorted(records.items())}")
        answer = {
            trial: rng.choice([0, 0, 1, 2, 5])
            for trial in records
            if rng.random() < 0.8
        }
        return answer or dict.fromkeys(records, 0)

    return decide


@pytest.mark.parametrize("first_calls", [1, 3])
def test_conforms(first_calls):
    """It passes the conformance suite where the worst is dropped in each round."""
    check_schedule(
        lambda: Rounds(8, drop_worst, first_calls=first_calls),
        total_calls=8 * first_calls + 7 + 6 + 5 + 4 + 3 + 2,
    )


@given(
    st.integers(1, 20),
    st.integers(1, 4),
    st.none() | st.integers(1, 12),
    shares,
    seeds,
)
@settings(max_examples=60)
def test_conforms_in_general(n_trials, first_calls, max_calls, share, seed):
    """It passes the conformance suite, whatever is decided."""
    most = None if max_calls is None else max(first_calls, max_calls)
    check_schedule(
        lambda: Rounds(
            n_trials, whimsical(seed), first_calls=first_calls, max_calls=most
        ),
        fails=failures(seed, share),
        seed=seed,
        orders=2,
    )


@given(st.integers(1, 40), st.integers(2, 4), st.integers(0, 2**32))
@settings(max_examples=60)
def test_successive_halving_in_rounds(n_trials, eta, seed):
    """Halving as a function of records comes to what the schedule of that name does."""
    halving = SuccessiveHalving(n_trials, 1, aggressiveness=eta, max_calls=50)
    rungs = iter(halving.rungs[1:])

    def decide(records):
        rung = next(rungs, None)
        if rung is None:
            return dict.fromkeys(records, 0)
        best = worst_first(records)[-rung.n_trials :]
        return {trial: rung.calls - records[trial][-1][0] for trial in best}

    choose = random.Random(seed).randrange
    outcome = drive_schedule(Rounds(n_trials, decide), draw, choose=choose)
    expected = drive_schedule(halving, draw)
    assert outcome.scores == expected.scores
    assert outcome.finalists == expected.finalists


def test_what_decide_is_given():
    """Live trials by number, with all their scores, once a round."""
    seen = []

    def decide(records):
        seen.append(records)
        return [{2: 3, 0: 0}, {0: 1, 2: 0}, {2: 0}][len(seen) - 1]

    schedule = Rounds(3, decide)
    assert schedule.start() == [Advance(trial, 1) for trial in range(3)]
    assert schedule.tell(Scored(2, 1, 0.2)) == []
    assert schedule.tell(Scored(0, 1, math.nan)) == []
    assert seen == []
    # 0 is kept as it is, 1 is dropped.
    assert schedule.tell(Scored(1, 1, 0.1)) == [Drop(1), Advance(2, 4)]
    assert list(seen[0]) == [0, 1, 2]
    assert seen[0][2] == ((1, 0.2),)
    assert schedule.finalists == [0, 2]
    assert schedule.tell(Scored(2, 4, 0.4)) == [Advance(0, 2)]
    assert list(seen[1]) == [0, 2]
    assert seen[1][2] == ((1, 0.2), (4, 0.4))
    assert schedule.tell(Scored(0, 2, 0.0)) == [Drop(0)]
    assert schedule.done
    assert schedule.finalists == [2]
    assert len(seen) == 3


def test_failures_are_left_out():
    """What has failed is not decided on, in training or kept."""
    seen = []

    def decide(records):
        seen.append(set(records))
        return {trial: int(trial > 1) for trial in records}

    schedule = Rounds(5, decide, max_calls=3)
    schedule.start()
    for trial in range(4):
        schedule.tell(Scored(trial, 1, 0.5))
    schedule.validate()
    assert schedule.tell(Failed(4, 0)) == [Drop(4), Advance(2, 2), Advance(3, 2)]
    assert schedule.tell(Failed(0, 1)) == [Drop(0)]  # kept as it was, and lost
    assert schedule.tell(Failed(2, 1)) == [Drop(2)]
    assert schedule.tell(Scored(2, 2, 0.5)) == []
    assert schedule.tell(Scored(3, 2, 0.5)) == [Advance(3, 3)]
    assert seen == [{0, 1, 2, 3}, {1, 3}]
    assert schedule.tell(Failed(3, 2)) == [Drop(3)]
    assert seen[2:] == [{1}]
    assert schedule.done
    assert schedule.finalists == [1]


def test_all_fail():
    """Where nothing is left, nothing is decided."""
    schedule = Rounds(3, lambda records: pytest.fail("nothing to decide on"))
    outcome = drive_schedule(schedule, draw, fails=lambda trial, call: True)
    assert outcome.finalists == []


def test_max_calls():
    """Nobody trains beyond max_calls, and who asks for more only gets what is left."""
    schedule = Rounds(
        3, lambda records: dict.fromkeys(records, 4), first_calls=2, max_calls=9
    )
    outcome = drive_schedule(schedule, draw)
    assert sorted(outcome.scores) == [(t, c) for t in range(3) for c in (2, 6, 9)]
    assert outcome.finalists == [0, 1, 2]
    assert schedule.horizon() == 9
    assert Rounds(3, drop_worst).horizon() is None
    with pytest.raises(ValueError, match="first_calls=4 must not be more than max_cal"):
        Rounds(3, drop_worst, first_calls=4, max_calls=2)


def test_outlook():
    """It knows the round under way, and that a trial that waits may go on."""
    schedule = Rounds(3, drop_worst, first_calls=2)
    schedule.start()
    assert schedule.outlook(0) == (Rung(3, 2),)
    schedule.tell(Scored(0, 2, 0.3))
    assert schedule.outlook(0)[-1].calls > 2
    schedule.tell(Scored(1, 2, 0.2))
    schedule.tell(Scored(2, 2, 0.1))
    assert schedule.outlook(0) == (Rung(2, 3),)
    assert schedule.outlook(2)[-1].calls == 2
    schedule.tell(Scored(0, 3, 0.3))
    schedule.tell(Scored(1, 3, 0.2))
    assert schedule.done
    assert schedule.outlook(0)[-1].calls == 3
    bounded = Rounds(2, drop_worst, max_calls=5)
    assert [rung.calls for rung in bounded.outlook(0)] == [1, 5]


def test_numpy_integers():
    """Trials and calls may be NumPy's integers."""
    schedule = Rounds(2, lambda records: {np.int64(1): np.int32(2)})
    schedule.start()
    schedule.tell(Scored(0, 1, 0.1))
    assert schedule.tell(Scored(1, 1, 0.2)) == [Drop(0), Advance(1, 3)]
    assert type(schedule.finalists[0]) is int


@pytest.mark.parametrize(
    ("answer", "error", "message"),
    [
        (None, TypeError, "must return a dict .*returned None"),
        ([0, 1], TypeError, r"must return a dict .*returned \[0, 1\]"),
        ({}, ValueError, "dropped every trial"),
        ({3: 1}, ValueError, r"returned 3, which is no live trial; those are \[0, 1\]"),
        ({2: 1}, ValueError, "returned 2, which is no live trial"),  # it has failed
        ({"0": 1}, ValueError, "returned '0', which is no live trial"),
        ({0: -1}, ValueError, "returned -1 calls for trial 0"),
        ({0: 1.5}, TypeError, "trial 0 has 1.5"),
        ({1: True}, TypeError, "trial 1 has True"),
        ({1: None}, TypeError, "trial 1 has None"),
    ],
)
def test_answers_that_make_no_sense(answer, error, message):
    """An answer that cannot be followed is an error that shows what is wrong."""
    schedule = Rounds(3, lambda records: answer)
    schedule.start()
    schedule.tell(Scored(0, 1, 0.1))
    schedule.tell(Failed(2, 0))
    with pytest.raises(error, match=message):
        schedule.tell(Scored(1, 1, 0.2))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"n_trials": 0}, ValueError, "n_trials.* 0 instead"),
        ({"decide": 3}, TypeError, "decide.* a callable. Got 3 instead"),
        ({"first_calls": 0}, ValueError, "first_calls.* 0 instead"),
        ({"max_calls": 0}, ValueError, "max_calls.* 0 instead"),
    ],
)
def test_arguments(arguments, error, message):
    """Arguments that make no sense are an error that names them."""
    with pytest.raises(error, match=message):
        Rounds(**({"n_trials": 3, "decide": drop_worst} | arguments))
