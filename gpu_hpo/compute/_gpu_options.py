# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Choose the GPUs of a local cluster, and defaults for what dask-cuda may do there."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from importlib.util import find_spec
from typing import Any

from gpu_hpo._config import read_share
from gpu_hpo.devices._detect import Device
from gpu_hpo.devices._nvml import Gpu, list_gpus
from gpu_hpo.devices._visible import (
    devices_for_workers,
    first_ignored,
    parse_visible,
)

# Options of LocalCUDACluster that LocalCluster lacks.
CUDA_ONLY = frozenset(
    {
        "CUDA_VISIBLE_DEVICES",
        "cudf_spill_stats",
        "device_memory_limit",
        "enable_cudf_spill",
        "enable_infiniband",
        "enable_nvlink",
        "enable_rdmacm",
        "enable_tcp_over_ucx",
        "log_spilling",
        "pre_import",
        "rmm_allocator_external_lib_list",
        "rmm_async",
        "rmm_log_directory",
        "rmm_managed_memory",
        "rmm_maximum_pool_size",
        "rmm_pool_size",
        "rmm_release_threshold",
        "rmm_track_allocations",
    }
)

_UCX = frozenset({"ucx", "ucxx"})
# If the user sets any of these, there is no pool by default.
_RMM = frozenset(name for name in CUDA_ONLY if name.startswith("rmm_"))
_PRE_IMPORT = ("cupy", "cudf", "cuml")  # they take seconds, before the first task
_SPILL_FROM = 0.8  # dask-cuda's default of device_memory_limit


def prepare_for_cuda(
    n_workers: int | None, options: dict[str, Any], device: Device
) -> None:
    """Refuse what would hang, or fail only when workers have started; set defaults.

    Parameters
    ----------
    n_workers : int or None
    options : dict
        Of LocalCUDACluster; changed.
    device : Device
        What this process can use.

    Raises
    ------
    ValueError
    """
    gpus = _choose_gpus(options)
    chosen = options.get("CUDA_VISIBLE_DEVICES")
    n_gpus = device.n_gpus if chosen is None else len(chosen)
    if n_workers is not None and n_workers > n_gpus:
        why = device.reason if chosen is None else f"CUDA_VISIBLE_DEVICES={chosen!r}"
        raise ValueError(
            f"n_workers is {n_workers}, and the number of GPUs {n_gpus} ({why}): each "
            "has one worker"
        )
    over_ucx = uses_ucx(options)
    if over_ucx and find_spec("distributed_ucxx") is None:
        raise ValueError(
            f"{', '.join(over_ucx)} needs the package distributed-ucxx, which is not "
            "installed (on PyPI distributed-ucxx-cu12 and -cu13); workers can talk "
            "over TCP without it"
        )
    _set_defaults(options, gpus)


def _choose_gpus(options: dict[str, Any]) -> Mapping[str, Gpu]:
    """Name each worker's GPU to dask-cuda, and return what NVML says of them.

    dask-cuda knows no abbreviated UUIDs, takes entries that CUDA would ignore, and
    counts a GPU in MIG mode as one.
    """
    chosen = options.get("CUDA_VISIBLE_DEVICES")
    if chosen is None:
        shown = os.environ.get("CUDA_VISIBLE_DEVICES")
    else:
        shown = chosen if isinstance(chosen, str) else ",".join(map(str, chosen))
    try:
        gpus = list_gpus()
    # The classes of errors differ between versions. NVML may be of no use where this
    # process has been told that there are GPUs.
    except Exception:
        gpus = []
    if not gpus:
        if shown is not None:
            options["CUDA_VISIBLE_DEVICES"] = parse_visible(shown)
        return {}
    if chosen is not None and shown is not None:
        ignored = first_ignored(shown, gpus)
        if ignored is not None:
            raise ValueError(
                f"CUDA_VISIBLE_DEVICES={chosen!r} must name GPUs of this machine, each "
                f"once, all by index or all by UUID; {ignored!r} does not (NVML counts "
                f"{len(gpus)})"
            )
    order = os.environ.get("CUDA_DEVICE_ORDER")
    found = devices_for_workers(shown, gpus, order)
    if chosen is not None and not found:
        raise ValueError(
            f"CUDA_VISIBLE_DEVICES={chosen!r} names no GPU that can be used: one in "
            "MIG mode needs an instance"
        )
    options["CUDA_VISIBLE_DEVICES"] = list(found)
    return found


def _set_defaults(options: dict[str, Any], gpus: Mapping[str, Gpu]) -> None:
    """Add defaults of options."""
    options.setdefault("host", "127.0.0.1")
    installed = [name for name in _PRE_IMPORT if find_spec(name)]
    options.setdefault("pre_import", installed)
    if find_spec("rmm") and not _RMM & options.keys():
        size = _pool_size(gpus.values())
        if size:
            # In bytes: dask-cuda would take shares of all that the machine's first GPU
            # has, whatever is free there and whichever GPUs it is given.
            options["rmm_pool_size"] = size
    if any(name.startswith("MIG-") for name in gpus):
        # dask-cuda would take a share of the whole GPU's memory.
        sizes = [gpu.total for gpu in gpus.values() if gpu.total]
        if sizes:
            options.setdefault("device_memory_limit", int(_SPILL_FROM * min(sizes)))
    if any(
        options.get(name)
        for name in ("rmm_pool_size", "rmm_async", "rmm_managed_memory")
    ):
        # Otherwise CuPy would only get memory outside the pool. Importing cuDF or cuML
        # has the same effect, where they are installed.
        options.setdefault("rmm_allocator_external_lib_list", ["cupy"])


def _pool_size(gpus: Iterable[Gpu]) -> int:
    """Return bytes that each GPU has free for a pool at the start; 0 for no pool.

    A pool grows when needed. It begins no larger, since this process may hold data on a
    GPU already, or may use the models that come back.
    """
    free = [gpu.free for gpu in gpus]
    known = [size for size in free if size is not None]
    if not known or len(known) < len(free):
        return 0
    return int(read_share("memory.pool-share") * min(known))


def uses_ucx(options: Mapping[str, Any]) -> list[str]:
    """Return which options ask for UCX."""
    flags = ("enable_infiniband", "enable_nvlink", "enable_tcp_over_ucx")
    asks = {"protocol": is_ucx(options)}
    asks |= {name: bool(options.get(name)) for name in flags}
    return [f"{name}={options[name]!r}" for name, does in asks.items() if does]


def is_ucx(options: Mapping[str, Any]) -> bool:
    """Return whether the protocol is UCX's."""
    return str(options.get("protocol")).removesuffix("://") in _UCX
