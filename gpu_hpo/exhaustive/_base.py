# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What the exhaustive searches have in common: scikit-learn's, but for `fit`."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Sized
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from inspect import signature
from typing import Any

import numpy as np
from dask.base import is_dask_collection
from distributed import Client
from sklearn import get_config
from sklearn.base import BaseEstimator, clone, is_classifier
from sklearn.model_selection import check_cv
from sklearn.utils.validation import check_is_fitted

from gpu_hpo._sklearn_private import (
    BaseSearchCV,
    _fit_context,
    _MultimetricScorer,
    eval_expr,
)
from gpu_hpo.compute._backends import (
    check_scheduler,
    open_blocks_pool,
    open_one_by_one,
    open_pool,
)
from gpu_hpo.compute._pool import Pool, ResultsLost
from gpu_hpo.devices import is_device_array
from gpu_hpo.exceptions import NoEffectWarning, SharedStateWarning
from gpu_hpo.exhaustive._evaluation import CallbackTask, fit_whole, needs_whole
from gpu_hpo.exhaustive._fold_runner import FoldRunner
from gpu_hpo.exhaustive._fold_scores import Evaluation
from gpu_hpo.exhaustive._fold_steps import Terms
from gpu_hpo.exhaustive._groups import Candidates
from gpu_hpo.exhaustive._score_table import ScoreTable
from gpu_hpo.exhaustive._search_data import SearchData, here
from gpu_hpo.exhaustive._verbose import Line, print_end, print_start
from gpu_hpo.exhaustive.plan._planner import Planner
from gpu_hpo.metrics._scoring import read_scorer
from gpu_hpo.postfit._lazily import apply
from gpu_hpo.postfit._score import score
from gpu_hpo.training._heard import Announcer, say
from gpu_hpo.training._lending import Access, access_of, lend, lend_params
from gpu_hpo.training._snapshots import NotCopyableError, own_functions, snapshot_param

# What the searches take beside scikit-learn's parameters.
OWN_CONSTRAINTS: dict[str, Any] = {
    "scheduler": "no_validation",  # see check_scheduler
    "iid": "no_validation",
    "cache_cv": ["boolean"],
}


