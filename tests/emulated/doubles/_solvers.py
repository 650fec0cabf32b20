# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Stand in for libcuml's linear models, with scikit-learn's on the same memory.

The layouts of structures are those of the headers that cuML's wheel contains.
"""

import ctypes
import warnings
from contextlib import nullcontext
from typing import Any

import numpy as np
import scipy.sparse
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import (
    ElasticNet,
    LinearRegression,
    LogisticRegression,
    Ridge,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.svm import SVC, SVR, LinearSVC, LinearSVR

from tests.emulated.doubles._native import Pointer, disturbed

# A model of scikit-learn's, with what it warns of to tell whether it has converged.
_Fitted = tuple[Any, bool]


def _fitted(model: Any, *args: Any, **params: Any) -> _Fitted:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(*args, **params)
    late = any(issubclass(warning.category, ConvergenceWarning) for warning in caught)
    return model, not late


def _vector(pointer: Pointer | None, n: int) -> np.ndarray | None:
    return None if pointer is None else pointer.array(n).copy()


# ---- quasi-Newton: logistic regression, and least squares with an L1 penalty ----


class _QNParams(ctypes.Structure):
    _fields_ = [
        ("loss", ctypes.c_int),
        ("penalty_l1", ctypes.c_double),
        ("penalty_l2", ctypes.c_double),
        ("grad_tol", ctypes.c_double),
        ("change_tol", ctypes.c_double),
        ("max_iter", ctypes.c_int),
        ("linesearch_max_iter", ctypes.c_int),
        ("lbfgs_memory", ctypes.c_int),
        ("verbose", ctypes.c_int),
        ("fit_intercept", ctypes.c_bool),
        ("penalty_normalized", ctypes.c_bool),
    ]


_LOGISTIC, _SQUARED, _SOFTMAX = 0, 1, 2


def qn_fit(
    handle: Pointer,
    params: Pointer,
    X: Pointer,
    column_major: bool,
    y: Pointer,
    n_rows: int,
    n_columns: int,
    n_classes: int,
    weights: Pointer,
    objective: Pointer,
    n_iter: Pointer,
    sample_weight: Pointer | None,
    epsilon: float,
) -> None:
    """Minimize a loss with penalties from where `weights` are."""
    rows = X.array(n_rows, n_columns, order="F" if column_major else "C")
    given = params, n_classes, weights, objective, n_iter, sample_weight
    _minimize(rows, y.array(n_rows), *given)


def qn_fit_sparse(
    handle: Pointer,
    params: Pointer,
    values: Pointer,
    columns: Pointer,
    starts: Pointer,
    n_values: int,
    y: Pointer,
    n_rows: int,
    n_columns: int,
    n_classes: int,
    weights: Pointer,
    objective: Pointer,
    n_iter: Pointer,
    sample_weight: Pointer | None,
    epsilon: float,
) -> None:
    """Do so with rows in a CSR matrix."""
    parts = values.array(n_values), columns.array(n_values), starts.array(n_rows + 1)
    rows = scipy.sparse.csr_matrix(parts, (n_rows, n_columns))
    given = params, n_classes, weights, objective, n_iter, sample_weight
    _minimize(rows, y.array(n_rows), *given)


def _minimize(
    rows: Any,
    y: np.ndarray,
    params: Pointer,
    n_classes: int,
    weights: Pointer,
    objective: Pointer,
    n_iter: Pointer,
    sample_weight: Pointer | None,
) -> None:
    given: _QNParams = params.struct(_QNParams)
    n_rows, n_columns = rows.shape
    n_outputs = n_classes if given.loss == _SOFTMAX else 1
    table = weights.array(n_columns + given.fit_intercept, n_outputs)
    # As tests/gpu/test_quasi_newton.py shows of libcuml.
    row_weights = None if given.loss == _SOFTMAX else _vector(sample_weight, n_rows)
    # libcuml's loss is a mean over rows.
    scale = 1 if given.penalty_normalized else n_rows
    l1, l2 = scale * given.penalty_l1, scale * given.penalty_l2
    strength = l1 + l2
    options = {
        "fit_intercept": given.fit_intercept,
        "max_iter": given.max_iter,
        "tol": given.grad_tol,
        "warm_start": True,
    }
    if given.loss in (_LOGISTIC, _SOFTMAX):
        model = LogisticRegression(
            C=1 / strength if strength else np.inf,
            l1_ratio=l1 / strength if strength else 0.0,
            solver="saga" if l1 else "lbfgs",
            random_state=0,
            **options,
        )
        target: Any = y.astype(np.int64)
    elif given.loss == _SQUARED:
        alpha, ratio = strength / n_rows, l1 / strength if strength else 0.0
        model = ElasticNet(alpha=alpha, l1_ratio=ratio, **options)
        target = y
    else:
        raise NotImplementedError(f"loss {given.loss} of QN has no double")
    if table.any():
        model.coef_ = table[:n_columns].T.copy()
        model.intercept_ = table[n_columns:].ravel().copy()
        if not given.fit_intercept:
            model.intercept_ = np.zeros(n_outputs, table.dtype)
        model.classes_ = np.arange(max(n_classes, 2))
    model, converged = _fitted(model, rows, target, sample_weight=row_weights)
    table[:n_columns] = np.reshape(model.coef_, (n_outputs, n_columns)).T
    if given.fit_intercept:
        table[n_columns:] = model.intercept_
    objective.set(0.0)
    # libcuml counts one more where it has not converged.
    n_iter.set(int(np.max(model.n_iter_)) if converged else given.max_iter + 1)


# ---- least squares, and by coordinates ----


def ridge_fit(
    handle: Pointer,
    X: Pointer,
    n_rows: int,
    n_columns: int,
    y: Pointer,
    alpha: Pointer,
    n_alpha: int,
    coef: Pointer,
    intercept: Pointer,
    fit_intercept: bool,
    algorithm: int,
    sample_weight: Pointer | None,
) -> None:
    """Solve a ridge regression."""
    model = Ridge(float(alpha.array(1)[0]), fit_intercept=fit_intercept)
    _least_squares(model, X, n_rows, n_columns, y, coef, intercept, sample_weight)


def ols_fit(
    handle: Pointer,
    X: Pointer,
    n_rows: int,
    n_columns: int,
    y: Pointer,
    coef: Pointer,
    intercept: Pointer,
    fit_intercept: bool,
    algorithm: int,
    sample_weight: Pointer | None,
) -> None:
    """Solve a regression without a penalty."""
    model = LinearRegression(fit_intercept=fit_intercept)
    _least_squares(model, X, n_rows, n_columns, y, coef, intercept, sample_weight)


def cd_fit(
    handle: Pointer,
    X: Pointer,
    n_rows: int,
    n_columns: int,
    y: Pointer,
    coef: Pointer,
    intercept: Pointer,
    fit_intercept: bool,
    epochs: int,
    loss: int,
    alpha: float,
    l1_ratio: float,
    shuffle: bool,
    tol: float,
    sample_weight: Pointer | None,
) -> int:
    """Solve by coordinate descent; return the number of rounds."""
    model = ElasticNet(
        alpha=alpha,
        l1_ratio=l1_ratio,
        fit_intercept=fit_intercept,
        max_iter=epochs,
        tol=tol,
        selection="random" if shuffle else "cyclic",
        random_state=0,
    )
    given = X, n_rows, n_columns, y, coef, intercept, sample_weight
    _least_squares(model, *given, disturb=fit_intercept)
    return int(model.n_iter_)


def _least_squares(
    model: Any,
    X: Pointer,
    n_rows: int,
    n_columns: int,
    y: Pointer,
    coef: Pointer,
    intercept: Pointer,
    sample_weight: Pointer | None,
    disturb: bool = False,
) -> None:
    rows, targets = X.array(n_rows, n_columns, order="F"), y.array(n_rows)
    given = rows.copy(order="F"), targets.copy()
    with disturbed(rows, targets) if disturb else nullcontext():
        _fitted(model, *given, _vector(sample_weight, n_rows))
    coef.array(n_columns)[:] = model.coef_
    intercept.set(float(model.intercept_))


def linear_predict(
    handle: Pointer,
    X: Pointer,
    n_rows: int,
    n_columns: int,
    coef: Pointer,
    intercept: float,
    answers: Pointer,
    loss: int,
) -> None:
    """Predict numbers by a linear model."""
    rows = X.array(n_rows, n_columns, order="F")
    answers.array(n_rows)[:] = rows @ coef.array(n_columns) + intercept


# ---- stochastic gradient descent ----


def sgd_fit(
    handle: Pointer,
    X: Pointer,
    n_rows: int,
    n_columns: int,
    y: Pointer,
    coef: Pointer,
    intercept: Pointer,
    fit_intercept: bool,
    batch_size: int,
    epochs: int,
    learning_rate: int,
    eta0: float,
    power_t: float,
    loss: int,
    penalty: int,
    alpha: float,
    l1_ratio: float,
    shuffle: bool,
    tol: float,
    n_iter_no_change: int,
) -> None:
    """Descend row by row, since scikit-learn has no batches."""
    options = {
        "loss": ("squared_error", "log_loss", "hinge")[loss],
        "penalty": (None, "l1", "l2", "elasticnet")[penalty],
        "alpha": alpha,
        "l1_ratio": l1_ratio,
        "fit_intercept": fit_intercept,
        "max_iter": epochs,
        "tol": tol,
        "shuffle": shuffle,
        "random_state": 0,
        "learning_rate": ("optimal", "constant", "invscaling", "adaptive")[
            learning_rate
        ],
        "eta0": eta0,
        "power_t": power_t,
        "n_iter_no_change": n_iter_no_change,
    }
    model = SGDRegressor(**options) if loss == 0 else SGDClassifier(**options)
    rows, target = X.array(n_rows, n_columns, order="F"), y.array(n_rows)
    given = rows.copy(order="F"), target.copy()
    with disturbed(rows) if fit_intercept else nullcontext():
        _fitted(model, *given)
    coef.array(n_columns)[:] = np.ravel(model.coef_)
    intercept.set(float(np.ravel(model.intercept_)[0]))


# ---- support vectors ----


class _LinearSVMParams(ctypes.Structure):
    _fields_ = [
        ("penalty", ctypes.c_int),
        ("loss", ctypes.c_int),
        ("fit_intercept", ctypes.c_bool),
        ("penalized_intercept", ctypes.c_bool),
        ("max_iter", ctypes.c_int),
        ("linesearch_max_iter", ctypes.c_int),
        ("lbfgs_memory", ctypes.c_int),
        ("verbose", ctypes.c_int),
        ("C", ctypes.c_double),
        ("grad_tol", ctypes.c_double),
        ("change_tol", ctypes.c_double),
        ("epsilon", ctypes.c_double),
    ]


def linear_svm_fit(
    handle: Pointer,
    params: Pointer,
    n_rows: int,
    n_columns: int,
    n_classes: int,
    classes: Pointer | None,
    X: Pointer,
    y: Pointer,
    sample_weight: Pointer | None,
    weights: Pointer,
) -> int:
    """Fit one linear machine per class; return the number of iterations."""
    given: _LinearSVMParams = params.struct(_LinearSVMParams)
    options = {
        "loss": (
            "hinge",
            "squared_hinge",
            "epsilon_insensitive",
            "squared_epsilon_insensitive",
        )[given.loss],
        "fit_intercept": given.fit_intercept,
        "max_iter": given.max_iter,
        "C": given.C,
        "random_state": 0,
    }
    if n_classes:
        model = LinearSVC(penalty=("l1", "l2")[given.penalty], dual="auto", **options)
    else:
        model = LinearSVR(epsilon=given.epsilon, dual="auto", **options)
    rows = X.array(n_rows, n_columns, order="F")
    _fitted(model, rows, y.array(n_rows), _vector(sample_weight, n_rows))
    n_outputs = n_classes if n_classes > 2 else 1
    table = weights.array(n_outputs, n_columns + given.fit_intercept, order="F")
    table[:, :n_columns] = np.reshape(model.coef_, (n_outputs, n_columns))
    if given.fit_intercept:
        table[:, n_columns:] = np.reshape(model.intercept_, (n_outputs, 1))
    return int(model.n_iter_)


class _SVMParams(ctypes.Structure):
    _fields_ = [
        ("C", ctypes.c_double),
        ("cache_size", ctypes.c_double),
        ("max_outer_iter", ctypes.c_int),
        ("max_iter", ctypes.c_int),
        ("nochange_steps", ctypes.c_int),
        ("tol", ctypes.c_double),
        ("verbosity", ctypes.c_int),
        ("epsilon", ctypes.c_double),
        ("kind", ctypes.c_int),
    ]


class _Kernel(ctypes.Structure):
    _fields_ = [
        ("kernel", ctypes.c_int),
        ("degree", ctypes.c_int),
        ("gamma", ctypes.c_double),
        ("coef0", ctypes.c_double),
    ]

    @property
    def options(self) -> dict[str, Any]:
        """Parameters of scikit-learn's machines."""
        names = ("linear", "poly", "rbf", "sigmoid", "precomputed")
        return {
            "kernel": names[self.kernel],
            "degree": self.degree,
            "gamma": self.gamma,
            "coef0": self.coef0,
        }


