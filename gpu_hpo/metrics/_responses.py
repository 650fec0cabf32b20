# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Hold the responses of several models beside what is true."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from typing import Any, TypeVar

from gpu_hpo._typing import Array
from gpu_hpo.metrics._truth import Truth

T = TypeVar("T")


class StackedResponses:
    """The responses of several models for the rows that count.

    Parameters
    ----------
    truth : Truth
    responses : mapping of str to array of shape (n_models, n_samples, ...)
        By method.

    Attributes
    ----------
    xp : module
        The namespace of all arrays.
    n_models : int
    """

    def __init__(self, truth: Truth, responses: Mapping[str, Array]) -> None:
        self.truth = truth
        self.xp = truth.xp
        self.n_models: int = next(iter(responses.values())).shape[0]
        self._responses = responses
        self._shared: dict[Hashable, Any] = {}

    def first(self, *methods: str) -> str:
        """Return the first of some methods that the models have responses of."""
        return next(name for name in methods if name in self._responses)

    def of(self, method: str) -> Array:
        """Return responses of shape (n_models, n_rows, ...), contiguous."""
        given = self._responses[method]
        return self.shared(method, lambda: self.truth.rows_that_count(given))

    def shared(self, name: Hashable, make: Callable[[], T]) -> T:
        """Return what several metrics need, made once."""
        if name not in self._shared:
            self._shared[name] = make()
        made: T = self._shared[name]
        return made

    def undefined(self) -> Array:
        """Return NaN for all models, of shape (n_models,)."""
        return self.xp.full(self.n_models, self.xp.nan)

    def where(self, defined: Array, scores: Array) -> Array:
        """Return scores where they are defined, else NaN, of shape (n_models,)."""
        return self.xp.where(defined, scores, self.xp.nan)
