# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches on a real GPU; skipped, saying why, where there is none."""

import numpy as np
import pytest
from distributed import Client
from sklearn.base import BaseEstimator, ClassifierMixin

from gpu_hpo.execution import local_cluster
from gpu_hpo.model_selection import HyperbandSearchCV

pytestmark = pytest.mark.gpu


class DeviceRidge(ClassifierMixin, BaseEstimator):
    """Least squares on -1 and 1 by running sums; notes what kind of data it saw."""

    def __init__(self, alpha=1.0):
        self.alpha = alpha

    def partial_fit(self, X, y, classes=None):
        import cupy as cp

        self.seen_ = {
            *getattr(self, "seen_", ()),
            type(X).__module__,
            type(y).__module__,
        }
        if classes is not None:
            self.classes_ = np.asarray(classes)
            self.gram_ = cp.eye(X.shape[1], dtype=X.dtype) * self.alpha
            self.moment_ = cp.zeros(X.shape[1], dtype=X.dtype)
        self.gram_ = self.gram_ + X.T @ X
        self.moment_ = self.moment_ + X.T @ (2 * y.astype(X.dtype) - 1)
        return self

    def predict(self, X):
        import cupy as cp

        return (X @ cp.linalg.solve(self.gram_, self.moment_) > 0).astype(cp.int64)


@pytest.fixture(scope="module")
def cuda_client():
    with local_cluster(device="cuda") as cluster, Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((20_000, 16)).astype(np.float32)
    return X, (X @ rng.standard_normal(16) > 0).astype(np.int64)


def search(estimator, space):
    return HyperbandSearchCV(
        estimator, space, max_iter=9, random_state=0, chunk_size=1000
    )


def test_cupy_chunks_reach_models_as_cupy(cuda_client, data):
    """A model trained on CuPy input sees and predicts CuPy arrays only."""
    import cupy as cp

    X, y = (cp.asarray(part) for part in data)
    fitted = search(DeviceRidge(), {"alpha": np.logspace(-3, 3, 50)}).fit(X, y)
    assert fitted.best_score_ > 0.9
    assert fitted.best_estimator_.seen_ == {"cupy"}
    assert isinstance(fitted.predict(X), cp.ndarray)


def test_dask_array_of_cupy_reaches_models_as_cupy(cuda_client, data):
    """CuPy blocks made on the workers stay CuPy on the way to models."""
    import cupy as cp
    import dask.array as da

    X, y = (da.from_array(part, chunks=(1000, *part.shape[1:])) for part in data)
    X, y = X.map_blocks(cp.asarray), y.map_blocks(cp.asarray)
    fitted = search(DeviceRidge(), {"alpha": np.logspace(-3, 3, 50)}).fit(X, y)
    assert fitted.best_estimator_.seen_ == {"cupy"}


def test_cuml_gets_host_data_on_the_device(cuda_client, data):
    """cuML's naive Bayes given NumPy data learns from chunks in GPU memory."""
    naive_bayes = pytest.importorskip("cuml.naive_bayes")
    X, y = data
    fitted = search(
        naive_bayes.GaussianNB(), {"var_smoothing": np.logspace(-9, 0, 50)}
    ).fit(X, y)
    assert fitted.best_score_ > 0.8


def test_scores_agree_with_the_cpu(cuda_client, data):
    """cuML's and scikit-learn's naive Bayes score alike, to 1e-3."""
    naive_bayes = pytest.importorskip("cuml.naive_bayes")
    from sklearn.naive_bayes import GaussianNB

    X, y = data
    space = {"var_smoothing": np.logspace(-9, 0, 50)}
    on_gpu = search(naive_bayes.GaussianNB(), space).fit(X, y)
    on_cpu = search(GaussianNB(), space).fit(X, y)
    np.testing.assert_allclose(
        on_gpu.cv_results_["test_score"], on_cpu.cv_results_["test_score"], atol=1e-3
    )
