# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What `overhead.py` and its peer both need: the data, the space, the bare calls.

Imports nothing of gpu_hpo, since an interpreter that has only dask-ml runs it too.
"""

from __future__ import annotations

import time

import numpy as np
import psutil
from scipy.stats import loguniform
from sklearn.linear_model import SGDClassifier
from threadpoolctl import threadpool_limits

MAX_ITER, AGGRESSIVENESS = 81, 3
N_CHUNKS, N_FEATURES, N_WORKERS = 20, 20, 2


def estimator():
    return SGDClassifier(random_state=0)


def space():
    return {
        "alpha": loguniform(1e-5, 1e-1),
        "loss": ["hinge", "log_loss", "modified_huber", "squared_hinge"],
        "average": [True, False],
    }


def data(rows, features=N_FEATURES):
    """`N_CHUNKS` chunks of `rows` rows: two noisy classes."""
    rng = np.random.RandomState(0)
    X = rng.normal(size=(N_CHUNKS * rows, features))
    signal = X @ rng.normal(size=features) / features**0.5
    y = (signal + rng.normal(size=len(X)) > 0).astype(np.int64)
    return X, y


def replay(jobs, chunks, order, validation, classes):
    """Make the bare calls of `jobs`, one BLAS thread; seconds, CPU seconds, scores.

    `jobs` is a list of (model, after how many calls it was scored), `order` says which
    of `chunks` each call trains on.
    """
    X_test, y_test = validation
    scores = []
    with threadpool_limits(1):
        began, used = time.perf_counter(), time.thread_time()
        for model, scored in jobs:
            wanted = set(scored)
            for calls in range(1, max(scored) + 1):
                X, y = chunks[order[calls - 1]]
                if calls == 1:
                    model.partial_fit(X, y, classes=classes)
                else:
                    model.partial_fit(X, y)
                if calls in wanted:
                    scores.append(model.score(X_test, y_test))
        return time.perf_counter() - began, time.thread_time() - used, scores


def halves(jobs):
    """`jobs` in two lists of nearly equal numbers of calls."""
    sides = [], []
    held = [0, 0]
    for job in sorted(jobs, key=lambda job: -max(job[1])):
        side = int(held[1] < held[0])
        sides[side].append(job)
        held[side] += max(job[1])
    return sides


def cpu_seconds(pids):
    """CPU time of these processes together."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(t.user + t.system for t in times)


def replay_half(connection):
    """Run in a process of its own: replay what comes, when told to start."""
    while True:
        message = connection.recv()
        if message is None:
            return
        connection.send("ready")
        connection.recv()
        began = time.perf_counter()
        replay(*message)
        connection.send(time.perf_counter() - began)


class TwoProcesses:
    """Two processes that make half of the bare calls each, at the same time."""

    def __enter__(self):
        from multiprocessing import get_context

        context = get_context("spawn")
        self._sides = []
        for _ in range(2):
            ours, theirs = context.Pipe()
            process = context.Process(target=replay_half, args=(theirs,), daemon=True)
            process.start()
            self._sides.append((ours, process))
        return self

    def __exit__(self, *_):
        for connection, _ in self._sides:
            connection.send(None)
        for _, process in self._sides:
            process.join(10)

    def seconds(self, jobs, *rest):
        """How long the slower half took."""
        for (connection, _), half in zip(self._sides, halves(jobs), strict=True):
            connection.send((half, *rest))
        for connection, _ in self._sides:
            connection.recv()
        for connection, _ in self._sides:
            connection.send("go")
        return max(connection.recv() for connection, _ in self._sides)
