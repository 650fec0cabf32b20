# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Report what a search does: to the log, a bar and scikit-learn's callbacks."""

from __future__ import annotations

import logging
import math
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from dask.base import is_dask_collection

from gpu_hpo._arguments import is_true
from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.adaptive.engine._news import (
    Ended,
    News,
    Recalled,
    Record,
    Tick,
    TrialFailure,
)
from gpu_hpo.progress import _running
from gpu_hpo.progress._bar import Bar, wanted
from gpu_hpo.progress._running import Curve
from gpu_hpo.progress._state import Part, State, described

logger = logging.getLogger("gpu_hpo.model_selection")


class Progress:
    """Listens to an engine, and passes its news on to the log, a bar and callbacks.

    Callbacks see the search as a task and each trial as its subtask, which begins with
    the first news of the trial and ends when it trains no more. Those that have a
    method ``on_score`` are also told of each score. If one of them returns True, the
    search stops.

    Parameters
    ----------
    search : BaseIncrementalSearchCV
        Within scikit-learn's ``callback_management_context``.
    job : Job
    label : callable
        ``label(trial)`` gives the ``model_id`` of a trial, and what else names it.
    """

    def __init__(
        self, search: Any, job: Any, label: Callable[[int], Mapping[str, Any]]
    ) -> None:
        self._search = search
        self._job = job
        self._label = label
        self._name = f"[CV{search.prefix}]"
        verbose = float(search.verbose)
        self._every = max(1, round(1 / verbose)) if verbose else 1
        self._n_scores = 0
        self._reasons: set[str] = set()  # why trials failed so far
        n_trials, (train, validate) = job.schedule.n_trials, job.data.n_rows
        self._context = search._init_callback_context(
            max_subtasks=n_trials, sequential_subtasks=False
        )
        self._hearers = [
            callback
            for callback in getattr(search, "_skl_callbacks", [])
            if callable(getattr(callback, "on_score", None))
        ]
        self._tasks: dict[int, Any] = {}
        self._last: dict[int, Record] = {}
        self._best: Record | None = None
        self._failures: dict[int, TrialFailure] = {}
        self._over: set[int] = set()
        self._engine: Engine | None = None
        self._elapsed = 0.0
        title = type(search).__name__ + search.prefix
        shown = wanted(search.progress, search.verbose)
        self.title = title
        self._bar = Bar(title, self.state, shown=shown)
        logger.info("%s creating %d models", self._name, n_trials)
        logger.info(
            "%s training on %d rows in %d chunks, validating on %d",
            self._name,
            train,
            job.data.n_chunks,
            validate,
        )
        self._context.call_on_fit_task_begin(estimator=search)

    def follow(self, engine: Engine) -> None:
        """Look at this engine for what its news do not say."""
        self._engine = engine
        _running.begin(self)

    def __call__(self, news: News) -> bool:
        """Take in what an engine has to say; return whether the search is to stop."""
        stops = False
        if isinstance(news, Tick):
            self._elapsed = news.elapsed
        elif isinstance(news, Ended):
            self._over.add(news.trial)
            stops = self._task(news.trial).call_on_fit_task_end(
                estimator=self._search, metadata=lambda: self._facts(news.trial)
            )
        elif isinstance(news, Recalled):
            stops = self._recall(news.news)
        elif isinstance(news, TrialFailure):
            self._task(news.trial)
            self._failed(news)
        else:
            self._task(news.trial)
            stops = self._scored(news)
        self._bar.update()
        return stops

    def end(self, X: Any = None, y: Any = None) -> None:
        """Report that the search has ended well; its attributes are set.

        Parameters
        ----------
        X, y : array-like, optional
            On which callbacks may score the best model.
        """
        if is_dask_collection(X) or is_dask_collection(y):
            X = y = None  # which no scorer of a callback takes
        fitted = {
            name: value
            for name, value in vars(self._search).items()
            if name.endswith("_") and not name.startswith("_")
        }
        self._context.call_on_fit_task_end(
            estimator=self._search,
            X=X,
            y=y,
            reconstruction_attributes=fitted if "best_estimator_" in fitted else None,
        )

    def open(self) -> None:
        """Show the bar; `close` must follow."""
        self._bar.open()

    def close(self) -> None:
        """Take the bar away, however the search has ended."""
        _running.end(self)
        self._bar.close()

    def _recall(self, known: Record | TrialFailure) -> bool:
        """Take in what an earlier run has found; it was logged then."""
        self._task(known.trial)
        if isinstance(known, TrialFailure):
            self._failures[known.trial] = known
            self._reasons.add(known.reason)
            return False
        self._note(known)
        return self._call(known, recalled=True)

    def _failed(self, failure: TrialFailure) -> None:
        self._failures[failure.trial] = failure
        known = failure.reason in self._reasons
        self._reasons.add(failure.reason)
        logger.log(
            # A reason that many trials share is worth one warning.
            logging.INFO if known else logging.WARNING,
            "%s trial %d %s: %s",
            self._name,
            failure.trial,
            failure.status,
            failure.reason,
        )

    def _note(self, record: Record) -> None:
        self._last[record.trial] = record
        self._elapsed = record.elapsed
        if math.isfinite(record.score) and (
            self._best is None or record.score > self._best.score
        ):
            self._best = record
        self._n_scores += 1

    def _scored(self, record: Record) -> bool:
        self._note(record)
        if self._n_scores % self._every == 0 and logger.isEnabledFor(logging.INFO):
            logger.info(
                "%s validation score of %0.4f received after %d partial_fit calls: "
                "model %s, %s, best so far %s",
                self._name,
                record.score,
                record.calls,
                self._label(record.trial)["model_id"],
                self._params(record.trial),
                "none" if self._best is None else f"{self._best.score:0.4f}",
            )
        return self._call(record)

    def _call(self, record: Record, *, recalled: bool = False) -> bool:
        """Tell callbacks of a score; return whether one wants to stop the search."""
        stops = False
        for callback in self._hearers:
            metadata = self._facts(record.trial) | {"recalled": recalled}
            task = self._task(record.trial)
            stops |= is_true(callback.on_score(self._search, task, metadata=metadata))
        return stops

    def _facts(self, trial: int) -> dict[str, Any]:
        """Return what is known of a trial, for callbacks."""
        record, failure = self._last.get(trial), self._failures.get(trial)
        schedule, best = self._job.schedule, self._best
        return {
            "trial": trial,
            **self._label(trial),
            "params": dict(self._params(trial)),
            "calls": 0 if record is None else record.calls,
            "score": math.nan if record is None else record.score,
            "metrics": {} if record is None else dict(record.metrics),
            "fit_seconds": 0.0 if record is None else record.fit_seconds,
            "score_seconds": 0.0 if record is None else record.score_seconds,
            "elapsed": self._elapsed,
            "worker": "" if record is None else record.worker,
            "rung": schedule.outlook(trial)[0].calls,
            "status": self._status(trial),
            "error": "" if failure is None else failure.error,
            "best_score": math.nan if best is None else best.score,
            "best_params": {} if best is None else dict(self._params(best.trial)),
        }

    def _status(self, trial: int) -> str:
        if trial in self._failures:
            return self._failures[trial].status
        if trial not in self._over:
            return "training"
        completed = trial in self._job.schedule.finalists
        return "completed" if completed else "stopped"

    def _params(self, trial: int) -> Mapping[str, Any]:
        params: Mapping[str, Any] = self._job.trials[trial].params
        return params

    def curves(self) -> list[Curve]:
        """Return the scores of its trials so far."""
        assert self._engine is not None
        curves: dict[int, tuple[list[int], list[float]]] = {}
        for record in list(self._engine.records):
            calls, scores = curves.setdefault(record.trial, ([], []))
            calls.append(record.calls)
            scores.append(record.score)
        return [
            Curve(
                str(self._label(trial)["model_id"]),
                str(self._label(trial).get("bracket", "")),
                calls,
                scores,
                self._status(trial),
                described(self._params(trial)),
            )
            for trial, (calls, scores) in curves.items()
        ]

    def state(self) -> State:
        """Return how far the search is."""
        assert self._engine is not None
        dispatcher, best = self._engine.dispatcher, self._best
        groups = dispatcher.progress()
        done = sum(made for _, made, _, _ in groups)
        total = sum(due for _, _, due, _ in groups)
        alive: dict[int, int] = {}
        for trial, *_, live in groups:
            alive[trial] = len(live - self._over)
        left = None
        if dispatcher.measured and dispatcher.n_slots:
            left = dispatcher.remaining() / dispatcher.n_slots
            left = max(0.0, min(left, self._engine.end - self._elapsed))
        return State(
            "calls",
            done,
            max(total, done),
            self._elapsed,
            left,
            None if best is None else best.score,
            {} if best is None else self._params(best.trial),
            sum(alive.values()),
            self._job.schedule.n_trials,
            dispatcher.n_busy,
            dispatcher.n_slots,
            tuple(
                Part(
                    f"bracket {self._label(trial)['bracket']}",
                    made,
                    max(due, made),
                    alive[trial],
                )
                for trial, made, due, _ in groups
                if len(groups) > 1 and "bracket" in self._label(trial)
            ),
        )

    def _task(self, trial: int) -> Any:
        if trial not in self._tasks:
            task = self._context.subcontext(task_name="trial", task_id=trial)
            self._tasks[trial] = task
            task.call_on_fit_task_begin(
                estimator=self._search, metadata=lambda: self._facts(trial)
            )
        return self._tasks[trial]


class _Shown:
    """Shows the log for as long as some search wants it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._searches = 0
        self._level = logging.NOTSET
        self._handler = logging.StreamHandler()

    def begin(self) -> None:
        with self._lock:
            self._searches += 1
            if self._searches == 1:
                self._handler = logging.StreamHandler(sys.stdout)
                self._level = logger.level
                logger.addHandler(self._handler)
                logger.setLevel(logging.INFO)

    def end(self) -> None:
        with self._lock:
            self._searches -= 1
            if not self._searches:
                logger.removeHandler(self._handler)
                logger.setLevel(self._level)


_shown = _Shown()


@contextmanager
def shown_log(verbose: bool | float) -> Iterator[None]:
    """Show the log on standard output while a search runs, if wanted.

    Searches that run side by side share one handler, so that no line comes twice.
    """
    if not verbose:
        yield
        return
    _shown.begin()
    try:
        yield
    finally:
        _shown.end()
