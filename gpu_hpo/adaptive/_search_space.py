# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Check and sample the space of parameters."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from sklearn.model_selection import ParameterGrid, ParameterSampler

from gpu_hpo._typing import ParameterSpace
from gpu_hpo.exceptions import GpuHpoWarning
from gpu_hpo.training._content_keys import Keys


def check_space(estimator: Any, parameters: Any) -> None:
    """Raise if `parameters` is empty or has a name that `estimator` does not have.

    Raises
    ------
    ValueError
    TypeError
        If it is neither a dict nor a list of dicts.
    """
    spaces = [parameters] if isinstance(parameters, Mapping) else parameters
    if not isinstance(spaces, Sequence) or isinstance(spaces, str):
        raise TypeError(
            "parameters must be a dict or a list of dicts of lists or distributions; "
            f"got {parameters!r}"
        )
    empty = [i for i, space in enumerate(spaces) if not space]
    if empty or not spaces:
        which = f" in entry {empty[0]}" if len(spaces) > 1 else ""
        raise ValueError(
            f"parameters={parameters!r} is an empty space{which}: there is nothing to "
            "search"
        )
    known = estimator.get_params(deep=True)
    for space in spaces:
        if not isinstance(space, Mapping):
            raise TypeError(
                f"parameters must be a dict or a list of dicts; it has {space!r}"
            )
        for name, values in space.items():
            if not isinstance(name, str):
                raise TypeError(f"parameters names {name!r}, which is not a str")
            # If a step is itself searched, its parameters need not exist yet.
            parts = name.split("__")
            owners = {"__".join(parts[:n]) for n in range(1, len(parts))}
            if name not in known and not owners & space.keys():
                raise ValueError(
                    f"parameters names {name!r}, which is not a parameter of "
                    f"{type(estimator).__name__}; it has {sorted(known)}"
                )
            if not hasattr(values, "rvs"):
                scalar = getattr(values, "shape", None) == ()
                if scalar or isinstance(values, str) or not hasattr(values, "__len__"):
                    raise TypeError(
                        f"parameters[{name!r}]={values!r} must be a list of values or "
                        "a distribution with a method rvs"
                    )
                if len(values) == 0:
                    raise ValueError(f"parameters[{name!r}]={values!r} is empty")


def n_to_sample(parameters: ParameterSpace, n: int) -> int:
    """Return how many of `n` parameter sets `sample` will draw."""
    spaces = [parameters] if isinstance(parameters, Mapping) else parameters
    try:
        if any(hasattr(v, "rvs") for space in spaces for v in space.values()):
            return n
        return min(n, len(ParameterGrid(parameters))) or n
    except (TypeError, ValueError, AttributeError):
        return n  # `check_space` says what is wrong with the space


def n_distinct(params: Sequence[Mapping[str, Any]]) -> int:
    """Count parameter sets that differ in content."""
    keys = Keys()
    return len(
        {
            frozenset((name, keys.of(_plain(value))) for name, value in param.items())
            for param in params
        }
    )


def _plain(value: object) -> Any:
    """Return a number as Python's own, whether it comes from a list or an array."""
    return value.item() if isinstance(value, np.generic) else value


def sample(
    parameters: ParameterSpace, n: int, seed: np.random.SeedSequence
) -> list[Any]:
    """Draw `n` parameter sets; fewer if a space of lists has no more of them.

    Values are drawn as by ``sklearn.model_selection.ParameterSampler``.
    """
    rng = np.random.RandomState(np.random.MT19937(seed))
    with warnings.catch_warnings():
        # The caller warns of this once, for the whole search.
        warnings.filterwarnings("ignore", "The total space of parameters")
        return list(ParameterSampler(parameters, n, random_state=rng))


def warn_small_space(params: Sequence[Mapping[str, Any]], wanted: str) -> None:
    """Warn that the space holds fewer parameter sets than were to be sampled.

    Parameters
    ----------
    params : sequence of dict
        One for each model; each set of the space is among them.
    wanted : str
        How many were to be sampled.
    """
    warnings.warn(
        f"parameters is a space of {n_distinct(params)} distinct sets where {wanted} "
        f"were to be sampled: {len(params)} models are trained",
        GpuHpoWarning,
        stacklevel=2,
    )
