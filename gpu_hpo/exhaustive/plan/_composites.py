# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Take composites apart, and replace their transformers."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from gpu_hpo._typing import Estimator
from gpu_hpo.exhaustive.plan._assembly import LAST, Assembly, Piped
from gpu_hpo.exhaustive.plan._columns import REMAINDER, Columns
from gpu_hpo.exhaustive.plan._nodes import ROOT, Joined, Node, Routes, Step

# Nodes, each with the path from the candidate's estimator to its own. Their numbers are
# their positions, counted from 1.
PathsAndNodes: TypeAlias = list[tuple[str, Node]]


@dataclass(frozen=True, eq=False)
class TakenApart:
    """The estimator of a candidate, taken apart.

    Attributes
    ----------
    nodes : list of (str, Node)
        All but the last step, with their paths.
    source : int
        The node whose output the last step is fitted to.
    last : estimator
        The last step.
    path : str
        Path from the candidate's estimator to the last step.
    assembly : Piped or None
        How the estimator is put together from fitted steps and `LAST`.
    routes : dict
        Fit parameters of the last step.
    """

    nodes: PathsAndNodes
    source: int
    last: Estimator
    path: str
    assembly: Piped | None
    routes: Routes


def take_apart(
    estimator: Estimator, names: Sequence[str], *, apart: bool
) -> TakenApart:
    """Take the estimator of a candidate apart.

    Parameters
    ----------
    estimator : estimator
        Not fitted.
    names : sequence of str
        Fit parameters of the search.
    apart : bool
        Whether to take it apart; if not, the whole estimator is the last step.
    """
    nodes: PathsAndNodes = []
    if not apart:
        return TakenApart(nodes, *_undivided(estimator, ROOT, names, ""))
    return TakenApart(nodes, *_to_last_step(nodes, estimator, ROOT, names, ""))


_LastStep: TypeAlias = tuple[int, Estimator, str, Piped | None, Routes]


def _to_last_step(
    nodes: PathsAndNodes, estimator: Any, source: int, names: Sequence[str], path: str
) -> _LastStep:
    routes_of = _pipeline_routes(estimator, "fit", {name: name for name in names})
    if routes_of is None or _is_through(estimator.steps[-1][1]):
        return _undivided(estimator, source, names, path)
    steps: list[tuple[int, Assembly]] = []
    for i, (name, step) in enumerate(estimator.steps[:-1]):
        if _is_through(step):
            continue
        below, memory = _join(path, name), estimator.memory
        source, assembly = _transformer(
            nodes, step, source, (), routes_of[name], below, memory
        )
        steps.append((i, assembly))
    name, last = estimator.steps[-1]
    path = _join(path, name)
    inner: Piped | None = None
    routes: Routes = routes_of[name]
    # If there are parameters, the estimator decides which of its steps get them.
    if not any(routes.values()):
        source, last, path, inner, routes = _to_last_step(nodes, last, source, (), path)
    steps.append((len(estimator.steps) - 1, LAST if inner is None else inner))
    return source, last, path, Piped(estimator, tuple(steps)), routes


def _undivided(
    estimator: Any, source: int, names: Sequence[str], path: str
) -> _LastStep:
    return source, estimator, path, None, {"fit": {name: name for name in names}}


def _transformer(
    nodes: PathsAndNodes,
    estimator: Any,
    source: int,
    columns: tuple[Columns, ...],
    routes: Routes,
    path: str,
    memory: Any,
) -> tuple[int, Assembly]:
    """Return the node with a transformer's output, and its assembly."""
    if not any(routes.values()):
        if type(estimator) is Pipeline:
            taken = _pipeline(nodes, estimator, source, columns, path)
            if taken is not None:
                return taken
        elif _can_take(estimator):
            return _joined(nodes, estimator, source, columns, path)
    number = len(nodes) + 1
    nodes.append((path, Step(number, source, columns, estimator, routes, memory)))
    return number, number


def _pipeline(
    nodes: PathsAndNodes,
    pipeline: Any,
    source: int,
    columns: tuple[Columns, ...],
    path: str,
) -> tuple[int, Assembly] | None:
    routes = _pipeline_routes(pipeline, "fit_transform", {})
    used = [i for i, (_, step) in enumerate(pipeline.steps) if not _is_through(step)]
    if routes is None or not used:
        return None
    steps = []
    for i in used:
        name, step = pipeline.steps[i]
        source, assembly = _transformer(
            nodes, step, source, columns, {}, _join(path, name), pipeline.memory
        )
        steps.append((i, assembly))
        columns = ()
    return source, Piped(pipeline, tuple(steps))


