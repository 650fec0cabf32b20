# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What seldom happens on a device: no kernels, no cuML, no sharing, odd libraries."""

import sys

import numpy as np
import pytest
import scipy.sparse
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.pipeline import Pipeline
from sklearn.svm import SVC

import gpu_hpo
from gpu_hpo import estimators
from gpu_hpo.compute._cluster_device import look
from gpu_hpo.devices._cuda_kernels import why_not
from gpu_hpo.devices._kept import kept, unchanged_arrays
from gpu_hpo.exceptions import DeviceNotFoundError
from gpu_hpo.linear_model import QNClassifier, SGDClassifier
from gpu_hpo.model_selection import GridSearchCV
from tests.gpu import helpers

RNG = np.random.default_rng(0)
X = RNG.standard_normal((90, 4))
Y = (X[:, 0] + 0.3 * RNG.standard_normal(90) > 0).astype(np.int64)
TARGETS = X @ np.arange(4.0) + 0.1 * RNG.standard_normal(90)
ALPHAS = {"alpha": [1e-4, 1e-3, 1e-2]}
pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


@pytest.fixture
def cp():
    import cupy

    return cupy


def make_grid(estimator, space=ALPHAS, **options):
    options = {"cv": 3, "scheduler": "synchronous", "error_score": "raise"} | options
    return GridSearchCV(estimator, space, **options)


# ---- kernels, and the loop of array operations ----


@pytest.fixture
def no_kernels(monkeypatch):
    """Numba refuses to compile."""
    from numba import cuda

    def refuse(*_, **__):
        raise RuntimeError("a test says so")

    why_not.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(cuda, "jit", refuse)
        yield
    why_not.cache_clear()


def test_without_kernels_models_are_the_same(cp, no_kernels):
    """Array operations train where kernels cannot run, and `device_` says so."""
    model = SGDClassifier(batch_size=10, max_iter=3, tol=None, random_state=0)
    grid = make_grid(model).fit(cp.asarray(X), cp.asarray(Y))
    assert "train by array operations" in grid.device_.reason
    assert "a test says so" in grid.device_.reason
    here = make_grid(model, device="cpu").fit(X, Y)
    np.testing.assert_allclose(
        grid.best_estimator_.coef_.get(), here.best_estimator_.coef_, rtol=1e-6
    )


@pytest.mark.parametrize(
    ("learning_rate", "penalty", "average"),
    [("optimal", "l1", True), ("constant", "elasticnet", False), ("pa1", None, False)],
)
def test_sparse_rows_of_folds(cp, learning_rate, penalty, average):
    """Sparse rows train a stack over folds by array operations, as on the host."""
    from cupyx.scipy.sparse import csr_matrix

    rows = scipy.sparse.csr_matrix(np.where(X > 0.3, X, 0))
    model = SGDClassifier(
        loss="hinge",
        learning_rate=learning_rate,
        penalty=penalty,
        average=average,
        eta0=0.05,
        batch_size=10,
        max_iter=3,
        tol=None,
        random_state=0,
    )
    there = make_grid(model).fit(csr_matrix(rows), cp.asarray(Y))
    here = make_grid(model, device="cpu").fit(rows, Y)
    assert there.device_.name == "cuda"
    np.testing.assert_allclose(
        there.best_estimator_.coef_.get(), here.best_estimator_.coef_, rtol=1e-6
    )
    for split in range(3):
        name = f"split{split}_test_score"
        np.testing.assert_allclose(there.cv_results_[name], here.cv_results_[name])


# ---- what cannot be shared ----


@pytest.mark.parametrize("case", ["weights", "column"])
def test_ridge_models_of_a_device(cp, case):
    """The path of Ridge takes weights; what it does not take is fitted one by one."""
    cuml = pytest.importorskip("cuml")
    y, params = TARGETS, {}
    if case == "weights":
        params["sample_weight"] = cp.asarray(RNG.uniform(0.5, 2, 90))
    if case == "column":
        y = y[:, None]
    space = {"alpha": [0.1, 1.0, 10.0]}
    rows = cp.asarray(X)
    grid = make_grid(cuml.Ridge(), space, return_train_score=True)
    grid.fit(rows, cp.asarray(y), **params)
    for alpha, score in zip(
        space["alpha"], grid.cv_results_["mean_train_score"], strict=True
    ):
        alone = make_grid(cuml.Ridge(alpha=alpha), {}, return_train_score=True)
        alone.fit(rows, cp.asarray(y), **params)
        assert score == pytest.approx(
            alone.cv_results_["mean_train_score"][0], rel=1e-5
        )


