# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Rows that a model may change: copies, since all models of a worker share theirs."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType
from typing import Any

from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer

from gpu_hpo.data import Chunk
from gpu_hpo.devices import harms_rows

_READERS = frozenset({"sklearn", "cuml", "gpu_hpo", "xgboost", "lightgbm", "numpy"})


def rows_for(model: Any, rows: Chunk) -> Chunk:
    """Rows to give to `model`: its own, if it would change those that others read."""
    if not harms_rows(model):
        return rows
    return {name: _copied(value) for name, value in rows.items()}


def own_rows(value: Any, *users: Any) -> Any:
    """Rows to give to estimators and scorers that anybody may have written.

    Parameters
    ----------
    value : array-like or None
    *users : estimator, scorer or callable

    Returns
    -------
    like value
        A copy, unless it is known that all of them only read: scikit-learn cuts the
        rows anew for each fit, so that users may do with them as they like.
    """
    if value is None or all(_only_reads(u) and not harms_rows(u) for u in users):
        return value
    return _copied(value)


def own_params(params: Mapping[str, Any], *users: Any) -> dict[str, Any]:
    """Parameters to give to estimators and scorers, arrays among them as `own_rows`."""
    return {
        name: own_rows(value, *users)
        if hasattr(value, "shape") or isinstance(value, list)
        else value
        for name, value in params.items()
    }


def _only_reads(user: Any) -> bool:
    """Whether all that is called with the rows is of a library that does not write."""
    kind = user if isinstance(user, FunctionType | type) else type(user)
    if (kind.__module__ or "").partition(".")[0] not in _READERS:
        return False
    if isinstance(user, FunctionType | type):
        return True
    if isinstance(user, _MultimetricScorer):
        return all(map(_only_reads, user._scorers.values()))
    if isinstance(user, _BaseScorer):
        return _only_reads(user._score_func)
    get_params = getattr(user, "get_params", None)
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
