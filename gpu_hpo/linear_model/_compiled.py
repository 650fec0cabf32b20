# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train lanes on the CPU, with vector instructions across lanes.

Weights are stored as (n_features, n_lanes). So for each feature of a row one vector
instruction works for several models at once, and there is no sum over lanes, which
could depend on how many there are. The number of lanes is always a multiple of 8.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gpu_hpo.devices._jit import plain
from gpu_hpo.linear_model._compiled_dense import train_dense
from gpu_hpo.linear_model._compiled_rules import plan
from gpu_hpo.linear_model._compiled_sparse import train_sparse
from gpu_hpo.linear_model._lanes import CODE, SPARSE_INTERCEPT_DECAY, Lanes, Rules, T
from gpu_hpo.stacks._row_orders import Orders
from gpu_hpo.stacks._rows import Rows

VECTOR = 8
BLOCK = 256  # lanes at a time, so that their weights stay in a core's own cache


def compiled_epoch(rules: Rules, lanes: Lanes, rows: Rows, orders: Orders) -> None:
    """Do what `_hot_loop.train_epoch` says, for arrays of NumPy."""
    for block, order in _blocks(lanes, orders):
        part = lanes.part(block)
        _train(rules, part, rows, order)
        fresh = np.unique(block, return_index=True)[1]
        lanes.put(block[fresh], part.part(fresh))


def _blocks(lanes: Lanes, orders: Orders) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield lanes that have seen as many batches and go by one order, some at a time.

    Where their number is no multiple of `VECTOR`, the last is repeated.
    """
    order, which = orders
    steps = lanes.table[T]
    for key in sorted(set(zip(which.tolist(), steps.tolist(), strict=True))):
        found = np.flatnonzero((which == key[0]) & (steps == key[1]))
        for i in range(0, len(found), BLOCK):
            block = found[i : i + BLOCK]
            more = -len(block) % VECTOR
            yield np.append(block, np.repeat(block[-1:], more)), order[key[0]]


def _train(rules: Rules, lanes: Lanes, rows: Rows, order: np.ndarray) -> None:
    dtype = lanes.weights.dtype
    none = np.empty((0, 0), dtype)
    weights = _transposed(lanes.weights)
    averages = _transposed(lanes.average_weights) if rules.averaging else none
    paid = _transposed(lanes.paid) if rules.truncates else none
    data = (
        plain(rows.y, float),
        plain(np.empty(0) if rows.weight is None else rows.weight, float),
        plain(order, np.intp),
    )
    state = (
        weights,
        lanes.intercepts,
        averages,
        lanes.average_intercepts,
        paid,
        lanes.table,
    )
    classes = bool((lanes.table[CODE] >= 0).all())
    if rows.sparse:
        train_sparse(
            plan(rules, classes, SPARSE_INTERCEPT_DECAY),
            plain(rows.X.data, dtype),
            plain(rows.X.indices, np.int32),
            plain(rows.X.indptr, np.int64),
            *data,
            *state,
        )
    else:
        X = plain(rows.X, dtype)
        train_dense(plan(rules, classes, 1.0), X, *data, *state)
    lanes.weights = weights.T
    if rules.averaging:
        lanes.average_weights = averages.T
    if rules.truncates:
        lanes.paid = paid.T


def _transposed(lanes: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(lanes.T)
