# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Ask NVML which GPUs there are, and how much of their memory is free.

NVML creates no CUDA context, and does not read CUDA_VISIBLE_DEVICES.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True, slots=True)
class Gpu:
    """A GPU, or a MIG instance of one.

    Attributes
    ----------
    uuid : str
        Its name for CUDA_VISIBLE_DEVICES; "" if it is not known.
    name : str
        For people.
    free, total : int or None
        Bytes of its memory, as they were when NVML was asked; None if they are not
        known, or if it uses the host's.
    instances : tuple of Gpu, or None
        What a GPU in MIG mode is split into; None for all others.
    """

    uuid: str = ""
    name: str = ""
    free: int | None = None
    total: int | None = None
    instances: tuple[Gpu, ...] | None = None


@contextmanager
def open_nvml() -> Iterator[Any]:
    """Yield the module pynvml for as long as NVML is to answer.

    Without a driver it raises errors whose class differs between versions.
    """
    import pynvml

    pynvml.nvmlInit()
    try:
        yield pynvml
    finally:
        pynvml.nvmlShutdown()


def driver_version() -> str:
    """Return the version of the driver; raises as `list_gpus`."""
    with open_nvml() as nvml:
        return text(nvml.nvmlSystemGetDriverVersion())


def list_gpus() -> list[Gpu]:
    """Return the GPUs in the order of their indices.

    Without NVML, or without a driver, it raises an error of any class.
    """
    with open_nvml() as nvml:
        indices = range(nvml.nvmlDeviceGetCount())
        get = nvml.nvmlDeviceGetHandleByIndex
        return [_look(nvml, partial(get, i)) or Gpu() for i in indices]


def _look(nvml: Any, get: Callable[[], Any]) -> Gpu | None:
    """Return what NVML says of a device; None if it is not there, or is lost."""
    handle = _answer(nvml, get)
    if handle is None:
        return None
    uuid = _answer(nvml, partial(nvml.nvmlDeviceGetUUID, handle)) or ""
    memory = _answer(nvml, partial(nvml.nvmlDeviceGetMemoryInfo, handle))
    return Gpu(
        text(uuid),
        text(_answer(nvml, partial(nvml.nvmlDeviceGetName, handle)) or ""),
        None if memory is None else int(memory.free),
        None if memory is None else int(memory.total),
        _instances(nvml, handle),
    )


def _instances(nvml: Any, gpu: Any) -> tuple[Gpu, ...] | None:
    mode = _answer(nvml, partial(nvml.nvmlDeviceGetMigMode, gpu))
    if not mode or not mode[0]:
        return None
    most = _answer(nvml, partial(nvml.nvmlDeviceGetMaxMigDeviceCount, gpu)) or 0
    get = nvml.nvmlDeviceGetMigDeviceHandleByIndex
    found = (_look(nvml, partial(get, gpu, i)) for i in range(most))
    return tuple(instance for instance in found if instance is not None)


def _answer(nvml: Any, ask: Callable[[], Any]) -> Any:
    """Return what a function of NVML's returns; None if it is not supported."""
    try:
        return ask()
    except nvml.NVMLError:
        return None


def text(value: str | bytes) -> str:
    """Decode what old versions of pynvml give as bytes."""
    return value.decode() if isinstance(value, bytes) else value
