# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Call a method of a model on each block of a Dask collection."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import dask
import dask.array as da
import numpy as np
import scipy.sparse
from dask.base import is_dask_collection
from dask.delayed import Delayed
from sklearn.exceptions import NotFittedError

from gpu_hpo._typing import Array, ArrayLike, DaskCollection, Estimator
from gpu_hpo.compute._transport import Parcel, aligned
from gpu_hpo.data._chunk import n_rows
from gpu_hpo.devices._cuml_task import answering
from gpu_hpo.devices._namespace import is_device_array, to_device
from gpu_hpo.training._lending import access_of, call_lent


def apply(model: Estimator, method: str, X: Any, meta: Array = None) -> Any:
    """Call a method of `model` on X: at once, or lazily on each block of a Dask X.

    Parameters
    ----------
    model : estimator
        It is in the graph once, however many blocks there are.
    method : str
        A method that returns one row (or one value) per row of X.
    X : array-like or Dask array or frame of shape (n_samples, n_features)
        Blocks keep their kind, such as CuPy arrays. If an array has several columns of
        blocks, these are joined.
    meta : array, frame or series, optional
        Has the kind, dtype and columns that the method returns, and any number of rows.
        By default the method is called on one row of the kind that X holds.

    Returns
    -------
    array, frame or series, or a Dask collection of it
        Of shape (n_samples,) or (n_samples, n_outputs). For a Dask X: a Dask array
        where the model gives arrays, whatever X is, with unknown chunk sizes if X is a
        frame; a Dask frame or series where it gives these.

    Raises
    ------
    TypeError
        If X is a Dask collection but neither an array nor a frame, or the method
        returns lists.
    """
    function = getattr(model, method)
    if not is_dask_collection(X):
        return ask(model, X, function)
    check_has_blocks("X", X)
    empty = _no_rows(_try(model, method, X) if meta is None else meta)
    lazy_model = dask.delayed(Parcel(model), traverse=False)
    options = {"model": lazy_model, "method": method, "empty": empty}
    is_array = isinstance(X, da.Array)
    if hasattr(empty, "iloc"):
        if not is_array:
            return X.map_partitions(_respond, meta=empty, **options)
        return _frame([dask.delayed(_respond)(b, **options) for b in blocks(X)], empty)
    n_columns = _n_columns(model, method, empty)
    if is_array:
        X = one_block_wide(X)
        axes: dict[str, Any] = {}
        if empty.ndim < X.ndim:
            axes["drop_axis"] = list(range(empty.ndim, X.ndim))
        elif empty.ndim > X.ndim:
            axes["new_axis"] = list(range(X.ndim, empty.ndim))
        return X.map_blocks(
            _respond,
            token=method,
            dtype=empty.dtype,
            meta=empty,
            chunks=(X.chunks[0], *((n,) for n in n_columns)),
            **axes,
            **options,
        )
    response = dask.delayed(_respond)
    shape = (np.nan, *n_columns)
    # `map_partitions` would accept only some kinds of arrays.
    parts = [
        da.from_delayed(response(b, **options), shape, dtype=empty.dtype, meta=empty)
        for b in blocks(X)
    ]
    return da.concatenate(parts, allow_unknown_chunksizes=True)


def ask(model: Estimator, X: Any, function: Callable[[Any], Any]) -> Any:
    """Call a function of a model with rows; numbers that it answers are beside them."""
    with answering(model, X) as kind:
        answer = function(X)
    moves = kind == "numpy" and is_device_array(X) and answer.dtype.kind in "biuf"
    return to_device(answer) if moves else answer


def check_has_blocks(name: str, X: ArrayLike) -> None:
    """Raise TypeError for Dask collections that are neither arrays nor frames."""
    if not isinstance(X, da.Array) and not hasattr(X, "_meta_nonempty"):
        raise TypeError(
            f"{name} must be a Dask array, frame or series, or no collection of Dask's;"
            f" got {type(X).__module__}.{type(X).__qualname__}"
        )


def blocks(X: DaskCollection) -> list[Delayed]:
    """Return the blocks of rows of a Dask array or frame, each delayed."""
    if not isinstance(X, da.Array):
        return list(X.to_delayed())
    return list(one_block_wide(X).to_delayed().ravel())


def one_block_wide(X: da.Array) -> da.Array:
    """Return the same array, cut along its rows only."""
    if any(n > 1 for n in X.numblocks[1:]):
        return X.rechunk(dict.fromkeys(range(1, X.ndim), -1))
    return X


def _respond(block: Array, model: Parcel, method: str, empty: Array) -> Array:
    """Return the model's response for a block, which may have no rows."""
    if not n_rows({"X": block}):
        # Frames may have empty blocks after rows were selected; models refuse them.
        return empty
    asked: Estimator = model.value
    call = partial(call_lent, getattr(asked, method), access=access_of(asked))
    return ask(asked, aligned(block), lambda X: call([X], {}))


def _frame(parts: list[Delayed], empty: Array) -> DaskCollection:
    import dask.dataframe as dd

    return dd.from_delayed(parts, meta=empty)


def _try(model: Estimator, method: str, X: DaskCollection) -> Array:
    """Return the model's response for one row of the kind that X holds."""
    meta = X._meta
    if hasattr(meta, "iloc"):
        row = X._meta_nonempty.iloc[:1]
    elif hasattr(meta, "tocsr"):
        row = type(meta)((1, X.shape[1]), dtype=X.dtype)
    else:
        row = np.zeros_like(meta, shape=(1, *X.shape[1:]))
        if row.dtype == object:
            row[...] = "foo"  # as in Dask's frames; more often valid than a number
    try:
        response = ask(model, row, getattr(model, method))
    except NotFittedError:
        raise
    except Exception as error:
        error.add_note(
            f"{method} was tried on one row, of zeros or of what Dask's frames have "
            "for that, to see what it gives for the blocks of X; predict_meta, "
            "predict_proba_meta and transform_meta say so instead"
        )
        raise
    if not hasattr(response, "ndim"):
        raise TypeError(
            f"{method} of {type(model).__name__} gives a {type(response).__name__}, of "
            "which there is no Dask collection; call it on blocks that are computed"
        )
    return response


def _no_rows(like: Array) -> Array:
    if hasattr(like, "iloc"):
        return like.iloc[:0]
    if scipy.sparse.issparse(like):
        # Not all formats can be sliced.
        return type(like)((0, like.shape[1]), dtype=like.dtype)
    return like[:0]


def _n_columns(model: Estimator, method: str, empty: Array) -> tuple[Any, ...]:
    """Return lengths of the axes after the first; NaN where `empty` does not say."""
    lengths = tuple(n or np.nan for n in empty.shape[1:])
    if len(lengths) == 1 and method in ("predict_proba", "predict_log_proba"):
        known = len(getattr(model, "classes_", ()))
        return (lengths[0] if known == 0 else known,)
    return lengths
