# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Logistic regression by cuML's quasi-Newton solver, with warm starts."""

from __future__ import annotations

from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from gpu_hpo._sklearn_private import Interval
from gpu_hpo._typing import Array, ArrayLike
from gpu_hpo.devices._namespace import (
    array_namespace,
    beside,
    is_device_array,
    to_host,
)
from gpu_hpo.devices._validation import validate_device_data
from gpu_hpo.linear_model._quasi_newton_device import minimize_on_device
from gpu_hpo.linear_model._quasi_newton_host import Problem, Solution, minimize_on_host
from gpu_hpo.linear_model._rows import read_weight, read_X
from gpu_hpo.stacks._rows import (
    class_codes,
    class_labels,
    is_text,
    read_text,
    score_anywhere,
    scores_like_mixin,
)


class QNClassifier(ClassifierMixin, BaseEstimator):
    r"""Fit a logistic regression by quasi-Newton steps, and train on if asked.

    Rows on a device, as CuPy arrays or cuDF frames, are trained on there by
    ``cuml.solvers.QN``, which is L-BFGS [1]_, or OWL-QN [2]_ with an L1 penalty. Rows
    on the host are trained on by SciPy's L-BFGS-B. Both minimise

    .. math::

        \frac{1}{s} \sum_i s_i \ell(y_i, W x_i + b)
        + \lambda_1 \|W\|_1 + \frac{\lambda_2}{2} \|W\|_2^2

    where the :math:`s_i` are weights of rows, :math:`s` is their sum, and
    :math:`\ell` is the logistic loss of two classes and that of softmax of more.

    Parameters
    ----------
    l1_strength, l2_strength : float, default=0.0
        Strengths of the penalties, which do not count the intercept.
    penalty_normalized : bool, default=True
        Whether :math:`\lambda_1` and :math:`\lambda_2` are the strengths divided by
        :math:`s`, the number of rows where these have no weights. The sum of the
        strengths is then the inverse of scikit-learn's `C`.
    fit_intercept : bool, default=True
    max_iter : int, default=1000
        Most iterations of one `fit`.
    tol : float, default=1e-4
        Training stops where no part of the gradient is larger than this; on a device,
        than this times the loss, or times itself if that is more.
    delta : float, default=None
        On a device training also stops when the loss changes by no more than this times
        the loss; None is 0.01 times `tol`. With an L1 penalty this is what ends
        training, since cuML's gradient does not include that penalty.
    linesearch_max_iter : int, default=50
        Most trials for the length of one step.
    lbfgs_memory : int, default=5
        Number of steps that the curvature is estimated from.
    warm_start : bool, default=False
        Whether `fit` continues with the weights and classes of the last one. The
        curvature that L-BFGS has estimated is lost between fits.
    verbose : int or bool, default=False
        As of cuML, which writes errors only by default. No effect on the host.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted, and always on the host.
    coef_ : array of shape (1, n_features) or (n_classes, n_features)
        On the device of the rows; one row for two classes.
    intercept_ : array of shape (1,) or (n_classes,)
        Beside `coef_`.
    n_features_in_ : int
    n_iter_ : ndarray of shape (1,)
        Iterations of the last `fit`.

    Notes
    -----
    With `warm_start` all labels must be in ``classes_``, but y need not have all
    classes. cuML numbers the labels that occur, so on a device a missing class of two
    gets a row of weight 0. With more than two classes cuML 26.10 ignores weights, so on
    a device neither weights nor missing classes are possible.

    References
    ----------
    .. [1] J. Nocedal, S. Wright, Numerical Optimization, Springer, 1999.
    .. [2] G. Andrew, J. Gao, "Scalable Training of L1-Regularized Log-Linear Models",
       ICML, 2007.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gpu_hpo.linear_model import QNClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = QNClassifier(l2_strength=1.0, warm_start=True, tol=0.01)
    >>> bool(model.fit(X / 16, y).score(X / 16, y) > 0.9)
    True
    """

    classes_: np.ndarray
    coef_: Array
    intercept_: Array

    _parameter_constraints: dict = {
        "l1_strength": [Interval(Real, 0, None, closed="left")],
        "l2_strength": [Interval(Real, 0, None, closed="left")],
        "penalty_normalized": ["boolean"],
        "fit_intercept": ["boolean"],
        "max_iter": [Interval(Integral, 1, None, closed="left")],
        "tol": [Interval(Real, 0, None, closed="neither")],
        "delta": [Interval(Real, 0, None, closed="left"), None],
        "linesearch_max_iter": [Interval(Integral, 1, None, closed="left")],
        "lbfgs_memory": [Interval(Integral, 1, None, closed="left")],
        "warm_start": ["boolean"],
        "verbose": ["verbose"],
    }

    def __init__(
        self,
        *,
        l1_strength=0.0,
        l2_strength=0.0,
        penalty_normalized=True,
        fit_intercept=True,
        max_iter=1000,
        tol=1e-4,
        delta=None,
        linesearch_max_iter=50,
        lbfgs_memory=5,
        warm_start=False,
        verbose=False,
    ):
        self.l1_strength = l1_strength
        self.l2_strength = l2_strength
        self.penalty_normalized = penalty_normalized
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.delta = delta
        self.linesearch_max_iter = linesearch_max_iter
        self.lbfgs_memory = lbfgs_memory
        self.warm_start = warm_start
        self.verbose = verbose

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        return tags

    # ---- training ----

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> QNClassifier:
        """Train, with `warm_start` from where the last fit ended.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)
            Also CuPy arrays, cuDF frames and CSR matrices on a device.
        y : array-like of shape (n_samples,)
            Where X is; text is always on the host.
        sample_weight : array-like of shape (n_samples,), optional
            A row that weighs 2 counts as two rows.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            If a parameter or the data make no sense; with `warm_start`, if a label is
            not in ``classes_``; on a device with more than two classes, if there is
            `sample_weight`, or no row of one of the classes.
        TypeError
            If X and y are not on the same device.
        DeviceNotFoundError
            If X is on a device and cuML is not installed.
        """
        self._validate_params()
        goes_on = self.warm_start and hasattr(self, "coef_")
        X, y = self._read(X, y, reset=not goes_on)
        xp = array_namespace(X)
        known = array_namespace(y)
        classes = self.classes_ if goes_on else to_host(known.unique(y))
        problem = self._problem(X, y, classes, sample_weight)
        start = None
        if goes_on:
            # Copies: cuML writes its solution over weights that it is given.
            dtype = problem.X.dtype
            start = Solution(
                xp.array(beside(X, self.coef_), dtype=dtype, order="C"),
                xp.array(beside(X, self.intercept_), dtype=dtype),
            )
        minimize = minimize_on_host if xp is np else minimize_on_device
        solution = minimize(problem, start, self)
        self.classes_ = classes
        self.coef_, self.intercept_ = solution.coef, solution.intercept
        self.n_iter_ = np.array([solution.n_iter], dtype=np.int32)
        return self

    def _read(self, X: Any, y: Any, *, reset: bool) -> tuple[Array, Array]:
        """Check the rows and their labels, which stay where they are."""
        if is_device_array(X) and is_text(y):
            X, _ = validate_device_data(self, X, reset=reset, accept_sparse=True)
            return X, read_text(X, y)
        if array_namespace(X, y) is np:
            X, y = validate_data(
                self,
                X,
                y,
                accept_sparse="csr",
                dtype=[np.float64, np.float32],
                order="C",
                accept_large_sparse=False,
                reset=reset,
            )
            check_classification_targets(y)
            return X, y
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is "
                "None."
            )
        X, y = validate_device_data(self, X, y, reset=reset, accept_sparse=True)
        # As scikit-learn says of the same on the host.
        if y.dtype.kind == "f" and bool((y % 1 != 0).any()):
            raise ValueError(
                "Unknown label type: continuous. Maybe you are trying to fit a "
                "classifier, which expects discrete classes on a regression target "
                "with continuous values."
            )
        return X, y

    def _problem(
        self, X: Array, y: Array, classes: np.ndarray, sample_weight: ArrayLike | None
    ) -> Problem:
        """Encode labels, and say what penalties and weights mean for these rows."""
        xp = array_namespace(X)
        if len(classes) < 2:
            raise ValueError(
                "At least two classes are needed, but y has only one class: "
                f"{classes.tolist()[0]!r}"
            )
        codes = class_codes(classes, y)
        unknown = codes < 0
        if bool(unknown.any()):
            labels = np.unique(to_host(y[unknown])).tolist()
            raise ValueError(
                f"y has labels {labels} that are not in classes_, which is "
                f"{classes.tolist()} since the first fit; fit with warm_start=False "
                "to begin anew"
            )
        weight = read_weight(X, sample_weight, False)
        if weight is not None and xp is not np and len(classes) > 2:
            raise ValueError(
                "sample_weight must be None on a GPU where there are more than two "
                f"classes, here {len(classes)}: cuML's QN ignores it then"
            )
        total = float(X.shape[0] if weight is None else weight.sum())
        scale = 1 / total if self.penalty_normalized else 1
        l1, l2 = self.l1_strength * scale, self.l2_strength * scale
        codes = beside(X, codes)
        return Problem(X, codes, weight, total, classes, l1, l2)

    # ---- responses ----

    def decision_function(self, X: ArrayLike) -> Array:
        """Compute scores of the classes: of two, that of the second one.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_classes)
            On the device of X, as all responses.
        """
        check_is_fitted(self)
        X = read_X(self, X)
        xp = array_namespace(X)
        scores = xp.asarray(X @ beside(X, self.coef_).T) + beside(X, self.intercept_)
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: ArrayLike) -> Array:
        """Predict classes.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,)
        """
        scores = self.decision_function(X)
        if scores.ndim == 1:
            codes = (scores > 0).astype(np.intp)
        else:
            codes = scores.argmax(axis=1)
        return class_labels(self.classes_, codes)

    def predict_proba(self, X: ArrayLike) -> Array:
        """Predict probabilities of the classes.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        scores = self._class_scores(X)
        odds = array_namespace(scores).exp(scores)
        return odds / odds.sum(axis=1)[:, None]

    def predict_log_proba(self, X: ArrayLike) -> Array:
        """Predict logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        scores = self._class_scores(X)
        xp = array_namespace(scores)
        return scores - xp.log(xp.exp(scores).sum(axis=1))[:, None]

    def _class_scores(self, X: ArrayLike) -> Array:
        """Compute one score per class, of which the largest of a row is 0."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            xp = array_namespace(scores)
            scores = xp.stack([xp.zeros_like(scores), scores], axis=1)
        return scores - scores.max(axis=1)[:, None]

    @scores_like_mixin
    def score(
        self, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None
    ) -> float:
        """Give the share of rows whose class is predicted.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
        """
        return score_anywhere(super(), self, X, y, sample_weight)
