# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Pass what searches find on to a tracker, which may be slow, or fail.

A tracker works in a thread of its own, since it writes files or waits for a server, and
a search must not wait for either. One that raises is asked for nothing more: a warning
says so, and the search goes on.
"""

from __future__ import annotations

import threading
import warnings
from abc import abstractmethod
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from numbers import Real
from queue import SimpleQueue
from typing import Any, ClassVar, Protocol

import numpy as np

from gpu_hpo.callbacks._base import SearchCallback
from gpu_hpo.exceptions import GpuHpoWarning

# Seconds for which a search that is done waits for its tracker; less after Ctrl-C, for
# which a search has ten seconds in all.
_PATIENCE = 30.0
_INTERRUPTED_PATIENCE = 4.0

# What callbacks are told of a score that does not name its trial.
_FACTS = {
    *("trial", "model_id", "params", "split", "calls", "score", "metrics"),
    *("fit_seconds", "score_seconds", "elapsed", "worker", "rung", "status", "error"),
    *("best_score", "best_params", "recalled"),
}


@dataclass
class TrialLog:
    """What a tracker is told of a trial, or of a candidate.

    Attributes
    ----------
    number : int
    name : str
        Its `model_id`.
    params : dict of str to bool, int, float or str
    labels : dict of str to the same
        What else names it, such as its bracket.
    values : dict of str to float
        In the end its last scores and "calls", or the means of all splits, as
        "mean_score" and so on, and "splits"; "fit_seconds" and "score_seconds".
    status, error, worker : str
        In the end.
    """

    number: int
    name: str
    params: dict[str, Any]
    labels: dict[str, Any]
    values: dict[str, float] = field(default_factory=dict)
    status: str = "training"
    error: str = ""
    worker: str = ""


@dataclass(frozen=True)
class SearchEnd:
    """What a tracker is told at the end of a search.

    Attributes
    ----------
    status : {"finished", "interrupted", "failed"}
    stopped : str
        `stopped_` of the search.
    best_score : float or None
    best_params : dict of str to bool, int, float or str
    """

    status: str
    stopped: str = ""
    best_score: float | None = None
    best_params: dict[str, Any] = field(default_factory=dict)


class Tracker(Protocol):
    """Notes one search. All methods are called in one thread, and may raise."""

    def open(self, name: str) -> None:
        """Begin a search of a class."""

    def begin(self, trial: TrialLog) -> None:
        """Begin a trial."""

    def score(
        self, trial: TrialLog, step: int, scores: Mapping[str, float], best: float
    ) -> None:
        """Note a score after `step` calls, or on this split, and the best so far."""

    def end(self, trial: TrialLog) -> None:
        """End a trial."""

    def flush(self) -> None:
        """Pass on what was noted: nothing else waits now."""

    def close(self, end: SearchEnd) -> None:
        """End the search; all of its trials have ended."""


class TrackingCallback(SearchCallback):
    """Sends what searches find to a tracker; a base class.

    One callback may serve several searches at the same time. Copies, also those in
    other processes, begin anew.
    """

    may_stop: ClassVar[bool] = False

    def __init__(self) -> None:
        self._sessions: dict[int, _Session] = {}

    @abstractmethod
    def _tracker(self) -> Tracker:
        """Return the tracker of one search."""

    def setup(self, estimator: Any, context: Any) -> None:
        """Begin to note a search."""
        name = type(self).__name__
        self._sessions[id(estimator)] = _Session(name, estimator, self._tracker())

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Note the end of a trial, or that the search has ended well."""
        session = self._sessions.get(id(estimator))
        if session is None:
            return  # the fit of a candidate, in another process
        if context.task_name == "trial" and metadata is not None:
            session.ended(metadata)
        elif context is getattr(estimator, "_callback_fit_ctx", None):
            session.done = True

    def on_score(
        self, search: Any, context: Any, *, metadata: Mapping[str, Any]
    ) -> None:
        """Note a score."""
        self._sessions[id(search)].scored(metadata)

    def teardown(self, estimator: Any, context: Any) -> None:
        """Note how the search has ended, and wait until all is noted."""
        self._sessions.pop(id(estimator)).close()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_sessions": {}}


