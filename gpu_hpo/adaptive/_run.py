# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Carry out a search that is ready, and set its fitted attributes."""

from __future__ import annotations

import math
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
from distributed import Client

from gpu_hpo._config import read_seconds
from gpu_hpo.adaptive._journaling import SearchJournal
from gpu_hpo.adaptive._progress import Progress
from gpu_hpo.adaptive._results import (
    best_trial,
    make_cv_results,
    make_history,
    refit_metadata,
)
from gpu_hpo.adaptive.data._resident import ResidentData
from gpu_hpo.adaptive.engine._dask_runner import DaskRunner
from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._engine import Engine
from gpu_hpo.adaptive.engine._limits import Limits
from gpu_hpo.adaptive.engine._news import Record
from gpu_hpo.adaptive.training._budgets import Budget, make_budget
from gpu_hpo.adaptive.training._models import Trial, TrialSpec
from gpu_hpo.adaptive.training._stack_groups import stack_groups
from gpu_hpo.compute._terminated import ended_by
from gpu_hpo.compute._worker_facts import WorkerFacts, worker_facts
from gpu_hpo.exceptions import GpuHpoWarning, NoFiniteScoreError, NotPicklableError
from gpu_hpo.report._ledger import Ledger
from gpu_hpo.schedules._base import Schedule
from gpu_hpo.training._heard import Announcer
from gpu_hpo.training._text_labels import best_with_labels


@dataclass(frozen=True)
class Job:
    """A search that is ready to be carried out: its data is on the workers."""

    name: str
    client: Client
    schedule: Schedule
    trials: Mapping[int, Trial]
    spec: TrialSpec
    data: ResidentData
    workers: dict[str, WorkerFacts]
    began: float  # when the search did, on this machine's monotonic clock
    rows: tuple[Any, Any]  # X and y, as given
    journal: SearchJournal


