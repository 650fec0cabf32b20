# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Lend rows to models and scorers so that none can write on the rows of others.

All models of a process share rows. A model or scorer of unknown code gets a copy; one
of a library that only reads gets a view that cannot be written, which costs next to
nothing. If it tries to write after all, it gets a copy and runs once more.
"""

from __future__ import annotations

import copy
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from enum import IntEnum
from functools import lru_cache
from types import FunctionType
from typing import Any, TypeVar

import numpy as np
import scipy.sparse

from gpu_hpo._sklearn_private import (
    _BaseScorer,
    _MultimetricScorer,
    function_of,
    scorers_of,
)
from gpu_hpo._typing import Array, ArrayLike
from gpu_hpo.data._chunk import Chunk
from gpu_hpo.devices._cuml_task import harms_rows
from gpu_hpo.devices._namespace import is_device_array, is_table
from gpu_hpo.devices._params import shallow_params
from gpu_hpo.training._snapshots import Snapshot

Result = TypeVar("Result")
Lent = TypeVar("Lent")

logger = logging.getLogger(__name__)

# Libraries that write on rows only if a parameter says so, or by mistake.
_READERS = frozenset({"sklearn", "cuml", "xgboost", "lightgbm", "numpy"})
# Our own only read, and their compiled code needs writable arrays.
_TRUSTED = frozenset({"gpu_hpo"})
_SPARSE_PARTS = ("data", "indices", "indptr")
_PLAIN = (type(None), bool, int, float, str)
# Error messages of NumPy, SciPy, Cython, Numba and pandas about read-only memory.
_REFUSALS = (
    "read-only",
    "readonly",
    "read only",
    "not writeable",
    "not writable",
    "writeable flag",
    "writebackifcopy",
)


class Access(IntEnum):
    """How rows are lent to a model or scorer; for several, the largest counts."""

    SHARED = 0  # the rows themselves
    READ_ONLY = 1  # a view that cannot be written
    OWN = 2  # a copy


def access_of(*users: object) -> Access:
    """Return the largest access that any estimator, scorer or function needs."""
    return max(map(_access, users), default=Access.SHARED)


def lend(value: Lent, access: Access) -> Lent:
    """Lend rows, labels or weights.

    Rows on a device cannot be protected, so models and scorers that only read share
    them.
    """
    if value is None or access is Access.SHARED:
        return value
    if access is Access.READ_ONLY:
        return _read_only(value)
    return _copied(value)


def lend_rows(rows: Mapping[str, Any], access: Access) -> Chunk:
    """Lend all rows of a chunk."""
    return {name: lend(value, access) for name, value in rows.items()}


def lend_params(params: Mapping[str, Any], access: Access) -> dict[str, Any]:
    """Lend parameters: arrays and lists like rows, objects with a state as copies."""
    return {name: _lent_param(value, access) for name, value in params.items()}


def with_access(
    call: Callable[[Access], Result], access: Access
) -> tuple[Result, Access]:
    """Use rows that others read; try once more with copies if that fails.

    ``call(access)`` lends the rows and uses them. It is called again only if it fails
    because rows cannot be written. What it returns comes with the access with which it
    succeeded.
    """
    try:
        return call(access), access
    except Exception as error:
        if access is not Access.READ_ONLY or not is_refusal(error):
            raise
    return call(Access.OWN), Access.OWN


def call_lent(
    method: Callable[..., Any],
    rows: Sequence[ArrayLike],
    params: Mapping[str, Any],
    access: Access,
) -> Any:
    """Call a method with rows (X, and perhaps y) and parameters that others read.

    If it fails because they cannot be written, it is called once more, with copies.
    """

    def call(access: Access) -> Any:
        lent = [lend(value, access) for value in rows]
        return method(*lent, **lend_params(params, access))

    return with_access(call, access)[0]


def fit_lent(
    model: Any,
    X: ArrayLike,
    y: ArrayLike | None,
    params: Mapping[str, Any],
    access: Access,
) -> None:
    """Fit a model, or a stack, once, to rows that others read."""
    target = () if y is None else (lend(y, access),)
    model.fit(lend(X, access), *target, **lend_params(params, access))


def is_refusal(error: BaseException | None) -> bool:
    """Return whether an exception comes from a write to read-only memory."""
    while error is not None:
        text = str(error).lower()
        if any(words in text for words in _REFUSALS):
            return True
        error = error.__cause__ or error.__context__
    return False


def was_written(before: Lent, after: Lent) -> bool:
    """Return whether rows that were lent as a copy differ from the rows before."""
    try:
        return not _same(before, after)
    except Exception as error:  # of values that cannot be compared
        logger.info("rows count as written, since they cannot be compared: %r", error)
        return True


def _same(a: Any, b: Any) -> bool:
    """Return whether two values of one kind are equal; NaN is equal to itself."""
    if a is b or b is None:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(_same, a, b))
    if getattr(a, "shape", None) != getattr(b, "shape", None):
        return False
    if scipy.sparse.issparse(a):
        parts = [n for n in _SPARSE_PARTS if hasattr(a, n)]
        return all(_same(getattr(a, n), getattr(b, n)) for n in parts)
    if hasattr(a, "equals"):
        return bool(a.equals(b))
    if isinstance(a, np.ndarray):
        if a.dtype.kind == "O":
            return all(map(_same, a.ravel().tolist(), b.ravel().tolist()))
        return np.array_equal(a, b, equal_nan=a.dtype.kind in "fcmM")
    if is_device_array(a):
        return not bool(((a != b) & ((a == a) | (b == b))).any())
    return bool(a == b) or bool(a != a and b != b)


def _lent_param(value: Any, access: Access) -> Any:
    if isinstance(value, Snapshot):
        return value.copy(lambda array: lend(array, access))
    if hasattr(value, "shape") or type(value) is list:
        return lend(value, access)
    return value


# ---- who may have what ----


def _access(user: Any) -> Access:
    kind = user if isinstance(user, FunctionType | type) else type(user)
    root = (kind.__module__ or "").partition(".")[0]
    if root in _TRUSTED:
        found = Access.SHARED
    elif root in _READERS:
        found = Access.READ_ONLY
    else:
        return Access.OWN
    if isinstance(user, FunctionType | type):
        return found
    if isinstance(user, _MultimetricScorer):
        return access_of(*scorers_of(user).values())
    if isinstance(user, _BaseScorer):
        return access_of(function_of(user))
    if not hasattr(user, "get_params"):
        return found
    params = shallow_params(user)
    if harms_rows(user, params):
        return Access.OWN
    for part in _parts(params.values()):
        found = max(found, _access(part))
        if found is Access.OWN:
            break
    return found


def _parts(values: Iterable[Any]) -> Iterator[Any]:
    """Yield the estimators and functions among parameters, also those in lists."""
    for value in values:
        if isinstance(value, _PLAIN):
            continue
        if isinstance(value, list | tuple | set | frozenset):
            yield from _parts(value)
        elif isinstance(value, Mapping):
            yield from _parts(value.values())
        elif callable(value) or hasattr(value, "get_params"):
            yield value


# ---- how ----


def _read_only(value: Array) -> Array:
    """Return the same rows in a new object that cannot be written."""
    if isinstance(value, np.ndarray):
        if isinstance(value, np.ma.MaskedArray):
            return value.copy()  # the mask is another array, which could be written
        view = value.view()
        view.flags.writeable = False
        return view
    if scipy.sparse.issparse(value):
        if value.format not in ("csr", "csc", "bsr"):
            return value.copy()
        shell = copy.copy(value)
        for name in _SPARSE_PARTS:
            setattr(shell, name, _read_only(getattr(value, name)))
        return shell
    if _is_frame(value) and not is_device_array(value):
        of_pandas = type(value).__module__.partition(".")[0] == "pandas"
        return value.copy(deep=not (of_pandas and _copies_on_write()))
    return value


def _is_frame(value: object) -> bool:
    """Return whether a value is a frame, or a column of one, by its methods."""
    return hasattr(value, "iloc") and hasattr(value, "copy")


def _copied(value: Array) -> Array:
    if isinstance(value, list | tuple):
        plain = all(isinstance(item, _PLAIN) for item in value)
        return copy.copy(value) if plain else copy.deepcopy(value)
    if _is_frame(value):
        return _copied_frame(value)
    if isinstance(value, np.ndarray) and value.dtype.kind == "O":
        plain = all(isinstance(item, _PLAIN) for item in value.ravel().tolist())
        return value.copy(order="K") if plain else copy.deepcopy(value)
    if is_table(value):
        # Arrow's memory is never written; a frame of Polars copies before it writes.
        return value.clone() if hasattr(value, "clone") else value
    if hasattr(value, "flags"):
        # Column-major rows stay so, or they would be copied once more.
        return value.copy(order="K")
    return value.copy() if hasattr(value, "copy") else copy.deepcopy(value)


def _copied_frame(frame: Any) -> Any:
    """Copy a frame or a column, with mutable objects in its cells."""
    found = frame.copy()
    one = frame.ndim == 1
    if is_device_array(frame) or not hasattr(frame, "dtype" if one else "dtypes"):
        return found
    for i, dtype in enumerate([frame.dtype] if one else frame.dtypes):
        if str(dtype) != "object":
            continue
        cells = (frame if one else frame.iloc[:, i]).tolist()
        if not all(isinstance(cell, _PLAIN) for cell in cells):
            own = np.empty(len(cells), object)
            own[:] = copy.deepcopy(cells)
            if one:
                return type(frame)(own, index=frame.index, name=frame.name)
            found.isetitem(i, own)
    return found


@lru_cache(maxsize=1)
def _copies_on_write() -> bool:
    """Return whether pandas copies the rows of a frame before it writes on them."""
    import pandas as pd

    return int(pd.__version__.partition(".")[0]) >= 3
