# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Series and frames of the double of cuDF."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import cupy as cp
import numpy as np
import pandas as pd

from tests.emulated.doubles._columns import Column, as_column, common_dtype, peek
from tests.emulated.doubles._labels import (
    Index,
    NotIterable,
    RangeIndex,
    Refusing,
    index_of,
    no_default,
)

__all__ = ["DataFrame", "Index", "RangeIndex", "Series", "concat", "from_pandas"]


def _nan_as_null(given: Any) -> bool:
    return given is no_default or given is None or bool(given)


# ---- what has rows ----


class _Rows(Refusing):
    """What series and frames have in common."""

    _labels: pd.Index

    def __len__(self) -> int:
        return len(self._labels)

    @property
    def index(self) -> Index:
        """Labels of the rows."""
        return index_of(self._labels)

    @index.setter
    def index(self, value: Any) -> None:
        labels = index_of(value)._index
        if len(labels) != len(self):
            raise ValueError(
                f"Length mismatch: Expected axis has {len(self)} elements, "
                f"new values have {len(labels)} elements"
            )
        self._labels = labels

    @property
    def flags(self) -> pd.Flags:
        """Whether labels may occur twice; of memory it says nothing."""
        return pd.Flags(self, allows_duplicate_labels=True)  # type: ignore[type-var]

    @property
    def iloc(self) -> _Positions:
        """Rows by position."""
        return _Positions(self)

    @property
    def size(self) -> int:
        """Number of values."""
        return int(np.prod(self.shape))  # type: ignore[attr-defined]

    @property
    def empty(self) -> bool:
        """Whether there are no values."""
        return self.size == 0

    @property
    def values(self) -> Any:
        """All values in an array of CuPy's."""
        return self.to_cupy()  # type: ignore[attr-defined]

    def take(self, indices: Any, axis: Any = 0) -> Any:
        """Take rows."""
        return self.iloc[indices]

    def head(self, n: int = 5) -> Any:
        """Take the first rows."""
        return self.iloc[:n]

    def _positions(self, key: Any) -> np.ndarray | slice:
        """Return positions of rows; only what is on the host is uploaded by it."""
        n = len(self)
        if isinstance(key, slice):
            return key
        if isinstance(key, Series):
            key = key.values
        if isinstance(key, cp.ndarray):
            key = peek(cp.ascontiguousarray(key))
        key = np.asarray(key)
        if key.dtype.kind == "b":
            if len(key) != n:
                raise IndexError(f"Boolean mask has wrong length: {len(key)} not {n}")
            return np.flatnonzero(key)
        if key.size and key.dtype.kind not in "iu":
            raise TypeError(
                f"Cannot index by location with non-integer key of type {type(key)}"
            )
        key = key.astype(np.intp)
        if key.size and (key.min() < -n or key.max() >= n):
            raise IndexError("Gather map index is out of bounds.")
        return np.where(key < 0, key + n, key)


class _Positions:
    """``iloc`` of a series or a frame."""

    def __init__(self, of: Any) -> None:
        self._of = of

    def __getitem__(self, key: Any) -> Any:
        rows, *columns = key if isinstance(key, tuple) else (key,)
        of = self._of
        if columns:
            of = of._select(columns[0])
        if not isinstance(rows, int | np.integer):
            return of._rows(of._positions(rows))
        if not isinstance(of, Series):
            raise NotImplementedError("the double of cuDF has no rows as series")
        (position,) = of._positions([rows])
        return of._item(position)


