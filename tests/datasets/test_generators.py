# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What all generators have in common: blocks, seeds, laziness and where blocks lie."""

from __future__ import annotations

from functools import partial

import dask
import dask.array as da
import numpy as np
import pandas as pd
import pytest

from gpu_hpo.datasets import (
    make_blobs,
    make_classification,
    make_counts,
    make_regression,
)
from gpu_hpo.testing import NoHostCopyArray

GENERATORS = {
    "blobs": make_blobs,
    "sorted_blobs": partial(make_blobs, shuffle=False),
    "classification": make_classification,
    "counts": make_counts,
    "regression": partial(make_regression, noise=1.0),
    "regression_of_low_rank": partial(make_regression, effective_rank=3),
}


@pytest.fixture(params=GENERATORS)
def generator(request):
    """Each generator that gives arrays."""
    return GENERATORS[request.param]


@pytest.mark.parametrize(
    ("chunks", "rows"),
    [
        (30, (30, 30, 30, 10)),
        (np.int64(50), (50, 50)),
        (1000, (100,)),
        (-1, (100,)),
        ((30, 8), (30, 30, 30, 10)),
        ((30, -1), (30, 30, 30, 10)),
        (((60, 40), (8,)), (60, 40)),
        (((60, 40),), (60, 40)),
        ((60, 40), (60, 40)),
        ([10, 20, 70], (10, 20, 70)),
        ((100,), (100,)),
        (None, (100,)),
        ("auto", (100,)),
        (("auto", 8), (100,)),
    ],
)
def test_chunks(generator, chunks, rows):
    """Chunks mean the same to every generator, and are what blocks have."""
    X, y = generator(n_samples=100, n_features=8, chunks=chunks, random_state=0)
    assert (X.chunks, y.chunks) == ((rows, (8,)), (rows,))
    for array in (X, y):
        blocks = [array.blocks[i].compute() for i in range(len(rows))]
        assert tuple(map(len, blocks)) == rows
        assert {block.dtype for block in blocks} == {array.dtype}
        assert array.compute().shape == array.shape


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"chunks": 0}, r"chunks=0 must be .*n_samples=100"),
        ({"chunks": -2}, r"chunks=-2"),
        ({"chunks": 2.5}, r"chunks=2.5"),
        ({"chunks": "64MiB"}, r"chunks='64MiB'"),
        ({"chunks": (50, 10)}, r"chunks=\(50, 10\).*n_features=20"),
        ({"chunks": (50, 40)}, r"chunks=\(50, 40\).*n_samples=100"),
        ({"chunks": ((50, 50), (10, 10))}, r"chunks=\(\(50, 50\), \(10, 10\)\)"),
        ({"n_features": 0}, r"'n_features' parameter of make_.*Got 0"),
        ({"random_state": "x"}, r"'random_state'.*Got 'x'"),
        ({"n_samples": -1}, r"'n_samples'.*Got -1"),
    ],
    ids=str,
)
def test_bad_arguments(generator, arguments, message):
    """A wrong argument is an error at the call that names it and its value."""
    with pytest.raises(ValueError, match=message):
        generator(**{"n_samples": 100, "n_features": 20, **arguments})


@pytest.mark.parametrize("name", ["blobs", "classification"])
def test_labels_without_rows(name):
    """Labels of clusters and classes are drawn without the rows, and fit them."""
    X, y = GENERATORS[name](chunks=25, random_state=0)
    assert any("draw_rows" in str(key) for key in dict(X.dask))
    assert not any("draw_rows" in str(key) for key in dict(y.dask))
    np.testing.assert_array_equal(y.compute(), dask.compute(X, y)[1])


def test_lazy(generator, monkeypatch):
    """Nothing is drawn at the call, however large the data."""

    def fail(*args, **kwargs):
        raise AssertionError("computed at the call")

    monkeypatch.setattr(dask.base, "get_scheduler", fail)
    X, y = generator(n_samples=10**9, n_features=100, chunks=10**7)
    assert X.shape == (10**9, 100)
    assert y.npartitions == 100


def test_one_block_can_be_drawn_alone(generator):
    """Of data larger than memory, a block is the same alone as among others."""
    arguments = {"n_features": 5, "random_state": 0}
    if "effective_rank" not in getattr(generator, "keywords", {}):
        X, y = generator(n_samples=10**8, chunks=10**5, **arguments)
        assert X.blocks[999].compute().shape == (10**5, 5)
        assert y.blocks[999].compute().shape == (10**5,)
    X, y = generator(n_samples=60, chunks=20, **arguments)
    whole = dask.compute(X, y)
    for array, expected in zip((X, y), whole, strict=True):
        np.testing.assert_array_equal(array.blocks[1].compute(), expected[20:40])


