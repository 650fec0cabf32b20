# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Read the parameters of estimators of any library, fast."""

from __future__ import annotations

import functools
from typing import Any, TypeGuard

from gpu_hpo._typing import Estimator


def is_estimator(value: object) -> TypeGuard[Estimator]:
    """Return whether a value is an estimator: an object that has parameters."""
    return hasattr(value, "get_params") and not isinstance(value, type)


def shallow_params(estimator: Estimator) -> dict[str, Any]:
    """Return the parameters of an estimator, without those of its steps.

    They are those of ``get_params(deep=False)``, in a tenth of the time.
    """
    # `get_params` reads the signature each time, which takes longer than many calls.
    names = param_names(type(estimator))
    if names is None:
        return dict(estimator.get_params(deep=False))
    return {name: getattr(estimator, name, None) for name in names}


@functools.lru_cache(maxsize=256)
def param_names(kind: Any) -> tuple[str, ...] | None:
    """Return the names of a class's parameters; None if it has its own `get_params`."""
    usual = getattr(kind.get_params, "__module__", "") == "sklearn.base"
    return tuple(kind._get_param_names()) if usual else None


def libraries(value: object) -> set[str]:
    """Return the libraries of the estimators in a value, and of their parts."""
    if isinstance(value, list | tuple):
        return set[str]().union(*map(libraries, value))
    if not is_estimator(value):
        return set()
    parts = list(value.get_params(deep=False).values())
    return {type(value).__module__.partition(".")[0]} | libraries(parts)
