# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fit and score candidates on what a fold has become, together where possible."""

from __future__ import annotations

import logging
import time
import traceback
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from sklearn.base import clone
from sklearn.utils import check_random_state

from gpu_hpo._sklearn_private import (
    _BaseScorer,
    _MultimetricScorer,
    _PassthroughScorer,
    scorers_of,
)
from gpu_hpo.compute._transport import ReturnedToHost
from gpu_hpo.devices._namespace import synchronize
from gpu_hpo.devices._ranges import annotated
from gpu_hpo.exhaustive._callbacks import CallbackTask
from gpu_hpo.exhaustive._candidate_spec import CandidateSpec, moved_data
from gpu_hpo.exhaustive._fold_scores import Evaluation, FoldScores
from gpu_hpo.exhaustive._fold_steps import (
    NodeOutput,
    SplitRows,
    in_order,
)
from gpu_hpo.exhaustive._lent_steps import all_steps
from gpu_hpo.exhaustive._new_models import new_model
from gpu_hpo.exhaustive.plan._nodes import Leaf
from gpu_hpo.exhaustive.sharing._shared_fits import saves_work, share_key, shared_stack
from gpu_hpo.stacks._contract import fits_together, stack_key
from gpu_hpo.training._heard import Heard, recorded
from gpu_hpo.training._lending import Access, access_of, with_access
from gpu_hpo.training._seeds import set_seeds, unset_seeds
from gpu_hpo.training._snapshots import own_functions
from gpu_hpo.training._text_labels import best_with_labels, number_weights
from gpu_hpo.training._turns import let_go_of_rows

logger = logging.getLogger(__name__)


def needs_whole_estimator(scorer: Any, *, routed: bool = False) -> bool:
    """Return whether a scorer wants the estimator as it is and X as it was given.

    Scikit-learn's own ask for nothing but predictions, and the last step of a pipeline
    gives these for what the steps before it have made of X. If metadata is `routed` to
    the estimator's own `score`, its steps may want some, too.
    """
    if isinstance(scorer, _MultimetricScorer):
        scorers = scorers_of(scorer).values()
        return any(needs_whole_estimator(one, routed=routed) for one in scorers)
    if isinstance(scorer, _PassthroughScorer):
        return routed
    return not isinstance(scorer, _BaseScorer)


def can_share(estimator: Any) -> tuple[bool, bool]:
    """Return whether candidates may be fitted together, and divided among tasks.

    Returns
    -------
    together : bool
    divisible : bool
        Whether they may be divided: what each scores is the same to the bit, however
        many are together.
    """
    together = share_key(estimator) is not None
    return together, together and stack_key(estimator) is not None


def evaluate(
    spec: CandidateSpec,
    leaf: Leaf,
    candidates: Sequence[Mapping[str, Any]],
    source: NodeOutput,
    rows: SplitRows,
    fold: NodeOutput | None = None,
    callback_tasks: Sequence[CallbackTask] | None = None,
) -> list[Evaluation]:
    """Fit and score candidates that have all but their last step in common.

    Parameters
    ----------
    spec : CandidateSpec
    leaf : Leaf
        Their last step.
    candidates : sequence of dict
        Its parameters.
    source : NodeOutput
        What it is fitted to.
    rows : SplitRows
    fold : NodeOutput, optional
        The fold itself, if `needs_whole_estimator`.
    callback_tasks : sequence of CallbackTask, optional
        One per candidate, for scikit-learn's callbacks. Each is then fitted alone.

    Returns
    -------
    list of Evaluation

    Raises
    ------
    ValueError
        If the estimator has no such parameter.
    Exception
        What a fit or a score raises, if `spec.raises`.
    """
    times = source["times"].values()
    before = [sum(seconds[i] for seconds in times) for i in range(2)]
    heard = list(source["heard"])
    if source["error"] is not None:
        return [
            Evaluation(error=source["error"].text, fit_time=before[0], heard=heard)
            for _ in candidates
        ]
    with spec.fitting(source["train"]), annotated("fit"):
        work = _GroupEvaluation(spec, leaf, source, rows, fold)
        together = work.evaluate_together(candidates) if callback_tasks is None else {}
        evaluations = []
        for i, params in enumerate(candidates):
            evaluation = together.get(i)
            if evaluation is None:
                spec.give_back()
                callback_task = callback_tasks[i] if callback_tasks else None
                with recorded() as heard_alone:
                    evaluation = work.evaluate_alone(params, callback_task)
                evaluation.heard += ((None, item) for item in heard_alone)
            evaluation.heard += heard
            evaluation.fit_time += before[0]
            evaluation.score_time += before[1]
            evaluations.append(evaluation)
        return evaluations


