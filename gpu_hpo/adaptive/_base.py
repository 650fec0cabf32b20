# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define the base class of the adaptive searches, a scikit-learn estimator."""

from __future__ import annotations

import math
import os
from abc import ABCMeta
from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral, Real
from time import monotonic
from typing import Any, ClassVar

from distributed import Client, Future
from sklearn.base import BaseEstimator, MetaEstimatorMixin, is_classifier
from sklearn.callback import CallbackSupportMixin
from sklearn.metrics import check_scoring
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import MetadataRouter, MethodMapping

from gpu_hpo._arguments import LIMITS
from gpu_hpo._sklearn_private import (
    Interval,
    RealNotInt,
    StrOptions,
    callback_management_context,
)
from gpu_hpo._typing import (
    ArrayLike,
    CrossValidation,
    Estimator,
    ParameterSpace,
    RandomState,
    Scorers,
)
from gpu_hpo.adaptive._first_look import look_first
from gpu_hpo.adaptive._journaling import SearchJournal, recording
from gpu_hpo.adaptive._placement import Placement, find_place
from gpu_hpo.adaptive._postfit import PostFit
from gpu_hpo.adaptive._progress import shown_log
from gpu_hpo.adaptive._run import Job, SearchRun
from gpu_hpo.adaptive._search_args import (
    SearchArgs,
    check_estimator,
    compute_params,
    read_search_args,
)
from gpu_hpo.adaptive._trial_spec import make_trial_spec
from gpu_hpo.adaptive._validation_set import plan_splitting
from gpu_hpo.adaptive.data._resident import ResidentData
from gpu_hpo.adaptive.training._models import Trial
from gpu_hpo.compute._clients import search_client
from gpu_hpo.compute._cluster_device import device_memory
from gpu_hpo.compute._gone import while_it_is_there
from gpu_hpo.compute._keys import new_name
from gpu_hpo.compute._release import until_released
from gpu_hpo.compute._terminated import ends_when_terminated, run_blocking
from gpu_hpo.compute._worker_facts import worker_facts
from gpu_hpo.compute._worker_packages import check_workers
from gpu_hpo.data._chunk import ROLES
from gpu_hpo.data._random_split import spawn_seed
from gpu_hpo.journal._journal import Journal, JournalLike
from gpu_hpo.metrics._requests import with_asked
from gpu_hpo.metrics._scoring import make_scoring
from gpu_hpo.report._ledger import kept_by
from gpu_hpo.training._pipelines import takes_classes
from gpu_hpo.training._snapshots import snapshot_or_share
from gpu_hpo.training._turns import stepped_aside

# Purposes of seeds.
_DATA_SEED, _SAMPLE_SEED, _TRIAL_SEED = range(3)

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
    "refit_time_",
    "scorer_",
    "scoring_",
    "stopped_",
)


