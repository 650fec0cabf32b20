# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Have a search believe in a GPU, where an array that refuses the host plays CuPy's."""

import threading
from collections import Counter

import numpy as np

from gpu_hpo.devices import Device, is_device_array
from gpu_hpo.testing import NoHostCopyArray

CUDA = Device("cuda", 1, "a test says so")


class Uploads:
    """What was moved to the device: shapes, in order."""

    def __init__(self):
        self.shapes = []
        self._lock = threading.Lock()

    def __call__(self, value):
        if is_device_array(value):
            return value
        with self._lock:
            self.shapes.append(np.shape(value))
        return NoHostCopyArray(value)

    @property
    def of_rows(self):
        """Shapes of X, sorted."""
        return sorted(shape for shape in self.shapes if len(shape) == 2)


def believe_in_cuda(monkeypatch, workers=("a",), slow=""):
    """Patch what looks for GPUs, and what moves rows there; give the uploads.

    Parameters
    ----------
    monkeypatch : pytest.MonkeyPatch
    workers : sequence of str
        For each worker of a cluster, a name of its GPU.
    slow : str
        Why our kernels cannot run there, if they cannot.
    """

    async def cluster_device(client, requested):
        return CUDA

    async def sharing_devices(client):
        return Counter(workers)

    def why_not():
        return slow

    uploads = Uploads()
    monkeypatch.delenv("GPU_HPO_DEVICE", raising=False)
    monkeypatch.setattr("gpu_hpo.compute._pool.resolve_device", lambda requested: CUDA)
    monkeypatch.setattr("gpu_hpo.compute._pool.look", lambda: CUDA)
    monkeypatch.setattr("gpu_hpo.compute._pool.why_not", why_not)
    monkeypatch.setattr("gpu_hpo.compute._worker_kernels.why_not", why_not)
    for pool in ("_client_pool", "_local_pool"):
        base = f"gpu_hpo.compute.{pool}"
        monkeypatch.setattr(f"{base}.cluster_device", cluster_device)
        monkeypatch.setattr(f"{base}.sharing_devices", sharing_devices)
    monkeypatch.setattr("gpu_hpo.data._on_device.to_device", uploads)
    return uploads
