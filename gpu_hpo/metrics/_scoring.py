# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Score models part by part, on the device that holds the data.

The validation set comes in parts that need not be in memory together: only the
models' responses and the labels are kept from one part to the next. Where all a score
needs is responses, they are put together and scored once, so that the result is that
of the whole set, not a mean over parts. Our own metrics take the responses of all
models of a stack at once and leave them where they are; what those do not know is
scored by scikit-learn, model by model.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from sklearn.metrics import get_scorer_names

from gpu_hpo._sklearn_private import (
    _MultimetricScorer,
    _PassthroughScorer,
    estimator_of,
    scorers_of,
)
from gpu_hpo._typing import Estimator
from gpu_hpo.data._chunk import Chunk, concat_chunks
from gpu_hpo.devices._cuml_task import answering
from gpu_hpo.metrics._host_scores import HostRows
from gpu_hpo.metrics._joint_scores import Responses, joint_scores
from gpu_hpo.metrics._metric import Metric, make_metric, metric_of_scorer
from gpu_hpo.stacks._contract import Stack
from gpu_hpo.training._lending import Access, access_of, call_lent
from gpu_hpo.training._snapshots import Snapshot, snapshot_or_share


class Scoring:
    """The metrics of a search, and which of them decides.

    Parameters
    ----------
    metrics : sequence of Metric
    decides : str
        Name of the metric that ranks trials.
    labels : ndarray, optional
        If given, models were trained on the numbers of these labels, and y holds such.
        Scores are those of the labels.
    """

    def __init__(
        self,
        metrics: Sequence[Metric],
        decides: str,
        labels: np.ndarray | None = None,
    ) -> None:
        self.metrics = tuple(metrics)
        self.decides = decides
        self.labels = labels

    def of_numbers(self, labels: np.ndarray | None) -> Scoring:
        """Return the scoring of models that know numbers of labels; None: as y is."""
        return Scoring(self.metrics, self.decides, labels)

    @property
    def scorer(self) -> Any:
        """The scorer that decides, to be called as ``scorer(estimator, X, y)``."""
        return next(m.scorer for m in self.metrics if m.name == self.decides)

    @property
    def all_scorers(self) -> Any:
        """The only scorer, or one of all of them, which asks for what they ask for."""
        if len(self.metrics) == 1:
            return self.scorer
        return _MultimetricScorer(scorers={m.name: m.scorer for m in self.metrics})

    @property
    def needs_X(self) -> bool:
        """Whether some metric needs X, and all rows of it in one piece."""
        return any(metric.needs_X for metric in self.metrics)

    def with_copies(self) -> Scoring:
        """Return a scoring that makes a new copy of each scorer for each score.

        Raises
        ------
        NotCopyableError
            If a scorer has a state and cannot be copied.
        """
        metrics = []
        for metric in self.metrics:
            taken = snapshot_or_share(metric.scorer, "scoring")
            fresh = taken if isinstance(taken, Snapshot) else None
            metrics.append(replace(metric, fresh=fresh))
        return Scoring(metrics, self.decides, self.labels)

    def methods(self, model: Estimator | Stack) -> list[str]:
        """Return the names of the model's methods whose responses are scored, sorted.

        If it has none that a metric needs, there is one that it is asked for in vain.
        """
        return _methods(self.metrics, model)

    def responses(
        self, model: Estimator | Stack, part: Chunk, access: Access | None = None
    ) -> Responses:
        """Return the model's responses for one part, by method.

        Parameters
        ----------
        model : estimator or stack
            A stack answers for all its models, which are the first axis.
        part : Chunk
            Only its X is looked at.
        access : Access, optional
            What of the rows the model may have, if that is known.

        Returns
        -------
        dict of str to array
            Where the model left them: on a device, if it predicts there.
        """
        if access is None:
            access = access_of(model)
        with answering(model, part["X"]):
            return {
                name: call_lent(getattr(model, name), [part["X"]], {}, access)
                for name in self.methods(model)
            }

    def responses_of_stack(
        self, stack: Stack, n_models: int, part: Chunk, access: Access | None = None
    ) -> list[Responses]:
        """Return the responses of each model of a stack, as `responses` of one."""
        joint = self.responses(stack, part, access)
        return [
            {name: response[i] for name, response in joint.items()}
            for i in range(n_models)
        ]

    def score(
        self,
        model: Estimator,
        responses: Sequence[Responses],
        parts: Sequence[Chunk],
        rows: tuple[str, ...] = (),
    ) -> dict[str, float]:
        """Compute every metric over all parts, for one model: see `score_many`."""
        scores = self.score_many([model], [responses], parts, rows)[0]
        if isinstance(scores, Exception):
            raise scores
        return scores

    def score_many(
        self,
        models: Sequence[Estimator],
        responses: Sequence[Sequence[Responses]],
        parts: Sequence[Chunk],
        rows: tuple[str, ...] = (),
    ) -> list[dict[str, float] | Exception]:
        """Compute every metric over all parts, for the models of a stack.

        What a model scores does not depend on the other models.

        Parameters
        ----------
        models : sequence of estimators
        responses : sequence of sequences of dict
            Per model, per part, by method (see `responses`).
        parts : sequence of Chunk
            Per part y and per-row parameters; X only if `needs_X`.
        rows : tuple of str
            Per-row parameters that scorers take.

        Returns
        -------
        list of (dict of str to float, or Exception)
            Per model, what a metric raised for it instead of scores.
        """
        if not self.needs_X:
            parts = [_without(part, "X") for part in parts]
        host = HostRows(concat_chunks(parts), rows, self.labels)
        known = self._jointly(models, responses, host)
        all_scores: list[dict[str, float] | Exception] = []
        for i, model in enumerate(models):
            try:
                scores = {}
                for metric in self.metrics:
                    score = known[metric.name][i] if metric.name in known else math.nan
                    if not math.isfinite(score):
                        # Scikit-learn knows whether that is a score or an error.
                        score = metric.score(model, responses[i], host)
                    scores[metric.name] = score
                all_scores.append(scores)
            except Exception as error:
                all_scores.append(error)
        return all_scores

    def _jointly(
        self,
        models: Sequence[Estimator],
        responses: Sequence[Sequence[Responses]],
        rows: HostRows,
    ) -> dict[str, list[float]]:
        """Return the scores by our own metrics, which all take sample weights."""
        y = rows.given.get("y")
        if y is None or not models:
            return {}
        by_weight: dict[str | None, list[Metric]] = {}
        for metric in self.metrics:
            if metric.ours and not metric.constants:
                weight = metric.accepted(models[0], rows.names).get("sample_weight")
                by_weight.setdefault(weight, []).append(metric)
        known: dict[str, list[float]] = {}
        for weight, metrics in by_weight.items():
            known |= joint_scores(
                {metric.name: metric.ours for metric in metrics if metric.ours},
                [_methods(metrics, model) for model in models],
                models,
                responses,
                y,
                None if weight is None else rows.given[weight],
                numbered=self.labels is not None,
            )
        return known


