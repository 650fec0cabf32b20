# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Decide which task is to blame for lost workers: one policy for all searches."""

from __future__ import annotations

from collections.abc import Hashable

from gpu_hpo._config import read_number


class LossPolicy:
    """Finds the tasks that make workers die.

    A task that was lost is suspect, and must run alone from then on. Only deaths while
    it runs alone count against it: before that the worker may have died of another task
    beside it.

    Parameters
    ----------
    most : int, optional
        This many deaths while it runs alone make a suspect guilty; by default the
        setting ``workers.max-deaths``. A single death may be chance.
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
            How many workers that ran it died.

        Returns
        -------
        bool
            Whether it is guilty, and must be given up.
        """
        before = self._deaths.setdefault(key, 0)
        if alone:
            self._deaths[key] = before + deaths
        return self._deaths[key] >= self._most

    def suspects(self, key: Hashable) -> bool:
        """Return whether a task must run alone."""
        return key in self._deaths

    def clear(self, key: Hashable) -> None:
        """Record that a task got further than where it was lost."""
        self._deaths.pop(key, None)
