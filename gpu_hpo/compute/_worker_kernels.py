# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Ask the workers of a cluster whether they can run our kernels on their GPUs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from distributed import Client

from gpu_hpo.devices._cuda_kernels import why_not
from gpu_hpo.devices._detect import Device


async def with_kernels(client: Client, device: Device) -> Device:
    """Say in a device's reason if models will train without kernels, and what helps.

    Only a launch on a worker can tell. It costs what the first task would cost, once
    in the life of a worker.

    Parameters
    ----------
    client : distributed.Client
        This runs on its event loop.
    device : Device
        Of workers that have CUDA.
    """
    found: dict[str, str] = await client.run(why_not, on_error="ignore")
    return noted(device, list(found.values()))


def noted(device: Device, found: Sequence[str]) -> Device:
    """Put what processes say of kernels into a device's reason, each as `why_not`."""
    reasons = Counter(filter(None, found))
    if not reasons:
        return device
    reason, n_workers = reasons.most_common(1)[0]
    where = f" on {n_workers} of {len(found)} workers" if n_workers < len(found) else ""
    slow = f"models train by array operations{where}, for {reason}"
    return replace(device, reason=f"{device.reason}; {slow}")
