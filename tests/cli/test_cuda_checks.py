# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What `gpu-hpo doctor` says of NVML and CUDA's libraries, of which doubles fail."""

import pytest

from gpu_hpo.cli import _cuda_steps
from gpu_hpo.cli._cures import DRIVER, cure_of, cure_of_ending
from gpu_hpo.cli._examination import Examination, _judge_step
from gpu_hpo.cli._probe import describe
from tests.cli import doubles
from tests.cli.doubles import INSUFFICIENT, NOT_FOUND, raising
from tests.devices.fake_nvml import UUIDS


@pytest.fixture
def examined(tmp_path, monkeypatch):
    """A function that examines a machine of doubles; gives what is found, by name."""
    for name in ("GPU_HPO_DEVICE", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER"):
        monkeypatch.delenv(name, raising=False)

    def examine(variables=(), timeout=None, **changed):
        for name, value in dict(variables).items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("PYTHONPATH", doubles.machine(tmp_path, **changed))
        examination = Examination(with_search=False, timeout=timeout)
        examination.begin()
        found = [*examination._about_devices(), *examination._about_cuda()]
        # Numba's part for CUDA has no double: where it is installed, it is itself.
        return examination, {f.name: f for f in found if f.name != "numba"}

    return examine


def test_all_is_well(examined):
    """Where all works, GPUs are named with their memory, and there is no cure."""
    examination, found = examined()
    assert examination.where == "Searches run on 2 GPUs: NVML counts 2 GPUs"
    assert {finding.status for finding in found.values()} == {"ok"}
    assert not any(finding.cure for finding in found.values())
    assert found["driver"].text == "580.1, for CUDA 13.0"
    assert found["gpu 1"].text == "a card, 73.6 of 74.5 GiB free"
    worked = found["cuda"].text
    for name in ("cudart", "cupy", "curand", "rmm", "cuda-core", "cudf", "cuml"):
        assert name in worked


def test_each_failure_without_a_driver(examined):
    """Each library's own error where there is no driver is named, with one cure."""
    runtime = doubles.WORKING["cuda/bindings/runtime"].replace(
        "cudaError_t.cudaSuccess, 2", "cudaError_t.cudaErrorInsufficientDriver, None"
    )
    not_found = "raise DynamicLibNotFoundError(TEXT)"
    examination, found = examined(
        pynvml=doubles.nvml(
            error="Pynvml.NVMLError_LibraryNotFound('NVML Shared Library Not Found')"
        ),
        cuda__bindings__runtime=runtime,
        cupy__cuda__runtime=raising(
            "CUDARuntimeError", INSUFFICIENT, place="getDeviceCount"
        ),
        cupy__random=raising(
            "CURANDError", "CURAND_STATUS_INITIALIZATION_FAILED", place="RandomState"
        ),
        rmm=raising("CUDARuntimeError", INSUFFICIENT, place="DeviceBuffer"),
        cuda__core=f"{NOT_FOUND}\ndef Device(): {not_found}",
        cudf=f"{NOT_FOUND}\ndef DataFrame(data): {not_found}",
        cuml__linear_model=raising(
            "CUDARuntimeError", INSUFFICIENT, place="LinearRegression"
        ),
    )
    assert examination.where.startswith("Searches run on the CPU: NVML finds no GPU")
    said = {name: finding.text for name, finding in found.items()}
    assert "NVMLError_LibraryNotFound" in said["driver"]
    assert said["cudart"].startswith("cudaErrorInsufficientDriver (35)")
    for name in ("cupy", "rmm", "cuml"):
        assert said[name] == "CUDARuntimeError: cudaErrorInsufficientDriver"
    assert said["curand"] == "CURANDError: CURAND_STATUS_INITIALIZATION_FAILED"
    for name in ("cuda-core", "cudf"):
        assert said[name].startswith('DynamicLibNotFoundError: "cuda" is an NVIDIA')
    assert "device_get_count() is 0" in said["dask"]
    failed = {name for name, finding in found.items() if finding.status == "fail"}
    assert failed == said.keys() - {"dask"}
    assert len({finding.cure for finding in found.values()}) == 1
    assert "install NVIDIA's driver" in found["driver"].cure


def test_rapids_itself_without_a_gpu(monkeypatch):
    """Where RAPIDS is installed and no driver, the real errors are named and cured."""
    pytest.importorskip("cuml", reason="needs cuML: make test-rapids")
    for name in ("GPU_HPO_DEVICE", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)
    examination = Examination(with_search=False)
    examination.begin()
    if "driver" in examination.facts:
        pytest.skip("there is a driver")
    found = {
        finding.name: finding
        for finding in [*examination._about_devices(), *examination._about_cuda()]
    }
    assert "cuda" not in found, "nothing works"
    for name in ("cudart", "cupy", "rmm", "cuml"):
        assert "cudaErrorInsufficientDriver" in found[name].text
    assert found["curand"].text == "CURANDError: CURAND_STATUS_INITIALIZATION_FAILED"
    for name in ("cuda-core", "cudf"):
        assert found[name].text.startswith("DynamicLibNotFoundError")
    assert "NVMLError_LibraryNotFound" in found["driver"].text
    assert {"numba", "dask"} < found.keys()
    assert {finding.cure for finding in found.values()} == {DRIVER}


FAILURES = {
    "cupy": (
        {"cupy": doubles.CUPY.replace("return True", "return False")},
        "cupy.is_available() is False",
        "does not fit the driver",
    ),
    "rmm": (
        {
            "rmm__mr": doubles.WORKING["rmm/mr"].replace(
                "def __init__(self, upstream, initial_pool_size): pass",
                "def __init__(self, *args, **options): raise MemoryError("
                "'std::bad_alloc: out_of_memory: RMM failure')",
            )
        },
        "MemoryError: std::bad_alloc: out_of_memory",
        "end other processes on the GPU",
    ),
    "curand": (
        {
            "cupy__random": raising(
                "ImportError",
                "libcurand.so.10: cannot open shared object file",
                place="RandomState",
                define=False,
            )
        },
        "libcurand.so.10: cannot open shared object",
        "packages are missing, or are for another CUDA",
    ),
    "cuda-core": (
        {
            "cuda__core": f"{NOT_FOUND}\ndef Device(): raise "
            "DynamicLibNotFoundError(TEXT)"
        },
        "DynamicLibNotFoundError",
        "NVIDIA_DRIVER_CAPABILITIES=compute,utility",
    ),
    "cudf": (
        {
            "cudf": raising(
                "CUDARuntimeError",
                "cudaErrorDevicesUnavailable: CUDA-capable device(s) is/are busy or "
                "unavailable",
                place="DataFrame",
            )
        },
        "CUDARuntimeError: cudaErrorDevicesUnavailable",
        "--compute-mode=DEFAULT",
    ),
    "cuml": (
        {
            "cuml__linear_model": raising(
                "CUDARuntimeError",
                "cudaErrorNoKernelImageForDevice: no kernel image is available",
                place="LinearRegression",
            )
        },
        "cudaErrorNoKernelImageForDevice",
        "older RAPIDS and CuPy for an old GPU",
    ),
}


def test_libraries_that_fail_beside_a_driver(examined):
    """Each failure is named with a cure of its own, and none hides another."""
    changed = {}
    for modules, _, _ in FAILURES.values():
        changed |= modules
    _, found = examined(**changed)
    for name, (_, words, cure) in FAILURES.items():
        assert found[name].status == "fail"
        assert words in found[name].text
        assert cure in found[name].cure
    assert found["cuda"].text == "work: cudart, dask"


def test_crash_takes_nothing_down(examined):
    """A library that crashes is named with its signal; those after it are tried."""
    crash = "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)"
    _, found = examined(cudf=crash, cuml__linear_model="import sys; sys.exit('torn')")
    assert found["cudf"].text == "was ended by SIGSEGV"
    assert "into a new environment" in found["cudf"].cure
    assert (found["cuml"].status, found["cuml"].text) == ("fail", "torn")
    assert found["cuda"].text == "work: cudart, cupy, curand, rmm, cuda-core, dask"


def test_hang_takes_nothing_down(examined):
    """A library that hangs is named after the time that it may take."""
    _, found = examined(timeout=4, cuda__core="import time; time.sleep(1000)")
    assert found["cuda-core"].text == "did not answer within 4 s"
    assert "GPU_HPO_DEVICE=cpu" in found["cuda-core"].cure
    assert "cuml" in found["cuda"].text


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("import time; time.sleep(1000)", "NVML did not answer within 3 s"),
        ("import os; os.abort()", "NVML was ended by SIGABRT"),
    ],
)
def test_nvml_hangs_or_crashes(examined, source, words):
    """An NVML that does not come back is the one failure, and searches cannot run."""
    examination, found = examined(timeout=3, pynvml=source)
    assert examination.where == "Searches cannot run: no device could be chosen"
    assert list(found) == ["driver"]
    assert (found["driver"].status, found["driver"].text) == ("fail", words)
    assert "GPU_HPO_DEVICE=cpu" in found["driver"].cure


