# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Rows that are lent: nobody can write on those of others."""

import functools

import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import VotingClassifier
from sklearn.linear_model import LinearRegression, SGDClassifier
from sklearn.metrics import get_scorer, make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils._mocking import MockDataFrame

from gpu_hpo import linear_model
from gpu_hpo.testing import NoHostCopyArray
from gpu_hpo.training._lending import (
    Access,
    access_of,
    call_lent,
    is_refusal,
    lend,
    lend_rows,
    was_written,
)
from gpu_hpo.wrappers import ParallelPostFit


class Own(BaseEstimator):
    """Of no library that is known."""

    def __init__(self, inner=None):
        self.inner = inner

    def fit(self, X, y=None):
        return self


def shrink(X):
    X *= 0.9
    return X


def metric(y, answer):
    return 0.0


@pytest.mark.parametrize(
    ("user", "access"),
    [
        (linear_model.SGDClassifier(), Access.SHARED),
        (SGDClassifier(), Access.READ_ONLY),
        (make_pipeline(StandardScaler(), SGDClassifier()), Access.READ_ONLY),
        (make_pipeline(FunctionTransformer(np.log1p), SGDClassifier()), 1),
        (make_pipeline(FunctionTransformer(shrink), SGDClassifier()), Access.OWN),
        (FunctionTransformer(functools.partial(np.add, 1)), Access.OWN),
        (StandardScaler(copy=False), Access.OWN),
        (LinearRegression(copy_X=np.bool_(False)), Access.OWN),
        (VotingClassifier([("a", SGDClassifier()), ("b", Own())]), Access.OWN),
        (ColumnTransformer([("a", StandardScaler(copy=False), [0])]), Access.OWN),
        (ParallelPostFit(SGDClassifier()), Access.READ_ONLY),
        (ParallelPostFit(Own()), Access.OWN),
        (GridSearchCV(Own(), {}), Access.OWN),
        (get_scorer("accuracy"), Access.READ_ONLY),
        (make_scorer(metric), Access.OWN),
        (metric, Access.OWN),
        (np.mean, Access.READ_ONLY),
    ],
)
def test_access(user, access):
    """Unknown code, and what is told not to copy, at any depth, gets its own rows."""
    assert access_of(user) == access


ROWS = {
    "dense": np.arange(6.0).reshape(3, 2),
    "columns": np.asfortranarray(np.arange(6.0).reshape(3, 2)),
    "objects": np.array(["a", "b", None], dtype=object),
    "csr": sp.csr_array(np.eye(3)),
    "csc": sp.csc_matrix(np.eye(3)),
    "coo": sp.coo_array(np.eye(3)),
    "masked": np.ma.MaskedArray([1.0, 2.0], mask=[True, False]),
    "frame": pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}),
    "series": pd.Series([1.0, 2.0]),
    "list": [[1.0], [2.0]],
}


def overwrite(rows):
    """Write on rows in some way that works for this kind."""
    if sp.issparse(rows):
        rows.data[...] = 9
    elif hasattr(rows, "iloc"):
        rows.iloc[0] = rows.iloc[1]
    elif isinstance(rows, list):
        rows[0][0] = 9
    else:
        rows[...] = 9


def snapshot_of(rows):
    if isinstance(rows, np.ndarray):
        return rows.copy()
    return rows.toarray().copy() if sp.issparse(rows) else pd.DataFrame(rows).copy()


@pytest.mark.parametrize("kind", ROWS)
@pytest.mark.parametrize("access", [Access.READ_ONLY, Access.OWN])
def test_lent_rows_protect_the_lender(kind, access):
    """What is lent has the same content, and writing on it changes nothing else."""
    if kind == "list" and access is Access.READ_ONLY:
        pytest.skip("known libraries do not write on lists")
    rows = ROWS[kind]
    before = snapshot_of(rows)
    lent = lend(rows, access)
    assert type(lent) is type(rows)
    np.testing.assert_array_equal(snapshot_of(lent), before)
    try:
        overwrite(lent)
        refused = False
    except ValueError as error:
        refused = True
        assert access is Access.READ_ONLY
        assert is_refusal(error)
    assert (
        refused or access is Access.OWN or kind in ("frame", "series", "masked", "coo")
    )
    np.testing.assert_array_equal(snapshot_of(rows), before)


@pytest.mark.parametrize("kind", ["dense", "columns", "csr"])
def test_reading_is_free(kind):
    """Those who only read share the memory, each by an object of its own."""
    rows = ROWS[kind]
    first, second = (lend(rows, Access.READ_ONLY) for _ in range(2))
    assert first is not second
    part = "data" if kind == "csr" else "T"
    assert np.shares_memory(getattr(first, part), getattr(rows, part))
    if kind == "dense":
        first.shape = (6,)  # of this object only
        assert second.shape == rows.shape == (3, 2)


