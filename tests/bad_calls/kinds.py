# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What is bad for an argument of a certain kind: a list, and more drawn by Hypothesis.

Each function returns a `Bad`. `also` are values that are good here, though they are not
of the kind, such as None.
"""

import math
import string
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import strategies as st

NAN, INF = math.nan, math.inf
TEXT = st.text(string.ascii_letters + " _-", max_size=8)
# Of no kind that any argument is of.
ODD = st.complex_numbers(allow_nan=False) | st.binary(min_size=1, max_size=4)
BELOW = -(10**6)


@dataclass(frozen=True)
class Bad:
    """Values that an argument refuses: some, and how to draw more."""

    listed: tuple[Any, ...]
    drawn: st.SearchStrategy[Any]
    named: bool = True


def in_their_words(bad):
    """Take these as bad that scikit-learn refuses without naming the argument."""
    return replace(bad, named=False)


def _bad(listed, drawn, also):
    kept = [v for v in listed if not any(v is a or v == a for a in also)]
    return Bad(tuple(kept), drawn.filter(lambda v: not any(v == a for a in also)))


def these(*values):
    """Return just these values."""
    return Bad(values, st.sampled_from(values))


def count(least=1, also=()):
    """Refuse what is not an integer of at least `least`."""
    listed = [least - 1, least - 7, 2.5, NAN, INF, "x", "", [3], 1j, None, b"3"]
    parts = st.floats(-9, 9).filter(lambda v: v != int(v)) | TEXT | ODD
    return _bad(listed, st.integers(BELOW, least - 1) | parts, also)


def number(low=None, high=None, closed=True, also=()):
    """Refuse what is not a real number from `low` to `high`, open or closed."""
    listed = ["x", "", None, [0.5], 1j, b"1", INF, NAN]
    drawn = TEXT | ODD
    edge = 0.0 if closed else 1e-9
    if low is not None:
        listed += [low - 1, -INF] + ([] if closed else [low])
        drawn |= st.floats(BELOW, low - 1e-6 + edge, exclude_max=True)
    if high is not None:
        listed += [high + 1] + ([] if closed else [high])
        drawn |= st.floats(high + 1e-6, 1e6)
    return _bad(listed, drawn, also)


def flag(also=()):
    """Refuse what is neither True nor False."""
    listed = ["x", "True", 2, -1, 0.5, NAN, [True], 1j, None]
    drawn = TEXT | ODD | st.integers(2, 99) | st.floats(0.1, 0.9)
    return _bad(listed, drawn, also)


def choice(*accepted, also=()):
    """Refuse what is none of these strings."""
    listed = ["x", "", "cuda:0", 3, -1, 0.5, [*accepted[:1], "y"], 1j, b"x", None]
    drawn = TEXT | ODD | st.integers() | st.floats(allow_nan=False)
    return _bad(listed, drawn, (*accepted, *also))


def text(also=()):
    """Refuse what is no string."""
    listed = [3, -1.5, None, ["x"], 1j, b"x", {"x": 1}]
    return _bad(listed, ODD | st.integers() | st.lists(TEXT, max_size=2), also)


def seed(also=()):
    """Refuse what seeds no generator."""
    listed = ["x", -1, 2.5, NAN, [1, 2, 3, "x"], 1j, b"x", 2**40, {"x": 1}]
    drawn = TEXT | ODD | st.integers(BELOW, -1) | st.floats(0.1, 0.9)
    return _bad(listed, drawn, also)


def function(also=()):
    """Refuse what cannot be called."""
    listed = [3, "x", 0.5, [1], 1j, {"x": 1}, None]
    return _bad(listed, TEXT | ODD | st.integers(), also)
