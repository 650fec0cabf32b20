# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The pass of `_backprop`, compiled for the CPU: one small network after another.

For small networks array operations cost more than what they compute. Here a network
goes through all its batches in one call, some rows at a time, so that everything it
needs stays in the innermost cache.
"""

from __future__ import annotations

from collections import namedtuple
from collections.abc import Iterator
from typing import Any

import numpy as np

from gpu_hpo._typing import Array
from gpu_hpo.devices._jit import inlined, jit, plain
from gpu_hpo.devices._scopes import compile_into
from gpu_hpo.devices._vector_exp import MATHS
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
from gpu_hpo.stacks import _scalars

SGD, ADAM = range(2)
sgd_step, adam_step = compile_into(
    {**MATHS}, inlined, _scalars.sgd_step, _scalars.adam_step
)

# What rows are trained on; either targets or classes are empty. `which` says by which
# of the orders a network goes through them, -1 if they are taken as they stand.
Data = namedtuple("Data", "X Y classes weight orders which n_rows size")


def compiled_epoch(
    shape: Shape, params: Array, alpha: Array, optimizer: Optimizer, data: Batches
) -> Array:
    """Do what `_hot_loop.train_epoch` says, for arrays of NumPy."""
    dtype = params.dtype
    losses = np.empty(len(params), dtype)
    steps = np.arange(-(-data.n_rows // data.size))
    table = plain(optimizer.table(dtype), dtype)
    rates = plain(optimizer.rates(steps), dtype)
    for models, part in _by_order(data, len(params)):
        _train(
            _network(shape),
            models,
            params,
            alpha,
            SGD if len(optimizer.moments) == 1 else ADAM,
            optimizer.moments[0],
            optimizer.moments[-1],
            table,
            rates,
            _data(part, len(params), dtype),
            losses,
        )
    return losses


def _by_order(data: Batches, n_models: int) -> Iterator[tuple[np.ndarray, Batches]]:
    """Say which networks to train on what.

    Rows are gathered once for all that go by one order; a network that is alone in this
    gathers as it goes.
    """
    if data.orders is None or n_models == 1:
        yield np.arange(n_models), data
        return
    orders, which = data.orders
    users = np.bincount(which, minlength=len(orders))
    alone = np.flatnonzero(users[which] == 1)
    if len(alone):
        yield alone, data
    for order in np.flatnonzero(users > 1):
        yield np.flatnonzero(which == order), data.along(int(order))


def _data(data: Batches, n_models: int, dtype: np.dtype[Any]) -> Data:
    orders, which = np.empty((0, 0)), np.full(n_models, -1)
    if data.orders is not None:
        orders, which = data.orders
    classes = data.Y.ndim == 1
    return Data(
        plain(data.X, dtype),
        plain(np.empty((0, 0)) if classes else data.Y, dtype),
        plain(data.Y if classes else np.empty(0), np.intp),
        plain(np.empty(0) if data.weight is None else data.weight, dtype),
        plain(orders, np.intp),
        plain(which, np.intp),
        data.n_rows,
        data.size,
    )


def compiled_outputs(shape: Shape, params: np.ndarray, X: np.ndarray) -> np.ndarray:
    """Do what `_hot_loop.outputs` says, for arrays of NumPy."""
    dtype = params.dtype
    out = np.empty((len(params), len(X), shape.layout.units[-1]), dtype)
    _outputs(_network(shape), params, plain(X, dtype), out)
    return out


def _network(shape: Shape) -> Network:
    units = np.array(shape.layout.units)
    params_at = np.append(0, np.cumsum((units[:-1] + 1) * units[1:]))
    units_at = np.append(0, np.cumsum(units))
    return Network(
        units, params_at, units_at, CODES[shape.activation], CODES[shape.output]
    )


@jit
def _train(
    network, models, params, alpha, solver, first, second, table, rates, data, losses
):
    """Take some networks through all batches, one after the other."""
    dtype = params.dtype
    tile = tile_for(network, dtype)
    grads = np.empty(params.shape[1], dtype)
    n_rows = data.n_rows
    for m in models:
        total = 0.0
        for step in range((n_rows + data.size - 1) // data.size):
            start = step * data.size
            stop = min(start + data.size, n_rows)
            for i in range(len(grads)):
                grads[i] = 0
            weights, loss = 0.0, 0.0
            for begin in range(start, stop, TILE):
                n = min(TILE, stop - begin)
                weights += _gather(data, data.which[m], begin, n, tile)
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
def _outputs(network, params, X, out):
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
def _gather(data, order, begin, n, tile):
    """Copy rows into a tile; gives the sum of their weights."""
    n_features = data.X.shape[1]
    weights = 0.0
    for s in range(n):
        row = begin + s
        if order >= 0:
            row = data.orders[order, row]
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
    """Take a step of SGD."""
    momentum, nesterov = numbers[0], numbers[1] > 0
    for i in range(len(params)):
        params[i], velocity[i] = sgd_step(
            params[i], grads[i], velocity[i], rate, momentum, nesterov
        )


@inlined
def _adam(params, grads, first, second, numbers, rate):
    """Take a step of Adam."""
    beta_1, beta_2, epsilon = numbers[0], numbers[1], numbers[2]
    one = params.dtype.type(1)
    for i in range(len(params)):
        params[i], first[i], second[i] = adam_step(
            params[i],
            grads[i],
            first[i],
            second[i],
            rate,
            beta_1,
            beta_2,
            epsilon,
            one,
        )
