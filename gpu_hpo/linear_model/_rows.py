# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a user passes as X, y and sample_weight, as the rows that lanes train on."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.utils import compute_class_weight
from sklearn.utils.validation import validate_data

from gpu_hpo._sklearn_private import _check_partial_fit_first_call, _check_sample_weight
from gpu_hpo._typing import Array, ArrayLike
from gpu_hpo.devices._kept import kept
from gpu_hpo.devices._namespace import array_namespace, is_device_array, to_host
from gpu_hpo.stacks._rows import (
    Rows,
    as_type,
    check_X,
    check_X_y,
    device_weight,
    found_codes,
    on_host,
)


@dataclass(frozen=True)
class LinearRows(Rows):
    """Hold rows to train on; `y` and `weight` are of float64."""

    class_weights: np.ndarray | None = None  # (n_classes,); None for a regressor
    # Coefficients and intercepts that every model begins with, if not with zeros.
    initial: tuple[np.ndarray, np.ndarray] | None = None


def read_rows(
    model: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    classes: ArrayLike | None = None,
    reset: bool,
    fit: bool,
    coef_init: ArrayLike | None = None,
    intercept_init: ArrayLike | None = None,
) -> LinearRows:
    """Do what `gpu_hpo.stacks.read_rows` does; X may be a CSR matrix.

    Weights of rows may be all zero where a classifier is fitted with early stopping.
    `coef_init` and `intercept_init` are as of the estimators' `fit`.
    """
    zero_weights = fit and is_classifier(model) and model.early_stopping
    if fit and is_classifier(model):
        labels = to_host(y) if is_device_array(y) else validate_data(model, y=y)
        classes = np.unique(labels)
        model.__dict__.pop("classes_", None)
    X, y = check_X_y(
        model,
        X,
        y,
        reset=reset,
        on_device={"accept_sparse": True},
        accept_sparse="csr",
        accept_large_sparse=False,
    )
    class_weights = None
    if is_classifier(model):
        _check_partial_fit_first_call(model, on_host(classes))
        target, complete = found_codes(model.classes_, y, X)
        class_weights = _class_weights(model, y, complete)
    else:
        target = as_type(y, X.dtype)
    weight = read_weight(X, sample_weight, zero_weights)
    if is_classifier(model) and len(model.classes_) < 2:
        raise ValueError(
            "The number of classes has to be greater than one; got "
            f"{len(model.classes_)} class"
        )
    initial = None
    if reset and not (coef_init is None and intercept_init is None):
        initial = _initial(model, X, coef_init, intercept_init)
    return LinearRows(X, as_type(target, np.float64), weight, class_weights, initial)


def read_X(model: Any, X: ArrayLike) -> Array:
    """Check X to predict for."""
    return check_X(model, X, sparse=True, accept_sparse="csr")


def _initial(
    model: Any, X: Array, coef_init: ArrayLike | None, intercept_init: ArrayLike | None
) -> tuple[np.ndarray, np.ndarray]:
    """Check initial weights, with scikit-learn's words; gives arrays on the host."""
    checked = copy.copy(model)
    checked._allocate_parameter_mem(
        n_classes=len(getattr(model, "classes_", [0])),
        n_features=X.shape[1],
        input_dtype=np.dtype(X.dtype.str),
        coef_init=None if coef_init is None else to_host(coef_init),
        intercept_init=None if intercept_init is None else to_host(intercept_init),
    )
    return checked.coef_, checked.intercept_


def _class_weights(model: Any, y: Array, complete: bool) -> np.ndarray:
    """Compute the weight of each class; raise if y is not `complete`: has others."""
    plain = model.class_weight is None or len(model.class_weight) == 0
    if plain and complete:
        return np.ones(len(model.classes_))
    return compute_class_weight(
        model.class_weight, classes=model.classes_, y=to_host(y)
    )


def read_weight(X: Array, weight: Any, zeros: bool) -> Array | None:
    """Check weights of rows, of float64; None if they are all alike."""
    if weight is None:
        return None
    if not is_device_array(X):
        # Both on the host, else an error says so.
        array_namespace(X, weight)
        weight = _check_sample_weight(
            weight, X, dtype=X.dtype, allow_all_zero_weights=zeros
        )
        return weight.astype(np.float64)

    def read() -> Array:
        found = device_weight(X, weight)
        if not zeros and not bool(found.any()):
            raise ValueError(
                "Sample weights must contain at least one non-zero number."
            )
        return found.astype("f8")

    if not is_device_array(weight):
        return read()
    return kept(("weight", zeros, X.shape[0]), (weight,), read)
