# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say what helps against errors of CUDA's libraries and of NVML."""

from __future__ import annotations

import re

DRIVER = (
    "install NVIDIA's driver; start containers with `--gpus all`; or set "
    "GPU_HPO_DEVICE=cpu"
)
NEWER_DRIVER = "install a newer driver, or packages for an older CUDA (gpu_hpo[cu12])"
_MEMORY = (
    "end other processes on the GPU (`nvidia-smi` lists them), or choose another by "
    "CUDA_VISIBLE_DEVICES"
)
_REBOOT = "reboot, or reset the GPU by `nvidia-smi --gpu-reset`"
_REINSTALL = "install gpu_hpo[cu12] or gpu_hpo[cu13] into a new environment"
_LONG = 200

# The first that matches "Class: message". Errors differ between libraries and versions
# in class and words, but all cite the names of CUDA's and NVML's status codes.
_CURES: list[tuple[str, str]] = [
    (
        r"LibRmVersionMismatch|version mismatch|SystemDriverMismatch",
        "reboot: the driver was updated, and the old one is still loaded",
    ),
    (r"cudaErrorSystemNotReady", "start the service nvidia-fabricmanager"),
    (
        r"NoPermission|OperatingSystem|cudaErrorOperatingSystem",
        "let this user write to /dev/nvidia*; start containers with `--gpus all`",
    ),
    (
        r"cudaErrorDevicesUnavailable|cudaErrorDeviceAlreadyInUse",
        "end the process that has the GPU for itself, or allow several by "
        "`nvidia-smi --compute-mode=DEFAULT`",
    ),
    (
        r"cudaErrorNoKernelImageForDevice|invalid device function"
        r"|gpu-architecture|cudaErrorInvalidDeviceFunction",
        "install packages for this GPU: older RAPIDS and CuPy for an old GPU, newer "
        "ones for a new GPU",
    ),
    (
        r"cudaErrorUnsupportedPtxVersion|driver .* is older than",
        NEWER_DRIVER,
    ),
    (
        r"cudaErrorInsufficientDriver|LibraryNotFound|DriverNotLoaded"
        r"|NVIDIA driver library|libcuda\.so|CURAND_STATUS_INITIALIZATION_FAILED"
        r"|CudaSupportError|device_get_count\(\) is 0|is_available\(\) is False",
        DRIVER,
    ),
    (
        r"cudaErrorNoDevice|no CUDA-capable device|cudaErrorInvalidDevice",
        "unset CUDA_VISIBLE_DEVICES, or name a GPU that `nvidia-smi -L` lists; start "
        "containers with `--gpus all`",
    ),
    (
        r"cudaErrorMemoryAllocation|MemoryError|OutOfMemory|out_of_memory|bad_alloc"
        r"|CURAND_STATUS_ALLOCATION_FAILED",
        _MEMORY,
    ),
    (
        r"GpuIsLost|ResetRequired|cudaErrorUnknown|NVMLError_Unknown|cudaErrorECC"
        r"|uncorrectable",
        _REBOOT,
    ),
    (
        r"initialization error|cudaErrorInitializationError",
        "use CUDA in no process before workers start, and fork none: set "
        "distributed.worker.multiprocessing-method to 'spawn'",
    ),
    (
        r"DynamicLibNotFoundError|cannot open shared object|CompileException|NVRTC"
        r"|nvrtc|NvvmError|nvjitlink|ImportError|ModuleNotFoundError|undefined symbol"
        r"|row_stack|AttributeError",
        f"{_REINSTALL}: packages are missing, or are for another CUDA or version",
    ),
]


# The same for those that a driver is missing for, where NVML speaks of one.
_CURES_WITH_DRIVER: list[tuple[str, str]] = [
    (r"cudaErrorInsufficientDriver", NEWER_DRIVER),
    (
        r"NVIDIA driver library|libcuda\.so",
        "start containers with NVIDIA_DRIVER_CAPABILITIES=compute,utility, or install "
        "all of the driver",
    ),
    (r"device_get_count\(\) is 0", "set DASK_DISTRIBUTED__DIAGNOSTICS__NVML=True"),
    (r"", f"{_REINSTALL}: the library does not fit the driver"),
]


def cure_of(error: str, *, step: str = "", has_driver: bool = False) -> str:
    """Return what helps against an error.

    Parameters
    ----------
    error : str
        Its class and message.
    step : str
        What of `_cuda_steps.py` raised it, for errors that are not known.
    has_driver : bool
        Whether NVML has named a driver.
    """
    cure = _first(_CURES, error)
    if cure is DRIVER and has_driver:
        cure = _first(_CURES_WITH_DRIVER, error)
    if cure:
        return cure
    if step:
        return (
            "see the whole error by `python -c 'from gpu_hpo.cli._cuda_steps import "
            f'STEPS; STEPS["{step}"]()\'`'
        )
    return "see whether `nvidia-smi` answers, or set GPU_HPO_DEVICE=cpu"


def _first(cures: list[tuple[str, str]], error: str) -> str:
    return next((cure for pattern, cure in cures if re.search(pattern, error)), "")


def cure_of_ending(how: str) -> str:
    """Return what helps if a process that used CUDA crashed or did not answer."""
    if "did not" in how:
        return (
            "reboot if `nvidia-smi` hangs, too; until then set GPU_HPO_DEVICE=cpu and "
            "DASK_DISTRIBUTED__DIAGNOSTICS__NVML=False"
        )
    return f"{_REINSTALL}, update the driver, or set GPU_HPO_DEVICE=cpu"


def shortened(error: str) -> str:
    """Leave out what an error says besides its class and the name of a status code."""
    code = re.search(r"(?:cudaError|CURAND_STATUS_|NVMLError_)\w+", error)
    kind = re.match(r"\w+(?=: )", error)
    if code and kind and code.group() != kind.group():
        return f"{kind.group()}: {code.group()}"
    return error if len(error) <= _LONG else f"{error[:_LONG]} ..."
