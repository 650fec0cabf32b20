# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Generate round Gaussian clusters, to be found again."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import dask
import dask.array as da
import numpy as np
from sklearn import datasets as theirs
from sklearn.utils import check_array

from gpu_hpo._typing import ArrayLike, SeedSource, Shaped
from gpu_hpo.data._random_split import root_seed, spawn_seed
from gpu_hpo.datasets._blocks import (
    Chunks,
    Generators,
    check_arguments,
    draw_blocks,
    placed_like,
    row_chunks,
)
from gpu_hpo.devices._namespace import to_host

# What a seed is for.
_CENTERS, _SHARES, _LABELS, _ROWS = range(4)


def make_blobs(
    n_samples: int | Sequence[int] | np.ndarray = 100,
    n_features: int = 2,
    centers: int | Sequence[Any] | np.ndarray | None = None,
    cluster_std: float | Sequence[float] | np.ndarray = 1.0,
    center_box: tuple[float, float] = (-10.0, 10.0),
    shuffle: bool = True,
    random_state: SeedSource = None,
    return_centers: bool = False,
    chunks: Chunks = None,
    like: Shaped | None = None,
) -> tuple[da.Array, ...]:
    """Make round Gaussian clusters, as large as you like.

    Every argument means what it means for `sklearn.datasets.make_blobs`. The centres
    are drawn once; rows are drawn in tasks, block by block, when they are needed.

    Parameters
    ----------
    n_samples : int or array-like of shape (n_centers,), default=100
        Rows, of which the clusters have equal numbers, to one row; or the rows of each
        cluster. They hold over all blocks.
    n_features : int, default=2
        Columns; those of `centers` if these are given.
    centers : int or array-like of shape (n_centers, n_features), optional
        How many clusters, or where they are. By default 3, or as many as `n_samples`
        has entries.
    cluster_std : float or array-like of shape (n_centers,), default=1.0
        Standard deviation of the clusters.
    center_box : tuple of (float, float), default=(-10.0, 10.0)
        Bounds of each coordinate of centres that are drawn.
    shuffle : bool, default=True
        Whether every block has its share of each cluster, to one row, in random order.
        If False, rows are sorted by their cluster, over all blocks.
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
        Makes the data reproducible, for the same `chunks`. The centres do not depend on
        `chunks`.
    return_centers : bool, default=False
        Whether to return the centres as well.
    chunks : int, tuple, "auto" or None, default=None
        Rows of a block, as of `make_classification`.
    like : array, optional
        As of `make_classification`: a CuPy array, for blocks on GPUs.

    Returns
    -------
    X : dask.array.Array of float64, shape (n_samples, n_features)
        The rows.
    y : dask.array.Array of int64, shape (n_samples,)
        Their clusters, from 0 on. It can be computed without `X`.
    centers : dask.array.Array of float64, shape (n_centers, n_features)
        Only if asked for.

    Raises
    ------
    ValueError
        If an argument is out of range, or two do not fit each other.
    TypeError
        If `like` is no array.

    Examples
    --------
    >>> from gpu_hpo.datasets import make_blobs
    >>> X, y = make_blobs(n_samples=[30, 70], chunks=50, random_state=0)
    >>> X.chunks, y.chunks
    (((50, 50), (2,)), ((50, 50),))
    """
    constraints = theirs.make_blobs._skl_parameter_constraints
    constraints = {**constraints, "center_box": [tuple, list]}
    check_arguments("make_blobs", constraints, dict(locals()))
    root = root_seed(random_state)
    low, high = _bounds(center_box)
    where: Any
    if centers is None or isinstance(centers, int | np.integer):
        per_center = _rows_per_center(n_samples, centers)
        # A task of its own: it may be large, and would else travel with every block's.
        where = dask.delayed(_draw_centers, pure=True)(
            low, high, (len(per_center), n_features), spawn_seed(root, _CENTERS)
        )
    else:
        given = check_array(to_host(centers), dtype=np.float64, input_name="centers")
        n_features = given.shape[1]
        per_center = _rows_per_center(n_samples, len(given))
        where = dask.delayed(given, pure=True)
    rows = row_chunks(chunks, sum(per_center), n_features)
    if shuffle:
        counts = _deal(per_center, rows, spawn_seed(root, _SHARES))
    else:
        counts = _cut(per_center, rows)
    blocks = da.from_array(counts, chunks=(1, len(per_center)))
    y = draw_blocks(
        _draw_labels, blocks, root, rows=rows, dtype=np.int64, shuffle=bool(shuffle)
    )
    X = draw_blocks(
        _draw_rows,
        blocks,
        root,
        rows=rows,
        width=n_features,
        centers=where,
        std=_deviations(cluster_std, len(per_center)),
        shuffle=bool(shuffle),
    )
    returned = [X, y]
    if return_centers:
        shape = (len(per_center), n_features)
        returned.append(
            da.from_delayed(where, shape, np.float64, meta=np.empty((0, 0)))
        )
    return tuple(placed_like(like, array) for array in returned)


