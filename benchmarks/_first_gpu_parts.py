# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The parts of `first_gpu.py`, each of which runs in a process of its own.

    python benchmarks/_first_gpu_parts.py PART FILE '{"size": "full", "seconds": 60}'

A part writes what it has found into FILE each time that it finds something.
"""

from __future__ import annotations

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import contextlib
import importlib
import importlib.metadata
import json
import platform
import re
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any
from unittest import mock
from xml.etree import ElementTree

LIBRARIES = [
    *("gpu_hpo", "numpy", "scipy", "scikit-learn", "pandas", "numba", "numba-cuda"),
    *("cuda-core", "cuda-bindings", "cupy-cuda12x", "cupy-cuda13x"),
    *("nvidia-nvjitlink", "nvidia-cuda-cupti", "dask", "distributed", "dask-cuda"),
    *("cloudpickle", "cryptography", "pytest"),
    *("cuml-cu12", "cuml-cu13", "cudf-cu12", "cudf-cu13"),
]
# How far weights may be apart, over how far they moved. In float32 rounding
# decides whether a unit is on.
TOLERANCES = {"float32": 1e-2, "float64": 1e-8}


KERNELS = [(k, t) for k in ("networks", "linear") for t in ("float32", "float64")]


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    models: tuple[int, ...]  # in a stack
    rows: int  # of a pass of a kernel
    value_rows: int  # where values are compared
    stack_rows: int
    upload: int  # bytes
    chunk_rows: int
    chunks: int
    search_rows: int
    search_models: int
    product: int  # rows of the matrices that show the device's rate
    few: bool = False  # one case of each kind of kernel


SIZES = {
    "full": Size(
        (1, 16, 256), 10_000, 1000, 8361, 2**28, 100_000, 12, 200_000, 64, 8192
    ),
    "small": Size((1, 3), 200, 100, 300, 2**20, 500, 3, 600, 4, 64, few=True),
}


class Note:
    """What a part has found so far, in its file."""

    def __init__(self, path: Path, given: dict[str, Any]) -> None:
        self.path, self.given = path, given
        self.size = SIZES[given["size"]]
        self.found: dict[str, Any] = {"figures": {}, "rows": []}

    def figures(self, **values: Any) -> None:
        """Note numbers."""
        self.found["figures"] |= values
        self._write()

    def row(self, what: str, measured: str, beside: str = "", key: str = "") -> None:
        """Note a row of the table; by `key` it is told what was predicted."""
        self.found["rows"].append(
            {"what": what, "measured": measured, "beside": beside, "key": key}
        )
        self._write()

    def tried(self, what: str, call: Callable[[], Any]) -> Any:
        """Call, and note an error as a row, so that what follows is tried, too."""
        try:
            return call()
        # Whatever it is, what comes next may work.
        except Exception as error:
            self.row(what, f"failed: {told(error)}")
            self.figures(failures=self.found["figures"].get("failures", 0) + 1)
            return None

    def _write(self) -> None:
        part = self.path.with_suffix(".part")
        part.write_text(json.dumps(self.found, default=float))
        part.replace(self.path)


def told(error: BaseException) -> str:
    """The first line of an error."""
    return f"{type(error).__name__}: {str(error).strip().partition(chr(10))[0]}"[:300]


def synchronize() -> None:
    """Wait until the device has done what it was given."""
    import cupy

    cupy.cuda.Device().synchronize()


def times(call: Callable[[], Any], repeat: int = 5) -> tuple[float, float]:
    """Median seconds until a call returns, and until the device is done, after one."""
    found = []
    for _ in range(repeat + 1):
        synchronize()
        began = perf_counter()
        call()
        returned = perf_counter()
        synchronize()
        found.append((returned - began, perf_counter() - began))
    return tuple(map(statistics.median, zip(*found[1:], strict=True)))  # type: ignore[return-value]


def us(seconds: float) -> str:
    """Show microseconds."""
    return f"{seconds * 1e6:,.0f} us"


@contextlib.contextmanager
def without_kernels() -> Iterator[None]:
    """Train by array operations, as where Numba cannot run kernels."""
    with mock.patch("gpu_hpo.devices._cuda_kernels.usable", lambda: False):
        yield


# ---- the machine ----


def machine(note: Note) -> None:
    """What there is; notes `usable`: whether there is a GPU, and `why_not`."""
    versions = {}
    for name in LIBRARIES:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            versions[name] = importlib.metadata.version(name)
    note.figures(
        versions=versions, python=platform.python_version(), system=platform.platform()
    )
    try:
        import cupy

        runtime = cupy.cuda.runtime
        count = runtime.getDeviceCount()
    except Exception as error:  # of the import, the driver or the runtime
        note.figures(usable=False, why_not=told(error))
        note.row("GPU", "none", told(error))
        return
    note.figures(usable=count > 0, why_not="" if count else "CUDA finds no device")
    emulated = "tests.emulated._hooks" in sys.modules
    found = runtime.getDeviceProperties(0)
    free, total = runtime.memGetInfo()
    name = found["name"].decode()
    card = {
        "name": name,
        "count": count,
        "emulated": emulated,
        "capability": [found["major"], found["minor"]],
        "multiprocessors": found["multiProcessorCount"],
        "clock_khz": found.get("clockRate", 0),
        "memory_free": free,
        "memory": total,
        "driver_cuda": runtime.driverGetVersion(),
        "runtime_cuda": runtime.runtimeGetVersion(),
    }
    note.figures(card=card)
    note.tried("driver and bus, by NVML", lambda: note.figures(nvml=nvml()))
    told_by = note.found["figures"].get("nvml", {})
    driver = told_by.get("driver", "?")
    bus = " x".join(str(told_by.get(f"pcie_{k}")) for k in ("generation", "width"))
    note.row(
        f"{count} x {name}{', EMULATED: no figure here is of a GPU' * emulated}",
        f"{free / 2**30:.1f} of {total / 2**30:.1f} GiB free",
        f"PCIe {bus}; "
        f"driver {driver}, for CUDA {card['driver_cuda']}; CUDA here "
        f"{card['runtime_cuda']}; Python {platform.python_version()}, "
        + ", ".join(f"{name} {version}" for name, version in versions.items()),
    )
    missing = [
        name for name in ("dask", "distributed", "cloudpickle") if not in_reach(name)
    ]
    note.row(
        "libraries that are missing",
        ", ".join(
            missing
            + [n for n in ("dask_cuda", "cryptography", "cuml") if not in_reach(n)]
        )
        or "none",
        "without Dask nothing of gpu_hpo trains" if missing else "",
    )
    began = perf_counter()
    from gpu_hpo.devices._cuda_kernels import why_not

    reason = why_not()
    note.figures(kernels_why_not=reason, kernels_probe=perf_counter() - began)
    note.row(
        "Numba's kernels",
        "do not run" if reason else "run",
        reason or f"known after {perf_counter() - began:.1f} s",
    )
    note.tried("resolve_device", lambda: show_resolved(note))


def show_resolved(note: Note) -> None:
    """What searches would find."""
    from gpu_hpo.devices import resolve_device

    found = resolve_device("cuda")
    note.row("resolve_device", found.name, found.reason)


def in_reach(name: str) -> bool:
    """Whether a library can be found."""
    return importlib.util.find_spec(name) is not None


def nvml() -> dict[str, Any]:
    """What only the driver says."""
    import pynvml

    pynvml.nvmlInit()
    handle = pynvml.nvmlDeviceGetHandleByIndex(0)

    def ask(name: str, *given: Any) -> Any:
        try:
            return getattr(pynvml, name)(handle, *given)
        except pynvml.NVMLError:
            return "?"

    driver = pynvml.nvmlSystemGetDriverVersion()
    return {
        "driver": driver.decode() if isinstance(driver, bytes) else driver,
        "pcie_generation": ask("nvmlDeviceGetCurrPcieLinkGeneration"),
        "pcie_width": ask("nvmlDeviceGetCurrPcieLinkWidth"),
        "sm_clock_mhz": ask("nvmlDeviceGetMaxClockInfo", 1),
    }


# ---- kernels ----


def kernels(kind: str, dtype: str, note: Note) -> None:
    """Values of the kernel beside array operations and the CPU, then time."""
    from gpu_hpo.devices._cuda_kernels import why_not

    if why_not():
        note.row(f"{kind}, {dtype}", "no kernels", why_not())
        return
    cases = cases_of(note.size, kind, dtype)
    for case in cases:
        note.tried(f"values: {case}", partial(compare_values, note, case))
    for case in cases:
        for n in note.size.models:
            note.tried(f"time: {case}, {n}", partial(time_kernel, note, case, n))


def cases_of(size: Size, kind: str, dtype: str) -> list[Any]:
    """The kernels' cases in `kernels.py`."""
    from kernels import CASES

    cases = [case for case in CASES if (case.kind, case.dtype) == (kind, dtype)]
    return cases[-2:-1] if size.few else cases


