# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Ridge models that share a factorisation, beside those that scikit-learn fits."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import scipy.linalg
import scipy.sparse
from sklearn.base import BaseEstimator, RegressorMixin, clone
from sklearn.linear_model import LinearRegression, Ridge, RidgeClassifier
from sklearn.metrics import r2_score

from gpu_hpo.exhaustive.sharing._ridge_stack import RidgeStack, ridge_key
from gpu_hpo.exhaustive.sharing._shared_fit import NotShared
from gpu_hpo.testing import NoHostCopyArray

# So many that eigenvectors are worth their time, and so few that they are not.
MANY = np.logspace(-2, 6, 15)
FEW = (0.01, 3.0, 1e4)
SHAPES = [(60, 7), (12, 30), (15, 15), (40, 1), (2, 3)]
# SciPy before 1.17 says it without "An".
ill_conditioned = pytest.mark.filterwarnings("ignore:(An )?ill-conditioned matrix")


def data(n_rows, n_features, n_targets=None, seed=0):
    """X with means, and y that depends on it, with noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n_rows, n_features)) + rng.uniform(-3, 3, n_features)
    shape = () if n_targets is None else (n_targets,)
    y = X @ rng.standard_normal((n_features, *shape)) + 5
    return X, y + rng.standard_normal((n_rows, *shape))


def fitted(models, *args):
    """The models that scikit-learn fits one by one, and those of a stack."""
    stack = RidgeStack(models).fit(*args)
    assert stack.errors == [None] * len(models) == [None] * len(stack)
    return [clone(model).fit(*args) for model in models], stack


def assert_close(found, expected, tolerance=1e-10):
    """Relative to the largest value, and of the same type."""
    assert type(found) is type(expected)
    assert np.shape(found) == np.shape(expected)
    assert np.asarray(found).dtype == np.asarray(expected).dtype
    scale = max(np.abs(expected).max(), 1e-300)
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance * scale)


def assert_like(found, expected, tolerance=1e-10):
    """All that a fit notes is the same."""
    assert type(found) is type(expected)
    assert found.get_params() == expected.get_params()
    assert vars(found).keys() == vars(expected).keys()
    for name in ("n_features_in_", "n_iter_", "solver_"):
        assert getattr(found, name) == getattr(expected, name)
        assert type(getattr(found, name)) is type(getattr(expected, name))
    assert_close(found.coef_, expected.coef_, tolerance)
    # An intercept can be nearly zero where means are large.
    scale = np.abs(expected.intercept_).max() + np.abs(expected.coef_).sum()
    assert type(found.intercept_) is type(expected.intercept_)
    assert np.shape(found.intercept_) == np.shape(expected.intercept_)
    assert np.abs(found.intercept_ - expected.intercept_).max() <= tolerance * scale


# ---- regression ----


@pytest.mark.parametrize("alphas", [MANY, FEW], ids=len)
@pytest.mark.parametrize("fit_intercept", [True, False])
@pytest.mark.parametrize("weights", [None, 2.5, "array"])
@pytest.mark.parametrize("n_targets", [None, 1, 3])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_as_scikit_learn(shape, n_targets, weights, fit_intercept, alphas):
    """Whatever the shapes, models are those that scikit-learn fits one by one."""
    X, y = data(*shape, n_targets)
    if weights == "array":
        weights = np.random.default_rng(1).uniform(0.5, 2, len(X))
    models = [Ridge(alpha=alpha, fit_intercept=fit_intercept) for alpha in alphas]
    alone, stack = fitted(models, X, y, weights)
    new = data(9, shape[1], seed=1)[0]
    answers = stack.predict(new)
    for made, model, answer in zip(stack.unstack(), alone, answers, strict=True):
        assert_like(made, model)
        assert_close(answer, model.predict(new))
        assert_close(made.predict(new), model.predict(new))


def collinear(n_rows, n_features):
    X, y = data(n_rows, n_features)
    X[:, -1] = X[:, 0]
    X[:, -2] = X[:, 1] + X[:, 2]
    return X, y


def scaled(n_rows, n_features):
    X, y = data(n_rows, n_features)
    return X * np.logspace(-5, 5, n_features), y


def nearly_collinear(n_rows, n_features):
    X, y = data(n_rows, n_features)
    X[:, -1] = X[:, 0] + 1e-5 * X[:, -1]
    return X, y


def repeated(n_rows, n_features):
    X, y = data(n_rows, n_features)
    return np.concatenate([X[::2], X[::2]])[: len(X)], y


def one_hot(n_rows, n_features):
    codes = np.random.default_rng(0).integers(0, n_features, n_rows)
    X = np.eye(n_features)[codes]
    return X, data(n_rows, 1)[1] + codes


@ill_conditioned
@pytest.mark.parametrize(
    "make",
    [data, collinear, nearly_collinear, scaled, repeated, one_hot],
    ids=lambda make: make.__name__,
)
@pytest.mark.parametrize("shape", [(60, 7), (14, 30), (16, 16)], ids=str)
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_scores_of_ill_conditioned_rows(make, shape, fit_intercept):
    """Scores are scikit-learn's to 1e-8, however small the penalty."""
    X, y = make(2 * shape[0], shape[1])
    half = slice(None, shape[0]), slice(shape[0], None)
    alphas = np.logspace(-10, 6, 33)
    models = [Ridge(alpha=alpha, fit_intercept=fit_intercept) for alpha in alphas]
    alone, stack = fitted(models, X[half[0]], y[half[0]])
    for part in half:
        # Scores of overfitted models of new rows are far below zero.
        expected = np.array([r2_score(y[part], m.predict(X[part])) for m in alone])
        found = np.array([r2_score(y[part], a) for a in stack.predict(X[part])])
        difference = np.abs(found - expected) / np.maximum(1, np.abs(expected))
        assert difference.max() < 1e-8


