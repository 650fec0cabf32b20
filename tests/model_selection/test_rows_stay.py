# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Models and steps that write on their rows: the answer is that of copies."""

import itertools

import dask.array as da
import numpy as np
import pandas as pd
import pytest
import scipy.sparse as sp
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin, clone
from sklearn.compose import ColumnTransformer
from sklearn.kernel_approximation import RBFSampler
from sklearn.linear_model import LinearRegression, SGDClassifier
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV as TheirGridSearchCV
from sklearn.model_selection import KFold, cross_val_score
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    FunctionTransformer,
    QuantileTransformer,
    StandardScaler,
)
from sklearn.svm import SVR
from sklearn.tree import DecisionTreeRegressor

from gpu_hpo.model_selection import (
    GridSearchCV,
    IncrementalSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.wrappers import Incremental, ParallelPostFit

rng = np.random.RandomState(0)
X = rng.randn(400, 8)
y = (X[:, 0] + rng.randn(400) > 0).astype(int)
weight = rng.rand(400)


def shrink(X):
    X *= 0.9
    return X


def shrunk(X):
    return X * 0.9


def shrink_frame(X):
    X.iloc[:, 0] *= 0.5
    X["0"] = 1.0
    return X


class Writer(ClassifierMixin, BaseEstimator):
    """Trains by SGD, and then writes on what it was given, if it does."""

    def __init__(self, alpha=1e-4, writes=""):
        self.alpha = alpha
        self.writes = writes

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        if not hasattr(self, "model_"):
            self.model_ = SGDClassifier(alpha=self.alpha, random_state=0)
        self.model_.partial_fit(X, y, classes, sample_weight)
        self.classes_ = self.model_.classes_
        if "X" in self.writes:
            X *= 0.5
        if "y" in self.writes:
            y[:] = 0
        if "w" in self.writes and sample_weight is not None:
            sample_weight[:] = 1e-9
        return self

    def fit(self, X, y, sample_weight=None):
        return self.partial_fit(X, y, np.unique(y), sample_weight)

    def predict(self, X):
        answer = self.model_.predict(X)
        if "p" in self.writes:
            X[:] = 0
        return answer


def incremental(estimator, given=X, labels=y, **options):
    params = {"weights": weight} | options
    weights = params.pop("weights")
    name = "alpha"
    if hasattr(estimator, "steps"):
        name = f"{estimator.steps[-1][0]}__alpha"
    search = IncrementalSearchCV(
        estimator,
        {name: [1e-4, 1e-3, 1e-2]},
        n_initial_parameters="grid",
        decay_rate=None,
        max_iter=6,
        random_state=0,
        **({"chunk_size": 50} if isinstance(given, np.ndarray) else {}),
        **params,
    )
    more = {} if weights is None else {"sample_weight": weights}
    search.fit(given, labels, **more)
    assert set(search.cv_results_["status"]) == {"completed"}
    return search.cv_results_["test_score"].tolist()


@pytest.fixture(params=["threads_client", "processes_client"])
def client(request):
    return request.getfixturevalue(request.param)


WRITES = ["X", "y", "w", "p", "Xywp"]
SPLITS = [{}, {"cv": 2}, {"cv": KFold(3, shuffle=True, random_state=0)}]


# In threads, where models share rows, all pairs; in processes all of either.
@pytest.mark.parametrize(
    ("client", "writes", "options"),
    [
        *itertools.product(["threads_client"], WRITES, SPLITS),
        *zip(["processes_client"] * 5, WRITES, SPLITS + SPLITS, strict=False),
    ],
    indirect=["client"],
)
def test_models_that_write(client, writes, options):
    """A search that stops early is that of models that copy; the user's data stays."""
    given = X.copy(), y.copy(), weight.copy()
    right = incremental(Writer(), **options)
    found = incremental(Writer(writes=writes), *given[:2], weights=given[2], **options)
    assert found == right
    for before, after in zip((X, y, weight), given, strict=True):
        np.testing.assert_array_equal(before, after)


@pytest.mark.parametrize("options", [{}, {"cv": 2}])
@pytest.mark.parametrize("place", [0, 1])
def test_steps_that_write(options, place, client):
    """A step that writes and does not say so gives what one that copies gives."""

    def pipeline(function):
        steps = [StandardScaler(), SGDClassifier(random_state=0)]
        steps.insert(place, FunctionTransformer(function))
        return make_pipeline(*steps)

    given = X.copy()
    right = incremental(pipeline(shrunk), weights=None, **options)
    assert incremental(pipeline(shrink), given, weights=None, **options) == right
    np.testing.assert_array_equal(X, given)


def test_dask_blocks_that_are_views(client):
    """Blocks of a Dask array of the user's rows are not written on."""
    given, labels = X.copy(), y.copy()
    lazy = da.from_array(given, chunks=(50, -1)), da.from_array(labels, chunks=50)
    right = incremental(Writer(), *lazy, weights=None)
    assert incremental(Writer(writes="Xyp"), *lazy, weights=None) == right
    np.testing.assert_array_equal(X, given)
    np.testing.assert_array_equal(y, labels)


@pytest.mark.parametrize("resource", ["n_samples", "partial_fit"])
def test_refits(resource, client):
    """The same with refits, and of the model that is trained again on all rows."""

    def run(model, given):
        search = SuccessiveHalvingSearchCV(
            model,
            {"alpha": [1e-4, 1e-3, 1e-2]},
            n_initial_parameters=3,
            n_initial_iter=1,
            max_iter=4,
            resource=resource,
            refit=True,
            random_state=0,
        ).fit(given, y)
        answers = search.predict(X.copy()).tolist()
        return search.cv_results_["test_score"].tolist(), answers

    given = X.copy()
    assert run(Writer(writes="Xp"), given) == run(Writer(), X.copy())
    np.testing.assert_array_equal(X, given)


@pytest.mark.parametrize("wrapper", [Incremental, ParallelPostFit])
def test_wrappers(wrapper):
    """Wrapped models do not write on blocks of Dask's that others read."""
    given, labels = X.copy(), y.copy()
    lazy = da.from_array(given, chunks=(100, -1)), da.from_array(labels, chunks=100)
    model = wrapper(Writer(writes="Xyp"))
    if wrapper is Incremental:
        model.fit(*lazy)
    else:
        model.fit(given.copy(), labels.copy())
    answers = [np.asarray(model.predict(lazy[0])) for _ in range(2)]
    np.testing.assert_array_equal(*answers)
    np.testing.assert_array_equal(X, given)
    np.testing.assert_array_equal(y, labels)


# ---- exhaustive searches ----


def grid_scores(estimator, grid, given=X, target=None, module=None, **options):
    target = given[:, 0] if target is None else target
    kind = module or GridSearchCV
    search = kind(estimator, grid, cv=KFold(3, shuffle=True, random_state=0), **options)
    search.fit(given, target)
    return search


INTERCEPTS = {"linearregression__fit_intercept": [True, False]}


@pytest.mark.parametrize("scheduler", [None, "synchronous"])
@pytest.mark.parametrize(
    "union",
    [
        make_union(QuantileTransformer(n_quantiles=10, copy=False), StandardScaler()),
        make_union(FunctionTransformer(shrink), StandardScaler()),
        make_union(StandardScaler(), FunctionTransformer(shrink)),
        make_union(
            make_pipeline("passthrough", FunctionTransformer(shrink)), StandardScaler()
        ),
        ColumnTransformer(
            [
                ("a", FunctionTransformer(shrink), slice(0, 4)),
                ("b", StandardScaler(), slice(2, 8)),
            ]
        ),
    ],
)
def test_parts_that_write(union, scheduler):
    """The score of a union is that of the model one gets, and scikit-learn's."""
    given = X.copy() ** 3
    target = given[:, 0] + np.tanh(given[:, 1])
    pipe = make_pipeline(union, LinearRegression())
    theirs = grid_scores(pipe, INTERCEPTS, given.copy(), target, TheirGridSearchCV)
    ours = grid_scores(pipe, INTERCEPTS, given, target, scheduler=scheduler)
    np.testing.assert_array_equal(given, X**3)
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"],
        theirs.cv_results_["mean_test_score"],
        rtol=1e-12,
    )
    again = cross_val_score(
        clone(pipe).set_params(**ours.best_params_),
        given.copy(),
        target,
        cv=KFold(3, shuffle=True, random_state=0),
    )
    assert ours.best_score_ == pytest.approx(again.mean(), rel=1e-12)
    np.testing.assert_allclose(
        ours.predict(given.copy()),
        clone(pipe)
        .set_params(**ours.best_params_)
        .fit(given.copy(), target)
        .predict(given.copy()),
    )


