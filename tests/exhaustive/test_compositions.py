# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Grid and randomized searches with wrappers, stacks, caches and each other."""

import pickle
from itertools import pairwise

import dask.array as da
import joblib
import numpy as np
import pytest
import sklearn.model_selection
from sklearn.base import is_classifier
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler, scale

from gpu_hpo import linear_model
from gpu_hpo.datasets import make_classification
from gpu_hpo.model_selection import (
    GridSearchCV,
    KFold,
    RandomizedSearchCV,
    StratifiedKFold,
)
from gpu_hpo.wrappers import Incremental, ParallelPostFit
from tests.exhaustive.helpers import GRID, assert_same_results
from tests.exhaustive.recording_steps import Classify, Shift, recorded

X, y = load_iris(return_X_y=True)
X = scale(X)
C = {"C": [0.1, 1.0]}


# ---- data larger than memory ----


def blocks(n_rows=600):
    """Dask arrays of several blocks, and the same in memory."""
    X, y = make_classification(
        n_samples=n_rows, n_features=5, chunks=100, random_state=0
    )
    return X, y, X.compute(), y.compute()


def one_by_one(X, y, splits, alpha, n_chunks):
    """Scores of models that go once through the chunks of each split's rows."""
    edges = np.linspace(0, len(X), n_chunks + 1).astype(int)
    scores = []
    for train, test in splits:
        model = linear_model.SGDClassifier(alpha=alpha, random_state=0)
        for start, stop in pairwise(edges):
            rows = train[(train >= start) & (train < stop)]
            if len(rows):
                model.partial_fit(X[rows], y[rows], classes=[0, 1])
        scores.append(model.score(X[test], y[test]))
    return scores


@pytest.mark.parametrize("scheduler", [None, "synchronous", "threads"])
@pytest.mark.parametrize("scoring", [None, "accuracy"])
def test_incremental(scheduler, scoring):
    """Incremental's folds train block by block, as if by hand."""
    lazy_X, lazy_y, X, y = blocks()
    model = linear_model.SGDClassifier(random_state=0)
    search = GridSearchCV(
        Incremental(model, shuffle_blocks=False),
        {"estimator__alpha": [1e-4, 0.1]},
        cv=3,
        scoring=scoring,
        scheduler=scheduler,
    ).fit(lazy_X, lazy_y)
    splits = list(sklearn.model_selection.StratifiedKFold(3).split(X, y))
    for i, alpha in enumerate([1e-4, 0.1]):
        expected = one_by_one(X, y, splits, alpha, 6)
        found = [search.cv_results_[f"split{k}_test_score"][i] for k in range(3)]
        assert found == pytest.approx(expected, abs=1e-12)
    assert isinstance(search.predict(lazy_X), da.Array)
    assert search.score(lazy_X, lazy_y) == pytest.approx(
        search.best_estimator_.estimator_.score(X, y)
    )


def test_incremental_never_gathers_rows(threads_client):
    """No model of a search over Incremental is given more than a block of rows."""
    lazy_X, lazy_y, _, _ = blocks()
    search = RandomizedSearchCV(
        Incremental(LargestBlock(random_state=0)),
        {"estimator__alpha": [1e-4, 1e-3, 0.1]},
        n_iter=2,
        cv=KFold(3),
        random_state=0,
    ).fit(lazy_X, lazy_y)
    assert search.best_estimator_.estimator_.largest == 100


