# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""One pass of many lanes through dense rows, in one launch of a CUDA kernel."""

from __future__ import annotations

from collections import namedtuple

import numpy as np

from gpu_hpo.devices._cuda_kernels import SHARED_BYTES, blocks_of, lend, stream_of
from gpu_hpo.devices._namespace import array_namespace, is_device_array
from gpu_hpo.devices._upload import upload
from gpu_hpo.linear_model._compiled_rules import Plan, plan
from gpu_hpo.linear_model._kernel_batch import N_NUMBERS, N_READY
from gpu_hpo.linear_model._kernel_code import kernels
from gpu_hpo.linear_model._lanes import Lanes, Rules
from gpu_hpo.stacks._row_orders import Orders
from gpu_hpo.stacks._rows import Rows

FEWEST_THREADS, MOST_THREADS = 32, 256

# How a block divides its work, and where in shared memory an array of the lane begins,
# in items; -1 if it stays in global memory.
#   picked   where rows of a tile are, in items of four bytes
#   ready    what a batch needs to know, and settings; sums of threads
#   team     threads that share the product of a row and the weights
#   tile     rows at a time, no more than threads
#   columns  threads that go along the features when rows are added up; there are
#            threads // columns such slices of the rows
Layout = namedtuple(
    "Layout",
    "team tile columns room picked ready sums partial updates "
    "weights step averages paid",
)


def kernel_epoch(
    rules: Rules, lanes: Lanes, rows: Rows, orders: Orders, threads: int | None = None
) -> None:
    """Do what `_hot_loop.train_epoch` says, for arrays of CuPy and dense rows.

    In Numba's simulator the arrays are NumPy's. Threads are those of a lane, a power of
    2; results depend on it, by rounding.
    """
    xp = array_namespace(lanes.weights)
    dtype = lanes.weights.dtype
    order, which = orders
    n_lanes, n_features = lanes.weights.shape
    size = max(1, min(rules.batch_size, order.shape[1]))
    threads = threads or _threads(n_features, size)
    layout, n_bytes = _layout(rules, n_features, size, dtype.itemsize, threads)
    for name in ("weights", "intercepts", "average_weights", "average_intercepts"):
        setattr(lanes, name, xp.ascontiguousarray(getattr(lanes, name)))
    lanes.paid = xp.ascontiguousarray(lanes.paid)
    lanes.table, order, which = upload(
        xp,
        xp.ascontiguousarray(lanes.table)
        if is_device_array(lanes.table)
        else lanes.table,
        order.astype(np.int32, copy=False),
        which.astype(np.int32, copy=False),
    )
    lanes.sound = xp.empty(n_lanes, np.int32)
    X = xp.ascontiguousarray(rows.X, dtype)
    weight, norms = xp.empty(1), xp.empty(1, dtype)
    # All of one type, whatever truth values came as; rows are dense, and each lane
    # knows whether it is about classes.
    numbers = Plan(*map(np.int32, plan(rules, True, 1.0)))
    epoch, set_norms = kernels(np.dtype(dtype.str).type)
    stream = stream_of(X)
    if rows.weight is not None:
        weight = xp.ascontiguousarray(rows.weight, xp.float64)
    if rules.passive:
        norms = xp.empty(len(X), dtype)
        n_blocks = blocks_of(X, -(-len(X) // threads))
        set_norms[n_blocks, threads, stream](lend(X), lend(norms))
    # Never the same array twice: the simulator copies what it is given.
    empty = [xp.empty((1, 1), dtype) for _ in range(3)]
    if layout.step < 0:
        empty[0] = xp.empty((n_lanes, layout.room), dtype)
    arrays = (
        X,
        xp.ascontiguousarray(rows.y, xp.float64),
        weight,
        norms,
        order,
        which,
        lanes.weights,
        empty[0],
        lanes.average_weights if rules.averaging else empty[1],
        lanes.paid if rules.truncates else empty[2],
        lanes.intercepts,
        lanes.average_intercepts,
        lanes.table,
        lanes.sound,
    )
    epoch[blocks_of(X, n_lanes), threads, stream, n_bytes](
        numbers,
        Layout(*map(np.int32, layout)),
        int(rows.weight is not None),
        *map(lend, arrays),
    )


def _threads(n_features: int, size: int) -> int:
    """Choose the threads per lane: few for rows one by one, which then wait less."""
    work = size * max(n_features // 16, 1)
    return min(max(_power_of_2(work), FEWEST_THREADS), MOST_THREADS)


def _layout(
    rules: Rules, n_features: int, size: int, itemsize: int, threads: int
) -> tuple[Layout, int]:
    """Say how a block of threads divides its work, and how many bytes it shares.

    The weights come first into shared memory, then what is added to them, averages,
    and what has been paid. What does not fit stays in global memory, which is slower
    but still needs no launch per batch: there is no lane that this kernel cannot take.
    """
    tile = min(size, threads)
    wide = _power_of_2(n_features)
    # No fewer than 8, for which a line of memory is read once; no more than one thread
    # can well add up.
    team = min(max(threads // _power_of_2(tile), 8), 64, wide, threads)
    columns = min(wide, threads)
    room = max(n_features, threads)
    picked = 2 * N_NUMBERS
    ready = 4 * (picked + tile + tile % 2) // itemsize
    sums = ready + N_READY
    partial = sums + 2 * threads
    updates = partial + tile * (team + 1)
    end = updates + tile
    places = []
    for length in (
        n_features,
        room,
        n_features * rules.averaging,
        n_features * rules.truncates,
    ):
        fits = (end + length) * itemsize <= SHARED_BYTES
        places.append(end if fits else -1)
        end += length if fits else 0
    layout = Layout(
        team, tile, columns, room, picked, ready, sums, partial, updates, *places
    )
    return layout, end * itemsize


def _power_of_2(n: int) -> int:
    """Round up to a power of 2."""
    return 1 << (n - 1).bit_length()
