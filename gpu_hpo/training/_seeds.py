# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find what draws random numbers without a seed in an estimator, and seed it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from numbers import Number
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import Any, TypeAlias

import numpy as np
from sklearn.frozen import FrozenEstimator

from gpu_hpo._typing import Estimator

_SEED = "random_state"
# Types of values that hold nothing that could draw random numbers.
_SIMPLE = frozenset({type(None), bool, int, float, str})
_PLAIN = (
    *(Number, str, bytes, np.ndarray, np.generic),
    *(type, FunctionType, BuiltinFunctionType, ModuleType),
)

# The name of a parameter that is a `random_state`; or, if it has no name, the way to
# it: a parameter, then positions in lists and dicts, and names of parameters or
# attributes.
Place: TypeAlias = str | tuple[str | int, ...]


def unset_seeds(estimator: Estimator) -> tuple[Place, ...]:
    """Return where a `random_state` is None, in an estimator and in all that it holds.

    Parameters
    ----------
    estimator : estimator
        Its parameters are searched, also those of its steps, and then their values:
        estimators in lists and dicts, and other objects with an attribute
        `random_state`, such as splitters.

    Returns
    -------
    tuple of str and of tuple
        Names of parameters, sorted; then the ways to all others, in a fixed order.
    """
    params = estimator.get_params(deep=True)
    named = [
        name
        for name, value in params.items()
        if value is None and name.rpartition("__")[2] == _SEED
    ]
    # Estimators whose parameters have names here have been searched already.
    prefixes = {name.rpartition("__")[0] for name in params}
    seen = {id(value) for name, value in params.items() if name in prefixes}
    # Frozen estimators stay as they are.
    frozen = (v for v in params.values() if isinstance(v, FrozenEstimator))
    seen |= {id(value.estimator) for value in frozen}
    ways = [
        way for name in sorted(params) for way in _ways(params[name], (name,), seen)
    ]
    return (*sorted(named), *ways)


def set_seeds(
    estimator: Estimator,
    places: Sequence[Place],
    seeds: Sequence[int],
    params: Mapping[str, Any] | None = None,
) -> None:
    """Set the seeds that `unset_seeds` has found, in that estimator or in a copy.

    Parameters
    ----------
    estimator : estimator
    places : sequence of str and of tuple
    seeds : sequence of int
        One for each.
    params : mapping of str to object, optional
        Other parameters to set, together with seeds that have names.
    """
    pairs = list(zip(places, seeds, strict=True))
    named = {place: seed for place, seed in pairs if isinstance(place, str)}
    estimator.set_params(**named | dict(params or {}))
    for place, seed in pairs:
        if not isinstance(place, str):
            _set(estimator, place, seed)


def leaves_places(params: Mapping[str, Any], places: Sequence[Place]) -> bool:
    """Return whether an estimator with other parameters has seeds in the same places.

    The check is fast; it returns False if it is not certain.

    Parameters
    ----------
    params : mapping of str to object
        The other parameters.
    places : sequence of str and of tuple
        The result of `unset_seeds` for the estimator without them.
    """
    heads = [place if isinstance(place, str) else str(place[0]) for place in places]
    return not any(
        name.rpartition("__")[2] == _SEED
        or not _holds_nothing(value)
        or any(head == name or head.startswith(f"{name}__") for head in heads)
        for name, value in params.items()
    )


def _holds_nothing(value: object) -> bool:
    """Return whether a parameter's value is plain and no list, even an empty one."""
    if isinstance(value, list | tuple):
        return bool(value) and all(isinstance(item, Number) for item in value)
    if isinstance(value, np.ndarray):
        return not value.dtype.hasobject
    return _is_plain(value)


def _is_plain(value: object) -> bool:
    return type(value) in _SIMPLE or isinstance(value, _PLAIN)


def _ways(
    value: Any, way: tuple[Any, ...], seen: set[int]
) -> Iterator[tuple[Any, ...]]:
    """Find the ways to seeds that are unset in a value, each object looked at once."""
    if _is_plain(value) or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _ways(item, (*way, i), seen)
    elif isinstance(value, dict):
        for i, (key, item) in enumerate(value.items()):
            if isinstance(key, str) and key.rpartition("__")[2] == _SEED:
                # Parameters, or the values that a nested search tries.
                if item is None:
                    yield (*way, i)
                elif isinstance(item, list):
                    yield from ((*way, i, j) for j, v in enumerate(item) if v is None)
            yield from _ways(item, (*way, i), seen)
    elif isinstance(value, FrozenEstimator):
        return
    elif hasattr(value, "get_params"):
        for place in unset_seeds(value):
            yield (*way, *((place,) if isinstance(place, str) else place))
    else:
        # A splitter that does not shuffle draws nothing.
        if getattr(value, _SEED, 0) is None and getattr(value, "shuffle", True):
            yield (*way, _SEED)
        if hasattr(value, "split"):
            for name, item in sorted(getattr(value, "__dict__", {}).items()):
                yield from _ways(item, (*way, name), seen)


def _set(holder: Any, way: Sequence[Any], seed: int) -> None:
    *steps, last = way
    for step in steps:
        if isinstance(holder, dict):
            holder = list(holder.values())[step]
        elif isinstance(step, int):
            holder = holder[step]
        elif hasattr(holder, "get_params"):
            holder = holder.get_params(deep=True)[step]
        else:
            holder = getattr(holder, step)
    if isinstance(holder, dict):
        holder[list(holder)[last]] = seed
    elif isinstance(last, int):
        holder[last] = seed
    elif hasattr(holder, "get_params"):
        holder.set_params(**{last: seed})
    else:
        with suppress(AttributeError):  # of one that is not to be changed, so it draws
            setattr(holder, last, seed)
