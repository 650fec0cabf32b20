# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models, steps, scorers and rules that misbehave, for searches that stop early.

A module of its own, since worker processes import what is pickled from it. What the
models compute does not depend on the layout of rows: sums along the rows only.
"""

from __future__ import annotations

import functools
import math
import zlib

import numpy as np
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from gpu_hpo.schedules import Rounds


def dense(X):
    """Rows as an array of floats that nobody else has."""
    if scipy.sparse.issparse(X):
        X = X.toarray()
    return np.array(X, dtype=np.float64, order="C")


def scale_in_place(X):
    """For a FunctionTransformer: what it answers is written over what it got."""
    if hasattr(X, "iloc"):
        X.iloc[:, :] = X.to_numpy() * 0.75
        return X
    values = X.data if scipy.sparse.issparse(X) else X
    values *= 0.75
    return X


def scale_anew(X):
    """For a FunctionTransformer: the same, of a copy."""
    return X * 0.75


def clip_in_place(X):
    """For a FunctionTransformer: writes only what is out of bounds."""
    return np.clip(X, -1.0, 1.0, out=X)


class Wayward(BaseEstimator):
    """Trains on sums of rows; writes, draws and raises where its parameters say.

    Parameters
    ----------
    rate : float
        Of forgetting.
    noise : float
        Share of a draw from `random_state` in what is learned.
    writes : str
        Of "X", "y", "weight", "predict" those that it overwrites, in one string.
    late : bool
        Whether it writes after it has learned, and not before.
    fail_at : int
        Call that raises; 0 is none.
    fail_in : {"fit", "predict"}
    """

    def __init__(
        self,
        rate=0.5,
        noise=0.0,
        writes="",
        late=False,
        fail_at=0,
        fail_in="fit",
        random_state=None,
        n_estimators=1,
        max_iter=1,
        warm_start=False,
    ):
        self.rate = rate
        self.noise = noise
        self.writes = writes
        self.late = late
        self.fail_at = fail_at
        self.fail_in = fail_in
        self.random_state = random_state
        self.n_estimators = n_estimators
        self.max_iter = max_iter
        self.warm_start = warm_start

    def fit(self, X, y, sample_weight=None, sampler=None):
        """Fit anew, or go on if `warm_start` says so."""
        if not self.warm_start:
            for name in ("calls_", "weights_", "rng_"):
                vars(self).pop(name, None)
        if self._classifies:
            self.classes_ = np.unique(np.asarray(y))
        for _ in range(min(self.n_estimators * self.max_iter, 5)):
            self._learn(X, y, sample_weight, sampler)
        return self

    def _learn(self, X, y, sample_weight, sampler):
        if not hasattr(self, "calls_"):
            self.calls_ = 0
            self.n_features_in_ = np.shape(X)[1]
            self.rng_ = np.random.RandomState(self.random_state)
        self.calls_ += 1
        if self.calls_ == self.fail_at and self.fail_in == "fit":
            raise RuntimeError(f"rate={self.rate} fails at call {self.calls_}")
        if not self.late:
            self._write(X, y, sample_weight)
        new = self._sums(dense(X), np.asarray(y), sample_weight)
        if self.noise:
            draw = self.rng_ if sampler is None else sampler
            new = new + self.noise * draw.standard_normal(new.shape)
        old = getattr(self, "weights_", np.zeros_like(new))
        self.weights_ = self.rate * old + (1 - self.rate) * new
        if self.late:
            self._write(X, y, sample_weight)

    def _sums(self, X, y, sample_weight):
        weight = np.ones(len(X))
        if sample_weight is not None:
            weight = np.asarray(sample_weight, dtype=np.float64)
        weight = weight / max(weight.sum(), 1e-9)
        targets = self._targets(y)
        return np.stack([(X * (weight * t)[:, None]).sum(axis=0) for t in targets])

    def _write(self, X, y, sample_weight):
        if "X" in self.writes:
            overwrite(X, -0.5)
        if "y" in self.writes:
            values = y.to_numpy(copy=True) if hasattr(y, "iloc") else y
            values[: len(values) // 2] = values[0]
            if hasattr(y, "iloc"):
                y.iloc[:] = values
        if "weight" in self.writes and sample_weight is not None:
            overwrite(sample_weight, 0.25)

    def _scores(self, X):
        if self.calls_ >= self.fail_at > 0 and self.fail_in == "predict":
            raise RuntimeError(f"rate={self.rate} predicts not after {self.calls_}")
        rows = dense(X)
        if "predict" in self.writes:
            overwrite(X, 0.0)
        return np.stack([(rows * w).sum(axis=1) for w in self.weights_], axis=1)


class WaywardClassifier(ClassifierMixin, Wayward):
    """Predicts the class whose weighted mean row is the most alike."""

    _classifies = True

    def partial_fit(self, X, y, classes=None, sample_weight=None, sampler=None):
        """Make one call."""
        if not hasattr(self, "classes_"):
            self.classes_ = np.unique(classes)
        self._learn(X, y, sample_weight, sampler)
        return self

    def _targets(self, y):
        return [(y == label).astype(np.float64) for label in self.classes_]

    def predict(self, X):
        """Answer with labels."""
        return self.classes_[self._scores(X).argmax(axis=1)]


class WaywardRegressor(RegressorMixin, Wayward):
    """Predicts the product with a weighted mean row."""

    _classifies = False

    def partial_fit(self, X, y, sample_weight=None, sampler=None):
        """Make one call."""
        self._learn(X, y, sample_weight, sampler)
        return self

    def _targets(self, y):
        return [np.asarray(y, dtype=np.float64)]

    def predict(self, X):
        """Answer with numbers."""
        return self._scores(X)[:, 0]


def overwrite(rows, factor):
    """Multiply rows of any kind, where they are."""
    if scipy.sparse.issparse(rows):
        rows.data *= factor
    elif hasattr(rows, "iloc"):
        rows[:] = rows.to_numpy() * factor
    else:
        np.multiply(rows, factor, out=rows, casting="unsafe")


# ---- scorers ----


def share_right(estimator, X, y, sample_weight=None):
    """A callable: accuracy, and a bit for the rows themselves."""
    right = np.asarray(estimator.predict(X) == np.asarray(y), dtype=np.float64)
    return float(np.average(right, weights=sample_weight) + 1e-6 * dense(X)[0, 0])


def closeness(estimator, X, y, sample_weight=None):
    """A callable for numbers."""
    error = np.asarray(estimator.predict(X)) - np.asarray(y, dtype=np.float64)
    return float(-np.average(np.abs(error), weights=sample_weight))


def writing_scorer(estimator, X, y):
    """A callable that overwrites the rows and labels that it is given."""
    score = float(np.mean(estimator.predict(X) == np.asarray(y)))
    overwrite(X, 0.0)
    y = y.to_numpy(copy=True) if hasattr(y, "iloc") else y
    y[:] = y[0]
    return score


def now_and_then(estimator, X, y):
    """A callable that raises, or gives no finite number, for some models."""
    answers = repr(np.asarray(estimator.predict(X)).tolist()).encode()
    number = zlib.crc32(answers)
    digit, part = number % 9, number % 1000 / 1000
    if digit == 0:
        raise ValueError("this one has no score")
    return {1: math.nan, 2: math.inf, 3: -math.inf}.get(digit, part)


class DrawingScorer:
    """A callable with state: what it adds depends on how often it was called."""

    def __init__(self, seed=0):
        self.rng = np.random.RandomState(seed)

    def __call__(self, estimator, X, y):
        answer = estimator.predict(X)
        right = np.mean(np.asarray(answer == np.asarray(y), dtype=np.float64))
        return float(right + 0.1 * self.rng.random_sample())


# ---- rules ----


def drop_worst(records):
    """All but the worst by one more call, until one is left."""
    ranked = sorted(records, key=lambda trial: (records[trial][-1][1], -trial))
    left = ranked[1:] or ranked
    return dict.fromkeys(left, 1 if len(left) > 1 else 0)


def best_half_twice_as_long(records):
    """The better half for as many calls again, until there are two."""
    ranked = sorted(records, key=lambda trial: (-records[trial][-1][1], trial))
    left = ranked[: max(len(ranked) // 2, 1)]
    if len(ranked) <= 2:
        return dict.fromkeys(ranked, 0)
    return {trial: records[trial][-1][0] for trial in left}


def unevenly(records):
    """The best waits for the others to come as far."""
    ranked = sorted(records, key=lambda trial: (-records[trial][-1][1], trial))
    done = min(score[-1][0] for score in records.values()) >= 4
    more = {trial: 0 if i == 0 or done else 2 for i, trial in enumerate(ranked)}
    return {trial: more[trial] for trial in ranked[: max(2, len(ranked) - 1)]}


def _rounds(n_trials, decide, options):
    return Rounds(n_trials, decide, **options)


def rounds(decide, **options):
    """A schedule of rounds that can be pickled."""
    return functools.partial(_rounds, decide=decide, options=options)
