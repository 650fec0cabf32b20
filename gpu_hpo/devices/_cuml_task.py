# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Prepare tasks for cuML's estimators and settings, without importing cuML.

Facts about single classes come from the sources of cuML 26.10 and of the RAFT library
that it calls.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from gpu_hpo._typing import Estimator
from gpu_hpo.devices._namespace import is_device_array

# These subtract means from the caller's rows, targets and weights before the solver
# runs, and add them again afterwards. Meanwhile others read wrong numbers, and later
# slightly different ones. This concerns only column-major rows: others are copied
# first.
_SGD = frozenset({"MBSGDClassifier", "MBSGDRegressor", "SGD"})
_COORDINATE_DESCENT = frozenset({"CD", "ElasticNet", "Lasso"})
# Centres the rows in `fit` and in `transform`, whatever its `copy` says.
_CENTRING = frozenset({"PCA"})
# Parameters that permit overwriting the rows, in either library.
_COPY_PARAMETERS = ("copy", "copy_X", "copy_x")

# Classes whose `fit` needs another order than the estimator's tag says.
_COLUMN_MAJOR = {
    "IncrementalPCA": False,
    "IsolationForest": True,
    "KNeighborsClassifier": False,
    "KNeighborsRegressor": False,
    "Lars": True,
    "LinearSVC": True,
    "LinearSVR": True,
    "TSNE": True,
}

# Ask scikit-learn, on the host, to combine the answers of estimators of cuML; and SVC
# does so for more than two classes.
_MULTICLASS = frozenset({"OneVsOneClassifier", "OneVsRestClassifier"})
_MULTICLASS_OF_SEVERAL = frozenset({"SVC"})

_SCALARS = (type(None), bool, int, float, complex, str)
_NO_HOLDERS = (type, ModuleType, FunctionType)


@contextmanager
def cuml_task(*, assume_finite: bool) -> Iterator[None]:
    """Keep the results of cuML's estimators on the device, in this thread.

    The settings belong to the calling thread, so each task must enter this context,
    after its models were unpickled, since that may import cuML.

    Parameters
    ----------
    assume_finite : bool
        Whether cuML and scikit-learn may skip their checks for NaN and infinity, since
        the rows were checked when they were loaded; the host waits for each check. If
        False, the setting is not changed.

    Notes
    -----
    If cuML is imported, what its estimators return and their fitted attributes are
    CuPy's, whatever they were trained on and whatever their `output_type` says. Class
    labels that are not numbers have no such form, and make `predict` raise.
    """
    from sklearn import config_context  # not before there is an estimator to train

    with (
        _answers_of("cupy"),
        config_context(assume_finite=assume_finite or None),
    ):
        yield


@contextmanager
def answers_on_host() -> Iterator[None]:
    """Let cuML's estimators answer with arrays of NumPy, which hold text.

    This holds in this thread, wherever rows are. Without cuML nothing changes.
    """
    with _answers_of("numpy"):
        yield


@contextmanager
def answering(model: Any, X: Any = None) -> Iterator[str | None]:
    """Let a model be asked, wherever the estimators inside it answer.

    Parameters
    ----------
    model : estimator or stack
    X : array-like, optional
        The rows that it is asked about.

    Yields
    ------
    {"numpy", "cupy"} or None
        What all of cuML's estimators in this thread answer with; None if that is not
        changed.

    Notes
    -----
    Those of ``cuml.multiclass``, and `SVC` with three classes or more, copy rows to the
    host and have scikit-learn combine the answers of several estimators there, which
    must not be CuPy's then.

    In a search arrays go from step to step of a pipeline, so that only the first step
    knows the names of columns. Outside, transformers pass a frame on, with names.
    """
    wanted = None
    if hasattr(X, "iloc") and _has_learned_arrays(model):
        wanted = "cupy" if is_device_array(X) else "numpy"
    if (wanted or _answers_now()) == "cupy" and _combines_on_host(model):
        wanted = "numpy"
    with nullcontext() if wanted is None else _answers_of(wanted):
        yield wanted


def _answers_now() -> Any:
    cuml: Any = sys.modules.get("cuml")
    settings = getattr(cuml, "global_settings", None)
    return getattr(settings, "output_type", None)


@contextmanager
def _answers_of(kind: str) -> Iterator[None]:
    cuml: Any = sys.modules.get("cuml")
    # While another thread imports cuML, its functions are missing.
    if hasattr(cuml, "using_output_type"):
        with cuml.using_output_type(kind):
            yield
    else:
        yield


def harms_rows(estimator: Estimator, params: Mapping[str, Any]) -> bool:
    """Return whether `fit` changes the caller's rows while it runs, or for good.

    Such an estimator needs its own copy of rows that others read too: it would disturb
    models that train at the same time, and the restored values are rounded.

    This is True for cuML's solvers by stochastic gradient descent with an intercept and
    by coordinate descent (`ElasticNet` and `Lasso` unless with ``solver="qn"``), for
    its `PCA`, and for estimators of any library that are told not to copy
    (``copy_X=False``, ``copy=False``). Its steps do not count.
    """
    names = _names_in_cuml(type(estimator))
    return (
        (not names.isdisjoint(_SGD) and bool(params.get("fit_intercept", True)))
        or (not names.isdisjoint(_COORDINATE_DESCENT) and params.get("solver") != "qn")
        or not names.isdisjoint(_CENTRING)
        # NumPy's booleans are equal to Python's, but not identical.
        or any(_is_false(params.get(name)) for name in _COPY_PARAMETERS)
    )


