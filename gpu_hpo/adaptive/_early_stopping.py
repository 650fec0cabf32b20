# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Refuse models that would stop training by themselves, where they cannot."""

from __future__ import annotations

from collections.abc import Container, Iterable, Mapping
from numbers import Real
from typing import Any

from sklearn.frozen import FrozenEstimator

from gpu_hpo._typing import Estimator
from gpu_hpo.adaptive.training._budgets import Budget

_OPEN = ("sklearn", "gpu_hpo")
# The parameters of boosters that count rounds without improvement on `eval_set`.
_ROUNDS = {
    "xgboost": ("early_stopping_rounds",),
    "lightgbm": (
        "early_stopping_round",
        "early_stopping_rounds",
        "early_stopping",
        "n_iter_no_change",
    ),
}


def check_early_stopping(
    parts: Iterable[tuple[str, Estimator]],
    spaces: Iterable[Mapping[str, Any]],
    budget: Budget,
    fit_params: Container[str],
) -> None:
    """Raise ValueError if all models of a space would stop early, and cannot.

    Parameters
    ----------
    parts : iterable of (str, estimator)
        The estimator and those among its parameters, by the names of these.
    spaces : iterable of mapping
    budget : Budget
    fit_params : container of str
        Names of those that are given.
    """
    parts = list(parts)
    # It is not known how others train what they hold; what is frozen is not trained.
    closed = [
        f"{path}__" if path else ""
        for path, part in parts
        if isinstance(part, FrozenEstimator)
        or type(part).__module__.partition(".")[0] not in _OPEN
    ]
    for space in spaces:
        for path, part in parts:
            held = any(path.startswith(start) and path for start in closed)
            replaced = any(f"{path}__".startswith(f"{name}__") for name in space)
            if not (held or replaced):
                _check_part(path, part, space, budget, fit_params)


def _check_part(
    path: str,
    part: Any,
    space: Mapping[str, Any],
    budget: Budget,
    fit_params: Container[str],
) -> None:
    own = part.get_params(deep=False)
    start = f"{path}__" if path else ""
    names, reason = _forbidden(part, budget)
    if any(f"{start}{name}" in fit_params for name in ("eval_set", "eval_X")):
        return
    for name in names:
        full = f"{start}{name}"
        values = space.get(full, [own.get(name)])
        if hasattr(values, "rvs") or not all(map(_stops, values)):
            continue
        what = f"estimator has {full}={own.get(name)!r}"
        if full in space:
            what = f"parameters[{full!r}]={values!r} has no value that is off"
        raise ValueError(f"{what}, but {reason.format(eval_set=f'{start}eval_set')}")


def _forbidden(part: Any, budget: Budget) -> tuple[tuple[str, ...], str]:
    """Return the parameters of a model that must be off, and why."""
    name = type(part).__name__
    if budget.method == "partial_fit":
        if _library(part, "partial_fit") in _OPEN:
            return ("early_stopping",), (
                f"partial_fit of {name} does not support early_stopping: the search "
                "itself stops models early. Let it be False, or resource be another"
            )
    elif budget.refits:
        library = _library(part, "fit")
        return _ROUNDS.get(library, ()), (
            f"fit of {name} then needs rows to score on: pass {{eval_set}} to fit, or "
            "let it be None, since the search itself stops models early"
        )
    return (), ""


def _library(part: Any, method: str) -> str:
    """Return the library in which a method of an estimator is defined."""
    for kind in type(part).__mro__:
        if method in vars(kind):
            return kind.__module__.partition(".")[0]
    return ""


def _stops(value: object) -> bool:
    """Return whether a value of such a parameter is not off."""
    return bool(value) and not (isinstance(value, Real) and value < 0)
