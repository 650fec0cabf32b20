# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Run a search, once it is known what is asked for."""

from __future__ import annotations

import asyncio
import math
import uuid
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np
from dask.base import is_dask_collection
from distributed import Client, Future
from sklearn.base import is_classifier

from gpu_hpo._config import read_seconds
from gpu_hpo._sklearn_private import callback_management_context
from gpu_hpo.adaptive._placement import Placement, place
from gpu_hpo.adaptive._progress import Progress, shown_log
from gpu_hpo.adaptive._refit import train_on_all
from gpu_hpo.adaptive._results import (
    best_trial,
    make_cv_results,
    make_history,
    refit_metadata,
)
from gpu_hpo.adaptive._search_args import SearchArgs, check_estimator
from gpu_hpo.adaptive._trial_spec import make_trial_spec
from gpu_hpo.adaptive._validation_set import plan_splitting
from gpu_hpo.adaptive.data._resident import ResidentData, WorkerFacts
from gpu_hpo.adaptive.engine._dask_runner import DaskRunner, worker_facts
from gpu_hpo.adaptive.engine._dispatcher import Dispatcher
from gpu_hpo.adaptive.engine._engine import Engine, Record
from gpu_hpo.adaptive.training._budgets import Budget, make_budget
from gpu_hpo.adaptive.training._models import Trial, TrialSpec
from gpu_hpo.adaptive.training._stack_groups import stack_groups
from gpu_hpo.compute._cluster_device import cluster_device, device_memory
from gpu_hpo.data._random_split import spawn_seed
from gpu_hpo.devices._detect import wanted_device
from gpu_hpo.exceptions import GpuHpoWarning, NoFiniteScoreError
from gpu_hpo.metrics._scoring import make_scoring
from gpu_hpo.schedules._base import Schedule
from gpu_hpo.training._heard import Announcer
from gpu_hpo.training._pipelines import takes_classes
from gpu_hpo.training._snapshots import snapshot_or_share

# Purposes of seeds.
_DATA_SEED, _SAMPLE_SEED, _TRIAL_SEED = range(3)


@dataclass(frozen=True)
class Job:
    """A search that is ready to be carried out."""

    name: str
    client: Client
    schedule: Schedule
    trials: Mapping[int, Trial]
    spec: TrialSpec
    data: ResidentData
    workers: dict[str, WorkerFacts]


