# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Decide which device the workers of a cluster train on."""

from __future__ import annotations

import importlib
from collections import Counter
from typing import Any

from distributed import Client

from gpu_hpo.devices._detect import Device, resolve_device, wanted_device
from gpu_hpo.devices._free_memory import FreeMemory, free_memory
from gpu_hpo.exceptions import DeviceNotFoundError


async def cluster_device(client: Client, requested: str) -> Device:
    """Ask the workers of a cluster for their devices; the client may have others.

    Parameters
    ----------
    client : distributed.Client
        This runs on its event loop.
    requested : {"auto", "cpu", "cuda"}
        What the user wants; ``GPU_HPO_DEVICE``, here or where a worker runs, overrides
        it. "auto" is CUDA if each worker has it.

    Raises
    ------
    DeviceNotFoundError
        If "cuda" was asked for and a worker has none; the message says which, and why.
    """
    wanted, source = wanted_device(requested)
    if wanted == "cpu":
        return Device("cpu", 0, f"{source} asks for the CPU")
    found: dict[str, Any] = await client.run(look, on_error="return")
    lacking = {
        address: device.reason if isinstance(device, Device) else str(device)
        for address, device in found.items()
        if not isinstance(device, Device) or device.name == "cpu"
    }
    if found and not lacking:
        n_gpus = max(device.n_gpus for device in found.values())
        each = f"each of {len(found)} workers" if len(found) > 1 else "the worker"
        return Device("cuda", n_gpus, f"{each} has CUDA")
    address, why = next(iter(lacking.items()), ("", "there is no worker"))
    what = f"worker {address} has none: {why}" if address else why
    if wanted == "cuda":
        raise DeviceNotFoundError(f"{source} asks for a GPU, but {what}")
    if len(lacking) == len(found):
        return Device("cpu", 0, why)
    return Device("cpu", 0, f"not every worker has a GPU: {what}")


async def device_memory(client: Client) -> float:
    """Return the bytes that each worker can still have on its GPU; all have CUDA.

    Workers on one GPU share what is free there.
    """
    found: dict[str, FreeMemory] = await client.run(free_memory)
    sharing = Counter(memory.device for memory in found.values())
    return min(
        memory.shared / sharing[memory.device] + memory.own for memory in found.values()
    )


async def sharing_devices(client: Client) -> Counter[str]:
    """Count the workers on each GPU, by a name of it; all have CUDA."""
    found: dict[str, FreeMemory] = await client.run(free_memory)
    return Counter(memory.device for memory in found.values())


def look() -> Device:
    """Find the device of a process that may touch CUDA, where tasks run."""
    try:
        device = resolve_device("auto")
    except DeviceNotFoundError as error:  # GPU_HPO_DEVICE asks for CUDA here
        return Device("cpu", 0, str(error).partition(", but ")[2])
    if device.name == "cuda" and not importlib.import_module("cupy").is_available():
        return Device("cpu", 0, f"CuPy finds no CUDA, though {device.reason}")
    return device
