# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What the adaptive searches have in common: the life of a search."""

from __future__ import annotations

import asyncio
import math
import threading
import uuid
import warnings
from abc import ABCMeta, abstractmethod
from collections.abc import Mapping
from numbers import Integral, Real
from typing import Any, ClassVar

import numpy as np
from dask.base import is_dask_collection
from distributed import Client, Future
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_classifier
from sklearn.callback import CallbackSupportMixin
from sklearn.callback._callback_support import callback_management_context
from sklearn.metrics import check_scoring
from sklearn.utils import get_tags
from sklearn.utils._param_validation import Interval, RealNotInt, StrOptions
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

from gpu_hpo.data import ResidentData, spawn_seed
from gpu_hpo.devices import wanted_device
from gpu_hpo.exceptions import NoFiniteScoreError
from gpu_hpo.execution import (
    DaskRunner,
    Dispatcher,
    Engine,
    cluster_device,
    device_memory,
    search_client,
    worker_facts,
)
from gpu_hpo.model_selection._placement import place
from gpu_hpo.model_selection._postfit import PostFit
from gpu_hpo.model_selection._progress import Progress, shown_log
from gpu_hpo.model_selection._recipe import make_recipe
from gpu_hpo.model_selection._request import Request, check_estimator, read_request
from gpu_hpo.model_selection._results import (
    best_trial,
    make_cv_results,
    make_history,
    refit_metadata,
)
from gpu_hpo.schedules import Schedule
from gpu_hpo.training import (
    Budget,
    Scoring,
    Trial,
    make_budget,
    make_scoring,
    stack_groups,
    takes_classes,
)

# How long the user who interrupts a search is kept waiting at most.
INTERRUPT_SECONDS = 10.0
# Of what is fitted anew, a chunk says little about how many rows should validate.
REFIT_TEST_SIZE = 0.2

_FITTED = (
    "best_estimator_",
    "best_index_",
    "best_params_",
    "best_score_",
    "cv_results_",
    "device_",
    "history_",
    "metadata_",
    "model_history_",
    "multimetric_",
    "n_splits_",
    "scorer_",
    "scoring_",
)
_DATA_SEED, _SAMPLE_SEED, _TRIAL_SEED = range(3)