@pytest.mark.parametrize("at", ["alone", "piped"])
@pytest.mark.parametrize("kind", ["SVC", "SVR"])
def test_kernels_of_rows_are_cut_twice(cp, kind, at):
    """Of a precomputed kernel a fold has its rows and its columns, for cuML as well."""
    cuml = pytest.importorskip("cuml")
    y = Y if kind == "SVC" else TARGETS
    space = {"C" if at == "alone" else "model__C": [0.1, 1.0]}
    scores = []
    for kernel, rows in (("precomputed", X @ X.T), ("linear", X)):
        model = getattr(cuml, kind)(kernel=kernel)
        grid = make_grid(
            model if at == "alone" else Pipeline([("model", model)]), space
        )
        grid.fit(cp.asarray(rows), cp.asarray(y))
        scores.append(grid.cv_results_["mean_test_score"])
    np.testing.assert_allclose(*scores, rtol=1e-6)


def test_kernels_for_scikit_learns_estimators(cp):
    """What becomes cuML's for a GPU finds the same kernel there as on the host."""
    pytest.importorskip("cuml")
    grid = make_grid(SVC(kernel="precomputed"), {"C": [0.1, 1.0]})
    there = grid.fit(X @ X.T, Y).cv_results_["mean_test_score"]
    assert grid.device_.name == "cuda"
    here = grid.set_params(device="cpu").fit(X @ X.T, Y)
    np.testing.assert_allclose(there, here.cv_results_["mean_test_score"], atol=0.05)


# ---- where others train ----


class Of(ClassifierMixin, BaseEstimator):
    """Of neither library; it says what it trains on, and predicts zeros."""

    def __init__(self, device=None, shift=0):
        self.device = device
        self.shift = shift

    def fit(self, X, y):
        self.classes_ = np.arange(2)
        return self

    def predict(self, X):
        return np.zeros(len(X), int)


def test_estimators_of_others_train_where_they_say():
    """An estimator of neither library trains on rows of the host, maybe on a GPU."""
    here = make_grid(Of(), {"shift": [0, 1]}).fit(X, Y)
    assert here.device_.name == "cpu"
    assert "trains where X is, in host memory" in here.device_.reason
    there = make_grid(Of("cuda:0"), {"shift": [0, 1]}).fit(X, Y)
    assert there.device_.name == "cuda"
    assert "has device='cuda:0'" in there.device_.reason


def test_whole_numbers_are_rows(cp):
    """Rows of integers train as those of the same numbers in float64."""
    whole = np.round(10 * X).astype(np.int64)
    model = QNClassifier(max_iter=20)
    coefs = [
        model.fit(cp.asarray(rows), cp.asarray(Y)).coef_.get()
        for rows in (whole, whole.astype(np.float64))
    ]
    np.testing.assert_array_equal(*coefs)


# ---- what is missing ----


def test_estimators_without_cuml(monkeypatch):
    """Where there is a GPU and no cuML, names stand for those of scikit-learn."""
    assert estimators.chosen().name == "cuda"
    real = estimators.importlib.util.find_spec
    monkeypatch.setattr(
        estimators.importlib.util,
        "find_spec",
        lambda name, *given: None if name == "cuml" else real(name, *given),
    )
    assert "cuML is not installed, though" in estimators.chosen().reason
    assert estimators.Ridge.__module__.startswith("sklearn")


def test_a_driver_that_cupy_cannot_use(cp, monkeypatch):
    """A GPU that NVML counts and CuPy cannot use trains nothing."""
    monkeypatch.setattr(cp, "is_available", lambda: False)
    assert "CuPy finds no CUDA, though" in look().reason
    model = SGDClassifier(max_iter=2, tol=None, random_state=0)
    assert make_grid(model).fit(X, Y).device_.name == "cpu"
    with pytest.raises(DeviceNotFoundError, match="CuPy finds no CUDA"):
        make_grid(model, device="cuda").fit(X, Y)


def test_versions_name_the_gpu(capsys):
    """What is printed for reports says which driver and which GPU there is."""
    gpu_hpo.show_versions()
    printed = capsys.readouterr().out
    assert "emulated H100" in printed
    assert "driver" in printed


class Odd:
    """An array on a device, of a library whose arrays cannot be watched."""

    __slots__ = ("shape",)

    def __array_namespace__(self):
        return sys


def test_arrays_that_cannot_be_watched():
    """What follows from them is found anew each time."""
    array, found = Odd(), []
    with unchanged_arrays("a search"):
        for _ in range(2):
            kept("number", [array], lambda: found.append(1))
    assert len(found) == 2


def test_tasks_of_a_clients_get(data):
    """A Dask `get` of a client is asked which devices its workers share."""
    with helpers.cuda_client(1) as client:
        grid = make_grid(SGDClassifier(max_iter=2, tol=None), scheduler=client.get)
        assert grid.fit(*data).device_.name == "cuda"


def test_models_of_a_get(data):
    """A Dask `get` of no client runs where the search does."""
    import dask.local

    grid = make_grid(SGDClassifier(max_iter=2, tol=None), scheduler=dask.local.get_sync)
    assert grid.fit(*data).device_.name == "cuda"


@pytest.fixture
def data():
    return X, Y
