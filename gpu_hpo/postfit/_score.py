# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Score a model on Dask data, read block by block."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dask
import numpy as np
from dask.base import is_dask_collection

from gpu_hpo._typing import ArrayLike, Estimator
from gpu_hpo.compute._transport import Parcel, aligned
from gpu_hpo.data._chunk import Chunk, concat_chunks, n_rows
from gpu_hpo.metrics._scoring import Scoring
from gpu_hpo.postfit._lazily import blocks, check_has_blocks


def score(
    model: Estimator,
    scoring: Scoring,
    X: ArrayLike,
    y: ArrayLike | None,
    rows: Mapping[str, Any],
) -> dict[str, float]:
    """Score `model` by every metric of `scoring`.

    Parameters
    ----------
    model : estimator
    scoring : Scoring
    X, y : array-like or Dask collection
        Of a Dask X only one block, and the model's responses, are in memory at a time,
        unless a metric needs all of X in one piece.
    rows : mapping of str to array-like or Dask collection
        Per-row parameters of the metrics.

    Returns
    -------
    dict of str to float
    """
    if is_dask_collection(X):
        return lazy_score(model, scoring, X, y, rows).compute()
    lazy = {n: v for n, v in {"y": y, **rows}.items() if is_dask_collection(v)}
    # One by one, since Dask warns if arrays and frames are mixed.
    computed = {name: dask.compute(value)[0] for name, value in lazy.items()}
    return _score_one(model, scoring, {"X": X, "y": y, **rows, **computed}, tuple(rows))


def lazy_score(
    model: Estimator,
    scoring: Scoring,
    X: ArrayLike,
    y: ArrayLike | None,
    rows: Mapping[str, Any],
) -> Any:
    """Score `model` as `score` does, but lazily.

    Parameters
    ----------
    model, scoring, X, y, rows
        As of `score`.

    Returns
    -------
    dask.delayed.Delayed
        Of a dict of str to float.
    """
    given = {"X": X, "y": y, **rows}
    for name, value in given.items():
        if is_dask_collection(value):
            check_has_blocks(name, value)
    lazy_model = dask.delayed(Parcel(model), traverse=False)
    lazy_scoring = dask.delayed(scoring, traverse=False)
    if not is_dask_collection(X):
        in_blocks = {name: _in_blocks(value) for name, value in given.items()}
        return dask.delayed(_score_in_blocks)(
            lazy_model, lazy_scoring, in_blocks, tuple(rows)
        )
    response = dask.delayed(_responses)
    X_blocks = blocks(X)
    responses = [response(lazy_model, lazy_scoring, block) for block in X_blocks]
    rest = {name: _in_blocks(value) for name, value in given.items() if name != "X"}
    if scoring.needs_X:
        rest["X"] = X_blocks
    return dask.delayed(_score_responses)(
        lazy_model, lazy_scoring, responses, rest, tuple(rows)
    )


def _in_blocks(value: Any) -> list[Any]:
    """Return the blocks of a value, which is one block if it is not Dask's."""
    if value is None:
        return []
    if is_dask_collection(value):
        return blocks(value)
    return [dask.delayed(_array(value), traverse=False)]


# ---- tasks ----


def _responses(model: Parcel, scoring: Scoring, X: ArrayLike) -> dict[str, Any] | None:
    """Return the model's responses for a block, unless that has no rows."""
    if not n_rows({"X": X}):
        return None
    return scoring.responses(model.value, {"X": aligned(X)})


def _score_responses(
    model: Parcel,
    scoring: Scoring,
    responses: list[dict[str, Any] | None],
    in_blocks: Mapping[str, list[Any]],
    rows: tuple[str, ...],
) -> dict[str, float]:
    known = [aligned(response) for response in responses if response is not None]
    if not known:
        raise ValueError("X has no rows to score")
    whole = _joined(in_blocks)
    lengths = {name: n_rows({"X": value}) for name, value in whole.items()}
    if known[0]:
        first = next(iter(known[0]))
        lengths["X"] = sum(n_rows({"X": response[first]}) for response in known)
    if len(set(lengths.values())) > 1:
        counts = ", ".join(f"{name} {n}" for name, n in lengths.items())
        raise ValueError(f"X and what goes with it differ in their rows: {counts}")
    return scoring.score(model.value, known, [whole], rows)


def _score_in_blocks(
    model: Parcel,
    scoring: Scoring,
    in_blocks: Mapping[str, list[Any]],
    rows: tuple[str, ...],
) -> dict[str, float]:
    return _score_one(model.value, scoring, _joined(in_blocks), rows)


def _score_one(
    model: Estimator, scoring: Scoring, whole: Mapping[str, Any], rows: tuple[str, ...]
) -> dict[str, float]:
    whole = {
        name: value if name == "X" else _array(value)
        for name, value in whole.items()
        if value is not None
    }
    return scoring.score(model, [scoring.responses(model, whole)], [whole], rows)


def _joined(in_blocks: Mapping[str, list[Any]]) -> Chunk:
    """Concatenate the blocks of each value, and leave out values without blocks."""
    whole = {
        name: concat_chunks([{name: value} for value in values])[name]
        for name, values in in_blocks.items()
        if values
    }
    return aligned(whole)


def _array(value: Any) -> Any:
    return np.asarray(value) if isinstance(value, list | tuple) else value
