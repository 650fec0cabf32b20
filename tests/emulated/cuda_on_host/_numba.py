# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Stand for `numba.cuda`: its kernels are compiled for the CPU and run on host memory.

A thread of a kernel knows its place by calls of `threads.cpp`, which runs the threads
of a block in turns. Numba's own simulator makes a thread of Python of each; it is
slower by some thousands. Kernels see the types that they see on a GPU, but the
compiler is that of the CPU: what only the CUDA target refuses is not shown here, but
by `tests/devices/test_kernel_registers.py`.
"""

from __future__ import annotations

import contextlib
import ctypes
import functools
import hashlib
import itertools
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from tests.emulated.cuda_on_host import _compiler, _counters
from tests.emulated.cuda_on_host._memory import view

# Types in LLVM of what a compiled function takes, and in C.
_C_TYPES = {
    "i8": "int8_t",
    "i16": "int16_t",
    "i32": "int32_t",
    "i64": "int64_t",
    "float": "float",
    "double": "double",
}
_ENTRY = """
#include <cstdint>
#include "threads.h"
typedef int32_t Kernel(void*, void*{types});
static void body(void** p) {{
  char result[64];
  void* error = nullptr;
  int32_t status = reinterpret_cast<Kernel*>(p[0])(result, &error{values});
  // As the first that fails says.
  if (status && !*reinterpret_cast<int32_t*>(p[1]))
    *reinterpret_cast<int32_t*>(p[1]) = status;
}}
extern "C" const char* launch(void** p, const unsigned* grid, const unsigned* block,
                              size_t n_bytes) {{
  return emulated_launch(body, p, grid, block, n_bytes, 1);
}}
"""
_Index = ctypes.c_uint * 3
_compiling = threading.RLock()
_PROCESS = os.urandom(6).hex()
_parts = itertools.count()


def install_numba() -> ModuleType:
    """Make the stand-in that `import numba.cuda` finds."""
    import numba

    module: Any = _Module("numba.cuda", __doc__)
    module.__path__ = []
    sys.modules["numba.cuda"] = module
    numba.cuda = module
    return module


class _Module(ModuleType):
    """Offer what kernels and those who launch them use, and no more."""

    def __init__(self, *names: Any) -> None:
        super().__init__(*names)
        from tests.emulated.cuda_on_host import _numba_words

        for name, word in _numba_words.WORDS.items():
            setattr(self, name, word)
        self.jit = jit
        self.as_cuda_array = _borrowed
        self.external_stream = int
        self.synchronize = _synchronize
        self.is_available = lambda: True


def jit(function: Any = None, *, device: bool = False, **options: Any) -> Any:
    """Compile a function for threads of a device, or a kernel."""
    unknown = set(options) - {"max_registers", "fastmath", "lineinfo", "opt", "inline"}
    if unknown:
        raise TypeError(
            f"the emulator knows no {', '.join(sorted(unknown))} of cuda.jit"
        )
    if function is None:
        return functools.partial(jit, device=device, **options)
    import numba

    if device:
        # Code that is read from disk has parts of other processes, and of two parts of
        # one name the first would be taken.
        function.__qualname__ += f"_{_PROCESS}_{next(_parts)}"
    compiled: Any = numba.njit(nogil=True, error_model="numpy")(function)
    if device:
        return compiled
    # Where no folder can be written to, every process compiles for itself.
    with contextlib.suppress(RuntimeError):
        compiled._cache = _kept(function)
    return _Kernel(compiled)


def _kept(function: Any) -> Any:
    """Keep compiled code on disk, apart for each choice of constants in its scope."""
    from numba.core.caching import IndexDataCacheFile

    from gpu_hpo.devices import _jit

    cache: Any = _jit._Kept(function)
    constants = {
        name: value
        for name, value in function.__globals__.items()
        if isinstance(value, bool | int | float | str) and not name.startswith("__")
    }
    digest = hashlib.sha256(repr(sorted(constants.items())).encode()).hexdigest()
    cache._cache_file = IndexDataCacheFile(
        cache_path=cache._cache_path,
        filename_base=f"{cache._impl.filename_base}-{digest[:12]}",
        source_stamp=_jit._sources(Path(function.__code__.co_filename).parent),
    )
    return cache


class _Kernel:
    """What `kernel[blocks, threads, stream, n_bytes](*arguments)` is asked of."""

    def __init__(self, compiled: Any) -> None:
        self._compiled = compiled
        self._entries: dict[Any, tuple[Any, int]] = {}

    def __getitem__(self, configuration: Any) -> Callable[..., None]:
        blocks, threads, *rest = configuration
        stream, n_bytes = (*rest, 0, 0)[:2]
        grid, block = _index(blocks), _index(threads)
        if block[0] * block[1] * block[2] > 1024:
            raise ValueError(f"{threads} are more threads than a block has")
        return functools.partial(self._launch, grid, block, stream, int(n_bytes))

    def _launch(
        self, grid: Any, block: Any, stream: int, n_bytes: int, *arguments: Any
    ) -> None:
        name = self._compiled.py_func.__name__
        _counters.note("launch", f"numba {name}", stream=stream)
        given = [_on_host(value) for value in arguments]
        entry, address = self._entry(given)
        words = [word for value in given for word in _flat(value)]
        status = np.zeros(1, np.int32)
        cells = np.array([address, status.ctypes.data, *words], object)
        kept = [_cell(word) for word in cells]
        table = (ctypes.c_void_p * len(kept))()
        for i, cell in enumerate(kept):
            # The function and the status themselves, and where each argument is.
            table[i] = cell.value if i < 2 else ctypes.addressof(cell)
        error = entry(table, grid, block, n_bytes)
        if error:
            raise RuntimeError(f"kernel {name} {error.decode()}")
        if status[0]:
            raise RuntimeError(f"kernel {name} failed with status {status[0]}")

    def _entry(self, given: Sequence[Any]) -> tuple[Any, int]:
        from numba import typeof

        types = tuple(map(typeof, given))
        with _compiling:
            if types not in self._entries:
                self._compiled.compile(types)
                compiled = self._compiled.overloads[types]
                name = compiled.fndesc.llvm_func_name
                address = compiled.library.get_pointer_to_function(name)
                found = _entry_of(_parameters(compiled))
                self._entries[types] = found, address
            return self._entries[types]


def _parameters(compiled: Any) -> list[str]:
    """Return the types in LLVM of what a compiled function takes."""
    described = compiled.fndesc
    function = compiled.target_context.call_conv.get_function_type(
        described.restype, described.argtypes
    )
    # The first two are for the result and for errors.
    kinds = [str(argument) for argument in function.args[2:]]
    return ["i64" if kind.endswith("*") else kind for kind in kinds]


def _entry_of(kinds: Sequence[str]) -> Any:
    types = [_C_TYPES[kind] for kind in kinds]
    source = _ENTRY.format(
        types="".join(f", {t}" for t in types),
        values="".join(
            f", *reinterpret_cast<{t}*>(p[{i + 2}])" for i, t in enumerate(types)
        ),
    )
    _compiler.threads()
    path = _compiler.library(source, f"-I{_compiler.INCLUDE}", optimize=1)
    entry = ctypes.CDLL(str(path)).launch
    entry.argtypes = [ctypes.c_void_p, _Index, _Index, ctypes.c_size_t]
    entry.restype = ctypes.c_char_p
    return entry


def _index(size: Any) -> Any:
    numbers = tuple(size) if isinstance(size, Sequence) else (size,)
    return _Index(*(int(n) for n in (*numbers, 1, 1)[:3]))


def _borrowed(array: Any, sync: bool = True) -> Any:
    """Do what `numba.cuda.as_cuda_array` does."""
    if sync:
        _counters.note("wait", "as_cuda_array")
    return array


def _synchronize() -> None:
    _counters.note("wait", "numba synchronize")


def _on_host(value: Any) -> Any:
    """Return an argument with arrays of NumPy on the memory of those of a device."""
    if isinstance(value, tuple):
        made = [_on_host(item) for item in value]
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    if hasattr(value, "__cuda_array_interface__"):
        found = value.__cuda_array_interface__
        if found.get("strides") is not None:
            raise ValueError("the emulator takes arrays in one piece")
        return view(found["data"][0], found["shape"], found["typestr"])
    if isinstance(value, np.ndarray):
        raise TypeError("an array of the host was given to a kernel")
    return value


def _flat(value: Any) -> list[Any]:
    """Return what a compiled function takes for a value, in its order."""
    if isinstance(value, tuple):
        return [word for item in value for word in _flat(item)]
    if isinstance(value, np.ndarray):
        head = [0, 0, value.size, value.itemsize, value.ctypes.data]
        return [*head, *value.shape, *value.strides]
    return [value]


def _cell(word: Any) -> Any:
    if isinstance(word, np.float32):
        return ctypes.c_float(word)
    if isinstance(word, float | np.float64):
        return ctypes.c_double(word)
    return ctypes.c_int64(int(word))