@pytest.mark.parametrize("make", [data, collinear, one_hot], ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(60, 7), (14, 30), (16, 16)], ids=str)
def test_no_penalty(make, shape):
    """Without a penalty a model, and what is said of it, are as by itself."""
    X, y = make(*shape)
    models = [Ridge(alpha=alpha) for alpha in [0, 0.0, *MANY]]
    with warnings.catch_warnings(record=True) as said_alone:
        warnings.simplefilter("always")
        alone = [clone(model).fit(X, y) for model in models]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        stack = RidgeStack(models).fit(X, y)
    assert [str(w.message) for w in said] == [str(w.message) for w in said_alone]
    for made, model in zip(stack.unstack(), alone, strict=True):
        assert made.solver_ == model.solver_
        assert_close(made.predict(X), model.predict(X), 1e-8)


def test_singular_system():
    """A model that has no solution by itself is fitted alone, as scikit-learn does."""
    X, y = data(20, 3)
    X[:, 1] = 0
    models = [Ridge(alpha=alpha, copy_X=False) for alpha in [0, *MANY]]
    before = X.copy()
    stack = RidgeStack(models).fit(X, y)
    np.testing.assert_array_equal(X, before)
    made = stack.unstack()
    assert [m.solver_ for m in made] == ["svd"] + ["cholesky"] * len(MANY)
    assert_like(made[0], Ridge(alpha=0, copy_X=False).fit(X.copy(), y), 0)
    assert_close(stack.predict(before)[0], made[0].predict(before))


def test_failure_of_one_model(monkeypatch):
    """A model whose own fit fails is noted, and leaves the others alone."""
    X, y = data(20, 3)
    X[:, 1] = 0
    models = [Ridge(alpha=alpha) for alpha in [1.0, 0, 2.0]]
    expected = [clone(models[i]).fit(X, y) for i in (0, 2)]
    error = RuntimeError("not today")

    def fail(self, X, y, sample_weight=None):
        raise error

    monkeypatch.setattr(Ridge, "fit", fail)
    stack = RidgeStack(models).fit(X, y)
    assert stack.errors == [None, error, None]
    first, failed, last = stack.unstack()
    assert_like(first, expected[0])
    assert_like(last, expected[1])
    assert not hasattr(failed, "coef_")
    assert np.isnan(stack.predict(X)[1]).all()