def test_sharing_is_the_thing_itself():
    """Ours are given the rows themselves, that compiled code takes."""
    rows = {"X": ROWS["dense"], "y": None}
    assert lend_rows(rows, Access.SHARED)["X"] is rows["X"]


def test_copies_keep_their_order():
    """A copy of rows in column-major order is in that order."""
    assert lend(ROWS["columns"], Access.OWN).flags.f_contiguous


@pytest.mark.parametrize(
    "write",
    [
        lambda X: X.__imul__(2),
        lambda X: X.sort(axis=0),
        lambda X: np.nan_to_num(X, copy=False),
        lambda X: np.clip(X, 0, 1, out=X),
        lambda X: np.random.default_rng(0).shuffle(X),
        lambda X: X.fill(0),
        lambda X: memoryview(X).cast("B").__setitem__(0, 1),
    ],
)
def test_a_refused_writer_is_called_again(write):
    """Who cannot write on what is lent is called once more with a copy."""
    rows = np.arange(6.0).reshape(3, 2)
    before = rows.copy()
    seen = []

    def method(X, y, weight):
        seen.append(X.flags.writeable)
        write(X)
        return y, weight

    y, weight = call_lent(method, [rows, rows[0]], {"weight": [1]}, Access.READ_ONLY)
    assert seen == [False, True]
    assert weight == [1]
    np.testing.assert_array_equal(rows, before)
    np.testing.assert_array_equal(y, before[0])


def test_other_errors_are_raised_at_once():
    """What fails for another reason is not tried again."""
    calls = []

    def method(X):
        calls.append(X)
        raise ValueError("too few rows")

    with pytest.raises(ValueError, match="too few rows"):
        call_lent(method, [np.eye(2)], {}, Access.READ_ONLY)
    assert len(calls) == 1


def test_refusals_are_found_behind_others():
    """An exception that was raised because of a refusal counts as one."""
    try:
        try:
            lend(np.eye(2), Access.READ_ONLY)[0, 0] = 2
        except ValueError as error:
            raise RuntimeError("the kernel failed") from error
    except RuntimeError as error:
        assert is_refusal(error)


@pytest.mark.parametrize("kind", sorted(set(ROWS) - {"masked", "coo"}))
def test_was_written(kind):
    """It is seen whether a copy has been written on."""
    rows = ROWS[kind]
    lent = lend(rows, Access.OWN)
    assert not was_written(rows, lent)
    overwrite(lent)
    assert was_written(rows, lent)


def test_nan_is_no_trace():
    """Missing values are equal to themselves."""
    rows = np.array([1.0, np.nan])
    assert not was_written(rows, rows.copy())
    on_device = NoHostCopyArray(rows)
    assert not was_written(on_device, NoHostCopyArray(rows.copy()))
    for other in ([np.nan, np.nan], [1.0, 1.0]):
        assert was_written(on_device, NoHostCopyArray(np.array(other)))


class Odd:
    """Cannot be compared."""

    def __eq__(self, other):
        raise TypeError("no")

    __hash__ = None


@pytest.mark.parametrize(
    ("rows", "written"),
    [
        ([np.ones(2), np.ones(3)], False),
        (np.array([np.ones(2), [1, "a"]], dtype=object), False),
        (np.array([1.0, np.nan, None], dtype=object), False),
        (np.array(["2026-01-01", "NaT"], dtype="M8[D]"), False),
        (["a", float("nan")], False),
        (pd.DataFrame({"a": [np.nan, 1.0], "b": ["x", None]}), False),
        ([Odd()], True),
    ],
)
def test_looking_never_raises(rows, written):
    """Rows of any kind are compared, and count as written where that cannot be."""
    assert was_written(rows, lend(rows, Access.OWN)) is written


@pytest.mark.parametrize(
    "rows",
    [
        [("a", ["b"]), ("c", ["d"])],
        ["a", ["b"]],
        np.array([["a"], ["b", "c"]], dtype=object),
        pd.Series([["a"], ["b"]], name="s", index=[3, 5]),
        pd.DataFrame({"n": [1, 2], "s": [["a"], ["b"]]}, index=[3, 5]),
    ],
)
def test_cells_are_copied_too(rows):
    """What can be changed in a row of a copy is no more the lender's."""
    lent = lend(rows, Access.OWN)
    assert type(lent) is type(rows)
    assert not was_written(rows, lent)
    last = lent.iloc[-1] if hasattr(lent, "iloc") else lent[-1]
    cell = last["s"] if isinstance(last, pd.Series) else last
    (cell[1] if isinstance(cell, tuple) else cell).append("more")
    assert was_written(rows, lent)


def test_what_only_looks_like_a_frame():
    """Something with `iloc` that cannot copy itself is copied all the same."""
    rows = MockDataFrame(np.eye(2))
    assert lend(rows, Access.READ_ONLY) is rows
    lent = lend(rows, Access.OWN)
    assert type(lent) is MockDataFrame
    lent.array[0, 0] = 5
    assert rows.array[0, 0] == 1
