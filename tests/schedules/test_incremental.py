# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests of the schedule that compares nothing before the end."""

import math
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_hpo.schedules import Advance, Incremental, Scored
from gpu_hpo.schedules._plateau import on_plateau
from gpu_hpo.testing import check_schedule, drive_schedule
from tests.schedules.draws import order, scores, seeds


def record_alone(trial, score, max_calls, fits_per_score, patience, tol):
    """What one trial is told to do: score by score, with nothing asked ahead."""
    record = [(1, score(trial, 1))]
    points = {*range(1, max_calls, fits_per_score), max_calls}
    while (calls := record[-1][0]) < max_calls:
        if on_plateau(record, patience, tol):
            break
        further = min(point for point in points if point > calls)
        calls = min(further, calls + patience) if patience else further
        record.append((calls, score(trial, calls)))
    return record


@given(
    st.integers(1, 8),
    st.integers(1, 90),
    st.integers(1, 12),
    st.integers(0, 12),
    st.sampled_from([-0.1, 0.0, 0.2, 0.5, None, math.nan]),
    seeds,
    st.data(),
)
@settings(max_examples=150)
def test_same_record_for_every_order(
    n_trials, max_calls, fits_per_score, patience, tol, seed, data
):
    """Each trial is scored where it would be if it were alone, and never further."""
    score = scores(seed, "wild")
    options = {"fits_per_score": fits_per_score, "patience": patience, "tol": tol}
    outcome = drive_schedule(
        Incremental(n_trials, max_calls, **options), score, choose=order(data, seed)
    )
    expected = {
        (trial, calls)
        for trial in range(n_trials)
        for calls, _ in record_alone(trial, score, max_calls, **options)
    }
    assert outcome.asked == outcome.scores.keys() == expected
    assert outcome.finalists == list(range(n_trials))


@pytest.mark.parametrize(
    ("max_calls", "fits_per_score", "patience", "scored"),
    [
        (5, 1, 0, [1, 2, 3, 4, 5]),
        # dask-ml would go on to 11, and to 6.
        (10, 3, 0, [1, 4, 7, 10]),
        (9, 5, 0, [1, 6, 9]),
        (4, 5, 0, [1, 4]),
        (1, 5, 0, [1]),
        # As dask-ml does, it scores at least every `patience` calls.
        (10, 3, 2, [1, 3, 4, 6, 7, 9, 10]),
        (9, 2, 4, [1, 3, 5, 7, 9]),
    ],
)
def test_where_it_scores(max_calls, fits_per_score, patience, scored):
    """Scores come after the first call, then regularly, then after max_calls."""
    schedule = Incremental(
        2, max_calls, fits_per_score=fits_per_score, patience=patience, tol=0.0
    )
    outcome = drive_schedule(schedule, lambda trial, calls: calls)
    assert sorted(outcome.scores) == [(t, calls) for t in range(2) for calls in scored]


@pytest.mark.parametrize(
    ("patience", "scored"),
    [(0, [10]), (2, [1, 3, 5, 7, 9, 10]), (5, [1, 4, 7, 10])],
)
def test_without_extra_scores(patience, scored):
    """Models are scored where it decides something, and these are all its rungs."""
    schedule = Incremental(
        1, 10, fits_per_score=3, patience=patience, tol=0.0, extra_scores=False
    )
    assert [rung.calls for rung in schedule.outlook(0)] == scored
    outcome = drive_schedule(schedule, lambda trial, calls: calls)
    assert [calls for _, calls in sorted(outcome.scores)] == scored


def test_all_is_asked_for_at_once():
    """Without patience nothing waits for a score."""
    schedule = Incremental(3, 20, fits_per_score=4)
    assert schedule.start() == [
        Advance(trial, calls) for trial in range(3) for calls in (1, 5, 9, 13, 17, 20)
    ]
    assert schedule.tell(Scored(2, 1, 0.5)) == []


@pytest.mark.parametrize("patience", [0, 4])
@pytest.mark.parametrize("extra_scores", [True, False])
def test_conforms(patience, extra_scores):
    """It passes the conformance suite."""
    check_schedule(
        lambda: Incremental(
            6, 20, fits_per_score=3, patience=patience, extra_scores=extra_scores
        ),
        total_calls=None if patience else 120,
    )


@pytest.mark.parametrize("patience", [0, 50])
def test_many_calls(patience):
    """A hundred thousand calls take neither deep recursion nor much memory."""
    schedule = Incremental(1, 100_000, patience=patience, tol=0.0)
    due = [step.calls for step in schedule.start()]
    most = 0
    tracemalloc.start()
    for calls in range(1, 100_001):
        most = max(most, len(due))
        assert due.pop(0) == calls
        due += [step.calls for step in schedule.tell(Scored(0, calls, calls / 1e5))]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert schedule.done
    assert most < 100
    assert peak < 100e6
