# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Let the installed cuML train on the memory of the host, under an emulated CUDA.

cuML itself is imported: its classes, signatures, checks of arguments and of data, rules
for the type of what it returns, copies in pickles and translations to and from
scikit-learn are the real ones, and all that it writes in CuPy runs as it is (naive
Bayes, scalers, least squares by SVD). What is exchanged are the functions of compiled
libraries that compute on a GPU: those of libcuml, which scikit-learn's models compute
instead (`_solvers`, `_others`, `_forests`), and nvForest's, which has a CPU side.

So weights, trees and numbers of iterations are scikit-learn's. Modeled is that some
solvers change the caller's rows while they train (`gpu_hpo.devices._cuml_task`). Not
modeled is what libcuml does differently by intent: forests that look for splits between
quantiles, mini-batches, other solvers with other tolerances, memory and streams. A
function of libcuml that no
double stands for fails as it does where there is no driver. `cudf` has to be the double
of `_cudf`.
"""

import functools
import sys
import threading
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec, PathFinder
from types import ModuleType, SimpleNamespace
from typing import Any


def install() -> None:
    """Prepare imports of cuML from now on in this process; import nothing yet."""
    if any(isinstance(finder, _Finder) for finder in sys.meta_path):
        return
    early = {name.partition(".")[0] for name in sys.modules} & {"cuml", "nvforest"}
    if early:
        raise RuntimeError(f"{sorted(early)} are imported already")
    sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    """Finds modules where they are, to change them as soon as they are imported.

    RMM is found while cuML is being imported: others would ask it for memory.
    """

    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        root = name.partition(".")[0]
        if name == "distributed.protocol.rmm":
            return ModuleSpec(name, _Received())
        if name.startswith("numba.cuda."):
            return _find_in_numba(name)
        if root not in ("cuml", "nvforest", "rmm"):
            return None
        if name == "rmm" and not getattr(_imports, "depth", 0):
            return None
        spec = PathFinder.find_spec(name, path, target)
        if (
            spec is None
            or spec.loader is None
            or (root == "rmm" and name not in _CHANGES)
        ):
            return spec
        change = _CHANGES.get(name)
        if change is None and root == "cuml":
            compiled = isinstance(spec.loader, ExtensionFileLoader)
            change = _exchange if compiled else None
        spec.loader = _Changing(spec.loader, change)
        return spec


_imports = threading.local()


def _find_in_numba(name: str) -> ModuleSpec:
    """Find the one module of Numba's CUDA part that cuML imports from.

    numba-cuda's own finder would look for ever in a stand-in without files.
    """
    if name != "numba.cuda.api":
        raise ModuleNotFoundError(f"{name} is not emulated", name=name)
    return ModuleSpec(name, _Api())


class _Api(Loader):
    """Makes a module of what cuML's callbacks would call, but none is emulated."""

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        def from_cuda_array_interface(*args: Any, **options: Any) -> Any:
            raise NotImplementedError("arrays of Numba are not emulated")

        module.__dict__["from_cuda_array_interface"] = from_cuda_array_interface


class _Received(Loader):
    """Makes a module by which Dask allocates what it has received for the device."""

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        def dask_deserialize_rmm_device_buffer(header: Any, frames: Any) -> Any:
            import cupy
            import numpy as np

            (frame,) = frames
            return cupy.asarray(np.frombuffer(frame, np.uint8))

        name = dask_deserialize_rmm_device_buffer.__name__
        module.__dict__[name] = dask_deserialize_rmm_device_buffer


class _Changing(Loader):
    """A loader that changes what it has loaded."""

    def __init__(
        self, loader: Any, change: Callable[[ModuleType], None] | None
    ) -> None:
        self._loader, self._change = loader, change

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        _imports.depth = getattr(_imports, "depth", 0) + 1
        try:
            self._loader.exec_module(module)
        finally:
            _imports.depth -= 1
        if self._change is not None:
            self._change(module)


# ---- changes ----


def _exchange(module: ModuleType) -> None:
    """Have a compiled module call the doubles of libcuml's functions."""
    from tests.emulated.doubles import _native

    functions, structs, arguments = _doubles()
    assert module.__file__ is not None
    _native.exchange(module.__file__, functions, structs, arguments)


@functools.cache
def _doubles() -> tuple[dict[str, Any], dict[str, Any], dict[str, list[str]]]:
    # Not before there is a module of cuML: they import scikit-learn.
    from tests.emulated.doubles import _forests, _others, _solvers

    functions = _solvers.FUNCTIONS | _others.FUNCTIONS | _forests.FUNCTIONS
    return functions, _forests.STRUCTS, _forests.ARGUMENTS


def _without_streams(base: ModuleType) -> None:
    """Make handles that have no streams, for `cuml.internals.base.get_handle`.

    Waiting for one raises what a double has raised.
    """
    from pylibraft.common.handle import Handle

    from tests.emulated.doubles import _native

    class HostHandle(Handle):
        def __new__(cls, n_streams: int = 0) -> Any:
            _native.forget_failure()
            return super().__new__(cls)

        def sync(self) -> None:
            _native.raise_failure()

    handles = SimpleNamespace(Handle=HostHandle)
    base.pylibraft = SimpleNamespace(  # type: ignore[attr-defined]
        common=SimpleNamespace(handle=handles)
    )


def _with_cupys_memory(allocators: ModuleType) -> None:
    """Leave CuPy its own memory, which cuML wants to exchange for RMM's."""
    import cupy

    allocators.rmm_cupy_allocator = (  # type: ignore[attr-defined]
        cupy.get_default_memory_pool().malloc
    )


def _without_pool(resources: ModuleType) -> None:
    """Say that RMM has no pool, for those who ask once cuML has imported it."""
    resource = SimpleNamespace()
    resources.get_current_device_resource = (  # type: ignore[attr-defined]
        lambda: resource
    )


def _infer_on_host(nvforest: ModuleType) -> None:
    from tests.emulated.doubles._forests import infer_on_host

    infer_on_host(nvforest)


_CHANGES: dict[str, Callable[[ModuleType], None]] = {
    "cuml.internals.base": _without_streams,
    "nvforest._forest_inference": _infer_on_host,
    "rmm.allocators.cupy": _with_cupys_memory,
    "rmm.mr": _without_pool,
}
