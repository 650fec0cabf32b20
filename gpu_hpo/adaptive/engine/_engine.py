# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Join a schedule and a dispatcher: reports in, tasks out, records kept."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._limits import Closing, Limits
from gpu_hpo.adaptive.engine._news import (
    Ended,
    News,
    Recalled,
    Record,
    Tick,
    TrialFailure,
)
from gpu_hpo.adaptive.engine._task import Report, Task
from gpu_hpo.report._ledger import TaskRun
from gpu_hpo.schedules._base import (
    Advance,
    Event,
    Failed,
    Instruction,
    Schedule,
    Scored,
)

_SETTLES = 3  # scores after the time of a search is over


class Engine:
    """The logic of a search, without cluster and clock.

    A runner starts the engine, passes on each report with the time at which it came,
    and carries out the tasks that the engine returns, until `done`.

    Parameters
    ----------
    schedule : Schedule
    dispatcher : Dispatcher
    listener : callable, optional
        Called with each `Record` and `TrialFailure` as it comes, with one `Ended` per
        trial, after them, and with a `Tick` now and then. If it returns True, the
        search stops.
    limits : Limits, optional
        When to stop before the schedule is done.
    known : sequence of Record and TrialFailure, optional
        What an earlier run of this search has found, oldest first. What the schedule
        asks for and is known is not done again. The listener is told of it as of
        `Recalled`.

    Attributes
    ----------
    records : list of Record
    failures : dict of int to TrialFailure
    stopped : {"", "max_seconds", "stop_score", "callback", "interrupt", "error"}
        What ended the search before its schedule was done.
    n_recalled : int
        Records of earlier runs.
    rebuilds : bool
        Whether a model that is known is only trained again.
    """

    def __init__(
        self,
        schedule: Schedule,
        dispatcher: Dispatcher,
        listener: Callable[[News], object] | None = None,
        limits: Limits | None = None,
        known: Sequence[Record | TrialFailure] = (),
    ) -> None:
        self.schedule = schedule
        self.dispatcher = dispatcher
        self.records: list[Record] = []
        self.tasks: list[TaskRun] = []
        self.failures: dict[int, TrialFailure] = {}
        self.stopped = ""
        self._limits = limits or Limits()
        self._closing = Closing(schedule, dispatcher, self._limits)
        self._known = known
        self._recalls = False
        self.n_recalled = 0
        # Seconds of earlier runs of this search.
        self._before = max((k.elapsed for k in known), default=0.0)
        self._elapsed = self._before
        self._last: dict[int, Record] = {}
        self.rebuilds = False
        self._n_settled = 0
        self._listener = listener or (lambda news: None)
        self._ended: set[int] = set()
        self._dropped: set[int] = set()  # by the schedule
        self._carried: dict[int, tuple[float, float]] = {}
        self._reported: dict[int, int] = {}  # trial -> calls of its last record

    def start(self) -> list[Task]:
        """Return the first tasks; workers must have been added before."""
        self._follow(self.schedule.start())
        self._recall()
        return self._assign()

    def tick(self, elapsed: float) -> list[Task]:
        """Take in how much time has passed, in seconds; return the next tasks."""
        self._elapsed = self._before + elapsed
        self._hear(Tick(self._elapsed))
        return self._assign()

    def report(self, report: Report, elapsed: float) -> list[Task]:
        """Take in the report of a task; return the next tasks."""
        trials = tuple(step.trial for step in report.steps)
        self.tasks.append(TaskRun(report.worker, trials, elapsed, report.seconds))
        self._elapsed = self._before + elapsed
        for step in self.dispatcher.finished(report):
            if step.trial in self.failures:
                if step.error:  # of a trial that was being trained again
                    self.dispatcher.drop(step.trial)
                continue
            fit, score = self._carried.pop(step.trial, (0.0, 0.0))
            for item in step.scores:
                # The score of a model that was lost and trained again is known.
                if item.calls > self._reported.get(step.trial, 0):
                    self._reported[step.trial] = item.calls
                    self._record(
                        Record(
                            step.trial,
                            item.calls,
                            item.score,
                            item.metrics,
                            fit + item.fit_seconds,
                            score + item.score_seconds,
                            self._elapsed,
                            report.worker,
                            item.splits,
                        )
                    )
                fit = score = 0.0
            trailing_fit, trailing_score = step.trailing
            self._carried[step.trial] = (fit + trailing_fit, score + trailing_score)
            if step.error:
                self._fail(
                    self._failure(step.trial, "failed", step.error, report.worker)
                )
            elif step.cut_short and (self.records or self.failures):
                self.stop("max_seconds")
        return self._assign()

    def worker_joined(self, name: str, slots: int) -> list[Task]:
        """Register a new worker; return its tasks."""
        return self.workers_changed(joined={name: slots})

    def worker_left(self, name: str) -> list[Task]:
        """Train again elsewhere what a lost worker had."""
        return self.workers_changed(left=[name])

    def workers_changed(
        self,
        *,
        left: Iterable[str] = (),
        cut_off: Iterable[Task] = (),
        joined: Mapping[str, int] | None = None,
    ) -> list[Task]:
        """Take in several changes that happened at the same time.

        No task is handed out in between: it might go to a worker that is gone too, or
        need what was lost with it.

        Parameters
        ----------
        left : iterable of str
            Workers that are gone.
        cut_off : iterable of Task
            Tasks that had not begun, and wait for results that are lost.
        joined : mapping of str to int, optional
            Slots of new workers.
        """
        for task in cut_off:
            self.dispatcher.task_lost(task, deaths=0)
        for name in left:
            for trial in self.dispatcher.remove_worker(name):
                self._lost(trial, name)
        for name, slots in (joined or {}).items():
            self.dispatcher.add_worker(name, slots)
        return self._assign()

    def task_lost(self, task: Task, deaths: int = 1) -> list[Task]:
        """Train again what a task was to train: its result and its report are lost.

        Parameters
        ----------
        task : Task
        deaths : int, default=1
            How often its worker may have died of it; 0 if it had not begun.
        """
        for trial in self.dispatcher.task_lost(task, deaths):
            self._lost(trial, task.worker)
        return self._assign()

    def timed_out(self, task: Task, seconds: float, *, slots: int = 0) -> None:
        """Give up the trials of a task that takes too long.

        What is to be done next has to be asked for by `workers_changed`, since the
        task's worker must not be given anything before it is replaced.

        Parameters
        ----------
        task : Task
        seconds : float
            How long it has run.
        slots : int, default=0
            Slots of its worker that it keeps busy for good.
        """
        for trial in self.dispatcher.give_up(task, slots=slots):
            text = f"a call of trial {trial} had not ended after {seconds:.3g} seconds"
            self._fail(self._failure(trial, "timeout", text, task.worker))

    def _recall(self) -> None:
        """Take in what is known, as far as the schedule asks for it."""
        known = list(self._known)
        self._recalls = True
        while True:
            left = [item for item in known if not self._take_known(item)]
            if len(left) == len(known):
                break
            known = left  # what follows from the others may be among them
        self._recalls = False

    def _take_known(self, item: Record | TrialFailure) -> bool:
        if self.stopped or item.trial in self.failures:
            return False
        if isinstance(item, TrialFailure):
            if self.dispatcher.asked(item.trial) != item.asked:
                return False
            self._fail(item)
            return True
        if self.dispatcher.asked(item.trial) != item.calls:
            return False
        self.dispatcher.settle(item.trial)
        self._reported[item.trial] = item.calls
        self.n_recalled += 1
        self._record(item)
        return True

    def rebuild(self, trial: int, calls: int) -> list[Task]:
        """Train a trial to `calls` calls again, dropped or not, without scoring it."""
        self.rebuilds = True
        self.dispatcher.revive(trial)
        self.dispatcher.advance(trial, calls, scored=False)
        return self.dispatcher.assign()

    def stop(self, reason: str) -> None:
        """Hand out no more tasks; what runs may end.

        Parameters
        ----------
        reason : {"max_seconds", "stop_score", "callback", "interrupt", "error"}
        """
        self.stopped = self.stopped or reason
        self.dispatcher.abandon()

    @property
    def done(self) -> bool:
        """Whether nothing more is wanted and nothing runs."""
        over = self.schedule.done or self.stopped or self.rebuilds
        return bool(over) and self.dispatcher.idle

    @property
    def elapsed(self) -> float:
        """Seconds of this and earlier runs of the search, when last told."""
        return self._elapsed

    @property
    def end(self) -> float:
        """Seconds from the first task to the last moment at which any may begin."""
        return math.inf if self.stopped else self._elapsed + self._left()

    @property
    def contenders(self) -> list[int]:
        """Trials among which the best one is chosen.

        They are the finalists of the schedule; if the search was stopped, all that it
        has not dropped.
        """
        if not self.stopped:
            return self.schedule.finalists
        return [trial for trial in self._last if trial not in self._dropped]

    def stands_at(self, record: Record) -> bool:
        """Return whether a trial's model has made no call since it was scored."""
        return self.dispatcher.calls_of(record.trial) == record.calls

    def _left(self) -> float:
        if self._limits.max_seconds == math.inf:
            return math.inf
        return self._limits.left(self._elapsed, self._best(), self.dispatcher)

    def _still_in(self) -> Iterator[Record]:
        """Yield the last records of trials that may train on and be the best."""
        for trial, record in self._last.items():
            out = trial in self._dropped or trial in self.failures
            if not out and math.isfinite(record.score):
                yield record

    def _best(self) -> Record | None:
        return min(self._still_in(), key=_by_score, default=None)

    def _assign(self) -> list[Task]:
        """Return the next tasks, as far as they can end in time."""
        if self.rebuilds:
            return self.dispatcher.assign()
        tasks: list[Task] = []
        if not self.stopped:
            left = self._left()
            tasks = self._in_time(left) if left < math.inf else self.dispatcher.assign()
        if self.stopped:
            self.dispatcher.abandon()  # what was lost since with its workers
            if not self.dispatcher.runs:
                tasks = self._score_best()
            if not self.dispatcher.runs:
                for trial in range(self.schedule.n_trials):
                    self._end(trial)
        return tasks

    def _score_best(self) -> list[Task]:
        """Score the best trial once more if it has trained on since its last score."""
        best, dispatcher = self._best(), self.dispatcher
        if self.stopped != "max_seconds" or best is None or self._n_settled >= _SETTLES:
            return []
        if self.stands_at(best) or not dispatcher.rests(best.trial):
            return []
        self._n_settled += 1
        dispatcher.advance(best.trial, dispatcher.calls_of(best.trial))
        return dispatcher.assign()

    def _in_time(self, left: float) -> list[Task]:
        dispatcher, closing = self.dispatcher, self._closing
        known = bool(self.records or self.failures)
        if self.schedule.done:
            return []
        if left <= 0 and known:
            self.stop("max_seconds")
            return []
        if not closing.begun and closing.is_due(left, self._best()):
            closing.begin()
        if closing.begun:
            closing.advance(sorted(self._still_in(), key=_by_score), left)
        tasks = dispatcher.assign(left)
        if tasks or dispatcher.runs or not dispatcher.n_slots:
            return tasks
        if not known:
            # However little time there is, one score is to be known.
            return dispatcher.assign()
        if not closing.begun:
            closing.begin()
            closing.advance(sorted(self._still_in(), key=_by_score), left)
            tasks = dispatcher.assign(left)
        if not tasks:
            self.stop("max_seconds")
        return tasks

    def _record(self, record: Record) -> None:
        self.records.append(record)
        self._last[record.trial] = record
        self._hear(record)
        if math.isfinite(record.score) and record.score >= self._limits.stop_score:
            self.stop("stop_score")
        self._tell(Scored(record.trial, record.calls, record.score))
        if record.calls >= self.schedule.outlook(record.trial)[-1].calls:
            self._end(record.trial)

    def _fail(self, failure: TrialFailure) -> None:
        self.failures[failure.trial] = failure
        self._hear(failure)
        self.dispatcher.drop(failure.trial)
        calls = self._reported.get(failure.trial, 0)
        if failure.trial not in self._dropped:
            self._tell(Failed(failure.trial, calls, failure.error))

    def _lost(self, trial: int, worker: str) -> None:
        text = f"trial {trial} was lost with its worker when nothing ran beside it"
        self._fail(self._failure(trial, "lost", text, worker))

    def _failure(
        self, trial: int, status: str, error: str, worker: str
    ) -> TrialFailure:
        asked = self.dispatcher.asked(trial)
        return TrialFailure(trial, status, error, worker, asked, self._elapsed)

    def _hear(self, news: News) -> None:
        if self._recalls and isinstance(news, Record | TrialFailure):
            news = Recalled(news)
        if self._listener(news) is True and not self.rebuilds:
            self.stop("callback")

    def _tell(self, event: Event) -> None:
        if self.stopped or self._closing.begun:
            return  # what the schedule would ask for will not be done
        self._follow(self.schedule.tell(event))
        if self.schedule.done:
            # Trials that `patience` stopped were never dropped.
            for trial in range(self.schedule.n_trials):
                self._end(trial)

    def _end(self, trial: int) -> None:
        if trial not in self._ended:
            self._ended.add(trial)
            self._hear(Ended(trial))

    def _follow(self, instructions: list[Instruction]) -> None:
        for step in instructions:
            if isinstance(step, Advance):
                self.dispatcher.advance(step.trial, step.calls)
            else:
                self.dispatcher.drop(step.trial)
                self._dropped.add(step.trial)
                self._end(step.trial)


def _by_score(record: Record) -> tuple[float, int]:
    return -record.score, record.trial
