# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Let threads of one process use a GPU side by side."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def own_stream() -> Iterator[None]:
    """Use this thread's own CUDA stream for what CuPy and our kernels do.

    What is uploaded in one thread then overlaps with what is trained in another. A
    thread that reads what another one has made must be told when that is complete; the
    maker waits for it with `synchronize`.

    Notes
    -----
    It is CUDA's per-thread default stream: work of other libraries on the default
    stream waits for it, and the reverse, and RAPIDS' own default is either of the two.
    Without CuPy, nothing changes.
    """
    cupy = sys.modules.get("cupy")
    if cupy is None or not cupy.is_available():
        yield
        return
    with cupy.cuda.Stream.ptds:
        yield


def free_own_memory() -> None:
    """Give back what CuPy's pool keeps for this thread's own stream."""
    cupy = sys.modules.get("cupy")
    if cupy is not None and cupy.is_available():
        pool = cupy.get_default_memory_pool()
        pool.free_all_blocks(stream=cupy.cuda.Stream.ptds)
