# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Generate Gaussian clusters at the corners of a cube, like scikit-learn's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import dask
import dask.array as da
import numpy as np
from sklearn import datasets as theirs
from sklearn.utils.random import sample_without_replacement

from gpu_hpo._typing import ArrayLike, SeedSource, Shaped
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

# Larger than this, the numbers of the corners of a cube do not fit an integer.
_MAX_CORNER_BITS = 30
# What a seed is for.
_GEOMETRY, _LABELS, _ROWS = range(3)


def make_classification(
    n_samples: int = 100,
    n_features: int = 20,
    n_informative: int = 2,
    n_redundant: int = 2,
    n_repeated: int = 0,
    n_classes: int = 2,
    n_clusters_per_class: int = 2,
    weights: Sequence[float] | np.ndarray | None = None,
    flip_y: float = 0.01,
    class_sep: float = 1.0,
    hypercube: bool = True,
    shift: float | Sequence[float] | np.ndarray | None = 0.0,
    scale: float | Sequence[float] | np.ndarray | None = 1.0,
    shuffle: bool = True,
    random_state: SeedSource = None,
    chunks: Chunks = None,
    like: Shaped | None = None,
) -> tuple[da.Array, da.Array]:
    """Make a random classification problem, as large as you like.

    Every argument means what it means for `sklearn.datasets.make_classification`.
    Where the clusters are, their shapes and how features depend on each other are
    drawn once; rows are drawn in tasks, block by block, when they are needed.

    Parameters
    ----------
    n_samples : int, default=100
        Rows.
    n_features : int, default=20
        Columns: the informative, redundant and repeated ones, and noise for the rest.
    n_informative : int, default=2
        Columns that place a row in its cluster.
    n_redundant : int, default=2
        Columns that are random linear combinations of the informative ones.
    n_repeated : int, default=0
        Columns that repeat an informative or redundant one.
    n_classes : int, default=2
        Classes.
    n_clusters_per_class : int, default=2
        Gaussian clusters in each class, each at a corner of its own.
    weights : array-like of shape (n_classes,) or (n_classes - 1,), optional
        Share of each class in every block, to one row; the last class gets the rest to
        1, or the rest is spread evenly if every class has a weight.
    flip_y : float, default=0.01
        Fraction of rows whose class is drawn anew.
    class_sep : float, default=1.0
        Half the side of the cube on whose corners the clusters lie.
    hypercube : bool, default=True
        If False, the corners are moved at random.
    shift : float, array-like of shape (n_features,) or None, default=0.0
        Added to the columns before they are shuffled. None draws it from
        ``[-class_sep, class_sep]``.
    scale : float, array-like of shape (n_features,) or None, default=1.0
        Multiplies the columns after the shift. None draws it from ``[1, 101]``.
    shuffle : bool, default=True
        Shuffle the rows within each block, and the columns. If False, the columns are
        in the order of the arguments, and each block's rows in that of the clusters.
    random_state : int, RandomState, Generator, SeedSequence or None, default=None
        Makes the data reproducible, for the same `chunks`.
    chunks : int, tuple, "auto" or None, default=None
        Rows of a block (-1: all in one); or the rows of each, which add up to
        `n_samples`; or, as for any Dask array, ``(rows, n_features)``. Columns are
        never cut. None and "auto" make blocks of at most 64 MiB.
    like : array, optional
        Of the library whose arrays the blocks shall be: a CuPy array, or a Dask array
        of these, for blocks on the workers' GPUs. Their values are the same.

    Returns
    -------
    X : dask.array.Array of float64, shape (n_samples, n_features)
        The rows.
    y : dask.array.Array of int64, shape (n_samples,)
        Their classes, from 0 on. It can be computed without `X`.

    Raises
    ------
    ValueError
        If an argument, or a combination of them, is out of range.
    TypeError
        If `like` is no array.

    References
    ----------
    I. Guyon, "Design of experiments for the NIPS 2003 variable selection benchmark",
    2003, by way of scikit-learn's generator.

    Examples
    --------
    >>> from gpu_hpo.datasets import make_classification
    >>> X, y = make_classification(chunks=20, random_state=0)
    >>> X.chunks
    ((20, 20, 20, 20, 20), (20,))
    """
    constraints = theirs.make_classification._skl_parameter_constraints
    check_arguments("make_classification", constraints, dict(locals()))
    recipe = _Recipe(
        n_features=int(n_features),
        n_informative=int(n_informative),
        n_redundant=int(n_redundant),
        n_repeated=int(n_repeated),
        n_classes=int(n_classes),
        n_clusters_per_class=int(n_clusters_per_class),
        class_shares=_class_shares(weights, n_classes),
        flip_y=float(flip_y),
        class_sep=float(class_sep),
        hypercube=bool(hypercube),
        shift=_per_feature("shift", shift, n_features),
        scale=_per_feature("scale", scale, n_features),
        shuffle=bool(shuffle),
    )
    rows = row_chunks(chunks, n_samples, n_features)
    root = root_seed(random_state)
    # A task of its own: it may be large, and would else travel with every block's.
    geometry = dask.delayed(_Geometry.draw, pure=True)(
        recipe, spawn_seed(root, _GEOMETRY)
    )
    lengths = empty_rows(rows)
    y = draw_blocks(_draw_labels, lengths, root, dtype=np.int64, recipe=recipe)
    X = draw_blocks(
        _draw_rows, lengths, root, width=n_features, recipe=recipe, geometry=geometry
    )
    return placed_like(like, X), placed_like(like, y)


