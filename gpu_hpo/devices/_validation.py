# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Check rows that are on a device, without copying them to the host."""

from __future__ import annotations

from typing import Any

from gpu_hpo._typing import Array
from gpu_hpo.devices._kept import kept
from gpu_hpo.devices._namespace import array_namespace


def validate_device_data(
    estimator: Any,
    X: Array,
    y: Array = None,
    *,
    reset: bool,
    accept_sparse: bool = False,
    multi_output: bool = False,
) -> tuple[Array, Array]:
    """Check the essentials of ``sklearn.utils.validation.validate_data``.

    Parameters
    ----------
    estimator : estimator
        Its ``n_features_in_`` and ``feature_names_in_`` are set if `reset`, else
        compared.
    X : array, frame or sparse matrix of shape (n_samples, n_features)
    y : array or series of shape (n_samples,) or (n_samples, n_outputs), optional
    reset : bool
    accept_sparse : bool, default=False
        Whether a sparse matrix comes out as CSR; else it is made dense.
    multi_output : bool, default=False
        Whether y may have several columns.

    Returns
    -------
    X : array or CSR matrix of float32 or float64
    y : array, or None

    Raises
    ------
    ValueError, TypeError
        With scikit-learn's words.

    Notes
    -----
    X is not looked through for NaN and infinity where scikit-learn's setting
    ``assume_finite`` is on.
    """
    # Which take longer to import than all of this.
    from sklearn import get_config

    from gpu_hpo._sklearn_private import _check_feature_names

    for name, value in (("X", X), ("y", y)):
        if not hasattr(value, "shape") and (name == "X" or value is not None):
            raise TypeError(f"{name} must be an array or a frame; got {value!r}")
    _check_feature_names(estimator, X, reset=reset)
    X, y = values_of(X), values_of(y)
    xp = array_namespace(X, y)
    check_real(X)
    if hasattr(X, "tocsr"):
        X = X.tocsr() if accept_sparse else X.toarray()
    if X.ndim != 2:
        raise ValueError(f"Expected 2D array, got {X.ndim}D array instead")
    for n, what in zip(X.shape, ("sample", "feature"), strict=True):
        if not n:
            raise ValueError(
                f"Found array with 0 {what}(s) (shape={X.shape}) while a minimum of 1 "
                f"is required by {type(estimator).__name__}."
            )
    if X.dtype.kind != "f" or X.dtype.itemsize < 4:
        numbers = X
        X = kept("float64", (X,), lambda: numbers.astype(xp.float64))
    # The host waits for each look at all numbers.
    if not get_config()["assume_finite"] and not all_finite(X):
        raise ValueError("Input X contains NaN or infinity.")
    if reset:
        estimator.n_features_in_ = X.shape[1]
    elif X.shape[1] != estimator.n_features_in_:
        raise ValueError(
            f"X has {X.shape[1]} features, but {type(estimator).__name__} is expecting "
            f"{estimator.n_features_in_} features as input."
        )
    if y is None:
        return X, None
    check_real(y)
    if y.shape[0] != X.shape[0]:
        raise ValueError(
            "Found input variables with inconsistent numbers of samples: "
            f"[{X.shape[0]}, {y.shape[0]}]"
        )
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 and not multi_output:
        raise ValueError(
            f"y should be a 1d array, got an array of shape {y.shape} instead."
        )
    if y.dtype.kind == "f" and not all_finite(y):
        raise ValueError("Input y contains NaN or infinity.")
    return X, y


def values_of(value: Any) -> Array:
    """Return the values of a frame or a column in one array; others as they are."""
    if not hasattr(value, "iloc"):
        return value
    return kept("values", (value,), lambda: value.values)


def check_real(array: Array) -> None:
    """Raise if an array on a device has complex numbers, in scikit-learn's words."""
    if array.dtype.kind == "c":
        raise ValueError(f"Complex data not supported: got {array.dtype}")


def all_finite(array: Array) -> bool:
    """Tell whether an array on a device has neither NaN nor infinity."""
    xp = array_namespace(array)
    values = array.data if hasattr(array, "indptr") else array
    return kept("finite", (array,), lambda: bool(xp.isfinite(values).all()))
