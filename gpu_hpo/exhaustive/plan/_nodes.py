# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define what is to be fitted, by what it is fitted to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from gpu_hpo.exhaustive.plan._columns import Columns

ROOT = 0  # the number of the fold itself

# By method ("fit", "fit_transform", "transform"), which of the parameters of the
# search's `fit` it is given, by the name that it knows them by.
Routes: TypeAlias = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, eq=False)
class Step:
    """A transformer, fitted to what comes out of another node.

    Attributes
    ----------
    number : int
        Of this node; 0 is the fold.
    source : int
        The node whose output it is fitted to.
    columns : tuple of Columns
        Which columns of that, one selection after another.
    estimator : estimator
        Not fitted.
    routes : dict
        Its fit parameters.
    memory : str, joblib.Memory or None
        Where fits are kept for later searches.
    """

    number: int
    source: int
    columns: tuple[Columns, ...]
    estimator: Any
    routes: Routes = field(default_factory=dict)
    memory: Any = None

    @property
    def needs(self) -> tuple[int, ...]:
        """Nodes whose output must be there."""
        return (self.source,)


@dataclass(frozen=True, eq=False)
class Joined:
    """A FeatureUnion or ColumnTransformer that joins the output of its parts.

    Attributes
    ----------
    number, source, columns
        As of `Step`.
    estimator : FeatureUnion or ColumnTransformer
        Not fitted.
    parts : dict of str to (int, object)
        Per part that is fitted elsewhere, the node that has its output, and how it is
        put together from fitted steps (see `assemble`).
    """

    number: int
    source: int
    columns: tuple[Columns, ...]
    estimator: Any
    parts: Mapping[str, tuple[int, Any]]

    @property
    def needs(self) -> tuple[int, ...]:
        """Nodes whose output must be there."""
        return (self.source, *(number for number, _ in self.parts.values()))


Node: TypeAlias = Step | Joined


@dataclass(frozen=True, eq=False)
class Leaf:
    """The last step of candidates that have all before it in common.

    Attributes
    ----------
    number : int
    source : int
        The node whose output it is fitted to, and scored on.
    estimator : estimator
        Not fitted, and without the parameters of candidates that are its own.
    assembly : int, Piped or None
        How the candidate's estimator is put together from fitted steps, the last of
        which is `last`; None if this is all of it.
    routes : dict
        Its fit parameters.
    pairwise : bool
        Whether columns of X are samples, too.
    """

    number: int
    source: int
    estimator: Any
    assembly: Any
    routes: Routes
    pairwise: bool
