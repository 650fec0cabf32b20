# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a user passes as X, y and sample_weight, as the rows that networks train on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.base import is_classifier
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from gpu_hpo._sklearn_private import _check_partial_fit_first_call, _check_sample_weight
from gpu_hpo._typing import Array, ArrayLike
from gpu_hpo.devices._namespace import array_namespace, is_device_array, to_host
from gpu_hpo.stacks._rows import (
    Rows,
    as_type,
    check_X_y,
    device_weight,
    found_codes,
    on_host,
)


@dataclass(frozen=True)
class NetworkRows(Rows):
    """Hold rows to train on, of one float type.

    `y` has the outputs wanted: the targets, or one column that says which of two
    classes. Of more classes than two, it has the number of each row's class.
    """

    n_outputs: int
    target: Array  # y as it was given

    PER_ROW = (*Rows.PER_ROW, "target")


def read_rows(
    model: Any,
    X: Any,
    y: Any,
    sample_weight: Any,
    *,
    classes: ArrayLike | None = None,
    reset: bool,
    fit: bool,
) -> NetworkRows:
    """Do what `gpu_hpo.stacks.read_rows` does, for one output per row or for several.

    X may be a sparse matrix, which is made dense.
    """
    if is_classifier(model) and not fit:
        _note_classes(model, y, classes)
    X, y = check_X_y(
        model,
        X,
        y,
        reset=reset,
        on_device={"multi_output": True},
        accept_sparse=["csr", "csc"],
        multi_output=True,
    )
    if not is_device_array(X):
        if y.ndim == 2 and y.shape[1] == 1:
            y = column_or_1d(y, warn=True)
        if sample_weight is not None:
            # Both on the host, else an error says so.
            array_namespace(X, sample_weight)
            sample_weight = _check_sample_weight(sample_weight, X, dtype=X.dtype)
    elif sample_weight is not None:
        sample_weight = as_type(device_weight(X, sample_weight), X.dtype)
    if scipy.sparse.issparse(X):
        X = X.toarray()
    if is_classifier(model) and fit:
        _find_classes(model, y, again=not reset)
    wanted, n_outputs = _wanted(model, y, X)
    if not reset and n_outputs != model.n_outputs_:
        raise ValueError(
            f"y has {n_outputs} outputs, but {type(model).__name__} is expecting "
            f"{model.n_outputs_} outputs."
        )
    return NetworkRows(X, wanted, sample_weight, n_outputs, y)


def _wanted(model: Any, y: Array, X: Array) -> tuple[Array, int]:
    """Give what `NetworkRows.y` is, and the number of outputs."""
    dtype = X.dtype
    if not is_classifier(model):
        Y = as_type(y, dtype).reshape(len(y), -1)
        return Y, Y.shape[1]
    multilabel = model._label_binarizer.y_type_.startswith("multilabel")
    if y.ndim == 2 and not multilabel:
        raise ValueError("The object was not fitted with multilabel input.")
    if y.ndim == 1 and multilabel:
        raise ValueError("The object was fitted with multilabel input.")
    if multilabel:
        return as_type(y, dtype), y.shape[1]
    codes = _codes(model, y, X)
    n_classes = len(model.classes_)
    if n_classes > 2:
        return codes, n_classes
    return as_type(codes, dtype)[:, None], 1


def _note_classes(model: Any, y: ArrayLike, classes: ArrayLike | None) -> None:
    """Set the classes of a model at its first call of `partial_fit`."""
    classes = on_host(classes)
    if _check_partial_fit_first_call(model, classes):
        model._label_binarizer = LabelBinarizer()
        if not is_device_array(y) and type_of_target(y).startswith("multilabel"):
            model._label_binarizer.fit(y)
        else:
            model._label_binarizer.fit(to_host(classes))


def _find_classes(model: Any, y: Array, again: bool) -> None:
    """Set or check the classes of a model that is fitted to y."""
    y = to_host(y)
    check_classification_targets(y)
    if again:
        found = np.unique(y)
        if y.ndim == 1 and set(found) != set(model.classes_):
            raise ValueError(
                "warm_start can only be used where `y` has the same classes as in the "
                f"previous call to fit. Previously got {model.classes_}, `y` has "
                f"{found}"
            )
        return
    model._label_binarizer = LabelBinarizer().fit(y)
    model.classes_ = model._label_binarizer.classes_


def _codes(model: Any, y: Array, X: Array) -> Array:
    """Find where in the classes of a model each label is."""
    codes, complete = found_codes(model.classes_, y, X)
    if not complete:
        raise ValueError(
            "`y` has classes not in `self.classes_`. "
            f"`self.classes_` has {model.classes_}. 'y' has {np.unique(to_host(y))}."
        )
    return codes
