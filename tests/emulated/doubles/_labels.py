# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Indices of the double of cuDF, and what all of its objects refuse."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cupy as cp
import numpy as np
import pandas as pd

from tests.emulated.doubles._columns import peek


class _NoDefault:
    def __repr__(self) -> str:
        return "<no_default>"


no_default = _NoDefault()


class Refusing:
    """What all have in common: refusals."""

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError(
            "Implicit conversion to a host NumPy array via __array__ is not "
            "allowed, To explicitly construct a GPU matrix, consider using "
            ".to_cupy()\nTo explicitly construct a host matrix, consider "
            "using .to_numpy()."
        )

    def __arrow_array__(self, type: Any = None) -> Any:
        raise TypeError(
            "Implicit conversion to a host PyArrow object via __arrow_array__ "
            "is not allowed. Consider using .to_arrow()"
        )

    def __array_ufunc__(self, *args: Any, **options: Any) -> Any:
        raise NotImplementedError("the double of cuDF has no functions of NumPy")

    __array_function__ = __array_ufunc__

    def __bool__(self) -> bool:
        raise ValueError(
            f"The truth value of a {type(self).__name__} is ambiguous. Use "
            "a.empty, a.bool(), a.item(), a.any() or a.all()."
        )

    def __getattr__(self, name: str) -> Any:
        from tests.emulated.doubles._cudf import attribute_names

        if not name.startswith("_") and name in attribute_names(type(self).__name__):
            raise NotImplementedError(f"the double of cuDF has no {name}")
        raise AttributeError(
            f"{type(self).__name__!r} object has no attribute {name!r}"
        )


class NotIterable:
    def __iter__(self) -> Iterator[Any]:
        raise TypeError(
            f"{self.__class__.__name__} object is not iterable. "
            f"Consider using `.to_arrow()`, `.to_pandas()` or `.to_numpy()` "
            f"if you wish to iterate over the values."
        )


class Index(NotIterable, Refusing):
    """Labels of rows."""

    def __init__(
        self, data: Any = None, dtype: Any = None, copy: bool = False, name: Any = None
    ) -> None:
        if isinstance(data, Index):
            data = data._index
        elif hasattr(data, "to_pandas"):  # a series
            data = data.to_pandas()
        elif isinstance(data, cp.ndarray):
            data = data.get()
        self._index = pd.Index(data, dtype=dtype, name=name)

    def __len__(self) -> int:
        return len(self._index)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, cp.ndarray):
            index = peek(cp.ascontiguousarray(index))
        found = self._index[index]
        return index_of(found) if isinstance(found, pd.Index) else found

    @property
    def dtype(self) -> Any:
        """Type of the labels."""
        return self._index.dtype

    @property
    def name(self) -> Any:
        """Name of the index."""
        return self._index.name

    @property
    def shape(self) -> tuple[int]:
        """Number of labels."""
        return (len(self),)

    def isin(self, values: Any, level: Any = None) -> Any:
        """Mark labels that are among some."""
        return cp.asarray(self._index.isin(values))

    def equals(self, other: Any) -> bool:
        """Compare with another index."""
        return isinstance(other, Index) and self._index.equals(other._index)

    def memory_usage(self, deep: bool = False) -> int:
        """Count bytes."""
        is_range = isinstance(self._index, pd.RangeIndex)
        return 0 if is_range else int(self._index.memory_usage(deep=True))

    def to_pandas(self, *, nullable: bool = False, arrow_type: bool = False) -> Any:
        """Copy to the host."""
        return self._index.copy()

    def to_numpy(self, dtype: Any = None, copy: bool = True) -> np.ndarray:
        """Copy to the host."""
        return self._index.to_numpy(dtype, copy=True)


class RangeIndex(Index):
    """Consecutive numbers."""

    def __init__(
        self,
        start: Any,
        stop: int | None = None,
        step: int = 1,
        name: Any = None,
        dtype: Any = None,
        copy: bool = False,
    ) -> None:
        self._index = pd.RangeIndex(start, stop, step, name=name)

    def to_numpy(
        self, dtype: Any = None, copy: bool = False, na_value: Any = None
    ) -> np.ndarray:
        """Count on the host."""
        return self._index.to_numpy(dtype, copy=True)


def index_of(labels: Any) -> Index:
    if isinstance(labels, Index):
        return labels
    kind = RangeIndex if isinstance(labels, pd.RangeIndex) else Index
    made = kind.__new__(kind)
    made._index = labels if isinstance(labels, pd.Index) else Index(labels)._index
    return made
