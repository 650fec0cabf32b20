# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Tests of Hyperband: its arithmetic, and that brackets do not touch each other."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpu_hpo.schedules import (
    Bracket,
    Hyperband,
    SuccessiveHalving,
    hyperband_brackets,
)
from gpu_hpo.testing import check_schedule, drive_schedule
from tests.schedules.draws import scores

draw = scores(0)


@pytest.mark.parametrize(
    ("max_calls", "eta", "n_trials", "total_calls"),
    [
        (9, 3, 17, 69),
        (15, 3, 17, 101),
        (20, 3, 17, 144),
        (27, 3, 49, 357),
        (81, 3, 143, 1581),
        (100, 4, 98, 1252),
        (94, 4, 98, 1151),
        (299, 4, 378, 5721),
    ],
)
def test_totals(max_calls, eta, n_trials, total_calls):
    """Trials and calls add up to dask-ml's and the paper's totals."""
    outcome = drive_schedule(Hyperband(max_calls, eta), draw)
    assert len(outcome.made) == Hyperband(max_calls, eta).n_trials == n_trials
    assert outcome.total_calls == total_calls


@pytest.mark.parametrize(
    ("max_calls", "eta", "n_brackets"),
    [(1, 3, 1), (2, 3, 1), (81, 3, 5), (243, 3, 6), (729, 3, 7), (1000, 10, 4)],
)
def test_powers_lose_no_bracket(max_calls, eta, n_brackets):
    """A `max_calls` that is a power of `aggressiveness` keeps its last bracket."""
    brackets = hyperband_brackets(max_calls, eta)
    assert [bracket.index for bracket in brackets] == list(range(n_brackets))[::-1]
    assert brackets[-1] == Bracket(0, n_brackets, max_calls)
    if max_calls == eta ** (n_brackets - 1):
        assert brackets[0] == Bracket(n_brackets - 1, max_calls, 1)


@given(st.integers(1, 2000), st.integers(2, 10))
def test_brackets_follow_the_paper(max_calls, eta):
    """Trials and first calls are the paper's formulas, in exact arithmetic."""
    brackets = hyperband_brackets(max_calls, eta)
    s_max = brackets[0].index
    assert eta**s_max <= max_calls < eta ** (s_max + 1)
    for s, bracket in zip(range(s_max, -1, -1), brackets, strict=True):
        # ceil((s_max + 1) / (s + 1) * eta**s) without a float
        n_trials = bracket.n_trials
        assert (n_trials - 1) * (s + 1) < (s_max + 1) * eta**s <= n_trials * (s + 1)
        assert bracket.index == s
        assert bracket.n_calls == max_calls // eta**s


@pytest.mark.parametrize("patience", [0, 9])
def test_conforms(patience):
    """It passes the conformance suite at its default size."""
    check_schedule(
        lambda: Hyperband(81, 3, patience=patience, tol=0.1),
        total_calls=None if patience else 1581,
        orders=2,
    )


@given(st.integers(1, 100), st.integers(2, 4), st.integers(0, 2**32))
@settings(max_examples=30)
def test_brackets_are_independent(max_calls, eta, seed):
    """All brackets at once decide what each would alone."""
    together = drive_schedule(
        Hyperband(max_calls, eta), draw, choose=random.Random(seed).randrange
    )
    alone: dict[int, int] = {}
    finalists = []
    first = 0
    for bracket in hyperband_brackets(max_calls, eta):
        outcome = drive_schedule(
            SuccessiveHalving(
                bracket.n_trials,
                bracket.n_calls,
                aggressiveness=eta,
                max_calls=max_calls,
            ),
            lambda trial, calls, first=first: draw(trial + first, calls),
        )
        alone |= {trial + first: made for trial, made in outcome.made.items()}
        finalists += [trial + first for trial in outcome.finalists]
        first += bracket.n_trials
    assert together.made == alone
    assert together.finalists == sorted(finalists)


def test_bracket_of():
    """Trials are numbered bracket by bracket, the most adaptive first."""
    schedule = Hyperband(9, 3)
    assert [schedule.bracket_of(trial) for trial in range(schedule.n_trials)] == (
        [2] * 9 + [1] * 5 + [0] * 3
    )


def test_fewer_trials():
    """A bracket may be given fewer trials than the paper's."""
    schedule = Hyperband(9, 3, n_trials={2: 4, 0: 1})
    assert schedule.n_trials == 4 + 5 + 1
    outcome = drive_schedule(schedule, draw)
    assert set(outcome.made) == set(range(10))
