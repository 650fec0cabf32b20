# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What two fitted grid or randomized searches must agree on, and steps that misbehave.

A module beside the tests, since worker processes import what is pickled from it.
"""

import copy
import re
import warnings
from types import SimpleNamespace

import numpy as np
import scipy.sparse
import sklearn.model_selection
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.pipeline import Pipeline

from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV

GRID = (GridSearchCV, sklearn.model_selection.GridSearchCV)
RANDOMIZED = (RandomizedSearchCV, sklearn.model_selection.RandomizedSearchCV)
ANSWERS = [
    "predict",
    "predict_proba",
    "decision_function",
    "score_samples",
    "transform",
]
WHOSE = re.compile(r" \(candidates? \d[^()]*\)$")
TRACEBACK = re.compile(r"Traceback \(most recent call last\):\n(?:[ \t].*\n)+")


def assert_as_theirs(
    estimator, space, data, *, classes=GRID, tol=0, fit=None, **options
):
    """Our search has the outcome of scikit-learn's; give both of them.

    What in `options` is used up by a fit is given by a function without arguments, as
    `make_...`. Our search runs in this thread unless there is a `scheduler`.
    """
    scheduler = options.pop("scheduler", "synchronous")
    found = []
    for cls, own in zip(classes, [{"scheduler": scheduler}, {}], strict=True):
        given = {
            name.removeprefix("make_"): value() if name.startswith("make_") else value
            for name, value in options.items()
        }
        search = cls(estimator, space, **given, **own)
        found.append(fit_noting(search, *copy.deepcopy(data), **(fit or {})))
    ours, theirs = found
    assert_same_outcome(ours, theirs, tol)
    if theirs.error is None:
        assert_same_answers(ours.search, theirs.search, *data, tol=tol)
    return ours, theirs


def fit_noting(search, *data, **options):
    """Fit a search; give its warnings, and the error if there was one."""
    error = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            search.fit(*data, **options)
        except Exception as caught_error:
            error = caught_error
    said = sorted((w.category.__name__, without_trace(w.message)) for w in caught)
    return SimpleNamespace(search=search, warnings=said, error=error)


def without_trace(message):
    """Text of an error or a warning, but for the lines of code that led to it."""
    return TRACEBACK.sub("Traceback\n", str(message))


def assert_same_outcome(ours, theirs, tol=0):
    """Two outcomes of `fit_noting` have the same warnings, and error or results."""
    assert _said(ours.warnings) == _said(theirs.warnings)
    if theirs.error is not None or ours.error is not None:
        assert_same_error(ours.error, theirs.error)
    else:
        assert_same_results(ours.search.cv_results_, theirs.search.cv_results_, tol)
        assert_same_choice(ours.search, theirs.search, tol)


def _said(warned):
    """Warnings without how often they came, and without whose they are."""
    return {(kind, WHOSE.sub("", text)) for kind, text in warned}


def assert_same_error(ours, theirs):
    """Two exceptions are of one type and say the same."""
    if type(ours) is not type(theirs):
        raise AssertionError(f"{ours!r} instead of {theirs!r}") from ours
    assert without_trace(ours) == without_trace(theirs)


def assert_same_results(ours, theirs, tol=0):
    """Two `cv_results_` agree on all but how long it took."""
    assert list(ours) == list(theirs)
    for name, column in theirs.items():
        mine = ours[name]
        assert type(mine) is type(column), name
        if name == "params":
            assert [list(p) for p in mine] == [list(p) for p in column]
            assert all(
                is_same(p[key], q[key], tol)
                for p, q in zip(mine, column, strict=True)
                for key in q
            )
            continue
        assert (mine.dtype, mine.shape) == (column.dtype, column.shape), name
        if name.endswith("_time"):
            assert (mine >= 0).all(), name
        elif isinstance(column, np.ma.MaskedArray):
            np.testing.assert_array_equal(mine.mask, column.mask, err_msg=name)
            for a, b in zip(mine.compressed(), column.compressed(), strict=True):
                assert is_same(a, b, tol), name
        else:
            assert_same_numbers(mine, column, tol, name)


def assert_same_choice(ours, theirs, tol=0):
    """Two fitted searches have the same attributes with the same values."""
    assert fitted_names(ours) == fitted_names(theirs)
    assert ours.n_splits_ == theirs.n_splits_
    assert ours.multimetric_ is theirs.multimetric_
    assert type(ours.scorer_) is type(theirs.scorer_)
    assert repr(ours.scorer_) == repr(theirs.scorer_)
    for name in ("best_index_", "best_score_", "best_params_"):
        assert hasattr(ours, name) == hasattr(theirs, name), name
        if hasattr(theirs, name):
            mine, value = getattr(ours, name), getattr(theirs, name)
            assert type(mine) is type(value), name
            assert is_same(mine, value, tol), name
    assert hasattr(ours, "refit_time_") == hasattr(theirs, "refit_time_")
    if hasattr(theirs, "best_estimator_"):
        assert isinstance(ours.refit_time_, float)
        assert ours.refit_time_ >= 0
        assert_same_model(ours.best_estimator_, theirs.best_estimator_, tol)


def assert_same_answers(ours, theirs, X, y=None, tol=0):
    """Two fitted searches answer the same, or both cannot."""
    for name in ("classes_", "n_features_in_", "feature_names_in_"):
        assert hasattr(ours, name) == hasattr(theirs, name), name
        if hasattr(theirs, name):
            assert is_same(getattr(ours, name), getattr(theirs, name)), name
    for name in ANSWERS:
        assert hasattr(ours, name) == hasattr(theirs, name), name
        if hasattr(theirs, name):
            answers = [answer(search, name, X) for search in (ours, theirs)]
            assert is_same(*answers, tol), name
    given = (X,) if y is None else (X, y)
    answers = [answer(search, "score", *given) for search in (ours, theirs)]
    assert is_same(*answers, tol), "score"


def answer(search, name, *data):
    """What a method gives, or type and text of the error it raises."""
    try:
        return getattr(search, name)(*copy.deepcopy(data))
    except Exception as error:
        return type(error).__name__, str(error)


def fitted_names(estimator):
    """Names of what `fit` set, but for those that are not compared, or ours alone."""
    return sorted(
        name
        for name in vars(estimator)
        if name.endswith("_")
        and not name.startswith("_")
        and name not in ("refit_time_", "device_", "stopped_")
    )


def assert_same_model(ours, theirs, tol=0, path="best_estimator_"):
    """Two fitted estimators have the same parameters and fitted attributes."""
    assert type(ours) is type(theirs), path
    assert fitted_names(ours) == fitted_names(theirs), path
    for name in [*theirs.get_params(deep=False), *fitted_names(theirs)]:
        mine, value = getattr(ours, name), getattr(theirs, name)
        assert is_same(mine, value, tol, f"{path}.{name}"), f"{path}.{name}"


def is_same(a, b, tol=0, path="best_estimator_"):
    """Whether two values of whatever kind are equal, estimators by what they learnt."""
    if a is b:
        return True
    if type(a) is not type(b):
        return False
    if isinstance(b, dict):
        return list(a) == list(b) and all(
            is_same(a[k], b[k], tol, path) for k in b if not str(k).endswith("_time")
        )
    if isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(
            is_same(*pair, tol, path) for pair in zip(a, b, strict=True)
        )
    if scipy.sparse.issparse(b):
        return a.shape == b.shape and is_same(a.toarray(), b.toarray(), tol)
    if hasattr(b, "equals"):  # a frame or a series
        return a.equals(b)
    if isinstance(b, BaseEstimator):
        assert_same_model(a, b, tol, path)
        return True
    if isinstance(b, np.ndarray) and b.dtype.names is None:
        assert_same_numbers(a, b, tol, path)
        return True
    if isinstance(b, (float, np.floating)):
        return bool(a == b or (a != a and b != b) or abs(a - b) <= tol)
    if type(b).__eq__ is object.__eq__ or hasattr(b, "tobytes"):
        return repr(type(a)) == repr(type(b))  # such as a tree of compiled code
    return bool(a == b)


def assert_same_numbers(a, b, tol, name):
    """Two arrays are equal, NaN to NaN."""
    assert (a.dtype, a.shape) == (b.dtype, b.shape), name
    if b.dtype == object:
        assert all(
            is_same(*pair, tol, name) for pair in zip(a.ravel(), b.ravel(), strict=True)
        )
    elif tol and b.dtype.kind == "f":
        np.testing.assert_allclose(a, b, rtol=tol, atol=tol, err_msg=name)
    else:
        np.testing.assert_array_equal(a, b, err_msg=name)


# ---- steps that misbehave ----


class FailingClassifier(ClassifierMixin, BaseEstimator):
    """Predicts the most frequent class, and raises where `at` says.

    "some" raises in the fit to a part of the folds.
    """

    def __init__(self, at=None, bias=0):
        self.at = at
        self.bias = bias

    def fit(self, X, y):
        self.classes_, counts = np.unique(y, return_counts=True)
        self.n_features_in_ = np.shape(X)[1]
        if self.at == "fit" or (self.at == "some" and np.asarray(X)[0, 0] > 0):
            raise ValueError("FailingClassifier fails in fit")
        self.most_ = self.classes_[(counts.argmax() + self.bias) % len(counts)]
        return self

    def predict(self, X):
        if self.at == "predict":
            raise ValueError("FailingClassifier fails in predict")
        return np.full(len(X), self.most_)


class FailingTransformer(TransformerMixin, BaseEstimator):
    """Adds `shift`, and raises where `at` says.

    "train" raises as the rows it was fitted to are transformed, "again" when that
    happens after the fit, "test" when any others are.
    """

    def __init__(self, at=None, shift=0):
        self.at = at
        self.shift = shift

    def fit(self, X, y=None):
        if self.at == "fit":
            raise ValueError("FailingTransformer fails in fit")
        self.seen_ = np.array(X)
        self.n_features_in_ = self.seen_.shape[1]
        return self

    def fit_transform(self, X, y=None):
        if self.at == "train":
            raise ValueError("FailingTransformer fails in fit_transform")
        return self.fit(X, y)._shifted(X)

    def transform(self, X):
        again = np.array_equal(self.seen_, X)
        if self.at == ("again" if again else "test"):
            raise ValueError(f"FailingTransformer fails in transform, {again=}")
        return self._shifted(X)

    def _shifted(self, X):
        return np.asarray(X) + self.shift


class OtherTwice(TransformerMixin, BaseEstimator):
    """What it makes of the rows it is fitted to differs from what `transform` makes."""

    def fit(self, X, y=None):
        self.mean_ = np.mean(X, axis=0)
        return self

    def fit_transform(self, X, y=None):
        return np.asarray(X) - self.fit(X).mean_

    def transform(self, X):
        return 2 - np.asarray(X) + self.mean_


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


class BareTransformer(BaseEstimator):
    """Has no `fit_transform`, and learns from `y`."""

    def __init__(self, factor=1.0):
        self.factor = factor

    def fit(self, X, y):
        self.shift_ = np.mean(y)
        return self

    def transform(self, X):
        return np.asarray(X) * self.factor + self.shift_


class EveryOtherRow(Pipeline):
    """A pipeline that is fitted to every other row, and turns its answer around."""

    def fit(self, X, y=None, **params):
        return super().fit(X[::2], y[::2], **params)

    def predict(self, X, **params):
        return 1 - super().predict(X, **params)
