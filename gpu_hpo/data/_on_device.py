# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Say what models want of rows in GPU memory, and move rows there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from gpu_hpo._typing import ArrayLike
from gpu_hpo.devices._namespace import array_namespace, to_device


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
        if self.column_major and getattr(X, "flags", None) is not None:
            return array_namespace(X).asfortranarray(X)
        return X

    def moved(self, X: ArrayLike) -> Any:
        """Move X to the current device, in the order that is wanted."""
        return self.in_order(to_device(X))
