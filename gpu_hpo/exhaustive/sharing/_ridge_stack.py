# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fit ridge models of scikit-learn and cuML from one factorisation."""

from __future__ import annotations

import copy
import functools
import math
from collections.abc import Hashable, Sequence
from numbers import Real
from typing import Any

import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils import compute_sample_weight
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import validate_data

from gpu_hpo._sklearn_private import (
    _check_sample_weight,
    validate_parameter_constraints,
)
from gpu_hpo._typing import Array, ArrayLike, Estimator
from gpu_hpo.devices._namespace import array_namespace, is_device_array, to_host
from gpu_hpo.devices._validation import validate_device_data
from gpu_hpo.exhaustive.sharing._ridge_path import centre, solve_path
from gpu_hpo.exhaustive.sharing._shared_fit import NotShared, SharedFit

# Parameters that a direct solver does not use.
_NO_EFFECT = frozenset(
    {"alpha", "copy_X", "max_iter", "random_state", "tol", "verbose"}
)
# Results of other solvers depend on their start and on the order of rows.
_DIRECT = frozenset({"auto", "cholesky", "eig", "svd"})
_FLOATS = [np.float64, np.float32]
# Singular values up to this count as zero, in either library.
_SMALLEST = {"sklearn": 1e-15, "cuml": 1e-10}


def ridge_key(model: Any) -> Hashable | None:
    """Return a key that is equal for models that may share a `RidgeStack`.

    Parameters
    ----------
    model : estimator

    Returns
    -------
    hashable or None
        Models with equal keys differ only in `alpha`, and in parameters without effect.
        None for other estimators, subclasses, iterative solvers, one penalty per
        target, and parameters that `fit` refuses.
    """
    library = _library(model)
    if not library:
        return None
    params = _params(model)
    alpha, solver = params["alpha"], params["solver"]
    try:
        if library == "sklearn":
            validate_parameter_constraints(
                model._parameter_constraints, params, type(model).__name__
            )
        if isinstance(weights := params.get("class_weight"), dict):
            params["class_weight"] = frozenset(weights.items())
        direct = solver in _DIRECT and not params.get("positive", False)
    except (TypeError, ValueError):
        return None
    if not direct or not isinstance(alpha, Real) or not 0 <= float(alpha) < math.inf:
        return None
    return type(model), *(
        params[name] for name in sorted(params) if name not in _NO_EFFECT
    )


