# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Clusters that are started for the user."""

import functools
import inspect
import json
import os
import signal
import subprocess
import sys
import threading
import types
import urllib.request
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
import threadpoolctl
from distributed import Client, LocalCluster, Nanny
from distributed.client import _get_global_client
from sklearn.linear_model import SGDClassifier

from gpu_hpo.compute import (
    _cluster_options,
    _clusters,
    _gpu_options,
    close_embedded,
    embedded_client,
    local_cluster,
)
from gpu_hpo.compute._blas import one_blas_thread
from gpu_hpo.compute._privacy import scratch_folder
from gpu_hpo.devices import Device
from tests.compute.helpers import (
    current,
    gone,
    listening,
    make_data,
    make_search,
    remains,
)
from tests.devices.fake_nvml import GIGABYTE, UUIDS, Nvml, card

LOOPBACK = {"127.0.0.1"}


def children():
    return {child.pid for child in psutil.Process().children(recursive=True)}


# ---- local_cluster ----


@pytest.mark.parametrize("processes", [True, False])
def test_local_cluster_listens_on_loopback_only(processes):
    """Neither scheduler nor workers of a local cluster can be reached from outside."""
    before = children()
    with local_cluster(2, processes=processes) as cluster, Client(cluster) as client:
        workers = children() - before
        assert client.submit(os.getpid).result() in {*workers, os.getpid()}
        assert bool(workers) is processes
        assert listening(os.getpid(), *workers) == LOOPBACK
        assert set(client.nthreads().values()) == {1}
        assert len(client.nthreads()) == 2


def test_local_cluster_starts_beside_another():
    """A taken dashboard port is no reason to warn those who want no dashboard."""
    with (
        LocalCluster(processes=False, n_workers=1, dashboard_address="127.0.0.1:8787"),
        local_cluster(1, processes=False) as cluster,
    ):
        assert len(cluster.workers) == 1


def test_local_cluster_takes_a_dashboard():
    """A dashboard address of the user's choice is used, and its link leads there."""
    with local_cluster(1, processes=False, dashboard_address="127.0.0.1:0") as cluster:
        port = cluster.scheduler.services["dashboard"].port
        assert f"127.0.0.1:{port}" in cluster.dashboard_link
        with urllib.request.urlopen(cluster.dashboard_link, timeout=10) as page:
            assert page.status == 200


