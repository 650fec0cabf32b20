# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Take composites apart, and put fitted parts together again."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sklearn.base import clone
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import FeatureUnion, Pipeline

from gpu_hpo.exhaustive.plan._columns import REMAINDER, Columns
from gpu_hpo.exhaustive.plan._nodes import Routes

# In the place of a number: what only the caller has.
LAST = -1


@dataclass(frozen=True, eq=False)
class Piped:
    """A pipeline of which each step has been fitted by itself.

    Attributes
    ----------
    pipeline : Pipeline
        Not fitted.
    steps : tuple of (int, object)
        Which of its steps, and the number of the node that has fitted it, or another
        `Piped`.
    """

    pipeline: Pipeline
    steps: tuple[tuple[int, Any], ...]


def assemble(assembly: Any, fitted: Mapping[int, Any]) -> Any:
    """Make one fitted estimator of fitted steps.

    Parameters
    ----------
    assembly : int or Piped
    fitted : mapping of int to estimator
        By number of the node.
    """
    if not isinstance(assembly, Piped):
        return fitted[assembly]
    pipeline = copy.copy(assembly.pipeline)
    pipeline.steps = list(pipeline.steps)
    for i, part in assembly.steps:
        pipeline.steps[i] = (pipeline.steps[i][0], assemble(part, fitted))
    return pipeline


def nodes_in(assembly: Any) -> Iterator[int]:
    """Yield the numbers of the nodes that `assemble` asks for."""
    if not isinstance(assembly, Piped):
        yield assembly
        return
    for _, part in assembly.steps:
        yield from nodes_in(part)


class Parts(Protocol):
    """A receiver of the parts of an estimator, which gives each a number."""

    def step(
        self,
        path: str,
        estimator: Any,
        source: int,
        columns: tuple[Columns, ...],
        routes: Routes,
        memory: Any,
    ) -> int:
        """Return the number of a transformer's node; `path` leads to it."""

    def joined(
        self,
        path: str,
        estimator: Any,
        source: int,
        columns: tuple[Columns, ...],
        parts: Mapping[str, tuple[int, Any]],
    ) -> int:
        """Return the number of the node of a FeatureUnion or ColumnTransformer."""


def take_apart(
    parts: Parts,
    estimator: Any,
    source: int,
    names: Sequence[str],
    path: str = "",
) -> tuple[int, Any, str, Any, Routes]:
    """Take the estimator of a candidate apart.

    Parameters
    ----------
    parts : Parts
        Gets all but the last step.
    estimator : estimator
        Not fitted.
    source : int
        The node that it would be fitted to.
    names : sequence of str
        Fit parameters of the search.
    path : str
        Leads to it from the candidate's.

    Returns
    -------
    source : int
        The node that the last step is to be fitted to.
    last : estimator
        The last step.
    path : str
        Leads to it from the candidate's.
    assembly : Piped or None
        How the estimator is put together from fitted steps and `LAST`.
    routes : dict
        Fit parameters of the last step.
    """
    found = _pipeline_routes(estimator, "fit", {name: name for name in names})
    if found is None or _is_through(estimator.steps[-1][1]):
        return as_one_step(estimator, source, names, path)
    steps = []
    for i, (name, step) in enumerate(estimator.steps[:-1]):
        if _is_through(step):
            continue
        source, fitted = _transformer(
            parts, step, source, (), found[name], _join(path, name), estimator.memory
        )
        steps.append((i, fitted))
    name, last = estimator.steps[-1]
    path = _join(path, name)
    if any(found[name].values()):
        # The estimator itself decides which of its steps get them.
        inner, routes = None, found[name]
    else:
        source, last, path, inner, routes = take_apart(parts, last, source, (), path)
    steps.append((len(estimator.steps) - 1, LAST if inner is None else inner))
    return source, last, path, Piped(estimator, tuple(steps)), routes


def as_one_step(
    estimator: Any, source: int, names: Sequence[str], path: str = ""
) -> tuple[int, Any, str, Any, Routes]:
    """Return what `take_apart` does for an estimator that is one step."""
    return source, estimator, path, None, {"fit": {name: name for name in names}}


