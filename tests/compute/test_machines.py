# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Searches on workers that were started from a shell, as on machines of their own.

They have nothing in common but the network: each has a folder, a home and scratch files
of its own, and a copy of the scheduler file.
"""

import contextlib
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import numpy as np
import pytest
from distributed import Client
from distributed.diagnostics.plugin import SchedulerPlugin, WorkerPlugin
from sklearn.linear_model import SGDClassifier

from gpu_hpo.compute import local_cluster
from gpu_hpo.model_selection import GridSearchCV, HyperbandSearchCV
from tests.compute.helpers import PREFIX, answer, current, make_data, remains

WORKER = {
    "dask worker": ["worker", "--nworkers", "1"],
    # Its own switches for tests let it start where there is no GPU.
    "dask cuda worker": ["cuda", "worker", "--device-memory-limit", "1GB"],
}
SWITCHES = {
    "DASK_CUDA_TEST_DISABLE_DEVICE_SPECIFIC": "1",
    "DASK_CUDA_TEST_SINGLE_GPU": "1",
}
# Drops copies that no task waits for when it looks, so that they are sent once more.
NO_MEMORY_MANAGER = {
    "DASK_DISTRIBUTED__SCHEDULER__ACTIVE_MEMORY_MANAGER__START": "False"
}


# ---- machines ----


class Machine:
    """A process with its children, in a folder of its own; `kill` ends all at once."""

    def __init__(self, folder, *command, **variables):
        folder.mkdir()
        self.folder = folder
        self.log = (folder / "log").open("w")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "dask", *command],
            cwd=folder,
            env=os.environ | {"HOME": str(folder), "TMPDIR": str(folder)} | variables,
            stdout=self.log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.log.close()


@pytest.fixture(params=WORKER)
def machines(request, tmp_path):
    """A client, and the two machines whose workers it has, by their addresses."""
    if request.param == "dask cuda worker" and not importlib.util.find_spec(
        "dask_cuda"
    ):
        pytest.skip("dask_cuda is not installed")
    here = ["--host", "127.0.0.1", "--no-dashboard"]
    nodes = []
    try:
        scheduler = Machine(
            tmp_path / "scheduler",
            *["scheduler", "--port", "0", "--scheduler-file", "found.json", *here],
            # Should the tests be killed, their machines end by themselves.
            *["--dashboard-address", "127.0.0.1:0", "--idle-timeout", "2 minutes"],
            **NO_MEMORY_MANAGER,
        )
        nodes.append(scheduler)
        found = scheduler.folder / "found.json"
        wait_for(lambda: found.exists() and found.stat().st_size)
        for number in range(2):
            (tmp_path / f"file{number}").mkdir()
            copy = shutil.copy(found, tmp_path / f"file{number}")
            nodes.append(
                Machine(
                    tmp_path / f"machine{number}",
                    *WORKER[request.param],
                    *["--scheduler-file", copy, "--nthreads", "1", *here],
                    *["--local-directory", "scratch", "--name", f"machine{number}"],
                    *["--death-timeout", "60"],
                    CUDA_VISIBLE_DEVICES=str(number),
                    **SWITCHES,
                )
            )
        with (
            Client(scheduler_file=found, set_as_default=False) as client,
            client.as_current(),
        ):
            client.wait_for_workers(2, timeout=60)
            homes = client.run(lambda: os.environ["HOME"])
            assert len(set(homes.values())) == 2
            folders = {str(node.folder): node for node in nodes}
            yield client, {name: folders[home] for name, home in homes.items()}
    finally:
        for node in nodes:
            node.kill()


def wait_for(condition):
    """Wait until it holds, for a minute at most."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


# ---- what is seen on them ----


def scheduler_plugin():
    """Notes where tasks were to run, and ran. By value: no machine has this file."""

    class Tasks(SchedulerPlugin):
        name = "tasks"

        def __init__(self):
            self.wanted, self.ran = {}, []

        def start(self, scheduler):
            self.scheduler = scheduler

        def transition(self, key, start, finish, *args, worker=None, **kwargs):
            if finish == "processing":
                task = self.scheduler.tasks[key]
                self.wanted[str(key)] = sorted(task.worker_restrictions or ())
            elif start == "processing" and finish == "memory":
                self.ran.append((str(key), worker))

    return Tasks()


def worker_plugin():
    """Counts how often a value came to be on a worker, and in what way."""

    class Arrivals(WorkerPlugin):
        name = "arrivals"

        def __init__(self):
            self.counts = Counter()

        def transition(self, key, start, finish, **kwargs):
            if finish == "memory":
                self.counts[str(key), start] += 1

    return Arrivals()


