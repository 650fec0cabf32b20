# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Call cuML's own mapping of parameters between its estimators and scikit-learn's.

Only this module uses names that cuML keeps private, which may change with any release:
``_cpu_class_path``, ``_get_cpu_class``, ``_params_to_cpu``, ``_params_from_cpu`` and
``_get_param_names`` of cuML 26.08 and 26.10. Its public ``as_sklearn`` and
``from_sklearn`` also convert fitted attributes, and the former needs a GPU.

The mapping silently drops parameters that it does not know. So it gets estimators that
record which parameters are read: those that were not read have not been translated.
"""

from __future__ import annotations

import copy
import functools
from typing import Any

from gpu_hpo._typing import Estimator


def cpu_class_path(kind: type) -> str:
    """Return the name of the CPU class of one of cuML's classes, or ""."""
    path = getattr(kind, "_cpu_class_path", "")
    if isinstance(path, str) and hasattr(kind, "_params_from_cpu"):
        return path
    return ""


def cpu_class(kind: type) -> Any:
    """Import that class.

    Raises
    ------
    ImportError
        If its package, such as umap, is not installed.
    """
    return kind._get_cpu_class()  # type: ignore[attr-defined]


def params_to_cpu(estimator: Any) -> dict[str, Any]:
    """Return the parameters of scikit-learn's class; raises whatever cuML raises."""
    return estimator._params_to_cpu()


def params_from_cpu(kind: Any, model: Estimator) -> dict[str, Any]:
    """Return the parameters of cuML's class `kind`; raises whatever cuML raises."""
    return kind._params_from_cpu(model)


def param_names(kind: Any) -> list[str]:
    """Return the names of all parameters of a class of either library."""
    # The signatures of cuML's scalers do not tell.
    return list(kind._get_param_names())


def watched(estimator: Estimator) -> tuple[Any, set[str]]:
    """Return a shallow copy of an estimator, and a set of the attributes it reads."""
    twin, read = copy.copy(estimator), set[str]()
    twin.__dict__["_read"] = read
    twin.__class__ = _watching(type(estimator))
    return twin, read


@functools.cache
def _watching(kind: Any) -> type:
    # A subclass instead of a proxy, since cuML's methods call super().
    def note(self: object, name: str) -> Any:
        object.__getattribute__(self, "__dict__")["_read"].add(name)
        return kind.__getattribute__(self, name)

    return type(kind.__name__, (kind,), {"__getattribute__": note})
