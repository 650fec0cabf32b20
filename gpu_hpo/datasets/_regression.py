# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Generate a linear model with noise, well-conditioned or nearly low-rank."""

from __future__ import annotations

from typing import Any

import dask
import dask.array as da
import numpy as np
from scipy.linalg import solve_triangular
from sklearn import datasets as theirs

from gpu_hpo._typing import SeedSource, Shaped
from gpu_hpo.data._random_split import root_seed, spawn_seed
from gpu_hpo.datasets._blocks import (
    Chunks,
    Generators,
    check_arguments,
    draw_blocks,
    empty_rows,
    placed_like,
    row_chunks,
)

# What a seed is for.
_COEFFICIENTS, _DIRECTIONS, _ROWS, _NOISE = range(4)
# Triangles that one task joins.
_FAN_IN = 8


def make_regression(
    n_samples: int = 100,
    n_features: int = 100,
    n_informative: int = 10,
    n_targets: int = 1,
    bias: float = 0.0,
    effective_rank: int | None = None,
    tail_strength: float = 0.5,
    noise: float = 0.0,
    shuffle: bool = True,
    coef: bool = False,
    random_state: SeedSource = None,
    chunks: Chunks = None,
    like: Shaped | None = None,
) -> tuple[da.Array, ...]:
    """Make a random regression problem, as large as you like.

    Every argument means what it means for `sklearn.datasets.make_regression`. The
    coefficients are drawn once; rows are drawn in tasks, block by block, when they are
    needed.

    Parameters
    ----------
    n_samples : int, default=100
        Rows.
    n_features : int, default=100
        Columns.
    n_informative : int, default=10
        Columns that the targets depend on; all, if there are fewer columns.
    n_targets : int, default=1
        Columns of `y`; for one, `y` and the coefficients have one axis.
    bias : float, default=0.0
        Added to the targets.
    effective_rank : int, optional
        Approximate number of singular vectors that explain most of the data; see Notes.
        By default columns are independent standard normal.
    tail_strength : float, default=0.5
        Share, from 0 to 1, of the long tail in the profile of singular values, if
        there is an `effective_rank`.
    noise : float, default=0.0
        Standard deviation of the normal noise that is added to the targets.
    shuffle : bool, default=True
        Whether informative columns are at random positions, instead of the first. Rows
        are in random order in any case.
    coef : bool, default=False
        Whether to return the coefficients as well.
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
        Makes the data reproducible, for the same `chunks`.
    chunks : int, tuple, "auto" or None, default=None
        Rows of a block, as of `make_classification`.
    like : array, optional
        As of `make_classification`: a CuPy array, for blocks on GPUs.

    Returns
    -------
    X : dask.array.Array of float64, shape (n_samples, n_features)
        The rows.
    y : dask.array.Array of float64, shape (n_samples,) or (n_samples, n_targets)
        Their targets.
    coef : dask.array.Array of float64, shape (n_features,) or (n_features, n_targets)
        The coefficients, up to 100; only if asked for.

    Raises
    ------
    ValueError
        If an argument is out of range.
    TypeError
        If `like` is no array.

    Notes
    -----
    With `effective_rank` the singular values of `X` are exactly those of
    `sklearn.datasets.make_low_rank_matrix`. This needs a look at all rows: they are
    drawn in blocks, of which each leaves a square of at most `n_features` rows; these
    are joined to that of all rows (the QR decomposition of [1]_, without Q), and then
    every block is drawn again and multiplied by what makes its columns orthonormal
    together with those of the others. So even a single block takes a pass over the
    seeds of all, but no two blocks have to be in memory at once.

    References
    ----------
    .. [1] J. Demmel, L. Grigori, M. Hoemmen and J. Langou, "Communication-optimal
       parallel and sequential QR and LU factorizations", SIAM J. Sci. Comput. 34(1),
       2012.

    Examples
    --------
    >>> from gpu_hpo.datasets import make_regression
    >>> X, y = make_regression(n_samples=200, chunks=100, random_state=0)
    >>> X.chunks, y.chunks
    (((100, 100), (100,)), ((100, 100),))
    """
    constraints = theirs.make_regression._skl_parameter_constraints
    check_arguments("make_regression", constraints, dict(locals()))
    rows = row_chunks(chunks, n_samples, n_features)
    root = root_seed(random_state)
    # Tasks of their own: they may be large, and would else travel with every block's.
    coefficients = dask.delayed(_draw_coefficients, pure=True)(
        (int(n_features), int(n_targets)),
        min(int(n_informative), int(n_features)),
        bool(shuffle),
        spawn_seed(root, _COEFFICIENTS),
    )
    projection = None
    if effective_rank is not None:
        projection = _low_rank_projection(
            rows, int(n_features), int(effective_rank), float(tail_strength), root
        )
    X = draw_blocks(
        _draw_rows,
        empty_rows(rows),
        root,
        width=n_features,
        n_normal=int(n_features) if projection is None else min(n_samples, n_features),
        projection=projection,
    )
    y = draw_blocks(
        _draw_targets,
        X,
        root,
        width=n_targets,
        coefficients=coefficients,
        bias=float(bias),
        noise=float(noise),
    )
    truth = da.from_delayed(
        coefficients, (n_features, n_targets), np.float64, meta=np.empty((0, 0))
    )
    if n_targets == 1:
        y, truth = y[:, 0], truth[:, 0]
    returned = (X, y, truth) if coef else (X, y)
    return tuple(placed_like(like, array) for array in returned)


