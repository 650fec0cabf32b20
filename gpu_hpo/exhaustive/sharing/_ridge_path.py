# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Solve ridge regression for many penalties, by one factorisation of the rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import scipy.linalg

from gpu_hpo._typing import Array
from gpu_hpo.devices._namespace import array_namespace
from gpu_hpo.exhaustive.sharing._shared_fit import NotShared

# Eigenvalues are exact to about 1e-16 of the largest one. With a condition number of at
# most this, ten digits of the coefficients are right.
_WELL_CONDITIONED = 1e6
# Eigenvectors take as long as about ten linear systems of their size.
_WORTH_EIGENVECTORS = 10


class Centred(NamedTuple):
    """Rows and targets as the solvers take them: centred, then weighted.

    Attributes
    ----------
    X, y : array of shape (n_samples, n_features) and (n_samples, n_targets)
    X_offset, y_offset : array of shape (n_features,) and (n_targets,), or None
        What was subtracted; None without an intercept.
    constant : array of shape (n_samples,), or None
        The unit vector that centring has made orthogonal to all columns.
    """

    X: Array
    y: Array
    X_offset: Array
    y_offset: Array
    constant: Array | None


def centre(X: Array, y: Array, weight: Array, fit_intercept: bool) -> Centred:
    """Subtract the means that the intercept accounts for, and apply weights.

    The order of operations is scikit-learn's, so that its solver gets the same numbers.

    Parameters
    ----------
    X : array of shape (n_samples, n_features)
        Is not changed.
    y : array of shape (n_samples, n_targets)
    weight : array of shape (n_samples,), or None
    fit_intercept : bool

    Returns
    -------
    Centred
    """
    xp = array_namespace(X)
    root = None if weight is None else xp.sqrt(weight)
    X_offset = y_offset = constant = None
    if fit_intercept:
        X_offset = xp.average(X, axis=0, weights=weight).astype(X.dtype)
        y_offset = xp.average(y, axis=0, weights=weight).astype(X.dtype)
        X, y = X - X_offset, y - y_offset
        constant = xp.ones(len(X), X.dtype) if root is None else root
        constant = constant / xp.sqrt((constant * constant).sum())
    if root is not None:
        X, y = X * root[:, None], y * root[:, None]
    return Centred(X, y, X_offset, y_offset, constant)


def solve_path(
    rows: Centred, alphas: np.ndarray, *, by_svd: bool, smallest: float
) -> tuple[Array, list[int]]:
    r"""Compute the coefficients for every penalty.

    Parameters
    ----------
    rows : Centred
    alphas : ndarray of shape (n_alphas,)
        Of the dtype of the rows.
    by_svd : bool
        Whether to decompose X itself: slower, and exact where its columns are nearly
        dependent.
    smallest : float
        Singular values up to this count as zero.

    Returns
    -------
    coefs : array of shape (n_alphas, n_targets, n_features)
    failed : list of int
        Penalties for which the system is singular, and not solved here.

    Raises
    ------
    NotShared
        If the decomposition fails.

    Notes
    -----
    What is decomposed is :math:`X^T X`, or :math:`X X^T` if that is smaller: with
    eigenvalues :math:`\lambda_i` and eigenvectors V the coefficients are
    :math:`V (\Lambda + \alpha)^{-1} V^T X^T y` for every :math:`\alpha` [1]_. Where
    a system is so ill-conditioned that this loses digits, it is solved by Cholesky's
    decomposition, which is what scikit-learn does; on a device, by singular values.

    References
    ----------
    .. [1] T. Hastie, R. Tibshirani, J. Friedman, The Elements of Statistical Learning,
       2nd ed., section 3.4.1, Springer, 2009.
    """
    xp = array_namespace(rows.X)
    X, y = rows.X, rows.y
    try:
        if by_svd:
            return _by_singular_values(X, y, alphas, smallest), []
        failed: list[int] = []
        wide = X.shape[1] > X.shape[0]
        gram, right = (X @ X.T, y) if wide else (X.T @ X, X.T @ y)
        if not bool(xp.isfinite(gram).all() & xp.isfinite(right).all()):
            raise NotShared("products of the columns are too large")
        solutions = xp.zeros((len(gram), len(alphas), right.shape[1]), gram.dtype)
        easy = np.zeros(len(alphas), bool)
        if xp is not np or len(alphas) >= _WORTH_EIGENVECTORS:
            constant = rows.constant if wide else None
            easy = _by_eigenvalues(gram, right, alphas, constant, solutions)
        coefs = solutions.reshape(len(solutions), -1)
        coefs = (X.T @ coefs if wide else coefs).reshape(-1, *solutions.shape[1:])
        coefs = xp.ascontiguousarray(coefs.transpose(1, 2, 0))
        hard = np.flatnonzero(~easy).tolist()
        if xp is not np and hard:
            exact = _by_singular_values(X, y, alphas[hard], smallest)
            for i, values in zip(hard, exact, strict=True):
                coefs[i] = values
        elif hard:
            for i in hard:
                solution = _by_cholesky(gram, right, alphas[i])
                if solution is None:
                    failed.append(i)
                else:
                    # One by one too, for every digit counts where digits cancel.
                    coefs[i] = (X.T @ solution if wide else solution).T
    except np.linalg.LinAlgError as error:
        raise NotShared(f"no decomposition: {error}") from error
    return coefs, failed


