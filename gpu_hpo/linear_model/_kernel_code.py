# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The CUDA kernel that takes lanes through dense rows.

A block of threads takes one lane through all mini-batches, with its weights in shared
memory. Each thread keeps the lane's numbers and updates them from sums that all threads
read, so they agree without messages. What a block computes depends on its own lane
only, and every sum is taken in a fixed order.
"""

from __future__ import annotations

import functools
import importlib
import math
from typing import Any

import numpy as np

from gpu_hpo.devices._scopes import choice, compile_into
from gpu_hpo.linear_model._lanes import (
    ALPHA,
    AVERAGE,
    CODE,
    EPSILON,
    ETA,
    L1_RATIO,
    LOSS,
    MAGNITUDES,
    NEGATIVE,
    OBJECTIVE,
    OWED,
    POSITIVE,
    POWER_T,
    SCALE,
    SHARE,
    SQUARES,
    START,
    T,
)
from gpu_hpo.stacks._scalars import LOSSES, gradient_step, passive_step

# What the copies that `kernels` compiles find instead: Numba's CUDA part, and the loss
# of a row and its slope, which are told by their first argument which loss.
cuda: Any = None
loss_of: Any = None
slope_of: Any = None

FOLD = 16  # sums that one thread adds up


@functools.cache
def kernels() -> tuple[Any, Any]:
    """Make Numba's kernels; they are compiled when they are launched first."""
    cuda = importlib.import_module("numba.cuda")
    device = cuda.jit(device=True)
    scope: dict[str, Any] = {"cuda": cuda}
    for name, each in zip(
        ("loss_of", "slope_of"), zip(*LOSSES.values(), strict=True), strict=True
    ):
        scope[name] = choice(compile_into(scope, device, *each), device)
    compile_into(scope, device, gradient_step, passive_step, *_PARTS)
    epoch, set_norms = compile_into(scope, cuda.jit, _epoch, _set_norms)
    return epoch, set_norms


def _set_norms(X, norms):
    """Compute squared norms of rows, one per thread."""
    row = cuda.grid(1)
    if row < len(norms):
        total = 0.0
        for k in range(X.shape[1]):
            value = np.float64(X[row, k])
            total += value * value
        norms[row] = total


