# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Scoring a model part by part, on the device that holds the data.

The validation set comes in parts that need not be in memory together: only the
model's answers and the labels are kept from one part to the next. Where all a score
needs is predictions, they are put together and scored once, so that the result is
that of the whole set, not a mean over parts.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.metrics import check_scoring
from sklearn.metrics._scorer import (
    _BaseScorer,
    _MultimetricScorer,
    _PassthroughScorer,
    get_scorer_names,
)
from sklearn.utils import get_tags

from gpu_hpo.data import Chunk, concat_chunks
from gpu_hpo.devices import array_namespace, is_device_array, to_host
from gpu_hpo.training._own_rows import rows_for

Answers = dict[str, Any]


def accuracy(y: Any, predicted: Any, weight: Any = None) -> float:
    """Share of rows predicted right, on the device of the data.

    Parameters
    ----------
    y, predicted : array of shape (n_samples,)
    weight : array of shape (n_samples,), optional
    """
    right = y == predicted
    if weight is None:
        return float(right.mean())
    return float((right * weight).sum() / weight.sum())


def r2(y: Any, predicted: Any, weight: Any = None) -> float:
    """Coefficient of determination, on the device of the data.

    Parameters
    ----------
    y, predicted : array of shape (n_samples,)
    weight : array of shape (n_samples,), optional

    Returns
    -------
    float
        For constant `y`, 1 if predicted without error, else 0, as scikit-learn does.
    """
    xp = array_namespace(y)
    y = y.astype(xp.float64)
    weight = 1.0 if weight is None else weight
    mean = (y * weight).sum() / (xp.ones_like(y) * weight).sum()
    residual = float((weight * (y - predicted) ** 2).sum())
    total = float((weight * (y - mean) ** 2).sum())
    if total == 0.0:
        return 1.0 if residual == 0.0 else 0.0
    return 1.0 - residual / total


_OURS: dict[str, Callable[..., float]] = {"accuracy": accuracy, "r2": r2}


@dataclass(frozen=True)
class _Metric:
    """One number by name.

    `ours` is a metric of this module that takes predictions as they are; `scorer`
    is scikit-learn's or the user's; `whole` means that it wants the estimator and
    all of X at once rather than answers.
    """

    name: str
    scorer: Any
    ours: str | None = None
    whole: bool = False

    def methods(self, model: Any) -> tuple[str, ...]:
        """Which of the model's methods give the answers that are scored."""
        if self.whole:
            return ()
        if self.ours:
            return ("predict",)
        method = self.scorer._response_method
        if method == "default":
            return ("predict",)
        if isinstance(method, str):
            return (method,)
        # If the model has none of them, asking it for the first says so.
        return (next((name for name in method if hasattr(model, name)), method[0]),)

    def accepted(self, model: Any, params: Mapping[str, Any]) -> dict[str, Any]:
        """Those of the per-row parameters that this metric takes."""
        if not params:
            return {}
        function = getattr(self.scorer, "_score_func", self.scorer)
        if isinstance(self.scorer, _PassthroughScorer):
            function = model.score
        takes = inspect.signature(function).parameters
        if any(p.kind is p.VAR_KEYWORD for p in takes.values()):
            return dict(params)
        return {name: value for name, value in params.items() if name in takes}


class Scoring:
    """The metrics of a search, and which of them decides.

    Parameters
    ----------
    metrics : sequence of _Metric
    decides : str
        Name of the metric that ranks trials.
    """

    def __init__(self, metrics: Sequence[_Metric], decides: str) -> None:
        self.metrics = tuple(metrics)
        self.decides = decides

    @property
    def scorer(self) -> Any:
        """The scorer that decides, to be called as ``scorer(estimator, X, y)``."""
        return next(m.scorer for m in self.metrics if m.name == self.decides)

    @property
    def whole(self) -> bool:
        """Whether some metric needs the whole validation set in one piece."""
        return any(metric.whole for metric in self.metrics)

    def methods(self, model: Any) -> list[str]:
        """Which of the model's methods give the answers that are scored."""
        names = {name for metric in self.metrics for name in metric.methods(model)}
        return sorted(names)

    def answers(self, model: Any, part: Chunk) -> Answers:
        """The model's answers for one part, by method."""
        only_X = {"X": part["X"]}
        return {
            name: getattr(model, name)(rows_for(model, only_X)["X"])
            for name in self.methods(model)
        }

    def score(
        self,
        model: Any,
        answers: Sequence[Answers],
        parts: Sequence[Chunk],
        rows: tuple[str, ...] = (),
    ) -> dict[str, float]:
        """Every metric over all parts.

        Parameters
        ----------
        model : estimator
        answers : sequence of dict
            Per part, by method (see `answers`).
        parts : sequence of Chunk
            Per part y and per-row parameters; X only if `whole`.
        rows : tuple of str
            Per-row parameters that scorers take.

        Returns
        -------
        dict of str to float
        """
        whole = concat_chunks(
            parts if self.whole else [_without(part, "X") for part in parts]
        )
        params = {name: whole[name] for name in rows}
        joined = {
            name: concat_chunks([{"answer": answer[name]} for answer in answers])[
                "answer"
            ]
            for name in answers[0]
        }
        return {
            metric.name: self._one(metric, model, joined, whole, params)
            for metric in self.metrics
        }

    def _one(
        self,
        metric: _Metric,
        model: Any,
        answers: Answers,
        whole: Chunk,
        params: Mapping[str, Any],
    ) -> float:
        y = whole.get("y")
        params = metric.accepted(model, params)
        if metric.whole:
            target = () if y is None else (y,)
            X = rows_for(model, {"X": whole["X"]})["X"]
            return _number(metric, metric.scorer(model, X, *target, **params))
        if metric.ours and y is not None and getattr(y, "ndim", 0) == 1:
            predicted = answers["predict"]
            if array_namespace(y) is array_namespace(predicted) and predicted.ndim == 1:
                weight = params.get("sample_weight")
                y, weight = _plain(y), _plain(weight)
                return _OURS[metric.ours](y, predicted, weight)
        host = {name: _on_host(answer) for name, answer in answers.items()}
        params = {name: _on_host(value) for name, value in params.items()}
        facade = _Answered(model, host)
        return _number(metric, metric.scorer(facade, None, _on_host(y), **params))


