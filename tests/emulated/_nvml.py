# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Let the real pynvml answer for the emulated device, instead of asking a driver."""

from __future__ import annotations

from types import ModuleType, SimpleNamespace
from typing import Any

CAPACITY = 80 << 30
_UUID = "GPU-00000000-0000-0000-0000-000000000000"


def exchange(pynvml: ModuleType) -> None:
    """Exchange the functions that the package and Dask call."""
    module: Any = pynvml

    def refuse(*_: Any) -> Any:
        raise module.NVMLError_NotSupported

    answers = {
        "nvmlInit": lambda: None,
        "nvmlShutdown": lambda: None,
        "nvmlSystemGetDriverVersion": lambda: "610.00",
        "nvmlSystemGetCudaDriverVersion_v2": lambda: 13000,
        "nvmlDeviceGetCount": lambda: 1,
        "nvmlDeviceGetHandleByIndex": _handle,
        "nvmlDeviceGetHandleByUUID": lambda _: 0,
        "nvmlDeviceGetIndex": lambda _: 0,
        "nvmlDeviceGetName": lambda _: "emulated H100",
        "nvmlDeviceGetUUID": lambda _: _UUID,
        "nvmlDeviceGetMemoryInfo": lambda _: SimpleNamespace(
            total=CAPACITY, free=CAPACITY, used=0
        ),
        "nvmlDeviceGetUtilizationRates": lambda _: SimpleNamespace(gpu=0, memory=0),
        "nvmlDeviceGetComputeRunningProcesses": lambda _: [],
        "nvmlDeviceGetComputeRunningProcesses_v2": lambda _: [],
        "nvmlDeviceGetMigMode": refuse,
        "nvmlDeviceGetMaxMigDeviceCount": refuse,
    }
    for name, answer in answers.items():
        if not hasattr(module, name):
            raise ValueError(f"pynvml has no {name}")
        setattr(module, name, answer)


def _handle(index: int) -> int:
    if index:
        raise ValueError(f"the emulator has one device, not {index + 1}")
    return index
