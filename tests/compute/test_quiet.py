# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What clusters print that are started for the user, and what they do not."""

import logging
import os
import signal

import dask
import pytest
from distributed import Client, Scheduler
from distributed.diagnostics.plugin import SchedulerPlugin

from gpu_hpo.compute import local_cluster
from gpu_hpo.compute._quiet import (
    OurWorkers,
    _is_from_others,
    _is_of_use,
    make_quiet,
)
from tests.compute.helpers import wait_until

LOST = (
    "Removing worker {worker!r} caused the cluster to lose scattered data, which can't "
    "be recovered: {keys} (stimulus_id='handle-worker-cleanup-1')"
)
AGAIN = (
    "Removing worker {worker!r} caused the cluster to lose already computed task(s), "
    "which will be recomputed elsewhere: {keys} (stimulus_id='a')"
)


@pytest.fixture
def ours():
    """A worker of a cluster of ours."""
    plugin, worker = OurWorkers(), "tls://127.0.0.1:1"
    plugin.add_worker(None, worker)
    yield worker
    plugin.remove_worker(None, worker, stimulus_id="")
    assert _is_of_use(record(LOST, worker, {"gpu_hpo-1"}))


def record(text, worker, keys):
    message = text.format(worker=worker, keys=keys)
    return logging.LogRecord("", logging.ERROR, "", 0, message, (), None)


@pytest.mark.parametrize("text", [LOST, AGAIN])
def test_losses_that_are_reported(ours, text):
    """Only losses of a search's own results with a worker of ours are left out."""
    assert not _is_of_use(record(text, ours, {"gpu_hpo-1", "gpu_hpo-2"}))
    assert _is_of_use(record(text, "tcp://127.0.0.1:2", {"gpu_hpo-1"}))
    assert _is_of_use(record(text, ours, {"gpu_hpo-1", "theirs"}))
    assert _is_of_use(record(text, ours, {("array", 0, 1)}))
    assert _is_of_use(record("Lost all workers", ours, set()))


def test_closed_connections_that_are_reported(threads_client):
    """What a scheduler of ours could not send while it was closed is left out."""
    ours = threads_client.scheduler.address
    text = "Batched Comm Closed <TLS (closed)  local={worker} remote=tls://a:1>"
    for level, address, shown in (
        (logging.INFO, ours, False),
        (logging.ERROR, ours, True),
        (logging.INFO, ours + "0", True),
    ):
        about = record(text, address, ())
        about.levelno = level
        assert _is_from_others(about) is shown


def test_deaths_that_are_reported(caplog, mortal_client):
    """Dask's reports are read as they are: a loss of the user's data is still shown."""
    values = {"gpu_hpo-0": 0, "theirs": 0}
    held = [mortal_client.scatter({key: 0}, hash=False) for key in values]
    with caplog.at_level(logging.WARNING, "distributed.scheduler"):
        for pid in mortal_client.run(os.getpid).values():
            os.kill(pid, signal.SIGKILL)
        assert wait_until(lambda: "theirs" in caplog.text, 20) == []
    lost = [r.getMessage() for r in caplog.records if "cause" in r.getMessage()]
    assert lost and all("'theirs'" in text for text in lost)
    assert len(held) == 2


def ignores_interrupt():
    handler = signal.getsignal(signal.SIGINT)
    return getattr(handler, "__module__", "") == "gpu_hpo._worker_signals"


def test_workers_outlive_an_interrupt(mortal_client):
    """Ctrl-C, which a terminal sends to all processes, ends no worker of ours."""
    pids = mortal_client.run(os.getpid)
    assert all(mortal_client.run(ignores_interrupt).values())
    for pid in pids.values():
        os.kill(pid, signal.SIGINT)
    assert mortal_client.run(os.getpid) == pids


def test_threads_leave_interrupts_alone():
    """In the user's own process nothing changes what Ctrl-C does."""
    before = signal.getsignal(signal.SIGINT)
    with local_cluster(1, device="cpu", processes=False):
        assert signal.getsignal(signal.SIGINT) is before


class Theirs(SchedulerPlugin):
    name = "theirs"


def test_options_of_the_user_are_kept(tmp_path):
    """Plugins and preloads of the user are there beside ours."""
    (tmp_path / "theirs.py").write_text(
        "def dask_setup(worker):\n    worker.here = 1\n"
    )
    with (
        local_cluster(
            1,
            device="cpu",
            preload=str(tmp_path / "theirs.py"),
            scheduler_kwargs={"plugins": [Theirs()]},
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        assert isinstance(cluster.scheduler, Scheduler)
        assert {"theirs", OurWorkers.name} <= set(cluster.scheduler.plugins)
        assert list(client.run(lambda dask_worker: dask_worker.here).values()) == [1]
        assert all(client.run(ignores_interrupt).values())


def test_preloads_with_arguments():
    """Each preload has its own arguments, if the user gives lists of them."""
    given = {"preload": ["a", "b"], "preload_argv": [["--x"], []]}
    make_quiet(given)
    assert given["preload"] == ["a", "b", "gpu_hpo._worker_signals"]
    assert given["preload_argv"] == [["--x"], [], []]
    with dask.config.set({"distributed.worker.preload": ["c"]}):
        configured = {"preload_argv": ["--x"]}
        make_quiet(configured)
    assert configured["preload"] == ["c", "gpu_hpo._worker_signals"]
    assert configured["preload_argv"] == ["--x"]
