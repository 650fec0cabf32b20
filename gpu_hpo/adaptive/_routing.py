# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Divide what the user passes to `fit` between models in training and scorers."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from distributed import Future
from sklearn.utils.metadata_routing import process_routing

from gpu_hpo._sklearn_private import _routing_enabled
from gpu_hpo._typing import ArrayLike
from gpu_hpo.adaptive.training._budgets import Budget
from gpu_hpo.metrics._requests import Asked, requested
from gpu_hpo.metrics._scoring import make_scoring

# The key in a chunk of what scorers get, where models in training get something else by
# the same name.
_FOR_SCORES = "{} of scores"


@dataclass(frozen=True)
class Routed:
    """The parameters of `fit`, by who gets them.

    Attributes
    ----------
    fit : dict
        What `partial_fit` or `fit` gets, by its own names.
    score : dict
        What scorers get, by its keys in chunks.
    keys : dict of str to str
        These keys, by the user's names.
    requests : dict or None
        What each metric's scorer asks for, as of `requested`; None without routing.
    """

    fit: dict[str, Any]
    score: dict[str, Any]
    keys: dict[str, str] = field(default_factory=dict)
    requests: dict[str, dict[str, str]] | None = None

    def names(self, keys: Collection[str]) -> tuple[str, ...]:
        """Return the user's names of these keys."""
        if self.requests is None:
            return tuple(keys)
        return tuple(name for name, key in self.keys.items() if key in keys)

    def asked(self, rows: Collection[str]) -> dict[str, Asked] | None:
        """Return what each metric's scorer gets.

        Parameters
        ----------
        rows : collection of str
            Which keys are those of per-row parameters.
        """
        if self.requests is None:
            return None
        return {
            metric: Asked(
                {p: self.keys[n] for p, n in names.items() if self.keys[n] in rows},
                {
                    p: self.score[self.keys[n]]
                    for p, n in names.items()
                    if self.keys[n] not in rows
                },
            )
            for metric, names in self.requests.items()
        }

    def asked_of(
        self, search: Any, held: Collection[str], rows: Collection[str]
    ) -> dict[str, Asked] | None:
        """Return what each metric's scorer gets, where there are rows to validate on.

        Parameters
        ----------
        search : BaseIncrementalSearchCV
        held : collection of str
            The user's names of their per-row parameters, which are the keys too.
        rows : collection of str
            Which keys are those of per-row parameters of the other rows.
        """
        others = {n: self.score[k] for n, k in self.keys.items() if k not in rows}
        requests = requests_of(search, {*held, *others})
        assert requests is not None
        return {
            metric: Asked(
                {p: name for p, name in names.items() if name in held},
                {p: others[name] for p, name in names.items() if name not in held},
            )
            for metric, names in requests.items()
        }


def route(
    search: Any, params: Mapping[str, Any], groups: ArrayLike | None, budget: Budget
) -> Routed:
    """Divide the parameters of `fit`.

    Parameters
    ----------
    search : BaseIncrementalSearchCV
    params : mapping of str to object
    groups : array-like or None
        Routed too, if something asks for them.
    budget : Budget

    Raises
    ------
    ValueError, TypeError
        If they cannot be routed.
    """
    if not _routing_enabled():
        weights = {k: v for k, v in params.items() if k == "sample_weight"}
        return Routed(dict(params), weights)
    if groups is not None and search.get_metadata_routing().consumes("fit", ["groups"]):
        params = {**params, "groups": groups}
    requests = requests_of(search, [n for n, v in params.items() if v is not None])
    by_scorers: set[str] = set()
    by_scorers.update(*(names.values() for names in (requests or {}).values()))
    others = [name for name in params if name not in by_scorers]
    if others and not budget.can_route(search.estimator):
        raise ValueError(
            f"fit got {', '.join(others)}, but with metadata routing enabled "
            f"{type(search.estimator).__name__} routes nothing to {budget.method} "
            "of its steps; disable it, and name steps as in step__sample_weight"
        )
    fit = dict(process_routing(search, "fit", **params).estimator[budget.method])
    keys = {
        name: name if fit.get(name, value) is value else _FOR_SCORES.format(name)
        for name, value in params.items()
        if name in by_scorers
    }
    score = {key: params[name] for name, key in keys.items()}
    return Routed(fit, score, keys, requests)


def requests_of(
    search: Any, names: Collection[str]
) -> dict[str, dict[str, str]] | None:
    """Return what each metric's scorer asks for; None if that is not routed."""
    if isinstance(search.estimator, Future) or not _routing_enabled():
        return None
    scoring = make_scoring(search.estimator, search.scoring, search.refit)
    return requested(scoring, search.estimator, search.scoring, names)
