# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Cut all that a user passes as X, y and per-row parameters into blocks of rows."""

from __future__ import annotations

import importlib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any

import dask.array as da
import numpy as np
import scipy.sparse
from dask.base import is_dask_collection

from gpu_hpo._config import read_bytes, read_number
from gpu_hpo._sklearn_private import _num_samples
from gpu_hpo._typing import ArrayLike
from gpu_hpo.data._chunk import Chunk, n_bytes, take_chunk_rows
from gpu_hpo.devices._namespace import is_device_array, is_table


@dataclass(frozen=True)
class Blocks:
    """Blocks of rows, in order.

    Attributes
    ----------
    blocks : list of dict
        Per block a `Chunk`; if `lazy`, its values are delayed.
    lazy : bool
        Whether the blocks are those of Dask collections, and exist on workers only.
    rows : list of (slice or ndarray of int), or None
        The rows of the data that each block has; None if lengths are not known.
    """

    blocks: list[Chunk]
    lazy: bool
    rows: list[slice | np.ndarray] | None = None

    @property
    def n_rows(self) -> int:
        """Count the rows of all blocks, of known lengths."""
        assert self.rows is not None
        return sum(
            part.stop - part.start if isinstance(part, slice) else len(part)
            for part in self.rows
        )

    def with_rows(self, name: str, values: np.ndarray) -> Blocks:
        """Return these blocks with one more host array, cut like all others."""
        assert self.rows is not None
        blocks = [
            {**block, name: values[rows]}
            for block, rows in zip(self.blocks, self.rows, strict=True)
        ]
        return replace(self, blocks=blocks)


def as_blocks(
    X: ArrayLike,
    y: ArrayLike | None = None,
    row_params: Mapping[str, Any] | None = None,
    chunk_size: int | None = None,
    n_interleaved: int | None = None,
    interleave: bool = False,
) -> Blocks:
    """Cut data into blocks of rows, without computing or copying it.

    Rows that are to be interleaved are copied.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        List, NumPy or CuPy array, frame of pandas, Polars or cuDF, PyArrow table,
        scipy.sparse matrix, Dask array or frame of any of these.
    y : array-like of shape (n_samples,) or (n_samples, n_outputs), optional
    row_params : mapping of str to array-like of shape (n_samples, ...), optional
        Cut along with X.
    chunk_size : int, optional
        Rows per block of data that is not a Dask collection. By default about twenty
        blocks of at least 1,000 rows and at most 64 MiB.
    n_interleaved : int, optional
        If given, data that is not a Dask collection becomes this many blocks, each of
        rows from everywhere: however rows are sorted, a block is like the whole. The
        choice is always the same, and rows keep their order within a block.
    interleave : bool, default=False
        Whether to interleave rows in this way without changing the number of blocks.

    Returns
    -------
    Blocks

    Raises
    ------
    ValueError
        If lengths or chunks differ, or there are no rows.
    TypeError
        If y is sparse.
    """
    data = {"X": X, "y": y, **(row_params or {})}
    data = {name: value for name, value in data.items() if value is not None}
    if scipy.sparse.issparse(y):
        raise TypeError(f"y must be dense, a {type(y).__name__} cannot be trained on")
    if any(is_dask_collection(value) for value in data.values()):
        return _lazy_blocks(data)
    return _concrete_blocks(
        {name: _sliceable(name, value) for name, value in data.items()},
        chunk_size,
        n_interleaved,
        interleave,
    )


def as_rows(name: str, value: Any) -> Any:
    """Return what a user passes in a form whose rows can be counted and taken.

    Parameters
    ----------
    name : str
        A frame of Polars or a table of PyArrow stays one if this is "X"; its columns
        have names that models look at. Else it becomes an array.
    value : object

    Returns
    -------
    object
        An array where `value` is none, but gives one by ``__array__``; else `value`.
    """
    if is_table(value):
        if name != "X" or len(getattr(value, "shape", ())) != 2:
            return np.asarray(value)
        if type(value).__name__ == "RecordBatch":  # of which rows are no batch
            return importlib.import_module("pyarrow").Table.from_batches([value])
        return value
    if hasattr(value, "__len__") or hasattr(value, "shape") or isinstance(value, type):
        return value
    return np.asarray(value) if hasattr(value, "__array__") else value


def is_per_row(value: Any, n_samples: int | None) -> bool:
    """Return whether a fit parameter has one entry per row.

    Parameters
    ----------
    value : object
    n_samples : int or None
        Rows of X, if that is known without computation.
    """
    if is_dask_collection(value):
        if not getattr(value, "ndim", 0):
            return False
        length = known_length(value)
        return length is None or n_samples is None or length == n_samples
    if isinstance(value, str | bytes | Mapping) or not hasattr(value, "__len__"):
        return False
    return n_samples is not None and len(value) == n_samples


def known_length(X: ArrayLike) -> int | None:
    """Count the rows of X if that takes no computation."""
    if is_dask_collection(X):
        length = X.shape[0] if isinstance(X, da.Array) else math.nan
        return None if math.isnan(length) else int(length)
    return int(_num_samples(X))


def _sliceable(name: str, value: Any) -> Any:
    if isinstance(value, list | tuple):
        try:
            value = np.asarray(value)
        except ValueError as error:
            raise ValueError(f"{name} has rows of different lengths: {error}") from None
    if scipy.sparse.issparse(value) and value.format != "csr":
        return value.tocsr()
    return value


