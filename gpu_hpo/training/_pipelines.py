# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Train by `partial_fit`, also pipelines, which do not have it.

In one call each step learns from the chunk as the steps before have transformed it, and
then transforms it for the next step.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Any, TypeGuard
from weakref import WeakKeyDictionary

import numpy as np
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import get_tags

from gpu_hpo._typing import ArrayLike, Estimator
from gpu_hpo.training._lending import Access, access_of, call_lent


def is_chain(estimator: object) -> TypeGuard[Pipeline]:
    """Return whether an estimator is a pipeline that is trained step by step."""
    return isinstance(estimator, Pipeline) and not hasattr(estimator, "partial_fit")


def untrainable(estimator: Estimator) -> str | None:
    """Return why `partial_fit` cannot train an estimator; None if it can.

    For a pipeline it names every step that prevents training.
    """
    if not is_chain(estimator):
        trains = hasattr(estimator, "partial_fit")
        return None if trains else "it has no method partial_fit"
    if not estimator.steps:
        return "it has no steps"
    if _is_skipped(estimator.steps[-1][1]):
        return f"it ends with {estimator.steps[-1][1]!r} in place of a model"
    return "; ".join(_faults(estimator, "", transforms=False)) or None


def train(
    estimator: Any,
    rows: Sequence[ArrayLike],
    params: Mapping[str, Any],
    access: Access | None = None,
) -> None:
    """Train an estimator, or each step of a pipeline, by one call, in place.

    Parameters
    ----------
    estimator : estimator or Stack
        A pipeline is what its `fit` would have made it, an ordinary fitted one, but for
        what each step has learned from. Its `memory` is not used: it would keep what
        steps learn from the same rows twice, and no call is like another.
    rows : sequence of array-like
        X, which is not converted on its way through the steps, and y if there is one,
        which goes to every step. Others may read them.
    params : mapping of str to object
        More of `partial_fit`. Each goes to the last step of a pipeline, or to the one
        whose name and two underscores come first.
    access : Access, optional
        What the estimator may have of the rows, by default what `access_of` says. Each
        step of a pipeline is given what it may have itself.

    Raises
    ------
    ValueError
        If a step has no `partial_fit` and needs to be fitted.
    """
    if is_chain(estimator):
        X, *y = rows
        _update(estimator, X, y, params, transforms=False)
    else:
        access = access_of(estimator) if access is None else access
        call_lent(estimator.partial_fit, rows, params, access)


def takes_param(estimator: object, name: str) -> bool:
    """Return whether `partial_fit` takes a parameter of this name."""
    parts = _parts(estimator)
    if parts:
        owner, own = _receiver(estimator, name)
        return owner is not None and takes_param(parts[owner], own)
    if isinstance(estimator, FrozenEstimator) or not hasattr(estimator, "partial_fit"):
        return False
    return takes(estimator.partial_fit, name)


def takes(method: Callable[..., Any], name: str) -> bool:
    """Return whether a method takes a parameter of this name."""
    params = inspect.signature(method).parameters
    return name in params or any(p.kind is p.VAR_KEYWORD for p in params.values())


def takes_classes(estimator: object) -> bool:
    """Return whether the first call of `partial_fit` takes all classes."""
    method = getattr(_last(estimator), "partial_fit", None)
    return method is not None and "classes" in inspect.signature(method).parameters


def classes_of_columns(
    estimator: Estimator, labels: Sequence[np.ndarray]
) -> np.ndarray | list[np.ndarray]:
    """Return what `partial_fit` takes as `classes` where y has several columns.

    Parameters
    ----------
    estimator : classifier
    labels : sequence of ndarray
        Distinct labels of each column.

    Returns
    -------
    list of ndarray, or ndarray of shape (n_columns,)
        The labels of each column. If columns mark labels that a row has, and the
        estimator takes such: the numbers of the columns.
    """
    if not hasattr(estimator, "__sklearn_tags__"):
        return list(labels)
    tags = get_tags(estimator)
    marks = all(set(column.tolist()) <= {0, 1} for column in labels)
    if marks and tags.classifier_tags is not None and tags.classifier_tags.multi_label:
        return np.arange(len(labels))
    return list(labels)


