# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Small data, blocks that note when they are read, and estimators that misbehave.

A module beside the tests, since worker processes import what is pickled from it.
"""

import contextlib
import multiprocessing
import os
import threading
import time

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import SGDClassifier

N_FEATURES = 5


def make_data(n=400, seed=0):
    """Two classes that a line separates but for some noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, N_FEATURES))
    y = (X.sum(axis=1) + rng.standard_normal(n) > 0).astype(int)
    return X, y


def block_order(n_blocks, seed):
    """The order in which an `Incremental` with this `random_state` trains."""
    order = list(range(n_blocks))
    np.random.RandomState(seed).shuffle(order)
    return order


def trained(model, X, y, size, order, **params):
    """Train a model on blocks of rows by hand; `params` have one entry per row."""
    for i in order:
        rows = slice(i * size, (i + 1) * size)
        given = {name: value[rows] for name, value in params.items()}
        model.partial_fit(X[rows], y[rows], classes=np.unique(y), **given)
    return model


class Ledger:
    """How many blocks of this process were read, and how many have trained a model."""

    def __init__(self):
        self._lock = threading.Lock()
        self.clear()

    def clear(self):
        self.read = self.trained = self.most = 0

    def note(self, *, read=0, trained=0):
        with self._lock:
            self.read += read
            self.trained += trained
            self.most = max(self.most, self.read - self.trained)


LEDGER = Ledger()


def read_block(number, n=50):
    """Read a block of rows, and note it."""
    LEDGER.note(read=1)
    return np.random.default_rng(number).standard_normal((n, N_FEATURES))


class File:
    """A file of rows, of which each block that is read is noted."""

    dtype = np.dtype(float)
    ndim = 2

    def __init__(self, n):
        self.shape = (n, N_FEATURES)

    def __getitem__(self, key):
        return read_block(key[0].start, key[0].stop - key[0].start)


class Slow(SGDClassifier):
    """Takes its time, and notes when it is done with a block."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        time.sleep(0.005)
        super().partial_fit(X, y, classes, sample_weight)
        LEDGER.note(trained=1)
        return self


class FailsOnce(SGDClassifier):
    """Fails once, when it has been trained on a block already, in this process."""

    failed = False

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        going_on = hasattr(self, "coef_")
        super().partial_fit(X, y, classes, sample_weight)
        if going_on and not FailsOnce.failed:
            FailsOnce.failed = True
            raise OSError("the disk is full")
        return self


class FailsLater(SGDClassifier):
    """Fails at its third call."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        super().partial_fit(X, y, classes, sample_weight)
        if self.t_ > 2 * 50 + 1:
            raise OSError("the disk is full")
        return self


class Deadly(SGDClassifier):
    """Takes its worker with it, once, when it has been trained on three blocks."""

    def __init__(self, flag=None, random_state=None):
        super().__init__(random_state=random_state)
        self.flag = flag

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        super().partial_fit(X, y, classes, sample_weight)
        if multiprocessing.parent_process() and self.t_ > 3 * len(X):
            with contextlib.suppress(FileExistsError):
                os.close(os.open(self.flag, os.O_CREAT | os.O_EXCL))
                os._exit(1)
        return self


class Noting(ClassifierMixin, BaseEstimator):
    """Keeps what it was called with; answers with the first class that it knows."""

    def __init__(self, note=None):
        self.note = note

    def partial_fit(self, X, y=None, classes=None, **params):
        self.calls_ = [*getattr(self, "calls_", []), (X, y, classes, params)]
        if classes is not None:
            self.classes_ = np.asarray(classes)
        self.n_features_in_ = np.shape(X)[1]
        return self

    def fit(self, X, y=None, **params):
        raise AssertionError("only partial_fit is to be called")

    def predict(self, X):
        return np.full(len(X), self.classes_[0])


class NeedsClasses(ClassifierMixin, BaseEstimator):
    """Wants to be told all classes at every call."""

    def partial_fit(self, X, y, classes):
        self.calls_ = getattr(self, "calls_", 0) + 1
        self.classes_ = np.asarray(classes)
        return self

    def fit(self, X, y):
        raise AssertionError("only partial_fit is to be called")

    def predict(self, X):
        return np.full(len(X), self.classes_[0])
