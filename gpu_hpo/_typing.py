# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Name the kinds of things that users pass.

The libraries have no type information, or none that they share, so a kind is defined by
what all its members can do. `gpu_hpo.schedules.Schedule` and `gpu_hpo.stacks.Stack` are
two kinds that users write themselves.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Protocol, Self, TypeAlias

import numpy as np


class Estimator(Protocol):
    """A model with parameters: scikit-learn's, cuML's, or one like these."""

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the parameters by name."""

    def set_params(self, **params: Any) -> Self:
        """Set some of the parameters."""


class Shaped(Protocol):
    """An array, a sparse matrix or a frame, on any device, in memory or Dask's."""

    @property
    def shape(self) -> tuple[Any, ...]:
        """Rows first; a number may be unknown where data is lazy."""


class Lazy(Protocol):
    """A Dask collection, such as a ``Delayed``, whose shape may be unknown."""

    def __dask_graph__(self) -> Any:
        """Return the tasks that compute it."""


class Splitter(Protocol):
    """A splitter of rows into those that train and those that test, several times."""

    def get_n_splits(
        self, X: Any = None, y: Any = None, groups: Any = None
    ) -> int | np.integer[Any]:
        """Count the splits."""

    def split(
        self, X: Any, y: Any = None, groups: Any = None
    ) -> Iterator[tuple[Any, Any]]:
        """Yield the rows that train and those that test, for each split."""


# An array of NumPy's or CuPy's or a sparse matrix of SciPy's or CuPy's, whichever the
# data came as. What they have in common has no type.
Array: TypeAlias = Any

# An array, frame or series of Dask's. They have no types.
DaskCollection: TypeAlias = Any

# Rows of features, or a value for each row.
ArrayLike: TypeAlias = Shaped | Lazy | Sequence[Any]

# Parameters of an estimator, or of one of its methods, by name.
Params: TypeAlias = Mapping[str, Any]

# What `sklearn.utils.check_random_state` takes.
RandomState: TypeAlias = int | np.integer[Any] | np.random.RandomState | None

# The same, and NumPy's newer generators and seeds, for what is drawn block by block.
SeedSource: TypeAlias = RandomState | np.random.Generator | np.random.SeedSequence

# What `sklearn.model_selection.ParameterSampler` takes: lists of values, and
# distributions to draw from, by the name of a parameter; or several such spaces.
ParameterSpace: TypeAlias = Mapping[str, Any] | Sequence[Mapping[str, Any]]

# What `sklearn.model_selection.check_cv` takes.
CrossValidation: TypeAlias = int | Splitter | Iterable[tuple[Any, Any]] | None

# What `sklearn.metrics.check_scoring` takes: a name or a function, or several.
Scorers: TypeAlias = (
    str | Callable[..., Any] | Iterable[str] | Mapping[str, str | Callable[..., Any]]
)
