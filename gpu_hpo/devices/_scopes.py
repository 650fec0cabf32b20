# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compile the same functions for several devices.

Numba looks up names in a function's globals. So copies of functions are compiled, with
globals that hold the other copies and the functions of the device.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import FunctionType
from typing import Any, TypeAlias

Compiled: TypeAlias = Callable[..., Any]
Compile: TypeAlias = Callable[[Callable[..., Any]], Compiled]


def compile_into(
    scope: dict[str, Any], compile: Compile, *functions: Any
) -> list[Compiled]:
    """Compile copies of functions, with `scope` as their globals.

    Parameters
    ----------
    scope : dict
        Globals of the copies. The compiled copies are added to it by name, and all
        other globals of the original functions.
    compile : callable
        For instance ``numba.cuda.jit(device=True)``.
    *functions : function
        What to copy; the compiled copies are returned in this order.
    """
    for function in functions:
        for name, value in function.__globals__.items():
            scope.setdefault(name, value)
        copy = FunctionType(function.__code__, scope, function.__name__)
        scope[function.__name__] = compile(copy)
    return [scope[function.__name__] for function in functions]


def choice(functions: Sequence[Compiled], compile: Compile) -> Compiled:
    """Compile a function that calls one of several, chosen by its first argument.

    The choice is outside the functions that are called, so that their loops can use
    vector instructions.

    Parameters
    ----------
    functions : sequence of compiled functions
        With equal parameters.
    compile : callable
        As of `compile_into`.
    """
    if len(functions) == 1:
        return compile(_always(functions[0]))
    k = len(functions) // 2
    halves = choice(functions[:k], compile), choice(functions[k:], compile)
    return compile(_either(k, *halves))


def _always(function: Compiled) -> Callable[..., Any]:
    def always(number: int, *given: Any) -> Any:
        return function(*given)

    return always


def _either(k: int, low: Compiled, high: Compiled) -> Callable[..., Any]:
    def either(number: int, *given: Any) -> Any:
        if number < k:
            return low(number, *given)
        return high(number - k, *given)

    return either
