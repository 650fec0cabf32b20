# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Give methods the parameters that those of a wrapped estimator take."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from types import MethodType
from typing import Any


def signed_as(
    name: str, *, always: bool = False
) -> Callable[[Callable[..., Any]], Any]:
    """Make a method one that takes what the wrapped estimator's takes, for all to see.

    Searches look at signatures: at that of `partial_fit` to learn whether classes have
    to be given, for one.

    Parameters
    ----------
    name : str
        Of the wrapped estimator's method.
    always : bool, default=False
        Whether the method is there even if the wrapped estimator's is not.
    """
    return lambda function: _Signed(function, name, always)


class _Signed:
    def __init__(self, function: Callable[..., Any], name: str, always: bool) -> None:
        self._function = function
        self._name = name
        self._always = always
        self.__doc__ = function.__doc__

    def __get__(self, wrapper: Any, owner: Any = None) -> Any:
        if wrapper is None:
            return self._function
        theirs = getattr(wrapper.estimator, self._name, None)
        if theirs is None or isinstance(wrapper.estimator, type):
            if self._always or theirs is not None:
                # A class in place of an estimator is refused by the method itself.
                return MethodType(self._function, wrapper)
            # Then Python asks `__getattr__`, which says what is missing.
            raise AttributeError(self._name)
        return MethodType(_with_signature(self._function, theirs), wrapper)


def _with_signature(
    function: Callable[..., Any], theirs: Callable[..., Any]
) -> Callable[..., Any]:
    try:
        signature = inspect.signature(theirs)
    except (TypeError, ValueError):
        # What is not written in Python need not have one.
        return function

    @functools.wraps(function)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        return function(self, *args, **kwargs)

    params = signature.parameters.values()
    first = inspect.Parameter("self", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(p.kind is p.POSITIONAL_ONLY for p in params):
        first = first.replace(kind=inspect.Parameter.POSITIONAL_ONLY)
    named: Any = method
    named.__signature__ = signature.replace(parameters=[first, *params])
    return method
