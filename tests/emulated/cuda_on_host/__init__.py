# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""CuPy and Numba's kernels on memory of the host.

`install_cupy` has to run before CuPy is imported, `install_numba` before Numba's CUDA
part is. `counting` counts what is asked of the device.
"""

from tests.emulated.cuda_on_host._counters import Counts, Event, counting
from tests.emulated.cuda_on_host._cupy import install_cupy
from tests.emulated.cuda_on_host._numba import install_numba

__all__ = ["Counts", "Event", "counting", "install_cupy", "install_numba"]
