# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Let models that were trained on the numbers of labels speak of the labels.

No GPU holds text, so there y is the numbers of its labels, in their order. What the
user says of labels becomes numbers before a model is trained, and what the user is
given speaks of labels again.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.pipeline import Pipeline
from sklearn.utils import compute_class_weight, get_tags

from gpu_hpo._typing import ArrayLike
from gpu_hpo.devices._cuml_task import answering, answers_on_host
from gpu_hpo.devices._namespace import to_host
from gpu_hpo.devices._params import is_estimator

_WEIGHTS = "class_weight"
# Its estimators meet other labels than those of y: one class, and the rest.
_OTHER_LABELS = "cuml.multiclass"


class NumberedWeights(dict[int, float]):
    """Weights of classes by the numbers of their labels.

    Parameters
    ----------
    numbered : mapping of int to float
    given : mapping
        The weights by labels, as the user gave them.
    """

    given: Mapping[Any, float]

    @classmethod
    def of(cls, given: Mapping[Any, float], labels: np.ndarray) -> NumberedWeights:
        """Put numbers in place of labels; raise what scikit-learn raises of others."""
        compute_class_weight(dict(given), classes=labels, y=labels)
        known = enumerate(labels.tolist())
        made = cls({i: given[label] for i, label in known if label in given})
        made.given = given
        return made


def label_numbers(labels: np.ndarray, y: Any) -> np.ndarray:
    """Return the numbers of labels, on the host."""
    return np.searchsorted(labels, np.asarray(to_host(y)))


def labels_of(labels: np.ndarray, numbers: Any) -> np.ndarray:
    """Return the labels that have these numbers, on the host."""
    return labels[np.asarray(to_host(numbers)).astype(np.intp)]


def number_weights(model: Any, labels: np.ndarray | None) -> Any:
    """Let `class_weight` of a model, and of what it holds, be by numbers of labels.

    Parameters
    ----------
    model : estimator
        Not fitted; it is changed.
    labels : ndarray or None
        All labels of y, sorted. None changes nothing.

    Returns
    -------
    estimator
        The same.

    Raises
    ------
    ValueError
        With scikit-learn's words, if weights are of other labels.
    """
    if labels is None or not is_estimator(model):
        return model
    params = model.get_params(deep=True)
    apart = [
        f"{name}__"
        for name, value in {"": model, **params}.items()
        if type(value).__module__.startswith(_OTHER_LABELS)
    ]
    if "__" in apart:  # the model itself
        return model
    changes = {
        name: NumberedWeights.of(value, labels)
        for name, value in params.items()
        if name.rpartition("__")[2] == _WEIGHTS
        and isinstance(value, Mapping)
        and not isinstance(value, NumberedWeights)
        and not name.startswith(tuple(apart))
    }
    return model.set_params(**changes) if changes else model


# ---- models ----


def with_labels(model: Any, labels: np.ndarray) -> Any:
    """Return a copy of a fitted model that knows the labels, in place of numbers.

    Parameters
    ----------
    model : estimator
        A classifier that was trained on numbers of `labels`.
    labels : ndarray

    Returns
    -------
    estimator or None
        It shares arrays with the model. None if it is not known how its class keeps
        labels: it is neither cuML's nor ours, nor does it wrap such a one.
    """
    return _renamed(model, lambda numbers: labels_of(labels, numbers))


def with_numbers(model: Any, labels: np.ndarray) -> Any:
    """Return what `with_labels` was given, or a model as it is if that gave None."""
    renamed = _renamed(model, lambda known: label_numbers(labels, known))
    return model if renamed is None else renamed


def best_with_labels(model: Any, labels: np.ndarray | None) -> Any:
    """Return a model that speaks of labels if it can; None for `labels` leaves it."""
    if labels is None:
        return model
    renamed = with_labels(model, labels)
    return model if renamed is None else renamed


