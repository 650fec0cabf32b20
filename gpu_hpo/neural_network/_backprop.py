# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""One pass of many networks of one shape through mini-batches.

Everything about a network is one row of a matrix: layer after layer the weights of each
unit, its intercept last. Rows of data are given a constant 1 as their last feature,
and so are hidden layers, so that one product gives a layer's input and another all its
gradients. Units come before samples in all buffers: what is reduced over (classes) is
then never the innermost axis, along which NumPy is slow if it is short.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from gpu_hpo._typing import Array
from gpu_hpo.neural_network._optimizers import Optimizer
from gpu_hpo.stacks._row_orders import Orders

# What the buffers of networks trained at a time may take, so that they stay in a
# core's own cache.
BLOCK_BYTES = 512 * 1024


@dataclass(frozen=True)
class Layout:
    """Say where in a row of parameters what stands."""

    units: tuple[int, ...]  # features, units of each hidden layer, outputs

    @property
    def n_params(self) -> int:
        return sum((a + 1) * b for a, b in pairwise(self.units))

    def layers(self, params: Array) -> list[Array]:
        """Return views of shape (n_models, units, inputs + 1), per layer."""
        sizes = [(a + 1) * b for a, b in pairwise(self.units)]
        ends = list(accumulate(sizes))
        return [
            params[:, end - size : end].reshape(len(params), b, a + 1)
            for end, size, (a, b) in zip(ends, sizes, pairwise(self.units), strict=True)
        ]


@dataclass(frozen=True)
class Shape:
    """Say what all networks of a stack have in common."""

    layout: Layout
    activation: str  # of the hidden layers
    # Of the last layer, with the loss that belongs to it: squared error ("identity"),
    # binary and multinomial log loss ("logistic", "softmax"), Poisson deviance ("exp").
    output: str


def forward(xp: ModuleType, shape: Shape, params: Array, X: Array) -> Array:
    """Return outputs for X, of shape (n_models, outputs, n_samples)."""
    weights = shape.layout.layers(params)
    hidden = X.T
    for i, layer in enumerate(weights):
        out = xp.matmul(layer[:, :, :-1], hidden)
        out += layer[:, :, -1:]
        if i < len(weights) - 1:
            _activate(xp, shape.activation, out)
        else:
            _activate(xp, shape.output, out)
        hidden = out
    return hidden


@dataclass(frozen=True)
class Batches:
    """Hold rows to train on, and say in which order."""

    X: Array  # (n_samples, n_features)
    Y: Array  # (n_samples, n_outputs), outputs wanted; or (n_samples,), class numbers
    weight: Array | None  # (n_samples,)
    orders: Orders | None  # None if all take all rows as they stand
    size: int  # rows per mini-batch

    @property
    def n_rows(self) -> int:
        """Count the rows that each model is trained on."""
        return len(self.X) if self.orders is None else self.orders[0].shape[1]

    def in_order(self) -> Batches:
        """Return the same with the rows themselves in order, if all models share it."""
        if self.orders is None or len(self.orders[0]) > 1:
            return self
        return self.along(0)

    def along(self, order: int) -> Batches:
        """Return what models that go by one of the orders see."""
        assert self.orders is not None
        rows = self.orders[0][order]
        weight = None if self.weight is None else self.weight[rows]
        return Batches(self.X[rows], self.Y[rows], weight, None, self.size)

    def one_hot(self, xp: ModuleType, n_outputs: int) -> Batches:
        """Return the same with 0 and 1 in a column per class, if y has numbers."""
        if self.Y.ndim == 2:
            return self
        Y = xp.eye(n_outputs, dtype=self.X.dtype)[self.Y]
        return replace(self, Y=Y)

    def with_ones(self, xp: ModuleType) -> Batches:
        """Return the same with a last feature that is 1."""
        n_rows, n_features = self.X.shape
        X = xp.ones((n_rows, n_features + 1), self.X.dtype)
        X[:, :-1] = self.X
        return replace(self, X=X)

    def order_of(self, models: slice) -> int | None:
        """Return the order that all of some models go by, if there is one."""
        if self.orders is None:
            return None
        which = self.orders[1][models]
        return int(which[0]) if (which == which[0]).all() else None

    def of(self, xp: ModuleType, models: slice) -> Batches:
        """Return batches of some models, to be asked for by `at`."""
        if self.orders is None:
            return self
        orders, which = self.orders
        return replace(self, orders=(orders, xp.asarray(which[models])))

    def at(self, start: int) -> Batch:
        """Return one batch, with a leading model axis if orders differ."""
        rows: Any = slice(start, start + self.size)
        if self.orders is not None:
            orders, which = self.orders
            rows = orders[:, rows][which]
        X, Y = self.X[rows], self.Y[rows]
        weight = None if self.weight is None else self.weight[rows][..., None, :]
        return Batch(X.swapaxes(-1, -2), Y.swapaxes(-1, -2), weight)


