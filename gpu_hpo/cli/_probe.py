# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Look at what may crash or hang: the doctor runs this in a process of its own.

Each probe prints one JSON object per line. Before something that may end the process it
says what it begins.
"""

from __future__ import annotations

import glob
import json
import os
import sys
import time
from typing import Any

_lines: Any = None


def say(**said: Any) -> None:
    """Tell the doctor something."""
    _lines.write(json.dumps(said) + "\n")
    _lines.flush()


def machine() -> None:
    """Ask NVML, and the function by which searches choose their device."""
    from gpu_hpo.cli._cuda_steps import steps_here
    from gpu_hpo.devices._detect import _installed, resolve_device
    from gpu_hpo.devices._nvml import list_gpus, open_nvml, text
    from gpu_hpo.devices._visible import devices_for_workers, first_ignored

    say(
        begin="NVML",
        pynvml=_installed("pynvml"),
        cupy=_installed("cupy"),
        dask_cuda=_installed("dask_cuda"),
        cuml=_installed("cuml"),
        files=gpu_files(),
        steps=steps_here(),
    )
    gpus = []
    began = time.monotonic()
    if _installed("pynvml") and not _leaves_nvml_alone():
        try:
            gpus = list_gpus()
            with open_nvml() as nvml:
                say(driver=text(nvml.nvmlSystemGetDriverVersion()))
                cuda = nvml.nvmlSystemGetCudaDriverVersion_v2()
            say(cuda=[cuda // 1000, cuda % 1000 // 10])
        except Exception as error:
            say(nvml_error=describe(error))
    say(gpus=[_gpu(gpu) for gpu in gpus], nvml_seconds=time.monotonic() - began)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and gpus:
        say(
            ignored=first_ignored(visible, gpus),
            n_shown=len(devices_for_workers(visible, gpus)),
        )
    say(begin="the choice of a device")
    try:
        device = resolve_device()
    except (ValueError, RuntimeError) as error:  # about GPU_HPO_DEVICE
        say(device_error=describe(error))
    else:
        say(
            device={
                "name": device.name,
                "n_gpus": device.n_gpus,
                "reason": device.reason,
            }
        )


def gpu_files() -> int:
    """Count the GPUs that the system shows without NVML; Windows' show as one."""
    device_files = glob.glob("/dev/nvidia[0-9]*")
    # /dev/dxg is there for GPUs of any make.
    in_windows = glob.glob("/usr/lib/wsl/lib/libnvidia-ml.so*")
    return len(device_files) or int(bool(in_windows))


def _leaves_nvml_alone() -> bool:
    """Return whether neither searches nor Dask ask NVML, as where it hangs."""
    import dask.config

    from gpu_hpo.devices._detect import wanted_device

    try:
        wanted, _ = wanted_device("auto")
    except ValueError:  # about GPU_HPO_DEVICE, of which more is said below
        return False
    asked = dask.config.get("distributed.diagnostics.nvml", default=True)
    return wanted == "cpu" and not asked


def _gpu(gpu: Any) -> dict[str, Any]:
    return {
        "name": gpu.name,
        "uuid": gpu.uuid,
        "free": gpu.free,
        "total": gpu.total,
        "instances": None
        if gpu.instances is None
        else [_gpu(instance) for instance in gpu.instances],
    }


def host(*libraries: str) -> None:
    """Look at cores, BLAS, and folders that searches write to."""
    import tempfile

    say(begin="folders")
    try:
        from gpu_hpo.compute._privacy import scratch_folder

        say(scratch=_written(scratch_folder(), tempfile))
    except OSError as error:
        say(scratch_error=describe(error))
    say(begin="compiled code")
    from gpu_hpo.linear_model._compiled_dense import train_dense

    kept: Any = train_dense
    say(compiled=getattr(kept._cache, "cache_path", None))
    say(begin="BLAS")
    import numpy as np
    import sklearn.linear_model  # noqa: F401
    import threadpoolctl
    from dask.system import CPU_COUNT
    from distributed.system import MEMORY_LIMIT

    ones = np.ones((64, 64))
    assert (ones @ ones == 64).all()
    blas = [lib for lib in threadpoolctl.threadpool_info() if lib["user_api"] == "blas"]
    say(
        blas=sorted({lib["internal_api"] for lib in blas}),
        blas_threads=max((lib["num_threads"] for lib in blas), default=1),
        cores=CPU_COUNT,
        memory=MEMORY_LIMIT,
    )
    if "cupy" in libraries:
        say(begin="CuPy's folder")
        folder = os.environ.get("CUPY_CACHE_DIR") or os.path.expanduser(
            "~/.cupy/kernel_cache"
        )
        try:
            os.makedirs(folder, exist_ok=True)
            say(cupy_cache=_written(folder, tempfile))
        except OSError as error:
            say(cupy_cache_error=describe(error))


def _written(folder: str, tempfile: Any) -> dict[str, Any]:
    """Write a file to a folder, and say how much more it can take."""
    import shutil

    with tempfile.NamedTemporaryFile(dir=folder) as file:
        file.write(b"x")
    return {"folder": folder, "free": shutil.disk_usage(folder).free}


def search() -> None:
    """Run a small search of the default kind, on the device that searches choose."""
    from importlib import import_module

    from scipy.stats import loguniform
    from sklearn.datasets import load_digits

    from gpu_hpo.compute import close_embedded
    from gpu_hpo.devices import resolve_device
    from gpu_hpo.model_selection import HyperbandSearchCV

    # On the CPU ours is compiled at first, which takes as long as all of this.
    on_gpu = resolve_device().name == "cuda"
    library = "gpu_hpo.linear_model" if on_gpu else "sklearn.linear_model"
    model = import_module(library).SGDClassifier()

    X, y = load_digits(return_X_y=True)
    began = time.monotonic()
    found = HyperbandSearchCV(
        model, {"alpha": loguniform(1e-5, 1e1)}, max_iter=9, random_state=0
    ).fit(X.astype("float32"), y)
    say(
        score=float(found.best_score_),
        n_models=found.metadata_["n_models"],
        calls=found.metadata_["partial_fit_calls"],
        device=found.device_.name,
        reason=found.device_.reason,
        seconds=time.monotonic() - began,
        errors=[str(e) for e in found.cv_results_["error"] if e][:1],
    )
    close_embedded()


def cuda(*steps: str) -> None:
    """Use libraries of CUDA, one after another."""
    from gpu_hpo.cli._cuda_steps import STEPS

    for name in steps:
        say(begin=name)
        began = time.monotonic()
        try:
            found = STEPS[name]()
        except Exception as error:
            say(step=name, error=describe(error), seconds=time.monotonic() - began)
        else:
            say(step=name, found=found, seconds=time.monotonic() - began)


def describe(error: BaseException) -> str:
    """Name an error by its class and the first line of what it says."""
    from gpu_hpo.cli._cuda_steps import NotUsableError

    name, lines = type(error).__name__, str(error).strip().splitlines()
    if not lines:
        return name
    said = lines[0][:1000]
    return said if isinstance(error, NotUsableError) else f"{name}: {said}"


PROBES = {"machine": machine, "host": host, "search": search, "cuda": cuda}


def main(name: str, *arguments: str) -> None:
    """Run a probe; what libraries print goes to standard error, and not between."""
    global _lines
    _lines = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    PROBES[name](*arguments)


if __name__ == "__main__":
    # As a module of its own name: the worker processes of a search import this file.
    from gpu_hpo.cli import _probe

    _probe.main(*sys.argv[1:])
