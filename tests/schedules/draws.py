# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Scores, failures, orders and schedules that are drawn, equal for equal seeds."""

import math
import random
from functools import partial

from hypothesis import strategies as st

from gpu_hpo.schedules import (
    Hyperband,
    Incremental,
    InverseDecay,
    Ladder,
    Rung,
    SuccessiveHalving,
)

seeds = st.integers(0, 2**32)
kinds = st.sampled_from(["distinct", "tied", "wild"])
shares = st.sampled_from([0.0, 0.05, 0.4])
patiences = st.integers(0, 8)


def scores(seed, kind="distinct"):
    """A score function: all distinct, with ties, or with values that are not finite."""

    def score(trial, calls):
        draw = random.Random(f"{seed} {trial} {calls}")
        if kind == "tied":
            return float(draw.randrange(3))
        if kind == "wild" and draw.random() < 0.2:
            return draw.choice([math.nan, math.inf, -math.inf])
        return draw.random() if kind == "distinct" else round(draw.random(), 1)

    return score


def failures(seed, share):
    """A function that says whether a trial fails in a call, as this share of them."""
    return lambda t, c: random.Random(f"{seed} fail {t} {c}").random() < share


def order(data, seed):
    """Who reports next: at random, or as hypothesis likes, which it can simplify."""
    if data.draw(st.booleans(), "random order"):
        return random.Random(seed).randrange
    return lambda n: data.draw(st.integers(0, n - 1))


@st.composite
def rungs_of_ladders(draw):
    """Rungs that thin out and rise."""
    sizes = draw(st.lists(st.integers(1, 20), min_size=1, max_size=6))
    steps = draw(st.lists(st.integers(1, 8), min_size=len(sizes), max_size=len(sizes)))
    sizes.sort(reverse=True)
    return tuple(Rung(size, sum(steps[: i + 1])) for i, size in enumerate(sizes))


def factories(kind, *arguments, **options):
    """Functions that build a schedule of a kind, of what these strategies draw."""
    options |= {
        "patience": patiences,
        "tol": st.sampled_from([-0.2, 0.0, 0.05, 0.3]),
        "extra_scores": st.booleans(),
    }
    return st.builds(partial, st.just(kind), *arguments, **options)


ladders = factories(Ladder, rungs_of_ladders(), score_every=st.integers(0, 4))
halvings = factories(
    SuccessiveHalving,
    st.integers(1, 40),
    st.integers(1, 5),
    aggressiveness=st.integers(2, 5),
    max_calls=st.none() | st.integers(5, 60),
)
hyperbands = factories(Hyperband, st.integers(1, 60), st.integers(2, 5))
incrementals = factories(
    Incremental,
    st.integers(1, 8),
    st.integers(1, 80),
    fits_per_score=st.integers(1, 6),
)
decays = factories(
    InverseDecay,
    st.integers(1, 40),
    st.sampled_from([0.0, 0.3, 0.7, 1.0, 2.0]),
    max_calls=st.integers(1, 40),
    fits_per_score=st.integers(1, 6),
)