@pytest.mark.parametrize("make", [data, collinear, scaled], ids=lambda f: f.__name__)
@pytest.mark.parametrize("shape", [(60, 7), (14, 30), (16, 16)], ids=str)
def test_svd(make, shape):
    """With solver="svd" models are scikit-learn's whatever the rows and the penalty."""
    X, y = make(*shape)
    models = [Ridge(alpha=alpha, solver="svd") for alpha in [1e-10, *MANY]]
    alone, stack = fitted(models, X, y)
    for made, model in zip(stack.unstack(), alone, strict=True):
        assert made.solver_ == "svd"
        assert_like(made, model, 1e-12)


@ill_conditioned
@pytest.mark.filterwarnings("ignore:Singular matrix")
@pytest.mark.parametrize("solver", ["auto", "svd"])
@pytest.mark.parametrize("shape", [(200, 7), (20, 50)], ids=str)
@pytest.mark.parametrize("weighted", [False, True])
def test_float32(shape, solver, weighted):
    """Single precision stays so, and is as near to the truth as scikit-learn's."""
    X, y = data(*shape)
    weights = np.random.default_rng(1).uniform(0.5, 2, len(X)) if weighted else None
    alphas = [1e-10, 1e-5, *MANY]
    models = [Ridge(alpha=alpha, solver=solver) for alpha in alphas]
    truth = [clone(model).fit(X, y, weights) for model in models]
    alone, stack = fitted(models, X.astype(np.float32), y, weights)
    answers = stack.predict(X.astype(np.float32))
    assert answers.dtype == np.float32
    for made, model, exact, answer in zip(
        stack.unstack(), alone, truth, answers, strict=True
    ):
        assert_like(made, model, 1e-3)
        scale = np.abs(exact.coef_).max()
        error = np.abs(model.coef_ - exact.coef_).max() / scale
        assert np.abs(made.coef_ - exact.coef_).max() / scale < 3 * error + 1e-6
        assert_close(answer, made.predict(X.astype(np.float32)), 1e-5)


def test_one_factorisation(monkeypatch):
    """All penalties of well-conditioned rows take one decomposition, and no solver."""
    calls = []
    eigh = np.linalg.eigh
    monkeypatch.setattr(np.linalg, "eigh", lambda a: calls.append(a.shape) or eigh(a))
    monkeypatch.setattr(scipy.linalg, "solve", None)
    for shape in [(60, 7), (12, 30)]:
        RidgeStack([Ridge(alpha=alpha) for alpha in MANY]).fit(*data(*shape))
    assert calls == [(7, 7), (12, 12)]


def test_few_penalties(monkeypatch):
    """Few systems are solved by the calls of scikit-learn, which is faster then."""
    monkeypatch.setattr(np.linalg, "eigh", None)
    for shape in SHAPES:
        X, y = data(*shape, 3)
        alone, stack = fitted([Ridge(alpha=alpha) for alpha in FEW], X, y)
        for made, model in zip(stack.unstack(), alone, strict=True):
            assert_like(made, model, 1e-14)


@pytest.mark.parametrize("shape", [(60, 7), (14, 30)], ids=str)
def test_rows_that_weigh_nothing(shape):
    """Rows without weight have no part in a model, as if they were not there."""
    X, y = data(*shape)
    weights = np.arange(len(X)) % 3 * 1.0
    seen = weights > 0
    alone, stack = fitted([Ridge(alpha=alpha) for alpha in MANY], X, y, weights)
    fewer = RidgeStack([Ridge(alpha=alpha) for alpha in MANY])
    fewer.fit(X[seen], y[seen], weights[seen])
    for made, model, other in zip(stack.unstack(), alone, fewer.unstack(), strict=True):
        assert_like(made, model)
        assert_like(made, other, 1e-9)


