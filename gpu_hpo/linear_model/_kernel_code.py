# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The CUDA kernel that takes lanes through dense rows.

A block of threads takes one lane through all mini-batches, with its weights in shared
memory. What a block computes depends on its own lane only, and every sum is taken in a
fixed order.

Rows, weights and what one row or one batch adds are of the type of the rows. In float64
is what is summed over all batches, where a small addend would be lost, or a count would
stop: intercepts, steps taken, penalties owed, the scale of averages, losses. One thread
has these, `numbers`, in shared memory, and says to the others what a batch needs of
them, `ready`, while they multiply rows and weights: many GPUs compute in float64 at a
32nd or 64th of their speed.
"""

from __future__ import annotations

import functools
from types import FunctionType
from typing import Any

import numpy as np

from gpu_hpo.devices._scopes import choice, compile_into
from gpu_hpo.linear_model._kernel_batch import (
    AVERAGE_INTERCEPT,
    INTERCEPT,
    PARTS,
    R_EPSILON,
    R_NEGATIVE,
    R_POSITIVE,
    STEPS,
    add_losses,
    add_rows,
    copy,
    folded,
    i32,
    least,
    move,
    multiply,
    prepare,
    settle,
    u32,
    u64,
    update_of,
)
from gpu_hpo.linear_model._lanes import (
    EPSILON,
    MAGNITUDES,
    N_ROWS,
    NEGATIVE,
    OWED,
    POSITIVE,
    SQUARES,
    T,
)
from gpu_hpo.stacks._scalars import LOSSES, MOST_GRADIENT

# By the bytes of a number. Nothing is spilled then, and a multiprocessor of 65,536
# registers has four blocks of 256 threads, or three if numbers take two registers each.
REGISTERS = {4: 64, 8: 80}

# What the copies that `kernels` compiles find instead: Numba's CUDA part.
cuda: Any = None


@functools.cache
def kernels(real: Any) -> tuple[Any, Any]:
    """Make Numba's kernels for rows of a type, which are compiled when launched."""
    import numba.cuda

    cuda: Any = numba.cuda
    device, whole = cuda.jit(device=True), cuda.jit
    if not vars(numba.config)["ENABLE_CUDASIM"]:
        # The simulator knows no registers.
        whole = cuda.jit(max_registers=REGISTERS[np.dtype(real).itemsize])
    scope: dict[str, Any] = {"cuda": cuda, "MOST_GRADIENT": real(MOST_GRADIENT)}
    for name, each in zip(
        ("loss_of", "slope_of"), zip(*LOSSES.values(), strict=True), strict=True
    ):
        parts = compile_into(scope, device, *(_narrowed(f, real) for f in each))
        scope[name] = choice(parts, device)
    compile_into(
        scope, device, *(_narrowed(f, real) for f in STEPS), *PARTS, _any_not_finite
    )
    [set_norms] = compile_into(scope, cuda.jit, _set_norms)
    [epoch] = compile_into(scope, whole, _epoch)
    return epoch, set_norms


def _narrowed(function: Any, real: Any) -> Any:
    """Copy a function with its constants in the type of rows.

    Numba computes in float64 whatever it does with a float32 and a number of Python's.
    """
    code = function.__code__
    constants = (real(c) if type(c) in (int, float) else c for c in code.co_consts)
    code = code.replace(co_consts=tuple(constants))
    return FunctionType(code, function.__globals__, function.__name__)


def _set_norms(X, norms):
    """Compute squared norms of rows, one per thread."""
    row = cuda.grid(1)
    if row < len(norms):
        total = 0.0
        for k in range(X.shape[1]):
            value = np.float64(X[row, k])
            total += value * value
        norms[row] = total


