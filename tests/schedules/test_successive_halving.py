# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests of successive halving: its rungs, and who goes on."""

import math
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_hpo.schedules import (
    Advance,
    Drop,
    Failed,
    Rung,
    Scored,
    SuccessiveHalving,
    halving_rungs,
)
from gpu_hpo.testing import drive_schedule
from tests.schedules.draws import kinds, scores, seeds

searches = st.builds(
    dict,
    n_trials=st.integers(1, 40),
    n_calls=st.integers(1, 5),
    aggressiveness=st.integers(2, 5),
    max_calls=st.none() | st.integers(5, 60),
)


@given(searches, kinds, seeds)
@settings(max_examples=60)
def test_the_best_are_promoted(search, kind, seed):
    """Who goes on ranks above all who do not, by finite score, then lower number."""
    score = scores(seed, kind)
    outcome = drive_schedule(
        SuccessiveHalving(**search), score, choose=random.Random(seed).randrange
    )

    def rank(trial, calls):
        value = score(trial, calls)
        finite = math.isfinite(value)
        return (not finite, -value if finite else 0.0, trial)

    for rung in SuccessiveHalving(**search).rungs:
        there = {trial for trial, made in outcome.made.items() if made >= rung.calls}
        assert len(there) == rung.n_trials
        further = {trial for trial in there if outcome.made[trial] > rung.calls}
        best = sorted(there, key=lambda trial: rank(trial, rung.calls))
        assert set(best[: len(further)]) == further


@given(searches)
def test_rungs_in_general(search):
    """Trials are divided, and calls multiplied, until one is left or max_calls made."""
    rungs = halving_rungs(**search)
    eta, max_calls = search["aggressiveness"], search["max_calls"] or math.inf
    for i, rung in enumerate(rungs):
        assert rung.n_trials == search["n_trials"] // eta**i
        assert rung.calls == min(search["n_calls"] * eta**i, max_calls)
    last = [rung.n_trials < eta or rung.calls == max_calls for rung in rungs]
    assert last == [False] * (len(rungs) - 1) + [True]


@pytest.mark.parametrize(
    ("arguments", "rungs"),
    [
        ((9, 1, 3), [(9, 1), (3, 3), (1, 9)]),
        ((10, 2, 3), [(10, 2), (3, 6), (1, 18)]),
        ((10, 2, 3, 10), [(10, 2), (3, 6), (1, 10)]),
        ((10, 2, 3, 6), [(10, 2), (3, 6)]),
        ((1, 5, 3), [(1, 5)]),
        ((2, 5, 3), [(2, 5)]),
        ((5, 1, 2), [(5, 1), (2, 2), (1, 4)]),
        ((9, 81, 3, 81), [(9, 81)]),
    ],
)
def test_rungs(arguments, rungs):
    """Rungs shrink and grow by the aggressiveness, in integers, up to max_calls."""
    assert halving_rungs(*arguments) == tuple(Rung(*rung) for rung in rungs)


def test_promotes_before_the_rung_is_complete():
    """A trial goes on as soon as those missing cannot push it out of the best."""
    schedule = SuccessiveHalving(6, 1, aggressiveness=2)
    schedule.start()
    scores = [0.1, 0.2, 0.3, 0.6, 0.5]
    answers = [schedule.tell(Scored(t, 1, s)) for t, s in enumerate(scores)]
    assert answers == [
        [],
        [],
        [],
        # Of trials 0 to 3, one is out: two more may come, so one place is certain.
        [Advance(3, 2), Drop(0)],
        [Advance(4, 2), Drop(1)],
    ]
    assert schedule.tell(Scored(5, 1, 0.25)) == [Advance(2, 2), Drop(5)]


def test_ties_go_to_the_lower_number():
    """Where all scores are equal, the first trials go on."""
    outcome = drive_schedule(
        SuccessiveHalving(9, 1), lambda t, c: 0.5, choose=lambda n: n - 1
    )
    assert outcome.made == {0: 9, 1: 3, 2: 3} | dict.fromkeys(range(3, 9), 1)
    assert outcome.finalists == [0]


