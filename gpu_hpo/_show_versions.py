# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Print what a bug report should say about the machine."""

from __future__ import annotations

import os
from importlib.metadata import packages_distributions, version

from gpu_hpo.devices._detect import DEVICE_VARIABLE, resolve_device
from gpu_hpo.devices._nvml import driver_version, list_gpus

# By import names, since distributions of RAPIDS and CuPy are named after CUDA's
# version.
_LIBRARIES = (
    "dask",
    "distributed",
    "numba",
    "dask_cuda",
    "cupy",
    "cuml",
    "cudf",
    "dask_cudf",
    "rmm",
    "xgboost",
    "lightgbm",
)


def show_versions() -> None:
    """Print versions of gpu_hpo and of the libraries it uses, and which GPUs are found.

    What `sklearn.show_versions` prints comes last. No CUDA library is imported.

    Examples
    --------
    >>> import gpu_hpo
    >>> gpu_hpo.show_versions()  # doctest: +SKIP
    """
    import sklearn

    print("\ngpu_hpo and what it works with:")
    for name, found in _versions().items():
        print(f"{name:>15}: {found}")
    print("\nDevices:")
    for name, found in _devices().items():
        print(f"{name:>22}: {found}")
    sklearn.show_versions()


def _versions() -> dict[str, str | None]:
    """Read versions from what is installed, without importing it."""
    installed = packages_distributions()
    found: dict[str, str | None] = {"gpu_hpo": version("gpu_hpo")}
    for name in _LIBRARIES:
        owners = sorted(set(installed.get(name, ())))
        found[name] = (
            ", ".join(f"{version(owner)} ({owner})" for owner in owners) or None
        )
    return found


def _devices() -> dict[str, str]:
    """Return which device a search would take, and what NVML knows of each GPU."""
    try:
        device = resolve_device()
        chosen = f"{device.name}: {device.reason}"
    except (ValueError, RuntimeError) as error:  # about GPU_HPO_DEVICE
        chosen = str(error)
    found = {"found": chosen}
    for name in (DEVICE_VARIABLE, "CUDA_VISIBLE_DEVICES"):
        found[name] = repr(os.environ[name]) if name in os.environ else "not set"
    return found | _gpus()


def _gpus() -> dict[str, str]:
    """Name the driver and each GPU, where NVML answers; that makes no CUDA context."""
    try:
        found = {"driver": driver_version()}
        gpus = list_gpus()
    except Exception:  # no pynvml or no driver, of which `found` says enough
        return {}
    for number, gpu in enumerate(gpus):
        said = [gpu.name or "no answer"]
        if gpu.total is not None:
            said.append(f"{gpu.total / 2**30:.0f} GiB")
        if gpu.instances is not None:
            said.append(f"in MIG mode, instances: {len(gpu.instances)}")
        found[f"GPU {number}"] = ", ".join(said)
    return found
