# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Workers are killed, by others or by a model, and come and go while a search runs."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import tempfile
import time

import dask
import numpy as np
from distributed import Client, LocalCluster

from gpu_hpo.compute import local_cluster
from gpu_hpo.exceptions import GpuHpoError
from tests.reliability._scenario import Scenario
from tests.reliability._searches import (
    ADAPTIVE,
    ALL,
    Meanwhile,
    Model,
    answer,
    fit,
    make,
    moment,
    on,
    pids,
    quiet,
    same,
)

DEADLY = 1e-3


def killed_worker(number: int) -> str:
    """Kill a worker at a moment that the number decides; the answer stays."""
    draw = random.Random(number)
    kind = list(ALL)[number % len(ALL)]
    cluster = ["ours", "embedded", "Dask's"][number % 3]
    expected = quiet(kind, Model(seconds=0))
    with tempfile.TemporaryDirectory() as folder, on(cluster) as client:
        victim = draw.choice(pids(client))
        calls = moment(draw, expected)
        with Meanwhile(folder, calls, lambda: os.kill(victim, signal.SIGKILL)) as then:
            found = fit(make(kind, Model(calls=then.file)))
    same(answer(found), expected)
    return "the quiet answer"


class Deadly(Model):
    """Ends its process with one of the parameters, at a call that is given."""

    def __init__(
        self,
        alpha=1e-4,
        *,
        at=1,
        how="exit",
        calls=None,
        seconds=0.0,
        random_state=None,
    ):
        super().__init__(alpha, calls=calls, seconds=seconds, random_state=random_state)
        self.at = at
        self.how = how

    def happens(self):
        """End the process, if it is time."""
        self.n_calls_ = getattr(self, "n_calls_", 0) + 1
        if self.alpha == DEADLY and self.n_calls_ >= self.at:
            if self.how == "raise":
                raise RuntimeError("this configuration cannot be trained")
            if self.how == "exit":
                os._exit(1)
            os.kill(os.getpid(), signal.SIGSEGV)
        super().happens()


def deadly_configuration(number: int) -> str:
    """A configuration ends each process that trains it; only it is lost.

    The quiet answer is that of a search in which it raises instead.
    """
    space = {"alpha": [1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, DEADLY, 1e-2, 1e-1]}
    kind = "Hyperband"
    at, how = 1 + number % 3, ["exit", "fault"][number // 3 % 2]
    expected = quiet(kind, Deadly(at=at, how="raise"), space)
    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
        client.as_current(),
    ):
        search = fit(make(kind, Deadly(at=at, how=how), space))
    lost = [
        params["alpha"]
        for params, status in zip(
            search.cv_results_["params"], search.cv_results_["status"], strict=True
        )
        if status == "lost"
    ]
    assert lost and set(lost) == {DEADLY}, search.cv_results_["status"]
    found = answer(search)
    found["status"] = ["failed" if s == "lost" else s for s in found["status"]]
    # How many calls a lost trial had made is not known of one that ended with it.
    same(found, expected, "calls", "history", "scores")
    rows = zip(found["params"], found["scores"], expected["scores"], strict=True)
    for params, score, other in rows:
        if params != [("alpha", str(DEADLY))]:
            assert score == other, (params, score, other)
    return "only it is lost"


def join_and_leave(number: int) -> str:
    """Workers join, retire and are killed at four moments; the answer stays.

    One of the first two has another worker join while all others end. Nobody is to
    blame for deaths from outside, however many there are.
    """
    draw = random.Random(number)
    kind = list(ADAPTIVE)[number % len(ADAPTIVE)]
    expected = quiet(kind, Model(seconds=0))
    seconds = 30 / sum(expected["calls"])  # 15 in all with two workers
    happened = []
    with (
        on(["ours", "Dask's"][number % 2]) as client,
        dask.config.set({"gpu_hpo.workers.max-deaths": 9}),
    ):
        cluster = client.cluster

        def alive():
            return [nanny.pid for nanny in cluster.workers.values() if nanny.pid]

        def end(pid):
            with contextlib.suppress(ProcessLookupError):  # it has just ended itself
                os.kill(pid, signal.SIGKILL)

        def join_as_all_leave():
            before = alive()
            cluster.scale(len(cluster.worker_spec) + 1)
            time.sleep(draw.uniform(0, 4))
            for pid in before:
                end(pid)

        def join():
            cluster.scale(len(cluster.worker_spec) + 1)

        def leave():
            if len(there := sorted(client.nthreads())) > 1:
                client.retire_workers([draw.choice(there)])

        def die():
            for pid in draw.sample(there := alive(), min(1, len(there))):
                end(pid)

        events = [draw.choice([join, leave, die]) for _ in range(3)]
        events.insert(draw.randrange(2), join_as_all_leave)

        def all_of_them():
            for event in events:
                if not then.left.is_set():
                    event()
                    happened.append(event)
                    then.left.wait(draw.uniform(0, 1.5))

        with tempfile.TemporaryDirectory() as folder:
            calls = moment(draw, expected)
            with Meanwhile(folder, calls, all_of_them) as then:
                found = fit(make(kind, Model(calls=then.file, seconds=seconds)))
                assert join_as_all_leave in happened
    same(answer(found), expected)
    return "the quiet answer"


def cluster_gone(number: int) -> str:
    """Cluster, client or all workers are gone in mid-search: an error, results kept."""
    draw = random.Random(number)
    kind = list(ADAPTIVE)[number % len(ADAPTIVE)]
    expected = quiet(kind, Model(seconds=0))
    how = ["close client", "close cluster", "scale to none"][number % 3]
    cluster = local_cluster(2, device="cpu")
    client = Client(cluster, set_as_default=False)
    end = {
        "close client": client.close,
        "close cluster": cluster.close,
        "scale to none": lambda: cluster.scale(0),
    }[how]
    with (
        tempfile.TemporaryDirectory() as folder,
        client.as_current(),
        dask.config.set({"gpu_hpo.workers.patience": "2 s"}),
    ):
        then = Meanwhile(folder, moment(draw, expected), end)
        search = make(kind, Model(calls=then.file, seconds=0.1))
        try:
            with then:
                fit(search)
        except GpuHpoError as error:
            said = type(error).__name__
        else:
            raise AssertionError("the search ended as if nothing had happened")
    client.close()
    cluster.close()
    all_scores = {name: dict(rows) for name, rows in expected["history"].items()}
    n_known = 0
    for name, rows in search.model_history_.items():
        for row in rows:
            assert all_scores[name][row["partial_fit_calls"]] == row["score"]
            n_known += 1
    assert n_known > 0
    assert len(search.cv_results_["params"]) == len(search.model_history_)
    assert search.best_params_ in search.cv_results_["params"]
    best = np.nanmax([row["score"] for row in search.history_])
    assert search.best_score_ <= best
    return said


SCENARIOS = [
    Scenario(
        "killed-worker",
        "A worker is killed at any moment (7 searches, 3 kinds of cluster)",
        killed_worker,
        seconds=240,
        deaths=True,
    ),
    Scenario(
        "deadly-configuration",
        "A configuration ends each process that trains it, on "
        "`LocalCluster(n_workers=2, threads_per_worker=1)`",
        deadly_configuration,
        seconds=400,
        deaths=True,
    ),
    Scenario(
        "join-and-leave",
        "Workers join, retire and are killed while others do",
        join_and_leave,
        seconds=300,
        deaths=True,
    ),
    Scenario(
        "cluster-gone",
        "Client closed, cluster closed, or all workers gone, in mid-search",
        cluster_gone,
        seconds=180,
        deaths=True,
    ),
]
