# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a block of threads does with a mini-batch, for one lane, on a GPU.

Indices are narrowed, since Numba widens them, and unsigned, for which nothing checks
whether they are negative; loops whose steps are not 1 are `while` loops, since a range
of Numba's divides to count its steps.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from gpu_hpo.linear_model._lanes import (
    ALPHA,
    AVERAGE,
    CODE,
    ETA,
    L1_RATIO,
    LOSS,
    MAGNITUDES,
    N_ROWS,
    OBJECTIVE,
    OWED,
    POWER_T,
    SCALE,
    SHARE,
    SQUARES,
    START,
    T,
)
from gpu_hpo.stacks._scalars import gradient_step, passive_step

# Beside those of the lane's table, numbers of float64: intercepts, and what becomes of
# some if the batch at hand moves the lane.
INTERCEPT, AVERAGE_INTERCEPT, SHRINK, FRESH = range(N_ROWS, N_ROWS + 4)
OWED_THEN, SCALE_THEN, SHARE_THEN = range(N_ROWS + 4, N_ROWS + 7)
N_NUMBERS = 26  # even, so that what comes behind is aligned
# Numbers of the type of rows: what a batch needs, and settings that rows do.
R_ETA, R_SHRINK, R_KEEP, R_FRESH, R_OWED, R_SHARE = range(6)
R_EPSILON, R_POSITIVE, R_NEGATIVE = range(6, 9)
N_READY = 10

FOLD = 16  # sums that one thread adds up

# What copies of these functions find instead, when they are compiled: Numba's CUDA
# part, and the loss of a row and its slope, which are told by their first argument
# which loss.
cuda: Any = None
loss_of: Any = None
slope_of: Any = None

i32, u32, u64 = np.int32, np.uint32, np.uint64


def copy(source, target, n):
    """Copy `n` numbers by all threads of the block."""
    k = i32(cuda.threadIdx.x)
    while k < n:
        target[u32(k)] = source[u32(k)]
        k = i32(k + cuda.blockDim.x)


def least(a, b):
    """Do what `min` does, which Numba's own CUDA part fails to compile."""
    return a if a < b else b


def folded(reals, sums, count):
    """Sum what each of the first threads knows, two numbers at once, in one order.

    The first thread gets to know.
    """
    thread, others = i32(cuda.threadIdx.x), i32(sums + cuda.blockDim.x)
    zero = reals.dtype.type(0)
    stride = i32(1)
    if count > FOLD:
        stride = i32(FOLD)
        i = i32(thread * FOLD)
        if i < count:
            end = i32(least(i + FOLD, count))
            one, other = zero, zero
            while i < end:
                one += reals[u32(sums + i)]
                other += reals[u32(others + i)]
                i = i32(i + 1)
            reals[u32(sums + thread * FOLD)] = one
            reals[u32(others + thread * FOLD)] = other
        cuda.syncthreads()
    one, other = zero, zero
    if thread == 0:
        i = i32(0)
        while i < count:
            one += reals[u32(sums + i)]
            other += reals[u32(others + i)]
            i = i32(i + stride)
    return one, other


def prepare(plan, layout, numbers, reals):
    """Say what a batch needs of the numbers, and what becomes of them if it moves."""
    real, ready = reals.dtype.type, layout.ready
    ratio, alpha = numbers[L1_RATIO], numbers[ALPHA]
    eta = _rate_of(plan, numbers, real)
    shrink, keep, fresh = 1.0, 1.0, 0.0
    if plan.shrinks > 0:
        shrink = 1.0 - (1.0 - ratio) * eta * alpha
        shrink = 0.0 if shrink < 0 else shrink
    if plan.averaging > 0:
        n_seen = numbers[T] - numbers[AVERAGE] + 1.0
        if n_seen >= 1:
            fresh = 1.0 / n_seen
        # Nothing is forgotten at the first: as in scikit-learn, whose averages of a
        # regressor that is fitted again are added to.
        keep = 1.0 - fresh if n_seen > 1 else 1.0
        # Where scikit-learn applies what it has shrunk all weights by.
        scale, share = numbers[SCALE] * shrink, numbers[SHARE]
        if scale < (1e-9 if reals.itemsize > 4 else 1e-6):
            scale, share = 1.0, 0.0
        share = keep * (share / shrink if shrink > 0 else share) + fresh
        numbers[SCALE_THEN], numbers[SHARE_THEN] = scale, share
        reals[u32(ready + R_SHARE)] = real(share)
        reals[u32(ready + R_KEEP)] = real(keep)
        reals[u32(ready + R_FRESH)] = real(fresh)
    else:
        reals[u32(ready + R_SHARE)] = real(numbers[SHARE])
    if plan.truncates > 0:
        owed = numbers[OWED] + ratio * eta * alpha
        numbers[OWED_THEN] = owed
        reals[u32(ready + R_OWED)] = real(owed)
    numbers[SHRINK], numbers[FRESH] = shrink, fresh
    reals[u32(ready + R_ETA)] = real(eta)
    reals[u32(ready + R_SHRINK)] = real(shrink)


def _rate_of(plan, numbers, real):
    """Return the learning rate of a batch."""
    if plan.rate == 1:
        return 1.0 / (numbers[ALPHA] * (numbers[START] + numbers[T] - 1.0))
    if plan.rate == 2:
        # The dearest function of all, and no sum.
        power = math.pow(real(numbers[T]), real(numbers[POWER_T]))
        return numbers[ETA] / np.float64(power)
    return numbers[ETA]


