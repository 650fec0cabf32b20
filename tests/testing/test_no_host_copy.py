# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The array double must refuse what CuPy refuses, and allow what it allows."""

from __future__ import annotations

import copy
import pickle

import dask.array as da
import numpy as np
import pytest
from dask.base import tokenize
from dask.sizeof import sizeof
from sklearn.utils import check_array
from sklearn.utils.validation import _num_samples, check_consistent_length

from gpu_hpo.testing import NoHostCopyArray

DATA = np.arange(6.0).reshape(2, 3)


@pytest.fixture
def x():
    NoHostCopyArray.host_copies = 0
    return NoHostCopyArray(DATA)


@pytest.fixture
def xp(x):
    return x.__array_namespace__()


def same(actual, expected):
    """Whether a double holds these values, shape and dtype included."""
    assert type(actual) is NoHostCopyArray
    expected = np.asarray(expected)
    assert actual.dtype == expected.dtype
    np.testing.assert_array_equal(actual._array, expected, strict=True)
    return True


@pytest.mark.parametrize(
    "convert",
    [
        np.asarray,
        np.array,
        np.ascontiguousarray,
        lambda x: np.array([x[0], x[1]]),
        lambda x: np.ones((2, 3)).dot(x),
        memoryview,
        check_array,
        lambda x: np.ones(2).__setitem__(slice(None), x[:, 0]),
    ],
)
def test_becomes_no_host_array(x, convert):
    """No conversion to NumPy works but .get(), and none of them is counted."""
    with pytest.raises(TypeError):
        convert(x)
    assert NoHostCopyArray.host_copies == 0


def test_get_copies_and_counts(x):
    """.get() gives a host copy and is counted, also within tolist and asnumpy."""
    host = x.get()
    np.testing.assert_array_equal(host, DATA)
    assert type(host) is np.ndarray
    host[:] = 0
    assert same(x, DATA)
    assert NoHostCopyArray.host_copies == 1
    x.__array_namespace__().asnumpy(x)
    assert x.tolist() == DATA.tolist()
    assert NoHostCopyArray.host_copies == 3


@pytest.mark.parametrize(
    "mix",
    [
        lambda x, h: x + h,
        lambda x, h: h + x,
        lambda x, h: h @ x.T,
        lambda x, h: x == h,
        lambda x, h: x.__iadd__(h),
        lambda x, h: np.add(h, x),
        lambda x, h: np.concatenate([x, h]),
        lambda x, h: np.where(x > 1, x, h),
        lambda x, h: x.__array_namespace__().sum(h),
        lambda x, h: x.__array_namespace__().concatenate([x, h]),
        lambda x, h: x.dot(h.T),
        lambda x, h: x.__setitem__(slice(1), h),
        lambda x, h: np.add(x, x, out=h),
    ],
)
def test_mixes_with_no_host_array(x, mix):
    """A host array of one or more dimensions in the same operation is an error."""
    with pytest.raises(TypeError):
        mix(x, DATA)


def test_mixes_with_scalars(x):
    """Python's numbers, NumPy's scalars and 0-D arrays mix, as in CuPy."""
    for one in (1, 1.0, np.float64(1), np.array(1.0)):
        assert same(x + one, DATA + 1)
        assert same(one - x, 1 - DATA)


def test_lists_do_not_mix(x):
    """Lists are no operands."""
    with pytest.raises(TypeError):
        np.add(x, [1.0, 2.0, 3.0])


def test_unsupported_dtypes():
    """Text and objects have no place on a device."""
    for data in (["a"], [None], np.array(["a"])):
        with pytest.raises(ValueError, match="Unsupported dtype"):
            NoHostCopyArray(data)
    with pytest.raises(ValueError, match="Unsupported dtype"):
        NoHostCopyArray([1]).astype(str)


