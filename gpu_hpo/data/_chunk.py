# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define a chunk: some rows of X, y and everything else that has rows.

A chunk travels as a plain dict and several as a plain list, so that the accounting
and the spilling of Dask and dask-cuda see the arrays inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import scipy.sparse
from dask.base import tokenize

from gpu_hpo.devices._namespace import (
    array_namespace,
    is_device_array,
    is_table,
    to_host,
)
from gpu_hpo.devices._take_rows import take_rows

# "X", "y" (absent if there is none) and per-row fit parameters by name.
Chunk = dict[str, Any]

TARGETS = ("X", "y")
# The roles of rows in each split, and the groups of rows: on the host, and by names
# that no parameter can have.
ROLES = "roles in splits"
GROUPS = "groups of rows"


def n_rows(chunk: Mapping[str, Any]) -> int:
    """Count the rows of a chunk."""
    X = chunk["X"]
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def n_bytes(chunk: Mapping[str, Any]) -> int:
    """Count the bytes of a chunk's arrays."""
    return sum(_n_bytes(value) for value in chunk.values())


def targets(chunk: Chunk) -> list[Any]:
    """Return X of a chunk, and y if there is one, in the order `fit` takes them."""
    return [chunk[name] for name in TARGETS if name in chunk]


def row_params(chunk: Mapping[str, Any]) -> dict[str, Any]:
    """Return the per-row fit parameters of a chunk, for example `sample_weight`."""
    others = (*TARGETS, ROLES)
    return {name: value for name, value in chunk.items() if name not in others}


def take_chunk_rows(chunk: Mapping[str, Any], rows: Any) -> Chunk:
    """Take rows of all that a chunk holds; `rows` as of `take_rows`."""
    return {name: take_rows(value, rows) for name, value in chunk.items()}


def concat_chunks(chunks: Sequence[Mapping[str, Any]]) -> Chunk:
    """Concatenate chunks into one."""
    if len(chunks) == 1:
        return dict(chunks[0])
    return {name: _concat([chunk[name] for chunk in chunks]) for name in chunks[0]}


def digest(value: Any) -> str:
    """Return a digest of rows, the same wherever they are and however they lie.

    Rows on a device come to the host for it.
    """
    if is_device_array(value):
        value = to_host(value)
    if isinstance(value, np.ndarray):
        value = np.ascontiguousarray(value)
    return str(tokenize(value))


def _n_bytes(value: object) -> int:
    if scipy.sparse.issparse(value):
        parts = ("data", "indices", "indptr")
        return sum(int(getattr(value, name).nbytes) for name in parts)
    if hasattr(value, "memory_usage"):
        usage = value.memory_usage(deep=True)
        return int(usage if isinstance(usage, int) else usage.sum())
    if hasattr(value, "estimated_size"):  # of Polars
        return int(value.estimated_size())
    return int(getattr(value, "nbytes", 0))


def _concat(values: list[Any]) -> Any:
    first = values[0]
    if scipy.sparse.issparse(first):
        return scipy.sparse.vstack(values, format="csr")
    if hasattr(first, "iloc") or is_table(first):
        # Frames are joined by their own library.
        library = __import__(type(first).__module__.partition(".")[0])
        join = "concat" if hasattr(library, "concat") else "concat_tables"
        return getattr(library, join)(values)
    if type(first).__module__.startswith("cupyx"):
        from cupyx.scipy.sparse import vstack

        return vstack(values, format="csr")
    xp = array_namespace(first)
    joined = xp.concatenate(values)
    flags: Any = getattr(first, "flags", None)
    in_columns = flags is not None and flags.f_contiguous and not flags.c_contiguous
    return xp.asfortranarray(joined) if in_columns else joined
