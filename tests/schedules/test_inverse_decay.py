# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests of inverse decay: dask-ml's arithmetic, and the conformance suite."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_hpo.schedules import InverseDecay, Rung, inverse_decay_rungs
from gpu_hpo.testing import check_schedule, drive_schedule

# How many trials dask-ml 2023.3.24 scores after how many calls. `_additional_calls` of
# its InverseDecaySearchCV was asked, after each round, for the next one, with scores
# that rise by the trial's number and by its calls, and with tol=None, until it asked
# for nothing more; `max_iter` is such that it was not exceeded.
DASK_ML = [
    # n_trials, decay_rate, max_calls, fits_per_score, patience; calls in all; scores
    ((2, 1.0, 100, 1, 0), 2, {1: 2}),
    ((9, 1.0, 100, 1, 0), 11, {1: 9, 2: 2}),
    ((10, 1.0, 100, 1, 0), 12, {1: 10, 2: 2}),
    ((10, 1.0, 100, 7, 0), 12, {1: 10, 2: 2}),
    ((20, 1.0, 100, 1, 0), 34, {1: 20, 2: 5, 3: 4, 4: 3, 5: 2}),
    (
        (50, 1.0, 100, 1, 0),
        120,
        {1: 50, 2: 12, 3: 10, 4: 8, 5: 7, 6: 6, 7: 5, 9: 4, 11: 3, 15: 2},
    ),
    ((10, 0.5, 100, 1, 0), 34, {1: 10, 3: 4, 5: 3, 10: 2}),
    ((30, 2.0, 100, 1, 0), 30, {1: 30}),
    ((100, 1.5, 100, 1, 0), 142, {1: 100, 2: 12, 3: 8, 4: 6, 5: 5, 6: 4, 7: 3, 9: 2}),
    ((50, 1.0, 7, 1, 0), 98, {1: 50, 2: 12, 3: 10, 4: 8, 5: 7, 6: 6, 7: 5}),
    ((10, 0.0, 5, 1, 0), 50, {1: 10, 2: 10, 3: 10, 4: 10, 5: 10}),
    ((10, 0.0, 9, 4, 0), 90, {1: 10, 5: 10, 9: 10}),
    ((10, 1.0, 100, 1, 2), 14, {1: 10, 2: 2, 3: 2}),
    (
        (20, 0.5, 14, 2, 4),
        101,
        {1: 20, 2: 10, 3: 8, 5: 7, 7: 6, 9: 6, 10: 5, 12: 5, 14: 5},
    ),
    (
        (50, 1.0, 100, 3, 5),
        135,
        {1: 50, 2: 12, 3: 10, 4: 8, 5: 7, 6: 6, 7: 5, 9: 4, 11: 3, 14: 3}
        | {15: 2, 18: 2, 21: 2},
    ),
    (
        (50, 1.0, 100, 5, 3),
        130,
        {1: 50, 2: 12, 3: 10, 4: 8, 5: 7, 6: 6, 7: 5, 9: 4, 11: 3}
        | {14: 2, 15: 2, 18: 2, 20: 2},
    ),
    ((10, 0.0, 9, 4, 4), 90, {1: 10, 5: 10, 9: 10}),
]


def rising(trial, calls):
    return trial + calls / 1000


def build(n_trials, decay_rate, max_calls, fits_per_score, patience, **options):
    return InverseDecay(
        n_trials,
        decay_rate,
        max_calls=max_calls,
        fits_per_score=fits_per_score,
        patience=patience,
        **options,
    )


@pytest.mark.parametrize(("arguments", "total", "scores"), DASK_ML)
def test_arithmetic_is_dask_ml_s(arguments, total, scores):
    """As many trials make as many calls, scored after as many, as in dask-ml."""
    outcome = drive_schedule(build(*arguments, tol=None), rising)
    assert outcome.total_calls == total
    assert Counter(calls for _, calls in outcome.scores) == scores
    n_trials, last = arguments[0], max(scores)
    assert outcome.finalists == list(range(n_trials - scores[last], n_trials))


@pytest.mark.parametrize(
    ("arguments", "rungs"),
    [
        # dask-ml would go on to 9, 26 and 122 calls.
        ((50, 1.0, 8), [(5, 7), (4, 8)]),
        ((81, 1.0, 20), [(3, 19), (2, 20)]),
        ((100, 0.5, 100), [(9, 99), (8, 100)]),
        # There it never ends, since it waits for a decision that is too far off, ...
        ((10, 0.001, 100), [(10, 1), (8, 100)]),
        ((10, 0.001, 100, 7), [(9, 8), (9, 100)]),
        ((1, 1.0, 100), [(1, 1)]),
        # ... or takes a step back.
        ((100, 5.0, 100), [(100, 1)]),
        ((10, 1e9, 100), [(10, 1)]),
        ((10, 1.0, 1), [(10, 1)]),
        ((10, 0.0, 100), [(10, 100)]),
        ((1, 0, 100), [(1, 100)]),
        # One call more between decisions would have been one too many.
        ((8, 1.0, 2), [(8, 1)]),
    ],
)
def test_rungs(arguments, rungs):
    """The last rungs, where dask-ml exceeds max_iter or does not end."""
    found = inverse_decay_rungs(*arguments)
    assert [(rung.n_trials, rung.calls) for rung in found[-2:]] == rungs


@given(
    st.integers(1, 300),
    st.sampled_from([0.0, 1e-300, 0.01, 0.3, 0.5, 1, 1.0, 1.7, 4.0, 300.0]),
    st.integers(1, 200),
    st.none() | st.integers(1, 20),
)
def test_rungs_thin_out_and_rise(n_trials, decay_rate, max_calls, most_apart):
    """Rungs hold fewer and fewer trials up to max_calls, two at most of each number."""
    rungs = inverse_decay_rungs(n_trials, decay_rate, max_calls, most_apart)
    assert rungs[0].n_trials == n_trials
    assert rungs[-1].calls <= max_calls
    sizes = [rung.n_trials for rung in rungs]
    assert sizes == sorted(sizes, reverse=True)
    assert max(Counter(sizes).values()) <= 2
    calls = [rung.calls for rung in rungs]
    assert calls == sorted(set(calls))
    if most_apart is None:
        assert len(set(sizes)) == len(sizes)
    assert rungs[-1] != Rung(1, calls[-1]) or n_trials == 1


def test_many_calls():
    """Rungs are few where calls are many."""
    assert len(inverse_decay_rungs(10, 0.2, 100_000, 1)) < 20


@pytest.mark.parametrize("patience", [0, 4])
@pytest.mark.parametrize("decay_rate", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("extra_scores", [True, False])
def test_conforms(decay_rate, patience, extra_scores):
    """It passes the conformance suite, with decay and without."""
    check_schedule(
        lambda: build(30, decay_rate, 12, 3, patience, extra_scores=extra_scores),
        orders=2,
    )


def test_a_plateau_stops_one_trial_only():
    """The others are decided on as if the stopped one had gone on with its score."""

    def score(trial, calls):
        return 0.95 if trial == 49 else rising(trial, calls) / 100

    outcome = drive_schedule(build(50, 1.0, 100, 1, 3, tol=0.0), score)
    assert outcome.made[49] == 3
    assert 49 in outcome.finalists
    assert max(outcome.made.values()) == 23
