# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Use each library of CUDA once, as searches and their estimators do.

In a process that may touch CUDA: a worker, or a probe of the doctor. Each step returns
what is worth telling, or raises whatever the library raises.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec


class NotUsableError(Exception):
    """A library reports without an error that it cannot be used."""


def _runtime() -> str:
    from cuda.bindings import runtime

    error, count = runtime.cudaGetDeviceCount()
    if int(error):
        raise NotUsableError(f"{error.name} ({int(error)}) from cudaGetDeviceCount")
    return f"{count} GPUs"


def _cupy() -> str:
    import cupy

    devices = range(cupy.cuda.runtime.getDeviceCount())
    for number in devices:
        with cupy.cuda.Device(number):
            found = int(cupy.arange(4).sum())
            if found != 6:
                raise NotUsableError(f"0 + 1 + 2 + 3 is {found} on GPU {number}")
    if not cupy.is_available():
        raise NotUsableError("cupy.is_available() is False")
    return f"sums on {len(devices)} GPUs"


def _curand() -> str:
    import cupy

    cupy.random.RandomState(0).random_sample(4)
    return "random numbers"


def _rmm() -> str:
    import rmm

    rmm.DeviceBuffer(size=8)
    pool = rmm.mr.PoolMemoryResource(
        rmm.mr.CudaMemoryResource(), initial_pool_size=2**20
    )
    pool.deallocate(pool.allocate(256), 256)
    return "a pool"


def _core() -> str:
    from cuda.core import Device

    return str(Device().name)


def _cudf() -> str:
    import cudf

    return f"{len(cudf.DataFrame({'a': [1, 2]}))} rows"


def _cuml() -> str:
    import numpy as np
    from cuml.linear_model import LinearRegression

    rows = np.eye(4, 2, dtype=np.float32)
    LinearRegression().fit(rows, rows[:, 0])
    return "a model"


def _numba() -> str:
    from gpu_hpo.devices._cuda_kernels import why_not

    if reason := why_not():
        raise NotUsableError(reason)
    return "a kernel"


def _dask() -> str:
    from distributed.diagnostics.nvml import device_get_count

    count = device_get_count()
    if not count:
        raise NotUsableError("distributed.diagnostics.nvml.device_get_count() is 0")
    return f"{count} GPUs"


# By the name in what the doctor prints; in the order in which libraries need others.
STEPS: dict[str, Callable[[], str]] = {
    "cudart": _runtime,
    "cupy": _cupy,
    "curand": _curand,
    "rmm": _rmm,
    "cuda-core": _core,
    "cudf": _cudf,
    "cuml": _cuml,
    "numba": _numba,
    "dask": _dask,
}
_NEEDS = {
    "cudart": "cuda.bindings",
    "cupy": "cupy",
    "curand": "cupy",
    "rmm": "rmm",
    "cuda-core": "cuda.core",
    "cudf": "cudf",
    "cuml": "cuml",
    "numba": "numba_cuda",
    "dask": "distributed",
}


def steps_here() -> list[str]:
    """Name the steps whose libraries are installed."""
    return [name for name, module in _NEEDS.items() if _installed(module)]


def _installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):  # no package around it, or a broken one
        return False
