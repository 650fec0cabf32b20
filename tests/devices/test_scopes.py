# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Functions compiled for several devices."""

import pytest

from gpu_hpo.devices._jit import inlined
from gpu_hpo.devices._scopes import choice, compile_into


def unit():
    return 1


def double(x):
    return 2 * x * unit()


def triple(x):
    return 3 * x


@pytest.mark.parametrize("compile", [inlined, lambda function: function])
def test_copies_find_each_device_s_own(compile):
    """A copy finds what its scope has, and the function itself stays what it was."""
    scope = {"unit": compile(lambda: 10)}
    [found] = compile_into(scope, compile, double)
    assert (found(3), double(3), scope["double"]) == (60, 6, found)
    both = compile_into({}, compile, unit, double)
    assert both[1](3) == 6


@pytest.mark.parametrize("compile", [inlined, lambda function: function])
@pytest.mark.parametrize("n", [1, 2, 3, 5])
def test_choice(compile, n):
    """The number says which function is called, with all that follows."""
    _, *functions = compile_into({}, compile, unit, double, triple)
    chosen = choice([functions[k % 2] for k in range(n)], compile)
    assert [chosen(k, 5) for k in range(n)] == [10, 15, 10, 15, 10][:n]
