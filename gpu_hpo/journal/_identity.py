# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Describe what a search depends on, in JSON, to tell whether another is the same."""

from __future__ import annotations

import functools
import hashlib
import re
from collections.abc import Iterator, Mapping, Set
from types import CellType, CodeType, FunctionType
from typing import Any

import numpy as np

from gpu_hpo.exceptions import JournalMismatchError

_ADDRESS = re.compile(r" at 0x[0-9a-f]+")
_SHOWN = 60  # characters of a value, in errors
_NAMED = 5  # differences, in an error


def described(value: Any) -> Any:
    """Return what makes a value what it is, the same in every process.

    Objects that say nothing of themselves but their address are described by their
    class: whether two of them are the same is not known.
    """
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if isinstance(value, np.generic):
        item = value.item()
        return described(item) if not isinstance(item, np.generic) else repr(value)
    if isinstance(value, Mapping):
        return {str(key): described(item) for key, item in value.items()}
    if isinstance(value, list | tuple | range):
        return [described(item) for item in value]
    if isinstance(value, Set):
        return sorted((described(item) for item in value), key=str)
    if isinstance(value, FunctionType):
        return {"function": _name(value), **_code(value)}
    if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
        return _name(value)
    if isinstance(value, functools.partial):
        return {
            "partial": described(value.func),
            "args": described(value.args),
            "keywords": described(value.keywords),
        }
    kind = described(type(value))
    if hasattr(value, "dtype") and hasattr(value, "shape"):
        array = np.asarray(value) if isinstance(value, np.ndarray) else None
        return {
            "class": kind,
            "shape": described(tuple(value.shape)),
            "dtype": str(value.dtype),
            "content": None if array is None else _digest(array),
        }
    if callable(getattr(value, "get_params", None)):
        return {"class": kind, **described(value.get_params(deep=False))}
    if hasattr(value, "dist") and hasattr(value, "kwds"):  # a distribution of SciPy's
        return {
            "class": f"scipy.stats.{value.dist.name}",
            "args": described(value.args),
            **described(value.kwds),
        }
    return {"class": kind, "is": _ADDRESS.sub("", repr(value))}


def _name(value: Any) -> str:
    return f"{value.__module__}.{value.__qualname__}"


def _code(function: FunctionType) -> dict[str, Any]:
    """Return what a function does: its name may be that of an earlier version."""
    code, cells = function.__code__, function.__closure__ or ()
    content = _ADDRESS.sub("", repr(_content(code)))
    return {
        "code": hashlib.sha256(content.encode()).hexdigest()[:16],
        "defaults": described(function.__defaults__),
        "sees": [_seen(cell) for cell in cells],
    }


def _content(code: CodeType) -> tuple[Any, ...]:
    constants = [
        _content(c) if isinstance(c, CodeType) else repr(c) for c in code.co_consts
    ]
    return code.co_code, constants, code.co_names, code.co_varnames


def _seen(cell: CellType) -> Any:
    try:
        value = cell.cell_contents
    except ValueError:  # nothing yet
        return None
    # A function may see itself.
    return _name(value) if isinstance(value, FunctionType) else described(value)


def check_same(then: Mapping[str, Any], now: Mapping[str, Any], where: str) -> None:
    """Raise JournalMismatchError, naming what differs, unless two searches are one."""
    differences = list(_differences(then, now, ""))
    if not differences:
        return
    named = "; ".join(differences[:_NAMED])
    more = len(differences) - _NAMED
    raise JournalMismatchError(
        f"{where} has another search: {named}{f'; and {more} more' if more > 0 else ''}"
        ". Search as before to go on with it, or give another path"
    )


def _differences(then: Any, now: Any, name: str) -> Iterator[str]:
    if isinstance(then, Mapping) and isinstance(now, Mapping):
        for key in dict.fromkeys([*then, *now]):
            path = f"{name}.{key}" if name else key
            if key not in then or key not in now:
                old, new = (
                    _short(side[key]) if key in side else "none" for side in (then, now)
                )
                yield f"{path} was {old} and is {new}"
            else:
                yield from _differences(then[key], now[key], path)
    elif then != now or isinstance(then, bool) != isinstance(now, bool):
        yield f"{name} was {_short(then)} and is {_short(now)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _digest(array: np.ndarray) -> str:
    if array.dtype.hasobject:
        content = repr(array.tolist()).encode()
    else:
        content = np.ascontiguousarray(array).tobytes()
    return hashlib.sha256(content).hexdigest()[:16]