def of_kind(case: Any, n: int, n_rows: int) -> tuple[Any, Any, Callable[..., Any]]:
    """The epoch by the kernel and by arrays, and what makes their arguments."""
    import _compiled_kernels as made

    if case.kind == "networks":
        from gpu_hpo.neural_network._backprop import array_epoch
        from gpu_hpo.neural_network._kernel import kernel_epoch

        call = made.network_call
    else:
        from gpu_hpo.linear_model._array_loop import array_epoch
        from gpu_hpo.linear_model._kernel import kernel_epoch

        call = made.linear_call
    return kernel_epoch, array_epoch, partial(call, *case.arguments(n), n_rows=n_rows)


def weights_of(arguments: tuple) -> Any:
    """What an epoch has trained, on the host."""
    from gpu_hpo.devices import to_host

    return to_host(getattr(arguments[1], "weights", arguments[1]))


def compare_values(note: Note, case: Any) -> None:
    """Two passes of three models: the kernel, array operations, NumPy; then alone."""
    import cupy
    import numpy as np

    def trained(epoch: Any, make: Any, xp: Any) -> Any:
        arguments = make(xp=xp)
        for _ in range(2):
            epoch(*arguments)
        return weights_of(arguments)

    kernel, arrays, make = of_kind(case, 3, note.size.value_rows)
    found = trained(kernel, make, cupy)
    alone = trained(kernel, of_kind(case, 1, note.size.value_rows)[2], cupy)
    same = bool((found[:1] == alone).all())
    expected = {"arrays": trained(arrays, make, cupy), "cpu": trained(arrays, make, np)}
    moved = float(np.abs(expected["cpu"] - weights_of(make(xp=np))).max())
    off = {
        name: float(np.abs(found - other).max()) / moved
        for name, other in expected.items()
    }
    tolerance = TOLERANCES[case.dtype]
    # Not the other way round: a difference may be NaN.
    good = same and all(one < tolerance for one in off.values())
    values = note.found["figures"].get("values", {})
    one = {**off, "tolerance": tolerance, "moved": moved, "same_alone": same}
    note.figures(values={**values, str(case): one | {"good": good}})
    note.row(
        f"values: {case}",
        ("" if good else "WRONG: ")
        + f"off arrays {off['arrays']:.0e}, CPU {off['cpu']:.0e}",
        f"at most {tolerance:.0e} of the {moved:.0e} that weights moved; "
        + ("the same bits alone" if same else "OTHER BITS ALONE"),
    )


