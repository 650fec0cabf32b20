# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Count what the host asks of a GPU: launches, waits and copies.

CuPy launches from compiled code, where nothing of Python can be wrapped. CUDA's own
CUPTI calls back for each call of the driver and of the runtime, by whatever library, if
its shared library is installed, as it is beside PyTorch and with CUDA's toolkit.
"""

from __future__ import annotations

import ctypes
import glob
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

# Of CUPTI's headers: cupti_callbacks.h, cupti_result.h.
DRIVER, RUNTIME = 1, 2
ENTER = 0
# What calls are about, by how their names begin, without "cu" or "cuda".
KINDS = {
    "launches": ("LaunchKernel", "LaunchCooperative", "GraphLaunch"),
    "waits": (
        "StreamSynchronize",
        "EventSynchronize",
        "CtxSynchronize",
        "DeviceSynchronize",
    ),
    "copies": ("Memcpy",),
    "fills": ("Memset",),
    "allocations": ("MemAlloc", "Malloc"),
}
# A copy whose call has no "Async" in its name is waited for, too.
WAITING_COPIES = "copies that wait"


class _Call(ctypes.Structure):
    """The beginning of CUPTI's CUpti_CallbackData."""

    _fields_ = [("site", ctypes.c_int), ("name", ctypes.c_char_p)]


_Callback = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_int, ctypes.c_uint32, ctypes.POINTER(_Call)
)


class NoCounter(Exception):
    """Says why calls cannot be counted here."""


class ByCupti:
    """Counts calls by CUPTI, in this process, of which there may be one."""

    how = "CUPTI's callbacks"

    def __init__(self) -> None:
        self._library = _load()
        self._names: Counter[tuple[int, str]] = Counter()
        self._nested = False
        self._callback = _Callback(self._note)  # as long as it may be called
        self._subscriber = ctypes.c_void_p()
        self._check(
            self._library.cuptiSubscribe(
                ctypes.byref(self._subscriber), self._callback, None
            )
        )
        # The runtime may call the driver in a way that is called back for, or not.
        import cupy

        cupy.cuda.runtime.deviceSynchronize()
        with self.counting() as found:
            for _ in range(3):
                cupy.cuda.runtime.deviceSynchronize()
        self._nested = any("cuCtxSynchronize" in name for name in found["by name"])

    def _check(self, error: int) -> None:
        if error:
            raise NoCounter(f"CUPTI answers with error {error}")

    def _note(self, _: object, domain: int, number: int, call: object) -> None:
        if call and call.contents.site == ENTER:
            self._names[domain, (call.contents.name or b"?").decode()] += 1

    @contextmanager
    def counting(self) -> Iterator[dict]:
        """Count meanwhile; what was found is in the dict at the end."""
        found: dict = {}
        self._names.clear()
        for domain in (DRIVER, RUNTIME):
            self._check(self._library.cuptiEnableDomain(1, self._subscriber, domain))
        try:
            yield found
        finally:
            for domain in (DRIVER, RUNTIME):
                self._library.cuptiEnableDomain(0, self._subscriber, domain)
            names = Counter(self._names)
            # Once each: a call of the runtime that ends in one of the driver is one.
            counted = {
                name: n
                for (domain, name), n in names.items()
                if domain == DRIVER or not self._nested
            }
            found |= by_kind(counted)
            found["by name"] = {name: n for (_, name), n in names.most_common()}


class Emulated:
    """Counts by the emulator of `tests/emulated`."""

    how = "the emulator's counters"

    def __init__(self) -> None:
        from tests.emulated.cuda_on_host import counting

        self._counting = counting

    @contextmanager
    def counting(self) -> Iterator[dict]:
        """Count meanwhile."""
        found: dict = {}
        with self._counting() as counts:
            yield found
        kinds = {"launch": "launches", "wait": "waits", "fill": "fills"}
        totals = dict.fromkeys([*KINDS, WAITING_COPIES], 0)
        for kind, n in counts.totals().items():
            totals[kinds.get(kind, "copies")] += n
        found |= totals
        found["by name"] = dict(Counter(event.what for event in counts.events))


def counter() -> ByCupti | Emulated:
    """What counts here; raises NoCounter if nothing does."""
    if "tests.emulated._hooks" in sys.modules:
        return Emulated()
    return ByCupti()


def by_kind(names: dict[str, int]) -> dict[str, int]:
    """Add up calls by what they are about."""
    totals = dict.fromkeys([*KINDS, WAITING_COPIES], 0)
    for name, n in names.items():
        short = name.removeprefix("cuda").removeprefix("cu")
        for kind, begins in KINDS.items():
            if short.startswith(begins):
                totals[kind] += n
        if short.startswith("Memcpy") and "Async" not in short:
            totals[WAITING_COPIES] += n
    return totals


def _load() -> ctypes.CDLL:
    """Load CUPTI of the version of CUDA that CuPy runs on."""
    import cupy

    major = cupy.cuda.runtime.runtimeGetVersion() // 1000
    soname = f"libcupti.so.{major}"
    places = [
        *(f"{path}/nvidia/*/lib/{soname}" for path in sys.path if path),
        f"/usr/local/cuda*/extras/CUPTI/lib64/{soname}",
        f"/usr/local/cuda*/lib64/{soname}",
    ]
    found = [path for place in places for path in sorted(glob.glob(place))]
    for path in [*found, soname]:
        try:
            return ctypes.CDLL(path)
        except OSError as error:
            reason = error
    raise NoCounter(f"{soname} is not installed ({reason})")
