# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's linear models with SGD training, of which many train at once."""

from __future__ import annotations

import inspect
from numbers import Integral
from typing import Any, Self

from sklearn import linear_model as theirs
from sklearn.base import is_classifier
from sklearn.utils.metaestimators import available_if

from gpu_hpo._sklearn_private import Interval
from gpu_hpo._typing import Array, ArrayLike
from gpu_hpo.linear_model._linear_stack import LinearStack
from gpu_hpo.stacks._stacked_estimator import StackedEstimator

_BATCH_SIZE = {"batch_size": [Interval(Integral, 1, None, closed="left")]}


def _with_batch_size(kind: Any) -> Any:
    """Make a constructor with the parameters of scikit-learn's, and `batch_size`."""

    def __init__(self: Any, *args: Any, batch_size: int = 1, **params: Any) -> None:
        kind.__init__(self, *args, **params)
        self.batch_size = batch_size

    theirs = inspect.signature(kind.__init__)
    last = inspect.Parameter("batch_size", inspect.Parameter.KEYWORD_ONLY, default=1)
    parameters = [*theirs.parameters.values(), last]
    # What scikit-learn, too, reads parameters from.
    __init__.__signature__ = theirs.replace(  # type: ignore[attr-defined]
        parameters=parameters
    )
    return __init__


class _StackedLinearModel(StackedEstimator):
    """Let a linear model train as a stack of one, and share a stack.

    Mixed into scikit-learn's classes, from which come parameters and their checks,
    and tags.
    """

    stack_type = LinearStack
    stack_params = (
        "loss",
        "penalty",
        "learning_rate",
        "batch_size",
        "shuffle",
        "fit_intercept",
        "early_stopping",
    )

    def _check_trainable(self: Any, *, for_partial_fit: bool = False) -> None:
        self._validate_params()
        if not for_partial_fit:
            self._more_validate_params()

    def _common_params(self: Any) -> tuple[Any, ...]:
        class_weight: Any = getattr(self, "class_weight", None)
        if isinstance(class_weight, dict):
            class_weight = tuple(sorted(class_weight.items(), key=repr))
        return *super()._common_params(), self.average > 0, class_weight

    def _common_state(self: Any) -> tuple[Any, ...]:
        return (hasattr(self, "_average_coef"),)

    # The order of scikit-learn's parameters.
    def fit(  # type: ignore[override]
        self: Any,
        X: ArrayLike,
        y: ArrayLike,
        coef_init: ArrayLike | None = None,
        intercept_init: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Any:
        """Train until the loss, or the score on held out rows, stops improving.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)
            Also CuPy arrays, cuDF frames and CSR matrices on a device.
        y : array-like of shape (n_samples,)
        coef_init : array-like of shape (n_classes, n_features) or (n_features,)
            Weights to begin with; zeros if left out.
        intercept_init : array-like of shape (n_classes,) or (1,), optional
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        again = self.warm_start and self._has_weights()
        goes_on = again and not is_classifier(self)
        if again and not goes_on:
            coef_init = self.coef_ if coef_init is None else coef_init
            intercept_init = (
                self.intercept_ if intercept_init is None else intercept_init
            )
        initial = {"coef_init": coef_init, "intercept_init": intercept_init}
        return self._fit_alone(X, y, sample_weight, goes_on=goes_on, **initial)


class SGDClassifier(_StackedLinearModel, theirs.SGDClassifier):
    """Train as scikit-learn's ``SGDClassifier`` does; a search trains many at once.

    Parameters, attributes and what they mean are those of
    ``sklearn.linear_model.SGDClassifier``, and so are the weights, but for what the
    notes say. Models that differ in numbers only (`alpha`, `l1_ratio`, `eta0`,
    `power_t`, `epsilon`, `random_state`, where `average` begins) share a stack.
    Rows on a device, as CuPy arrays or cuDF frames, are trained on there.

    Parameters
    ----------
    loss, penalty, alpha, l1_ratio, fit_intercept, max_iter, tol, shuffle, verbose, \
epsilon, n_jobs, random_state, learning_rate, eta0, power_t, early_stopping, \
validation_fraction, n_iter_no_change, class_weight, warm_start, average
        As of ``sklearn.linear_model.SGDClassifier``; `n_jobs` has no effect.
    batch_size : int, default=1
        Rows per update of the weights, which is the mean of the updates of single rows;
        the last batch of an epoch may be smaller. The penalty counts once per update,
        and ``t_`` and `average` count updates. With 1, the default, it is the same as
        in scikit-learn.

    Notes
    -----
    Differences from scikit-learn:

    - Rows are shuffled with NumPy's generator, once for all classes; so results equal
      scikit-learn's with ``shuffle=False``, and otherwise those of another seed. An
      integer seed gives each call of `partial_fit` the same order.
    - With `average` each call of `partial_fit` goes on with the intercept where the
      last one left it, and the averages are those of all calls.
    - With `early_stopping` the score of ``loss="log_loss"`` is the accuracy on all rows
      held out, as of any other loss.
    - With "pa1" and "pa2" the step of each row of a batch is as if it were alone.
    - After `fit` with `early_stopping` a call of `partial_fit` takes all rows, and none
      is held out; and the scores that say when to stop are those of the weights as they
      then are, where scikit-learn may take them before an L2 penalty has shrunk them.
    - For rows in float32, intercepts and predictions are float32 too.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gpu_hpo.linear_model import SGDClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = SGDClassifier(loss="log_loss", batch_size=16, random_state=0)
    >>> for _ in range(10):
    ...     model = model.partial_fit(X / 16, y, classes=range(10))
    >>> bool(model.score(X / 16, y) > 0.9)
    True
    """

    _parameter_constraints: dict = (
        theirs.SGDClassifier._parameter_constraints | _BATCH_SIZE
    )

    __init__ = _with_batch_size(theirs.SGDClassifier)

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Take the model once through X, in mini-batches.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        classes : array-like of shape (n_classes,), optional
            All classes; needed at the first call.
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        return self._train_once(X, y, classes=classes, sample_weight=sample_weight)

    def decision_function(self, X: ArrayLike) -> Array:
        """Compute signed distances from the hyperplanes.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_classes)
        """
        return LinearStack([self]).decision_function(X)[0]

    @available_if(lambda model: model._check_proba())
    def predict_proba(self, X: ArrayLike) -> Array:
        """Predict probabilities; only of the losses "log_loss" and "modified_huber".

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        return LinearStack([self]).predict_proba(X)[0]