def wants_column_major(estimator: Estimator) -> bool:
    """Return whether every fit would copy rows that are in row-major order.

    This is True for cuML's estimators that ask for columns, by their tag
    ``preferred_input_order`` or, where the tag is wrong, by their sources. It is False
    for everything else, also for pipelines and other composites, whose steps see other
    rows.
    """
    kind = type(estimator)
    if not _names_in_cuml(kind):
        return False
    for base in kind.__mro__:
        if _is_cuml(base) and base.__name__ in _COLUMN_MAJOR:
            return _COLUMN_MAJOR[base.__name__]
    if not hasattr(estimator, "__sklearn_tags__"):
        return False
    tags = estimator.__sklearn_tags__()
    return getattr(tags, "preferred_input_order", None) == "F"


def takes_kernel(estimator: Estimator) -> bool:
    """Return whether an estimator of cuML wants a kernel, of rows by rows, as X.

    scikit-learn has a tag for that, which cuML's `SVC`, `SVR` and `KernelRidge` lack.
    """
    steps = getattr(estimator, "steps", None)
    first = steps[0][1] if steps else estimator  # the one of a pipeline that gets X
    kernel = getattr(first, "kernel", None)
    return _is_cuml(type(first)) and isinstance(kernel, str) and kernel == "precomputed"


def n_device_bytes(value: object) -> int:
    """Count the bytes that a model's arrays take, on a device or on the host.

    Dask would guess 50 bytes for a fitted model, wherever its arrays are. Attributes,
    lists, tuples, sets and dictionaries are searched, and an object in several places
    counts once. Nothing is copied or computed; only sizes are read. Objects without a
    size, those of nvForest and cuVS, count as nothing; but a forest of cuML counts
    twice once nvForest has a copy of it.
    """
    total = 0
    # Keep the objects too: otherwise a new one could have the address of a freed one.
    seen: dict[int, Any] = {}
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, _SCALARS) or id(item) in seen:
            continue
        seen[id(item)] = item
        total += _own_bytes(item)
        waiting.extend(_held(item))
    return total


def _own_bytes(item: Any) -> int:
    """Return the bytes of an object itself, without what else it refers to."""
    if isinstance(item, bytes | bytearray):
        return len(item)
    if isinstance(item, _NO_HOLDERS):
        return 0
    size = getattr(item, "nbytes", None)
    if isinstance(size, int | np.integer):
        return int(size)
    attributes = getattr(item, "__dict__", None)
    if isinstance(attributes, dict) and "_nvforest_model" in attributes:
        # A random forest of cuML is kept as treelite's bytes, and again by nvForest on
        # the device, in nodes that are smaller than treelite's.
        return len(attributes.get("_treelite_model_bytes") or b"")
    if _is_series(item):
        return int(item.memory_usage())
    return 0


def _held(item: Any) -> Iterable[Any]:
    """Return the objects that an object refers to, as far as they may be large."""
    if isinstance(item, list | tuple | set | frozenset):
        return item
    if isinstance(item, dict):
        return item.values()
    if isinstance(item, np.ndarray):
        # Such as the trees of gradient boosting.
        return item.flat if item.dtype == object else ()
    if isinstance(item, _NO_HOLDERS) or hasattr(item, "nbytes") or _is_series(item):
        return ()
    if hasattr(item, "memory_usage") and hasattr(item, "items"):
        # A frame of pandas or cuDF; the latter's `memory_usage` is a Series on the
        # device.
        return [column for _, column in item.items()]
    if type(item).__module__ == "sklearn.tree._tree":
        # Compiled, but its state is arrays that share its memory.
        state: Any = item.__getstate__()
        return state.values() if isinstance(state, dict) else ()
    attributes = getattr(item, "__dict__", None)
    return list(attributes.values()) if isinstance(attributes, dict) else ()


def _combines_on_host(model: Any) -> bool:
    if "cuml" not in sys.modules or not hasattr(model, "get_params"):
        return False
    for part in (model, *model.get_params(deep=True).values()):
        names = _names_in_cuml(type(part))
        if not names.isdisjoint(_MULTICLASS):
            return True
        if not names.isdisjoint(_MULTICLASS_OF_SEVERAL):
            classes = getattr(model, "classes_", None)
            return classes is None or len(classes) > 2
    return False


def _has_learned_arrays(model: Any) -> bool:
    """Return whether the first step of a pipeline alone knows names of columns."""
    steps = getattr(model, "steps", None)
    if "cuml" not in sys.modules or not isinstance(steps, list) or len(steps) < 2:
        return False
    name = "feature_names_in_"
    return hasattr(steps[0][1], name) and not hasattr(steps[-1][1], name)


def _is_series(item: object) -> bool:
    return hasattr(item, "memory_usage") and getattr(item, "ndim", None) == 1


def _is_false(value: object) -> bool:
    return isinstance(value, bool | np.bool_) and not value


def _is_cuml(kind: type) -> bool:
    return kind.__module__.partition(".")[0] == "cuml"


def _names_in_cuml(kind: type) -> set[str]:
    # Bases count: a subclass of an estimator may be defined anywhere.
    return {base.__name__ for base in kind.__mro__ if _is_cuml(base)}
