# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How gradients change weights: many networks at once, each by its own numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Self

import numpy as np

from gpu_hpo._typing import Array


@dataclass
class Optimizer(ABC):
    """Hold the state of one solver for a number of networks."""

    xp: ModuleType
    # What it remembers of earlier gradients, each of shape (n_models, n_params).
    moments: list[Array]
    # What it is set to for each model, by the name of the estimator's attribute.
    numbers: dict[str, list[Any]]

    @abstractmethod
    def step(self, params: Array, grads: Array) -> None:
        """Change `params` in place; `grads` may be used up."""

    def of(self, models: slice) -> Self:
        """Return the part of some models; its moments are views."""
        numbers = {name: values[models] for name, values in self.numbers.items()}
        return type(self)(self.xp, [m[models] for m in self.moments], numbers)

    @abstractmethod
    def rates(self, steps: np.ndarray) -> np.ndarray:
        """Compute learning rates of steps of this pass, counted from 0.

        Of shape (n_models, n_steps).
        """

    @abstractmethod
    def table(self, dtype: np.dtype[Any]) -> np.ndarray:
        """Return numbers that stay in a pass: (n_models, n_numbers), on the host."""

    def _column(self, name: str, like: Array) -> Array:
        """Return numbers of all models as a column, where `xp` has its arrays."""
        return self.xp.asarray(np.asarray(self.numbers[name], like.dtype)[:, None])


class SGD(Optimizer):
    """Descend by stochastic gradients with momentum, Nesterov's or not, one for all.

    Source: scikit-learn's user guide, section "Multi-layer Perceptron".
    """

    def rates(self, steps: np.ndarray) -> np.ndarray:
        """Give what is set, at every step."""
        return np.repeat(np.asarray(self.numbers["_rate"])[:, None], len(steps), axis=1)

    def table(self, dtype: np.dtype[Any]) -> np.ndarray:
        """Return momentum, and whether it is Nesterov's."""
        names = "momentum", "nesterovs_momentum"
        return np.array([self.numbers[name] for name in names], dtype).T.copy()

    def step(self, params: Array, grads: Array) -> None:
        (velocity,) = self.moments
        if not hasattr(self, "_rate"):
            self._rate = self._column("_rate", params)
            self._momentum = self._column("momentum", params)
            self._update = self.xp.empty_like(params)
        grads *= self._rate
        velocity *= self._momentum
        velocity -= grads
        if not self.numbers["nesterovs_momentum"][0]:
            params += velocity
            return
        self.xp.multiply(velocity, self._momentum, out=self._update)
        self._update -= grads
        params += self._update


class Adam(Optimizer):
    """Descend as Adam does.

    Source: Kingma and Ba, "Adam: a method for stochastic optimization", 2014,
    https://arxiv.org/abs/1412.6980
    """

    def rates(self, steps: np.ndarray) -> np.ndarray:
        """Make up for both averages having begun at 0."""
        numbers = {name: np.asarray(v, float) for name, v in self.numbers.items()}
        taken = numbers["_n_steps"][:, None] + steps + 1
        beta_1, beta_2 = (numbers[f"beta_{i}"][:, None] for i in (1, 2))
        rates = numbers["learning_rate_init"][:, None] * np.sqrt(1 - beta_2**taken)
        return rates / (1 - beta_1**taken)

    def table(self, dtype: np.dtype[Any]) -> np.ndarray:
        """Return both decays, and what keeps a quotient finite."""
        names = "beta_1", "beta_2", "epsilon"
        return np.array([self.numbers[name] for name in names], dtype).T.copy()

    def step(self, params: Array, grads: Array) -> None:
        first, second = self.moments
        xp = self.xp
        if not hasattr(self, "_taken"):
            self._taken = 0
            self._beta_1 = self._column("beta_1", params)
            self._beta_2 = self._column("beta_2", params)
            self._epsilon = self._column("epsilon", params)
            self._update = xp.empty_like(params)
        rate = xp.asarray(self.rates(np.array([self._taken])).astype(params.dtype))
        self._taken += 1
        first *= self._beta_1
        xp.multiply(grads, 1 - self._beta_1, out=self._update)
        first += self._update
        second *= self._beta_2
        grads *= grads
        grads *= 1 - self._beta_2
        second += grads
        xp.sqrt(second, out=grads)
        grads += self._epsilon
        xp.multiply(first, rate, out=self._update)
        self._update /= grads
        params -= self._update
