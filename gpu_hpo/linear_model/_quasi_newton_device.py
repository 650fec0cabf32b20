# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Minimise the loss of a logistic regression on a device, by cuML's solver."""

from __future__ import annotations

import warnings
from types import ModuleType

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from gpu_hpo._typing import Array
from gpu_hpo.devices._namespace import array_namespace, to_host
from gpu_hpo.exceptions import DeviceNotFoundError
from gpu_hpo.linear_model._quasi_newton_host import Problem, Solution, SolverParams


def minimize_on_device(
    problem: Problem, start: Solution | None, model: SolverParams
) -> Solution:
    """Minimise by cuML's ``QN``, from zeros without a `start`, which is changed."""
    try:
        import cuml
        from cuml.solvers import QN
    except ImportError as error:
        raise DeviceNotFoundError(
            f"{type(model).__name__} trains on a GPU where cuML is installed: {error}"
        ) from error
    xp = array_namespace(problem.X)
    X, codes, weight = _with_all_classes(problem)
    if weight is not None:
        # cuML divides the loss by the sum of the weights, but its gradient by the
        # number of rows: make them equal.
        weight = weight * (len(weight) / problem.total)
    solver = QN(
        loss="sigmoid" if len(problem.classes) == 2 else "softmax",
        l1_strength=problem.l1,
        l2_strength=problem.l2,
        # Done already; cuML would divide by the number of rows, not by weights.
        penalty_normalized=False,
        fit_intercept=model.fit_intercept,
        max_iter=model.max_iter,
        tol=model.tol,
        delta=model.delta,
        linesearch_max_iter=model.linesearch_max_iter,
        lbfgs_memory=model.lbfgs_memory,
        warm_start=True,
        verbose=model.verbose or 2,
    )
    # Whatever type of output the user has set for this thread.
    with cuml.using_output_type("cupy"):
        if start is not None:
            solver.coef_, solver.intercept_ = start.coef, start.intercept
        solver.fit(X, codes, sample_weight=weight)
        coef = xp.ascontiguousarray(solver.coef_)
        intercept = xp.array(solver.intercept_)
    # cuML counts one more where it does not converge.
    if solver.n_iter_ > model.max_iter:
        warnings.warn(
            f"QN did not converge in {model.max_iter} iteration(s); consider "
            "increasing max_iter, or scaling the data.",
            ConvergenceWarning,
        )
    return Solution(coef, intercept, min(int(solver.n_iter_), model.max_iter))


def _with_all_classes(problem: Problem) -> tuple[Array, Array, Array | None]:
    """Return rows, codes and weights where each class has a row; cuML encodes anew."""
    X, codes, weight = problem.X, problem.codes, problem.weight
    xp, n_classes = array_namespace(X), len(problem.classes)
    missing = np.flatnonzero(to_host(xp.bincount(codes, minlength=n_classes) == 0))
    if not len(missing):
        return X, codes, weight
    if n_classes > 2:
        raise ValueError(
            f"y has no row of the classes {problem.classes[missing].tolist()}: "
            "cuML's QN needs one of each where there are more than two classes"
        )
    if weight is None:
        weight = xp.ones(X.shape[0])
    return (
        _append_zeros(xp, X, len(missing)),
        xp.concatenate([codes, xp.asarray(missing, dtype=codes.dtype)]),
        xp.concatenate([weight, xp.zeros(len(missing))]),
    )


def _append_zeros(xp: ModuleType, X: Array, n_rows: int) -> Array:
    """Append rows of zeros to a matrix, which may be CSR."""
    if not hasattr(X, "indptr"):
        return xp.concatenate([X, xp.zeros((n_rows, X.shape[1]), dtype=X.dtype)])
    ends = xp.concatenate([X.indptr, xp.repeat(X.indptr[-1:], n_rows)])
    shape = X.shape[0] + n_rows, X.shape[1]
    return type(X)((X.data, X.indices, ends), shape=shape)