def test_a_refit_leaves_the_data_alone():
    """The best candidate is fitted to the user's rows, which stay what they are."""
    given = X.copy()
    pipe = make_pipeline(StandardScaler(copy=False), LinearRegression())
    search = grid_scores(pipe, INTERCEPTS, given)
    np.testing.assert_array_equal(X, given)
    right = clone(search.best_estimator_).fit(X.copy(), X[:, 0].copy())
    np.testing.assert_array_equal(search.predict(X.copy()), right.predict(X.copy()))


def unsorted(matrix):
    """The same matrix with the columns of each row in any order."""
    for a, b in zip(matrix.indptr, matrix.indptr[1:], strict=False):
        order = rng.permutation(b - a)
        matrix.indices[a:b] = matrix.indices[a:b][order]
        matrix.data[a:b] = matrix.data[a:b][order]
    matrix.has_sorted_indices = False
    return matrix


@pytest.mark.parametrize("kind", [sp.csr_matrix, sp.csc_matrix, sp.csr_array])
@pytest.mark.parametrize(
    "model", [SVR(kernel="linear"), DecisionTreeRegressor(random_state=0)]
)
def test_unsorted_sparse_rows(kind, model):
    """Threads agree with one thread and scikit-learn, and the matrix stays unsorted."""
    given = unsorted(kind(sp.random(60, 4000, density=0.1, random_state=0)))
    kept = given.indices.copy()
    target = np.asarray(given[:, :400].sum(axis=1)).ravel()
    grid = (
        {"C": [0.01, 0.1, 1, 10]}
        if isinstance(model, SVR)
        else {"max_depth": [1, 2, 3]}
    )
    theirs = grid_scores(model, grid, given.copy(), target, TheirGridSearchCV)
    for options in ({"scheduler": "synchronous"}, {}, {}):
        ours = grid_scores(model, grid, given, target, **options)
        np.testing.assert_array_equal(given.indices, kept)
        assert not given.has_sorted_indices
        np.testing.assert_allclose(
            ours.cv_results_["mean_test_score"],
            theirs.cv_results_["mean_test_score"],
            rtol=1e-12,
        )


