# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Track the state of trials and workers, and cut a trial's next step.

The dispatcher decides which trials go where, and how far they train.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from gpu_hpo.adaptive.engine._queue import Queue
from gpu_hpo.adaptive.engine._task import Task, TrialStep


@dataclass(slots=True)
class Goal:
    """A number of calls that a trial is to reach, and whether to score it then."""

    calls: int
    scored: bool


@dataclass(slots=True)
class TrialState:
    """The state of a trial; `calls` and `parts` count what is already handed out."""

    number: int
    goals: list[Goal] = field(default_factory=list)  # not yet reported
    next_goal: int = 0  # first goal that is not wholly handed out
    calls: int = 0
    parts: int = 0
    home: str | None = None
    source: int | None = None
    in_flight: int = 0
    lost_calls: int = 0  # handed out when last lost: beyond it, losses are forgiven
    stays: bool = False  # was lost on its way to another worker
    entry: int = 0  # the heap entry that counts; any other is stale
    queued_calls: int = 0  # calls of the trial when that entry was made
    epoch: int = 0  # how often it was started again; tasks of older epochs do not count
    live: bool = True
    reached: list[int] = field(default_factory=list)  # calls of goals that are reported

    @property
    def ready(self) -> bool:
        """Whether there is anything left to hand out."""
        return self.live and self.next_goal < len(self.goals)

    @property
    def todo(self) -> int:
        """Calls up to the last goal that are not handed out."""
        return self.goals[-1].calls - self.calls

    @property
    def upcoming(self) -> int:
        """Calls of the goal that comes next."""
        return self.goals[self.next_goal].calls

    def reported(self, goals: int) -> None:
        """Record the end of a task that was to reach this many goals."""
        self.in_flight -= 1
        self.reached += [goal.calls for goal in self.goals[:goals]]
        del self.goals[:goals]
        self.next_goal -= goals

    def recall(self) -> None:
        """Record that the next goal was reached by an earlier run of the search."""
        self.reached.append(self.goals.pop(0).calls)

    def restart(self) -> None:
        """Begin again with the first goal that is not reported, on any worker."""
        self.epoch += 1
        self.calls = self.parts = self.next_goal = self.in_flight = 0
        self.home = None

    def next_step(
        self,
        fraction: float,
        window: Callable[[int], int] | None,
        n_parts: int,
        parts_per_task: int,
    ) -> TrialStep:
        """Cut the next step from what is left to do, and record it.

        Parameters
        ----------
        fraction : float
            Share of it to hand out; at least one call.
        window : callable or None
            ``window(start)`` is the furthest call that may be reached.
        n_parts, parts_per_task : int
            Validation parts that make up one score, and how many of them may be
            handed out at once.

        Returns
        -------
        TrialStep
        """
        start = self.calls
        goal = self.goals[self.next_goal]
        whole = parts_per_task >= n_parts
        if not whole and goal.scored and start == goal.calls:
            return self._scoring_step(goal, n_parts, parts_per_task)
        last = self.goals[-1].calls if whole else goal.calls
        stop = (
            start + max(1, round(fraction * (last - start))) if last > start else start
        )
        if window:
            stop = min(stop, max(window(start), start + 1))
        scores = []
        while self.ready and self.goals[self.next_goal].calls <= stop:
            reached = self.goals[self.next_goal]
            if reached.scored and not whole:
                break
            if reached.scored:
                scores.append(reached.calls)
            self.next_goal += 1
        self.calls = stop
        parts = (0, n_parts) if scores else (0, 0)
        return TrialStep(self.number, start, stop, self.source, tuple(scores), parts)

    def next_refit(
        self, n_parts: int, parts_per_task: int, *, resumes: bool
    ) -> TrialStep:
        """Cut one refit, which ends at the next goal, and record it.

        Parameters
        ----------
        n_parts, parts_per_task : int
            As in `next_step`.
        resumes : bool
            Whether it goes on from the one before. A model that is trained again must
            then stop where it stopped the first time.

        Returns
        -------
        TrialStep
        """
        goal = self.goals[self.next_goal]
        start = self.calls
        whole = parts_per_task >= n_parts
        if start == goal.calls and goal.scored and not whole:
            return self._scoring_step(goal, n_parts, parts_per_task)
        before = [calls for calls in self.reached if start < calls < goal.calls]
        self.calls = stop = min([*before, goal.calls]) if resumes else goal.calls
        scored = stop == goal.calls and goal.scored and whole
        if stop == goal.calls and (whole or not goal.scored):
            self.next_goal += 1
        scores, parts = ((stop,), (0, n_parts)) if scored else ((), (0, 0))
        return TrialStep(self.number, start, stop, self.source, scores, parts)

    def _scoring_step(self, goal: Goal, n_parts: int, parts_per_task: int) -> TrialStep:
        """Score on the next few validation parts; the last of them gives the score."""
        first = self.parts
        self.parts = min(first + parts_per_task, n_parts)
        step = TrialStep(
            self.number,
            self.calls,
            self.calls,
            self.source,
            (goal.calls,),
            (first, self.parts),
        )
        if self.parts == n_parts:
            self.next_goal += 1
            self.parts = 0
        return step


@dataclass(slots=True)
class Worker:
    """The tasks of a worker, in the order they were handed out, and its trials."""

    slots: int
    tasks: dict[int, Task] = field(default_factory=dict)
    waiting: Queue = field(default_factory=Queue)  # idle trials with models here
    staying: Queue = field(default_factory=Queue)  # of these, not to be fetched
    running: Queue = field(default_factory=Queue)  # in a task here, with more to do
    warm: bool = False  # whether a task has ended here

    @property
    def only_trial(self) -> int | None:
        """The only trial in all tasks here, if there is just one."""
        trials = {step.trial for task in self.tasks.values() for step in task.steps}
        return trials.pop() if len(trials) == 1 else None

    @property
    def queued_seconds(self) -> float:
        """Seconds of work that has not begun; tasks begin in the order handed out."""
        waiting = list(self.tasks.values())[self.slots :]
        return sum(task.seconds for task in waiting) / self.slots
