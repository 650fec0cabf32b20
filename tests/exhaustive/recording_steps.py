# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Steps of a pipeline that write down each fit, and ones that count what is alive.

A module beside the tests, since worker processes import what is pickled from it.
"""

import gc
import os
import threading
import weakref
from pathlib import Path

import joblib
import numpy as np
from distributed import get_worker
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import SGDClassifier

# ---- what was fitted, and where ----


def record(path, estimator, X):
    """Append a line about a fit to a file, which many processes may do at once."""
    params = {k: v for k, v in estimator.get_params().items() if k != "path"}
    line = f"{type(estimator).__name__}\t{params} {joblib.hash(X)}\t{place()}\n"
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    try:
        os.write(file, line.encode())
    finally:
        os.close(file)


def place():
    """Where this runs: the process, and the thread or the worker of Dask's."""
    main = threading.current_thread() is threading.main_thread()
    try:
        return f"{os.getpid()} {get_worker().address}"
    except ValueError:
        return f"{os.getpid()} {'main' if main else 'thread'}"


def recorded(path):
    """Read what was recorded: name of the class, what it was fitted to, and where."""
    return [line.split("\t") for line in Path(path).read_text().splitlines()]


CHUNKS = []  # of Dask's arrays, that `note_chunk` was given in this process


def note_chunk(rows, block_info=None):
    """Note that a chunk is computed; give it back."""
    CHUNKS.append(block_info[0]["chunk-location"])
    return rows


class Count(CountVectorizer):
    """Counts words, and records its fits."""

    def __init__(self, path, lowercase=True, ngram_range=(1, 1)):
        super().__init__(lowercase=lowercase, ngram_range=ngram_range)
        self.path = path

    def fit_transform(self, raw_documents, y=None):
        record(self.path, self, list(raw_documents))
        return super().fit_transform(raw_documents, y)


class Weigh(TfidfTransformer):
    """Weighs words, and records its fits."""

    def __init__(self, path, norm="l2"):
        super().__init__(norm=norm)
        self.path = path

    def fit(self, X, y=None):
        record(self.path, self, X)
        return super().fit(X, y)


class Classify(SGDClassifier):
    """Tells classes apart, and records its fits."""

    def __init__(self, path, alpha=1e-3, random_state=None):
        super().__init__(alpha=alpha, max_iter=5, tol=None, random_state=random_state)
        self.path = path

    def fit(self, X, y):
        record(self.path, self, X)
        return super().fit(X, y)


class Shift(TransformerMixin, BaseEstimator):
    """Subtracts the mean of the columns and adds `by`, and records its fits."""

    def __init__(self, path, by=0.0):
        self.path = path
        self.by = by

    def fit(self, X, y=None):
        record(self.path, self, X)
        self.mean_ = np.nanmean(np.asarray(X, dtype=float), axis=0)
        return self

    def transform(self, X):
        return np.nan_to_num(np.asarray(X, dtype=float)) - self.mean_ + self.by

    def get_feature_names_out(self, names=None):
        return np.asarray(names, dtype=object)


class Fill(Shift):
    """Another one, that halves."""

    def transform(self, X):
        return super().transform(X) / 2


class Square(Shift):
    """A third, that squares."""

    def transform(self, X):
        return super().transform(X) ** 2


# ---- what is alive ----


class Alive:
    """How many objects of one kind there are in this process, and were at most."""

    def __init__(self):
        self._lock = threading.Lock()
        self.reset()

    def reset(self):
        self.now = self.most = self.all = 0

    def add(self, thing):
        with self._lock:
            self.now += 1
            self.all += 1
            self.most = max(self.now, self.most)
        weakref.finalize(thing, self._gone)

    def _gone(self):
        with self._lock:
            self.now -= 1

    def left(self):
        gc.collect()
        return self.now


ROWS = Alive()  # what `Counted` made of its rows
MODELS = Alive()  # that `CountedClassifier` was fitted as


class Counted(TransformerMixin, BaseEstimator):
    """Multiplies, and counts what it made and is there still."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y=None):
        self.n_features_in_ = np.shape(X)[1]
        return self

    def transform(self, X):
        made = np.asarray(X) * self.factor
        ROWS.add(made)
        return made


class Ballast:
    """What a fitted model holds."""


class CountedClassifier(ClassifierMixin, BaseEstimator):
    """Predicts one class, and counts the models that are there still."""

    def __init__(self, share=0.5):
        self.share = share

    def fit(self, X, y):
        self.classes_ = np.unique(y)
        self.ballast_ = Ballast()
        MODELS.add(self.ballast_)
        return self

    def predict(self, X):
        ones = np.arange(len(X)) < self.share * len(X)
        return np.where(ones, self.classes_[1], self.classes_[0])