def test_frames():
    """A step that writes into a frame has one of its own."""
    frame = pd.DataFrame(X, columns=list("01234567"), index=np.arange(400) * 3)
    before = frame.copy()
    pipe = make_pipeline(FunctionTransformer(shrink_frame), LinearRegression())
    ours = grid_scores(pipe, INTERCEPTS, frame, X[:, 0])
    pd.testing.assert_frame_equal(frame, before)
    theirs = grid_scores(pipe, INTERCEPTS, before.copy(), X[:, 0], TheirGridSearchCV)
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"]
    )


def spoil(y, answer):
    score = float(np.mean(y == answer))
    y[:] = 0
    answer[:] = 0
    return score


def test_labels_and_answers():
    """Scorers that write on labels and answers spoil no other score."""
    grid = {"alpha": [1e-4, 1e-3, 1e-2]}
    model = SGDClassifier(random_state=0)
    scoring = {"first": make_scorer(spoil), "second": "accuracy"}
    given = y.copy()
    search = GridSearchCV(model, grid, scoring=scoring, refit="first", cv=3)
    search.fit(X, given)
    np.testing.assert_array_equal(y, given)
    for split in range(3):
        np.testing.assert_array_equal(
            search.cv_results_[f"split{split}_test_first"],
            search.cv_results_[f"split{split}_test_second"],
        )


class Shuffling(KFold):
    """A splitter that shuffles what it is given before it looks at it."""

    def split(self, X, y=None, groups=None):
        for given in (y, groups):
            if given is not None:
                np.random.default_rng(0).shuffle(given)
        return super().split(X, y)


