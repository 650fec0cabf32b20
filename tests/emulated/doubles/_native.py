# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Exchange functions that a compiled module calls in another library for Python's.

A compiled module reaches a function of another library through a slot of its own, which
the loader fills by the function's name. Here a slot gets the address of a Python
function instead. A mangled name of C++ says what the arguments are, so that nothing
about them is written down twice: pointers arrive as `Pointer`, which make NumPy arrays
over the memory they point to.
"""

import ctypes
import os
import re
import struct
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

_NUMBERS = {
    "bool": ctypes.c_bool,
    "double": ctypes.c_double,
    "float": ctypes.c_float,
    "int": ctypes.c_int,
    "long": ctypes.c_int64,
    "unsigned int": ctypes.c_uint32,
    "unsigned long": ctypes.c_uint64,
}
_kept: list[Any] = []  # what compiled code refers to, for as long as the process lives
_failed = threading.local()


class Pointer:
    """An address in memory, and the type of the numbers there, if they are numbers."""

    def __init__(self, address: int, kind: str) -> None:
        self.address = address
        self.kind = kind

    @property
    def dtype(self) -> np.dtype:
        """Type of the numbers."""
        return np.dtype(_NUMBERS[self.kind])

    def array(self, *shape: int, order: str = "C") -> np.ndarray:
        """View the memory as an array, which is not copied."""
        n_bytes = int(np.prod(shape)) * self.dtype.itemsize
        raw = (ctypes.c_char * n_bytes).from_address(self.address)
        return np.frombuffer(raw, self.dtype).reshape(shape, order=order)

    def set(self, value: float) -> None:
        """Write one number."""
        self.array(1)[0] = value

    def struct(self, kind: type[ctypes.Structure]) -> Any:
        """View the memory as a structure."""
        return kind.from_address(self.address)

    def vector(self, kind: str) -> list["Pointer"]:
        """Read a ``std::vector`` of pointers."""
        first, last = np.frombuffer(
            (ctypes.c_char * 16).from_address(self.address), np.uint64
        ).tolist()
        return [
            Pointer(ctypes.c_uint64.from_address(place).value, kind)
            for place in range(first, last, 8)
        ]


@contextmanager
def disturbed(*arrays: np.ndarray) -> Iterator[None]:
    """Take their means off meanwhile, as libcuml does with memory that others read.

    Afterwards the numbers are rounded.
    """
    means = [array.mean(axis=0) for array in arrays]
    for array, mean in zip(arrays, means, strict=True):
        array -= mean
    try:
        yield
    finally:
        for array, mean in zip(arrays, means, strict=True):
            array += mean


def exchange(
    path: str,
    functions: Mapping[str, Callable[..., Any]],
    structs: Mapping[str, type[ctypes.Structure]] | None = None,
    arguments: Mapping[str, list[str]] | None = None,
) -> set[str]:
    """Have a loaded module of compiled code call these functions.

    Parameters
    ----------
    path : str
        File of the module.
    functions : mapping of str to callable
        By names as in C++, with or without the types in angle brackets; each stands for
        all functions of that name, whatever they take. A function returns a number, or
        None. What it raises is raised again by `raise_failure`.
    structs : mapping of str to type, optional
        Structures that are passed by value, by their names in C++.
    arguments : mapping of str to list of str, optional
        Types of the arguments of functions of C, whose names do not tell.

    Returns
    -------
    set of str
        Names that the module does call.
    """
    found = set()
    for slot, symbol in _slots(path):
        name, types = _demangled(symbol)
        plain = re.sub(r"<.*>", "", name)
        function = functions.get(name) or functions.get(plain)
        if function is None:
            continue
        found.add(name if name in functions else plain)
        types = (arguments or {}).get(name, types)
        callback = _callback(name, function, types, structs or {})
        _kept.append(callback)
        _write(slot, ctypes.cast(callback, ctypes.c_void_p).value or 0)
    return found


def raise_failure() -> None:
    """Raise what a function has raised in this thread, once."""
    error = getattr(_failed, "error", None)
    _failed.error = None
    if error is not None:
        raise error


def forget_failure() -> None:
    """Raise nothing of what functions have raised in this thread so far."""
    _failed.error = None


# ---- calls ----


def _callback(
    name: str,
    function: Callable[..., Any],
    arguments: list[str],
    structs: Mapping[str, type[ctypes.Structure]],
) -> Any:
    types: list[Any] = []
    pointers: list[str | None] = []
    for argument in arguments:
        kind = argument.replace(" const", "").strip()
        pointer = re.fullmatch(r"(.*?) ?[*&]+", kind)
        pointers.append(pointer.group(1) if pointer else None)
        if pointer:
            types.append(ctypes.c_void_p)
        elif kind.endswith("level_enum") or kind.endswith("DistanceType"):
            types.append(ctypes.c_int)
        else:
            types.append(_NUMBERS.get(kind) or structs[kind])

    def call(*values: Any) -> int:
        given = [
            value if kind is None else value and Pointer(value, kind)
            for value, kind in zip(values, pointers, strict=True)
        ]
        try:
            return function(*given) or 0
        except BaseException as error:
            # Compiled code cannot raise it, and goes on.
            traceback.print_exc()
            _failed.error = error
            return -1

    call.__name__ = name
    # What returns nothing is not harmed by a number in the register for it.
    return ctypes.CFUNCTYPE(ctypes.c_int, *types)(call)


def _demangled(symbol: str) -> tuple[str, list[str]]:
    """Return a function's name and the types of its arguments."""
    text = _demangle(symbol)
    if not text.endswith((")", ") const")):
        return text, []
    # The arguments are in the last pair of brackets.
    depth, start = 0, len(text) - 1
    for start in range(text.rindex(")"), -1, -1):
        depth += {")": 1, "(": -1}.get(text[start], 0)
        if depth == 0:
            break
    name = text[:start]
    inside = text[start + 1 : text.rindex(")")]
    if re.match(r"(void|int) ", name):  # templates tell what they return
        name = name.partition(" ")[2]
    return name, _split(inside)


