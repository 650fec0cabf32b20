# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define gpu_hpo's own errors and warnings; wrong arguments raise ``ValueError``."""

from __future__ import annotations

__all__ = [
    "ClientClosedError",
    "DeviceNotFoundError",
    "GpuHpoError",
    "GpuHpoWarning",
    "NoCounterpartError",
    "NoEffectWarning",
    "NoFiniteScoreError",
    "SharedStateWarning",
    "WorkersLostError",
]


class GpuHpoError(Exception):
    """The base class of all errors of gpu_hpo's own."""


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


class GpuHpoWarning(UserWarning):
    """The base class of all warnings of gpu_hpo's own.

    Warnings that scikit-learn gives in the same place have scikit-learn's category:
    ``FitFailedWarning``, ``ConvergenceWarning``, ``DataConversionWarning``.
    """


class NoEffectWarning(GpuHpoWarning, FutureWarning):
    """An argument that dask-ml had has no effect, and may go in a later version."""


class SharedStateWarning(GpuHpoWarning):
    """Several fits share an object that they may change, since it cannot be copied."""