def _joined(
    nodes: PathsAndNodes,
    estimator: Any,
    source: int,
    columns: tuple[Columns, ...],
    path: str,
) -> tuple[int, Assembly]:
    parts = {}
    for name, part, selected in _parts_of(estimator):
        parts[name] = _transformer(
            nodes, part, source, (*columns, *selected), {}, _join(path, name), None
        )
    number = len(nodes) + 1
    nodes.append((path, Joined(number, source, columns, estimator, parts)))
    return number, number


def _parts_of(estimator: Any) -> list[tuple[str, Estimator, tuple[Columns, ...]]]:
    """Return the parts that are fitted, with the columns that they are given."""
    if type(estimator) is FeatureUnion:
        return [
            (name, part, ())
            for name, part in estimator.transformer_list
            if not isinstance(part, str)
        ]
    layout = tuple((name, columns) for name, _, columns in estimator.transformers)
    parts: list[tuple[str, Estimator, tuple[Columns, ...]]] = [
        (name, part, (Columns(((name, columns),), name),))
        for name, part, columns in estimator.transformers
        if not isinstance(part, str)
    ]
    if not isinstance(estimator.remainder, str):
        parts.append((REMAINDER, estimator.remainder, (Columns(layout, REMAINDER),)))
    return parts


def with_stand_ins(estimator: Any, stand_ins: Mapping[str, Any]) -> Any:
    """Copy a FeatureUnion or ColumnTransformer, with other transformers.

    Parameters
    ----------
    estimator : FeatureUnion or ColumnTransformer
    stand_ins : mapping of str to object
        By name of the part.
    """
    joined = with_parts(clone(estimator), stand_ins)
    joined.n_jobs = None  # stand-ins need no time
    return joined


def with_parts(estimator: Any, parts: Mapping[str, Any]) -> Any:
    """Copy a FeatureUnion or ColumnTransformer shallowly, with other transformers.

    Parameters
    ----------
    estimator : FeatureUnion or ColumnTransformer
    parts : mapping of str to object
        By name.
    """
    joined = copy.copy(estimator)
    if type(joined) is FeatureUnion:
        joined.transformer_list = [
            (name, parts.get(name, part)) for name, part in estimator.transformer_list
        ]
        return joined
    _set_columns(joined, estimator, parts)
    return joined


def _set_columns(joined: Any, estimator: Any, parts: Mapping[str, Any]) -> None:
    """Give a ColumnTransformer the transformers of another one, some replaced."""
    joined.transformers = [
        (name, parts.get(name, part), columns)
        for name, part, columns in estimator.transformers
    ]
    joined.remainder = parts.get(REMAINDER, estimator.remainder)


def without_stand_ins(
    joined: Any, estimator: Any, stand_ins: Mapping[str, Any]
) -> None:
    """Replace stand-ins by the fitted transformers."""
    fitted = {id(stand_in): stand_in.fitted for stand_in in stand_ins.values()}
    if type(joined) is FeatureUnion:
        joined.transformer_list = [
            (name, fitted.get(id(part), part)) for name, part in joined.transformer_list
        ]
    else:
        joined.transformers_ = [
            (name, fitted.get(id(part), part), columns)
            for name, part, columns in joined.transformers_
        ]
        # Unfitted, with the candidate's parameters, as scikit-learn leaves them.
        given = {name: clone(part.fitted) for name, part in stand_ins.items()}
        _set_columns(joined, estimator, given)
    joined.n_jobs = estimator.n_jobs


def _pipeline_routes(estimator: Any, method: str, params: Mapping[str, str]) -> Any:
    """Return which step of a pipeline gets which parameters; None to leave it whole."""
    if type(estimator) is not Pipeline or estimator.transform_input is not None:
        return None
    try:
        estimator._validate_steps()
        return estimator._check_method_params(method=method, props=dict(params))
    except Exception:  # scikit-learn says the same where it is fitted
        return None


def _can_take(estimator: Any) -> bool:
    """Return whether this is a composite with valid parts."""
    if type(estimator) not in (FeatureUnion, ColumnTransformer):
        return False
    try:
        estimator._validate_transformers()
        names = [name for name, _, _ in _parts_of(estimator)]
    except Exception:  # scikit-learn says the same where it is fitted
        return False
    # Without transformers there may be weights, which scikit-learn refuses in `fit`.
    return bool(names)


def _is_through(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")


def _join(path: str, name: str) -> str:
    return f"{path}__{name}" if path else name
