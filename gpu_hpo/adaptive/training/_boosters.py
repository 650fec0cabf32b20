# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Grow ensembles: each call adds trees that are fitted to one more chunk.

Libraries are recognised by the modules of an estimator's class and its bases, so that
none has to be imported.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from numbers import Integral, Real
from typing import Any

import numpy as np
from sklearn.base import is_classifier, is_regressor

from gpu_hpo._typing import Estimator
from gpu_hpo.adaptive.training._budget import ByCalls, check_has_fit
from gpu_hpo.data._chunk import TARGETS, Chunk, n_rows, take_chunk_rows
from gpu_hpo.devices._namespace import array_namespace, is_device_array, to_host
from gpu_hpo.training._lending import Access, call_lent

# The parameter of `fit` for the model to continue.
_GOES_ON_FROM = {"xgboost": "xgb_model", "lightgbm": "init_model"}
_BASES = {"xgboost": "XGBModel", "lightgbm": "LGBMModel"}
_FORESTS = frozenset(
    {
        "ExtraTreesClassifier",
        "ExtraTreesRegressor",
        "RandomForestClassifier",
        "RandomForestRegressor",
    }
)
_WARM_STARTED = _FORESTS | {"GradientBoostingClassifier", "GradientBoostingRegressor"}
# They sort rows into bins that were made from the first rows.
_SAME_ROWS_ONLY = frozenset(
    {"HistGradientBoostingClassifier", "HistGradientBoostingRegressor"}
)
# With these a call would end early, judged by validation rows that are missing or held
# back, or trees would be judged by rows of other chunks.
_STOPPING = (
    "early_stopping_rounds",
    "early_stopping_round",
    "early_stopping",
    "n_iter_no_change",
    "oob_score",
)
# The search decides which model to continue.
_OURS = frozenset({"xgb_model", "init_model"})


class BoostingRounds(ByCalls):
    """One call adds a model's own number of trees, fitted to one more chunk.

    A search over that number (`n_estimators`) is one over how much a call does. The
    model goes on from what it is, by XGBoost's, LightGBM's or scikit-learn's way to do
    that.
    """

    def __init__(self) -> None:
        super().__init__("boosting_rounds")

    def check(self, estimator: Estimator) -> None:
        check_has_fit(estimator, self.resource)
        reason = _cannot_go_on(estimator)
        if reason is not None:
            raise ValueError(f"resource={self.resource!r} {reason}")

    def check_least(self, estimator: Estimator, calls: int) -> None:
        """Do nothing: no parameter is set to a number of calls."""

    def check_labels(self, estimator: Estimator, labels: np.ndarray) -> None:
        if _library(estimator) == "xgboost" and not np.array_equal(
            labels, np.arange(len(labels))
        ):
            raise ValueError(
                f"{type(estimator).__name__} takes the labels 0 to {len(labels) - 1}, "
                f"but y has {np.asarray(labels).tolist()}: encode them, as by "
                "sklearn.preprocessing.LabelEncoder"
            )

    def sets(self, estimator: Estimator) -> dict[str, Any]:
        names = ["warm_start"] if _library(estimator) == "sklearn" else []
        params = estimator.get_params(deep=False)
        return {name: params[name] for name in (*names, *_stopping(estimator))}

    def takes_param(self, estimator: Any, name: str) -> bool:
        if name == "classes":
            return is_classifier(estimator)
        # Validation rows, only for stopping: "eval_set", "sample_weight_eval_set".
        if name in _OURS or ("eval" in name and name != "eval_metric"):
            return False
        return name in inspect.signature(estimator.fit).parameters

    def takes_classes(self, estimator: Estimator) -> bool:
        return is_classifier(estimator)

    def cut(
        self, n_samples: int, all_calls: int, chunk_size: int | None
    ) -> dict[str, int | None]:
        # Chunks of sorted data would lack classes, and trees are never revised.
        return {"chunk_size": chunk_size, "interleave": True}

    def train(
        self,
        model: Estimator,
        chunk: Chunk,
        params: dict[str, Any],
        classes: np.ndarray | None,
        *,
        first: bool,
        access: Access,
    ) -> None:
        def boost_lent(*rows: Any, **others: Any) -> None:
            lent = dict(zip(chunk, rows, strict=True))
            given = {**others, **{n: lent[n] for n in params if n in lent}}
            boost(model, lent, given, classes, first=first)

        others = {name: value for name, value in params.items() if name not in chunk}
        call_lent(boost_lent, list(chunk.values()), others, access)


