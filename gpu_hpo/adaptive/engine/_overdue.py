# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Notice tasks that run too long: a call that hangs, or a worker that is stopped."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator, Mapping

from gpu_hpo._config import read_seconds
from gpu_hpo.adaptive.engine._task import Task
from gpu_hpo.adaptive.engine._trial_state import Worker
from gpu_hpo.adaptive.training._models import Trial
from gpu_hpo.exceptions import GpuHpoWarning

_NAMED = 3  # trials of a task, in a warning


class Overdue:
    """Times the tasks of each worker from when they should have begun.

    Nothing has to come from the worker, which may have been stopped. A task should
    begin when those that were handed out before it leave it a slot; if it does not, the
    tasks that run instead are timed from when that is known.

    Parameters
    ----------
    workers : mapping of str to Worker
        Those of the dispatcher.
    trials : mapping of int to Trial
    call_timeout : float or None
        Seconds that a call, or a score, may take. By default there is a warning after
        the setting ``tasks.warn-after``.
    """

    def __init__(
        self,
        workers: Mapping[str, Worker],
        trials: Mapping[int, Trial],
        call_timeout: float | None,
    ) -> None:
        self._workers = workers
        self._trials = trials
        self._call_timeout = call_timeout
        self._warn_after = read_seconds("tasks.warn-after")
        self._began: dict[int, float] = {}  # task -> when it was first in a slot
        self._instead: set[int] = set()  # tasks known to run before their turn
        self._warned: set[int] = set()

    def look(self, now: float) -> Iterator[tuple[Task, float, bool]]:
        """Yield tasks that are overdue, their seconds, and whether to end them.

        Parameters
        ----------
        now : float
            Seconds, of a clock that does not go back.
        """
        running = [
            task
            for worker in self._workers.values()
            for i, task in enumerate(worker.tasks.values())
            if i < worker.slots or task.id in self._instead
        ]
        self._instead &= {task.id for task in running}
        self._began = {task.id: self._began.get(task.id, now) for task in running}
        for task in running:
            seconds = now - self._began[task.id]
            if self._call_timeout is not None:
                if seconds > self._call_timeout * _n_timed(task):
                    yield task, seconds, True
                continue
            expected = self._warn_after + task.seconds
            if seconds > expected and task.id not in self._warned:
                self._warned.add(task.id)
                yield task, seconds, False

    def waits(self, task: Task, instead: Iterable[Task]) -> None:
        """Time a task anew that has not begun; time those that run instead, too."""
        self._began.pop(task.id, None)
        self._warned.discard(task.id)
        self._instead.update(other.id for other in instead)

    def warn(self, task: Task, seconds: float) -> None:
        """Warn of a task that has run for so many seconds."""
        named = "; ".join(
            f"trial {step.trial} with {dict(self._trials[step.trial].params)}"
            for step in task.steps[:_NAMED]
        )
        more = len(task.steps) - _NAMED
        warnings.warn(
            f"a task on {task.worker} has run for {seconds / 60:.3g} minutes, where "
            f"{task.seconds:.3g} seconds were expected: {named}"
            f"{f' and {more} others' if more > 0 else ''}. A call may hang, or the "
            "worker be stopped; call_timeout= ends such calls",
            GpuHpoWarning,
            stacklevel=2,
        )


def _n_timed(task: Task) -> int:
    """Count what `call_timeout` is the limit of, in a task of one call per trial."""
    trains = any(step.start < step.stop for step in task.steps)
    scores = any(step.scores for step in task.steps)
    return max(trains + scores, 1)
