# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Put CuPy on memory of the host."""

from __future__ import annotations

import ctypes
import importlib.util
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.emulated._known import KNOWN, installed, why_not
from tests.emulated.cuda_on_host import _blas, _kernels, _memory
from tests.emulated.cuda_on_host._exchange import exchange


def install_cupy(load: Callable[[], None]) -> None:
    """Exchange what CuPy calls, and import it by `load`.

    `cupy_backends`, of which it is made, is a package of its own.
    """
    found = installed()
    if why_not() or found is None:
        raise RuntimeError(why_not())
    cuda = KNOWN[found[0]][1]
    version = cuda * 1000
    # Else it looks for CUB and cuTENSOR, whose kernels are compiled.
    os.environ["CUPY_ACCELERATORS"] = ""
    from cupy_backends.cuda.api import driver, runtime

    def attributes_of(pointer: int) -> Any:
        return runtime.PointerAttributes(0, pointer, 0, 2)

    exchange(runtime, _memory.runtime_functions(version, attributes_of))
    exchange(driver, _kernels.driver_functions(version))
    _load_cublas(cuda)
    from cupy_backends.cuda.libs import cublas

    exchange(cublas, _blas.cublas_functions())
    load()
    import cupy
    import cupy.cuda.compiler
    from cupy.cuda import thrust

    _blas.exchange_sorting(thrust)
    _blas.exchange_linalg(cupy)

    def compiled(source: str, options: Any = (), *_: Any, **__: Any) -> Any:
        module = cupy.cuda.function.Module()
        module.load(_kernels.compile_source(source, options).encode())
        return module

    cupy.cuda.compiler._compile_module_with_cache = compiled


def _load_cublas(cuda: int) -> None:
    """Load the libraries that the module of CuPy is linked to; none is called."""
    spec = importlib.util.find_spec("nvidia")
    for folder in spec.submodule_search_locations if spec else ():
        for library in ("libcublasLt", "libcublas"):
            for path in sorted(Path(folder).rglob(f"{library}.so.{cuda}")):
                ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)