def fit_to_all_rows(
    spec: CandidateSpec, estimator: Any, replaceable: bool, data: Mapping[str, Any]
) -> tuple[Any, float, list[Heard]] | ReturnedToHost:
    """Fit an estimator to all rows, which stay what they are.

    Parameters
    ----------
    spec : CandidateSpec
    estimator : estimator
    replaceable : bool
        Whether a copy of the estimator will do, if it wants to write on the rows.
    data : mapping
        "X", "y" and the parameters of "fit".

    Returns
    -------
    estimator
    seconds : float
    heard : list of Heard
        In a parcel, if the estimator is to arrive in host memory.
    """
    data = moved_data(spec, data)
    with spec.fitting(data["X"]), annotated("fit"), recorded() as heard:
        begin = time.time()
        access = access_of(estimator)
        if access is Access.READ_ONLY and not replaceable:
            access = Access.OWN
        unfitted = clone(estimator) if access is Access.READ_ONLY else None

        def fit(access: Access) -> Any:
            replace = unfitted is not None and access is Access.OWN
            model = own_functions(unfitted) if replace else estimator
            spec.fit(model, in_order(data["X"]), data["y"], data["fit"], access)
            return model

        estimator, _ = with_access(fit, access)
        synchronize()
        if spec.turns is not None:
            let_go_of_rows(all_steps(estimator).values())
        estimator = best_with_labels(estimator, spec.labels)
        result = estimator, time.time() - begin, heard
        return ReturnedToHost(result) if spec.to_host else result


def _model(leaf: Leaf, params: Mapping[str, Any]) -> Any:
    return new_model(leaf.estimator, params)


def _with_one_seed(models: Sequence[Any]) -> Sequence[Any]:
    """Seed models that have no seed, all alike.

    Without a seed any draw is as good as another. With one seed the models go through
    the rows in one order, which is what makes a stack fast.
    """
    seed = None
    for model in models:
        unset = unset_seeds(model)
        if not unset:
            continue
        if seed is None:
            seed = int(check_random_state(None).randint(np.iinfo(np.int32).max))
        set_seeds(model, unset, [seed] * len(unset))
    return models


def _groups(models: Sequence[Any]) -> list[list[int]]:
    """Group the positions of models that can be fitted together."""
    groups: dict[Hashable, list[int]] = {}
    for i, model in enumerate(models):
        try:
            key = share_key(model)
        except Exception as error:
            # Fitted by itself it fails with this, if it is to fail.
            logger.info("%r cannot be fitted with others: %r", model, error)
            continue
        if key is not None:
            groups.setdefault(key, []).append(i)
    # A stack of one scores as one of many does, to the bit.
    return [
        members
        for members in groups.values()
        if len(members) > 1 or fits_together(models[members[0]])
    ]


