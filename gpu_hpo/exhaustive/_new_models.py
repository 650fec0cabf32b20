# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Make unfitted models from a template, by copying where that equals cloning."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone

from gpu_hpo._typing import Estimator, Params
from gpu_hpo.devices._params import param_names
from gpu_hpo.training._snapshots import own_functions

# Immutable values, which copies may share.
_PLAIN = frozenset(
    {
        *(type(None), bool, int, float, complex, str, bytes),
        *(np.bool_, np.int32, np.int64, np.float32, np.float64),
    }
)


def new_model(template: Estimator, params: Params) -> Any:
    """Make a model from a template, with some parameters changed.

    ``clone`` and ``set_params`` read signatures each time, which takes longer than many
    fits. If all attributes are plain values, a copy is the same.

    Parameters
    ----------
    template : estimator
        Not fitted; a clone itself.
    params : mapping of str to object

    Returns
    -------
    estimator
        It shares no mutable object with any other.

    Raises
    ------
    ValueError
        If the template has no such parameter.
    """
    kind: Any = type(template)
    names = _settable(kind)
    if names is not None and params.keys() <= names and _is_plain(template, params):
        model = copy.copy(template)
        vars(model).update(params)
        return model
    model = clone(template)
    if params:
        model.set_params(**clone(dict(params), safe=False))
    return own_functions(model)


def _is_plain(template: Estimator, params: Params) -> bool:
    """Return whether a template and its model would hold plain values only."""
    held = getattr(template, "__dict__", None)
    return (
        held is not None
        and params.keys() <= held.keys()
        and all(type(value) in _PLAIN for value in held.values())
        and all(type(value) in _PLAIN for value in params.values())
    )


@lru_cache(maxsize=256)
def _settable(kind: Any) -> frozenset[str] | None:
    """Return the parameters that `set_params` just sets; None if it may do more."""
    usual = all(
        getattr(kind, name, None) is getattr(BaseEstimator, name)
        for name in ("__sklearn_clone__", "__setattr__", "get_params", "set_params")
    ) and not hasattr(kind, "__copy__")
    names = param_names(kind) if usual else None
    return None if names is None else frozenset(names)
