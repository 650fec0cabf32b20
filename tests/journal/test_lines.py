# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What is read from a journal is what was written, or it is refused."""

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpu_hpo.exceptions import JournalError
from gpu_hpo.journal._lines import decode, encode, seal

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=8,
)
events = st.lists(st.dictionaries(st.text(max_size=5), values, max_size=4), max_size=6)


def written(events):
    data, check = b"", 0
    for event in events:
        line, check = seal(encode(event), check)
        data += line
    return data


def same(a, b):
    if isinstance(a, float) and math.isnan(a):
        return isinstance(b, float) and math.isnan(b)
    if isinstance(a, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if isinstance(a, list):
        return len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and a == b


@given(events)
def test_round_trip(events):
    """Events come back to the bit, with infinities, NaN and any text."""
    data = written(events)
    found, size, _ = decode(data, "j")
    assert same(found, events) and size == len(data)


def test_scalars_of_numpy():
    """They come back as Python's."""
    event = {"a": np.float64(0.1), "b": np.int64(3), "c": np.bool_(True), "d": (1, 2)}
    (found,), _, _ = decode(written([event]), "j")
    assert found == {"a": 0.1, "b": 3, "c": True, "d": [1, 2]}
    assert type(found["c"]) is bool


SAMPLE = [{"event": "begin", "journal": 1}]
SAMPLE += [{"event": "score", "trial": i, "score": i / 7} for i in range(40)]


def prefixes():
    return [SAMPLE[:n] for n in range(len(SAMPLE) + 1)]


def test_torn_anywhere():
    """Cut at any byte, what is read are the first events, all that are whole."""
    data = written(SAMPLE)
    ends = [i + 1 for i, byte in enumerate(data) if byte == ord("\n")]
    for size in range(len(data) + 1):
        found, good, _ = decode(data[:size], "j")
        n_whole = sum(end <= size for end in ends)
        assert found == SAMPLE[:n_whole]
        assert good == ([0, *ends])[n_whole]


@pytest.mark.parametrize("bit", range(8))
def test_a_bit_that_is_flipped_anywhere(bit):
    """It is refused, or read up to where it was changed: never a wrong score."""
    data = written(SAMPLE)
    refused = 0
    for at in range(len(data)):
        changed = bytearray(data)
        changed[at] ^= 1 << bit
        try:
            found, _, _ = decode(bytes(changed), "j")
        except JournalError as error:
            assert re.match("j (was changed|is no journal)", str(error))
            refused += 1
        else:
            # The last line, or the end of the one before it.
            assert found in (SAMPLE[:-1], SAMPLE[:-2])
    assert refused > len(data) * 0.9


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:3] + lines[4:],
        lambda lines: [lines[1], lines[0], *lines[2:]],
        lambda lines: lines[:5] + lines[4:],
        lambda lines: [b"{}\n", *lines],
    ],
    ids=["left out", "exchanged", "twice", "added"],
)
def test_lines_elsewhere(change):
    """Lines that are whole but not where they were are refused, by number."""
    lines = written(SAMPLE).splitlines(keepends=True)
    with pytest.raises(JournalError, match=r"line [1-6] is not as|no journal"):
        decode(b"".join(change(lines)), "j")


def test_a_tail_of_zeros():
    """What a crash of the machine leaves of lines that were not synchronized."""
    data = written(SAMPLE)
    found, size, _ = decode(data + bytes(100), "j")
    assert found == SAMPLE and size == len(data)
