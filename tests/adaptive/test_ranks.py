# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Ranks of the early-stopping searches, and the trial that is the best."""

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gpu_hpo.adaptive._results import best_trial, make_cv_results, make_history
from gpu_hpo.adaptive.engine._news import Record, TrialFailure
from gpu_hpo.model_selection import HyperbandSearchCV
from tests.model_selection.helpers import Scripted, make_data

SCORES = st.sampled_from(
    [0.0, -0.0, 0.5, 0.5, 1.0, -1.0, math.nan, math.inf, -math.inf]
)
TRIALS = st.lists(
    st.tuples(
        st.sampled_from(["completed", "stopped", "failed", "lost"]),
        st.none() | st.tuples(SCORES, SCORES),  # of two metrics, if it was scored
    ),
    min_size=1,
    max_size=8,
)
KINDS = {"completed": 0, "stopped": 1, "failed": 2, "lost": 2}


def results_of(trials):
    """The best trial, and cv_results_ of these statuses and last scores."""
    records = [
        Record(i, 1, scores[0], dict(zip("ab", scores, strict=True)), 0, 0, 0, "")
        for i, (_, scores) in enumerate(trials)
        if scores is not None
    ]
    failures = {
        i: TrialFailure(i, status, "", "")
        for i, (status, _) in enumerate(trials)
        if KINDS[status] == 2
    }
    # A trial may reach the end and fail after that.
    finalists = [i for i, (status, _) in enumerate(trials) if status != "stopped"]
    params = {i: {"number": i} for i in range(len(trials))}
    history = make_history(records, params, lambda i: {"model_id": i})
    table = make_cv_results(
        history, params, lambda i: {"model_id": i}, failures, set(finalists)
    )
    return best_trial(records, finalists, failures), table


@given(TRIALS)
def test_ranks(trials):
    """The best trial has rank 1. What was completed comes before what was stopped, and
    that before what failed; what has no finite score shares the last rank."""
    best, table = results_of(trials)
    finite = np.isfinite(table["test_score"])
    assert (best is not None) == finite.any()
    if best is not None:
        assert table["rank_test_score"][best.trial] == 1
    for column in [name for name in table if name.startswith("test_")]:
        name = column.removeprefix("test_")
        scores, ranks = table[f"test_{name}"], table[f"rank_test_{name}"]
        finite = np.isfinite(scores)
        assert ranks.dtype == np.int64
        assert (ranks[~finite] == 1 + finite.sum()).all()
        keys = [
            (KINDS[status], -score)
            for status, score in zip(table["status"], scores, strict=True)
        ]
        for i in np.flatnonzero(finite):
            before = [keys[j] < keys[i] for j in np.flatnonzero(finite)]
            assert ranks[i] == 1 + sum(before)


def test_winner_has_rank_1(calls):
    """Models of a high score after one call do not outrank those of many calls."""
    space = {"value": [falling], "part": list(range(40))}
    search = HyperbandSearchCV(
        Scripted(), space, max_iter=9, chunk_size=50, random_state=0
    ).fit(*make_data())
    results = search.cv_results_
    assert results["test_score"].max() > search.best_score_
    assert results["rank_test_score"][search.best_index_] == 1
    completed = results["status"] == "completed"
    ranks = results["rank_test_score"]
    assert ranks[completed].max() < ranks[~completed].min()


def falling(calls):
    return 1 - calls / 10
