# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Search hyperparameters on one or more GPUs, or on none, over Dask.

Submodules and estimators are imported when they are first asked for:
``gpu_hpo.HyperbandSearchCV`` is ``gpu_hpo.model_selection.HyperbandSearchCV``.
"""

import sys as _sys
from importlib import import_module as _import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

# What type checkers read; at run time `__getattr__` imports the same names.
if _TYPE_CHECKING:
    from gpu_hpo import (
        callbacks,
        compute,
        dashboard,
        datasets,
        devices,
        estimators,
        exceptions,
        journal,
        linear_model,
        model_selection,
        neural_network,
        plotting,
        report,
        schedules,
        stacks,
        testing,
        wrappers,
    )
    from gpu_hpo._show_versions import show_versions
    from gpu_hpo.linear_model import QNClassifier, SGDClassifier, SGDRegressor
    from gpu_hpo.model_selection import (
        GridSearchCV,
        HyperbandSearchCV,
        IncrementalSearchCV,
        InverseDecaySearchCV,
        RandomizedSearchCV,
        ScheduledSearchCV,
        SuccessiveHalvingSearchCV,
    )
    from gpu_hpo.neural_network import MLPClassifier, MLPRegressor
    from gpu_hpo.wrappers import Incremental, ParallelPostFit

__version__ = _version("gpu_hpo")

__all__ = [
    "GridSearchCV",
    "HyperbandSearchCV",
    "Incremental",
    "IncrementalSearchCV",
    "InverseDecaySearchCV",
    "MLPClassifier",
    "MLPRegressor",
    "ParallelPostFit",
    "QNClassifier",
    "RandomizedSearchCV",
    "SGDClassifier",
    "SGDRegressor",
    "ScheduledSearchCV",
    "SuccessiveHalvingSearchCV",
    "__version__",
    "callbacks",
    "compute",
    "dashboard",
    "datasets",
    "devices",
    "estimators",
    "exceptions",
    "journal",
    "linear_model",
    "model_selection",
    "neural_network",
    "plotting",
    "report",
    "schedules",
    "show_versions",
    "stacks",
    "testing",
    "wrappers",
]

# The module that has each name which is no module itself.
_MODULES = {
    "Incremental": "wrappers",
    "MLPClassifier": "neural_network",
    "MLPRegressor": "neural_network",
    "ParallelPostFit": "wrappers",
    "QNClassifier": "linear_model",
    "SGDClassifier": "linear_model",
    "SGDRegressor": "linear_model",
    "show_versions": "_show_versions",
} | {name: "model_selection" for name in __all__ if name.endswith("SearchCV")}


def __getattr__(name: str) -> _Any:
    if name in _MODULES:
        value = getattr(_import_module(f"{__name__}.{_MODULES[name]}"), name)
    elif name in __all__:
        value = _import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(
            f"module {__name__!r} has no attribute {name!r}",
            name=name,
            obj=_sys.modules[__name__],
        )
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
