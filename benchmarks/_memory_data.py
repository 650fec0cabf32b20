# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Data for `memory.py` and its peer: Dask arrays made chunk by chunk."""

from __future__ import annotations

import dask.array as da
import numpy as np

N_WORKERS, N_FEATURES = 2, 100


def lazy(n_bytes, chunk_bytes=4 * 10**6):
    """X and y of about `n_bytes` together, in chunks of about `chunk_bytes`."""
    row = (N_FEATURES + 1) * 8
    rows = max(100, min(chunk_bytes, n_bytes) // row)
    n_chunks = max(2, round(n_bytes / (rows * row)))
    state = da.random.RandomState(0)
    X = state.normal(size=(n_chunks * rows, N_FEATURES), chunks=(rows, N_FEATURES))
    y = (X[:, :5].sum(axis=1) > 0).astype(np.int64)
    return X, y


def size_of(X, y):
    return X.nbytes + y.nbytes
