# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fit a transformer to rows that others read, and watch whether it writes on them."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from sklearn.utils.validation import check_memory

from gpu_hpo._typing import ArrayLike, Estimator, Params
from gpu_hpo.exceptions import SharedStateWarning
from gpu_hpo.exhaustive._new_models import new_model
from gpu_hpo.training._lending import (
    Access,
    access_of,
    lend,
    lend_params,
    was_written,
    with_access,
)

TRANSFORMED = ("test", "train_transformed")  # rows of a fold that do not train


def is_rows(X: Any) -> bool:
    """Return whether these are rows, and not None or the error in their place."""
    return X is not None and not isinstance(X, Exception)


class FittedStep(NamedTuple):
    """A transformer that was fitted, and what it gives for the rows of a fold.

    Attributes
    ----------
    estimator : estimator
        As it is after the rows that train, before any others.
    rows : dict
        Per kind of rows, what it gives.
    fit_time, test_time : float
        Seconds, those for the rows that test apart.
    wrote : bool
        Whether rows were written, so that others would have seen it.
    """

    estimator: Any
    rows: dict[str, Any]
    fit_time: float
    test_time: float
    wrote: bool


def fit_transform_lent(
    unfitted: Estimator,
    given: Mapping[str, Any],
    y: ArrayLike | None,
    params: Mapping[str, Any],
    memory: Any = None,
    *,
    keep: bool,
) -> FittedStep:
    """Fit a transformer to rows that are lent to it, and transform them.

    Parameters
    ----------
    unfitted : estimator
    given : mapping
        "train", and the other kinds of rows of a fold.
    y : array-like or None
        Labels of the training rows.
    params : mapping of str to dict
        Fit parameters by method.
    memory : str, joblib.Memory or None
    keep : bool
        Whether the transformer, and whether it wrote, is needed later.
    """
    begin = time.time()
    X: Any = None

    def fit(access: Access) -> tuple[Any, Any]:
        nonlocal X
        X = lend(given["train"], access)
        train_and_estimator: tuple[Any, Any] = check_memory(memory).cache(
            _fit_transform
        )(
            new_model(unfitted, {}),
            X,
            lend(y, access),
            {name: lend_params(values, access) for name, values in params.items()},
        )
        return train_and_estimator

    (train, estimator), access = with_access(fit, access_of(unfitted))
    watched = keep and access is Access.OWN
    wrote = watched and was_written(given["train"], X)
    # If `transform` draws random numbers, each later use begins from this state.
    kept = copy_if_changeable(estimator) if keep else estimator
    rows: dict[str, Any] = {"train": train}
    test_time = 0.0
    for name in TRANSFORMED:
        start = time.time()
        # Without metadata, as in predictions of a pipeline.
        rows[name], written = transformed(estimator, given[name], access, watched=keep)
        wrote = wrote or written
        if name == "test":
            test_time = time.time() - start
    return FittedStep(kept, rows, time.time() - begin - test_time, test_time, wrote)


def _fit_transform(
    transformer: Any, X: ArrayLike, y: ArrayLike | None, params: Params
) -> tuple[Any, Any]:
    """Fit and transform as a step of a pipeline."""
    if hasattr(transformer, "fit_transform"):
        return transformer.fit_transform(
            X, y, **params.get("fit_transform", {})
        ), transformer
    transformer.fit(X, y, **params.get("fit", {}))
    return transformer.transform(X, **params.get("transform", {})), transformer


def transformed(
    transformer: Any, given: Any, access: Access, *, watched: bool = False
) -> tuple[Any, bool]:
    """Transform rows that did not train.

    Parameters
    ----------
    transformer : estimator
    given : array-like, None or Exception
    access : Access
    watched : bool
        Whether to find out if they were written.

    Returns
    -------
    rows : array-like, None or Exception
        The exception, if they cannot be transformed.
    wrote : bool
        Whether `given` would have been written.
    """
    if not is_rows(given):
        return given, False
    X: Any = None

    def transform(access: Access) -> Any:
        nonlocal X
        X = lend(given, access)
        return transformer.transform(X)

    try:
        output, access = with_access(transform, access)
    except Exception as error:
        return error, False
    return output, watched and access is Access.OWN and was_written(given, X)


def copy_if_changeable(estimator: Estimator) -> Any:
    """Copy a fitted step if its methods may change it; else return it unchanged.

    Estimators of known libraries do not change in `transform` or `predict`, unless they
    draw random numbers.
    """
    if access_of(estimator) is not Access.OWN and not _draws(estimator):
        return estimator
    try:
        return copy.deepcopy(estimator)
    except Exception as error:
        warnings.warn(
            f"{type(estimator).__name__} cannot be copied once it is fitted "
            f"({type(error).__name__}: {error}): candidates that have it in common see "
            "what others have left in it",
            SharedStateWarning,
        )
        return estimator


def without_shared_steps(estimator: Estimator, seen: dict[int, Any]) -> Any:
    """Return a fitted estimator that shares no step with those seen before.

    Equal transformers of a composite are fitted once. If they draw random numbers, each
    needs its own generator.

    Parameters
    ----------
    estimator : estimator
    seen : dict of int to estimator
        Steps by identity; those of this estimator are added.
    """
    steps = all_steps(estimator)
    shared = not steps.keys().isdisjoint(seen)
    seen |= steps
    return copy_if_changeable(estimator) if shared else estimator


def _draws(estimator: Estimator) -> bool:
    """Return whether a fitted estimator, or one in it, draws random numbers."""
    return any(
        isinstance(value, np.random.RandomState | np.random.Generator)
        for step in all_steps(estimator).values()
        for value in getattr(step, "__dict__", {}).values()
    )


def all_steps(estimator: Estimator) -> dict[int, Any]:
    """Return an estimator and the fitted ones in it, by identity."""
    steps: dict[int, Any] = {}
    met = [estimator]
    while met:
        step = met.pop()
        if id(step) not in steps:
            steps[id(step)] = step
            met += _fitted_parts(getattr(step, "__dict__", {}).values())
    return steps


def _fitted_parts(values: Iterable[Any]) -> Iterator[Any]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _fitted_parts(value)
        elif hasattr(value, "get_params") and not isinstance(value, type):
            yield value