class BaseIncrementalSearchCV(
    PostFit, CallbackSupportMixin, MetaEstimatorMixin, BaseEstimator, metaclass=ABCMeta
):
    """Base of the searches that stop early.

    Subclasses say which schedule they follow; see `HyperbandSearchCV` for the
    parameters.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": "no_validation",  # may be a future; see _check_estimator
        "parameters": [dict, list, tuple],
        "test_size": [Interval(RealNotInt, 0, 1, closed="neither"), None],
        "patience": ["boolean", Interval(Integral, 0, None, closed="left")],
        "tol": [Interval(Real, None, None, closed="neither"), None, "nan"],
        "random_state": ["random_state"],
        "scoring": [str, callable, list, tuple, dict, None],
        "verbose": ["boolean", Interval(Real, 0, 1, closed="both")],
        "prefix": [str],
        "refit": ["boolean", str],
        "chunk_size": [Interval(Integral, 1, None, closed="left"), None],
        "stack": ["boolean"],
        "resource": [str],
        "device": [StrOptions({"auto", "cpu", "cuda"})],
    }

    # ---- what a subclass says ----

    @abstractmethod
    def _plan(self, seed: np.random.SeedSequence) -> tuple[Schedule, list[Any]]:
        """Schedule, and the parameters of each of its trials."""

    @abstractmethod
    def _label(self, schedule: Schedule, trial: int) -> dict[str, Any]:
        """`model_id` of a trial, and what else its rows and records carry."""

    @abstractmethod
    def _set_metadata(self, schedule: Schedule, history: list[dict[str, Any]]) -> None:
        """Set `metadata_`."""

    @abstractmethod
    def _max_calls(self) -> int:
        """Most calls of any model."""

    def _budget(self) -> Budget:
        return make_budget(self.resource)

    def _patience(self) -> int:
        """`patience` in calls; 0 is off."""
        return int(self.patience)

    # ---- fit ----

    def fit(self, X: Any, y: Any = None, **fit_params: Any) -> Any:
        """Search.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_features)
            List, NumPy or CuPy array, pandas or cuDF frame, scipy.sparse matrix, Dask
            array or frame of these. The chunks of a Dask collection are the chunks
            that models train on, one a call; anything else is cut by `chunk_size`.
        y : array-like or Dask collection of shape (n_samples,), optional
        **fit_params
            What has one entry per row, `sample_weight` for one, is cut along with X,
            and `sample_weight` goes to the scorer as well if that takes it. Anything
            else goes to every call of `partial_fit`, or `fit`, as it is. `classes` are
            found from y if not given.

        Returns
        -------
        self
            With an asynchronous Dask client: an awaitable of it.

        Raises
        ------
        ValueError, TypeError
            For arguments that make no sense, before any training.
        DeviceNotFoundError
            If ``device="cuda"`` and a worker has no GPU.
        NoCounterpartError
            If the estimator, or a value that was sampled, cannot train on the device.
        NoFiniteScoreError
            If no trial got a finite score.
        """
        self._validate_params()
        if self._patience() == 1:
            raise ValueError(
                f"patience={self.patience!r} would see a plateau at every score; "
                "it must be False, or at least 2"
            )
        budget, most = self._budget(), self._max_calls()
        request = read_request(self, X, y, fit_params, budget, most)
        for name in _FITTED:
            # What an earlier fit found is not what this one knows if it ends early.
            self.__dict__.pop(name, None)
        with search_client() as client:
            if client.asynchronous:
                return self._search(client, request)
            return self._block(client, request)

    def _block(self, client: Client, request: Request) -> Any:
        """Run the search on the client's event loop and wait for it."""
        ended = threading.Event()

        async def search() -> Any:
            try:
                return await self._search(client, request)
            finally:
                ended.set()

        try:
            return client.sync(search)
        except KeyboardInterrupt:
            # The client cancels the search, which then keeps what is known.
            ended.wait(INTERRUPT_SECONDS)
            raise

    async def _search(self, client: Client, request: Request) -> Any:
        estimator = self.estimator
        if isinstance(estimator, Future):
            estimator = await client.gather(estimator, asynchronous=True)
            check_estimator(self, estimator, self._budget())
        name = f"gpu_hpo-{uuid.uuid4().hex[:10]}"
        budget = self._budget()
        schedule, params = self._plan(spawn_seed(request.seed, _SAMPLE_SEED))
        trials = {
            i: Trial(
                param,
                int(spawn_seed(request.seed, _TRIAL_SEED, i).generate_state(1)[0]),
            )
            for i, param in enumerate(params)
        }
        whole = await _concrete(client, request.whole)
        workers = await worker_facts(client)
        placement = place(
            estimator,
            trials,
            budget,
            await cluster_device(client, self.device),
            demanded=wanted_device(self.device)[0] == "cuda",
        )
        kind, budget = placement.kind, placement.budget
        budget.check_least(
            kind, min(schedule.outlook(trial)[0].calls for trial in trials)
        )
        scoring = make_scoring(kind, self.scoring, self.refit)
        data = ResidentData(
            client,
            request.blocks,
            name=name,
            test_size=REFIT_TEST_SIZE
            if budget.refits and self.test_size is None
            else self.test_size,
            seed=spawn_seed(request.seed, _DATA_SEED),
            classify="y" in request.blocks.blocks[0]
            and (is_classifier(kind) or takes_classes(kind)),
            on_device=placement.on_device,
            device_memory=math.inf
            if placement.on_device is None
            else await device_memory(client),
        )
        runner = None
        with shown_log(self.verbose), callback_management_context(self):
            try:
                await data.load(workers)
                if budget.refits:
                    most = self._max_calls()
                    budget.check_chunks(data.n_chunks, most)
                    data.check_fits_in_memory(
                        joined_by_tasks=budget.span(0, most) is not None
                    )
                recipe = make_recipe(
                    placement,
                    budget,
                    scoring,
                    request,
                    whole,
                    data,
                    stacked=bool(self.stack),
                )
                dispatcher = Dispatcher(
                    schedule.outlook,
                    window=data.window if data.windowed else None,
                    n_parts=data.n_parts,
                    parts_per_task=data.n_parts
                    if scoring.whole
                    else data.parts_per_task,
                    groups=stack_groups(recipe, trials) if self.stack else None,
                    budget=budget,
                )
                progress = Progress(self, schedule.n_trials, data.n_rows, data.n_chunks)
                engine = Engine(schedule, dispatcher, progress)
                runner = DaskRunner(client, engine, data, recipe, trials, name, workers)
                self.device_ = placement.device
                self._labels = data.labels if data.encodes else None
                try:
                    await runner.run()
                except asyncio.CancelledError:
                    await self._finish(runner, engine, trials, scoring, cut_short=True)
                    raise
                else:
                    await self._finish(runner, engine, trials, scoring)
                finally:
                    if budget.refits and hasattr(self, "metadata_"):
                        self.metadata_ |= refit_metadata(self.history_, budget, data)
                progress.end()
            finally:
                if runner is None:
                    data.release()
                else:
                    runner.release()
        return self

    async def _finish(
        self,
        runner: DaskRunner,
        engine: Engine,
        trials: Mapping[int, Trial],
        scoring: Scoring,
        cut_short: bool = False,
    ) -> None:
        """Set the fitted attributes from what the engine has recorded.

        If the search was cut short, there may be no best model, since it is not
        trained again if it is gone.
        """
        schedule = engine.schedule
        best = best_trial(engine.records, schedule.finalists, engine.failures)
        if best is None:
            if cut_short:
                return
            raise NoFiniteScoreError(_explain(engine))
        params = {i: trial.params for i, trial in trials.items()}
        label = lambda trial: self._label(schedule, trial)  # noqa: E731
        if cut_short:
            model = await runner.model_at_hand(best.trial, INTERRUPT_SECONDS / 2)
        else:
            model = await runner.model(best.trial, best.calls)
        self.history_ = make_history(engine.records, params, label)
        self.model_history_: dict[Any, list[dict[str, Any]]] = {
            label(trial)["model_id"]: [] for trial in trials
        }
        for entry in self.history_:
            self.model_history_[entry["model_id"]].append(entry)
        self.cv_results_ = make_cv_results(
            self.history_, params, label, engine.failures, set(schedule.finalists)
        )
        self.__dict__.pop("best_estimator_", None)
        if model is not None:
            self.best_estimator_ = model
        elif not cut_short:
            warnings.warn(
                f"no best_estimator_: the best model, trial {best.trial}, was lost or "
                "dropped, and failed when it was trained again",
                UserWarning,
                stacklevel=2,
            )
        self.best_index_ = best.trial
        self.best_score_ = np.float64(best.score)
        self.best_params_ = dict(params[best.trial])
        self.scoring_ = scoring
        self.scorer_ = scoring.scorer
        self.multimetric_ = len(scoring.metrics) > 1
        self.n_splits_ = 1
        self._set_metadata(schedule, self.history_)

    # ---- scikit-learn ----

    def get_metadata_routing(self) -> MetadataRouter:
        """Who gets which fit parameter, for scikit-learn's metadata routing."""
        router = MetadataRouter(owner=self)
        router.add(
            estimator=self.estimator,
            method_mapping=MethodMapping().add(
                caller="fit", callee=self._budget().method
            ),
        )
        if self.scoring is None:
            scorer = check_scoring(self.estimator)  # what its `score` asks for
        else:
            scorer = make_scoring(self.estimator, self.scoring, self.refit).scorer
        return router.add(
            scorer=scorer,
            method_mapping=MethodMapping()
            .add(caller="fit", callee="score")
            .add(caller="score", callee="score"),
        )

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        if isinstance(self.estimator, Future):
            return tags
        theirs = get_tags(self.estimator)
        tags.estimator_type = theirs.estimator_type
        tags.classifier_tags = theirs.classifier_tags
        tags.regressor_tags = theirs.regressor_tags
        tags.transformer_tags = theirs.transformer_tags
        tags.target_tags = theirs.target_tags
        tags.input_tags = theirs.input_tags
        return tags


async def _concrete(client: Client, params: dict[str, Any]) -> dict[str, Any]:
    """Fit parameters with what is Dask's replaced by what it stands for."""
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


def warn_small_space(wanted: int, found: int) -> None:
    """Say that the space holds fewer parameter sets than were to be sampled."""
    warnings.warn(
        f"parameters is a space of {found} distinct sets where {wanted} were to be "
        f"sampled: {found} models are trained",
        UserWarning,
        stacklevel=2,
    )
