# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Move chunks into GPU memory."""

from __future__ import annotations

from collections.abc import Iterator
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
        If X, y or weights have NaN or infinity, and `wanted.finite`.
    """
    moved = dict(chunk)
    if labels is not None:
        moved["y"] = np.searchsorted(labels, to_host(chunk["y"]))
    moved = {
        name: value if name == ROLES else to_device(value)
        for name, value in moved.items()
    }
    if wanted.finite:
        _check_finite(moved)
    moved["X"] = wanted.in_order(moved["X"])
    return moved


def _check_finite(chunk: Chunk) -> None:
    """Look at all that models in a task look at no more."""
    looked = {
        name: list(_finite(value))
        for name, value in chunk.items()
        if name in ("X", "y") or name.endswith("sample_weight")
    }
    flags = [flag for of_one in looked.values() for flag in of_one]
    waiting = [flag for flag in flags if not isinstance(flag, bool)]
    # The host waits once.
    xp = array_namespace(*waiting)
    seen = iter(to_host(xp.stack(waiting)).tolist() if waiting else [])
    for name, of_one in looked.items():
        if not all(f if isinstance(f, bool) else next(seen) for f in of_one):
            raise ValueError(
                f"{name} has NaN or infinity, which the estimator does not accept; "
                "impute, or leave those rows out"
            )


def _finite(values: Any) -> Iterator[Any]:
    """Yield whether all is finite, as flags that may be on the device.

    Columns are looked at one by one: an array of all would take their memory again.
    """
    if hasattr(values, "iloc"):
        n_columns = values.shape[1] if values.ndim == 2 else 0
        for column in [values.iloc[:, i] for i in range(n_columns)] or [values]:
            if isinstance(column.dtype, np.dtype) and column.dtype.kind == "f":
                # With NaN where a number is missing.
                yield array_namespace(column.values).isfinite(column.values).all()
            else:
                yield not column.hasnans
        return
    numbers = values.data if hasattr(values, "indptr") else values
    if getattr(numbers, "dtype", np.dtype(object)).kind == "f":
        yield array_namespace(numbers).isfinite(numbers).all()


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
