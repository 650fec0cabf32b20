# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches whose fits are counted, and which may end their process."""

import os
import signal
import threading

import numpy as np
from sklearn.linear_model import SGDClassifier

from gpu_hpo.model_selection import (
    GridSearchCV,
    HyperbandSearchCV,
    IncrementalSearchCV,
    RandomizedSearchCV,
    ScheduledSearchCV,
    SuccessiveHalvingSearchCV,
)
from gpu_hpo.schedules import SuccessiveHalving
from tests.compute.helpers import current, make_data

ALPHAS = np.logspace(-5, 0, 12).tolist()


class Counts(SGDClassifier):
    """Counts its calls over all models, and may end the process at one of them."""

    n = 0
    last = None
    how = "SIGKILL"
    lock = threading.Lock()

    def count(self):
        with Counts.lock:
            Counts.n += 1
            if Counts.n == Counts.last:
                os.kill(os.getpid(), getattr(signal, Counts.how))

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        self.count()
        return super().partial_fit(X, y, classes=classes, sample_weight=sample_weight)

    def fit(self, X, y, sample_weight=None):
        self.count()
        return super().fit(X, y, sample_weight=sample_weight)


def hyperband(model=None, **options):
    options = {"max_iter": 9, "random_state": 0, **options}
    return HyperbandSearchCV(model or Counts(), {"alpha": ALPHAS}, **options)


def folds(**options):
    return hyperband(cv=3, **options)


def halving(**options):
    options = {"n_initial_parameters": 8, "n_initial_iter": 1, **options}
    return SuccessiveHalvingSearchCV(
        Counts(), {"alpha": ALPHAS}, random_state=0, **options
    )


def incremental(**options):
    options = {"n_initial_parameters": 8, "max_iter": 9, **options}
    return IncrementalSearchCV(
        Counts(), {"alpha": ALPHAS}, random_state=0, decay_rate=None, **options
    )


def scheduled(**options):
    return ScheduledSearchCV(
        Counts(), {"alpha": ALPHAS}, halving_of, random_state=0, **options
    )


def halving_of(n_trials):
    return SuccessiveHalving(n_trials, 1)


def by_rows(**options):
    return hyperband(resource="n_samples", **options)


def by_parameter(**options):
    return hyperband(resource="max_iter", model=Counts(tol=None), **options)


def grid(model=None, alphas=ALPHAS, **options):
    options = {"cv": 3, "scheduler": "threads", **options}
    return GridSearchCV(
        model or Counts(random_state=0), {"alpha": list(alphas)}, **options
    )


def randomized(**options):
    options = {"cv": 3, "scheduler": "threads", "random_state": 0, **options}
    return RandomizedSearchCV(
        Counts(random_state=0), {"alpha": ALPHAS}, n_iter=8, **options
    )


SEARCHES = {
    "hyperband": hyperband,
    "folds": folds,
    "halving": halving,
    "incremental": incremental,
    "scheduled": scheduled,
    "rows": by_rows,
    "parameter": by_parameter,
    "grid": grid,
    "randomized": randomized,
}


def run(name, path, n_calls, how):
    """Run a search in threads of this process, and end it after so many calls."""
    import time

    from gpu_hpo.compute import local_cluster

    options = {}
    if how == "max_seconds":
        options["max_seconds"] = 0.5
        Counts.count = lambda self: time.sleep(0.02)
    else:
        Counts.last, Counts.how = n_calls, how
    search = SEARCHES[name](journal=path, **options)
    slow = Counts.score

    def score(self, *args, **params):
        time.sleep(0.05)  # so that some scores are written before the end
        return slow(self, *args, **params)

    Counts.score = score
    cluster = local_cluster(1, device="cpu", processes=False, threads_per_worker=2)
    with current(cluster):
        try:
            search.fit(*make_data())
        except KeyboardInterrupt:
            assert search.stopped_ == "interrupt"
    assert hasattr(search, "cv_results_") and search.stopped_
