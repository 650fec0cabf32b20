# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Judge what was found of GPUs, their driver and variables of the environment."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from gpu_hpo.cli._cures import DRIVER, cure_of
from gpu_hpo.cli._finding import Finding

# As in gpu_hpo/devices/_detect.py, which is not imported here: the doctor has to speak
# where NumPy cannot be imported, or crashes.
DEVICE_VARIABLE = "GPU_HPO_DEVICE"
_LEAST_FREE = 0.1  # of the memory of a GPU
_SLOW = 10  # seconds
_HIDING = ("", "-1", "none", "void", "nodevfiles")


def wants_cpu(environ: Mapping[str, str] = os.environ) -> bool:
    """Return whether the user wants no GPU: by GPU_HPO_DEVICE, or by hiding all."""
    if environ.get(DEVICE_VARIABLE, "").strip().lower() == "cpu":
        return True
    return hides_all(environ)


def hides_all(environ: Mapping[str, str]) -> bool:
    """Return whether CUDA_VISIBLE_DEVICES is one of the usual words for none."""
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    return visible is not None and visible.split(",")[0].strip().lower() in _HIDING


def judge_devices(
    facts: Mapping[str, Any],
    built_for: Mapping[int, list[str]],
    environ: Mapping[str, str] = os.environ,
) -> Iterator[Finding]:
    """Yield what is worth saying, from the first cause to the last.

    Parameters
    ----------
    facts : mapping
        What the probe `machine` has said.
    built_for : mapping of int to list of str
        As `cuda_of_packages` returns it.
    environ : mapping of str to str
    """
    wanted = environ.get(DEVICE_VARIABLE, "").strip().lower()
    if "device_error" in facts and wanted != "cuda":
        yield Finding(
            "device",
            "fail",
            facts["device_error"],
            f"set {DEVICE_VARIABLE} to auto, cpu or cuda, or unset it",
        )
    elif wants_cpu(environ):
        yield _wanted_cpu(facts, environ)
    else:
        yield from _lacking(facts, built_for)
        if facts.get("gpus"):
            yield from _visible(facts, environ)
            yield from _driver(facts, built_for)
        if "device_error" in facts:
            yield Finding(
                "device",
                "fail",
                facts["device_error"],
                f"mend what else is said here, or unset {DEVICE_VARIABLE}",
            )
    for number, gpu in enumerate(facts.get("gpus", ())):
        yield _memory(number, gpu)
    yield from _unlike(facts, environ)


def _wanted_cpu(facts: Mapping[str, Any], environ: Mapping[str, str]) -> Finding:
    count = len(facts.get("gpus", ()))
    if not hides_all(environ):
        text, variable = f"{DEVICE_VARIABLE}=cpu asks for the CPU", DEVICE_VARIABLE
    else:
        variable = "CUDA_VISIBLE_DEVICES"
        text = f"{variable}={environ[variable]!r} hides every GPU"
        if facts.get("dask_cuda"):
            text += ", though dask-cuda by itself would count one"
    cure = f"unset {variable} to search on GPUs" if count else ""
    return Finding("device", "note" if count else "ok", text, cure)


def _lacking(
    facts: Mapping[str, Any], built_for: Mapping[int, list[str]]
) -> Iterator[Finding]:
    """Say what is missing for a search on GPUs."""
    gpus, files = facts.get("gpus", ()), facts.get("files", 0)
    cuda = facts.get("cuda", [13])[0]
    install = f"pip install 'gpu_hpo[cu{12 if cuda == 12 else 13}]'"
    error = facts.get("nvml_error", "")
    if not facts.get("cupy"):
        if gpus or files:
            yield Finding(
                "device",
                "fail",
                f"this machine has {_count(len(gpus) or files)}, but CuPy is not "
                "installed",
                f"{install}, or set {DEVICE_VARIABLE}=cpu",
            )
        else:
            yield Finding("device", "ok", "no NVIDIA GPU is found, and no CuPy")
        return
    if not facts.get("pynvml"):
        yield Finding(
            "device",
            "fail",
            "pynvml, which counts GPUs, is not installed, but CuPy is",
            "pip install nvidia-ml-py",
        )
    elif error and not gpus:
        yield Finding("driver", "fail", f"NVML finds no GPU ({error})", cure_of(error))
    elif not gpus:
        yield Finding("driver", "fail", "NVML counts no GPU", DRIVER)
    if not gpus:
        return
    if not facts.get("dask_cuda"):
        yield Finding(
            "dask-cuda",
            "fail",
            "dask-cuda, which starts a worker per GPU, is not installed",
            install,
        )
    if not facts.get("cuml"):
        yield Finding(
            "cuml",
            "note",
            "cuML is not installed: scikit-learn's estimators train on the CPU",
            install,
        )
    seconds = facts.get("nvml_seconds", 0)
    if seconds > _SLOW:
        yield Finding(
            "driver",
            "warn",
            f"NVML took {seconds:.0f} s to answer, which every process waits for",
            "keep the driver loaded: `sudo nvidia-smi --persistence-mode=1`",
        )


