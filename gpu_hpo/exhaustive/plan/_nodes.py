# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define the nodes of a plan: what is fitted, and to which output."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gpu_hpo._typing import Estimator, Params
from gpu_hpo.exhaustive.plan._assembly import Assembly, Piped
from gpu_hpo.exhaustive.plan._columns import Columns

ROOT = 0  # the number of the fold itself

# For each method ("fit", "fit_transform", "transform") the parameters of the search's
# `fit` that it gets, by its own names for them.
Routes: TypeAlias = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, eq=False)
class Step:
    """A transformer, fitted to the output of another node.

    Attributes
    ----------
    number : int
        The number of this node; 0 is the fold.
    source : int
        The node whose output it is fitted to.
    columns : tuple of Columns
        Columns of that output, one selection after another.
    estimator : estimator
        Not fitted.
    routes : dict
        Its fit parameters.
    memory : str, joblib.Memory or None
        Keeps fits for later searches.
    """

    number: int
    source: int
    columns: tuple[Columns, ...]
    estimator: Estimator
    routes: Routes = field(default_factory=dict)
    memory: Any = None

    @property
    def needs(self) -> tuple[int, ...]:
        """Nodes whose output must be there."""
        return (self.source,)


@dataclass(frozen=True, eq=False)
class Joined:
    """A FeatureUnion or ColumnTransformer that joins the output of its transformers.

    Attributes
    ----------
    number, source, columns
        As of `Step`.
    estimator : FeatureUnion or ColumnTransformer
        Not fitted.
    parts : dict of str to (int, int or Piped)
        For each transformer that is fitted by nodes: the node that has its output, and
        its assembly.
    """

    number: int
    source: int
    columns: tuple[Columns, ...]
    estimator: Estimator
    parts: Mapping[str, tuple[int, Assembly]]

    @property
    def needs(self) -> tuple[int, ...]:
        """Nodes whose output must be there."""
        return (self.source, *(number for number, _ in self.parts.values()))


Node: TypeAlias = Step | Joined


@dataclass(frozen=True, eq=False)
class Leaf:
    """The last step of candidates that have all steps before it in common.

    Attributes
    ----------
    number : int
    source : int
        The node whose output it is fitted to, and scored on.
    estimator : estimator
        Not fitted, and without the parameters that candidates set.
    assembly : Piped or None
        The candidate's estimator, assembled from fitted steps and, as `LAST`, this one;
        None if this is all of it.
    routes : dict
        Its fit parameters.
    pairwise : bool
        Whether columns of X are samples, too.
    """

    number: int
    source: int
    estimator: Estimator
    assembly: Piped | None
    routes: Routes
    pairwise: bool


@dataclass(frozen=True)
class Plan:
    """All that one candidate needs to be fitted.

    Attributes
    ----------
    leaf : Leaf
        Its last step, and what that is fitted to.
    params : dict
        The parameters of the last step that the candidate sets.
    key : Hashable
        Equal for candidates that are the same.
    """

    leaf: Leaf
    params: Params
    key: Hashable


class PlanTable:
    """All nodes and leaves that candidates need, each once.

    Attributes
    ----------
    nodes : dict of int to Node
        By number. A node has a larger number than those that it needs.
    """

    def __init__(self) -> None:
        self.nodes: dict[int, Node] = {}
        self._numbers: dict[Hashable, int] = {}
        self._leaves: dict[Hashable, Leaf] = {}

    def node(self, key: Hashable, make: Callable[[int], Node]) -> int:
        """Return the number of the node with this key; make the node if it is new."""
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._numbers) + 1
            self.nodes[number] = make(number)
        return number

    def leaf(self, key: Hashable, make: Callable[[int], Leaf]) -> Leaf:
        """Return the leaf with this key; make it if it is new."""
        leaf = self._leaves.get(key)
        if leaf is None:
            leaf = self._leaves[key] = make(len(self._leaves))
        return leaf
