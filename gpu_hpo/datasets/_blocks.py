# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Cut rows into blocks, and choose whose arrays these are, for all generators."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from numbers import Integral
from typing import Any, TypeAlias

import dask.array as da
import numpy as np
from dask.base import tokenize

from gpu_hpo._arguments import SEED
from gpu_hpo._config import read_bytes
from gpu_hpo._sklearn_private import validate_parameter_constraints
from gpu_hpo._typing import Shaped
from gpu_hpo.data._random_split import spawn_seed
from gpu_hpo.devices._namespace import array_namespace

# What `row_chunks` takes.
Chunks: TypeAlias = int | str | Sequence[Any] | None
# Gives a block's own generator for a purpose, which is named by a number.
Generators: TypeAlias = Callable[[int], np.random.Generator]


def check_arguments(
    caller: str, constraints: Mapping[str, Any], arguments: Mapping[str, Any]
) -> None:
    """Raise if an argument is out of range, in scikit-learn's words.

    The constraints are those of scikit-learn's own generator, or like them; but
    `random_state` may be more, and `like` must be an array.
    """
    validate_parameter_constraints(
        {**constraints, "random_state": SEED}, arguments, caller_name=caller
    )
    like = arguments.get("like")
    if like is not None and not isinstance(getattr(like, "shape", None), tuple):
        raise TypeError(
            f"like={like!r} must be an array of the library whose arrays are wanted, "
            "such as cupy.empty(0)"
        )


def empty_rows(rows: tuple[int, ...]) -> da.Array:
    """Return a Dask array of these block lengths, for `map_blocks` to draw into."""
    return da.empty(sum(rows), chunks=(rows,), dtype=bool)


def draw_blocks(
    draw: Callable[..., np.ndarray],
    blocks: da.Array,
    root: np.random.SeedSequence,
    *,
    rows: tuple[int, ...] | None = None,
    width: int | None = None,
    dtype: Any = np.float64,
    **params: Any,
) -> da.Array:
    """Draw an array in tasks, block by block: ``draw(block, generators, **params)``.

    Each block is drawn from one of `blocks`, and has as many rows unless `rows` says
    otherwise. It has `width` columns, or one axis if that is left out. Parameters may
    be ``Delayed``.
    """
    rows = rows or blocks.chunks[0]
    n_axes = 1 if width is None else 2
    token = tokenize(draw, blocks, root, rows, width, dtype, params)
    return da.map_blocks(
        _draw_block,
        blocks,
        draw=draw,
        root=root,
        name=f"{draw.__name__}-{token}",
        drop_axis=1 if n_axes < blocks.ndim else None,
        new_axis=1 if n_axes > blocks.ndim else None,
        chunks=(rows,) if width is None else (rows, (width,)),
        dtype=dtype,
        meta=np.empty((0,) * n_axes, dtype=dtype),
        **params,
    )


def _draw_block(
    block: np.ndarray,
    *,
    draw: Callable[..., np.ndarray],
    root: np.random.SeedSequence,
    block_id: tuple[int, ...],
    **params: Any,
) -> np.ndarray:
    """Draw a block. Runs in a task."""

    def generators(purpose: int) -> np.random.Generator:
        return np.random.default_rng(spawn_seed(root, purpose, block_id[0]))

    return draw(block, generators, **params)


def placed_like(like: Shaped | None, array: da.Array) -> da.Array:
    """Move blocks lazily to where the library of another array has its own.

    Blocks are drawn on the host by NumPy's generators, and moved in tasks: values do
    not depend on the device, and do not pass the client. None, and an array on the
    host, leave blocks where they are drawn.
    """
    xp = array_namespace(like)
    if xp is np:
        return array
    meta = xp.empty((0,) * array.ndim, dtype=array.dtype)
    return da.map_blocks(xp.asarray, array, dtype=array.dtype, meta=meta)


def row_chunks(chunks: Chunks, n_samples: int, n_features: int) -> tuple[int, ...]:
    """Count the rows of each block; raise if `chunks` does not fit the data."""
    if chunks is None or chunks == "auto":
        chunks = max(1, read_bytes("datasets.block-size") // (8 * n_features))
    accepted = (
        f"chunks={chunks!r} must be a number of rows, the rows of each block (summing "
        f"to n_samples={n_samples}), or (rows, n_features={n_features})"
    )
    if isinstance(chunks, (tuple, list)):
        whole = (n_features, -1, None, (n_features,), [n_features])
        if len(chunks) == 2 and chunks[1] in whole:
            return row_chunks(chunks[0], n_samples, n_features)
        if len(chunks) == 1 and isinstance(chunks[0], (tuple, list)):
            chunks = chunks[0]
        ints = all(isinstance(n, Integral) and int(n) > 0 for n in chunks)
        if not ints or sum(chunks) != n_samples:
            raise ValueError(accepted)
        return tuple(int(n) for n in chunks)
    if not isinstance(chunks, Integral):
        raise ValueError(accepted)
    size = n_samples if chunks == -1 else min(int(chunks), n_samples)
    if size < 1:
        raise ValueError(accepted)
    full, rest = divmod(n_samples, size)
    return (size,) * full + ((rest,) if rest else ())
