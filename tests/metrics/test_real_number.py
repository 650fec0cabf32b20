# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What is a score, and what is none."""

from decimal import Decimal
from fractions import Fraction

import dask.array as da
import numpy as np
import pandas as pd
import pytest

from gpu_hpo.metrics._real_number import real_number

NUMBERS = {
    "int": (1, 1.0),
    "bool": (True, 1.0),
    "Decimal": (Decimal("0.25"), 0.25),
    "Fraction": (Fraction(1, 4), 0.25),
    "NumPy's float": (np.float32(0.25), 0.25),
    "NumPy's bool": (np.bool_(True), 1.0),
    "array without axes": (np.array(0.25), 0.25),
    "array of one": (np.array([[0.25]]), 0.25),
    "series of one": (pd.Series([0.25], index=["a"]), 0.25),
    "Dask's": (da.full(4, 0.25, chunks=2).mean(), 0.25),
    "infinity": (float("inf"), float("inf")),
}
OTHERS = {
    "None": None,
    "text": "0.5",
    "NumPy's text": np.str_("0.5"),
    "bytes": b"1",
    "complex": 1 + 0j,
    "NumPy's complex": np.complex128(1),
    "array of a complex": np.array([1j]),
    "array of None": np.array([None]),
    "array of several": np.array([0.5, 0.5]),
    "Dask's array of several": da.ones(2),
    "empty array": np.array([]),
    "masked": np.ma.array([1.0], mask=True).mean(),
    "list": [0.5],
    "dict": {"score": 0.5},
    "missing": pd.NA,
    "date": np.datetime64("2026-01-01"),
    "type": np.float64,
    "too large": 10**400,
}


@pytest.mark.parametrize("value, expected", NUMBERS.values(), ids=NUMBERS)
def test_numbers(value, expected):
    """A real number is one of Python's, whatever kind it was."""
    found = real_number(value, "f1")
    assert type(found) is float
    assert found == expected


def test_nan():
    """NaN is a number: one that ranks last."""
    assert np.isnan(real_number(np.float64("nan"), "f1"))


@pytest.mark.parametrize("value", OTHERS.values(), ids=OTHERS)
def test_others(value):
    """Whatever is not one real number is refused, with the name of who gave it."""
    with pytest.raises(ValueError, match=r"must return a number, got .*scorer=f1"):
        real_number(value, "f1")
