# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Whole searches on a LocalCUDACluster, as far as it starts without a GPU."""

import pytest
from scipy.stats import loguniform

from gpu_hpo.compute import local_cluster
from gpu_hpo.linear_model import SGDClassifier
from gpu_hpo.model_selection import HyperbandSearchCV
from gpu_hpo.neural_network import MLPClassifier
from tests.compute.helpers import answer, current, make_data

ESTIMATORS = {
    "linear": (SGDClassifier(batch_size=20), {"alpha": loguniform(1e-5, 1e1)}),
    "network": (
        MLPClassifier(batch_size=20),
        {"hidden_layer_sizes": [(4,), (3, 3)], "alpha": loguniform(1e-5, 1e1)},
    ),
}


def run(name):
    estimator, space = ESTIMATORS[name]
    search = HyperbandSearchCV(
        estimator, space, max_iter=9, chunk_size=200, random_state=0
    )
    return search.fit(*make_data())


@pytest.fixture(scope="module")
def expected():
    """Answers of one thread."""
    with current(local_cluster(1, device="cpu", processes=False)):
        return {name: answer(run(name)) for name in ESTIMATORS}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_our_models_on_a_cuda_cluster(expected, cuda_without_gpu, name):
    """Its workers, which find no GPU, train our models on the CPU, to one answer."""
    with current(local_cluster(device="cuda", **cuda_without_gpu)) as client:
        search = run(name)
        assert len(client.nthreads()) == 2
    assert answer(search) == expected[name]
    assert search.device_.name == "cpu"
    assert type(search.best_estimator_) is type(ESTIMATORS[name][0])