def test_random_state(generator):
    """An integer gives the same data at each call; others differ in every block."""

    def blocks(random_state):
        X, _ = generator(n_samples=60, chunks=20, random_state=random_state)
        return X.compute().reshape(3, 20, -1)

    first = blocks(0)
    np.testing.assert_array_equal(first, blocks(0))
    for other in (blocks(1), blocks(None), blocks(np.random.default_rng(0))):
        assert not (first == other).all(axis=(1, 2)).any()
    assert not (first == blocks(1)).any()
    draws = [blocks(np.random.RandomState(0)) for _ in range(2)]
    np.testing.assert_array_equal(*draws)


def test_blocks_differ(generator):
    """No two blocks hold the same rows."""
    X, _ = generator(n_samples=200, chunks=20, random_state=0)
    values = X.compute().reshape(10, -1)
    assert len(np.unique(values[:, 0])) == 10
    assert len(np.unique(values)) == values.size


def test_same_on_any_cluster(generator, processes_client):
    """Threads, processes and this process draw the same data, under the same names."""
    X, y = generator(n_samples=60, chunks=20, random_state=0)
    again = generator(n_samples=60, chunks=20, random_state=0)
    assert [X.name, y.name] == [array.name for array in again]
    there = dask.compute(X, y)
    for scheduler in ("synchronous", "threads"):
        here = dask.compute(X, y, scheduler=scheduler)
        for array, same in zip(here, there, strict=True):
            np.testing.assert_allclose(array, same, rtol=1e-12)


@pytest.mark.parametrize("lazy", [False, True])
def test_like(generator, lazy):
    """Blocks are arrays like another, in values equal to those on the host."""
    like = NoHostCopyArray(np.zeros(3))
    if lazy:
        like = da.zeros(3).map_blocks(NoHostCopyArray)
    arguments = {"n_samples": 60, "chunks": 20, "random_state": 0}
    expected = dask.compute(*generator(**arguments))
    NoHostCopyArray.host_copies = 0
    arrays = generator(like=like, **arguments)
    for array, same in zip(arrays, expected, strict=True):
        assert isinstance(array._meta, NoHostCopyArray)
        assert array.dtype == same.dtype
        block = array.blocks[1].compute()
        assert isinstance(block, NoHostCopyArray)
        assert block.dtype == same.dtype
        assert NoHostCopyArray.host_copies == 0
        np.testing.assert_array_equal(array.compute().get(), same)
        NoHostCopyArray.host_copies = 0


def test_like_on_workers(generator, processes_client):
    """Blocks are moved on the workers."""
    like = NoHostCopyArray(np.zeros(3))
    arrays = generator(n_samples=60, chunks=20, random_state=0, like=like)
    means = dask.compute(*(array.mean() for array in arrays))
    here = generator(n_samples=60, chunks=20, random_state=0)
    expected = dask.compute(*(array.mean() for array in here), scheduler="sync")
    np.testing.assert_allclose([float(mean) for mean in means], expected)


def test_like_what_is_on_the_host(generator):
    """What is like an array on the host is a NumPy array."""
    for like in (np.zeros(3), da.zeros(3), pd.DataFrame({"a": [1]}), None):
        X, _ = generator(n_samples=60, like=like)
        assert type(X._meta) is np.ndarray


@pytest.mark.parametrize("like", ["cupy", np, [0.0]], ids=["name", "module", "list"])
def test_like_what_is_no_array(generator, like):
    """What is like no array is an error that shows it."""
    with pytest.raises(TypeError, match=r"like=.*must be an array"):
        generator(n_samples=60, like=like)


@pytest.mark.gpu
def test_like_cupy(generator):
    """Blocks are CuPy arrays, in values equal to those on the host."""
    import cupy

    arguments = {"n_samples": 60, "chunks": 20, "random_state": 0}
    expected = dask.compute(*generator(**arguments))
    arrays = generator(like=cupy.empty(0), **arguments)
    for array, same in zip(arrays, expected, strict=True):
        assert isinstance(array._meta, cupy.ndarray)
        assert isinstance(array.blocks[1].compute(), cupy.ndarray)
        np.testing.assert_array_equal(array.compute().get(), same)
