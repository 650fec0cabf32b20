# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Bad input to a grid or randomized search: scikit-learn's errors in its own words."""

import re

import numpy as np
import pytest
from distributed import Client, LocalCluster
from scipy.stats import uniform
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    PredefinedSplit,
    StratifiedKFold,
)
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from gpu_hpo.model_selection import GridSearchCV, RandomizedSearchCV
from tests.exhaustive.cases import DATA, STEPS, C
from tests.exhaustive.helpers import (
    GRID,
    RANDOMIZED,
    FailingClassifier,
    assert_same_outcome,
    fit_noting,
)

X, y = DATA["two"]
LOGISTIC = LogisticRegression()
GIVEN = {"C": [0.1, 1.0]}
MANY = ["accuracy", "roc_auc"]


class ScoresNothing(BaseEstimator):
    """Can be fitted, and that is all."""

    def fit(self, X, y=None):
        return self


class OtherNumberOfSplits(KFold):
    """Says that it makes one split."""

    def get_n_splits(self, X=None, y=None, groups=None):
        return 1


def scores(value):
    """A callable that gives a certain score."""
    return lambda estimator, X, y=None: value


def three_scores(estimator, X, y=None):
    """Three scores in an array."""
    return np.arange(3)


def chooses(index):
    """A `refit` that chooses a certain candidate."""
    return lambda results: index


def case(estimator=LOGISTIC, space=GIVEN, data=(X, y), fit=None, **options):
    """Give what a search is made with, and fitted to."""
    return estimator, space, data, fit or {}, options


# ---- what is common to both searches ----

BAD = {
    # the space
    "space: unknown": case(space={"D": [1]}),
    "space: unknown step": case(STEPS, {"reduction__n_components": [1]}),
    "space: unknown in a step": case(STEPS, {"reduce__components": [1]}),
    "space: unknown in some": case(space=[{"C": [1.0]}, {"D": [1]}]),
    "space: no step": case(STEPS, {"reduce": ["passthrough"], "reduce__whiten": [1]}),
    "space: empty values": case(space={"C": []}),
    "space: number": case(space=3),
    "space: none": case(space=None),
    "space: list of numbers": case(space=[3]),
    "space: value is a number": case(space={"C": 1.0}),
    "space: out of range": case(space={"C": [-1.0, -2.0]}, error_score="raise"),
    # the estimator
    "estimator: no fit": case(object()),
    "estimator: text": case("logistic"),
    "estimator: none": case(None),
    "estimator: class": case(LogisticRegression),
    "estimator: no score": case(ScoresNothing(), {}),
    "estimator: no predict": case(ScoresNothing(), {}, scoring="accuracy"),
    "estimator: all fail": case(FailingClassifier("fit"), {"bias": [0, 1]}),
    "estimator: no transform": case(
        Pipeline([("first", LOGISTIC), ("second", SVC())]), {"second__C": [1, 2]}
    ),
    # arguments
    "error_score: other text": case(error_score="rise"),
    "error_score: none": case(error_score=None),
    "n_jobs: text": case(n_jobs="two"),
    "n_jobs: float": case(n_jobs=1.5),
    "n_jobs: zero": case(n_jobs=0),
    "pre_dispatch: none": case(pre_dispatch=None),
    "pre_dispatch: list": case(pre_dispatch=[1]),
    "verbose: negative": case(verbose=-1),
    "verbose: text": case(verbose="very"),
    "return_train_score: text": case(return_train_score="yes"),
    "refit: number": case(refit=3),
    "refit: none": case(refit=None),
    "refit: true of many": case(scoring=MANY),
    "refit: unknown of many": case(scoring=MANY, refit="recall"),
    "refit: true of a callable": case(scoring=scores({"a": 1, "b": 2})),
    "refit: unknown of a callable": case(scoring=scores({"a": 1}), refit="b"),
    "refit: no integer": case(refit=chooses(0.5)),
    "refit: too large": case(refit=chooses(2)),
    "refit: negative": case(refit=chooses(-1)),
    # scores
    "scoring: unknown": case(scoring="nope"),
    "scoring: unknown of many": case(scoring=["accuracy", "nope"], refit=False),
    "scoring: twice": case(scoring=["accuracy", "accuracy"], refit=False),
    "scoring: no text": case(scoring=["accuracy", 3], refit=False),
    "scoring: callables": case(scoring=[scores(1), scores(2)], refit=False),
    "scoring: empty list": case(scoring=[], refit=False),
    "scoring: empty dict": case(scoring={}, refit=False),
    "scoring: keys": case(scoring={1: "accuracy"}, refit=False),
    "scoring: number": case(scoring=3),
    "scoring: gives text": case(scoring=scores("good"), error_score="raise"),
    "scoring: gives none": case(scoring=scores(None), error_score="raise"),
    "scoring: gives an array": case(scoring=three_scores, error_score="raise"),
    "scoring: gives text in a dict": case(
        scoring=scores({"a": "b"}), refit="a", error_score="raise"
    ),
    "scoring: gives none of some": case(
        scoring={"a": scores(None), "b": "accuracy"}, refit="b", error_score="raise"
    ),
    "scoring: of regression": case(scoring="average_precision", data=DATA["target"]),
    # the data
    "data: no y": case(data=(X,)),
    "data: no y for the score": case(
        ScoresNothing(), {}, data=(X,), scoring="neg_mean_squared_error"
    ),
    "data: lengths": case(data=(X, y[1:])),
    "data: lengths of lists": case(data=(X.tolist(), y[1:].tolist())),
    "data: one dimension": case(data=(X[:, 0], y)),
    "data: number": case(data=(3, y)),
    "data: none": case(data=(None, y)),
    "data: text": case(data=("text", y)),
    "data: one class": case(data=(X, np.ones(len(X)))),
    "data: continuous": case(data=DATA["target"]),
    "data: missing": case(data=(np.where(X > 1, np.nan, X), y)),
    "data: no square": case(SVC(kernel="precomputed")),
    "data: no rows": case(data=(X[:0], y[:0])),
    "fit: unknown": case(fit={"foo": 3}),
    "fit: unknown step": case(STEPS, C, fit={"classifier__sample_weight": y}),
    "fit: no step": case(STEPS, C, fit={"sample_weight": y}),
    "fit: length": case(fit={"sample_weight": np.ones(len(X) - 1)}),
    # splits
    "cv: one": case(cv=1),
    "cv: zero": case(cv=0),
    "cv: negative": case(cv=-3),
    "cv: float": case(cv=2.5),
    "cv: text": case(cv="three"),
    "cv: class": case(cv=KFold),
    "cv: more than rows": case(cv=KFold(len(X) + 1)),
    "cv: more than of a class": case(cv=StratifiedKFold(len(X) - 1)),
    "cv: more than of a class, int": case(cv=len(X) - 1),
    "cv: continuous": case(Ridge(), {}, DATA["target"], cv=StratifiedKFold(3)),
    "cv: other number": case(cv=OtherNumberOfSplits(3)),
    "cv: nothing": case(cv=[]),
    "cv: no pairs": case(cv=[1, 2]),
    "cv: triples": case(cv=[([0], [1], [2])]),
    "cv: too large": case(cv=[(range(80), [85, 95])]),
    "cv: all in train": case(cv=PredefinedSplit(np.full(len(X), -1))),
    "cv: no train": case(cv=[(np.arange(0), np.arange(9))]),
    "cv: no test": case(cv=[(np.arange(80), np.arange(0))]),
    "cv: no test, scored": case(cv=[(np.arange(80), np.arange(0))], scoring="accuracy"),
    "cv: groups missing": case(cv=GroupKFold(3)),
    "cv: too few groups": case(cv=GroupKFold(3), fit={"groups": y}),
    "groups: length": case(cv=GroupKFold(3), fit={"groups": y[1:]}),
    "groups: number": case(cv=GroupKFold(3), fit={"groups": 3}),
}

