# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Rows that a model may change: copies, since all models of a worker share theirs."""

from __future__ import annotations

from typing import Any

from gpu_hpo.data import Chunk
from gpu_hpo.devices import harms_rows


def rows_for(model: Any, rows: Chunk) -> Chunk:
    """Rows to give to `model`: its own, if it would change those that others read."""
    if not harms_rows(model):
        return rows
    return {name: _copied(value) for name, value in rows.items()}


def _copied(value: Any) -> Any:
    # Column-major rows stay so, or they would be copied once more.
    return value.copy(order="K") if hasattr(value, "flags") else value.copy()
