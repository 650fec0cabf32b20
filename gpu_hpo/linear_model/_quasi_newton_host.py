# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Penalised logistic regression on the host, by L-BFGS-B."""

from __future__ import annotations

import warnings
from typing import NamedTuple, Protocol

import numpy as np
from scipy.optimize import Bounds, minimize
from scipy.special import expit, log_softmax
from sklearn.exceptions import ConvergenceWarning

from gpu_hpo._typing import Array


class Problem(NamedTuple):
    """Say what to minimise: mean loss + l1 * |coef|_1 + l2 / 2 * |coef|_2^2.

    The loss is the logistic one of two classes, and that of softmax of more. Its mean
    is weighted, and the intercept is not penalised.
    """

    X: Array  # (n_samples, n_features), may be CSR
    codes: Array  # (n_samples,), of the classes
    weight: Array | None  # (n_samples,), or None
    total: float  # sum of the weights
    classes: np.ndarray  # sorted
    l1: float
    l2: float


class Solution(NamedTuple):
    """Hold weights that are found, or to begin with."""

    coef: Array  # (n_classes, n_features); one row for two classes
    intercept: Array  # (n_classes,) or (1,)
    n_iter: int = 0


class SolverParams(Protocol):
    """The parameters of `QNClassifier` that say how a solver proceeds."""

    fit_intercept: bool
    max_iter: int
    tol: float
    delta: float | None
    linesearch_max_iter: int
    lbfgs_memory: int
    verbose: int | bool


def minimize_on_host(
    problem: Problem, start: Solution | None, model: SolverParams
) -> Solution:
    """Minimise by L-BFGS-B, from zeros without a `start`, in the rows' precision.

    With an L1 penalty each weight is a positive part less a negative one, which makes
    the penalty linear, and many weights exactly zero. scikit-learn's solver for that,
    SAGA, begins each fit with wrong gradients of all rows, so that warm fits of a few
    epochs get away from the solution again and again.
    """
    X, l1, fit_intercept = problem.X, problem.l1, model.fit_intercept
    n_outputs = 1 if len(problem.classes) == 2 else len(problem.classes)
    shape = n_outputs, X.shape[1]
    if start is None:
        start = Solution(np.zeros(shape), np.zeros(n_outputs))
    parts = [start.coef] if not l1 else [start.coef, -start.coef]
    first = [part.ravel() if not l1 else part.ravel().clip(0) for part in parts]
    if fit_intercept:
        first.append(start.intercept)
    n_coefs = len(parts) * shape[0] * shape[1]

    def weights(flat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        halves = flat[:n_coefs].reshape(-1, *shape)
        coef = halves[0] - halves[1] if l1 else halves[0]
        return coef, flat[n_coefs:] if fit_intercept else np.zeros(n_outputs)

    def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
        value, gradient, intercept_gradient = _loss(problem, *weights(flat))
        slopes = [gradient.ravel()]
        if l1:
            value += l1 * flat[:n_coefs].sum()
            slopes = [l1 + slopes[0], l1 - slopes[0]]
        if fit_intercept:
            slopes.append(intercept_gradient)
        return value, np.concatenate(slopes)

    flat = np.concatenate(first).astype(np.float64)
    bounds = None
    if l1:
        bounds = Bounds(np.where(np.arange(len(flat)) < n_coefs, 0, -np.inf), np.inf)
    options = {
        "maxiter": model.max_iter,
        "maxfun": model.max_iter * (model.linesearch_max_iter + 1) + 1,
        "maxls": model.linesearch_max_iter,
        "maxcor": model.lbfgs_memory,
        "gtol": model.tol,
        "ftol": 64 * np.finfo(float).eps,  # as of scikit-learn
    }
    found = minimize(
        loss, flat, method="L-BFGS-B", jac=True, bounds=bounds, options=options
    )
    if found.status != 0:
        warnings.warn(
            f"L-BFGS did not converge after {found.nit} iteration(s): {found.message}. "
            "Consider increasing max_iter, or scaling the data.",
            ConvergenceWarning,
        )
    coef, intercept = (part.astype(X.dtype) for part in weights(found.x))
    return Solution(coef, intercept, found.nit)


def _loss(
    problem: Problem, coef: np.ndarray, intercept: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Compute mean loss and L2 penalty, and their gradient by both weights."""
    X, codes = problem.X, problem.codes
    # In the rows' precision, as else they would be copied for each product.
    scores = (X @ coef.T.astype(X.dtype)).astype(np.float64) + intercept
    if len(problem.classes) == 2:
        score = scores[:, 0]
        losses = np.logaddexp(0, score) - codes * score
        slopes = (expit(score) - codes)[:, None]
    else:
        rows = np.arange(len(codes))
        log_p = log_softmax(scores, axis=1)
        losses = -log_p[rows, codes]
        slopes = np.exp(log_p)
        slopes[rows, codes] -= 1
    if problem.weight is not None:
        losses = losses * problem.weight
        slopes = slopes * problem.weight[:, None]
    slopes /= problem.total
    value = losses.sum() / problem.total + problem.l2 / 2 * (coef**2).sum()
    gradient = (X.T @ slopes.astype(X.dtype)).T + problem.l2 * coef
    return float(value), gradient, slopes.sum(axis=0)