def test_no_link_to_a_dashboard_that_is_not_there():
    """Without a dashboard there is no link to one, at the start and later."""
    with (
        local_cluster(1, device="cpu", processes=False) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.wait_for_workers(1)  # which asks the scheduler for its services
        assert cluster.dashboard_link == client.dashboard_link == ""


UNGUARDED = """
    from gpu_hpo.compute import local_cluster
    print("begins")
    CLUSTER
    print("goes on")
"""


def test_script_without_a_guard(run_script):
    """A script that its workers would run again is refused, by its line."""
    script = run_script(UNGUARDED.replace("CLUSTER", "local_cluster(1)"))
    assert script.process.stdout.read() == "begins\n"
    assert script.process.wait() == 1
    with pytest.raises(AssertionError, match=r"Error: .*script.py, line 4: local_clus"):
        script.end()


@pytest.mark.parametrize(
    ("text", "guarded"),
    [
        ("if __name__ == '__main__':\n    CALL", True),
        ("if '__main__' == __name__: CALL", True),
        ("CALL if __name__ == '__main__' else None", True),
        ("if __name__ != '__main__':\n    raise SystemExit\nCALL", True),
        ("def main():\n    CALL\nif __name__ == '__main__': main()", True),
        ("this is no Python\nCALL", True),
        ("print(__name__)\nCALL", False),
        ("CALL\nif __name__ == '__main__': print()", False),
    ],
)
def test_what_a_guard_is(tmp_path, text, guarded):
    """A script is guarded if it compares its name before it starts a cluster."""
    path = tmp_path / "script.py"
    path.write_text(text)
    lines = text.splitlines()
    line = max(i for i, one in enumerate(lines, 1) if "CALL" in one or "main()" in one)
    assert _cluster_options._is_guarded(path, line) is guarded


def test_local_cluster_ignores_cuda_options_on_cpu():
    """Options for GPUs have nothing to act on where there are CPUs only."""
    with local_cluster(
        1,
        device="cpu",
        processes=False,
        rmm_pool_size=0.8,
        device_memory_limit="1GB",
        enable_cudf_spill=True,
        pre_import="cupy",
        CUDA_VISIBLE_DEVICES=[0],
    ) as cluster:
        assert isinstance(cluster, LocalCluster)


def test_local_cluster_passes_on_other_options():
    """What LocalCluster knows reaches it, and what nobody knows is an error."""
    with local_cluster(
        1, processes=False, threads_per_worker=3, memory_limit="100MiB"
    ) as cluster:
        (worker,) = cluster.workers.values()
        assert worker.state.nthreads == 3
        assert worker.memory_manager.memory_limit == 100 * 2**20
    with pytest.raises((TypeError, RuntimeError)):
        local_cluster(1, processes=False, no_such_option=1)


def test_local_cluster_with_cuda(cuda_without_gpu):
    """With CUDA it is a LocalCUDACluster of one-thread workers, and searches."""
    from dask_cuda import LocalCUDACluster

    X, y = make_data()
    with current(local_cluster(device="cuda", **cuda_without_gpu)) as client:
        assert isinstance(client.cluster, LocalCUDACluster)
        assert list(client.nthreads().values()) == [1, 1]
        assert listening(os.getpid(), *client.run(os.getpid).values()) == LOOPBACK
        visible = client.run(lambda: os.environ["CUDA_VISIBLE_DEVICES"])
        assert sorted(visible.values()) == ["0,1", "1,0"]
        search = make_search().fit(X, y)
        assert not remains(client)
    assert search.score(X, y) > 0.7


def test_local_cluster_by_uuid(cuda_without_gpu):
    """GPUs that are named by UUIDs have a worker each, who sees its own first."""
    chosen = {"CUDA_VISIBLE_DEVICES": UUIDS[:2]}
    options = cuda_without_gpu | chosen
    with current(local_cluster(device="cuda", **options)) as client:
        visible = client.run(lambda: os.environ["CUDA_VISIBLE_DEVICES"])
        one, two = UUIDS[:2]
        assert sorted(visible.values()) == sorted([f"{one},{two}", f"{two},{one}"])


def test_cuda_options_are_those_of_dask_cuda():
    """Every option that LocalCUDACluster adds, and no other, is left out without it."""
    dask_cuda = pytest.importorskip("dask_cuda")

    def options(kind):
        return set(inspect.signature(kind).parameters)

    known = options(LocalCluster) | options(Nanny) | {"kwargs"}
    assert options(dask_cuda.LocalCUDACluster) - known == _gpu_options.CUDA_ONLY


@pytest.mark.parametrize("protocol", ["ucx", "ucxx", "ucx://"])
def test_local_cluster_without_cuda_needs_no_ucx(protocol):
    """A protocol for GPUs becomes the default where there are CPUs only."""
    with local_cluster(1, device="cpu", protocol=protocol) as cluster:
        assert cluster.scheduler_address.startswith("tls://")


# ---- what LocalCUDACluster is given: a stand-in, for any machine ----


PAIR = [card(0, free=40), card(1, free=78)]
MIG = [card(mig=[(9, 10), (18, 20), None])]


class Given(Exception):
    """Carries what the stand-in was called with."""


@pytest.fixture
def given(monkeypatch):
    """Gives the options that LocalCUDACluster gets, on a machine of these GPUs."""

    class Cluster:
        def __init__(self, **options):
            raise Given(options)

    module = types.ModuleType("dask_cuda")
    module.LocalCUDACluster = Cluster
    monkeypatch.setitem(sys.modules, "dask_cuda", module)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    def call(*args, installed=("cupy", "cudf", "cuml", "rmm"), cards=PAIR, **options):
        nvml = None if cards is None else Nvml(cards)
        monkeypatch.setitem(sys.modules, "pynvml", nvml)
        monkeypatch.setattr(
            _clusters, "resolve_device", lambda *_: Device("cuda", 2, "a test says so")
        )
        monkeypatch.setattr(
            _gpu_options, "find_spec", lambda name: name in installed or None
        )
        with pytest.raises(Given) as caught:
            local_cluster(*args, **options)
        assert nvml is None or nvml.calls == ["init", "shutdown"]
        (result,) = caught.value.args
        return result

    return call


def test_defaults_with_cuda(given):
    """By default workers have one thread, a pool, and have imported what they use."""
    options = given()
    del options["scheduler_kwargs"]
    assert options.pop("security").require_encryption
    assert options.pop("local_directory") == scratch_folder()
    assert options.pop("preload") == ["gpu_hpo._worker_signals"]
    assert options == {
        "n_workers": None,
        "threads_per_worker": 1,
        "dashboard_address": None,
        "host": "127.0.0.1",
        "CUDA_VISIBLE_DEVICES": ["0", "1"],
        "pre_import": ["cupy", "cudf", "cuml"],
        "rmm_pool_size": 20 * GIGABYTE,
        "rmm_allocator_external_lib_list": ["cupy"],
    }


def test_options_override_defaults_with_cuda(given):
    """What the user says goes through as it is, also that nothing is imported."""
    said = {
        "CUDA_VISIBLE_DEVICES": ["3", "1", "0"],
        "threads_per_worker": 2,
        "host": "10.0.0.1",
        "pre_import": None,
        "rmm_pool_size": "10GB",
        "rmm_allocator_external_lib_list": ["torch"],
        "device_memory_limit": 0.7,
        "memory_limit": "4GB",
        "enable_cudf_spill": True,
        "cudf_spill_stats": 1,
        "local_directory": "/tmp",
        "log_spilling": True,
    }
    options = given(3, cards=[card(i) for i in range(4)], **said)
    assert options["n_workers"] == 3
    assert {name: options[name] for name in said} == said


@pytest.mark.parametrize(
    ("said", "pool", "with_cupy"),
    [
        ({"rmm_async": True}, None, True),
        ({"rmm_managed_memory": True}, None, True),
        ({"rmm_pool_size": 0.8}, 0.8, True),
        ({"rmm_pool_size": None}, None, False),
        ({"rmm_async": False}, None, False),
        ({"rmm_track_allocations": True}, None, False),
        ({"enable_cudf_spill": True}, 20 * GIGABYTE, True),
        ({"installed": ("cupy",)}, None, False),
    ],
)
def test_pool_by_default(given, said, pool, with_cupy):
    """A pool comes by itself only where RMM is and no other choice of it was made."""
    options = given(**said)
    assert options.get("rmm_pool_size") == pool
    assert (options.get("rmm_allocator_external_lib_list") == ["cupy"]) is with_cupy


def test_pre_import_is_what_is_installed(given):
    """Workers are not told to import what is not there."""
    assert given(installed=("cupy",))["pre_import"] == ["cupy"]


@pytest.mark.parametrize(
    "chosen", [None, "0,1", [0, 1], UUIDS[:2], ",".join(UUIDS[:2])]
)
def test_more_workers_than_gpus(given, chosen):
    """More workers than GPUs are refused, naming both numbers, before any starts."""
    assert given(2, CUDA_VISIBLE_DEVICES=chosen)["n_workers"] == 2
    with pytest.raises(ValueError, match=r"n_workers is 3, and the number of GPUs 2"):
        local_cluster(3, CUDA_VISIBLE_DEVICES=chosen)


@pytest.mark.parametrize(
    ("said", "shown", "cards", "names"),
    [
        (None, f"{UUIDS[1]},{UUIDS[0]}", PAIR, [UUIDS[1], UUIDS[0]]),
        (None, "GPU-0", PAIR, UUIDS[1:2]),
        ("GPU-0, GPU-9", None, PAIR, [UUIDS[1], UUIDS[0]]),
        ([1], "0", PAIR, ["1"]),
        (None, "0,5,1", PAIR, ["0"]),
        (None, None, MIG, ["MIG-00ffff", "MIG-01ffff"]),
        (["MIG-01ffff"], None, MIG, ["MIG-01ffff"]),
        (None, None, [*PAIR[:1], card(1, mig=[(9, 10)])], UUIDS[:1]),
        ([1, 0], None, None, ["1", "0"]),
        (None, f"{UUIDS[1]},x", None, UUIDS[1:2]),
    ],
)
def test_each_worker_has_one_device(given, monkeypatch, said, shown, cards, names):
    """dask-cuda is given the name of each device that a worker can have, once."""
    run = functools.partial(given, cards=cards)
    if shown is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    if said is not None:
        run = functools.partial(run, CUDA_VISIBLE_DEVICES=said)
    assert run()["CUDA_VISIBLE_DEVICES"] == names


@pytest.mark.parametrize(
    ("chosen", "cards", "message"),
    [
        ([0, 7], PAIR, "'7' does not"),
        ("0,1,0", PAIR, "'0' does not"),
        (["GPU-9", 0], PAIR, "'0' does not"),
        (["GPU-ffff"], PAIR, "'GPU-ffff' does not"),
        ([], PAIR, "must name GPUs"),
        ([0], [card(mig=[None])], "needs an instance"),
    ],
)
def test_gpus_that_are_not_there(given, chosen, cards, message):
    """What CUDA would silently leave out is refused by name, before workers start."""
    given()
    sys.modules["pynvml"].cards = cards
    with pytest.raises(ValueError, match=message):
        local_cluster(CUDA_VISIBLE_DEVICES=chosen)


def test_mig_instances_are_small(given):
    """Workers spill by the memory of their instance, not by the whole GPU's."""
    assert given(cards=MIG)["device_memory_limit"] == 8 * GIGABYTE
    assert given(cards=MIG, device_memory_limit="1GB")["device_memory_limit"] == "1GB"
    assert "device_memory_limit" not in given()


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({"protocol": "ucx"}, "protocol='ucx'"),
        ({"protocol": "ucxx"}, "protocol='ucxx'"),
        ({"enable_nvlink": True}, "enable_nvlink=True"),
        ({"enable_tcp_over_ucx": True}, "enable_tcp_over_ucx=True"),
        ({"protocol": "ucx", "enable_rdmacm": True}, "protocol='ucx'"),
        ({"protocol": "ucx", "enable_infiniband": True}, "enable_infiniband=True"),
    ],
)
def test_ucx_needs_its_package(given, said, named):
    """UCX is passed on if it is installed, and refused by name if it is not."""
    options = given(**said, installed=("distributed_ucxx",))
    assert {name: options[name] for name in said} == said
    assert "security" not in options  # UCX knows none
    given()
    with pytest.raises(ValueError, match=r"distributed-ucxx, which is not") as caught:
        local_cluster(**said)
    assert named in str(caught.value)


