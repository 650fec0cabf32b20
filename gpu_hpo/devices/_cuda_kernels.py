# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Launch kernels that are written for Numba's CUDA part.

If Numba simulates a device, because NUMBA_ENABLE_CUDASIM=1 was set before its import,
arrays are NumPy's.
"""

from __future__ import annotations

import functools
import logging
from typing import Any

from gpu_hpo._typing import Array

logger = logging.getLogger(__name__)

# Shared memory that a block of threads may have on any device without a request.
SHARED_BYTES = 48 * 1024
# Numba warns if there are fewer blocks, and a filter for that would affect the whole
# process. Blocks without work cost nothing, except in the simulator.
FEWEST_BLOCKS = 128


def usable() -> bool:
    """Return whether Numba can compile and run kernels here; see `why_not`."""
    return not why_not()


@functools.cache
def why_not() -> str:
    """Return why Numba cannot compile and run kernels here; "" if it can.

    The first call finds out, which creates a CUDA context, and logs the answer if it is
    not "".
    """
    try:
        from numba import cuda

        # Only a launch can tell: the driver may refuse what a newer toolkit has
        # compiled.
        cuda.jit(_nothing)[FEWEST_BLOCKS, 1]()
        cuda.synchronize()
    # Numba's CudaSupportError, NvvmError, LinkerError and CudaAPIError, and errors of
    # NVIDIA's own packages, have no other common base.
    except Exception as error:
        reason = _explain(error)
        logger.warning("training on GPUs is slower than it could be: %s", reason)
        return reason
    return ""


def _explain(error: Exception) -> str:
    """Say in one sentence what keeps Numba from running kernels, and what helps."""
    first_line = str(error).strip().partition("\n")[0]
    said = f"{type(error).__name__}: {first_line}"
    try:
        from numba import cuda
        from numba.cuda.cudadrv.driver import driver

        has, needs = driver.get_version(), cuda.runtime.get_version()
    except Exception:  # where there is no driver, or no toolkit
        has = needs = (0, 0)
    if has >= needs:
        return (
            "Numba cannot run kernels here, and a newer package numba-cuda may help "
            f"({said})"
        )
    if has[0] < needs[0]:
        other = f"numba-cuda[cu{has[0]}]"
    else:
        other = f"cuda-toolkit=={_shown(has)}.*"
    return (
        f"the driver (CUDA {_shown(has)}) is older than numba-cuda's toolkit "
        f"({_shown(needs)}): install a newer driver, or {other} ({said})"
    )


def _shown(version: tuple[int, int]) -> str:
    return ".".join(map(str, version))


def _nothing() -> None:
    """Do what the probe does."""


def stream_of(array: Array) -> Any:
    """Return CuPy's current stream as one of Numba's, for the array of a kernel.

    It is 0 for the default stream, and for NumPy arrays in the simulator.
    """
    if not _on_device(array):
        return 0
    import cupy
    from numba import cuda

    pointer = cupy.cuda.get_current_stream().ptr
    return cuda.external_stream(pointer) if pointer else 0


def lend(array: Array) -> Array:
    """Pass an array to a kernel on CuPy's current stream, without waiting.

    By default Numba waits for all earlier work on an array of another library, although
    work on one stream is in order anyway. NumPy arrays are the simulator's.
    """
    if not _on_device(array):
        return array
    from numba import cuda

    return cuda.as_cuda_array(array, sync=False)


def blocks_of(array: Array, n: int) -> int:
    """Return how many blocks to launch for `n` blocks of work."""
    return max(n, FEWEST_BLOCKS) if _on_device(array) else n


def _on_device(array: Array) -> bool:
    return hasattr(array, "__cuda_array_interface__")
