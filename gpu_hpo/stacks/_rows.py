# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Read X, y and sample_weight into the rows that a stack trains on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from types import ModuleType
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt
from sklearn.base import is_classifier
from sklearn.metrics import accuracy_score, r2_score
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, validate_data

from gpu_hpo._sklearn_private import _check_partial_fit_first_call, _check_sample_weight
from gpu_hpo._typing import Array, ArrayLike
from gpu_hpo.devices._kept import kept
from gpu_hpo.devices._namespace import (
    array_namespace,
    beside,
    is_device_array,
    to_host,
    type_name,
)
from gpu_hpo.devices._validation import (
    all_finite,
    check_real,
    validate_device_data,
    values_of,
)
from gpu_hpo.stacks._row_orders import Orders

FLOATS = [np.float64, np.float32]


@dataclass(frozen=True)
class Rows:
    """Hold rows to train on, on the device that they came on.

    Attributes
    ----------
    X : array or CSR matrix of shape (n_samples, n_features)
    y : array of shape (n_samples,) or (n_samples, n_outputs)
        Targets, or the numbers of classes.
    weight : array of shape (n_samples,), or None
    """

    X: Array
    y: Array
    weight: Array | None

    # Fields with an entry per row, if they are not None.
    PER_ROW: ClassVar[tuple[str, ...]] = ("X", "y", "weight")

    @property
    def sparse(self) -> bool:
        """Tell whether X is a CSR matrix."""
        return hasattr(self.X, "indptr")

    def take(self, rows: Array) -> Self:
        """Take some of the rows."""
        given = {name: getattr(self, name) for name in self.PER_ROW}
        taken = {k: v[beside(v, rows)] for k, v in given.items() if v is not None}
        return replace(self, **taken)


def read_rows(
    model: Any,
    X: Any,
    y: Any,
    sample_weight: Any = None,
    *,
    classes: ArrayLike | None = None,
    reset: bool,
    fit: bool,
) -> Rows:
    """Check dense data as scikit-learn does, for one target or one label per row.

    Parameters
    ----------
    model : estimator
        Gets ``n_features_in_`` and, if a classifier that has none, ``classes_``.
    X : array-like of shape (n_samples, n_features)
    y : array-like of shape (n_samples,)
    sample_weight : array-like of shape (n_samples,), or None
    classes : array-like of shape (n_classes,), or None
        As given to `partial_fit`.
    reset : bool
        Whether the model begins anew.
    fit : bool
        Whether y has all classes.

    Returns
    -------
    Rows
        With numbers of classes as `y` if the model is a classifier.

    Raises
    ------
    ValueError
        With scikit-learn's words.
    """
    X, y = check_X_y(model, X, y, reset=reset)
    classes = on_host(classes)
    if sample_weight is not None and is_device_array(X):
        sample_weight = device_weight(X, sample_weight).astype(X.dtype)
    elif sample_weight is not None:
        array_namespace(X, sample_weight)
        sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype)
    if not is_classifier(model):
        return Rows(X, as_type(y, X.dtype), sample_weight)
    if fit and reset:
        model.classes_ = np.unique(to_host(y))
    elif not fit:
        _check_partial_fit_first_call(model, classes)
    codes, complete = found_codes(model.classes_, y, X)
    if not complete:
        raise ValueError(f"y has labels that are not in classes_ = {model.classes_}")
    return Rows(X, codes, sample_weight)


def check_X_y(
    model: Any,
    X: ArrayLike,
    y: ArrayLike,
    *,
    reset: bool,
    on_device: dict[str, Any] | None = None,
    **on_host: Any,
) -> tuple[Array, Array]:
    """Check floats and targets or labels, wherever they are.

    Labels that are text are on the host, wherever X is. Options `on_device` go to
    `validate_device_data`, those for the host to scikit-learn's ``validate_data``.
    """
    if is_device_array(X) and is_classifier(model) and is_text(y):
        X, _ = validate_device_data(model, X, reset=reset, **on_device or {})
        return X, read_text(X, y)
    if is_device_array(X) or is_device_array(y):
        return validate_device_data(model, X, y, reset=reset, **on_device or {})
    return validate_data(
        model,
        X,
        y,
        dtype=FLOATS,
        order="C",
        y_numeric=not is_classifier(model),
        reset=reset,
        **on_host,
    )


def is_text(y: Any) -> bool:
    """Tell whether labels are of a kind that no device can hold."""
    if y is None or is_device_array(y):
        return False
    return np.asarray(y).dtype.kind in "OSU"


def read_text(X: Array, y: ArrayLike) -> np.ndarray:
    """Check labels that are text, beside rows that have been checked."""
    labels: Any = column_or_1d(y, warn=True)
    check_classification_targets(labels)
    check_consistent_length(X, labels)
    return labels


def check_X(model: Any, X: ArrayLike, *, sparse: bool = False, **on_host: Any) -> Array:
    """Check X to predict for, wherever it is; on a device it may be `sparse`."""
    if is_device_array(X):
        return validate_device_data(model, X, reset=False, accept_sparse=sparse)[0]
    return validate_data(model, X, reset=False, **on_host)


def on_host(classes: ArrayLike | None) -> ArrayLike | None:
    """Return classes that a user has given, on the host."""
    return to_host(classes) if is_device_array(classes) else classes


def check_side(model: Any, xp: ModuleType, X: Array) -> None:
    """Refuse rows that are not where a model was trained before."""
    if array_namespace(X) is not xp:
        raise TypeError(
            f"X is of {type_name(X)}, but {type(model).__name__} has been trained on "
            f"arrays of {xp.__name__}: move X and y with gpu_hpo.devices.to_host or "
            "to_device"
        )


