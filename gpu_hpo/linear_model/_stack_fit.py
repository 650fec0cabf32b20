# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fitting a stack of linear models, of which a model by itself is the only member."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.base import is_classifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.validation import validate_data

from gpu_hpo.devices import array_namespace, is_device_array, to_host
from gpu_hpo.linear_model._lanes import Rows, begin
from gpu_hpo.linear_model._rows import read_rows
from gpu_hpo.linear_model._stopping import train_until_done
from gpu_hpo.stacks._fit_courses import find_courses, warn_of_models


def fit_stack(
    stack: Any,
    X: Any,
    y: Any,
    coef_init: Any = None,
    intercept_init: Any = None,
    sample_weight: Any = None,
    *,
    goes_on: bool = False,
) -> None:
    """Train each model of a stack until it no longer improves.

    Parameters
    ----------
    stack : LinearStack
        What becomes of its models stands in it and in its `errors`.
    X, y, coef_init, intercept_init, sample_weight
        As of the estimators' `fit`.
    goes_on : bool
        Whether the models begin with the weights, and the averages, that they have.

    Raises
    ------
    ValueError
        If something is wrong with the data, or the initial weights, of all models.
    """
    # What is refused leaves no traces.
    reader = copy.copy(stack.models[0])
    classes = None
    if is_classifier(reader):
        classes = _classes(reader, y)
        reader.__dict__.pop("classes_", None)
    rows, class_weights = read_rows(
        reader,
        X,
        y,
        sample_weight,
        classes,
        reset=not goes_on,
        zero_weights=is_classifier(reader) and reader.early_stopping,
    )
    initial = None
    if not goes_on and not (coef_init is None and intercept_init is None):
        initial = _initial(reader, rows, coef_init, intercept_init)
    stack.models[0] = reader
    stack.errors = [None] * len(stack)
    if goes_on:
        for model in stack.models:
            model.t_ = 1.0
    else:
        stack.begin(array_namespace(rows.X), np.dtype(rows.X.dtype.str))
    if initial is not None:
        coefs, intercepts = map(stack.xp.asarray, initial)
        stack.coefs[:] = coefs.reshape(stack.coefs.shape[1:])
        stack.intercepts[:] = intercepts.reshape(stack.intercepts.shape[1:])
    _train(stack, rows, class_weights)


def say_how_it_went(models: Mapping[int, Any]) -> None:
    """Warn, once for all, of what some of the fitted models should know.

    Parameters
    ----------
    models : mapping of int to estimator
        By their places in the stack, which the warning has as `models`.
    """
    cut_off = [
        i for i, m in models.items() if m.tol is not None and m.n_iter_ == m.max_iter
    ]
    if cut_off:
        warn_of_models(
            ConvergenceWarning(
                "Maximum number of iteration reached before convergence. Consider "
                "increasing max_iter to improve the fit."
            ),
            cut_off,
        )
    negative = [i for i, model in models.items() if model.power_t < 0]
    if negative:
        warn_of_models(
            FutureWarning(
                "Negative values for `power_t` are deprecated, as in scikit-learn."
            ),
            negative,
        )


def _classes(model: Any, y: Any) -> Any:
    """Classes that there are in y."""
    if is_device_array(y):
        return np.unique(to_host(y))
    return np.unique(validate_data(model, y=y))


def _initial(
    model: Any, rows: Rows, coef_init: Any, intercept_init: Any
) -> tuple[Any, Any]:
    """Check initial weights, with scikit-learn's words; gives arrays on the host."""
    checked = copy.copy(model)
    checked._allocate_parameter_mem(
        n_classes=len(getattr(model, "classes_", [0])),
        n_features=rows.X.shape[1],
        input_dtype=np.dtype(rows.X.dtype.str),
        coef_init=None if coef_init is None else to_host(coef_init),
        intercept_init=None if intercept_init is None else to_host(intercept_init),
    )
    return checked.coef_, checked.intercept_


def _train(stack: Any, rows: Rows, class_weights: Any) -> None:
    """Train from what the stack has now, those together that can be."""
    models, n_outputs = stack.models, stack.coefs.shape[1]
    early = models[0].early_stopping
    rules = stack.rules(objective=not early or any(m.verbose > 0 for m in models))
    lanes = stack.lanes(class_weights)
    begin(stack.xp, rules, lanes)
    n_epochs = [0] * len(models)
    hold_out = _holding_out(rows, early)
    for courses in find_courses(models, rows.X.shape[0], hold_out, stack.errors):
        members = [i for course in courses for i in course.members]
        own = np.add.outer(np.multiply(members, n_outputs), np.arange(n_outputs))
        part = lanes.take(own.ravel())
        found = train_until_done(
            stack.xp, [models[i] for i in members], rules, part, rows, courses
        )
        lanes.put(own.ravel(), part)
        for i, epochs, error in zip(members, *found, strict=True):
            n_epochs[i], stack.errors[i] = epochs, error
    stack.absorb(lanes)
    stack.count(n_epochs, rows.X.shape[0])


def _holding_out(rows: Rows, early_stopping: bool) -> Callable[..., tuple[Any, Any]]:
    """Say which rows a model trains on, and which say when to stop."""
    every = np.arange(rows.X.shape[0])
    if not early_stopping:
        return lambda model, rng: (every, every[:0])
    y = to_host(rows.y)
    counted = np.ones(len(y), bool)
    if rows.weight is not None:
        counted = to_host(rows.weight > 0)

    def hold_out(model: Any, rng: Any) -> tuple[Any, Any]:
        held = np.flatnonzero(model._make_validation_split(y, counted))
        return np.setdiff1d(every, held), held

    return hold_out
