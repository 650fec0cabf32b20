# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Decide which task is to blame for lost workers: one policy for all searches."""

from __future__ import annotations

from collections.abc import Hashable

from gpu_hpo._config import read_number


class LossPolicy:
    """Finds the tasks that make workers die.

    A task that was lost is suspect, and is to be run with nothing beside it from then
    on. Only what happens then counts against it: whatever was beside it before may have
    been what the worker died of.

    Parameters
    ----------
    most : int, optional
        So many deaths while it runs alone make a suspect guilty, by default what the
        setting ``workers.max-deaths`` says: one may be chance.
    """

    def __init__(self, most: int | None = None) -> None:
        self._most = read_number("workers.max-deaths") if most is None else most
        self._deaths: dict[Hashable, int] = {}  # of suspects, while they ran alone

    def lost(self, key: Hashable, *, alone: bool, deaths: int = 1) -> bool:
        """Record that a task was lost.

        Parameters
        ----------
        key : Hashable
            What the task was for.
        alone : bool
            Whether it was run alone, since it was suspect.
        deaths : int, default=1
            How many times what it ran on has died.

        Returns
        -------
        bool
            Whether it is guilty, and is to be given up.
        """
        before = self._deaths.setdefault(key, 0)
        if alone:
            self._deaths[key] = before + deaths
        return self._deaths[key] >= self._most

    def suspects(self, key: Hashable) -> bool:
        """Return whether a task is to be run alone."""
        return key in self._deaths

    def clear(self, key: Hashable) -> None:
        """Record that a task has got further than where it was lost."""
        self._deaths.pop(key, None)
