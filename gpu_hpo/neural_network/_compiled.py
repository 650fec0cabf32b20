# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The pass of `_backprop`, compiled for the CPU: one small network after another.

For small networks array operations cost more than what they compute. Here a network
goes through all its batches in one call, some rows at a time, so that everything it
needs stays in the innermost cache.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from gpu_hpo.devices._jit import inlined, jit, plain
from gpu_hpo.neural_network._activations import CODES
from gpu_hpo.neural_network._backprop import Batches, Shape
from gpu_hpo.neural_network._compiled_layers import (
    TILE,
    Network,
    backward,
    compare,
    forward,
    tile_for,
)
from gpu_hpo.neural_network._optimizers import Optimizer

SGD, ADAM = range(2)

# What rows are trained on, in which order; either answers or classes are empty.
Data = namedtuple("Data", "X Y classes weight orders size")


def compiled_epoch(
    shape: Shape, params: Any, alpha: Any, optimizer: Optimizer, data: Batches
) -> Any:
    """Do what `_hot_loop.train_epoch` says, for arrays of NumPy."""
    dtype = params.dtype
    if len(params) > 1:
        # Gathered once for all; a single network gathers as it goes.
        data = data.in_order()
    losses = np.empty(len(params), dtype)
    weight, orders = data.weight, data.orders
    classes = data.Y.ndim == 1
    _train(
        _network(shape),
        params,
        alpha,
        SGD if len(optimizer.moments) == 1 else ADAM,
        optimizer.moments[0],
        optimizer.moments[-1],
        plain(optimizer.table(dtype), dtype),
        plain(optimizer.rates(np.arange(-(-len(data.X) // data.size))), dtype),
        Data(
            plain(data.X, dtype),
            plain(np.empty((0, 0)) if classes else data.Y, dtype),
            plain(data.Y if classes else np.empty(0), np.intp),
            plain(np.empty(0) if weight is None else weight, dtype),
            plain(np.empty((0, 0)) if orders is None else orders, np.intp),
            data.size,
        ),
        losses,
    )
    return losses


def compiled_outputs(shape: Shape, params: Any, X: Any) -> Any:
    """Do what `_hot_loop.outputs` says, for arrays of NumPy."""
    dtype = params.dtype
    out = np.empty((len(params), len(X), shape.layout.units[-1]), dtype)
    _answer(_network(shape), params, plain(X, dtype), out)
    return out


def _network(shape: Shape) -> Network:
    units = np.array(shape.layout.units)
    params_at = np.append(0, np.cumsum((units[:-1] + 1) * units[1:]))
    units_at = np.append(0, np.cumsum(units))
    return Network(
        units, params_at, units_at, CODES[shape.activation], CODES[shape.output]
    )


@jit
def _train(network, params, alpha, solver, first, second, table, rates, data, losses):
    """Take each network through all batches."""
    dtype = params.dtype
    tile = tile_for(network, dtype)
    grads = np.empty(params.shape[1], dtype)
    n_rows = len(data.X)
    for m in range(len(params)):
        total = 0.0
        for step in range((n_rows + data.size - 1) // data.size):
            start = step * data.size
            stop = min(start + data.size, n_rows)
            for i in range(len(grads)):
                grads[i] = 0
            weights, loss = 0.0, 0.0
            for begin in range(start, stop, TILE):
                n = min(TILE, stop - begin)
                weights += _gather(data, m, begin, n, tile)
                forward(network, params[m], tile, n)
                loss += compare(network, tile, n)
                backward(network, params[m], tile, grads, n)
            penalty = _decay(network, params[m], alpha[m], grads, weights)
            total += (loss + 0.5 * penalty) * ((stop - start) / weights)
            if solver == SGD:
                _sgd(params[m], grads, first[m], table[m], rates[m, step])
            else:
                _adam(params[m], grads, first[m], second[m], table[m], rates[m, step])
        losses[m] = total / n_rows


@jit
def _answer(network, params, X, out):
    """Compute the output layer of each network for all rows."""
    tile = tile_for(network, params.dtype)
    top = network.units_at[-2]
    for begin in range(0, len(X), TILE):
        n = min(TILE, len(X) - begin)
        for s in range(n):
            for k in range(X.shape[1]):
                tile.values[k, s] = X[begin + s, k]
        for m in range(len(params)):
            forward(network, params[m], tile, n)
            for s in range(n):
                for k in range(out.shape[2]):
                    out[m, begin + s, k] = tile.values[top + k, s]


@inlined
def _gather(data, m, begin, n, tile):
    """Copy rows into a tile; gives the sum of their weights."""
    n_features = data.X.shape[1]
    weights = 0.0
    for s in range(n):
        row = begin + s
        if len(data.orders) > 0:
            row = data.orders[min(m, len(data.orders) - 1), row]
        for k in range(n_features):
            tile.values[k, s] = data.X[row, k]
        if len(data.classes) > 0:
            for k in range(len(tile.target)):
                tile.target[k, s] = 0
            tile.target[data.classes[row], s] = 1
        else:
            for k in range(len(tile.target)):
                tile.target[k, s] = data.Y[row, k]
        if len(data.weight) > 0:
            tile.weight[s] = data.weight[row]
        weights += tile.weight[s]
    return weights


@inlined
def _decay(network, params, alpha, grads, weights):
    """Make sums of gradients means with the penalty; gives the latter, not halved."""
    share = params.dtype.type(1 / weights)
    penalty = 0.0
    at = 0
    for i in range(len(network.units) - 1):
        n_in = network.units[i]
        for _ in range(network.units[i + 1]):
            for k in range(at, at + n_in):
                decay = alpha * params[k]
                penalty += decay * params[k]
                grads[k] = (grads[k] + decay) * share
            grads[at + n_in] *= share
            at += n_in + 1
    return penalty


@inlined
def _sgd(params, grads, velocity, numbers, rate):
    """Step of `_optimizers.SGD`."""
    momentum, nesterov = numbers[0], numbers[1] > 0
    for i in range(len(params)):
        change = rate * grads[i]
        velocity[i] = momentum * velocity[i] - change
        if nesterov:
            params[i] += momentum * velocity[i] - change
        else:
            params[i] += velocity[i]


@inlined
def _adam(params, grads, first, second, numbers, rate):
    """Step of `_optimizers.Adam`."""
    beta_1, beta_2, epsilon = numbers[0], numbers[1], numbers[2]
    one = params.dtype.type(1)
    for i in range(len(params)):
        grad = grads[i]
        first[i] = beta_1 * first[i] + (one - beta_1) * grad
        second[i] = beta_2 * second[i] + (one - beta_2) * grad * grad
        params[i] -= rate * first[i] / (np.sqrt(second[i]) + epsilon)
