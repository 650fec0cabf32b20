# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Fitting and scoring candidates on what a fold has become, together where they can."""

from __future__ import annotations

import logging
import numbers
import time
import traceback
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from typing import Any

import dask
import numpy as np
from dask.base import is_dask_collection
from sklearn import get_config
from sklearn.base import clone
from sklearn.metrics._scorer import _BaseScorer, _MultimetricScorer
from sklearn.utils import check_random_state
from sklearn.utils.metadata_routing import process_routing

from gpu_hpo.data import n_rows
from gpu_hpo.decomposition import LAST, Leaf, put_together
from gpu_hpo.devices import annotated, is_device_array, synchronize
from gpu_hpo.training._fold import Rows, State, Terms
from gpu_hpo.training._models import unset_seeds
from gpu_hpo.training._own_rows import own_params, own_rows
from gpu_hpo.training._scoring import Scoring, read_scorer
from gpu_hpo.training._shared_fits import is_ridge, share_key, shared_stack
from gpu_hpo.training._stack import fits_together, stack_key

logger = logging.getLogger(__name__)

_FAILED = (
    "Scoring failed. The score on this train-test partition for these parameters will "
    "be set to {}. Details: \n{}"
)


@dataclass
class Evaluation:
    """What one candidate scored on one split.

    Attributes
    ----------
    test, train : float, or dict of str to float, or None
        Scores; None if the fit failed, or if none on the rows that trained are wanted.
    fit_time, score_time : float
        Seconds that this took, with the steps before the last one, as if it had been
        alone.
    error : str or None
        Traceback of the fit that failed.
    said : list of str
        Warnings.
    """

    test: Any = None
    train: Any = None
    fit_time: float = 0.0
    score_time: float = 0.0
    error: str | None = None
    said: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Told:
    """Scikit-learn's callback context of one fit, and the search that it belongs to."""

    search: Any
    context: Any


def needs_whole(scorer: Any, *, routed: bool = False) -> bool:
    """Whether a scorer wants the estimator as it is and X as it was given.

    Scikit-learn's own ask for nothing but predictions, and the last step of a pipeline
    gives these for what the steps before it have made of X. If metadata is `routed` to
    the estimator's own `score`, its steps may want some, too.
    """
    if isinstance(scorer, _MultimetricScorer):
        scorers = scorer._scorers.values()
        return any(needs_whole(one, routed=routed) for one in scorers)
    if _is_own_score(scorer):
        return routed
    return not isinstance(scorer, _BaseScorer)


def can_share(estimator: Any) -> tuple[bool, bool]:
    """Whether candidates of this estimator may be fitted together, and in any lots.

    Returns
    -------
    together : bool
    in_lots : bool
        Whether what comes out is the same to the bit, however many are together.
    """
    together = share_key(estimator) is not None
    return together, together and stack_key(estimator) is not None


def evaluate(
    terms: Terms,
    leaf: Leaf,
    candidates: Sequence[Mapping[str, Any]],
    source: State,
    rows: Rows,
    fold: State | None = None,
    told: Sequence[Told] | None = None,
) -> list[Evaluation]:
    """Fit and score candidates that have all but their last step in common.

    Parameters
    ----------
    terms : Terms
    leaf : Leaf
        Their last step.
    candidates : sequence of dict
        Its parameters.
    source : State
        What it is fitted to.
    rows : Rows
    fold : State, optional
        The fold itself, if `needs_whole`.
    told : sequence of Told, optional
        Who wants to be told of the fit of each candidate. Each is then fitted alone.

    Returns
    -------
    list of Evaluation

    Raises
    ------
    ValueError
        If the estimator has no such parameter.
    Exception
        What a fit or a score raises, if the terms are to raise.
    """
    known = source["times"].values()
    before = [sum(times[i] for times in known) for i in range(2)]
    if source["error"] is not None:
        return [
            Evaluation(error=source["error"].text, fit_time=before[0])
            for _ in candidates
        ]
    with terms.task(source["train"]), annotated("fit"):
        work = _Work(terms, leaf, source, rows, fold)
        found = work.all_together(candidates) if told is None else {}
        done = []
        for i, params in enumerate(candidates):
            evaluation = found.get(i)
            if evaluation is None:
                # Made here, so that no more than one fitted model is there at a time.
                model = _model(leaf, params)
                evaluation = work.alone(model, told[i] if told else None)
                del model
            evaluation.fit_time += before[0]
            evaluation.score_time += before[1]
            done.append(evaluation)
        return done