def test_tcp_needs_no_package(given):
    """TCP, and what switches UCX's ways off, ask for nothing."""
    assert given(protocol="tcp", enable_nvlink=False)["protocol"] == "tcp"


@pytest.mark.parametrize(
    ("cards", "size"),
    [
        ([card()], 39.5),
        ([card(0, free=79), card(1, free=78)], 39),
        ([card(0, free=79), card(1, free=30)], 15),
        ([card(0, 79, 80), card(1, 23, 24)], 11.5),
        (MIG, 4.5),
        ([card(0), card(1, total=None)], None),
        (None, None),
    ],
    ids=["one", "two", "in use", "unequal", "MIG", "host's memory", "no NVML"],
)
def test_pool_is_of_what_is_free(given, cards, size):
    """The pool by default is half of what every GPU of the cluster has to spare."""
    options = given(cards=cards)
    assert options.get("rmm_pool_size") == (size and size * GIGABYTE)


def test_pool_is_of_the_gpus_that_are_used(given):
    """A GPU that no worker gets does not decide about the pool."""
    assert given(CUDA_VISIBLE_DEVICES=[1])["rmm_pool_size"] == 39 * GIGABYTE


@pytest.mark.parametrize(
    ("order", "size"), [("PCI_BUS_ID", 39.5), ("FASTEST_FIRST", 11.5), (None, 11.5)]
)
def test_pool_on_unlike_gpus(given, monkeypatch, order, size):
    """CUDA_DEVICE_ORDER says whether a GPU that is named by its index is NVML's."""
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    if order is not None:
        monkeypatch.setenv("CUDA_DEVICE_ORDER", order)
    options = given(cards=[card(0, 23, 24), card(1)], CUDA_VISIBLE_DEVICES=[1])
    assert options["CUDA_VISIBLE_DEVICES"] == ["1"]
    assert options["rmm_pool_size"] == size * GIGABYTE