class BaseIncrementalSearchCV(
    SearchRun,
    PostFit,
    CallbackSupportMixin,
    MetaEstimatorMixin,
    BaseEstimator,
    metaclass=ABCMeta,
):
    """Base of the searches that stop early.

    Subclasses say which schedule they follow. Parameters: see `HyperbandSearchCV`.
    """

    _parameter_constraints: ClassVar[dict[str, Any]] = {
        "estimator": "no_validation",  # may be a future; see check_estimator
        "parameters": [dict, list, tuple],
        "test_size": [Interval(RealNotInt, 0, 1, closed="neither"), None],
        "patience": ["boolean", Interval(Integral, 0, None, closed="left")],
        "tol": [Interval(Real, None, None, closed="neither"), None, "nan"],
        "random_state": ["random_state"],
        "scoring": [str, callable, list, tuple, dict, None],
        "verbose": ["boolean", Interval(Real, 0, 1, closed="both")],
        "prefix": [str],
        "refit": ["boolean", str, None],
        "cv": ["cv_object"],
        "stratify": ["boolean", None],
        "chunk_size": [Interval(Integral, 1, None, closed="left"), None],
        "stack": ["boolean"],
        "resource": [str],
        "device": [StrOptions({"auto", "cpu", "cuda"})],
        "call_timeout": [Interval(Real, 0, None, closed="neither"), None],
        **LIMITS,
        "progress": ["boolean", None],
        "journal": [str, os.PathLike, Journal, None],
    }

    def __init__(
        self,
        estimator: Estimator | Future,
        parameters: ParameterSpace,
        *,
        patience: int | bool,
        tol: float | None,
        test_size: float | None,
        random_state: RandomState,
        scoring: Scorers | None,
        verbose: bool | float,
        prefix: str,
        refit: bool | str | None,
        cv: CrossValidation,
        stratify: bool | None,
        chunk_size: int | None,
        stack: bool,
        resource: str,
        device: str,
        call_timeout: float | None,
        max_seconds: float | None,
        stop_score: float | None,
        progress: bool | None,
        journal: JournalLike,
    ) -> None:
        self.estimator = estimator
        self.parameters = parameters
        self.patience = patience
        self.tol = tol
        self.test_size = test_size
        self.random_state = random_state
        self.scoring = scoring
        self.verbose = verbose
        self.prefix = prefix
        self.refit = refit
        self.cv = cv
        self.stratify = stratify
        self.chunk_size = chunk_size
        self.stack = stack
        self.resource = resource
        self.device = device
        self.call_timeout = call_timeout
        self.max_seconds = max_seconds
        self.stop_score = stop_score
        self.progress = progress
        self.journal = journal

    # ---- fit ----

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike | None = None,
        *,
        groups: ArrayLike | None = None,
        validation_data: Sequence[ArrayLike] | None = None,
        **fit_params: Any,
    ) -> Any:
        """Search.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_features)
            List, NumPy or CuPy array, frame of pandas, Polars or cuDF, PyArrow table,
            scipy.sparse matrix, Dask array or frame of these. The chunks of a Dask
            collection are the chunks that models train on, one a call; anything else
            is cut by `chunk_size`.
        y : array-like or Dask collection of shape (n_samples,), optional
        groups : array-like or Dask collection of shape (n_samples,), optional
            All rows of a group train, or all validate.
        validation_data : tuple (X, y) or (X, y, sample_weight), optional
            Rows to score models on; all of X then trains. Like X and y. With metadata
            routing the third may be a dict of what scorers ask for, by name.
        **fit_params
            Parameters with one entry per row, such as `sample_weight`, are cut along
            with X; `sample_weight` also goes to the scorer if it takes weights. All
            other parameters go unchanged to every call of `partial_fit`, or `fit`.
            `classes` are found from y if not given.

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
        began = monotonic()
        self._validate_params()
        if self._patience() == 1:
            raise ValueError(
                f"patience={self.patience!r} would see a plateau at every score; "
                "it must be False, or at least 2"
            )
        max_iter = getattr(self, "max_iter", None)
        if max_iter is not None and self.patience > max_iter:
            raise ValueError(
                f"patience={self.patience!r} must not be more than max_iter={max_iter},"
                " since it would stop no model"
            )
        budget, most = self._budget(), self._max_calls()
        search_args = read_search_args(
            self,
            X,
            y,
            fit_params,
            budget,
            most,
            groups=groups,
            validation_data=validation_data,
        )
        if not isinstance(self.estimator, Future):
            look_first(self, search_args, budget)
        for name in _FITTED:
            # If this fit ends early, earlier results must not look like its own.
            self.__dict__.pop(name, None)
        search_args.spent = monotonic() - began
        with (
            ends_when_terminated(),
            kept_by(self),
            stepped_aside(),
            search_client() as client,
        ):
            if client.asynchronous:
                return self._search(client, search_args)
            return run_blocking(client, lambda: self._search(client, search_args))

    async def _search(self, client: Client, search_args: SearchArgs) -> Any:
        with while_it_is_there(client), kept_by(self, anew=False):
            return await self._search_there(client, search_args)

    async def _search_there(self, client: Client, search_args: SearchArgs) -> Any:
        began, estimator = monotonic() - search_args.spent, self.estimator
        if isinstance(estimator, Future):
            estimator = await client.gather(estimator, asynchronous=True)
            check_estimator(self, estimator, self._budget())
        with recording(self) as journal:
            search_args.seed = journal.seed(search_args.seed)
            journal.check(estimator)
            return await self._search_with(
                client, search_args, estimator, journal, began
            )

    async def _search_with(
        self,
        client: Client,
        search_args: SearchArgs,
        estimator: Any,
        journal: SearchJournal,
        began: float,
    ) -> Any:
        name = new_name()
        budget = self._budget()
        schedule, params = self._plan(spawn_seed(search_args.seed, _SAMPLE_SEED))
        trials = {
            i: Trial(
                param,
                int(spawn_seed(search_args.seed, _TRIAL_SEED, i).generate_state(1)[0]),
            )
            for i, param in enumerate(params)
        }
        whole = await compute_params(client, search_args.whole)
        whole = {n: snapshot_or_share(value, n) for n, value in whole.items()}
        workers = await worker_facts(client)
        await check_workers(client, workers)
        placement = await find_place(
            client,
            estimator,
            trials,
            budget,
            search_args.X,
            self.device,
            returned=self._returns_model,
        )
        budget = placement.budget
        budget.check_least(
            placement.kind, min(schedule.outlook(trial)[0].calls for trial in trials)
        )
        scoring = make_scoring(placement.kind, self.scoring, self.refit)
        scoring = with_asked(scoring, search_args.asked).with_copies()
        data = await self._divide(client, search_args, placement, name)
        data.classes = whole.get("classes")
        data.digests_wanted = journal.wanted
        with shown_log(self.verbose), callback_management_context(self):
            try:
                await self._ledger.timed("load", data.load(workers))
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
                self.device_, self._labels = placement.device, data.numbered
                rows = search_args.X, search_args.y
                job = Job(
                    name,
                    client,
                    schedule,
                    trials,
                    spec,
                    data,
                    workers,
                    began,
                    rows,
                    journal,
                )
                await self._carry_out(job)
            finally:
                data.release()
                await until_released(client, name)
        return self

    async def _divide(
        self, client: Client, search_args: SearchArgs, placement: Placement, name: str
    ) -> ResidentData:
        """Decide which rows train and which validate."""
        classify = "y" in search_args.blocks.blocks[0] and (
            is_classifier(placement.kind) or takes_classes(placement.kind)
        )
        seed = spawn_seed(search_args.seed, _DATA_SEED)
        blocks = search_args.blocks
        splitting, roles = await plan_splitting(
            client,
            search_args,
            classify=classify,
            refits=placement.budget.refits,
            seed=seed,
        )
        if roles is not None:
            blocks = blocks.with_rows(ROLES, roles)
        if placement.budget.span(0, 1) is not None:
            # In one fit to all chunks, a chunk without weight does no harm.
            splitting = replace(
                splitting, weights=search_args.weights, joined=placement.budget.refits
            )
        return ResidentData(
            client,
            blocks,
            name=name,
            splitting=splitting,
            seed=seed,
            classify=classify,
            validation=search_args.validation,
            on_device=placement.on_device,
            device_memory=math.inf
            if placement.on_device is None
            else await device_memory(client),
        )

    # ---- scikit-learn ----

    def get_metadata_routing(self) -> MetadataRouter:
        """Return who gets which fit parameter, for scikit-learn's metadata routing."""
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
            scorer = make_scoring(self.estimator, self.scoring, self.refit).all_scorers
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
