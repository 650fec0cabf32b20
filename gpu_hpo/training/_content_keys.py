# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compare parameters and estimators by content."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
from dask.base import tokenize
from sklearn.base import clone

from gpu_hpo._typing import Estimator
from gpu_hpo.devices._params import is_estimator

# Equal of these are the same only if their types are: 1, 1.0 and True are not.
_PLAIN = (bool, int, str, bytes, type(None))


class Keys:
    """Hashable keys of values: equal for equal content.

    Objects other than plain values are hashed by their content, once: they must live as
    long as this object, and must not change.
    """

    def __init__(self) -> None:
        self._known: dict[int, tuple[Any, Hashable]] = {}

    def of(self, value: Any) -> Hashable:
        """Return the key of a parameter's value.

        Estimators are the same if their types and parameters are; other objects are the
        same if Dask's hashes of them are.
        """
        kind = type(value)
        if kind in _PLAIN:
            return (kind, value)
        if kind is float or isinstance(value, np.generic):
            return (kind, repr(value))
        known = self._known.get(id(value))
        if known is not None:
            return known[1]
        key: Hashable
        if kind in (tuple, list):
            key = (kind, tuple(self.of(item) for item in value))
        elif kind is dict:
            items = value.items()  # their order may matter
            key = (kind, tuple((self.of(k), self.of(v)) for k, v in items))
        elif is_estimator(value):
            key = self.changed(value).key({})
        else:
            key = (kind, tokenize(value, ensure_deterministic=False))
        self._known[id(value)] = (value, key)
        return key

    def changed(self, estimator: Estimator) -> Changed:
        """Return the keys of an estimator with some parameters changed."""
        return Changed(self, estimator)


class Changed:
    """Keys of an estimator, which stays as it is, with some parameters changed."""

    def __init__(self, keys: Keys, estimator: Estimator) -> None:
        self._keys = keys
        self._estimator = estimator
        params = estimator.get_params(deep=False)
        # What an estimator has besides parameters: `set_output`, requests for metadata,
        # and, if it is frozen, what it has learned.
        known = getattr(estimator, "__dict__", {}).items()
        beside = {name: value for name, value in known if name not in params}
        learned = tokenize(beside, ensure_deterministic=False) if beside else None
        self._kind = (type(estimator), learned)
        names = sorted(params)
        self._places = {name: i for i, name in enumerate(names)}
        self._values = [keys.of(params[name]) for name in names]

    def key(self, own: Mapping[str, Any]) -> Hashable:
        """Return the key of the estimator with these parameters."""
        if not own:
            return (*self._kind, tuple(self._values))
        values = self._values.copy()
        for name, value in own.items():
            place = self._places.get(name)
            if place is None:
                # A parameter of one of its steps.
                changed = clone(self._estimator).set_params(
                    **clone(dict(own), safe=False)
                )
                return Changed(self._keys, changed).key({})
            values[place] = self._keys.of(value)
        return (*self._kind, tuple(values))
