# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find the versions of what scores depend on."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from typing import Any

_ALWAYS = ("gpu-hpo", "dask", "numpy", "scikit-learn")


def versions_of(estimator: Any) -> dict[str, str]:
    """Return versions by distribution, of this package, others, and the estimator's."""
    names = dict.fromkeys(_ALWAYS)
    owners = packages_distributions()
    for module in _modules(estimator):
        names |= dict.fromkeys(owners.get(module.partition(".")[0], ()))
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue  # it is on the path, but not installed
    return found


def _modules(estimator: Any) -> Iterator[str]:
    yield type(estimator).__module__
    if callable(getattr(estimator, "get_params", None)):
        for value in estimator.get_params(deep=True).values():
            if hasattr(value, "fit"):
                yield type(value).__module__
