# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Rows are cut as scikit-learn cuts them, with fewer copies."""

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import KFold
from sklearn.svm import SVC
from sklearn.utils import _safe_indexing
from sklearn.utils.metaestimators import _safe_split
from sklearn.utils.validation import _check_method_params

from gpu_hpo.data._split_rows import params_of_split, rows_of_split
from gpu_hpo.testing import NoHostCopyArray
from tests.model_selection.device_frames import DeviceFrame, DeviceSeries, device_frame

N = 12
X = np.arange(3.0 * N).reshape(N, 3)
FRAME = pd.DataFrame(X, columns=["a", "b", "c"], index=np.arange(N)[::-1])

# What has rows, by name.
DATA = {
    "array": X,
    "columns first": np.asfortranarray(X),
    "one dimension": X[:, 0],
    "three dimensions": X.reshape(N, 3, 1),
    "integers": np.arange(N, dtype=np.int8),
    "strings": np.array(list("abcdefghijkl")),
    "objects": np.array([[i, str(i)] for i in range(N)], dtype=object),
    "records": np.array([(i, i / 2) for i in range(N)], dtype="i4,f8"),
    "dates": np.arange(N).astype("datetime64[D]"),
    "masked": np.ma.masked_array(X, X % 5 == 0),
    "not writable": np.broadcast_to(np.arange(3.0), (N, 3)),
    "list": X.tolist(),
    "list of texts": [f"text {i}" for i in range(N)],
    "tuple": tuple(range(N)),
    "range": range(N),
    "CSR": scipy.sparse.csr_array(X),
    "CSR matrix": scipy.sparse.csr_matrix(X),
    "CSC": scipy.sparse.csc_array(X),
    "frame": FRAME,
    "frame of kinds": FRAME.assign(d=list("uvwxyzuvwxyz")),
    "series": FRAME["a"],
    "categories": pd.Series(list("abcabcabcabc"), dtype="category"),
}
# Rows, by name.
ROWS = {
    "all": np.arange(N),
    "a run": np.arange(3, 9),
    "one row": np.array([4]),
    "the first": np.array([0]),
    "the last": np.array([N - 1]),
    "all but a run": np.r_[0:4, 8:N],
    "two runs": np.r_[1:3, 7:11],
    "two runs, the later first": np.r_[7:11, 1:3],
    "runs that overlap": np.r_[2:6, 4:8],
    "three runs": np.r_[0:2, 4:6, 8:10],
    "two rows": np.array([9, 2]),
    "one row twice": np.array([5, 5]),
    "backwards": np.arange(N)[::-1],
    "shuffled": np.random.default_rng(0).permutation(N),
    "none": np.arange(0),
    "from the end": np.arange(-4, 0),
    "from the end to the beginning": np.arange(-2, 3),
    "small integers": np.arange(3, 9, dtype=np.int8),
    "unsigned": np.arange(3, 9, dtype=np.uint16),
    "mask": np.arange(N) % 3 == 0,
    "mask of a run": np.arange(N) < 5,
    "mask of none": np.zeros(N, bool),
    "list": list(range(2, 7)),
    "list of others": [1, 11, 4],
    "list of bool": [i > 6 for i in range(N)],
    "tuple": (3, 4, 5),
}
BAD_ROWS = {
    "too large": np.array([0, N]),
    "a run that is too long": np.arange(8, N + 2),
    "too small": np.array([-N - 1]),
    "short mask": np.arange(5) > 2,
    "floats": np.array([0.0, 1.0]),
    "texts": np.array(["a", "b"]),
}


def same(a, b):
    """Whether two values are of one kind and equal."""
    if type(a) is not type(b):
        return False
    if hasattr(a, "equals"):
        return a.equals(b)
    if scipy.sparse.issparse(a):
        return a.format == b.format and same(a.toarray(), b.toarray())
    if isinstance(a, np.ma.MaskedArray):
        return same(a.mask, b.mask) and same(a.filled(), b.filled())
    if isinstance(a, np.ndarray):
        return a.dtype == b.dtype and a.shape == b.shape and bool((a == b).all())
    return a == b


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("data", DATA)
def test_rows(data, rows):
    """What is cut is what scikit-learn cuts."""
    expected = _safe_indexing(DATA[data], ROWS[rows])
    assert same(rows_of_split(DATA[data], ROWS[rows]), expected)