class Series(NotIterable, _Rows):
    """A column with labels."""

    def __init__(
        self,
        data: Any = None,
        index: Any = None,
        dtype: Any = None,
        name: Any = None,
        copy: bool = False,
        nan_as_null: Any = no_default,
    ) -> None:
        column = as_column(
            [] if data is None else data, dtype, _nan_as_null(nan_as_null)
        )
        self._column = column.copy() if copy else column
        labels = getattr(data, "index", None)
        if not isinstance(labels, Index | pd.Index):
            labels = pd.RangeIndex(len(column)) if index is None else index
        elif index is not None:
            raise NotImplementedError("the double of cuDF does not align rows")
        self._labels = index_of(labels)._index
        self.name = getattr(data, "name", None) if name is None else name

    @classmethod
    def _of(cls, column: Column, labels: pd.Index, name: Any = None) -> Series:
        made = cls.__new__(cls)
        made._column, made._labels, made.name = column, labels, name
        return made

    __hash__ = None  # type: ignore[assignment]

    def __eq__(self, other: Any) -> Any:
        if self._column.is_numeric:
            found = self.values == (
                other.values if isinstance(other, Series) else other
            )
        else:  # strings, which cuDF compares on the device
            if isinstance(other, Series):
                other = other._column.values.to_numpy()
            found = cp.asarray(self._column.values.to_numpy() == other)
        return Series._of(Column(found), self._labels, self.name)

    def __ne__(self, other: Any) -> Any:
        equal = self == other
        return Series._of(Column(~equal.values), self._labels, self.name)

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        if not self._column.is_numeric:
            raise AttributeError(
                f"'{type(self).__name__}' object has no attribute "
                "'__cuda_array_interface__'"
            )
        if self._column.has_nulls():
            raise NotImplementedError("the double of cuDF lends no masks")
        return self._column.values.__cuda_array_interface__

    @property
    def dtype(self) -> Any:
        """Type of the values."""
        return self._column.dtype

    @property
    def dtypes(self) -> Any:
        """Type of the values."""
        return self.dtype

    @property
    def ndim(self) -> int:
        """1."""
        return 1

    @property
    def shape(self) -> tuple[int]:
        """Number of rows."""
        return (len(self),)

    @property
    def has_nulls(self) -> bool:
        """Whether any value is missing."""
        return self._column.has_nulls()

    @property
    def hasnans(self) -> bool:
        """Whether any value is missing, or NaN."""
        return bool(peek(self._column.isna()).any())

    @property
    def cat(self) -> _Categories:
        """What categories can do."""
        if not self._column.is_categorical:
            raise AttributeError("Can only use .cat accessor with a 'category' dtype")
        return _Categories(self)

    def _rows(self, positions: np.ndarray | slice) -> Series:
        return Series._of(
            self._column.take(positions), self._labels[positions], self.name
        )

    def _item(self, position: int) -> Any:
        values = self._column.values
        if not self._column.is_numeric:
            return values.iloc[position]
        return values[position].item()

    def reset_index(
        self,
        level: Any = None,
        drop: bool = False,
        name: Any = no_default,
        inplace: bool = False,
    ) -> Series:
        """Number the rows anew."""
        if not drop or inplace or level is not None:
            raise NotImplementedError("the double of cuDF only drops labels")
        return Series._of(self._column, pd.RangeIndex(len(self)), self.name)

    def to_frame(self, name: Any = no_default) -> DataFrame:
        """Make a frame of one column."""
        if name is no_default:
            name = 0 if self.name is None else self.name
        return DataFrame._of({name: self._column}, self._labels)

    def astype(
        self, dtype: Any, copy: bool | None = None, errors: Any = "raise"
    ) -> Series:
        """Convert the values."""
        return Series._of(self._column.astype(dtype), self._labels, self.name)

    def copy(self, deep: bool = True) -> Series:
        """Copy the values."""
        column = self._column.copy() if deep else self._column
        return Series._of(column, self._labels, self.name)

    def isna(self) -> Series:
        """Mark missing values and NaN."""
        return Series._of(Column(self._column.isna()), self._labels, self.name)

    def _reduced(self, name: str, skipna: bool = True) -> Any:
        values = self._column.to_cupy()
        if skipna and values.dtype.kind == "f":
            values = values[~cp.isnan(values)]
        return getattr(values, name)().item()

    def any(self, axis: Any = 0, bool_only: Any = None, skipna: bool = True) -> bool:
        """Return whether any value is true."""
        return bool(self._reduced("any"))

    def all(self, axis: Any = 0, bool_only: Any = None, skipna: bool = True) -> bool:
        """Return whether all values are true."""
        return bool(self._reduced("all"))

    def sum(self, axis: Any = 0, skipna: bool = True) -> Any:
        """Add up the values."""
        return self._reduced("sum", skipna)

    def memory_usage(self, index: bool = True, deep: bool = False) -> int:
        """Count bytes."""
        return self._column.n_bytes + (self.index.memory_usage() if index else 0)

    def tolist(self) -> Any:
        """Refuse."""
        raise TypeError(
            "cuDF does not support conversion to host memory "
            "via the `tolist()` method. Consider using "
            "`.to_arrow().to_pylist()` to construct a Python list."
        )

    to_list = tolist

    def to_cupy(
        self, dtype: Any = None, copy: bool = False, na_value: Any = None
    ) -> Any:
        """Return the values, uncopied if possible."""
        return cp.array(self._column.to_cupy(), dtype=dtype, copy=copy or None)

    def to_numpy(
        self, dtype: Any = None, copy: bool = True, na_value: Any = no_default
    ) -> np.ndarray:
        """Copy to the host."""
        _check_copied(copy)
        return _to_numpy([self._column], dtype)[0]

    def to_pandas(
        self, *, index: bool = True, nullable: bool = False, arrow_type: bool = False
    ) -> pd.Series:
        """Copy to the host."""
        found = self._column.to_pandas()
        found.name = self.name
        if index:
            found.index = self._labels
        return found

    def to_arrow(self) -> Any:
        """Copy to the host."""
        import pyarrow as pa

        return pa.array(self._column.to_pandas())