CLIENT = """
import sys
from gpu_hpo.devices import Device
from gpu_hpo.compute import _clusters, local_cluster
from distributed import Client

if __name__ == "__main__":
    _clusters.resolve_device = lambda *_: Device("cuda", 2, "a test says so")
    with (
        local_cluster(
            1,
            CUDA_VISIBLE_DEVICES=[0, 1],
            device_memory_limit="1GB",
            pre_import=["json", "wave"],
        ) as cluster,
        Client(cluster) as client,
    ):
        assert all(client.run(lambda: "wave" in sys.modules).values())
    # Dask itself imports CuPy, which initialises nothing until it is used.
    print(sorted({"cudf", "cuml", "wave"} & set(sys.modules)))
"""


def test_client_imports_nothing_for_workers(cuda_without_gpu, tmp_path):
    """What workers import at their start is not imported by the process that asks."""
    (tmp_path / "client.py").write_text(CLIENT)
    out = subprocess.run(
        [sys.executable, tmp_path / "client.py"],
        check=True,
        capture_output=True,
        text=True,
    )
    assert out.stdout.strip() == "[]"


# ---- the embedded cluster ----


def test_embedded_cluster_is_kept_for_later():
    """A second search does not pay for the start of another cluster."""
    X, y = make_data()
    client = embedded_client()
    pids = client.run(os.getpid)
    make_search(max_iter=3).fit(X, y)
    make_search(max_iter=3).fit(X, y)
    assert embedded_client() is client
    assert client.run(os.getpid) == pids
    assert not remains(client)


