# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Score candidates of an exhaustive search on the rows of a split."""

from __future__ import annotations

import functools
import logging
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import dask
from dask.base import is_dask_collection
from sklearn import get_config
from sklearn.utils.metadata_routing import process_routing

from gpu_hpo._sklearn_private import (
    _BaseScorer,
    _MultimetricScorer,
    asking_by,
    function_of,
    raises_at_once,
    scorers_of,
    takes_weights,
    with_function,
)
from gpu_hpo.data._chunk import n_rows
from gpu_hpo.devices._cuml_task import answering
from gpu_hpo.devices._namespace import is_device_array
from gpu_hpo.exhaustive._candidate_spec import CandidateSpec
from gpu_hpo.exhaustive._fold_steps import NodeOutput, SplitRows
from gpu_hpo.exhaustive._lent_steps import copy_if_changeable
from gpu_hpo.exhaustive.plan._assembly import LAST, assemble
from gpu_hpo.exhaustive.plan._nodes import Leaf
from gpu_hpo.metrics._real_number import real_number
from gpu_hpo.metrics._scoring import Scoring, read_scorer
from gpu_hpo.training._heard import Heard
from gpu_hpo.training._lending import (
    Access,
    access_of,
    lend,
    lend_params,
    with_access,
)
from gpu_hpo.training._snapshots import fresh
from gpu_hpo.training._text_labels import in_words

logger = logging.getLogger(__name__)

_FAILED = (
    "Scoring failed. The score on this train-test partition for these parameters will "
    "be set to {}. Details: \n{}"
)


@dataclass
class Evaluation:
    """The scores of one candidate on one split.

    Attributes
    ----------
    test, train : float, or dict of str to float, or None
        Scores; None if the fit failed, or if none on the rows that trained are wanted.
    fit_time, score_time : float
        Seconds that this took, with the steps before the last one, as if it had been
        alone.
    error : str or None
        Traceback of the fit that failed.
    scoring_failures : list of str
        Why it could not be scored.
    heard : list of (int or None, Heard)
        Warnings of fits and scores, with the number of the node that others have in
        common with it, if it was that which was fitted.
    stops : bool
        Whether a callback has asked the search to stop.
    """

    test: Any = None
    train: Any = None
    fit_time: float = 0.0
    score_time: float = 0.0
    error: str | None = None
    scoring_failures: list[str] = field(default_factory=list)
    heard: list[tuple[int | None, Heard]] = field(default_factory=list)
    stops: bool = False


