# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Call scikit-learn's scorers on the host, with responses instead of X."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from gpu_hpo._sklearn_private import function_of
from gpu_hpo._typing import ArrayLike, Estimator
from gpu_hpo.devices._namespace import is_device_array, to_host
from gpu_hpo.devices._take_rows import take_rows
from gpu_hpo.training._lending import Access, lend, lend_rows
from gpu_hpo.training._text_labels import labels_of


class HostRows:
    """Labels and per-row parameters on the host: copied once, when first needed.

    Parameters
    ----------
    given : mapping of str to array-like
        y, if there is one, per-row parameters by name, and X if a scorer needs it.
    names : sequence of str
        The per-row parameters, `sample_weight` for one.
    labels : ndarray, optional
        If given, y and what models predict are the numbers of these labels; scorers
        get the labels.
    """

    def __init__(
        self,
        given: Mapping[str, Any],
        names: Sequence[str],
        labels: np.ndarray | None = None,
    ) -> None:
        self.given = given
        self.names = names
        self.labels = labels

    @cached_property
    def _y(self) -> Any:
        y = on_host(self.given.get("y"))
        return y if self.labels is None or y is None else labels_of(self.labels, y)

    @cached_property
    def _params(self) -> dict[str, Any]:
        return {name: on_host(self.given[name]) for name in self.names}

    def score(
        self,
        scorer: Any,
        model: Estimator,
        responses: Mapping[str, Any],
        names: Mapping[str, str],
        constants: Mapping[str, Any],
        access: Access = Access.READ_ONLY,
    ) -> Any:
        """Return what a scorer makes of the responses of a model.

        Parameters
        ----------
        scorer : scorer object of scikit-learn's
            Made by `make_scorer`, so that it asks for nothing but responses.
        model : estimator
        responses : mapping of str to array
            By method.
        names : mapping of str to str
            The per-row parameters that the scorer takes, by its own names for them.
        constants : mapping of str to object
            What else the scorer takes.
        access : Access
            What the scorer may have of labels and parameters.
        """
        host = {name: on_host(response) for name, response in responses.items()}
        if self.labels is not None and "predict" in host:
            host["predict"] = labels_of(self.labels, host["predict"])
        own = {param: self._params[name] for param, name in names.items()}
        params = lend_rows(own, access)
        y = lend(self._y, access)
        weight = params.get("sample_weight")
        module = getattr(function_of(scorer), "__module__", "") or ""
        # Some of scikit-learn's metrics look for labels in rows that do not count. What
        # users' functions make of such is theirs.
        if weight is not None and module.partition(".")[0] == "sklearn":
            counts = np.flatnonzero(np.asarray(weight))
            if len(counts) < len(weight):
                y = _rows(y, counts)
                host = {
                    name: _rows(response, counts) for name, response in host.items()
                }
                params = {name: _rows(value, counts) for name, value in params.items()}
        stand_in = _Responded(model, host, self.labels)
        return scorer(stand_in, None, y, **params, **constants)


class _Responded:
    """Stands in for a model in front of a scorer, with responses already given.

    If there are `labels`, the model knows their numbers.
    """

    def __init__(
        self,
        model: Estimator,
        responses: Mapping[str, Any],
        labels: np.ndarray | None = None,
    ) -> None:
        self._model = model
        self._responses = responses
        self._labels = labels

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self._responses:
            return _given(name, self._responses[name])
        value = getattr(self._model, name)
        if name != "classes_":
            return value
        labels = self._labels
        return on_host(value) if labels is None else labels_of(labels, value)

    def __sklearn_tags__(self) -> Any:
        return get_tags(self._model)


def _given(name: str, response: Any) -> Callable[[Any], Any]:
    """Return a method that gives a known response; scorers look at its name."""

    def method(X: ArrayLike) -> Any:
        return response

    method.__name__ = name
    return method


def _rows(value: Any, at: np.ndarray) -> Any:
    """Take rows of labels, weights or a response, which may be a list of outputs."""
    if isinstance(value, list):
        return [take_rows(item, at) for item in value]
    return take_rows(value, at)


def on_host(value: Any) -> Any:
    """Return a copy of what is on a device, anything else as it is."""
    if isinstance(value, list):
        return [on_host(item) for item in value]
    if value is not None and is_device_array(value):
        return np.asarray(to_host(value))
    return value