def test_nvml_that_hangs_can_be_left_alone(examined):
    """With the two variables that the cure names, NVML is not asked."""
    examination, found = examined(
        {"GPU_HPO_DEVICE": "cpu", "DASK_DISTRIBUTED__DIAGNOSTICS__NVML": "False"},
        timeout=10,
        pynvml="import time; time.sleep(1000)",
    )
    assert "GPU_HPO_DEVICE=cpu asks for the CPU" in examination.where
    assert [finding.status for finding in found.values()] == ["ok"]


def test_other_errors_of_nvml(examined):
    """A driver that was updated without a reboot is told from one that is missing."""
    mismatch = (
        "Pynvml.NVMLError_LibRmVersionMismatch('Driver/library version mismatch')"
    )
    _, found = examined(pynvml=doubles.nvml(error=mismatch))
    assert "LibRmVersionMismatch" in found["driver"].text
    assert found["driver"].cure.startswith("reboot: the driver was updated")


def test_visible_devices(examined):
    """What CUDA would ignore in CUDA_VISIBLE_DEVICES is named, and is to be mended."""
    _, found = examined({"CUDA_VISIBLE_DEVICES": f"{UUIDS[1]},GPU-nope"})
    assert found["visible"].status == "fail"
    assert "shows 1 of 2 GPUs: CUDA ignores all from 'GPU-nope' on" in (
        found["visible"].text
    )
    assert "nvidia-smi -L" in found["visible"].cure


