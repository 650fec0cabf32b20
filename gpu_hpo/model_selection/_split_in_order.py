# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Split Dask collections into first and last rows, which keeps their time order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gpu_hpo.devices._take_rows import take_rows
from gpu_hpo.model_selection._row_blocks import kind


class OrderedCut:
    """The place where collections are cut in two, between two rows.

    Parameters
    ----------
    lengths : sequence of int
        Rows of each block.
    n_first : int
        Rows before the cut.
    differ : callable
        Makes the message for a block of another length than is written here, of both.
    """

    def __init__(
        self, lengths: Sequence[int], n_first: int, differ: Callable[[int, int], str]
    ) -> None:
        self._lengths = np.asarray(lengths, dtype=np.int64)
        ends = np.cumsum(self._lengths)
        self._cuts = np.clip(n_first - (ends - self._lengths), 0, self._lengths)
        self._differ = differ

    def take(self, x: Any, *, last: bool) -> Any:
        """Take lazily the rows before the cut, or those from there to the end.

        Parameters
        ----------
        x : dask array, frame or series
            In these blocks. What is computed is checked for their lengths.
        last : bool

        Returns
        -------
        dask array, frame or series
            Without blocks that have no row; an array's chunk sizes are known.
        """
        import dask.array as da

        start = self._cuts if last else np.zeros_like(self._cuts)
        stop = self._lengths if last else self._cuts
        kept = np.flatnonzero(stop > start)
        table = np.column_stack([self._lengths, start, stop])[kept]
        # A block of three numbers for each block of rows.
        picks = da.from_array(table.ravel(), chunks=table.shape[1])
        if kind(x) == "frame":
            import dask.dataframe as dd

            return x.partitions[kept.tolist()].map_partitions(
                _take,
                dd.from_dask_array(picks),
                differ=self._differ,
                meta=x._meta,
                align_dataframes=False,
            )
        axes = tuple(range(x.ndim))
        return da.blockwise(
            _take,
            axes,
            x.blocks[kept.tolist()],
            axes,
            picks,
            (0,),
            differ=self._differ,
            adjust_chunks={0: tuple((stop - start)[kept].tolist())},
            align_arrays=False,
            dtype=x.dtype,
            meta=x._meta,
        )


def _take(block: Any, pick: Any, differ: Callable[[int, int], str]) -> Any:
    """Take consecutive rows of one block. Runs in a task."""
    n, start, stop = np.asarray(pick).tolist()
    if block.shape[0] != n:
        raise ValueError(differ(n, block.shape[0]))
    if stop - start == n:
        return block
    return take_rows(block, slice(start, stop))