class SearchRun(ABC):
    """Carries out a search, and keeps what it finds as fitted attributes."""

    estimator: Any
    patience: int | bool
    scoring: Any
    verbose: bool | float
    refit: bool | str | None
    cv: Any
    stack: bool
    resource: str
    device: str
    call_timeout: float | None
    max_seconds: float | None
    stop_score: float | None
    progress: bool | None
    metadata_: dict[str, Any]
    stopped_: str
    _ledger: Ledger

    # ---- what a subclass says ----

    @abstractmethod
    def _plan(self, seed: np.random.SeedSequence) -> tuple[Schedule, list[Any]]:
        """Return the schedule, and the parameters of each of its trials."""

    @abstractmethod
    def _label(self, schedule: Schedule, trial: int) -> dict[str, Any]:
        """Return the `model_id` of a trial, and other labels of its rows."""

    @abstractmethod
    def _set_metadata(self, schedule: Schedule, history: list[dict[str, Any]]) -> None:
        """Set `metadata_`."""

    @abstractmethod
    def _max_calls(self) -> int:
        """Return the most calls of any model."""

    def _calls_for_all_rows(self) -> int:
        """Return the calls that read all rows where a call adds rows: `max_iter`."""
        return self._max_calls()

    def _budget(self) -> Budget:
        return make_budget(self.resource)

    @property
    def _trains_again(self) -> bool:
        """Whether the best parameters are trained once more, on all rows."""
        # None, or the name of a metric, does not say: with folds it is done.
        folds = self.cv is not None
        return folds if isinstance(self.refit, str | None) else bool(self.refit)

    @property
    def _returns_model(self) -> bool:
        """Whether there is one best model to bring here, and not one for each fold."""
        return self.cv is None or self._trains_again

    def _patience(self) -> int:
        """Return `patience` in calls; 0 is off."""
        return int(self.patience)

    # ---- what happens ----

    async def _carry_out(self, job: Job) -> None:
        """Train and score as the schedule says, and set the fitted attributes."""
        data, spec, schedule = job.data, job.spec, job.schedule
        needs_X = spec.scoring.needs_X
        dispatcher = Dispatcher(
            schedule.outlook,
            window=data.window if data.windowed else None,
            n_parts=data.n_parts,
            parts_per_task=data.n_parts if needs_X else data.parts_per_task,
            groups=stack_groups(spec, job.trials) if self.stack else None,
            budget=spec.budget,
            one_call=self.call_timeout is not None,
        )
        label = lambda trial: self._label(schedule, trial)  # noqa: E731
        known = job.journal.begin(job.trials, label, data.fingerprint)
        progress = Progress(self, job, label)
        listener = job.journal.listener(lambda: engine.rebuilds, progress)
        engine = Engine(schedule, dispatcher, listener, self._limits(job), known)
        progress.follow(engine)
        announcer = Announcer("trial")
        runner = self._runner(job, engine, announcer)
        self._open_ledger(job, engine)
        try:
            progress.open()
            with spec.hearing.here(), self._ledger.phase("train"):
                await runner.run()
        except BaseException as error:
            # However it ends, what is known so far is kept.
            engine.stop(ended_by(error))
            best = self._conclude(job, engine)
            if best is not None and spec.n_splits == 1:
                # If it was lost, it is not trained again.
                model = await runner.model_at_hand(
                    best.trial, read_seconds("interrupt-timeout") / 2
                )
                if model is not None:
                    self.best_estimator_ = best_with_labels(model, spec.labels)
            raise
        else:
            best = self._conclude(job, engine)
            try:
                if best is None:
                    raise NoFiniteScoreError(_explain(engine, spec.scoring.scorer))
                with self._ledger.phase("finish"):
                    await self._set_best_estimator(job, engine, runner, best, announcer)
            except BaseException as error:
                self.stopped_ = self.stopped_ or ended_by(error)
                raise
        finally:
            runner.drop_results()
            progress.close()
            announcer.say()
        progress.end(*job.rows)

    def _open_ledger(self, job: Job, engine: Engine) -> None:
        """Note what is known before training begins."""
        ledger, data = self._ledger, job.data
        ledger.slots = {
            name: 1 if job.spec.on_device else facts.nthreads
            for name, facts in job.workers.items()
        }
        ledger.tasks = engine.tasks
        ledger.n_rows, ledger.n_chunks = data.n_rows, data.n_chunks
        ledger.n_bytes, ledger.horizon = data.n_bytes, job.schedule.horizon()

    def _limits(self, job: Job) -> Limits:
        share = 0.0
        if self._trains_again:
            # One model for those of all splits, on the rows that validate too.
            train, validate = job.data.n_rows
            share = (train + validate) / max(train, 1) / job.spec.n_splits
        return Limits(
            math.inf if self.max_seconds is None else self.max_seconds,
            math.inf if self.stop_score is None else self.stop_score,
            spent=monotonic() - job.began,
            refit_share=share,
        )

    def _runner(self, job: Job, engine: Engine, announcer: Announcer) -> DaskRunner:
        return DaskRunner(
            job.client,
            engine,
            job.data,
            job.spec,
            job.trials,
            job.name,
            job.workers,
            announcer,
            self.call_timeout,
        )

    def _conclude(self, job: Job, engine: Engine) -> Record | None:
        """Set the fitted attributes from what the engine has recorded, but the model.

        Those of the best trial are left out if there is none.

        Returns
        -------
        Record or None
            That of the best trial; None if no trial has a finite score.
        """
        schedule, scoring = job.schedule, job.spec.scoring
        contenders = engine.contenders
        best = best_trial(engine.records, contenders, engine.failures)
        params = {i: trial.params for i, trial in job.trials.items()}
        label = lambda trial: self._label(schedule, trial)  # noqa: E731
        self.history_ = make_history(
            engine.records, params, label, by_split=self.cv is not None
        )
        self.model_history_: dict[Any, list[dict[str, Any]]] = {
            label(trial)["model_id"]: [] for trial in job.trials
        }
        for entry in self.history_:
            self.model_history_[entry["model_id"]].append(entry)
        self.cv_results_ = make_cv_results(
            self.history_,
            params,
            label,
            engine.failures,
            set(schedule.finalists),
            set(contenders),
        )
        self.stopped_ = engine.stopped
        job.journal.end(engine.stopped, best, engine.elapsed)
        self._ledger.n_recalled = engine.n_recalled
        if best is not None:
            self.best_index_ = best.trial
            self.best_score_ = np.float64(best.score)
            self.best_params_ = dict(params[best.trial])
        self.scoring_ = scoring.of_numbers(None)
        self.scorer_ = scoring.scorer
        self.multimetric_ = isinstance(self.scoring, list | tuple | set | Mapping)
        self.n_splits_ = job.spec.n_splits
        self._set_metadata(schedule, self.history_)
        if job.spec.budget.refits:
            self.metadata_ |= refit_metadata(self.history_, job.spec.budget, job.data)
        return best

    async def _set_best_estimator(
        self,
        job: Job,
        engine: Engine,
        runner: DaskRunner,
        best: Record,
        announcer: Announcer,
    ) -> None:
        """Fetch the best model, or train it again on all rows, as `refit` says."""
        if not self._returns_model:
            return
        self.__dict__.pop("best_estimator_", None)
        began = monotonic()
        try:
            if self._trains_again:
                runner.drop_results()
                model, error = await self._train_on_all(job, best, announcer)
                reason = f"trained again on all rows, it failed with {error}"
            else:
                if engine.stopped != "max_seconds" and not engine.stands_at(best):
                    # It was not stopped at once: train what was scored.
                    engine.dispatcher.drop(best.trial)
                model = await runner.model(best.trial, best.calls)
                reason = "it was lost or dropped, and failed when it was trained again"
        except NotPicklableError as error:
            model, reason = None, str(error)
        if self._trains_again:
            self.refit_time_ = monotonic() - began
        if model is not None:
            self.best_estimator_ = best_with_labels(model, job.spec.labels)
        else:
            warnings.warn(
                f"no best_estimator_: the best model is trial {best.trial}; {reason}",
                GpuHpoWarning,
                stacklevel=2,
            )

    async def _train_on_all(
        self, job: Job, best: Record, announcer: Announcer
    ) -> tuple[Any, str]:
        """Train the best trial from its first call, on the rows that validated, too.

        It makes as many calls as in the search, each on all rows of a chunk. Rows that
        the user gave to validate on become chunks of their own. Where a call is a
        chunk, the trial then makes more calls, so that it goes through all rows as
        often as in the search.

        Parameters
        ----------
        job : Job
            Done; its data is changed.
        best : Record
        announcer : Announcer
            It is told of warnings.

        Returns
        -------
        model : estimator or None
            None if it failed.
        error : str
            Why it failed.
        """
        data, budget, calls = job.data, job.spec.budget, best.calls
        before = data.n_chunks
        data.include_validation()
        if budget.span(0, calls) is not None:
            calls = round(calls * data.n_chunks / before)
        # The schedule is not asked for anything any more.
        dispatcher = Dispatcher(
            job.schedule.outlook,
            window=data.window if data.windowed else None,
            budget=budget,
            one_call=self.call_timeout is not None,
        )
        engine = Engine(job.schedule, dispatcher)
        again = replace(
            job,
            name=f"{job.name}-refit",
            spec=replace(job.spec, n_splits=1, by_roles=False),
            workers=await worker_facts(job.client),
        )
        runner = self._runner(again, engine, announcer)
        try:
            model = await runner.model(best.trial, calls)
        finally:
            runner.drop_results()
        failure = engine.failures.get(best.trial)
        return model, "" if failure is None else failure.reason


def _explain(engine: Engine, scorer: Any) -> str:
    if not engine.failures:
        return (
            f"none of {engine.schedule.n_trials} trials got a finite score by "
            f"{scorer!r}, which may not be defined on the rows to validate on"
        )
    first = engine.failures[min(engine.failures)]
    return (
        f"no trial got a finite score: {len(engine.failures)} of "
        f"{engine.schedule.n_trials} failed, the first with {first.reason} "
        "(cv_results_['error'] has all)"
    )
