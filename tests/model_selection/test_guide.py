# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The examples of dask-ml's page on hyper-parameter search, with our imports."""

import contextlib

import dask.array as da
import dask.dataframe as dd
import numpy as np
import pandas as pd
import pytest
import sklearn.model_selection
from distributed import Client
from scipy.stats import loguniform, uniform
from sklearn.datasets import load_digits
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

from gpu_hpo.datasets import make_classification
from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
    InverseDecaySearchCV,
    RandomizedSearchCV,
    SuccessiveHalvingSearchCV,
    train_test_split,
)
from gpu_hpo.wrappers import Incremental, ParallelPostFit

CLIENTS = {
    "active client": lambda: Client(
        n_workers=2, threads_per_worker=1, processes=False, dashboard_address=None
    ),
    "no client": contextlib.nullcontext,
}


@pytest.fixture(scope="module", params=list(CLIENTS))
def client(request):
    """An active client as in the guide, and none."""
    with CLIENTS[request.param]() as client:
        yield client


def test_basic_use(client):
    """The section "Basic use"."""
    X, y = make_classification(chunks=20, random_state=0)
    X_train, X_test, y_train, y_test = train_test_split(X, y)
    clf = SGDClassifier(tol=1e-3, penalty="elasticnet", random_state=0)
    params = {
        "alpha": loguniform(1e-2, 1e0),  # or np.logspace
        "l1_ratio": uniform(0, 1),  # or np.linspace
    }
    search = HyperbandSearchCV(clf, params, max_iter=81, random_state=0)
    search.fit(X_train, y_train, classes=[0, 1])

    assert set(search.best_params_) == {"alpha", "l1_ratio"}
    assert 1e-2 <= search.best_params_["alpha"] <= 1
    assert 0.5 <= search.best_score_ <= 1
    assert 0 <= search.score(X_test, y_test) <= 1
    assert search.metadata_ == search.metadata
    assert search.metadata_["n_models"] == 143
    assert search.metadata_["partial_fit_calls"] == 1581


OTHERS = {
    SuccessiveHalvingSearchCV: ({"n_initial_iter": 9, "max_iter": 81}, 198),
    IncrementalSearchCV: ({"max_iter": 81}, 810),
    InverseDecaySearchCV: ({"max_iter": 81}, 12),
}


# IncrementalSearchCV says that it has a parameter without effect, as dask-ml's does.
@pytest.mark.filterwarnings("ignore:decay_rate has no effect:FutureWarning")
@pytest.mark.parametrize("cls", OTHERS)
def test_basic_use_of_others(client, cls):
    """The section "Basic use" can "easily be generalized" to the other estimators."""
    X, y = make_classification(chunks=20, random_state=0)
    X_train, X_test, y_train, y_test = train_test_split(X, y)
    clf = SGDClassifier(tol=1e-3, penalty="elasticnet", random_state=0)
    params = {
        "alpha": loguniform(1e-2, 1e0),  # or np.logspace
        "l1_ratio": uniform(0, 1),  # or np.linspace
    }
    options, calls = OTHERS[cls]
    search = cls(clf, params, random_state=0, **options)
    search.fit(X_train, y_train, classes=[0, 1])

    assert set(search.best_params_) == {"alpha", "l1_ratio"}
    assert 0.5 <= search.best_score_ <= 1
    assert 0 <= search.score(X_test, y_test) <= 1
    assert search.metadata_ == search.metadata
    assert search.metadata_["partial_fit_calls"] == calls


def test_post_fit_tasks(client):
    """The section "Basic use": a search over what ParallelPostFit wraps."""
    X, y = make_classification(chunks=20, random_state=0)
    X_train, X_test, y_train, y_test = train_test_split(X, y)
    params = {
        "estimator__alpha": loguniform(1e-2, 1e0),
        "estimator__l1_ratio": uniform(0, 1),
    }
    est = ParallelPostFit(SGDClassifier(tol=1e-3, random_state=0))
    search = HyperbandSearchCV(est, params, max_iter=9, random_state=0)
    search.fit(X_train, y_train, classes=[0, 1])
    assert set(search.best_params_) == {"estimator__alpha", "estimator__l1_ratio"}
    assert 0 <= search.score(X_test, y_test) <= 1


def test_incremental_of_the_comparison(client):
    """The section "Hyperband Performance": as much work as Hyperband, by 19 models."""
    X, y = make_classification(chunks=20, random_state=0)
    search = IncrementalSearchCV(
        SGDClassifier(tol=1e-3, random_state=0),
        {"alpha": loguniform(1e-2, 1e0)},
        n_initial_parameters=19,
        decay_rate=0,
        max_iter=20,
        random_state=0,
    )
    with pytest.warns(FutureWarning, match="decay_rate=0 has no effect"):
        search.fit(X, y)
    assert list(search.cv_results_["partial_fit_calls"]) == [20] * 19
    assert len(search.history_) == 19 * 20


