# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The pass of `_backprop` as code for a GPU: a block of threads trains a network.

A block goes through all batches by itself and keeps what it needs in the memory that
its threads share. Some rows are computed at a time, a tile. A thread's `x` says which
row of the tile it computes, or which weight of a unit; its `y` says which units. Every
sum is taken in a fixed order, so that no network depends on its neighbours.
"""

from __future__ import annotations

import functools
import math
from collections import namedtuple
from typing import Any

import numpy as np

from gpu_hpo.devices._scopes import choice, compile_into
from gpu_hpo.neural_network._activations import (
    EXP,
    IDENTITY,
    LOGISTIC,
    RELU,
    SOFTMAX,
    TANH,
)
from gpu_hpo.stacks._scalars import (
    ACTIVATION_SLOPES,
    adam_step,
    at_least,
    log_likelihood,
    sgd_step,
)

# Units of each layer, the features first; where in a block's memory are parameters,
# values and errors of each layer, what rows count, and the rest. All layers but the
# last have a constant 1 as their last value, which intercepts multiply.
Network = namedtuple(
    "Network",
    "units params_at values_at errors_at weight_at rest_at activation output",
)
# Rows; `Y` holds the targets unless they are `labelled` by their classes.
# `which` says by which of the orders a network goes through them, -1 if they are taken
# as they stand; either way it sees `n_rows`.
Data = namedtuple(
    "Data", "X Y classes weight orders which labelled weighted n_rows size"
)
# What is computed for `n` rows, value after value with `stride` in between. The errors
# of the last layer begin as the targets.
Tile = namedtuple("Tile", "memory stride n begins ends")
# Parameters, and what the solver remembers.
State = namedtuple("State", "params grads first second")
# What the solver is set to, by `Optimizer.table`; one moment is SGD, two are Adam.
Rule = namedtuple("Rule", "n_moments a b c alpha rate")
# Numbers of the type that is computed in, among them the smallest probability, and the
# least that the logistic function takes.
Reals = namedtuple("Reals", "zero half one tiny least")

# With more, an H100 could not keep four blocks of 256 threads going at a time.
MOST_REGISTERS = 64

# What the copies that `kernel` compiles find instead: Numba's CUDA part, and the slope
# of an activation, which is told by its first argument which activation.
cuda: Any = None
slope_of: Any = None


@functools.cache
def kernel() -> Any:
    """Make what trains; it is compiled at its first launch."""
    import numba.cuda

    cuda: Any = numba.cuda
    if vars(numba.config)["ENABLE_CUDASIM"]:
        # The simulator calls plain functions faster, and knows no registers.
        part, whole = (lambda function: function), cuda.jit
    else:
        part, whole = cuda.jit(device=True), cuda.jit(max_registers=MOST_REGISTERS)
    scope: dict[str, Any] = {"cuda": cuda}
    slopes = compile_into(scope, part, *ACTIVATION_SLOPES)
    scope["slope_of"] = choice(slopes, part)
    compile_into(scope, part, at_least, log_likelihood, sgd_step, adam_step, *_PARTS)
    return compile_into(scope, whole, _train)[0]


def _train(network, stack, data, alpha, table, rates, reals, n_moments, kept, losses):
    """Take the network of this block through all batches."""
    m = cuda.blockIdx.x
    if m >= len(losses):
        return
    real, n_params, width = losses.dtype.type, stack.params.shape[1], cuda.blockDim.x
    stride = width | 1
    memory = cuda.shared.array(0, losses.dtype)
    params = memory[:n_params]
    grads, first, second = stack.grads[m], stack.first[m], stack.second[m]
    if kept:
        rest = memory[network.rest_at :]
        grads = rest[:n_params]
        first = rest[n_params : 2 * n_params]
        second = rest[n_moments * n_params : (n_moments + 1) * n_params]
        _copy(stack.first[m], first)
        _copy(stack.second[m], second)
    _copy(stack.params[m], params)
    _fill(memory, network.weight_at, width, reals.one)
    for i in range(len(network.units) - 1):
        ones = network.values_at[i] + network.units[i] * stride
        _fill(memory, ones, width, reals.one)
    cuda.syncthreads()

    state = State(params, grads, first, second)
    a, b, c = table[m, 0], table[m, 1], table[m, table.shape[1] - 1]
    n_rows, order = data.n_rows, data.which[m]
    loss = reals.zero
    for step in range(rates.shape[1]):
        rule = Rule(n_moments, a, b, c, alpha[m], rates[m, step])
        start = step * data.size
        stop = min(start + data.size, n_rows)
        weights, batch_loss, penalty = reals.zero, reals.zero, reals.zero
        for begin in range(start, stop, width):
            n = min(width, stop - begin)
            tile = Tile(memory, stride, n, begin == start, begin + n == stop)
            _gather(network, data, order, begin, tile, reals)
            cuda.syncthreads()
            if data.weighted:
                weights += _sum(memory, network.weight_at, n)
            else:
                weights += real(n)
            _forward(network, tile, reals)
            batch_loss += _compare(network, tile, reals)
            cuda.syncthreads()
            _backward(network, tile, reals)
            penalty += _descend(network, state, tile, rule, weights, reals)
            cuda.syncthreads()
        loss += (batch_loss + reals.half * penalty) * (real(stop - start) / weights)

    _copy(params, stack.params[m])
    if kept:
        _copy(first, stack.first[m])
        _copy(second, stack.second[m])
    cuda.syncthreads()
    memory[_thread()] = loss
    cuda.syncthreads()
    if _thread() == 0:
        losses[m] = _sum(memory, 0, _n_threads()) / real(n_rows)


def _thread():
    return cuda.threadIdx.y * cuda.blockDim.x + cuda.threadIdx.x


def _n_threads():
    return cuda.blockDim.x * cuda.blockDim.y


def _copy(source, target):
    """Copy a row of parameters, each thread some of them."""
    for i in range(_thread(), len(source), _n_threads()):
        target[i] = source[i]


def _fill(memory, at, n, value):
    for i in range(at + _thread(), at + n, _n_threads()):
        memory[i] = value


def _sum(memory, at, n):
    total = memory.dtype.type(0)
    for i in range(at, at + n):
        total += memory[i]
    return total


def _dot(memory, a, step_a, b, step_b, n, total):
    """Add products of `n` pairs of numbers, so many steps apart, to `total`.

    Most time is spent here. Unsigned indices need no check whether they are negative.
    """
    a, step_a = np.uint64(a), np.uint64(step_a)
    b, step_b = np.uint64(b), np.uint64(step_b)
    for _ in range(n):
        total += memory[a] * memory[b]
        a += step_a
        b += step_b
    return total


def _gather(network, data, order, begin, tile, reals):
    """Copy rows into a tile."""
    x, width, memory, stride = (
        cuda.threadIdx.x,
        cuda.blockDim.x,
        tile.memory,
        tile.stride,
    )
    top = len(network.units) - 1
    values, targets = network.values_at[0], network.errors_at[top]
    for s in range(cuda.threadIdx.y, tile.n, cuda.blockDim.y):
        row = begin + s
        if order >= 0:
            row = data.orders[order, row]
        for k in range(x, network.units[0], width):
            memory[values + k * stride + s] = data.X[row, k]
        for k in range(x, network.units[top], width):
            if data.labelled:
                target = reals.one if data.classes[row] == k else reals.zero
            else:
                target = data.Y[row, k]
            memory[targets + k * stride + s] = target
        if data.weighted and x == 0:
            memory[network.weight_at + s] = data.weight[row]


def _forward(network, tile, reals):
    """Compute all layers, softmax excepted."""
    s, memory, stride = cuda.threadIdx.x, tile.memory, tile.stride
    top = len(network.units) - 1
    for i in range(top):
        n_in, n_out = network.units[i] + 1, network.units[i + 1]
        weights, given = network.params_at[i], network.values_at[i] + s
        hidden = network.values_at[i + 1] + s
        name = network.output if i == top - 1 else network.activation
        if s < tile.n:
            for j in range(cuda.threadIdx.y, n_out, cuda.blockDim.y):
                row = weights + j * n_in
                z = _dot(memory, row, 1, given, stride, n_in, reals.zero)
                memory[hidden + j * stride] = _activate(name, z, reals)
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


def _softmax(memory, at, n, stride, reals):
    """Apply it to `n` outputs for one row."""
    end = at + n * stride
    most, total = memory[at], reals.zero
    for i in range(at + stride, end, stride):
        most = at_least(most, memory[i])
    for i in range(at, end, stride):
        memory[i] = math.exp(memory[i] - most)
        total += memory[i]
    for i in range(at, end, stride):
        memory[i] /= total


def _compare(network, tile, reals):
    """Set the errors of the last layer; gives the loss of this thread's row, if any."""
    s, memory, loss = cuda.threadIdx.x, tile.memory, reals.zero
    if cuda.threadIdx.y > 0 or s >= tile.n:
        return loss
    top, output = len(network.units) - 1, network.output
    n_outputs, weight = network.units[top], memory[network.weight_at + s]
    predicted, errors = network.values_at[top] + s, network.errors_at[top] + s
    if output == SOFTMAX:
        _softmax(memory, predicted, n_outputs, tile.stride, reals)
    for j in range(n_outputs):
        at = errors + j * tile.stride
        p, y = memory[predicted + j * tile.stride], memory[at]
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
    return loss * weight


