# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How much memory a process can still have, by stand-ins for CuPy and RMM."""

import sys
import types

import pytest

from gpu_hpo.devices._free_memory import FreeMemory, free_bytes, free_memory


def resource(upstream=None, **methods):
    """An RMM memory resource that answers these questions."""
    made = types.SimpleNamespace(**{k: lambda v=v: v for k, v in methods.items()})
    if upstream is not None:
        made.upstream_mr = upstream
    return made


def counting(upstream, used):
    """RMM's resource that keeps statistics."""
    counts = types.SimpleNamespace(current_bytes=used)
    return types.SimpleNamespace(upstream_mr=upstream, allocation_counts=counts)


CUDA = resource()
POOL = resource(CUDA, pool_size=4000)


@pytest.mark.parametrize(
    ("current", "own", "counted"),
    [
        (None, 300, True),
        (CUDA, 300, True),
        (POOL, 4300, False),
        (resource(POOL, get_allocated_bytes=1000), 3300, True),
        (counting(POOL, 3500), 800, True),
        (resource(CUDA, get_allocated_bytes=1000), 300, True),
    ],
    ids=["no RMM", "no pool", "pool", "tracked", "counted", "tracked without pool"],
)
def test_free_memory(monkeypatch, current, own, counted):
    """It is what the device has free, and what pools of this process do not use."""
    device = types.SimpleNamespace(id=0, mem_info=(7000, 20_000))
    runtime = types.SimpleNamespace(
        getDeviceProperties=lambda number: {"uuid": bytes([number, 171])}
    )
    cupy = types.ModuleType("cupy")
    cupy.cuda = types.SimpleNamespace(Device=lambda: device, runtime=runtime)
    cupy.is_available = lambda: True
    cupy.get_default_memory_pool = lambda: types.SimpleNamespace(free_bytes=lambda: 300)
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.delitem(sys.modules, "rmm", raising=False)
    if current is not None:
        rmm = types.ModuleType("rmm")
        rmm.mr = types.SimpleNamespace(get_current_device_resource=lambda: current)
        monkeypatch.setitem(sys.modules, "rmm", rmm)
    assert free_memory() == FreeMemory("00ab", 7000, own, counted)
    assert free_bytes() == (7000 + own if counted else None)