class _Session:
    """One search, and the thread in which its tracker works."""

    def __init__(self, name: str, search: Any, tracker: Tracker) -> None:
        self.done = False
        self._name = name
        self._search = search
        self._before = vars(search).get("cv_results_")  # of an earlier fit
        self._tracker = tracker
        self._logs: dict[int, TrialLog] = {}
        self._open: set[int] = set()
        self._sums: dict[int, dict[str, float]] = {}  # of the splits of a candidate
        self._failure: Exception | None = None
        self._warned = False
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(
            target=self._work, name=f"{name} of gpu_hpo", daemon=True
        )
        self._thread.start()
        self._jobs.put(partial(tracker.open, type(search).__name__))

    # ---- in the search's thread ----

    def scored(self, facts: Mapping[str, Any]) -> None:
        """Note a score; that of the last split ends a candidate."""
        trial = self._trial(facts)
        scores = {"score": facts["score"], **facts["metrics"]}
        step, best = facts.get("calls", facts.get("split")), facts["best_score"]
        self._add(trial, facts, scores)
        self._put(partial(self._tracker.score, trial, step, scores, best))
        n_splits = getattr(self._search, "n_splits_", None)
        if "split" in facts and trial.values["splits"] == n_splits:
            self.ended(facts)

    def ended(self, facts: Mapping[str, Any]) -> None:
        """Note the end of a trial, which may have had no score."""
        trial = self._trial(facts)
        trial.status = facts["status"]
        trial.error = trial.error or facts["error"]
        if trial.error and "split" in facts:
            trial.status = "failed"
        trial.worker = facts.get("worker", "")
        self._open.discard(trial.number)
        self._sums.pop(trial.number, None)
        self._put(partial(self._tracker.end, trial))

    def close(self) -> None:
        """End, however the search did."""
        end = self._end()
        for trial in map(self._logs.__getitem__, sorted(self._open)):
            trial.status = end.status if end.status != "finished" else "stopped"
            self._put(partial(self._tracker.end, trial))
        self._put(partial(self._tracker.close, end))
        self._jobs.put(None)
        interrupted = end.status == "interrupted"
        patience = _INTERRUPTED_PATIENCE if interrupted else _PATIENCE
        if self._failure is not None:
            patience = 1.0  # nothing more will be noted
        self._thread.join(patience)
        if self._thread.is_alive() and not self._warned:
            self._warned = True
            warnings.warn(
                f"{self._name} had not noted all {patience:g} seconds after the end of "
                "the search; what it does not note before this process ends is lost",
                GpuHpoWarning,
            )
        self._complain()

    def _trial(self, facts: Mapping[str, Any]) -> TrialLog:
        number = facts["trial"]
        if number not in self._logs:
            labels = {k: plain(v) for k, v in facts.items() if k not in _FACTS}
            params = {name: plain(value) for name, value in facts["params"].items()}
            trial = TrialLog(number, str(facts["model_id"]), params, labels)
            self._logs[number] = trial
            self._open.add(number)
            self._put(partial(self._tracker.begin, trial))
        return self._logs[number]

    def _add(
        self, trial: TrialLog, facts: Mapping[str, Any], scores: Mapping[str, float]
    ) -> None:
        """Add a score to what is known of a trial."""
        values = trial.values
        for name in ("fit_seconds", "score_seconds"):
            values[name] = values.get(name, 0.0) + facts[name]
        if "calls" in facts:
            values |= {**scores, "calls": facts["calls"]}
            return
        trial.error = trial.error or facts["error"]
        n_splits = values["splits"] = values.get("splits", 0) + 1
        sums = self._sums.setdefault(trial.number, {})
        for name, score in scores.items():
            sums[name] = sums.get(name, 0.0) + score
            values[f"mean_{name}"] = sums[name] / n_splits

    def _end(self) -> SearchEnd:
        found = vars(self._search)
        known = found.get("cv_results_") is not self._before
        stopped = found.get("stopped_", "") if known else ""
        status = "finished" if self.done else "failed"
        if stopped == "interrupt":
            status = "interrupted"
        if not known or "best_params_" not in found:
            return SearchEnd(status, stopped)
        score = found.get("best_score_")
        params = {name: plain(v) for name, v in found["best_params_"].items()}
        return SearchEnd(
            status, stopped, None if score is None else float(score), params
        )

    def _put(self, job: Callable[[], None]) -> None:
        self._complain()
        if self._failure is None:
            self._jobs.put(job)

    def _complain(self) -> None:
        """Warn, once, if the tracker has failed."""
        if self._failure is None or self._warned:
            return
        self._warned = True
        error = self._failure
        warnings.warn(
            f"{self._name} failed with {type(error).__name__}: {error}; "
            "the search goes on, and the rest of it is not noted there",
            GpuHpoWarning,
        )

    # ---- in its own thread ----

    def _work(self) -> None:
        """Do what there is to do, in order, until the end or the first failure."""
        while (job := self._jobs.get()) is not None:
            try:
                job()
                if self._jobs.empty():
                    self._tracker.flush()
            except Exception as error:
                self._failure = error
                break
        if self._failure is not None:
            # What it holds is closed if it can be; that it cannot is said already.
            with suppress(Exception):
                self._tracker.close(SearchEnd("failed"))


def need(module: str, extra: str, caller: str) -> None:
    """Import what a tracker needs, or raise ImportError with how to install it."""
    try:
        import_module(module)
    except ImportError as error:
        raise ImportError(
            f"{caller} needs {module}, which cannot be imported ({error}): "
            f"pip install 'gpu_hpo[{extra}]'"
        ) from error


def plain(value: Any) -> bool | int | float | str:
    """Return a value of a parameter as a number or a text, which any tracker takes."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Real):
        return float(value)
    text = repr(value)
    return text if len(text) <= 250 else f"{text[:249]}…"
