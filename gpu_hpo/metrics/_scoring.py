# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Score models part by part, on the device that holds the data.

The validation set comes in parts that need not be in memory together: only the
models' answers and the labels are kept from one part to the next. Where all a score
needs is answers, they are put together and scored once, so that the result is that of
the whole set, not a mean over parts. The metrics of `gpu_hpo.metrics` take the answers
of all models of a stack at once and leave them where they are; what those do not know
is scored by scikit-learn, model by model.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.pipeline import Pipeline

from gpu_hpo._sklearn_private import _BaseScorer, _MultimetricScorer, _PassthroughScorer
from gpu_hpo._typing import ArrayLike, Estimator
from gpu_hpo.data._chunk import TARGETS, Chunk, concat_chunks
from gpu_hpo.metrics._host_scores import HostRows
from gpu_hpo.metrics._joint_scores import Responses, joined, joint_scores, metric_of
from gpu_hpo.metrics._real_number import real_number
from gpu_hpo.stacks._contract import Stack
from gpu_hpo.training._lending import Access, access_of, call_lent, lend_rows
from gpu_hpo.training._snapshots import Snapshot, snapshot_or_share


@dataclass(frozen=True)
class _Metric:
    """One number by name.

    `scorer` is scikit-learn's or the user's; `ours` names the metric of
    `gpu_hpo.metrics` that computes the same; `needs_X` means that it wants the
    estimator and all of X at once rather than responses.
    """

    name: str
    scorer: Any
    ours: str | None = None
    needs_X: bool = False
    fresh: Snapshot | None = None  # of a scorer with a state

    def methods(self, model: Estimator | Stack) -> tuple[str, ...]:
        """Return the names of the model's methods whose responses are scored."""
        if self.needs_X:
            return ()
        method = self.scorer._response_method
        if method == "default":
            return ("predict",)
        if isinstance(method, str):
            return (method,)
        # If the model has none of them, asking it for the first says so.
        return (next((name for name in method if hasattr(model, name)), method[0]),)

    def accepted(self, model: Any, names: Iterable[str]) -> list[str]:
        """Return those of the per-row parameters that this metric takes."""
        function = getattr(self.scorer, "_score_func", self.scorer)
        if isinstance(self.scorer, _PassthroughScorer):
            function = model.score
        takes = inspect.signature(function).parameters
        if any(p.kind is p.VAR_KEYWORD for p in takes.values()):
            return list(names)
        return [name for name in names if name in takes]