@pytest.mark.parametrize("visible", ["", "-1"])
def test_hidden_devices(examined, visible):
    """Hiding all GPUs is a wish; that dask-cuda would count one is told."""
    examination, found = examined({"CUDA_VISIBLE_DEVICES": visible})
    assert "hides every device" in examination.where
    assert found["device"].status == "note"
    assert "dask-cuda by itself would count one" in found["device"].text
    assert found["device"].cure == "unset CUDA_VISIBLE_DEVICES to search on GPUs"
    assert "cuda" not in found


def test_wanted_devices(examined):
    """A GPU_HPO_DEVICE that is none, or asks for what is not there, is to be mended."""
    _, found = examined({"GPU_HPO_DEVICE": "abacus"})
    assert found["device"].status == "fail"
    assert "'abacus'" in found["device"].text
    assert "auto, cpu or cuda" in found["device"].cure
    _, found = examined({"GPU_HPO_DEVICE": "cuda"}, pynvml=doubles.nvml("[]"))
    assert found["driver"].text == "NVML counts no GPU"
    assert "asks for a GPU, but NVML counts no GPU" in found["device"].text
    assert "GPU_HPO_DEVICE" in found["device"].cure


def test_dask_that_counts_no_gpu(monkeypatch):
    """Where NVML has a driver, Dask's own count of none only lacks its setting."""
    monkeypatch.setattr("distributed.diagnostics.nvml.device_get_count", lambda: 0)
    with pytest.raises(_cuda_steps.NotUsableError) as caught:
        _cuda_steps.STEPS["dask"]()
    said = {"step": "dask", "error": describe(caught.value), "seconds": 0}
    finding = _judge_step(said, has_driver=True)
    assert finding.status == "warn"
    assert finding.cure == "set DASK_DISTRIBUTED__DIAGNOSTICS__NVML=True"


def test_slow_detection():
    """A library that finds its GPU after more than ten seconds is told of."""
    assert _judge_step({"step": "cupy", "seconds": 2}, True) is None
    slow = _judge_step({"step": "cupy", "seconds": 12}, True)
    assert slow.status == "warn"
    assert "persistence-mode" in slow.cure


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("NVMLError_DriverNotLoaded: Driver Not Loaded", "install NVIDIA's driver"),
        ("NVMLError_NoPermission: Insufficient Permissions", "/dev/nvidia*"),
        ("NVMLError_GpuIsLost: GPU is lost", "reboot"),
        ("CUDARuntimeError: cudaErrorInitializationError: init", "'spawn'"),
        ("CUDARuntimeError: cudaErrorNoDevice: no device", "CUDA_VISIBLE_DEVICES"),
        ("CUDARuntimeError: cudaErrorSystemNotReady: x", "nvidia-fabricmanager"),
        ("OutOfMemoryError: Out of memory allocating", "end other processes"),
        ("AttributeError: module 'numpy' has no attribute 'row_stack'", "another CUDA"),
        ("SomeError: of a kind that nobody knows", "python -c"),
    ],
)
def test_cures(error, words):
    """Known errors have a cure of one line; for others there is a way to see more."""
    cure = cure_of(error, step="cupy", has_driver=False)
    assert words in cure
    assert "\n" not in cure


def test_insufficient_driver_beside_a_driver():
    """A driver that NVML speaks of is too old, rather than missing."""
    error = f"CUDARuntimeError: {INSUFFICIENT}"
    assert "newer driver" in cure_of(error, step="cupy", has_driver=True)
    assert "newer driver" not in cure_of(error, step="cupy", has_driver=False)
    assert "reboot" in cure_of_ending("did not answer within 3 s")
