# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compute by SciPy what `cupyx.scipy.sparse` asks of cuSPARSE."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import scipy.sparse

from tests.emulated.cuda_on_host import _counters
from tests.emulated.cuda_on_host._exchange import exchange
from tests.emulated.cuda_on_host._memory import nothing, view


def exchange_sparse(cusparse: ModuleType) -> None:
    """Exchange functions of `cupyx.cusparse`, once it has been executed."""
    module: Any = cusparse
    functions = {
        "coo2csr": _convert("csr_matrix"),
        "coo2csc": _convert("csc_matrix"),
        "csc2csr": _convert("csr_matrix"),
        "csr2csc": _convert("csc_matrix"),
        "csr2coo": _with_rows,
        "csc2coo": _with_rows,
        "csr2dense": _dense,
        "csc2dense": _dense,
        "sparseToDense": _dense,
        "denseToSparse": _sparse,
        "csrgeam2": _sum,
        "spgemm": _product,
        "spmv": _times,
        "spmm": _times,
        "csrsort": _sort,
        "cscsort": _sort,
        "coosort": _sort_pairs,
    }
    for name, function in functions.items():
        if not callable(getattr(module, name, None)):
            raise ValueError(f"cupyx.cusparse has no {name}")
        setattr(module, name, _noting(name, function))
    module.check_availability = functions.__contains__


def exchange_library(library: ModuleType) -> None:
    """Exchange functions of `cupy_backends.cuda.libs.cusparse` itself."""
    exchange(library, {"create": lambda: 1, "destroy": nothing})
    module: Any = library
    module.xcsr2coo = _noting("xcsr2coo", _row_numbers)


def _row_numbers(
    handle: int, indptr: int, nnz: int, n_rows: int, out: int, base: int
) -> None:
    lengths = np.diff(view(indptr, (n_rows + 1,), np.int32))
    view(out, (nnz,), np.int32)[...] = np.repeat(np.arange(n_rows), lengths)


def _noting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def noted(*given: Any, **options: Any) -> Any:
        _counters.note("launch", name)
        with _counters.quiet():
            return function(*given, **options)

    return noted


def _as_scipy(x: Any) -> Any:
    """Return a matrix of CuPy as one of SciPy."""
    parts = [x.data.get()]
    if x.format == "coo":
        kind: Any = scipy.sparse.coo_matrix
        return kind((parts[0], (x.row.get(), x.col.get())), shape=x.shape)
    kind = {"csr": scipy.sparse.csr_matrix, "csc": scipy.sparse.csc_matrix}[x.format]
    return kind((*parts, x.indices.get(), x.indptr.get()), shape=x.shape)


def _as_cupy(x: Any, kind: str) -> Any:
    import cupyx.scipy.sparse

    return getattr(cupyx.scipy.sparse, kind)(x)


def _convert(kind: str) -> Callable[[Any], Any]:
    def convert(x: Any) -> Any:
        found = _as_scipy(x)
        out = found.tocsr() if kind == "csr_matrix" else found.tocsc()
        return _as_cupy(out, kind)

    return convert


def _with_rows(x: Any, data: Any, indices: Any) -> Any:
    import cupy
    import cupyx.scipy.sparse

    numbers = np.repeat(np.arange(len(x.indptr) - 1), np.diff(x.indptr.get()))
    major = cupy.asarray(numbers.astype(x.indices.dtype))
    pair = (major, indices) if x.format == "csr" else (indices, major)
    return cupyx.scipy.sparse.coo_matrix((data, pair), shape=x.shape)


def _dense(x: Any, out: Any = None) -> Any:
    import cupy

    found = cupy.asarray(_as_scipy(x).toarray(order="F"))
    if out is None:
        return found
    out[...] = found
    return out


def _sparse(x: Any, format: str = "csr") -> Any:
    made = scipy.sparse.csr_matrix(x.get())
    return _as_cupy(made.asformat(format), f"{format}_matrix")


def _sum(a: Any, b: Any, alpha: float = 1, beta: float = 1) -> Any:
    return _as_cupy(alpha * _as_scipy(a) + beta * _as_scipy(b), "csr_matrix")


def _product(a: Any, b: Any, alpha: float = 1) -> Any:
    return _as_cupy(alpha * (_as_scipy(a) @ _as_scipy(b)), "csr_matrix")


def _times(
    a: Any,
    x: Any,
    y: Any = None,
    alpha: float = 1,
    beta: float = 0,
    transa: bool = False,
    transb: bool = False,
) -> Any:
    import cupy

    matrix = _as_scipy(a)
    matrix = matrix.T if transa else matrix
    given = x.get().T if transb else x.get()
    found = alpha * (matrix @ given)
    if y is None:
        return cupy.asarray(found.astype(a.dtype), order="F")
    y[...] = cupy.asarray(found + (beta * y.get() if beta else 0))
    return y


def _sort(x: Any) -> None:
    import cupy

    found = _as_scipy(x)
    found.sort_indices()
    x.data = cupy.asarray(found.data)
    x.indices = cupy.asarray(found.indices)


def _sort_pairs(x: Any, sort_by: str = "r") -> None:
    import cupy

    row, column = x.row.get(), x.col.get()
    keys = (column, row) if sort_by == "r" else (row, column)
    order = np.lexsort(keys)
    for name in ("data", "row", "col"):
        array = getattr(x, name)
        array[...] = array[cupy.asarray(order)]
