# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Products of matrices, sorting and `cupy.linalg` by NumPy, in place of libraries."""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from tests.emulated.cuda_on_host import _counters
from tests.emulated.cuda_on_host._memory import nothing, view

# Of CUDA: values of cudaDataType.
_DTYPES = {0: "f4", 1: "f8", 2: "f2", 4: "c8", 5: "c16"}
_LINALG = ("cholesky", "eigh", "inv", "lstsq", "pinv", "qr", "solve", "svd")


class _Place(NamedTuple):
    """Say where matrices of cuBLAS are, and how many items columns are apart."""

    at: int
    stride: int
    next: int = 0  # items from one matrix to the next

    def matrices(self, n: int, rows: int, columns: int, dtype: str) -> np.ndarray:
        """Return them as an array of shape (n, rows, columns)."""
        if not rows * columns:
            return np.zeros((n, rows, columns), dtype)
        size = np.dtype(dtype).itemsize
        last = (n - 1) * self.next + (columns - 1) * self.stride + rows
        steps = self.next * size, size, size * self.stride
        return np.ndarray(
            (n, rows, columns), dtype, _bytes(self.at, last * size), 0, steps
        )


def _bytes(at: int, n_bytes: int) -> Any:
    return (ctypes.c_char * n_bytes).from_address(at)


def _matrix(at: int, rows: int, columns: int, stride: int, dtype: str) -> np.ndarray:
    return _Place(at, stride).matrices(1, rows, columns, dtype)[0]


def _product(
    dtypes: tuple[str, str, str],
    turned: tuple[int, int],
    shape: tuple[int, int, int],
    factors: tuple[int, int],
    *places: _Place,
    batch: int = 1,
) -> None:
    """Compute C = alpha op(A) op(B) + beta C, for each A, B and C."""
    m, n, k = shape
    sizes = (m, k), (k, n), (m, n)
    found = []
    for size, place, dtype, turn in zip(
        sizes, places, dtypes, (*turned, 0), strict=True
    ):
        given = place.matrices(batch, *(size[::-1] if turn else size), dtype)
        given = given.conj() if turn == 2 else given
        found.append(given.swapaxes(1, 2) if turn else given)
    A, B, C = found
    alpha, beta = (view(at, (1,), _scale(dtypes[2]))[0] for at in factors)
    if dtypes[0] == "f2":
        A, B = A.astype("f4"), B.astype("f4")
    result = A @ B
    if alpha != 1:
        result = alpha * result
    C[...] = result if beta == 0 else result + beta * C


def _scale(dtype: str) -> str:
    return "f4" if dtype == "f2" else dtype


def _noting(name: str, function: Callable[..., None]) -> Callable[..., None]:
    @functools.wraps(function)
    def noted(*given: Any) -> None:
        _counters.note("launch", name)
        function(*given)

    return noted


def _gemm(dtype: str) -> Callable[..., None]:
    def gemm(h, ta, tb, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc):  # type: ignore[no-untyped-def]
        places = _Place(A, lda), _Place(B, ldb), _Place(C, ldc)
        _product((dtype,) * 3, (ta, tb), (m, n, k), (alpha, beta), *places)

    return gemm


def _gemm_ex(h, ta, tb, m, n, k, alpha, A, at, lda, B, bt, ldb, beta, C, ct, ldc, *_):  # type: ignore[no-untyped-def]
    dtypes = _DTYPES[at], _DTYPES[bt], _DTYPES[ct]
    places = _Place(A, lda), _Place(B, ldb), _Place(C, ldc)
    _product(dtypes, (ta, tb), (m, n, k), (alpha, beta), *places)


# fmt: off
def _gemm_strided(  # type: ignore[no-untyped-def]
    h, ta, tb, m, n, k, alpha, A, at, lda, sa, B, bt, ldb, sb, beta, C, ct, ldc, sc,
    batch, *_,
):
    # fmt: on
    dtypes = _DTYPES[at], _DTYPES[bt], _DTYPES[ct]
    places = _Place(A, lda, sa), _Place(B, ldb, sb), _Place(C, ldc, sc)
    _product(dtypes, (ta, tb), (m, n, k), (alpha, beta), *places, batch=batch)


def _gemm_batched(dtype: str) -> Callable[..., None]:
    one = _gemm(dtype)

    def gemm(h, ta, tb, m, n, k, alpha, A, lda, B, ldb, beta, C, ldc, batch):  # type: ignore[no-untyped-def]
        addresses = (view(at, (batch,), np.int64).tolist() for at in (A, B, C))
        for a, b, c in zip(*addresses, strict=True):
            one(h, ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)

    return gemm


