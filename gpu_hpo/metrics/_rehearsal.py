# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find metrics that no model can be scored by, before any is trained.

A model that makes no mistake is scored on two rows of each label. If a metric raises or
is NaN even there, it is not defined for these labels. Only scikit-learn's metrics are
tried: others may count how often they are called.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.utils import get_tags

from gpu_hpo._sklearn_private import _BaseScorer, function_of
from gpu_hpo._typing import Estimator
from gpu_hpo.metrics._metric import Metric
from gpu_hpo.metrics._scoring import Scoring

_NAN = "it would be NaN"


def check_defined(
    scoring: Scoring,
    model: Estimator,
    classes: np.ndarray,
    held: Sequence[np.ndarray],
    given: Any,
) -> None:
    """Raise ValueError if a metric is not defined on the rows to validate on.

    Parameters
    ----------
    scoring : Scoring
    model : classifier
        Not fitted.
    classes : ndarray of shape (n_classes,)
        All labels that models know.
    held : sequence of ndarray
        Distinct labels of the rows to validate on, in each split.
    given : object
        `scoring` as the user gave it.
    """
    for split, labels in enumerate(held):
        for metric in filter(_is_of_sklearn, scoring.metrics if len(labels) else ()):
            reason = _fault(metric, model, classes, labels)
            # A metric that does not decide may be NaN.
            if reason is None or (reason is _NAN and metric.name != scoring.decides):
                continue
            name = function_of(metric.scorer).__name__
            where = f" in split {split}" if len(held) > 1 else ""
            raise ValueError(
                f"scoring={given!r}: {name} is not defined on the rows to validate on"
                f"{where}, which {_shown(labels)}: {reason}"
            )


def _is_of_sklearn(metric: Metric) -> bool:
    if metric.needs_X or not isinstance(metric.scorer, _BaseScorer):
        return False
    module = getattr(function_of(metric.scorer), "__module__", None) or ""
    return module.partition(".")[0] == "sklearn"


def _fault(
    metric: Metric, model: Estimator, classes: np.ndarray, labels: np.ndarray
) -> str | None:
    """Return why a metric is not defined for rows of these labels; None if it is."""
    perfect = _Perfect(model, classes)
    y = np.repeat(labels, 2)
    responses = {name: perfect.response(name, y) for name in metric.methods(perfect)}
    alone = Scoring([metric], metric.name)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scored = alone.score_many([perfect], [[responses]], [{"y": y}])[0]
    if isinstance(scored, Exception):
        return str(scored).partition("\n")[0]
    return _NAN if math.isnan(scored[metric.name]) else None


def _shown(labels: np.ndarray) -> str:
    found = labels.tolist()
    if len(found) == 1:
        return f"are of one class only, {found[0]!r}"
    return (
        f"have the labels {', '.join(map(repr, found[:5]))}{', ...' * (len(found) > 5)}"
    )


class _Perfect:
    """Stands in for a model that makes no mistake.

    Parameters
    ----------
    model : classifier
        Has the same methods and tags.
    classes : ndarray
    """

    def __init__(self, model: Estimator, classes: np.ndarray) -> None:
        self._model = model
        self.classes_ = classes

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_model":
            raise AttributeError(name)
        return getattr(self._model, name)

    def __sklearn_tags__(self) -> Any:
        return get_tags(self._model)

    def response(self, method: str, y: np.ndarray) -> np.ndarray:
        """Return what the method gives for rows of these labels."""
        if method == "predict":
            return y
        is_class = y[:, None] == self.classes_
        if method == "decision_function":
            values = np.where(is_class, 1.0, -1.0)
            return values[:, 1] if len(self.classes_) == 2 else values
        return is_class.astype(np.float64)