def make_scoring(estimator: Any, scoring: Any, refit: Any = True) -> Scoring:
    """Read what the user passed as `scoring`.

    Parameters
    ----------
    estimator : estimator
    scoring : str, callable, list, tuple, dict or None
        As in scikit-learn. None is the estimator's own `score`, which for a
        classifier or regressor that does not define one is accuracy or R².
    refit : bool or str
        With several metrics, the name of the one that decides.

    Returns
    -------
    Scoring

    Raises
    ------
    ValueError
        If a name is not known, or several metrics are given and none decides.
    """
    if isinstance(scoring, str):
        _check_name(scoring, scoring)
        return Scoring([_metric(estimator, "score", scoring)], "score")
    if scoring is None or callable(scoring):
        return Scoring([_metric(estimator, "score", scoring)], "score")
    if isinstance(scoring, Mapping):
        named = dict(scoring)
    else:
        named = {name: name for name in scoring}
    if not named:
        raise ValueError(f"scoring={scoring!r} names no metric")
    if refit not in named:
        raise ValueError(
            f"refit={refit!r} must name the metric that decides, since scoring has "
            f"several: one of {sorted(named)}"
        )
    for value in named.values():
        if isinstance(value, str):
            _check_name(value, scoring)
    metrics = [_metric(estimator, name, value) for name, value in named.items()]
    return Scoring(metrics, refit)


def _check_name(name: str, scoring: Any) -> None:
    if name not in get_scorer_names():
        raise ValueError(
            f"scoring={scoring!r}: {name!r} is not the name of a scorer; "
            "sklearn.metrics.get_scorer_names() lists them"
        )


def _metric(estimator: Any, name: str, scoring: Any) -> _Metric:
    if scoring is None:
        own = getattr(type(estimator), "score", None)
        kind = getattr(own, "__qualname__", "")
        # cuML's estimators have mixins of the same names and meaning.
        if kind == "ClassifierMixin.score":
            return _Metric(name, check_scoring(estimator, "accuracy"), ours="accuracy")
        if kind == "RegressorMixin.score":
            return _Metric(name, check_scoring(estimator, "r2"), ours="r2")
        return _Metric(name, check_scoring(estimator), whole=True)
    scorer = check_scoring(estimator, scoring)
    if isinstance(scorer, _MultimetricScorer) or not isinstance(scorer, _BaseScorer):
        return _Metric(name, scorer, whole=True)
    ours = scoring if isinstance(scoring, str) and scoring in _OURS else None
    return _Metric(name, scorer, ours=ours)


def _plain(values: Any) -> Any:
    """Array of what may be a column of a frame, where it is."""
    if not hasattr(values, "iloc"):
        return values
    return values.values if is_device_array(values) else np.asarray(values)


def _number(metric: _Metric, value: Any) -> float:
    if isinstance(value, Mapping):
        raise TypeError(
            f"the scorer {metric.scorer!r} gave {value!r} where one number is needed; "
            "for several metrics let scoring be a dict of scorers"
        )
    return float(value)


class _Answered:
    """Stands in for a model in front of a scorer, with answers already given."""

    def __init__(self, model: Any, answers: Answers) -> None:
        self._model = model
        self._answers = answers

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if name in self._answers:
            return _given(name, self._answers[name])
        value = getattr(self._model, name)
        return _on_host(value) if name == "classes_" else value

    def __sklearn_tags__(self) -> Any:
        return get_tags(self._model)


def _given(name: str, answer: Any) -> Callable[[Any], Any]:
    """A method that answers what is known; scorers look at its name."""

    def method(X: Any) -> Any:
        return answer

    method.__name__ = name
    return method


def _without(chunk: Chunk, name: str) -> Chunk:
    return {key: value for key, value in chunk.items() if key != name}


def _on_host(value: Any) -> Any:
    if isinstance(value, list):
        return [_on_host(item) for item in value]
    if value is not None and is_device_array(value):
        return np.asarray(to_host(value))
    return value
