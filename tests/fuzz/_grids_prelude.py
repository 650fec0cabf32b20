# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What generated grids are made of; scripts begin with this text.

What follows is `_grids_reference.py`, scikit-learn's own search class with the rules
patched into it by which ours is meant to differ, and `_grids_compare.py`.
"""

# Names that only the bodies of scripts use.
# ruff: noqa: F401

import collections
import copy
import functools
import re
import threading
import traceback
import types
import warnings
from contextlib import contextmanager

import numpy as np
import pandas as pd
import scipy.sparse as sp
import sklearn
import sklearn.metrics._scorer as sk_scorer
import sklearn.model_selection as sk
import sklearn.model_selection._search as sk_search
import sklearn.model_selection._validation as sk_validation
from scipy.stats import loguniform, randint, uniform
from scipy.stats._distn_infrastructure import rv_frozen
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    RegressorMixin,
    TransformerMixin,
)
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor
from sklearn.compose import make_column_selector as selector
from sklearn.decomposition import PCA, TruncatedSVD
from sklearn.ensemble import (
    BaggingRegressor,
    GradientBoostingRegressor,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
    VotingRegressor,
)
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.impute import SimpleImputer
from sklearn.kernel_approximation import Nystroem, RBFSampler
from sklearn.linear_model import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LogisticRegression,
    Ridge,
    RidgeClassifier,
    SGDClassifier,
    SGDRegressor,
)
from sklearn.metrics import accuracy_score, make_scorer, r2_score
from sklearn.model_selection import (
    GroupKFold,
    GroupShuffleSplit,
    KFold,
    LeaveOneOut,
    PredefinedSplit,
    RepeatedKFold,
    ShuffleSplit,
    StratifiedGroupKFold,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
)
from sklearn.naive_bayes import BernoulliNB, GaussianNB
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    KBinsDiscretizer,
    MaxAbsScaler,
    MinMaxScaler,
    Normalizer,
    OneHotEncoder,
    OrdinalEncoder,
    PolynomialFeatures,
    PowerTransformer,
    QuantileTransformer,
    RobustScaler,
    SplineTransformer,
    StandardScaler,
)
from sklearn.svm import SVC, SVR, LinearSVC
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV

TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)+")
OF_DASK = re.compile(r"[/\\](distributed|dask|tornado)[/\\]")
ADDRESS = re.compile(r"0x[0-9a-fA-F]{6,}")
ANSWERS = "predict", "predict_proba", "decision_function", "transform"

# Clients, and counts of what is no difference: those of the whole run if this is one
# of many cases.
_shared = globals().get("_shared", {})


# ---- steps and models that misbehave ----


def shrink(X):
    """Write over the rows."""
    X *= 0.9
    return X


def clip_up(X):
    """Write over some of the rows' values."""
    np.clip(X, -1, None, out=X)
    return X


