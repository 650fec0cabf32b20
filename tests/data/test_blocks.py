# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Whatever a user passes, cut into blocks of rows."""

import dask
import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from gpu_hpo.data._blocks import (
    as_blocks,
    is_per_row,
    known_length,
)
from gpu_hpo.data._chunk import n_rows
from gpu_hpo.testing import NoHostCopyArray

X = np.arange(40.0).reshape(10, 4)
y = np.arange(10)


def concrete(blocks):
    """Blocks with what is lazy computed."""
    return dask.compute(blocks.blocks, scheduler="sync")[0]


def sizes(blocks):
    return [n_rows(block) for block in concrete(blocks)]


def joined(blocks, name):
    return np.concatenate([np.asarray(block[name]) for block in concrete(blocks)])


@pytest.mark.parametrize("chunk_size", [1, 3, 5, 10, 99])
def test_chunk_size(chunk_size):
    """Blocks have chunk_size rows, but for the last."""
    blocks = as_blocks(X, y, chunk_size=chunk_size)
    assert not blocks.lazy
    *first, last = sizes(blocks)
    assert set(first) <= {chunk_size}
    assert 0 < last <= chunk_size
    np.testing.assert_array_equal(joined(blocks, "X"), X)
    np.testing.assert_array_equal(joined(blocks, "y"), y)


def test_numpy_is_not_copied():
    """Blocks of a NumPy array are views of it."""
    blocks = as_blocks(X, y, {"sample_weight": y}, chunk_size=3).blocks
    assert all(np.shares_memory(block["X"], X) for block in blocks)
    assert all(np.shares_memory(block["sample_weight"], y) for block in blocks)


@pytest.mark.parametrize("kind", [list, tuple])
def test_lists(kind):
    """Lists and tuples become arrays."""
    blocks = as_blocks(kind(X.tolist()), kind(y.tolist()), {"w": kind(y)}, 4)
    assert sizes(blocks) == [4, 4, 2]
    assert all(
        isinstance(value, np.ndarray)
        for block in blocks.blocks
        for value in block.values()
    )
    np.testing.assert_array_equal(joined(blocks, "X"), X)
    np.testing.assert_array_equal(joined(blocks, "w"), y)


def test_pandas():
    """Frames stay frames, whatever their index is."""
    frame = pd.DataFrame(X, columns=list("abcd"), index=range(100, 90, -1))
    series = pd.Series(y, index=list("jihgfedcba"))
    blocks = as_blocks(frame, series, chunk_size=4)
    assert sizes(blocks) == [4, 4, 2]
    assert all(isinstance(block["X"], pd.DataFrame) for block in blocks.blocks)
    assert all(list(block["X"].columns) == list("abcd") for block in blocks.blocks)
    np.testing.assert_array_equal(joined(blocks, "X"), X)
    np.testing.assert_array_equal(joined(blocks, "y"), y)


@pytest.mark.parametrize("form", ["csr", "csc", "coo", "lil"])
@pytest.mark.parametrize(
    "make", [scipy.sparse.random, scipy.sparse.random_array], ids=["matrix", "array"]
)
def test_sparse(form, make):
    """Sparse rows of any format become CSR blocks."""
    shape = (10, 4) if make is scipy.sparse.random else ((10, 4),)
    sparse = make(*shape, density=0.5, format=form, random_state=0)
    blocks = as_blocks(sparse, y, chunk_size=4)
    assert sizes(blocks) == [4, 4, 2]
    assert all(block["X"].format == "csr" for block in blocks.blocks)
    dense = scipy.sparse.vstack([block["X"] for block in blocks.blocks])
    np.testing.assert_array_equal(dense.toarray(), sparse.toarray())


def test_device_arrays():
    """Arrays on a device are cut there."""
    NoHostCopyArray.host_copies = 0
    blocks = as_blocks(NoHostCopyArray(X), NoHostCopyArray(y), chunk_size=4)
    assert sizes(blocks) == [4, 4, 2]
    for block in blocks.blocks:
        assert isinstance(block["X"], NoHostCopyArray)
        assert isinstance(block["y"], NoHostCopyArray)
    assert NoHostCopyArray.host_copies == 0