def multiply(layout, X, order, mine, begin, count, weights, reals):
    """Multiply rows and weights; a team of threads has parts of each sum."""
    team, n_features = layout.team, i32(X.shape[1])
    member = i32(cuda.threadIdx.x % team)
    i = i32(cuda.threadIdx.x // team)
    while i < count:
        row = u64(order[mine, u32(begin + i)])
        total = reals.dtype.type(0)
        k = member
        while k < n_features:
            total += X[row, u32(k)] * weights[u32(k)]
            k = i32(k + team)
        reals[u32(layout.partial + i * (team + 1) + member)] = total
        i = i32(i + cuda.blockDim.x // team)


def update_of(plan, layout, y, counts, norm, numbers, reals):
    """Return what this thread's row adds to the weights, per unit of x, and its loss.

    Its loss, if that is wanted.
    """
    ready, real = layout.ready, reals.dtype.type
    one, zero = real(1), real(0)
    at = i32(layout.partial + cuda.threadIdx.x * (layout.team + 1))
    score = zero
    for i in range(layout.team):
        score += reals[u32(at + i)]
    # Losses of regressors know differences only, which are small where intercepts and
    # targets are not.
    target = zero
    offset = numbers[INTERCEPT]
    if numbers[CODE] >= 0:
        positive = y == numbers[CODE]
        target = one if positive else -one
        counts *= reals[u32(ready + (R_POSITIVE if positive else R_NEGATIVE))]
    else:
        offset -= y
    score += real(offset)
    eta, epsilon = reals[u32(ready + R_ETA)], reals[u32(ready + R_EPSILON)]
    loss = zero
    if plan.objective > 0 or plan.rate >= 3:
        loss = real(loss_of(plan.loss, score, target, epsilon))
    if plan.rate < 3:
        slope = real(slope_of(plan.loss, score, target, epsilon))
        return real(gradient_step(slope, eta)) * counts, loss
    step = real(passive_step(plan.rate == 3, loss, norm, eta))
    if plan.loss <= 1:
        step *= target
    elif target < score:
        step = -step
    return step * counts, loss


def add_rows(layout, X, picked, count, more, step, reals):
    """Add up rows, each times its update; slices of them go to different places."""
    columns, n_features = layout.columns, i32(X.shape[1])
    part, k = (
        i32(cuda.threadIdx.x // columns),
        i32(cuda.threadIdx.x % columns),
    )
    slices = i32(cuda.blockDim.x // columns)
    while k < n_features:
        at = u32(part * columns + k)
        total = step[at] if more else reals.dtype.type(0)
        i = part
        while i < count:
            row = u64(picked[u32(layout.picked + i)])
            total += X[row, u32(k)] * reals[u32(layout.updates + i)]
            i = i32(i + slices)
        step[at] = total
        k = i32(k + columns)


def add_losses(plan, n, value, numbers):
    """Add the losses of a batch, and what the weights cost."""
    numbers[LOSS] += value
    numbers[OBJECTIVE] += value
    if plan.rate < 3 and plan.shrinks + plan.truncates > 0:
        ratio = numbers[L1_RATIO]
        cost = (1.0 - ratio) * 0.5 * numbers[SQUARES] + ratio * numbers[MAGNITUDES]
        numbers[OBJECTIVE] += np.float64(n) * numbers[ALPHA] * cost


def settle(plan, bias, numbers):
    """Let the numbers become what they are after a batch that moves the lane."""
    if plan.fit_intercept > 0:
        numbers[INTERCEPT] += bias
    if plan.averaging > 0:
        off = numbers[INTERCEPT] - numbers[AVERAGE_INTERCEPT]
        if numbers[FRESH] > 0:
            numbers[AVERAGE_INTERCEPT] += numbers[FRESH] * off
        numbers[SCALE], numbers[SHARE] = numbers[SCALE_THEN], numbers[SHARE_THEN]
    if plan.truncates > 0:
        numbers[OWED] = numbers[OWED_THEN]
    if plan.objective > 0:
        numbers[SQUARES] *= numbers[SHRINK] * numbers[SHRINK]
        numbers[MAGNITUDES] *= numbers[SHRINK]
    numbers[T] += 1.0


def move(plan, layout, n_features, weights, step, averages, paid, reals):
    """Move the weights; returns this thread's sums of squares and of magnitudes."""
    ready, columns = layout.ready, layout.columns
    slices, zero = i32(cuda.blockDim.x // columns), reals.dtype.type(0)
    square, magnitude = zero, zero
    k = i32(cuda.threadIdx.x)
    while k < n_features:
        at = u32(k)
        total = step[at]
        for i in range(i32(1), slices):
            total += step[u32(i * columns + k)]
        new = reals[u32(ready + R_SHRINK)] * weights[at] + total
        square += new * new
        magnitude += abs(new)
        average = zero
        if plan.averaging > 0:
            keep, fresh = reals[u32(ready + R_KEEP)], reals[u32(ready + R_FRESH)]
            average = keep * averages[at] + fresh * new
        if plan.truncates > 0:
            change = _taken(new, paid[at], reals[u32(ready + R_OWED)], zero)
            new += change
            paid[at] += change
            average += reals[u32(ready + R_SHARE)] * change
        if plan.averaging > 0:
            averages[at] = average
        weights[at] = new
        k = i32(k + cuda.blockDim.x)
    return square, magnitude


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


# Whose constants are to be of the type of rows, and others.
STEPS = gradient_step, passive_step
PARTS = (
    copy,
    least,
    folded,
    prepare,
    _rate_of,
    multiply,
    update_of,
    add_rows,
    add_losses,
    settle,
    move,
    _taken,
)