class Overwrites(TransformerMixin, BaseEstimator):
    """Writes what it makes of its rows over them."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y=None):
        self.mean_ = X.mean(axis=0)
        return self

    def transform(self, X):
        X -= self.mean_
        X *= self.factor
        return X


class WritesInFit(TransformerMixin, BaseEstimator):
    """Writes over its rows when it is fitted, and over none when it transforms."""

    def __init__(self, factor=0.5):
        self.factor = factor

    def fit(self, X, y=None):
        X *= self.factor
        self.top_ = np.abs(X).max(axis=0) + 1
        return self

    def transform(self, X):
        return X / self.top_


class Noise(TransformerMixin, BaseEstimator):
    """Draws while it transforms, from a state that its fit makes."""

    def __init__(self, size=0.1, seed=0):
        self.size = size
        self.seed = seed

    def fit(self, X, y=None):
        self.random_ = np.random.RandomState(self.seed)
        return self

    def transform(self, X):
        return X + self.size * self.random_.normal(size=X.shape)


class OtherTwice(TransformerMixin, BaseEstimator):
    """What it makes of the rows it is fitted to differs from what `transform` makes."""

    def fit(self, X, y=None):
        self.mean_ = np.asarray(X).mean(axis=0)
        return self

    def fit_transform(self, X, y=None):
        return np.asarray(X) - self.fit(X).mean_

    def transform(self, X):
        return 2 - np.asarray(X) + self.mean_


class FailsAt(TransformerMixin, BaseEstimator):
    """Raises where `at` says."""

    def __init__(self, at=None):
        self.at = at

    def fit(self, X, y=None):
        if self.at == "fit":
            raise ValueError("fails in fit")
        self.first_ = float(np.asarray(X)[0, 0])
        if self.at == "some" and self.first_ > 0:
            raise RuntimeError("fails in some fits")
        return self

    def transform(self, X):
        if self.at == "transform":
            raise TypeError("fails in transform")
        if self.at == "test" and float(np.asarray(X)[0, 0]) != self.first_:
            raise ValueError("fails in the transform of other rows")
        return X


class _Means(BaseEstimator):
    """Predicts by distance to a mean, and takes parameters with state in `fit`."""

    def __init__(self, shift=0.0, writes=False):
        self.shift = shift
        self.writes = writes

    def _learn(self, X, y, sample_weight, rng, log):
        X = np.asarray(X, float) if not self.writes else X
        if sample_weight is not None and self.writes:
            sample_weight *= 2
        if self.writes:
            X *= 1.5
        weight = None if sample_weight is None else np.asarray(sample_weight)
        self.w_ = np.average(X, axis=0, weights=weight) + self.shift
        if rng is not None:
            self.w_ = self.w_ + 0.5 * rng.normal(size=self.w_.shape)
        if log is not None:
            log.append(len(X))
            self.w_ = self.w_ + 0.2 * len(log)


class Means(ClassifierMixin, _Means):
    """Classifies by the side of a mean."""

    def fit(self, X, y, sample_weight=None, rng=None, log=None):
        self.classes_ = np.unique(y)
        self._learn(X, y, sample_weight, rng, log)
        return self

    def predict(self, X):
        if self.writes:
            X += 0.1
        side = (np.asarray(X, float) @ self.w_ > 0).astype(int)
        return self.classes_[side % len(self.classes_)]


class MeansRegressor(RegressorMixin, _Means):
    """Predicts the product with a mean."""

    def fit(self, X, y, sample_weight=None, rng=None, log=None):
        self._learn(X, y, sample_weight, rng, log)
        return self

    def predict(self, X):
        if self.writes:
            X += 0.1
        return np.asarray(X, float) @ self.w_


class LockedLog(list):
    """A log that cannot be copied."""

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()

    def append(self, entry):
        with self.lock:
            super().append(entry)

    def __len__(self):
        # It does not matter to the model how much has been written.
        return 1

    def __deepcopy__(self, memo):
        raise TypeError("cannot copy a lock")

    def __reduce_ex__(self, protocol):
        raise TypeError("cannot pickle a lock")


# ---- scorings ----


def plain_score(estimator, X, y=None, **more):
    return estimator.score(X, y, **more) if y is not None else float(len(X))


def two_scores(estimator, X, y):
    answer = np.asarray(estimator.predict(X))
    return {"same": float(np.mean(answer == np.asarray(y))), "n": len(answer)}


def nan_score(estimator, X, y):
    score = plain_score(estimator, X, y)
    return np.nan if int(score * 1e6) % 3 == 0 else score


def inf_score(estimator, X, y):
    score = plain_score(estimator, X, y)
    return np.inf if int(score * 1e6) % 3 == 0 else score


def minus_inf_score(estimator, X, y):
    return -inf_score(estimator, X, y)


def failing_score(estimator, X, y):
    score = plain_score(estimator, X, y)
    if int(score * 1e6) % 4 == 0:
        raise ArithmeticError("no score")
    return score


def twice_score(estimator, X, y):
    """Two calls, between which the rows may change."""
    return float(np.mean(estimator.predict(X) == estimator.predict(X)))


class CountingScore:
    """A scorer whose answer depends on how often it was asked."""

    def __init__(self):
        self.calls = 0

    def __call__(self, estimator, X, y):
        self.calls += 1
        return plain_score(estimator, X, y) + 0.001 * self.calls


class DrawingScore:
    """A scorer that draws the rows it scores on."""

    def __init__(self, seed):
        self.random = np.random.RandomState(seed)

    def __call__(self, estimator, X, y):
        answer = np.asarray(estimator.predict(X))
        chosen = self.random.randint(0, len(answer), len(answer))
        return float(np.mean(answer[chosen] == np.asarray(y)[chosen]))


def spoil(matrix, seed):
    """Give a sparse matrix with the indices of a row (or column) in any order."""
    matrix = matrix.copy()
    rng = np.random.default_rng(seed)
    for a, b in zip(matrix.indptr[:-1], matrix.indptr[1:], strict=True):
        order = rng.permutation(b - a)
        matrix.indices[a:b] = matrix.indices[a:b][order]
        matrix.data[a:b] = matrix.data[a:b][order]
    matrix.has_sorted_indices = False
    return matrix


def with_request(pipeline, **wanted):
    """Have the last step ask for metadata."""
    pipeline.steps[-1][1].set_fit_request(**wanted)
    return pipeline
