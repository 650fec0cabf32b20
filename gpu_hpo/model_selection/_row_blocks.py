# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find kinds, block lengths and lazy row numbers of Dask collections."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from gpu_hpo._typing import Array, ArrayLike, DaskCollection
from gpu_hpo.data._blocks import known_length
from gpu_hpo.data._random_split import spawn_seed
from gpu_hpo.devices._namespace import is_device_array, to_host, type_name


def kind(x: Any) -> Literal["array", "frame", "other"]:
    """Return the kind of a Dask collection, without importing modules of Dask.

    A series is a "frame". Other Dask collections, and arrays without rows, raise a
    ``TypeError`` or ``ValueError``.
    """
    from dask import is_dask_collection
    from dask.delayed import Delayed

    if not is_dask_collection(x):
        return "other"
    if not isinstance(x, Delayed):  # a Delayed has any attribute
        if hasattr(x, "divisions"):
            return "frame"
        if hasattr(x, "chunks"):
            if not x.ndim:
                raise ValueError("cannot split a Dask array that has no axis of rows")
            return "array"
    raise TypeError(
        f"cannot split a {type_name(x)}; of Dask's collections, arrays, frames and "
        "series can be"
    )


def block_lengths(X: DaskCollection) -> tuple[int, ...]:
    """Count the rows of each block; compute X if they are unknown.

    Only these numbers come here from the workers.
    """
    if kind(X) == "frame":
        import pandas as pd

        # The index suffices, so a reader can skip the columns.
        meta = pd.Series([], dtype="int64")
        return tuple(map(int, X.index.map_partitions(len, meta=meta).compute()))
    if not math.isnan(X.shape[0]):
        return tuple(map(int, X.chunks[0]))
    import dask

    first = X.blocks[(slice(None), *(0,) * (X.ndim - 1))].to_delayed().ravel()
    return dask.compute(*(dask.delayed(_n_rows)(block) for block in first))


def n_rows(X: ArrayLike) -> int:
    """Count the rows of any data; compute a Dask X of unknown length."""
    try:
        n = None if kind(X) == "frame" else known_length(X)
    except TypeError as error:
        raise TypeError(f"X must have rows; got {X!r}: {error}") from error
    return sum(block_lengths(X)) if n is None else n


def check_lengths(n: int, **others: ArrayLike | None) -> None:
    """Raise a ValueError if y or groups have another number of rows than X.

    Lengths that are not known are not checked.
    """
    for name, other in others.items():
        length = None if other is None else known_length(other)
        if length is not None and length != n:
            raise ValueError(
                f"X and {name} have different numbers of rows: {n} and {length}"
            )


def index_array(
    lengths: Sequence[int] | np.ndarray,
    picks: np.ndarray,
    root: np.random.SeedSequence | None = None,
) -> DaskCollection:
    """Return lazy row numbers of a Dask collection, sorted, in the collection's blocks.

    Parameters
    ----------
    lengths : sequence of int
        Rows of each block.
    picks : ndarray of int of shape (n_blocks, 4)
        ``(a, b, c, d)`` picks positions a to b and c to d of a block's rows.
    root : numpy.random.SeedSequence, optional
        If given, the rows of each block are shuffled first, the same for the same seed.

    Returns
    -------
    dask.array.Array of intp
        Blocks without picked rows are left out.
    """
    import dask.array as da

    lengths = np.asarray(lengths, dtype=np.int64)
    counts = picks[:, 1] - picks[:, 0] + picks[:, 3] - picks[:, 2]
    first = np.cumsum(lengths) - lengths
    table = np.column_stack([np.arange(len(lengths)), first, lengths, picks])
    kept = counts > 0
    return da.map_blocks(
        _pick,
        da.from_array(table[kept], chunks=(1, table.shape[1])),
        root=root,
        drop_axis=1,
        chunks=(tuple(counts[kept].tolist()),),
        dtype=np.intp,
        meta=np.empty(0, dtype=np.intp),
    )


def cut_like(rows: np.ndarray, lengths: Sequence[int]) -> DaskCollection:
    """Make sorted row numbers a Dask array in blocks that match those of the data."""
    import dask.array as da

    ends = np.searchsorted(rows, np.cumsum(lengths))
    counts = np.diff(ends, prepend=0)
    return da.from_array(rows, chunks=(tuple(counts[counts > 0].tolist()),))


def host_labels(y: Any) -> ArrayLike:
    """Copy labels, and nothing else, to the host, where scikit-learn counts them.

    Labels in the host's memory are returned as they are.
    """
    if kind(y) != "other":
        y = y.compute()
    return to_host(y) if is_device_array(y) else y


def _n_rows(block: Array) -> int:
    return int(block.shape[0])


def _pick(row: np.ndarray, *, root: np.random.SeedSequence | None) -> np.ndarray:
    """Return the numbers of the rows that are picked of one block. Runs in a task."""
    number, first, n, a, b, c, d = row[0].tolist()
    if root is None:
        order = np.arange(n)
    else:
        order = np.random.default_rng(spawn_seed(root, number)).permutation(n)
    return first + np.sort(np.concatenate([order[a:b], order[c:d]]))