OF_GRIDS = {
    "empty list": case(space=[]),
    "text": case(space={"C": "one"}),
    "two dimensions": case(space={"C": np.ones((3, 2))}),
    "distribution": case(space={"C": uniform(0, 1)}),
    "set": case(space={"C": {1.0, 2.0}}),
}

OF_SAMPLES = {
    "empty list": case(space=[]),
    "no distribution": case(space={"C": object()}),
    "n_iter: zero": case(n_iter=0),
    "n_iter: negative": case(n_iter=-1),
    "n_iter: float": case(n_iter=1.5),
    "n_iter: none": case(n_iter=None),
    "n_iter: more than there are": case(n_iter=9),
    "random_state: text": case(random_state="seed"),
    "random_state: generator": case(random_state=np.random.default_rng(0)),
}


def fit_both(classes, estimator, space, data, fit, options):
    """Fit our search and scikit-learn's."""
    options = {"cv": 3} | options
    return [
        fit_noting(cls(estimator, space, **options, **own), *data, **fit)
        for cls, own in zip(classes, [{"scheduler": "synchronous"}, {}], strict=True)
    ]


@pytest.mark.parametrize("name", BAD)
def test_grid(name):
    """The grid search raises or warns as scikit-learn's does."""
    ours, theirs = fit_both(GRID, *BAD[name])
    assert theirs.error or theirs.warnings
    assert_same_outcome(ours, theirs)


@pytest.mark.parametrize("name", BAD)
def test_randomized(name):
    """The randomized search raises or warns as scikit-learn's does."""
    *given, options = BAD[name]
    options = {"n_iter": 1, "random_state": 0} | options
    ours, theirs = fit_both(RANDOMIZED, *given, options)
    assert theirs.error or theirs.warnings or "of some" in name or "in some" in name
    assert_same_outcome(ours, theirs)


@pytest.mark.parametrize("name", OF_GRIDS)
def test_grids(name):
    """What is no grid is scikit-learn's error."""
    ours, theirs = fit_both(GRID, *OF_GRIDS[name])
    assert theirs.error
    assert_same_outcome(ours, theirs)


