# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""scikit-learn's multi-layer perceptrons, of which many can be trained at once."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any, Self

import numpy as np
from sklearn import neural_network as theirs
from sklearn.preprocessing import LabelBinarizer
from sklearn.utils.metaestimators import available_if

from gpu_hpo._typing import Array, ArrayLike
from gpu_hpo.neural_network._bookkeeping import hidden_layers
from gpu_hpo.neural_network._network_stack import NetworkStack
from gpu_hpo.stacks._stacked_estimator import StackedEstimator

_STOCHASTIC = ("sgd", "adam")


def _is_stochastic(model: Any) -> bool:
    if model.solver not in _STOCHASTIC:
        raise AttributeError(
            "partial_fit is only available for stochastic optimizers. "
            f"{model.solver} is not stochastic."
        )
    return True


class _StackedNetwork(StackedEstimator):
    """Let a network train as a stack of one, and share a stack.

    Mixed into scikit-learn's classes, from which come parameters and their checks,
    tags, and the solver "lbfgs".
    """

    stack_type = NetworkStack
    stack_params = (
        "activation",
        "solver",
        "batch_size",
        "shuffle",
        "nesterovs_momentum",
        "early_stopping",
    )

    def _check_trainable(self: Any, *, for_partial_fit: bool = False) -> None:
        self._validate_params()
        hidden_layers(self)

    def _common_params(self: Any) -> tuple[Any, ...]:
        loss = getattr(self, "loss", None)
        return *super()._common_params(), hidden_layers(self), loss

    def _common_state(self: Any) -> tuple[Any, ...]:
        return (self.out_activation_,)

    def _rename_classes(self, classes: np.ndarray) -> None:
        super()._rename_classes(classes)
        self._label_binarizer = LabelBinarizer().fit(classes)

    def stack_key(self) -> Hashable:
        """Say what networks that share a stack have in common.

        Raises
        ------
        ValueError
            If a parameter makes no sense.
        AttributeError
            If the solver is not a stochastic one.
        """
        _is_stochastic(self)
        return super().stack_key()

    def fit(
        self: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Any:
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
        if self.solver in _STOCHASTIC:
            return self._fit_alone(X, y, sample_weight)
        self._validate_params()
        # Past the skeleton of what trains in stacks.
        return super(StackedEstimator, self).fit(  # type: ignore[misc]
            X, y, sample_weight
        )


class MLPClassifier(_StackedNetwork, theirs.MLPClassifier):
    """Train as scikit-learn's ``MLPClassifier`` does; a search trains many at once.

    Parameters, attributes and what they mean are those of
    ``sklearn.neural_network.MLPClassifier``, and so are the weights, for the same
    `random_state` and but for rounding. Networks with equal layers, activation, solver
    and batch size share a stack; penalties, rates and momenta may differ. The solvers
    "sgd" and "adam" also take CuPy arrays and cuDF frames, and then train where these
    are; "lbfgs" is scikit-learn's own.

    Notes
    -----
    One difference from scikit-learn: parameters that are set between two calls of
    `partial_fit` take effect in the next call, where scikit-learn's solver keeps the
    old ones.

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
        self,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        classes: ArrayLike | None = None,
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

    def predict_proba(self, X: ArrayLike) -> Array:
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
    """Train as scikit-learn's ``MLPRegressor`` does; a search trains many at once.

    Parameters, attributes and what they mean are those of
    ``sklearn.neural_network.MLPRegressor``. What `MLPClassifier` says of weights, of
    stacks, of devices and of differences from scikit-learn holds here as well.

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
    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
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
