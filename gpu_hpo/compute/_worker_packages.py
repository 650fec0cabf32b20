# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Ask what is installed on a cluster, before anything there needs it.

A worker without gpu_hpo cannot read its first message, and ends; so does the next one,
until none is left.
"""

from __future__ import annotations

import builtins
import warnings
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from types import FunctionType
from typing import Any
from weakref import WeakKeyDictionary

from distributed import Client
from distributed.versions import get_versions

from gpu_hpo.exceptions import GpuHpoWarning, MissingPackagesError

# What a worker, and the scheduler, import with the first task.
_NEEDED = ("gpu_hpo", "numba", "numpy", "scikit-learn", "scipy", "threadpoolctl")
# Pickles of one version may mean something else in another.
_COMPARED = ("gpu_hpo", "scikit-learn", "numpy")
_MOST_NAMED = 3  # workers in a message

OUR_NAME = "gpu_hpo"  # of the cluster that a search starts of its own

# Which workers have all that is needed, or the user has been warned of.
_checked: WeakKeyDictionary[Client, set[str]] = WeakKeyDictionary()

Versions = Mapping[str, str | None]


async def check_workers(client: Client, workers: Iterable[str]) -> None:
    """Look whether the workers of a cluster, and its scheduler, can run a search.

    All are asked if a worker is new. The cluster that a search starts of its own has
    what this process has.

    Raises
    ------
    MissingPackagesError
        If something is missing, or Python is another: the message says where, and what
        to do.

    Warns
    -----
    GpuHpoWarning
        If versions differ by more than the last number.
    """
    checked = _checked.setdefault(client, set())
    if checked.issuperset(workers) or getattr(client.cluster, "name", "") == OUR_NAME:
        return
    asked: Any = client.get_versions(packages=list(_NEEDED))
    found = await asked
    there = {"the scheduler": found["scheduler"], **found["workers"]}
    new = {name: facts for name, facts in there.items() if name not in checked}
    problems = _other_python(new) or await _missing(client, new)
    if problems:
        raise MissingPackagesError(_explain(problems))
    checked.update(there)
    _warn_of_versions(new)


async def can_run(client: Client, worker: str) -> bool:
    """Look whether a worker that has joined during a search can take part in it.

    Warns
    -----
    GpuHpoWarning
        If it lacks something, or if versions differ by more than the last number.
    """
    checked = _checked.setdefault(client, set())
    if worker in checked or getattr(client.cluster, "name", "") == OUR_NAME:
        return True
    assert client.scheduler is not None
    there: Mapping[str, Any] = await client.scheduler.broadcast(
        msg={"op": "versions", "packages": list(_NEEDED)}, workers=[worker]
    )
    problems = _other_python(there) or await _missing(client, there)
    if problems:
        text = f"{_listed(problems)}: the search goes on without it"
        warnings.warn(text, GpuHpoWarning, stacklevel=2)
        return False
    checked.add(worker)
    _warn_of_versions(there)
    return True


def _warn_of_versions(there: Mapping[str, Any]) -> None:
    different = _different(there)
    if different:
        text = f"{_listed(different)}: models may fail there, or differ"
        warnings.warn(text, GpuHpoWarning, stacklevel=3)


def _other_python(there: Mapping[str, Any]) -> dict[str, str]:
    """Return where Python is another, which cannot read what this one pickles."""
    mine = _minor(_mine()["host"]["python"])
    found = {name: _minor(facts["host"]["python"]) for name, facts in there.items()}
    return {
        name: f"has Python {theirs}, and this process {mine}"
        for name, theirs in found.items()
        if theirs != mine
    }


async def _missing(client: Client, there: Mapping[str, Any]) -> dict[str, str]:
    """Return where packages are missing."""
    missing = {}
    for name, facts in there.items():
        lacks = [p for p in _NEEDED if facts["packages"].get(p) is None]
        if not lacks:
            continue
        # Dask remembers what it did not find, also if it has been installed since.
        look = _by_value(_installed)
        if name == "the scheduler":
            now = await client.run_on_scheduler(look, lacks)
        else:
            answers = await client.run(look, lacks, workers=[name], on_error="ignore")
            now = answers.get(name)
        if now is None:
            continue  # it is gone
        facts["packages"].update(now)
        lacks = [package for package in lacks if now[package] is None]
        if lacks:
            missing[name] = f"lacks {' and '.join(lacks)}"
    return missing


def _different(there: Mapping[str, Any]) -> dict[str, str]:
    mine = _mine()["packages"]
    different = {}
    for name, facts in there.items():
        others = [
            f"{package} {facts['packages'][package]} (here {mine[package]})"
            for package in _COMPARED
            if _minor(facts["packages"][package]) != _minor(mine[package])
        ]
        if others:
            different[name] = f"has {' and '.join(others)}"
    return different


@cache
def _mine() -> dict[str, Any]:
    return get_versions(packages=list(_NEEDED))


def _minor(version: str | None) -> str:
    return ".".join(str(version).split(".")[:2])


def _installed(packages: list[str]) -> Versions:
    """Run where nothing may be installed but Dask."""
    from importlib import invalidate_caches, metadata

    invalidate_caches()
    found: dict[str, str | None] = {}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = None
    return found


def _by_value(function: Any) -> Callable[..., Any]:
    """Return a copy of a function that is pickled with its code, not by its name."""
    copy = FunctionType(
        function.__code__, {"__builtins__": builtins}, function.__name__
    )
    copy.__module__ = "__main__"
    return copy


def _listed(problems: Mapping[str, str]) -> str:
    """Return what is wrong where; workers with one problem are named together."""
    where: dict[str, list[str]] = {}
    for name, problem in problems.items():
        where.setdefault(problem, []).append(name)
    lines = []
    for problem, names in where.items():
        named = ", ".join(
            name if name == "the scheduler" else f"worker {name}"
            for name in names[:_MOST_NAMED]
        )
        more = len(names) - _MOST_NAMED
        lines.append(f"{named}{f' and {more} more' * (more > 0)} {problem}")
    return "; ".join(lines)


def _explain(problems: Mapping[str, str]) -> str:
    version = _mine()["packages"]["gpu_hpo"]
    plugin = "distributed.diagnostics.plugin.PipInstall"
    return (
        f"this cluster cannot run searches: {_listed(problems)}. Workers and scheduler "
        "need the packages and the Python of this process: best is one environment, or "
        "one container image, for all. pip can add packages, from an index or from a "
        f"wheel that all can read: client.register_plugin({plugin}("
        f'["gpu_hpo=={version}"], restart_workers=True)). client.upload_file brings '
        "modules of your own, but not gpu_hpo"
    )
