# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""A fold and what transformers make of it, fitted once for all candidates.

What a task gives to others travels as plain dicts, so that the accounting and the
spilling of Dask and dask-cuda see the arrays inside.
"""

from __future__ import annotations

import os
import time
import traceback
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any

from sklearn import config_context
from sklearn.base import clone
from sklearn.utils.validation import check_memory

from gpu_hpo.data import cut, cut_params
from gpu_hpo.decomposition import (
    Columns,
    Joined,
    StandIn,
    Step,
    put_together,
    with_stand_ins,
    without_stand_ins,
)
from gpu_hpo.devices import annotated, cuml_task, is_device_array
from gpu_hpo.training._own_rows import own_params, own_rows

# The rows of a split, and what has become of them: "train" and "test" X; "again", the
# rows that train as `transform` gives them, where scores of these are asked for. Beside
# them "times", per node (seconds of fits, seconds of transforms), "fitted", per node
# the estimator if anybody asks for it, and "error", why there is nothing of all this.
State = dict[str, Any]
# y, fit parameters and score parameters of a split: "y_train", "y_test", "fit",
# "score_train", "score_test".
Rows = dict[str, Any]

TRANSFORMED = ("test", "again")


@dataclass(frozen=True)
class Terms:
    """What holds for all fits of an exhaustive search.

    Attributes
    ----------
    scorer : callable
        As scikit-learn's searches make it of `scoring`.
    error_score : "raise" or float
    return_train_score : bool
    config : dict
        Scikit-learn's settings where the search was started.
    keep_fitted : bool
        Whether somebody asks for the fitted steps before the last one.
    filters : tuple
        Which warnings are shown, and which are errors, where the search was started.
    process : int
        Where that was.
    """

    scorer: Any
    error_score: Any
    return_train_score: bool = False
    config: Mapping[str, Any] = field(default_factory=dict)
    keep_fitted: bool = False
    filters: tuple[Any, ...] = field(default_factory=lambda: tuple(warnings.filters))
    process: int = field(default_factory=os.getpid)

    @property
    def raises(self) -> bool:
        """Whether the first failure ends the search."""
        return isinstance(self.error_score, str)

    @contextmanager
    def task(self, X: Any = None) -> Iterator[None]:
        """Work under the settings of the search.

        cuML leaves what it answers for rows on a device there, and gives NumPy's arrays
        for those.
        """
        on_device = _is_rows(X) and is_device_array(X)
        cuml = cuml_task(assume_finite=False) if on_device else nullcontext()
        with config_context(**dict(self.config)), cuml, self._filtered():
            yield

    @contextmanager
    def _filtered(self) -> Iterator[None]:
        """Have the search's filters of warnings in another process."""
        if os.getpid() == self.process:
            yield
            return
        with warnings.catch_warnings():
            filters: Any = warnings.filters
            filters[:] = self.filters
            yield


@dataclass(frozen=True)
class Failure:
    """Why a fit gave nothing: a traceback, which compares as scikit-learn's."""

    text: str


def cut_fold(
    terms: Terms, data: Mapping[str, Any], train: Any, test: Any, pairwise: bool
) -> State:
    """Cut the rows of a split out of X.

    Parameters
    ----------
    terms : Terms
    data : mapping
        "X", "y", "fit" and "score" parameters.
    train, test : array
        Row numbers.
    pairwise : bool
        Whether columns of X are samples, too.
    """
    with terms.task(), annotated("cut"):
        columns = train if pairwise else None
        X = data["X"]
        state: State = {
            "train": cut(X, train, columns),
            "test": cut(X, test, columns),
            "times": {},
            "fitted": {},
            "error": None,
        }
        state["again"] = state["train"] if terms.return_train_score else None
        return state


def cut_rows(terms: Terms, data: Mapping[str, Any], train: Any, test: Any) -> Rows:
    """Cut the rows of a split out of all but X; parameters as `cut_fold`."""
    with terms.task():
        X, fit, score = data["X"], data["fit"], data["score"]
        return {
            "y_train": cut(data["y"], train),
            "y_test": cut(data["y"], test),
            "fit": cut_params(X, fit, train),
            "score_train": cut_params(X, score, train),
            "score_test": cut_params(X, score, test),
        }


def fit_step(terms: Terms, step: Step, keep: bool, source: State, rows: Rows) -> State:
    """Fit a transformer, and transform what the fold has become so far.

    Parameters
    ----------
    terms : Terms
    step : Step
    keep : bool
        Whether somebody will ask for the fitted transformer.
    source : State
    rows : Rows
    """
    with terms.task(source.get("train")), annotated("fit"):
        return _carry_out(terms, _fitted_step, step, keep, source, rows)