def _split(arguments: str) -> list[str]:
    """Divide at the commas that are in no brackets."""
    parts, depth = [""], 0
    for letter in arguments:
        depth += {"<": 1, "(": 1, ">": -1, ")": -1}.get(letter, 0)
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _demangle(symbol: str) -> str:
    if not symbol.startswith("_Z"):
        return symbol
    library = ctypes.CDLL("libstdc++.so.6")
    demangle, free = library.__cxa_demangle, ctypes.CDLL(None).free
    demangle.restype, free.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
    status = ctypes.c_int()
    address = demangle(symbol.encode(), None, None, ctypes.byref(status))
    if status.value:
        return symbol
    text = ctypes.string_at(address).decode()
    free(address)
    return text


# ---- slots ----

_DYNAMIC, _WRITABLE = 2, 3  # PT_DYNAMIC; PROT_READ | PROT_WRITE
_STRINGS, _SYMBOLS, _RELOCATIONS, _SIZE, _CALLS, _CALLS_SIZE = 5, 6, 7, 8, 23, 2
_SLOTS = {6, 7}  # R_X86_64_GLOB_DAT, R_X86_64_JUMP_SLOT


def _slots(path: str) -> Iterator[tuple[int, str]]:
    """Go through the slots of a loaded file, with the names that they are for."""
    base = _base(path)
    with open(path, "rb") as file:
        header = file.read(64)
        (place,) = struct.unpack_from("<Q", header, 32)
        size, count = struct.unpack_from("<HH", header, 54)
        file.seek(place)
        table = file.read(size * count)
    entries: dict[int, int] = {}
    for i in range(count):
        kind, _, _, address, _, _, length, _ = struct.unpack_from(
            "<IIQQQQQQ", table, i * size
        )
        if kind == _DYNAMIC:
            raw = ctypes.string_at(base + address, length)
            entries = dict(struct.iter_unpack("<qQ", raw))
    # The loader has added the base to addresses already.
    strings, symbols = entries[_STRINGS], entries[_SYMBOLS]
    for start, length in ((_RELOCATIONS, _SIZE), (_CALLS, _CALLS_SIZE)):
        raw = ctypes.string_at(entries[start], entries[length])
        for offset, info, _ in struct.iter_unpack("<QQq", raw):
            if info & 0xFFFFFFFF in _SLOTS:
                entry = ctypes.string_at(symbols + 24 * (info >> 32), 4)
                name = ctypes.string_at(strings + struct.unpack("<I", entry)[0])
                yield base + offset, name.decode()


def _base(path: str) -> int:
    path = os.path.realpath(path)  # which the table of the process has
    with open("/proc/self/maps") as file:
        for line in file:
            place, *_, name = line.rstrip("\n").split(maxsplit=5)
            if name == path:
                return int(place.partition("-")[0], 16)
    raise RuntimeError(f"{path} is not loaded")


def _write(slot: int, address: int) -> None:
    page = ctypes.CDLL(None).getpagesize()
    protect = ctypes.CDLL(None, use_errno=True).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    if protect(slot // page * page, page, _WRITABLE):
        raise OSError(ctypes.get_errno(), "cannot write to the slots of a module")
    ctypes.c_uint64.from_address(slot).value = address