def _transformer(
    parts: Parts,
    estimator: Any,
    source: int,
    columns: tuple[Columns, ...],
    routes: Routes,
    path: str,
    memory: Any,
) -> tuple[int, Any]:
    """Return the node with a transformer's output, and how it is put together."""
    if not any(routes.values()):
        if type(estimator) is Pipeline:
            taken = _taken_pipeline(parts, estimator, source, columns, path)
            if taken is not None:
                return taken
        elif _can_take(estimator):
            number = _join_parts(parts, estimator, source, columns, path)
            return number, number
    number = parts.step(path, estimator, source, columns, routes, memory)
    return number, number


def _taken_pipeline(
    parts: Parts, pipeline: Any, source: int, columns: tuple[Columns, ...], path: str
) -> tuple[int, Any] | None:
    routes = _pipeline_routes(pipeline, "fit_transform", {})
    used = [i for i, (_, step) in enumerate(pipeline.steps) if not _is_through(step)]
    if routes is None or not used:
        return None
    steps = []
    for i in used:
        name, step = pipeline.steps[i]
        source, fitted = _transformer(
            parts, step, source, columns, {}, _join(path, name), pipeline.memory
        )
        steps.append((i, fitted))
        columns = ()
    return source, Piped(pipeline, tuple(steps))


def _join_parts(
    parts: Parts, estimator: Any, source: int, columns: tuple[Columns, ...], path: str
) -> int:
    found = {}
    for name, part, taken in _parts_of(estimator):
        number, fitted = _transformer(
            parts, part, source, (*columns, *taken), {}, _join(path, name), None
        )
        found[name] = number, fitted
    return parts.joined(path, estimator, source, columns, found)


def _parts_of(estimator: Any) -> list[tuple[str, Any, tuple[Columns, ...]]]:
    """Return the parts that are fitted, with the columns that they are given."""
    if type(estimator) is FeatureUnion:
        return [
            (name, part, ())
            for name, part in estimator.transformer_list
            if not isinstance(part, str)
        ]
    layout = tuple((name, columns) for name, _, columns in estimator.transformers)
    found: list[tuple[str, Any, tuple[Columns, ...]]] = [
        (name, part, (Columns(((name, columns),), name),))
        for name, part, columns in estimator.transformers
        if not isinstance(part, str)
    ]
    if not isinstance(estimator.remainder, str):
        found.append((REMAINDER, estimator.remainder, (Columns(layout, REMAINDER),)))
    return found


def with_stand_ins(estimator: Any, stand_ins: Mapping[str, Any]) -> Any:
    """Copy a FeatureUnion or ColumnTransformer, with other parts.

    Parameters
    ----------
    estimator : FeatureUnion or ColumnTransformer
    stand_ins : mapping of str to object
        By name of the part.
    """
    joined = with_parts(clone(estimator), stand_ins)
    joined.n_jobs = None  # there is nothing left to do
    return joined


def with_parts(estimator: Any, parts: Mapping[str, Any]) -> Any:
    """Copy a FeatureUnion or ColumnTransformer, shallowly, with other parts.

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
    joined.transformers = [
        (name, parts.get(name, part), columns)
        for name, part, columns in estimator.transformers
    ]
    joined.remainder = parts.get(REMAINDER, estimator.remainder)
    return joined


def without_stand_ins(
    joined: Any, estimator: Any, stand_ins: Mapping[str, Any]
) -> None:
    """Put fitted parts into the place of those that stood in for them."""
    real = {id(stand_in): stand_in.fitted for stand_in in stand_ins.values()}

    def own(part: Any) -> Any:
        return real.get(id(part), part)

    if type(joined) is FeatureUnion:
        joined.transformer_list = [
            (n, own(part)) for n, part in joined.transformer_list
        ]
    else:
        joined.transformers_ = [
            (n, own(part), c) for n, part, c in joined.transformers_
        ]
        # As they were given: not fitted, and with the candidate's parameters.
        given = {name: clone(part.fitted) for name, part in stand_ins.items()}
        joined.transformers = [
            (name, given.get(name, part), c) for name, part, c in estimator.transformers
        ]
        joined.remainder = given.get(REMAINDER, estimator.remainder)
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
    # Without parts there may be weights, which scikit-learn refuses in `fit`.
    return bool(names)


def _is_through(step: Any) -> bool:
    return step is None or (isinstance(step, str) and step == "passthrough")


def _join(path: str, name: str) -> str:
    return f"{path}__{name}" if path else name