def _by_eigenvalues(
    gram: Array, right: Array, alphas: np.ndarray, constant: Array, solutions: Array
) -> np.ndarray:
    """Solve for the penalties that are large enough; return which these are."""
    xp = array_namespace(gram)
    # Single precision is enough for the matrix, but not for what is computed from it.
    gram, right = gram.astype(xp.float64), right.astype(xp.float64)
    if constant is not None:
        # Centred rows are dependent, in a direction that no coefficient depends on. It
        # gets an eigenvalue like the others, so that small penalties stay accurate.
        constant = constant.astype(xp.float64)
        gram += (xp.trace(gram) / len(gram)) * constant[:, None] * constant
    values, vectors = xp.linalg.eigh(gram)
    penalties = alphas.astype(float)
    least, most = float(values[0]) + penalties, float(values[-1]) + penalties
    # This fails for a matrix of zeros without a penalty.
    easy = most < _WELL_CONDITIONED * least
    if constant is not None:
        # scikit-learn, which does not treat that direction, warns or fails if the
        # penalty is too small.
        easy &= penalties > len(gram) * np.finfo(alphas.dtype).eps * most
    # For the others any number will do that avoids a division by zero.
    penalties = xp.asarray(np.where(easy, penalties, 1.0 + abs(most)))
    parts = (vectors.T @ right)[:, None] / (values[:, None] + penalties)[:, :, None]
    solutions[...] = (vectors @ parts.reshape(len(gram), -1)).reshape(solutions.shape)
    return easy


def _by_cholesky(gram: np.ndarray, right: np.ndarray, alpha: float) -> Array:
    """Solve for one penalty by the call of scikit-learn's; None if it is singular."""
    system = gram.copy()
    system.flat[:: len(gram) + 1] += alpha
    try:
        return scipy.linalg.solve(system, right, assume_a="pos", overwrite_a=True)
    except np.linalg.LinAlgError:
        return None


def _by_singular_values(
    X: Array, y: Array, alphas: np.ndarray, smallest: float
) -> Array:
    """Compute the coefficients for all penalties by the singular values of X."""
    xp = array_namespace(X)
    left, values, right = xp.linalg.svd(X, full_matrices=False)
    kept = (values > smallest)[:, None]
    values = xp.where(kept, values[:, None], 1)
    factors = xp.where(kept, values / (values * values + xp.asarray(alphas)), 0)
    parts = (factors[:, :, None] * (left.T @ y)[:, None]).astype(X.dtype)
    coefs = (right.T @ parts.reshape(len(parts), -1)).reshape(-1, *parts.shape[1:])
    return xp.ascontiguousarray(coefs.transpose(1, 2, 0))
