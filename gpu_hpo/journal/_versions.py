# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find the versions of what scores depend on."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

_ALWAYS = ("gpu_hpo", "dask", "numpy", "sklearn")


def versions_of(estimator: Any) -> dict[str, str]:
    """Return versions by package: of Python, this one, others, the estimator's.

    A package that does not say its version in ``__version__`` is left out.
    """
    names = dict.fromkeys([*_ALWAYS, *_packages(estimator)])
    major, minor, *_ = sys.version_info
    return {"python": f"{major}.{minor}"} | {
        name: str(sys.modules[name].__version__)
        for name in names
        if hasattr(sys.modules.get(name), "__version__")
    }


def _packages(estimator: Any) -> Iterator[str]:
    """Yield the packages of an estimator and of those that it is made of."""
    yield type(estimator).__module__.partition(".")[0]
    if callable(getattr(estimator, "get_params", None)):
        for value in estimator.get_params(deep=True).values():
            if hasattr(value, "fit"):
                yield type(value).__module__.partition(".")[0]