def make_scoring(estimator: Estimator, scoring: Any, refit: Any = True) -> Scoring:
    """Read what the user passed as `scoring`.

    Parameters
    ----------
    estimator : estimator
    scoring : str, callable, list, tuple, dict or None
        As in scikit-learn. None is the estimator's own `score`, which for a
        classifier or regressor that does not define one is accuracy or R².
    refit : bool or str
        With several metrics, the name of the one that decides.

    Returns
    -------
    Scoring

    Raises
    ------
    ValueError
        If a name is not known, or several metrics are given and none decides.
    """
    if isinstance(scoring, str):
        _check_name(scoring, scoring)
        return Scoring([make_metric(estimator, "score", scoring)], "score")
    if scoring is None or callable(scoring):
        return Scoring([make_metric(estimator, "score", scoring)], "score")
    if isinstance(scoring, Mapping):
        named = dict(scoring)
    else:
        named = {name: name for name in scoring}
    if not named:
        raise ValueError(f"scoring={scoring!r} names no metric")
    if refit not in named:
        raise ValueError(
            f"refit={refit!r} must name the metric that decides, since scoring has "
            f"several: one of {sorted(named)}"
        )
    for value in named.values():
        if isinstance(value, str):
            _check_name(value, scoring)
    metrics = [make_metric(estimator, name, value) for name, value in named.items()]
    return Scoring(metrics, refit)


def read_scorer(scorer: Any) -> Scoring:
    """Read what scikit-learn's searches make of their `scoring`.

    Parameters
    ----------
    scorer : callable
        A scorer object, a multi-metric one, or the user's own function.

    Returns
    -------
    Scoring
    """
    named = {"score": scorer}
    if isinstance(scorer, _MultimetricScorer):
        named = dict(scorers_of(scorer))
    metrics = [
        make_metric(estimator_of(one), name, None)
        if isinstance(one, _PassthroughScorer)
        else metric_of_scorer(name, one)
        for name, one in named.items()
    ]
    return Scoring(metrics, next(iter(named)))


def _check_name(name: str, scoring: Any) -> None:
    if name not in get_scorer_names():
        raise ValueError(
            f"scoring={scoring!r}: {name!r} is not the name of a scorer; "
            "sklearn.metrics.get_scorer_names() lists them"
        )


def _methods(metrics: Iterable[Metric], model: Estimator | Stack) -> list[str]:
    return sorted({name for metric in metrics for name in metric.methods(model)})


def _without(chunk: Chunk, name: str) -> Chunk:
    return {key: value for key, value in chunk.items() if key != name}
