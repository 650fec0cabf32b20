# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The pass of `_backprop` as code for a GPU: a block of threads trains a network.

A block goes through all batches by itself and keeps what it needs in the memory that
its threads share. Some rows are computed at a time, a tile, by what is in
`_kernel_layers.py`. No network depends on its neighbours.
"""

from __future__ import annotations

import functools
from collections import namedtuple
from typing import Any

from gpu_hpo.devices._scopes import choice, compile_into
from gpu_hpo.neural_network._kernel_layers import (
    ERRORS,
    NEXT,
    PARAMS,
    PARTS,
    UNITS,
    VALUES,
    Rule,
    State,
    Tile,
    backward,
    compare,
    descend,
    forward,
    i32,
    split,
    u32,
    u64,
)
from gpu_hpo.stacks._scalars import ACTIVATION_SLOPES

# Rows; `Y` holds the targets unless they are `labelled` by their classes.
# `which` says by which of the orders a network goes through them, -1 if they are taken
# as they stand; either way it sees `n_rows`.
Data = namedtuple(
    "Data", "X Y classes weight orders which labelled weighted n_rows size"
)

# What the copies that `kernel` compiles find instead: Numba's CUDA part, the rows of a
# tile, and how far apart two values of a row are.
cuda: Any = None
WIDTH: Any = None
STRIDE: Any = None


def stride_of(width: int) -> int:
    """Return how far apart values of a row are, in a tile of `width` rows.

    It is odd, so that neighbours in a column are in different banks of the memory.
    """
    return width | 1


@functools.cache
def kernel(width: int, registers: int) -> Any:
    """Make what trains by tiles of `width` rows; it is compiled at its first launch.

    With the distance of two values known, most of what is read needs no index.
    """
    import numba.cuda

    cuda: Any = numba.cuda
    if vars(numba.config)["ENABLE_CUDASIM"]:
        # The simulator calls plain functions faster, and knows no registers.
        part, whole = (lambda function: function), cuda.jit
    else:
        part, whole = cuda.jit(device=True), cuda.jit(max_registers=registers)
    scope: dict[str, Any] = {"cuda": cuda, "WIDTH": width, "STRIDE": stride_of(width)}
    slopes = compile_into(scope, part, *ACTIVATION_SLOPES)
    scope["slope_of"] = choice(slopes, part)
    compile_into(
        scope, part, *PARTS, _copy, _fill, _sum, _gather, _row, _count_not_finite
    )
    return compile_into(scope, whole, _train)[0]


def _train(network, stack, data, alpha, table, rates, reals, n_moments, kept, outcome):
    """Take the network of this block through all batches."""
    m = cuda.blockIdx.x
    if m >= outcome.shape[1]:
        return
    real, n_params = outcome.dtype.type, i32(stack.params.shape[1])
    memory = cuda.shared.array(0, outcome.dtype)
    layers = cuda.shared.array(0, network.layers.dtype)
    _copy(network.layers, layers, len(network.layers))
    cuda.syncthreads()
    top = i32(len(network.layers) - NEXT)
    params = memory[layers[PARAMS] :]
    grads, first, second = stack.grads[m], stack.first[m], stack.second[m]
    if kept:
        rest = memory[network.rest_at :]
        grads = rest[:n_params]
        first = rest[n_params : 2 * n_params]
        second = rest[n_moments * n_params : (n_moments + 1) * n_params]
        _copy(stack.first[m], first, n_params)
        _copy(stack.second[m], second, n_params)
    _copy(stack.params[m], params, n_params)
    _fill(memory, network.weight_at, WIDTH, reals.one)
    layer = i32(0)
    while layer < top:
        ones = layers[u32(layer + VALUES)] + layers[u32(layer + UNITS)] * STRIDE
        _fill(memory, ones, WIDTH, reals.one)
        layer = i32(layer + NEXT)
    cuda.syncthreads()

    state = State(params, grads, first, second)
    n_rows, size, order = i32(data.n_rows), i32(data.size), i32(data.which[m])
    loss = reals.zero
    step, n_steps = i32(0), i32(rates.shape[1])
    while step < n_steps:
        begin = i32(step * size)
        stop = i32(min(begin + size, n_rows))
        weights, share, batch_loss = reals.zero, reals.zero, reals.zero
        while begin < stop:
            n = i32(min(WIDTH, stop - begin))
            tile = Tile(memory, layers, top, n, begin == step * size, begin + n == stop)
            _gather(data, order, begin, tile, network.weight_at, reals)
            cuda.syncthreads()
            if data.weighted:
                weights += _sum(memory, network.weight_at, n)
            else:
                weights += real(n)
            forward(network, tile, reals)
            batch_loss += compare(network, tile, reals)
            cuda.syncthreads()
            backward(network, tile, reals)
            rule = Rule(
                n_moments,
                table[m, 0],
                table[m, 1],
                table[m, table.shape[1] - 1],
                alpha[m],
                rates[m, step],
            )
            share = reals.one / weights
            batch_loss += descend(state, tile, rule, share, reals)
            cuda.syncthreads()
            begin = i32(begin + n)
        loss += batch_loss * (real(stop - step * size) * share)
        step = i32(step + 1)

    _copy(params, stack.params[m], n_params)
    if kept:
        _copy(first, stack.first[m], n_params)
        _copy(second, stack.second[m], n_params)
    unsound = cuda.syncthreads_or(_count_not_finite(params, n_params, reals.zero))
    memory[u32(cuda.threadIdx.x)] = loss
    cuda.syncthreads()
    if cuda.threadIdx.x == 0:
        outcome[0, m] = _sum(memory, 0, cuda.blockDim.x) / real(n_rows)
        outcome[1, m] = reals.zero if unsound else reals.one


def _count_not_finite(params, n, zero):
    """Count, of the parameters that this thread sees to, those that are not finite."""
    found, i = i32(0), i32(cuda.threadIdx.x)
    while i < n:
        # Infinity less infinity is no number.
        if params[u32(i)] - params[u32(i)] != zero:
            found = i32(found + 1)
        i = i32(i + cuda.blockDim.x)
    return found


def _copy(source, target, n):
    """Copy `n` numbers, each thread some of them."""
    i = i32(cuda.threadIdx.x)
    while i < n:
        target[u32(i)] = source[u32(i)]
        i = i32(i + cuda.blockDim.x)


def _fill(memory, at, n, value):
    i = i32(cuda.threadIdx.x)
    while i < n:
        memory[u32(at + i)] = value
        i = i32(i + cuda.blockDim.x)


def _sum(memory, at, n):
    total = memory.dtype.type(0)
    for i in range(i32(n)):
        total += memory[u32(at + i)]
    return total


def _gather(data, order, begin, tile, weight_at, reals):
    """Copy rows into a tile."""
    memory, layers = tile.memory, tile.layers
    n_features, n_outputs = layers[UNITS], layers[u32(tile.top + UNITS)]
    values, targets = layers[VALUES], layers[u32(tile.top + ERRORS)]
    i = i32(cuda.threadIdx.x)
    while i < tile.n * n_features:
        s, k = split(i, n_features)
        row = _row(data, order, begin + s)
        memory[u32(values + k * STRIDE + s)] = data.X[row, u32(k)]
        i = i32(i + cuda.blockDim.x)
    i = i32(cuda.threadIdx.x)
    while i < tile.n * n_outputs:
        s, k = split(i, n_outputs)
        row = _row(data, order, begin + s)
        if data.labelled:
            target = reals.one if data.classes[row] == k else reals.zero
        else:
            target = data.Y[row, u32(k)]
        memory[u32(targets + k * STRIDE + s)] = target
        i = i32(i + cuda.blockDim.x)
    if data.weighted:
        i = i32(cuda.threadIdx.x)
        while i < tile.n:
            memory[u32(weight_at + i)] = data.weight[_row(data, order, begin + i)]
            i = i32(i + cuda.blockDim.x)


def _row(data, order, i):
    """Return which row is the i-th; there may be many, so it is wide."""
    row = u64(i)
    if order >= 0:
        row = u64(data.orders[order, row])
    return row
