# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Find the nodes that each candidate needs, with each node there once."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.utils import get_tags

from gpu_hpo.exhaustive.plan._columns import Columns
from gpu_hpo.exhaustive.plan._composites import (
    as_one_step,
    assemble,
    nodes_in,
    take_apart,
    with_parts,
)
from gpu_hpo.exhaustive.plan._nodes import ROOT, Joined, Leaf, Node, Routes, Step
from gpu_hpo.training._content_keys import Changed, Keys

logger = logging.getLogger(__name__)

_PAIRWISE = "precomputed"  # the value by which estimators say that X is pairwise
_LISTS = frozenset({"steps", "transformer_list", "transformers"})  # of composites


@dataclass(frozen=True)
class Plan:
    """All that one candidate needs to be fitted.

    Attributes
    ----------
    leaf : Leaf
        Its last step, and what that is fitted to.
    params : dict
        Parameters of the last step that are the candidate's own.
    key : Hashable
        Equal for candidates that are the same.
    """

    leaf: Leaf
    params: Mapping[str, Any]
    key: Hashable


class Planner:
    """Finds what the candidates of one search have in common.

    Parameters
    ----------
    estimator : estimator
        Not fitted.
    fit_params : sequence of str
        Names of what the search's `fit` was given for the estimator.
    apart : bool
        Whether composites are taken apart.
    by_name : bool
        Whether candidates are the same only if their steps have the same names, too.

    Attributes
    ----------
    nodes : dict of int to Node
        All that candidates need, by number. What a node needs has a smaller one.
    leaves : dict of int to Leaf
        By number.
    """

    def __init__(
        self,
        estimator: Any,
        fit_params: Sequence[str] = (),
        *,
        apart: bool = True,
        by_name: bool = False,
    ) -> None:
        self._base = estimator
        self.apart = apart
        self.by_name = by_name
        self._fit_params = tuple(fit_params)
        self._keys = Keys()
        self.nodes: dict[int, Node] = {}
        self.leaves: dict[int, Leaf] = {}
        self._node_numbers: dict[Hashable, int] = {}
        self._leaf_numbers: dict[Hashable, int] = {}
        self._templates: dict[Hashable, _Template] = {}
        self._local: dict[str, bool] = {}
        self._paths = frozenset(_paths(estimator) if apart else [""])

    def plan(self, params: Mapping[str, Any]) -> Plan:
        """Plan a candidate.

        Parameters
        ----------
        params : dict
            Parameters of the estimator that are the candidate's own.

        Raises
        ------
        ValueError
            If the estimator, or a part of it, has no such parameter.
        """
        shape = {name: params[name] for name in params if not self._is_local(name)}
        own = {name: params[name] for name in params if name not in shape}
        try:
            if not _gives_all_parts(shape, own):
                template = self._template(shape)
                if template.takes(own):
                    return template.plan(own)
        except Exception as error:
            # Of several that are wrong, scikit-learn names the one it comes to first.
            logger.info("the parameters are set all at once: %r", error)
        return self._template(params).plan({})

    def _template(self, shape: Mapping[str, Any]) -> _Template:
        key = tuple((name, self._keys.of(shape[name])) for name in sorted(shape))
        template = self._templates.get(key)
        if template is None:
            estimator = clone(self._base)
            if shape:
                estimator.set_params(**clone(dict(shape), safe=False))
            template = self._templates[key] = _Template(self, estimator)
        return template

    def _is_local(self, name: str) -> bool:
        """Return whether a parameter is one step's own, and changes no other."""
        known = self._local.get(name)
        if known is None:
            known = self._local[name] = any(
                not path or name.startswith(f"{path}__") for path in self._paths
            )
        return known

    # ---- for templates ----

    def key(self, value: Any) -> Hashable:
        """Return the key of a value."""
        return self._keys.of(value)

    def changed(self, estimator: Any) -> Changed:
        """Return the keys of an estimator with some parameters changed."""
        return self._keys.changed(estimator)

    @property
    def fit_params(self) -> tuple[str, ...]:
        """Names of the search's fit parameters for the estimator."""
        return self._fit_params

    def number(self, key: Hashable, make: Any) -> int:
        """Return the number of the node with this key; make the node if it is new."""
        number = self._node_numbers.get(key)
        if number is None:
            number = self._node_numbers[key] = len(self._node_numbers) + 1
            self.nodes[number] = make(number)
        return number

    def leaf(self, key: Hashable, make: Any) -> Leaf:
        """Return the leaf with this key; make it if it is new."""
        number = self._leaf_numbers.get(key)
        if number is None:
            number = self._leaf_numbers[key] = len(self._leaf_numbers)
            self.leaves[number] = make(number)
        return self.leaves[number]