def _gemv(dtype: str) -> Callable[..., None]:
    def gemv(h, turn, m, n, alpha, A, lda, x, incx, beta, y, incy):  # type: ignore[no-untyped-def]
        matrix = _matrix(A, m, n, lda, dtype)
        matrix = matrix.T if turn else matrix
        rows, columns = matrix.shape
        given = view(x, ((columns - 1) * incx + 1,), dtype)[::incx]
        out = view(y, ((rows - 1) * incy + 1,), dtype)[::incy]
        a, b = (view(at, (1,), dtype)[0] for at in (alpha, beta))
        result = a * (matrix @ given)
        out[...] = result if b == 0 else result + b * out

    return gemv


def _geam(dtype: str) -> Callable[..., None]:
    def geam(h, ta, tb, m, n, alpha, A, lda, beta, B, ldb, C, ldc):  # type: ignore[no-untyped-def]
        total = np.zeros((m, n), dtype)
        for turn, factor, at, stride in ((ta, alpha, A, lda), (tb, beta, B, ldb)):
            scale = view(factor, (1,), dtype)[0]
            if scale:
                given = _matrix(at, *((n, m) if turn else (m, n)), stride, dtype)
                total += scale * (given.T if turn else given)
        _matrix(C, m, n, ldc, dtype)[...] = total

    return geam


def cublas_functions() -> dict[str, Callable[..., Any]]:
    """Return what is exchanged in `cupy_backends.cuda.libs.cublas`."""
    products = {
        "gemmEx": _gemm_ex,
        "sgemmEx": _gemm_ex,
        "gemmStridedBatchedEx": _gemm_strided,
    }
    for letter, dtype in {"s": "f4", "d": "f8"}.items():
        products[f"{letter}gemm"] = _gemm(dtype)
        products[f"{letter}gemmBatched"] = _gemm_batched(dtype)
        products[f"{letter}gemv"] = _gemv(dtype)
        products[f"{letter}geam"] = _geam(dtype)
    noted = {name: _noting(name, function) for name, function in products.items()}
    return noted | {
        "create": lambda: 1,
        "destroy": nothing,
        "getPointerMode": lambda _: 0,
        "setPointerMode": nothing,
        "getMathMode": lambda _: 0,
        "setMathMode": nothing,
        "setStream": nothing,
    }


# ---- sorting ----


def exchange_sorting(thrust: ModuleType) -> None:
    """Let CuPy sort by NumPy."""

    def sort(dtype: Any, data: int, keys: int, shape: Any) -> None:
        view(data, tuple(shape), dtype).sort(axis=-1, kind="stable")

    def argsort(dtype: Any, found: int, data: int, keys: int, shape: Any) -> None:
        order = np.argsort(view(data, tuple(shape), dtype), axis=-1, kind="stable")
        view(found, tuple(shape), np.intp)[...] = order

    def lexsort(dtype: Any, found: int, keys: int, k: int, n: int) -> None:
        view(found, (n,), np.intp)[...] = np.lexsort(view(keys, (k, n), dtype))

    module: Any = thrust
    module.available = True
    for function in (sort, argsort, lexsort):
        setattr(module, function.__name__, _noting(function.__name__, function))


# ---- linear algebra ----


def exchange_linalg(cupy: Any) -> None:
    """Let `cupy.linalg` compute by NumPy, for what it would ask cuSOLVER.

    Arguments are checked by NumPy, too; CuPy takes no other arrays than its own.
    """
    for name in _LINALG:
        setattr(cupy.linalg, name, _by_numpy(cupy, name))


def _by_numpy(cupy: Any, name: str) -> Callable[..., Any]:
    real, on_host = getattr(cupy.linalg, name), getattr(np.linalg, name)

    @functools.wraps(real)
    def computed(*given: Any, **options: Any) -> Any:
        for value in given[:1]:
            if not isinstance(value, cupy.ndarray):
                raise TypeError(f"cupy.linalg.{name} takes no {type(value).__name__}")
        _counters.note("launch", name)
        # cuSOLVER tells whether it has succeeded.
        _counters.note("wait", name)
        with _counters.quiet():
            # Not by `get`, which is what copies an array to the host.
            arrays = [
                cupy.ascontiguousarray(v) if isinstance(v, cupy.ndarray) else v
                for v in given
            ]
            host = [
                view(a.data.ptr, a.shape, a.dtype) if isinstance(a, cupy.ndarray) else a
                for a in arrays
            ]
            found = on_host(*host, **options)
            if isinstance(found, tuple):
                return tuple(map(cupy.asarray, found))
            return cupy.asarray(found)

    return computed