def test_frame():
    """Names of columns are kept, and asked for again."""
    X, y = data(30, 3)
    frame, target = pd.DataFrame(X, columns=["a", "b", "c"]), pd.Series(y)
    alone, stack = fitted([Ridge(alpha=alpha) for alpha in MANY], frame, target)
    for made, model in zip(stack.unstack(), alone, strict=True):
        assert_like(made, model)
        assert made.feature_names_in_.tolist() == ["a", "b", "c"]
        assert_close(made.predict(frame), model.predict(frame))
    with pytest.warns(UserWarning, match="valid feature names"):
        stack.predict(X)
    with pytest.raises(ValueError, match="feature names"):
        stack.predict(frame[["b", "a", "c"]])


@pytest.mark.parametrize("kind", ["integers", "lists", "columns", "strided", "sparse"])
def test_kinds_of_rows(kind):
    """Rows of other kinds are read as scikit-learn reads them."""
    X, y = data(40, 4)
    X, y = np.round(X * 10), np.round(y)
    make = {
        "integers": lambda a: a.astype(int),
        "lists": lambda a: a.tolist(),
        "columns": np.asfortranarray,
        "strided": lambda a: np.repeat(a, 2, axis=0)[::2],
        "sparse": np.asarray,
    }[kind]
    alone, stack = fitted([Ridge(alpha=alpha) for alpha in MANY], make(X), make(y))
    new = scipy.sparse.csr_array(X) if kind == "sparse" else make(X)
    answers = stack.predict(new)
    for made, model, answer in zip(stack.unstack(), alone, answers, strict=True):
        assert_like(made, model)
        assert_close(answer, model.predict(new))


def test_models_stay_as_they_are():
    """The models given are not fitted, and what comes out can be cloned and pickled."""
    X, y = data(30, 3)
    models = [Ridge(alpha=alpha, copy_X=False, tol=alpha) for alpha in MANY]
    before = X.copy()
    stack = RidgeStack(models).fit(X, y)
    np.testing.assert_array_equal(X, before)
    made = stack.unstack()
    for model, out in zip(models, made, strict=True):
        assert not hasattr(model, "coef_")
        assert clone(out).get_params() == model.get_params() == out.get_params()
        copied = pickle.loads(pickle.dumps(out))
        np.testing.assert_array_equal(copied.predict(X), out.predict(X))
        assert out.coef_.base is None
    again = pickle.loads(pickle.dumps(stack))
    np.testing.assert_array_equal(again.predict(X), stack.predict(X))


# ---- classification ----


def labels(kind, n_rows=90):
    """X, and labels that depend on it."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n_rows, 5))
    n_classes = 2 if kind == "binary" else 4
    codes = (X[:, 0] * 2 + rng.standard_normal(n_rows)).round().astype(int)
    codes = np.clip(codes, 0, n_classes - 1)
    return X, np.array(["b", "a", "d", "c"])[codes] if kind == "strings" else codes * 3


@pytest.mark.parametrize("alphas", [MANY, FEW], ids=len)
@pytest.mark.parametrize("kind", ["binary", "numbers", "strings"])
@pytest.mark.parametrize("class_weight", [None, "balanced", "dict"])
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_classifier(kind, class_weight, weighted, fit_intercept, alphas):
    """Classes, values and labels are those of scikit-learn's classifiers."""
    X, y = labels(kind)
    if class_weight == "dict":
        class_weight = {label: 1.0 + i for i, label in enumerate(np.unique(y))}
    args = (np.random.default_rng(1).uniform(0.5, 2, len(X)),) if weighted else ()
    models = [
        RidgeClassifier(
            alpha=alpha, class_weight=class_weight, fit_intercept=fit_intercept
        )
        for alpha in alphas
    ]
    alone, stack = fitted(models, X, y, *args)
    values, answers = stack.decision_function(X), stack.predict(X)
    for i, (made, model) in enumerate(zip(stack.unstack(), alone, strict=True)):
        assert_like(made, model)
        np.testing.assert_array_equal(made.classes_, model.classes_)
        assert_close(values[i], model.decision_function(X))
        np.testing.assert_array_equal(answers[i], model.predict(X))
        np.testing.assert_array_equal(made.predict(X), model.predict(X))
        assert answers[i].dtype == model.predict(X).dtype


