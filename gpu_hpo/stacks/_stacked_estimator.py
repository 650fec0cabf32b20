# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The skeleton of an estimator that trains as a stack of one, and shares a stack."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, ClassVar

import numpy as np

from gpu_hpo._typing import Array, ArrayLike, RandomState
from gpu_hpo.stacks._array_stack import ArrayStack
from gpu_hpo.stacks._rows import score_anywhere, scores_like_mixin


class StackedEstimator:
    """Train as a stack of one, and share stacks with others.

    A subclass, which also derives from scikit-learn's ``BaseEstimator``, names the type
    of its stacks and the parameters that must be equal in a stack. This class comes
    first among the bases. Parameters that the subclass lacks have the values of the
    class attributes.
    """

    # ---- what a subclass defines ----

    stack_type: ClassVar[type[ArrayStack]]
    # Parameters that must be equal in a stack; all others are numbers of each model.
    stack_params: ClassVar[tuple[str, ...]] = ()

    # ---- parameters that an estimator need not have ----

    early_stopping: bool = False
    max_iter: int = 200
    n_iter_no_change: int = 10
    random_state: RandomState = None
    shuffle: bool = True
    tol: float | None = 1e-4
    validation_fraction: float = 0.1
    verbose: int | bool = False
    warm_start: bool = False

    def _check_trainable(self: Any, *, for_partial_fit: bool = False) -> None:
        """Raise if a parameter makes no sense."""
        self._validate_params()

    def _common_params(self: Any) -> tuple[Any, ...]:
        """Return what must be equal in a stack before models have seen data."""
        return tuple(getattr(self, name) for name in self.stack_params)

    def _common_state(self: Any) -> tuple[Any, ...]:
        """Return what must be equal for fitted models besides shapes and classes."""
        return ()

    def _rename_classes(self, classes: np.ndarray) -> None:
        """Take other labels, in the same order, for the classes of a fitted model."""
        self.classes_ = classes

    # ---- the stack contract ----

    def stack_key(self: Any) -> Hashable:
        """Return a key that is equal for models that may share a stack.

        Raises
        ------
        ValueError
            If a parameter makes no sense.
        """
        if not self._has_weights():
            self._check_trainable()
            return *self._common_params(), None
        weights = getattr(self, next(iter(self.stack_type.attributes.values())))
        weights = weights if isinstance(weights, list) else [weights]
        classes = getattr(self, "classes_", None)
        fitted = (
            type(weights[0]).__module__,
            str(weights[0].dtype),
            tuple(array.shape for array in weights),
            None if classes is None else tuple(np.asarray(classes).tolist()),
            *self._common_state(),
        )
        return *self._common_params(), fitted

    @classmethod
    def stack(cls, models: Sequence[Any]) -> Any:
        """Return a stack of models with equal keys, which are left as they are."""
        return cls.stack_type(models)

    # ---- training ----

    def fit(
        self: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Any:
        """Train until the loss, or the score on held out rows, stops improving.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Also CuPy arrays and cuDF frames.
        y : array-like of shape (n_samples,)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        self
        """
        return self._fit_alone(X, y, sample_weight)

    def _fit_alone(
        self: Any,
        X: ArrayLike,
        y: ArrayLike,
        sample_weight: ArrayLike | None = None,
        **how: Any,
    ) -> Any:
        """Fit as a stack of one; `how` is passed to `ArrayStack.fit_rows`."""
        self._check_trainable()
        stack = self._alone()
        how = {"goes_on": self.warm_start and self._has_weights()} | how
        cut_off = stack.fit_rows(X, y, sample_weight, **how)
        (error,) = stack.errors
        if error is not None:
            # The model stays as it was.
            raise error
        stack.end_fit()
        self._become(stack)
        stack.say_how_it_went(cut_off)
        return self

    def _train_once(self: Any, X: ArrayLike, y: ArrayLike, **params: Any) -> Any:
        """Train by one call of `partial_fit`, as a stack of one."""
        self._check_trainable(for_partial_fit=True)
        stack = self._alone()
        stack.partial_fit(X, y, **params)
        return self._become(stack)

    def _alone(self: Any) -> Any:
        """Return a stack of one, which draws from the user's `random_state` itself."""
        stack = self.stack_type([self])
        stack.models[0].__dict__.update(self._own_generator())
        return stack

    def _own_generator(self: Any) -> dict[str, Any]:
        return {k: v for k, v in vars(self).items() if k == "random_state"}

    def _become(self: Any, stack: Any) -> Any:
        """Take over the attributes of the only model of a stack."""
        (error,) = stack.errors
        if isinstance(error, ZeroDivisionError):
            # The weights of rows are wrong: the model stays as it was.
            raise error
        # Not updated: names of columns of an earlier fit are to be forgotten.
        self.__dict__ = stack.unstack()[0].__dict__ | self._own_generator()
        if error is not None:
            raise error
        return self

    def _has_weights(self: Any) -> bool:
        return self.stack_type.is_fitted(self)

    # ---- predictions ----

    def predict(self: Any, X: ArrayLike) -> Array:
        """Predict classes or targets.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)

        Returns
        -------
        array of shape (n_samples,) or (n_samples, n_outputs)
            Where X is, as all responses, on whichever side the model was trained;
            labels that no device can hold are on the host.
        """
        return self.stack_type([self]).predict(X)[0]

    @scores_like_mixin
    def score(
        self: Any, X: ArrayLike, y: Any, sample_weight: ArrayLike | None = None
    ) -> float:
        """Give the share of rows predicted right, or the coefficient of determination.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,) or (n_samples, n_outputs)
        sample_weight : array-like of shape (n_samples,), optional

        Returns
        -------
        float
        """
        theirs = super()
        return score_anywhere(theirs, self, X, y, sample_weight)
