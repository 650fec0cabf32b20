# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find the array library that data belongs to, by the type of the data alone.

No library is imported that the data does not already come from.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import Any

import numpy as np

from gpu_hpo._typing import Array, ArrayLike
from gpu_hpo.exceptions import DeviceNotFoundError

_CUDA_ROOTS = frozenset({"cupy", "cupyx", "cudf"})
# Values that belong to no device: CuPy mixes them with its arrays freely.
_NEUTRAL = (type(None), bool, int, float, complex, str, bytes, np.generic)


def array_namespace(*arrays: ArrayLike | float | str | None) -> ModuleType:
    """Return the module whose functions take these arrays: NumPy, CuPy or their own.

    Parameters
    ----------
    *arrays : array-like
        Arrays, frames, sparse matrices or lists. None and scalars do not count, and a
        Dask collection stands for its blocks.

    Returns
    -------
    module
        ``cupy`` for CuPy, cuDF and ``cupyx.scipy.sparse``; the result of the object's
        own ``__array_namespace__()``; ``numpy`` for everything else, and without
        arrays.

    Raises
    ------
    TypeError
        If arrays on the host and on a device are mixed, or two device libraries.
    """
    xp: ModuleType | None = None
    first: object = None
    for array in arrays:
        array = _block(array)
        if isinstance(array, _NEUTRAL):
            continue
        found = _namespace_of(array)
        if xp is None:
            xp, first = found, array
        elif found is not xp:
            raise TypeError(
                f"cannot mix {type_name(first)} ({_library_name(xp)}) and "
                f"{type_name(array)} ({_library_name(found)}): move one with "
                "gpu_hpo.devices.to_host or to_device"
            )
    return np if xp is None else xp


def is_device_array(x: object) -> bool:
    """Return whether data lives on a device, so that NumPy must not touch it.

    Parameters
    ----------
    x : object
        Any data, or a Dask collection of it.

    Returns
    -------
    bool
        True for CuPy, cuDF, ``cupyx.scipy.sparse`` and objects whose own
        ``__array_namespace__()`` is not NumPy's.
    """
    x = _block(x)
    if isinstance(x, _NEUTRAL):
        return False
    return bool(_roots(x) & _CUDA_ROOTS) or _namespace_of(x) is not np


def is_cuda_array(x: object) -> bool:
    """Return whether data, or the blocks of a Dask collection, is in GPU memory."""
    return bool(_roots(_block(x)) & _CUDA_ROOTS)


def is_table(x: object) -> bool:
    """Return whether data is of Polars or PyArrow, which have no `iloc`."""
    return bool(_roots(x) & {"polars", "pyarrow"}) and hasattr(x, "__array__")


def to_host(x: Array) -> Array:
    """Copy data to the host as a NumPy array.

    Parameters
    ----------
    x : array-like
        Data on a device or on the host.

    Returns
    -------
    ndarray, or scipy.sparse matrix
        The same values; `x` itself where it is a NumPy array. Sparse stays sparse.
    """
    if isinstance(x, np.ndarray):
        return x
    if "cudf" in _roots(x):
        # By way of pandas, which can hold strings and missing values.
        return x.to_pandas().to_numpy()
    if is_device_array(x):
        return x.get() if hasattr(x, "get") else np.from_dlpack(x)
    if _is_scipy_sparse(x):
        return x
    return np.asarray(x)


def to_device(x: Array) -> Array:
    """Copy data to the current CUDA device.

    Parameters
    ----------
    x : array-like
        Data on the host or on a device.

    Returns
    -------
    cupy.ndarray, cudf.DataFrame, cudf.Series or cupyx.scipy.sparse.csr_matrix
        pandas becomes cuDF, SciPy's sparse becomes CuPy's CSR, anything else a CuPy
        array; `x` itself where it is on a device already.

    Raises
    ------
    DeviceNotFoundError
        If CuPy, or cuDF for pandas, is not installed.
    """
    if is_device_array(x):
        return x
    if "pandas" in _roots(x):
        return _import("cudf", x).from_pandas(x)
    if _is_scipy_sparse(x):
        return _import("cupyx.scipy.sparse", x).csr_matrix(x.tocsr())
    return _import("cupy", x).asarray(x)


def beside(x: Array, array: Array) -> Array:
    """Bring an array to where other data is.

    Parameters
    ----------
    x : array-like
        Data on the host or on a device.
    array : array
        On either.

    Returns
    -------
    array
        `array` itself where it is on the side of `x`, else a copy there.
    """
    xp = array_namespace(x)
    if array_namespace(array) is xp:
        return array
    return to_host(array) if xp is np else xp.asarray(to_host(array))


def synchronize() -> None:
    """Wait for the work that this thread has started on its CUDA device, if any."""
    cupy = sys.modules.get("cupy")
    if cupy is not None and cupy.is_available():
        cupy.cuda.get_current_stream().synchronize()


def _block(x: Any) -> Any:
    """Return a Dask collection's empty sample block, or the object itself."""
    if "dask" in _roots(x):
        return getattr(x, "_meta", x)
    return x


def _roots(x: object) -> set[str]:
    # Bases count: a subclass of an array may be defined anywhere.
    return {base.__module__.partition(".")[0] for base in type(x).__mro__}


def _namespace_of(x: Array) -> ModuleType:
    if _roots(x) & _CUDA_ROOTS:
        return importlib.import_module("cupy")
    if not isinstance(x, np.ndarray) and hasattr(x, "__array_namespace__"):
        return x.__array_namespace__()
    return np


def _is_scipy_sparse(x: object) -> bool:
    return "scipy" in _roots(x) and hasattr(x, "tocsr")


def _import(module: str, x: object) -> ModuleType:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        library = module.partition(".")[0]
        raise DeviceNotFoundError(
            f"moving {type_name(x)} to a GPU needs {library}: {error}"
        ) from error


def type_name(x: object) -> str:
    """Name the type of an object, with its module."""
    return f"{type(x).__module__}.{type(x).__qualname__}"


def _library_name(xp: ModuleType) -> str:
    return getattr(xp, "__name__", type(xp).__name__)
