# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Group the candidates of an exhaustive search by their common first steps."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import suppress
from numbers import Real

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from gpu_hpo._typing import Estimator, Params
from gpu_hpo.exhaustive._evaluation import can_share
from gpu_hpo.exhaustive._fold_runner import Group
from gpu_hpo.exhaustive.plan._nodes import ROOT, Plan
from gpu_hpo.exhaustive.plan._planner import Planner

_COMPOSITES = (Pipeline, FeatureUnion, ColumnTransformer)
_FIRST, _MOST = 64, 8192  # candidates that are planned before some are begun
# The time of a fit is roughly proportional to these.
_COSTS = frozenset(
    {"max_iter", "n_estimators", "n_init", "epochs", "n_epochs", "boosting_rounds"}
)


class Candidates:
    """Generates groups of candidates, each of which is fitted once.

    Parameters
    ----------
    planner : Planner
    estimator : estimator
        Not fitted.
    given : iterable of dict
        Parameters of candidates. They are generated as they are needed, unless steps
        may be shared: which ones is known only when all candidates are.
    same : callable
        ``same(number, first)`` is called for a candidate that is the same as an earlier
        one.
    converted : callable, optional
        Returns the parameters to fit with.
    first : int
        Number of the first candidate.
    at_once : bool
        Whether all candidates are planned before any is begun in any case, so that only
        a few splits are kept at a time.

    Attributes
    ----------
    params : list of dict
        Parameters of all candidates so far.
    uses : dict of (int, bool) to int, or None
        The number of nodes and groups that need each node, with X pairwise or not; None
        while that is not known.
    """

    def __init__(
        self,
        planner: Planner,
        estimator: Estimator,
        given: Iterable[Params],
        same: Callable[[int, int], None],
        converted: Callable[[Params], Params] = dict,
        *,
        first: int = 0,
        at_once: bool = False,
    ) -> None:
        self._planner = planner
        self._given = given
        self._same = same
        self._converted = converted
        self._first = first
        self._seen: dict[Hashable, int] = {}
        self._together: dict[int, tuple[bool, bool]] = {}
        self.params: list[Params] = []
        self.uses: dict[tuple[int, bool], int] | None = None
        shares = planner.apart and type(estimator) in _COMPOSITES
        self._groups = self._at_once() if shares or at_once else self._lazily()

    def __iter__(self) -> Iterator[Group]:
        return self._groups

    def _at_once(self) -> Iterator[Group]:
        planned = list(self._planned())
        groups = self._grouped(planned)
        self.uses = self._count_uses(groups)
        # Groups with first steps in common follow each other.
        groups.sort(key=lambda group: self._way(group.leaf.source))
        return iter(groups)

    def _lazily(self) -> Iterator[Group]:
        size = _FIRST
        window: list[tuple[int, Plan]] = []
        for number, plan in self._planned():
            window.append((number, plan))
            if len(window) == 1 and self._is_together(plan)[0]:
                size = _MOST
            if len(window) >= size:
                yield from self._grouped(window)
                window, size = [], min(2 * size, _MOST)
        yield from self._grouped(window)

    def _planned(self) -> Iterator[tuple[int, Plan]]:
        """Yield the candidates that are not the same as an earlier one."""
        for number, params in enumerate(self._given, self._first):
            self.params.append(params)
            plan = self._planner.plan(self._converted(params))
            first = number
            if self._planner.apart:
                first = self._seen.setdefault(plan.key, number)
            if first == number:
                yield number, plan
            else:
                self._same(number, first)

    def _grouped(self, planned: Iterable[tuple[int, Plan]]) -> list[Group]:
        members: dict[int, list[tuple[int, Params]]] = {}
        plans: dict[int, Plan] = {}
        for number, plan in planned:
            members.setdefault(plan.leaf.number, []).append((number, plan.params))
            plans.setdefault(plan.leaf.number, plan)
        for group in members.values():
            # Long fits begin first; the sort keeps the order of the others.
            group.sort(key=lambda member: -expected_cost(member[1]))
        return [
            Group(plans[leaf].leaf, group, *self._is_together(plans[leaf]))
            for leaf, group in members.items()
        ]

    def _is_together(self, plan: Plan) -> tuple[bool, bool]:
        """Return whether candidates of a leaf may be fitted together, in any number."""
        if not self._planner.apart:
            return False, False
        known = self._together.get(plan.leaf.number)
        if known is None:
            model = clone(plan.leaf.estimator)
            try:
                model.set_params(**clone(dict(plan.params), safe=False))
                known = can_share(model)
            except Exception:  # its fit will raise it
                known = False, False
            self._together[plan.leaf.number] = known
        return known

    def _count_uses(self, groups: Iterable[Group]) -> dict[tuple[int, bool], int]:
        uses = Counter((group.leaf.source, group.leaf.pairwise) for group in groups)
        # A node comes after those that it needs.
        for number in sorted(self._planner.nodes, reverse=True):
            for pairwise in (False, True):
                if uses[number, pairwise]:
                    needs = self._planner.nodes[number].needs
                    uses.update((need, pairwise) for need in needs)
        return dict(uses)

    def _way(self, number: int) -> tuple[int, ...]:
        """Return the numbers of all nodes before one."""
        way = []
        while number != ROOT:
            way.append(number)
            number = self._planner.nodes[number].source
        return tuple(reversed(way))


def expected_cost(params: Params) -> float:
    """Estimate how long a fit takes, relative to others with such parameters."""
    cost = 1.0
    for name, value in params.items():
        if name.rpartition("__")[2] in _COSTS and isinstance(value, Real):
            with suppress(OverflowError):
                amount = float(value)
                cost *= amount if 0 < amount < math.inf else 1.0
    return cost