class RidgeStack:
    """Models that differ in their penalty, fitted together at the cost of one.

    Parameters
    ----------
    models : sequence of estimators
        Not fitted, of equal `ridge_key`. They are left as they are.

    Attributes
    ----------
    errors : list of (Exception or None)
        Per model, why its own fit failed, if it had to be fitted alone.

    Notes
    -----
    Results equal scikit-learn's except for rounding: for few penalties, ill-conditioned
    rows or ``solver="svd"`` they are computed by the same calls, else by eigenvectors
    (see `solve_path`). So the last bits of a model may depend on how many share its
    stack. A model whose system is singular is fitted by its own `fit`. cuML's models
    get the exact solution, and need rows on the device; scikit-learn's need rows on the
    host.
    """

    # What all models have in common: parameters except the penalty, and attributes that
    # a fit sets from the rows.
    _template: Any
    _coefs: Array
    _intercepts: Array
    _one_target: bool

    def __init__(self, models: Sequence[Estimator]) -> None:
        self._models: list[Any] = list(models)
        self._library = _library(self._models[0])
        self._classifies = self._library == "sklearn" and is_classifier(self._models[0])
        self._alone: dict[int, Estimator] = {}
        self.errors: list[Exception | None] = [None] * len(self._models)

    def __len__(self) -> int:
        return len(self._models)

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | float | None = None
    ) -> RidgeStack:
        """Fit every model.

        Parameters
        ----------
        X : array or frame of shape (n_samples, n_features)
            Is not changed, whatever `copy_X` says.
        y : array-like of shape (n_samples,) or (n_samples, n_targets)
        sample_weight : float or array-like of shape (n_samples,), default=None

        Returns
        -------
        RidgeStack
            This one.

        Raises
        ------
        NotShared
            If the models cannot be fitted together to such rows, or not at all. Each
            model's own `fit` then succeeds, or raises.
        """
        read = self._read_device if self._library == "cuml" else self._read_host
        try:
            rows, targets, weight = read(X, y, sample_weight)
            self._one_target = targets.ndim == 1 and not self._classifies
            targets = targets.astype(rows.dtype)
        except (TypeError, ValueError) as error:
            raise NotShared(str(error)) from error
        if weight is not None and not bool((weight >= 0).all() & (weight > 0).any()):
            raise NotShared("weights that are negative, or all zero")
        alphas = np.array([model.alpha for model in self._models], rows.dtype)
        if not np.isfinite(alphas).all():
            raise NotShared("penalties that are too large for the dtype of the rows")
        targets = targets[:, None] if targets.ndim == 1 else targets
        centred = centre(rows, targets, weight, self._template.fit_intercept)
        self._coefs, failed = solve_path(
            centred,
            alphas,
            by_svd=self._template.solver_ == "svd",
            smallest=_SMALLEST[self._library],
        )
        self._intercepts = None
        if self._template.fit_intercept:
            self._intercepts = centred.y_offset - self._coefs @ centred.X_offset
        self._alone = {}
        self.errors = [None] * len(self)
        for i in failed:
            self._fit_alone(i, X, y, sample_weight)
        return self

    def predict(self, X: ArrayLike) -> Array:
        """Predict with every model.

        Parameters
        ----------
        X : array, frame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_models, n_samples) or (n_models, n_samples, n_targets)
            Labels of a classifier.
        """
        values = self._decide(X)
        if not self._classifies:
            return values
        codes = values.argmax(axis=2) if values.ndim == 3 else (values > 0).astype(int)
        return self._template.classes_[codes]

    @available_if(lambda self: self._classifies)
    def decision_function(self, X: ArrayLike) -> Array:
        """Return the values by which every classifier decides.

        Parameters
        ----------
        X : array, frame or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_models, n_samples) or (n_models, n_samples, n_classes)
            Without the last axis for two classes.
        """
        return self._decide(X)

    def unstack(self) -> list[Estimator]:
        """Return one estimator per model, as if each had been fitted by itself.

        Returns
        -------
        list of estimators
            A model that failed is not fitted.
        """
        intercepts = self._intercepts
        if self._one_target and intercepts is not None:
            # Single numbers are on the host in either library.
            intercepts = to_host(intercepts[:, 0])
        models = []
        for i, model in enumerate(self._models):
            if i in self._alone:
                models.append(copy.copy(self._alone[i]))
                continue
            if self.errors[i] is not None:
                models.append(clone(model))
                continue
            made = copy.copy(self._template)
            for name, value in _params(model).items():
                setattr(made, name, value)
            coefs = self._coefs[i]
            made.coef_ = (coefs[0] if len(coefs) == 1 else coefs).copy()
            made.intercept_ = 0.0 if intercepts is None else intercepts[i].copy()
            models.append(made)
        return models

    def _read_host(
        self, X: Any, y: Any, sample_weight: Any
    ) -> tuple[Array, Array, Array | None]:
        """Read rows as scikit-learn does; a template gets the attributes it sets."""
        if any(map(is_device_array, (X, y, sample_weight))):
            raise NotShared("scikit-learn's models of rows on a device")
        self._template = template = clone(self._models[0])
        X, y = validate_data(
            template,
            X,
            y,
            dtype="numeric" if self._classifies else _FLOATS,
            multi_output=True,
            y_numeric=not self._classifies,
        )
        if X.dtype not in _FLOATS:
            if X.dtype.kind == "f":
                raise NotShared(f"a classifier of rows of {X.dtype}")
            X = X.astype(np.float64)
        weight = None
        if sample_weight is not None:
            weight = _check_sample_weight(sample_weight, X, dtype=X.dtype)
        template.n_iter_ = None
        template.solver_ = "svd" if template.solver == "svd" else "cholesky"
        if not self._classifies:
            return X, y, weight
        if y.ndim != 1:
            raise NotShared("labels in columns")
        binarizer = LabelBinarizer(pos_label=1, neg_label=-1)
        targets = binarizer.fit_transform(y)
        if len(binarizer.classes_) < 2:
            raise NotShared("a single class")
        if template.class_weight:
            of_rows = compute_sample_weight(template.class_weight, y)
            weight = of_rows if weight is None else weight * of_rows
            weight = weight.astype(X.dtype)
        template._label_binarizer = binarizer
        template.classes_ = binarizer.classes_
        return X, targets, weight

    def _read_device(
        self, X: Any, y: Any, sample_weight: Any
    ) -> tuple[Array, Array, Array | None]:
        """Read rows as cuML does; a template gets the attributes it sets."""
        xp = array_namespace(X, y, sample_weight)
        if xp is np or hasattr(X, "tocsr"):
            raise NotShared("cuML's models of rows on the host, or of sparse ones")
        if len(y.shape) == 2 and y.shape[1] == 1:
            raise NotShared("a single target in a column")
        # cuML itself sets attributes for the type of rows, in a fit to a few of them.
        self._template = template = clone(self._models[0])
        template.set_params(alpha=1.0, copy_X=True)
        try:
            template.fit(_head(X), _head(y))
        except Exception as error:
            raise NotShared(str(error)) from error
        if template.solver_ not in _DIRECT:
            raise NotShared(f"solver {template.solver_!r}")
        X, y = validate_device_data(template, X, y, reset=True, multi_output=True)
        weight = None
        if sample_weight is not None:
            weight = getattr(sample_weight, "values", sample_weight)
            weight = xp.broadcast_to(xp.asarray(weight, X.dtype), (len(X),))
        return X, y, weight

    def _fit_alone(self, i: int, X: Any, y: Any, sample_weight: Any) -> None:
        """Fit a model alone, for its solution or its error."""
        model = clone(self._models[i])
        copy_X = model.copy_X
        try:
            model.set_params(copy_X=True).fit(X, y, sample_weight)
        except Exception as error:
            self.errors[i] = error
            self._coefs[i] = np.nan
            return
        self._alone[i] = model.set_params(copy_X=copy_X)
        self._coefs[i] = model.coef_
        if self._intercepts is not None:
            self._intercepts[i] = model.intercept_

    def _decide(self, X: Any) -> Array:
        """Multiply X by the coefficients of all models, at once."""
        if self._library == "cuml":
            X = validate_device_data(self._template, X, reset=False)[0]
            X = X.astype(self._coefs.dtype)
        else:
            sparse = ["csr", "csc", "coo"]
            X = validate_data(self._template, X, accept_sparse=sparse, reset=False)
        n_models, n_targets, n_features = self._coefs.shape
        coefs = self._coefs.reshape(-1, n_features)
        # In both cases the responses of a model are contiguous.
        values = (X @ coefs.T).T if hasattr(X, "tocsr") else coefs @ X.T
        values = values.reshape(n_models, n_targets, -1)
        if self._intercepts is not None:
            values += self._intercepts[:, :, None]
        return values[:, 0] if n_targets == 1 else values.transpose(0, 2, 1)


def _is_ridge(model: Estimator) -> bool:
    """Return whether this is one of the models that `ridge_key` knows."""
    return bool(_library(model))


def _library(model: Estimator) -> str:
    """Return which library's Ridge or RidgeClassifier this is; "" if it is none."""
    kind = type(model)
    module, name = kind.__module__, kind.__name__
    if module.startswith("cuml.linear_model.") and name == "Ridge":
        return "cuml"
    if module.startswith("sklearn.linear_model."):
        # Already imported, since there is such a model.
        from sklearn.linear_model import Ridge, RidgeClassifier

        return "sklearn" if kind in (Ridge, RidgeClassifier) else ""
    return ""


def _params(model: Estimator) -> dict[str, Any]:
    # `get_params` reads the signature each time, which takes longer than all else here.
    kind: Any = type(model)
    return {name: getattr(model, name) for name in _param_names(kind)}


@functools.cache
def _param_names(kind: Any) -> tuple[str, ...]:
    return tuple(kind().get_params(deep=False))


def _head(values: Any) -> Any:
    """Return the first rows, as many as cuML fits a model to."""
    return values.iloc[:2] if hasattr(values, "iloc") else values[:2]


RIDGE = SharedFit(_is_ridge, ridge_key, RidgeStack)
