# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests of ladders: against one with barriers, and how far ahead they ask."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_hpo.schedules import Advance, Drop, Failed, Ladder, Rung, Scored
from gpu_hpo.schedules._ladder import AHEAD
from gpu_hpo.testing import drive_schedule
from tests.schedules.draws import (
    failures,
    order,
    rungs_of_ladders,
    scores,
    seeds,
    shares,
)


def naive_ladder(rungs, score, fails, score_every, patience, tol):
    """A ladder with full barriers; returns all scores, and the finalists."""
    records = {trial: [] for trial in range(rungs[0].n_trials)}
    stopped = set()
    contestants = list(records)
    start = 1
    for rung in rungs:
        ranked = sorted(contestants, key=lambda trial: rank(records[trial], trial))
        contestants = sorted(ranked[: rung.n_trials])
        for trial in list(contestants):
            record = records[trial]
            while trial not in stopped and trial in contestants:
                at = record[-1][0] if record else 0
                if at == rung.calls:
                    break
                stop = 1 if at == 0 else rung.calls
                if at and score_every:
                    grid = (calls for calls in range(start, stop, score_every))
                    stop = min([stop, *(calls for calls in grid if calls > at)])
                if at and patience:
                    stop = min(stop, at + patience)
                if any(fails(trial, call) for call in range(at + 1, stop + 1)):
                    contestants.remove(trial)
                    break
                record.append((stop, score(trial, stop)))
                window = [s for calls, s in record if calls >= stop - patience]
                if patience and stop >= patience and len(window) > 1:
                    gain = max(window[1:]) - window[0]
                    if gain <= tol:
                        stopped.add(trial)
        start = rung.calls
    scored = {(trial, *entry) for trial, record in records.items() for entry in record}
    return scored, set(contestants)


def rank(record, trial):
    score = record[-1][1] if record else 0.0
    return (-score if math.isfinite(score) else math.inf, trial)


@given(
    rungs_of_ladders(),
    st.sampled_from(["distinct", "tied"]),
    seeds,
    st.integers(0, 4),
    st.integers(0, 6),
    st.sampled_from([-0.2, 0.0, 0.1]),
    shares,
    st.data(),
)
@settings(max_examples=150)
def test_same_as_with_barriers(rungs, kind, seed, every, patience, tol, share, data):
    """Deciding early, and asking ahead, come to what full barriers come to."""
    score, fails = scores(seed, kind), failures(seed, share)
    options = {"score_every": every, "patience": patience, "tol": tol}
    outcome = drive_schedule(
        Ladder(rungs, **options), score, fails=fails, choose=order(data, seed)
    )
    expected, finalists = naive_ladder(rungs, score, fails, **options)
    got = {(*step, value) for step, value in outcome.scores.items()}
    assert got == expected
    assert share or outcome.asked == outcome.scores.keys()
    assert set(outcome.finalists) == finalists


def test_scores_between_rungs():
    """Scores come every so many calls, counted from the rung before."""
    ladder = Ladder([Rung(2, 6), Rung(1, 11)], score_every=2)
    outcome = drive_schedule(ladder, lambda trial, calls: trial)
    assert sorted(outcome.scores) == [
        *((0, calls) for calls in (1, 3, 5, 6)),
        *((1, calls) for calls in (1, 3, 5, 6, 8, 10, 11)),
    ]


def test_scores_at_rungs_only():
    """Without extra scores, there is one a rung."""
    ladder = Ladder(
        [Rung(2, 6), Rung(1, 11)], score_every=2, patience=2, extra_scores=False
    )
    outcome = drive_schedule(ladder, lambda trial, calls: trial * calls)
    assert sorted(outcome.scores) == [(0, 6), (1, 6), (1, 11)]


def test_asks_ahead_of_a_plateau():
    """A trial is sent on at once where no score to come could have stopped it."""
    ladder = Ladder([Rung(1, 12)], score_every=1, patience=5, tol=0.1)
    # Before 5 calls nothing stops it; there, it may.
    assert ladder.start() == [Advance(0, calls) for calls in range(1, 6)]
    assert ladder.tell(Scored(0, 1, 0.1)) == []
    # It has gained enough within both windows that begin with its first score.
    assert ladder.tell(Scored(0, 2, 0.5)) == [Advance(0, 6), Advance(0, 7)]
    ladder.validate()
    for calls in range(3, 7):
        assert ladder.tell(Scored(0, calls, 0.5)) == []
    assert ladder.tell(Scored(0, 7, 0.5)) == []
    assert ladder.done
    assert ladder.finalists == [0]


def test_asks_for_so_many_at_a_time():
    """What is asked for and not scored is bounded, however long the way."""
    ladder = Ladder([Rung(1, 10_000)], score_every=1)
    asked = [step.calls for step in ladder.start()]
    assert asked == list(range(1, AHEAD + 1))
    for calls in range(1, 10_001):
        asked += [step.calls for step in ladder.tell(Scored(0, calls, 0.0))]
        assert AHEAD // 2 <= len(asked) - calls <= AHEAD or asked[-1] == 10_000
    assert asked == list(range(1, 10_001))
    assert ladder.done


def test_many_rungs_at_once():
    """A trial that has stopped passes thousands of rungs in one answer."""
    rungs = [Rung(2, calls) for calls in range(1, 5001)]
    ladder = Ladder(rungs, patience=2, tol=0.0)
    ladder.start()
    ladder.tell(Scored(0, 1, 0.5))
    assert ladder.tell(Scored(0, 2, 0.5)) == []
    ladder.validate()
    assert len(ladder.outlook(0)) == 1
    assert ladder.tell(Failed(1, 0)) == [Drop(1)]
    assert ladder.done
    assert ladder.finalists == [0]


def test_a_failure_while_others_pass_several_rungs():
    """Where a trial failed after its score, its place stays empty further up."""
    ladder = Ladder([Rung(3, 1), Rung(2, 2), Rung(1, 3)], patience=2, tol=0.0)
    ladder.start()
    assert ladder.tell(Scored(0, 1, 0.9)) == []
    assert ladder.tell(Failed(0, 1)) == [Drop(0)]
    assert ladder.tell(Scored(1, 1, 0.8)) == []
    assert ladder.tell(Scored(2, 1, 0.7)) == [Advance(1, 2), Drop(2)]
    ladder.validate()
    assert ladder.tell(Scored(1, 2, 0.8)) == []  # stopped, and first of the last rung
    ladder.validate()
    assert ladder.done
    assert ladder.finalists == [1]


@pytest.mark.parametrize(
    "rungs",
    [
        [],
        [Rung(0, 1)],
        [Rung(1, 0)],
        [Rung(2, 3), Rung(1, 3)],
        [Rung(2, 3), Rung(1, 2)],
        [Rung(2, 3), Rung(3, 4)],
        [Rung(2, 3), Rung(0, 4)],
    ],
)
def test_rungs_out_of_order(rungs):
    """Rungs that do not thin out, or do not rise, are an error that shows them."""
    with pytest.raises(ValueError, match="rungs="):
        Ladder(rungs)


def test_horizon():
    """The last rung says how far any trial may come."""
    assert Ladder([Rung(2, 6), Rung(1, 11)], first_trial=7).horizon() == 11