def join_parts(
    terms: Terms, joined: Joined, keep: bool, source: State, rows: Rows, *parts: State
) -> State:
    """Put together what the parts of a composite have made of the fold.

    Parameters
    ----------
    terms, joined, keep, source, rows
        As of `fit_step`.
    *parts : State
        In the order of ``joined.parts``.
    """
    failed = [part for part in parts if part["error"] is not None]
    if failed:
        return failed[0]
    with terms.task(source.get("train")), annotated("join"):
        return _carry_out(terms, _fitted_joined, joined, keep, source, rows, *parts)


def _carry_out(
    terms: Terms, fit: Any, node: Any, keep: bool, source: State, *args: Any
) -> State:
    if source["error"] is not None:
        return source
    times = dict(source["times"])
    fitted = dict(source["fitted"]) if keep else {}
    begin = time.time()
    try:
        given = _columns(node.columns, source)
        state = fit(node, begin, given, times, fitted, *args)
    except Exception:
        if terms.raises:
            raise
        times[node.number] = (time.time() - begin, 0.0)
        return {"error": Failure(traceback.format_exc()), "times": times}
    if not keep:
        state["fitted"] = {}
    return state


def _fitted_step(
    step: Step, begin: float, given: State, times: Any, fitted: Any, rows: Rows
) -> State:
    if given["train"] is None:
        # No columns: scikit-learn does not ask for this part.
        return {**given, "times": times, "fitted": fitted, "error": None}
    estimator = clone(step.estimator)
    params = {
        method: own_params(
            {name: rows["fit"][known] for name, known in route.items()}, estimator
        )
        for method, route in step.routes.items()
    }
    fit = check_memory(step.memory).cache(_fit_transform)
    train, estimator = fit(
        estimator,
        own_rows(given["train"], estimator),
        own_rows(rows["y_train"], estimator),
        params,
    )
    fitted[step.number] = estimator
    fit_time = time.time() - begin
    state: State = {"train": train, "fitted": fitted, "error": None}
    for name in TRANSFORMED:
        start = time.time()
        X = given[name]
        if _is_rows(X):
            X = own_rows(X, estimator)
        # Without metadata, as a pipeline that is asked for predictions does.
        state[name] = _transformed(estimator, X)
        if name == "test":
            times[step.number] = (fit_time, time.time() - start)
    state["times"] = times
    return state


def _fit_transform(transformer: Any, X: Any, y: Any, params: Any) -> tuple[Any, Any]:
    """Fit and transform as a step of a pipeline."""
    if hasattr(transformer, "fit_transform"):
        return transformer.fit_transform(
            X, y, **params.get("fit_transform", {})
        ), transformer
    transformer.fit(X, y, **params.get("fit", {}))
    return transformer.transform(X, **params.get("transform", {})), transformer


def _transformed(transformer: Any, X: Any) -> Any:
    """What becomes of rows that did not train; the error, if they cannot be scored."""
    if not _is_rows(X):
        return X
    try:
        return transformer.transform(X)
    except Exception as error:
        return error


def _fitted_joined(
    joined: Joined,
    begin: float,
    given: State,
    times: Any,
    fitted: Any,
    rows: Rows,
    *parts: State,
) -> State:
    if given["train"] is None:
        return {**given, "times": times, "fitted": fitted, "error": None}
    kinds = ["train", *(name for name in TRANSFORMED if given[name] is not None)]
    stand_ins = {}
    for (name, (_, whole)), part in zip(joined.parts.items(), parts, strict=True):
        times |= part["times"]
        fitted |= part["fitted"]
        if part["train"] is not None:
            answers = {kind: part[kind] for kind in kinds}
            stand_ins[name] = StandIn(put_together(whole, part["fitted"]), answers)
    estimator = with_stand_ins(joined.estimator, stand_ins)
    state: State = dict.fromkeys(TRANSFORMED)
    state["train"] = estimator.fit_transform(given["train"], rows["y_train"])
    fit_time, score_time = time.time() - begin, 0.0
    for kind in kinds[1:]:
        for stand_in in stand_ins.values():
            stand_in.kind = kind
        start = time.time()
        state[kind] = _transformed(estimator, given[kind])
        if kind == "test":
            score_time = time.time() - start
    without_stand_ins(estimator, joined.estimator, stand_ins)
    fitted[joined.number] = estimator
    times[joined.number] = (fit_time, score_time)
    return state | {"times": times, "fitted": fitted, "error": None}


def _columns(columns: tuple[Columns, ...], source: State) -> State:
    """What a node is given of what its source has made."""
    given = {name: source[name] for name in ("train", *TRANSFORMED)}
    for selection in columns:
        others = [name for name in TRANSFORMED if _is_rows(given[name])]
        found = selection.of(given["train"], [given[name] for name in others])
        if found is None:
            return dict.fromkeys(given)
        given |= dict(zip(["train", *others], found, strict=True))
    return given


def _is_rows(X: Any) -> bool:
    return X is not None and not isinstance(X, Exception)
