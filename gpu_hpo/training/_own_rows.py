# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Rows that a model may change: copies, since all models of a worker share theirs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from types import FunctionType
from typing import Any

from gpu_hpo.data import Chunk
from gpu_hpo.devices import harms_rows

_READERS = frozenset({"sklearn", "cuml", "gpu_hpo", "xgboost", "lightgbm", "numpy"})


def rows_for(model: Any, rows: Chunk) -> Chunk:
    """Rows to give to `model`: its own, if it would change those that others read."""
    if not harms_rows(model):
        return rows
    return {name: _copied(value) for name, value in rows.items()}


def own_rows(estimator: Any, value: Any) -> Any:
    """Rows to give to an estimator that anybody may have written.

    Parameters
    ----------
    estimator : estimator, or callable
    value : array-like or None

    Returns
    -------
    like value
        A copy, unless it is known that the estimator only reads: scikit-learn cuts the
        rows anew for each fit, so that estimators may do with them as they like.
    """
    if value is None or (_only_reads(estimator) and not harms_rows(estimator)):
        return value
    return _copied(value)


def _only_reads(estimator: Any) -> bool:
    """Whether all that is called with the rows is of a library that does not write."""
    if isinstance(estimator, FunctionType | type):
        return estimator.__module__.partition(".")[0] in _READERS
    if type(estimator).__module__.partition(".")[0] not in _READERS:
        return False
    get_params = getattr(estimator, "get_params", None)
    if get_params is None:
        return True
    return all(map(_only_reads, _parts(get_params(deep=False).values())))


def _parts(values: Iterable[Any]) -> Iterator[Any]:
    """Estimators and functions among parameters, also those in lists."""
    for value in values:
        if isinstance(value, list | tuple):
            yield from _parts(value)
        elif callable(value) or hasattr(value, "get_params"):
            yield value


def _copied(value: Any) -> Any:
    if hasattr(value, "flags") and not hasattr(value, "iloc"):
        # Column-major rows stay so, or they would be copied once more.
        return value.copy(order="K")
    if isinstance(value, list | tuple):
        return copy.copy(value)
    return value.copy() if hasattr(value, "copy") else copy.deepcopy(value)
