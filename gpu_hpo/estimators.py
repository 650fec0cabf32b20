# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Name estimators that are cuML's where there is CUDA, else scikit-learn's.

>>> from gpu_hpo.estimators import RandomForestClassifier
>>> model = RandomForestClassifier(n_estimators=50, max_depth=8)

The same script then trains on GPUs and, where there are none, on the CPU. Each name is
looked up whenever it is imported or read, as `resolve_device` decides at that moment;
``GPU_HPO_DEVICE=cpu`` asks for scikit-learn's. `chosen` tells which library it is, and
why.

The names are the libraries' own classes. For a call that works with both, pass
arguments by keyword, since cuML accepts no others, and only those that both have. If
the libraries have different names for one thing (cuML's `split_criterion` is
scikit-learn's `criterion`), or if their different defaults matter, make scikit-learn's
estimator and use `gpu_hpo.devices.convert`.
"""

from __future__ import annotations

import difflib
import importlib
import importlib.util
from typing import Any

from gpu_hpo.devices._detect import Device, resolve_device

# The subpackage, the same in cuml and sklearn, that each class is in.
_MODULES = {
    "BernoulliNB": "naive_bayes",
    "CategoricalNB": "naive_bayes",
    "ComplementNB": "naive_bayes",
    "ElasticNet": "linear_model",
    "GaussianNB": "naive_bayes",
    "IncrementalPCA": "decomposition",
    "KMeans": "cluster",
    "KNeighborsClassifier": "neighbors",
    "KNeighborsRegressor": "neighbors",
    "KernelRidge": "kernel_ridge",
    "Lars": "linear_model",
    "Lasso": "linear_model",
    "LinearRegression": "linear_model",
    "LinearSVC": "svm",
    "LinearSVR": "svm",
    "LogisticRegression": "linear_model",
    "MaxAbsScaler": "preprocessing",
    "MinMaxScaler": "preprocessing",
    "MultinomialNB": "naive_bayes",
    "OneVsOneClassifier": "multiclass",
    "OneVsRestClassifier": "multiclass",
    "PCA": "decomposition",
    "RandomForestClassifier": "ensemble",
    "RandomForestRegressor": "ensemble",
    "Ridge": "linear_model",
    "RobustScaler": "preprocessing",
    "SVC": "svm",
    "SVR": "svm",
    "StandardScaler": "preprocessing",
    "TruncatedSVD": "decomposition",
}

__all__ = ["chosen", *_MODULES]


def chosen() -> Device:
    """Return which library the names stand for at present, and why.

    Returns
    -------
    Device
        Its `name` is "cuda" for cuML and "cpu" for scikit-learn, and its `reason` is
        one sentence for people.

    Raises
    ------
    DeviceNotFoundError
        If ``GPU_HPO_DEVICE=cuda`` asks for a GPU and there is none.

    Examples
    --------
    >>> from gpu_hpo import estimators
    >>> print(estimators.chosen().name)  # doctest: +SKIP
    cpu
    """
    device = resolve_device()
    if device.name == "cuda" and importlib.util.find_spec("cuml") is None:
        return Device("cpu", 0, f"cuML is not installed, though {device.reason}")
    return device


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        message = f"module {__name__!r} has no attribute {name!r}"
        close = difflib.get_close_matches(name, _MODULES, cutoff=0.5)
        if close:
            message += f"; did you mean {' or '.join(close)}?"
        raise AttributeError(message, name=name)
    library = "cuml" if chosen().name == "cuda" else "sklearn"
    return getattr(importlib.import_module(f"{library}.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_MODULES})
