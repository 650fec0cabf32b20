# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""One pass of many lanes through sparse rows, compiled for the CPU.

A weight is stored as V / scale and an average as (B + gain * V) / base, with three
numbers per lane, so that shrinking all weights and averaging them take no loop over the
features: a batch costs what its rows have stored.

Source: Bottou, "Stochastic gradient descent tricks", 2012, sections 5.1 and 6.4,
https://www.microsoft.com/en-us/research/wp-content/uploads/2012/01/tricks-2012.pdf
"""

from __future__ import annotations

import numpy as np

from gpu_hpo.devices._jit import inlined, jit
from gpu_hpo.linear_model._compiled_dense import taken
from gpu_hpo.linear_model._compiled_rules import (
    add_penalties,
    end_batch,
    room_for,
    set_updates,
    start_batch,
)
from gpu_hpo.linear_model._lanes import MAGNITUDES, OWED, SCALE, SHARE, SQUARES, T


@jit
def train_sparse(
    plan,
    values,
    columns,
    ends,
    y,
    weight,
    order,
    V,
    intercepts,
    B,
    average_intercepts,
    paid,
    table,
):
    """Take the lanes through the rows of a CSR matrix in the given order, once."""
    n_features, n_lanes = V.shape
    n_rows = len(order)
    room = room_for(n_lanes)
    batch = np.empty((plan.size, n_lanes), V.dtype)
    norms = np.zeros(plan.size)
    scale, gain, base = np.empty(n_lanes), np.zeros(n_lanes), np.ones(n_lanes)
    # Batch that last had a feature, whose turn comes but once in it.
    seen = np.full(n_features, -1)
    unpack(plan, V, B, table, scale, gain)
    least = 1e-9 if V.itemsize > 4 else 1e-6
    t = table[T, 0]
    for start in range(0, n_rows, plan.size):
        n = min(plan.size, n_rows - start)
        rows = order[start : start + n]
        set_scores(values, columns, ends, rows, V, scale, batch, norms)
        if plan.objective:
            add_penalties(plan, n, table)
        start_batch(plan, t, table, room)
        set_updates(plan, rows, y, weight, norms, intercepts, table, room, batch)
        if plan.rate == 3 and norms[:n].max() == 0:
            # To scikit-learn such a row is no step.
            continue
        if plan.shrinks:
            small = False
            for j in range(n_lanes):
                scale[j] *= room.shrink[j]
                small |= scale[j] < least
            if small:
                settle(plan, V, B, scale, gain, base, least)
        move(plan, values, columns, ends, rows, V, B, scale, gain, batch)
        if plan.objective:
            note_norms(columns, ends, rows, V, scale, seen, start, table, room)
        end_batch(plan, t, intercepts, average_intercepts, table, room)
        if plan.averaging:
            for j in range(n_lanes):
                base[j] /= room.keep[j]
                gain[j] += room.fresh[j] * base[j] * scale[j]
        if plan.truncates:
            truncate(columns, ends, rows, V, paid, scale, seen, start, table)
        t += 1
    for j in range(n_lanes):
        table[T, j] = t
        table[SHARE, j] = gain[j] / (base[j] * scale[j])
        table[SCALE, j] = scale[j]
    # As if no scale were large enough.
    settle(plan, V, B, scale, gain, base, np.inf)


@inlined
def unpack(plan, V, B, table, scale, gain):
    """Turn weights and averages into what is stored of them."""
    n_features, n_lanes = V.shape
    for j in range(n_lanes):
        scale[j] = table[SCALE, j]
        gain[j] = table[SHARE, j] * scale[j]
    for k in range(n_features):
        v = V[k]
        if plan.averaging:
            b = B[k]
            for j in range(n_lanes):
                b[j] -= table[SHARE, j] * v[j]
        for j in range(n_lanes):
            v[j] /= scale[j]


@inlined
def settle(plan, V, B, scale, gain, base, least):
    """Make stored numbers weights and averages again, of lanes with a small scale."""
    n_features, n_lanes = V.shape
    by, share, part = np.ones(n_lanes), np.zeros(n_lanes), np.ones(n_lanes)
    for j in range(n_lanes):
        if scale[j] < least:
            by[j], share[j], part[j] = scale[j], gain[j], 1 / base[j]
            scale[j], gain[j], base[j] = 1, 0, 1
    for k in range(n_features):
        v = V[k]
        if plan.averaging:
            b = B[k]
            for j in range(n_lanes):
                b[j] = (b[j] + share[j] * v[j]) * part[j]
        for j in range(n_lanes):
            v[j] *= by[j]


@inlined
def set_scores(values, columns, ends, rows, V, scale, scores, norms):
    """Compute products of rows and weights, and squared norms of the rows."""
    n_lanes = V.shape[1]
    for i in range(len(rows)):
        out = scores[i]
        norm = 0.0
        for j in range(n_lanes):
            out[j] = 0
        for at in range(ends[rows[i]], ends[rows[i] + 1]):
            x, v = values[at], V[columns[at]]
            norm += np.float64(x) * x
            for j in range(n_lanes):
                out[j] += x * v[j]
        for j in range(n_lanes):
            out[j] *= scale[j]
        norms[i] = norm


@inlined
def move(plan, values, columns, ends, rows, V, B, scale, gain, updates):
    """Add to the weights what the rows of a batch say; averages stay what they are."""
    n_lanes = V.shape[1]
    back = np.empty(n_lanes, V.dtype)
    for j in range(n_lanes):
        back[j] = gain[j]
    for i in range(len(rows)):
        u = updates[i]
        for j in range(n_lanes):
            u[j] /= scale[j]
        for at in range(ends[rows[i]], ends[rows[i] + 1]):
            x, v = values[at], V[columns[at]]
            for j in range(n_lanes):
                v[j] += x * u[j]
            if plan.averaging:
                b = B[columns[at]]
                for j in range(n_lanes):
                    b[j] -= back[j] * x * u[j]


@inlined
def note_norms(columns, ends, rows, V, scale, seen, start, table, room):
    """Sum squares and magnitudes of the weights of the features in a batch.

    Of no other: it is these that scikit-learn takes for the norms of all.
    """
    squares, magnitudes = room.score, room.out
    n_lanes = V.shape[1]
    for j in range(n_lanes):
        squares[j] = 0
        magnitudes[j] = 0
    for i in range(len(rows)):
        for at in range(ends[rows[i]], ends[rows[i] + 1]):
            k = columns[at]
            if seen[k] == 2 * start:
                continue
            seen[k] = 2 * start
            v = V[k]
            for j in range(n_lanes):
                squares[j] += v[j] * v[j]
                magnitudes[j] += abs(v[j])
    for j in range(n_lanes):
        by = room.shrink[j]
        moved = room.moved[j] != 0
        size = scale[j]
        whole = table[SQUARES, j] * by * by
        table[SQUARES, j] = squares[j] * size * size if moved else whole
        whole = table[MAGNITUDES, j] * by
        table[MAGNITUDES, j] = magnitudes[j] * size if moved else whole


@inlined
def truncate(columns, ends, rows, V, paid, scale, seen, start, table):
    """Take off the weights of a batch's features what they owe; see `_compiled_dense`.

    A feature that comes seldom pays at once for the batches that it was not in.
    """
    n_lanes = V.shape[1]
    for i in range(len(rows)):
        for at in range(ends[rows[i]], ends[rows[i] + 1]):
            k = columns[at]
            if seen[k] == 2 * start + 1:
                continue
            seen[k] = 2 * start + 1
            v, q = V[k], paid[k]
            for j in range(n_lanes):
                change = taken(v[j] * scale[j], q[j], table[OWED, j])
                q[j] += change
                v[j] = v[j] + change / scale[j] if change != -v[j] * scale[j] else 0.0
