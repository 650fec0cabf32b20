# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Check X, y and weights as the user gives them, each by itself and together."""

from __future__ import annotations

import reprlib
import warnings
from collections.abc import Mapping
from typing import Any

import numpy as np
import scipy.sparse
from dask.base import is_dask_collection
from sklearn.exceptions import DataConversionWarning
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags

from gpu_hpo._typing import Estimator
from gpu_hpo.devices._namespace import is_device_array


def check_has_rows(name: str, value: object) -> None:
    """Raise if something has no rows that can be counted."""
    if is_dask_collection(value) or scipy.sparse.issparse(value):
        return
    shape = getattr(value, "shape", None)
    rowless = shape == () if shape is not None else not hasattr(value, "__len__")
    if rowless or isinstance(value, str | bytes | Mapping):
        raise TypeError(
            f"{name} must be an array, a frame or a Dask collection with one row per "
            f"sample; got {reprlib.repr(value)}"
        )


def check_weight(name: str, weight: Any) -> None:
    """Raise if weights on the host are invalid, or all 0."""
    if weight is None or is_dask_collection(weight) or is_device_array(weight):
        return
    values = np.asarray(weight)
    if values.dtype.kind not in "biuf":
        return
    if values.ndim > 1:
        raise ValueError(
            f"{name} must be of shape (n_samples,); got shape {values.shape}"
        )
    if not np.isfinite(values).all():
        raise ValueError(f"{name} has NaN or infinity")
    if (values < 0).any():
        raise ValueError(
            f"{name} must not be negative; its least value is {values.min()}"
        )
    if not values.any():
        raise ValueError(f"{name} is 0 for all rows")


def check_one_place(data: Mapping[str, Any]) -> None:
    """Raise if some data is on the host and some on a device."""
    places = {
        name: is_device_array(value)
        for name, value in data.items()
        # Strings cannot be on a device; their codes will be.
        if value is not None and (name == "X" or _is_numeric(value))
    }
    apart = [name for name, place in places.items() if place != places["X"]]
    if apart:
        here, there = type(data["X"]), type(data[apart[0]])
        raise TypeError(
            f"X is a {here.__module__}.{here.__qualname__} on the "
            f"{'device' if places['X'] else 'host'}, but {apart[0]} is a "
            f"{there.__module__}.{there.__qualname__} on the "
            f"{'host' if places['X'] else 'device'}: move one with "
            "gpu_hpo.devices.to_device or to_host"
        )


def _is_numeric(value: object) -> bool:
    dtype = getattr(value, "dtype", None)
    if dtype is None and isinstance(value, list | tuple) and len(value):
        dtype = np.asarray(value[:1]).dtype
    return getattr(dtype, "kind", "O") in "biuf"


def check_data(estimator: Any, X: Any, y: Any) -> Any:
    """Check X and y against the tags of `estimator`; return y as it wants it."""
    tags = get_tags(estimator)
    wants = get_tags(first_step(estimator)).input_tags
    if wants.two_d_array and not (wants.one_d_array or wants.three_d_array):
        # The first row tells for a list; a list without rows is refused later.
        ndim = getattr(X, "ndim", None) or len(getattr(X, "shape", ()))
        ndim = ndim or (1 + np.ndim(X[0]) if len(X) else 2)
        if ndim != 2:
            raise ValueError(
                "X must be two-dimensional, of shape (n_samples, n_features); got "
                f"{ndim} dimension{'s' if ndim > 1 else ''}"
            )
    if y is None and tags.target_tags.required:
        raise ValueError(
            f"estimator={estimator!r} requires y to be passed, but the target y is None"
        )
    column = getattr(y, "ndim", 1) == 2 and y.shape[1] == 1
    if not column or tags.target_tags.multi_output or scipy.sparse.issparse(y):
        return y
    warnings.warn(
        "A column-vector y was passed when a 1d array was expected: y of shape "
        "(n_samples, 1) is used as an array of shape (n_samples,)",
        DataConversionWarning,
        stacklevel=2,
    )
    return y.iloc[:, 0] if hasattr(y, "iloc") else y[:, 0]


def first_step(estimator: Estimator) -> Any:
    """Return what gets X unchanged: a pipeline's first step that does anything."""
    while isinstance(estimator, Pipeline):
        steps = [s for _, s in estimator.steps if s not in (None, "passthrough")]
        if not steps:
            break
        estimator = steps[0]
    return estimator