def _cannot_go_on(estimator: Estimator) -> str | None:
    """Return why an estimator cannot continue with other rows; None if it can.

    Parameters
    ----------
    estimator : estimator

    Returns
    -------
    str or None
        The rest of a sentence that begins with the estimator.
    """
    name = type(estimator).__name__
    if set(_names(estimator, "sklearn")) & _SAME_ROWS_ONLY:
        return (
            f"needs an estimator that goes on with other rows; {name} goes on with "
            "those that it began with only, as by resource='warm_start'"
        )
    library = _library(estimator)
    if library is None:
        return (
            "needs an estimator that goes on with other rows, XGBoost's, LightGBM's, "
            "or scikit-learn's GradientBoosting, RandomForest and ExtraTrees; got "
            f"{estimator!r}"
        )
    if not (is_classifier(estimator) or is_regressor(estimator)):
        return f"needs a classifier or a regressor; {name} is neither"
    for param, value in _stopping(estimator).items():
        if value and not (isinstance(value, Real) and value < 0):
            return (
                f"scores and stops models by itself; {name} must not have {param}="
                f"{value!r}"
            )
    return None


def boost(
    model: Any,
    chunk: Chunk,
    params: Mapping[str, Any],
    classes: np.ndarray | None,
    *,
    first: bool,
) -> None:
    """Fit as many new trees as a model's parameters say to a chunk, in place.

    Parameters
    ----------
    model : estimator
        Its parameters are the same afterwards, except that an `n_jobs` of None becomes
        1: many models train side by side, so each has one thread.
    chunk : Chunk
    params : mapping of str to object
        Parameters of `fit`; per-row ones have the same names as in the chunk.
    classes : ndarray or None
        All class labels.
    first : bool
        Whether it is the model's first call.

    Raises
    ------
    ValueError
        If the model boosts, and the first chunk lacks a class.
    """
    rows = {name: chunk[name] for name in TARGETS if name in chunk}
    rows |= {name: value for name, value in params.items() if name in chunk}
    if classes is not None:
        rows = _with_all_classes(model, rows, classes, first=first)
    given = {**params, **rows}
    X, y = (given.pop(name) for name in TARGETS)
    library = _library(model)
    changed: dict[str, Any] = {}
    if library == "sklearn":
        total = model.n_estimators + (0 if first else len(model.estimators_))
        changed = {"n_estimators": total, "warm_start": True}
    elif library is not None and not first:
        given[_GOES_ON_FROM[library]] = model
        changed = {"random_state": _next_seed(model)}
    if library != "sklearn" and model.n_jobs is None:
        model.n_jobs = 1
    began = {name: getattr(model, name) for name in changed}
    # Not by `set_params`: after that XGBoost takes the seed for the old one, and does
    # not begin to draw from it.
    vars(model).update(changed)
    try:
        model.fit(X, y, **given)
    finally:
        vars(model).update(began)


def _next_seed(model: Any) -> Any:
    """Return the seed of another call.

    With the same seed XGBoost would continue the random numbers of its thread, which
    may have trained other models meanwhile, and LightGBM would draw the same columns
    again.
    """
    seed = model.random_state
    if not isinstance(seed, Integral):
        return seed
    if hasattr(model, "get_booster"):
        rounds = model.get_booster().num_boosted_rounds()
    else:
        rounds = model.booster_.current_iteration()
    return (int(seed) + rounds) % 2**31


def _with_all_classes(
    model: Estimator, rows: Chunk, classes: np.ndarray, *, first: bool
) -> Chunk:
    """Add a row without weight for each class that is missing.

    `fit` assumes that its rows have all classes.
    """
    y = rows["y"]
    y = y if is_device_array(y) else np.asarray(y)
    xp = array_namespace(y)
    labels = getattr(y, "values", y)
    missing = np.setdiff1d(classes, to_host(xp.unique(labels)))
    if not len(missing):
        return rows
    if first and not set(_names(model, "sklearn")) & _FORESTS:
        # Boosting starts from class frequencies, and cannot recover from a zero.
        raise ValueError(
            f"{type(model).__name__} cannot begin with a chunk without rows of class "
            f"{', '.join(map(repr, missing.tolist()))}: let chunks be larger, or "
            "shuffle the rows"
        )
    n, more = n_rows(rows), len(missing)
    weight = rows.get("sample_weight")
    weight = xp.ones(n) if weight is None else getattr(weight, "values", weight)
    repeated = np.concatenate([np.arange(n), np.zeros(more, dtype=int)])
    return {
        **take_chunk_rows(rows, repeated),
        "y": xp.concatenate([labels, xp.asarray(missing)]),
        "sample_weight": xp.concatenate([weight, xp.zeros(more)]),
    }


def _library(estimator: Estimator) -> str | None:
    """Return the library by which an estimator continues, or None."""
    for library, base in _BASES.items():
        if base in _names(estimator, library):
            # Dask's variants train on all workers, and on collections.
            modules = (base.__module__ for base in type(estimator).__mro__)
            return None if any(".dask" in module for module in modules) else library
    return "sklearn" if set(_names(estimator, "sklearn")) & _WARM_STARTED else None


def _names(estimator: Estimator, library: str) -> Iterator[str]:
    # Bases count: a subclass of an estimator may be defined anywhere.
    for base in type(estimator).__mro__:
        if base.__module__.partition(".")[0] == library:
            yield base.__name__


def _stopping(estimator: Estimator) -> dict[str, Any]:
    params = estimator.get_params(deep=False)
    return {name: params[name] for name in _STOPPING if name in params}
