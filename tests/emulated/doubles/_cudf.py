# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Stand for cuDF, whose compiled part is far too large to be exchanged function by
function.

Series, frames and indices hold CuPy's arrays and offer what gpu_hpo, its tests and cuML
use of cuDF. What a method takes is read from the installed cuDF, by a process without
an emulator, once per version; so are the names of all attributes. An argument that cuDF
does not have is refused with its TypeError; one that it has, and the double has not, or
an attribute of that kind, with NotImplementedError. What cuDF refuses is refused with
its words: becoming an array of NumPy's by itself, iteration, strings in CuPy's arrays.

dask-cudf stays hidden, since it builds on all of cuDF.
"""

import functools
import importlib
import inspect
import json
import os
import sys
from collections.abc import Callable
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

# Where the classes are in cuDF; these are their names in messages and pickles, too.
_HOMES = {
    "DataFrame": "cudf.core.dataframe",
    "Series": "cudf.core.series",
    "Index": "cudf.core.index",
    "RangeIndex": "cudf.core.index",
    "concat": "cudf.core.reshape",
    "from_pandas": "cudf.core.dataframe",
}
_MODULES = ("cudf", *sorted(set(_HOMES.values())), "cudf.core", "cudf.pandas")
_MODULES += ("cudf.comm", "cudf.comm.serialize", "cudf.errors")


def install() -> None:
    """Let `import cudf` find the double from now on; import nothing yet."""
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


class _Finder(MetaPathFinder):
    def find_spec(self, name: str, path: Any, target: Any = None) -> ModuleSpec | None:
        if name.partition(".")[0] != "cudf" or not PathFinder.find_spec("cudf"):
            return None
        if name in _MODULES:
            return ModuleSpec(name, _Double(), is_package=True)
        raise ModuleNotFoundError(f"the double has no {name}", name=name)


class _Double(Loader):
    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        if module.__name__ == "cudf":
            _fill(module)
        elif module.__name__ == "cudf.pandas":
            module.__dict__["LOADED"] = False
        elif module.__name__ == "cudf.errors":
            module.__dict__["MixedTypeError"] = type(
                "MixedTypeError", (TypeError,), {"__module__": "cudf.errors"}
            )
        elif module.__name__ in _HOMES.values():
            import cudf

            for name, home in _HOMES.items():
                if home == module.__name__:
                    module.__dict__[name] = getattr(cudf, name)


def _fill(module: ModuleType) -> None:
    from tests.emulated.doubles import _frames

    module.__dict__["__version__"] = _known()["version"]
    for name, home in _HOMES.items():
        made = getattr(_frames, name)
        if isinstance(made, type):
            _fit(made, _known()["classes"][name])
        else:
            made = _strict(made, _known()["functions"][name], name)
        made.__module__ = home
        module.__dict__[name] = made

    class CategoricalDtype:
        """No column has this type: categories are pandas'."""

    module.__dict__["CategoricalDtype"] = CategoricalDtype

    def __getattr__(name: str) -> Any:
        # As a package's submodule, or not at all.
        if f"cudf.{name}" in _MODULES:
            return importlib.import_module(f"cudf.{name}")
        if name in _known()["names"]:
            raise NotImplementedError(f"the double of cuDF has no {name}")
        raise AttributeError(f"module 'cudf' has no attribute {name!r}")

    module.__dict__["__getattr__"] = __getattr__


# ---- signatures ----


def attribute_names(kind: str) -> frozenset[str]:
    """Return the names of all public attributes of a class of cuDF."""
    return frozenset(_known()["classes"][kind]["names"])


def _fit(kind: type, known: dict[str, Any]) -> None:
    """Let the methods of a class take what cuDF's take."""
    for name in [n for base in kind.__mro__[:-1] for n in vars(base)]:
        own = inspect.getattr_static(kind, name)
        function = own.__func__ if isinstance(own, classmethod) else own
        if not inspect.isfunction(function) or hasattr(function, "__wrapped__"):
            continue
        if name.startswith("_") and name != "__init__":
            continue
        if name not in known["parameters"]:
            raise TypeError(f"cuDF has no method {kind.__name__}.{name}")
        strict = _strict(function, known["parameters"][name], f"{kind.__name__}.{name}")
        setattr(kind, name, classmethod(strict) if function is not own else strict)


