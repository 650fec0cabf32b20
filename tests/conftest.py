# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures and rules that hold for all tests."""

import os

# Before anything imports NumPy, here and in the processes that tests start: several
# BLAS threads per Dask worker make small matrix products up to a hundred times slower.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"

import functools
import importlib.util

import pytest
from distributed import Client, LocalCluster

from gpu_hpo.execution import local_cluster


@functools.cache
def _cuda_devices() -> tuple[int, str]:
    """Count the CUDA devices that tests may use, and say why if there are none.

    Asks NVML, which creates no CUDA context that worker processes could inherit.
    """
    if os.environ.get("GPU_HPO_DEVICE", "").lower() == "cpu":
        return 0, "GPU_HPO_DEVICE=cpu"
    if importlib.util.find_spec("cupy") is None:
        return 0, "CuPy is not installed"
    from distributed.diagnostics.nvml import device_get_count

    count = device_get_count()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        # CUDA ignores what follows the first invalid entry.
        names = [name.strip() for name in visible.split(",")]
        invalid = [i for i, name in enumerate(names) if name in ("", "-1")]
        count = min(count, invalid[0] if invalid else len(names))
        return count, f"{count} CUDA devices with CUDA_VISIBLE_DEVICES={visible!r}"
    return count, f"{count} CUDA devices found by NVML"


def pytest_collection_modifyitems(items):
    """Skip the tests marked `gpu` and `mgpu` where there are too few devices."""
    for item in items:
        for marker, needed in (("gpu", 1), ("mgpu", 2)):
            if item.get_closest_marker(marker) is None:
                continue
            count, found = _cuda_devices()
            if count < needed:
                reason = f"needs {needed} CUDA device(s): {found}"
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def _processes_client():
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def _threads_client():
    # Not a bare LocalCluster, whose HTTP servers would listen on all interfaces.
    with (
        local_cluster(
            1, device="cpu", processes=False, threads_per_worker=4
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def processes_client(_processes_client):
    """Client of two worker processes of one thread; current during this test only."""
    with _processes_client.as_current():
        yield _processes_client


@pytest.fixture
def threads_client(_threads_client):
    """Client of one worker of four threads here; current during this test only."""
    with _threads_client.as_current():
        yield _threads_client