def test_only_a_classifier_decides():
    """The stack of a regressor has no method that its models lack."""
    assert not hasattr(RidgeStack([Ridge()]), "decision_function")
    assert hasattr(RidgeStack([RidgeClassifier()]), "decision_function")


# ---- what is not shared ----


def bad(index, value, of="X"):
    def change(X, y):
        arrays = {"X": X, "y": y}
        arrays[of][index] = value
        return X, y

    return change


@pytest.mark.parametrize("model", [Ridge(), RidgeClassifier()], ids=repr)
@pytest.mark.parametrize(
    "change",
    [
        bad((3, 0), np.nan),
        bad((3, 0), np.inf),
        bad((3, 0), 1e200),
        bad(3, np.nan, "y"),
        lambda X, y: (X, y[1:]),
        lambda X, y: (X[:, 0], y),
        lambda X, y: (X, None),
        lambda X, y: (X, y[:, None, None]),
        lambda X, y: (scipy.sparse.csr_array(X), y),
        lambda X, y: (np.full(X.shape, "a"), y),
        lambda X, y: (X, y, -np.ones(len(y))),
        lambda X, y: (X, y, np.zeros(len(y))),
        lambda X, y: (X, y, np.ones(len(y) + 1)),
        lambda X, y: (X, y, np.full(len(y), np.nan)),
        lambda X, y: (NoHostCopyArray(X), NoHostCopyArray(y)),
        lambda X, y: (X, NoHostCopyArray(y)),
    ],
)
def test_rows_that_are_not_shared(model, change):
    """Of rows that a fit would refuse, or solve by iterations, nothing is made."""
    X = np.random.default_rng(0).standard_normal((20, 3))
    y = np.arange(20.0) % 3
    with np.errstate(over="ignore"), pytest.raises(NotShared):
        RidgeStack([model, clone(model)]).fit(*change(X, y))


def test_half_precision():
    """Rows of half precision are read as by regressors; classifiers keep them so."""
    X, y = data(20, 3)
    alone, stack = fitted([Ridge(alpha=a) for a in MANY], X.astype(np.float16), y)
    for made, model in zip(stack.unstack(), alone, strict=True):
        assert_like(made, model)
    with pytest.raises(NotShared):
        RidgeStack([RidgeClassifier()] * 2).fit(X.astype(np.float16), y > 5)


@pytest.mark.parametrize(
    "y",
    [np.ones(20), np.eye(20, 3, dtype=int), (np.arange(20) % 2)[:, None]],
    ids=["one class", "several labels", "column"],
)
def test_labels_that_are_not_shared(y):
    """Labels that are special cases for scikit-learn are left to it."""
    X = np.random.default_rng(0).standard_normal((20, 3))
    with pytest.raises(NotShared):
        RidgeStack([RidgeClassifier(), RidgeClassifier()]).fit(X, y)


def test_penalties_too_large_for_single_precision():
    """Penalties that single precision has no number for are left to scikit-learn."""
    X, y = data(20, 3)
    models = [Ridge(alpha=1e300)] * 2
    with np.errstate(over="ignore"), pytest.raises(NotShared):
        RidgeStack(models).fit(X.astype(np.float32), y)


class Derived(Ridge):
    """A user's own."""


@pytest.mark.parametrize(
    "model",
    [
        Derived(),
        LinearRegression(),
        Ridge(positive=True),
        Ridge(alpha=[1.0, 2.0]),
        Ridge(alpha=np.array(1.0)),
        Ridge(alpha=-1.0),
        Ridge(alpha=np.inf),
        Ridge(alpha=np.nan),
        Ridge(alpha="1"),
        Ridge(alpha=None),
        Ridge(tol=-1.0),
        Ridge(fit_intercept="yes"),
        RidgeClassifier(class_weight="unknown"),
        RidgeClassifier(class_weight={0: [1]}),
        *(
            Ridge(solver=solver)
            for solver in ["lsqr", "sparse_cg", "sag", "saga", "lbfgs", "eig", [], "x"]
        ),
    ],
    ids=repr,
)
def test_models_that_share_with_nobody(model):
    """Subclasses, iterative solvers and parameters that `fit` refuses have no key."""
    assert ridge_key(model) is None


