# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""`gpu-hpo doctor` where the real CuPy runs on an emulated device."""

import json
import os
import subprocess
import sys


def test_doctor():
    """Its processes find the device, and use the libraries that are emulated."""
    done = subprocess.run(
        [sys.executable, "-m", "gpu_hpo", "doctor", "--no-search", "--json"],
        capture_output=True,
        text=True,
        env={k: v for k, v in os.environ.items() if k != "GPU_HPO_DEVICE"},
    )
    report = json.loads(done.stdout)
    found = {finding["name"]: finding for finding in report["findings"]}
    assert report["where"] == "Searches run on 1 GPU: NVML counts 1 GPU"
    assert found["gpu 0"]["text"] == "emulated H100, 80.0 of 80.0 GiB free"
    assert found["driver"]["text"] == "610.00, for CUDA 13.0"
    for name in ("cupy", "cudf", "cuml", "numba", "dask"):
        assert name in found["cuda"]["text"]
    # The emulator has no dask-cuda, and no library that asks the driver by itself.
    failed = {name for name, each in found.items() if each["status"] == "fail"}
    assert failed == {"dask-cuda", "cudart", "curand", "cuda-core"}
    assert done.returncode == 1