def test_embedded_cluster_is_not_the_default():
    """Other users of Dask in this process are not given our cluster."""
    assert _get_global_client() is not embedded_client()


def test_embedded_cluster_listens_on_loopback_only():
    """No process of the embedded cluster can be reached from outside."""
    embedded_client()
    assert listening(os.getpid(), *children()) == LOOPBACK


def test_embedded_cluster_is_started_again_once_closed():
    """After its cluster was closed, a search starts another."""
    first = embedded_client()
    pids = first.run(os.getpid).values()
    close_embedded()
    assert not gone(pids, 15)
    close_embedded()
    second = embedded_client()
    assert second is not first
    assert second.submit(sum, [1, 2]).result() == 3


HOLDER = """
    import json, os, sys, time
    import psutil
    from gpu_hpo.compute import embedded_client

    client = embedded_client()
    children = psutil.Process().children(recursive=True)
    print(json.dumps([child.pid for child in children]), flush=True)
    if {busy}:
        future = client.submit(time.sleep, 300)
    {last}
"""


@pytest.mark.parametrize(
    "last",
    ["", "sys.exit(0)", "os.kill(os.getpid(), 15)"],
)
def test_embedded_cluster_ends_with_the_process(run_script, last):
    """When the process ends of itself, no process of its cluster is left."""
    script = run_script(HOLDER.format(busy=False, last=last))
    pids = json.loads(script.line())
    assert len(pids) >= 2
    script.process.wait(30)
    assert not gone(pids, 15)


@pytest.mark.parametrize("busy", [False, True])
def test_embedded_cluster_ends_when_the_process_is_killed(run_script, busy):
    """When the process is killed, its workers end too, also in mid-task."""
    script = run_script(HOLDER.format(busy=busy, last="time.sleep(300)"))
    pids = json.loads(script.line())
    os.kill(script.process.pid, signal.SIGKILL)
    assert not gone(pids, 15)


# ---- BLAS ----


def blas_threads():
    return {
        library["num_threads"]
        for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "blas"
    }


def openmp_threads():
    return {
        library["num_threads"]
        for library in threadpoolctl.threadpool_info()
        if library["user_api"] == "openmp"
    }


class CountsThreads(SGDClassifier):
    """Fails unless BLAS is limited to one thread while it trains and predicts."""

    def partial_fit(self, X, y, classes=None, sample_weight=None):
        assert blas_threads() == {1}
        return super().partial_fit(X, y, classes, sample_weight)

    def predict(self, X):
        assert blas_threads() == {1}
        return super().predict(X)


def set_blas_threads(n):
    # In a thread that ends, since threadpoolctl lets no other thread change what a
    # living one has set.
    thread = threading.Thread(target=threadpoolctl.threadpool_limits, args=(n, "blas"))
    thread.start()
    thread.join()


@pytest.fixture
def many_blas_threads():
    """Lets BLAS have three threads, as on a machine that sets no limit."""
    if not blas_threads():
        pytest.skip("no BLAS that threadpoolctl knows")
    before = blas_threads().pop()
    set_blas_threads(3)
    assert blas_threads() == {3}
    yield
    set_blas_threads(before)


def test_tasks_use_one_blas_thread(threads_client, many_blas_threads):
    """Tasks that overlap in threads have one BLAS thread each, and it is given back."""
    X, y = make_data()
    search = make_search(CountsThreads()).fit(X, y)
    assert not [s for s in search.cv_results_["status"] if "fail" in s]
    assert blas_threads() == {3}


def test_blas_limit_ends_with_the_last_task(many_blas_threads):
    """A limit that several tasks share is lifted by the last, in whatever order."""
    with one_blas_thread():
        assert blas_threads() == {1}
        inside, leave = threading.Event(), threading.Event()

        def other():
            with one_blas_thread():
                inside.set()
                leave.wait(10)

        thread = threading.Thread(target=other)
        thread.start()
        inside.wait(10)
    assert blas_threads() == {1}
    leave.set()
    thread.join()
    assert blas_threads() == {3}


def test_openmp_is_limited_in_every_task_thread():
    """Each thread that trains has one OpenMP thread, since OpenMP counts by thread."""
    if not openmp_threads():
        pytest.skip("no OpenMP that threadpoolctl knows")

    def inside(_):
        with threadpoolctl.threadpool_limits(3, "openmp"):
            with one_blas_thread():
                barrier.wait(10)
                within = openmp_threads()
            return within, openmp_threads()

    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(inside, range(2))) == [({1}, {3})] * 2
