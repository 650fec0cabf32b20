# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compile loops for the CPU, all in the same way.

A loop is one function that `jit` compiles and keeps on disk; functions marked `inlined`
become part of it. So a loop is one piece of machine code, the same whether a process
compiled it or read it from disk. Separate functions would be optimised again in each
place, and round differently.
"""

from __future__ import annotations

import functools
import hashlib
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from numba.core.caching import FunctionCache, IndexDataCacheFile

from gpu_hpo._typing import ArrayLike

logger = logging.getLogger(__name__)


def jit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function for the CPU when it is first called.

    It runs without Python's lock, divides as NumPy does, rounds every result by itself,
    and is kept on disk, so that only the first process on a machine waits for the
    compiler.

    Parameters
    ----------
    function : callable
        In the subset of Python that Numba compiles.
    """
    compiled: Any = numba.njit(nogil=True, error_model="numpy")(function)
    try:
        compiled._cache = _Kept(function)
    except RuntimeError as error:
        # No folder is writable: every process compiles for itself.
        logger.info("compiled code is not kept: %s", error)
    return compiled


# Makes a part of functions that `jit` compiles.
inlined: Callable[[Callable[..., Any]], Any] = functools.partial(
    numba.njit, error_model="numpy", forceinline=True
)
# The same, but sums are taken in any order. That lets a loop which sums up use vector
# instructions; but what comes out depends on their width, which is the machine's. Not
# allowed is to suppose that nothing is infinite or NaN, for networks diverge.
summing: Callable[[Callable[..., Any]], Any] = functools.partial(
    numba.njit,
    error_model="numpy",
    forceinline=True,
    fastmath={"contract", "nsz", "reassoc"},
)


def plain(array: ArrayLike, dtype: npt.DTypeLike) -> np.ndarray:
    """Return an array of the kind that loops read; copy it only if needed.

    Returns
    -------
    ndarray
        C-contiguous, aligned and read-only: for any other kind, such as arrays from a
        network message, a loop would be compiled once more.
    """
    out = np.require(array, dtype, ["A", "C"]).view()
    out.flags.writeable = False
    return out


class _Kept(FunctionCache):
    """Compiled code on disk that is valid as long as no source has changed.

    Numba itself only checks the file of the function, not of those inlined in it.
    """

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__(function)
        self._cache_file = IndexDataCacheFile(
            cache_path=self._cache_path,
            filename_base=self._impl.filename_base,
            source_stamp=_sources(Path(function.__code__.co_filename).parent),
        )

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the code from the disk, or None if it cannot be loaded."""
        try:
            return super().load_overload(sig, target_context)
        except OSError as error:
            logger.warning("compiled code cannot be read: %s", error)
            return None

    def save_overload(self, sig: Any, data: Any) -> None:
        """Keep code, if the folder still exists."""
        try:
            super().save_overload(sig, data)
        except OSError as error:
            logger.warning("compiled code is not kept: %s", error)


@functools.cache
def _sources(folder: Path) -> str:
    """Digest the sources in a folder, and those shared by all folders."""
    digest = hashlib.sha256(numba.__version__.encode())
    devices = Path(__file__).parent
    folders = folder, devices, devices.parent / "stacks"
    for path in sorted({path for each in folders for path in each.glob("*.py")}):
        digest.update(path.read_bytes())
    return digest.hexdigest()