def tasks(client):
    """What the scheduler's plugin has noted: which were wanted where, and ran where."""

    def look(dask_scheduler):
        plugin = dask_scheduler.plugins["tasks"]
        return dict(plugin.wanted), list(plugin.ran)

    return client.run_on_scheduler(look)


def arrivals(client):
    """How often what came to each worker, and in what way."""
    return client.run(lambda dask_worker: dask_worker.plugins["arrivals"].counts)


@contextlib.contextmanager
def killed(client, machine, n_tasks):
    """Kill a machine as soon as so many tasks have ended."""
    ran = threading.Event()

    def watch():
        with Client(client.scheduler.address, set_as_default=False) as other:
            wait_for(lambda: len(tasks(other)[1]) >= n_tasks)
            ran.set()
            machine.kill()

    thread = threading.Thread(target=watch)
    thread.start()
    yield ran
    thread.join()


# ---- searches ----


def slow():
    """A model that takes its time, of a class that is in no file of a worker's."""

    class Slow(SGDClassifier):
        def fit(self, X, y):
            time.sleep(0.05)
            return super().fit(X, y)

        def partial_fit(self, X, y, classes=None):
            time.sleep(0.02)
            return super().partial_fit(X, y, classes)

    return Slow(random_state=0, tol=None, max_iter=2)


@pytest.fixture(scope="module")
def expected():
    """The answers of one thread in this process, by search."""
    with current(local_cluster(1, device="cpu", processes=False)):
        return {name: run(name) for name in ("adaptive", "grid")}


def run(name):
    """The answer of a search with several packs of chunks, or with data to scatter."""
    if name == "adaptive":
        search = HyperbandSearchCV(
            slow(),
            {"alpha": np.geomspace(1e-5, 1e1, 50)},
            max_iter=9,
            chunk_size=200,
            random_state=0,
        )
        return answer(search.fit(*make_data()))
    search = GridSearchCV(slow(), {"alpha": np.geomspace(1e-5, 1e1, 8)}, cv=4)
    search.fit(*make_data(80_000))  # more than what the scheduler keeps
    results = {
        name: np.asarray(values, dtype=float).tolist()
        for name, values in search.cv_results_.items()
        if name.startswith(("split", "mean_test", "rank"))
    }
    coef = search.best_estimator_.coef_.tolist()
    return results | {"best": search.best_params_, "coef": coef}


@pytest.mark.parametrize("name", ["adaptive", "grid"])
def test_on_machines_of_their_own(machines, expected, configure, name):
    """Data is sent once, tasks run where they are wanted, a lost machine is no loss."""
    configure({"memory.message-size": 20_000, "workers.recovery": "1s"})
    client, by_address = machines
    client.register_plugin(scheduler_plugin())
    client.register_plugin(worker_plugin())
    assert run(name) == expected[name]

    wanted, ran = tasks(client)
    counts = arrivals(client)
    check_each_once(counts)
    ran_on = Counter(worker for _, worker in ran)
    assert set(ran_on) == set(by_address)
    if name == "adaptive":
        advancing = {key: where for key, where in wanted.items() if "-train-" in key}
        assert len(advancing) > 10
        for key, worker in ran:
            if key in advancing:
                assert advancing[key] == [worker]
        packs = {k: n for k, n in sent_from_here(counts).items() if "-pack-" in k}
        assert list(packs.values()) == [1, 1, 1]
    assert not remains(client)

    victim = next(iter(by_address.values()))
    with killed(client, victim, len(ran) + len(ran) // 3) as was_killed:
        assert run(name) == expected[name]
        assert was_killed.is_set()
    assert victim.process.returncode == -signal.SIGKILL
    assert len(client.nthreads()) == 1
    assert not remains(client)


def sent_from_here(counts):
    """On how many workers each value that this process has sent has arrived first."""
    return Counter(
        key
        for of_worker in counts.values()
        for key, how in of_worker
        if how not in ("flight", "executing")
    )


def check_each_once(counts):
    """No worker got a value twice, and the client has sent none a second time."""
    mine = {
        worker: Counter({k: n for k, n in found.items() if k[0].startswith(PREFIX)})
        for worker, found in counts.items()
    }
    assert all(mine.values())
    for found in mine.values():
        per_key = Counter()
        for (key, _), n in found.items():
            per_key[key] += n
        assert {key: found for key, n in per_key.items() if n > 1} == {}
    tries = Counter(key.partition("-sent-")[0] for key in sent_from_here(mine))
    assert {key for key, n in tries.items() if n > 1} == set()