def fit_whole(
    terms: Terms, estimator: Any, data: Mapping[str, Any]
) -> tuple[Any, float]:
    """Fit an estimator to all rows, and take the time in seconds."""
    with terms.task(data["X"]), annotated("fit"):
        begin = time.time()
        y = () if data["y"] is None else (data["y"],)
        estimator.fit(data["X"], *y, **data["fit"])
        synchronize()
        return estimator, time.time() - begin


def _model(leaf: Leaf, params: Mapping[str, Any]) -> Any:
    model = clone(leaf.estimator)
    if params:
        model.set_params(**clone(dict(params), safe=False))
    return model


def _with_one_seed(models: Sequence[Any]) -> Sequence[Any]:
    """Seed models that have no seed, all alike.

    One that draws by itself draws what nobody knows. With one seed they go through the
    rows in one order, which is what makes a stack fast.
    """
    seed = None
    for model in models:
        unset = unset_seeds(model)
        if unset and seed is None:
            seed = int(check_random_state(None).randint(np.iinfo(np.int32).max))
        model.set_params(**dict.fromkeys(unset, seed))
    return models


def _groups(models: Sequence[Any]) -> list[list[int]]:
    """Positions of models that can be fitted together."""
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


class _Work:
    """The rows of one task, and what is done with them."""

    def __init__(
        self, terms: Terms, leaf: Leaf, source: State, rows: Rows, fold: State | None
    ) -> None:
        self._terms = terms
        self._leaf = leaf
        self._source = source
        self._rows = rows
        self._fold = fold
        self._fit_params = {
            name: rows["fit"][known]
            for name, known in leaf.routes.get("fit", {}).items()
        }
        # Neither is for scikit-learn's metrics: what is on a device, or in blocks.
        self._by_answers = any(
            value is not None and (is_device_array(value) or is_dask_collection(value))
            for value in (source["train"], rows["y_train"])
        )
        # Of all scores at once, and of each.
        scoring = read_scorer(terms.scorer)
        self._scoring = None if scoring.whole or fold is not None else scoring
        self._each = {m.name: Scoring([m], m.name) for m in scoring.metrics}

    # ---- one ----

    def alone(self, model: Any, told: Told | None = None) -> Evaluation:
        """Fit and score one model."""
        evaluation = Evaluation()
        begin = time.time()
        try:
            with nullcontext() if told is None else self._telling(told, model):
                self._fit(model)
        except Exception:
            if self._terms.raises:
                raise
            evaluation.error = traceback.format_exc()
        evaluation.fit_time = time.time() - begin
        if evaluation.error is None:
            self._score(model, evaluation)
        return evaluation

    def _fit(self, model: Any) -> None:
        X = own_rows(self._source["train"], model)
        y = self._rows["y_train"]
        target = () if y is None else (own_rows(y, model),)
        model.fit(X, *target, **own_params(self._fit_params, model))
        synchronize()

    @contextmanager
    def _telling(self, told: Told, model: Any) -> Iterator[None]:
        """Tell scikit-learn's callbacks that a fit begins, and that it has ended."""
        weight = self._fit_params.get("sample_weight")
        what = {
            "estimator": told.search,
            "X": self._source["train"],
            "y": self._rows["y_train"],
            "metadata": None if weight is None else {"sample_weight": weight},
        }
        try:
            with told.context.propagate_callback_context(model):
                told.context.call_on_fit_task_begin(**what)
                yield
        finally:
            told.context.call_on_fit_task_end(**what)

    def _score(self, model: Any, evaluation: Evaluation) -> None:
        begin = time.time()
        evaluation.test = self._scores(model, "test", evaluation.said)
        evaluation.score_time = time.time() - begin
        if self._terms.return_train_score:
            evaluation.train = self._scores(model, "train", evaluation.said)

    def _scores(self, model: Any, kind: str, said: list[str]) -> Any:
        """Scores of a model on the rows that test, or on those that train."""
        X = self._source["again" if kind == "train" else "test"]
        scorer, error_score = self._terms.scorer, self._terms.error_score
        y = own_rows(self._rows[f"y_{kind}"], model, scorer)
        params = own_params(self._rows[f"score_{kind}"], model, scorer)
        try:
            if isinstance(X, Exception):
                raise X
            if self._fold is not None:
                # Steps, if there are any, have been fitted elsewhere.
                X = own_rows(self._fold[kind], scorer)
                fitted = {**self._source["fitted"], LAST: model}
                whole = self._leaf.whole
                model = model if whole is None else put_together(whole, fitted)
            X = own_rows(X, model)
            if self._by_answers:
                scores = self._scores_by_answers(model, X, y, params)
            else:
                target = () if y is None else (y,)
                scores = scorer(model, X, *target, **params)
        except Exception:
            if self._terms.raises:
                raise
            text = traceback.format_exc()
            if isinstance(scorer, _MultimetricScorer):
                scores = dict.fromkeys(scorer._scorers, text)
            else:
                said.append(_FAILED.format(error_score, text))
                return error_score
        if isinstance(scorer, _MultimetricScorer):
            for name, score in scores.items():
                if isinstance(score, str):
                    said.append(_FAILED.format(error_score, score))
                    scores[name] = error_score
        return _numbers(scores, scorer)

    def _scores_by_answers(self, model: Any, X: Any, y: Any, params: Rows) -> Any:
        """Scores of rows that are not on the host, or not in one piece."""
        methods = {
            name
            for scoring in self._each.values()
            if not scoring.whole
            for name in scoring.methods(model)
        }
        answers = {name: getattr(model, name)(X) for name in sorted(methods)}
        # Of rows in blocks, answers and labels fit into memory, and X may not.
        answers, here, given = dask.compute(answers, y, params)
        found: dict[str, Any] = {}
        for name, scoring in self._each.items():
            own = self._params_of(name, given)
            try:
                if scoring.whole:
                    target = () if y is None else (y,)
                    found[name] = scoring.scorer(model, X, *target, **own)
                    continue
                part = {**({} if here is None else {"y": here}), **own}
                scores = scoring.score(model, [answers], [part], tuple(own))
                found[name] = scores[name]
            except Exception:
                if self._terms.raises or not self._is_several:
                    raise
                found[name] = traceback.format_exc()
        return found if self._is_several else found["score"]

    @property
    def _is_several(self) -> bool:
        return isinstance(self._terms.scorer, _MultimetricScorer)

    def _params_of(self, name: str, params: Rows) -> Rows:
        """Parameters of one of the scorers, by what it asks for."""
        scorer = self._terms.scorer
        if not self._is_several or not params:
            return params
        if get_config()["enable_metadata_routing"]:
            return dict(process_routing(scorer, "score", **params)[name].score)
        if scorer._scorers[name]._accept_sample_weight():
            return params
        return {k: v for k, v in params.items() if k != "sample_weight"}

    def _named(self, found: Mapping[str, float]) -> Any:
        """Scores as the scorer gives them: by name only if they are several."""
        return dict(found) if self._is_several else found["score"]

    # ---- together ----

    def all_together(
        self, candidates: Sequence[Mapping[str, Any]]
    ) -> dict[int, Evaluation]:
        """Fit and score those that can be fitted together, by their positions."""
        first = _model(self._leaf, candidates[0])
        if not (fits_together(first) or (is_ridge(first) and len(candidates) > 1)):
            return {}
        models = [first, *(_model(self._leaf, params) for params in candidates[1:])]
        found: dict[int, Evaluation] = {}
        for members in _groups(models):
            together = self.together([models[i] for i in members])
            if together is not None:
                found.update(zip(members, together, strict=True))
        return found

    def together(self, models: Sequence[Any]) -> list[Evaluation] | None:
        """Fit and score models as a stack; None if it must be one by one after all."""
        begin = time.time()
        y = self._rows["y_train"]
        if y is None or not len(models):
            return None
        try:
            if fits_together(models[0]):
                models = _with_one_seed(models)
            stack = shared_stack(models)
            stack.fit(self._source["train"], y, **self._fit_params)
            synchronize()
        except Exception as error:
            # One by one each says what is wrong in its own words.
            logger.info("%d models are fitted one by one: %r", len(models), error)
            return None
        failed = [error for error in stack.errors if error is not None]
        if failed and self._terms.raises:
            raise failed[0]
        fit_time = (time.time() - begin) / len(models)
        found = [
            Evaluation(
                fit_time=fit_time,
                error=None if why is None else "".join(traceback.format_exception(why)),
            )
            for why in stack.errors
        ]
        fitted = stack.unstack()
        begin = time.time()
        tests = self._stack_scores(stack, fitted, "test")
        score_time = (time.time() - begin) / len(models)
        trains = None
        if tests is not None and self._terms.return_train_score:
            trains = self._stack_scores(stack, fitted, "train")
        for i, (model, evaluation) in enumerate(zip(fitted, found, strict=True)):
            if evaluation.error is not None:
                continue
            if tests is None or tests[i] is None:
                self._score(model, evaluation)
                continue
            evaluation.test, evaluation.score_time = tests[i], score_time
            if self._terms.return_train_score:
                known = trains[i] if trains else None
                evaluation.train = (
                    self._scores(model, "train", evaluation.said)
                    if known is None
                    else known
                )
        return found

    def _stack_scores(
        self, stack: Any, models: Sequence[Any], kind: str
    ) -> list[Any] | None:
        """Scores of all models of a stack in one pass; None where that cannot be."""
        X = self._source["again" if kind == "train" else "test"]
        y, params = self._rows[f"y_{kind}"], self._rows[f"score_{kind}"]
        scoring = self._scoring
        if self._is_several and params:
            return None  # since each may ask for others
        if (
            scoring is None
            or y is None
            or isinstance(X, Exception)
            or not n_rows({"X": X})
        ):
            return None
        part = {"y": y, **params}
        try:
            answers = scoring.answers(stack, {"X": X})
            of_each = [
                [{name: answer[i] for name, answer in answers.items()}]
                for i in range(len(models))
            ]
            found = scoring.score_many(models, of_each, [part], tuple(params))
        except Exception as error:
            logger.info("%d models are scored one by one: %r", len(models), error)
            return None
        return [None if isinstance(s, Exception) else self._named(s) for s in found]


def _numbers(scores: Any, scorer: Any) -> Any:
    """Scores as plain numbers, with scikit-learn's complaint about all else."""
    message = "scoring must return a number, got %s (%s) instead. (scorer=%s)"

    def number(score: Any, of: Any) -> Any:
        if hasattr(score, "item"):
            with suppress(ValueError):
                score = score.item()
        if not isinstance(score, numbers.Number):
            raise ValueError(message % (score, type(score), of))
        return score

    if isinstance(scores, dict):
        return {name: number(score, name) for name, score in scores.items()}
    return number(scores, scorer)


def _is_own_score(scorer: Any) -> bool:
    """Whether it is the estimator's own `score`, as when no scoring is given."""
    return type(scorer).__name__ == "_PassthroughScorer"
