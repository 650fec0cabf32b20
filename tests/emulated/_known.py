# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say whether CuPy can be emulated here; imported by each process of a run."""

from __future__ import annotations

import functools
import importlib.metadata
import shutil

# Distributions whose insides are known, and the CUDA they are for.
KNOWN = {"cupy-cuda12x": ("14.2", 12), "cupy-cuda13x": ("14.2", 13)}


@functools.cache
def why_not() -> str:
    """Say why CuPy cannot be emulated here; "" if it can."""
    found = installed()
    if found is None:
        return f"none of {', '.join(KNOWN)} is installed"
    name, version = found
    known, _ = KNOWN[name]
    if version != known and not version.startswith(f"{known}."):
        return f"{name} is {version}, and the emulator knows {known}"
    if shutil.which("g++") is None:
        return "there is no g++, which compiles the kernels"
    return ""


def installed() -> tuple[str, str] | None:
    """Return name and version of the distribution of CuPy, if there is one."""
    for name in KNOWN:
        try:
            return name, importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return None
