# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Split Dask collections into first and last rows, so that they stay in order."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from gpu_hpo._typing import Array, DaskCollection
from gpu_hpo.data._random_split import n_test_rows
from gpu_hpo.devices._take_rows import take_rows
from gpu_hpo.model_selection._row_blocks import block_lengths, kind
from gpu_hpo.model_selection._same_blocks import (
    blocks_differ,
    check_blocks,
    known_rows,
    row_markers,
    take_by_block,
)


def split_in_order(
    data: Sequence[DaskCollection], test_size: float
) -> list[DaskCollection]:
    """Cut collections in two, between the same two rows.

    If none of them is an array of known lengths, the first is computed to find them.
    Returned are the first rows and the last rows of each collection in turn, without
    empty blocks, and with known chunk sizes of arrays. If blocks do not match, or there
    are fewer than two rows, that raises a ``ValueError``.
    """
    markers = [row_markers(x) for x in data]
    check_blocks(data, markers)
    lengths = np.asarray(known_rows(markers) or block_lengths(data[0]), dtype=np.int64)
    n = int(lengths.sum())
    n_test = n_test_rows(n, test_size)
    if not n_test:
        raise ValueError(f"no row is left to test: there must be two rows, not {n}")
    first_rows = np.cumsum(lengths) - lengths
    cuts = np.clip(n - n_test - first_rows, 0, lengths)
    bounds = (np.zeros_like(cuts), cuts), (cuts, lengths)
    return [_between(x, lengths, *pair) for x in data for pair in bounds]


def _between(
    x: DaskCollection, lengths: np.ndarray, start: np.ndarray, stop: np.ndarray
) -> DaskCollection:
    """Take, lazily, the rows between two positions of each block."""
    import dask.array as da

    kept = np.flatnonzero(stop > start)
    table = np.column_stack([lengths, start, stop])[kept]
    # A block of three numbers for each block of rows.
    picks = da.from_array(table.ravel(), chunks=table.shape[1])
    blocks = x.partitions if kind(x) == "frame" else x.blocks
    counts = (stop - start)[kept].tolist()
    return take_by_block(_take, blocks[kept.tolist()], picks, counts)


def _take(block: Array, pick: Array) -> Array:
    """Take consecutive rows of one block. Runs in a task."""
    n, start, stop = np.asarray(pick).tolist()
    if block.shape[0] != n:
        raise ValueError(blocks_differ(n, block.shape[0]))
    if stop - start == n:
        return block
    return take_rows(block, slice(start, stop))