@pytest.mark.parametrize("rows", BAD_ROWS)
@pytest.mark.parametrize("data", ["array", "one dimension", "list", "CSR", "frame"])
def test_rows_that_there_are_not(data, rows):
    """Rows that there are not are an error, and never other rows."""
    try:
        expected = _safe_indexing(DATA[data], BAD_ROWS[rows])
    except (IndexError, ValueError):
        with pytest.raises((IndexError, ValueError)):
            rows_of_split(DATA[data], BAD_ROWS[rows])
    else:
        assert (data, rows) == ("list", "short mask")
        assert same(rows_of_split(DATA[data], BAD_ROWS[rows]), expected)


@settings(max_examples=200)
@given(
    rows=st.lists(st.integers(-N, N - 1), max_size=2 * N)
    | st.lists(
        st.tuples(st.integers(-N, N), st.integers(-N, N)).map(lambda r: range(*r)),
        max_size=3,
    ).map(lambda runs: [i for run in runs for i in run if i < N])
)
def test_any_rows(rows):
    """Whatever runs there are, the rows are those that were asked for."""
    rows = np.array(rows, dtype=int)
    np.testing.assert_array_equal(rows_of_split(X, rows), X[rows])
    on_device = rows_of_split(NoHostCopyArray(X), rows)
    np.testing.assert_array_equal(on_device._array, X[rows])


def test_nothing():
    """Of what there is not nothing is cut."""
    assert rows_of_split(None, np.arange(3)) is None
    assert rows_of_split(None, np.arange(3), np.arange(3)) is None


# ---- copies ----


@pytest.mark.parametrize("rows", ["all", "a run", "one row", "the last", "tuple"])
@pytest.mark.parametrize("data", ["array", "columns first", "strings", "one dimension"])
def test_a_run_is_a_view(data, rows):
    """Rows that follow one another take no memory."""
    assert np.shares_memory(rows_of_split(DATA[data], ROWS[rows]), DATA[data])


@pytest.mark.parametrize("rows", ["all but a run", "two rows", "shuffled", "mask"])
def test_copies_are_written_to_alone(rows):
    """What is a copy is one: writing to it does not change the data."""
    data = X.copy()
    rows_of_split(data, ROWS[rows])[:] = -1
    np.testing.assert_array_equal(data, X)


def test_folds():
    """Of a K-fold that is not shuffled both parts are cut in one or two pieces."""
    for train, test in KFold(4).split(X):
        assert np.shares_memory(rows_of_split(X, test), X)
        np.testing.assert_array_equal(rows_of_split(X, train), X[train])


# ---- on a device ----


@pytest.mark.parametrize("rows", ROWS)
@pytest.mark.parametrize("data", ["array", "one dimension", "integers"])
def test_rows_on_a_device(copied, data, rows):
    """Rows on a device stay there."""
    found = rows_of_split(NoHostCopyArray(DATA[data]), ROWS[rows])
    assert not copied
    assert same(found.get(), DATA[data][np.asarray(ROWS[rows])])


@pytest.mark.parametrize("rows", ["all", "a run", "one row"])
def test_a_run_on_a_device_is_a_view(rows):
    """Rows that follow one another take no memory there either."""
    data = NoHostCopyArray(X)
    assert np.shares_memory(rows_of_split(data, ROWS[rows])._array, data._array)


@pytest.mark.parametrize("rows", ["a run", "all but a run", "shuffled", "mask"])
def test_frames_on_a_device(rows):
    """Frames of cuDF's are cut there, by position."""
    frame = device_frame(N)
    frame.index = frame.index[::-1]
    DeviceSeries.host_copies = 0
    found = rows_of_split(frame, ROWS[rows])
    column = rows_of_split(frame["label"], ROWS[rows])
    assert DeviceSeries.host_copies == 0
    assert isinstance(found, DeviceFrame)
    assert isinstance(column, DeviceSeries)
    assert found["a"].tolist() == np.arange(N)[ROWS[rows]].tolist()
    assert column.tolist() == found["label"].tolist()


@pytest.fixture
def copied(monkeypatch):
    """Shapes of what was copied from `NoHostCopyArray` to the host."""
    shapes = []
    get = NoHostCopyArray.get
    monkeypatch.setattr(
        NoHostCopyArray, "get", lambda self: shapes.append(self.shape) or get(self)
    )
    return shapes


# ---- columns that are samples ----

KERNEL = X @ X.T
TRAIN, TEST = np.r_[0:4, 8:N], np.arange(4, 8)
SQUARES = {
    "array": KERNEL,
    "CSR": scipy.sparse.csr_array(KERNEL),
    "CSR matrix": scipy.sparse.csr_matrix(KERNEL),
}


