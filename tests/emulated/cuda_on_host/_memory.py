# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Memory, copies, streams and events of the one device, which are the host's.

What is asked for is done at once, so streams are in order and events have happened.
"""

from __future__ import annotations

import ctypes
import itertools
import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from tests.emulated.cuda_on_host import _counters

# Of CUDA: values of cudaMemcpyKind.
_KINDS = {0: "host", 1: "upload", 2: "download", 3: "move"}
_DEFAULT = 4  # by the addresses
# What an H100 answers: processors, threads of a block, capability 9.0 and so on.
_ATTRIBUTES = {1: 1024, 8: 49152, 10: 32, 16: 132, 75: 9, 76: 0}
CAPACITY = 80 << 30
_ALIGNMENT = 512
_END = bytes(range(64))  # follows each piece of memory, to be found as it was

_libc = ctypes.CDLL(None)
_libc.free.argtypes = [ctypes.c_void_p]
_libc.posix_memalign.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t]
_numbers = itertools.count(1)
_sizes: dict[int, int] = {}
_pinned: dict[int, int] = {}
_lock = threading.Lock()


def allocate(n_bytes: int, *_: Any) -> int:
    """Allocate memory of the device, with a pattern that is no likely number."""
    return _allocate(n_bytes, _sizes)


def allocate_pinned(n_bytes: int, *_: Any) -> int:
    """Allocate memory of the host as cudaHostAlloc does."""
    return _allocate(n_bytes, _pinned)


def _allocate(n_bytes: int, sizes: dict[int, int]) -> int:
    pointer = ctypes.c_void_p()
    size = max(n_bytes, 1)
    if _libc.posix_memalign(ctypes.byref(pointer), _ALIGNMENT, size + len(_END)):
        raise MemoryError(f"{n_bytes} bytes")
    ctypes.memset(pointer, 0xCD, size)
    ctypes.memmove((pointer.value or 0) + n_bytes, _END, len(_END))
    with _lock:
        sizes[pointer.value or 0] = n_bytes
    return pointer.value or 0


def release(pointer: int, *_: Any) -> None:
    """Give memory back, overwritten: who still reads it finds no number."""
    if not pointer:
        return
    with _lock:
        n_bytes = (_sizes if pointer in _sizes else _pinned).pop(pointer)
    if ctypes.string_at(pointer + n_bytes, len(_END)) != _END:
        raise RuntimeError(f"a kernel wrote beyond the end of {n_bytes} bytes")
    ctypes.memset(pointer, 0xDD, n_bytes)
    _libc.free(pointer)


def kind_of(pointer: int) -> int:
    """Return the value of cudaMemoryType of a pointer: none, pinned or device."""
    with _lock:
        for kind, sizes in ((2, _sizes), (1, _pinned)):
            if any(at <= pointer < at + size for at, size in sizes.items()):
                return kind
    return 0


def info() -> tuple[int, int]:
    """Return free and total bytes."""
    with _lock:
        return CAPACITY - sum(_sizes.values()), CAPACITY


def copy(target: int, source: int, n_bytes: int, kind: int, stream: int = 0) -> None:
    """Copy as cudaMemcpyAsync and cudaMemcpy do."""
    if kind == _DEFAULT:
        kind = (kind_of(target) == 2) + 2 * (kind_of(source) == 2)
    _counters.note(_KINDS[kind], "copy", n_bytes, stream)
    ctypes.memmove(target, source, n_bytes)


def fill(pointer: int, value: int, n_bytes: int, *_: Any) -> None:
    """Fill as cudaMemset does."""
    _counters.note("fill", "memset", n_bytes)
    ctypes.memset(pointer, value, n_bytes)


def waiting(what: str) -> Callable[..., None]:
    """Return a function that waits for the device."""

    def wait(*_: Any) -> None:
        _counters.note("wait", what)

    return wait


def properties(device: int) -> dict[str, Any]:
    """Return what cudaGetDeviceProperties says."""
    return {
        "name": b"emulated H100",
        "uuid": b"emulated-H100-%02d" % device,
        "major": 9,
        "minor": 0,
        "warpSize": 32,
        "multiProcessorCount": 132,
        "maxThreadsPerBlock": 1024,
        "maxThreadsPerMultiProcessor": 2048,
        "sharedMemPerBlock": 49152,
        "totalGlobalMem": CAPACITY,
        "pciBusID": 0,
        "pciDeviceID": 0,
        "pciDomainID": 0,
    }


def view(pointer: int, shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """Return what lies in memory as an array of NumPy, without a copy."""
    dtype = np.dtype(dtype)
    n_bytes = math.prod(shape) * dtype.itemsize
    if not n_bytes:
        return np.empty(shape, dtype)
    raw = (ctypes.c_char * n_bytes).from_address(pointer)
    return np.frombuffer(raw, dtype).reshape(shape)


def nothing(*_: Any) -> None:
    """Do what needs no doing, since all is done at once."""


def runtime_functions(
    version: int, attributes_of: Callable[[int], Any]
) -> dict[str, Any]:
    """Return what is exchanged in `cupy_backends.cuda.api.runtime`."""

    def number(*_: Any) -> int:
        return next(_numbers)

    return {
        "_ensure_context": nothing,
        "_getCUDAMajorVersion": lambda: version // 1000,
        "deviceCanAccessPeer": lambda *_: 0,
        "deviceGetAttribute": lambda attribute, _: _ATTRIBUTES.get(attribute, 0),
        "deviceGetPCIBusId": lambda _: "0000:00:00.0",
        "deviceSynchronize": waiting("deviceSynchronize"),
        "driverGetVersion": lambda: version,
        "eventCreate": number,
        "eventCreateWithFlags": number,
        "eventDestroy": nothing,
        "eventElapsedTime": lambda *_: 0.0,
        "eventQuery": nothing,
        "eventRecord": nothing,
        "eventSynchronize": waiting("eventSynchronize"),
        "free": release,
        "freeAsync": release,
        "freeHost": release,
        "getDevice": lambda: 0,
        "getDeviceCount": lambda: 1,
        "getDeviceProperties": properties,
        "hostAlloc": allocate_pinned,
        "malloc": allocate,
        "mallocAsync": allocate,
        "memGetInfo": info,
        "memcpy": copy,
        "memcpyAsync": copy,
        "memset": fill,
        "memsetAsync": fill,
        "pointerGetAttributes": attributes_of,
        "pointerGetMemoryType": kind_of,
        "runtimeGetVersion": lambda: version,
        "setDevice": nothing,
        "streamCreate": number,
        "streamCreateWithFlags": number,
        "streamCreateWithPriority": number,
        "streamDestroy": nothing,
        "streamIsCapturing": lambda _: 0,
        "streamQuery": nothing,
        "streamSynchronize": waiting("streamSynchronize"),
        "streamWaitEvent": nothing,
    }
