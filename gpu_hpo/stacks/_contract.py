# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The stack contract: many models of one shape, trained as one set of arrays.

An estimator that can train in a stack has two more methods than others::

    model.stack_key()          # hashable: models with equal keys may share a stack
    type(model).stack(models)  # a `Stack` of them, which leaves them as they are

Searches train estimators with both methods in stacks, and all others one by one.
``gpu_hpo.testing.check_stackable`` says whether an estimator keeps the contract.
"""

from __future__ import annotations

import inspect
from collections.abc import Hashable, Sequence
from functools import lru_cache
from typing import Any, Protocol, Self, runtime_checkable

from gpu_hpo._typing import Array, ArrayLike


@runtime_checkable
class Stack(Protocol):
    """Hold models of one shape in arrays with a leading model axis.

    A model's weights and responses must not depend on the other models in its stack, on
    NumPy not by a bit. So a search gives the same answer however its trials are
    grouped.

    A stack whose models can be fitted together, such as candidates of a grid search to
    the rows of a fold, has one more method::

        fit(X, y, **params)    # -> the stack; takes what ``model.fit`` takes

    It trains every model from scratch until that model stops, and each must come out as
    from ``model.fit(X, y, **params)`` alone: a model that stops early no longer takes
    part. If one model fails, the error goes to its entry in `errors`, which replaces
    those of earlier calls, and the other models go on; faults of the data that concern
    all models are raised. One warning, for example of convergence, may stand for those
    of all models. Fitted models that would go on from where they are (`warm_start`) may
    be refused. `fits_together` finds the method by its name; models of a stack without
    it are fitted one by one.

    Attributes
    ----------
    errors : list of (Exception or None)
        Per model, why it failed (diverged) in a `partial_fit`, or in the last `fit`.
        Other models are not affected. Faults of the data are raised instead.
    """

    errors: list[Exception | None]

    def __len__(self) -> int:
        """Count the models."""

    def partial_fit(self, X: ArrayLike, y: ArrayLike, **params: Any) -> Self:
        """Train every model by one call; takes what ``model.partial_fit`` takes.

        If models may train on different rows, such as those of the folds of a
        cross-validation, there is one more parameter::

            partial_fit(X, y, ..., rows=None)

        `rows` has an entry per model: an array of int, on the host, of distinct and
        ascending row numbers of X, which several models may share; or None for all
        rows. Each model must come out as if it alone had been given these rows of X, y
        and all else that has rows. An error that is caused by its own rows only goes to
        its entry in `errors`. `takes_rows` finds the parameter by its name; models of a
        stack without it train fold by fold.
        """

    def predict(self, X: ArrayLike) -> Array:
        """Predict by all models: array of shape (n_models, n_samples, ...).

        `predict_proba` and `decision_function`, if the model has them, likewise.
        """

    def take(self, indices: Sequence[int]) -> Self:
        """Return a stack of some models, in this order; it shares nothing with this."""

    def concat(self, others: Sequence[Self]) -> Self:
        """Return a stack of these models and of `others`, whose keys are equal."""

    def unstack(self) -> list[Any]:
        """Return one estimator per model, as if each had been trained alone."""


def stack_key(model: Any) -> Hashable | None:
    """Say with whom `model` may share a stack; None if it is not one to be stacked."""
    if _is_stackable(model):
        key: Hashable = (type(model), model.stack_key())
        return key
    return None


def _is_stackable(model: Any) -> bool:
    kind: Any = type(model)
    has_both = hasattr(model, "stack_key") and hasattr(kind, "stack")
    return has_both and not _trains_otherwise(kind)


@lru_cache(maxsize=256)
def _trains_otherwise(kind: Any) -> bool:
    """Tell whether a user's subclass of an estimator of ours has methods of its own.

    A stack of ours would not call them. A class that says itself what its stacks are
    knows what it does.
    """
    for base in kind.__mro__:
        of_ours = base.__module__.partition(".")[0] == "gpu_hpo"
        if of_ours or not _STACKING.isdisjoint(vars(base)):
            return False
        if not _METHODS.isdisjoint(vars(base)):
            return any(hasattr(later, "stack_type") for later in kind.__mro__)
    return False


_STACKING = frozenset({"stack", "stack_key", "stack_type"})
_METHODS = frozenset(
    {
        *("fit", "partial_fit"),
        *("predict", "predict_proba", "predict_log_proba", "decision_function"),
    }
)


def fits_together(model: Any) -> bool:
    """Tell whether models like this one, which is not fitted, may be fitted in a stack.

    That is whether it has the two methods of the contract, and its stacks a `fit`. With
    whom it may share one is what `stack_key` says, which may raise.
    """
    if not _is_stackable(model):
        return False
    return hasattr(type(model).stack([model]), "fit")


def takes_rows(stack: Stack) -> bool:
    """Tell whether the models of a stack may train on different rows.

    That is whether its `partial_fit` has a parameter that is called ``rows``.
    """
    try:
        return "rows" in inspect.signature(stack.partial_fit).parameters
    except (TypeError, ValueError):
        # Code that is not written in Python may have no signature.
        return False