def _any_not_finite(weights, n_features, zero):
    """Tell whether any weight that this thread sees to is not finite."""
    found, i = i32(0), i32(cuda.threadIdx.x)
    while i < n_features:
        # Infinity less infinity is no number.
        if weights[u32(i)] - weights[u32(i)] != zero:
            found = i32(1)
        i = i32(i + cuda.blockDim.x)
    return found


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
    sound,
):
    """Take one lane through the rows; all threads of a block do so together."""
    lane = cuda.blockIdx.x
    if lane >= len(all_weights):
        return
    thread, threads = i32(cuda.threadIdx.x), i32(cuda.blockDim.x)
    real, mine = X.dtype.type, which[lane]
    n_features, n_rows = i32(X.shape[1]), i32(order.shape[1])
    zero, tile = real(0), layout.tile

    # What is shared: numbers, rows that a tile has, and all of the type of weights.
    numbers = cuda.shared.array(0, table.dtype)
    picked = cuda.shared.array(0, order.dtype)
    reals = cuda.shared.array(0, X.dtype)
    weights, step = all_weights[lane], all_steps[lane % len(all_steps)]
    averages = all_averages[lane % len(all_averages)]
    paid = all_paid[lane % len(all_paid)]
    if layout.weights >= 0:
        weights = reals[layout.weights :]
        copy(all_weights[lane], weights, n_features)
    if layout.step >= 0:
        step = reals[layout.step :]
    if plan.averaging > 0 and layout.averages >= 0:
        averages = reals[layout.averages :]
        copy(all_averages[lane], averages, n_features)
    if plan.truncates > 0 and layout.paid >= 0:
        paid = reals[layout.paid :]
        copy(all_paid[lane], paid, n_features)
    if thread == 0:
        for i in range(N_ROWS):
            numbers[i] = table[i, lane]
        numbers[INTERCEPT] = intercepts[lane]
        numbers[AVERAGE_INTERCEPT] = average_intercepts[lane]
        reals[u32(layout.ready + R_EPSILON)] = real(numbers[EPSILON])
        reals[u32(layout.ready + R_POSITIVE)] = real(numbers[POSITIVE])
        reals[u32(layout.ready + R_NEGATIVE)] = real(numbers[NEGATIVE])
    cuda.syncthreads()

    start = i32(0)
    while start < n_rows:
        n = i32(least(plan.size, n_rows - start))
        if thread == 0:
            prepare(plan, layout, numbers, reals)
        # Of the rows that this thread sees to.
        bias, value, moved, longer = zero, zero, i32(0), i32(0)
        first = i32(0)
        while first < n:
            count = i32(least(tile, n - first))
            begin = i32(start + first)
            multiply(layout, X, order, mine, begin, count, weights, reals)
            cuda.syncthreads()
            if thread < count:
                row = order[mine, u32(begin + thread)]
                picked[u32(layout.picked + thread)] = row
                row = u64(row)
                norm = norms[row] if plan.rate >= 3 else zero
                counts = real(weight[row]) if weighted > 0 else real(1)
                update, lost = update_of(
                    plan, layout, y[row], counts / real(n), norm, numbers, reals
                )
                bias += update
                value += lost
                moved = i32(1) if update != zero else moved
                longer = i32(1) if norm > zero else longer
                reals[u32(layout.updates + thread)] = update
            cuda.syncthreads()
            add_rows(layout, X, picked, count, first > 0, step, reals)
            first = i32(first + tile)

        sums = layout.sums
        reals[u32(sums + thread)] = bias
        reals[u32(sums + threads + thread)] = value
        moved = cuda.syncthreads_or(moved)
        bias, value = folded(reals, sums, i32(least(n, tile)))
        if thread == 0 and plan.objective > 0:
            add_losses(plan, n, value, numbers)
        start = i32(start + plan.size)
        if plan.rate == 3 and cuda.syncthreads_or(longer) == 0:
            # To scikit-learn such a row is no step.
            continue
        if thread == 0:
            settle(plan, bias, numbers)
        square, magnitude = move(
            plan, layout, n_features, weights, step, averages, paid, reals
        )
        cuda.syncthreads()
        # What an L1 penalty has taken does not count before the next move, as in
        # scikit-learn.
        if plan.objective > 0 and moved != 0:
            reals[u32(sums + thread)] = square
            reals[u32(sums + threads + thread)] = magnitude
            cuda.syncthreads()
            square, magnitude = folded(reals, sums, i32(least(threads, n_features)))
            if thread == 0:
                numbers[SQUARES] = square
                numbers[MAGNITUDES] = magnitude

    copy(weights, all_weights[lane], n_features)
    unsound = i32(cuda.syncthreads_or(_any_not_finite(weights, n_features, zero)))
    if plan.averaging > 0:
        copy(averages, all_averages[lane], n_features)
    if plan.truncates > 0:
        copy(paid, all_paid[lane], n_features)
    if thread == 0:
        # In the type that it is stored in.
        bias = real(numbers[INTERCEPT])
        if bias - bias != zero:
            unsound = i32(1)
        sound[lane] = i32(1) if unsound == 0 else i32(0)
        intercepts[lane] = numbers[INTERCEPT]
        average_intercepts[lane] = numbers[AVERAGE_INTERCEPT]
        table[T, lane] = numbers[T]
        for i in range(OWED, N_ROWS):
            table[i, lane] = numbers[i]
