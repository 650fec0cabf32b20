# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches on a device that take their time, so that they can be interrupted."""

import sys
import time

import numpy as np

from gpu_hpo.compute import local_cluster
from gpu_hpo.linear_model import SGDClassifier
from gpu_hpo.model_selection import GridSearchCV, HyperbandSearchCV
from tests.compute.helpers import current

RNG = np.random.default_rng(0)
X = RNG.standard_normal((120, 4))
Y = (X[:, 0] + 0.3 * RNG.standard_normal(120) > 0).astype(np.int64)
ALPHAS = np.logspace(-5, 0, 6).tolist()


class Slow(SGDClassifier):
    """Takes its time."""

    seconds = 0.02

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        time.sleep(Slow.seconds)
        return super().partial_fit(X, y, classes=classes, sample_weight=sample_weight)

    def fit(self, X, y, sample_weight=None):
        time.sleep(Slow.seconds)
        return super().fit(X, y, sample_weight=sample_weight)


def make(kind, **options):
    if kind == "grid":
        options = {"cv": 3, "scheduler": "threads", **options}
        return GridSearchCV(Slow(random_state=0), {"alpha": ALPHAS}, **options)
    options = {"max_iter": 4, "random_state": 0, "chunk_size": 40, **options}
    return HyperbandSearchCV(Slow(), {"alpha": ALPHAS}, **options)


def fit(search):
    import cupy as cp

    with current(local_cluster(1, device="cpu", processes=False)):
        return search.fit(cp.asarray(X), cp.asarray(Y))


if __name__ == "__main__":
    kind, path = sys.argv[1:]
    Slow.seconds = 0.5  # lines are written a second apart
    search = make(kind, journal=path)
    try:
        fit(search)
    except KeyboardInterrupt:
        n = len(search.cv_results_["params"])
        print("kept", search.stopped_, search.device_.name, n)
