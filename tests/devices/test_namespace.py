# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Which library an array belongs to, and moving it to another."""

from __future__ import annotations

import sys
import types

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import scipy.sparse

from gpu_hpo.devices import array_namespace, is_device_array, to_device, to_host
from gpu_hpo.exceptions import DeviceNotFoundError
from gpu_hpo.testing import NoHostCopyArray

HOST = [
    np.ones(3),
    np.ones(3).view(np.memmap),
    np.ma.masked_array(np.ones(3)),
    pd.DataFrame({"a": [1.0]}),
    pd.Series([1.0]),
    scipy.sparse.csr_matrix(np.eye(2)),
    scipy.sparse.coo_array(np.eye(2)),
    [1.0, 2.0],
    (1, 2),
    [[1.0], [2.0]],
    range(3),
]


class _Fake:
    """Stands for an object of a CUDA library: knows only what was put in it."""

    def __init__(self, value):
        self.value = value

    def get(self):
        return self.value

    def to_pandas(self):
        return self.value


@pytest.fixture
def cuda(monkeypatch):
    """Stand-ins for CuPy and cuDF: modules to import, and a class of each."""

    def fake(name, **functions):
        module = types.ModuleType(name)
        vars(module).update(functions)
        monkeypatch.setitem(sys.modules, name, module)
        return module

    classes = {
        name: type("array", (_Fake,), {"__module__": name})
        for name in ("cupy", "cudf.core.dataframe", "cupyx.scipy.sparse._csr")
    }
    cupy_array, frame, csr = classes.values()
    return types.SimpleNamespace(
        cupy=fake("cupy", asarray=lambda x: cupy_array(np.asarray(x))),
        cudf=fake("cudf", from_pandas=frame),
        cupyx=fake("cupyx"),
        cupyx_scipy=fake("cupyx.scipy"),
        cupyx_sparse=fake("cupyx.scipy.sparse", csr_matrix=csr),
        array=cupy_array,
        frame=frame,
        csr=csr,
    )


@pytest.mark.parametrize("x", HOST, ids=lambda x: type(x).__name__)
def test_host_data_belongs_to_numpy(x):
    """Everything on the host belongs to NumPy and is no device array."""
    assert array_namespace(x) is np
    assert not is_device_array(x)


def test_nothing_belongs_to_numpy():
    """No array, and scalars alone, belong to NumPy."""
    assert array_namespace() is np
    assert array_namespace(None, 1.0, np.float64(1)) is np
    assert not is_device_array(None)
    assert not is_device_array(1.0)


def test_cuda_data_belongs_to_cupy(cuda):
    """CuPy's arrays, cuDF's frames and CuPy's sparse matrices belong to CuPy."""
    for cls in (cuda.array, cuda.frame, cuda.csr):
        assert array_namespace(cls(None)) is cuda.cupy
        assert is_device_array(cls(None))

    class Sub(cuda.array):
        pass

    assert array_namespace(Sub(None)) is cuda.cupy


def test_scalars_and_none_mix_with_anything(cuda):
    """Scalars and None, as for a missing sample_weight, do not count."""
    assert array_namespace(None, cuda.array(1), 2.0, np.int64(1)) is cuda.cupy


def test_namespace_of_its_own():
    """An object that names its namespace belongs there, and lives on a device."""
    x = NoHostCopyArray([1.0])
    assert array_namespace(x, x) is x.__array_namespace__()
    assert is_device_array(x)


@pytest.mark.parametrize("host", HOST, ids=lambda x: type(x).__name__)
def test_mixing_host_and_device_is_an_error(host):
    """Arrays on the host and on a device do not mix; the error names both types."""
    with pytest.raises(TypeError, match=r"NoHostCopyArray.*" + type(host).__name__):
        array_namespace(NoHostCopyArray([1.0]), host)
    with pytest.raises(TypeError, match=type(host).__name__ + r".*NoHostCopyArray"):
        array_namespace(host, NoHostCopyArray([1.0]))


def test_dask_collection_stands_for_its_blocks():
    """A Dask array belongs to where its blocks belong."""
    host = da.ones(4, chunks=2)
    device = da.from_array(NoHostCopyArray(np.ones(4)), chunks=2)
    assert array_namespace(host) is np
    assert not is_device_array(host)
    assert array_namespace(device) is NoHostCopyArray([1.0]).__array_namespace__()
    assert is_device_array(device)


def test_to_host(cuda):
    """Data from anywhere becomes a NumPy array; one that is, is not copied."""
    x = np.arange(3.0)
    assert to_host(x) is x
    np.testing.assert_array_equal(to_host(cuda.array(x)), x)
    np.testing.assert_array_equal(to_host(cuda.frame(pd.Series(x))), x)
    np.testing.assert_array_equal(to_host(pd.Series(x)), x)
    np.testing.assert_array_equal(to_host([0, 1, 2]), x)
    np.testing.assert_array_equal(to_host(NoHostCopyArray(x)), x)
    sparse = scipy.sparse.csr_matrix(np.eye(2))
    assert to_host(sparse) is sparse
    assert to_host(cuda.csr(sparse)) is sparse


def test_to_device(cuda):
    """Host data becomes its device counterpart; device data is not copied."""
    assert isinstance(to_device(np.ones(2)), cuda.array)
    assert isinstance(to_device([1.0]), cuda.array)
    assert isinstance(to_device(pd.Series([1.0])), cuda.frame)
    assert isinstance(to_device(pd.DataFrame({"a": [1.0]})), cuda.frame)
    assert isinstance(to_device(scipy.sparse.coo_matrix(np.eye(2))), cuda.csr)
    for x in (cuda.array(1), cuda.frame(1), cuda.csr(1), NoHostCopyArray([1.0])):
        assert to_device(x) is x


@pytest.mark.parametrize(
    ("x", "library"), [(np.ones(2), "cupy"), (pd.Series([1.0]), "cudf")]
)
def test_to_device_without_the_library(monkeypatch, x, library):
    """Without CuPy or cuDF, moving to a device is an error that names what misses."""
    monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(DeviceNotFoundError, match=library):
        to_device(x)


@pytest.mark.gpu
def test_real_cupy():
    """CuPy's real arrays are told apart, and survive the way there and back."""
    import cupy

    x = to_device(np.arange(3.0))
    assert array_namespace(x) is cupy
    assert is_device_array(x)
    np.testing.assert_array_equal(to_host(x), np.arange(3.0))