def _renamed(model: Any, change: Callable[[Any], np.ndarray]) -> Any:
    """Return a copy whose classes are changed; None if that is not known to do."""
    own = vars(model)
    inside = _inside(model)
    if inside is None:
        if "classes_" not in own or not _libraries(model) & {"cuml", "gpu_hpo"}:
            return None
        made = _without_numbers(model)
        classes = change(own["classes_"])
        if hasattr(made, "_rename_classes"):
            made._rename_classes(classes)
        else:
            made.classes_ = classes
        return made
    learned = _renamed(inside, change)
    if learned is None:
        return None
    made = _without_numbers(model)
    if isinstance(model, Pipeline):
        made.steps = [*model.steps[:-1], (model.steps[-1][0], learned)]
    else:
        setattr(made, "estimator_" if "estimator_" in own else "estimator", learned)
    return made


def _inside(model: Any) -> Any:
    """Return what knows labels in place of a pipeline or a wrapper of ours, or None."""
    if isinstance(model, Pipeline):
        return model.steps[-1][1] if model.steps else None
    own = vars(model)
    if "classes_" in own or "gpu_hpo" not in _libraries(model):
        return None
    inside = own.get("estimator_", own.get("estimator"))
    return inside if is_estimator(inside) else None


def _libraries(model: Any) -> set[str]:
    return {base.__module__.partition(".")[0] for base in type(model).__mro__}


def _without_numbers(model: Any) -> Any:
    """Return a copy with the weights of classes that the user gave."""
    made = copy.copy(model)
    for name, value in vars(model).items():
        if isinstance(value, NumberedWeights):
            setattr(made, name, value.given)
        elif name == "estimator" and is_estimator(value):
            given = {
                param: weights.given
                for param, weights in value.get_params(deep=True).items()
                if isinstance(weights, NumberedWeights)
            }
            if given:
                setattr(made, name, clone(value).set_params(**given))
    return made


class Decoded:
    """A model that was trained on numbers of labels, and predicts labels.

    Parameters
    ----------
    model : estimator
    labels : ndarray
        All, sorted.
    """

    def __init__(self, model: Any, labels: np.ndarray) -> None:
        self._model = model
        self.classes_ = labels

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_model":
            raise AttributeError(name)
        return getattr(self._model, name)

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Return the model, by which it is judged what may be done with rows."""
        inside = self._model.get_params(deep=True) if deep else {}
        return {"model": self._model} | {f"model__{k}": v for k, v in inside.items()}

    def __sklearn_tags__(self) -> Any:
        return get_tags(self._model)

    def predict(self, X: ArrayLike) -> np.ndarray:
        return labels_of(self.classes_, self._model.predict(X))

    def score(self, X: ArrayLike, y: ArrayLike, **params: Any) -> float:
        y = np.asarray(to_host(y))
        numbers = np.searchsorted(self.classes_, y)
        known = self.classes_[np.minimum(numbers, len(self.classes_) - 1)] == y
        # A label that was not there in training is none of the model's.
        return float(self._model.score(X, np.where(known, numbers, -1), **params))


# ---- what is called with models and labels ----


def in_words(
    function: Callable[..., Any],
    labels: np.ndarray | None,
    model: Any,
    X: Any,
    *y: Any,
    **params: Any,
) -> Any:
    """Call a scorer with a model and with y that speak of labels.

    Parameters
    ----------
    function : callable
    labels : ndarray or None
        None if the model was trained on y as it is.
    model : estimator
    X : array-like
        It stays where it is.
    *y : array-like
        Nothing, or numbers of labels.
    **params
        More of what `function` takes.
    """
    if labels is None:
        with answering(model, X):
            return function(model, X, *y, **params)
    named = with_labels(model, labels)
    known = [labels_of(labels, one) for one in y]
    if named is None:
        with answering(model, X):
            return function(Decoded(model, labels), X, *known, **params)
    speaker = model
    while (inside := _inside(speaker)) is not None:
        speaker = inside
    # On a device cuML's estimators have no text.
    of_cuml = "cuml" in _libraries(speaker)
    with answers_on_host() if of_cuml else answering(model, X):
        return function(named, X, *known, **params)


@contextmanager
def explained(labels: np.ndarray | None) -> Iterator[None]:
    """Let errors that may speak of numbers say what labels these are."""
    try:
        yield
    except ValueError as error:
        if labels is not None:
            first = enumerate(labels[:10].tolist())
            shown = [f"{i} is {label!r}" for i, label in first]
            more = ["..."] * (len(labels) > 10)
            error.add_note(f"Labels have numbers there: {', '.join(shown + more)}.")
        raise
