# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""One pass of many lanes through dense rows, compiled for the CPU."""

from __future__ import annotations

import numpy as np

from gpu_hpo.devices._jit import inlined, jit
from gpu_hpo.linear_model._compiled_rules import (
    add_penalties,
    end_batch,
    rescale,
    room_for,
    set_updates,
    start_batch,
)
from gpu_hpo.linear_model._lanes import MAGNITUDES, OWED, SHARE, SQUARES, T


@jit
def train_dense(
    plan, X, y, weight, order, W, intercepts, A, average_intercepts, paid, table
):
    """Take the lanes through the rows of X in the given order, once."""
    n_lanes = W.shape[1]
    n_rows = len(order)
    room = room_for(n_lanes)
    batch = np.empty((plan.size, n_lanes), W.dtype)
    shrink = np.empty(n_lanes, W.dtype)
    norms = np.zeros(plan.size)
    t = table[T, 0]
    for start in range(0, n_rows, plan.size):
        n = min(plan.size, n_rows - start)
        rows = order[start : start + n]
        set_scores(X, rows, W, batch)
        if plan.objective:
            add_penalties(plan, n, table)
        start_batch(plan, t, table, room)
        longest = 1.0
        if plan.rate >= 3:
            longest = set_norms(X, rows, norms)
        set_updates(plan, rows, y, weight, norms, intercepts, table, room, batch)
        if plan.rate == 3 and longest == 0:
            # To scikit-learn such a row is no step.
            continue
        for j in range(n_lanes):
            shrink[j] = room.shrink[j]
        move(X, rows, W, shrink, batch)
        if plan.objective:
            note_norms(W, table, room)
        end_batch(plan, t, intercepts, average_intercepts, table, room)
        if plan.averaging:
            if plan.truncates:
                rescale(1e-9 if W.itemsize > 4 else 1e-6, table, room)
                for j in range(n_lanes):
                    table[SHARE, j] = room.keep[j] * table[SHARE, j] + room.fresh[j]
            average(W, A, room)
        if plan.truncates:
            truncate(plan, W, A, paid, table)
        t += 1
    for j in range(n_lanes):
        table[T, j] = t


@inlined
def set_scores(X, rows, W, scores):
    """Compute products of rows and weights."""
    n_features, n_lanes = W.shape
    zero = W.dtype.type(0)
    for i in range(len(rows)):
        row = rows[i]
        for j in range(n_lanes):
            scores[i, j] = zero
        k = 0
        # Some at a time, so that sums are loaded and stored less often.
        while k + 4 <= n_features:
            x0, x1, x2, x3 = X[row, k], X[row, k + 1], X[row, k + 2], X[row, k + 3]
            for j in range(n_lanes):
                scores[i, j] += (
                    x0 * W[k, j]
                    + x1 * W[k + 1, j]
                    + x2 * W[k + 2, j]
                    + x3 * W[k + 3, j]
                )
            k += 4
        while k < n_features:
            x0 = X[row, k]
            for j in range(n_lanes):
                scores[i, j] += x0 * W[k, j]
            k += 1


@inlined
def set_norms(X, rows, norms):
    """Compute squared norms of rows; return the largest."""
    longest = 0.0
    for i in range(len(rows)):
        total = 0.0
        for k in range(X.shape[1]):
            value = np.float64(X[rows[i], k])
            total += value * value
        norms[i] = total
        longest = max(longest, total)
    return longest


@inlined
def move(X, rows, W, shrink, updates):
    """Shrink the weights and add what the rows of a batch say."""
    n_features, n_lanes = W.shape
    n = len(rows)
    for k in range(n_features):
        x0 = X[rows[0], k]
        for j in range(n_lanes):
            W[k, j] = shrink[j] * W[k, j] + x0 * updates[0, j]
        i = 1
        while i + 4 <= n:
            x0, x1 = X[rows[i], k], X[rows[i + 1], k]
            x2, x3 = X[rows[i + 2], k], X[rows[i + 3], k]
            for j in range(n_lanes):
                W[k, j] += (
                    x0 * updates[i, j]
                    + x1 * updates[i + 1, j]
                    + x2 * updates[i + 2, j]
                    + x3 * updates[i + 3, j]
                )
            i += 4
        while i < n:
            x0 = X[rows[i], k]
            for j in range(n_lanes):
                W[k, j] += x0 * updates[i, j]
            i += 1


@inlined
def note_norms(W, table, room):
    """Sum squares and magnitudes of the weights of the lanes that have moved.

    Those of the others are what they were but for shrinking: what an L1 penalty has
    taken since does not count, as in scikit-learn.
    """
    squares, magnitudes = room.score, room.out
    n_features, n_lanes = W.shape
    for j in range(n_lanes):
        squares[j] = 0
        magnitudes[j] = 0
    for k in range(n_features):
        for j in range(n_lanes):
            squares[j] += W[k, j] * W[k, j]
            magnitudes[j] += abs(W[k, j])
    for j in range(n_lanes):
        by = room.shrink[j]
        moved = room.moved[j] != 0
        table[SQUARES, j] = squares[j] if moved else table[SQUARES, j] * by * by
        table[MAGNITUDES, j] = magnitudes[j] if moved else table[MAGNITUDES, j] * by


@inlined
def average(W, A, room):
    """Let the weights into their averages."""
    n_lanes = W.shape[1]
    for k in range(W.shape[0]):
        for j in range(n_lanes):
            A[k, j] = room.keep[j] * A[k, j] + room.fresh[j] * W[k, j]


@inlined
def truncate(plan, W, A, paid, table):
    """Take off the weights what they owe of the L1 penalty, but not past zero.

    Source: Tsuruoka, Tsujii and Ananiadou, "Stochastic gradient descent training for
    L1-regularized log-linear models with cumulative penalty", 2009,
    https://aclanthology.org/P09-1054/
    """
    n_lanes = W.shape[1]
    for k in range(W.shape[0]):
        if plan.averaging:
            for j in range(n_lanes):
                change = taken(W[k, j], paid[k, j], table[OWED, j])
                W[k, j] += change
                paid[k, j] += change
                A[k, j] += table[SHARE, j] * change
        else:
            for j in range(n_lanes):
                change = taken(W[k, j], paid[k, j], table[OWED, j])
                W[k, j] += change
                paid[k, j] += change


@inlined
def taken(weight, paid, owed):
    """Change of a weight by the L1 penalty."""
    down = -(owed + paid)
    down = -weight if weight + down < 0 else down
    up = owed - paid
    up = -weight if weight + up > 0 else up
    return down if weight > 0 else (up if weight < 0 else 0.0)
