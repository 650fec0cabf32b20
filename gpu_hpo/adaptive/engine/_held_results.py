# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Track which results of tasks still hold the model of a trial."""

from __future__ import annotations


class HeldResults:
    """Tracks which trials need a task's result, and finds results that none needs.

    The result of a running task is never released: that would cancel the task, and its
    report would never come.
    """

    def __init__(self) -> None:
        self._running: set[int] = set()
        self._holders: dict[int, set[int]] = {}  # task -> trials whose model it made
        self._freed: list[int] = []

    def begun(self, task: int) -> None:
        """Record that a task runs."""
        self._running.add(task)

    def ended(self, task: int) -> None:
        """Record that a task does not run any more."""
        self._running.discard(task)
        self._free_if_idle(task)

    def pass_on(self, trial: int, before: int | None, now: int | None) -> None:
        """Record that another task, or none, now holds the model of a trial."""
        if before is not None:
            self._holders[before].discard(trial)
            if not self._holders[before]:
                del self._holders[before]
                self._free_if_idle(before)
        if now is not None:
            self._holders.setdefault(now, set()).add(trial)

    def freed(self) -> list[int]:
        """Return ended tasks whose results no trial needs, each once."""
        out, self._freed = self._freed, []
        return out

    def _free_if_idle(self, task: int) -> None:
        if task not in self._running and task not in self._holders:
            self._freed.append(task)
