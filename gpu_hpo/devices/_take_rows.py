# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Take rows of anything that has rows, where it is."""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
import scipy.sparse

from gpu_hpo._sklearn_private import _safe_indexing
from gpu_hpo._typing import Array
from gpu_hpo.devices._namespace import array_namespace, is_device_array, is_table

# Numbers of rows, or a mark for each.
RowNumbers: TypeAlias = slice | np.ndarray


def take_rows(value: Array, rows: RowNumbers) -> Array:
    """Take rows by their numbers, on their device; only indices move there.

    Of anything that has rows; what has no shape becomes a NumPy array.
    """
    if hasattr(value, "iloc"):
        return value.iloc[rows]
    if type(value).__module__.startswith("cupyx"):
        return value.tocsr()[_at(rows, value)]  # CSR stays as it is
    if scipy.sparse.issparse(value):
        return value[rows]
    if is_table(value):
        return _safe_indexing(value, rows)
    if not hasattr(value, "shape"):
        value = np.asarray(value)
    return value[_at(rows, value)]


def _at(rows: RowNumbers, value: Array) -> slice | Array:
    if isinstance(rows, slice) or not is_device_array(value):
        return rows
    return array_namespace(value).asarray(rows)
