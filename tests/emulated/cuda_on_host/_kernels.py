# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compile the kernels that CuPy generates, and launch them."""

from __future__ import annotations

import ctypes
import itertools
import re
import threading
from collections.abc import Callable, Sequence
from typing import Any

from tests.emulated.cuda_on_host import _compiler, _counters

_HEADERS = """#pragma once
#include "device.h"
#include <cupy/complex.cuh>
#include <cupy/carray.cuh>
#include <cupy/atomics.cuh>
#include <cupy/math_constants.h>
"""
_ENTRY = """
static void body_{name}(void** p) {{ emulated_call({name}, p); }}
extern "C" const char* launch_{name}(void** p, const unsigned* grid,
                                     const unsigned* block, size_t n_bytes) {{
  const unsigned one[3] = {{1, 1, 1}};
  return emulated_launch(body_{name}, p, {one} ? one : grid, {one} ? one : block,
                         n_bytes, {barriers});
}}
"""
_BARRIERS = re.compile(r"__sync|__shfl")
_RETURNS = re.compile(r"\breturn\b|\bno_thread_divergence\b")
_GLOBAL = re.compile(r'extern\s+"C"\s+__global__\s+void\s+(\w+)\s*\(')
_Index = ctypes.c_uint * 3

_numbers = itertools.count(1)
_libraries: dict[int, ctypes.CDLL] = {}
_functions: dict[int, tuple[Any, str]] = {}
_lock = threading.Lock()


def compile_source(source: str, options: Sequence[str]) -> str:
    """Compile a source of CuPy for the host, and return the path of a library.

    A kernel has an entry of its name, with ``launch_`` before it.
    """
    includes = sorted(o for o in options if o.startswith(("-I", "-D")))
    own = f"-I{_compiler.INCLUDE}"
    begin = _compiler.precompiled(_HEADERS, (own, *includes))
    names = sorted(set(_GLOBAL.findall(source)))
    body = _one_thread(source)
    # The headers of CuPy name barriers, too.
    own_code = body.rsplit("#include", 1)[-1]
    barriers = int(bool(_BARRIERS.search(own_code)))
    # What goes through all elements, by however many threads there are, needs but one.
    # But if it returns after one of them, others have to do the rest.
    _, loop, each = own_code.rpartition("CUPY_FOR")
    goes_through = bool(loop) and not _RETURNS.search(each)
    one = int(not barriers and (body != source or goes_through))
    # Such memory has a size that a launch says.
    body = re.sub(
        r"extern\s+__shared__\s+([^;]*?)(\w+)\s*\[\s*\]\s*;",
        r"auto* \2 = reinterpret_cast<\1*>(emulated_dynamic_memory);",
        body,
    )
    entries = "".join(
        _ENTRY.format(name=name, barriers=barriers, one=one) for name in names
    )
    text = f'#include "begin.h"\n{body}\n{entries}'
    return str(_compiler.library(text, f"-I{begin}", own, *includes, optimize=1))


def _one_thread(source: str) -> str:
    """Let one thread do what a block of a reduction does together.

    Of CuPy's own reductions alone, which are many and are not what is to be shown. A
    power of 2 is the number of threads, which the source has as a number.
    """
    if "_sdata_raw" not in source or "_block_stride" not in source:
        return source
    for pattern, one in (
        (r"__shared__ char _sdata_raw\[\d+ \*", "char _sdata_raw[1 *"),
        (r"\d+ >> __popc", "1 >> __popc"),
        (r"_block = \d+ / 2", "_block = 0"),
        (r"unsigned int _tid = threadIdx\.x;", "unsigned int _tid = 0;"),
        (r"_block_stride - 1", "0"),
        (r"\* _block_stride", "* 1"),
        (r"_block >= _block_stride", "_block >= 1"),
        (r"_tid < _block_stride", "_tid < 1"),
        (r"__syncthreads\(\);", ""),
    ):
        source, n = re.subn(pattern, one, source)
        if not n:
            raise RuntimeError(f"reductions of CuPy have changed: no {pattern}")
    return source


def load(path: bytes) -> int:
    """Do what cuModuleLoadData does, with the path of a library."""
    _compiler.threads()
    with _lock:
        number = next(_numbers)
        _libraries[number] = ctypes.CDLL(path.decode())
    return number


def find(module: int, name: bytes | str) -> int:
    """Do what cuModuleGetFunction does."""
    name = name.decode() if isinstance(name, bytes) else name
    entry = getattr(_libraries[module], f"launch_{name}")
    entry.argtypes = [ctypes.c_void_p, _Index, _Index, ctypes.c_size_t]
    entry.restype = ctypes.c_char_p
    with _lock:
        number = next(_numbers)
        _functions[number] = entry, name
    return number


def launch(
    function: int,
    grid_x: int,
    grid_y: int,
    grid_z: int,
    block_x: int,
    block_y: int,
    block_z: int,
    n_bytes: int,
    stream: int,
    arguments: int,
    extra: int,
) -> None:
    """Do what cuLaunchKernel does, and wait until it is done."""
    entry, name = _functions[function]
    _counters.note("launch", name, stream=stream)
    grid, block = _Index(grid_x, grid_y, grid_z), _Index(block_x, block_y, block_z)
    error = entry(arguments, grid, block, n_bytes)
    if error:
        raise RuntimeError(f"kernel {name} {error.decode()}")


def driver_functions(version: int) -> dict[str, Callable[..., Any]]:
    """Return what is exchanged in `cupy_backends.cuda.api.driver`."""
    return {
        "ctxGetCurrent": lambda: 1,
        "ctxGetDevice": lambda: 0,
        "funcGetAttribute": lambda *_: 0,
        "get_build_version": lambda: version,
        "launchKernel": launch,
        "moduleGetFunction": find,
        "moduleLoadData": load,
        "moduleUnload": lambda _: None,
    }
