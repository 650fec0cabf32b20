# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define gpu_hpo's own errors and warnings; wrong arguments raise ``ValueError``."""

from __future__ import annotations

__all__ = [
    "ClientClosedError",
    "DeviceNotFoundError",
    "ForkedProcessError",
    "GpuHpoError",
    "GpuHpoWarning",
    "JournalError",
    "JournalInUseError",
    "JournalMismatchError",
    "MissingPackagesError",
    "NoCounterpartError",
    "NoEffectWarning",
    "NoFiniteScoreError",
    "NotPicklableError",
    "SharedStateWarning",
    "UnguardedScriptError",
    "WorkersLostError",
]


class GpuHpoError(Exception):
    """The base class of gpu_hpo's own errors."""


class ClientClosedError(GpuHpoError, RuntimeError, ValueError):
    """The Dask client was closed, or lost its scheduler, before or during a search."""


class DeviceNotFoundError(GpuHpoError, RuntimeError):
    """A GPU was asked for, but there is none, or a library to use it is missing."""


class ForkedProcessError(GpuHpoError, RuntimeError):
    """Dask is asked for in a process that was forked while Dask was running."""


class JournalError(GpuHpoError, ValueError):
    """A journal cannot be read, written or gone on with."""


class JournalInUseError(JournalError):
    """Another search writes the journal."""


class JournalMismatchError(JournalError):
    """A journal has another search than the one that it is given to."""


class MissingPackagesError(GpuHpoError, RuntimeError):
    """Workers lack a package that a search needs, or have another Python."""


class UnguardedScriptError(GpuHpoError, RuntimeError):
    """Worker processes would run the script that starts them, and start others."""


class WorkersLostError(GpuHpoError, RuntimeError):
    """No worker is left to search on, or several have died of one candidate."""


class NoCounterpartError(GpuHpoError, ValueError):
    """An estimator, or a parameter's value, exists in only one of two libraries."""


class NotPicklableError(GpuHpoError, TypeError):
    """A fitted object cannot leave the process that made it."""


class NoFiniteScoreError(GpuHpoError, ValueError):
    """Every trial failed, or no score was finite."""


class GpuHpoWarning(UserWarning):
    """The base class of gpu_hpo's own warnings.

    Warnings that scikit-learn gives in the same place have scikit-learn's category:
    ``FitFailedWarning``, ``ConvergenceWarning``, ``DataConversionWarning``.
    """


class NoEffectWarning(GpuHpoWarning, FutureWarning):
    """An argument of dask-ml's has no effect, and may be removed in a later version."""


class SharedStateWarning(GpuHpoWarning):
    """Several fits share an object with a state, since it cannot be copied."""
