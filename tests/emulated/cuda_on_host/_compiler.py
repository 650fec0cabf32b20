# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compile C++ for the host, and keep it.

Libraries lie in the folder that EMULATED_CACHE names, by default below the user's
cache, under a digest of all that they were made from.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import subprocess
import threading
from collections.abc import Sequence
from pathlib import Path

INCLUDE = Path(__file__).parent / "include"
# By what is made: threads may want the same at a time.
_locks: dict[Path, threading.Lock] = {}
os.register_at_fork(after_in_child=_locks.clear)
_FLAGS = ["-std=c++17", "-fPIC", "-w", "-fpermissive"]


def cache_folder() -> Path:
    """Return where libraries are kept, which is made if need be."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(os.environ.get("EMULATED_CACHE") or Path(base) / "gpu_hpo_emulated")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def library(source: str, *options: str, optimize: int = 0) -> Path:
    """Compile a source to a library, unless it is kept, and return its path.

    Raises
    ------
    RuntimeError
        With what the compiler says.
    """
    return _made(source, (*options, f"-O{optimize}", "-shared"), ".so")


@functools.cache
def threads() -> ctypes.CDLL:
    """Load what runs the blocks of kernels; other libraries find it by its names."""
    source = (INCLUDE / "threads.cpp").read_text()
    path = library(source, f"-I{INCLUDE}", optimize=2)
    return ctypes.CDLL(str(path), mode=ctypes.RTLD_GLOBAL)


@functools.cache
def precompiled(headers: str, options: tuple[str, ...]) -> Path:
    """Compile headers once for all sources that begin with them; return a folder."""
    path = _made(headers, (*options, "-O0", "-x", "c++-header"), ".gch", name="begin.h")
    begin = path.parent / "begin.h"
    _write(begin, headers.encode())
    return path.parent


@functools.cache
def _stamp() -> str:
    """Digest what sources include of ours, and the compiler's version."""
    digest = hashlib.sha256()
    for path in sorted(INCLUDE.rglob("*.*")):
        digest.update(path.read_bytes())
    version = subprocess.run(["g++", "--version"], capture_output=True, check=True)
    digest.update(version.stdout)
    return digest.hexdigest()


def _made(source: str, options: Sequence[str], suffix: str, name: str = "") -> Path:
    text = repr((source, *options, _stamp()))
    key = hashlib.sha256(text.encode()).hexdigest()[:24]
    path = cache_folder() / (f"{key}/{name}" if name else key)
    path = path.with_name(path.name + suffix)
    with _locks.setdefault(path, threading.Lock()):
        if not path.exists():
            _compile(source, options, path)
    return path


def _compile(source: str, options: Sequence[str], path: Path) -> None:
    path.parent.mkdir(exist_ok=True)
    # Other processes may make the same, also forks of this one.
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    begin = path.with_name(f".{path.name}.{os.getpid()}.cpp")
    begin.write_text(source)
    command = ["g++", *_FLAGS, *options, str(begin), "-o", str(unfinished)]
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"g++ cannot compile {begin}: {done.stderr[:3000]}")
    unfinished.rename(path)
    begin.unlink()


def _write(path: Path, data: bytes) -> None:
    with _locks.setdefault(path, threading.Lock()):
        if not path.exists():
            unfinished = path.with_name(f".{path.name}.{os.getpid()}")
            unfinished.write_bytes(data)
            unfinished.rename(path)
