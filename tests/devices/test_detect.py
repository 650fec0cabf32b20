# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Deciding between CPU and GPU."""

from __future__ import annotations

import subprocess
import sys

import pytest

from gpu_hpo.devices import Device, _detect, resolve_device
from gpu_hpo.devices._nvml import list_gpus
from gpu_hpo.devices._visible import devices_for_workers
from gpu_hpo.exceptions import DeviceNotFoundError, GpuHpoError
from tests.devices.fake_nvml import GIGABYTE, UUIDS, Nvml, card


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

    def make(n_gpus, installed=("cupy", "pynvml"), error=None, cards=None):
        cards = [card(i) for i in range(n_gpus)] if cards is None else cards
        nvml = Nvml(cards, error)
        monkeypatch.setitem(sys.modules, "pynvml", nvml)
        monkeypatch.setattr(_detect, "_installed", installed.__contains__)
        return nvml.calls

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
        (UUIDS[1], 1),
        (f"{UUIDS[3]}, {UUIDS[0]}", 2),
        ("GPU-9,GPU-0", 2),
        ("GPU-", 0),
        ("GPU-9,GPU-5,GPU-0", 1),
        ("GPU-9,GPU-99", 0),
        (f"{UUIDS[0]},0", 1),
        (f"0,{UUIDS[0]}", 1),
        (",".join(f"MIG-{i}" for i in range(7)), 7),
        (f"MIG-{UUIDS[0]}/1/0,MIG-{UUIDS[0]}/2/0", 2),
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


THIRDS = [(9, 10), None, (10, 10), (3, 10)]  # three instances and an empty slot


@pytest.mark.parametrize(
    ("cards", "visible", "count"),
    [
        ([card(mig=THIRDS)], None, 3),
        ([card(mig=THIRDS)], "0", 3),
        ([card(mig=THIRDS)], UUIDS[0], 3),
        ([card(mig=THIRDS)], "MIG-02ffff,MIG-00ffff", 2),
        ([card(mig=THIRDS)], "MIG-03", 1),
        ([card(mig=THIRDS)], "MIG-03,MIG-03ff", 0),
        ([card(mig=[None, None])], None, 0),
        ([card(0, mig=THIRDS), card(1, mig=THIRDS)], None, 6),
        ([card(0, mig=THIRDS), card(1, mig=THIRDS)], "1", 3),
        ([card(0, mig=THIRDS), card(1, mig=None)], None, 1),
        ([card(0, mig=THIRDS), card(1, mig=None)], "1,0", 1),
        ([card(0, mig=THIRDS), card(1, mig=None)], "0", 3),
        ([card(0, total=None), card(1, lost=True)], None, 2),
    ],
)
def test_mig(machine, monkeypatch, cards, visible, count):
    """A GPU in MIG mode counts as its instances, and not beside whole GPUs."""
    machine(0, cards=cards)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    device = resolve_device()
    assert device.n_gpus == count
    assert device.name == ("cuda" if count else "cpu")
    if visible is None and cards[0].slots:
        assert "in MIG mode with" in device.reason


@pytest.mark.parametrize(
    ("cards", "visible", "names"),
    [
        ([card(0), card(1)], None, ["0", "1"]),
        ([card(0), card(1)], "1,0", ["1", "0"]),
        ([card(0), card(1)], "GPU-0,GPU-9", [UUIDS[1], UUIDS[0]]),
        ([card(0), card(1, mig=THIRDS)], None, [UUIDS[0]]),
        ([card(0), card(1, mig=THIRDS)], "0", ["0"]),
        ([card(mig=THIRDS)], None, ["MIG-00ffff", "MIG-02ffff", "MIG-03ffff"]),
        ([card(mig=THIRDS)], "MIG-03", ["MIG-03ffff"]),
    ],
)
def test_names_for_workers(monkeypatch, cards, visible, names):
    """Workers get devices by names that show them these, and no other."""
    monkeypatch.setitem(sys.modules, "pynvml", Nvml(cards))
    found = devices_for_workers(visible, list_gpus())
    assert list(found) == names
    assert all(gpu.total for gpu in found.values())


SLOW, FAST = card(0, 20, 24), card(1, 79, 80)


@pytest.mark.parametrize(
    ("cards", "visible", "order", "names", "free"),
    [
        # NVML's order is that of the bus, whatever CUDA's is.
        ([SLOW, FAST], "0,1", "PCI_BUS_ID", ["0", "1"], [20, 79]),
        ([SLOW, FAST], "1", " PCI_BUS_ID", ["1"], [79]),
        ([SLOW, FAST], None, "PCI_BUS_ID", ["0", "1"], [20, 79]),
        # CUDA may mean the other one by its index, so no more is taken for free.
        ([SLOW, FAST], "0", None, ["0"], [20]),
        ([SLOW, FAST], "1", "FASTEST_FIRST", ["1"], [20]),
        ([SLOW, FAST], "1,0", "", ["1", "0"], [20, 20]),
        ([card(0, total=None), FAST], "0", None, ["0"], [None]),
        # A UUID means one GPU in any order.
        ([SLOW, FAST], None, None, UUIDS[:2], [20, 79]),
        ([SLOW, FAST], None, "FASTEST_FIRST", UUIDS[:2], [20, 79]),
        ([SLOW, FAST], UUIDS[1], None, UUIDS[1:2], [79]),
        ([card(0, 20), card(1, name=b"another")], None, None, UUIDS[:2], [20, 79]),
        ([card(0, 20), card(1, name=b"another")], "1", None, ["1"], [20]),
        # GPUs of one kind are counted in the order of the bus.
        ([card(0, 20), card(1, 79)], "1,0", None, ["1", "0"], [79, 20]),
        ([card(0, 20), card(1, 79)], None, "FASTEST_FIRST", ["0", "1"], [20, 79]),
    ],
)
def test_order_of_unlike_gpus(monkeypatch, cards, visible, order, names, free):
    """An index stands for NVML's GPU only where CUDA counts in the same order."""
    monkeypatch.setitem(sys.modules, "pynvml", Nvml(cards))
    found = devices_for_workers(visible, list_gpus(), order)
    assert list(found) == names
    known = [None if size is None else size * GIGABYTE for size in free]
    assert [gpu.free for gpu in found.values()] == known


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
