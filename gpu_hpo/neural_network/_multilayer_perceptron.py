# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's multi-layer perceptrons, of which many can be trained at once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
from sklearn import neural_network as theirs
from sklearn.utils.metaestimators import available_if

from gpu_hpo.neural_network._bookkeeping import forget_moments, hidden_layers
from gpu_hpo.neural_network._network_stack import NetworkStack
from gpu_hpo.neural_network._rows import read_rows
from gpu_hpo.neural_network._stack_fit import (
    begin_fit,
    say_how_it_went,
    train_until_done,
)

_STOCHASTIC = ("sgd", "adam")


def _is_stochastic(model: Any) -> bool:
    if model.solver not in _STOCHASTIC:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{model.solver} is not stochastic."
        )
    return True


class _StackedNetwork:
    """What lets a network train as a stack of one, and share a stack.

    Mixed into scikit-learn's classes, from which come parameters and their checks,
    tags, and the solver "lbfgs".
    """

    # ---- the stack contract ----

    def stack_key(self: Any) -> Hashable:
        """What networks that share a stack have in common; the rest are numbers.

        Raises
        ------
        ValueError
            If a parameter makes no sense.
        AttributeError
            If the solver is not a stochastic one.
        """
        _is_stochastic(self)
        fitted: Any = None
        if hasattr(self, "coefs_"):
            coefs = self.coefs_
            shapes = tuple(coef.shape for coef in coefs)
            classes = getattr(self, "classes_", None)
            fitted = (
                type(coefs[0]).__module__,
                str(coefs[0].dtype),
                shapes,
                self.out_activation_,
                None if classes is None else tuple(np.asarray(classes).tolist()),
            )
        else:
            self._validate_params()
        return (
            hidden_layers(self),
            self.activation,
            self.solver,
            self.batch_size,
            self.shuffle,
            self.nesterovs_momentum,
            self.early_stopping,
            getattr(self, "loss", None),
            fitted,
        )

    @classmethod
    def stack(cls, models: Sequence[Any]) -> NetworkStack:
        """Stack of networks with equal keys, which are left as they are."""
        return NetworkStack(models)

    # ---- training ----

    def fit(self: Any, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Train until the loss, or the score on held out rows, stops improving.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
            Also CuPy arrays and cuDF frames; a sparse matrix is made dense.
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        self._validate_params()
        if self.solver not in _STOCHASTIC:
            return super().fit(X, y, sample_weight)  # type: ignore[misc]
        hidden_layers(self)
        again = self.warm_start and hasattr(self, "coefs_")
        rows = read_rows(self, X, y, sample_weight, reset=not again, fit=True)
        stack = self._alone()
        begun: Mapping[int, Any] = {}
        if again:
            forget_moments(stack.models[0])
            stack = stack.models[0]._alone()
        else:
            begun = begin_fit(stack, rows)
        cut_off = train_until_done(stack, rows, begun)
        (error,) = stack.errors
        if error is not None:
            # The network stays as it was.
            raise error
        stack.check_finite()
        self._become(stack)
        say_how_it_went(dict.fromkeys(cut_off, self))
        return self

    def _train_once(self: Any, X: Any, y: Any, **params: Any) -> Any:
        """Train by one call, as a stack of one."""
        self._validate_params()
        hidden_layers(self)
        stack = self._alone()
        stack.partial_fit(X, y, **params)
        return self._become(stack)

    def _alone(self: Any) -> NetworkStack:
        """Stack of one, which draws from what the user gave."""
        stack = NetworkStack([self])
        stack.models[0].random_state = self.random_state
        return stack

    def _become(self: Any, stack: NetworkStack) -> Any:
        """Take over what the only network of a stack has become."""
        (error,) = stack.errors
        if isinstance(error, ZeroDivisionError):
            # It is the weights of the rows that are wrong: the network stays as it was.
            raise error
        seed = self.random_state
        self.__dict__.update(stack.unstack()[0].__dict__, random_state=seed)
        if error is not None:
            raise error
        return self

    def predict(self: Any, X: Any) -> Any:
        """Predict classes or targets.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_outputs)
            On the device of the model.
        """
        return NetworkStack([self]).predict(X)[0]


class MLPClassifier(_StackedNetwork, theirs.MLPClassifier):
    """scikit-learn's ``MLPClassifier``, of which a search trains many at once.

    Parameters, attributes and what they mean are those of
    ``sklearn.neural_network.MLPClassifier``, and so are the weights, for the same
    `random_state` and but for rounding. Networks with equal layers, activation, solver
    and batch size share a stack; penalties, rates and momenta may differ. The solvers
    "sgd" and "adam" also take CuPy arrays and cuDF frames, and then train where these
    are; "lbfgs" is scikit-learn's own.

    Notes
    -----
    One difference from scikit-learn: what `set_params` sets between two calls of
    `partial_fit` counts from the next call on, where scikit-learn's solver keeps what
    it began with.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gpu_hpo.neural_network import MLPClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPClassifier((32,), solver="sgd", random_state=0, batch_size=16)
    >>> for _ in range(10):
    ...     model = model.partial_fit(X, y, classes=range(10))
    >>> bool(model.score(X, y) > 0.9)
    True
    """

    @available_if(_is_stochastic)
    def partial_fit(
        self, X: Any, y: Any, sample_weight: Any = None, classes: Any = None
    ) -> Any:
        """Take the network once through X, in mini-batches.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional
        classes : array-like of shape (n_classes,), optional
            All classes; needed at the first call.

        Returns
        -------
        self
        """
        return self._train_once(X, y, sample_weight=sample_weight, classes=classes)

    def predict_proba(self, X: Any) -> Any:
        """Predict probabilities.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples, n_classes)
        """
        return NetworkStack([self]).predict_proba(X)[0]


class MLPRegressor(_StackedNetwork, theirs.MLPRegressor):
    """scikit-learn's ``MLPRegressor``, of which a search trains many at once.

    Parameters, attributes and what they mean are those of
    ``sklearn.neural_network.MLPRegressor``, and so are the weights, for the same
    `random_state` and but for rounding. Networks with equal layers, activation, solver
    and batch size share a stack; penalties, rates and momenta may differ. The solvers
    "sgd" and "adam" also take CuPy arrays and cuDF frames, and then train where these
    are; "lbfgs" is scikit-learn's own.

    Notes
    -----
    One difference from scikit-learn: what `set_params` sets between two calls of
    `partial_fit` counts from the next call on, where scikit-learn's solver keeps what
    it began with.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from gpu_hpo.neural_network import MLPRegressor
    >>> X, y = load_digits(return_X_y=True)
    >>> model = MLPRegressor(hidden_layer_sizes=(32,), random_state=0, batch_size=16)
    >>> for _ in range(10):
    ...     model = model.partial_fit(X, y)
    >>> bool(model.score(X, y) > 0.2)
    True
    """

    @available_if(_is_stochastic)
    def partial_fit(self, X: Any, y: Any, sample_weight: Any = None) -> Any:
        """Take the network once through X, in mini-batches.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        return self._train_once(X, y, sample_weight=sample_weight)
