# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches on a real GPU; skipped, saying why, where there is none.

Estimators are given as scikit-learn's, or ours, and watched in the workers where they
train as cuML's. What needs no cuML runs with CuPy and Dask alone.
"""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from gpu_hpo.devices import is_device_array, to_host
from tests.gpu import helpers
from tests.gpu.helpers import CASES, CHUNK, Watcher, make_search

pytestmark = pytest.mark.gpu


def as_cudf(X, y):
    cudf = pytest.importorskip("cudf")
    frame = cudf.DataFrame({f"x{i}": X[:, i] for i in range(X.shape[1])})
    return frame, cudf.Series(y)


def as_dask_cudf(X, y):
    """Partitions that become cuDF's on the workers."""
    pytest.importorskip("dask_cudf")
    pd = pytest.importorskip("pandas")
    dd = pytest.importorskip("dask.dataframe")
    frame = pd.DataFrame({f"x{i}": X[:, i] for i in range(X.shape[1])})
    parts = [
        dd.from_pandas(part, chunksize=CHUNK).to_backend("cudf")
        for part in (frame, pd.Series(y))
    ]
    return parts


INPUTS = {
    "CuPy": helpers.as_cupy,
    "cuDF": as_cudf,
    "Dask of CuPy": helpers.as_dask_array,
    "dask-cudf": as_dask_cudf,
}


@pytest.mark.parametrize("given", INPUTS)
def test_rows_stay_on_the_device(cuda_client, data, case, kind, given):
    """From X to predictions, models of every library meet device data only."""
    X, y = INPUTS[given](*data)
    search = make_search(
        kind, case.make(), case.space, resource=case.resource, device="cuda"
    )
    watcher = Watcher(cuda_client, case.trained)
    search.fit(X, y)
    watcher.check()

    assert search.device_.name == "cuda", search.device_.reason
    failed = search.cv_results_["status"] == "failed"
    assert not failed.any(), search.cv_results_["error"][failed][0]
    assert search.best_score_ > 0.7
    library = case.trained.partition(".")[0]
    assert type(search.best_estimator_).__module__.partition(".")[0] == library
    if case.weights:
        weights = getattr(search.best_estimator_, case.weights)
        weights = weights[0] if isinstance(weights, list) else weights
        assert is_device_array(weights), type(weights)

    predicted = search.predict(X)
    assert is_device_array(predicted), type(predicted)
    if given in ("CuPy", "cuDF"):
        right = to_host(predicted).ravel() == data[1]
        # Deep trees know the rows that they have learned, so more may be right.
        assert right.mean() > search.best_score_ - 0.1


def test_scores_agree_with_the_cpu(cuda_client, data, case, kind):
    """A GPU gives the scores that the CPU gives, as nearly as the method lets it."""
    on_gpu, on_cpu = (
        make_search(
            kind, case.make(), case.space, resource=case.resource, device=device
        ).fit(*data)
        for device in ("cuda", "cpu")
    )
    assert on_cpu.device_.name == "cpu"
    assert type(on_cpu.best_estimator_).__module__.partition(".")[0] != "cuml"
    # Later ones are of whichever models were promoted.
    first, expected = (helpers.first_scores(search) for search in (on_gpu, on_cpu))
    assert first.keys() == expected.keys()
    differences = []
    for name, (calls, score) in expected.items():
        assert first[name][0] == calls
        differences.append(abs(first[name][1] - score))
    best = abs(on_gpu.best_score_ - on_cpu.best_score_)
    print(f"first scores off by {max(differences):.1e}, the best by {best:.1e}")
    assert max(differences) <= case.first
    assert best <= case.best


def test_host_data_is_trained_on_the_device(cuda_client, data, case):
    """Data in NumPy arrays goes to the device in the workers, if asked to."""
    search = make_search(
        "halving", case.make(), case.space, resource=case.resource, device="cuda"
    )
    watcher = Watcher(cuda_client, case.trained)
    search.fit(*data)
    watcher.check()
    assert search.device_.name == "cuda"
    assert search.best_score_ > 0.7


def test_a_chunk_goes_to_a_worker_once(cuda_client, data):
    """All models of a worker train on the same array of a chunk, in its GPU."""
    case = CASES["SGD"]
    watcher = Watcher(cuda_client, case.trained)
    search = make_search("Hyperband", case.make(), case.space, device="cuda")
    search.fit(*data)
    watcher.check()
    assert search.metadata_["partial_fit_calls"] > 2 * len(data[0]) // CHUNK
    found = watcher.arrays_per_chunk()
    assert found
    for counts in found:
        assert set(counts.values()) == {1}


@pytest.mark.parametrize("given", ["CuPy", "Dask of CuPy"])
def test_estimators_of_others_meet_device_data(cuda_client, data, given):
    """An estimator of neither library sees and predicts CuPy arrays if X is CuPy's."""
    X, y = INPUTS[given](*data)
    watcher = Watcher(cuda_client, "tests.gpu.helpers.LeastSquares")
    search = make_search(
        "Hyperband", helpers.LeastSquares(), {"alpha": np.logspace(-3, 3, 50)}
    ).fit(X, y)
    watcher.check()
    assert search.best_score_ > 0.85
    assert is_device_array(search.best_estimator_.gram_)
    assert is_device_array(search.predict(X))


def test_cuml_estimators_train_as_they_are(cuda_client, data):
    """cuML's own estimator, given data on the host, learns from device memory."""
    naive_bayes = pytest.importorskip("cuml.naive_bayes")
    case = CASES["naive Bayes"]
    watcher = Watcher(cuda_client, case.trained)
    search = make_search("Hyperband", naive_bayes.GaussianNB(), case.space).fit(*data)
    watcher.check()
    assert search.device_.name == "cuda"
    assert isinstance(search.best_estimator_, naive_bayes.GaussianNB)


def test_cuml_estimators_can_train_on_the_cpu(cuda_client, data):
    """With device="cpu" cuML's estimator becomes scikit-learn's, beside a GPU too."""
    naive_bayes = pytest.importorskip("cuml.naive_bayes")
    search = make_search(
        "halving",
        naive_bayes.GaussianNB(),
        CASES["naive Bayes"].space,
        device="cpu",
    ).fit(*data)
    assert search.device_.name == "cpu"
    assert type(search.best_estimator_).__module__.startswith("sklearn.")
    assert isinstance(search.predict(data[0]), np.ndarray)


def test_cuda_is_what_auto_chooses(cuda_client, data):
    """With CUDA on all workers and cuML, "auto" trains scikit-learn's as cuML's."""
    pytest.importorskip("cuml")
    search = make_search(
        "halving",
        LogisticRegression(),
        CASES["logistic regression"].space,
        resource="n_samples",
    ).fit(*data)
    assert search.device_.name == "cuda", search.device_.reason
    assert type(search.best_estimator_).__module__.startswith("cuml.")


def test_labels_may_be_strings(cuda_client, data):
    """cuML learns from labels that no device can hold, and predicts them."""
    pytest.importorskip("cuml")
    X, y = data
    names = np.array(["no", "yes"])[y]
    case = CASES["logistic regression"]
    options = {"resource": case.resource, "device": "cuda"}
    by_name = make_search("halving", case.make(), case.space, **options).fit(X, names)
    by_code = make_search("halving", case.make(), case.space, **options).fit(X, y)
    assert by_name.best_score_ == pytest.approx(by_code.best_score_, abs=1e-6)
    predicted = to_host(by_name.predict(X))
    assert set(predicted) == {"no", "yes"}
    assert (predicted == names).mean() > 0.9
    assert by_name.score(X, names) == pytest.approx((predicted == names).mean())