@pytest.mark.parametrize("name", OF_SAMPLES)
def test_samples(name):
    """What cannot be sampled is scikit-learn's error, or warning."""
    ours, theirs = fit_both(RANDOMIZED, *OF_SAMPLES[name])
    assert theirs.error or theirs.warnings
    assert_same_outcome(ours, theirs)


# ---- after the fit, and before ----

CALLS = {
    "predict": lambda search: search.predict(X),
    "predict_proba": lambda search: search.predict_proba(X),
    "decision_function": lambda search: search.decision_function(X),
    "score_samples": lambda search: search.score_samples(X),
    "transform": lambda search: search.transform(X),
    "inverse_transform": lambda search: search.inverse_transform(X),
    "score": lambda search: search.score(X, y),
    "score without y": lambda search: search.score(X),
    "score with more": lambda search: search.score(X, y, sample_weight=y),
    "predict of fewer features": lambda search: search.predict(X[:, 1:]),
    "classes_": lambda search: search.classes_,
    "n_features_in_": lambda search: search.n_features_in_,
    "best_estimator_": lambda search: search.best_estimator_,
    "best_score_": lambda search: search.best_score_,
    "best_index_": lambda search: search.best_index_,
    "cv_results_": lambda search: search.cv_results_,
    "set_params": lambda search: search.set_params(other=3),
    "set_params of the estimator": lambda search: search.set_params(estimator__D=3),
}
STATES = {
    "new": ({}, False),
    "not refit": ({"refit": False}, True),
    "many, not refit": ({"refit": False, "scoring": MANY}, True),
    "new, not refit": ({"refit": False}, False),
    "fitted": ({}, True),
    "chosen by a callable": ({"refit": chooses(1)}, True),
}


@pytest.mark.parametrize("classes", [GRID, RANDOMIZED], ids=["grid", "randomized"])
@pytest.mark.parametrize("state", STATES)
def test_calls(classes, state):
    """What a search cannot answer, fitted or not, it refuses as scikit-learn's does."""
    options, fitted = STATES[state]
    if classes is RANDOMIZED:
        options = options | {"n_iter": 2, "random_state": 0}
    searches = [cls(LOGISTIC, GIVEN, **options) for cls in classes]
    if fitted:
        for search in searches:
            search.fit(X, y)
    for name, call in CALLS.items():
        said = []
        for search in searches:
            try:
                call(search)
            except Exception as error:
                said.append((type(error), str(error), repr(error.__cause__)))
            else:
                said.append(None)
        if name == "set_params":
            # Both list the arguments there are, of which ours has more.
            said = [(kind, text.split("Valid")[0]) for kind, text, _ in said]
        assert said[0] == said[1], name


# ---- our own arguments ----


@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV])
@pytest.mark.parametrize("bad", ["nope", "", 3, 0, True, [], {}], ids=str)
def test_scheduler(search, bad):
    """A scheduler that is none is named, with its value and what it may be."""
    pattern = rf"(?s)scheduler.*{re.escape(repr(bad))}.*"
    options = {"n_iter": 1} if search is RandomizedSearchCV else {}
    with pytest.raises((ValueError, TypeError), match=pattern) as info:
        search(LOGISTIC, GIVEN, scheduler=bad, **options).fit(X, y)
    accepted = str(info.value)
    for name in ("threads", "processes", "synchronous", "distributed", "Client"):
        assert name in accepted, name


def test_closed_client():
    """A client that is closed is said to be."""
    with LocalCluster(n_workers=1, processes=False, dashboard_address=None) as cluster:
        client = Client(cluster, set_as_default=False)
        client.close()
        with pytest.raises(ValueError, match=r"[Cc]lient.*closed"):
            GridSearchCV(LOGISTIC, GIVEN, scheduler=client).fit(X, y)


@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV])
@pytest.mark.parametrize("bad", ["yes", 2, None], ids=str)
def test_cache_cv(search, bad):
    """A cache_cv that is neither true nor false is named, with its value."""
    with pytest.raises((ValueError, TypeError), match=f"cache_cv.*{bad!r}"):
        search(LOGISTIC, GIVEN, cache_cv=bad).fit(X, y)


@pytest.mark.parametrize("iid", [False, None])
@pytest.mark.parametrize("search", [GridSearchCV, RandomizedSearchCV])
def test_iid(search, iid):
    """An iid other than the default has no effect, and one warning says so."""
    options = {"cv": 3, "scheduler": "synchronous"}
    if search is RandomizedSearchCV:
        options |= {"n_iter": 2, "random_state": 0}
    plain = search(LOGISTIC, GIVEN, **options).fit(X, y)
    with pytest.warns(FutureWarning, match="iid") as warned:
        told = search(LOGISTIC, GIVEN, iid=iid, **options).fit(X, y)
    assert len(warned) == 1
    for name, column in plain.cv_results_.items():
        if "score" in name and not name.endswith("_time"):
            np.testing.assert_array_equal(told.cv_results_[name], column)
