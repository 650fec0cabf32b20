# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Align Dask collections in equal blocks of rows, check these, and take rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gpu_hpo._typing import DaskCollection
from gpu_hpo.devices._namespace import is_device_array, to_host, type_name
from gpu_hpo.model_selection._row_blocks import block_lengths, kind


def as_dask_arrays(data: Sequence[Any]) -> list[DaskCollection]:
    """Convert mixed data to Dask arrays in the blocks of the first array, or frame."""
    first = min(data, key=lambda x: ("array", "frame", "other").index(kind(x)))
    rows = first.chunks[0] if kind(first) == "array" else block_lengths(first)
    return [as_dask_array(x, rows) for x in data]


def as_dask_array(x: Any, rows: tuple[float, ...]) -> DaskCollection:
    """Convert any data to a Dask array, in blocks of `rows` rows if it has none.

    Lengths of blocks are NaN where they are unknown. If `x` has another number of rows
    or, if it is a frame, of blocks, that raises a ``ValueError``.
    """
    import dask.array as da

    if kind(x) == "array":
        return x
    known = not any(map(math.isnan, rows))
    if kind(x) == "frame":
        if x.npartitions != len(rows):
            raise ValueError(blocks_differ(x.npartitions, len(rows)))
        return x.to_dask_array(lengths=rows if known else None)
    if not known:
        raise ValueError(
            f"a {type_name(x)} cannot be cut into blocks of unknown lengths: call "
            "compute_chunk_sizes() on the Dask array, or to_dask_array(lengths=True) "
            "on the Dask frame"
        )
    x = x if hasattr(x, "shape") else np.asarray(x)
    if hasattr(x, "iloc"):
        x = x.values if is_device_array(x) else to_host(x)
    if x.shape[0] != sum(rows):
        raise ValueError(
            f"inputs have different numbers of rows: {x.shape[0]} and {sum(rows)}"
        )
    return da.from_array(x, chunks=(rows, *x.shape[1:]))


def row_markers(x: DaskCollection) -> DaskCollection:
    """Return a Dask array with the data's row blocks."""
    if kind(x) == "array":
        return x
    import pandas as pd

    # pandas even for frames on a device, since only lengths matter here.
    meta = pd.Series([], dtype="int8")
    return x.map_partitions(_count_up, meta=meta).to_dask_array()


def _count_up(part: Any) -> Any:
    import pandas as pd

    return pd.Series(np.zeros(len(part), dtype="int8"))


def known_rows(markers: Sequence[DaskCollection]) -> tuple[int, ...] | None:
    """Return the lengths of blocks, if any of these Dask arrays knows them."""
    return next((x.chunks[0] for x in markers if not math.isnan(x.shape[0])), None)


def check_blocks(
    data: Sequence[DaskCollection], markers: Sequence[DaskCollection]
) -> None:
    """Raise a ValueError if blocks do not match, as far as their lengths are known.

    It names lengths of blocks, or divisions of frames, that differ. The `markers` are
    the `row_markers` of the data, and of other data that must match.
    """
    first = markers[0].chunks[0]
    for other in (x.chunks[0] for x in markers[1:]):
        pairs = zip(first, other, strict=False)
        unequal = (a != b for a, b in pairs if not (math.isnan(a) or math.isnan(b)))
        if len(first) != len(other) or any(unequal):
            raise ValueError(blocks_differ(first, other))
    divisions = {x.divisions for x in data if kind(x) == "frame" and x.known_divisions}
    if len(divisions) > 1:
        raise ValueError(
            "frames must have the same divisions to be split together; got "
            + " and ".join(map(str, sorted(divisions, key=str)))
        )


def blocks_differ(one: object, other: object) -> str:
    """Return the message for blocks that should be equal and are not."""
    return (
        "inputs must have the same blocks of rows to be split together; got "
        f"{one} and {other}. Rechunk or repartition one like the other."
    )


def take_by_block(
    take: Callable[..., Any],
    x: DaskCollection,
    picks: DaskCollection,
    counts: Sequence[float],
    **options: Any,
) -> DaskCollection:
    """Take rows of every block lazily.

    Parameters
    ----------
    take : callable
        ``take(block, pick, **options)``, in a task.
    x : dask array, frame or series
    picks : dask array of one axis
        Which rows to take: one block for each block of `x`, of any length.
    counts : sequence of int, or of NaN where they are unknown
        Number of rows taken from each block of an array.
    **options
        Passed to `take`.
    """
    import dask.array as da

    if kind(x) == "frame":
        import dask.dataframe as dd

        picks = dd.from_dask_array(picks)
        return x.map_partitions(
            take, picks, meta=x._meta, align_dataframes=False, **options
        )
    axes = tuple(range(x.ndim))
    return da.blockwise(
        take,
        axes,
        x,
        axes,
        picks,
        (0,),
        adjust_chunks={0: tuple(counts)},
        align_arrays=False,
        dtype=x.dtype,
        meta=x._meta,
        **options,
    )
