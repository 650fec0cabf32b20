# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The pass of `_backprop` on a GPU: all batches of all networks in one launch.

For small networks the launches of array operations take longer than what they compute.
"""

from __future__ import annotations

from itertools import accumulate, pairwise
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from gpu_hpo._typing import Array
from gpu_hpo.devices._cuda_kernels import SHARED_BYTES, blocks_of, lend, stream_of
from gpu_hpo.devices._upload import upload
from gpu_hpo.neural_network._activations import CODES
from gpu_hpo.neural_network._backprop import Batches, Layout, Shape
from gpu_hpo.neural_network._kernel_code import Data, kernel, stride_of
from gpu_hpo.neural_network._kernel_layers import Network, Reals, State
from gpu_hpo.neural_network._optimizers import Optimizer

WARP = 32
WIDTHS = 32, 16, 8  # of tiles
# By the bytes of a number. Nothing is spilled then, and a multiprocessor of 65,536
# registers has four blocks, or three if numbers take two registers each. They do not
# depend on the number of networks: what is compiled otherwise may round otherwise.
REGISTERS = {4: 72, 8: 128}
MOST_THREADS = {4: 224, 8: 160}


class TilePlan(NamedTuple):
    """Say how a block works."""

    width: int  # rows of a tile
    threads: int
    kept: bool  # whether gradients and the solver's state are in shared memory, too

    def places(self, layout: Layout, itemsize: int) -> tuple[list[list[int]], int, int]:
        """Say where in a block's memory everything is, and how much comes before."""
        units = layout.units
        stride = stride_of(self.width)
        # First comes this table itself, of numbers of four bytes.
        begin = -(-4 * 4 * len(units) // itemsize)
        params_at = list(accumulate(_sizes(units), initial=begin))
        sizes = [(n + 1) * stride for n in units]
        values_at = list(accumulate(sizes, initial=params_at[-1]))
        # There are no errors of features.
        errors_at = [at + values_at[-1] - values_at[1] for at in values_at]
        weight_at = errors_at[-1]
        table = zip(units, params_at, values_at, errors_at, strict=False)
        return [list(row) for row in table], weight_at, weight_at + self.width

    def n_bytes(self, layout: Layout, itemsize: int, n_moments: int) -> int:
        """Count the shared memory of a block."""
        *_, n = self.places(layout, itemsize)
        if self.kept:
            n += layout.n_params * (1 + n_moments)
        # In the end there is a loss per thread.
        return itemsize * max(n, self.threads)


def plan(shape: Shape, itemsize: int, n_moments: int, size: int) -> TilePlan | None:
    """Say how to train in batches of `size` rows; None if networks are too large."""
    units = shape.layout.units
    for width in WIDTHS:
        if width >= 2 * size and width > WIDTHS[-1]:
            continue
        threads = _threads(units, min(width, size), MOST_THREADS[itemsize])
        for kept in (True, False):
            found = TilePlan(width, threads, kept)
            if found.n_bytes(shape.layout, itemsize, n_moments) <= SHARED_BYTES:
                return found
    return None


def _threads(units: tuple[int, ...], n: int, at_most: int) -> int:
    """Choose as many threads as share the largest table of a tile evenly.

    Each takes two by two places of units by rows, or by what the units are given.
    """
    places = max(
        -(-below // 2) * max(-(-n // 2), above // 2 + 1)
        for above, below in pairwise(units)
    )
    turns = -(-places // at_most)
    return -(-places // (turns * WARP)) * WARP


def _sizes(units: tuple[int, ...]) -> list[int]:
    """Count the parameters of each layer."""
    return [(a + 1) * b for a, b in pairwise(units)]


def fits(shape: Shape, itemsize: int) -> bool:
    """Tell whether a network is small enough."""
    return plan(shape, itemsize, 0, 1) is not None


def kernel_epoch(
    shape: Shape,
    params: Array,
    alpha: Array,
    optimizer: Optimizer,
    data: Batches,
    how: TilePlan | None = None,
) -> Array:
    """Do what `_hot_loop.train_epoch` says, for arrays of CuPy and networks that fit.

    Arrays of NumPy are taken where Numba simulates a GPU. What is small may be on the
    host, whence it comes in one piece. Returned are, of shape (2, n_models), losses,
    and 1 for networks whose weights are finite, else 0.
    """
    xp, moments, n_models = optimizer.xp, optimizer.moments, len(params)
    dtype = np.dtype(params.dtype.str)
    how = how or plan(shape, dtype.itemsize, len(moments), data.size)
    if how is None:
        raise ValueError(f"networks of {shape.layout.units} units do not fit")
    layers, *places = how.places(shape.layout, dtype.itemsize)
    steps = np.arange(-(-data.n_rows // data.size))
    # Where there is none of something, an array is empty, which has no address, and one
    # of a single number takes its place.
    orders, which = np.zeros((1, 1), np.int64), np.full(n_models, -1)
    if data.orders is not None:
        orders, which = data.orders
    alpha, table, rates, orders, which, layers = upload(
        xp,
        alpha,
        optimizer.table(dtype),
        optimizer.rates(steps).astype(dtype),
        orders.astype(np.int64, copy=False),
        np.asarray(which, np.int64),
        np.array(layers, np.int32).ravel(),
    )
    outcome = xp.empty((2, n_models), dtype)
    # If kept in shared memory they are not read from here.
    grads = moments[0] if how.kept else xp.empty_like(params)
    names = CODES[shape.activation], CODES[shape.output]
    arguments = (
        Network._make([lend(layers), *places, *names]),
        State(*_lend(params, grads, moments[0], moments[-1])),
        _data(xp, data, dtype, orders, which),
        *_lend(alpha, table, rates),
        _reals(dtype),
        len(moments),
        how.kept,
        lend(outcome),
    )
    n_bytes = how.n_bytes(shape.layout, dtype.itemsize, len(moments))
    blocks, stream = blocks_of(params, n_models), stream_of(params)
    trains = kernel(how.width, REGISTERS[dtype.itemsize])
    trains[blocks, how.threads, stream, n_bytes](*arguments)
    return outcome


def _data(
    xp: ModuleType, data: Batches, dtype: np.dtype[Any], orders: Array, which: Array
) -> Data:
    """Return what a kernel gets to know of rows."""
    labelled, weighted = data.Y.ndim == 1, data.weight is not None
    arrays = (
        xp.ascontiguousarray(data.X, dtype),
        xp.empty((1, 1), dtype) if labelled else xp.ascontiguousarray(data.Y, dtype),
        xp.ascontiguousarray(data.Y, np.int64) if labelled else xp.empty(1, np.int64),
        xp.ascontiguousarray(data.weight, dtype) if weighted else xp.empty(1, dtype),
        orders,
        which,
    )
    return Data._make([*_lend(*arrays), labelled, weighted, data.n_rows, data.size])


def _lend(*arrays: Array) -> list[Any]:
    return [lend(array) for array in arrays]


def _reals(dtype: np.dtype[Any]) -> Reals:
    least = -700 if dtype.itemsize > 4 else -87
    return Reals(*(dtype.type(x) for x in (0, 0.5, 1, np.finfo(dtype).eps, least)))
