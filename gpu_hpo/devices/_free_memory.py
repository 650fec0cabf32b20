# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find out how much memory a process can still have on its CUDA device."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class FreeMemory:
    """What a process can still allocate on its device.

    Attributes
    ----------
    device : str
        Identifies the device, or the MIG instance, among all of all machines.
    shared : int
        Bytes that are free for whichever process is first.
    own : int
        Bytes that this process has reserved in pools, and does not use.
    counted : bool
        Whether that is known: not of an RMM pool whose allocations are not tracked.
    """

    device: str
    shared: int
    own: int
    counted: bool = True


def free_memory() -> FreeMemory:
    """Ask CUDA, CuPy and RMM; where there is none, this creates a CUDA context.

    What an RMM pool has given out is known only if allocations are tracked
    (`rmm_track_allocations` of dask-cuda, or RMM's statistics). Otherwise the pool
    counts as unused, as it is when a worker has just started.
    """
    import cupy

    device = cupy.cuda.Device()
    uuid = cupy.cuda.runtime.getDeviceProperties(device.id)["uuid"]
    size, used = _rmm_pool()
    own = cupy.get_default_memory_pool().free_bytes() + max(size - (used or 0), 0)
    counted = not size or used is not None
    return FreeMemory(bytes(uuid).hex(), int(device.mem_info[0]), int(own), counted)


def free_bytes() -> int | None:
    """Return the bytes that this process can still allocate; None if not known.

    That is without CUDA, and with an RMM pool whose allocations are not tracked.
    """
    cupy = sys.modules.get("cupy")
    if cupy is None or not cupy.is_available():
        return None
    memory = free_memory()
    return memory.shared + memory.own if memory.counted else None


def _rmm_pool() -> tuple[int, int | None]:
    """Return the size of RMM's pool, and what it has given out, if that is known."""
    size, used = 0, None
    rmm = sys.modules.get("rmm")
    resource: Any = None if rmm is None else rmm.mr.get_current_device_resource()
    while resource is not None:
        if hasattr(resource, "pool_size"):
            size = resource.pool_size()
        elif hasattr(resource, "get_allocated_bytes"):
            used = resource.get_allocated_bytes()
        elif hasattr(resource, "allocation_counts"):
            used = resource.allocation_counts.current_bytes
        resource = getattr(resource, "upstream_mr", None)
    return size, used
