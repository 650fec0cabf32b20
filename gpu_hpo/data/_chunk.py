# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A chunk: a block of consecutive rows of everything that has rows.

A chunk travels as a plain dict and several as a plain list, so that the accounting
and the spilling of Dask and dask-cuda see the arrays inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse

from gpu_hpo.devices import array_namespace, is_device_array, to_device, to_host

# "X", "y" (absent if there is none) and per-row fit parameters by name.
Chunk = dict[str, Any]

TARGETS = ("X", "y")


def n_rows(chunk: Mapping[str, Any]) -> int:
    """Count the rows of a chunk."""
    X = chunk["X"]
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def n_bytes(chunk: Mapping[str, Any]) -> int:
    """Count the bytes of a chunk's arrays."""
    return sum(_n_bytes(value) for value in chunk.values())


def row_params(chunk: Mapping[str, Any]) -> dict[str, Any]:
    """Per-row fit parameters of a chunk, `sample_weight` for one."""
    return {name: value for name, value in chunk.items() if name not in TARGETS}


def take_rows(chunk: Mapping[str, Any], rows: Any) -> Chunk:
    """Rows of a chunk by a slice or by a host array of row numbers."""
    return {name: _take(value, rows) for name, value in chunk.items()}


def concat_chunks(chunks: Sequence[Mapping[str, Any]]) -> Chunk:
    """One chunk with the rows of all."""
    if len(chunks) == 1:
        return dict(chunks[0])
    return {name: _concat([chunk[name] for chunk in chunks]) for name in chunks[0]}


@dataclass(frozen=True)
class OnDevice:
    """How models want their rows in GPU memory.

    Attributes
    ----------
    column_major : bool
        Whether dense X is to be in columns, which some would else copy at every fit.
    finite : bool
        Whether X is checked once, on arrival, so that no model need do it again.
    """

    column_major: bool = False
    finite: bool = True


def chunk_to_device(
    chunk: Mapping[str, Any], wanted: OnDevice, labels: np.ndarray | None = None
) -> Chunk:
    """Move a chunk into the memory of this worker's GPU; what is there stays.

    Parameters
    ----------
    chunk : Chunk
    wanted : OnDevice
    labels : ndarray, optional
        Sorted, all that y has: y then becomes their numbers. A GPU has no strings.

    Raises
    ------
    ValueError
        If X has NaN or infinity and must not.
    """
    moved = dict(chunk)
    if labels is not None:
        moved["y"] = np.searchsorted(labels, to_host(chunk["y"]))
    moved = {name: to_device(value) for name, value in moved.items()}
    X = moved["X"]
    if wanted.finite:
        _check_finite(X)
    if wanted.column_major and getattr(X, "flags", None) is not None:
        moved["X"] = array_namespace(X).asfortranarray(X)
    return moved


def _check_finite(X: Any) -> None:
    values = X.data if hasattr(X, "indptr") else X
    if hasattr(values, "iloc"):
        kinds = {dtype.kind for dtype in values.dtypes}
        finite = kinds <= {"b", "i", "u"} or not bool(values.isna().any().any())
    elif values.dtype.kind != "f":
        finite = True
    else:
        finite = bool(array_namespace(values).isfinite(values).all())
    if not finite:
        raise ValueError(
            "X has NaN or infinity, which the estimator does not accept; impute, or "
            "leave those rows out"
        )


def _n_bytes(value: Any) -> int:
    if scipy.sparse.issparse(value):
        parts = ("data", "indices", "indptr")
        return sum(int(getattr(value, name).nbytes) for name in parts)
    if hasattr(value, "memory_usage"):
        usage = value.memory_usage(deep=True)
        return int(usage if isinstance(usage, int) else usage.sum())
    return int(getattr(value, "nbytes", 0))


def _take(value: Any, rows: Any) -> Any:
    if hasattr(value, "iloc"):
        return value.iloc[rows]
    if not isinstance(rows, slice) and is_device_array(value):
        rows = array_namespace(value).asarray(rows)
    return value[rows]


def _concat(values: list[Any]) -> Any:
    first = values[0]
    if scipy.sparse.issparse(first):
        return scipy.sparse.vstack(values, format="csr")
    if hasattr(first, "iloc"):
        # Frames are put together by the library that they come from.
        library = __import__(type(first).__module__.partition(".")[0])
        return library.concat(values)
    if type(first).__module__.startswith("cupyx"):
        from cupyx.scipy.sparse import vstack

        return vstack(values, format="csr")
    xp = array_namespace(first)
    joined = xp.concatenate(values)
    flags: Any = getattr(first, "flags", None)
    in_columns = flags is not None and flags.f_contiguous and not flags.c_contiguous
    return xp.asfortranarray(joined) if in_columns else joined
