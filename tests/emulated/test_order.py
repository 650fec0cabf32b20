# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Threads of a block take turns in either order: `make test-emulated` tries both."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

# Each thread reads what another writes, and the barrier between them may be missing.
SCRIPT = """
import json
import cupy
from numba import cuda

@cuda.jit
def mirrored(out, barrier):
    shared = cuda.shared.array(0, out.dtype)
    i = cuda.threadIdx.x
    shared[i] = 0
    cuda.syncthreads()
    shared[i] = i + 1
    if barrier:
        cuda.syncthreads()
    out[i] = shared[7 - i]
    cuda.syncthreads()

for barrier in (0, 1):
    out = cupy.zeros(8, "int64")
    mirrored[1, 8, 0, 64](out, barrier)
    print(json.dumps(out.get().tolist()))
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """What the kernel gives in each order, without and with the barrier."""
    script = Path(tmp_path_factory.mktemp("order")) / "kernel.py"
    script.write_text(SCRIPT)
    answers = {}
    for order in ("forward", "reverse"):
        env = {**os.environ, "EMULATED_ORDER": order}
        done = subprocess.run(
            [sys.executable, script],
            env=env,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        answers[order] = [json.loads(line) for line in done.stdout.splitlines()]
    return answers


def test_a_missing_barrier_is_seen(found):
    """In one order some threads read too early, in the other one the others do."""
    assert found["forward"][0] == [0, 0, 0, 0, 4, 3, 2, 1]
    assert found["reverse"][0] == [8, 7, 6, 5, 0, 0, 0, 0]


def test_with_a_barrier_the_order_does_not_matter(found):
    """Every thread reads what has been written."""
    assert found["forward"][1] == found["reverse"][1] == [8, 7, 6, 5, 4, 3, 2, 1]
