# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What is said of workers that cannot run our kernels."""

import pytest

from gpu_hpo.compute import _worker_kernels, local_cluster
from gpu_hpo.devices import Device
from tests.compute.helpers import current

CUDA = Device("cuda", 2, "each of 2 workers has CUDA")
OLD = "the driver is too old"


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        (["", ""], CUDA.reason),
        ([OLD, OLD], f"{CUDA.reason}; models train by array operations, for {OLD}"),
        (
            ["", OLD],
            f"{CUDA.reason}; models train by array operations on 1 of 2 workers, for "
            f"{OLD}",
        ),
    ],
)
def test_reason_of_slow_training(monkeypatch, answers, expected):
    """The workers are asked, not this process, and the reason says what they answer."""

    def answer(dask_worker):
        return answers[dask_worker.name]

    monkeypatch.setattr(_worker_kernels, "why_not", answer)
    with current(local_cluster(2, device="cpu", processes=False)) as client:
        found = client.sync(_worker_kernels.with_kernels, client, CUDA)
    assert found == Device("cuda", 2, expected)