def time_kernel(note: Note, case: Any, n: int) -> None:
    """One pass: the kernel alone, the call around it, and array operations."""
    import _compiled_kernels as made
    import cupy

    from gpu_hpo.linear_model import _kernel as linear
    from gpu_hpo.neural_network import _kernel as network

    kernel, arrays, make = of_kind(case, n, note.size.rows)
    arguments = make(xp=cupy)
    returned, done = times(lambda: kernel(*arguments))
    module, name = (
        (network, "kernel") if case.kind == "networks" else (linear, "kernels")
    )
    launch = made.recorded(module, name, lambda: kernel(*arguments))
    alone = device_seconds(launch.again, note.size.product)
    figures = {"kernel": alone, "returned": returned, "call": done}
    beside = f"call {us(done)}, returns after {us(returned)}"
    if n in note.size.models[:2] and case.size > 1:
        figures["arrays"] = times(lambda: arrays(*arguments), 1)[1]
        beside += f"; arrays {us(figures['arrays'])}"
    key = f"{case} | {n}"
    note.figures(times={**note.found["figures"].get("times", {}), key: figures})
    note.row(f"time: {case}, {n} models", us(alone), beside, key)


def device_seconds(launch: Callable[[], Any], product: int, n: int = 5) -> float:
    """Seconds that the device takes for a launch.

    Launches queue up behind a matrix product, so that the time in which the host
    prepares them does not count. By the host's clock where events know no time.
    """
    import cupy

    a = cupy.ones((product, product), cupy.float32)
    launch()
    found = []
    for _ in range(3):
        synchronize()
        began, ended = cupy.cuda.Event(), cupy.cuda.Event()
        a @ a
        began.record()
        clock = perf_counter()
        for _ in range(n):
            launch()
        ended.record()
        ended.synchronize()
        clock = perf_counter() - clock
        found.append((cupy.cuda.get_elapsed_time(began, ended) / 1e3 or clock) / n)
    return statistics.median(found)