class _Categories:
    """``cat`` of a series."""

    def __init__(self, series: Series) -> None:
        self._series = series
        self._cat = series._column.values.cat

    @property
    def categories(self) -> Index:
        """The categories, in order."""
        return index_of(self._cat.categories)

    @property
    def codes(self) -> Series:
        """Numbers of the values' categories."""
        column = as_column(self._cat.codes)
        return Series._of(column, self._series._labels, self._series.name)

    def set_categories(self, new_categories: Any, ordered: bool = False) -> Series:
        """Exchange the categories; other values become missing."""
        if isinstance(new_categories, Index):
            new_categories = new_categories._index
        column = Column(self._cat.set_categories(new_categories))
        return Series._of(column, self._series._labels, self._series.name)


class DataFrame(_Rows):
    """Columns with names."""

    _columns: dict[Any, Column]

    def __init__(
        self,
        data: Any = None,
        index: Any = None,
        columns: Any = None,
        dtype: Any = None,
        copy: Any = None,
        nan_as_null: Any = no_default,
    ) -> None:
        if copy is not None:
            raise NotImplementedError("copy is not currently implemented.")
        null = _nan_as_null(nan_as_null)
        labels: Any = None
        if isinstance(data, DataFrame):
            found, labels = dict(data._columns), data._labels
        elif isinstance(data, pd.DataFrame):
            if not data.columns.is_unique:
                raise ValueError("Duplicate column names are not allowed")
            found = {name: as_column(data[name], None, null) for name in data.columns}
            labels = data.index
        elif isinstance(data, dict):
            found = {name: as_column(value, None, null) for name, value in data.items()}
            for value in data.values():
                if isinstance(value, Series) and labels is None:
                    labels = value._labels
        elif isinstance(data, pd.Series | Series):
            given = Series(data, nan_as_null=nan_as_null)
            found = {0 if given.name is None else given.name: given._column}
            labels = given._labels
        else:
            table = data if isinstance(data, cp.ndarray) else np.asarray(data)
            if table.ndim == 1:
                table = table.reshape(-1, 1)
            if table.ndim != 2:
                raise ValueError(
                    f"records dimension expected 1 or 2 but found: {table.ndim}"
                )
            found = {
                i: as_column(table[:, i], None, null) for i in range(table.shape[1])
            }
            labels = pd.RangeIndex(table.shape[0])
        if labels is not None and index is not None and len(labels) != len(index):
            raise NotImplementedError("the double of cuDF does not align rows")
        if index is not None:
            labels = index_of(index)._index
        if labels is None:
            labels = pd.RangeIndex(max((len(c) for c in found.values()), default=0))
        if {len(column) for column in found.values()} - {len(labels)}:
            raise ValueError("All arrays must be of the same length")
        self._columns, self._labels = found, labels
        if columns is not None:
            self.columns = columns
        if dtype is not None:
            self._columns = {n: c.astype(dtype) for n, c in self._columns.items()}

    @classmethod
    def _of(cls, columns: dict[Any, Column], labels: pd.Index) -> DataFrame:
        made = cls.__new__(cls)
        made._columns, made._labels = columns, labels
        return made

    def __iter__(self) -> Iterator[Any]:
        return iter(self._columns)

    def __contains__(self, name: Any) -> bool:
        return name in self._columns

    def __getitem__(self, arg: Any) -> Any:
        if isinstance(arg, list):
            chosen = {name: self._columns[name] for name in arg}
            return DataFrame._of(chosen, self._labels)
        if isinstance(arg, slice | Series | cp.ndarray | np.ndarray):
            raise NotImplementedError("the double of cuDF takes rows by iloc only")
        return Series._of(self._columns[arg], self._labels, arg)

    @property
    def columns(self) -> pd.Index:
        """Names of the columns, on the host as cuDF's are."""
        return pd.Index(list(self._columns))

    @columns.setter
    def columns(self, columns: Any) -> None:
        names = list(columns)
        if len(names) != len(self._columns):
            raise ValueError(
                f"Length mismatch: Expected axis has {len(self._columns)} elements, "
                f"new values have {len(names)} elements"
            )
        self._columns = dict(zip(names, self._columns.values(), strict=True))

    @property
    def dtypes(self) -> pd.Series:
        """Types by name, on the host as cuDF's are."""
        types = {name: column.dtype for name, column in self._columns.items()}
        return pd.Series(types, dtype=object)

    @property
    def ndim(self) -> int:
        """2."""
        return 2

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return len(self), len(self._columns)

    def _select(self, columns: Any) -> Any:
        names = list(self._columns)
        if isinstance(columns, int | np.integer):
            return self[names[columns]]
        chosen = (
            names[columns]
            if isinstance(columns, slice)
            else [names[i] for i in columns]
        )
        return self[chosen]

    def _rows(self, positions: np.ndarray | slice) -> DataFrame:
        taken = {name: c.take(positions) for name, c in self._columns.items()}
        return DataFrame._of(taken, self._labels[positions])

    def items(self) -> Iterator[tuple[Any, Series]]:
        """Go through the columns."""
        for name in self._columns:
            yield name, self[name]

    def copy(self, deep: bool = True) -> DataFrame:
        """Copy the values."""
        columns = {n: c.copy() if deep else c for n, c in self._columns.items()}
        return DataFrame._of(columns, self._labels)

    def astype(
        self, dtype: Any, copy: bool | None = None, errors: Any = "raise"
    ) -> DataFrame:
        """Convert the values."""
        columns = {
            name: column.astype(dtype.get(name) if isinstance(dtype, dict) else dtype)
            for name, column in self._columns.items()
        }
        return DataFrame._of(columns, self._labels)

    def isna(self) -> DataFrame:
        """Mark missing values and NaN."""
        columns = {n: Column(c.isna()) for n, c in self._columns.items()}
        return DataFrame._of(columns, self._labels)

    def any(
        self, axis: Any = 0, bool_only: bool = False, skipna: bool = True
    ) -> Series:
        """Return by column whether any value is true."""
        return self._by_column("any")

    def all(
        self, axis: Any = 0, bool_only: bool = False, skipna: bool = True
    ) -> Series:
        """Return by column whether all values are true."""
        return self._by_column("all")

    def _by_column(self, name: str) -> Series:
        found = [getattr(column, name)() for _, column in self.items()]
        return Series(np.array(found, bool), index=self.columns)

    def memory_usage(self, index: bool = True, deep: bool = False) -> Series:
        """Count bytes by column, on the device."""
        sizes = [column.n_bytes for column in self._columns.values()]
        names = self.columns.astype(str)
        if index:
            sizes.insert(0, self.index.memory_usage())
            names = pd.Index(["Index"]).append(names)
        return Series(np.array(sizes, np.int64), index=names)

    def to_cupy(
        self, dtype: Any = None, copy: bool = False, na_value: Any = None
    ) -> Any:
        """Return all values in one array, in column-major order."""
        columns = list(self._columns.values())
        if dtype is None:
            dtype = common_dtype([column.dtype for column in columns])
            if any(column.has_nulls() for column in columns) and dtype.kind in "iu":
                dtype = np.dtype(np.float64)
        parts = [column.to_cupy() for column in columns]
        table = cp.empty(self.shape, dtype, order="F")
        for i, part in enumerate(parts):
            table[:, i] = part
        return table

    def to_numpy(
        self, dtype: Any = None, copy: bool = True, na_value: Any = no_default
    ) -> np.ndarray:
        """Copy to the host."""
        _check_copied(copy)
        columns = list(self._columns.values())
        if dtype is None:
            dtype = common_dtype([column.dtype for column in columns])
        table = np.empty(self.shape, dtype, order="F")
        for i, part in enumerate(_to_numpy(columns, dtype)):
            table[:, i] = part
        return table

    def to_pandas(
        self, *, nullable: bool = False, arrow_type: bool = False
    ) -> pd.DataFrame:
        """Copy to the host."""
        found = pd.DataFrame({n: c.to_pandas() for n, c in self._columns.items()})
        found.columns = self.columns
        found.index = self._labels
        return found

    def to_arrow(self, preserve_index: bool | None = None) -> Any:
        """Copy to the host."""
        import pyarrow as pa

        return pa.Table.from_pandas(self.to_pandas(), preserve_index=preserve_index)