class Scoring:
    """The metrics of a search, and which of them decides.

    Parameters
    ----------
    metrics : sequence of _Metric
    decides : str
        Name of the metric that ranks trials.

    Attributes
    ----------
    metrics : tuple of _Metric
    decides : str
    """

    def __init__(self, metrics: Sequence[_Metric], decides: str) -> None:
        self.metrics = tuple(metrics)
        self.decides = decides

    @property
    def scorer(self) -> Any:
        """The scorer that decides, to be called as ``scorer(estimator, X, y)``."""
        return next(m.scorer for m in self.metrics if m.name == self.decides)

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
        return Scoring(metrics, self.decides)

    def methods(self, model: Estimator | Stack) -> list[str]:
        """Return the names of the model's methods whose responses are scored.

        Parameters
        ----------
        model : estimator

        Returns
        -------
        list of str
            In order; the one that the model is asked for in vain if it has none that a
            metric needs.
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
        return {
            name: respond(getattr(model, name), part["X"], access)
            for name in self.methods(model)
        }

    def score(
        self,
        model: Estimator,
        responses: Sequence[Responses],
        parts: Sequence[Chunk],
        rows: tuple[str, ...] = (),
    ) -> dict[str, float]:
        """Compute every metric over all parts, for one model.

        Parameters
        ----------
        model : estimator
        responses : sequence of dict
            Per part, by method (see `responses`).
        parts : sequence of Chunk
            Per part y and per-row parameters; X only if `needs_X`.
        rows : tuple of str
            Per-row parameters that scorers take.

        Returns
        -------
        dict of str to float
        """
        found = self.score_many([model], [responses], parts, rows)[0]
        if isinstance(found, Exception):
            raise found
        return found

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
        all_rows = concat_chunks(
            parts if self.needs_X else [_without(part, "X") for part in parts]
        )
        params = {name: all_rows[name] for name in rows}
        known = self._jointly(models, responses, all_rows.get("y"), params)
        host = HostRows(all_rows, rows)
        found: list[dict[str, float] | Exception] = []
        for i, model in enumerate(models):
            try:
                scores = {}
                for metric in self.metrics:
                    score = known[metric.name][i] if metric.name in known else math.nan
                    if not math.isfinite(score):
                        # Scikit-learn knows whether that is a score or an error.
                        score = _alone(
                            metric, model, responses[i], all_rows, host, rows
                        )
                    scores[metric.name] = score
                found.append(scores)
            except Exception as error:
                found.append(error)
        return found

    def _jointly(
        self,
        models: Sequence[Estimator],
        responses: Sequence[Sequence[Responses]],
        y: ArrayLike | None,
        params: Mapping[str, Any],
    ) -> dict[str, list[float]]:
        """Return the scores by our own metrics, which all take sample weights."""
        metrics = [metric for metric in self.metrics if metric.ours]
        if y is None or not metrics or not models:
            return {}
        return joint_scores(
            {metric.name: metric.ours for metric in metrics if metric.ours},
            [_methods(metrics, model) for model in models],
            models,
            responses,
            y,
            params.get("sample_weight"),
        )


def respond(method: Any, X: ArrayLike, access: Access) -> Any:
    """Call a method of a fitted model with rows that others read.

    Parameters
    ----------
    method : callable
    X : array-like
    access : Access
        What the model may have of them.
    """
    return call_lent(method, [X], {}, access)


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
        return Scoring([_metric(estimator, "score", scoring)], "score")
    if scoring is None or callable(scoring):
        return Scoring([_metric(estimator, "score", scoring)], "score")
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
    metrics = [_metric(estimator, name, value) for name, value in named.items()]
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
        named = dict(scorer._scorers)
    metrics = [
        _metric(one._estimator, name, None)
        if isinstance(one, _PassthroughScorer)
        else _metric_of(name, one)
        for name, one in named.items()
    ]
    return Scoring(metrics, next(iter(named)))


def _check_name(name: str, scoring: Any) -> None:
    if name not in get_scorer_names():
        raise ValueError(
            f"scoring={scoring!r}: {name!r} is not the name of a scorer; "
            "sklearn.metrics.get_scorer_names() lists them"
        )


def _metric(estimator: Any, name: str, scoring: Any) -> _Metric:
    if scoring is None:
        last = estimator
        while type(last) is Pipeline:
            last = last.steps[-1][1]  # whose score a pipeline's is
        own = getattr(type(last), "score", None)
        kind = getattr(own, "__qualname__", "")
        # cuML's estimators have mixins of the same names and meaning.
        if kind == "ClassifierMixin.score":
            return _metric(estimator, name, "accuracy")
        if kind == "RegressorMixin.score":
            return _metric(estimator, name, "r2")
        return _Metric(name, check_scoring(estimator), needs_X=True)
    return _metric_of(name, check_scoring(estimator, scoring))


def _metric_of(name: str, scorer: Any) -> _Metric:
    if isinstance(scorer, _MultimetricScorer) or not isinstance(scorer, _BaseScorer):
        return _Metric(name, scorer, needs_X=True)
    return _Metric(name, scorer, ours=metric_of(scorer))


def _methods(metrics: Iterable[_Metric], model: Estimator | Stack) -> list[str]:
    return sorted({name for metric in metrics for name in metric.methods(model)})


def _alone(
    metric: _Metric,
    model: Estimator,
    responses: Sequence[Responses],
    all_rows: Chunk,
    host: HostRows,
    rows: tuple[str, ...],
) -> float:
    """Score one model by its scorer."""
    names = metric.accepted(model, rows) if rows else []
    # Each score is of a scorer as it was given.
    scorer = metric.scorer if metric.fresh is None else metric.fresh.copy()
    access = access_of(scorer)
    if not metric.needs_X:
        own = joined(responses, metric.methods(model))
        if access is Access.OWN:
            own = lend_rows(own, access)
        return _number(metric, host.score(scorer, model, own, names, access))
    needed = {name: all_rows[name] for name in ("X", "y", *names) if name in all_rows}
    access = max(access, access_of(model))
    rows_of = [needed.pop(name) for name in TARGETS if name in needed]
    scored = call_lent(partial(scorer, model), rows_of, needed, access)
    return _number(metric, scored)


def _number(metric: _Metric, value: Any) -> float:
    if isinstance(value, Mapping):
        raise TypeError(
            f"the scorer {metric.scorer!r} gave {value!r} where one number is needed; "
            "for several metrics let scoring be a dict of scorers"
        )
    return real_number(value, metric.scorer)


def _without(chunk: Chunk, name: str) -> Chunk:
    return {key: value for key, value in chunk.items() if key != name}