class LargestBlock(linear_model.SGDClassifier):
    """Notes the most rows that it has been given at once."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.largest = max(getattr(self, "largest", 0), len(X))
        return super().partial_fit(X, y, classes, sample_weight)


def test_parallel_post_fit():
    """ParallelPostFit is fitted to rows in one piece, as its estimator is."""
    ours = GridSearchCV(
        ParallelPostFit(LogisticRegression()),
        {"estimator__C": [0.1, 1.0]},
        scheduler="synchronous",
    ).fit(da.from_array(X, chunks=(50, 4)), da.from_array(y, chunks=50))
    theirs = sklearn.model_selection.GridSearchCV(LogisticRegression(), C).fit(X, y)
    name = "mean_test_score"
    assert ours.cv_results_[name].tolist() == theirs.cv_results_[name].tolist()


# ---- models that are fitted together ----


@pytest.mark.parametrize("n_jobs", [1, 2, 7])
@pytest.mark.parametrize("train", [False, True])
def test_stacks(n_jobs, train):
    """Our models are fitted as stacks, with the scores that they have alone."""
    model = linear_model.SGDClassifier(random_state=0, batch_size=8)
    grid = {"alpha": np.logspace(-6, 1, 8), "penalty": ["l2", "l1"]}
    found = [
        cls(model, grid, cv=3, return_train_score=train, n_jobs=n).fit(X, y)
        for cls, n in zip(GRID, (n_jobs, None), strict=True)
    ]
    assert_same_results(*(search.cv_results_ for search in found))


def test_stacks_without_a_seed():
    """Models of a stack that have no seed are given one, and the user's keeps none."""
    model = linear_model.SGDClassifier()
    search = GridSearchCV(model, {"alpha": [1e-4, 1e-3]}, cv=3).fit(X, y)
    assert model.random_state is None
    assert search.best_estimator_.random_state is None


@pytest.mark.parametrize("scoring", [None, "r2", ["r2", "neg_mean_squared_error"]])
def test_penalties(scoring):
    """Ridge over many penalties scores what it does one by one, to 1e-8."""
    grid = {"alpha": np.logspace(-3, 3, 25), "fit_intercept": [True, False]}
    refit = "r2" if isinstance(scoring, list) else True
    found = [
        cls(Ridge(), grid, scoring=scoring, refit=refit).fit(X, X @ [1, 2, 0, -1])
        for cls in GRID
    ]
    assert_same_results(*(search.cv_results_ for search in found), tol=1e-8)


def test_failure_among_models_of_a_stack():
    """A model of a stack that fails has error_score, and the others their scores."""
    model = linear_model.SGDRegressor(random_state=0, learning_rate="constant")
    grid = {"eta0": [1e-3, 1e300]}
    with pytest.warns() as caught:
        search = GridSearchCV(model, grid, cv=2, error_score=-7.0).fit(X, y)
    assert any("fits failed" in str(warning.message) for warning in caught)
    assert search.cv_results_["mean_test_score"][1] == -7.0


# ---- searches, caches and clusters ----


@pytest.mark.parametrize("scheduler", [None, "synchronous", "threads"])
def test_search_within_a_search(scheduler):
    """A search may be a step of another, and of one of scikit-learn's."""
    found = []
    for cls in GRID:
        own = {"scheduler": scheduler} if cls is GridSearchCV else {}
        inner = cls(LogisticRegression(), C, cv=2, **own)
        steps = make_pipeline(StandardScaler(), inner)
        grid = {
            "standardscaler__with_mean": [True, False],
            "gridsearchcv__estimator__tol": [1e-4, 1e-3],
        }
        found.append(cls(steps, grid, cv=2, **own).fit(X, y))
    assert_same_results(*(search.cv_results_ for search in found))
    inner = GridSearchCV(LogisticRegression(), C, cv=2, scheduler=scheduler)
    outer = sklearn.model_selection.cross_val_score(inner, X, y, cv=3)
    assert len(outer) == 3
    assert is_classifier(inner)


@pytest.mark.parametrize("client", ["threads_client", "processes_client"])
def test_search_within_a_search_on_workers(client, request):
    """A search that is a step of another runs on the same workers, without waiting."""
    request.getfixturevalue(client)
    inner = GridSearchCV(LogisticRegression(), C, cv=2)
    steps = make_pipeline(StandardScaler(), inner)
    search = GridSearchCV(steps, {"standardscaler__with_mean": [True, False]}, cv=2)
    assert search.fit(X, y).best_score_ > 0.9


