# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Where searches train if a device cannot have it all: memory, models or rows."""

import dask.array as da
import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression, Perceptron
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from gpu_hpo.datasets import make_classification
from gpu_hpo.devices import is_device_array
from gpu_hpo.exceptions import DeviceNotFoundError, NoCounterpartError
from gpu_hpo.linear_model import SGDClassifier
from gpu_hpo.model_selection import GridSearchCV, HyperbandSearchCV
from gpu_hpo.neural_network import MLPClassifier
from gpu_hpo.wrappers import Incremental
from tests.gpu import helpers

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
SPACE = {"alpha": np.logspace(-5, -1, 8)}  # as many as are drawn, or more


@pytest.fixture(scope="module")
def rows():
    X, y = make_classification(400, 6, chunks=100, random_state=0)
    return X.compute(), y.compute()


@pytest.fixture(scope="module")
def one_worker():
    with helpers.cuda_client(1) as client:
        yield client


@pytest.fixture
def no_gpu_here(one_worker, monkeypatch):
    """This process sees no GPU, its worker does."""
    with one_worker.as_current():
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
        yield one_worker


def hyperband(estimator, space=SPACE, **options):
    return HyperbandSearchCV(estimator, space, max_iter=3, random_state=0, **options)


def test_chunks_that_do_not_fit_are_uploaded_ahead(threads_client, configure, rows):
    """Models are the same whether or not a device can hold all chunks."""
    names = np.array(["ham", "spam"])[rows[1]]
    expected = hyperband(SGDClassifier(random_state=0)).fit(rows[0], names)
    configure({"memory.resident-share": 1e-9, "memory.task-share": 1.0})
    search = hyperband(SGDClassifier(random_state=0)).fit(rows[0], names)
    assert search.device_.name == expected.device_.name == "cuda"
    assert search.best_score_ == expected.best_score_
    coefs = [s.best_estimator_.coef_.get() for s in (search, expected)]
    np.testing.assert_array_equal(*coefs)


@pytest.mark.parametrize(
    ("estimator", "weights"),
    [
        (SGDClassifier(max_iter=3, tol=None, random_state=0), "coef_"),
        (
            MLPClassifier((4,), max_iter=3, learning_rate_init=0.1, random_state=0),
            "coefs_",
        ),
    ],
    ids=["SGD", "MLP"],
)
@pytest.mark.parametrize("kind", ["hyperband", "grid"])
def test_our_models_come_to_a_client_without_gpu(
    no_gpu_here, rows, estimator, weights, kind
):
    """Where this process has no GPU, what has trained on one comes in host memory."""
    if kind == "hyperband":
        search = hyperband(estimator)
    else:
        search = GridSearchCV(estimator, SPACE, cv=2)
    search.fit(*rows)
    assert search.device_.name == "cuda", search.device_.reason
    found = getattr(search.best_estimator_, weights)
    assert type(found[0]) is np.ndarray
    assert (search.predict(rows[0]) == rows[1]).mean() > 0.5


@pytest.mark.parametrize("kind", ["hyperband", "grid"])
def test_models_of_cuml_do_not_come_there(no_gpu_here, rows, kind):
    """The CPU trains if the best model could not come here, unless CUDA is demanded."""
    if kind == "hyperband":
        estimator, space, make = (
            GaussianNB(),
            {"var_smoothing": np.logspace(-9, -3, 8)},
            None,
        )
    else:
        estimator, space, make = LogisticRegression(), {"C": [0.1, 1.0]}, GridSearchCV
    make = make or hyperband
    search = make(estimator, space).fit(*rows)
    assert search.device_.name == "cpu"
    assert "needs a GPU where it arrives" in search.device_.reason
    assert type(search.best_estimator_) is type(estimator)
    with pytest.raises(DeviceNotFoundError, match="needs a GPU where it arrives"):
        make(estimator, space, device="cuda").fit(*rows)


def test_blocks_of_the_host_stay_there(rows):
    """A grid over blocks trains where these are, unless a device is demanded."""
    import cupy

    X, y = da.from_array(rows[0], 100), da.from_array(rows[1], 100)
    options = {"cv": 2, "scheduler": "synchronous"}
    model = Incremental(SGDClassifier(random_state=0))
    grid = GridSearchCV(model, {"estimator__alpha": [1e-4, 1e-2]}, **options)
    assert grid.fit(X, y).device_.name == "cpu"
    assert "blocks in host memory" in grid.device_.reason
    with pytest.raises(ValueError, match="blocks in host memory"):
        grid.set_params(device="cuda").fit(X, y)
    on_device = [part.map_blocks(cupy.asarray) for part in (X, y)]
    assert grid.fit(*on_device).device_.name == "cuda"
    assert is_device_array(grid.best_estimator_.estimator_.coef_)


def test_other_values_than_numbers(rows):
    """Rows that no device can hold are fitted on the host, or refused if demanded."""
    X = np.where(rows[0][:, :1] > 0, "big", "small").astype(object)
    model = make_pipeline(FunctionTransformer(np.char.str_len), SGDClassifier())
    grid = GridSearchCV(model, {"sgdclassifier__alpha": [1e-4]}, cv=2)
    grid.fit(X.astype(str), rows[1])
    assert grid.device_.name == "cpu"
    assert "other values than numbers" in grid.device_.reason
    with pytest.raises(ValueError, match="other values than numbers"):
        grid.set_params(device="cuda").fit(X.astype(str), rows[1])


def test_models_without_counterpart(threads_client, rows):
    """A search that stops early trains on the CPU what no device can."""
    search = hyperband(Perceptron(random_state=0, penalty="l2")).fit(*rows)
    assert search.device_.name == "cpu"
    assert "Perceptron" in search.device_.reason
    with pytest.raises(NoCounterpartError, match="Perceptron"):
        hyperband(Perceptron(random_state=0), device="cuda").fit(*rows)


def test_rows_can_be_drawn_on_a_device():
    """Generated blocks are where the array is that they are to be like."""
    import cupy

    X, y = make_classification(200, 5, chunks=100, random_state=0, like=cupy.empty(0))
    here, _ = make_classification(200, 5, chunks=100, random_state=0)
    drawn = X.compute()
    assert is_device_array(X) and is_device_array(drawn) and is_device_array(y)
    np.testing.assert_array_equal(drawn.get(), here.compute())
