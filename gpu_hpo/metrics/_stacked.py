# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Name all metrics, and compute them for many models."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from types import ModuleType

import numpy as np

from gpu_hpo._typing import Array
from gpu_hpo.metrics import _labels, _probabilities, _ranking, _regression
from gpu_hpo.metrics._responses import StackedResponses
from gpu_hpo.metrics._truth import Truth

# By the names of scikit-learn's scorers: greater is better.
METRICS: dict[str, Callable[[StackedResponses], Array]] = {
    "accuracy": _labels.accuracy,
    "balanced_accuracy": _labels.balanced_accuracy,
    "matthews_corrcoef": _labels.matthews_corrcoef,
    "neg_log_loss": _probabilities.neg_log_loss,
    "neg_brier_score": _probabilities.neg_brier_score,
    "roc_auc": _ranking.roc_auc,
    "roc_auc_ovr": partial(_ranking.roc_auc_ovr, average="macro"),
    "roc_auc_ovr_weighted": partial(_ranking.roc_auc_ovr, average="weighted"),
    "roc_auc_ovo": partial(_ranking.roc_auc_ovo, average="macro"),
    "roc_auc_ovo_weighted": partial(_ranking.roc_auc_ovo, average="weighted"),
    "r2": _regression.r2,
    "explained_variance": _regression.explained_variance,
    "neg_mean_squared_error": _regression.neg_mean_squared_error,
    "neg_root_mean_squared_error": _regression.neg_root_mean_squared_error,
    "neg_mean_absolute_error": _regression.neg_mean_absolute_error,
    "neg_median_absolute_error": _regression.neg_median_absolute_error,
}
for _name, _metric in {
    "f1": _labels.f1,
    "precision": _labels.precision,
    "recall": _labels.recall,
}.items():
    METRICS[_name] = partial(_metric, average="binary")
    for _average in ("macro", "micro", "weighted"):
        METRICS[f"{_name}_{_average}"] = partial(_metric, average=_average)

# Values of one response that are worked on at once: what a core's cache holds, or what
# occupies a GPU and leaves its memory to others.
_AT_ONCE_ON_HOST = 1 << 17
_AT_ONCE_ON_DEVICE = 1 << 24


def models_at_once(xp: ModuleType, n_values: int) -> int:
    """Return how many models to score together.

    Parameters
    ----------
    xp : module
        Namespace of the responses.
    n_values : int
        How many values one model's largest response has.
    """
    at_once = _AT_ONCE_ON_HOST if xp is np else _AT_ONCE_ON_DEVICE
    return max(1, at_once // max(n_values, 1))


def stacked_scores(
    truth: Truth, names: Iterable[str], responses: Mapping[str, Array]
) -> dict[str, Array]:
    """Score several models, on the device of their responses.

    A model's scores do not depend on the other models: on NumPy not by a bit.

    Parameters
    ----------
    truth : Truth
        What all models are measured by.
    names : iterable of str
        Keys of `METRICS`.
    responses : mapping of str to array
        By method: ``predict`` of shape (n_models, n_samples) or (n_models, n_samples,
        n_outputs), ``predict_proba`` of shape (n_models, n_samples, n_classes) and
        ``decision_function`` of shape (n_models, n_samples) or (n_models, n_samples,
        n_classes). ``roc_auc`` takes decisions if there are any.

    Returns
    -------
    dict of str to array of float64, of shape (n_models,)
        What scikit-learn's scorers of these names give for rows that have weight. NaN
        where they raise an error, or warn that a score is not defined, and where
        responses cannot be distinguished from these. They warn of more: not so here.
        Sums are of float64, also of responses of lower precision.
    """
    n_models = next(iter(responses.values())).shape[0]
    n_values = max(math.prod(response.shape[1:]) for response in responses.values())
    xp, step = truth.xp, models_at_once(truth.xp, n_values)
    tables: dict[str, list[Array]] = {name: [] for name in names}
    with np.errstate(all="ignore"):
        for start in range(0, n_models, step):
            block = {
                name: response[start : start + step]
                for name, response in responses.items()
            }
            stacked = StackedResponses(truth, block)
            for name, scores in tables.items():
                if truth.n_rows:
                    score = stacked.where(truth.usable, METRICS[name](stacked))
                else:
                    score = stacked.undefined()
                scores.append(score)
    return {name: xp.concatenate(scores) for name, scores in tables.items()}
