# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Deciding between CPU and GPU."""

from __future__ import annotations

import subprocess
import sys
import types

import pytest

from gpu_hpo.devices import Device, _detect, resolve_device
from gpu_hpo.exceptions import DeviceNotFoundError, GpuHpoError


@pytest.fixture(autouse=True)
def fresh(monkeypatch):
    """Every test starts with nothing cached and no variable set."""
    monkeypatch.delenv("GPU_HPO_DEVICE", raising=False)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    _detect._usable_gpus.cache_clear()
    yield
    _detect._usable_gpus.cache_clear()


@pytest.fixture
def machine(monkeypatch):
    """A function that makes this a machine with so many GPUs and such packages."""

    def make(n_gpus, installed=("cupy", "pynvml"), error=None):
        calls = []
        nvml = types.ModuleType("pynvml")

        def init():
            calls.append("init")
            if error:
                raise error

        nvml.nvmlInit = init
        nvml.nvmlShutdown = lambda: calls.append("shutdown")
        nvml.nvmlDeviceGetCount = lambda: n_gpus
        monkeypatch.setitem(sys.modules, "pynvml", nvml)
        monkeypatch.setattr(_detect, "_installed", installed.__contains__)
        return calls

    return make


def test_no_gpu_means_cpu(machine):
    """Without a GPU "auto" gives the CPU, and says why."""
    machine(0)
    assert resolve_device() == Device("cpu", 0, "NVML counts no GPU")


def test_all_gpus_are_found(machine):
    """Without CUDA_VISIBLE_DEVICES every GPU that NVML counts is usable."""
    calls = machine(4)
    device = resolve_device()
    assert (device.name, device.n_gpus) == ("cuda", 4)
    assert "4 GPUs" in device.reason
    assert calls == ["init", "shutdown"]


@pytest.mark.parametrize(
    ("visible", "count"),
    [
        ("", 0),
        (" ", 0),
        ("-1", 0),
        ("none", 0),
        ("NoDevFiles", 0),
        ("void", 0),
        ("0", 1),
        (" 1 , 0 ", 2),
        ("3,2,1,0", 4),
        ("0,-1,1", 1),
        ("-1,0", 0),
        ("0,x,1", 1),
        ("0,9,1", 1),
        ("9", 0),
        ("0,1,0", 0),
        ("0,,1", 1),
        ("GPU-9baca7f5", 1),
        ("GPU-9baca7f5,GPU-0f2f01ac", 2),
        ("GPU-9baca7f5,0", 1),
        ("0,GPU-9baca7f5", 1),
        (",".join(f"MIG-{i}" for i in range(7)), 7),
        ("MIG-GPU-9baca7f5/1/0,MIG-GPU-9baca7f5/2/0", 2),
        ("MIG-1,MIG-1", 0),
    ],
)
def test_visible_devices(machine, monkeypatch, visible, count):
    """CUDA_VISIBLE_DEVICES limits the count exactly as CUDA reads it."""
    machine(4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    device = resolve_device()
    assert device.n_gpus == count
    assert device.name == ("cuda" if count else "cpu")
    assert visible in device.reason


def test_visible_devices_need_a_gpu(machine, monkeypatch):
    """Naming devices does not make them exist."""
    machine(0)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,1")
    assert resolve_device().name == "cpu"


def test_hidden_devices_are_not_counted(machine, monkeypatch):
    """Where every device is hidden, NVML is not even asked."""
    calls = machine(4)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    resolve_device()
    assert calls == []


@pytest.mark.parametrize("missing", ["cupy", "pynvml"])
def test_missing_package_means_cpu(machine, missing):
    """GPUs are left alone where the packages to use them are missing."""
    machine(2, installed={"cupy", "pynvml"} - {missing})
    device = resolve_device()
    assert device.name == "cpu"
    assert missing in device.reason.lower()


def test_nvml_failure_means_cpu(machine):
    """An error of NVML's, of whatever class, means that there is no GPU."""
    machine(2, error=OSError("no libnvidia-ml.so.1"))
    device = resolve_device()
    assert device.name == "cpu"
    assert "no libnvidia-ml.so.1" in device.reason


def test_cpu_asked_for(machine):
    """Asking for the CPU needs no look at the hardware."""
    calls = machine(2)
    assert resolve_device("cpu").name == "cpu"
    assert calls == []


@pytest.mark.parametrize("override", ["cpu", " CPU "])
def test_variable_overrides_the_argument(machine, monkeypatch, override):
    """GPU_HPO_DEVICE wins over the argument, in any case of letters."""
    machine(2)
    monkeypatch.setenv("GPU_HPO_DEVICE", override)
    device = resolve_device("cuda")
    assert device.name == "cpu"
    assert "GPU_HPO_DEVICE" in device.reason


@pytest.mark.parametrize("override", ["", "auto"])
def test_variable_auto_leaves_the_choice(machine, monkeypatch, override):
    """GPU_HPO_DEVICE=auto, or empty, leaves the choice to the argument."""
    machine(2)
    monkeypatch.setenv("GPU_HPO_DEVICE", override)
    assert resolve_device("cpu").name == "cpu"
    assert resolve_device().name == "cuda"


def test_bad_variable(machine, monkeypatch):
    """A wrong GPU_HPO_DEVICE is an error that names it, its value and what is right."""
    machine(2)
    monkeypatch.setenv("GPU_HPO_DEVICE", "gpu")
    with pytest.raises(
        ValueError, match=r"GPU_HPO_DEVICE is 'gpu'.*'auto', 'cpu', 'cuda'"
    ):
        resolve_device()


@pytest.mark.parametrize("requested", ["tpu", None, 1, ["cpu"]])
def test_bad_argument(machine, requested):
    """A wrong argument is an error that names it, its value and what is right."""
    machine(2)
    with pytest.raises(ValueError, match=r"requested is .*'auto', 'cpu', 'cuda'"):
        resolve_device(requested)


def test_cuda_asked_for_where_there_is_none(machine, monkeypatch):
    """Asking for a GPU where there is none is an error that says why."""
    machine(0)
    with pytest.raises(DeviceNotFoundError, match=r"device='cuda'.*counts no GPU"):
        resolve_device("cuda")
    monkeypatch.setenv("GPU_HPO_DEVICE", "cuda")
    with pytest.raises(RuntimeError, match="GPU_HPO_DEVICE=cuda"):
        resolve_device()
    assert issubclass(DeviceNotFoundError, GpuHpoError)


def test_decision_is_cached_by_its_inputs(machine, monkeypatch):
    """The hardware is looked at once, and again only if a variable changes."""
    calls = machine(4)
    first = resolve_device()
    assert resolve_device("cuda") == first == resolve_device()
    assert calls.count("init") == 1
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    assert resolve_device().n_gpus == 1
    assert calls.count("init") == 2


def test_detection_imports_no_cuda_library():
    """Detecting imports none of the libraries that would set CUDA up."""
    code = (
        "import sys\n"
        "from gpu_hpo.devices import resolve_device\n"
        "resolve_device()\n"
        "print({'cupy', 'cudf', 'cuml', 'numba', 'dask_cuda'} & set(sys.modules))"
    )
    out = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "set()"