def test_keys():
    """Keys differ in all that matters but the penalty."""
    same = [
        Ridge(),
        Ridge(alpha=0),
        Ridge(alpha=np.float32(3), tol=1.0, max_iter=3, copy_X=False, random_state=1),
    ]
    other = [
        Ridge(fit_intercept=False),
        Ridge(solver="cholesky"),
        Ridge(solver="svd"),
        RidgeClassifier(),
        RidgeClassifier(class_weight="balanced"),
        RidgeClassifier(class_weight={0: 1, 1: 2}),
        RidgeClassifier(class_weight={0: 1, 1: 3}),
        CumlRidge(),
        CumlRidge(output_type="cupy"),
    ]
    assert len({ridge_key(model) for model in same}) == 1
    assert None not in {ridge_key(model) for model in [*same, *other]}
    assert len({ridge_key(model) for model in [*same, *other]}) == 1 + len(other)
    orders = [{0: 1, 1: 2}, {1: 2, 0: 1}]
    assert len({ridge_key(RidgeClassifier(class_weight=w)) for w in orders}) == 1


# ---- on a device ----


class CumlRidge(RegressorMixin, BaseEstimator):
    """Plays cuML's: notes what that notes, and counts the rows that it is fitted to."""

    rows_fitted = 0

    def __init__(
        self,
        alpha=1.0,
        *,
        fit_intercept=True,
        solver="auto",
        tol=1e-4,
        max_iter=None,
        copy_X=True,
        output_type=None,
        verbose=False,
    ):
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.copy_X = copy_X
        self.output_type = output_type
        self.verbose = verbose
        self._input_type = None

    def fit(self, X, y, sample_weight=None):
        CumlRidge.rows_fitted += len(X)
        if len(X) < 2:
            raise ValueError("a minimum of 2 is required")
        if not self.copy_X:
            X[...] = 0
        self._input_type = "cudf" if hasattr(X, "iloc") else "cupy"
        self.n_features_in_ = X.shape[1]
        svd = X.shape[1] == 1 or y.ndim == 2
        if svd and self.solver == "eig":
            raise ValueError("solver='eig' doesn't support this")
        self.solver_ = "svd" if svd or self.solver == "svd" else "eig"
        self.n_iter_ = None
        self.coef_ = self.intercept_ = None
        return self

    def predict(self, X):
        return X @ self.coef_.T + self.intercept_


CumlRidge.__name__ = CumlRidge.__qualname__ = "Ridge"
CumlRidge.__module__ = "cuml.linear_model.ridge"


@pytest.mark.parametrize("alphas", [FEW, [0, 1e-10, 1e-5, *MANY]], ids=len)
@pytest.mark.parametrize(
    ("shape", "solver", "n_targets"),
    [
        (shape, solver, n_targets)
        for shape in [(60, 7), (12, 30), (15, 15), (40, 1)]
        for solver, n_targets in [
            ("auto", None),
            ("auto", 3),
            ("eig", None),
            ("svd", 3),
        ]
        # cuML has no such solver for one column.
        if (shape[1], solver) != (1, "eig")
    ],
)
@pytest.mark.parametrize("weights", [None, 2.5, "array"])
@pytest.mark.parametrize("fit_intercept", [True, False])
def test_on_a_device(fit_intercept, weights, shape, solver, n_targets, alphas):
    """cuML's models are fitted where their rows are, and no row goes to the host."""
    X, y = data(*shape, n_targets)
    if weights == "array":
        weights = np.random.default_rng(1).uniform(0.5, 2, len(X))
    params = {"fit_intercept": fit_intercept, "solver": solver}
    models = [CumlRidge(alpha=alpha, copy_X=False, **params) for alpha in alphas]
    NoHostCopyArray.host_copies = CumlRidge.rows_fitted = 0
    on_device = NoHostCopyArray(weights) if np.ndim(weights) else weights
    stack = RidgeStack(models).fit(NoHostCopyArray(X), NoHostCopyArray(y), on_device)
    answers = stack.predict(NoHostCopyArray(X))
    assert NoHostCopyArray.host_copies == 0
    made = stack.unstack()
    # Intercepts, which cuML has on the host.
    assert NoHostCopyArray.host_copies <= 1
    assert CumlRidge.rows_fitted == 2
    assert stack.errors == [None] * len(models)
    for i, model in enumerate(models):
        exact = Ridge(alpha=model.alpha, fit_intercept=fit_intercept, solver="svd")
        exact.fit(X, y, weights)
        assert made[i].get_params() == model.get_params()
        assert made[i]._input_type == "cupy"
        assert made[i].coef_.shape == exact.coef_.shape
        if not isinstance(exact.intercept_, np.ndarray):
            assert type(made[i].intercept_) is type(exact.intercept_)
        assert_close(answers[i].get(), exact.predict(X), 1e-8)
        assert_close(made[i].predict(NoHostCopyArray(X)).get(), answers[i].get())


