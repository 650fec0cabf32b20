# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A search gives one answer, wherever it runs and whatever finishes first."""

import random
import time
from functools import partial

import pytest
from distributed import Scheduler, SpecCluster, Worker
from scipy.stats import loguniform
from sklearn.linear_model import SGDClassifier
from sklearn.neural_network import MLPClassifier

from gpu_hpo.compute import embedded_client, local_cluster
from gpu_hpo.model_selection import (
    IncrementalSearchCV,
    InverseDecaySearchCV,
    ScheduledSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.schedules import Rounds
from tests.compute.helpers import answer, current, make_data, make_search


def sgd(estimator=None):
    return make_search(estimator if estimator else SGDClassifier(random_state=None))


def mlp():
    return make_search(
        MLPClassifier((8,), random_state=0, batch_size=50),
        {"learning_rate_init": loguniform(1e-4, 1e-1)},
        max_iter=4,
        aggressiveness=2,
        random_state=3,
    )


SEARCHES = {"sgd": sgd, "mlp": mlp}


@pytest.fixture(scope="module")
def expected():
    """Answers with one worker of one thread."""
    X, y = make_data()
    with current(local_cluster(1, processes=False)):
        return {name: answer(make().fit(X, y)) for name, make in SEARCHES.items()}


@pytest.fixture(params=SEARCHES)
def check_answer(request, expected):
    """Runs a search on what is the current client, and compares."""

    def check_answer():
        search = SEARCHES[request.param]().fit(*make_data())
        assert answer(search) == expected[request.param]

    return check_answer


def test_one_thread_again(check_answer):
    """The same search on a second cluster of one thread gives the same answer."""
    with current(local_cluster(1, processes=False)):
        check_answer()


def test_four_threads(check_answer, threads_client):
    """Four threads, whose tasks overlap, give the answer of one."""
    check_answer()


def test_two_processes(check_answer, processes_client):
    """Two processes, whose chunks and models are copies, give the answer of one."""
    check_answer()


def test_workers_of_several_threads(check_answer):
    """Workers of different kinds and sizes give the answer of one."""
    options = {"protocol": "inproc://", "dashboard_address": "127.0.0.1:0"}
    cluster = SpecCluster(
        {
            name: {"cls": Worker, "options": {"nthreads": threads, **options}}
            for name, threads in enumerate((1, 3))
        },
        {"cls": Scheduler, "options": {"dashboard": False, **options}},
    )
    with current(cluster) as client:
        assert sorted(client.nthreads().values()) == [1, 3]
        check_answer()


def test_embedded_cluster(check_answer):
    """The cluster that a search starts by itself gives the answer of one thread."""
    embedded_client()
    check_answer()


def test_cuda_cluster(check_answer, cuda_without_gpu):
    """A LocalCUDACluster gives the answer of one thread."""
    with current(local_cluster(device="cuda", **cuda_without_gpu)):
        check_answer()


class Delayed(SGDClassifier):
    """Trains after a delay that differs between processes and between calls."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        time.sleep(random.SystemRandom().uniform(0, 0.01))
        return super().partial_fit(X, y, classes, sample_weight)


@pytest.mark.parametrize("cluster", ["threads_client", "processes_client"])
@pytest.mark.parametrize("attempt", range(2))
def test_random_delays(request, expected, cluster, attempt):
    """Trials that finish in another order each time give the same answer."""
    request.getfixturevalue(cluster)
    search = sgd(Delayed(random_state=None)).fit(*make_data())
    assert answer(search) == expected["sgd"]


def drop_worst(records):
    best = sorted(records, key=lambda trial: records[trial][-1][1])[1:] or [*records]
    return dict.fromkeys(best, 2 if len(best) > 1 else 0)


OTHERS = {
    "successive halving": partial(
        SuccessiveHalvingSearchCV, n_initial_iter=2, max_iter=18, patience=6, tol=1e-2
    ),
    "incremental": partial(
        IncrementalSearchCV, decay_rate=None, max_iter=18, patience=6, tol=1e-2
    ),
    "inverse decay": partial(
        InverseDecaySearchCV, decay_rate=0.5, max_iter=18, patience=6, tol=1e-2
    ),
    "rounds": partial(ScheduledSearchCV, schedule=lambda n: Rounds(n, drop_worst)),
}


@pytest.mark.parametrize("cluster", ["threads_client", "processes_client"])
@pytest.mark.parametrize("kind", OTHERS)
def test_other_searches(request, cluster, kind):
    """What holds for Hyperband holds for every search, with patience."""

    def search(estimator):
        return OTHERS[kind](
            estimator=estimator,
            parameters={"alpha": loguniform(1e-5, 1e1)},
            n_initial_parameters=9,
            random_state=5,
            chunk_size=200,
        ).fit(*make_data())

    with current(local_cluster(1, processes=False)):
        one = answer(search(SGDClassifier()))
    request.getfixturevalue(cluster)
    assert answer(search(Delayed())) == one


def test_another_seed_gives_another_answer(expected, threads_client):
    """What is compared here does depend on the seed."""
    search = sgd().set_params(random_state=1).fit(*make_data())
    assert answer(search) != expected["sgd"]
