# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Columns of the double of cuDF: numbers in CuPy's arrays, other values in pandas'.

What cuDF does on the device by itself is computed here on a view of the same memory, so
that no copy is counted; what it copies to the host is copied by CuPy, and counted.
"""

from __future__ import annotations

import ctypes
from typing import Any

import cupy as cp
import numpy as np
import pandas as pd

_NUMBERS = "biuf"


def peek(array: Any) -> np.ndarray:
    """View the memory of a contiguous array of CuPy's."""
    if not array.nbytes:
        return np.empty(array.shape, array.dtype)
    raw = (ctypes.c_char * array.nbytes).from_address(array.data.ptr)
    order = "C" if array.flags.c_contiguous else "F"
    return np.frombuffer(raw, array.dtype).reshape(array.shape, order=order)


class Column:
    """Values of one type, of which some may be missing.

    Parameters
    ----------
    values : cupy.ndarray, or pandas.Series of strings, categories or times
    valid : cupy.ndarray of bool, optional
        Which numbers are not missing.
    """

    def __init__(self, values: Any, valid: Any = None) -> None:
        self.values = values
        self.valid = valid

    def __len__(self) -> int:
        return len(self.values)

    @property
    def is_numeric(self) -> bool:
        """Whether it is in a CuPy array."""
        return isinstance(self.values, cp.ndarray)

    @property
    def is_categorical(self) -> bool:
        """Whether it has categories."""
        return isinstance(self.values.dtype, pd.CategoricalDtype)

    @property
    def dtype(self) -> Any:
        """Type of NumPy's or of pandas'."""
        return self.values.dtype

    @property
    def n_bytes(self) -> int:
        """Bytes of the values and of the mask, which has a bit for each."""
        size = self.values.nbytes
        if not self.is_numeric:
            size = self.values.memory_usage(index=False, deep=True)
        return int(size) + (len(self) + 7) // 8 * (self.valid is not None)

    def has_nulls(self) -> bool:
        """Return whether any value is missing; NaN is none."""
        if self.is_numeric:
            return self.valid is not None
        return bool(self.values.isna().any())

    def take(self, positions: np.ndarray | slice) -> Column:
        """Take values by their positions."""
        if not self.is_numeric:
            return Column(self.values.iloc[positions].reset_index(drop=True))
        key = positions if isinstance(positions, slice) else cp.asarray(positions)
        valid = None if self.valid is None else self.valid[key]
        return _compact(self.values[key].copy(), valid)

    def copy(self) -> Column:
        """Copy the values."""
        valid = None if self.valid is None else self.valid.copy()
        return Column(self.values.copy(), valid)

    def isna(self) -> Any:
        """Mark what is missing, and NaN."""
        if not self.is_numeric:
            return cp.asarray(self.values.isna().to_numpy())
        missing = cp.zeros(len(self), bool) if self.valid is None else ~self.valid
        return missing | cp.isnan(self.values) if self.dtype.kind == "f" else missing

    def to_cupy(self) -> Any:
        """Return an array, with NaN where a number is missing."""
        if not self.is_numeric:
            if self.is_categorical:
                found = self.values.astype(self.dtype.categories.dtype)
                return as_column(found).to_cupy()
            raise TypeError(f"cupy does not support {self.dtype}")
        if self.valid is None:
            return self.values
        if self.dtype.kind == "b":
            raise ValueError(f"Column must have no nulls for dtype={self.dtype}")
        values = self.values
        if self.dtype.kind != "f":
            values = values.astype(np.float64)
        return cp.where(self.valid, values, values.dtype.type(np.nan))

    def to_numpy(self) -> np.ndarray:
        """Copy to the host."""
        return self.to_cupy().get() if self.is_numeric else self.values.to_numpy()

    def to_pandas(self) -> pd.Series:
        """Copy to the host."""
        if not self.is_numeric:
            return self.values.copy()
        if self.valid is not None and self.dtype.kind == "b":
            found = pd.Series(self.values.get().astype(object))
            return found.where(self.valid.get(), None)
        return pd.Series(self.to_cupy().get())

    def astype(self, dtype: Any) -> Column:
        """Convert the values."""
        if isinstance(dtype, str) and dtype == "category":
            found = pd.Series(peek(self.values)) if self.is_numeric else self.values
            if self.valid is not None:
                found = found.where(peek(self.valid))
            return Column(found.astype("category"))
        own = isinstance(dtype, pd.api.extensions.ExtensionDtype)  # of pandas
        kind = "O" if own else np.dtype(dtype).kind
        if self.is_numeric and kind in _NUMBERS:
            return Column(self.values.astype(dtype), self.valid)
        found = pd.Series(peek(self.values)) if self.is_numeric else self.values
        return as_column(found.astype("str" if kind in "OU" else dtype))