def test_single_precision_on_a_device():
    """Rows of single precision give coefficients of single precision."""
    X, y = (a.astype(np.float32) for a in data(60, 7))
    models = [CumlRidge(alpha=alpha) for alpha in [1e-8, *MANY]]
    stack = RidgeStack(models).fit(NoHostCopyArray(X), NoHostCopyArray(y))
    answers = stack.predict(NoHostCopyArray(X.astype(np.float64)))
    assert answers.dtype == np.float32
    for made, model, answer in zip(stack.unstack(), models, answers, strict=True):
        exact = Ridge(alpha=model.alpha).fit(X, y)
        assert made.coef_.dtype == np.float32
        assert type(made.intercept_) is np.float32
        assert_close(answer.get(), exact.predict(X), 1e-4)


class Frame:
    """Plays cuDF's: its values are an array on the device."""

    def __init__(self, values):
        self.values = values
        self.shape, self.ndim = values.shape, values.ndim
        self.iloc = self

    def __len__(self):
        return len(self.values)

    def __getitem__(self, rows):
        return Frame(self.values[rows])

    def __array_namespace__(self):
        return self.values.__array_namespace__()


def test_frame_on_a_device():
    """A frame is fitted to where it is, and cuML is shown that it was one."""
    X, y = data(60, 3)
    NoHostCopyArray.host_copies = 0
    models = [CumlRidge(alpha=alpha) for alpha in MANY]
    frame, weights = Frame(NoHostCopyArray(X)), Frame(NoHostCopyArray(np.ones(60)))
    stack = RidgeStack(models).fit(frame, Frame(NoHostCopyArray(y)), weights)
    answers = stack.predict(frame)
    assert NoHostCopyArray.host_copies == 0
    assert {made._input_type for made in stack.unstack()} == {"cudf"}
    for model, answer in zip(models, answers, strict=True):
        assert_close(answer.get(), Ridge(alpha=model.alpha).fit(X, y).predict(X))


@pytest.mark.parametrize(
    "change",
    [
        bad((3, 0), np.nan),
        bad((3, 0), 1e200),
        bad(3, np.inf, "y"),
        lambda X, y: (X[:1], y[:1]),
        lambda X, y: (X, y[1:]),
        lambda X, y: (X, y[:, None]),
        lambda X, y: (X, y, -np.ones(len(y))),
        lambda X, y: (X, y, np.ones(len(y) + 1)),
    ],
)
def test_rows_that_are_not_shared_on_a_device(change):
    """Of rows that cuML would refuse nothing is made."""
    arrays = map(NoHostCopyArray, change(*data(20, 3)))
    with np.errstate(all="ignore"), pytest.raises(NotShared):
        RidgeStack([CumlRidge(), CumlRidge()]).fit(*arrays)


def test_cumls_models_of_rows_on_the_host():
    """Whether to upload rows is left to cuML."""
    with pytest.raises(NotShared):
        RidgeStack([CumlRidge(), CumlRidge()]).fit(*data(20, 3))
