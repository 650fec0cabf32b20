# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define the base class of exhaustive searches: `fit`; the rest is scikit-learn's."""

from __future__ import annotations

import copy
import os
import warnings
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import AbstractContextManager
from typing import Any, Self

import numpy as np
from dask.base import is_dask_collection
from distributed import Client
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_is_fitted

from gpu_hpo._arguments import LIMITS
from gpu_hpo._sklearn_private import (
    BaseSearchCV,
    StrOptions,
    _fit_context,
    _MultimetricScorer,
    callback_management_context,
    scorers_of,
)
from gpu_hpo._typing import ArrayLike
from gpu_hpo.compute._awaited import in_thread, is_awaited
from gpu_hpo.compute._backends import (
    check_scheduler,
    open_blocks_pool,
    open_one_by_one,
    open_pool,
)
from gpu_hpo.compute._pool import Pool, TaskKilled
from gpu_hpo.compute._terminated import ended_by, ends_when_terminated
from gpu_hpo.devices._cuml_task import answering
from gpu_hpo.devices._namespace import is_device_array
from gpu_hpo.exceptions import GpuHpoWarning, NoEffectWarning, NotPicklableError
from gpu_hpo.exhaustive._callbacks import (
    has_callbacks,
    told_of_fits,
    without_context,
)
from gpu_hpo.exhaustive._evaluation import fit_to_all_rows
from gpu_hpo.exhaustive._journaling import recording
from gpu_hpo.exhaustive._run import ExhaustiveRun
from gpu_hpo.exhaustive._search_data import SearchData
from gpu_hpo.journal._journal import Journal, JournalLike
from gpu_hpo.metrics._scoring import read_scorer
from gpu_hpo.postfit._lazily import apply, ask
from gpu_hpo.postfit._score import score
from gpu_hpo.report._ledger import Ledger, kept_by
from gpu_hpo.report._readable import Readable
from gpu_hpo.training._heard import say
from gpu_hpo.training._text_labels import Decoded, with_numbers
from gpu_hpo.training._turns import stepped_aside

# Parameters that the searches have in addition to scikit-learn's.
EXTRA_CONSTRAINTS: dict[str, Any] = {
    "scheduler": "no_validation",  # see check_scheduler
    "iid": "no_validation",
    "cache_cv": ["boolean"],
    "device": [StrOptions({"auto", "cpu", "cuda"})],
    **LIMITS,
    "progress": ["boolean", None],
    "journal": [str, os.PathLike, Journal, None],
}

# What a search sets once scores are known, and once the best candidate is fitted.
_FOUND = (
    "best_index_",
    "best_params_",
    "best_score_",
    "cv_results_",
    "device_",
    "multimetric_",
    "scorer_",
    "stopped_",
    "_labels",
)
_REFITTED = ("best_estimator_", "feature_names_in_", "refit_time_")