class SGDRegressor(_StackedLinearModel, theirs.SGDRegressor):
    """Train as scikit-learn's ``SGDRegressor`` does; a search trains many at once.

    Parameters and attributes are those of ``sklearn.linear_model.SGDRegressor``, and
    so are the weights, but for what the notes say. Which models share a stack, and
    where they train, is as of `SGDClassifier`.

    Parameters
    ----------
    loss, penalty, alpha, l1_ratio, fit_intercept, max_iter, tol, shuffle, verbose, \
epsilon, random_state, learning_rate, eta0, power_t, early_stopping, \
validation_fraction, n_iter_no_change, warm_start, average
        As of ``sklearn.linear_model.SGDRegressor``.
    batch_size : int, default=1
        As of `SGDClassifier`.

    Notes
    -----
    Differences from scikit-learn are those of `SGDClassifier` in the order of rows, in
    "pa1" and "pa2", in `early_stopping` and in rows in float32.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> from sklearn.preprocessing import scale
    >>> from gpu_hpo.linear_model import SGDRegressor
    >>> X, y = load_diabetes(return_X_y=True)
    >>> model = SGDRegressor(batch_size=16, random_state=0)
    >>> for _ in range(50):
    ...     model = model.partial_fit(scale(X), y)
    >>> bool(model.score(scale(X), y) > 0.4)
    True
    """

    _parameter_constraints: dict = (
        theirs.SGDRegressor._parameter_constraints | _BATCH_SIZE
    )

    __init__ = _with_batch_size(theirs.SGDRegressor)

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Take the model once through X, in mini-batches.

        Parameters
        ----------
        X : array-like or CSR matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        return self._train_once(X, y, sample_weight=sample_weight)
