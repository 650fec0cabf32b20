# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Decide once whether this process should use CPUs or GPUs.

Nothing here creates a CUDA context. `cudaGetDeviceCount`, which the checks of CuPy and
Numba call, would create one; after that, forked children cannot use CUDA, and the
environment is no longer read. NVML only counts.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from typing import Literal

from gpu_hpo.devices._nvml import Gpu, list_gpus
from gpu_hpo.devices._visible import devices_for_workers, parse_visible
from gpu_hpo.exceptions import DeviceNotFoundError

DEVICE_VARIABLE = "GPU_HPO_DEVICE"
_CHOICES = ("auto", "cpu", "cuda")


@dataclass(frozen=True, slots=True)
class Device:
    """The kind of device that work runs on.

    Parameters
    ----------
    name : {"cpu", "cuda"}
        The kind.
    n_gpus : int
        GPUs that this process may use; 0 where `name` is "cpu". With GPUs in MIG mode:
        instances that it may give to workers, of which each sees one.
    reason : str
        Why, in one sentence for people.
    """

    name: Literal["cpu", "cuda"]
    n_gpus: int
    reason: str


def resolve_device(requested: str = "auto") -> Device:
    """Decide between CPU and GPU, cheaply and without touching CUDA.

    Parameters
    ----------
    requested : {"auto", "cpu", "cuda"}, default="auto"
        What the caller wants; "auto" takes GPUs where there are any that CuPy could
        use. The environment variable ``GPU_HPO_DEVICE`` overrides it, unless that is
        "auto" too.

    Returns
    -------
    Device
        The decision, which is kept for the life of the process while its inputs (the
        argument, ``GPU_HPO_DEVICE`` and ``CUDA_VISIBLE_DEVICES``) stay the same. Only a
        worker finds out whether CUDA really works.

    Raises
    ------
    ValueError
        If the argument or the variable is none of the three.
    DeviceNotFoundError
        If "cuda" was asked for and there is no usable GPU.

    Notes
    -----
    These are checked in order: ``GPU_HPO_DEVICE``; whether ``CUDA_VISIBLE_DEVICES``
    hides every device; whether CuPy is installed; the number of GPUs by NVML, as far as
    ``CUDA_VISIBLE_DEVICES`` shows them.
    """
    wanted, source = wanted_device(requested)
    return _resolve(wanted, source, os.environ.get("CUDA_VISIBLE_DEVICES"))


def sees_gpus() -> tuple[bool, str]:
    """Return whether this process could hold arrays on a GPU, and why."""
    count, why = _usable_gpus(os.environ.get("CUDA_VISIBLE_DEVICES"))
    return count > 0, why


def wanted_device(requested: str) -> tuple[str, str]:
    """Return which device is asked for, and whether by argument or GPU_HPO_DEVICE.

    Raises
    ------
    ValueError
        As `resolve_device`.
    """
    override = os.environ.get(DEVICE_VARIABLE, "").strip()
    wanted = check_choice(requested, "requested")
    if override:
        choice = check_choice(override, f"environment variable {DEVICE_VARIABLE}")
        if choice != "auto":
            return choice, f"{DEVICE_VARIABLE}={override}"
    return wanted, f"device={requested!r}"


def check_choice(value: str, origin: str) -> str:
    """Return "auto", "cpu" or "cuda", or raise; `origin` says where `value` is from."""
    choice = value.lower() if isinstance(value, str) else ""
    if choice not in _CHOICES:
        accepted = ", ".join(repr(name) for name in _CHOICES)
        raise ValueError(f"{origin} is {value!r}; it must be one of {accepted}")
    return choice


def _resolve(wanted: str, source: str, visible: str | None) -> Device:
    if wanted == "cpu":
        return Device("cpu", 0, f"{source} asks for the CPU")
    n_gpus, why = _usable_gpus(visible)
    if n_gpus:
        return Device("cuda", n_gpus, why)
    if wanted == "cuda":
        raise DeviceNotFoundError(f"{source} asks for a GPU, but {why}")
    return Device("cpu", 0, why)


@lru_cache(maxsize=32)
def _usable_gpus(visible: str | None) -> tuple[int, str]:
    """Return how many GPUs CuPy could use, and why so many."""
    shown = f"CUDA_VISIBLE_DEVICES={visible!r}"
    if visible is not None and not parse_visible(visible):
        return 0, f"{shown} hides every device"
    if not _installed("cupy"):
        return 0, "CuPy is not installed"
    gpus, why = _gpus()
    if not gpus:
        return 0, why
    usable = len(devices_for_workers(visible, gpus))
    if visible is None:
        return usable, why
    if not usable:
        return 0, f"{shown} shows none of the {len(gpus)} that NVML counts"
    return usable, f"{shown} shows {usable} of what NVML counts ({len(gpus)})"


def _gpus() -> tuple[list[Gpu], str]:
    """List GPUs by NVML, and say how many, or why there are none."""
    if not _installed("pynvml"):
        return [], "pynvml (nvidia-ml-py), which counts GPUs, is not installed"
    try:
        gpus = list_gpus()
    # Without a driver the class of the error depends on the version: any means "no
    # GPU".
    except Exception as error:
        return [], f"NVML finds no GPU ({type(error).__name__}: {error})"
    if not gpus:
        return [], "NVML counts no GPU"
    why = f"NVML counts {len(gpus)} GPU{'s' * (len(gpus) > 1)}"
    split = [gpu.instances for gpu in gpus if gpu.instances is not None]
    if split:
        why += f", {len(split)} in MIG mode with {sum(map(len, split))} instances"
        if len(split) < len(gpus):
            why += ", which are left out beside whole GPUs"
    return gpus, why


def _installed(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):  # a broken package, or a stand-in
        return False