def needs_classes(model: Any) -> bool:
    """Return whether every call of `partial_fit` needs all classes."""
    model = _last(model)
    kind = type(model)
    if kind in _NEEDS_CLASSES:
        return _NEEDS_CLASSES[kind]
    classes = inspect.signature(model.partial_fit).parameters.get("classes")
    needs = classes is not None and classes.default is classes.empty
    if isinstance(inspect.getattr_static(kind, "partial_fit", None), FunctionType):
        # A wrapper has the methods of what it wraps, so it cannot tell.
        _NEEDS_CLASSES[kind] = needs
    return needs


_NEEDS_CLASSES: WeakKeyDictionary[type, bool] = WeakKeyDictionary()


def _parts(step: object) -> dict[str, Any]:
    """Return by name what is trained in place of a step; {} for the step itself."""
    if is_chain(step):
        return dict(step.steps)
    if isinstance(step, FeatureUnion) and not hasattr(step, "partial_fit"):
        return dict(step.transformer_list)
    return {}


def _last(estimator: Any) -> Any:
    while is_chain(estimator) and estimator.steps:
        estimator = estimator.steps[-1][1]
    return estimator


def _is_skipped(step: object) -> bool:
    return step is None or (isinstance(step, str) and step in ("passthrough", "drop"))


def _needs_no_fit(step: object) -> bool:
    try:
        return not get_tags(step).requires_fit
    except AttributeError:  # it has no tags
        return False


def _faults(step: Any, path: str, *, transforms: bool) -> Iterator[str]:
    """Yield why a step, or what it holds, cannot be trained by calls."""
    if _is_skipped(step):
        return
    parts = _parts(step)
    if parts:
        if getattr(step, "transform_input", None) is not None:
            yield f"it has transform_input={step.transform_input!r}"
        last = next(reversed(parts)) if is_chain(step) else None
        for name, part in parts.items():
            inner = f"{path}__{name}" if path else name
            yield from _faults(part, inner, transforms=transforms or name != last)
        return
    what = f"step {path!r} ({type(step).__name__})"
    if transforms and not hasattr(step, "transform"):
        yield f"{what} has no method transform"
    elif not (
        isinstance(step, FrozenEstimator)
        or hasattr(step, "partial_fit")
        or _needs_no_fit(step)
    ):
        yield f"{what} has no method partial_fit and needs fitting"


def _update(
    step: Any,
    X: ArrayLike,
    y: Sequence[ArrayLike],
    params: Mapping[str, Any],
    *,
    transforms: bool,
) -> ArrayLike:
    """Train a step on a chunk; return X for the next step, if it `transforms`."""
    if _is_skipped(step):
        return X
    parts = _parts(step)
    access = Access.SHARED if is_chain(step) else access_of(step)
    given = _divided(step, params) if parts else {}
    if is_chain(step) and parts:
        *before, last = parts
        for name in before:
            X = _update(parts[name], X, y, given[name], transforms=True)
        return _update(parts[last], X, y, given[last], transforms=transforms)
    if parts:
        for name, part in parts.items():
            _update(part, X, y, given[name], transforms=False)
    elif isinstance(step, FrozenEstimator):
        pass  # it has the methods of what it holds, which must not be trained
    elif hasattr(step, "partial_fit"):
        call_lent(step.partial_fit, [X, *y], params, access)
    elif not _needs_no_fit(step):
        raise ValueError(
            f"{type(step).__name__} has no method partial_fit and needs fitting"
        )
    elif not hasattr(step, "n_features_in_"):
        # It only stores names and number of the columns.
        call_lent(step.fit, [X, *y], params, access)
    return call_lent(step.transform, [X], {}, access) if transforms else X


def _divided(step: object, params: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Divide parameters among the parts that they go to."""
    divided: dict[str, dict[str, Any]] = {name: {} for name in _parts(step)}
    for param, value in params.items():
        owner, own = _receiver(step, param)
        if owner is None:
            raise TypeError(f"{param} goes to no part of {type(step).__name__}")
        if own == param:
            divided[owner].setdefault(own, value)
        else:  # a parameter that names its receiver has precedence
            divided[owner][own] = value
    return divided


def _receiver(step: object, param: str) -> tuple[str | None, str]:
    """Return what in a step gets a parameter, if anything, and by what name."""
    owner, _, own = param.partition("__")
    if own and owner in _parts(step):
        return owner, own
    # A union has no last part.
    return (step.steps[-1][0] if is_chain(step) else None), param