class ExhaustiveSearch(Readable, BaseSearchCV):
    """Fits and scores all candidates, each distinct fit once.

    It is mixed into scikit-learn's search classes, which provide parameters and their
    checks, tags, metadata routing, the methods of a fitted search, and, by
    ``_run_search``, the candidates.
    """

    scheduler: Any
    iid: bool
    cache_cv: bool
    device: str
    max_seconds: float | None
    stop_score: float | None
    progress: bool | None
    journal: JournalLike
    _labels: np.ndarray | None
    _ledger: Ledger

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> Any:
        """Fit and score all candidates, and fit the best one to all rows.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_features)
            Whatever the estimator takes: arrays and lists, frames, sparse matrices,
            also on a device; or a Dask array, frame or Delayed of these, which is
            concatenated on each worker that needs it. A precomputed kernel has shape
            (n_samples, n_samples).
        y : array-like or Dask collection of shape (n_samples,) or (n_samples, \
n_outputs), optional
            Labels are copied to the host to be split; X is not.
        **params : dict of str to object
            For the estimator's `fit`, the scorer and the splitter, as in scikit-learn:
            parameters with one entry per row are cut along with X, and `groups` go to
            the splitter.

        Returns
        -------
        self
            With an asynchronous Dask client: an awaitable of it.

        Raises
        ------
        ValueError
            As in scikit-learn: for invalid arguments, or if all fits fail.
        DeviceNotFoundError
            If ``device="cuda"`` and a worker has no GPU.
        NoCounterpartError
            If the estimator, or a value that is tried, cannot train on the device.
        ClientClosedError, WorkersLostError
            If the cluster is gone. However a search ends, by Ctrl-C too, `cv_results_`
            has the scores known by then, NaN for all others, and `best_params_` is the
            best of the candidates that all splits had scored.
        """
        check_scheduler(self.scheduler)
        self._warn_of_iid()
        in_blocks = bool(getattr(self.estimator, "_takes_blocks", False))
        data = SearchData(X, y, params, in_blocks=in_blocks)
        run = ExhaustiveRun(self, data)
        if not is_awaited(self.scheduler):
            with ends_when_terminated():
                return self._search(run, data)

        def search() -> Any:
            with callback_management_context(self):
                return self._search(run, data)

        return in_thread(search)

    def _search(self, run: ExhaustiveRun, data: SearchData) -> Self:
        context = self._init_callback_context(
            max_subtasks=1 + (self.refit is not False)
        )
        weight = data.params.get("sample_weight")
        callback_args = {
            "X": data.X,
            "y": data.y,
            "metadata": None if weight is None else {"sample_weight": weight},
        }
        context.call_on_fit_task_begin(estimator=self, **callback_args)
        with (
            kept_by(self) as ledger,
            recording(self) as run.journal,
            stepped_aside(),
            self._open(run, data) as pool,
            run.begin(pool),
        ):
            try:
                run.progress.open()
                with ledger.phase("train"):
                    self._run_search(run.evaluate_candidates, callback_ctx=context)
                run.conclude()
                run.journal.end(run.limits.stopped)
                if self.refit:
                    with ledger.phase("finish"):
                        self._refit(run, context, callback_args)
            except BaseException as error:
                run.limits.stop(ended_by(error))
                if not run.concluded:
                    run.journal.end(run.limits.stopped)
                self._keep(run)
                raise
            finally:
                ledger.slots = {"": pool.n_slots}
                run.progress.close()
        self._set_results(run)
        if is_dask_collection(data.X) or is_dask_collection(data.y):
            callback_args |= {"X": None, "y": None}  # which no scorer of one takes
        fitted = self.refit and "best_estimator_" in vars(self)
        best = {"best_estimator_": self.best_estimator_} if fitted else None
        context.call_on_fit_task_end(
            estimator=self, reconstruction_attributes=best, **callback_args
        )
        return self

    def _set_results(self, run: ExhaustiveRun) -> None:
        self.cv_results_ = run.results
        self.device_, self.stopped_ = run.device, run.limits.stopped
        self._ledger.failures = run.failures()
        self._labels = run.labels
        self.scorer_ = (
            scorers_of(run.scorers)
            if isinstance(run.scorers, _MultimetricScorer)
            else run.scorers
        )

    def _keep(self, run: ExhaustiveRun) -> None:
        """Set the attributes from what is known when a search ends early."""
        for name in _REFITTED if run.concluded else (*_REFITTED, *_FOUND):
            # Earlier results must not look like its own.
            self.__dict__.pop(name, None)
        if run.concluded or run.conclude_early():
            self._set_results(run)

    def _open(
        self, run: ExhaustiveRun, data: SearchData
    ) -> AbstractContextManager[Pool]:
        """Open the pool that runs fits: only this thread, if fits share a state.

        What cannot be copied cannot be sent to other processes either.
        """
        if data.in_blocks:
            return open_blocks_pool(self.scheduler, 1 if run.shares else self.n_jobs)
        if run.shares:
            return open_one_by_one(self.scheduler)
        return open_pool(self.scheduler, self.n_jobs)

    def _refit(
        self, run: ExhaustiveRun, context: Any, callback_args: Mapping[str, Any]
    ) -> None:
        """Fit the best parameters to all rows."""
        if not hasattr(self, "best_params_"):
            # It was stopped before any candidate had a score.
            for name in _REFITTED:
                self.__dict__.pop(name, None)
            return
        best = given = run.best_model(self.best_params_)
        task = context.subcontext(task_name="refit-with-best-params")
        with told_of_fits(self, task, best):
            task.call_on_fit_task_begin(estimator=self, **callback_args)
            replaceable = not has_callbacks(self)
            try:
                best, self.refit_time_, heard = run.on_all_rows(
                    fit_to_all_rows, run.spec, best, replaceable
                )
            except (NotPicklableError, TaskKilled) as error:
                reason = (
                    f"{error}; with scheduler='threads' it need not leave its process"
                )
                if isinstance(error, TaskKilled):
                    reason = (
                        f"{error.deaths} workers died while they fitted "
                        f"{self.best_params_} to all rows"
                    )
                warnings.warn(
                    f"no best_estimator_: {reason}", GpuHpoWarning, stacklevel=2
                )
                self.__dict__.pop("best_estimator_", None)  # of an earlier fit
                heard = []
            else:
                self.best_estimator_ = best
        without_context(best, given)
        say(heard, f"candidate {self.best_index_}, fitted to all rows")
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_
        else:
            self.__dict__.pop("feature_names_in_", None)  # of an earlier fit
        task.call_on_fit_task_end(estimator=self, **callback_args)

    # ---- lazily, for Dask collections ----

    def _wrap_namespace_error(
        self, method_name: str, call: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Call the best estimator; all of scikit-learn's methods use this."""
        model = self._best_model()
        if args and is_dask_collection(args[0]):
            return apply(model, method_name, args[0], None)
        if model is not self.best_estimator_:
            call = getattr(model, method_name)
        if not args:
            return super()._wrap_namespace_error(method_name, call, **kwargs)
        wrapped = super()._wrap_namespace_error
        X, *more = args
        return ask(model, X, lambda X: wrapped(method_name, call, X, *more, **kwargs))

    def _best_model(self) -> Any:
        """Return the best estimator, with the labels that y had."""
        labels = getattr(self, "_labels", None)
        best = self.best_estimator_
        return best if labels is None else Decoded(with_numbers(best, labels), labels)

    @property
    def classes_(self) -> Any:
        """Class labels of the best estimator."""
        classes = super().classes_
        labels = getattr(self, "_labels", None)
        return classes if labels is None else labels

    def score(self, X: ArrayLike, y: ArrayLike | None = None, **params: Any) -> float:
        """Score the best estimator by the metric of the search.

        Parameters
        ----------
        X, y : array-like or Dask collection
            A Dask collection is predicted block by block; from a device only
            predictions come to the host, if needed.
        **params
            Parameters of the scorer, if metadata routing is enabled.

        Returns
        -------
        float
        """
        elsewhere = any(is_dask_collection(v) or is_device_array(v) for v in (X, y))
        encoded = getattr(self, "_labels", None) is not None
        if not (elsewhere or encoded) or not self.refit:
            with answering(getattr(self, "best_estimator_", None), X):
                return super().score(X, y, **params)
        check_is_fitted(self)
        scorer: Any = self.scorer_
        if isinstance(scorer, dict):
            scorer = scorer[self.refit]
        return score(self._best_model(), read_scorer(scorer), X, y, params)["score"]

    # ---- copies ----

    def __getstate__(self) -> dict[str, Any]:
        """Leave out objects that belong to this process: a client, or an executor."""
        state = dict(super().__getstate__())
        if _is_of_this_process(state.get("scheduler")):
            state["scheduler"] = None
        return state

    def __sklearn_clone__(self) -> Any:
        """Copy the parameters; copies share a client, or an executor."""
        bare = copy.copy(self)
        bare.scheduler = None
        cloned: Any = BaseEstimator.__sklearn_clone__(bare)
        shared = _is_of_this_process(self.scheduler)
        cloned.scheduler = (
            self.scheduler if shared else clone(self.scheduler, safe=False)
        )
        return cloned

    # ---- what is dask-ml's ----

    def _warn_of_iid(self) -> None:
        if self.iid is not True:
            warnings.warn(
                f"iid={self.iid!r} has no effect: the scores of all splits count alike",
                NoEffectWarning,
            )


def _is_of_this_process(scheduler: Any) -> bool:
    """Return whether this is a client or an executor, or a method of one."""
    scheduler = getattr(scheduler, "__self__", scheduler)
    return isinstance(scheduler, Client | Executor)