@pytest.mark.parametrize("rows", [TRAIN, TEST, np.arange(N) % 2 == 0], ids=range(3))
@pytest.mark.parametrize("data", SQUARES)
def test_pairwise(data, rows):
    """Of a square matrix rows are cut, and the columns that trained."""
    model = SVC(kernel="precomputed")
    expected, _ = _safe_split(model, SQUARES[data], None, rows, TRAIN)
    assert same(rows_of_split(SQUARES[data], rows, TRAIN), expected)


def test_pairwise_on_a_device(copied):
    """So they are on a device."""
    found = rows_of_split(NoHostCopyArray(KERNEL), TEST, TRAIN)
    assert not copied
    np.testing.assert_array_equal(found.get(), KERNEL[np.ix_(TEST, TRAIN)])


@pytest.mark.parametrize("data", [X, X.tolist(), NoHostCopyArray(X)], ids=range(3))
def test_no_square(data):
    """What is no square matrix is refused in scikit-learn's words."""
    host = X if isinstance(data, NoHostCopyArray) else data
    with pytest.raises(ValueError) as theirs:
        _safe_split(SVC(kernel="precomputed"), host, None, TRAIN)
    with pytest.raises(ValueError) as ours:
        rows_of_split(data, TRAIN, TRAIN)
    assert str(ours.value) == str(theirs.value)


# ---- Dask's ----


@pytest.mark.parametrize("rows", sorted(set(ROWS) - {"none", "mask of none"}))
def test_blocks(rows):
    """Of Dask's arrays rows are cut when they are needed, each in its block."""
    lazy = da.from_array(X, chunks=(5, 2))
    found = rows_of_split(lazy, ROWS[rows])
    assert isinstance(found, da.Array)
    assert found.numblocks[0] <= 3
    every = np.arange(N)[np.asarray(ROWS[rows])]
    expected = every[np.argsort(every // 5, kind="stable")]
    np.testing.assert_array_equal(found.compute(), X[expected])


# ---- parameters ----

PARAMETERS = {
    "weights": np.linspace(0, 1, N),
    "list": list(range(N)),
    "frame": FRAME,
    "sparse": scipy.sparse.csr_array(X),
    "short": np.arange(3),
    "short list": [1, 2, 3],
    "number": 3.0,
    "text": "a text",
    "long text": "a" * N,
    "none": None,
    "function": len,
    "dict": {i: i for i in range(N)},
    "tuple": tuple(range(N)),
}


@pytest.mark.parametrize("rows", ["a run", "all but a run", "shuffled", "mask", "none"])
@pytest.mark.parametrize("data", ["array", "list", "frame", "CSR"])
def test_parameters(data, rows):
    """Parameters with an entry per row are cut as scikit-learn does, and no others."""
    found = params_of_split(DATA[data], PARAMETERS, ROWS[rows])
    expected = _check_method_params(DATA[data], PARAMETERS, ROWS[rows])
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert same(found[name], value), name


def test_parameters_on_a_device(copied):
    """Parameters on a device are cut there, also where X is not, and vice versa."""
    weight, short = NoHostCopyArray(np.arange(N)), NoHostCopyArray(np.arange(3))
    one = NoHostCopyArray(np.float64(2.0))
    given = {"weight": weight, "short": short, "here": np.arange(N), "one": one}
    for rows in (ROWS["a run"], ROWS["shuffled"], ROWS["mask"]):
        for data in (X, X.tolist(), NoHostCopyArray(X)):
            found = params_of_split(data, given, rows)
            assert not copied
            assert found["short"] is short
            assert found["one"] is one
            assert found["weight"]._array.tolist() == np.arange(N)[rows].tolist()
            assert found["here"].tolist() == np.arange(N)[rows].tolist()


def test_no_parameters():
    """Where there are none, there are none."""
    assert params_of_split(X, {}, ROWS["a run"]) == {}


def test_parameters_in_blocks():
    """Dask's arrays are cut if they have an entry per row."""
    lazy = da.from_array(np.arange(N), chunks=5)
    given = {"weight": lazy, "short": lazy[:3]}
    found = params_of_split(da.from_array(X, chunks=(5, 2)), given, ROWS["shuffled"])
    assert found["short"] is given["short"]
    rows = rows_of_split(da.from_array(np.arange(N), chunks=5), ROWS["shuffled"])
    assert found["weight"].compute().tolist() == rows.compute().tolist()


def test_the_order_of_bytes_stays():
    """Rows of two runs have the dtype of the whole, whatever its order of bytes is."""
    X = np.arange(10.0).reshape(5, 2).astype(">f8")
    found = rows_of_split(X, np.array([0, 1, 3, 4]))
    assert found.dtype == X.dtype
    np.testing.assert_array_equal(found, X[[0, 1, 3, 4]])
