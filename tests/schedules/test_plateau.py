# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests of the plateau rule."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_hpo.schedules import Advance, Drop, Scored, SuccessiveHalving
from gpu_hpo.schedules._plateau import may_be_plateau, on_plateau

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("record", "patience", "tol", "expected"),
    [
        # A window is of calls, not of scores, and both its ends count.
        ([(1, 0.5), (4, 0.5)], 3, 0.0, True),
        ([(1, 0.5), (5, 0.5)], 3, 0.0, False),
        ([(1, 0.0), (2, 0.5), (4, 0.5)], 3, 0.1, False),
        ([(1, 0.0), (2, 0.5), (4, 0.5)], 2, 0.1, True),
        # At least `patience` calls, and two scores.
        ([(1, 0.5), (2, 0.5)], 3, 0.0, False),
        ([(1, 0.5), (3, 0.5)], 3, 0.0, True),
        ([(3, 0.5)], 3, 0.0, False),
        # The best of the window counts, not its last.
        ([(1, 0.5), (2, 0.9), (4, 0.5)], 3, 0.1, False),
        ([(1, 0.5), (2, 0.2), (4, 0.4)], 3, 0.0, True),
        # Just `tol` is no progress; a negative `tol` bears some decline.
        ([(1, 0.5), (4, 0.75)], 3, 0.25, True),
        ([(1, 0.5), (4, 0.76)], 3, 0.25, False),
        ([(1, 0.5), (4, 0.45)], 3, -0.1, False),
        # Off.
        ([(1, 0.5), (4, 0.5)], 0, 0.0, False),
        ([(1, 0.5), (4, 0.5)], 3, None, False),
        ([(1, 0.5), (4, 0.5)], 3, NAN, False),
        # Not finite: NaN is passed over wherever it is.
        ([(1, 0.5), (2, NAN), (4, 0.5)], 3, 0.1, True),
        ([(1, 0.5), (2, 0.9), (4, NAN)], 3, 0.1, False),
        ([(1, 0.5), (2, NAN), (4, 0.9)], 3, 0.1, False),
        ([(1, 0.5), (4, NAN)], 3, 0.1, False),
        ([(1, NAN), (4, 0.5)], 3, 0.1, False),
        ([(1, 0.5), (4, -INF)], 3, 0.1, True),
        ([(1, -INF), (4, 0.5)], 3, 0.1, False),
    ],
)
def test_rule(record, patience, tol, expected):
    """A trial is on a plateau if its last `patience` calls gained no more than tol."""
    assert on_plateau(record, patience, tol) is expected


@given(
    st.lists(st.sampled_from([0.0, 0.3, 0.6, NAN, INF, -INF]), min_size=1, max_size=9),
    st.integers(0, 9),
    st.lists(st.integers(1, 3), min_size=9, max_size=9),
    st.integers(0, 9),
    st.sampled_from([-0.4, 0.0, 0.3, None, NAN]),
)
def test_what_may_be(scores, known, steps, patience, tol):
    """Where a plateau was ruled out before the last scores came in, there is none."""
    record = [(sum(steps[: i + 1]), score) for i, score in enumerate(scores)]
    before = record[: min(known, len(record) - 1)]
    if not may_be_plateau(before, record[-1][0], patience, tol):
        assert not on_plateau(record, patience, tol)


@pytest.mark.parametrize(
    ("record", "calls", "expected"),
    [
        ([], 2, False),  # too early
        ([], 3, True),
        ([(1, 0.5)], 4, True),
        ([(1, 0.5), (2, 0.6)], 4, True),
        ([(1, 0.5), (2, 0.8)], 4, False),  # it has improved enough
        ([(1, 0.5), (2, 0.8)], 5, True),  # but not in the last 3 calls
        ([(1, 0.5), (2, 0.8), (3, 0.1)], 4, False),
    ],
)
def test_a_plateau_ruled_out(record, calls, expected):
    """Before `patience` calls, and after enough progress, there can be no plateau."""
    assert may_be_plateau(record, calls, 3, 0.2) is expected


def test_a_stopped_trial_keeps_its_rank():
    """A trial on a plateau trains no more, but competes with its last score."""
    schedule = SuccessiveHalving(3, 4, patience=2, tol=0.0)
    schedule.start()
    for trial in range(3):
        assert schedule.tell(Scored(trial, 1, 0.9 - 0.1 * trial)) == []
    assert schedule.tell(Scored(0, 3, 0.9)) == []  # stopped, and the best so far
    assert schedule.tell(Scored(1, 3, 0.85)) == [Advance(1, 4)]
    assert schedule.tell(Scored(2, 3, 0.75)) == [Advance(2, 4)]
    assert schedule.tell(Scored(1, 4, 0.86)) == [Drop(1)]
    assert schedule.tell(Scored(2, 4, 0.87)) == [Drop(2)]
    assert schedule.done
    assert schedule.finalists == [0]


def test_patience_clips_every_step():
    """With patience, a trial is scored at least so often."""
    schedule = SuccessiveHalving(1, 10, patience=4, tol=0.0)
    assert schedule.start() == [Advance(0, 1), Advance(0, 5)]
    assert schedule.tell(Scored(0, 1, 0.1)) == []
    assert schedule.tell(Scored(0, 5, 0.2)) == [Advance(0, 9)]
    assert schedule.tell(Scored(0, 9, 0.3)) == [Advance(0, 10)]