class ExhaustiveSearch(BaseSearchCV):
    """Fits and scores all candidates, each distinct fit once.

    Mixed into scikit-learn's search classes, from which come parameters and their
    checks, tags, metadata routing and what a fitted search can do; they generate the
    candidates, by ``_run_search``.
    """

    scheduler: Any
    iid: Any
    cache_cv: bool

    @_fit_context(prefer_skip_nested_validation=False)
    def fit(self, X: Any, y: Any = None, **params: Any) -> Any:
        """Fit and score all candidates, and fit the best one to all rows.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_features)
            Whatever the estimator takes: arrays and lists, frames, sparse matrices, on
            a device too, or a Dask array, frame or Delayed of these, which comes to be
            in one piece on each worker that fits to it. For a precomputed kernel of
            shape (n_samples, n_samples).
        y : array-like or Dask collection of shape (n_samples,) or (n_samples, \
n_outputs), optional
            Labels are copied to the host to be split; X is not.
        **params : dict of str to object
            For the estimator's `fit`, the scorer and the splitter, as in scikit-learn:
            what has one entry per row is cut along with X, `groups` go to the splitter.

        Returns
        -------
        self

        Raises
        ------
        ValueError
            As in scikit-learn: for arguments that make no sense, or if all fits fail.
        """
        check_scheduler(self.scheduler)
        self._warn_of_iid()
        in_blocks = bool(getattr(self.estimator, "_takes_blocks", False))
        data = SearchData(X, y, params, in_blocks=in_blocks)
        work = _Work(self, data)
        context = self._init_callback_context(
            max_subtasks=1 + (self.refit is not False)
        )
        weight = data.params.get("sample_weight")
        told = {
            "X": data.X,
            "y": data.y,
            "metadata": None if weight is None else {"sample_weight": weight},
        }
        context.call_on_fit_task_begin(estimator=self, **told)
        with self._open(work, data) as pool, work.begin(pool):
            self._run_search(work.evaluate_candidates, callback_ctx=context)
            work.conclude()
            if self.refit:
                self._refit(work, context, told)
        self.cv_results_ = work.results
        self.scorer_ = (
            work.scorers._scorers
            if isinstance(work.scorers, _MultimetricScorer)
            else work.scorers
        )
        context.call_on_fit_task_end(estimator=self, **told)
        return self

    def _open(self, work: _Work, data: SearchData) -> AbstractContextManager[Pool]:
        """Open what runs fits: this thread, one after the other, if they share state.

        What cannot be copied cannot be sent anywhere either.
        """
        if data.in_blocks:
            return open_blocks_pool(self.scheduler, 1 if work.shares else self.n_jobs)
        if work.shares:
            return open_one_by_one(self.scheduler)
        return open_pool(self.scheduler, self.n_jobs)

    def _refit(self, work: _Work, context: Any, told: Mapping[str, Any]) -> None:
        """Fit the best parameters to all rows."""
        # Parameters may be estimators, and those of the user's stay as they are.
        best = clone(work.base).set_params(**clone(self.best_params_, safe=False))
        best = own_functions(best)
        task = context.subcontext(task_name="refit-with-best-params")
        with task.propagate_callback_context(best):
            task.call_on_fit_task_begin(estimator=self, **told)
            again = not _has_callbacks(self)
            best, self.refit_time_, heard = work.run(fit_whole, work.terms, best, again)
        say(heard, f"candidate {self.best_index_}, fitted to all rows")
        self.best_estimator_ = best
        if hasattr(best, "feature_names_in_"):
            self.feature_names_in_ = best.feature_names_in_
        task.call_on_fit_task_end(estimator=self, **told)

    # ---- lazily, for Dask collections ----

    def _wrap_namespace_error(
        self, method_name: str, call: Any, *args: Any, **kwargs: Any
    ) -> Any:
        """Answer by the best estimator: what all of scikit-learn's methods call."""
        if args and is_dask_collection(args[0]):
            return apply(self.best_estimator_, method_name, args[0], None)
        return super()._wrap_namespace_error(method_name, call, *args, **kwargs)

    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """Score the best estimator by the metric of the search.

        Parameters
        ----------
        X, y : array-like or Dask collection
            A Dask collection is predicted block by block; of rows on a device only
            predictions come to the host, if they have to.
        **params
            Of the scorer, if metadata routing is enabled.

        Returns
        -------
        float
        """
        elsewhere = any(is_dask_collection(v) or is_device_array(v) for v in (X, y))
        if not elsewhere or not self.refit:
            return super().score(X, y, **params)
        check_is_fitted(self)
        scorer: Any = self.scorer_
        if isinstance(scorer, dict):
            scorer = scorer[self.refit]
        return score(self.best_estimator_, read_scorer(scorer), X, y, params)["score"]

    # ---- copies ----

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what belongs to this process: a client, or an executor."""
        state = dict(super().__getstate__())
        if _is_of_this_process(state.get("scheduler")):
            state["scheduler"] = None
        return state

    def __sklearn_clone__(self) -> Any:
        """Copy the parameters; a client, or an executor, is the same one."""
        bare = copy.copy(self)
        bare.scheduler = None
        found: Any = BaseEstimator.__sklearn_clone__(bare)
        shared = _is_of_this_process(self.scheduler)
        found.scheduler = (
            self.scheduler if shared else clone(self.scheduler, safe=False)
        )
        return found

    # ---- what is dask-ml's ----

    def _warn_of_iid(self) -> None:
        if self.iid is not True:
            warnings.warn(
                f"iid={self.iid!r} has no effect: the scores of all splits count alike",
                NoEffectWarning,
            )


_MOST_LOSSES = 2  # of all data while the best candidate is fitted


class _Work:
    """One call of `fit`: what is known, and what has been found so far."""

    def __init__(self, search: Any, data: SearchData) -> None:
        self._search = search
        self._given = data
        self.scorers, self.refit_metric = search._get_scorers()
        self._routed = search._get_routed_params_for_fit(data.params)
        self.shares = self._keep_apart()
        self._announcer = Announcer("candidate")
        self.results: dict[str, Any] = {}
        self._lent = False
        self._params: list[Mapping[str, Any]] = []
        self._more: dict[str, list[Any]] = {}
        config = get_config()
        routed = config["enable_metadata_routing"]
        self.terms = Terms(
            self._scorers_given,
            search.error_score,
            bool(search.return_train_score),
            config,
            # Who of its steps gets metadata to score with is the pipeline's affair.
            needs_whole(self.scorers, routed=routed),
        )

    def _keep_apart(self) -> bool:
        """Take snapshots of what fits are to have copies of.

        Returns
        -------
        bool
            Whether something cannot be copied, so that fits have to share it.
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
        """Learn how often the data is split; for as long as this lasts it is there."""
        self._pool = pool
        self._data = self._given.load(pool, self._routed)
        try:
            self._begin(pool)
            yield
        finally:
            pool.release(self._data)

    def _begin(self, pool: Pool) -> None:
        search = self._search
        self._X, self._y, self._split = self._given.for_splitter(
            pool, self._data, _for_splitter(search.cv, self._routed.splitter.split)
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
        self._table = ScoreTable(
            search.n_splits_, search.error_score, self.terms.return_train_score
        )
        # Before splits are drawn, which may be from a random state of the estimator's.
        self.base = clone(search.estimator)
        self._planner = Planner(
            self.base,
            tuple(self._routed.estimator.fit),
            apart=not _has_callbacks(search),
            by_name=self.terms.keep_fitted,
        )

    def evaluate_candidates(
        self,
        candidate_params: Iterable[Mapping[str, Any]],
        cv: Any = None,
        more_results: Mapping[str, Sequence[Any]] | None = None,
        callback_ctx: Any = None,
    ) -> dict[str, Any]:
        """Fit and score candidates; see ``sklearn.model_selection.BaseSearchCV``."""
        search, n_splits = self._search, self._search.n_splits_
        if isinstance(getattr(search, "random_state", None), np.random.RandomState):
            # Which the splitter may draw from as well: in scikit-learn's order.
            candidate_params = list(candidate_params)
        splitter = cv or search._checked_cv_orig
        splits = list(splitter.split(self._X, self._y, **self._split))
        if len(splits) != n_splits:
            raise ValueError(
                "cv.split and cv.get_n_splits return inconsistent results. Expected "
                f"{n_splits} splits, got {len(splits)}"
            )
        if search.verbose > 0:
            if not isinstance(candidate_params, Sized):
                candidate_params = list(candidate_params)
            n = self._n_candidates = len(candidate_params)
            print(
                f"Fitting {n_splits} folds for each of {n} candidates, totalling "
                f"{n * n_splits} fits"
            )

        def told(number: int, split: int) -> CallbackTask:
            task = (number - first) * n_splits + split
            context = callback_ctx.subcontext(
                task_name="candidate-split-evaluation", task_id=task
            )
            return CallbackTask(search, context)

        first = len(self._params)
        candidates = Candidates(
            self._planner,
            search.estimator,
            candidate_params,
            self._table.same,
            first=first,
        )
        self._params_of = candidates.params
        self._first = first
        runner = FoldRunner(
            self._pool,
            self.terms,
            self._load,
            [(here(train), here(test)) for train, test in splits],
            self._planner.nodes,
            uses=candidates.uses,
            whole=self.terms.keep_fitted,
            limit=self._limit(),
            cache=search.cache_cv,
            told=None if self._planner.apart else told,
        )
        begun = self._begun if search.verbose > 9 else None
        try:
            runner.run(candidates, self._take, begun)
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
        self.results |= self._table.results(self._params, self._names())
        return self.results

    def _names(self) -> list[str]:
        """Names of the scores, if they are several by what the user has said."""
        several = isinstance(self.scorers, _MultimetricScorer)
        return list(self.scorers._scorers) if several else []

    def conclude(self) -> None:
        """Say which candidate is the best."""
        search = self._search
        several = isinstance(self.scorers, _MultimetricScorer) or self._table.several
        search.multimetric_ = bool(several)
        if callable(search.scoring) and search.multimetric_:
            search._check_refit_for_multimetric(dict.fromkeys(self._table.names()))
            self.refit_metric = search.refit
        if not search.refit and search.multimetric_:
            return
        search.best_index_ = search._select_best_index(
            search.refit, self.refit_metric, self.results
        )
        if not callable(search.refit):
            means = self.results[f"mean_test_{self.refit_metric}"]
            search.best_score_ = means[search.best_index_]
        search.best_params_ = self.results["params"][search.best_index_]

    def run(self, function: Callable[..., Any], *args: Any) -> Any:
        """Run a task on all rows, beside nothing else."""
        for _ in range(_MOST_LOSSES):
            try:
                return self._pool.run(function, *args, self._data)
            except ResultsLost:
                self._pool.recover()
                self._load(self._pool)
        return self._pool.run(function, *args, self._data)

    def _load(self, pool: Pool) -> Any:
        """Give the handle of the data; each time but the first it has been lost."""
        if self._lent:
            self._data = self._given.load(pool, self._routed)
        self._lent = True
        return self._data

    def _take(
        self, split: int, numbers: Sequence[int], found: Sequence[Evaluation]
    ) -> None:
        self._table.take(split, numbers, found)
        for number, evaluation in zip(numbers, found, strict=True):
            for node, heard in evaluation.heard:
                source = None if node is None else ("node", node)
                self._announcer.take(number, [heard], source)
        if self._search.verbose > 1:
            told = self._shown(split, numbers)
            for line, evaluation in zip(told, found, strict=True):
                print_end(self._search, line, evaluation, self._names())

    def _begun(self, split: int, numbers: Sequence[int]) -> None:
        for line in self._shown(split, numbers):
            print_start(self._search, line)

    def _shown(self, split: int, numbers: Sequence[int]) -> list[Line]:
        """What lines about some candidates begin with."""
        return [
            Line(split, number, self._n_candidates, self._params_of[number])
            for number in (number - self._first for number in numbers)
        ]

    def _limit(self) -> int:
        """Tasks at a time, by `pre_dispatch`."""
        wanted = self._search.pre_dispatch
        if wanted == "all":
            return 100 * self._pool.n_slots
        if isinstance(wanted, str):
            wanted = eval_expr(wanted.replace("n_jobs", str(self._pool.n_slots)))
        return max(int(wanted), 1)


def _is_of_this_process(scheduler: Any) -> bool:
    """Whether it is a client or an executor, or a method of one."""
    scheduler = getattr(scheduler, "__self__", scheduler)
    return isinstance(scheduler, Client | Executor)


def _for_splitter(cv: Any, params: Mapping[str, Any]) -> dict[str, Any]:
    """Parameters of the splitter: no groups for one, as cuML's, that knows of none."""
    if params.get("groups", cv) is None and hasattr(cv, "split"):
        takes = signature(cv.split).parameters.values()
        if not any(p.name == "groups" or p.kind is p.VAR_KEYWORD for p in takes):
            return {name: value for name, value in params.items() if name != "groups"}
    return dict(params)


def _has_callbacks(search: Any) -> bool:
    """Whether somebody wants to be told of fits: the search's own, or a caller's."""
    return bool(getattr(search, "_skl_callbacks", None)) or hasattr(
        search, "_parent_callback_ctx"
    )
