# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What `gpu-hpo doctor` says of GPUs, their driver and the environment."""

import fnmatch

import pytest

from gpu_hpo.cli import _probe
from gpu_hpo.cli._device_checks import judge_devices

GIB = 2**30


def gpu(name="a card", uuid="GPU-1", free=70, total=80, instances=None):
    """What the probe says of a GPU; memory in GiB."""
    return {
        "name": name,
        "uuid": uuid,
        "free": None if total is None else free * GIB,
        "total": None if total is None else total * GIB,
        "instances": instances,
    }


MACHINE = {
    "pynvml": True,
    "cupy": True,
    "dask_cuda": True,
    "cuml": True,
    "files": 1,
    "driver": "580.1",
    "cuda": [13, 0],
    "gpus": [gpu()],
    "nvml_seconds": 0.1,
    "device": {"name": "cuda", "n_gpus": 1, "reason": "NVML counts 1 GPU"},
}


def judged(environ=(), built_for=(), **facts):
    """What is found on a machine that differs in these facts, by name."""
    found = judge_devices({**MACHINE, **facts}, dict(built_for), dict(environ))
    return {finding.name: finding for finding in found}


def test_machine_that_is_well():
    """Driver and memory are named, and nothing is to be mended."""
    found = judged(built_for={13: ["cupy-cuda13x"]})
    assert {name: finding.status for name, finding in found.items()} == {
        "driver": "ok",
        "gpu 0": "ok",
    }
    assert found["gpu 0"].text == "a card, 70.0 of 80.0 GiB free"


def test_plain_machine():
    """Without a GPU and without CuPy there is nothing to mend."""
    found = judged(cupy=False, pynvml=False, files=0, gpus=[])
    assert [finding.status for finding in found.values()] == ["ok"]


@pytest.mark.parametrize(
    ("facts", "count", "extra"),
    [
        ({"cuda": [12, 4]}, "1 GPU,", "cu12"),
        ({"cuda": [13, 0]}, "1 GPU,", "cu13"),
        ({"pynvml": False, "gpus": [], "files": 2}, "2 GPUs,", "cu13"),
    ],
)
def test_gpus_without_cupy(facts, count, extra):
    """GPUs that nothing can use are told, with the extra for the driver's CUDA."""
    found = judged(cupy=False, **facts)["device"]
    assert found.status == "fail"
    assert count in found.text
    assert f"pip install 'gpu_hpo[{extra}]'" in found.cure
    quiet = judged({"GPU_HPO_DEVICE": "cpu"}, cupy=False, **facts)
    assert "fail" not in {finding.status for finding in quiet.values()}


@pytest.mark.parametrize(
    ("files", "count"),
    [
        ([], 0),
        (["/dev/nvidia0", "/dev/nvidia1", "/dev/nvidiactl"], 2),
        (["/dev/dxg"], 0),
        (["/dev/dxg", "/usr/lib/wsl/lib/libnvidia-ml.so.1"], 1),
    ],
)
def test_gpus_without_nvml(files, count, monkeypatch):
    """GPUs are counted by the files of their driver, and those of others are not."""
    monkeypatch.setattr("glob.glob", lambda pattern: fnmatch.filter(files, pattern))
    assert _probe.gpu_files() == count


def test_packages_that_are_missing():
    """Each package that a search on GPUs lacks is named, with how to install it."""
    found = judged(pynvml=False, gpus=[])["device"]
    assert (found.status, found.cure) == ("fail", "pip install nvidia-ml-py")
    found = judged(dask_cuda=False)["dask-cuda"]
    assert (found.status, found.cure) == ("fail", "pip install 'gpu_hpo[cu13]'")
    assert judged(cuml=False)["cuml"].status == "note"


def test_driver_that_is_too_old():
    """A driver for CUDA 12 beside packages for CUDA 13 is told, with both ways out."""
    found = judged(built_for={13: ["cupy-cuda13x"]}, cuda=[12, 2])["driver"]
    assert found.status == "fail"
    assert "580.1, for CUDA 12.2, is older than CUDA 13, which cupy-cuda13x" in (
        found.text
    )
    assert "driver for CUDA 13" in found.cure
    assert "gpu_hpo[cu12]" in found.cure
    newer = judged(built_for={12: ["cupy-cuda12x"]}, cuda=[13, 0])["driver"]
    assert newer.status == "ok"


def test_driver_of_unknown_version():
    """A driver that does not tell its version is no reason to find no GPU."""
    error = "NVMLError_FunctionNotFound: Function Not Found"
    found = judged(nvml_error=error, driver="unknown", cuda=[0, 0])
    assert {finding.status for finding in found.values()} == {"ok"}


def test_nvml_that_is_slow():
    """More than ten seconds until NVML answers is told."""
    slow = [
        finding
        for finding in judge_devices({**MACHINE, "nvml_seconds": 14}, {}, {})
        if finding.status == "warn"
    ]
    assert "NVML took 14 s" in slow[0].text
    assert "persistence-mode" in slow[0].cure


@pytest.mark.parametrize(
    ("card", "status", "words"),
    [
        (gpu(free=4), "warn", "4.0 of 80.0 GiB free"),
        (gpu(total=None), "ok", "shares the memory of the host"),
        (gpu(name="", uuid=""), "fail", "does not answer"),
        (gpu(instances=[]), "fail", "in MIG mode and has no instance"),
        (
            gpu(instances=[gpu(total=10, free=9), gpu(total=20, free=19)]),
            "ok",
            "2 instances: 9.0 of 10.0 GiB free, 19.0 of 20.0 GiB free",
        ),
        (gpu(instances=[gpu(total=None)]), "ok", "1 instance: of unknown memory"),
    ],
)
def test_memory_and_mig(card, status, words):
    """Each GPU is named with its memory or instances, or with why it cannot be used."""
    found = judged(gpus=[card])["gpu 0"]
    assert found.status == status
    assert words in found.text
    assert bool(found.cure) == (status != "ok")


def test_unlike_gpus():
    """GPUs that CUDA may number otherwise, or leaves out, are told."""
    cards = [gpu(), gpu(name="another", uuid="GPU-2")]
    assert "PCI_BUS_ID" in judged(gpus=cards)["order"].cure
    assert "order" not in judged({"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, gpus=cards)
    cards = [gpu(), gpu(uuid="GPU-2", instances=[gpu(uuid="MIG-1")])]
    assert "left out beside whole GPUs" in judged(gpus=cards)["mig"].text


@pytest.mark.parametrize(
    ("visible", "facts", "status"),
    [
        ("0", {"n_shown": 1, "ignored": None}, "ok"),
        ("7", {"n_shown": 0, "ignored": "7"}, "fail"),
        ("0,0", {"n_shown": 0, "ignored": "0"}, "fail"),
        ("0,x", {"n_shown": 1, "ignored": "x"}, "fail"),
    ],
)
def test_visible_devices(visible, facts, status):
    """A list that CUDA takes as it is is well; any other is to be mended."""
    found = judged({"CUDA_VISIBLE_DEVICES": visible}, **facts)["visible"]
    assert found.status == status
    assert repr(visible) in found.text
