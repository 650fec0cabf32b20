# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Check what the user asks for, before there is a cluster or any work."""

from __future__ import annotations

import reprlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Integral
from typing import Any

import numpy as np
from dask.base import is_dask_collection
from distributed import Client, Future
from sklearn import get_config
from sklearn.base import clone

from gpu_hpo._sklearn_private import _routing_enabled
from gpu_hpo._typing import ArrayLike, CrossValidation, Estimator
from gpu_hpo.adaptive._routing import route
from gpu_hpo.adaptive._row_checks import (
    check_data,
    check_has_rows,
    check_one_place,
    check_weight,
)
from gpu_hpo.adaptive._search_space import check_space
from gpu_hpo.adaptive.data._splitting import count_groups
from gpu_hpo.adaptive.training._budgets import Budget
from gpu_hpo.data._blocks import (
    Blocks,
    as_blocks,
    as_rows,
    is_per_row,
    known_length,
)
from gpu_hpo.data._chunk import GROUPS
from gpu_hpo.data._random_split import root_seed
from gpu_hpo.devices._namespace import is_device_array, is_table
from gpu_hpo.devices._params import is_estimator
from gpu_hpo.metrics._requests import Asked
from gpu_hpo.metrics._scoring import make_scoring

_SEVERAL = (list, tuple, set, Mapping)  # of metrics


@dataclass
class SearchArgs:
    """A search as the user asked for it: all that is known before there is a cluster.

    Attributes
    ----------
    blocks : Blocks
    whole : dict
        Fit parameters that go to every call unchanged.
    fit_rows, score_rows : tuple of str
        Per-row parameters of `partial_fit` or `fit`, and of the scorers, by their keys
        in chunks.
    asked : dict of str to Asked, or None
        What each metric's scorer gets, if metadata are routed.
    seed : numpy.random.SeedSequence
    test_size, cv, stratify, refit
        As given to the search.
    X, y, groups
        As given to its `fit`.
    validation : Blocks or None
        Validation rows, if the user gave them.
    scoring
        As given to the search.
    config : dict
        scikit-learn's settings in the user's thread.
    spent : float
        Seconds that `fit` has taken before it had a cluster.
    """

    blocks: Blocks
    whole: dict[str, Any]
    fit_rows: tuple[str, ...]
    score_rows: tuple[str, ...]
    asked: dict[str, Asked] | None
    seed: np.random.SeedSequence
    test_size: float | None = None
    cv: Any = None
    stratify: bool | None = None
    X: Any = None
    y: Any = None
    groups: Any = None
    validation: Blocks | None = None
    refit: bool | str | None = None
    scoring: Any = None
    config: dict[str, Any] = field(default_factory=get_config)
    spent: float = 0.0

    @property
    def weights(self) -> tuple[str, ...]:
        """Those of `fit_rows` that are weights, of the model or of one step."""
        return tuple(
            name
            for name in self.fit_rows
            if name.rpartition("__")[2] == "sample_weight"
        )


