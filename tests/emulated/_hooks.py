# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Let each process of an emulated run find what is emulated when it imports it.

Nothing is imported before that: a process that needs no CuPy starts as fast as ever.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_loader
from types import ModuleType
from typing import Any

from tests.emulated._known import why_not
from tests.emulated.doubles import _cudf, _cuml

# Not emulated, so not to be found: they would look for a driver.
HIDDEN = frozenset({"cudf", "cuml", "dask_cuda", "dask_cudf", "rmm"})


def install() -> None:
    """Put the finder first, and hide what is not emulated."""
    if why_not():
        return
    sys.meta_path[:] = [
        _Guarded(finder) if finder is PathFinder else finder for finder in sys.meta_path
    ]
    sys.meta_path.insert(0, _Finder())
    _cuml.install()
    _cudf.install()


def installed() -> bool:
    """Tell whether this process is one of an emulated run."""
    return any(isinstance(finder, _Finder) for finder in sys.meta_path)


class _Finder(MetaPathFinder):
    def find_spec(
        self, name: str, path: Sequence[str] | None, target: Any = None
    ) -> ModuleSpec | None:
        """Find what is emulated."""
        if name in _STANDING:
            return spec_from_loader(name, _Standing(_STANDING[name]))
        if name in _CHANGED:
            spec = PathFinder.find_spec(name, path)
            if spec is not None:
                spec.loader = _Changed(spec.loader, _CHANGED[name])
            return spec
        return None


class _Standing(Loader):
    """Load a module that stands for another."""

    def __init__(self, make: Callable[[], ModuleType]) -> None:
        self._make = make

    def create_module(self, spec: Any) -> ModuleType:
        """Make it."""
        return self._make()

    def exec_module(self, module: ModuleType) -> None:
        """Do nothing more."""


class _Changed(Loader):
    """Load a module with what it calls exchanged."""

    def __init__(
        self, loader: Any, change: Callable[[ModuleType, Callable[[], None]], None]
    ) -> None:
        self._loader = loader
        self._change = change

    def create_module(self, spec: Any) -> Any:
        """Leave that to the module's own loader."""
        return self._loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        """Execute it, and exchange before or after that."""
        assert module.__spec__ is not None
        module.__spec__.loader = module.__loader__ = self._loader
        self._change(module, lambda: self._loader.exec_module(module))


class _Guarded:
    """Find what another finder finds, but for what is hidden."""

    def __init__(self, finder: Any) -> None:
        self._finder = finder

    def __getattr__(self, name: str) -> Any:
        return getattr(self._finder, name)

    def find_spec(self, name: str, *given: Any) -> Any:
        """Find a module, unless it is hidden."""
        if name.partition(".")[0] in HIDDEN:
            return None
        return self._finder.find_spec(name, *given)


def _change_cupy(module: ModuleType, load: Callable[[], None]) -> None:
    from tests.emulated.cuda_on_host import install_cupy

    install_cupy(load)


def _change_pynvml(module: ModuleType, load: Callable[[], None]) -> None:
    from tests.emulated import _nvml

    load()
    _nvml.exchange(module)


def _change_library(module: ModuleType, load: Callable[[], None]) -> None:
    from tests.emulated.cuda_on_host._sparse import exchange_library

    load()
    exchange_library(module)


def _change_cusparse(module: ModuleType, load: Callable[[], None]) -> None:
    from tests.emulated.cuda_on_host._sparse import exchange_sparse

    load()
    exchange_sparse(module)


def _stand_for_numba_cuda() -> ModuleType:
    from tests.emulated.cuda_on_host import install_numba

    return install_numba()


_CHANGED = {
    "cupy": _change_cupy,
    "cupy_backends.cuda.libs.cusparse": _change_library,
    "cupyx.cusparse": _change_cusparse,
    "pynvml": _change_pynvml,
}
_STANDING: dict[str, Callable[[], ModuleType]] = {"numba.cuda": _stand_for_numba_cuda}
