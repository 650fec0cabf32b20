# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Limit BLAS to one thread per task."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import Any

from threadpoolctl import ThreadpoolController

_lock = threading.Lock()
_inside = 0
_limit: Any = None


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """Keep BLAS and OpenMP to one thread while any task of this process is in here.

    Trials run side by side, so more threads would only oversubscribe the cores; and
    sums that are split differently differ in the last bit, which can reverse a ranking.
    OpenMP is limited for the calling thread, BLAS for the process: since tasks in
    several threads overlap, the first task sets the limit and the last one lifts it.
    """
    global _inside, _limit
    with _lock:
        if _inside == 0 and _several("blas"):
            # threadpoolctl lets no other thread lift what one has set.
            _limit = _keeper().submit(_libraries("blas").limit, limits=1).result()
        _inside += 1
    mine = _libraries("openmp").limit(limits=1) if _several("openmp") else None
    try:
        yield
    finally:
        if mine:
            mine.restore_original_limits()
        with _lock:
            _inside -= 1
            if _inside == 0 and _limit:
                _keeper().submit(_limit.restore_original_limits).result()
                _limit = None


def _several(kind: str) -> bool:
    """Return whether BLAS has several threads; a nanny limits those of its worker."""
    return any(lib.num_threads != 1 for lib in _libraries(kind).lib_controllers)


@cache
def _keeper() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1, thread_name_prefix="gpu_hpo-blas")


@cache
def _libraries(kind: str) -> ThreadpoolController:
    # Finding the libraries takes milliseconds, too long for every task. Those that
    # models call are loaded by now: scikit-learn and SciPy load theirs on import.
    import sklearn.linear_model  # noqa: F401

    return ThreadpoolController().select(user_api=kind)
