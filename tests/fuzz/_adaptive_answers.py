# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a fitted model answers, and what it has learned, to be compared to the bit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator

from tests.fuzz._adaptive_data import Data, marks

_ANSWERS = ("predict", "decision_function", "predict_proba", "transform")


def first_line(error: Exception) -> str:
    """What an error says, without what follows from it."""
    return (str(error).splitlines() or [""])[0]


def answers_of(model: Any, data: Callable[[], Data]) -> dict[str, Any]:
    """What a model answers for all rows, and what it has learned."""
    found: dict[str, Any] = {"learned": learned(model)}
    for name in _ANSWERS:
        if hasattr(model, name):
            rows = data()
            X = rows.take(np.arange(rows.n))["X"]
            try:
                found[name] = marks(getattr(model, name)(X))
            except Exception as error:
                found[name] = f"{type(error).__name__}: {first_line(error)}"
    return found


def learned(model: Any) -> Any:
    """Numbers that a model, or its parts, have learned."""
    if isinstance(model, BaseEstimator):
        parts = {
            name: learned(value)
            for name, value in sorted(vars(model).items())
            if name.endswith("_") or name in ("steps", "transformer_list")
        }
        return {name: part for name, part in parts.items() if part is not None}
    if isinstance(model, list | tuple):
        return [learned(value) for value in model]
    if isinstance(model, float | np.floating):
        return None if math.isnan(model) else float(model)
    if isinstance(model, np.ndarray) and model.dtype.kind in "biuf":
        return marks(model)
    if scipy.sparse.issparse(model):
        return marks(model)
    return None


def are_close(a: Any, b: Any) -> bool:
    """Say whether what `marks` or `learned` gave differs in last bits only."""
    if isinstance(a, dict) and isinstance(b, dict) and a.keys() == b.keys():
        return all(are_close(a[name], b[name]) for name in a)
    if isinstance(a, list) and isinstance(b, list) and len(a) == len(b):
        return all(map(are_close, a, b))
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)
    if _is_mark_of_floats(a) and _is_mark_of_floats(b) and a[:2] == b[:2]:
        x, y = (np.frombuffer(mark[2], mark[0]) for mark in (a, b))
        return bool(np.allclose(x, y, rtol=1e-9, atol=1e-9, equal_nan=True))
    return bool(a == b)


def _is_mark_of_floats(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 3 and value[0] in ("<f8", "<f4")
