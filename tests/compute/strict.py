# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Rows, and estimators that fail where an array that they see or have is not aligned.

A module beside the tests, since worker processes import what is pickled from it.
"""

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import scipy.sparse
from distributed import wait
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

N, N_FEATURES = 300, 5
RNG = np.random.default_rng(0)
DENSE = RNG.standard_normal((N, N_FEATURES))
Y = (DENSE[:, 0] > 0).astype(int)
WEIGHTS = RNG.uniform(1, 2, N)
ROWS = {
    "C f8": DENSE,
    "F f8": np.asfortranarray(DENSE),
    "C f4": DENSE.astype("f4"),
    "F f4": np.asfortranarray(DENSE, dtype="f4"),
    "csr": scipy.sparse.csr_matrix(np.where(DENSE > 0, DENSE, 0)),
    "frame": pd.DataFrame(DENSE, columns=list("abcde")).astype({"a": "f4"}),
}


def lazy(client, value):
    """A Dask collection of rows, in blocks that are sent to workers."""
    if hasattr(value, "iloc"):
        return dd.from_pandas(value, npartitions=5)
    return da.from_array(value, chunks=(60, *value.shape[1:]), asarray=False)


def spread(client, value):
    """A Dask collection whose blocks are on workers, not those of y with those of X."""
    value = lazy(client, value)
    if hasattr(value, "divisions"):
        return client.persist(value)
    workers = sorted(client.nthreads())
    first = int(value.ndim == 1)
    futures = [
        client.compute(block, workers=[workers[(number + first) % 2]])
        for number, block in enumerate(np.ravel(value.to_delayed()))
    ]
    wait(futures)
    shape = (60, *value.shape[1:])
    return da.concatenate(
        [
            da.from_delayed(future, shape, dtype=value.dtype, meta=value._meta)
            for future in futures
        ]
    )


def arrays(value):
    """The arrays that rows or a model consist of, as views."""
    if isinstance(value, pd.DataFrame):
        return [value[name].to_numpy() for name in value]
    if isinstance(value, pd.Series):
        return [value.to_numpy()]
    if scipy.sparse.issparse(value):
        return [value.data, value.indices, value.indptr]
    if isinstance(value, np.ndarray):
        return [value]
    held = getattr(value, "__dict__", {}).values()
    return [item for item in held if isinstance(item, np.ndarray)]


def check(where, **values):
    """Raise if something is not aligned, for its own type and for vectors of 16 bytes.

    Rows cut out of others follow on what is before them, so that for them the first
    has to be enough.
    """
    for name, value in values.items():
        for array in arrays(value):
            place = array.__array_interface__["data"][0]
            if not array.flags.aligned:
                raise AssertionError(f"{where}: {name} is not aligned")
            if place % 16 and where != "cut":
                raise AssertionError(f"{where}: {name} begins at {place % 16} of 16")


class Strict(ClassifierMixin, BaseEstimator):
    """Learns means of columns, and looks at all that it is given.

    Its array is the first in a message that has it.
    """

    def __init__(self, shift=0.0, where="whole"):
        self.shift = shift
        self.where = where

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train on, and look at the arrays of calls before, too."""
        check(self.where, X=X, y=y, weights=sample_weight, model=self)
        if not hasattr(self, "sums_"):
            self.classes_ = np.unique(y) if classes is None else np.asarray(classes)
            self.sums_ = np.zeros(X.shape[1] + 1)
        self.sums_ = self.sums_ + len(y) + self.shift
        return self

    def fit(self, X, y, sample_weight=None):
        """Train anew."""
        vars(self).pop("sums_", None)
        return self.partial_fit(X, y, sample_weight=sample_weight)

    def predict(self, X):
        """Give the first class, or with a shift the last one."""
        check(self.where, X=X, model=self)
        return np.full(X.shape[0], self.classes_[-1 if self.shift else 0])

    def score(self, X, y, sample_weight=None):
        """Score, and look at what that takes."""
        check(self.where, X=X, y=y, weights=sample_weight, model=self)
        return float(np.mean(self.predict(X) == np.asarray(y)))


class StrictStep(TransformerMixin, BaseEstimator):
    """Hands on what it looks at, its columns times a factor."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y=None):
        """Look at X and y."""
        check("cut", X=X, y=y)
        self.factors_ = np.full(X.shape[1], self.factor)
        return self

    def transform(self, X):
        """Look at X, and at what was learned."""
        check("cut", X=X, model=self)
        return X * self.factor
