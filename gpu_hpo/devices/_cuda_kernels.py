# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Provide what kernels written for Numba's CUDA part need besides themselves.

Where Numba's simulator stands in for a device, because NUMBA_ENABLE_CUDASIM=1 was set
before Numba was imported, arrays are NumPy's.
"""

from __future__ import annotations

import functools
import logging
from typing import Any

from gpu_hpo._typing import Array

logger = logging.getLogger(__name__)

# What a block of threads may have on any device without asking for more.
SHARED_BYTES = 48 * 1024
# Of fewer blocks Numba warns, and a filter for the warning would be everybody's. Blocks
# that find nothing to do cost nothing, but in the simulator.
FEWEST_BLOCKS = 128


@functools.cache
def usable() -> bool:
    """Return whether Numba can compile and run kernels here.

    Returns
    -------
    bool
        What the first call found, which also logs a warning if it is False.
    """
    try:
        from numba import cuda

        # It takes a launch to know: only then the driver may refuse what a newer
        # toolkit has compiled.
        cuda.jit(_nothing)[FEWEST_BLOCKS, 1]()
        cuda.synchronize()
    # Numba's CudaSupportError, NvvmError, LinkerError and CudaAPIError, and what comes
    # through from NVIDIA's own packages, have no other base in common.
    except Exception as error:
        logger.warning(
            "training on GPUs is slower than it could be, for Numba cannot run "
            "kernels here; a newer package numba-cuda may help (%s: %s)",
            type(error).__name__,
            str(error).strip(),
        )
        return False
    return True


def _nothing() -> None:
    """Do what the probe does."""


def stream_of(array: Array) -> Any:
    """Return CuPy's current stream as one of Numba's.

    Parameters
    ----------
    array : array
        What a kernel is for.

    Returns
    -------
    numba.cuda.cudadrv.driver.Stream or int
        0 for the default stream, and for NumPy's arrays, which are the simulator's.
    """
    if not _on_device(array):
        return 0
    import cupy
    from numba import cuda

    pointer = cupy.cuda.get_current_stream().ptr
    return cuda.external_stream(pointer) if pointer else 0


def lend(array: Array) -> Array:
    """Pass an array to a kernel on CuPy's current stream, without waiting.

    Numba waits for all that was to be done before, on every array of another library,
    though on one stream it cannot come too early.

    Parameters
    ----------
    array : array
        Of CuPy, or of NumPy in the simulator.

    Returns
    -------
    numba.cuda.cudadrv.devicearray.DeviceNDArray or ndarray
        The same memory.
    """
    if not _on_device(array):
        return array
    from numba import cuda

    return cuda.as_cuda_array(array, sync=False)


def blocks_of(array: Array, n: int) -> int:
    """Return how many blocks to launch for `n` that have something to do."""
    return max(n, FEWEST_BLOCKS) if _on_device(array) else n


def _on_device(array: Array) -> bool:
    return hasattr(array, "__cuda_array_interface__")
