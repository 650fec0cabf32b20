# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Compute one metric for one model, and know whether it is one of ours."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

from sklearn.base import is_classifier
from sklearn.metrics import check_scoring, get_scorer
from sklearn.pipeline import Pipeline

from gpu_hpo._sklearn_private import (
    _BaseScorer,
    _MultimetricScorer,
    _PassthroughScorer,
    function_of,
    params_of,
    response_method_of,
    sign_of,
)
from gpu_hpo._typing import Estimator
from gpu_hpo.data._chunk import TARGETS
from gpu_hpo.metrics._host_scores import HostRows
from gpu_hpo.metrics._joint_scores import Responses, joined
from gpu_hpo.metrics._real_number import real_number
from gpu_hpo.metrics._stacked import METRICS
from gpu_hpo.stacks._contract import Stack
from gpu_hpo.training._lending import Access, access_of, call_lent, lend_rows
from gpu_hpo.training._snapshots import Snapshot
from gpu_hpo.training._text_labels import in_words


@dataclass(frozen=True)
class Metric:
    """One number by name.

    `scorer` is scikit-learn's or the user's; `ours` names the metric of `METRICS` that
    computes the same; `needs_X` means that it wants the estimator and all of X at once
    rather than responses; `fresh` is the snapshot of a scorer with a state. Where
    metadata are routed, `requests` has the names of the per-row parameters that the
    scorer asks for, by its own names for them, and `constants` has what else it gets.
    """

    name: str
    scorer: Any
    ours: str | None = None
    needs_X: bool = False
    fresh: Snapshot | None = None
    requests: Mapping[str, str] | None = None
    constants: Mapping[str, Any] = field(default_factory=dict)

    def methods(self, model: Estimator | Stack) -> tuple[str, ...]:
        """Return the names of the model's methods whose responses are scored."""
        if self.needs_X:
            return ()
        method = response_method_of(self.scorer)
        if method == "default":
            return ("predict",)
        if isinstance(method, str):
            return (method,)
        # If the model has none of them, asking it for the first says so.
        return (next((name for name in method if hasattr(model, name)), method[0]),)

    def score(
        self, model: Estimator, responses: Sequence[Responses], rows: HostRows
    ) -> float:
        """Score one model by the scorer.

        Parameters
        ----------
        model : estimator
        responses : sequence of dict
            Per part, by method.
        rows : HostRows
        """
        names = self.accepted(model, rows.names)
        # Each score is of a scorer as it was given.
        scorer = self.scorer if self.fresh is None else self.fresh.copy()
        access = access_of(scorer)
        if self.needs_X:
            params = {param: rows.given[name] for param, name in names.items()}
            params |= self.constants
            data = [rows.given[name] for name in TARGETS if name in rows.given]
            access = max(access, access_of(model))
            scoring = partial(in_words, scorer, rows.labels, model)
            score = call_lent(scoring, data, params, access)
        else:
            of_all = joined(responses, self.methods(model))
            if access is Access.OWN:
                of_all = lend_rows(of_all, access)
            score = rows.score(scorer, model, of_all, names, self.constants, access)
        if isinstance(score, Mapping):
            raise TypeError(
                f"the scorer {self.scorer!r} gave {score!r} where one number is "
                "needed; for several metrics let scoring be a dict of scorers"
            )
        return real_number(score, self.scorer)

    def accepted(self, model: Any, names: Collection[str]) -> dict[str, str]:
        """Return those of the per-row parameters that this metric takes.

        Parameters
        ----------
        model : estimator
        names : collection of str

        Returns
        -------
        dict of str to str
            Their names, by the scorer's own.
        """
        if self.requests is not None:
            return {p: name for p, name in self.requests.items() if name in names}
        if not names:
            return {}
        if isinstance(self.scorer, _PassthroughScorer):
            function = model.score
        elif isinstance(self.scorer, _BaseScorer):
            function = function_of(self.scorer)
        else:
            function = self.scorer
        takes = inspect.signature(function).parameters
        if any(p.kind is p.VAR_KEYWORD for p in takes.values()):
            return {name: name for name in names}
        return {name: name for name in names if name in takes}


def make_metric(estimator: Any, name: str, scoring: Any) -> Metric:
    """Make a metric of what the user passed for it.

    Parameters
    ----------
    estimator : estimator
    name : str
        Of the metric.
    scoring : str, callable or None
        As in scikit-learn; None is the estimator's own `score`.
    """
    if scoring is not None:
        return metric_of_scorer(name, check_scoring(estimator, scoring))
    last = estimator
    while type(last) is Pipeline:
        last = last.steps[-1][1]  # whose score a pipeline's is
    own = metric_of_score(last)
    if own is not None:
        return make_metric(estimator, name, own)
    return Metric(name, check_scoring(estimator), needs_X=True)


def metric_of_score(estimator: Any) -> str | None:
    """Name the metric that an estimator's own `score` is; None if it is another one.

    cuML's estimators have mixins of the same names and meaning as scikit-learn's. A
    method that is the same for other reasons says so by an attribute `is_of_mixin`.
    """
    method = getattr(type(estimator), "score", None)
    kind = getattr(method, "__qualname__", "")
    if getattr(method, "is_of_mixin", False):
        return "accuracy" if is_classifier(estimator) else "r2"
    return {"ClassifierMixin.score": "accuracy", "RegressorMixin.score": "r2"}.get(kind)


def metric_of_scorer(name: str, scorer: Any) -> Metric:
    """Make a metric of a scorer, or of the user's own function."""
    if isinstance(scorer, _MultimetricScorer) or not isinstance(scorer, _BaseScorer):
        return Metric(name, scorer, needs_X=True)
    return Metric(name, scorer, ours=_our_name(scorer))


def _our_name(scorer: Any) -> str | None:
    """Return the key in `METRICS` of what a scorer computes, if there is one."""
    for name, known in _scorers_of_ours().items():
        if (
            type(scorer) is type(known)
            and function_of(scorer) is function_of(known)
            and sign_of(scorer) == sign_of(known)
            and response_method_of(scorer) == response_method_of(known)
            and _equal(_arguments(scorer), _arguments(known))
        ):
            return name
    return None


@cache
def _scorers_of_ours() -> dict[str, Any]:
    return {name: get_scorer(name) for name in METRICS}


def _arguments(scorer: Any) -> dict[str, Any]:
    """Return all arguments with which a scorer calls its function, except data."""
    takes = inspect.signature(function_of(scorer)).parameters.values()
    defaults = {p.name: p.default for p in takes if p.default is not p.empty}
    return defaults | params_of(scorer)


def _equal(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    # Types first: an array is not compared with anything.
    return a.keys() == b.keys() and all(
        type(a[name]) is type(b[name]) and a[name] == b[name] for name in a
    )
