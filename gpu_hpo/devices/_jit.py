# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""How loops are compiled for the CPU, the same for all of them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

logger = logging.getLogger(__name__)

# Sums may be reordered and products fused, which lets loops use vector instructions.
# Not infinite or NaN is never assumed: networks diverge.
_ROUNDING = {"arcp", "contract", "nsz", "reassoc"}


def jit(function: Callable[..., Any]) -> Any:
    """Compile a function for the CPU when it is first called.

    It runs without Python's lock, divides as NumPy does, and is kept on disk, so that
    only the first process on a machine waits for the compiler.

    Parameters
    ----------
    function : callable
        In the subset of Python that Numba compiles.

    Returns
    -------
    numba.core.registry.CPUDispatcher
    """
    compiled = numba.njit(nogil=True, error_model="numpy", fastmath=_ROUNDING)(function)
    try:
        compiled.enable_caching()
    except RuntimeError as error:
        # No folder can be written to: every process compiles for itself.
        logger.info("compiled code is not kept: %s", error)
    return compiled


def plain(array: Any, dtype: Any) -> Any:
    """Array of the one kind that loops are compiled for, a copy only if it is not.

    Parameters
    ----------
    array : array-like
    dtype : dtype-like

    Returns
    -------
    ndarray
        C-contiguous and writable.
    """
    return np.require(array, dtype, ["C", "W"])