def _concrete_blocks(
    data: dict[str, Any],
    chunk_size: int | None,
    n_interleaved: int | None,
    interleave: bool,
) -> Blocks:
    for name, value in data.items():
        if not hasattr(value, "__len__") or getattr(value, "shape", None) == ():
            raise TypeError(f"{name} must have one entry per row of X; got {value!r}")
    lengths = {name: int(_num_samples(value)) for name, value in data.items()}
    n = lengths["X"]
    for name, length in lengths.items():
        if length != n:
            raise ValueError(
                f"X and {name} must have the same number of rows: "
                f"X has {n} and {name} has {length}"
            )
    if n == 0:
        raise ValueError("X has no rows")
    rows = chunk_size or default_rows(n, n_bytes(data))
    parts: list[Any]
    if interleave and n_interleaved is None:
        n_interleaved = math.ceil(n / rows)
    if n_interleaved is not None:
        every = min(n_interleaved, n)
        # At random: with a fixed step, a pattern in the rows would go into one block.
        order = np.random.default_rng(n).permutation(n)
        parts = [np.sort(order[i::every]) for i in range(every)]
    else:
        parts = [slice(i, min(i + rows, n)) for i in range(0, n, rows)]
    return Blocks([take_chunk_rows(data, part) for part in parts], False, parts)


def default_rows(n: int, size: int) -> int:
    """Return the default rows of a chunk, for `n` rows of `size` bytes in all.

    With fewer rows, calls would cost more than they teach; with more bytes, tasks would
    take too much of a worker's memory.
    """
    n_chunks, least = read_number("chunks.number"), read_number("chunks.min-rows")
    rows = max(least, math.ceil(n / n_chunks))
    rows = min(rows, max(1, read_bytes("chunks.max-size") * n // max(size, 1)))
    # Equal blocks rather than a small one at the end.
    return math.ceil(n / max(1, round(n / rows)))


def _lazy_blocks(data: dict[str, Any]) -> Blocks:
    X = data["X"]
    if not is_dask_collection(X):
        data["X"] = X = _as_dask(X, data)
    if isinstance(X, da.Array) and X.ndim > 1 and any(n > 1 for n in X.numblocks[1:]):
        X = X.rechunk(dict.fromkeys(range(1, X.ndim), -1))
    parts = {"X": _delayed(X)}
    for name, value in data.items():
        if name == "X":
            continue
        value = _aligned(X, name, value)
        parts[name] = _delayed(value)
        if len(parts[name]) != len(parts["X"]):
            raise ValueError(
                f"X and {name} must have the same chunks: X has {len(parts['X'])} "
                f"and {name} has {len(parts[name])}"
            )
    return Blocks(
        [
            dict(zip(parts, values, strict=True))
            for values in zip(*parts.values(), strict=True)
        ],
        True,
        _rows_of(X),
    )


def _rows_of(X: ArrayLike) -> list[Any] | None:
    rows: tuple[Any, ...] = X.chunks[0] if isinstance(X, da.Array) else (math.nan,)
    if any(math.isnan(n) for n in rows):
        return None
    ends = list(accumulate(rows))
    return [slice(end - n, end) for n, end in zip(rows, ends, strict=True)]


def _aligned(X: ArrayLike, name: str, value: Any) -> Any:
    """Return `value` in the chunks of X; raise if it cannot be cut like X."""
    rows: tuple[Any, ...] = X.chunks[0] if isinstance(X, da.Array) else (math.nan,)
    known = not any(math.isnan(n) for n in rows)
    if not is_dask_collection(value):
        value = _sliceable(name, value)
        if not known:
            raise ValueError(
                f"{name} must be a Dask collection, since X is one whose chunk sizes "
                f"are not known; got {type(value).__name__}"
            )
        if _num_samples(value) != sum(rows):
            raise ValueError(
                f"X and {name} must have the same number of rows: "
                f"X has {sum(rows)} and {name} has {_num_samples(value)}"
            )
        return _from_array(value, rows)
    if isinstance(value, da.Array):
        theirs = value.chunks[0]
        if known and not any(math.isnan(n) for n in theirs):
            if sum(theirs) != sum(rows):
                raise ValueError(
                    f"X and {name} must have the same number of rows: "
                    f"X has {sum(rows)} and {name} has {sum(theirs)}"
                )
            if theirs != rows:
                value = value.rechunk({0: rows})
        if value.ndim > 1:
            value = value.rechunk(dict.fromkeys(range(1, value.ndim), -1))
    return value


def _as_dask(X: ArrayLike, data: Mapping[str, Any]) -> da.Array:
    """Return X in the chunks of the Dask arrays in `data`, if X itself is none."""
    X = _sliceable("X", X)
    for name, value in data.items():
        if isinstance(value, da.Array) and not math.isnan(value.shape[0]):
            if _num_samples(X) != value.shape[0]:
                raise ValueError(
                    f"X and {name} must have the same number of rows: "
                    f"X has {_num_samples(X)} and {name} has {value.shape[0]}"
                )
            return _from_array(X, value.chunks[0])
    raise ValueError(
        f"X must be a Dask collection, since {', '.join(data.keys() - {'X'})} is one "
        f"whose chunk sizes are not known; got {type(X).__name__}"
    )


def _from_array(value: Any, rows: tuple[int, ...]) -> da.Array:
    """Return a Dask array of `value`, which stays where it is, in chunks of `rows`."""
    if not is_device_array(value):
        sparse = scipy.sparse.issparse(value)
        value = value if sparse else np.asarray(value)
    return da.from_array(value, chunks=(rows, *value.shape[1:]), asarray=False)


def _delayed(value: Any) -> list[Any]:
    blocks = value.to_delayed()
    return list(blocks.ravel()) if isinstance(blocks, np.ndarray) else list(blocks)