def _visible(facts: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[Finding]:
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return
    count, shown = len(facts["gpus"]), facts.get("n_shown", 0)
    text = f"CUDA_VISIBLE_DEVICES={visible!r} shows {shown} of {_count(count)}"
    cure = "name GPUs by indices from 0, or by UUIDs of `nvidia-smi -L`; each once"
    ignored = facts.get("ignored")
    if not shown:
        yield Finding("visible", "fail", text, cure)
    elif ignored is not None:
        yield Finding(
            "visible", "fail", f"{text}: CUDA ignores all from {ignored!r} on", cure
        )
    else:
        yield Finding("visible", "ok", text)


def _driver(
    facts: Mapping[str, Any], built_for: Mapping[int, list[str]]
) -> Iterator[Finding]:
    driver, cuda = facts.get("driver", "unknown"), facts.get("cuda", [0, 0])
    said = f"{driver}, for CUDA {cuda[0]}.{cuda[1]}" if cuda[0] else driver
    newest = max(built_for, default=0)
    if 0 < cuda[0] < newest:
        yield Finding(
            "driver",
            "fail",
            f"{said}, is older than CUDA {newest}, which {built_for[newest][0]} is "
            "built for",
            f"install a driver for CUDA {newest}, or packages for CUDA {cuda[0]} "
            f"(gpu_hpo[cu{cuda[0]}])",
        )
    else:
        yield Finding("driver", "ok", said)


def _memory(number: int, gpu: Mapping[str, Any]) -> Finding:
    name = f"gpu {number}"
    if not gpu["name"] and not gpu["uuid"]:
        return Finding(
            name,
            "fail",
            "does not answer: it is lost, or another user's",
            "reset it by `nvidia-smi --gpu-reset`, reboot, or leave it out by "
            "CUDA_VISIBLE_DEVICES",
        )
    said = gpu["name"] or gpu["uuid"]
    instances = gpu["instances"]
    if instances is not None:
        if not instances:
            return Finding(
                name,
                "fail",
                f"{said} is in MIG mode and has no instance",
                "make instances by `nvidia-smi mig -cgi PROFILE -C`, or leave MIG mode "
                "by `nvidia-smi -mig 0`",
            )
        sizes = ", ".join(_free(instance) for instance in instances)
        count = f"{len(instances)} instance{'s' * (len(instances) > 1)}"
        return Finding(name, "ok", f"{said} in MIG mode, {count}: {sizes}")
    if gpu["total"] is None:
        return Finding(name, "ok", f"{said}, which shares the memory of the host")
    said = f"{said}, {_free(gpu)}"
    if gpu["free"] < _LEAST_FREE * gpu["total"]:
        return Finding(
            name,
            "warn",
            said,
            "end other processes on it, which `nvidia-smi` lists, or leave it out by "
            "CUDA_VISIBLE_DEVICES",
        )
    return Finding(name, "ok", said)


def _unlike(facts: Mapping[str, Any], environ: Mapping[str, str]) -> Iterator[Finding]:
    gpus = facts.get("gpus", ())
    split = [gpu["instances"] is not None for gpu in gpus]
    if any(split) and not all(split) and "CUDA_VISIBLE_DEVICES" not in environ:
        yield Finding(
            "mig",
            "warn",
            "GPUs in MIG mode are left out beside whole GPUs, as CUDA does",
            "name their instances in CUDA_VISIBLE_DEVICES to use those instead",
        )
    names = {gpu["name"] for gpu in gpus if gpu["name"]}
    if len(names) > 1 and environ.get("CUDA_DEVICE_ORDER") != "PCI_BUS_ID":
        yield Finding(
            "order",
            "warn",
            "GPUs differ, and CUDA may number them otherwise than nvidia-smi: free "
            "memory may be read of another one",
            "set CUDA_DEVICE_ORDER=PCI_BUS_ID",
        )


def _free(gpu: Mapping[str, Any]) -> str:
    if gpu["total"] is None:
        return "of unknown memory"
    gib = 2**30
    return f"{gpu['free'] / gib:.1f} of {gpu['total'] / gib:.1f} GiB free"


def _count(n: int) -> str:
    return f"{n} GPU{'s' * (n > 1)}"