def _rows_per_center(n_samples: Any, n_centers: int | None) -> list[int]:
    if isinstance(n_samples, Integral):
        n_centers = 3 if n_centers is None else int(n_centers)
        even, rest = divmod(int(n_samples), n_centers)
        return [even + (i < rest) for i in range(n_centers)]
    given = np.asarray(to_host(n_samples))
    if given.ndim != 1 or given.dtype.kind not in "iu" or (given < 0).any():
        raise ValueError(
            f"n_samples={n_samples!r} must be a number of rows, or that of each cluster"
        )
    if n_centers is not None and len(given) != n_centers:
        raise ValueError(
            f"n_samples={n_samples!r} has {len(given)} entries, but there are "
            f"{n_centers} centers"
        )
    per_center: list[int] = given.tolist()
    if not sum(per_center):
        raise ValueError(f"n_samples={n_samples!r} must have at least one row")
    return per_center


def _bounds(center_box: Any) -> tuple[float, float]:
    bounds = [bound for bound in center_box if isinstance(bound, Real)]
    if len(bounds) != 2 or len(center_box) != 2 or not bounds[0] <= bounds[1]:
        raise ValueError(
            f"center_box={center_box!r} must be two numbers, the smaller one first"
        )
    return float(bounds[0]), float(bounds[1])


def _deviations(cluster_std: ArrayLike | float, n_centers: int) -> np.ndarray:
    std = np.asarray(to_host(cluster_std), dtype=np.float64)
    if std.shape not in ((), (n_centers,)) or not (std >= 0).all():
        raise ValueError(
            f"cluster_std={cluster_std!r} must be a number, or one for each of the "
            f"{n_centers} centers, and not negative"
        )
    return np.broadcast_to(std, n_centers)


def _cut(per_center: list[int], rows: tuple[int, ...]) -> np.ndarray:
    """Count each block's rows of each cluster, if they come one after another."""
    ends, cluster_ends = np.cumsum(rows)[:, None], np.cumsum(per_center)
    starts, cluster_starts = ends - np.array(rows)[:, None], cluster_ends - per_center
    counts = np.minimum(ends, cluster_ends) - np.maximum(starts, cluster_starts)
    return np.maximum(counts, 0)


def _deal(
    per_center: list[int], rows: tuple[int, ...], seed: np.random.SeedSequence
) -> np.ndarray:
    """Count each block's rows of each cluster, if blocks are to have equal shares."""
    rng = np.random.default_rng(seed)
    # Python's integers, for the products may not fit into 64 bits.
    left = list(per_center)
    counts = np.empty((len(rows), len(left)), dtype=np.int64)
    for block, n_rows in enumerate(rows):
        total = sum(left)
        shares = [divmod(n * n_rows, total) for n in left]
        dealt = [whole for whole, _ in shares]
        # The largest remainders get one row more; a draw decides on ties.
        ties = rng.permutation(len(left))
        order = sorted(range(len(left)), key=lambda i: (-shares[i][1], ties[i]))
        for i in order[: n_rows - sum(dealt)]:
            dealt[i] += 1
        counts[block] = dealt
        left = [n - k for n, k in zip(left, dealt, strict=True)]
    return counts


def _draw_centers(
    low: float, high: float, shape: tuple[int, int], seed: np.random.SeedSequence
) -> np.ndarray:
    return np.random.default_rng(seed).uniform(low, high, size=shape)


def _draw_labels(
    counts: np.ndarray, generators: Generators, shuffle: bool
) -> np.ndarray:
    """Put the clusters of a block's rows in order."""
    labels = np.repeat(np.arange(counts.shape[1]), counts[0])
    if shuffle:
        generators(_LABELS).shuffle(labels)
    return labels


def _draw_rows(
    counts: np.ndarray,
    generators: Generators,
    centers: np.ndarray,
    std: np.ndarray,
    shuffle: bool,
) -> np.ndarray:
    # The same draw as for the labels, so that neither block waits for the other.
    labels = _draw_labels(counts, generators, shuffle)
    X = generators(_ROWS).standard_normal((len(labels), centers.shape[1]))
    X *= std[labels, None]
    X += centers[labels]
    return X
