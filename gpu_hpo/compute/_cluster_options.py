# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Refuse what no cluster can be started with, before any process is started.

Dask finds most of it in the workers, which then fail one after the other.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from types import FrameType
from typing import Any

import dask
from dask.utils import parse_bytes
from distributed import LocalCluster, Nanny, Worker
from distributed.comm.registry import get_backend
from distributed.core import Server

from gpu_hpo._arguments import NOT_NEGATIVE, POSITIVE
from gpu_hpo._sklearn_private import Interval, validate_parameter_constraints
from gpu_hpo.exceptions import UnguardedScriptError

_PORT = Interval(Integral, 0, 65535, closed="both")
_CONSTRAINTS: dict[str, Any] = {
    "n_workers": [POSITIVE, None],
    "threads_per_worker": [POSITIVE, None],
    "processes": ["boolean"],
    "memory_limit": [str, Interval(Real, 0, None, closed="left"), None],
    "dashboard_address": [str, NOT_NEGATIVE, "boolean", None],
    "worker_dashboard_address": [str, NOT_NEGATIVE, None],
    "host": [str, None],
    "protocol": [str, None],
    "scheduler_port": [_PORT, None],
    "asynchronous": ["boolean"],
    "CUDA_VISIBLE_DEVICES": [str, list, tuple, None],
}


def check_options(
    n_workers: int | None, options: Mapping[str, Any], others: frozenset[str]
) -> None:
    """Raise if an option is unknown, or its value makes no sense.

    Parameters
    ----------
    n_workers, options
        As given to `local_cluster`.
    others : set of str
        Options that are known besides those of ``LocalCluster`` and its workers.

    Raises
    ------
    ValueError, TypeError
        Naming option and value.
    """
    known = set(others)
    for kind in (LocalCluster, Nanny, Worker, Server):
        known |= inspect.signature(kind).parameters.keys()
    for name in options.keys() - known:
        raise TypeError(
            f"local_cluster got {name}={options[name]!r}, which is an option of "
            "neither Dask's clusters nor their workers"
        )
    given = {"n_workers": n_workers, **options}
    validate_parameter_constraints(_CONSTRAINTS, given, caller_name="local_cluster")
    _check_memory(options.get("memory_limit"))


def check_protocol(protocol: str | None) -> None:
    """Raise if Dask has no such protocol."""
    if protocol is None:
        return
    try:
        get_backend(protocol.removesuffix("://"))
    except ValueError as error:
        raise ValueError(f"protocol={protocol!r} is of no use: {error}") from None


def _check_memory(limit: object) -> None:
    if not isinstance(limit, str) or limit == "auto":
        return
    try:
        least = parse_bytes(limit)
    except ValueError:
        least = -1
    if least < 0:
        raise ValueError(
            f"memory_limit={limit!r} must be a number of bytes such as '4GB', a share "
            "of the memory, 'auto' or None"
        )


# ---- the user's script ----


def check_guarded() -> None:
    """Raise if worker processes would run the script that starts them.

    Processes that are not forked import the main module. What it does outside of ``if
    __name__ == "__main__"`` they do too, each starting a cluster of its own.

    Raises
    ------
    UnguardedScriptError
    """
    method = dask.config.get("distributed.worker.multiprocessing-method")
    main = sys.modules.get("__main__")
    path = getattr(main, "__file__", None)
    imported_as = getattr(getattr(main, "__spec__", None), "name", "")
    if method == "fork" or path is None or imported_as.rpartition(".")[2] == "__main__":
        return
    line = _running_line(vars(main))
    if line is not None and not _is_guarded(Path(path), line):
        raise UnguardedScriptError(
            f"{path}, line {line}: local_cluster starts processes that import this "
            "script, so that each would start a cluster, too; call it under `if "
            "__name__ == '__main__':`, or pass processes=False"
        )


def _running_line(namespace: dict[str, Any]) -> int | None:
    """Return which line of the main module this thread has come to; None if none."""
    frame: FrameType | None = sys._getframe()
    while frame is not None:
        if frame.f_globals is namespace and frame.f_code.co_name == "<module>":
            return frame.f_lineno
        frame = frame.f_back
    return None


def _is_guarded(path: Path, line: int) -> bool:
    """Return whether a script asks for its name before a line, or in its statement.

    If that cannot be told, it is as if it did.
    """
    try:
        statements = ast.parse(path.read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return True
    before = [statement for statement in statements if statement.lineno <= line]
    return any(
        isinstance(name, ast.Name) and name.id == "__name__"
        for statement in before
        for comparison in ast.walk(statement)
        if isinstance(comparison, ast.Compare)
        for name in ast.walk(comparison)
    )
