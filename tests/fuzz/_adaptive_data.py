# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The rows of a case, and whether they are still what they were."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import scipy.sparse
from dask.base import is_dask_collection
from sklearn.base import BaseEstimator


@dataclass
class Data:
    """What is given to `fit`.

    Attributes
    ----------
    X, y, weight, groups
        On the host, of any kind.
    validation : tuple or None
        As `fit` takes it.
    fit : dict
        Further fit parameters, for every call.
    blocks : tuple of int, int or None
        Rows of the blocks of Dask arrays, or how many partitions frames have.
    """

    X: Any
    y: Any
    weight: Any = None
    groups: Any = None
    validation: Any = None
    fit: dict[str, Any] = field(default_factory=dict)
    blocks: Any = None

    @property
    def n(self) -> int:
        return len(self.X) if isinstance(self.X, list) else self.X.shape[0]

    def given(self) -> tuple[tuple, dict[str, Any]]:
        """Arguments of `fit`, by place and by name."""
        return self._arguments(self.X, self.validation)

    def numbered(self) -> tuple[tuple, dict[str, Any]]:
        """The same, with the numbers of rows in place of X."""
        n = self.n
        numbers: Any = np.arange(n, dtype=float)[:, None]
        if isinstance(self.blocks, int):
            import pandas as pd

            numbers = pd.DataFrame({"number": numbers[:, 0]}, index=self.X.index)
        validation = None
        if self.validation is not None:
            _, y, *weight = self.validation
            rest = n + np.arange(len(y), dtype=float)[:, None]
            validation = (rest, y, *weight)
        args, params = self._arguments(numbers, validation)
        return args, {k: v for k, v in params.items() if k not in self.fit}

    def _arguments(self, X: Any, validation: Any) -> tuple[tuple, dict[str, Any]]:
        named = {"sample_weight": self.weight, "groups": self.groups}
        params = {k: self._cut(v) for k, v in named.items() if v is not None}
        if validation is not None:
            params["validation_data"] = validation
        return (self._cut(X), self._cut(self.y)), params | self.fit

    def _cut(self, value: Any) -> Any:
        if self.blocks is None or value is None:
            return value
        if isinstance(self.blocks, int):
            import dask.dataframe as dd
            import pandas as pd

            if not hasattr(value, "iloc"):
                value = pd.Series(value, index=self.X.index)
            return dd.from_pandas(value, npartitions=self.blocks, sort=False)
        import dask.array as da

        if not scipy.sparse.issparse(value):
            value = np.asarray(value)
        chunks = (self.blocks, *value.shape[1:])
        return da.from_array(value, chunks=chunks, asarray=False)

    def take(self, numbers: np.ndarray) -> dict[str, Any]:
        """Copies of rows by their numbers; indices of sparse ones are sorted."""
        X, y, weight = self.X, self.y, self.weight
        if len(numbers) and numbers[0] >= self.n:
            X, y, *rest = self.validation
            weight = rest[0] if rest else None
            numbers = numbers - self.n
        rows = {"X": X, "y": y, "sample_weight": weight}
        taken = {k: _take(v, numbers) for k, v in rows.items() if v is not None}
        if scipy.sparse.issparse(taken["X"]):
            taken["X"].sort_indices()
        return taken

    def check_labels(self, found: dict[tuple[str, int], Any]) -> None:
        """Raise AssertionError if rows came with what belongs to others."""
        known = {}
        for name, values in (("y", self.y), ("sample_weight", self.weight)):
            if values is not None:
                known[name] = np.asarray(values).tolist()
        for (name, number), value in found.items():
            if number < self.n and name in known:
                assert known[name][number] == value, f"{name} of row {number}"


def _take(values: Any, numbers: np.ndarray) -> Any:
    if hasattr(values, "iloc"):
        return values.iloc[numbers].copy()
    if not scipy.sparse.issparse(values):
        values = np.asarray(values)
    return values[numbers].copy()


def marks(value: Any) -> Any:
    """What tells whether a value has changed: nested tuples that can be compared."""
    if is_dask_collection(value):
        return marks(value.compute(scheduler="synchronous"))
    if scipy.sparse.issparse(value):
        parts = (value.data, value.indices, value.indptr)
        return (value.format, value.shape, *map(marks, parts))
    if hasattr(value, "iloc"):
        return marks(value.to_numpy()), marks(value.index.to_numpy())
    if isinstance(value, np.ndarray):
        if value.dtype == object:
            return value.shape, tuple(marks(v) for v in value.ravel().tolist())
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, np.random.RandomState):
        return marks(value.get_state())
    if isinstance(value, dict):
        return tuple((key, marks(value[key])) for key in value)
    if isinstance(value, list | tuple):
        return type(value).__name__, tuple(map(marks, value))
    if isinstance(value, BaseEstimator):
        return type(value).__name__, marks(dict(sorted(vars(value).items())))
    if type(value).__module__.startswith(("tests.", "scipy.stats", "__main__")):
        inner = getattr(value, "__dict__", None)
        return type(value).__name__, marks(inner or {})
    return repr(value)
