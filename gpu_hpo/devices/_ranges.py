# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Mark ranges that NVIDIA's profilers show on their timeline."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import lru_cache
from typing import Any

_DOMAIN = "gpu_hpo"
_NOTHING = nullcontext()
_annotate: Callable[[str], AbstractContextManager[Any]] | None = None


def annotated(name: str) -> AbstractContextManager[Any]:
    """Return a context that profilers such as Nsight Systems show as a range.

    Parameters
    ----------
    name : str
        What happens inside, in general words ("train"), since names are cached.

    Returns
    -------
    context manager
        In the NVTX domain "gpu_hpo". It does nothing, in some 0.2 microseconds, where
        the package nvtx is not installed.

    Examples
    --------
    >>> from gpu_hpo.devices import annotated
    >>> with annotated("train"):
    ...     pass
    """
    return (_annotate or _load())(name)


def _load() -> Callable[[str], AbstractContextManager[Any]]:
    """Look for nvtx, at the first range and not when this module is imported."""
    global _annotate
    try:
        nvtx = importlib.import_module("nvtx")
    except ImportError:
        _annotate = _do_nothing
    else:
        # Cached by name, since making one takes longer than entering it. It has no
        # state, so threads and nested ranges may share it.
        @lru_cache(maxsize=256)
        def annotate(name: str) -> AbstractContextManager[Any]:
            return nvtx.annotate(name, domain=_DOMAIN)

        _annotate = annotate
    return _annotate


def _do_nothing(name: str) -> AbstractContextManager[Any]:
    return _NOTHING
