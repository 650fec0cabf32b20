# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Know what scorers ask for where scikit-learn routes metadata."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sklearn.pipeline import Pipeline
from sklearn.utils.metadata_routing import MetadataRequest, get_routing_for_object

from gpu_hpo._typing import Estimator
from gpu_hpo.metrics._metric import Metric
from gpu_hpo.metrics._scoring import Scoring


@dataclass(frozen=True)
class Asked:
    """What the scorer of one metric asks for, and gets.

    Attributes
    ----------
    rows : dict of str to str
        The keys of per-row parameters in chunks, by the scorer's own names.
    constants : dict of str to object
        What else it gets, by its own names.
    """

    rows: dict[str, str] = field(default_factory=dict)
    constants: dict[str, Any] = field(default_factory=dict)


def requested(
    scoring: Scoring, estimator: Estimator, given: Any, names: Collection[str]
) -> dict[str, dict[str, str]]:
    """Return what the scorer of each metric asks for, among what the user passes.

    Parameters
    ----------
    scoring : Scoring
    estimator : estimator
        The user's.
    given : object
        `scoring` as the user gave it: by None, the estimator's own `score` asks.
    names : collection of str
        What the user passes.

    Returns
    -------
    dict of str to dict of str to str
        By metrics: the names by which the user passes it, by those of the scorer.
    """
    return {
        metric.name: _requests(metric, estimator, own_score=given is None, names=names)
        for metric in scoring.metrics
    }


def with_asked(scoring: Scoring, asked: Mapping[str, Asked] | None) -> Scoring:
    """Return a scoring whose scorers get what they ask for.

    Parameters
    ----------
    scoring : Scoring
    asked : mapping of str to Asked, or None
        By metrics. None lets each have what its function has a parameter for.
    """
    if asked is None:
        return scoring
    metrics = []
    for metric in scoring.metrics:
        own = asked[metric.name]
        metrics.append(replace(metric, requests=own.rows, constants=own.constants))
    return Scoring(metrics, scoring.decides, scoring.labels)


def _requests(
    metric: Metric, estimator: Any, *, own_score: bool, names: Collection[str]
) -> dict[str, str]:
    asking = metric.scorer
    if own_score:
        asking = estimator
        while not metric.needs_X and type(asking) is Pipeline:
            asking = asking.steps[-1][1]  # whose score a pipeline's is
    routing = get_routing_for_object(asking)
    if not isinstance(routing, MetadataRequest):
        # It routes on to others what it is given, by the user's names.
        return {name: name for name in routing.consumes("score", names)}
    found = {
        param: param if alias is True else alias
        for param, alias in routing.score.requests.items()
    }
    return {
        param: name
        for param, name in found.items()
        if isinstance(name, str) and name in names
    }
