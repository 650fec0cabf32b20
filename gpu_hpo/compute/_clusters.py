# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Start a cluster: one worker per GPU, or one per core."""

from __future__ import annotations

from typing import Any

from dask.system import CPU_COUNT
from distributed import LocalCluster
from distributed.utils import format_dashboard_link

from gpu_hpo.compute._cluster_options import (
    check_guarded,
    check_options,
    check_protocol,
)
from gpu_hpo.compute._gpu_options import (
    CUDA_ONLY,
    is_ucx,
    prepare_for_cuda,
    uses_ucx,
)
from gpu_hpo.compute._privacy import (
    PrivateScheduler,
    default_security,
    hide_dashboard,
    private_scratch,
    scratch_folder,
)
from gpu_hpo.compute._quiet import make_quiet
from gpu_hpo.devices._detect import check_choice, resolve_device

ANY_PORT = "127.0.0.1:0"


class LoopbackCluster(LocalCluster):
    """Links to its dashboard where that listens, also if its workers are threads."""

    @property
    def dashboard_link(self) -> str:
        """Where the dashboard is; "" if there is none."""
        services = getattr(self.scheduler, "services", {})
        address = getattr(services.get("dashboard"), "address", None)
        if address is None or address == "0.0.0.0":
            return str(super().dashboard_link)
        return str(format_dashboard_link(address, services["dashboard"].port))