def _draw_coefficients(
    shape: tuple[int, int],
    n_informative: int,
    shuffle: bool,
    seed: np.random.SeedSequence,
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coefficients = np.zeros(shape)
    coefficients[:n_informative] = rng.uniform(0, 100, size=(n_informative, shape[1]))
    # The columns of X are alike: to shuffle them would change nothing else.
    return rng.permutation(coefficients) if shuffle else coefficients


def _low_rank_projection(
    rows: tuple[int, ...],
    n_features: int,
    effective_rank: int,
    tail_strength: float,
    root: np.random.SeedSequence,
) -> Any:
    """Find lazily what takes the normal rows of all blocks to those of the data."""
    width = min(sum(rows), n_features)
    triangle = dask.delayed(_triangle, pure=True)
    join = dask.delayed(_join, pure=True)
    parts = [
        triangle(n_rows, width, spawn_seed(root, _ROWS, i))
        for i, n_rows in enumerate(rows)
    ]
    while len(parts) > 1:
        parts = [join(parts[i : i + _FAN_IN]) for i in range(0, len(parts), _FAN_IN)]
    return dask.delayed(_project, pure=True)(
        parts[0],
        n_features,
        effective_rank,
        tail_strength,
        spawn_seed(root, _DIRECTIONS),
    )


def _draw_normal(n_rows: int, width: int, seed: np.random.SeedSequence) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n_rows, width))


def _triangle(n_rows: int, width: int, seed: np.random.SeedSequence) -> Any:
    """Return R of one block's rows. Runs in a task, which keeps no row."""
    return np.linalg.qr(_draw_normal(n_rows, width, seed), mode="r")


def _join(triangles: list[np.ndarray]) -> Any:
    """Return R of all rows, from the R of each part."""
    return np.linalg.qr(np.vstack(triangles), mode="r")


def _project(
    triangle: np.ndarray,
    n_features: int,
    effective_rank: int,
    tail_strength: float,
    seed: np.random.SeedSequence,
) -> np.ndarray:
    """Return R⁻¹ S Vᵀ: rows times R⁻¹ are the orthonormal U of all blocks together."""
    width = len(triangle)
    directions = np.linalg.qr(_draw_normal(n_features, width, seed))[0]
    position = np.arange(width) / effective_rank
    singular_values = (1 - tail_strength) * np.exp(-(position**2))
    singular_values += tail_strength * np.exp(-0.1 * position)
    return solve_triangular(triangle, singular_values[:, None] * directions.T)


def _draw_rows(
    block: np.ndarray,
    generators: Generators,
    n_normal: int,
    projection: np.ndarray | None,
) -> np.ndarray:
    X = generators(_ROWS).standard_normal((len(block), n_normal))
    return X if projection is None else X @ projection


def _draw_targets(
    X: np.ndarray,
    generators: Generators,
    coefficients: np.ndarray,
    bias: float,
    noise: float,
) -> np.ndarray:
    y = X @ coefficients + bias
    if noise:
        y += generators(_NOISE).normal(scale=noise, size=y.shape)
    return y
