# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""What a search offers once it is fitted, lazily for Dask collections."""

from __future__ import annotations

from typing import Any

import dask
import dask.array as da
import numpy as np
import scipy.sparse
from dask.base import is_dask_collection
from sklearn.utils import get_tags
from sklearn.utils.metaestimators import available_if
from sklearn.utils.validation import check_is_fitted

from gpu_hpo.devices import to_host
from gpu_hpo.training import Scoring


def _best_has(method: str) -> Any:
    """Whether the best estimator, or before fit the estimator, has `method`."""

    def check(self: Any) -> bool:
        getattr(getattr(self, "best_estimator_", self.estimator), method)
        return True

    return available_if(check)


class PostFit:
    """The methods of the best estimator, on the search that found it."""

    estimator: Any
    best_estimator_: Any
    scoring_: Scoring
    _labels: np.ndarray | None

    @property
    def classes_(self) -> Any:
        """Class labels of the best estimator."""
        check_is_fitted(self, "best_estimator_")
        return self._best().classes_

    @property
    def n_features_in_(self) -> int:
        """Features seen in fit."""
        check_is_fitted(self, "best_estimator_")
        return self.best_estimator_.n_features_in_

    @_best_has("predict")
    def predict(self, X: Any) -> Any:
        """Predict with the best estimator; lazily, block by block, for a Dask X."""
        return self._apply("predict", X)

    @_best_has("predict_proba")
    def predict_proba(self, X: Any) -> Any:
        """Class probabilities; lazily for a Dask X."""
        return self._apply("predict_proba", X)

    @_best_has("predict_log_proba")
    def predict_log_proba(self, X: Any) -> Any:
        """Logarithms of class probabilities; lazily for a Dask X."""
        return self._apply("predict_log_proba", X)

    @_best_has("decision_function")
    def decision_function(self, X: Any) -> Any:
        """Decision values; lazily for a Dask X."""
        return self._apply("decision_function", X)

    @_best_has("transform")
    def transform(self, X: Any) -> Any:
        """Transform with the best estimator; lazily for a Dask X."""
        return self._apply("transform", X)

    @_best_has("inverse_transform")
    def inverse_transform(self, X: Any) -> Any:
        """Undo `transform`; lazily for a Dask X."""
        return self._apply("inverse_transform", X)

    def score(self, X: Any, y: Any = None, **params: Any) -> float:
        """Score the best estimator by the metric of the search.

        Parameters
        ----------
        X, y : array-like or Dask collection
            A Dask collection is predicted block by block.
        **params
            Per-row parameters of the scorer, `sample_weight` for one.
        """
        check_is_fitted(self, "best_estimator_")
        params = {name: value for name, value in params.items() if value is not None}
        return score(self._best(), self.scoring_, X, y, params)

    def _apply(self, method: str, X: Any) -> Any:
        check_is_fitted(self, "best_estimator_")
        return apply(self._best(), method, X)

    def _best(self) -> Any:
        """The best estimator, with the labels that y had."""
        labels = getattr(self, "_labels", None)
        best = self.best_estimator_
        return best if labels is None else _Decoded(best, labels)


class _Decoded:
    """A model that knows classes by their numbers, and answers with their labels."""

    def __init__(self, model: Any, labels: np.ndarray) -> None:
        self._model = model
        self.classes_ = labels

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "_model":
            raise AttributeError(name)
        return getattr(self._model, name)

    def __sklearn_tags__(self) -> Any:
        return get_tags(self._model)

    def predict(self, X: Any) -> np.ndarray:
        return self.classes_[np.asarray(to_host(self._model.predict(X)), dtype=int)]


def apply(model: Any, method: str, X: Any) -> Any:
    """Call a method of `model` on X: at once, or lazily on each block of a Dask X.

    Parameters
    ----------
    model : estimator
    method : str
        One that gives one row (or one value) per row of X.
    X : array-like or Dask collection of shape (n_samples, n_features)

    Returns
    -------
    array, or dask.array.Array of unknown dtype only if the model cannot be tried
        Of shape (n_samples,) or (n_samples, n_outputs).
    """
    function = getattr(model, method)
    if not is_dask_collection(X):
        return function(X)
    sample = _try(function, X)
    if isinstance(X, da.Array):
        if X.ndim > 1:
            X = X.rechunk(dict.fromkeys(range(1, X.ndim), -1))
        chunks = (X.chunks[0], *((n,) for n in sample.shape[1:]))
        options: dict[str, Any] = {"chunks": chunks}
        if sample.ndim < X.ndim:
            options["drop_axis"] = list(range(sample.ndim, X.ndim))
        return X.map_blocks(function, dtype=sample.dtype, meta=sample[:0], **options)
    lazy = dask.delayed(function)  # once, so that the model is in the graph once
    blocks = [lazy(block) for block in X.to_delayed()]
    shape = (np.nan, *sample.shape[1:])
    return da.concatenate(
        [
            da.from_delayed(block, shape=shape, dtype=sample.dtype, meta=sample[:0])
            for block in blocks
        ],
        allow_unknown_chunksizes=True,
    )


def score(model: Any, scoring: Scoring, X: Any, y: Any, rows: dict[str, Any]) -> float:
    """Score `model` with the metric that decides; a Dask X is read block by block."""
    if scoring.whole or not is_dask_collection(X):
        X, y, *values = _compute(X, y, *rows.values())
        rows = dict(zip(rows, values, strict=True))
        return _score_one(model, scoring, {"X": X, "y": y, **rows}, tuple(rows))
    methods = scoring.methods(model)
    lazy = [apply(model, name, X) for name in methods]
    values = _compute(*lazy, y, *rows.values())
    answers = dict(zip(methods, values, strict=False))
    part = dict(zip(("y", *rows), map(_array, values[len(methods) :]), strict=True))
    return scoring.score(model, [answers], [part], tuple(rows))[scoring.decides]


def _score_one(
    model: Any, scoring: Scoring, part: dict[str, Any], rows: tuple[str, ...]
) -> float:
    part = {
        name: value if name == "X" else _array(value)
        for name, value in part.items()
        if value is not None
    }
    answers = scoring.answers(model, part)
    return scoring.score(model, [answers], [part], rows)[scoring.decides]


def _compute(*values: Any) -> list[Any]:
    """Concrete values: together, unless arrays and frames are mixed."""
    kinds = {isinstance(v, da.Array) for v in values if is_dask_collection(v)}
    if len(kinds) < 2:
        return list(dask.compute(*values))
    return [dask.compute(value)[0] for value in values]  # Dask warns of a mix


def _array(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, list | tuple) else value


def _try(function: Any, X: Any) -> Any:
    """What the model gives for one row of the kind that X holds."""
    meta = X._meta
    if hasattr(meta, "iloc"):
        row = X._meta_nonempty.iloc[:1]
    elif scipy.sparse.issparse(meta):
        row = type(meta)((1, X.shape[1]), dtype=X.dtype)
    else:
        row = np.zeros_like(meta, shape=(1, *X.shape[1:]))
    return function(row)
