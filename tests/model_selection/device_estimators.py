# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Estimators that train and answer on the device of their rows, as cuML's do.

A module beside the tests, since worker processes import what is pickled from it.
"""

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

from gpu_hpo.devices import array_namespace


class OnDevice(ClassifierMixin, BaseEstimator):
    """Logistic regression by a few gradient steps; it takes labels from anywhere.

    Parameters
    ----------
    rate : float
        Of the steps; the fit fails if it is negative.
    overwrite : bool
        Whether it centres the rows that it is given, in place.
    """

    def __init__(self, rate=0.5, overwrite=False):
        self.rate = rate
        self.overwrite = overwrite

    def fit(self, X, y, sample_weight=None):
        if self.rate < 0:
            raise ValueError(f"rate={self.rate} is negative")
        xp = array_namespace(X)
        y = xp.asarray(y)
        weight = 1.0 if sample_weight is None else xp.asarray(sample_weight)
        self.classes_ = np.unique(_on_host(y))
        ones = (y == self.classes_[-1]) * 1.0
        self.mean_ = X.mean(axis=0)
        if self.overwrite:
            X -= self.mean_
        else:
            X = X - self.mean_
        self.coef_ = xp.zeros(X.shape[1])
        for _ in range(5):
            error = (1 / (1 + xp.exp(-(X @ self.coef_))) - ones) * weight
            self.coef_ = self.coef_ - self.rate * (X.T @ error) / len(X)
        return self

    def decision_function(self, X):
        if self.overwrite:
            X -= self.mean_
            return X @ self.coef_
        return (X - self.mean_) @ self.coef_

    def predict_proba(self, X):
        xp = array_namespace(X)
        ones = 1 / (1 + xp.exp(-self.decision_function(X)))
        return xp.stack([1 - ones, ones], axis=1)

    def predict(self, X):
        classes = array_namespace(X).asarray(self.classes_)
        return classes[(self.decision_function(X) > 0) * 1]


class OwnScore(OnDevice):
    """Scores itself, by its margins."""

    def score(self, X, y):
        signs = 2 * array_namespace(X).asarray(y) - 1
        return float((self.decision_function(X) * signs).mean())


class Scale(TransformerMixin, BaseEstimator):
    """Centres and scales the columns, wherever they are."""

    def __init__(self, by=1.0):
        self.by = by

    def fit(self, X, y=None):
        self.mean_, self.deviation_ = X.mean(axis=0), X.std(axis=0)
        return self

    def transform(self, X):
        return (X - self.mean_) / self.deviation_ * self.by


class Bend(TransformerMixin, BaseEstimator):
    """Adds the columns, bent."""

    def fit(self, X, y=None):
        self.n_features_in_ = X.shape[1]
        return self

    def transform(self, X):
        xp = array_namespace(X)
        return xp.concatenate([X, xp.tanh(X)], axis=1)


def _on_host(labels):
    return labels.get() if hasattr(labels, "get") else labels
