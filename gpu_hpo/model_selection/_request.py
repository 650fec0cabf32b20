# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What the user asks for, checked before there is a cluster or any work."""

from __future__ import annotations

import inspect
import reprlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse
from dask.base import is_dask_collection
from distributed import Future
from sklearn.exceptions import DataConversionWarning
from sklearn.utils import get_tags
from sklearn.utils.metadata_routing import _routing_enabled, process_routing

from gpu_hpo.data import Blocks, as_blocks, is_per_row, known_length, root_seed
from gpu_hpo.devices import is_device_array
from gpu_hpo.model_selection._search_space import check_space
from gpu_hpo.training import Budget, make_scoring


@dataclass
class Request:
    """A search as asked for: everything that is known before a cluster is.

    Attributes
    ----------
    blocks : Blocks
    whole : dict
        Fit parameters that go to every call as they are.
    fit_rows, score_rows : tuple of str
        Per-row parameters of `partial_fit` or `fit`, and of the scorer.
    seed : numpy.random.SeedSequence
    """

    blocks: Blocks
    whole: dict[str, Any]
    fit_rows: tuple[str, ...]
    score_rows: tuple[str, ...]
    seed: np.random.SeedSequence


def read_request(
    search: Any,
    X: Any,
    y: Any,
    fit_params: dict[str, Any],
    budget: Budget,
    max_calls: int,
) -> Request:
    """Check everything that `search.fit` was given.

    Parameters
    ----------
    search : BaseIncrementalSearchCV
    X, y, fit_params
        As given to its `fit`.
    budget : Budget
    max_calls : int
        Most calls of any model.

    Raises
    ------
    ValueError, TypeError
        Naming the argument and its value.
    """
    _check_has_rows("X", X)
    if y is not None:
        _check_has_rows("y", y)
    if not isinstance(search.estimator, Future):
        check_estimator(search, search.estimator, budget)
        y = _check_data(search.estimator, X, y)
    fit, score = _route(search, fit_params, budget.method)
    if not isinstance(search.estimator, Future):
        _check_fit_params(search.estimator, fit, budget.method)
    n = known_length(X)
    # A sample_weight of another length is an error, not a parameter for every call.
    rows = {
        name: value
        for name, value in (fit | score).items()
        if value is not None
        and name != "classes"
        and (name == "sample_weight" or is_per_row(value, n))
    }
    _check_one_place({"X": X, "y": y, **rows})
    blocks = as_blocks(X, y, rows, **budget.cut(n or 0, max_calls, search.chunk_size))
    budget.check_chunks(len(blocks.blocks), max_calls)
    return Request(
        blocks=blocks,
        whole={name: value for name, value in fit.items() if name not in rows},
        fit_rows=tuple(name for name in fit if name in rows),
        score_rows=tuple(name for name in score if name in rows),
        seed=root_seed(search.random_state),
    )


def check_estimator(search: Any, estimator: Any, budget: Budget) -> None:
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
    make_scoring(estimator, search.scoring, search.refit)


def _check_has_rows(name: str, value: Any) -> None:
    if is_dask_collection(value):
        return
    shape = getattr(value, "shape", None)
    rowless = shape == () if shape is not None else not hasattr(value, "__len__")
    if rowless or isinstance(value, str | bytes | Mapping):
        raise TypeError(
            f"{name} must be an array, a frame or a Dask collection with one row per "
            f"sample; got {reprlib.repr(value)}"
        )


def _check_one_place(data: Mapping[str, Any]) -> None:
    """Raise if some of what has rows is on the host and some on a device."""
    places = {
        name: is_device_array(value)
        for name, value in data.items()
        # What is no number cannot be on a device, and its codes will be.
        if value is not None and (name == "X" or _is_numeric(value))
    }
    apart = [name for name, place in places.items() if place != places["X"]]
    if apart:
        here, there = type(data["X"]), type(data[apart[0]])
        raise TypeError(
            f"X is a {here.__module__}.{here.__qualname__} on the "
            f"{'device' if places['X'] else 'host'}, but {apart[0]} is a "
            f"{there.__module__}.{there.__qualname__} on the "
            f"{'host' if places['X'] else 'device'}: move one with "
            "gpu_hpo.devices.to_device or to_host"
        )


def _is_numeric(value: Any) -> bool:
    dtype = getattr(value, "dtype", None)
    if dtype is None and isinstance(value, list | tuple) and len(value):
        dtype = np.asarray(value[:1]).dtype
    return getattr(dtype, "kind", "O") in "biuf"


def _check_data(estimator: Any, X: Any, y: Any) -> Any:
    """Check X and y for what `estimator` says of itself; give y as it wants it."""
    tags = get_tags(estimator)
    wants = tags.input_tags
    if wants.two_d_array and not (wants.one_d_array or wants.three_d_array):
        # Of a list the first row tells; without rows there is another error to come.
        ndim = getattr(X, "ndim", None) or (1 + np.ndim(X[0]) if len(X) else 2)
        if ndim != 2:
            raise ValueError(
                "X must be two-dimensional, of shape (n_samples, n_features); got "
                f"{ndim} dimension{'s' if ndim > 1 else ''}"
            )
    if y is None and tags.target_tags.required:
        raise ValueError(f"y=None, but estimator={estimator!r} needs y")
    column = getattr(y, "ndim", 1) == 2 and y.shape[1] == 1
    if not column or tags.target_tags.multi_output or scipy.sparse.issparse(y):
        return y
    warnings.warn(
        "y is a column of shape (n_samples, 1); it is used as an array of shape "
        "(n_samples,)",
        DataConversionWarning,
        stacklevel=2,
    )
    return y.iloc[:, 0] if hasattr(y, "iloc") else y[:, 0]


def _route(
    search: Any, params: dict[str, Any], method: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Fit parameters by who gets them: `method` of the estimator, and the scorer."""
    if _routing_enabled():
        routed = process_routing(search, "fit", **params)
        return dict(routed.estimator[method]), dict(routed.scorer.score)
    weights = {k: v for k, v in params.items() if k == "sample_weight"}
    return dict(params), weights


def _check_fit_params(estimator: Any, params: Mapping[str, Any], method: str) -> None:
    takes = inspect.signature(getattr(estimator, method)).parameters
    if any(p.kind is p.VAR_KEYWORD for p in takes.values()):
        return
    for name, value in params.items():
        if name not in takes:
            raise TypeError(
                f"fit got {name}={reprlib.repr(value)}, which {method} of "
                f"{type(estimator).__name__} does not take"
            )