class Batch(NamedTuple):
    """Hold the rows of one update; features and outputs come before samples."""

    X: Array
    Y: Array
    weight: Array | None


def array_epoch(
    shape: Shape, params: Array, alpha: Array, optimizer: Optimizer, data: Batches
) -> Array:
    """Do what `_hot_loop.train_epoch` says, in array operations."""
    xp = optimizer.xp
    data = data.in_order().one_hot(xp, shape.layout.units[-1]).with_ones(xp)
    n_models = len(params)
    block = n_models
    if xp.__name__ == "numpy":
        width = 2 * sum(shape.layout.units[1:]) * data.size + 4 * shape.layout.n_params
        block = max(1, BLOCK_BYTES // (width * params.itemsize))
    starts = list(range(0, n_models, block))
    if data.orders is not None:
        # One after the other, so that rows are gathered once for all of an order.
        starts.sort(key=data.orders[1].__getitem__)
    losses = xp.empty(n_models, params.dtype)
    order, batches = None, data
    for start in starts:
        models = slice(start, start + block)
        found = data.order_of(models)
        if found is None:
            batches = data.of(xp, models)
        elif found != order:
            batches = data.along(found)
        order = found
        losses[models] = _BackpropPass(
            xp, shape, params[models], alpha[models], data.size
        ).run(optimizer.of(models), batches)
    return losses


class _Views:
    """View the buffers of a pass, for batches of some number of rows."""

    def __init__(
        self, full: list[Array], delta: list[Array], out: Array, n: int
    ) -> None:
        self.n = n
        self.full = [a[:, :, :n] for a in full]
        self.hidden = [a[:, :-1] for a in self.full]
        self.transposed = [a.swapaxes(1, 2) for a in self.full]
        self.delta = [a[:, :, :n] for a in delta]
        self.out = out[:, :, :n]


class _BackpropPass:
    """Run the hot loop for one block of networks, in its buffers."""

    def __init__(
        self, xp: ModuleType, shape: Shape, params: Array, alpha: Array, size: int
    ) -> None:
        self.xp = xp
        self.shape = shape
        self.params = params
        layout = shape.layout
        n_models, dtype = len(params), params.dtype
        self.weights = layout.layers(params)
        self.back = [layer[:, :, :-1].swapaxes(1, 2) for layer in self.weights]
        self.grads = xp.empty_like(params)
        self.layer_grads = layout.layers(self.grads)
        self.decay = xp.empty_like(params)
        for layer in layout.layers(self.decay):
            layer[:, :, :-1] = alpha[:, None, None]
            layer[:, :, -1] = 0
        self.penalty = xp.empty_like(params)
        hidden = layout.units[1:-1]
        self._full = [xp.ones((n_models, k + 1, size), dtype) for k in hidden]
        self._delta = [xp.empty((n_models, k, size), dtype) for k in hidden]
        self._out = xp.empty((n_models, layout.units[-1], size), dtype)

    def run(self, optimizer: Optimizer, data: Batches) -> Array:
        xp, n_rows = self.xp, data.n_rows
        penalties = xp.zeros_like(self.params)
        losses = _Losses(xp, self.shape.output, len(self.params), n_rows, self._out)
        views = self._views(min(data.size, n_rows))
        weights: Array
        for start in range(0, n_rows, data.size):
            batch = data.at(start)
            if batch.X.shape[-1] != views.n:
                views = self._views(batch.X.shape[-1])
            weights = views.n
            if batch.weight is not None:
                weights = batch.weight.sum(axis=(-1, -2))[..., None]
                weights = xp.broadcast_to(weights, (len(self.params), 1))
            self._gradients(views, batch, weights, losses, start)
            # The penalty and its gradient, half of whose product with the weights
            # counts as much as the loss of a row of mean weight.
            xp.multiply(self.decay, self.params, out=self.penalty)
            self.grads += self.penalty
            self.grads /= weights
            self.penalty *= self.params
            if batch.weight is not None:
                self.penalty *= views.n / weights
            penalties += self.penalty
            optimizer.step(self.params, self.grads)
        return (losses.total() + 0.5 * penalties.sum(axis=1)) / n_rows

    def _views(self, n: int) -> _Views:
        return _Views(self._full, self._delta, self._out, n)

    def _gradients(
        self, views: _Views, batch: Batch, weights: Array, losses: _Losses, start: int
    ) -> None:
        """Fill `grads` with sums over a batch, without the penalty."""
        xp, activation = self.xp, self.shape.activation
        given = batch.X
        for layer, hidden, full in zip(
            self.weights, views.hidden, views.full, strict=False
        ):
            xp.matmul(layer, given, out=hidden)
            _activate(xp, activation, hidden)
            given = full
        delta = views.out
        xp.matmul(self.weights[-1], given, out=delta)
        _activate(xp, self.shape.output, delta)
        losses.note(start, delta, batch, weights)
        delta -= batch.Y
        if batch.weight is not None:
            delta *= batch.weight
        for i in range(len(views.hidden), 0, -1):
            xp.matmul(delta, views.transposed[i - 1], out=self.layer_grads[i])
            below = views.delta[i - 1]
            xp.matmul(self.back[i], delta, out=below)
            _derive(xp, activation, views.hidden[i - 1], below)
            delta = below
        xp.matmul(delta, batch.X.swapaxes(-1, -2), out=self.layer_grads[0])


class _Losses:
    """Take in losses of all rows; what is dear of them is left to the end."""

    def __init__(
        self, xp: ModuleType, output: str, n_models: int, n_rows: int, like: Array
    ):
        self.xp = xp
        self.output = output
        self._tiny = float(xp.finfo(like.dtype).eps)
        # Log losses are logarithms of these, which are taken once for all rows.
        self._logs = output == "softmax" or (
            output == "logistic" and like.shape[1] == 1
        )
        self._values = xp.empty((n_models, n_rows), like.dtype)
        self._factors: Array = None  # what rows count, if they have weights

    def note(self, start: int, predicted: Array, batch: Batch, weights: Array) -> None:
        """Take in a batch that begins at row `start`."""
        xp, Y, weight = self.xp, batch.Y, batch.weight
        values = self._values[:, start : start + predicted.shape[-1]]
        if self.output == "softmax":
            (predicted * Y).sum(axis=1, out=values)
        elif self._logs:
            xp.abs((predicted + Y - 1)[:, 0], out=values)
        else:
            values[...] = _losses(xp, self.output, predicted, Y, self._tiny)
        if weight is not None:
            if self._factors is None:
                self._factors = xp.ones_like(self._values)
            factors = self._factors[:, start : start + predicted.shape[-1]]
            factors[...] = weight[..., 0, :] * (predicted.shape[-1] / weights)

    def total(self) -> Array:
        """Sum over all rows of a mean loss, of shape (n_models,)."""
        values = self._values
        if self._logs:
            values = -self.xp.log(self.xp.clip(values, self._tiny, 1 - self._tiny))
        if self._factors is not None:
            values = values * self._factors
        return values.sum(axis=1)


def _activate(xp: ModuleType, name: str, z: Array) -> None:
    """Apply an activation in place; units are axis 1."""
    if name == "relu":
        xp.maximum(z, 0, out=z)
    elif name == "tanh":
        xp.tanh(z, out=z)
    elif name == "logistic":
        xp.clip(z, -_most(z.dtype), None, out=z)
        xp.negative(z, out=z)
        xp.exp(z, out=z)
        z += 1
        xp.divide(1, z, out=z)
    elif name == "softmax":
        z -= z.max(axis=1, keepdims=True)
        xp.exp(z, out=z)
        z /= z.sum(axis=1, keepdims=True)
    elif name == "exp":
        xp.exp(z, out=z)


def _most(dtype: np.dtype[Any]) -> float:
    """Return the largest number that exp can take."""
    return 700.0 if dtype.itemsize > 4 else 87.0


def _derive(xp: ModuleType, name: str, activated: Array, delta: Array) -> None:
    """Multiply `delta` by an activation's derivative, where `activated` is known."""
    if name == "relu":
        delta *= activated > 0
    elif name == "tanh":
        delta *= 1 - activated * activated
    elif name == "logistic":
        delta *= activated * (1 - activated)


def _losses(
    xp: ModuleType, output: str, predicted: Array, Y: Array, tiny: float
) -> Array:
    """Compute the loss of each row, of shape (n_models, n_rows)."""
    if output == "identity":
        difference = predicted - Y
        difference *= difference
        return 0.5 * difference.mean(axis=1)
    if output == "logistic":
        right = xp.clip(xp.abs(predicted + Y - 1), tiny, 1 - tiny)
        return -xp.log(right).sum(axis=1)
    predicted = xp.maximum(predicted, tiny)
    ratio = xp.where(Y > 0, Y / predicted, 1)
    return (Y * xp.log(ratio) - Y + predicted).sum(axis=1)
