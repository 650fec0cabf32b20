# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches of all classes on all kinds of cluster, and what happens while they run."""

from __future__ import annotations

import os
import random
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from distributed import Client, LocalCluster, default_client
from sklearn.linear_model import SGDClassifier

from gpu_hpo.compute import embedded_client, local_cluster
from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
    InverseDecaySearchCV,
    RandomizedSearchCV,
    ScheduledSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.schedules import SuccessiveHalving
from tests.compute.helpers import make_data

X, y = make_data()
ALPHAS = np.logspace(-6, 1, 16).tolist()
SEED = {"random_state": 0}
COMMON = {"chunk_size": 200} | SEED


class Model(SGDClassifier):
    """Takes its time, and counts calls of all models of a search in a file."""

    def __init__(self, alpha=1e-4, *, calls=None, seconds=0.02, random_state=None):
        super().__init__(alpha=alpha, random_state=random_state)
        self.calls = calls
        self.seconds = seconds

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        """Train on."""
        self.happens()
        return super().partial_fit(X, y, classes, sample_weight)

    def fit(self, X, y, sample_weight=None):
        """Train anew."""
        self.happens()
        return super().fit(X, y, sample_weight=sample_weight)

    def happens(self):
        """What happens with each call."""
        if self.calls is not None:
            with open(self.calls, "ab", buffering=0) as file:
                file.write(b".")
        time.sleep(self.seconds)


def _halving(n_trials):
    return SuccessiveHalving(n_trials, 2)


ADAPTIVE = {
    "Hyperband": lambda model, space: HyperbandSearchCV(
        model, space, max_iter=9, **COMMON
    ),
    "Incremental": lambda model, space: IncrementalSearchCV(
        model,
        space,
        n_initial_parameters="grid",
        decay_rate=None,
        max_iter=9,
        **COMMON,
    ),
    "SuccessiveHalving": lambda model, space: SuccessiveHalvingSearchCV(
        model, space, n_initial_parameters=16, n_initial_iter=3, max_iter=27, **COMMON
    ),
    "InverseDecay": lambda model, space: InverseDecaySearchCV(
        model, space, n_initial_parameters=16, max_iter=12, **COMMON
    ),
    "Scheduled": lambda model, space: ScheduledSearchCV(
        model, space, _halving, n_initial_parameters=16, **COMMON
    ),
}
EXHAUSTIVE = {
    "Grid": lambda model, space: GridSearchCV(model, space, cv=4),
    "Randomized": lambda model, space: RandomizedSearchCV(
        model, space, n_iter=12, cv=4, **SEED
    ),
}
ALL = ADAPTIVE | EXHAUSTIVE


def make(kind, model, space=None):
    """Return a search of a class, not yet fitted."""
    space = {"alpha": ALPHAS} if space is None else space
    seeded = model.set_params(random_state=0) if kind in EXHAUSTIVE else model
    return ALL[kind](seeded, space)


def fit(search, **options):
    """Search on the made-up data, without the warning that the space is small.

    Without a client, exhaustive searches use threads unless they are told otherwise.
    """
    if getattr(search, "scheduler", "") is None and not _has_client():
        search.set_params(scheduler="processes")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "parameters is a space")
        return search.fit(X, y, **options)


def _has_client():
    try:
        return default_client() is not None
    except ValueError:
        return False


def answer(search):
    """Return everything about a search that must be as in a quiet run."""
    results = search.cv_results_
    scores = "mean_test_score" if "mean_test_score" in results else "test_score"
    found = {
        "params": [_values(params) for params in results["params"]],
        "scores": results[scores].tolist(),
        "best": _values(search.best_params_),
        "best score": search.best_score_,
    }
    if "status" in results:
        found["status"] = list(results["status"])
        found["calls"] = results["partial_fit_calls"].tolist()
        found["history"] = {
            name: [(row["partial_fit_calls"], row["score"]) for row in rows]
            for name, rows in search.model_history_.items()
        }
    if hasattr(search, "best_estimator_"):
        found["weights"] = search.best_estimator_.coef_.tolist()
    return found


def _values(params):
    return sorted((name, str(value)) for name, value in params.items())


def quiet(kind, model, space=None):
    """Return the answer of a search to which nothing happens, in threads."""
    with on("threads"):
        return answer(fit(make(kind, model, space)))


def moment(draw, expected):
    """Draw a number of calls that a search with this answer has made midway."""
    n_calls = sum(expected.get("calls", [4] * len(expected["params"])))
    return draw.randint(1, n_calls // 2)


def same(found, expected, *but):
    """Raise unless two answers are equal, but for what is named."""
    assert found.keys() == expected.keys(), (found.keys(), expected.keys())
    for name in found.keys() - set(but):
        # In text NaN is equal to itself, and a number to no other.
        assert repr(found[name]) == repr(expected[name]), (
            f"{name}: {found[name]} instead of {expected[name]}"
        )


@contextmanager
def on(kind) -> Iterator[Client]:
    """Give the current client of a new cluster of two workers, of some kind.

    "embedded" is the one that a search starts of its own, which is not current.
    """
    if kind == "embedded":
        yield embedded_client()
        return
    start = {
        "threads": lambda: local_cluster(
            1, device="cpu", processes=False, threads_per_worker=2
        ),
        "ours": lambda: local_cluster(2, device="cpu"),
        "Dask's": lambda: LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ),
    }[kind]
    with (
        start() as cluster,
        Client(cluster, set_as_default=False) as client,
        client.as_current(),
    ):
        client.wait_for_workers(len(cluster.worker_spec), timeout=60)
        yield client


class Meanwhile:
    """Does something once models have made some number of calls.

    Leaving the block raises if it has not been done by then.
    """

    def __init__(self, folder: str, calls: int, action: Callable[[], object]) -> None:
        self.file = str(Path(folder) / f"calls-{os.getpid()}-{random.random()}")
        Path(self.file).touch()
        self._calls = calls
        self._action = action
        self.left = threading.Event()
        self._error: BaseException | None = None
        self._done = False
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        while os.path.getsize(self.file) < self._calls:
            if self.left.wait(0.002):
                return
        try:
            self._done = not self.left.is_set()
            self._action()
        except BaseException as error:
            self._error = error

    def __enter__(self) -> Meanwhile:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self.left.set()
        self._thread.join(60)
        if self._error is not None:
            raise self._error
        if error == (None, None, None):
            assert self._done, "the search ended before anything happened to it"


def pids(client: Client) -> list[int]:
    """Return the workers' processes, in the order of their addresses."""
    found = client.run(os.getpid)
    return [found[address] for address in sorted(found)]
