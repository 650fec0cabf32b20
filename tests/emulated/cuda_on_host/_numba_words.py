# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The words of `numba.cuda` that kernels use, for Numba's compiler of the CPU."""

from __future__ import annotations

import ctypes
from typing import Any

import llvmlite.binding
from numba import carray, types
from numba.extending import (
    models,
    overload,
    overload_attribute,
    overload_method,
    register_model,
    typeof_impl,
)

from tests.emulated.cuda_on_host import _compiler

# Compiled code names what it calls, so that it can be kept on disk.
_SYMBOLS = {
    "emulated_index": types.int32(types.int32, types.int32),
    "emulated_syncthreads": types.void(),
    "emulated_syncwarp": types.void(),
    "emulated_block_vote": types.int32(types.int32, types.int32),
    "emulated_shared": types.voidptr(),
}


def _external(name: str) -> Any:
    address = ctypes.cast(getattr(_compiler.threads(), name), ctypes.c_void_p).value
    llvmlite.binding.add_symbol(name, address)
    return types.ExternalFunction(name, _SYMBOLS[name])


_index = _external("emulated_index")
_syncthreads = _external("emulated_syncthreads")
_syncwarp = _external("emulated_syncwarp")
_vote = _external("emulated_block_vote")
_shared = _external("emulated_shared")


class Place:
    """Stand for `threadIdx`, `blockIdx`, `blockDim` and `gridDim`."""

    def __init__(self, number: int) -> None:
        self.number = number


class _PlaceType(types.Opaque):
    def __init__(self, number: int) -> None:
        self.number = number
        super().__init__(f"emulated.Place({number})")


class Shared:
    """Stand for `cuda.shared`."""


class _SharedType(types.Opaque):
    def __init__(self) -> None:
        super().__init__("emulated.Shared")


register_model(_PlaceType)(models.OpaqueModel)
register_model(_SharedType)(models.OpaqueModel)


@typeof_impl.register(Place)
def _type_of_place(value: Place, context: Any) -> _PlaceType:
    return _PlaceType(value.number)


@typeof_impl.register(Shared)
def _type_of_shared(value: Shared, context: Any) -> _SharedType:
    return _SharedType()


def _axis(name: str, axis: int) -> None:
    @overload_attribute(_PlaceType, name)
    def coordinate(place):
        number = place.number
        return lambda place: _index(number, axis)


for _name, _number in {"x": 0, "y": 1, "z": 2}.items():
    _axis(_name, _number)


@overload_method(_SharedType, "array")
def _array(shared, shape, dtype):
    if getattr(shape, "literal_value", 0) != 0:
        raise TypeError("the emulator knows dynamic shared memory alone")
    # All of it, however long; a kernel cuts out its pieces.
    n = 48 * 1024

    def array(shared, shape, dtype):
        return carray(_shared(), n, dtype)

    return array


def syncthreads():
    """Wait for the block."""


def syncwarp():
    """Wait for the warp."""


def syncthreads_or(vote):
    """Tell whether any thread of the block votes for it."""


def syncthreads_and(vote):
    """Tell whether all threads of the block vote for it."""


def syncthreads_count(vote):
    """Count the threads of the block that vote for it."""


def grid(n):
    """Return the place of a thread among those of all blocks, along one axis."""


overload(syncthreads)(lambda: lambda: _syncthreads())
overload(syncwarp)(lambda: lambda: _syncwarp())
overload(syncthreads_or)(lambda vote: lambda vote: _vote(0, int(vote)) != 0)
overload(syncthreads_and)(lambda vote: lambda vote: _vote(1, int(vote)) != 0)
overload(syncthreads_count)(lambda vote: lambda vote: _vote(2, int(vote)))


@overload(grid)
def _grid(n):
    if getattr(n, "literal_value", 1) != 1:
        raise TypeError("the emulator knows grid(1) alone")
    return lambda n: _index(1, 0) * _index(2, 0) + _index(0, 0)


WORDS = {
    "threadIdx": Place(0),
    "blockIdx": Place(1),
    "blockDim": Place(2),
    "gridDim": Place(3),
    "shared": Shared(),
    "syncthreads": syncthreads,
    "syncwarp": syncwarp,
    "syncthreads_or": syncthreads_or,
    "syncthreads_and": syncthreads_and,
    "syncthreads_count": syncthreads_count,
    "grid": grid,
}
