# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a network computes for some rows, compiled for the CPU.

Within such a tile units come before samples, and the loops over samples are those that
use vector instructions.
"""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np

from gpu_hpo.devices._jit import inlined, summing
from gpu_hpo.devices._scopes import choice, compile_into
from gpu_hpo.devices._vector_exp import MATHS, exp
from gpu_hpo.neural_network._activations import (
    EXP,
    IDENTITY,
    LOGISTIC,
    RELU,
    SOFTMAX,
    TANH,
)
from gpu_hpo.stacks import _scalars
from gpu_hpo.stacks._scalars import ACTIVATION_SLOPES

TILE = 128  # rows

# Units of each layer, the features first; where each layer's parameters begin in a row
# of them, and where its units begin among all units.
Network = namedtuple("Network", "units params_at units_at activation output")
# What is computed for some rows: features and units, errors of units, the answers
# wanted, what rows count, and room for two values per row.
Tile = namedtuple("Tile", "values delta target weight room")


def _over_rows(slope_of: Any) -> Any:
    """Make a part that multiplies errors by the slope of an activation."""

    def derive(activated, delta, n):
        zero, one = delta.dtype.type(0), delta.dtype.type(1)
        for s in range(n):
            delta[s] *= slope_of(activated[s], zero, one)

    return inlined(derive)


at_least, log_likelihood = compile_into(
    {**MATHS}, inlined, _scalars.at_least, _scalars.log_likelihood
)
# Is told by its first argument which activation.
derive = choice(
    [
        _over_rows(slope_of)
        for slope_of in compile_into({**MATHS}, inlined, *ACTIVATION_SLOPES)
    ],
    inlined,
)


@inlined
def tile_for(network, dtype):
    """Make room."""
    n_units = network.units_at[-1]
    return Tile(
        np.empty((n_units, TILE), dtype),
        np.empty((n_units, TILE), dtype),
        np.empty((network.units[-1], TILE), dtype),
        np.ones(TILE, dtype),
        np.empty((2, TILE), dtype),
    )


@inlined
def forward(network, params, tile, n):
    """Compute all layers."""
    n_layers = len(network.units) - 1
    for i in range(n_layers):
        n_in = network.units[i]
        given = tile.values[network.units_at[i] :]
        hidden = tile.values[network.units_at[i + 1] : network.units_at[i + 2]]
        for j in range(len(hidden)):
            weights = params[network.params_at[i] + j * (n_in + 1) :]
            _combine(weights, 1, given, n_in, weights[n_in], hidden[j], n)
        last = i == n_layers - 1
        _activate(network.output if last else network.activation, hidden, tile.room, n)


@inlined
def _combine(weights, stride, given, n_in, start, out, n):
    """Sum rows of `given`, each times its weight, onto a number.

    Several rows at a time, so that sums are loaded and stored less often.
    """
    k = 0
    if n_in >= 4:
        w0, w1, w2, w3 = (
            weights[0],
            weights[stride],
            weights[2 * stride],
            weights[3 * stride],
        )
        a0, a1, a2, a3 = given[0], given[1], given[2], given[3]
        for s in range(n):
            out[s] = start + w0 * a0[s] + w1 * a1[s] + w2 * a2[s] + w3 * a3[s]
        k = 4
    else:
        for s in range(n):
            out[s] = start
    while k + 8 <= n_in:
        w = weights[k * stride :]
        w0, w1, w2, w3 = w[0], w[stride], w[2 * stride], w[3 * stride]
        w4, w5, w6, w7 = w[4 * stride], w[5 * stride], w[6 * stride], w[7 * stride]
        a0, a1, a2, a3 = given[k], given[k + 1], given[k + 2], given[k + 3]
        a4, a5, a6, a7 = given[k + 4], given[k + 5], given[k + 6], given[k + 7]
        for s in range(n):
            out[s] += (
                w0 * a0[s]
                + w1 * a1[s]
                + w2 * a2[s]
                + w3 * a3[s]
                + w4 * a4[s]
                + w5 * a5[s]
                + w6 * a6[s]
                + w7 * a7[s]
            )
        k += 8
    while k + 2 <= n_in:
        w0, w1 = weights[k * stride], weights[(k + 1) * stride]
        a0, a1 = given[k], given[k + 1]
        for s in range(n):
            out[s] += w0 * a0[s] + w1 * a1[s]
        k += 2
    if k < n_in:
        w0, a0 = weights[k * stride], given[k]
        for s in range(n):
            out[s] += w0 * a0[s]


@inlined
def _activate(name, z, room, n):
    """Apply an activation in place."""
    if name == RELU:
        half = z.dtype.type(0.5)
        for j in range(len(z)):
            row = z[j]
            for s in range(n):
                # A choice would become a masked store, which is three times as slow.
                row[s] = half * (row[s] + abs(row[s]))
    elif name == TANH:
        for j in range(len(z)):
            row = z[j]
            for s in range(n):
                row[s] = 1 - 2 / (exp(2 * row[s]) + 1)
    elif name == LOGISTIC:
        for j in range(len(z)):
            row = z[j]
            for s in range(n):
                row[s] = 1 / (1 + exp(-row[s]))
    elif name == SOFTMAX:
        most, total = room[0], room[1]
        for s in range(n):
            most[s] = z[0, s]
            total[s] = 0
        for j in range(1, len(z)):
            row = z[j]
            for s in range(n):
                most[s] = at_least(most[s], row[s])
        for j in range(len(z)):
            row = z[j]
            for s in range(n):
                row[s] = exp(row[s] - most[s])
            for s in range(n):
                total[s] += row[s]
        for j in range(len(z)):
            row = z[j]
            for s in range(n):
                row[s] /= total[s]
    elif name == EXP:
        for j in range(len(z)):
            row = z[j]
            for s in range(n):
                row[s] = np.exp(row[s])


@inlined
def compare(network, tile, n):
    """Set the errors of the output layer; gives the loss of the rows."""
    top = network.units_at[-2]
    predicted, delta = tile.values[top:], tile.delta[top:]
    n_outputs, output = len(predicted), network.output
    one = predicted.dtype.type(1)
    tiny = np.finfo(predicted.dtype).eps
    losses = tile.room[0]
    for s in range(n):
        losses[s] = 0
    for j in range(n_outputs):
        row, y, error = predicted[j], tile.target[j], delta[j]
        for s in range(n):
            error[s] = (row[s] - y[s]) * tile.weight[s]
        if output == SOFTMAX:
            for s in range(n):
                losses[s] += row[s] * y[s]
        elif output == LOGISTIC:
            for s in range(n):
                right = abs(row[s] + y[s] - one)
                losses[s] -= log_likelihood(right, tiny, one)
        elif output == IDENTITY:
            share = predicted.dtype.type(0.5 / n_outputs)
            for s in range(n):
                losses[s] += share * (row[s] - y[s]) * (row[s] - y[s])
        else:
            for s in range(n):
                mean = at_least(row[s], tiny)
                losses[s] += mean - y[s]
                if y[s] > 0:
                    losses[s] += y[s] * np.log(y[s] / mean)
    if output == SOFTMAX:
        for s in range(n):
            losses[s] = -log_likelihood(losses[s], tiny, one)
    total = 0.0
    for s in range(n):
        total += losses[s] * tile.weight[s]
    return total


@inlined
def backward(network, params, tile, grads, n):
    """Add the gradients of a tile, and pass errors down."""
    for i in range(len(network.units) - 2, -1, -1):
        n_in, n_out = network.units[i], network.units[i + 1]
        at = network.params_at[i]
        given = tile.values[network.units_at[i] :]
        delta = tile.delta[network.units_at[i + 1] :]
        j = 0
        while j + 2 <= n_out:
            first = grads[at + j * (n_in + 1) :]
            second = grads[at + (j + 1) * (n_in + 1) :]
            _add_two(delta[j], delta[j + 1], given, n_in, first, second, n)
            j += 2
        if j < n_out:
            _add_one(delta[j], given, n_in, grads[at + j * (n_in + 1) :], n)
        if i > 0:
            below = tile.delta[network.units_at[i] :]
            for k in range(n_in):
                start = params.dtype.type(0)
                _combine(params[at + k :], n_in + 1, delta, n_out, start, below[k], n)
                derive(network.activation, given[k], below[k], n)


@summing
def _add_two(e0, e1, given, n_in, grads0, grads1, n):
    """Add the gradients of two units' weights and intercepts."""
    zero = grads0.dtype.type(0)
    s0, s1 = zero, zero
    for s in range(n):
        s0 += e0[s]
        s1 += e1[s]
    grads0[n_in] += s0
    grads1[n_in] += s1
    k = 0
    while k + 3 <= n_in:
        a0, a1, a2 = given[k], given[k + 1], given[k + 2]
        s0, s1, s2 = zero, zero, zero
        t0, t1, t2 = zero, zero, zero
        for s in range(n):
            s0 += e0[s] * a0[s]
            s1 += e0[s] * a1[s]
            s2 += e0[s] * a2[s]
            t0 += e1[s] * a0[s]
            t1 += e1[s] * a1[s]
            t2 += e1[s] * a2[s]
        grads0[k] += s0
        grads0[k + 1] += s1
        grads0[k + 2] += s2
        grads1[k] += t0
        grads1[k + 1] += t1
        grads1[k + 2] += t2
        k += 3
    while k < n_in:
        a0 = given[k]
        s0, t0 = zero, zero
        for s in range(n):
            s0 += e0[s] * a0[s]
            t0 += e1[s] * a0[s]
        grads0[k] += s0
        grads1[k] += t0
        k += 1


@summing
def _add_one(error, given, n_in, grads, n):
    """Add the gradients of one unit's weights and of its intercept."""
    zero = grads.dtype.type(0)
    total = zero
    for s in range(n):
        total += error[s]
    grads[n_in] += total
    for k in range(n_in):
        a0 = given[k]
        total = zero
        for s in range(n):
            total += error[s] * a0[s]
        grads[k] += total