@pytest.mark.parametrize(
    ("n", "n_features", "expected"),
    [
        (10, 2, 1),
        (1_000, 2, 1),
        (1_500, 2, 2),
        (5_000, 2, 5),
        (20_000, 2, 20),
        (1_000_000, 1, 20),
    ],
)
def test_default_chunk_size(n, n_features, expected):
    """By default about twenty equal blocks of at least 1,000 rows."""
    data = np.broadcast_to(np.int8(0), (n, n_features))
    found = sizes(as_blocks(data))
    assert len(found) == expected
    assert max(found) - min(found) < expected
    assert min(found) >= min(n, 0.7 * 1_000)


def test_default_chunk_bytes():
    """By default no block is larger than 64 MiB."""
    wide = np.broadcast_to(0.0, (4_000, 2**16))
    blocks = as_blocks(wide)
    assert max(sizes(blocks)) * 2**16 * 8 <= 1.1 * 64 * 2**20


@pytest.mark.parametrize("columns", [4, 2])
def test_dask_arrays(columns):
    """The chunks of a Dask array are the blocks; column blocks are put together."""
    lazy_X = da.from_array(X, chunks=((5, 2, 3), columns))
    lazy_y = da.from_array(y, chunks=((5, 2, 3),))
    blocks = as_blocks(lazy_X, lazy_y, chunk_size=1)
    assert blocks.lazy
    assert sizes(blocks) == [5, 2, 3]
    np.testing.assert_array_equal(joined(blocks, "X"), X)
    np.testing.assert_array_equal(joined(blocks, "y"), y)


def test_dask_arrays_with_other_chunks():
    """y and weights take the chunks of X, and several outputs stay together."""
    lazy_X = da.from_array(X, chunks=(5, 4))
    two = da.from_array(np.c_[y, y], chunks=(2, 1))
    blocks = as_blocks(lazy_X, two, {"w": da.from_array(y, chunks=3)})
    assert sizes(blocks) == [5, 5]
    assert [block["y"].shape for block in concrete(blocks)] == [(5, 2), (5, 2)]
    np.testing.assert_array_equal(joined(blocks, "w"), y)


@pytest.mark.parametrize("columns", [4, 2])
def test_unknown_chunk_sizes(columns):
    """Dask arrays may have chunks of unknown size, if y has as many."""
    keep = X[:, 0] < 30
    lazy_X, lazy_y = da.from_array(X, chunks=(5, columns)), da.from_array(y, chunks=5)
    mask = da.from_array(keep, chunks=5)
    blocks = as_blocks(lazy_X[mask], lazy_y[mask])
    assert sizes(blocks) == [5, 3]
    np.testing.assert_array_equal(joined(blocks, "X"), X[keep])
    np.testing.assert_array_equal(joined(blocks, "y"), y[keep])


@pytest.mark.parametrize("given", [y, y.tolist(), pd.Series(y)], ids=type)
def test_dask_and_not(given):
    """What is no Dask collection takes the chunks of what is."""
    lazy_X = da.from_array(X, chunks=((4, 6), 4))
    blocks = as_blocks(lazy_X, given, {"w": given})
    assert sizes(blocks) == [4, 6]
    np.testing.assert_array_equal(joined(blocks, "y"), y)
    np.testing.assert_array_equal(joined(blocks, "w"), y)
    blocks = as_blocks(X, da.from_array(y, chunks=((4, 6),)))
    assert sizes(blocks) == [4, 6]
    np.testing.assert_array_equal(joined(blocks, "X"), X)


def test_dask_frames():
    """The partitions of a Dask frame are the blocks."""
    frame = dd.from_pandas(pd.DataFrame(X), npartitions=3)
    series = dd.from_pandas(pd.Series(y), npartitions=3)
    for given in (series, series.to_dask_array()):
        blocks = as_blocks(frame, given, {"w": series * 2})
        assert blocks.lazy
        assert sum(sizes(blocks)) == 10
        assert len(blocks.blocks) == 3
        assert all(isinstance(b["X"], pd.DataFrame) for b in concrete(blocks))
        np.testing.assert_array_equal(joined(blocks, "y"), y)
        np.testing.assert_array_equal(joined(blocks, "w"), 2 * y)