def _epoch(
    plan,
    layout,
    weighted,
    X,
    y,
    weight,
    norms,
    order,
    which,
    all_weights,
    all_steps,
    all_averages,
    all_paid,
    intercepts,
    average_intercepts,
    table,
):
    """Take one lane through the rows; all threads of a block do so together."""
    lane = cuda.blockIdx.x
    if lane >= len(all_weights):
        return
    thread, threads = cuda.threadIdx.x, cuda.blockDim.x
    mine = order[which[lane]]
    n_features, n_rows = X.shape[1], len(mine)
    team, tile, columns = layout.team, layout.tile, layout.columns
    member, column, part = thread % team, thread % columns, thread // columns
    slices = threads // columns
    real = X.dtype.type

    # What is shared: sums, numbers of rows, and all that is of the type of weights.
    sums = cuda.shared.array(0, table.dtype)
    integers = cuda.shared.array(0, order.dtype)
    reals = cuda.shared.array(0, X.dtype)
    picked = integers[4 * threads : 4 * threads + tile]
    partial = reals[layout.partial : layout.updates]
    updates = reals[layout.updates : layout.updates + tile]
    weights, step = all_weights[lane], all_steps[lane % len(all_steps)]
    averages = all_averages[lane % len(all_averages)]
    paid = all_paid[lane % len(all_paid)]
    if layout.weights >= 0:
        weights = reals[layout.weights : layout.weights + n_features]
        _copy(all_weights[lane], weights)
    if layout.step >= 0:
        step = reals[layout.step : layout.step + layout.room]
    if plan.averaging > 0 and layout.averages >= 0:
        averages = reals[layout.averages : layout.averages + n_features]
        _copy(all_averages[lane], averages)
    if plan.truncates > 0 and layout.paid >= 0:
        paid = reals[layout.paid : layout.paid + n_features]
        _copy(all_paid[lane], paid)
    intercept, average_intercept = intercepts[lane], average_intercepts[lane]
    t, owed = table[T, lane], table[OWED, lane]
    scale, share = table[SCALE, lane], table[SHARE, lane]
    squares, magnitudes = table[SQUARES, lane], table[MAGNITUDES, lane]
    loss, objective = table[LOSS, lane], table[OBJECTIVE, lane]
    alpha, ratio = table[ALPHA, lane], table[L1_RATIO, lane]
    penalized = plan.rate < 3 and plan.shrinks + plan.truncates > 0
    cuda.syncthreads()

    for start in range(0, n_rows, plan.size):
        stop = _least(start + plan.size, n_rows)
        n = stop - start
        eta = _rate_of(plan, t, table, lane)
        # Of the rows that this thread sees to.
        bias, value, moved, longer = 0.0, 0.0, 0, 0
        for first in range(start, stop, tile):
            count = _least(tile, stop - first)
            for i in range(thread // team, count, threads // team):
                row = mine[first + i]
                total = real(0)
                for k in range(member, n_features, team):
                    total += X[row, k] * weights[k]
                partial[i * (team + 1) + member] = total
            cuda.syncthreads()
            if thread < count:
                row = mine[first + thread]
                total = real(0)
                for i in range(team):
                    total += partial[thread * (team + 1) + i]
                norm = norms[row] if plan.rate >= 3 else 0.0
                counts = weight[row] if weighted > 0 else 1.0
                update, lost = _update_of(
                    plan, total + intercept, y[row], counts / n, norm, eta, table, lane
                )
                bias += update
                value += lost
                moved = 1 if update != 0 else moved
                longer = 1 if norm > 0 else longer
                updates[thread] = real(update)
                picked[thread] = row
            cuda.syncthreads()
            for k in range(column, n_features, columns):
                at = part * columns + k
                total = step[at] if first > start else real(0)
                for i in range(part, count, slices):
                    total += X[picked[i], k] * updates[i]
                step[at] = total

        sums[thread] = bias
        sums[threads + thread] = value
        moved = cuda.syncthreads_or(moved)
        bias, value = _folded(sums, _least(n, tile))
        if plan.objective > 0:
            loss += value
            cost = (1 - ratio) * 0.5 * squares + ratio * magnitudes
            objective += value + (n * alpha * cost if penalized else 0.0)
        if plan.rate == 3 and cuda.syncthreads_or(longer) == 0:
            # To scikit-learn such a row is no step.
            continue

        shrink = 1.0
        if plan.shrinks > 0:
            shrink = 1 - (1 - ratio) * eta * alpha
            shrink = 0.0 if shrink < 0 else shrink
        if plan.fit_intercept > 0:
            intercept += bias
        keep, fresh = 1.0, 0.0
        if plan.averaging > 0:
            n_seen = t - table[AVERAGE, lane] + 1
            if n_seen >= 1:
                fresh = 1 / n_seen
                average_intercept += fresh * (intercept - average_intercept)
            # Nothing is forgotten at the first: as in scikit-learn, whose averages of a
            # regressor that is fitted again are added to.
            keep = 1 - fresh if n_seen > 1 else 1.0
            # Where scikit-learn applies what it has shrunk all weights by.
            scale *= shrink
            if scale < (1e-9 if X.itemsize > 4 else 1e-6):
                scale, share = 1.0, 0.0
            share = keep * (share / shrink if shrink > 0 else share) + fresh
        if plan.truncates > 0:
            owed += ratio * eta * alpha

        square, magnitude = 0.0, 0.0
        for k in range(thread, n_features, threads):
            total = step[k]
            for i in range(1, slices):
                total += step[i * columns + k]
            new = real(shrink) * weights[k] + total
            square += np.float64(new) * np.float64(new)
            magnitude += abs(np.float64(new))
            average = real(0)
            if plan.averaging > 0:
                average = real(keep) * averages[k] + real(fresh) * new
            if plan.truncates > 0:
                change = _taken(new, paid[k], real(owed), real(0))
                new += change
                paid[k] += change
                average += real(share) * change
            if plan.averaging > 0:
                averages[k] = average
            weights[k] = new
        cuda.syncthreads()
        if plan.objective > 0:
            # What an L1 penalty has taken does not count before the next move, as in
            # scikit-learn.
            squares *= shrink * shrink
            magnitudes *= shrink
            if moved != 0:
                sums[thread] = square
                sums[threads + thread] = magnitude
                cuda.syncthreads()
                squares, magnitudes = _folded(sums, _least(threads, n_features))
        t += 1

    _copy(weights, all_weights[lane])
    if plan.averaging > 0:
        _copy(averages, all_averages[lane])
    if plan.truncates > 0:
        _copy(paid, all_paid[lane])
    if thread == 0:
        intercepts[lane], average_intercepts[lane] = intercept, average_intercept
        table[T, lane], table[OWED, lane] = t, owed
        table[SCALE, lane], table[SHARE, lane] = scale, share
        table[SQUARES, lane], table[MAGNITUDES, lane] = squares, magnitudes
        table[LOSS, lane], table[OBJECTIVE, lane] = loss, objective


def _copy(source, target):
    """Copy an array by all threads of the block."""
    for k in range(cuda.threadIdx.x, len(source), cuda.blockDim.x):
        target[k] = source[k]


def _least(a, b):
    """Do what `min` does, which Numba's own CUDA part fails to compile."""
    return a if a < b else b


def _folded(sums, count):
    """Sum what each of the first threads knows, two numbers at once, in one order."""
    thread, threads = cuda.threadIdx.x, cuda.blockDim.x
    stride = 1
    if count > FOLD:
        stride = FOLD
        begin = thread * FOLD
        if begin < count:
            one, other = 0.0, 0.0
            for i in range(begin, _least(begin + FOLD, count)):
                one += sums[i]
                other += sums[threads + i]
            sums[begin] = one
            sums[threads + begin] = other
        cuda.syncthreads()
    one, other = 0.0, 0.0
    for i in range(0, count, stride):
        one += sums[i]
        other += sums[threads + i]
    return one, other


def _rate_of(plan, t, table, lane):
    """Return the learning rate of a batch."""
    if plan.rate == 1:
        return 1 / (table[ALPHA, lane] * (table[START, lane] + t - 1))
    if plan.rate == 2:
        return table[ETA, lane] / math.pow(t, table[POWER_T, lane])
    return table[ETA, lane]


def _update_of(plan, score, y, counts, norm, eta, table, lane):
    """Return what a row adds to the weights, per unit of x, and its loss if wanted."""
    epsilon = table[EPSILON, lane]
    target = y
    if table[CODE, lane] >= 0:
        positive = y == table[CODE, lane]
        target = 1.0 if positive else -1.0
        counts *= table[POSITIVE, lane] if positive else table[NEGATIVE, lane]
    loss = 0.0
    if plan.objective > 0 or plan.rate >= 3:
        loss = loss_of(plan.loss, score, target, epsilon)
    if plan.rate < 3:
        slope = slope_of(plan.loss, score, target, epsilon)
        return gradient_step(slope, eta) * counts, loss
    step = passive_step(plan.rate == 3, loss, norm, eta)
    if plan.loss <= 1:
        step *= target
    elif target < score:
        step = -step
    return step * counts, loss


def _taken(weight, paid, owed, zero):
    """Return the change of a weight by the L1 penalty, which does not go past zero.

    Source: Tsuruoka, Tsujii and Ananiadou, "Stochastic gradient descent training for
    L1-regularized log-linear models with cumulative penalty", 2009,
    https://aclanthology.org/P09-1054/
    """
    if weight > 0:
        left = weight - (owed + paid)
        return (zero if left < 0 else left) - weight
    if weight < 0:
        left = weight + (owed - paid)
        return (zero if left > 0 else left) - weight
    return zero


_PARTS = _update_of, _rate_of, _copy, _least, _taken, _folded
