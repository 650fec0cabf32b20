# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Small searches, what two of them must agree on, and estimators that misbehave.

A module beside the tests, since worker processes import what is pickled from it.
"""

import time
from contextlib import contextmanager

import numpy as np
import psutil
from dask.distributed import Client
from scipy.stats import loguniform
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import HyperbandSearchCV

N_FEATURES = 8
PREFIX = "gpu_hpo-"  # of all keys of a search


def make_data(n=1200, seed=0):
    """Two classes that a line separates but for some noise."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, N_FEATURES))
    y = (X @ np.linspace(-1, 1, N_FEATURES) + rng.standard_normal(n) > 0).astype(int)
    return X, y


def make_search(estimator=None, parameters=None, **options):
    """A Hyperband search of some 30 models and 150 calls."""
    options = {"max_iter": 9, "random_state": 0, "chunk_size": 200} | options
    return HyperbandSearchCV(
        SGDClassifier() if estimator is None else estimator,
        {"alpha": loguniform(1e-5, 1e1)} if parameters is None else parameters,
        **options,
    )


def answer(search):
    """Everything about a search that must not depend on where it ran, to compare."""
    model = search.best_estimator_
    weights = model.coefs_ if hasattr(model, "coefs_") else [model.coef_]
    return {
        "scores": {
            model_id: [(row["partial_fit_calls"], row["score"]) for row in rows]
            for model_id, rows in search.model_history_.items()
        },
        "params": {row["model_id"]: row["params"] for row in search.history_},
        "best_params": search.best_params_,
        "best_index": search.best_index_,
        "best_score": search.best_score_,
        "weights": [array.tolist() for array in weights],
        "test_scores": search.cv_results_["test_score"].tolist(),
        "calls": search.metadata_["partial_fit_calls"],
    }


def remains(client):
    """Keys of searches that a cluster still has, on its scheduler or its workers.

    Waits for them to go, since a client lets go of them by a message.
    """
    return wait_until(lambda: not _keys(client), 20) or _keys(client)


def _keys(client):
    def on_scheduler(dask_scheduler):
        return [key for key in dask_scheduler.tasks if str(key).startswith(PREFIX)]

    held = {key for keys in client.has_what().values() for key in keys}
    mine = {key for key in held if str(key).startswith(PREFIX)}
    return sorted(mine.union(client.run_on_scheduler(on_scheduler)))


def wait_until(condition, seconds):
    """Wait until `condition()`; None if it came true, as in "nothing remains"."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return []


@contextmanager
def current(cluster):
    """Client of a cluster, which both end with the block."""
    with cluster, Client(cluster, set_as_default=False) as client, client.as_current():
        yield client


def listening(*pids):
    """Addresses that the processes listen on."""
    return {
        socket.laddr.ip
        for pid in pids
        for socket in psutil.Process(pid).net_connections("inet")
        if socket.status == psutil.CONN_LISTEN
    }


def gone(pids, seconds):
    """Those of the processes that do not end within `seconds`."""
    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    return [process.pid for process in psutil.wait_procs(processes, seconds)[1]]