def read_search_args(
    search: Any,
    X: ArrayLike,
    y: ArrayLike | None,
    fit_params: dict[str, Any],
    budget: Budget,
    max_calls: int,
    *,
    groups: ArrayLike | None = None,
    validation_data: Any = None,
) -> SearchArgs:
    """Check everything that `search.fit` was given.

    Parameters
    ----------
    search : BaseIncrementalSearchCV
    X, y, fit_params, groups, validation_data
        As given to its `fit`.
    budget : Budget
    max_calls : int
        Most calls of any model.

    Raises
    ------
    ValueError, TypeError
        Naming the argument and its value.
    """
    X, y, groups = (
        as_rows(*given) for given in (("X", X), ("y", y), ("groups", groups))
    )
    fit_params = {name: as_rows(name, value) for name, value in fit_params.items()}
    for name, value in {"X": X, "y": y, "groups": groups}.items():
        if name == "X" or value is not None:
            check_has_rows(name, value)
    _check_validation(search, groups, validation_data)
    if groups is not None and not is_dask_collection(groups):
        count_groups(groups)  # raises if some are missing
    for name, value in fit_params.items():
        if name.rpartition("__")[2] == "sample_weight":
            check_weight(name, value)
    if not isinstance(search.estimator, Future):
        check_estimator(search, search.estimator, budget)
        y = check_data(search.estimator, X, y)
    routed = route(search, fit_params, groups, budget)
    fit, score = routed.fit, routed.score
    if not isinstance(search.estimator, Future):
        _check_fit_params(search.estimator, fit, budget)
    n = known_length(X)
    # A sample_weight of another length is an error, not a parameter for every call.
    rows = {
        name: value
        for name, value in (fit | score).items()
        if value is not None
        and name != "classes"
        and (name == "sample_weight" or is_per_row(value, n))
    }
    check_one_place({"X": X, "y": y, **rows})
    by_splitter = is_splitter(search.cv)
    by_row = rows if groups is None or by_splitter else {**rows, GROUPS: groups}
    # A chunk of consecutive rows could lie wholly in one group, or one fold.
    cut: dict[str, Any] = {"interleave": groups is not None or by_splitter}
    cut |= budget.cut(n or 0, search._calls_for_all_rows(), search.chunk_size)
    blocks = as_blocks(X, y, by_row, **cut)
    budget.check_chunks(len(blocks.blocks), max_calls)
    score_rows = tuple(name for name in score if name in rows)
    asked = routed.asked(rows)
    validation = None
    if validation_data is not None:
        validation, score_rows = _read_validation(
            search, X, y, validation_data, routed.names(score_rows)
        )
        if asked is not None:
            by_name = isinstance(validation_data[-1], Mapping)
            by_name = by_name or any(own.constants for own in asked.values())
            asked = routed.asked_of(search, score_rows, rows) if by_name else None
    return SearchArgs(
        blocks=blocks,
        whole={name: value for name, value in fit.items() if name not in rows},
        fit_rows=tuple(name for name in fit if name in rows),
        score_rows=score_rows,
        asked=asked,
        seed=root_seed(search.random_state),
        test_size=search.test_size,
        cv=search.cv,
        stratify=search.stratify,
        X=X,
        y=y,
        groups=groups,
        validation=validation,
        refit=search.refit,
        scoring=search.scoring,
    )


def _check_validation(
    search: Any, groups: ArrayLike | None, validation_data: Any
) -> None:
    """Raise if the arguments name two sets of rows to validate on."""
    ways = {
        "cv": search.cv,
        "test_size": search.test_size,
        "validation_data": validation_data,
    }
    given = [name for name, value in ways.items() if value is not None]
    if len(given) > 1:
        shown = " and ".join(f"{name}={reprlib.repr(ways[name])}" for name in given)
        raise ValueError(f"{shown} contradict each other: pass one of them")
    if validation_data is not None and groups is not None:
        raise ValueError("groups have no use where validation_data is given")
    if groups is not None and search.stratify:
        raise ValueError("stratify=True has no use where groups are given")


def _read_validation(
    search: Any, X: Any, y: Any, given: Any, score_rows: tuple[str, ...]
) -> tuple[Blocks, tuple[str, ...]]:
    """Return blocks to validate on, and the per-row parameters that the scorer gets."""
    if not isinstance(given, list | tuple) or not 2 <= len(given) <= 3:
        raise TypeError(
            "validation_data must be a tuple (X, y) or (X, y, sample_weight); got "
            f"{reprlib.repr(given)}"
        )
    X_held, y_held = as_rows("X", given[0]), as_rows("y", given[1])
    rows = _read_metadata((*given, None)[2])
    check_has_rows("X of validation_data", X_held)
    if (y is None) != (y_held is None):
        raise ValueError("y must be given for validation_data where it is for X")
    if y_held is not None:
        check_has_rows("y of validation_data", y_held)
    if is_device_array(X) != is_device_array(X_held):
        raise TypeError(
            "X and validation_data must both be on the host, or both on the device"
        )
    shapes = [x.shape if is_table(x) else np.shape(x) for x in (X, X_held)]
    widths = [shape[1] if len(shape) == 2 else None for shape in shapes]
    columns = [_names_of_columns(x) for x in (X, X_held)]
    if all(columns) and columns[0] != columns[1]:
        raise ValueError(
            f"X of validation_data has the columns {columns[1]}, but X has {columns[0]}"
        )
    if None not in widths and widths[0] != widths[1]:
        raise ValueError(
            f"validation_data has {widths[1]} features, but X has {widths[0]}"
        )
    if not isinstance(search.estimator, Future):
        y_held = check_data(search.estimator, X_held, y_held)
    check_weight("sample_weight of validation_data", rows.get("sample_weight"))
    missing = sorted(set(score_rows) - rows.keys())
    if missing == ["sample_weight"]:
        raise ValueError(
            "validation_data lacks sample_weight, by which scores are weighted: pass "
            "(X, y, sample_weight)"
        )
    if missing:
        raise ValueError(
            f"validation_data lacks {', '.join(missing)}, for which scorers ask: pass "
            f"(X, y, {{{missing[0]!r}: ...}})"
        )
    check_one_place({"X": X_held, "y": y_held, **rows})
    return as_blocks(X_held, y_held, rows), tuple(rows)