def predictions(note: Note) -> None:
    """What `kernels.py` predicts for the same cases; for an H100's clocks and rates."""
    from _compiled_kernels import compiled
    from kernels import CARDS, bound, occupancy, predicted

    found: dict[str, Any] = {}
    known: dict[Any, Any] = {}
    capability = tuple(note.given.get("capability") or (9, 0))
    for case in [c for both in KERNELS for c in cases_of(note.size, *both)]:
        launch = case.launch()
        key = case.kind, case.dtype, launch.dispatcher
        if key not in known:
            known[key] = compiled(launch, capability)
        blocks, limit = occupancy(CARDS["H100"], known[key], launch)
        usage = known[key]
        for n in note.size.models:
            found[f"{case} | {n}"] = {
                "predicted": predicted(case, launch, blocks, n),
                "bound": bound(case, n),
                "registers": usage.registers,
                "spilled": usage.spilled,
                "blocks": f"{blocks} ({limit})",
            }
        note.figures(predictions=found)


# ---- tests ----

# In this order; how much of the time each file may take, and how many processes share
# it where that saves compiling.
TESTS = {
    "tests/gpu/test_network_kernel.py": (4, 6),
    "tests/gpu/test_linear_kernel.py": (3, 6),
    "tests/gpu/test_adaptive_on_device.py": (4, 3),
    "tests/gpu/test_exhaustive_on_device.py": (4, 3),
    "tests/gpu/test_quasi_newton.py": (1, 1),
    "tests/gpu/test_several_gpus.py": (1, 1),
}
LAST_WORDS = 4  # seconds that pytest has to report after it was interrupted


def tests(note: Note) -> None:
    """The tests for GPUs, file by file."""
    # Lets `finally` end pytest if this is ended.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("the tests were ended"))
    files = dict.fromkeys(note.given["tests"], (1, 1)) or TESTS
    end = perf_counter() + note.given["seconds"] - LAST_WORDS
    for i, name in enumerate(files):
        share = files[name][0] / sum(s for s, _ in list(files.values())[i:])
        seconds = max((end - perf_counter()) * share - LAST_WORDS, 1)
        processes = files[name][1] if note.size == SIZES["full"] else 1
        found = pytest_results(name, seconds, processes)
        note.figures(tests={**note.found["figures"].get("tests", {}), name: found})
        said = ", ".join(
            f"{found[key]} {key}" for key in ("passed", "failed", "skipped")
        )
        failures = [f"{one['name']} ({one['message']})" for one in found["failures"]]
        more = f" and {len(failures) - 8} more" if len(failures) > 8 else ""
        more += "".join(f"; in {one} at the end" for one in found["not_ended"][:3])
        note.row(
            name,
            said + (f", cut short after {seconds:.0f} s" if found["cut"] else ""),
            f"{found['seconds']:.0f} s"
            + "".join(f"; {one}" for one in failures[:8])
            + more
            + (f"; {found['output']}" if found["output"] else ""),
        )


