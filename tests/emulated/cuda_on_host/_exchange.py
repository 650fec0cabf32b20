# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Exchange functions by which compiled modules of CuPy call one another.

A module of Cython offers its C functions in `__pyx_capi__`, as capsules that hold an
address, named by the signature. Modules that are imported later look them up there. So
functions are exchanged before that, for stubs that call one of Python, errors included.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from tests.emulated.cuda_on_host import _compiler

# How a stub passes an argument on, by its type in C.
_TO_PYTHON = {
    "int": "PyLong_FromLongLong(a{i})",
    "unsigned int": "PyLong_FromUnsignedLongLong(a{i})",
    "size_t": "PyLong_FromUnsignedLongLong(a{i})",
    "uintmax_t": "PyLong_FromUnsignedLongLong(a{i})",
    "intptr_t": "PyLong_FromLongLong(a{i})",
    "int64_t": "PyLong_FromLongLong(a{i})",
    "long long": "PyLong_FromLongLong(a{i})",
    "float": "PyFloat_FromDouble(a{i})",
    "double": "PyFloat_FromDouble(a{i})",
    "PyObject *": "(Py_IncRef(a{i}), a{i})",
}
# What it returns, and what if there was an error, which is how Cython asks for it.
_FROM_PYTHON = {
    "int": ("(int)PyLong_AsLongLong(out)", "-1"),
    "unsigned int": ("(unsigned)PyLong_AsUnsignedLongLong(out)", "0"),
    "size_t": ("(size_t)PyLong_AsUnsignedLongLong(out)", "0"),
    "uintmax_t": ("(uintmax_t)PyLong_AsUnsignedLongLong(out)", "0"),
    "intptr_t": ("(intptr_t)PyLong_AsLongLong(out)", "0"),
    "float": ("(float)PyFloat_AsDouble(out)", "-1"),
    # Cython cannot ask such a function for an error.
    "void": ("", "PyErr_Print()"),
}
_C_NAMES = {"PY_LONG_LONG": "long long", "CUdevice": "int", "cudaMemcpyKind": "int"}

_BEGIN = """
#include <cstddef>
#include <cstdint>
extern "C" {
typedef struct _object PyObject;
PyObject* PyLong_FromLongLong(long long);
PyObject* PyLong_FromUnsignedLongLong(unsigned long long);
long long PyLong_AsLongLong(PyObject*);
unsigned long long PyLong_AsUnsignedLongLong(PyObject*);
PyObject* PyFloat_FromDouble(double);
double PyFloat_AsDouble(PyObject*);
PyObject* PyTuple_New(ptrdiff_t);
int PyTuple_SetItem(PyObject*, ptrdiff_t, PyObject*);
PyObject* PyObject_CallObject(PyObject*, PyObject*);
void PyErr_Print();
void Py_IncRef(PyObject*);
void Py_DecRef(PyObject*);
"""
_STUB = """
PyObject* called_{name} = nullptr;
{result} stub_{name}({parameters}) {{
  PyObject* given = PyTuple_New({n});
  if (!given) return {error};
  {items}
  PyObject* out = PyObject_CallObject(called_{name}, given);
  Py_DecRef(given);
  if (!out) return {error};
  {give}
}}
"""

_api = ctypes.pythonapi
_api.PyCapsule_GetName.restype = ctypes.c_void_p
_api.PyCapsule_GetName.argtypes = [ctypes.py_object]
_api.PyCapsule_New.restype = ctypes.py_object
_api.PyCapsule_New.argtypes = [ctypes.c_void_p] * 3
_kept: list[Any] = []  # for as long as the process lives


