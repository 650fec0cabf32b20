# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Take the rows of a split from X, y and per-row parameters, on their own device."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
import scipy.sparse
from dask.base import is_dask_collection

from gpu_hpo._sklearn_private import _check_method_params, _safe_indexing
from gpu_hpo._typing import ArrayLike
from gpu_hpo.devices._namespace import array_namespace, is_device_array
from gpu_hpo.devices._take_rows import take_rows


def rows_of_split(X: Any, rows: Any, columns: Any = None) -> Any:
    """Take rows of anything that has rows.

    Parameters
    ----------
    X : array-like, sparse matrix, frame or list; or None
    rows : array of int or bool, on the host
        Consecutive rows of an array become a view, which takes no memory. Two runs of
        consecutive rows, such as all but one fold of a K-fold, are copied in two
        pieces.
    columns : array of int, optional
        For a matrix whose columns are samples too: the columns to take.

    Returns
    -------
    like X
        Where X is.

    Raises
    ------
    ValueError
        If columns are given, and X is no square matrix.
    """
    if X is None:
        return None
    rows = np.asarray(rows)
    if is_dask_collection(X):
        return _cut_blocks(X, rows)
    if columns is not None:
        if not hasattr(X, "shape"):
            raise ValueError(
                "Precomputed kernels or affinity matrices have to be passed as arrays "
                "or sparse matrices."
            )
        if X.shape[0] != X.shape[1]:
            raise ValueError("X should be a square kernel matrix")
        if is_device_array(X):
            xp = array_namespace(X)
            return X[xp.asarray(rows)][:, xp.asarray(np.asarray(columns))]
        return X[np.ix_(rows, np.asarray(columns))]
    if _is_array(X):
        runs = _runs(rows, X.shape[0])
        if runs is not None:
            parts = [X[a:b] for a, b in runs]
            if len(parts) == 1:
                return parts[0]
            if isinstance(X, np.ndarray):  # concatenating would change the byte order
                return np.concatenate(parts, dtype=X.dtype)
            return array_namespace(X).concatenate(parts)
        return X[rows]
    return take_rows(X, rows) if is_device_array(X) else _safe_indexing(X, rows)


def _cut_blocks(X: Any, rows: np.ndarray) -> Any:
    """Take rows of a Dask array in its own blocks; Dask's indexing would merge them."""
    import dask.array as da

    if rows.dtype == bool:
        rows = np.flatnonzero(rows)
    n = X.shape[0]
    if len(rows) and not -n <= rows.min() <= rows.max() < n:
        raise IndexError(f"rows {rows.min()} to {rows.max()} are not among {n} rows")
    rows = np.where(rows < 0, rows + n, rows)
    ends = np.cumsum(X.chunks[0])
    which = np.searchsorted(ends, rows, side="right")
    parts = []
    for block in np.unique(which).tolist():
        first = int(ends[block]) - X.chunks[0][block]
        parts.append(X.blocks[block][rows[which == block] - first])
    return da.concatenate(parts)


def params_of_split(X: Any, params: Mapping[str, Any], rows: Any) -> dict[str, Any]:
    """Take rows of parameters that have as many as X; return others unchanged."""
    on_device = {
        n: v for n, v in params.items() if v is not None and is_device_array(v)
    }
    in_blocks = {n: v for n, v in params.items() if is_dask_collection(v)}
    on_device |= in_blocks
    rest = {name: value for name, value in params.items() if name not in on_device}
    n = X.shape[0] if hasattr(X, "shape") else len(X)
    return {
        **_check_method_params(X, params=rest, indices=rows),
        **{
            k: rows_of_split(v, rows) if v.shape[:1] == (n,) else v
            for k, v in on_device.items()
        },
    }


def _is_array(X: ArrayLike) -> bool:
    """Return whether slices of X are views: for arrays of any library, not frames."""
    if scipy.sparse.issparse(X) or hasattr(X, "iloc") or not hasattr(X, "ndim"):
        return False
    if isinstance(X, np.ndarray):
        return type(X) is np.ndarray  # masks, for example, are lost in concatenation
    return isinstance(X, array_namespace(X).ndarray)


def _runs(rows: np.ndarray, n: int) -> list[tuple[int, int]] | None:
    """Return the one or two runs of consecutive numbers that make up `rows`, if any."""
    if rows.ndim != 1 or rows.dtype.kind not in "iu" or not len(rows):
        return None
    if rows.min() < 0 or rows.max() >= n:
        return None  # numbers from the end, or invalid ones, are left to indexing
    breaks = np.flatnonzero(np.diff(rows) != 1) + 1
    if len(breaks) > 1:
        return None
    edges = [0, *breaks.tolist(), len(rows)]
    runs = [(int(rows[a]), int(rows[b - 1]) + 1) for a, b in pairwise(edges)]
    return runs if all(a < b for a, b in runs) else None
