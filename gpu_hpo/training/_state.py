# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find out which objects have a state that fits would share."""

from __future__ import annotations

import dis
import functools
from collections.abc import Iterable
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import scipy.sparse

from gpu_hpo._sklearn_private import (
    _BaseScorer,
    _MultimetricScorer,
    _PassthroughScorer,
    function_of,
    params_of,
    scorers_of,
)
from gpu_hpo.devices._namespace import is_device_array, is_table

PLAIN = (bool, int, float, complex, str, bytes, type(None), range, slice, np.generic)
BY_NAME = (type, ModuleType, np.ufunc, np.dtype, type(np.mean))  # as pickle does
# Libraries whose functions only keep what they need to check their arguments.
_STATELESS = frozenset({"cuml", "cupy", "gpu_hpo", "numpy", "scipy", "sklearn"})


def has_state(value: object) -> bool:
    """Return whether fits that share a value could see what others did to it.

    Data (arrays, frames, sparse matrices) does not count.
    """
    return _has_state(value, set())


def is_data(value: object) -> bool:
    """Return whether a value is an array, a frame or a sparse matrix."""
    return (
        isinstance(value, np.ndarray)
        or scipy.sparse.issparse(value)
        or hasattr(value, "iloc")
        or is_table(value)
        or is_device_array(value)
    )


def _has_state(value: object, seen: set[int]) -> bool:
    if isinstance(value, (*PLAIN, *BY_NAME)) or id(value) in seen or is_data(value):
        return False
    seen.add(id(value))
    if isinstance(value, FunctionType):
        root = (value.__module__ or "").partition(".")[0]
        return root not in _STATELESS and (
            _has_attributes(value)
            or keeps_in_module(value)
            or _rebinds(value.__code__)
            or any(
                isinstance(v, np.ndarray) or _has_state(v, seen)
                for v in _kept_by(value)
            )
        )
    if isinstance(value, BuiltinFunctionType | MethodType):
        return _has_state(getattr(value, "__self__", None), seen)
    if isinstance(value, _PassthroughScorer):
        return False  # it only calls the model that it gets
    inside: Iterable[Any]
    if isinstance(value, tuple | frozenset):
        inside = value
    elif isinstance(value, functools.partial):
        inside = (value.func, *value.args, *value.keywords.values())
    elif isinstance(value, _MultimetricScorer):
        inside = scorers_of(value).values()
    elif (
        isinstance(value, _BaseScorer)
        and type(value).__module__.partition(".")[0] == "sklearn"
    ):
        inside = (function_of(value), *params_of(value).values())
    else:
        return True
    return any(_has_state(item, seen) for item in inside)


@functools.lru_cache(maxsize=256)
def _rebinds(code: CodeType) -> bool:
    """Return whether a function sets variables of its closure (`nonlocal`)."""
    return any(
        step.opname == "STORE_DEREF" and step.argval in code.co_freevars
        for step in dis.get_instructions(code)
    )


def _has_attributes(function: FunctionType) -> bool:
    """Return whether a function has attributes, which it may change."""
    return bool(function.__dict__.keys() - {"__wrapped__"})


def keeps_in_module(function: FunctionType) -> bool:
    """Return whether a function changes its module, as far as can be seen.

    It may set a global variable, change its own attributes by its global name, or draw
    from a random state of the module.
    """
    code, names = function.__code__, function.__globals__
    itself = names.get(function.__name__) is function and _has_attributes(function)
    return _sets_globals(code) or any(
        (itself and name == function.__name__)
        or isinstance(names.get(name), np.random.RandomState | np.random.Generator)
        for name in code.co_names
    )


@functools.lru_cache(maxsize=256)
def _sets_globals(code: CodeType) -> bool:
    return any(step.opname == "STORE_GLOBAL" for step in dis.get_instructions(code))


def _kept_by(function: FunctionType) -> Iterable[Any]:
    """Return what a function keeps from call to call."""
    for cell in function.__closure__ or ():
        try:
            yield cell.cell_contents
        except ValueError:  # it is empty
            continue
    yield from function.__defaults__ or ()
    yield from (function.__kwdefaults__ or {}).values()
