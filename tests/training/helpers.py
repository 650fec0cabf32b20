# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Estimators that train on the device of their data."""

from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from gpu_hpo.devices import array_namespace


class LeastSquares(RegressorMixin, BaseEstimator):
    """Gradient steps on whatever array namespace the data has."""

    def __init__(self, rate=0.1):
        self.rate = rate

    def fit(self, X, y):
        raise AssertionError("a search must not call fit")

    def partial_fit(self, X, y):
        xp = array_namespace(X)
        if not hasattr(self, "coef_"):
            self.coef_ = xp.zeros(X.shape[1])
        error = X @ self.coef_ - y
        self.coef_ = self.coef_ - self.rate * (X.T @ error) / len(X)
        return self

    def predict(self, X):
        return X @ self.coef_


class Nearest(ClassifierMixin, LeastSquares):
    """The sign of a linear model, on whatever array namespace the data has."""

    def predict(self, X):
        return (super().predict(X) > 0.5) * 1