def _compact(values: Any, valid: Any) -> Column:
    if valid is not None and bool(peek(cp.ascontiguousarray(valid)).all()):
        valid = None
    return Column(values, valid)


def as_column(data: Any, dtype: Any = None, nan_as_null: bool = True) -> Column:
    """Make a column of anything with values, as cuDF would."""
    from tests.emulated.doubles._frames import Index, Series

    if isinstance(data, Column):
        found = data
    elif isinstance(data, Series):
        found = data._column
    elif isinstance(data, Index):
        found = as_column(data._index, nan_as_null=nan_as_null)
    elif hasattr(data, "__cuda_array_interface__"):
        array = cp.asarray(data)
        if array.ndim != 1:
            raise ValueError("Data must be 1-dimensional")
        found = _numbers(cp.ascontiguousarray(array), nan_as_null)
    elif isinstance(data, pd.Series | pd.Index):
        found = _of_pandas(pd.Series(data).reset_index(drop=True), nan_as_null)
    else:
        found = _of_host(data, nan_as_null)
    return found if dtype is None else found.astype(dtype)


def _of_pandas(values: pd.Series, nan_as_null: bool) -> Column:
    if isinstance(values.dtype, np.dtype) and values.dtype.kind in _NUMBERS:
        return _numbers(cp.asarray(values.to_numpy()), nan_as_null)
    if isinstance(values.dtype, np.dtype) and values.dtype.kind == "c":
        raise NotImplementedError(f"{values.dtype} not supported")
    kinds = {type(value) for value in values.dropna()}
    if values.dtype == object and kinds and kinds <= {bool, int, float}:
        values = values.convert_dtypes()
    elif values.dtype == object and len(kinds) > 1:
        raise _mixed_type_error()("Cannot create column with mixed types")
    if pd.api.types.is_numeric_dtype(values.dtype):  # pandas' own, with missing ones
        missing = values.isna().to_numpy()
        numpy_dtype = getattr(values.dtype, "numpy_dtype", np.dtype(float))
        filled = values.fillna(0).to_numpy(numpy_dtype)
        return _compact(cp.asarray(filled), cp.asarray(~missing))
    return Column(values)


def _of_host(data: Any, nan_as_null: bool) -> Column:
    if not isinstance(data, np.ndarray):
        data = pd.Series(list(data)).to_numpy()
    if data.ndim > 1:
        raise ValueError("Data must be 1-dimensional")
    data = data.reshape(-1)
    if data.dtype.kind in "OSU":
        if data.dtype.kind == "S":
            raise NotImplementedError(f"{data.dtype} (bytes) not supported")
        strings = pd.Series(data)
        return _of_pandas(
            strings.astype("str") if data.dtype.kind == "U" else strings, True
        )
    if data.dtype == np.float16:
        raise TypeError("cuDF has no type_id for float16")
    if data.dtype.kind not in _NUMBERS:
        raise NotImplementedError(f"{data.dtype} not supported")
    return _numbers(cp.asarray(data), nan_as_null)


def _numbers(values: Any, nan_as_null: bool) -> Column:
    if values.dtype.kind not in _NUMBERS:
        raise TypeError(f"cuDF has no type_id for {values.dtype}")
    if nan_as_null and values.dtype.kind == "f":
        return _compact(values, ~cp.isnan(values))
    return Column(values)


def _mixed_type_error() -> type[TypeError]:
    import cudf

    return cudf.errors.MixedTypeError


def common_dtype(dtypes: list[Any]) -> Any:
    """Return the type that columns of a frame have in common."""
    if all(isinstance(dtype, np.dtype) for dtype in dtypes):
        return np.result_type(*dtypes)
    return np.dtype(object)
