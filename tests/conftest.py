# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fixtures and rules that hold for all tests."""

import os

# Before anything imports NumPy, here and in the processes that tests start: several
# BLAS threads per Dask worker make small matrix products up to a hundred times slower.
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
# What Dask does a hundred or fifty times a second, for dashboards, in each of the many
# processes that wait for the next test.
os.environ["DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED"] = "False"
os.environ["DASK_DISTRIBUTED__ADMIN__TICK__INTERVAL"] = "500ms"

import contextlib
import functools
import importlib.util
import multiprocessing
import subprocess
import sys
import textwrap

import dask
import pytest
from distributed import Client, LocalCluster
from distributed.client import _global_clients
from distributed.utils import get_mp_context
from hypothesis import settings

from gpu_hpo.compute import _clusters, close_embedded, local_cluster
from gpu_hpo.devices import Device
from gpu_hpo.testing import NoHostCopyArray
from tests.model_selection import helpers

# A busy machine is no failure.
settings.register_profile("any machine", deadline=None)
settings.load_profile("any machine")


@functools.cache
def _cuda_devices() -> tuple[int, str]:
    """Count the CUDA devices that tests may use, and say why if there are none.

    Asks NVML, which creates no CUDA context that worker processes could inherit.
    """
    if os.environ.get("GPU_HPO_DEVICE", "").lower() == "cpu":
        return 0, "GPU_HPO_DEVICE=cpu"
    if importlib.util.find_spec("cupy") is None:
        return 0, "CuPy is not installed"
    from distributed.diagnostics.nvml import device_get_count

    count = device_get_count()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        # CUDA ignores what follows the first invalid entry.
        names = [name.strip() for name in visible.split(",")]
        invalid = [i for i, name in enumerate(names) if name in ("", "-1")]
        count = min(count, invalid[0] if invalid else len(names))
        return count, f"{count} CUDA devices with CUDA_VISIBLE_DEVICES={visible!r}"
    return count, f"{count} CUDA devices found by NVML"


_START_METHOD = "distributed.worker.multiprocessing-method"


def pytest_configure(config):
    """Know the marks of scikit-learn's own tests, and how workers start."""
    config.addinivalue_line("markers", "thread_unsafe: one of scikit-learn's own")
    methods = multiprocessing.get_all_start_methods()
    if "forkserver" in methods and not _cuda_devices()[0]:
        # A tenth of a second of work for each worker process, not the four that it
        # takes to import what most tests need. CUDA's workers are not to be forked.
        dask.config.set({_START_METHOD: "forkserver"})
        get_mp_context().set_forkserver_preload(["tests.fork_server"])


def pytest_collection_modifyitems(items):
    """Skip the tests marked `gpu` and `mgpu` where there are too few devices."""
    for item in items:
        for marker, needed in (("gpu", 1), ("mgpu", 2)):
            if item.get_closest_marker(marker) is None:
                continue
            count, found = _cuda_devices()
            if count < needed:
                reason = f"needs {needed} CUDA device(s): {found}"
                item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture
def configure():
    """Gives a function that sets gpu_hpo's settings until the test ends."""
    with contextlib.ExitStack() as settings:

        def change(values):
            given = {f"gpu_hpo.{key}": value for key, value in values.items()}
            settings.enter_context(dask.config.set(given))

        yield change


