# SPDX-FileCopyrightText: Copyright (c) 2026, gpu_hpo developers
# SPDX-License-Identifier: Apache-2.0
"""Define what an engine has to say: scores, failures, ends of trials, and the time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gpu_hpo.report._ledger import reason_of


@dataclass(frozen=True, slots=True)
class Record:
    """One score of one trial.

    Attributes
    ----------
    trial, calls : int
    score : float
    metrics : dict of str to float
    fit_seconds, score_seconds : float
        Spent since the trial's previous record.
    elapsed : float
        Seconds since the search began.
    worker : str
    splits : tuple of dict
        Metrics by split, of which `metrics` are the means.
    """

    trial: int
    calls: int
    score: float
    metrics: Mapping[str, float]
    fit_seconds: float
    score_seconds: float
    elapsed: float
    worker: str
    splits: tuple[Mapping[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class TrialFailure:
    """The end of a trial that did not complete.

    Attributes
    ----------
    trial : int
    status : {"failed", "lost", "timeout"}
        Its model raised; or workers died while they trained nothing else; or a call
        took longer than it may.
    error : str
        Traceback or explanation.
    worker : str
    asked : int
        Calls that it was to reach next.
    elapsed : float
        Seconds since the search began.
    """

    trial: int
    status: str
    error: str
    worker: str
    asked: int = 0
    elapsed: float = 0.0

    @property
    def reason(self) -> str:
        """Kind and first line of the exception that a traceback ends with."""
        return reason_of(self.error)


@dataclass(frozen=True, slots=True)
class Ended:
    """A trial will train no more: dropped, failed, or at the end of its schedule.

    Attributes
    ----------
    trial : int
    """

    trial: int


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed, and no task has reported.

    Attributes
    ----------
    elapsed : float
        Seconds since the search began.
    """

    elapsed: float


@dataclass(frozen=True, slots=True)
class Recalled:
    """A score or a failure that an earlier run of the search has found.

    Attributes
    ----------
    news : Record or TrialFailure
    """

    news: Record | TrialFailure


News = Record | TrialFailure | Recalled | Ended | Tick