def test_rule_of_thumb(client):
    """The section "Hyperband parameters: rule-of-thumb"."""
    X, y = make_classification(chunks=20, random_state=0)
    X_train, X_test, y_train, y_test = train_test_split(X, y)
    n_examples = 20 * len(X_train)  # 20 passes through dataset for best model
    n_params = 94  # sample approximately 100 parameters

    max_iter = n_params
    chunk_size = n_examples // n_params  # implicit

    clf = SGDClassifier(tol=1e-3, penalty="elasticnet", random_state=0)
    params = {
        "alpha": loguniform(1e-2, 1e0),  # or np.logspace
        "l1_ratio": uniform(0, 1),  # or np.linspace
    }
    search = HyperbandSearchCV(
        clf, params, max_iter=max_iter, aggressiveness=4, random_state=0
    )
    # As in the guide: one column per block, which is put together again.
    X_train = X_train.rechunk((chunk_size, 1))
    y_train = y_train.rechunk(chunk_size)

    assert search.metadata["partial_fit_calls"] == 1151
    assert search.metadata["n_models"] == 98

    search.fit(X_train, y_train, classes=[0, 1])
    assert set(search.best_params_) == {"alpha", "l1_ratio"}
    assert search.metadata_ == search.metadata
    assert 0 <= search.score(X_test, y_test) <= 1
    assert search.cv_results_["partial_fit_calls"].max() == 94


def test_classes_need_not_be_given(client):
    """The guide's `classes` may be left out: they are found in y."""
    X, y = make_classification(chunks=20, random_state=0)
    params = {"alpha": loguniform(1e-2, 1e0)}
    clf = SGDClassifier(tol=1e-3, random_state=0)
    search = HyperbandSearchCV(clf, params, max_iter=9, random_state=0).fit(X, y)
    given = HyperbandSearchCV(clf, params, max_iter=9, random_state=0)
    given.fit(X, y, classes=[0, 1])
    assert search.best_params_ == given.best_params_
    assert list(search.classes_) == [0, 1]


# ---- drop-in replacements for scikit-learn ----


def test_flexible_backends(client):
    """The section "Flexible Backends": an active client is used, else threads."""
    digits = load_digits()
    grid = {"C": [0.1, 1.0], "gamma": [1e-3, 1e-2]}
    search = GridSearchCV(SVC(), grid, cv=3)
    search.fit(digits.data[:500], digits.target[:500])
    assert search.best_params_["gamma"] == 1e-3
    assert search.best_score_ > 0.9


def test_dask_collections(client):
    """The section "Works Well With Dask Collections"."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    df = dd.from_pandas(pd.DataFrame({"x": x, "y": (x > 0).astype(int)}), npartitions=3)
    df["x2"] = df.x - df.x.mean()
    search = GridSearchCV(LogisticRegression(), {"C": [0.1, 1.0]})
    search.fit(df[["x", "x2"]], df["y"])
    assert search.feature_names_in_.tolist() == ["x", "x2"]
    assert search.best_score_ > 0.9


TEXTS = [f"word{i % 7} word{i % 3} and word{i % 5}" for i in range(120)]


def test_avoid_repeated_work(client):
    """The section "Avoid Repeated Work": scikit-learn's scores of the text pipeline."""
    pipeline = Pipeline(
        [
            ("vect", CountVectorizer()),
            ("tfidf", TfidfTransformer()),
            ("clf", SGDClassifier(random_state=0)),
        ]
    )
    grid = {
        "vect__ngram_range": [(1, 1)],
        "tfidf__norm": ["l1", "l2"],
        "clf__alpha": [1e-3, 1e-4, 1e-5],
    }
    labels = [i % 3 == 0 for i in range(len(TEXTS))]
    ours = GridSearchCV(pipeline, grid).fit(TEXTS, labels)
    theirs = sklearn.model_selection.GridSearchCV(pipeline, grid).fit(TEXTS, labels)
    for name in ("mean_test_score", "std_test_score", "rank_test_score"):
        assert ours.cv_results_[name].tolist() == theirs.cv_results_[name].tolist()
    assert ours.best_params_ == theirs.best_params_


def test_memory_constrained(client):
    """The section "Memory constrained": Incremental in a randomized search."""
    X, y = make_classification(n_samples=600, n_features=5, chunks=100, random_state=0)
    search = RandomizedSearchCV(
        Incremental(SGDClassifier(random_state=0)),
        {"estimator__alpha": loguniform(1e-4, 1e-1)},
        n_iter=3,
        cv=3,
        random_state=0,
    ).fit(X, y)
    assert isinstance(search.predict(X), da.Array)
    assert search.score(X, y) > 0.6
