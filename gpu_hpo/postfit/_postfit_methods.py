# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Offer the methods of a model on the object that has found or wrapped it."""

from __future__ import annotations

from typing import Any

from sklearn.utils.metaestimators import available_if

from gpu_hpo._typing import ArrayLike
from gpu_hpo.postfit._lazily import apply

_DOC = """{summary}

        Parameters
        ----------
        X : array-like or Dask collection of shape (n_samples, {columns})

        Returns
        -------
        array or Dask collection of shape {shape}
            Lazy for a Dask X.
        """


def _method(
    name: str,
    summary: str,
    shape: str,
    *,
    meta: str = "",
    columns: str = "n_features",
) -> Any:
    """Make a method that responds by the model's method of that name.

    Parameters
    ----------
    name, summary : str
    shape : str
        Of the response.
    meta : str
        The parameter that says of what kind responses are, if there is one.
    columns : str
        What X has for each row.
    """

    def has(self: PostfitMethods) -> bool:
        getattr(self._model_or_template(), name)
        return True

    def method(self: PostfitMethods, X: ArrayLike) -> Any:
        return apply(self._fitted_model(), name, X, getattr(self, meta, None))

    method.__name__ = name
    method.__qualname__ = f"PostfitMethods.{name}"
    method.__doc__ = _DOC.format(summary=summary, columns=columns, shape=shape)
    return available_if(has)(method)


class PostfitMethods:
    """Calls the methods of a model: at once, or block by block and lazily for a Dask X.

    A method exists if the model has it. For a Dask array it returns a Dask array; for a
    Dask frame it returns the kind that the model returns for a frame: a Dask array with
    unknown chunk sizes, or a Dask frame or series. Subclasses say which model it is.
    """

    def _model_or_template(self) -> Any:
        """Return the model, or before fit what it will be made from."""
        raise NotImplementedError

    def _fitted_model(self) -> Any:
        """Return the model; raise NotFittedError before fit."""
        raise NotImplementedError

    predict = _method(
        "predict",
        "Predict labels or targets.",
        "(n_samples,) or (n_samples, n_outputs)",
        meta="predict_meta",
    )
    predict_proba = _method(
        "predict_proba",
        "Predict the probabilities of classes.",
        "(n_samples, n_classes)",
        meta="predict_proba_meta",
    )
    predict_log_proba = _method(
        "predict_log_proba",
        "Predict the logarithms of the probabilities of classes.",
        "(n_samples, n_classes)",
        meta="predict_proba_meta",
    )
    decision_function = _method(
        "decision_function",
        "Return the values by which the model decides.",
        "(n_samples,) or (n_samples, n_classes)",
    )
    transform = _method(
        "transform",
        "Transform rows.",
        "(n_samples, n_outputs)",
        meta="transform_meta",
    )
    inverse_transform = _method(
        "inverse_transform",
        "Undo `transform`.",
        "(n_samples, n_features)",
        columns="n_outputs",
    )
