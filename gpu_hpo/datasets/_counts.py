# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Generate counts of events with a rate that depends on some columns."""

from __future__ import annotations

from numbers import Integral, Real

import dask
import dask.array as da
import numpy as np

from gpu_hpo._sklearn_private import Interval
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
_COEFFICIENTS, _ROWS, _COUNTS = range(3)
# Counts of larger rates may not fit 64 bits, and NumPy draws none.
_MAX_LOG_RATE = 62 * np.log(2)

_CONSTRAINTS = {
    "n_samples": [Interval(Integral, 1, None, closed="left")],
    "n_features": [Interval(Integral, 1, None, closed="left")],
    "n_informative": [Interval(Integral, 0, None, closed="left")],
    "scale": [Interval(Real, 0, None, closed="left")],
}


def make_counts(
    n_samples: int = 1000,
    n_features: int = 100,
    n_informative: int = 2,
    scale: float = 1.0,
    chunks: Chunks = 100,
    random_state: SeedSource = None,
    like: Shaped | None = None,
) -> tuple[da.Array, da.Array]:
    """Make counts that are Poisson distributed, as large as you like.

    Columns are independent standard normal. The rate of a row's events is the
    exponential of its informative columns times their coefficients, which are drawn
    once, uniformly from ``[-scale, 0)`` as in dask-ml.

    Parameters
    ----------
    n_samples : int, default=1000
        Rows.
    n_features : int, default=100
        Columns.
    n_informative : int, default=2
        Number of columns that the rate depends on; they are chosen at random.
    scale : float, default=1.0
        The larger, the more the rates differ. No rate is above 2**62.
    chunks : int, tuple, "auto" or None, default=100
        Rows of a block, as of `make_classification`.
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
        Makes the data reproducible, for the same `chunks`.
    like : array, optional
        As of `make_classification`: a CuPy array, for blocks on GPUs.

    Returns
    -------
    X : dask.array.Array of float64, shape (n_samples, n_features)
        The rows.
    y : dask.array.Array of int64, shape (n_samples,)
        Their counts.

    Raises
    ------
    ValueError
        If an argument is out of range.
    TypeError
        If `like` is no array.

    Examples
    --------
    >>> from gpu_hpo.datasets import make_counts
    >>> X, y = make_counts(n_samples=200, random_state=0)
    >>> X.chunks, y.chunks
    (((100, 100), (100,)), ((100, 100),))
    """
    check_arguments("make_counts", _CONSTRAINTS, dict(locals()))
    if n_informative > n_features:
        raise ValueError(
            f"n_informative={n_informative} must not be more than "
            f"n_features={n_features}"
        )
    rows = row_chunks(chunks, n_samples, n_features)
    root = root_seed(random_state)
    coefficients = dask.delayed(_draw_coefficients, pure=True)(
        int(n_features),
        int(n_informative),
        float(scale),
        spawn_seed(root, _COEFFICIENTS),
    )
    width = int(n_features)
    X = draw_blocks(_draw_rows, empty_rows(rows), root, width=width, n_features=width)
    y = draw_blocks(_draw_counts, X, root, dtype=np.int64, coefficients=coefficients)
    return placed_like(like, X), placed_like(like, y)


def _draw_coefficients(
    n_features: int, n_informative: int, scale: float, seed: np.random.SeedSequence
) -> np.ndarray:
    rng = np.random.default_rng(seed)
    coefficients = np.zeros(n_features)
    informative = rng.choice(n_features, n_informative, replace=False)
    coefficients[informative] = (rng.uniform(size=n_informative) - 1) * scale
    return coefficients


def _draw_rows(
    block: np.ndarray, generators: Generators, n_features: int
) -> np.ndarray:
    return generators(_ROWS).standard_normal((len(block), n_features))


def _draw_counts(
    X: np.ndarray, generators: Generators, coefficients: np.ndarray
) -> np.ndarray:
    rates = np.exp(np.minimum(X @ coefficients, _MAX_LOG_RATE))
    return generators(_COUNTS).poisson(rates)