def test_dask_of_sparse():
    """Blocks of a Dask array may be sparse."""
    lazy = da.from_array(X, chunks=(5, 4)).map_blocks(scipy.sparse.csr_matrix)
    blocks = concrete(as_blocks(lazy, da.from_array(y, chunks=5)))
    assert all(block["X"].format == "csr" for block in blocks)


def test_dask_of_device_arrays():
    """A device array beside a Dask array stays on its device."""
    NoHostCopyArray.host_copies = 0
    device_y = NoHostCopyArray(y)
    lazy = da.from_array(NoHostCopyArray(X), chunks=(5, 4), asarray=False)
    blocks = concrete(as_blocks(lazy, device_y))
    for block in blocks:
        assert isinstance(block["X"], NoHostCopyArray)
        assert isinstance(block["y"], NoHostCopyArray)
    assert [block["y"].shape for block in blocks] == [(5,), (5,)]
    assert NoHostCopyArray.host_copies == 0


def test_no_y():
    """y and row parameters that are None are left out."""
    for given in (X, da.from_array(X, chunks=(5, 4))):
        blocks = as_blocks(given, None, {"w": None}, chunk_size=5)
        assert [set(block) for block in blocks.blocks] == [{"X"}] * 2


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ((X, y[1:]), "X has 10 and y has 9"),
        ((X, y, {"w": y[1:]}), "X has 10 and w has 9"),
        ((da.from_array(X, chunks=(5, 4)), y[1:]), "X has 10 and y has 9"),
        ((X, da.from_array(y[1:], chunks=5)), "X has 10 and y has 9"),
        ((X[:0], y[:0]), "X has no rows"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_errors(data, message):
    """Lengths that differ, or no rows, are an error that gives them."""
    with pytest.raises(ValueError, match=message):
        as_blocks(*data)


def test_is_per_row():
    """What has one entry per row is told from what has not."""
    lazy = da.from_array(y, chunks=5)
    for value in (y, y.tolist(), tuple(y), pd.Series(y), X, lazy, lazy[lazy > 3]):
        assert is_per_row(value, 10)
    for value in (y[1:], 3, None, "ten letter", dict.fromkeys(y), lazy[0], lazy[1:]):
        assert not is_per_row(value, 10)
    assert not is_per_row(y, None)
    assert is_per_row(dd.from_pandas(pd.Series(y), npartitions=2), 10)


def test_known_length():
    """The length is known where that takes no computation."""
    lazy = da.from_array(X, chunks=(5, 4))
    assert known_length(X) == known_length(X.tolist()) == known_length(lazy) == 10
    assert known_length(scipy.sparse.coo_matrix(X)) == 10
    assert known_length(lazy[lazy[:, 0] > 3]) is None
    assert known_length(dd.from_pandas(pd.DataFrame(X), npartitions=2)) is None


@pytest.mark.parametrize("kind", [np.asarray, pd.DataFrame, scipy.sparse.csr_matrix])
@pytest.mark.parametrize("n_blocks", [1, 3, 7, 40])
def test_interleaved(kind, n_blocks):
    """Interleaved blocks hold each row once, with its y, and rows from all over."""
    X = np.arange(1.0, 21.0).reshape(10, 2)
    blocks = as_blocks(kind(X), np.arange(10), n_interleaved=n_blocks).blocks
    assert len(blocks) == min(n_blocks, 10)
    rows = np.concatenate([block["y"] for block in blocks])
    assert sorted(rows) == list(range(10))
    again = as_blocks(kind(X), np.arange(10), n_interleaved=n_blocks).blocks
    for i, block in enumerate(blocks):
        assert block["y"].tolist() == sorted(again[i]["y"])
        assert len(block["y"]) in (10 // len(blocks), 10 // len(blocks) + 1)
        found = block["X"].toarray() if hasattr(block["X"], "toarray") else block["X"]
        assert (np.asarray(found) == X[block["y"]]).all()


def test_interleaved_rows_that_repeat():
    """What repeats with every so many rows is in every block all the same."""
    y = np.arange(400) % 8
    for options in ({"n_interleaved": 4}, {"chunk_size": 100, "interleave": True}):
        blocks = as_blocks(np.zeros((400, 1)), y, **options).blocks
        assert len(blocks) == 4
        assert all(len(np.unique(block["y"])) == 8 for block in blocks)
