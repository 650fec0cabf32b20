# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Import private names of scikit-learn and joblib, and know those of scorers.

No other module imports a private name of theirs, or names a private attribute of a
scorer. A release of scikit-learn may move or change each of these without notice, which
is why `pyproject.toml` has an upper bound for its version and `make test-nightly` runs
the tests with its next one.
"""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

from joblib._utils import eval_expr
from sklearn.base import _fit_context
from sklearn.callback import AutoPropagatedCallback
from sklearn.callback._callback_support import callback_management_context
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from sklearn.model_selection._search import (
    BaseSearchCV,
    _yield_masked_array_for_each_param,
)
from sklearn.model_selection._split import _validate_shuffle_split
from sklearn.model_selection._validation import _warn_or_raise_about_fit_failures
from sklearn.utils import _param_validation, _safe_indexing
from sklearn.utils._param_validation import (
    Hidden,
    RealNotInt,
    StrOptions,
    validate_parameter_constraints,
)
from sklearn.utils._repr_html.estimator import _VisualBlock
from sklearn.utils.metadata_routing import _routing_enabled
from sklearn.utils.multiclass import _check_partial_fit_first_call
from sklearn.utils.validation import (
    _check_feature_names,
    _check_method_params,
    _check_sample_weight,
    _num_samples,
)

__all__ = [
    "BaseSearchCV",
    "Hidden",
    "Interval",
    "RealNotInt",
    "StrOptions",
    "_BaseScorer",
    "_MultimetricScorer",
    "_PassthroughScorer",
    "_VisualBlock",
    "_check_feature_names",
    "_check_method_params",
    "_check_partial_fit_first_call",
    "_check_sample_weight",
    "_fit_context",
    "_num_samples",
    "_routing_enabled",
    "_safe_indexing",
    "_validate_shuffle_split",
    "_warn_or_raise_about_fit_failures",
    "_yield_masked_array_for_each_param",
    "asking_by",
    "callback_management_context",
    "estimator_of",
    "eval_expr",
    "function_of",
    "params_of",
    "propagated",
    "propagates",
    "raises_at_once",
    "response_method_of",
    "scorers_of",
    "sign_of",
    "takes_weights",
    "validate_parameter_constraints",
    "with_function",
]


class Interval(_param_validation.Interval):
    """Let a parameter be a number of a range; scikit-learn's takes True for 1."""

    def is_satisfied_by(self, val: Any) -> bool:
        """Return whether a value is such a number, and no bool."""
        return not isinstance(val, bool) and bool(super().is_satisfied_by(val))


def scorers_of(scorer: _MultimetricScorer) -> dict[str, Any]:
    """Return the scorers that a scorer of several metrics is made of, by name."""
    return scorer._scorers


def raises_at_once(scorer: _MultimetricScorer) -> bool:
    """Return whether the first of several metrics that fails raises its exception."""
    return scorer._raise_exc


def estimator_of(scorer: _PassthroughScorer) -> Any:
    """Return the estimator whose own `score` a scorer calls."""
    return scorer._estimator


def function_of(scorer: _BaseScorer) -> Callable[..., Any]:
    """Return the function that a scorer calls with labels and responses."""
    return scorer._score_func


def params_of(scorer: _BaseScorer) -> dict[str, Any]:
    """Return the other arguments that a scorer passes to its function, by name."""
    return scorer._kwargs


def sign_of(scorer: _BaseScorer) -> int:
    """Return 1 if larger is better for a scorer's function, and -1 if smaller is."""
    return scorer._sign


def response_method_of(scorer: _BaseScorer) -> str | Sequence[str]:
    """Return the model's method that a scorer calls, or several to choose from."""
    return scorer._response_method


def takes_weights(scorer: Any) -> bool:
    """Return whether a scorer object can be given `sample_weight`."""
    return scorer._accept_sample_weight()


def with_function(scorer: _BaseScorer, function: Callable[..., Any]) -> _BaseScorer:
    """Return a copy of a scorer that calls another function."""
    copied = copy.copy(scorer)
    copied._score_func = function
    return copied


def asking_by(scorer: _BaseScorer, ask: Callable[..., Any]) -> _BaseScorer:
    """Return a copy of a scorer that asks models through another function.

    Parameters
    ----------
    scorer : scorer object
    ask : callable
        Is called with the function by which scikit-learn would ask, the model, the name
        of its method, X, and what else the method is given.
    """

    def score(asks: Callable[..., Any], *args: Any, **params: Any) -> Any:
        return scorer._score(partial(ask, asks), *args, **params)

    copied = copy.copy(scorer)
    copied._score = score
    return copied


def propagates(context: Any) -> bool:
    """Return whether callbacks of a context are to be told of fits in its tasks, too.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
    """
    depth = context._propagation_depth
    return any(
        isinstance(callback, AutoPropagatedCallback)
        and (
            callback.max_propagation_depth is None
            or depth < callback.max_propagation_depth
        )
        for callback in context._callbacks
    )


@contextmanager
def propagated(context: Any, model: Any) -> Iterator[None]:
    """Pass callbacks on to a model, as scikit-learn does, but without its warning.

    It warns at each fit of a model that knows no callbacks.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
    model : estimator
    """
    if hasattr(model, "set_callbacks"):
        with context.propagate_callback_context(model):
            yield
        return
    model._parent_callback_ctx = context
    try:
        yield
    finally:
        del model._parent_callback_ctx
