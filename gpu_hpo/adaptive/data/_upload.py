# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Move chunks into GPU memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from gpu_hpo.data._chunk import ROLES, Chunk
from gpu_hpo.data._on_device import OnDevice
from gpu_hpo.devices._namespace import array_namespace, synchronize, to_device, to_host
from gpu_hpo.devices._ranges import annotated
from gpu_hpo.devices._streams import own_stream


def chunk_to_device(
    chunk: Chunk, wanted: OnDevice, labels: np.ndarray | None = None
) -> Chunk:
    """Move a chunk into this worker's GPU memory; arrays that are there stay.

    Parameters
    ----------
    chunk : Chunk
    wanted : OnDevice
    labels : ndarray, optional
        All labels of y, sorted. If given, y becomes their numbers, as a GPU has no
        strings.

    Raises
    ------
    ValueError
        If X has NaN or infinity, and `wanted.finite`.
    """
    moved = dict(chunk)
    if labels is not None:
        moved["y"] = np.searchsorted(labels, to_host(chunk["y"]))
    moved = {
        name: value if name == ROLES else to_device(value)
        for name, value in moved.items()
    }
    X = moved["X"]
    if wanted.finite:
        _check_finite(X)
    moved["X"] = wanted.in_order(X)
    return moved


def _check_finite(X: Any) -> None:
    values = X.data if hasattr(X, "indptr") else X
    if hasattr(values, "iloc"):
        finite = _columns_are_finite(values)
    elif values.dtype.kind != "f":
        finite = True
    else:
        finite = bool(array_namespace(values).isfinite(values).all())
    if not finite:
        raise ValueError(
            "X has NaN or infinity, which the estimator does not accept; impute, or "
            "leave those rows out"
        )


def _columns_are_finite(frame: Any) -> bool:
    """Look at the columns one by one: an array of all would take their memory again."""
    floats = []
    for i in range(frame.shape[1]):
        column = frame.iloc[:, i]
        if isinstance(column.dtype, np.dtype) and column.dtype.kind == "f":
            floats.append(column.values)  # with NaN where a number is missing
        elif column.hasnans:
            return False
    if not floats:
        return True
    xp = array_namespace(*floats)
    # The host waits once.
    return bool(xp.stack([xp.isfinite(column).all() for column in floats]).all())


@dataclass(frozen=True)
class Upload:
    """Brings a chunk into GPU memory, in a task."""

    wanted: OnDevice
    labels: np.ndarray | None

    def __call__(self, chunk: Chunk) -> Chunk:
        with annotated("upload"), own_stream():
            moved = chunk_to_device(chunk, self.wanted, self.labels)
            # Another thread trains on it, in another CUDA stream.
            synchronize()
        return moved