@pytest.fixture(scope="session")
def _processes_client():
    with (
        LocalCluster(
            n_workers=2,
            threads_per_worker=1,
            processes=True,
            host="127.0.0.1",
            dashboard_address=None,
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture(scope="session")
def _threads_client():
    # Not a bare LocalCluster, whose HTTP servers would listen on all interfaces.
    with (
        local_cluster(
            1, device="cpu", processes=False, threads_per_worker=4
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        yield client


@pytest.fixture
def processes_client(_processes_client):
    """Client of two worker processes of one thread; current during this test only."""
    with _processes_client.as_current():
        yield _processes_client


@pytest.fixture
def threads_client(_threads_client):
    """Client of one worker of four threads here; current during this test only."""
    with _threads_client.as_current():
        yield _threads_client


@pytest.fixture
def few_deaths():
    """Fewer than by default until Dask gives a task up: each takes its time."""
    with dask.config.set({"distributed.scheduler.allowed-failures": 1}):
        yield


@pytest.fixture
def mortal_client():
    """Client of two worker processes of this test's own, which may be killed.

    One that does not come back, as happens, is then no matter for other tests.
    """
    with (
        local_cluster(2, device="cpu") as cluster,
        Client(cluster, set_as_default=False) as client,
        client.as_current(),
    ):
        client.wait_for_workers(2, timeout=60)
        yield client
        # A cluster that is closed while a worker starts again may hang.
        with contextlib.suppress(TimeoutError):
            client.wait_for_workers(2, timeout=20)


@pytest.fixture(autouse=True)
def _no_scheduler_of_closed_clients():
    """Takes Dask's default scheduler back where no client is open that set it.

    Dask itself does not if the client of a worker in this process, which a search in a
    task needs, is open still when the user's client closes, and all that the process
    computes later then fails with "no Client active".
    """
    users = [
        client
        for client in _global_clients.values()
        if client.status == "running" and not client.id.startswith("Client-worker-")
    ]
    if not users:
        dask.config.config.pop("scheduler", None)


@pytest.fixture(scope="session", autouse=True)
def _end_embedded_cluster():
    """Not at exit: pytest has closed what Dask logs to by then."""
    yield
    close_embedded()


@pytest.fixture
def on_cpu(monkeypatch):
    """Where a search runs is tested on CPU workers, also where there is a GPU."""
    monkeypatch.setenv("GPU_HPO_DEVICE", "cpu")


@pytest.fixture
def cuda_without_gpu(monkeypatch):
    """Lets dask-cuda start its workers where there is no GPU."""
    if importlib.util.find_spec("dask_cuda") is None:
        pytest.skip("dask_cuda is not installed")
    monkeypatch.setenv("DASK_CUDA_TEST_DISABLE_DEVICE_SPECIFIC", "1")
    monkeypatch.setenv("DASK_CUDA_TEST_SINGLE_GPU", "1")
    monkeypatch.setattr(
        _clusters, "resolve_device", lambda *_: Device("cuda", 2, "a test says so")
    )
    with dask.config.set({_START_METHOD: "spawn"}):
        yield {
            "CUDA_VISIBLE_DEVICES": [0, 1],
            "device_memory_limit": "1GB",
            "protocol": "tcp",
            "pre_import": "numpy",
        }


@pytest.fixture
def calls(threads_client):
    """Every call of `Scripted.partial_fit` in this test, whose client runs threads."""
    helpers.CALLS.clear()
    yield helpers.CALLS
    helpers.CALLS.clear()


@pytest.fixture
def copied(monkeypatch):
    """Shapes of what was copied from `NoHostCopyArray` to the host in this process."""
    shapes = []
    get = NoHostCopyArray.get
    monkeypatch.setattr(
        NoHostCopyArray, "get", lambda self: shapes.append(self.shape) or get(self)
    )
    return shapes


class Script:
    """A Python script of the user's, running in a process and folder of its own."""

    def __init__(self, folder, text, **files):
        (folder / "elsewhere").mkdir()
        for name, content in {"script": text, **files}.items():
            (folder / f"{name}.py").write_text(textwrap.dedent(content))
        self.errors = (folder / "errors").open("w+")
        self.process = subprocess.Popen(
            [sys.executable, folder / "script.py"],
            cwd=folder / "elsewhere",
            stdout=subprocess.PIPE,
            stderr=self.errors,
            text=True,
            env=dict(os.environ, GPU_HPO_DEVICE="cpu", PYTHONUNBUFFERED="1"),
            start_new_session=True,
        )

    def line(self):
        """Next line that it prints."""
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"script ended: {self._errors()}")
        return line.strip()

    def end(self):
        """Wait for its end; give what it printed, if it ended well."""
        out = self.process.stdout.read()
        assert self.process.wait() == 0, self._errors()
        return out

    def _errors(self):
        self.errors.seek(0)
        return self.errors.read()


@pytest.fixture
def run_script(tmp_path):
    """Start a script; further arguments are modules beside it, by name."""
    scripts = []

    def run(text, **files):
        scripts.append(Script(tmp_path, text, **files))
        return scripts[-1]

    yield run
    for script in scripts:
        script.process.kill()
        script.process.wait()
        script.process.stdout.close()
        script.errors.close()
