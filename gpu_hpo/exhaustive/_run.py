# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fit and score all candidates of one call of `fit`, and keep what was found."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn import get_config
from sklearn.base import clone, is_classifier
from sklearn.model_selection import check_cv

from gpu_hpo._sklearn_private import (
    _MultimetricScorer,
    eval_expr,
    scorers_of,
)
from gpu_hpo._typing import Params, Splitter
from gpu_hpo.compute._pool import Handle, Pool, ResultsLost
from gpu_hpo.compute._transport import unwrap
from gpu_hpo.devices._detect import Device, sees_gpus, wanted_device
from gpu_hpo.exceptions import SharedStateWarning
from gpu_hpo.exhaustive._callbacks import (
    callback_tasks,
    has_callbacks,
    may_be_stopped,
    warn_of_deaf,
)
from gpu_hpo.exhaustive._candidate_spec import CandidateSpec
from gpu_hpo.exhaustive._counterparts import Counterparts
from gpu_hpo.exhaustive._evaluation import needs_whole_estimator
from gpu_hpo.exhaustive._fold_runner import FoldRunner
from gpu_hpo.exhaustive._fold_scores import Evaluation
from gpu_hpo.exhaustive._groups import Candidates
from gpu_hpo.exhaustive._journaling import FitJournal
from gpu_hpo.exhaustive._kept_outputs import KeptOutputs
from gpu_hpo.exhaustive._limits import Limits
from gpu_hpo.exhaustive._progress import Progress
from gpu_hpo.exhaustive._score_table import ScoreTable
from gpu_hpo.exhaustive._search_data import (
    SearchData,
    for_splitter,
    gather_to_host,
    labels_as_text,
)
from gpu_hpo.exhaustive._verbose import Printer, print_plan
from gpu_hpo.exhaustive.plan._planner import Planner
from gpu_hpo.report._ledger import Fits
from gpu_hpo.training._heard import Announcer
from gpu_hpo.training._homes import has_kernels
from gpu_hpo.training._lending import Access, access_of, lend, lend_params
from gpu_hpo.training._snapshots import (
    NotCopyableError,
    own_functions,
    snapshot_param,
)
from gpu_hpo.training._turns import Turns

_MOST_LOSSES = 2  # how often the data may be lost while the best candidate is fitted


