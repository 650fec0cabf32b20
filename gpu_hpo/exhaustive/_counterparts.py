# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Let scikit-learn train what cuML cannot train, where there is no CUDA."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from dask.base import tokenize
from sklearn.base import clone

from gpu_hpo._typing import Estimator, Params
from gpu_hpo.devices._counterparts import convert
from gpu_hpo.devices._detect import Device
from gpu_hpo.devices._params import is_estimator, libraries

logger = logging.getLogger("gpu_hpo.model_selection")

_ABSENT = object()


class CounterpartsOnCPU:
    """Gives scikit-learn's counterparts of cuML's estimators, if workers lack CUDA.

    Candidates keep the names and values that the user gave; only what is fitted has
    others.

    Parameters
    ----------
    estimator : estimator
        The user's, not fitted.
    find_device : callable
        Returns the `Device` of those who fit. It is asked if something is of cuML.

    Attributes
    ----------
    base : estimator
        What is fitted: the estimator itself, or its counterpart.

    Raises
    ------
    NoCounterpartError
        If scikit-learn has no counterpart.
    """

    def __init__(self, estimator: Estimator, find_device: Callable[[], Device]) -> None:
        self._given = estimator
        self._find_device = find_device
        self._device: Device | None = None
        self.base: Any = estimator
        if self._is_needed(estimator):
            self.base = convert(estimator, "cpu")

    def params(self, given: Params) -> Params:
        """Return the parameters that make of `base` what a candidate stands for.

        Parameters
        ----------
        given : dict
            Of the candidate, by the names of the user's estimator.

        Raises
        ------
        NoCounterpartError
            If scikit-learn cannot do what one of them asks for.
        """
        if self.base is self._given and not self._is_needed(list(given.values())):
            return given
        try:
            model = clone(self._given).set_params(**clone(dict(given), safe=False))
        except (AttributeError, TypeError, ValueError) as error:
            logger.info("a candidate cannot be made: %r", error)
            return given  # its fits fail alone, with the same error
        return _changes(self.base, convert(model, "cpu"))

    def _is_needed(self, value: object) -> bool:
        if "cuml" not in libraries(value):
            return False
        if self._device is None:
            self._device = self._find_device()
            if self._device.name == "cpu":
                logger.info("training by scikit-learn: %s", self._device.reason)
        return self._device.name == "cpu"


def _changes(base: Any, target: Any) -> Params:
    """Return the parameters that `set_params` has to change to make one of another."""
    before, after = base.get_params(deep=True), target.get_params(deep=True)
    changes: dict[str, Any] = {}
    for name, value in after.items():
        old = before.get(name, _ABSENT)
        parts = name.split("__")
        is_inside = any("__".join(parts[:i]) in changes for i in range(1, len(parts)))
        if not is_inside and not _is_same(old, value, after):
            changes[name] = value
    return changes


def _is_same(old: Any, new: Any, names: Params) -> bool:
    """Return whether a parameter is the same, but for what its parts' names tell."""
    if is_estimator(old) and is_estimator(new):
        return type(old) is type(new)
    if isinstance(old, list | tuple) and isinstance(new, list | tuple):
        named = _named(new)
        if named and named.keys() <= names.keys():
            return _named(old) == named
    return old is new or (type(old) is type(new) and tokenize(old) == tokenize(new))


def _named(value: Any) -> dict[str, Any]:
    """Return what a list of named steps says besides them; {} if it is none."""
    items = [item for item in value if isinstance(item, tuple) and len(item) > 1]
    if len(items) < len(value) or not all(isinstance(item[0], str) for item in items):
        return {}
    return {item[0]: tokenize(item[2:]) for item in items}