class SearchRun(ABC):
    """Runs a search from checked arguments to fitted attributes."""

    estimator: Any
    patience: int | bool
    scoring: Any
    verbose: bool | float
    refit: bool | str | None
    cv: Any
    stack: bool
    resource: str
    device: str
    metadata_: dict[str, Any]

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

    def _patience(self) -> int:
        """Return `patience` in calls; 0 is off."""
        return int(self.patience)

    # ---- what happens ----

    async def _search(self, client: Client, search_args: SearchArgs) -> Any:
        estimator = self.estimator
        if isinstance(estimator, Future):
            estimator = await client.gather(estimator, asynchronous=True)
            check_estimator(self, estimator, self._budget())
        name = f"gpu_hpo-{uuid.uuid4().hex[:10]}"
        budget = self._budget()
        schedule, params = self._plan(spawn_seed(search_args.seed, _SAMPLE_SEED))
        trials = {
            i: Trial(
                param,
                int(spawn_seed(search_args.seed, _TRIAL_SEED, i).generate_state(1)[0]),
            )
            for i, param in enumerate(params)
        }
        whole = await _concrete(client, search_args.whole)
        whole = {n: snapshot_or_share(value, n) for n, value in whole.items()}
        workers = await worker_facts(client)
        placement = place(
            estimator,
            trials,
            budget,
            await cluster_device(client, self.device),
            demanded=wanted_device(self.device)[0] == "cuda",
        )
        budget = placement.budget
        budget.check_least(
            placement.kind, min(schedule.outlook(trial)[0].calls for trial in trials)
        )
        scoring = make_scoring(placement.kind, self.scoring, self.refit).with_copies()
        data = await self._divide(client, search_args, placement, name)
        with shown_log(self.verbose), callback_management_context(self):
            try:
                await data.load(workers)
                if budget.refits:
                    most = self._max_calls()
                    budget.check_chunks(data.n_chunks, most)
                    data.check_fits_in_memory(
                        joined_by_tasks=budget.span(0, most) is not None
                    )
                spec = make_trial_spec(
                    placement,
                    budget,
                    scoring,
                    search_args,
                    whole,
                    data,
                    stacked=bool(self.stack),
                )
                self.device_ = placement.device
                self._labels = data.labels if data.encodes else None
                job = Job(name, client, schedule, trials, spec, data, workers)
                await self._carry_out(job)
            finally:
                data.release()
        return self

    async def _divide(
        self, client: Client, search_args: SearchArgs, placement: Placement, name: str
    ) -> ResidentData:
        """Decide which rows train and which validate."""
        classify = "y" in search_args.blocks.blocks[0] and (
            is_classifier(placement.kind) or takes_classes(placement.kind)
        )
        seed = spawn_seed(search_args.seed, _DATA_SEED)
        splitting, blocks = await plan_splitting(
            client,
            search_args,
            classify=classify,
            refits=placement.budget.refits,
            seed=seed,
        )
        budget = placement.budget
        if budget.span(0, 1) is not None:
            # Where all chunks are fitted to at once, one without weight does no harm.
            splitting = replace(
                splitting, weights=search_args.weights, joined=budget.refits
            )
        on_device = placement.on_device
        return ResidentData(
            client,
            blocks,
            name=name,
            splitting=splitting,
            seed=seed,
            classify=classify,
            validation=search_args.validation,
            on_device=on_device,
            device_memory=math.inf
            if on_device is None
            else await device_memory(client),
        )

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
        )
        progress = Progress(self, schedule.n_trials, data.n_rows, data.n_chunks)
        engine = Engine(schedule, dispatcher, progress)
        announcer = Announcer("trial")
        runner = DaskRunner(
            job.client,
            engine,
            data,
            spec,
            job.trials,
            job.name,
            job.workers,
            announcer,
        )
        try:
            with spec.hearing.here():
                await runner.run()
        except asyncio.CancelledError:
            best = self._conclude(job, engine)
            if best is not None and spec.n_splits == 1:
                # It is not trained again if it is gone.
                model = await runner.model_at_hand(
                    best.trial, read_seconds("interrupt-timeout") / 2
                )
                if model is not None:
                    self.best_estimator_ = model
            raise
        else:
            best = self._conclude(job, engine)
            if best is None:
                raise NoFiniteScoreError(_explain(engine))
            await self._set_best_estimator(job, runner, best, announcer)
        finally:
            runner.drop_results()
            announcer.say()
        progress.end()

    def _conclude(self, job: Job, engine: Engine) -> Record | None:
        """Set the fitted attributes from what the engine has recorded, but the model.

        Returns
        -------
        Record or None
            That of the best trial; None if no trial has a finite score.
        """
        schedule, scoring = job.schedule, job.spec.scoring
        best = best_trial(engine.records, schedule.finalists, engine.failures)
        if best is None:
            return None
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
            self.history_, params, label, engine.failures, set(schedule.finalists)
        )
        self.best_index_ = best.trial
        self.best_score_ = np.float64(best.score)
        self.best_params_ = dict(params[best.trial])
        self.scoring_ = scoring
        self.scorer_ = scoring.scorer
        self.multimetric_ = isinstance(self.scoring, list | tuple | set | Mapping)
        self.n_splits_ = job.spec.n_splits
        self._set_metadata(schedule, self.history_)
        if job.spec.budget.refits:
            self.metadata_ |= refit_metadata(self.history_, job.spec.budget, job.data)
        return best

    async def _set_best_estimator(
        self, job: Job, runner: DaskRunner, best: Record, announcer: Announcer
    ) -> None:
        """Fetch the best model, or train it again on all rows, as `refit` says."""
        folds = self.cv is not None
        again = folds if isinstance(self.refit, str | None) else self.refit
        if folds and not again:
            return
        self.__dict__.pop("best_estimator_", None)
        if again:
            began = monotonic()
            runner.drop_results()
            model, error = await train_on_all(
                job.client,
                job.schedule,
                job.data,
                job.spec,
                job.trials,
                best,
                f"{job.name}-refit",
                await worker_facts(job.client),
                announcer,
            )
            self.refit_time_ = monotonic() - began
            reason = f"trained again on all rows, it failed with {error}"
        else:
            model = await runner.model(best.trial, best.calls)
            reason = "it was lost or dropped, and failed when it was trained again"
        if model is not None:
            self.best_estimator_ = model
        else:
            warnings.warn(
                f"no best_estimator_: the best model is trial {best.trial}; {reason}",
                GpuHpoWarning,
                stacklevel=2,
            )


async def _concrete(client: Client, params: dict[str, Any]) -> dict[str, Any]:
    """Return fit parameters with what is Dask's replaced by its result."""
    futures = {
        name: value if isinstance(value, Future) else client.compute(value)
        for name, value in params.items()
        if isinstance(value, Future) or is_dask_collection(value)
    }
    return {**params, **await client.gather(futures, asynchronous=True)}


def _explain(engine: Engine) -> str:
    if not engine.failures:
        return f"none of {engine.schedule.n_trials} trials got a finite score"
    first = engine.failures[min(engine.failures)]
    return (
        f"no trial got a finite score: {len(engine.failures)} of "
        f"{engine.schedule.n_trials} failed, the first with {first.reason}\n\n"
        f"Trial {first.trial} {first.status}:\n{first.error}"
    )
