# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Copy several small arrays to a device at once: each copy costs some microseconds."""

from __future__ import annotations

from types import ModuleType

import numpy as np

from gpu_hpo._typing import Array
from gpu_hpo.devices._namespace import is_device_array

ALIGNMENT = 16  # in bytes; no number is longer


def upload(xp: ModuleType, *arrays: Array) -> list[Array]:
    """Copy arrays of the host to a device, in one piece.

    Parameters
    ----------
    xp : module
        CuPy, or NumPy where a device is simulated.
    *arrays : array
        What is on a device already is returned as it is.

    Returns
    -------
    list of array
        C-contiguous, in the order of `arrays`; views of one piece of memory.
    """
    if xp is np:
        return [np.ascontiguousarray(array) for array in arrays]
    host = {
        i: np.ascontiguousarray(array)
        for i, array in enumerate(arrays)
        if not is_device_array(array)
    }
    places, n_bytes = {}, 0
    for i, array in host.items():
        places[i] = n_bytes
        n_bytes += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
    piece = np.empty(n_bytes, np.uint8)
    for i, array in host.items():
        part = piece[places[i] : places[i] + array.nbytes]
        part[:] = array.reshape(-1).view(np.uint8)
    there = xp.asarray(piece)
    found = list(arrays)
    for i, array in host.items():
        part = there[places[i] : places[i] + array.nbytes]
        found[i] = part.view(array.dtype).reshape(array.shape)
    return found
