# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What is asked of workers about their devices."""

import pytest

from gpu_hpo.compute import _cluster_device, local_cluster
from gpu_hpo.devices._free_memory import FreeMemory
from tests.compute.helpers import current


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ([FreeMemory("a", 900, 5), FreeMemory("b", 700, 6)], 706),
        ([FreeMemory("a", 900, 5), FreeMemory("a", 900, 9)], 455),
        ([FreeMemory("a", 900, 500), FreeMemory("b", 950, 0)], 950),
    ],
    ids=["two GPUs", "one GPU", "a pool"],
)
def test_memory_of_workers(monkeypatch, answers, expected):
    """The least that a worker has free counts, of a GPU that several share its part."""

    def answer(dask_worker):
        return answers[dask_worker.name]

    monkeypatch.setattr(_cluster_device, "free_memory", answer)
    with current(local_cluster(2, device="cpu", processes=False)) as client:
        found = client.sync(_cluster_device.device_memory, client)
    assert found == expected
