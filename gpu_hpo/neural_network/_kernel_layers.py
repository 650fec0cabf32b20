# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a block of threads computes for a tile of rows: the phases of a pass on a GPU.

Each phase fills a table: units by rows, or parameters by units and what they are given.
A thread takes places of it two by two: four sums of products from four numbers that
are read at a time, where a sum by itself would need two. Every sum is taken in a fixed
order, whatever the number of threads or networks.

Numba widens what is computed of small integers to 64 bits, for which a GPU needs two
registers and several instructions; so indices are narrowed, to unsigned ones, which
need no check whether they are negative. Loops are `while` loops where steps are not 1,
since a range of Numba's divides to count its steps.
"""

from __future__ import annotations

import math
from collections import namedtuple
from typing import Any

import numpy as np

from gpu_hpo.neural_network._activations import (
    EXP,
    IDENTITY,
    LOGISTIC,
    RELU,
    SOFTMAX,
    TANH,
)
from gpu_hpo.stacks._scalars import adam_step, at_least, log_likelihood, sgd_step

# Of each layer, the features first, four numbers: its units; where in a block's memory
# are its parameters, values and errors. They come first in that memory themselves.
# Then where what rows count is, and the rest. All layers but the last have a constant 1
# as their last value, which intercepts multiply.
Network = namedtuple("Network", "layers weight_at rest_at activation output")
UNITS, PARAMS, VALUES, ERRORS = range(4)
NEXT = 4
# What is computed for `n` rows; `layers` as above, the last of them at `top`. The
# errors of the last layer begin as the targets.
Tile = namedtuple("Tile", "memory layers top n begins ends")
# Parameters, and what the solver remembers.
State = namedtuple("State", "params grads first second")
# What the solver is set to, by `Optimizer.table`; one moment is SGD, two are Adam.
Rule = namedtuple("Rule", "n_moments a b c alpha rate")
# Numbers of the type that is computed in, among them the smallest probability, and the
# least that the logistic function takes.
Reals = namedtuple("Reals", "zero half one tiny least")

# What copies of these functions find instead, when they are compiled: Numba's CUDA
# part, the slope of an activation, which is told by its first argument which
# activation, and how far apart two values of a row are.
cuda: Any = None
slope_of: Any = None
STRIDE: Any = None

i32, u32, u64 = np.int32, np.uint32, np.uint64


def _products(memory, a, other_a, step_a, b, other_b, step_b, n, zero):
    """Sum products of `n` pairs of numbers, so many steps apart, of each a and each b.

    Most time is spent here. These indices are wide, for a compiler may then take
    constant steps together.
    """
    a, other_a, step_a = u64(a), u64(other_a), u64(step_a)
    b, other_b, step_b = u64(b), u64(other_b), u64(step_b)
    one, two, three, four = zero, zero, zero, zero
    left = i32(n)
    while left > 0:
        x, other_x = memory[a], memory[other_a]
        y, other_y = memory[b], memory[other_b]
        one += x * y
        two += x * other_y
        three += other_x * y
        four += other_x * other_y
        a, other_a = a + step_a, other_a + step_a
        b, other_b = b + step_b, other_b + step_b
        left = i32(left - 1)
    return one, two, three, four


def _half(n):
    """Count the pairs of `n` places; of an odd number the middle one is alone."""
    return i32((n + 1) >> 1)


def _other(i, n):
    """Return what makes a pair with place `i`: itself if that is alone."""
    other = i32(i + _half(n))
    return other if other < n else i


def split(place, n_columns):
    """Return row and column of a place."""
    row = i32(u32(place) // u32(n_columns))
    return row, i32(place - row * n_columns)


def _of_four(sums, first_a, first_b):
    """Choose one of four sums."""
    if first_a:
        return sums[0] if first_b else sums[1]
    return sums[2] if first_b else sums[3]


def forward(network, tile, reals):
    """Compute all layers, softmax excepted."""
    memory, layers, n = tile.memory, tile.layers, tile.n
    layer = i32(0)
    while layer < tile.top:
        n_in = i32(layers[u32(layer + UNITS)] + 1)
        n_out = layers[u32(layer + NEXT + UNITS)]
        weights, given = layers[u32(layer + PARAMS)], layers[u32(layer + VALUES)]
        hidden = layers[u32(layer + NEXT + VALUES)]
        layer = i32(layer + NEXT)
        name = network.output if layer == tile.top else network.activation
        place, n_places = i32(cuda.threadIdx.x), i32(_half(n_out) * _half(n))
        while place < n_places:
            j, s = split(place, _half(n))
            sums = _products(
                memory,
                weights + j * n_in,
                weights + _other(j, n_out) * n_in,
                1,
                given + s,
                given + _other(s, n),
                STRIDE,
                n_in,
                reals.zero,
            )
            unit = j
            while unit < n_out:
                row = s
                while row < n:
                    z = _of_four(sums, unit == j, row == s)
                    at = u32(hidden + unit * STRIDE + row)
                    memory[at] = _activate(name, z, reals)
                    row = i32(row + _half(n))
                unit = i32(unit + _half(n_out))
            place = i32(place + cuda.blockDim.x)
        cuda.syncthreads()


def _activate(name, z, reals):
    if name == RELU:
        return at_least(z, reals.zero)
    if name == TANH:
        return math.tanh(z)
    if name == LOGISTIC:
        return reals.one / (reals.one + math.exp(-at_least(z, reals.least)))
    if name == EXP:
        return math.exp(z)
    return z


def _softmax(memory, at, n, reals):
    """Apply it to `n` outputs for one row."""
    most, total = memory[u32(at)], reals.zero
    for j in range(i32(1), i32(n)):
        most = at_least(most, memory[u32(at + j * STRIDE)])
    for j in range(i32(n)):
        power = math.exp(memory[u32(at + j * STRIDE)] - most)
        memory[u32(at + j * STRIDE)] = power
        total += power
    for j in range(i32(n)):
        memory[u32(at + j * STRIDE)] /= total


def compare(network, tile, reals):
    """Set the errors of the last layer; give the loss of the rows of this thread."""
    memory, layers, loss = tile.memory, tile.layers, reals.zero
    n_outputs = layers[u32(tile.top + UNITS)]
    s = i32(cuda.threadIdx.x)
    while s < tile.n:
        predicted = layers[u32(tile.top + VALUES)] + s
        errors = layers[u32(tile.top + ERRORS)] + s
        weight = memory[u32(network.weight_at + s)]
        if network.output == SOFTMAX:
            _softmax(memory, predicted, n_outputs, reals)
        loss += weight * _loss_of_row(
            memory, network.output, predicted, errors, n_outputs, weight, reals
        )
        s = i32(s + cuda.blockDim.x)
    return loss


def _loss_of_row(memory, output, predicted, errors, n_outputs, weight, reals):
    """Set the errors of one row, and return its loss without its weight."""
    loss = reals.zero
    for j in range(i32(n_outputs)):
        at = u32(errors + j * STRIDE)
        p, y = memory[u32(predicted + j * STRIDE)], memory[at]
        memory[at] = (p - y) * weight
        if output == SOFTMAX:
            loss += p * y
        elif output == LOGISTIC:
            right = abs(p + y - reals.one)
            loss -= log_likelihood(right, reals.tiny, reals.one)
        elif output == IDENTITY:
            loss += reals.half * (p - y) * (p - y) / memory.dtype.type(n_outputs)
        else:
            mean = at_least(p, reals.tiny)
            loss += mean - y
            if y > reals.zero:
                loss += y * math.log(y / mean)
    if output == SOFTMAX:
        loss = -log_likelihood(loss, reals.tiny, reals.one)
    return loss


def backward(network, tile, reals):
    """Pass errors down to the first hidden layer."""
    memory, layers, n = tile.memory, tile.layers, tile.n
    layer = i32(tile.top - NEXT)
    while layer > 0:
        n_units, n_out = layers[u32(layer + UNITS)], layers[u32(layer + NEXT + UNITS)]
        weights, above = layers[u32(layer + PARAMS)], layers[u32(layer + NEXT + ERRORS)]
        hidden, below = layers[u32(layer + VALUES)], layers[u32(layer + ERRORS)]
        place, n_places = i32(cuda.threadIdx.x), i32(_half(n_units) * _half(n))
        while place < n_places:
            k, s = split(place, _half(n))
            sums = _products(
                memory,
                weights + k,
                weights + _other(k, n_units),
                n_units + 1,
                above + s,
                above + _other(s, n),
                STRIDE,
                n_out,
                reals.zero,
            )
            unit = k
            while unit < n_units:
                row = s
                while row < n:
                    error = _of_four(sums, unit == k, row == s)
                    at = i32(unit * STRIDE + row)
                    slope = slope_of(
                        network.activation,
                        memory[u32(hidden + at)],
                        reals.zero,
                        reals.one,
                    )
                    memory[u32(below + at)] = error * slope
                    row = i32(row + _half(n))
                unit = i32(unit + _half(n_units))
            place = i32(place + cuda.blockDim.x)
        layer = i32(layer - NEXT)
        cuda.syncthreads()


def descend(state, tile, rule, share, reals):
    """Add the gradients of a tile; if the batch ends, take a step and give its penalty.

    A row counts `share` times its weight. No two threads touch the same parameter.
    """
    penalty, layers = reals.zero, tile.layers
    layer = i32(0)
    while layer < tile.top:
        n_in = i32(layers[u32(layer + UNITS)] + 1)
        n_out = layers[u32(layer + NEXT + UNITS)]
        values, errors = layers[u32(layer + VALUES)], layers[u32(layer + NEXT + ERRORS)]
        params = i32(layers[u32(layer + PARAMS)] - layers[PARAMS])
        place, n_places = i32(cuda.threadIdx.x), i32(_half(n_out) * _half(n_in))
        while place < n_places:
            j, k = split(place, _half(n_in))
            sums = _products(
                tile.memory,
                errors + j * STRIDE,
                errors + _other(j, n_out) * STRIDE,
                1,
                values + k * STRIDE,
                values + _other(k, n_in) * STRIDE,
                1,
                tile.n,
                reals.zero,
            )
            unit = j
            while unit < n_out:
                given = k
                while given < n_in:
                    at = u32(params + unit * n_in + given)
                    # Intercepts, which are last, are not shrunk.
                    alpha = rule.alpha if given < n_in - 1 else reals.zero
                    grad = _of_four(sums, unit == j, given == k)
                    penalty += _settle(state, tile, rule, at, grad, alpha, share, reals)
                    given = i32(given + _half(n_in))
                unit = i32(unit + _half(n_out))
            place = i32(place + cuda.blockDim.x)
        layer = i32(layer + NEXT)
    return penalty


def _settle(state, tile, rule, at, grad, alpha, share, reals):
    """Add to the gradient of a parameter, or take its step and return its penalty."""
    if not tile.begins:
        grad += state.grads[at]
    if not tile.ends:
        state.grads[at] = grad
        return reals.zero
    param = state.params[at]
    decay = alpha * param
    _step(state, rule, at, (grad + decay) * share, reals)
    return reals.half * decay * param


def _step(state, rule, at, grad, reals):
    """Step of `_optimizers.SGD` or of `Adam`."""
    params, first, second = state.params, state.first, state.second
    if rule.n_moments == 1:
        params[at], first[at] = sgd_step(
            params[at], grad, first[at], rule.rate, rule.a, rule.b > reals.zero
        )
    else:
        params[at], first[at], second[at] = adam_step(
            params[at],
            grad,
            first[at],
            second[at],
            rule.rate,
            rule.a,
            rule.b,
            rule.c,
            reals.one,
        )


PARTS = (
    sgd_step,
    adam_step,
    at_least,
    log_likelihood,
    _products,
    _half,
    _other,
    split,
    _of_four,
    forward,
    _activate,
    _softmax,
    compare,
    _loss_of_row,
    backward,
    descend,
    _settle,
    _step,
)
