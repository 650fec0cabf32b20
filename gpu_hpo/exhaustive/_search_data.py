# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Hold the data of an exhaustive search, whole wherever its tasks run."""

from __future__ import annotations

import math
from collections.abc import Mapping
from inspect import signature
from typing import Any

import dask.array as da
import numpy as np
from dask.base import is_dask_collection
from sklearn.utils import Bunch
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_consistent_length, indexable

from gpu_hpo._sklearn_private import _check_method_params, _num_samples
from gpu_hpo._typing import ArrayLike, DaskCollection, Params
from gpu_hpo.compute._pool import Handle, Pool
from gpu_hpo.data._blocks import is_per_row
from gpu_hpo.devices._namespace import is_device_array, to_host


class SearchData:
    """X, y and the parameters of `fit`, and how they reach the tasks.

    Parameters
    ----------
    X, y : array-like, frame, list, sparse matrix or Dask collection
    params : dict
        Of `fit`.
    in_blocks : bool
        Whether the estimator takes Dask collections in blocks.

    Attributes
    ----------
    X, y, params
        As scikit-learn would have them, if none is a Dask collection.
    lazy : bool
        Whether there is a Dask collection, which is concatenated on workers only.
    in_blocks : bool
        Whether X stays a Dask collection.
    """

    def __init__(
        self,
        X: ArrayLike,
        y: ArrayLike | None,
        params: Params,
        *,
        in_blocks: bool = False,
    ) -> None:
        self.in_blocks = in_blocks and is_dask_collection(X)
        self.lazy = any(map(is_dask_collection, (X, y, *params.values())))
        if self.in_blocks:
            X, y, params = _aligned(X, y, params)
        elif not self.lazy:
            X, y = _indexable(X, y)
            params = _check_method_params(X, params=dict(params))
        self.X: Any = X
        self.y, self.params = y, dict(params)

    def has_rows(self, value: Any) -> bool:
        """Return whether a parameter has an entry per row, as far as that is known."""
        if is_dask_collection(value):
            return True
        return is_per_row(value, None if self.lazy else _num_samples(self.X))

    def load(self, pool: Pool, routed: Bunch) -> Handle:
        """Send the data of fits and scores to where tasks run.

        Parameters
        ----------
        pool : Pool
        routed : Bunch
            Which parameters go where, as found by scikit-learn's searches.

        Returns
        -------
        handle
            Of a dict of "X", "y", "fit" and "score".
        """
        fit, score = dict(routed.estimator.fit), dict(routed.scorer.score)
        if self.in_blocks or not self.lazy:
            return pool.put({"X": self.X, "y": self.y, "fit": fit, "score": score})
        given = [self.X, self.y, *fit.values(), *score.values()]
        handles = [
            pool.compute(value)
            if is_dask_collection(value)
            else value
            if value is None
            else pool.put(value)
            for value in given
        ]
        return pool.submit(_collect, tuple(fit), tuple(score), *handles)

    def for_splitter(
        self, pool: Pool, data: Handle, split: Params
    ) -> tuple[ArrayLike, ArrayLike | None, dict[str, Any]]:
        """Return the arguments of a splitter.

        Parameters
        ----------
        pool : Pool
        data : handle
            From `load`.
        split : dict
            Parameters of the splitter.

        Returns
        -------
        X, y : array-like
            Labels come to this process, but not X: if it is not in memory here, only
            its number of rows is known.
        split : dict
        """
        X: Any
        if self.in_blocks:
            X, y = RowsOnly(self.X.shape[0]), self.y
        elif self.lazy:
            n_rows, y = pool.run(_rows_and_labels, data)
            X = RowsOnly(n_rows)
        else:
            X, y = self.X, self.y
            X = RowsOnly(_num_samples(X)) if is_device_array(X) else X
        return (
            X,
            gather_to_host(y),
            {name: gather_to_host(value) for name, value in split.items()},
        )


class RowsOnly:
    """Stands for data elsewhere: only the number of rows is known.

    Parameters
    ----------
    n_rows : int
    """

    def __init__(self, n_rows: int) -> None:
        self.shape = (n_rows,)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        raise TypeError(
            "this splitter looks at the values of X, which are not in this process: "
            "pass the splits as a list of row numbers instead"
        )


def _indexable(X: ArrayLike, y: ArrayLike | None) -> tuple[Any, Any]:
    on_device = [v for v in (X, y) if v is not None and is_device_array(v)]
    if not on_device:
        X, y = indexable(X, y)
        return X, y
    check_consistent_length(X, y)
    return X, y


def _aligned(
    X: DaskCollection, y: ArrayLike | None, params: Params
) -> tuple[da.Array, Any, dict[str, Any]]:
    """Return Dask arrays of known block lengths, which are those of X."""
    X = _known(X)

    def like_X(name: str, value: Any) -> Any:
        value = _known(value) if is_dask_collection(value) else np.asarray(value)
        if value.shape[0] != X.shape[0]:
            raise ValueError(
                "Found input variables with inconsistent numbers of samples: "
                f"{[X.shape[0], value.shape[0]]} (X and {name})"
            )
        chunks = (X.chunks[0], *(-1 for _ in value.shape[1:]))
        if isinstance(value, da.Array):
            return value.rechunk(chunks)
        return da.from_array(value, chunks=chunks)

    if y is not None:
        y = like_X("y", y)
    return (
        X,
        y,
        {
            name: like_X(name, value) if is_per_row(value, X.shape[0]) else value
            for name, value in params.items()
        },
    )


def _known(value: DaskCollection) -> Any:
    if not isinstance(value, da.Array):
        if not hasattr(value, "to_dask_array"):
            raise TypeError(
                f"{type(value).__name__} has no blocks: pass a Dask array or frame"
            )
        return value.to_dask_array(lengths=True)
    return value.compute_chunk_sizes() if math.isnan(value.shape[0]) else value


def gather_to_host(value: Any) -> Any:
    """Copy data with one value per row to the host, where splitters need it."""
    if is_dask_collection(value):
        value = value.compute()
    return to_host(value) if value is not None and is_device_array(value) else value


# ---- tasks ----


def _collect(
    fit: tuple[str, ...], score: tuple[str, ...], X: Any, y: Any, *values: Any
) -> dict[str, Any]:
    X, y = _indexable(X, y)
    params = dict(zip(fit, values[: len(fit)], strict=True))
    scored = dict(zip(score, values[len(fit) :], strict=True))
    return {"X": X, "y": y, "fit": params, "score": scored}


def _rows_and_labels(data: Mapping[str, Any]) -> tuple[int, Any]:
    return _num_samples(data["X"]), gather_to_host(data["y"])


def for_splitter(cv: Any, params: Params) -> dict[str, Any]:
    """Return the splitter's parameters, without groups if it takes none."""
    if params.get("groups", cv) is None and hasattr(cv, "split"):
        takes = signature(cv.split).parameters.values()
        if not any(p.name == "groups" or p.kind is p.VAR_KEYWORD for p in takes):
            return {name: value for name, value in params.items() if name != "groups"}
    return dict(params)


def labels_as_text(y: Any, fit_params: Params) -> np.ndarray | None:
    """Return the labels of y, sorted, if no device can hold them; else None.

    There are more if `fit` is given more classes.
    """
    y = None if y is None else np.asarray(y)
    if y is None or y.dtype.kind in "biuf" or (y.ndim > 1 and y.shape[1:] != (1,)):
        return None
    labels = np.unique(y)
    check_classification_targets(labels)
    classes = fit_params.get("classes")
    if classes is not None:
        labels = np.unique(np.concatenate([labels, np.asarray(classes)]))
    return labels