@dataclass(frozen=True)
class _Recipe:
    """Check the arguments that say what rows look like."""

    n_features: int
    n_informative: int
    n_redundant: int
    n_repeated: int
    n_classes: int
    n_clusters_per_class: int
    class_shares: tuple[float, ...]
    flip_y: float
    class_sep: float
    hypercube: bool
    shift: np.ndarray | None
    scale: np.ndarray | None
    shuffle: bool

    def __post_init__(self) -> None:
        n_informative, n_classes = self.n_informative, self.n_classes
        if n_informative + self.n_redundant + self.n_repeated > self.n_features:
            raise ValueError(
                f"n_informative={n_informative}, n_redundant={self.n_redundant} and "
                f"n_repeated={self.n_repeated} must not sum to more than "
                f"n_features={self.n_features}"
            )
        if self.n_clusters > 2**n_informative:
            raise ValueError(
                f"n_classes={n_classes} times n_clusters_per_class="
                f"{self.n_clusters_per_class} must not be more than 2**n_informative="
                f"{2**n_informative}: every cluster needs a corner of its own; "
                f"n_informative={n_informative} is too small"
            )

    @property
    def n_clusters(self) -> int:
        return self.n_classes * self.n_clusters_per_class


@dataclass(frozen=True)
class _Geometry:
    """Hold all that the rows share, drawn once."""

    centroids: np.ndarray  # (n_clusters, n_informative)
    mixing: np.ndarray  # (n_clusters, n_informative, n_informative)
    combination: np.ndarray  # (n_informative, n_redundant)
    repeated: np.ndarray  # (n_repeated,), columns
    shift: np.ndarray  # (n_features,) or one for all
    scale: np.ndarray  # (n_features,) or one for all
    order: np.ndarray  # (n_features,), columns

    @classmethod
    def draw(cls, recipe: _Recipe, seed: np.random.SeedSequence) -> _Geometry:
        rng = np.random.default_rng(seed)
        n, d = recipe.n_clusters, recipe.n_informative
        centroids = (2.0 * _corners(n, d, rng) - 1.0) * recipe.class_sep
        if not recipe.hypercube:
            centroids *= rng.uniform(size=(n, 1))
            centroids *= rng.uniform(size=(1, d))
        useful = d + recipe.n_redundant
        shift, scale = recipe.shift, recipe.scale
        mixing = rng.uniform(-1, 1, size=(n, d, d))
        combination = rng.uniform(-1, 1, size=(d, recipe.n_redundant))
        repeated = rng.integers(useful, size=recipe.n_repeated)
        if shift is None:
            shift = rng.uniform(-1, 1, size=recipe.n_features) * recipe.class_sep
        if scale is None:
            scale = rng.uniform(1, 101, size=recipe.n_features)
        order = np.arange(recipe.n_features)
        if recipe.shuffle:
            rng.shuffle(order)
        return cls(centroids, mixing, combination, repeated, shift, scale, order)