def as_type(array: Array, dtype: npt.DTypeLike) -> Array:
    """Return an array, of a chunk maybe, in another type."""
    if array.dtype == dtype:
        return array
    wanted = np.dtype(dtype).str
    return kept(("type", wanted), (array,), lambda: array.astype(wanted))


def found_codes(classes: np.ndarray, y: Array, X: Array) -> tuple[Array, bool]:
    """Return `class_codes` beside X, and whether each label is one of the classes."""

    def find() -> tuple[Array, bool]:
        codes = class_codes(classes, y)
        return codes, not bool((codes < 0).any())

    if not is_device_array(y):
        codes, complete = find()  # nor is a key made of many classes
        return beside(X, codes), complete
    return kept(("codes", *classes.tolist()), (y,), find)


def class_labels(classes: np.ndarray, codes: Array) -> Array:
    """Return the labels for numbers of classes, where these are.

    Labels that no device can hold, such as strings, are on the host.
    """
    if classes.dtype.kind in "OSU":
        return classes[to_host(codes)]
    return beside(codes, classes)[codes]


def scores_like_mixin(method: Callable[..., Any]) -> Callable[..., Any]:
    """Mark a `score` that is as of scikit-learn's mixins: it needs predictions only.

    A search then computes it for many models at once.
    """
    method.is_of_mixin = True  # type: ignore[attr-defined]
    return method


def score_anywhere(
    theirs: Any, model: Any, X: ArrayLike, y: Any, sample_weight: Any = None
) -> float:
    """Score a model as scikit-learn does, wherever rows, targets and weights are.

    Parameters
    ----------
    theirs : object
        What has scikit-learn's `score`, for data that is all on the host.
    model : estimator
    X, y, sample_weight
        What `score` takes. X is not copied. What a classifier has predicted for rows
        and labels on a device is compared there, anything else on the host.
    """
    if not any(map(is_device_array, (X, y, sample_weight))):
        return theirs.score(X, y, sample_weight)
    predicted = model.predict(X)
    if is_classifier(model) and is_device_array(predicted) and is_device_array(y):
        xp = array_namespace(predicted)
        y = xp.asarray(values_of(y)).ravel()
        if len(y) != len(predicted):
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: "
                f"{[len(y), len(predicted)]}"
            )
        if y.dtype.kind == "f" and not all_finite(y):
            raise ValueError("Input y_true contains NaN or infinity.")
        right = predicted == y
        if sample_weight is None:
            return float(right.mean())
        weight = device_weight(predicted, sample_weight)
        total = float(weight.sum())
        if total == 0:
            raise ValueError(
                "Sample weights must contain at least one non-zero number."
            )
        return float((right * weight).sum()) / total
    metric = accuracy_score if is_classifier(model) else r2_score
    predicted, y = to_host(predicted), to_host(y)
    weight = None if sample_weight is None else to_host(sample_weight)
    return float(metric(y, predicted, sample_weight=weight))


def device_weight(X: Array, weight: Any) -> Array:
    """Check weights of rows that are on a device, wherever the weights are."""
    xp = array_namespace(X)
    weight = xp.asarray(values_of(weight))
    check_real(weight)
    if weight.dtype.kind == "f" and not all_finite(weight):
        raise ValueError("Input sample_weight contains NaN or infinity.")
    if weight.ndim == 0:
        weight = xp.full(X.shape[0], weight)
    if weight.shape != (X.shape[0],):
        raise ValueError(
            f"sample_weight.shape == {weight.shape}, expected {(X.shape[0],)}!"
        )
    return weight


def class_codes(classes: np.ndarray, y: Array) -> Array:
    """Find where in `classes`, which are sorted, each label is; -1 if it is not."""
    xp, n_classes = array_namespace(y), len(classes)
    if xp is not np and classes.dtype.kind in "OSU":
        return xp.full(y.shape, -1)  # numbers are no text
    if classes.dtype.kind == "i":
        classes = classes.astype(np.int64)
    types = y.dtype, classes.dtype
    if np.uint64 in types and {dtype.kind for dtype in types} == {"i", "u"}:
        # NumPy would compare floats, which are rounded, and CuPy no negative numbers.
        outside = y < 0 if y.dtype.kind == "i" else y > np.iinfo(np.int64).max
        codes = class_codes(classes, y.astype(classes.dtype))
        return xp.where(outside, -1, codes)
    if (
        np.can_cast(classes.dtype, np.int64)
        and y.dtype.kind in "iu"
        and y.dtype != np.uint64  # which int64 cannot hold
        and int(classes[-1]) - int(classes[0]) == n_classes - 1
    ):
        # Labels 0, 1, 2 and so on need no search.
        codes = y.astype(xp.int64) - int(classes[0])
        return xp.where((codes < 0) | (codes >= n_classes), -1, codes)
    if xp is not np and classes.dtype.kind not in "OUS":
        classes = xp.asarray(classes)
    codes = xp.minimum(xp.searchsorted(classes, y), n_classes - 1)
    return xp.where(classes[codes] == y, codes, -1)


def batches(
    xp: ModuleType, rows: Rows, orders: Orders | None, size: int
) -> Iterator[Rows]:
    """Cut rows into mini-batches, of which the last may be smaller.

    Parameters
    ----------
    xp : module
        NumPy or CuPy.
    rows : Rows
    orders : tuple of array, or None
        As of `ArrayStack.epoch`.
    size : int

    Yields
    ------
    Rows
        With a leading model axis if models use different orders.
    """
    order, which = orders or (np.arange(rows.X.shape[0])[None], None)
    for start in range(0, order.shape[1], size):
        picked = order[:, start : start + size]
        yield rows.take(xp.asarray(picked[0] if len(order) == 1 else picked[which]))
