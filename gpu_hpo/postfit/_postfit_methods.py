# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Offer the methods of a model on the object that has found or wrapped it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sklearn.utils.metaestimators import available_if

from gpu_hpo._typing import ArrayLike
from gpu_hpo.postfit._lazily import apply

# Which parameter says of what kind a method's answers are.
_METAS = {
    "predict": "predict_meta",
    "predict_proba": "predict_proba_meta",
    "predict_log_proba": "predict_proba_meta",
    "transform": "transform_meta",
}


def _has(method: str) -> Callable[[Any], Any]:
    """Return a check whether the model that will respond has `method`."""

    def check(self: Any) -> bool:
        getattr(self._answers_or_will(), method)
        return True

    return available_if(check)


class PostfitMethods:
    """Responds by a model: at once, or lazily and block by block for a Dask X.

    A method is there if the model has it. For a Dask array a method gives a Dask array;
    for a Dask frame what the model gives for a frame: a Dask array with unknown chunk
    sizes, or a Dask frame or series. Subclasses say which model it is.
    """

    def _answers_or_will(self) -> Any:
        """Return the model, or before fit what it will be made from."""
        raise NotImplementedError

    def _responses(self) -> Any:
        """Return the model; raise NotFittedError before fit."""
        raise NotImplementedError

    @_has("predict")
    def predict(self, X: ArrayLike) -> Any:
        """Predict labels or targets.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_features)

        Returns
        -------
        array or Dask collection of shape (n_samples,) or (n_samples, n_outputs)
            Lazy for a Dask X.
        """
        return self._apply("predict", X)

    @_has("predict_proba")
    def predict_proba(self, X: ArrayLike) -> Any:
        """Predict the probabilities of classes.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_features)

        Returns
        -------
        array or Dask collection of shape (n_samples, n_classes)
            Lazy for a Dask X.
        """
        return self._apply("predict_proba", X)

    @_has("predict_log_proba")
    def predict_log_proba(self, X: ArrayLike) -> Any:
        """Predict the logarithms of the probabilities of classes.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_features)

        Returns
        -------
        array or Dask collection of shape (n_samples, n_classes)
            Lazy for a Dask X.
        """
        return self._apply("predict_log_proba", X)

    @_has("decision_function")
    def decision_function(self, X: ArrayLike) -> Any:
        """Return the values by which the model decides.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_features)

        Returns
        -------
        array or Dask collection of shape (n_samples,) or (n_samples, n_classes)
            Lazy for a Dask X.
        """
        return self._apply("decision_function", X)

    @_has("transform")
    def transform(self, X: ArrayLike) -> Any:
        """Transform rows.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_features)

        Returns
        -------
        array or Dask collection of shape (n_samples, n_outputs)
            Lazy for a Dask X.
        """
        return self._apply("transform", X)

    @_has("inverse_transform")
    def inverse_transform(self, X: ArrayLike) -> Any:
        """Undo `transform`.

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, n_outputs)

        Returns
        -------
        array or Dask collection of shape (n_samples, n_features)
            Lazy for a Dask X.
        """
        return self._apply("inverse_transform", X)

    def _apply(self, method: str, X: ArrayLike) -> Any:
        meta = getattr(self, _METAS.get(method, ""), None)
        return apply(self._responses(), method, X, meta)