@dataclass(frozen=True)
class Signature:
    """Types of a C function: of its result, and of the arguments that are passed on."""

    result: str
    all_parameters: tuple[str, ...]
    n: int

    @classmethod
    def parse(cls, text: str) -> Signature | None:
        """Read what Cython writes; None for data and for structures by value."""
        found = re.match(r"^(.*?)\s*\((.*)\)$", text)
        if found is None:
            return None
        result, inside = found.groups()
        types = [] if inside == "void" else inside.split(", ")
        # What comes with the options of Cython's own calls is left out.
        n = sum("__pyx_" not in t or t.startswith("struct __pyx_obj") for t in types)
        types = [_C_NAMES.get(t, t) for t in types]
        types = ["int" if "skip_dispatch" in t else t for t in types]
        objects = [
            "PyObject *" if t.startswith("struct __pyx_obj") else t for t in types
        ]
        pointers = ["void *" if t.startswith("struct") else t for t in objects]
        if result.startswith("struct __pyx_obj"):
            result = "PyObject *"
        known = result == "PyObject *" or result in _FROM_PYTHON
        if not known or any(t not in _TO_PYTHON for t in pointers[:n]):
            return None
        return cls(result, tuple(pointers), n)


def exchange(module: ModuleType, functions: Mapping[str, Callable[..., Any]]) -> None:
    """Let other modules call functions of Python instead of those of a module.

    Parameters
    ----------
    module : module
        Of Cython, imported before those that call it.
    functions : mapping of str to callable
        By name. All others that the module offers raise NotImplementedError, with their
        name.

    Raises
    ------
    ValueError
        If the module offers no function of such a name, as other versions may.
    """
    offered = module.__dict__["__pyx_capi__"]
    signatures: dict[str, Signature] = {}
    for name, capsule in offered.items():
        text = ctypes.string_at(_api.PyCapsule_GetName(capsule)).decode()
        found = Signature.parse(text)
        if found is not None:
            signatures[name] = found
        elif name in functions:
            raise ValueError(f"cannot exchange {module.__name__}.{name}: {text}")
    unknown = sorted(set(functions) - set(vars(module)) - set(signatures))
    if unknown:
        raise ValueError(f"{module.__name__} has no {', '.join(unknown)}")
    stubs = _stubs(signatures)
    for name, signature in signatures.items():
        called = _whole(module, name, functions.get(name), signature.n)
        ctypes.py_object.in_dll(stubs, f"called_{name}").value = called
        # Never given back: CuPy releases memory when the interpreter ends.
        _api.Py_IncRef(ctypes.py_object(called))
        address = ctypes.cast(getattr(stubs, f"stub_{name}"), ctypes.c_void_p)
        capsule = offered[name]
        offered[name] = _api.PyCapsule_New(
            address, _api.PyCapsule_GetName(capsule), None
        )
        # Its name lies in the old one.
        _kept.append((capsule, called))
        if callable(getattr(module, name, None)):
            setattr(module, name, called)
    for name in set(functions) - set(signatures):
        setattr(module, name, functions[name])


def _whole(
    module: ModuleType, name: str, function: Callable[..., Any] | None, n: int
) -> Callable[..., Any]:
    if function is not None:
        return function

    def missing(*_: Any, **__: Any) -> Any:
        raise NotImplementedError(
            f"the emulator has no {module.__name__}.{name}; it belongs into "
            "tests/emulated/cuda_on_host"
        )

    return missing


def _stubs(signatures: Mapping[str, Signature]) -> ctypes.CDLL:
    text = [_BEGIN]
    for name, signature in signatures.items():
        types = signature.all_parameters
        parameters = ", ".join(f"{t} a{i}" for i, t in enumerate(types))
        items = [
            f"PyTuple_SetItem(given, {i}, {_TO_PYTHON[t].format(i=i)});"
            for i, t in enumerate(types[: signature.n])
        ]
        give, error = "return out;", "nullptr"
        if signature.result != "PyObject *":
            value, error = _FROM_PYTHON[signature.result]
        if signature.result == "void":
            give = "Py_DecRef(out);"
        elif signature.result != "PyObject *":
            give = f"{signature.result} value = {value}; Py_DecRef(out); return value;"
        text.append(
            _STUB.format(
                name=name,
                result=signature.result,
                parameters=parameters,
                n=signature.n,
                items="\n  ".join(items),
                give=give,
                error=error,
            )
        )
    text.append("}")
    return ctypes.PyDLL(str(_compiler.library("".join(text), optimize=1)))
