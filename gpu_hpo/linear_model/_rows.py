# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a user passes as X, y and sample_weight, as the rows that lanes train on."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import validate_data

from gpu_hpo._sklearn_private import _check_partial_fit_first_call, _check_sample_weight
from gpu_hpo.devices import (
    array_namespace,
    is_device_array,
    to_host,
    validate_device_data,
)
from gpu_hpo.linear_model._lanes import Rows


def read_rows(
    model: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    classes: Any = None,
    *,
    reset: bool,
    zero_weights: bool = False,
) -> tuple[Rows, Any]:
    """Check data as scikit-learn does, and note on `model` what it says of itself.

    Parameters
    ----------
    model : SGDClassifier or SGDRegressor
        Gets ``n_features_in_`` and, if a classifier that has none, ``classes_``.
    X : array-like or sparse matrix of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    sample_weight : array-like of shape (n_samples,), or None
    classes : array-like of shape (n_classes,), or None
    reset : bool
        Whether the model begins anew.
    zero_weights : bool
        Whether all weights may be zero.

    Returns
    -------
    rows : Rows
    class_weights : ndarray of shape (n_classes,), or None
        None for a regressor.

    Raises
    ------
    ValueError
        With scikit-learn's words.
    """
    if is_device_array(X):
        X, y = validate_device_data(model, X, y, reset=reset, accept_sparse=True)
    else:
        X, y = validate_data(
            model,
            X,
            y,
            accept_sparse="csr",
            dtype=[np.float64, np.float32],
            order="C",
            accept_large_sparse=False,
            y_numeric=not is_classifier(model),
            reset=reset,
        )
    xp = array_namespace(X)
    if not is_classifier(model):
        weight = _check_weight(X, sample_weight, zero_weights)
        return Rows(X, y.astype(X.dtype).astype(np.float64), weight), None
    _check_partial_fit_first_call(model, classes)
    codes = _codes(xp, model.classes_, y)
    class_weights = _class_weights(model, y, codes)
    weight = _check_weight(X, sample_weight, zero_weights)
    if len(model.classes_) < 2:
        raise ValueError(
            "The number of classes has to be greater than one; got "
            f"{len(model.classes_)} class"
        )
    return Rows(X, codes.astype(np.float64), weight), class_weights


def read_X(model: Any, X: Any) -> Any:
    """Check X to predict for."""
    if is_device_array(X):
        return validate_device_data(model, X, reset=False, accept_sparse=True)[0]
    return validate_data(model, X, accept_sparse="csr", reset=False)


def _codes(xp: Any, classes: Any, y: Any) -> Any:
    """Where in `classes` each label is; -1 if it is not."""
    if xp is not np:
        classes = xp.asarray(classes)
    codes = xp.minimum(xp.searchsorted(classes, y), len(classes) - 1)
    return xp.where(classes[codes] == y, codes, -1)


def _class_weights(model: Any, y: Any, codes: Any) -> Any:
    """Weight of each class; says so if y has others."""
    plain = model.class_weight is None or len(model.class_weight) == 0
    if plain and not bool((codes < 0).any()):
        return np.ones(len(model.classes_))
    return compute_class_weight(
        model.class_weight, classes=model.classes_, y=to_host(y)
    )


def _check_weight(X: Any, weight: Any, zeros: bool) -> Any:
    """Weights of rows, of float64; None if they are all alike."""
    if weight is None:
        return None
    xp = array_namespace(X)
    if xp is np:
        weight = _check_sample_weight(
            weight, X, dtype=X.dtype, allow_all_zero_weights=zeros
        )
    else:
        weight = xp.asarray(weight)
        if weight.ndim == 0:
            weight = xp.full(X.shape[0], weight)
        if weight.shape != (X.shape[0],):
            raise ValueError(
                f"sample_weight.shape == {weight.shape}, expected {(X.shape[0],)}!"
            )
        if not zeros and not bool(weight.any()):
            raise ValueError(
                "Sample weights must contain at least one non-zero number."
            )
    return weight.astype(xp.float64)