def local_cluster(
    n_workers: int | None = None, *, device: str = "auto", **options: Any
) -> LocalCluster:
    """Start a cluster on this machine: one worker per GPU, or one per core.

    Parameters
    ----------
    n_workers : int, optional
        By default as many as there are GPUs, or cores without CUDA; not more than GPUs.
    device : {"auto", "cpu", "cuda"}, default="auto"
        What to run on; the environment variable ``GPU_HPO_DEVICE`` overrides it.
    **options
        For ``dask_cuda.LocalCUDACluster`` or ``distributed.LocalCluster``. Without CUDA
        options that only the former has, and protocols for GPUs, are ignored, so that
        one script runs on both. See the notes.

    Returns
    -------
    distributed.LocalCluster
        Has worker processes with one thread each. It listens on the loopback interface
        only, and only to those who have its certificates, as ``Client(cluster)`` has,
        unless ``protocol="ucx"``. Close it, or use it in a ``with`` block.

    Raises
    ------
    DeviceNotFoundError
        If CUDA is asked for where there is none.
    UnguardedScriptError
        If worker processes would run the script that calls this.
    ValueError, TypeError
        If an argument is out of range or unknown, if `n_workers` is larger than the
        number of GPUs, if ``CUDA_VISIBLE_DEVICES`` names one that is not there, or if
        UCX is asked for and distributed-ucxx is not installed.

    Notes
    -----
    Who can talk to a cluster can run code in it, and all users of a machine share the
    loopback interface. So processes talk by TLS, with certificates that are made for
    this cluster: pass the cluster to ``Client``, or its ``security`` with its address.
    ``security=`` takes certificates of your own; ``security=None``, or
    ``protocol="tcp"``, lets everybody in. Scratch files are in a folder that only you
    can read, unless ``local_directory`` or Dask's ``temporary-directory`` says where.

    There is no dashboard unless ``dashboard_address`` says where, such as
    "127.0.0.1:0"; it needs Bokeh. Without it ``dashboard_link`` is empty.

    What decides how GPUs are used:

    - ``CUDA_VISIBLE_DEVICES``: which GPUs to use, as "0,2", [0, 2] or a list of UUIDs.
      By default all that the environment variable of this name shows. Of a GPU in MIG
      mode each instance has a worker; beside whole GPUs its instances are left out,
      since CUDA shows a process either whole GPUs or one instance. If GPUs are unlike,
      and the environment variable ``CUDA_DEVICE_ORDER`` is not "PCI_BUS_ID", only CUDA
      knows which of them an index means: UUIDs are better then, since of one named by
      its index no more memory is assumed to be free than on any other.
    - ``pre_import``: what workers import before the first task. By default those of
      CuPy, cuDF and cuML that are installed.
    - ``rmm_pool_size``: memory that each worker reserves at the start, since allocation
      is slow; as "10GB", or as a share of the memory of the machine's first GPU. By
      default half of what is free on each of the GPUs, if RMM is installed and no
      option ``rmm_*`` is given. A pool grows as needed.
    - ``rmm_maximum_pool_size``, ``rmm_async``, ``rmm_release_threshold``,
      ``rmm_managed_memory``: how far the pool grows, or another way to allocate.
    - ``rmm_allocator_external_lib_list``: which other libraries allocate by RMM. By
      default CuPy, if workers have a pool or one of its alternatives.
    - ``device_memory_limit``: how full a GPU, or a MIG instance, may be, by default
      80 %, before results of tasks move to the host; ``memory_limit``: the same for the
      host, from which they move to disk, in the folder ``local_directory``. Neither
      counts what a task holds while it runs.
    - ``enable_cudf_spill``, ``cudf_spill_stats``: cuDF moves its own columns to the
      host when memory is short. Only these options import cuDF in this process too.
    - ``protocol="ucx"``: workers exchange data over NVLink or InfiniBand instead of
      TCP; ``enable_nvlink``, ``enable_infiniband``, ``enable_rdmacm`` and
      ``enable_tcp_over_ucx`` select which. It listens on all interfaces, to everybody.
      It is rarely worth it, since models and rows stay where they are.
    - ``rmm_log_directory``, ``rmm_track_allocations``, ``log_spilling``: for debugging.

    In the calling process no GPU is initialised and nothing is allocated on one, except
    by UCX, which runs here for the scheduler.
    """
    check_options(n_workers, options, CUDA_ONLY)
    device = check_choice(device, "device")
    if options.get("processes", True):
        check_guarded()
    if not options.setdefault("dashboard_address", None):
        # Even without a dashboard there is an HTTP server: on all interfaces if the
        # workers are threads, and on a fixed port, with a warning if it is taken.
        given = options.pop("scheduler_kwargs", None) or {}
        options["scheduler_kwargs"] = {
            "dashboard": False,
            "dashboard_address": ANY_PORT,
            **given,
        }
    options.setdefault("threads_per_worker", 1)
    options.setdefault("local_directory", scratch_folder())
    resolved = resolve_device(device)
    if resolved.name == "cuda":
        prepare_for_cuda(n_workers, options, resolved)
        from dask_cuda import LocalCUDACluster

        return _privately(LocalCUDACluster, n_workers, options)
    # Without effect where there is no CUDA, as are protocols of UCX; they are left out,
    # so that one script runs on both.
    for name in CUDA_ONLY & options.keys():
        del options[name]
    if is_ucx(options):
        del options["protocol"]
    check_protocol(options.get("protocol"))
    if options.get("processes", True):
        options.setdefault("host", "127.0.0.1")
    else:
        options.setdefault("worker_dashboard_address", ANY_PORT)
    return _privately(
        LoopbackCluster, CPU_COUNT if n_workers is None else n_workers, options
    )


def _privately(
    kind: type[LocalCluster], n_workers: int | None, options: dict[str, Any]
) -> LocalCluster:
    """Start a cluster that other users of this machine have no access to."""
    make_quiet(options)
    security = None if uses_ucx(options) else default_security(options)
    if security is not None:
        options["security"] = security
    with private_scratch():
        cluster = kind(n_workers=n_workers, **options)
    if options.get("asynchronous"):  # its scheduler starts later
        cluster.scheduler_spec["cls"] = PrivateScheduler
    elif not options["dashboard_address"]:
        hide_dashboard(cluster.scheduler)
        cluster.scheduler_info["services"].pop("dashboard", None)
    return cluster
