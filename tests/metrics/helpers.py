# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Answers, estimators that know theirs, and what scikit-learn makes of them."""

import warnings

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.metrics import get_scorer

# Each metric is in one of these lists, or is roc_auc.
REGRESSION = [
    "neg_mean_absolute_error",
    "neg_mean_squared_error",
    "neg_median_absolute_error",
    "neg_root_mean_squared_error",
    "explained_variance",
    "r2",
]
ONE_TO_ONE = ["roc_auc_ovo", "roc_auc_ovo_weighted"]
PROBABILITIES = [
    "neg_brier_score",
    "neg_log_loss",
    *ONE_TO_ONE,
    "roc_auc_ovr",
    "roc_auc_ovr_weighted",
]
BINARY = ["f1", "precision", "recall"]
LABELS = [
    "accuracy",
    "balanced_accuracy",
    *(f"{name}_{how}" for name in BINARY for how in ("macro", "micro", "weighted")),
    "matthews_corrcoef",
]


class Answered(BaseEstimator):
    """An estimator that knows its answers."""

    def __init__(self, responses, classes=None):
        self.responses = responses
        self.classes = classes
        if classes is not None:
            self.classes_ = classes

    def __getattr__(self, name):
        if name.startswith("_") or name not in self.__dict__.get("responses", {}):
            raise AttributeError(name)

        def method(X):
            return self.responses[name]

        method.__name__ = name
        return method

    def fit(self, X, y):
        return self


class Classifier(ClassifierMixin, Answered):
    pass


class Regressor(RegressorMixin, Answered):
    pass


def classification(rng, n_models, n_rows, n_classes):
    """Numbers of classes, of which none is missing, and answers with ties."""
    y = rng.permutation(np.arange(n_rows) % n_classes)
    scores = rng.standard_normal((n_models, n_rows, n_classes))
    scores[:, np.arange(n_rows), y] += 1
    probabilities = np.exp(np.round(scores, 1))
    probabilities /= probabilities.sum(axis=-1, keepdims=True)
    responses = {"predict": scores.argmax(axis=-1), "predict_proba": probabilities}
    if n_classes == 2:
        responses["decision_function"] = np.round(scores[..., 1] - scores[..., 0], 1)
    return y, responses


def regression(rng, n_models, n_rows, n_outputs=None):
    """Targets and predictions, of several outputs if asked for."""
    shape = (n_rows,) if n_outputs is None else (n_rows, n_outputs)
    y = rng.standard_normal(shape)
    return y, {"predict": y + rng.standard_normal((n_models, *shape))}


def of_model(responses, i):
    """The answers of one model of a stack."""
    return {name: response[i] for name, response in responses.items()}


def by_scikit_learn(name, y, responses, weight=None, classes=None):
    """Scores by scikit-learn's scorer; NaN where it raises an error."""
    cls = Regressor if classes is None else Classifier
    given = {} if weight is None else {"sample_weight": weight}
    scores = []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for i in range(len(next(iter(responses.values())))):
            model = cls(of_model(responses, i), classes)
            try:
                scores.append(get_scorer(name)(model, None, y, **given))
            except (ValueError, ZeroDivisionError, TypeError):
                scores.append(np.nan)
    return np.array(scores)
