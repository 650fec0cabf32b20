# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Small data, and an estimator that does as its parameters say and notes its calls.

A module beside the tests, since worker processes import what is pickled from it.
"""

from types import SimpleNamespace

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import Ridge, SGDClassifier
from sklearn.metrics import get_scorer

CALLS = []  # of `partial_fit`, by models of this process
SIZES = []  # rows that models of this process were fitted to


def make_data(n=200, n_features=4, seed=0):
    """Two classes that a line separates but for some noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, n_features))
    y = (X.sum(axis=1) + rng.standard_normal(n) > 0).astype(int)
    return X, y


class Scripted(ClassifierMixin, BaseEstimator):
    """Scores `value`, raises at call `fail_at`, and notes what it was trained on."""

    def __init__(self, value=0.5, fail_at=0, random_state=None, part=None):
        self.value = value
        self.fail_at = fail_at
        self.random_state = random_state
        self.part = part

    def partial_fit(self, X, y=None, classes=None, **options):
        self.calls_ = getattr(self, "calls_", 0) + 1
        self.n_features_in_ = np.shape(X)[1]
        if classes is not None:
            self.classes_ = np.asarray(classes)
        CALLS.append(
            SimpleNamespace(
                number=self.calls_,
                value=self.value,
                seed=self.random_state,
                part=self.part,
                X=X,
                y=y,
                classes=classes,
                options=options,
            )
        )
        if self.calls_ == self.fail_at:
            raise RuntimeError(f"value={self.value} fails at call {self.calls_}")
        return self

    def fit(self, X, y=None):
        raise AssertionError("a search must not call fit")

    def predict(self, X):
        return np.zeros(len(X), dtype=int)

    def score(self, X, y=None):
        if callable(self.value):
            return self.value(self.calls_)
        return self.value


class NeedsClasses(ClassifierMixin, BaseEstimator):
    """Wants to be told all classes at every call."""

    def __init__(self, alpha=0):
        self.alpha = alpha

    def partial_fit(self, X, y, classes):
        self.classes_ = np.asarray(classes)
        return self

    def fit(self, X, y):
        raise AssertionError("a search must not call fit")

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class Spy(SGDClassifier):
    """Notes what it was trained on."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        CALLS.append(SimpleNamespace(alpha=self.alpha, X=X, y=y, weight=sample_weight))
        return super().partial_fit(X, y, classes, sample_weight)


SCORED = []  # (X, y) of every call of `noting_log_loss`


def noting_log_loss(estimator, X, y):
    """The log loss as a callable, which notes on what it was computed."""
    SCORED.append((X, y))
    return get_scorer("neg_log_loss")(estimator, X, y)


def rising(calls):
    """A score that gets better with every call."""
    return calls / 100


def flat(calls):
    """A score that does not move."""
    return 0.9


class Sized(Ridge):
    """Notes how many rows it is fitted to."""

    def fit(self, X, y):
        SIZES.append(len(X))
        return super().fit(X, y)
