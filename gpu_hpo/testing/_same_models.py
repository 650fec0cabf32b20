# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compare models to the bit, and check that they were not changed."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gpu_hpo._typing import Array, ArrayLike
from gpu_hpo.devices._namespace import to_host
from gpu_hpo.stacks._contract import Stack


class Untouched:
    """Keep what models are when this is made."""

    def __init__(self, models: Sequence[Any]) -> None:
        self._models = list(models)
        self._before = copies(models)
        self._shown = [repr(vars(model)) for model in models]

    def check(self, culprit: str, which: str = "that the stack was made of") -> None:
        """Check that nothing has changed, including private attributes."""
        for i, model in enumerate(self._models):
            where = f"{culprit} changed model {i} of those {which}"
            now, before = vars(model), vars(self._before[i])
            odd = sorted(now.keys() ^ before.keys())
            assert not odd, f"{where}: attributes {odd} came or went"
            for name, value in now.items():
                assert same(value, before[name]), (
                    f"{where}: {_difference(name, value, before[name], 'it was')}"
                )
            assert repr(now) == self._shown[i], f"{where}: {now}"


def copies(models: Sequence[Any]) -> list[Any]:
    """Copy models each by itself, so that they share no generator."""
    return [copy.deepcopy(model) for model in models]


def public(model: Any) -> list[str]:
    """Return the parameters and fitted attributes."""
    return [name for name in vars(model) if not name.startswith("_")]


def check_equal(where: str, model: Any, expected: Any) -> None:
    """Compare the parameters and the fitted attributes of two models."""
    for name in public(model):
        assert name in vars(expected), f"{where} has {name}, alone it has not"
    for name in public(expected):
        assert hasattr(model, name), f"{where} has no {name}"
        ours, theirs = getattr(model, name), getattr(expected, name)
        assert same(ours, theirs), (
            f"{where}: {_difference(name, ours, theirs, 'alone it is')}"
        )


def check_responses(
    shown: str, stack: Stack, alone: Mapping[int, Any], X: ArrayLike
) -> None:
    """Compare the responses of a stack with those of its models, by number, alone."""
    for method in ("predict", "predict_proba", "decision_function"):
        if all(hasattr(each, method) for each in (stack, *alone.values())):
            joint = to_host(getattr(stack, method)(X))
            assert len(joint) == len(alone), (
                f"{method} of {shown} answers for {len(joint)} models"
            )
            for (i, model), answer in zip(alone.items(), joint, strict=True):
                expected = to_host(getattr(model, method)(X))
                assert np.array_equal(answer, expected), (
                    f"{method} of {shown} differs for model {i}"
                )


def _difference(name: str, ours: Any, theirs: Any, then: str) -> str:
    if _generator_state(ours) is not None and _generator_state(theirs) is not None:
        return f"{name} is at another place in its random numbers"
    return f"{name} is {ours}, {then} {theirs}"


def _generator_state(value: Any) -> Any:
    """Return the state of a random number generator, which its repr does not show."""
    if isinstance(value, np.random.RandomState):
        return value.get_state(legacy=False)
    if isinstance(value, np.random.Generator):
        return value.bit_generator.state
    return None


def same(a: Any, b: Any) -> bool:
    """Compare what a model may have as an attribute; generators by their state."""
    if a is b:
        return True
    state = _generator_state(a)
    if state is not None:
        return type(a) is type(b) and same(state, _generator_state(b))
    if isinstance(a, list | tuple) and isinstance(b, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(a[key], b[key]) for key in a)
    if hasattr(a, "shape") or hasattr(b, "shape"):
        return _same_array(to_host(a), to_host(b))
    if hasattr(a, "get_params"):
        return type(a) is type(b) and same(vars(a), vars(b))
    inherited: Any = object.__eq__
    if type(a).__eq__ is inherited:
        # Equal only to itself, so a copy can only be compared by its type.
        return type(a) is type(b)
    return bool(a == b)


def _same_array(a: Array, b: Array) -> bool:
    a, b = (x.toarray() if hasattr(x, "toarray") else x for x in (a, b))
    return np.array_equal(a, b, equal_nan=a.dtype.kind == b.dtype.kind == "f")
