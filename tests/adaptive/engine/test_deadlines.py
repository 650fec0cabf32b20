# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A task that waited behind a slow one makes no call once time is over."""

import math
from time import perf_counter

import pytest

from gpu_hpo.adaptive.engine._deadlines import deadline, waited_too_long


def test_the_earliest_end_counts():
    """What a later task is told is older than what the search has learned since."""
    assert deadline("a", 100.0, 2.0) == 102.0
    assert deadline("a", 106.0, 1.5) == 102.0
    assert deadline("b", 106.0, 1.5) == 107.5
    assert deadline("a", 90.0, math.inf) == math.inf
    assert deadline("a", 99.0, 1.0) == 100.0


def test_many_searches():
    """Those of long ago are forgotten."""
    assert deadline("first", 0.0, 1.0) == 1.0
    for i in range(100):
        deadline(f"other {i}", 0.0, 1.0)
    assert deadline("first", 5.0, 1.0) == 6.0


@pytest.mark.parametrize(
    ("left", "end", "expected"), [(1.0, -1.0, True), (1.0, 9.0, False), (-1, -2, False)]
)
def test_who_waited_too_long(left, end, expected):
    """A task that had no time at first is wanted all the same: for the one score."""
    assert waited_too_long(perf_counter() + end, left) is expected