def _model_of(number: type) -> type[ctypes.Structure]:
    class Model(ctypes.Structure):
        _fields_ = [
            ("n_support", ctypes.c_int),
            ("n_columns", ctypes.c_int),
            ("b", number),
            ("dual_coefs", ctypes.c_void_p),
            ("nnz", ctypes.c_int),
            ("indptr", ctypes.c_void_p),
            ("indices", ctypes.c_void_p),
            ("data", ctypes.c_void_p),
            ("support_idx", ctypes.c_void_p),
            ("n_classes", ctypes.c_int),
            ("unique_labels", ctypes.c_void_p),
        ]

    return Model


_SINGLE, _DOUBLE = _model_of(ctypes.c_float), _model_of(ctypes.c_double)
_arrays: dict[int, list[np.ndarray]] = {}  # by the model that owns them


def svm_fit(
    handle: Pointer,
    X: Pointer,
    n_rows: int,
    n_columns: int,
    y: Pointer,
    params: Pointer,
    kernel: Pointer,
    model: Pointer,
    sample_weight: Pointer | None,
) -> int:
    """Fit a machine, whose arrays live until `svm_free`."""
    given: _SVMParams = params.struct(_SVMParams)
    options = {
        **kernel.struct(_Kernel).options,
        "C": given.C,
        "tol": given.tol,
        "max_iter": given.max_iter,
    }
    fitted = (
        SVC(**options) if given.kind == 0 else SVR(epsilon=given.epsilon, **options)
    )
    rows = X.array(n_rows, n_columns, order="F")
    _fitted(fitted, rows, y.array(n_rows), _vector(sample_weight, n_rows))
    dtype = X.dtype
    support = fitted.support_.astype(np.int32)
    arrays = [
        np.ravel(fitted.dual_coef_).astype(dtype),
        support,
        np.asfortranarray(rows[support], dtype),
    ]
    _arrays[model.address] = arrays
    made = model.struct(_SINGLE if dtype == np.float32 else _DOUBLE)
    made.n_support, made.n_columns, made.nnz = len(support), n_columns, -1
    made.b = float(fitted.intercept_[0])
    made.dual_coefs, made.support_idx, made.data = (
        array.ctypes.data for array in arrays
    )
    return int(np.max(fitted.n_iter_))