def test_operators(x):
    """Arithmetic, comparison and matrix products give what NumPy gives."""
    assert same(x * 2 - x / 3, DATA * 2 - DATA / 3)
    assert same(-(x**2), -(DATA**2))
    assert same(x @ x.T, DATA @ DATA.T)
    assert same(abs(-x), DATA)
    assert same((x > 2) & ~(x == 4), (DATA > 2) & (DATA != 4))
    assert same(x // 2 + x % 2, DATA // 2 + DATA % 2)


def test_in_place_operators(x):
    """In-place operators change the array itself."""
    y = x
    y += 1
    y *= x
    assert y is x
    assert same(x, (DATA + 1) ** 2)
    out = NoHostCopyArray(np.zeros((2, 3)))
    assert np.add(x, 1, out=out) is out
    assert same(out, (DATA + 1) ** 2 + 1)


def test_reducing_ufunc_methods_are_refused(x):
    """As in CuPy, ufuncs are called, not reduced."""
    with pytest.raises(TypeError):
        np.add.reduce(x)


def test_indexing(x):
    """Slices, host integers, masks and the double's own arrays all index."""
    assert same(x[0], DATA[0])
    assert same(x[0, 1], DATA[0, 1])
    assert same(x[:, ::-1], DATA[:, ::-1])
    assert same(x[..., None], DATA[..., None])
    assert same(x[:, [0, 2]], DATA[:, [0, 2]])
    assert same(x[np.array([1, 0])], DATA[[1, 0]])
    assert same(x[:, np.array([1, 0])], DATA[:, [1, 0]])
    assert same(x[NoHostCopyArray([1, 0])], DATA[[1, 0]])
    assert same(x[x > 2], DATA[DATA > 2])
    assert same(x.take(np.array([1]), axis=1), DATA[:, [1]])
    assert same(x.take(NoHostCopyArray([1]), axis=1), DATA[:, [1]])
    assert same(np.take(x, np.array([1]), axis=1), DATA[:, [1]])


def test_assignment(x):
    """Numbers and doubles can be assigned, and views write through."""
    x[0] = 9
    x[:, 1][x[:, 1] > 8] = NoHostCopyArray([7.0])
    expected = DATA.copy()
    expected[0] = 9
    expected[0, 1] = 7
    assert same(x, expected)


def test_attributes(x):
    """Shape, type and size are those of the data."""
    assert x.shape == (2, 3)
    assert x.dtype == np.float64
    assert (x.ndim, x.size, x.nbytes, x.itemsize) == (2, 6, 48, 8)
    assert len(x) == 2
    assert same(x.T, DATA.T)
    assert [type(row) for row in x] == [NoHostCopyArray] * 2
    assert x.flags.c_contiguous
    assert not hasattr(x, "__array_interface__")
    assert not hasattr(x, "ctypes")
    with pytest.raises(TypeError):
        hash(x)


@pytest.mark.parametrize(
    "method", ["sum", "mean", "max", "min", "argmax", "any", "all", "ravel", "copy"]
)
def test_methods(x, method):
    """Methods give what NumPy's give, as doubles; reductions stay on the device."""
    assert same(getattr(x, method)(), getattr(DATA, method)())


def test_methods_with_arguments(x):
    """Methods take NumPy's arguments."""
    assert same(x.sum(axis=1, keepdims=True), DATA.sum(axis=1, keepdims=True))
    assert same(x.reshape(3, 2), DATA.reshape(3, 2))
    assert same(x.astype(np.float32), DATA.astype(np.float32))
    assert all(map(same, (x > 1).nonzero(), (DATA > 1).nonzero()))


def test_one_value(x):
    """One value may be read, as in CuPy; several may not."""
    assert x.sum().item() == 15
    assert float(x[0, 1]) == 1.0
    assert int(x[0, 2]) == 2
    assert bool(x[0, 0] == 0)
    assert list(range(5))[x.argmax() - 1] == 4
    assert NoHostCopyArray([3]).item() == 3
    assert 4.0 in x
    for read in (bool, float, int):
        with pytest.raises((TypeError, ValueError)):
            read(x)
    assert NoHostCopyArray.host_copies == 0


FUNCTIONS = {
    "unique": lambda xp, x: xp.unique(x),
    "searchsorted": lambda xp, x: xp.searchsorted(x[0], x[1] - 2),
    "argsort": lambda xp, x: xp.argsort(-x, axis=1),
    "bincount": lambda xp, x: xp.bincount(x.ravel().astype(int), minlength=9),
    "concatenate": lambda xp, x: xp.concatenate([x, x], axis=1),
    "stack": lambda xp, x: xp.stack((x, x)),
    "where": lambda xp, x: xp.where(x > 2, x, 0.0),
    "maximum": lambda xp, x: xp.maximum(x, 2),
    "exp": lambda xp, x: xp.exp(x),
    "isfinite": lambda xp, x: xp.isfinite(x),
    "sum": lambda xp, x: xp.sum(x, axis=0),
    "einsum": lambda xp, x: xp.einsum("ij,kj->ik", x, x),
    "norm": lambda xp, x: xp.linalg.norm(x),
    "take": lambda xp, x: xp.take(x, np.array([1]), axis=1),
    "zeros_like": lambda xp, x: xp.zeros_like(x),
    "array_equal": lambda xp, x: xp.array_equal(x, x),
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_namespace_functions(x, xp, name):
    """The namespace's functions take doubles and give what NumPy's give."""
    function = FUNCTIONS[name]
    assert same(function(xp, x), function(np, DATA))
    assert NoHostCopyArray.host_copies == 0


def test_namespace_creation(xp):
    """The namespace's arrays are doubles; asarray uploads, also from the host."""
    assert same(xp.zeros((2, 1)), np.zeros((2, 1)))
    assert same(xp.full(2, 1, dtype=xp.float32), np.ones(2, dtype=np.float32))
    assert same(xp.arange(3), np.arange(3))
    assert same(xp.asarray(DATA), DATA)
    assert same(xp.asarray([1, 2], dtype=float), [1.0, 2.0])
    assert same(xp.asarray(NoHostCopyArray([1])), [1])
    assert same(xp.array([xp.sum(xp.ones(2)), xp.zeros(())]), [2.0, 0.0])
    assert same(
        xp.random.default_rng(0).normal(size=2),
        np.random.default_rng(0).normal(size=2),
    )


def test_namespace_is_one_thing(x, xp):
    """There is one namespace, with NumPy's types and constants, also after pickling."""
    assert NoHostCopyArray([1]).__array_namespace__() is xp
    assert pickle.loads(pickle.dumps(xp)) is xp
    assert xp.float64 is np.float64
    assert xp.inf == np.inf
    assert isinstance(x, xp.ndarray)
    assert same(pickle.loads(pickle.dumps(xp.linalg)).norm(x), np.linalg.norm(DATA))
    assert same(pickle.loads(pickle.dumps(xp.exp))(x), np.exp(DATA))
    with pytest.raises(AttributeError):
        _ = xp.no_such_function


def test_numpy_functions(x):
    """NumPy's own functions, given a double, give a double."""
    assert same(np.exp(x), np.exp(DATA))
    assert same(np.sum(x, axis=0), DATA.sum(axis=0))
    assert same(np.vstack([x, x]), np.vstack([DATA, DATA]))
    assert same(np.zeros_like(x), np.zeros_like(DATA))
    assert same(np.asarray([1, 2], like=x), [1, 2])
    assert np.shape(x) == (2, 3)


def test_copies(x):
    """Copies and pickles are equal and share no memory."""
    for other in (
        copy.copy(x),
        copy.deepcopy(x),
        x.copy(),
        pickle.loads(pickle.dumps(x)),
    ):
        assert same(other, DATA)
        other[:] = 0
        assert same(x, DATA)
    assert NoHostCopyArray.host_copies == 0


def test_dask(x):
    """Dask sees its size, names it by its values, and works in blocks of it."""
    assert sizeof(NoHostCopyArray(np.zeros(1000))) >= 8000
    assert tokenize(x) == tokenize(NoHostCopyArray(DATA))
    assert tokenize(x) != tokenize(x + 1)
    blocks = da.from_array(x, chunks=(1, 3))
    assert same((blocks + 1).compute(), DATA + 1)
    assert same(blocks.sum(axis=0).compute(), DATA.sum(axis=0))
    assert NoHostCopyArray.host_copies == 0


def test_sklearn_may_count_rows(x):
    """scikit-learn may look at the shape."""
    assert _num_samples(x) == 2
    check_consistent_length(x, DATA)