def _check_copied(copy: bool) -> None:
    if not copy:
        raise ValueError(
            "copy=False is not supported because conversion to a numpy "
            "array always copies the data."
        )


def _to_numpy(columns: list[Column], dtype: Any) -> list[np.ndarray]:
    found = []
    for column in columns:
        if (
            column.has_nulls()
            and dtype is not None
            and np.dtype(dtype).kind not in "OU"
        ):
            raise ValueError(
                f"cannot convert to '{dtype}'-dtype NumPy array "
                "with missing values. Specify an appropriate 'na_value' "
                "for this dtype."
            )
        array = column.to_numpy()
        found.append(array if dtype is None else array.astype(dtype, copy=False))
    return found


# ---- functions ----


def from_pandas(obj: Any, nan_as_null: Any = no_default) -> Any:
    """Copy a frame, series or index to the device."""
    if isinstance(obj, pd.DataFrame):
        return DataFrame(obj, nan_as_null=nan_as_null)
    if isinstance(obj, pd.Series):
        return Series(obj, nan_as_null=nan_as_null)
    if isinstance(obj, pd.Index):
        return index_of(obj)
    raise TypeError(f"from_pandas unsupported for object of type {type(obj).__name__}")


def concat(
    objs: Any, axis: Any = 0, join: str = "outer", ignore_index: bool = False
) -> Any:
    """Put frames, or series, one below another."""
    objs = list(objs)
    if axis != 0 or join != "outer":
        raise NotImplementedError("the double of cuDF concatenates rows only")
    labels = objs[0]._labels
    for other in objs[1:]:
        labels = labels.append(other._labels)
    if ignore_index:
        labels = pd.RangeIndex(len(labels))
    if isinstance(objs[0], Series):
        column = _joined([part._column for part in objs])
        return Series._of(column, labels, objs[0].name)
    columns = {
        name: _joined([part._columns[name] for part in objs])
        for name in objs[0]._columns
    }
    return DataFrame._of(columns, labels)


def _joined(columns: list[Column]) -> Column:
    if not all(column.is_numeric for column in columns):
        return as_column(pd.concat([c.values for c in columns], ignore_index=True))
    values = cp.concatenate([column.values for column in columns])
    if not any(column.has_nulls() for column in columns):
        return Column(values)
    valid = [cp.ones(len(c), bool) if c.valid is None else c.valid for c in columns]
    return Column(values, cp.concatenate(valid))
