# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Report what a search does, to the log and to scikit-learn's callbacks."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from gpu_hpo.adaptive.engine._engine import Ended, News, TrialFailure

logger = logging.getLogger("gpu_hpo.model_selection")


class Progress:
    """Listens to an engine, and passes its news on to the log and to callbacks.

    Callbacks see the search as a task and each trial as its subtask, which begins with
    the first news of the trial and ends when it trains no more.

    Parameters
    ----------
    search : BaseIncrementalSearchCV
        Within scikit-learn's ``callback_management_context``.
    n_trials : int
    n_rows : (int, int)
        That train and that validate.
    n_chunks : int
    """

    def __init__(
        self, search: Any, n_trials: int, n_rows: tuple[int, int], n_chunks: int
    ) -> None:
        self._search = search
        self._name = f"[CV{search.prefix}]"
        verbose = float(search.verbose)
        self._every = max(1, round(1 / verbose)) if verbose else 1
        self._n_scores = 0
        self._reasons: set[str] = set()  # why trials failed so far
        self._context = search._init_callback_context(
            max_subtasks=n_trials, sequential_subtasks=False
        )
        self._tasks: dict[int, Any] = {}
        logger.info("%s creating %d models", self._name, n_trials)
        logger.info(
            "%s training on %d rows in %d chunks, validating on %d",
            self._name,
            n_rows[0],
            n_chunks,
            n_rows[1],
        )
        self._context.call_on_fit_task_begin(estimator=search)

    def __call__(self, news: News) -> None:
        """Take in what an engine has to say."""
        task = self._task(news.trial)
        if isinstance(news, Ended):
            task.call_on_fit_task_end(estimator=self._search)
        elif isinstance(news, TrialFailure):
            known = news.reason in self._reasons
            self._reasons.add(news.reason)
            logger.log(
                # A reason that many trials share is worth one warning.
                logging.INFO if known else logging.WARNING,
                "%s trial %d %s: %s",
                self._name,
                news.trial,
                news.status,
                news.reason,
            )
        else:
            self._n_scores += 1
            if self._n_scores % self._every == 0:
                logger.info(
                    "%s validation score of %0.4f received after %d partial_fit calls",
                    self._name,
                    news.score,
                    news.calls,
                )

    def end(self) -> None:
        """Report that the search has ended well."""
        self._context.call_on_fit_task_end(estimator=self._search)

    def _task(self, trial: int) -> Any:
        if trial not in self._tasks:
            task = self._context.subcontext(task_name="trial", task_id=trial)
            self._tasks[trial] = task
            task.call_on_fit_task_begin(estimator=self._search)
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
