# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches on workers with GPUs, called where there is none.

A double stands for CuPy: workers have it, and where the search is called its import
fails, as that of CuPy does.
"""

import importlib.util
import json

import pytest
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from gpu_hpo.exceptions import DeviceNotFoundError
from gpu_hpo.exhaustive._counterparts import Counterparts
from tests.compute.helpers import make_data
from tests.exhaustive.device_doubles import CUDA

with_cuml = pytest.mark.skipif(
    importlib.util.find_spec("cuml") is None, reason="cuML is not installed"
)
X, y = make_data(120)

ON_WORKERS = """
    def pretend():
        from gpu_hpo.data import _on_device
        from gpu_hpo.devices._namespace import is_device_array
        from gpu_hpo.testing import NoHostCopyArray

        _on_device.to_device = lambda x: x if is_device_array(x) else NoHostCopyArray(x)
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

    from collections import Counter

    import numpy as np
    import on_workers
    from distributed import Client
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import FunctionTransformer

    from gpu_hpo.compute import _client_pool, local_cluster
    from gpu_hpo.datasets import make_classification
    from gpu_hpo.devices import Device
    from gpu_hpo.linear_model import SGDClassifier
    from gpu_hpo.model_selection import GridSearchCV
    from gpu_hpo.neural_network import MLPClassifier

    async def cluster_device(client, requested):
        return Device("cuda", 1, "a test says so")

    async def sharing_devices(client):
        return Counter("ab")

    if __name__ == "__main__":
        _client_pool.cluster_device = cluster_device
        _client_pool.sharing_devices = sharing_devices
        X, y = make_classification(400, 6, chunks=200, random_state=0)
        X, y = X.compute(), y.compute()
        linear = SGDClassifier(max_iter=3, tol=None)
        network = MLPClassifier((4,), max_iter=3, n_iter_no_change=9)
        searches = {
            "linear": (linear, {"alpha": [1e-4, 1e-2]}, y),
            "words": (linear, {"alpha": [1e-4, 1e-2]}, np.array(["ham", "spam"])[y]),
            "network": (network, {"learning_rate_init": [1e-2, 1e-1]}, y),
            "pipeline": (
                make_pipeline(FunctionTransformer(), linear),
                {"sgdclassifier__alpha": [1e-4, 1e-2]},
                y,
            ),
        }
        with local_cluster(2, device="cpu") as cluster, Client(cluster) as client:
            client.run(on_workers.pretend)
            for name, (estimator, space, labels) in searches.items():
                search = GridSearchCV(
                    estimator, space, cv=2, device="cuda", error_score="raise"
                ).fit(X, labels)
                best = search.best_estimator_
                best = best[-1] if name == "pipeline" else best
                weights = best.coefs_[0] if name == "network" else best.coef_
                accuracy = float((search.predict(X) == labels).mean())
                where = search.device_.name, type(weights).__name__
                print(json.dumps([name, *where, accuracy]))
        print(sorted({"cupy", "gpu_hpo.testing"} & set(sys.modules)))
"""


@pytest.mark.filterwarnings("ignore:.*onverge")
def test_the_best_model_arrives_on_the_host(run_script):
    """Where there is no CuPy, models that trained on GPUs come with NumPy's arrays."""
    lines = run_script(CALLER, on_workers=ON_WORKERS).end().splitlines()
    assert lines.pop() == "[]"
    found = {name: rest for name, *rest in map(json.loads, lines)}
    assert found.keys() == {"linear", "words", "network", "pipeline"}
    for device, weights, accuracy in found.values():
        assert (device, weights) == ("cuda", "ndarray")
        assert accuracy > 0.6


@pytest.fixture
def settled(monkeypatch):
    """Settles candidates where workers have CUDA and this process has no GPU."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")

    def settle(estimator, *candidates, returned=True, demanded=False):
        found = Counterparts(estimator, CUDA, X, returned=returned, demanded=demanded)
        found.settle(candidates or [{}])
        return found

    return settle


@with_cuml
def test_a_model_of_cuml_cannot_arrive(settled):
    """It is refused before any fit, with what to do; not if no model is returned."""
    from cuml.linear_model import LogisticRegression as Logistic

    message = (
        r"LogisticRegression of cuml, which needs a GPU .* CUDA_VISIBLE_DEVICES='' "
        r"hides every device in the process that calls fit.*device='cpu'.*refit=False"
    )
    steps = make_pipeline("passthrough", Ridge())
    with pytest.raises(DeviceNotFoundError, match=message):
        settled(Logistic())
    with pytest.raises(DeviceNotFoundError, match=message):
        settled(LogisticRegression(), demanded=True)
    with pytest.raises(DeviceNotFoundError, match="contain LogisticRegression of cuml"):
        settled(steps, {"ridge": Logistic()}, {"ridge": LogisticRegression()})
    assert settled(Logistic(), returned=False).device == CUDA


@with_cuml
def test_counterparts_of_cuml_are_not_chosen_for_it(settled):
    """By "auto" scikit-learn's estimators are fitted on the CPU then."""
    found = settled(LogisticRegression(), {"C": 0.1}, {"C": 1.0})
    assert type(found.base) is LogisticRegression
    assert found.device.name == "cpu"
    assert "needs a GPU where it arrives, too" in found.device.reason
    assert found.on_device is None
    assert settled(LogisticRegression(), returned=False).device == CUDA
