# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say what models want of rows in GPU memory, and move rows there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from dask.base import is_dask_collection

from gpu_hpo._typing import ArrayLike
from gpu_hpo.data._blocks import is_per_row
from gpu_hpo.devices._namespace import (
    array_namespace,
    is_device_array,
    to_device,
    to_host,
)


@dataclass(frozen=True)
class OnDevice:
    """What models want of rows in GPU memory.

    Attributes
    ----------
    column_major : bool
        Whether dense X is stored by columns; some models would else copy it at every
        fit.
    finite : bool
        Whether X must be free of NaN and infinity.
    """

    column_major: bool = False
    finite: bool = True

    def in_order(self, X: Any) -> Any:
        """Return X, on a device already, by columns if that is wanted."""
        # Frames have flags of another kind, and are stored by columns anyway.
        if self.column_major and hasattr(X, "flags") and not hasattr(X, "iloc"):
            return array_namespace(X).asfortranarray(X)
        return X

    def moved(self, X: ArrayLike) -> Any:
        """Move X to the current device, in the order that is wanted."""
        return self.in_order(to_device(X))


def moved_y(y: ArrayLike | None, labels: np.ndarray | None = None) -> Any:
    """Move y to the current device: the numbers of its labels, if these are given."""
    if y is None:
        return None
    if labels is not None:
        y = np.searchsorted(labels, np.asarray(to_host(y)))
    return to_device(y)


def moved_params(params: Mapping[str, Any], n_rows: int) -> dict[str, Any]:
    """Move parameters that have a number per row, such as weights; leave others."""
    return {
        name: to_device(value if hasattr(value, "dtype") else np.asarray(value))
        if is_per_row(value, n_rows) and holds_numbers(value)
        else value
        for name, value in params.items()
    }


def holds_numbers(X: Any) -> bool:
    """Return whether a device can hold this data, as far as its types tell.

    Parameters
    ----------
    X : array-like or Dask collection
        Of a Dask collection of unknown kind nothing is known, and numbers are assumed.
    """
    if is_dask_collection(X):
        X = getattr(X, "_meta", None)
    if X is None or is_device_array(X):
        return True
    if hasattr(X, "dtypes"):
        return all(_is_number(dtype) for dtype in X.dtypes)
    if not hasattr(X, "dtype"):
        try:
            X = np.asarray(X)
        except ValueError:  # of a ragged list
            return False
    return _is_number(X.dtype)


def _is_number(dtype: Any) -> bool:
    # No GPU has floats of more than eight bytes.
    known = isinstance(dtype, np.dtype) and dtype.kind in "biuf"
    return known and dtype.itemsize <= 8