class FoldScores:
    """Scores fitted models on the rows of one split.

    Parameters
    ----------
    spec : CandidateSpec
    leaf : Leaf
        The last step of the candidates.
    source : NodeOutput
        What has become of the rows before that step.
    rows : SplitRows
    fold : NodeOutput or None
        The fold itself, if a scorer wants X as it was given.
    """

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
        # Neither is for scikit-learn's metrics: what is on a device, or in blocks.
        self._by_responses = any(
            value is not None and (is_device_array(value) or is_dask_collection(value))
            for value in (source["train"], rows["y_train"])
        )
        # To be asked, never to score with: each score is of a scorer as it was given.
        self._scorer = fresh(spec.scorer)
        self._access = access_of(self._scorer)
        if fold is not None:
            users = map(access_of, source["fitted"].values())
            self._access = max([self._access, *users])
        # Of all scores at once.
        scoring = read_scorer(self._scorer).of_numbers(spec.labels)
        self._scoring = None if scoring.needs_X or fold is not None else scoring

    def score(self, model: Any, evaluation: Evaluation, access: Access) -> None:
        """Score a fitted model.

        Parameters
        ----------
        model : estimator
        evaluation : Evaluation
            Is filled in.
        access : Access
            To the rows that the model is asked for.
        """
        model = self._assembled(model)
        begin = time.time()
        evaluation.test = self._scores(
            model, "test", evaluation.scoring_failures, access
        )
        evaluation.score_time = time.time() - begin
        if self._spec.return_train_score:
            evaluation.train = self._scores(
                model, "train", evaluation.scoring_failures, access
            )

    def score_train(self, model: Any, evaluation: Evaluation, access: Access) -> None:
        """Score a model on the rows that train only."""
        model = self._assembled(model)
        evaluation.train = self._scores(
            model, "train", evaluation.scoring_failures, access
        )

    def _assembled(self, model: Any) -> Any:
        """Return the candidate's estimator, if that is what a scorer asks for."""
        assembly = self._leaf.assembly
        if self._fold is None or assembly is None:
            return model
        # Its steps have been fitted for others, too, and may draw when they are asked.
        fitted = {**self._source["fitted"], LAST: model}
        return copy_if_changeable(assemble(assembly, fitted))

    def _scores(
        self, model: Any, kind: str, failures: list[str], access: Access
    ) -> Any:
        """Score a model on the rows that test, or on those that train."""
        scorer, error_score = fresh(self._spec.scorer), self._spec.error_score
        access = max(access, self._access)
        try:
            scores, _ = with_access(
                lambda access: self._lent_scores(model, kind, scorer, access), access
            )
        except Exception:
            if self._spec.raises:
                raise
            text = traceback.format_exc()
            if isinstance(scorer, _MultimetricScorer):
                scores = dict.fromkeys(scorers_of(scorer), text)
            else:
                failures.append(_FAILED.format(error_score, text))
                return error_score
        if isinstance(scorer, _MultimetricScorer) and not self._spec.raises:
            for name, score in scores.items():
                if isinstance(score, str):
                    failures.append(_FAILED.format(error_score, score))
                    scores[name] = error_score
        return _numbers(scores, scorer, self._spec, failures)

    def _lent_scores(self, model: Any, kind: str, scorer: Any, access: Access) -> Any:
        X = self._source["train_transformed" if kind == "train" else "test"]
        if isinstance(X, Exception):
            raise X
        if self._fold is not None:
            X = self._fold[kind]
        X = lend(X, access)
        y = lend(self._rows[f"y_{kind}"], access)
        params = lend_params(self._rows[f"score_{kind}"], access)
        if self._by_responses:
            return self._scores_by_responses(model, scorer, X, y, params)
        target = () if y is None else (y,)
        return _separated(scorer, access)(model, X, *target, **params)

    def _scores_by_responses(
        self, model: Any, scorer: Any, X: Any, y: Any, params: SplitRows
    ) -> Any:
        """Score rows that are not on the host, or not in one piece."""
        metrics, known = read_scorer(scorer).metrics, self._spec.labels
        each = {m.name: Scoring([m], m.name, known) for m in metrics}
        methods = {
            name
            for scoring in each.values()
            if not scoring.needs_X
            for name in scoring.methods(model)
        }
        with answering(model, X):
            responses = {name: getattr(model, name)(X) for name in sorted(methods)}
        # Of rows in blocks, responses and labels fit into memory, and X may not.
        responses, labels, score_params = dask.compute(responses, y, params)
        scores: dict[str, Any] = {}
        for name, scoring in each.items():
            own_params = self._params_of(name, score_params)
            try:
                if scoring.needs_X:
                    target = () if y is None else (y,)
                    scores[name] = in_words(
                        scoring.scorer, known, model, X, *target, **own_params
                    )
                    continue
                part = {**({} if labels is None else {"y": labels}), **own_params}
                rows = tuple(own_params)
                scores |= scoring.score(model, [responses], [part], rows)
            except Exception:
                if self._spec.raises or not self._is_several:
                    raise
                scores[name] = traceback.format_exc()
        return self._named(scores)

    @property
    def _is_several(self) -> bool:
        return isinstance(self._scorer, _MultimetricScorer)

    def _params_of(self, name: str, params: SplitRows) -> SplitRows:
        """Return the parameters of one of the scorers, by what it asks for."""
        scorer = self._scorer
        if not self._is_several or not params:
            return params
        if get_config()["enable_metadata_routing"]:
            return dict(process_routing(scorer, "score", **params)[name].score)
        if takes_weights(scorers_of(scorer)[name]):
            return params
        return {k: v for k, v in params.items() if k != "sample_weight"}

    def _named(self, scores: Mapping[str, Any]) -> Any:
        """Return scores as the scorer gives them: by name only if they are several."""
        return dict(scores) if self._is_several else scores["score"]

    def of_stack(
        self, stack: Any, models: Sequence[Any], kind: str
    ) -> list[Any] | None:
        """Score all models of a stack in one pass.

        Parameters
        ----------
        stack : Stack
        models : sequence of estimators
            Its models.
        kind : {"test", "train"}

        Returns
        -------
        list of (float, dict or None), or None
            None where that cannot be.
        """
        X = self._source["train_transformed" if kind == "train" else "test"]
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
            access = access_of(models[0])
            of_each = scoring.responses_of_stack(stack, len(models), {"X": X}, access)
            responses = [[of_one] for of_one in of_each]
            scores = scoring.score_many(models, responses, [part], tuple(params))
        except Exception as error:
            logger.info("%d models are scored one by one: %r", len(models), error)
            return None
        return [None if isinstance(s, Exception) else self._named(s) for s in scores]


def _separated(scorer: Any, access: Access) -> Any:
    """Separate scorers, so that none sees what another, or the model, has written.

    Parameters
    ----------
    scorer : callable
    access : Access
        What the model has of the rows that it is asked for.
    """
    if not isinstance(scorer, _MultimetricScorer) or len(scorers_of(scorer)) == 1:
        return scorer
    writes = access is Access.OWN
    users = scorers_of(scorer).items()
    copying = {name for name, one in users if writes or access_of(one) is Access.OWN}
    if not copying:
        return scorer
    separated = {
        name: _with_copies(one, rows=writes) if name in copying else one
        for name, one in users
    }
    # What they ask of the model, they still ask together.
    return _MultimetricScorer(scorers=separated, raise_exc=raises_at_once(scorer))


def _with_copies(scorer: Any, *, rows: bool = False) -> Any:
    """Return the same scorer, which then gets copies of labels and responses.

    Parameters
    ----------
    scorer : callable
    rows : bool
        Whether the model is given a copy of its rows whenever it is asked.
    """
    if isinstance(scorer, _BaseScorer):
        copying = with_function(scorer, _with_copies(function_of(scorer)))
        return asking_by(copying, _ask_for_copies) if rows else copying

    @functools.wraps(scorer)
    def called(*args: Any, **params: Any) -> Any:
        lent = [a if hasattr(a, "get_params") else lend(a, Access.OWN) for a in args]
        return scorer(*lent, **lend_params(params, Access.OWN))

    return called


def _ask_for_copies(
    ask: Any, model: Any, method: str, X: Any, *more: Any, **options: Any
) -> Any:
    """Ask a model by its method, as scikit-learn's scorers do, for a copy of rows."""
    return ask(model, method, lend(X, Access.OWN), *more, **options)


def _numbers(scores: Any, scorer: Any, spec: CandidateSpec, failures: list[str]) -> Any:
    """Return scores as plain numbers; anything else counts as a failure."""

    def number(score: Any, of: Any) -> Any:
        try:
            return real_number(score, of)
        except ValueError:
            if spec.raises:
                raise
            failures.append(_FAILED.format(spec.error_score, traceback.format_exc()))
            return spec.error_score

    if isinstance(scores, dict):
        return {name: number(score, name) for name, score in scores.items()}
    return number(scores, scorer)
