# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches on workers with GPUs, called where there is none.

A double stands for CuPy: workers have it, and where the search is called its import
fails, as that of CuPy does.
"""

import importlib.util
import json

import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB

from gpu_hpo.adaptive import _placement
from gpu_hpo.adaptive.training._budgets import make_budget
from gpu_hpo.adaptive.training._models import Trial
from gpu_hpo.devices import Device
from gpu_hpo.exceptions import DeviceNotFoundError
from gpu_hpo.model_selection import HyperbandSearchCV
from tests.model_selection.helpers import make_data

with_cuml = pytest.mark.skipif(
    importlib.util.find_spec("cuml") is None, reason="cuML is not installed"
)
CUDA = Device("cuda", 1, "a test says so")

ON_WORKERS = """
    def pretend():
        from gpu_hpo.adaptive.data import _upload
        from gpu_hpo.devices import _cuda_kernels
        from gpu_hpo.devices._namespace import is_device_array
        from gpu_hpo.testing import NoHostCopyArray

        _upload.to_device = lambda x: x if is_device_array(x) else NoHostCopyArray(x)
        _cuda_kernels.why_not.cache_clear()
"""

CALLER = """
    import json
    import sys

    class NoCuPy:
        def find_spec(self, name, path=None, target=None):
            if name.startswith(("cupy", "gpu_hpo.testing")):
                raise ImportError(f"{name} is not installed here")

    if __name__ == "__main__":  # not in workers
        sys.meta_path.insert(0, NoCuPy())

    import on_workers
    from distributed import Client
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    from gpu_hpo.adaptive import _base, _placement
    from gpu_hpo.compute import local_cluster
    from gpu_hpo.datasets import make_classification
    from gpu_hpo.devices import Device
    from gpu_hpo.linear_model import SGDClassifier
    from gpu_hpo.model_selection import HyperbandSearchCV
    from gpu_hpo.neural_network import MLPClassifier

    async def cluster_device(client, requested):
        return Device("cuda", 1, "a test says so")

    async def device_memory(client):
        return 1e9

    if __name__ == "__main__":
        _placement.cluster_device = cluster_device
        _base.device_memory = device_memory
        X, y = make_classification(400, 6, chunks=200, random_state=0)
        X, y = X.compute(), y.compute()
        chain = make_pipeline(FunctionTransformer(), SGDClassifier())
        searches = {
            "linear": (SGDClassifier(), {"alpha": [1e-4, 1e-2]}, {}),
            "network": (MLPClassifier((4,)), {"alpha": [1e-4, 1e-2]}, {}),
            "again": (SGDClassifier(), {"alpha": [1e-4, 1e-2]}, {"cv": 2}),
            "pipeline": (chain, {"sgdclassifier__alpha": [1e-4, 1e-2]}, {}),
        }
        with local_cluster(2, device="cpu") as cluster, Client(cluster) as client:
            client.run(on_workers.pretend)
            for name, (estimator, space, options) in searches.items():
                options["device"] = "cuda" if name == "pipeline" else "auto"
                search = HyperbandSearchCV(
                    estimator, space, max_iter=3, random_state=0, **options
                ).fit(X, y)
                best = search.best_estimator_
                best = best[-1] if name == "pipeline" else best
                weights = best.coefs_[0] if name == "network" else best.coef_
                accuracy = float((search.predict(X) == y).mean())
                print(
                    json.dumps(
                        [name, search.device_.name, type(weights).__name__, accuracy]
                    )
                )
        print(sorted({"cupy", "gpu_hpo.testing"} & set(sys.modules)))
"""


def test_the_best_model_arrives_on_the_host(run_script):
    """Where there is no CuPy, models that trained on GPUs come with NumPy's arrays."""
    lines = run_script(CALLER, on_workers=ON_WORKERS).end().splitlines()
    assert lines.pop() == "[]"
    found = {name: rest for name, *rest in map(json.loads, lines)}
    assert found.keys() == {"linear", "network", "again", "pipeline"}
    for device, weights, accuracy in found.values():
        assert (device, weights) == ("cuda", "ndarray")
        assert accuracy > 0.6


# ---- what would be cuML's ----


def found_place(monkeypatch, client, estimator, *, device="auto", returned=True):
    """What is decided where workers have CUDA and this process has no GPU."""

    async def cluster_device(client, requested):
        return CUDA

    monkeypatch.setattr(_placement, "cluster_device", cluster_device)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    return client.sync(
        _placement.find_place,
        client,
        estimator,
        {0: Trial({}, 0)},
        make_budget("n_samples"),
        make_data()[0],
        device,
        returned=returned,
    )


@with_cuml
def test_a_model_of_cuml_cannot_arrive(threads_client, monkeypatch):
    """It is refused before any work, with what to do; not if no model is returned."""
    from cuml.linear_model import LogisticRegression as Logistic

    message = (
        r"LogisticRegression of cuml, which needs a GPU .* CUDA_VISIBLE_DEVICES='' "
        r"hides every device in the process that calls fit.*device='cpu'.*refit=False"
    )
    for estimator, device in (
        (Logistic(), "auto"),
        (Logistic(), "cuda"),
        (LogisticRegression(), "cuda"),
    ):
        with pytest.raises(DeviceNotFoundError, match=message):
            found_place(monkeypatch, threads_client, estimator, device=device)
    found = found_place(monkeypatch, threads_client, Logistic(), returned=False)
    assert found.device == CUDA


@with_cuml
def test_counterparts_of_cuml_are_not_chosen_for_it(threads_client, monkeypatch):
    """By "auto" scikit-learn's estimators train on the CPU then, as device_ says."""
    found = found_place(monkeypatch, threads_client, LogisticRegression())
    assert type(found.kind) is LogisticRegression
    assert found.device.name == "cpu"
    assert "needs a GPU where it arrives, too" in found.device.reason
    found = found_place(
        monkeypatch, threads_client, LogisticRegression(), returned=False
    )
    assert found.device == CUDA


@pytest.mark.parametrize(
    ("options", "returned"),
    [
        ({}, True),
        ({"refit": False}, True),
        ({"cv": 2}, True),
        ({"cv": 2, "refit": "score"}, True),
        ({"cv": 2, "refit": False}, False),
    ],
)
def test_when_a_model_is_returned(threads_client, monkeypatch, options, returned):
    """What is checked is what happens: only folds without a refit return no model."""
    asked = []
    find = _placement.find_place

    async def noted(*args, returned):
        asked.append(returned)
        return await find(*args, returned=returned)

    monkeypatch.setattr("gpu_hpo.adaptive._base.find_place", noted)
    X, y = make_data()
    if options.get("refit") == "score":
        options = options | {"scoring": {"score": "accuracy"}}
    search = HyperbandSearchCV(
        GaussianNB(), {"var_smoothing": [1e-9, 1e-3]}, max_iter=2, **options
    ).fit(X, y)
    assert asked == [returned]
    assert hasattr(search, "best_estimator_") is returned
