# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A part's columns are those that a ColumnTransformer gives to it."""

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import sklearn
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.compose import ColumnTransformer, make_column_selector

from gpu_hpo.exhaustive.plan._columns import Columns

NAMES = list("abcde")
N = len(NAMES)
ARRAY = np.arange(6.0 * N).reshape(6, N)
OTHER = ARRAY[:2] + 100
FRAME = pd.DataFrame(ARRAY, columns=NAMES).assign(d=list("uvwxyz"))


class Keeps(TransformerMixin, BaseEstimator):
    """Keeps what it is given in a list that copies share."""

    def __init__(self, seen):
        self.seen = seen

    def __sklearn_clone__(self):
        return self

    def fit_transform(self, X, y=None):
        return self.transform(X)

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        self.seen.append(X)
        return np.zeros((X.shape[0], 1))


def theirs(layout, part, X, *others):
    """What a ColumnTransformer gives to one of its parts."""
    seen = []
    transformer = ColumnTransformer(
        [(n, Keeps(seen) if n == part else "drop", c) for n, c in layout],
        remainder=Keeps(seen) if part == "remainder" else "drop",
    )
    transformer.fit_transform(X)
    for other in others:
        transformer.transform(other)
    return seen or None


def same(a, b):
    """Whether two pieces of data are of one kind and have the same values."""
    if type(a) is not type(b) or a.shape != b.shape:
        return False
    if hasattr(a, "equals"):
        return a.equals(b)
    if scipy.sparse.issparse(a):
        return (a != b).nnz == 0
    return a.dtype == b.dtype and np.array_equal(a, b)


def check(layout, part, X, *others):
    """Compare with a ColumnTransformer of the whole layout."""
    layout = tuple(layout.items())
    expected = theirs(layout, part, X, *others)
    own = layout if part == "remainder" else tuple(c for c in layout if c[0] == part)
    found = Columns(own, part).of(X, others)
    if expected is None:
        assert found is None
        return
    assert len(found) == len(expected) == 1 + len(others)
    for a, b in zip(found, expected, strict=True):
        assert same(a, b)


POSITIONS = {
    "one": 2,
    "one in a list": [2],
    "some": [3, 0],
    "from the end": [-1, -2],
    "again": [1, 1],
    "slice": slice(1, 4),
    "all of them": slice(0, None),
    "empty slice": slice(3, 3),
    "mask": [True, False, True, False, False],
    "array": np.array([4, 1]),
    "array of bool": np.arange(N) < 2,
    "none": [],
    "none of a mask": [False] * N,
    "callable": lambda X: [i for i in range(X.shape[1]) if i % 2],
    "callable of none": lambda X: [],
}
LABELS = {
    "label": "b",
    "label in a list": ["b"],
    "labels": ["e", "a"],
    "labels in an array": np.array(["a", "b"], dtype=object),
    "slice of labels": slice("b", "d"),
    "selector": make_column_selector(dtype_include=np.number),
    "selector of a pattern": make_column_selector(pattern="[ad]"),
    "selector of none": make_column_selector(pattern="nothing"),
    "callable of labels": lambda frame: [n for n in frame.columns if n > "c"],
    "no labels": [],
}
SPARSE = scipy.sparse.csr_array(ARRAY)


@pytest.mark.parametrize("part", ["x", "remainder"])
@pytest.mark.parametrize("name", POSITIONS)
@pytest.mark.parametrize("kind", ["array", "frame", "sparse"])
def test_positions(kind, name, part):
    """Positions, slices, masks and callables choose what they choose there."""
    X, other = {
        "array": (ARRAY, OTHER),
        "frame": (FRAME, FRAME[:2]),
        "sparse": (SPARSE, SPARSE[:2]),
    }[kind]
    columns = POSITIONS[name]
    if kind == "sparse" and name == "one":
        columns = [2]  # a sparse column alone is no valid choice
    check({"x": columns}, part, X, other)


@pytest.mark.parametrize("part", ["x", "remainder"])
@pytest.mark.parametrize("name", LABELS)
def test_labels(name, part):
    """So do labels and selectors, of a frame."""
    check({"x": LABELS[name]}, part, FRAME, FRAME[3:])


def test_order_of_other_frames():
    """Other rows may have their columns in another order, if these have names."""
    check({"x": ["b", "a"]}, "x", FRAME, FRAME[NAMES[::-1]])
    check({"x": ["b", "a"]}, "remainder", FRAME, FRAME[NAMES[::-1]])


CHOICES = st.one_of(
    st.lists(st.integers(-N, N - 1), max_size=N),
    st.integers(-N, N - 1).map(lambda i: [i]),
    st.lists(st.booleans(), min_size=N, max_size=N),
    st.builds(slice, st.integers(-N, N), st.none() | st.integers(-N, N)),
)


@given(layout=st.lists(CHOICES, min_size=1, max_size=3), as_frame=st.booleans())
def test_remainder(layout, as_frame):
    """The remainder is what no part takes, whichever takes how many of which."""
    named = {f"x{i}": columns for i, columns in enumerate(layout)}
    X = FRAME if as_frame else ARRAY
    check(named, "remainder", X, X[:3])
    for part in named:
        check(named, part, X, X[:3])


def test_mixed_remainder():
    """The remainder of parts that name columns in several ways."""
    layout = {"x": ["b"], "y": [0, -1], "z": make_column_selector(pattern="d")}
    check(layout, "remainder", FRAME, FRAME[:1])
    check({**layout, "rest": slice("a", "e")}, "remainder", FRAME)


@pytest.mark.parametrize("output", ["pandas", "default"])
def test_output_of_others(output):
    """How outputs are to look does not matter to what a part is given."""
    with sklearn.config_context(transform_output=output):
        (found,) = Columns((("x", [0, 1]),), "x").of(ARRAY)
        assert same(found, ARRAY[:, :2])
        (found,) = Columns((("x", ["a"]),), "x").of(FRAME)
        assert same(found, FRAME[["a"]])


@pytest.mark.parametrize(
    ("X", "columns"),
    [
        (ARRAY, [7]),
        (ARRAY, "a"),
        (ARRAY, [True]),
        (FRAME, ["f"]),
        (FRAME, [9]),
        (ARRAY, [0.5]),
        (ARRAY, ["a", 1]),
    ],
    ids=range(7),
)
def test_columns_that_there_are_not(X, columns):
    """A choice that cannot be made is scikit-learn's error, in its words."""
    with pytest.raises(Exception) as expected:
        theirs((("x", columns),), "x", X)
    with pytest.raises(type(expected.value)) as found:
        Columns((("x", columns),), "x").of(X)
    assert str(found.value) == str(expected.value)


def test_other_rows_without_the_columns():
    """Rows of which the columns cannot be taken are that error, and no one else's."""
    train, *others = Columns((("x", ["b"]),), "x").of(
        FRAME, [FRAME[["a"]], FRAME[2:], ARRAY[:, :1]]
    )
    assert same(train, FRAME[["b"]])
    assert isinstance(others[0], Exception)
    assert "b" in str(others[0])
    assert same(others[1], FRAME[["b"]][2:])
    assert isinstance(others[2], Exception)


def test_rows_are_left_alone():
    """The columns are chosen of the rows as they are, which do not change."""
    before = FRAME.copy()
    (found,) = Columns((("x", ["a", "d"]),), "x").of(FRAME)
    assert FRAME.equals(before)
    assert list(found.dtypes) == list(FRAME[["a", "d"]].dtypes)
