# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Dask arrays that say less of themselves, or must not be computed."""

import dask.array as da


def unknown(x):
    """The same array with blocks of unknown lengths."""
    return x[da.ones(x.shape[0], chunks=(x.chunks[0],), dtype=bool)]


def failing(x):
    """The same array, of which no block may be computed."""

    def fail(block):
        raise AssertionError("a block was computed")

    return x.map_blocks(fail, dtype=x.dtype, meta=x._meta)