class ExhaustiveRun:
    """One call of `fit`: its arguments, and its results so far."""

    def __init__(self, search: Any, data: SearchData) -> None:
        self._search = search
        self.journal = FitJournal(search, None)
        self._given = data
        self.scorers, self.refit_metric = search._get_scorers()
        self._routed = search._get_routed_params_for_fit(data.params)
        self.shares = self._keep_apart()
        self._announcer = Announcer("candidate")
        self._planner: Planner | None = None
        self._most_tasks = sys.maxsize
        self.labels: np.ndarray | None = None
        self.results: dict[str, Any] = {}
        self.concluded = False
        self._lent = False
        self._params: list[Params] = []
        self._more: dict[str, list[Any]] = {}
        routed = get_config()["enable_metadata_routing"]
        self.spec = CandidateSpec(
            self._scorers_given,
            search.error_score,
            bool(search.return_train_score),
            # The pipeline decides which of its steps get metadata in `score`.
            needs_whole_estimator(self.scorers, routed=routed),
        )

    def _keep_apart(self) -> bool:
        """Take snapshots of objects that each fit gets a copy of.

        Returns
        -------
        bool
            Whether an object cannot be copied, so that fits have to share it.
        """
        shares = False

        def kept(name: str, value: Any) -> Any:
            nonlocal shares
            try:
                return snapshot_param(value, name)
            except NotCopyableError as error:
                warnings.warn(
                    f"{error}: fits that share it run one at a time, in this process",
                    SharedStateWarning,
                )
                shares = True
                return value

        for params in (self._routed.estimator.fit, self._routed.scorer.score):
            for name, value in params.items():
                if not self._given.has_rows(value):
                    params[name] = kept(name, value)
        self._scorers_given = kept("scoring", self.scorers)
        return shares

    @contextmanager
    def begin(self, pool: Pool) -> Iterator[None]:
        """Load the data, which stays loaded in this context, and count the splits."""
        self._pool = pool
        workers = pool.device(self._search.device)  # before anything is sent
        self._data = self._given.load(pool, self._routed)
        try:
            self.journal.begin(pool, self._data)
            self._begin(pool, workers)
            yield
        finally:
            pool.release(self._data)

    def _begin(self, pool: Pool, workers: Device) -> None:
        search = self._search
        self._X, self._y, self._split = self._given.for_splitter(
            pool, self._data, for_splitter(search.cv, self._routed.splitter.split)
        )
        if hasattr(search.cv, "split"):
            access = access_of(search.cv)
            self._X = lend(self._X, min(access, Access.READ_ONLY))
            self._y = lend(self._y, access)
            self._split = lend_params(self._split, access)
        search._checked_cv_orig = check_cv(
            search.cv, self._y, classifier=is_classifier(search.estimator)
        )
        search._check_input_parameters(X=self._X, y=self._y, split_params=self._split)
        search.n_splits_ = search._checked_cv_orig.get_n_splits(
            self._X, self._y, **self._split
        )
        seconds = search.max_seconds
        self.limits = Limits(
            None if seconds is None else seconds - self.journal.before,
            search.stop_score,
            search.n_splits_,
            # What a callable `scoring` returns is not known yet.
            search.refit if callable(search.scoring) else self.refit_metric,
            refits=search.refit is not False,
            stoppable=may_be_stopped(search),
        )
        self.progress = Progress(
            search, self.limits, search.n_splits_, self._pool.n_slots
        )
        self._table = ScoreTable(
            search.n_splits_, search.error_score, self.spec.return_train_score
        )
        # Before splits are drawn, perhaps from a random state of the estimator.
        self._counterparts = Counterparts(
            clone(search.estimator),
            workers,
            self._given.X,
            demanded=wanted_device(search.device)[0] == "cuda",
            in_blocks=self._given.in_blocks,
            returned=search.refit is not False,
        )

    @property
    def device(self) -> Device:
        """Where candidates are fitted, and why."""
        return self._counterparts.device

    @property
    def base(self) -> Any:
        """What is fitted: the user's estimator, or its counterpart."""
        return self._counterparts.base

    def _settle(self, candidates: Iterable[Params], context: Any) -> Iterable[Params]:
        """Decide where candidates are fitted, and so how many at a time."""
        candidates = self._counterparts.settle(candidates)
        if self._planner is None:
            warn_of_deaf(context, self.base)
            self._planner = Planner(
                self.base,
                tuple(self._routed.estimator.fit),
                apart=not has_callbacks(self._search),
                by_name=self.spec.keep_fitted,
            )
            if self.device.name == "cuda" and not self._given.in_blocks:
                self._take_turns()
        on_device = self._counterparts.on_device
        if on_device is not None and is_classifier(self.base):
            self.labels = labels_as_text(self._y, self._routed.estimator.fit)
        self.spec = replace(
            self.spec,
            on_device=on_device,
            labels=self.labels,
            to_host=self.device.name == "cuda" and not sees_gpus()[0],
        )
        return candidates

    def _take_turns(self) -> None:
        """Fit one model at a time on each GPU, or as many as the user asks for."""
        pool, wanted = self._pool, self._search.n_jobs or 1
        if has_kernels(self.base):
            self._counterparts.device = pool.with_kernels(self.device)
        most = max(wanted, 1)  # -1 is no number of fits, but all there is room for
        sharing = pool.sharing_devices()
        pool.n_slots = min(pool.n_slots, most * len(sharing))
        self.spec = replace(self.spec, turns=Turns(most))
        # Processes on one GPU do not know of each other's turns.
        self._most_tasks = pool.n_slots * (1 if max(sharing.values()) > 1 else 2)

    def evaluate_candidates(
        self,
        candidate_params: Iterable[Params],
        cv: Splitter | None = None,
        more_results: Mapping[str, Sequence[Any]] | None = None,
        callback_ctx: Any = None,
    ) -> dict[str, Any]:
        """Fit and score candidates; see ``sklearn.model_selection.BaseSearchCV``."""
        search, n_splits = self._search, self._search.n_splits_
        if isinstance(getattr(search, "random_state", None), np.random.RandomState):
            # The splitter may draw from the same random state: keep scikit-learn's
            # order.
            candidate_params = list(candidate_params)
        splitter = cv or search._checked_cv_orig
        splits = list(splitter.split(self._X, self._y, **self._split))
        if len(splits) != n_splits:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. Expected "
                f"{n_splits} splits, got {len(splits)}"
            )
        self.journal.check_splits(splits)
        n_candidates = 0
        if isinstance(candidate_params, Sized):
            self.progress.expect(len(self._params) + len(candidate_params))
        if search.verbose > 0:
            if not isinstance(candidate_params, Sized):
                candidate_params = list(candidate_params)
            n_candidates = len(candidate_params)
            print_plan(n_splits, n_candidates)
        first = len(self._params)
        candidate_params = self._settle(candidate_params, callback_ctx)
        assert self._planner is not None
        candidates = Candidates(
            self._planner,
            self.base,
            candidate_params,
            self._take_same,
            self._counterparts.params,
            first=first,
            at_once=self.spec.turns is not None,
        )
        outputs = KeptOutputs(
            self._pool,
            self.spec,
            self._load,
            [(gather_to_host(train), gather_to_host(test)) for train, test in splits],
            self._planner.nodes,
            uses=candidates.uses,
            cache=search.cache_cv,
        )

        def params_of(number: int) -> Params:
            if number < first:
                return self._params[number]
            return candidates.params[number - first]

        def known(number: int, split: int) -> Evaluation | None:
            return self.journal.known(number, split, params_of(number))

        runner = FoldRunner(
            self._pool,
            self.spec,
            outputs,
            limit=self._limit(),
            limits=self.limits,
            callback_task=None
            if self._planner.apart
            else callback_tasks(search, callback_ctx, first, n_splits),
            known=known if self.journal.wanted else None,
        )
        printer = Printer(search, candidates.params, first, n_candidates, self._names())

        def take(
            split: int, numbers: Sequence[int], evaluations: Sequence[Evaluation]
        ) -> None:
            self._table.take(split, numbers, evaluations)
            for number, evaluation in zip(numbers, evaluations, strict=True):
                for node, heard in evaluation.heard:
                    source = None if node is None else ("node", node)
                    self._announcer.take(number, [heard], source)
                self.journal.write(number, split, params_of(number), evaluation)
            self.limits.take(numbers, evaluations)
            recalled = all(known(number, split) is not None for number in numbers)
            self._count(evaluations, recalled=recalled)
            self.progress.take(split, numbers, evaluations, recalled=recalled)
            if search.verbose > 1:
                printer.ended(split, numbers, evaluations)

        self.progress.params = params_of
        try:
            runner.run(candidates, take, printer.begun if search.verbose > 9 else None)
        finally:
            self._announcer.say()
            self._params += candidates.params
        if not self._params or not n_splits:
            raise ValueError(
                "No fits were performed. Was the CV iterator empty? Were there no "
                "candidates?"
            )
        self._table.check_failures(len(self._params))
        for name, values in (more_results or {}).items():
            self._more.setdefault(name, []).extend(values)
        self.results = {name: np.asarray(values) for name, values in self._more.items()}
        self.results |= self._table.results(
            self._params, self._names(), in_part=bool(self.limits.stopped)
        )
        return self.results

    def _count(self, evaluations: Sequence[Evaluation], *, recalled: bool) -> None:
        ledger = self._search._ledger
        ledger.fits = fits = ledger.fits or Fits()
        if recalled:
            ledger.n_recalled += len(evaluations)
            return
        fits.n += len(evaluations)
        fits.fit_seconds += sum(one.fit_time for one in evaluations)
        fits.score_seconds += sum(one.score_time for one in evaluations)

    def _take_same(self, number: int, first: int) -> None:
        """Note that a candidate is the same as an earlier one."""
        self._table.same(number, first)
        self.progress.skip()

    def _names(self) -> list[str]:
        """Return the names of the scores, if the user asks for several."""
        several = isinstance(self.scorers, _MultimetricScorer)
        return list(scorers_of(self.scorers)) if several else []

    def failures(self) -> dict[int, list[str]]:
        """Return the tracebacks of fits that failed, by candidate."""
        return self._table.failures(len(self._params))

    def conclude(self) -> None:
        """Choose the best candidate."""
        search = self._search
        self.concluded = True
        several = isinstance(self.scorers, _MultimetricScorer) or self._table.several
        search.multimetric_ = bool(several)
        if callable(search.scoring) and search.multimetric_:
            search._check_refit_for_multimetric(dict.fromkeys(self._table.names()))
            self.refit_metric = search.refit
        if self.limits.stopped and not callable(search.refit):
            for name in ("best_index_", "best_params_", "best_score_"):
                search.__dict__.pop(name, None)  # of an earlier fit
            self.conclude_early()
            return
        if not search.refit and search.multimetric_:
            return
        search.best_index_ = search._select_best_index(
            search.refit, self.refit_metric, self.results
        )
        if not callable(search.refit):
            means = self.results[f"mean_test_{self.refit_metric}"]
            search.best_score_ = means[search.best_index_]
        search.best_params_ = self.results["params"][search.best_index_]

    def conclude_early(self) -> bool:
        """Make results of what is known, and choose the best candidate of these.

        A callable `refit` is not asked, since it may rely on scores that are missing.

        Returns
        -------
        bool
            Whether anything is known.
        """
        search = self._search
        if not self._table.begun:
            return False
        self.results = self._table.results(self._params, self._names(), in_part=True)
        several = isinstance(self.scorers, _MultimetricScorer) or self._table.several
        search.multimetric_ = bool(several)
        means = self.results.get(f"mean_test_{self.refit_metric}", np.array([np.nan]))
        if not callable(search.refit) and np.isfinite(means).any():
            search.best_index_ = int(np.nanargmax(means))
            search.best_score_ = means[search.best_index_]
            search.best_params_ = self.results["params"][search.best_index_]
        return True

    def best_model(self, params: Params) -> Any:
        """Make the model of the best candidate, not fitted."""
        # Parameters may be estimators, and the user's must not be changed.
        params = clone(dict(self._counterparts.params(params)), safe=False)
        return own_functions(clone(self.base).set_params(**params))

    def on_all_rows(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a task on all rows, alone."""
        for _ in range(_MOST_LOSSES):
            try:
                return unwrap(self._pool.run(function, *args, self._data))
            except ResultsLost:
                self._pool.recover()
                self._load(self._pool)
        return unwrap(self._pool.run(function, *args, self._data))

    def _load(self, pool: Pool) -> Handle:
        """Return the handle of the data; load it again at every call but the first."""
        if self._lent:
            self._data = self._given.load(pool, self._routed)
        self._lent = True
        return self._data

    def _limit(self) -> int:
        """Return how many tasks run at a time, by `pre_dispatch`."""
        wanted = self._search.pre_dispatch
        if wanted == "all":
            wanted = 100 * self._pool.n_slots
        elif isinstance(wanted, str):
            wanted = eval_expr(wanted.replace("n_jobs", str(self._pool.n_slots)))
        return max(min(int(wanted), self._most_tasks), 1)