def pytest_results(name: str, seconds: float, processes: int) -> dict[str, Any]:
    """What pytest says of a file, or had said when its time was up."""
    command = [sys.executable, "-m", "pytest", name, "-v", "-p", "no:cacheprovider"]
    if in_reach("xdist") and processes > 1:
        command += ["-n", str(processes)]
    if not in_reach("pytest_timeout"):
        # Its setting is then one that pytest does not know.
        command += ["-o", "addopts=--import-mode=importlib"]
        command += ["-W", "ignore::pytest.PytestConfigWarning"]
    with tempfile.TemporaryDirectory() as folder:
        junit, log = Path(folder) / "junit.xml", Path(folder) / "log"
        began = perf_counter()
        with log.open("w") as output:
            process = subprocess.Popen(
                [*command, f"--junitxml={junit}"],
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                cut = ended(process, seconds)
            finally:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        text = log.read_text(errors="replace")
        found = results(text, junit)
    n = found["passed"] + found["failed"] + found["skipped"]
    return {
        **found,
        "cut": cut,
        "seconds": perf_counter() - began,
        # Where there is no test in it, why.
        "output": "" if n else text[-600:],
    }


def ended(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait; interrupt, and return True, if that takes too long."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(LAST_WORDS)
        return True
    return False


# A line that pytest prints of a test, by itself and with several processes.
ALONE = re.compile(r"\S+?::(.+) (PASSED|FAILED|ERROR|SKIPPED)\b.*\[ *\d+%\]$")
TOGETHER = re.compile(
    r"\[gw\d+\] \[ *\d+%\] ()(PASSED|FAILED|ERROR|SKIPPED) \S+?::(.+)$"
)
BEGUN = re.compile(r"\S+?\.py::(.+)$")


def results(text: str, junit: Path) -> dict[str, Any]:
    """Counts and failures, of pytest's output; messages, of its report if there is one.

    The report has a test that was interrupted as if it had passed.
    """
    said: dict[str, str] = {}
    begun: dict[str, None] = {}
    for line in map(str.strip, text.splitlines()):
        if found := ALONE.match(line) or TOGETHER.match(line):
            name, word, *others = found.groups()
            # A test that fails and cannot be cleaned up has two lines.
            name = name or others[0]
            if said.get(name) not in ("FAILED", "ERROR"):
                said[name] = word
        elif found := BEGUN.match(line):
            begun[found[1]] = None
    messages: dict[str | None, str] = {}
    for case in ElementTree.parse(junit).iter("testcase") if junit.exists() else ():
        for child in case:
            if child.tag in ("failure", "error"):
                message = (child.get("message") or "").partition("\n")[0]
                messages.setdefault(case.get("name"), message[:160])
    words = list(said.values())
    bad = [name for name, word in said.items() if word in ("FAILED", "ERROR")]
    return {
        "passed": words.count("PASSED"),
        "failed": len(bad),
        "skipped": words.count("SKIPPED"),
        "failures": [
            {"name": name, "message": messages.get(name.rpartition("::")[2], "")}
            for name in bad
        ],
        "not_ended": [name for name in begun if name not in said],
    }


# ---- figures ----


def stacks(note: Note) -> None:
    """Models a second: in stacks, one by one, by array operations, on the CPU."""
    from _gpu_work import STACKS, limits, stack_times

    rows = note.size.stack_rows
    device = limits("cuda", note.size.upload, note.size.product)
    note.figures(limits=device)
    note.row(
        "limits of the device",
        f"copies {device['copy'] / 1e9:,.0f} GB/s",
        f"float32 products {device['float32'] / 1e9:,.0f} GF/s",
    )
    biggest = note.size.models[-1]

    def show(name: str, way: str, n: int, n_single: int, where: str = "cuda") -> None:
        found = stack_times(name, n, n_single, where, rows)
        least = max(
            n * found["operations"] / device["float32"], found["bytes"] / device["copy"]
        )
        took = found["stack"] * n
        stacks = note.found["figures"].get("stacks", {})
        note.figures(stacks={**stacks, f"{name}, {way}, {n}": found})
        note.row(
            f"{name}, {rows} rows: stack of {n}, {way}",
            f"{1 / found['stack']:,.0f} models a second",
            f"{us(took)} a call; one by one {1 / found['single']:,.0f} a second, "
            f"so {found['single'] / found['stack']:.1f} times"
            + (f"; {took / least:,.0f} times the bound" if where == "cuda" else ""),
        )

    for name in STACKS:
        for n in note.size.models:
            one = partial(show, name, "kernel", n, 8 if n == biggest else 1)
            note.tried(f"{name}, {n}", one)
    for name in STACKS:
        with without_kernels():
            one = partial(show, name, "arrays", note.size.models[1], 1)
            note.tried(f"{name}, arrays", one)
    for name in STACKS:
        one = partial(show, name, "CPU, one core", biggest, 1, "cpu")
        note.tried(f"{name}, CPU", one)


def uploads(note: Note) -> None:
    """Bytes a second to the device and back; what training hides of uploads."""
    import cupy
    import cupyx
    import numpy as np

    n = note.size.upload
    pageable, pinned = np.ones(n, np.uint8), cupyx.empty_pinned(n, np.uint8)
    pinned[:] = 1
    target = cupy.empty(n, np.uint8)
    rates = {}
    for name, call in {
        "pinned, to the device": lambda: target.set(pinned),
        "pageable, to the device": lambda: target.set(pageable),
        "as CuPy takes NumPy's arrays": lambda: cupy.asarray(pageable),
        "to the host, pinned": lambda: target.get(out=pinned),
        "to the host": lambda: target.get(),
    }.items():
        took = note.tried(name, lambda call=call: times(call)[1])
        if took:
            rates[name] = n / took
    bus = rates.get("pinned, to the device") or max(rates.values())
    note.figures(rates=rates, bus=bus)
    for name, rate in rates.items():
        note.row(
            f"{n / 2**20:.0f} MiB {name}",
            f"{rate / 1e9:.1f} GB/s",
            f"{rate / bus:.2f} of the bus, {bus / 1e9:.1f} GB/s from pinned memory",
        )
    note.tried("uploads while models train", lambda: overlap(note, bus))


def overlap(note: Note, bus: float) -> None:
    """Chunks that are on the device, uploaded before each call, and while one runs."""
    import numpy as np

    from gpu_hpo.adaptive.data._ahead import Ahead
    from gpu_hpo.adaptive.data._upload import Upload
    from gpu_hpo.data._on_device import OnDevice
    from gpu_hpo.devices._streams import own_stream
    from gpu_hpo.linear_model import SGDClassifier

    rng = np.random.default_rng(0)
    n_rows, n = note.size.chunk_rows, note.size.chunks
    chunks = []
    for _ in range(n):
        X = rng.standard_normal((n_rows, 64), np.float32)
        chunks.append({"X": X, "y": (X[:, 0] > 0).astype(np.int64)})
    n_bytes = sum(value.nbytes for chunk in chunks for value in chunk.values())
    upload = Upload(OnDevice(), None)
    models = [
        SGDClassifier(loss="log_loss", batch_size=256, random_state=i)
        for i in range(note.size.models[-1])
    ]
    stack = type(models[0]).stack(models)

    def train(chunk: dict[str, Any]) -> None:
        with own_stream():  # as tasks do; on the default one all would wait for all
            stack.partial_fit(chunk["X"], chunk["y"], classes=np.arange(2))

    held = list(map(upload, chunks))

    def resident() -> None:
        for chunk in held:
            train(chunk)

    def in_turn() -> None:
        for chunk in chunks:
            train(upload(chunk))

    def ahead() -> None:
        with Ahead(chunks.__getitem__, upload, n - 1) as coming:
            for i in range(n):
                train(coming(i))

    def alone() -> None:
        for chunk in chunks:
            upload(chunk)

    walls = {f.__name__: times(f, 3)[1] for f in (alone, resident, in_turn, ahead)}
    most = min(walls["alone"], walls["resident"])
    hidden = (walls["in_turn"] - walls["ahead"]) / most
    note.figures(overlap=walls | {"hidden": hidden, "bytes": n_bytes})
    note.row(
        f"{n} chunks of {n_bytes / n / 1e6:.1f} MB, checked and uploaded",
        f"{n_bytes / walls['alone'] / 1e9:.1f} GB/s",
        f"the bus {bus / 1e9:.1f} GB/s",
    )
    note.row(
        f"the same, {len(models)} linear models train on each",
        f"resident {walls['resident'] * 1e3:.1f} ms, uploaded in turn "
        f"{walls['in_turn'] * 1e3:.1f}, one ahead {walls['ahead'] * 1e3:.1f}",
        f"{hidden:.2f} of the shorter of uploads and training is hidden",
    )


def calls(note: Note) -> None:
    """Launches, waits and copies of a call, and time until it returns and is done."""
    import cupy
    import numpy as np
    from _device_calls import NoCounter, counter
    from _gpu_work import STACKS, stack_case

    from gpu_hpo.devices._kept import unchanged_arrays

    try:
        counts = counter()
    except NoCounter as error:
        counts = None
        note.row("launches and waits", "not counted", str(error))
    rows = note.size.stack_rows
    rng = np.random.default_rng(0)
    for name in STACKS:
        case = stack_case(name)
        X = cupy.asarray(rng.standard_normal((rows, case.n_features)).astype("f4"))
        y = cupy.asarray(rng.integers(0, case.n_classes, rows))
        classes = np.arange(case.n_classes)
        n = note.size.models[1]
        models = [case.ours() for _ in range(n)]
        stack = type(models[0]).stack(models).partial_fit(X, y, classes=classes)
        single = case.ours().partial_fit(X, y, classes=classes)
        train, predict = partial(stack.partial_fit, X, y), partial(stack.predict, X)
        # Within a search chunks do not change, which saves looking at them again.
        of_search = partial(unchanged_arrays, "first_gpu")
        for what, around, call in (
            (f"stack of {n}, partial_fit in a search", of_search, train),
            (f"stack of {n}, predict in a search", of_search, predict),
            (f"stack of {n}, partial_fit", contextlib.nullcontext, train),
            (f"stack of {n}, predict", contextlib.nullcontext, predict),
            (
                "single, partial_fit",
                contextlib.nullcontext,
                partial(single.partial_fit, X, y),
            ),
            ("single, predict", contextlib.nullcontext, partial(single.predict, X)),
            (f"stack of {n}, partial_fit by arrays", without_kernels, train),
        ):
            with around():
                one = partial(count_call, note, counts, f"{name}, {what}", call)
                note.tried(f"{name}, {what}", one)


def count_call(note: Note, counts: Any, what: str, call: Any) -> None:
    """Note one call."""
    returned, done = times(call)
    found: dict[str, Any] = {"returned": returned, "done": done}
    said = "not counted"
    if counts is not None:
        with counts.counting() as counted:
            call()
        found["counts"] = counted
        said = ", ".join(f"{n} {k}" for k, n in counted.items() if k != "by name")
    note.figures(calls={**note.found["figures"].get("calls", {}), what: found})
    note.row(
        what,
        said,
        f"returns after {us(returned)}, done after {us(done)}"
        + (f"; counted by {counts.how}" if counts else ""),
    )


# ---- a search ----


def search(note: Note) -> None:
    """A search that drops nobody, beside bare calls of one stack and its kernels."""
    from types import SimpleNamespace

    import gpu
    from distributed import Client

    from gpu_hpo.linear_model import SGDClassifier
    from gpu_hpo.model_selection import SuccessiveHalvingSearchCV
    from gpu_hpo.neural_network import MLPClassifier

    n, chunks = note.size.search_models, note.size.chunks
    options = SimpleNamespace(features=64, chunks=chunks)
    began = perf_counter()
    with gpu.start_cluster("cuda") as cluster, Client(cluster) as client:
        client.wait_for_workers(1, timeout=60)
        note.figures(cluster=type(cluster).__name__, start=perf_counter() - began)
        note.row(
            f"{type(cluster).__name__}, {len(client.nthreads())} worker(s)",
            f"starts in {perf_counter() - began:.1f} s",
        )
        n_workers = sum(client.nthreads().values())
        X, y = gpu.make_data(client, options, note.size.search_rows, "cuda")
        for name, estimator, space in (
            (
                "linear",
                SGDClassifier(loss="log_loss", batch_size=256),
                {"alpha": [10.0 ** -(1 + i / 10) for i in range(50)]},
            ),
            (
                "networks",
                MLPClassifier((24,), batch_size=128),
                {"learning_rate_init": [10.0 ** -(1 + i / 10) for i in range(50)]},
            ),
        ):
            given: dict[str, Any] = {
                "n_initial_parameters": n,
                "n_initial_iter": chunks,
                "max_iter": chunks,
                "random_state": 0,
                "device": "cuda",
            }
            one = partial(
                show_search,
                note,
                client,
                name,
                SuccessiveHalvingSearchCV(estimator, space, **given),
                X,
                y,
                n_workers,
            )
            note.tried(f"search of {name}", one)


def show_search(note: Note, client: Any, name: str, search: Any, *given: Any) -> None:
    """Note one search; the first of two pays for compiling."""
    import gpu

    X, y, n_workers = given
    first = gpu.timed(search, X, y, n_workers)["wall"]
    found = gpu.timed(search, X, y, n_workers)
    n, n_calls = note.size.search_models, note.size.chunks
    rows = -(-note.size.search_rows // n_calls)
    bare, kernel = client.submit(
        bare_calls, search.estimator, n, rows, n_calls, note.size.product, pure=False
    ).result()
    found |= {"first": first, "bare": bare, "kernels": kernel, "n_workers": n_workers}
    searches = note.found["figures"].get("searches", {})
    note.figures(searches={**searches, name: found})
    note.row(
        f"search of {n} {name}, all kept, {n_calls} calls each on {rows} rows",
        f"{found['wall'] * 1e3:.1f} ms (the first {first:.1f} s)",
        f"bare calls of one stack {bare * 1e3:.1f} ms, its kernels "
        f"{kernel * 1e3:.1f} ms: the search takes {found['wall'] / bare:.1f} and "
        f"{found['wall'] / kernel:.1f} times that on {n_workers} worker(s), which "
        f"train and score for {found['busy']:.2f} of the time",
    )


def bare_calls(
    estimator: Any, n: int, rows: int, n_calls: int, product: int
) -> tuple[float, float]:
    """Seconds of calls of a stack with no search around, and of their kernels."""
    import _compiled_kernels as made
    import cupy
    import numpy as np
    from sklearn.base import clone

    from gpu_hpo.devices._kept import unchanged_arrays
    from gpu_hpo.linear_model import _kernel as linear
    from gpu_hpo.neural_network import _kernel as network

    rng = np.random.default_rng(0)
    X = cupy.asarray(rng.standard_normal((rows, 64), np.float32))
    y = cupy.asarray(rng.integers(0, 2, rows))
    stack = type(estimator).stack([clone(estimator) for _ in range(n)])
    stack.partial_fit(X, y, classes=np.arange(2))

    def call() -> None:
        with unchanged_arrays("first_gpu"):
            stack.partial_fit(X, y)

    took = times(call)[1]
    which = (
        (network, "kernel") if hasattr(estimator, "activation") else (linear, "kernels")
    )
    launch = made.recorded(*which, call)
    return took * n_calls, device_seconds(launch.again, product) * n_calls


PARTS: dict[str, Callable[[Note], None]] = {
    "machine": machine,
    **{f"{kind}-{dtype}": partial(kernels, kind, dtype) for kind, dtype in KERNELS},
    "predictions": predictions,
    "tests": tests,
    "stacks": stacks,
    "uploads": uploads,
    "calls": calls,
    "search": search,
}


def main() -> None:
    name, path, given = sys.argv[1:]
    PARTS[name](Note(Path(path), json.loads(given)))


if __name__ == "__main__":
    # Workers import what is pickled from here by this name, not as `__main__`.
    importlib.import_module("_first_gpu_parts").main()