class _Template:
    """Candidates that differ in parameters of steps only.

    Walks along the steps of the estimator once, and then for each candidate along what
    it has written down.
    """

    def __init__(self, planner: Planner, estimator: Any) -> None:
        self._planner = planner
        self._estimator = estimator
        self._records: list[_Record] = []
        source, self._last, path, self._assembly, self._routes = (
            take_apart(self, estimator, ROOT, planner.fit_params)
            if planner.apart
            else as_one_step(estimator, ROOT, planner.fit_params)
        )
        self._source = source
        self._path = path
        self._pairwise = _is_pairwise(estimator)
        self._last_key = planner.changed(self._last)
        self._owners: dict[str, str] = {}
        self._paths = [path, *(r.path for r in self._records if r.is_step)]

    # ---- called by take_apart ----

    def step(
        self,
        path: str,
        estimator: Any,
        source: int,
        columns: tuple[Columns, ...],
        routes: Routes,
        memory: Any,
    ) -> int:
        changed = self._planner.changed(estimator)
        rest = (
            self._columns_key(columns),
            tuple(
                (k, tuple(sorted(v.items()))) for k, v in sorted(routes.items()) if v
            ),
            self._planner.key(memory),
        )

        def key(own: Mapping[str, Any]) -> Hashable:
            return (changed.key(own), rest)

        def make(number: int, source: int, own: Mapping[str, Any], parts: Any) -> Step:
            step = clone(estimator)
            if own:
                step.set_params(**clone(dict(own), safe=False))
            return Step(number, source, columns, step, routes, memory)

        return self._record(_Record(path, True, source, (), key, make))

    def joined(
        self,
        path: str,
        estimator: Any,
        source: int,
        columns: tuple[Columns, ...],
        parts: Mapping[str, tuple[int, Any]],
    ) -> int:
        shape = {
            name: value
            for name, value in estimator.get_params(deep=False).items()
            if name not in ("transformer_list", "transformers", "n_jobs", "verbose")
        }
        layout = getattr(estimator, "transformers", None) or estimator.transformer_list
        names = tuple(
            (
                item[0],
                isinstance(item[1], str) and item[1],
                *map(self._planner.key, item[2:]),
            )
            for item in layout
        )
        beside = {k: v for k, v in vars(estimator).items() if k.startswith("_")}
        if "remainder" in shape and not isinstance(shape["remainder"], str):
            shape["remainder"] = "estimator"
        key = (
            type(estimator),
            tuple((name, self._planner.key(shape[name])) for name in sorted(shape)),
            names,
            self._planner.key(beside) if beside else None,
            self._columns_key(columns),
        )

        def make(number: int, source: int, own: Any, found: Any) -> Joined:
            nodes: Any = self._planner.nodes
            given = {
                name: assemble(
                    way, {part: nodes[part].estimator for part in nodes_in(way)}
                )
                for name, (_, way) in found.items()
            }
            joined = with_parts(estimator, given)
            return Joined(number, source, columns, joined, found)

        return self._record(
            _Record(path, False, source, tuple(parts.items()), lambda own: key, make)
        )

    def _record(self, record: _Record) -> int:
        """Write down a step of the way; its number here is its position."""
        self._records.append(record)
        return len(self._records)

    def _columns_key(self, columns: tuple[Columns, ...]) -> Hashable:
        return tuple(
            (part.part, tuple((n, self._planner.key(c)) for n, c in part.layout))
            if part.part == "remainder"
            else self._planner.key(part.layout[0][1])
            for part in columns
        )

    # ---- for each candidate ----

    def takes(self, own: Mapping[str, Any]) -> bool:
        """Return whether each of these is a parameter of one step, and of no other."""
        if any(self.owner(name) is None for name in own):
            return False
        return not own or not self._has_twice

    @cached_property
    def _has_twice(self) -> bool:
        """Whether one object is in two places: what is set in one is so in both."""
        params = self._estimator.get_params(deep=True).values()
        parts = [id(value) for value in params if hasattr(value, "get_params")]
        return len(set(parts)) < len(parts)

    def owner(self, name: str) -> str | None:
        """Return the path of the step that a parameter belongs to, if there is one."""
        if name not in self._owners:
            found = [p for p in self._paths if not p or name.startswith(f"{p}__")]
            if not found:
                return None
            self._owners[name] = max(found, key=len)
        return self._owners[name]

    def plan(self, params: Mapping[str, Any]) -> Plan:
        """Plan a candidate, all of whose parameters have an owner."""
        own: dict[str, dict[str, Any]] = {}
        for name, value in params.items():
            owner = self._owners[name]
            short = name[len(owner) + 2 :] if owner else name
            own.setdefault(owner, {})[short] = value
        numbers = [ROOT]
        for record in self._records:
            numbers.append(self._number(record, numbers, own.get(record.path, {})))
        last = own.get(self._path, {})
        source = numbers[self._source]
        pairwise = self._pairwise
        if (pairwise and params) or _says_pairwise(params):
            changed = clone(self._estimator).set_params(
                **clone(dict(params), safe=False)
            )
            pairwise = _is_pairwise(changed)

        def make(number: int) -> Leaf:
            fitted = _renumbered(self._assembly, numbers)
            return Leaf(number, source, self._last, fitted, self._routes, pairwise)

        leaf = self._planner.leaf((id(self), tuple(numbers), pairwise), make)
        before = (id(self), *numbers) if self._planner.by_name else ()
        key = (source, pairwise, self._last_key.key(last), before)
        return Plan(leaf, last, key)

    def _number(
        self, record: _Record, numbers: list[int], own: Mapping[str, Any]
    ) -> int:
        source = numbers[record.source]
        parts = {
            name: (numbers[number], _renumbered(fitted, numbers))
            for name, (number, fitted) in record.parts
        }
        below = tuple((name, number) for name, (number, _) in parts.items())
        key = (record.key(own), source, below)
        return self._planner.number(
            key, lambda number: record.make(number, source, own, parts)
        )


