# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a scenario is: what happens to a search, and what is right then."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import tests.reliability


@dataclass(frozen=True)
class Scenario:
    """One row of the table.

    Parameters
    ----------
    name : str
        As it is given on the command line.
    tried : str
        What happens, in words.
    check : callable
        Called with the number of the run, in a process of its own. It raises unless all
        is right, and may return a few words on what was seen.
    seconds : float
        After which a run has hung.
    deaths : bool
        Whether workers die or are stopped. Errors that Dask then reports, of its own,
        are counted but not wrong.
    """

    name: str
    tried: str
    check: Callable[[int], str | None]
    seconds: float = 120.0
    deaths: bool = False


@cache
def scenarios() -> dict[str, Scenario]:
    """Return all, by name, in the order of files and of lines in them."""
    found: list[Scenario] = []
    for module in pkgutil.iter_modules(tests.reliability.__path__):
        if module.name.startswith("when_"):
            imported = importlib.import_module(f"tests.reliability.{module.name}")
            found += imported.SCENARIOS
    return {scenario.name: scenario for scenario in found}
