# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Check the arguments of functions and constructors, in scikit-learn's words.

Searches and estimators are checked in `fit` by scikit-learn, from the same constraints.
"""

from __future__ import annotations

import functools
import inspect
from collections import Counter
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, TypeVar

import numpy as np
from sklearn import get_config

from gpu_hpo._sklearn_private import Interval, validate_parameter_constraints

_Function = TypeVar("_Function", bound=Callable[..., Any])
_NOT_NAMED = (inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD)

NOT_NEGATIVE = Interval(Integral, 0, None, closed="left")
POSITIVE = Interval(Integral, 1, None, closed="left")
NOT_NEGATIVE_NUMBER = Interval(Real, 0, None, closed="left")
AT_LEAST_TWO = Interval(Integral, 2, None, closed="left")
# What a seed is drawn from here: scikit-learn's, and NumPy's newer ones.
SEED = ("random_state", np.random.Generator, np.random.SeedSequence)
# What may end a search before it is done.
LIMITS: dict[str, list[Any]] = {
    "max_seconds": [Interval(Real, 0, None, closed="neither"), None],
    "stop_score": [Interval(Real, None, None, closed="neither"), None],
}
# Of a plateau; NaN and None are none.
TOL = (Interval(Real, None, None, closed="neither"), None, "nan")


def checked(**constraints: Any) -> Callable[[_Function], _Function]:
    """Let a function refuse arguments that are out of range, before it runs.

    It does what scikit-learn's decorator for functions does, but keeps what type
    checkers know of the function, and names a constructor by its class.

    Parameters
    ----------
    **constraints : list
        What each argument may be, as in `_parameter_constraints` of scikit-learn's
        estimators. Arguments that are left out may be anything.

    Returns
    -------
    callable
        Decorates a function, or an ``__init__``.
    """

    def decorate(function: _Function) -> _Function:
        signature = inspect.signature(function)
        name = function.__qualname__.removesuffix(".__init__")
        named = [n for n, p in signature.parameters.items() if p.kind not in _NOT_NAMED]
        unknown = constraints.keys() - set(named)
        assert not unknown, f"{name} has no argument {unknown}"

        @functools.wraps(function)
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            if not get_config()["skip_parameter_validation"]:
                bound = signature.bind(*args, **kwargs)
                bound.apply_defaults()
                given = {key: bound.arguments[key] for key in constraints}
                validate_parameter_constraints(constraints, given, caller_name=name)
            return function(*args, **kwargs)

        return wrapper  # type: ignore[return-value]

    return decorate


def is_true(answer: Any) -> bool:
    """Return whether a callback has answered True, and not just something."""
    return isinstance(answer, bool | np.bool_) and bool(answer)


def check_classes(classes: Any) -> None:
    """Raise if a list of classes, or one of those of several outputs, repeats one.

    Only what is in the host's memory is looked at.
    """
    if isinstance(classes, str | bytes):
        raise TypeError(f"classes={classes!r} must be a list of classes")
    if isinstance(classes, list | tuple) and {np.ndim(c) for c in classes} == {1}:
        for of_one_output in classes:
            check_classes(of_one_output)
    elif isinstance(classes, list | tuple | np.ndarray) and np.ndim(classes) == 1:
        repeated = [
            value
            for value, n in Counter(np.asarray(classes, object).tolist()).items()
            if n > 1
        ]
        if repeated:
            raise ValueError(f"classes={classes!r} has {repeated[0]!r} more than once")