@dataclass(frozen=True, eq=False)
class _Record:
    """A node of a template: of which source and parts, by their positions in it."""

    path: str
    is_step: bool
    source: int
    parts: tuple[tuple[str, tuple[int, Any]], ...]
    key: Callable[[Mapping[str, Any]], Hashable]
    make: Any


def _renumbered(assembly: Any, numbers: Sequence[int]) -> Any:
    """Return an assembly with the numbers that nodes have among all."""
    if assembly is None or (isinstance(assembly, int) and assembly < 0):
        return assembly
    if isinstance(assembly, int):
        return numbers[assembly]
    steps = tuple((i, _renumbered(part, numbers)) for i, part in assembly.steps)
    return replace(assembly, steps=steps)


def _gives_all_parts(shape: Mapping[str, Any], own: Mapping[str, Any]) -> bool:
    """Return whether a composite's list of parts is given, and parameters of parts.

    Which of the parts these then are parameters of, the old ones or the new, is up to
    the composite: a ColumnTransformer's are the old ones'.
    """
    for name in shape:
        path, _, last = name.rpartition("__")
        below = f"{path}__" if path else ""
        if last in _LISTS and any(n.startswith(below) for n in own):
            return True
    return False


def _says_pairwise(params: Mapping[str, Any]) -> bool:
    return any(type(v) is str and v == _PAIRWISE for v in params.values())


def _is_pairwise(estimator: Any) -> bool:
    return bool(get_tags(estimator).input_tags.pairwise)


def _paths(estimator: Any, path: str = "") -> list[str]:
    """Return the paths, by names, to all steps that are no composites."""
    if type(estimator) is Pipeline:
        parts = estimator.steps
    elif type(estimator) is FeatureUnion:
        parts = estimator.transformer_list
    elif type(estimator) is ColumnTransformer:
        parts = [*estimator.transformers, ("remainder", estimator.remainder)]
    else:
        return [] if isinstance(estimator, str) or estimator is None else [path]
    found = []
    try:
        for name, part, *_ in parts:
            found += _paths(part, f"{path}__{name}" if path else name)
    except (TypeError, ValueError):
        # No valid steps: scikit-learn will say so.
        return []
    return found
