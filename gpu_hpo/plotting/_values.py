# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Write parameters as people do, and place their values on axes."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

import numpy as np

_LONG = 24  # characters of a value
_LONGEST = 48  # of one that is written like another otherwise
_DECADES = 2


def write_number(value: Any) -> str:
    """Write a number as short as it can be read back: 1e-7, not 1e-07."""
    text = str(int(value)) if isinstance(value, Integral) else repr(float(value))
    return re.sub(r"e([+-]?)0*(\d)", r"e\1\2", text.removesuffix(".0")).replace(
        "e+", "e"
    )


def write_value(value: Any) -> str:
    """Write the value of a parameter in few characters, numbers with three digits."""
    if isinstance(value, bool | np.bool | str) or value is None:
        text = str(value)
    elif isinstance(value, Integral):
        text = str(int(value))
    elif isinstance(value, Real):
        text = write_number(float(f"{float(value):.3g}"))
    elif hasattr(value, "get_params"):
        text = type(value).__name__
    elif callable(value):
        text = getattr(value, "__name__", type(value).__name__)
    else:
        text = " ".join(str(value).split())
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def write_params(params: Mapping[str, Any]) -> str:
    """Write parameters by name, after a comma each."""
    return ", ".join(f"{name}={write_value(value)}" for name, value in params.items())


def write_space(value: Any) -> Any:
    """Return a space of parameters whose distributions are written as people do.

    Lists, dicts and tuples are copied; other values, and what is no distribution of
    SciPy's, stay the same.
    """
    if isinstance(value, dict):
        return {name: write_space(part) for name, part in value.items()}
    if type(value) in (list, tuple):
        return type(value)(map(write_space, value))
    dist = getattr(value, "dist", None)
    if dist is not None and hasattr(dist, "name") and hasattr(value, "kwds"):
        return Written(write_distribution(value))
    return value


def write_distribution(frozen: Any) -> str:
    """Write a frozen distribution of SciPy's as the call that made it."""
    given = [_argument(value) for value in frozen.args]
    given += [f"{name}={_argument(value)}" for name, value in frozen.kwds.items()]
    return f"{frozen.dist.name}({', '.join(given)})"


def _argument(value: Any) -> str:
    number = isinstance(value, Real) and not isinstance(value, bool | np.bool)
    return write_number(value) if number else repr(value)


class Written:
    """Stands for a value in a text, which is its own `repr`."""

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return self._text


@dataclass(frozen=True)
class ParameterAxis:
    """Where the values of a parameter are on an axis.

    Attributes
    ----------
    name : str
    positions : ndarray
        One per value: the number itself, or the number of its category; NaN where the
        parameter is not set.
    categories : list of str
        Of a category axis; empty for numbers.
    log : bool
    """

    name: str
    positions: np.ndarray
    categories: list[str]
    log: bool


def parameter_axis(
    name: str, params: Sequence[Mapping[str, Any]], space: Any = None
) -> ParameterAxis:
    """Place the values of one parameter.

    The axis is logarithmic if the parameter's distribution is, or if its values are
    positive and span more than two decades.

    Parameters
    ----------
    name : str
    params : sequence of mapping
    space : dict or list of dict, optional
        What was searched.
    """
    given = [param[name] for param in params if name in param]
    if given and all(map(_is_number, given)):
        positions = np.array([float(p.get(name, math.nan)) for p in params])
        finite = positions[np.isfinite(positions)]
        positive = len(finite) > 0 and finite.min() > 0
        wide = positive and finite.max() / finite.min() > 10**_DECADES
        return ParameterAxis(
            name, positions, [], positive and (wide or _drawn_by_logarithm(name, space))
        )
    keys = [_identity(p[name]) if name in p else None for p in params]
    values = dict(zip(map(_identity, given), given, strict=True))
    ordered = sorted(values, key=lambda key: _order(values[key]))
    numbers = {key: i for i, key in enumerate(ordered)}
    where = [math.nan if key is None else numbers[key] for key in keys]
    categories = write_apart([values[key] for key in ordered])
    return ParameterAxis(name, np.array(where, dtype=float), categories, False)


def write_apart(values: Sequence[Any]) -> list[str]:
    """Write values that differ in texts that differ, as short as they can be."""
    texts = list(map(write_value, values))
    for write in (_write_fully, None):
        alike = {text for text, count in Counter(texts).items() if count > 1}
        if not alike:
            break
        texts = [
            text
            if text not in alike
            else f"{text} #{i + 1}"
            if write is None
            else write(values[i])
            for i, text in enumerate(texts)
        ]
    return texts


def _write_fully(value: Any) -> str:
    if _is_number(value):
        return write_number(value)
    text = " ".join(repr(value).split())
    # What differs may be at either end.
    half = _LONGEST // 2
    return text if len(text) <= _LONGEST else f"{text[:half]}…{text[-half:]}"


def _identity(value: Any) -> tuple[str, Any]:
    """Return what two values have in common only if they are the same."""
    if _is_number(value):
        return "number", float(value)
    return type(value).__name__, repr(value)


def _order(value: Any) -> tuple[int, Any, str]:
    """Sort categories: numbers by size, then tuples by their parts, then texts."""
    if _is_number(value):
        return 0, (float(value), ()), ""
    if isinstance(value, tuple) and all(map(_is_number, value)):
        return 1, (len(value), value), ""
    return 2, (0, ()), f"{write_value(value)} {value!r}"


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool | np.bool)


def _drawn_by_logarithm(name: str, space: Any) -> bool:
    spaces = [space] if isinstance(space, Mapping) else list(space or [])
    dists = [getattr(one.get(name), "dist", None) for one in spaces]
    return any(getattr(d, "name", "") in ("loguniform", "reciprocal") for d in dists)


def space_of(search: Any) -> Any:
    """Return what a search has searched, by the name that its class has for it."""
    for name in ("parameters", "param_distributions", "param_grid"):
        if hasattr(search, name):
            return getattr(search, name)
    return {}