@pytest.mark.parametrize("kind", [GridSearchCV, "early stopping"])
def test_splitters_that_write(kind, threads_client):
    """A splitter that writes on labels and groups writes on copies."""
    labels, groups = y.copy(), np.arange(400)
    if kind is GridSearchCV:
        search = GridSearchCV(
            SGDClassifier(random_state=0), {"alpha": [1e-3]}, cv=Shuffling(3)
        )
        search.fit(X, labels, groups=groups)
    else:
        incremental(Writer(), X, labels, weights=None, cv=Shuffling(3))
    np.testing.assert_array_equal(labels, y)
    np.testing.assert_array_equal(groups, np.arange(400))


class Stopping(Writer):
    """Writes on rows that it is given to stop by."""

    def fit(self, X, y, eval_set=None):
        rows = eval_set[0] if isinstance(eval_set, list) else eval_set
        rows[0][:] *= 2
        self.seen_ = float(rows[0][0, 0])
        return super().fit(X, y)

    def score(self, X, y):
        return self.seen_


@pytest.mark.parametrize("as_list", [True, False])
@pytest.mark.parametrize("scheduler", [None, "synchronous"])
def test_rows_in_parameters(as_list, scheduler):
    """Rows within lists and tuples of fit parameters are lent as well."""
    held = np.ones((5, 8))
    given = [(held, np.ones(5))] if as_list else (held, np.ones(5))
    search = GridSearchCV(
        Stopping(),
        {"alpha": [1e-4, 1e-3, 1e-2]},
        cv=2,
        refit=False,
        scheduler=scheduler,
    )
    search.fit(X, y, eval_set=given)
    assert search.cv_results_["mean_test_score"].tolist() == [2.0, 2.0, 2.0]
    assert (held == 1).all()
    stopping = IncrementalSearchCV(
        Stopping(),
        {"alpha": [1e-4, 1e-3]},
        n_initial_parameters="grid",
        decay_rate=None,
        max_iter=2,
        resource="n_samples",
        random_state=0,
    )
    stopping.fit(X, y, eval_set=given)
    assert stopping.cv_results_["test_score"].tolist() == [2.0, 2.0]
    assert (held == 1).all()


class Lengths(TransformerMixin, BaseEstimator):
    """Features of series of different lengths."""

    def fit(self, X, y=None):
        return self

    def transform(self, X):
        return np.array([[len(row), np.sum(row)] for row in X])


@pytest.mark.parametrize("kind", ["list", "object"])
@pytest.mark.parametrize("scoring", [None, lambda model, X, y: model.score(X, y)])
def test_series_of_different_lengths(kind, scoring):
    """X may be a list of arrays, as in scikit-learn, in unions too."""
    series = [np.arange(i % 7 + 1.0) for i in range(60)]
    if kind == "object":
        given = np.empty(60, object)
        given[:] = series
    else:
        given = series
    target = np.array([row.sum() for row in series])
    pipe = make_pipeline(make_union(Lengths(), Lengths()), LinearRegression())
    options = {"cv": 3, "scoring": scoring}
    ours = GridSearchCV(pipe, INTERCEPTS, **options).fit(given, target)
    theirs = TheirGridSearchCV(pipe, INTERCEPTS, **options).fit(given, target)
    np.testing.assert_array_equal(
        ours.cv_results_["mean_test_score"], theirs.cv_results_["mean_test_score"]
    )


def test_random_states_of_parts_that_write():
    """Parts that are fitted once more, with all others, draw from the beginning."""
    union = make_union(
        QuantileTransformer(n_quantiles=10, copy=False),
        RBFSampler(n_components=4, random_state=np.random.RandomState(1)),
    )
    pipe = make_pipeline(union, LinearRegression())
    target = X[:, 0] ** 2
    theirs = grid_scores(pipe, INTERCEPTS, X.copy(), target, TheirGridSearchCV)
    ours = grid_scores(pipe, INTERCEPTS, X.copy(), target)
    np.testing.assert_allclose(
        ours.cv_results_["mean_test_score"],
        theirs.cv_results_["mean_test_score"],
        rtol=1e-12,
    )