def _corners(n: int, dimensions: int, rng: np.random.Generator) -> np.ndarray:
    """Draw `n` different corners of the unit cube."""
    bits = min(dimensions, _MAX_CORNER_BITS)
    # scikit-learn's sampler, for its order: where all corners are taken it is the
    # sorted one, which is easier to learn than classes at random corners.
    numbers = sample_without_replacement(
        2**bits, n, random_state=int(rng.integers(2**31))
    )
    corners = numbers[:, None] >> np.arange(bits)[::-1] & 1
    rest = rng.integers(2, size=(n, dimensions - bits))
    return np.hstack([rest, corners])


def _draw_clusters(
    n_rows: int, recipe: _Recipe, rng: np.random.Generator
) -> np.ndarray:
    """Draw the cluster of each row of a block."""
    # Cumulated shares, rounded from one random offset: every class and cluster gets
    # its share to one row, and exactly its share on average over the blocks.
    per_class = recipe.n_clusters_per_class
    shares = np.repeat(recipe.class_shares, per_class) / per_class
    ends = np.floor(np.cumsum(shares) * n_rows + rng.uniform()).astype(np.int64)
    ends[-1] = n_rows
    counts = np.diff(np.minimum(ends, n_rows), prepend=0)
    # Cluster k is one of class k modulo n_classes.
    by_class = np.arange(recipe.n_clusters).reshape(per_class, -1).T.ravel()
    clusters = np.sort(np.repeat(by_class, counts))
    if recipe.shuffle:
        rng.shuffle(clusters)
    return clusters


def _draw_labels(
    block: np.ndarray, generators: Generators, recipe: _Recipe
) -> np.ndarray:
    rng = generators(_LABELS)
    y = _draw_clusters(len(block), recipe, rng) % recipe.n_classes
    flipped = rng.uniform(size=len(y)) < recipe.flip_y
    y[flipped] = rng.integers(recipe.n_classes, size=np.count_nonzero(flipped))
    return y


def _draw_rows(
    block: np.ndarray, generators: Generators, recipe: _Recipe, geometry: _Geometry
) -> np.ndarray:
    # The same draw as for the labels, so that neither block waits for the other.
    clusters = _draw_clusters(len(block), recipe, generators(_LABELS))

    rng = generators(_ROWS)
    n_informative = recipe.n_informative
    useful = n_informative + recipe.n_redundant
    structured = useful + recipe.n_repeated
    X = np.empty((len(block), recipe.n_features))
    informative = rng.standard_normal((len(block), n_informative))
    for cluster in range(recipe.n_clusters):
        rows = np.flatnonzero(clusters == cluster)
        spread = informative[rows] @ geometry.mixing[cluster]
        informative[rows] = spread + geometry.centroids[cluster]
    X[:, :n_informative] = informative
    X[:, n_informative:useful] = informative @ geometry.combination
    X[:, useful:structured] = X[:, geometry.repeated]
    X[:, structured:] = rng.standard_normal((len(block), X.shape[1] - structured))
    X += geometry.shift
    X *= geometry.scale
    return X[:, geometry.order] if recipe.shuffle else X


def _class_shares(weights: ArrayLike | None, n_classes: int) -> tuple[float, ...]:
    if weights is None:
        return (1.0 / n_classes,) * n_classes
    shares = [float(weight) for weight in np.ravel(np.asarray(weights))]
    total = sum(shares)
    if len(shares) not in (n_classes, n_classes - 1):
        raise ValueError(
            f"weights={weights!r} must have one entry for each of the "
            f"{n_classes} classes, or one less"
        )
    if not all(0 <= share <= 1 for share in shares) or total > 1 + 1e-9:
        raise ValueError(
            f"weights={weights!r} must be between 0 and 1, and not sum to more than 1"
        )
    left = max(1.0 - total, 0.0)
    if len(shares) == n_classes - 1:
        return (*shares, left)
    return tuple(share + left / n_classes for share in shares)


def _per_feature(
    name: str, value: ArrayLike | float | None, n_features: int
) -> np.ndarray | None:
    if value is None:
        return None
    values = np.asarray(value, dtype=np.float64)
    if values.shape not in ((), (n_features,)):
        raise ValueError(
            f"{name} must be a number, None or have shape ({n_features},), one for "
            f"each feature; got shape {values.shape}"
        )
    return values