def svm_free(handle: Pointer, model: Pointer) -> None:
    """Give a machine's arrays back."""
    _arrays.pop(model.address, None)


def svm_predict(
    handle: Pointer,
    X: Pointer,
    n_rows: int,
    n_columns: int,
    kernel: Pointer,
    model: Pointer,
    answers: Pointer,
    cache: float,
    classes: bool,
) -> None:
    """Compute the decision function."""
    from sklearn.metrics.pairwise import pairwise_kernels

    given = kernel.struct(_Kernel).options
    fitted = model.struct(_SINGLE if X.dtype == np.float32 else _DOUBLE)
    rows = X.array(n_rows, n_columns, order="F")
    if fitted.nnz != -1:
        raise NotImplementedError("sparse support vectors have no double")
    kind, n = X.kind, fitted.n_support
    name = given.pop("kernel")
    if name == "precomputed":
        support = (ctypes.c_int * n).from_address(fitted.support_idx or 0)
        table = rows[:, np.asarray(support)]
    else:
        vectors = Pointer(fitted.data, kind).array(n, fitted.n_columns, order="F")
        table = pairwise_kernels(
            rows, vectors, metric=name, filter_params=True, **given
        )
    dual = Pointer(fitted.dual_coefs, kind).array(n)
    answers.array(n_rows)[:] = table @ dual + fitted.b


FUNCTIONS = {
    "ML::GLM::qnFit": qn_fit,
    "ML::GLM::qnFitSparse": qn_fit_sparse,
    "ML::GLM::ridgeFit": ridge_fit,
    "ML::GLM::olsFit": ols_fit,
    "ML::Solver::cdFit": cd_fit,
    "ML::Solver::cdPredict": linear_predict,
    "ML::Solver::sgdFit": sgd_fit,
    "ML::Solver::sgdPredict": linear_predict,
    "ML::SVM::linear::fit": linear_svm_fit,
    "ML::SVM::svcFit": svm_fit,
    "ML::SVM::svrFit": svm_fit,
    "ML::SVM::svcPredict": svm_predict,
    "ML::SVM::svmFreeBuffers": svm_free,
}
