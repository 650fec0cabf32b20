# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""The errors of gpu_hpo's own; wrong arguments raise ``ValueError`` as usual."""

from __future__ import annotations

__all__ = [
    "ClientClosedError",
    "DeviceNotFoundError",
    "GpuHpoError",
    "NoCounterpartError",
    "NoFiniteScoreError",
    "WorkersLostError",
]


class GpuHpoError(Exception):
    """What every error of gpu_hpo's own derives from."""


class ClientClosedError(GpuHpoError, RuntimeError):
    """The Dask client was closed while a search was using it."""


class DeviceNotFoundError(GpuHpoError, RuntimeError):
    """A GPU was asked for where there is none, or nothing that could drive it."""


class WorkersLostError(GpuHpoError, RuntimeError):
    """There is no worker left to search on."""


class NoCounterpartError(GpuHpoError, ValueError):
    """An estimator, or a parameter's value, exists in one of two libraries only."""


class NoFiniteScoreError(GpuHpoError, ValueError):
    """Every trial failed, or no score was finite."""