def _strict(
    function: Callable[..., Any], parameters: list[list[Any]], name: str
) -> Callable[..., Any]:
    """Take what cuDF takes, and say what of it the double does not know."""
    kinds = {kind.name: kind for kind in inspect._ParameterKind}
    theirs = inspect.Signature(
        [
            inspect.Parameter(
                word, kinds[kind], default=default if has_default else inspect._empty
            )
            for word, kind, has_default, default in parameters
        ]
    )
    ours = inspect.signature(function).parameters
    if more := set(ours) - set(theirs.parameters):
        raise TypeError(f"{name} of cuDF has no {sorted(more)}")

    @functools.wraps(function)
    def strict(*args: Any, **options: Any) -> Any:
        try:
            given = theirs.bind(*args, **options).arguments
        except TypeError as error:
            raise TypeError(f"{name}() {error}") from None
        first, *words = given.items()
        unknown = [word for word, _ in words if word not in ours]
        if first[0] not in ours and first[0] not in ("self", "cls"):
            unknown.insert(0, first[0])
        if unknown:
            raise NotImplementedError(f"the double of {name} has no {unknown}")
        if next(iter(ours)) in ("self", "cls"):
            return function(first[1], **dict(words))
        return function(**given)

    strict.__dict__["__signature__"] = theirs
    return strict


@functools.cache
def _known() -> dict[str, Any]:
    """Return what the installed cuDF has, from a file of an earlier process if any."""
    import hashlib
    import subprocess

    from tests.emulated.cuda_on_host._compiler import cache_folder

    spec = PathFinder.find_spec("cudf")
    assert spec is not None and spec.origin is not None
    version = (Path(spec.origin).parent / "VERSION").read_text().strip()
    # What is kept depends on what this file asks for.
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()[:8]
    path = cache_folder() / f"cudf-{version}-{digest}.json"
    if not path.exists():
        found = subprocess.run(
            [sys.executable, __file__, json.dumps(_HOMES)],
            env={k: v for k, v in os.environ.items() if k != "PYTHONPATH"},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        own = path.with_suffix(f".{os.getpid()}")
        own.write_text(found.splitlines()[-1])
        own.replace(path)  # another process may read it meanwhile
    return json.loads(path.read_text())


def _inspect(homes: dict[str, str]) -> dict[str, Any]:
    """Describe the cuDF that this process can import."""
    import cudf

    found: dict[str, Any] = {
        "version": cudf.__version__,
        "names": sorted(dir(cudf)),
        "classes": {},
        "functions": {},
    }
    for name in homes:
        thing = getattr(cudf, name)
        if not inspect.isclass(thing):
            found["functions"][name] = _parameters(thing)
            continue
        methods = {
            n: inspect.getattr_static(thing, n)
            for n in dir(thing)
            if n == "__init__" or not n.startswith("_")
        }
        found["classes"][name] = {
            "home": thing.__module__,
            "names": sorted(methods),
            "parameters": {
                n: _parameters(getattr(m, "__func__", m))
                for n, m in methods.items()
                if inspect.isfunction(getattr(m, "__func__", m))
            },
        }
    return found


def _parameters(function: Any) -> list[list[Any]]:
    """Return name, kind, whether there is a default, and that in text."""
    return [
        [
            word,
            parameter.kind.name,
            parameter.default is not parameter.empty,
            repr(parameter.default),
        ]
        for word, parameter in inspect.signature(function).parameters.items()
    ]


if __name__ == "__main__":
    # Beside this file is none that others import by a short name.
    sys.path.pop(0)
    print(json.dumps(_inspect(json.loads(sys.argv[1]))))