def _backward(network, tile, reals):
    """Pass errors down to the first hidden layer."""
    s, memory, stride = cuda.threadIdx.x, tile.memory, tile.stride
    for i in range(len(network.units) - 2, 0, -1):
        n_in, n_out = network.units[i] + 1, network.units[i + 1]
        weights, above = network.params_at[i], network.errors_at[i + 1] + s
        hidden, below = network.values_at[i] + s, network.errors_at[i] + s
        if s < tile.n:
            for k in range(cuda.threadIdx.y, network.units[i], cuda.blockDim.y):
                column = weights + k
                error = _dot(memory, column, n_in, above, stride, n_out, reals.zero)
                activated = memory[hidden + k * stride]
                slope = slope_of(network.activation, activated, reals.zero, reals.one)
                memory[below + k * stride] = error * slope
        cuda.syncthreads()


def _descend(network, state, tile, rule, weights, reals):
    """Add the gradients of a tile; take a step if the batch ends, and give its penalty.

    No two threads touch the same parameter.
    """
    penalty, stride = reals.zero, tile.stride
    for i in range(len(network.units) - 1):
        n_in, n_out = network.units[i] + 1, network.units[i + 1]
        for j in range(cuda.threadIdx.y, n_out, cuda.blockDim.y):
            error = network.errors_at[i + 1] + j * stride
            for k in range(cuda.threadIdx.x, n_in, cuda.blockDim.x):
                given = network.values_at[i] + k * stride
                at = network.params_at[i] + j * n_in + k
                grad = reals.zero if tile.begins else state.grads[at]
                grad = _dot(tile.memory, error, 1, given, 1, tile.n, grad)
                if not tile.ends:
                    state.grads[at] = grad
                    continue
                # Intercepts, which are last, are not shrunk.
                decay = rule.alpha if k < n_in - 1 else reals.zero
                decay *= state.params[at]
                penalty += decay * state.params[at]
                _step(state, rule, at, (grad + decay) / weights, reals)
    return penalty


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


_PARTS = (
    _thread,
    _n_threads,
    _copy,
    _fill,
    _sum,
    _dot,
    _gather,
    _forward,
    _activate,
    _softmax,
    _compare,
    _backward,
    _descend,
    _step,
)