class _GroupEvaluation:
    """The rows of one task, and what is done with them."""

    def __init__(
        self,
        spec: CandidateSpec,
        leaf: Leaf,
        source: NodeOutput,
        rows: SplitRows,
        fold: NodeOutput | None,
    ) -> None:
        self._spec = spec
        self._leaf = leaf
        self._source = source
        self._rows = rows
        self._fold = fold
        self._fit_params = {
            name: rows["fit"][known]
            for name, known in leaf.routes.get("fit", {}).items()
        }
        self._scores = FoldScores(spec, leaf, source, rows, fold)
        self._writes = False

    # ---- one ----

    def evaluate_alone(
        self, params: Mapping[str, Any], callback_task: CallbackTask | None = None
    ) -> Evaluation:
        """Fit and score the model of one candidate."""
        model = _model(self._leaf, params)
        evaluation = Evaluation()
        begin = time.time()
        access = access_of(model)
        if access is Access.READ_ONLY and (callback_task is not None or self._writes):
            access = Access.OWN
        try:
            with self._notifying(callback_task, model, evaluation):
                model, access = self._fit(model, access, params)
        except Exception:
            if self._spec.raises:
                raise
            evaluation.error = traceback.format_exc()
        evaluation.fit_time = time.time() - begin
        if evaluation.error is None:
            self._scores.score(model, evaluation, access)
        return evaluation

    def _fit(
        self, model: Any, access: Access, params: Mapping[str, Any]
    ) -> tuple[Any, Access]:
        """Fit a model; give another one, with rows of its own, if it has to write."""

        def fit(now: Access) -> Any:
            again = now is not access
            fitted = _model(self._leaf, params) if again else model
            self._writes = self._writes or again  # and those after it do, too
            self._fit_to_lent(fitted, now)
            return fitted

        fitted, access = with_access(fit, access)
        synchronize()
        return fitted, access

    def _fit_to_lent(self, model: Any, access: Access) -> None:
        X, y = self._source["train"], self._rows["y_train"]
        self._spec.fit(model, X, y, self._fit_params, access)

    @contextmanager
    def _notifying(
        self, task: CallbackTask | None, model: Any, evaluation: Evaluation
    ) -> Iterator[None]:
        """Notify scikit-learn's callbacks, if there are any, of a fit."""
        if task is None:
            yield
            return
        weight = self._fit_params.get("sample_weight")
        metadata = None if weight is None else {"sample_weight": weight}
        X, y = self._source["train"], self._rows["y_train"]
        with task.notified(model, X=X, y=y, metadata=metadata) as stops:
            yield
        evaluation.stops = any(stops)

    # ---- together ----

    def evaluate_together(
        self, candidates: Sequence[Mapping[str, Any]]
    ) -> dict[int, Evaluation]:
        """Fit and score those that can be fitted together, by their positions."""
        first = _model(self._leaf, candidates[0])
        if not saves_work(first, len(candidates)):
            return {}
        models = [first, *(_model(self._leaf, params) for params in candidates[1:])]
        evaluations: dict[int, Evaluation] = {}
        for members in _groups(models):
            with recorded() as heard:
                of_members = self._evaluate_members([models[i] for i in members])
            if of_members is None:
                continue  # one by one they say the same
            for item in heard:
                for i in item.about(len(members)):
                    of_members[i].heard.append((None, item))
            evaluations.update(zip(members, of_members, strict=True))
        return evaluations

    def _evaluate_members(self, models: Sequence[Any]) -> list[Evaluation] | None:
        """Fit and score models by one fit; None if it must be one by one after all."""
        begin = time.time()
        if self._rows["y_train"] is None or not len(models):
            return None
        try:
            if fits_together(models[0]):
                models = _with_one_seed(models)
            models = [number_weights(model, self._spec.labels) for model in models]
            stack = shared_stack(models)
            access = access_of(models[0])
            self._fit_to_lent(stack, access)
            synchronize()
        except Exception as error:
            # One by one each says what is wrong in its own words.
            logger.info("%d models are fitted one by one: %r", len(models), error)
            return None
        failed = [error for error in stack.errors if error is not None]
        if failed and self._spec.raises:
            raise failed[0]
        fit_time = (time.time() - begin) / len(models)
        evaluations = [
            Evaluation(
                fit_time=fit_time,
                error=None if why is None else "".join(traceback.format_exception(why)),
            )
            for why in stack.errors
        ]
        fitted = stack.unstack()
        begin = time.time()
        tests = self._scores.of_stack(stack, fitted, "test")
        score_time = (time.time() - begin) / len(models)
        trains = None
        if tests is not None and self._spec.return_train_score:
            trains = self._scores.of_stack(stack, fitted, "train")
        for i, (model, evaluation) in enumerate(zip(fitted, evaluations, strict=True)):
            if evaluation.error is not None:
                continue
            if tests is None or tests[i] is None:
                self._scores.score(model, evaluation, access_of(model))
                continue
            evaluation.test, evaluation.score_time = tests[i], score_time
            if self._spec.return_train_score:
                if trains and trains[i] is not None:
                    evaluation.train = trains[i]
                else:
                    self._scores.score_train(model, evaluation, access_of(model))
        return evaluations