def _names_of_columns(X: Any) -> list[Any]:
    """Return the names of the columns of a frame or a table; [] if there are none."""
    name = "column_names" if is_table(X) and hasattr(X, "column_names") else "columns"
    return list(getattr(X, name, []))


def _read_metadata(given: Any) -> dict[str, Any]:
    """Return the per-row parameters of rows to validate on."""
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        return {"sample_weight": as_rows("sample_weight", given)}
    others = given.keys() - {"sample_weight"}
    if others and not _routing_enabled():
        raise ValueError(
            f"validation_data has {', '.join(sorted(others))}, which reach scorers "
            "only with sklearn.set_config(enable_metadata_routing=True)"
        )
    return {name: as_rows(name, value) for name, value in given.items()}


def is_splitter(cv: CrossValidation) -> bool:
    """Return whether `cv` is a splitter, which needs to see all rows at once."""
    return cv is not None and not isinstance(cv, Integral)


def check_estimator(search: Any, estimator: Estimator, budget: Budget) -> None:
    """Raise if `search` cannot train `estimator` with its space and scoring."""
    if isinstance(estimator, type):
        raise TypeError(
            f"estimator={estimator.__name__} must be an instance, not a class"
        )
    budget.check(estimator)
    check_space(estimator, search.parameters)
    spaces = search.parameters
    for space in [spaces] if isinstance(spaces, Mapping) else spaces:
        for name in budget.sets(estimator).keys() & space.keys():
            raise ValueError(
                f"parameters[{name!r}]={space[name]!r} cannot be searched: "
                f"resource={budget.resource!r} sets it"
            )
        _check_parts(estimator, space, budget)
    make_scoring(estimator, search.scoring, search.refit)
    if isinstance(search.refit, str) and not isinstance(search.scoring, _SEVERAL):
        raise ValueError(
            f"refit={search.refit!r} names a metric, but scoring={search.scoring!r} is "
            "not several: refit must be True, False or None"
        )


def _check_parts(
    estimator: Estimator, space: Mapping[str, Any], budget: Budget
) -> None:
    """Raise if the budget cannot train with some listed value of a step."""
    known = estimator.get_params(deep=True)
    for name, values in space.items():
        if hasattr(values, "rvs") or name not in known:
            continue
        for value in values:
            if not (is_estimator(value) or is_estimator(known[name])):
                continue
            changed = clone(estimator).set_params(**{name: clone(value, safe=False)})
            try:
                budget.check(changed)
            except ValueError as error:
                raise ValueError(
                    f"parameters[{name!r}] has the value {value!r}, but {error}"
                ) from error


def _check_fit_params(
    estimator: Estimator, params: Mapping[str, Any], budget: Budget
) -> None:
    for name, value in params.items():
        if not budget.takes_param(estimator, name):
            raise TypeError(
                f"fit got {name}={reprlib.repr(value)}, which {budget.method} of "
                f"{type(estimator).__name__} does not take with resource="
                f"{budget.resource!r}"
            )


async def compute_params(client: Client, params: dict[str, Any]) -> dict[str, Any]:
    """Return fit parameters with Dask collections replaced by their results."""
    futures = {
        name: value if isinstance(value, Future) else client.compute(value)
        for name, value in params.items()
        if isinstance(value, Future) or is_dask_collection(value)
    }
    return {**params, **await client.gather(futures, asynchronous=True)}