def test_search_in_a_task(processes_client):
    """A search in a task uses the cluster that runs it."""

    def task():
        return GridSearchCV(LogisticRegression(), C).fit(X, y).best_score_

    expected = sklearn.model_selection.GridSearchCV(LogisticRegression(), C).fit(X, y)
    assert processes_client.submit(task).result() == expected.best_score_


def test_scikit_learns_search_on_dask(processes_client):
    """scikit-learn's own search trains our models on Dask's joblib backend."""
    model = linear_model.SGDClassifier(random_state=0)
    grid = {"alpha": [1e-4, 0.1]}
    search = sklearn.model_selection.GridSearchCV(model, grid)
    here = search.fit(X, y).cv_results_
    with joblib.parallel_config(backend="dask"):
        there = search.fit(X, y).cv_results_
    assert_same_results(there, here)


def test_async_client_is_refused():
    """An asynchronous client is an error that names it, not a search that hangs."""

    class Asynchronous:
        asynchronous = True

    from gpu_hpo.compute._client_pool import ClientPool

    with pytest.raises(TypeError, match="asynchronous"):
        ClientPool(Asynchronous())


@pytest.mark.parametrize("scheduler", ["synchronous", "threads", "processes"])
def test_memory(tmp_path, scheduler):
    """What a pipeline's memory keeps is not fitted again by the next search."""
    steps = Pipeline(
        [
            ("scale", Shift(path=str(tmp_path / "fits"))),
            ("classify", Classify(path=str(tmp_path / "fits"))),
        ],
        memory=str(tmp_path / "cache"),
    )
    search = GridSearchCV(
        steps, {"classify__alpha": [0.1, 0.2]}, cv=2, refit=False, scheduler=scheduler
    )
    counts = []
    for _ in range(2):
        search.fit(X[:100], y[:100])
        counts.append([name for name, *_ in recorded(tmp_path / "fits")].count("Shift"))
    assert counts == [2, 2]


def test_pickle_has_no_data():
    """A fitted search is no larger for more rows."""
    sizes = []
    for times in (1, 20):
        data = np.tile(X, (times, 1)), np.tile(y, times)
        search = GridSearchCV(LogisticRegression(max_iter=500), C).fit(*data)
        sizes.append(len(pickle.dumps(search)))
        again = pickle.loads(pickle.dumps(search))
        assert (again.predict(X) == search.predict(X)).all()
    assert sizes[1] < sizes[0] + 500


@pytest.mark.parametrize("make", [KFold, StratifiedKFold])
def test_our_splitters(make):
    """Our splitters split as scikit-learn's do, Dask data too."""
    theirs = getattr(sklearn.model_selection, make.__name__)
    options = {"shuffle": True, "random_state": 0}
    expected = sklearn.model_selection.GridSearchCV(
        LogisticRegression(), C, cv=theirs(3, **options)
    ).fit(X, y)
    for data in [(X, y), (da.from_array(X, chunks=(50, 4)), y)]:
        found = GridSearchCV(LogisticRegression(), C, cv=make(3, **options)).fit(*data)
        assert_same_results(found.cv_results_, expected.cv_results_)


class NoGroups:
    """Splits as cuML's KFold: without a parameter for groups, rows on a device."""

    def get_n_splits(self, X=None, y=None):
        return 3

    def split(self, X, y=None):
        yield from sklearn.model_selection.KFold(3).split(np.zeros(len(X)))


def test_splitter_that_knows_no_groups():
    """A splitter without a parameter for groups works, as cuML's."""
    target = X @ [1.0, 2, 0, -1]
    grid = {"alpha": [0.1, 1.0]}
    expected = sklearn.model_selection.GridSearchCV(Ridge(), grid, cv=3)
    found = GridSearchCV(Ridge(), grid, cv=NoGroups())
    for search in (found, expected):
        search.fit(X, target)
    assert_same_results(found.cv_results_, expected.cv_results_, tol=1e-8)
