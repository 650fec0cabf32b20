# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Plan candidates that differ in parameters of steps only."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sklearn.base import clone
from sklearn.utils import get_tags

from gpu_hpo._typing import Estimator, Params
from gpu_hpo.devices._cuml_task import takes_kernel
from gpu_hpo.exhaustive.plan._assembly import Assembly, assemble, nodes_in, renumbered
from gpu_hpo.exhaustive.plan._columns import REMAINDER, Columns
from gpu_hpo.exhaustive.plan._composites import TakenApart, with_parts
from gpu_hpo.exhaustive.plan._nodes import (
    ROOT,
    Joined,
    Leaf,
    Node,
    Plan,
    PlanTable,
    Step,
)
from gpu_hpo.training._content_keys import Changed, Keys

_PAIRWISE = "precomputed"  # the value by which estimators say that X is pairwise


class Template:
    """Candidates that differ in parameters of steps only.

    The estimator is taken apart once; for each candidate the nodes are then looked up.

    Parameters
    ----------
    estimator : estimator
        Not fitted.
    taken : TakenApart
        The same, taken apart.
    table : PlanTable
        Nodes and leaves are added to it.
    keys : Keys
    by_name : bool
        As of `Planner`.
    """

    def __init__(
        self,
        estimator: Estimator,
        taken: TakenApart,
        table: PlanTable,
        keys: Keys,
        *,
        by_name: bool,
    ) -> None:
        self._estimator = estimator
        self._table = table
        self._keys = keys
        self._by_name = by_name
        self._taken = taken
        self._entries = [self._entry(path, node) for path, node in taken.nodes]
        self._pairwise = _is_pairwise(estimator)
        self._last = keys.changed(taken.last)
        self._paths = [
            taken.path,
            *(entry.path for entry in self._entries if isinstance(entry.node, Step)),
        ]
        self._owners: dict[str, str] = {}

    def _entry(self, path: str, node: Node) -> _Entry:
        if isinstance(node, Joined):
            return _Entry(path, node, None, self._key_of_joined(node))
        routes = tuple(
            (method, tuple(sorted(names.items())))
            for method, names in sorted(node.routes.items())
            if names
        )
        rest = self._key_of_columns(node.columns), routes, self._keys.of(node.memory)
        return _Entry(path, node, self._keys.changed(node.estimator), rest)

    def _key_of_joined(self, node: Joined) -> Hashable:
        """Return the key of a composite, without transformers that nodes fit."""
        estimator: Any = node.estimator
        key_of = self._keys.of
        params = {
            name: value
            for name, value in estimator.get_params(deep=False).items()
            if name not in ("transformer_list", "transformers", "n_jobs", "verbose")
        }
        if "remainder" in params and not isinstance(params["remainder"], str):
            params["remainder"] = "estimator"
        layout = getattr(estimator, "transformers", None) or estimator.transformer_list
        names = tuple(
            (name, isinstance(part, str) and part, *map(key_of, columns))
            for name, part, *columns in layout
        )
        beside = {k: v for k, v in vars(estimator).items() if k.startswith("_")}
        return (
            type(estimator),
            tuple((name, key_of(params[name])) for name in sorted(params)),
            names,
            key_of(beside) if beside else None,
            self._key_of_columns(node.columns),
        )

    def _key_of_columns(self, columns: tuple[Columns, ...]) -> Hashable:
        key_of = self._keys.of
        return tuple(
            (part.part, tuple((name, key_of(taken)) for name, taken in part.layout))
            if part.part == REMAINDER
            else key_of(part.layout[0][1])
            for part in columns
        )

    # ---- for each candidate ----

    def takes(self, params: Params) -> bool:
        """Return whether each parameter belongs to exactly one step."""
        if any(self._owner(name) is None for name in params):
            return False
        return not params or not self._has_twice

    @cached_property
    def _has_twice(self) -> bool:
        """Whether one object is in two places, so that a parameter is set in both."""
        params = self._estimator.get_params(deep=True).values()
        parts = [id(value) for value in params if hasattr(value, "get_params")]
        return len(set(parts)) < len(parts)

    def _owner(self, name: str) -> str | None:
        """Return the path of the step that a parameter belongs to, if any."""
        if name not in self._owners:
            paths = [p for p in self._paths if not p or name.startswith(f"{p}__")]
            if not paths:
                return None
            self._owners[name] = max(paths, key=len)
        return self._owners[name]

    def plan(self, params: Params) -> Plan:
        """Plan a candidate by the parameters that it sets, all of which `takes` knows.

        Parameters
        ----------
        params : dict
        """
        params_of: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            path = self._owners[name]
            short = name[len(path) + 2 :] if path else name
            params_of.setdefault(path, {})[short] = value
        numbers = [ROOT]
        for entry in self._entries:
            numbers.append(self._node(entry, numbers, params_of.get(entry.path, {})))
        taken, last = self._taken, params_of.get(self._taken.path, {})
        source = numbers[taken.source]
        pairwise = self._pairwise
        if (pairwise and params) or _says_pairwise(params):
            pairwise = _is_pairwise(_with_params(self._estimator, params))

        def make(number: int) -> Leaf:
            assembly: Any = taken.assembly and renumbered(taken.assembly, numbers)
            return Leaf(number, source, taken.last, assembly, taken.routes, pairwise)

        leaf = self._table.leaf((id(self), tuple(numbers), pairwise), make)
        before = (id(self), *numbers) if self._by_name else ()
        return Plan(leaf, last, (source, pairwise, self._last.key(last), before))

    def _node(self, entry: _Entry, numbers: Sequence[int], params: Params) -> int:
        """Return the number of a node in the table."""
        node, source = entry.node, numbers[entry.node.source]
        parts: dict[str, tuple[int, Assembly]] = {}
        if isinstance(node, Joined):
            parts = {
                name: (numbers[number], renumbered(assembly, numbers))
                for name, (number, assembly) in node.parts.items()
            }
        below = tuple((name, number) for name, (number, _) in parts.items())

        def make(number: int) -> Node:
            if not isinstance(node, Joined):
                step = _with_params(node.estimator, params)
                return replace(node, number=number, source=source, estimator=step)
            nodes = self._table.nodes
            estimators = {
                name: assemble(
                    assembly, {n: nodes[n].estimator for n in nodes_in(assembly)}
                )
                for name, (_, assembly) in parts.items()
            }
            joined = with_parts(node.estimator, estimators)
            return Joined(number, source, node.columns, joined, parts)

        return self._table.node((entry.key(params), source, below), make)


@dataclass(frozen=True, eq=False)
class _Entry:
    """A node of a template, with the key of its estimator, which may be changed."""

    path: str
    node: Node
    estimator: Changed | None
    rest: Hashable

    def key(self, params: Params) -> Hashable:
        return self.estimator and self.estimator.key(params), self.rest


def _with_params(estimator: Any, params: Params) -> Any:
    changed = clone(estimator)
    if params:
        changed.set_params(**clone(dict(params), safe=False))
    return changed


def _says_pairwise(params: Params) -> bool:
    return any(type(v) is str and v == _PAIRWISE for v in params.values())


def _is_pairwise(estimator: Estimator) -> bool:
    return bool(get_tags(estimator).input_tags.pairwise) or takes_kernel(estimator)