def test_numbers_from_first_trial():
    """Trials are numbered from `first_trial` on."""
    schedule = SuccessiveHalving(2, 1, first_trial=5)
    assert schedule.start() == [Advance(5, 1), Advance(6, 1)]


def test_first_call_is_scored():
    """Every trial is scored after its first call, whatever the first decision."""
    schedule = SuccessiveHalving(1, 4)
    assert schedule.start() == [Advance(0, 1), Advance(0, 4)]
    assert schedule.tell(Scored(0, 1, 0.5)) == []
    assert schedule.tell(Scored(0, 4, 0.5)) == []
    assert schedule.done
    assert schedule.finalists == [0]


def test_failures_in_two_rungs_leave_nothing_awaited():
    """It ends where a promoted trial fails before the rung below it is complete."""
    schedule = SuccessiveHalving(6, 1, aggressiveness=2)
    schedule.start()
    for event in (
        Failed(3, 0),
        Failed(4, 0),
        Failed(5, 0),
        Scored(0, 1, 0.5),
        Failed(0, 1),  # on the way to the second rung
        Failed(1, 0),
        Scored(2, 1, 0.3),
        Scored(2, 2, 0.3),
        Scored(2, 4, 0.3),
    ):
        assert not schedule.done
        schedule.tell(event)
        schedule.validate()
    assert schedule.done
    assert schedule.finalists == [2]


@given(searches, seeds, st.data())
@settings(max_examples=60)
def test_failing_after_a_score_is_failing_on_the_way_to_the_next(search, seed, data):
    """A model lost after a rung's score takes part in it, and fails where it would go.

    Nothing changes for the others, whether the loss comes before the promotion,
    after it, or when the trial is a finalist.
    """
    score = scores(seed, "distinct")
    victim = data.draw(st.integers(0, search["n_trials"] - 1))
    rungs = SuccessiveHalving(**search).rungs
    at = data.draw(st.sampled_from([rung.calls for rung in rungs]))
    expected = drive_schedule(
        SuccessiveHalving(**search),
        score,
        fails=lambda t, c: (t, c) == (victim, at + 1),
    )

    schedule = SuccessiveHalving(**search)
    pending = [step for step in schedule.start() if isinstance(step, Advance)]
    asked = set(pending)
    draw = random.Random(seed)
    reached = failed = False
    while pending or (reached and not failed):
        if reached and not failed and (not pending or draw.random() < 0.3):
            failed = True
            event = Failed(victim, at)
            pending = [step for step in pending if step.trial != victim]
        else:
            first = {step.trial: step for step in reversed(pending)}
            step = first[draw.choice(sorted(first))]
            if reached and step.trial == victim:
                continue
            pending.remove(step)
            event = Scored(step.trial, step.calls, score(step.trial, step.calls))
            reached |= (step.trial, step.calls) == (victim, at)
        for step in schedule.tell(event):
            if isinstance(step, Advance):
                assert not (failed and step.trial == victim)
                pending.append(step)
                asked.add(step)
        schedule.validate()
        if reached and not failed and {s.trial for s in pending} == {victim}:
            failed = True
            pending = [
                step
                for step in schedule.tell(Failed(victim, at))
                if isinstance(step, Advance)
            ]
            asked |= set(pending)
    assert schedule.done
    others = {(s.trial, s.calls) for s in asked if s.trial != victim}
    assert others == {step for step in expected.asked if step[0] != victim}
    assert set(schedule.finalists) - {victim} == set(expected.finalists) - {victim}
    if failed:
        assert victim not in schedule.finalists


def test_events_of_trials_that_are_out_are_ignored():
    """What a failed trial reports afterwards changes nothing."""
    schedule = SuccessiveHalving(3, 2)
    schedule.start()
    assert schedule.tell(Failed(0, 0)) == [Drop(0)]
    assert schedule.tell(Scored(0, 1, 9.0)) == []
    assert schedule.tell(Failed(0, 1)) == []
    schedule.validate()


def test_all_fail():
    """A search of which every trial fails ends, with no finalist."""
    outcome = drive_schedule(
        SuccessiveHalving(9, 3), lambda t, c: 0.0, fails=lambda t, c: c == 2
    )
    assert outcome.finalists == []
    assert set(outcome.made.values()) == {1}
