# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define the base class of callbacks that hear of scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar


class SearchCallback:
    """Hear of each score of a search, and perhaps stop it.

    It follows scikit-learn's ``FitCallback``, with methods that do nothing; override
    those that you need. They are called in the process that searches, one at a time,
    and a search waits for them: what takes long belongs into a thread. What a method
    raises ends the search. Callbacks are not sent to workers, so that they may hold
    files, connections and locks.

    Attributes
    ----------
    only_scores : bool
        True: `GridSearchCV` and `RandomizedSearchCV` do not call the methods for the
        fit of each candidate, and so can share fits. Where it is False, or there is no
        such attribute, nothing is shared, and the callback is sent to where fits run.
    may_stop : bool
        False says that `on_score` never returns True. Where it may, a grid tries
        candidates one after another, on all splits each, so that a best one is known
        when it stops; this keeps the rows of all splits in memory.

    Examples
    --------
    >>> from scipy.stats import uniform
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import SGDClassifier
    >>> from gpu_hpo.callbacks import SearchCallback
    >>> from gpu_hpo.model_selection import HyperbandSearchCV
    >>> class Enough(SearchCallback):
    ...     def on_score(self, search, context, *, metadata):
    ...         return metadata["score"] > 0.6 and metadata["calls"] >= 2
    >>> X, y = make_classification(random_state=0)
    >>> search = HyperbandSearchCV(
    ...     SGDClassifier(), {"alpha": uniform()}, max_iter=9, random_state=0
    ... )
    >>> search.set_callbacks(Enough()).fit(X, y).stopped_
    'callback'
    """

    only_scores: ClassVar[bool] = True
    may_stop: ClassVar[bool] = True

    def setup(self, estimator: Any, context: Any) -> None:
        """Take note that `fit` begins.

        Parameters
        ----------
        estimator : estimator
            The search.
        context : sklearn.callback.CallbackContext
            That of the search, whose tasks are trials, or candidates.
        """

    def teardown(self, estimator: Any, context: Any) -> None:
        """Take note that `fit` has ended, however it did.

        Parameters
        ----------
        estimator : estimator
            The search, with the attributes that are known: `stopped_` says how it
            ended.
        context : sklearn.callback.CallbackContext
        """

    def on_fit_task_begin(
        self, estimator: Any, context: Any, *, metadata: Mapping[str, Any] | None = None
    ) -> None:
        """Take note that a task begins: the search, or a trial.

        Parameters
        ----------
        estimator : estimator
            The search.
        context : sklearn.callback.CallbackContext
            That of the task; ``context.task_name`` of a trial is "trial".
        metadata : mapping, optional
            Of a trial as in `on_score`; of other tasks parameters of `fit`.
        """

    def on_fit_task_end(
        self, estimator: Any, context: Any, *, metadata: Mapping[str, Any] | None = None
    ) -> bool | None:
        """Take note that a task has ended well, or that a trial trains no more.

        Parameters
        ----------
        estimator, context, metadata
            As in `on_fit_task_begin`.

        Returns
        -------
        bool or None
            True of a trial stops the search.
        """
        return None

    def on_score(
        self, search: Any, context: Any, *, metadata: Mapping[str, Any]
    ) -> bool | None:
        """Take note of a score.

        Parameters
        ----------
        search : estimator
            The search.
        context : sklearn.callback.CallbackContext or None
            That of the trial; None in a grid.
        metadata : mapping
            ``trial`` (its number), ``model_id``, ``params``, ``score`` (higher is
            better), ``metrics`` (all of them, by name), ``fit_seconds`` and
            ``score_seconds`` (since the last score), ``elapsed`` (seconds since
            training began), ``status``, ``error`` (a traceback), ``best_score`` and
            ``best_params`` (so far), ``recalled`` (whether an earlier run of the search
            has found it, by its journal). In searches that stop early also ``calls``,
            ``worker``, ``rung`` (calls at its next decision) and labels such as
            ``bracket``; in a grid ``split``.

        Returns
        -------
        bool or None
            True stops the search, with the best model so far.
        """
        return None
